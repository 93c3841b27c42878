/// What a callback of on_change() has been told.
#pragma once

#include <support/hold_up.hpp>

#include <addrbook/changes.hpp>

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace test {

/// @returns e.g. "a 1 -> 3" for a change of a document {"n":1}, "a 3 -> " for a removal, "a -> 1"
///          for a new one, "a ? -> 1" if it is not known, "missed since 7"
inline std::string text_of(const addrbook::ChangeEvent& event) {
  if (event.missed_since) return "missed since " + std::to_string(event.missed_since->revision);
  const auto number = [](const addrbook::Entry& entry) {
    const std::string& text = entry.document.text();
    const auto from = text.find(':') + 1;
    return text.substr(from, text.size() - from - 1);
  };
  std::string text = event.id + " ";
  if (event.before) text += number(*event.before) + " ";
  if (!event.is_before_known) text += "? ";
  return text + "->" + (event.after ? " " + number(*event.after) : "");
}

/// @par Thread safety  any thread
class ChangeLog {
 public:
  /// Is called before each event is noted.
  std::function<void(const addrbook::ChangeEvent&)> before = [](const auto&) {};

  [[nodiscard]] addrbook::ChangeCallback callback() {
    return [this](const addrbook::ChangeEvent& event) {
      before(event);
      {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
      }
      arrivals_.add();
    };
  }
  /// @returns the first events, as soon as there are as many
  [[nodiscard]] std::vector<addrbook::ChangeEvent> events(std::size_t count) {
    arrivals_.wait_for(count);
    const std::lock_guard lock(mutex_);
    return events_;
  }
  /// As text_of(), a line each.
  [[nodiscard]] std::string lines(std::size_t count) {
    std::string lines;
    for (const auto& event : events(count)) lines += text_of(event) + "\n";
    return lines;
  }

 private:
  std::mutex mutex_;
  std::vector<addrbook::ChangeEvent> events_;
  Arrivals arrivals_;
};

}  // namespace test
