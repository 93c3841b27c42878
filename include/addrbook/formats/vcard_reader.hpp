/// VCardReader: finds the cards in a text that arrives in pieces, and reads them.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/charset.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/formats/vcard_frame.hpp>
#include <addrbook/formats/vcard_lines.hpp>
#include <addrbook/formats/vcard_parameters.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_upgrade.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Takes what a VCardReader finds, in the order of the input. May throw: the reader can't be used
/// then.
class VCardSink : private Pinned {
 public:
  virtual ~VCardSink() = default;

  /// Each parameter has a name of its own; they are sorted by it.
  virtual void card(VCard card, const RecordPlace& place) = 0;
  virtual void failed(RecordProblem problem) = 0;
  virtual void warning(RecordProblem problem) = 0;
};

/// Reads vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), as programs write them. What stands between
/// cards is ignored. A problem's place is that of the card; a message about one line begins with
/// "line N: ".
/// @par Thread safety  one call at a time.
/// @par Memory         a few times ReadLimits::max_record_bytes
class VCardReader : private Pinned {
 public:
  /// Of one card. More would only repeat what is wrong.
  static constexpr int max_warnings = 20;

  /// @param sink  outlives the reader
  VCardReader(VCardSink& sink, const ReadLimits& limits) noexcept : sink_(sink), limits_(limits) {}

  /// As RecordReader::read().
  void read(std::string_view bytes) {
    input_.read(bytes, [this](std::string_view text) { take(text); });
  }

  /// @throws Error{invalid} if there was a text, and no BEGIN:VCARD
  void finish();

  [[nodiscard]] std::size_t memory() const noexcept { return card_.capacity(); }

 private:
  enum class State {
    between,
    in_card,
    in_lost_card,  // one that has failed
  };

  void take(std::string_view text);
  void take_part_of_line(std::string_view part);
  void end_line();
  void end_pending_lines();
  void begin_card();
  void end_card();
  void fail(std::string reason);
  void fail_for_size() { fail("over " + std::to_string(limits_.max_record_bytes) + " bytes"); }
  void warn(std::uint64_t line, std::string_view reason);

  VCardSink& sink_;
  ReadLimits limits_;
  TextInput input_;
  CharsetConverter charsets_;

  State state_ = State::between;
  RecordPlace place_;                 // of the card
  std::uint64_t cards_ = 0;           // that have begun
  bool has_text_ = false;             // other than white space
  std::uint64_t line_ = 1;            // that is being read
  std::size_t carriage_returns_ = 0;  // that nothing has followed yet
  std::string card_;                  // its lines, each ended by '\n'
  std::size_t line_start_ = 0;        // in card_
  std::string head_;                  // of a line that is in no card: as much as tells what it is
  std::size_t depth_ = 0;             // of cards inside the card
  bool is_behind_agent_ = false;
  int warnings_ = 0;
};

// ---------------------------------------------------------------------------------------------

inline void VCardReader::take(std::string_view text) {
  while (!text.empty()) {
    const char first = text.front();
    if (first == '\r') {
      ++carriage_returns_;
      text.remove_prefix(1);
    } else if (first == '\n') {
      // One line end, and so are two carriage returns before it: a conversion that was done twice.
      carriage_returns_ = carriage_returns_ > 2 ? carriage_returns_ - 1 : 1;
      end_pending_lines();
      text.remove_prefix(1);
    } else {
      end_pending_lines();
      const std::string_view part = text.substr(0, text.find_first_of("\r\n"));
      take_part_of_line(part);
      text.remove_prefix(part.size());
    }
  }
}

inline void VCardReader::end_pending_lines() {
  for (; carriage_returns_ > 0; --carriage_returns_) end_line();
}

inline void VCardReader::take_part_of_line(std::string_view part) {
  if (state_ == State::in_card) {
    if (card_.size() + part.size() <= limits_.max_record_bytes) {
      card_ += part;
      return;
    }
    std::string line = card_.substr(line_start_);
    fail_for_size();
    head_ = std::move(line);
  }
  constexpr std::size_t longest_head = 1024;
  if (head_.size() > longest_head) head_.resize(longest_head);
  head_ += part.substr(0, longest_head - head_.size());
}

