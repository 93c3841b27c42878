/// ConfigKey: one setting of a configuration, and how values are read from text.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Why a value is refused. Thrown where the key and its place are not known.
struct BadValue {
  std::string reason;
};

/// The members of a map in a list of maps; the items of a list are joined by commas.
using ConfigMap = std::map<std::string, std::string>;

/// One setting. Its functions throw BadValue.
struct ConfigKey {
  std::string name;
  std::function<void(const std::string&)> set;  ///< parses a value; for a list, appends an item
  std::function<void()> clear = {};             ///< for a list only: empties it
  /// For a list whose items are maps in the file: the members that each must have.
  std::vector<std::string> members = {};
  std::function<void(const ConfigMap&)> set_map = {};  ///< appends such an item
  std::vector<std::string> lists = {};  ///< its further members, lists that may be left out
  bool is_choice = false;  ///< the section must hold exactly one of its keys; the value may be null
  bool is_bare = false;    ///< has no value: an empty environment variable sets it, too
  std::string section = {};  ///< set by in_section()

  [[nodiscard]] std::string path() const { return section + "." + name; }

  /// The environment variable that overrides the setting.
  [[nodiscard]] std::string variable() const {
    std::string upper = "ADDRBOOK_" + section + "_" + name;
    for (char& c : upper) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    }
    return upper;
  }

  /// Sets the value from an environment variable, where commas separate the items of a list.
  void set_text(std::string_view text) const {
    if (!clear) {
      set(std::string(text));
      return;
    }
    clear();
    if (text.empty()) return;
    for (int item = 1;; ++item) {
      const bool is_last = text.find(',') == std::string_view::npos;
      try {
        set(std::string(trim(cut(text, ','))));
      } catch (const BadValue& bad) {
        throw BadValue{"item " + std::to_string(item) + ": " + bad.reason};
      }
      if (is_last) return;
    }
  }
};

/// @returns  `keys` as those of one section
[[nodiscard]] inline std::vector<ConfigKey> in_section(const std::string& section,
                                                       std::vector<ConfigKey> keys) {
  for (ConfigKey& key : keys) key.section = section;
  return keys;
}

[[nodiscard]] inline std::uint64_t parse_integer(std::string_view text, std::uint64_t min,
                                                 std::uint64_t max) {
  const auto value = parse_decimal(text);
  if (value && *value >= min && *value <= max) return *value;
  std::string reason =
      "must be an integer from " + std::to_string(min) + " to " + std::to_string(max);
  constexpr std::size_t max_shown = 32;
  if (text.size() <= max_shown && std::none_of(text.begin(), text.end(), is_control)) {
    reason.append(", not '").append(text).append("'");
  }
  throw BadValue{reason};
}

template <class Enumerator>
[[nodiscard]] Enumerator parse_choice(
    std::string_view text, const std::vector<std::pair<std::string, Enumerator>>& choices) {
  std::string names;
  for (const auto& [name, enumerator] : choices) {
    if (text == name) return enumerator;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  throw BadValue{"must be one of: " + names};
}

enum class Emptiness { allowed, refused };

[[nodiscard]] inline std::string parse_line(const std::string& text, Emptiness emptiness) {
  if (text.empty() && emptiness == Emptiness::refused) throw BadValue{"must not be empty"};
  if (std::any_of(text.begin(), text.end(), is_control)) {
    throw BadValue{"must be one line, without control characters"};
  }
  return text;
}

// The values of ConfigKey::set. Each refers to the member that it sets.

template <class Integer>
[[nodiscard]] auto integer(Integer& member, std::uint64_t min, std::uint64_t max) {
  return [&member, min, max](const std::string& text) {
    member = static_cast<Integer>(parse_integer(text, min, max));
  };
}

/// From 1 ms to a day.
[[nodiscard]] inline auto milliseconds(std::chrono::milliseconds& member) {
  return [&member](const std::string& text) {
    constexpr std::chrono::milliseconds max = std::chrono::hours(24);
    member = std::chrono::milliseconds(parse_integer(text, 1, std::uint64_t{max.count()}));
  };
}

/// Up to ten years.
[[nodiscard]] inline auto hours(std::chrono::hours& member) {
  return [&member](const std::string& text) {
    constexpr std::uint64_t max = 87'600;
    member = std::chrono::hours(parse_integer(text, 0, max));
  };
}

[[nodiscard]] inline auto line(std::string& member, Emptiness emptiness = Emptiness::refused) {
  return [&member, emptiness](const std::string& text) { member = parse_line(text, emptiness); };
}

template <class Enumerator>
[[nodiscard]] auto choice(Enumerator& member,
                          std::vector<std::pair<std::string, Enumerator>> choices) {
  return [&member, choices = std::move(choices)](const std::string& text) {
    member = parse_choice(text, choices);
  };
}

[[nodiscard]] inline auto boolean(bool& member) {
  return choice<bool>(member, {{"true", true}, {"false", false}});
}

}  // namespace addrbook::detail