inline void VCardReader::end_line() {
  const bool is_in_card = state_ == State::in_card;
  std::string_view line = is_in_card ? std::string_view(card_).substr(line_start_) : head_;
  // Files that were joined may each begin with a byte order mark.
  constexpr std::string_view bom = "\xEF\xBB\xBF";
  if (!is_in_card && line.substr(0, bom.size()) == bom) line.remove_prefix(bom.size());
  const VCardMark mark = vcard_mark(line);
  const bool is_empty = trim(line).empty();
  if (state_ != State::between) {
    if (mark == VCardMark::agent_begin || (mark == VCardMark::begin && is_behind_agent_)) {
      ++depth_;
    } else if (mark == VCardMark::begin) {
      if (is_in_card) fail("no END:VCARD");
      state_ = State::between;
    } else if (mark == VCardMark::end && depth_ > 0) {
      --depth_;
    } else if (mark == VCardMark::end) {
      if (is_in_card) {
        card_.resize(line_start_);
        end_card();
      }
      state_ = State::between;
    }
  }
  if (!is_empty) {
    is_behind_agent_ = mark == VCardMark::agent;
    has_text_ = true;
  }
  if (state_ == State::in_card) {
    if (card_.size() < limits_.max_record_bytes) {
      card_ += '\n';
      line_start_ = card_.size();
    } else {
      fail_for_size();
    }
  }
  if (state_ == State::between && mark == VCardMark::begin) begin_card();
  head_.clear();
  ++line_;
}

inline void VCardReader::begin_card() {
  state_ = State::in_card;
  place_ = {cards_++, line_};
  line_start_ = 0;
  depth_ = 0;
  is_behind_agent_ = false;
  warnings_ = 0;
}

inline void VCardReader::fail(std::string reason) {
  state_ = State::in_lost_card;
  std::string().swap(card_);
  sink_.failed({place_, std::move(reason)});
}

inline void VCardReader::warn(std::uint64_t line, std::string_view reason) {
  if (++warnings_ > max_warnings) return;
  std::string message = "line " + std::to_string(line) + ": ";
  message += reason;
  if (warnings_ == max_warnings) message += "; what else is wrong is not listed";
  sink_.warning({place_, std::move(message)});
}

/// @returns what a line takes in memory, as RecordBudget counts it
[[nodiscard]] inline std::size_t bytes_of(const VCardLine& line) noexcept {
  std::size_t nodes = 1;
  for (const VCardParameter& each : line.parameters) nodes += 1 + each.values.size();
  return line.value.size() + nodes * RecordBudget::node_bytes;
}

inline void VCardReader::end_card() {
  const std::string text = std::exchange(card_, std::string());
  const std::string_view version = vcard_version(text);
  const bool is_old = version.empty() ? looks_like_vcard_2_1(text) : version < "3";
  VCardUpgrade upgrade({is_old, input_.is_utf16()}, charsets_,
                       [this](std::uint64_t line, const char* reason) { warn(line, reason); });
  VCard card;
  RecordBudget budget(limits_);
  VCardLines lines(text, place_.line + 1, is_old);
  for (;;) {
    switch (lines.next()) {
      case VCardLines::Next::end:
        VCardUpgrade::finish(card);
        sink_.card(std::move(card), place_);
        return;
      case VCardLines::Next::junk: warn(lines.number(), "no property, and left out"); continue;
      case VCardLines::Next::too_many_parameters:
        return fail("line " + std::to_string(lines.number()) + ": over " +
                    std::to_string(max_vcard_parameters) + " parameters");
      case VCardLines::Next::line: break;
    }
    VCardLine& line = lines.line();
    if (!budget.can_spend(bytes_of(line))) {
      return fail("line " + std::to_string(lines.number()) +
                  ": too many properties or parameters for " +
                  std::to_string(limits_.max_record_bytes) + " bytes");
    }
    if (line.name == "VERSION") continue;
    if (line.name == "BEGIN" || line.name == "END") {
      warn(line.line, "no part of a card, and left out");
      continue;
    }
    card.properties.push_back(upgrade.property(std::move(line), lines.inner_card()));
  }
}

inline void VCardReader::finish() {
  input_.finish([this](std::string_view text) { take(text); });
  end_pending_lines();
  if (!head_.empty() || (state_ == State::in_card && card_.size() > line_start_)) end_line();
  if (state_ == State::in_card) fail("no END:VCARD");
  if (cards_ == 0 && has_text_)
    throw Error(Errc::invalid, "not a vCard file: no BEGIN:VCARD in it");
}

}  // namespace addrbook::detail
