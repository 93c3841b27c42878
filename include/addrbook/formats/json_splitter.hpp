/// JsonSplitter: a JSON text as its parts, read as it arrives.
#pragma once

#include <addrbook/base/hex.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// A part of a JSON text that holds several values.
struct JsonPart {
  RecordPlace place;
  std::string text;                ///< of the value, not checked; without white space around it
  std::optional<std::string> key;  ///< the characters of a member's name; nothing for an element
};

/// Splits an array into its elements, and an object into itself or its members. Only brackets and
/// strings are followed: whoever takes a part checks it (Document::parse()). A part that is broken
/// costs no other, if its brackets and quotes are in pairs. A byte order mark is passed over. An
/// end within the array or object, or a text behind it, is one more record that fails, and the
/// last.
/// @par Thread safety  one call at a time.
class JsonSplitter {
 public:
  /// What an object is that is no element of an array.
  enum class Objects {
    whole,    ///< one part
    members,  ///< each member is one part, its name the key
  };

  /// @param on_part  is given one part after the other; may throw: the splitter can't be used then
  /// @param sink     is told of what fails; outlives the splitter
  JsonSplitter(std::function<void(JsonPart)> on_part, RecordSink& sink, const ReadLimits& limits,
               Objects objects)
      : on_part_(std::move(on_part)), sink_(sink), limits_(limits), objects_(objects) {}

  /// @throws Error{invalid} if the text begins with neither `[` nor `{`; no part was found then
  inline void read(std::string_view bytes);
  /// Takes the end of the text. @throws Error{invalid} as read()
  inline void finish();

  /// @returns the bytes that are held
  [[nodiscard]] std::size_t memory() const noexcept { return text_.capacity() + key_.capacity(); }

 private:
  enum class State {
    start,         // before the bracket of the array or the object
    before_first,  // its closing bracket may follow
    before_part,
    in_part,
    ended,  // only white space may follow
    ignoring
  };
  enum class Frame { array, object, none };

  inline void start(char c);
  inline void begin_part();
  [[nodiscard]] inline std::size_t read_string(std::string_view bytes);
  [[nodiscard]] inline std::size_t read_part(std::string_view bytes);
  inline void take(std::string_view bytes);
  inline void end_part(State next);
  [[nodiscard]] std::string within() const {
    return frame_ == Frame::array ? "the array" : "the object";
  }
  void fail(std::string message) { sink_.failed({place_, std::move(message)}); }

  std::function<void(JsonPart)> on_part_;
  RecordSink& sink_;
  ReadLimits limits_;
  Objects objects_;
  State state_ = State::start;
  std::size_t bom_ = 0;  // the bytes of a byte order mark that were read
  Frame frame_ = Frame::none;
  std::uint64_t line_ = 1;  // of the next byte
  std::uint64_t next_ = 0;  // index of the next part

  // Of the part that is being read.
  RecordPlace place_;
  std::size_t depth_ = 0;  // of its open brackets
  bool is_in_string_ = false;
  bool is_escaped_ = false;
  bool is_too_long_ = false;  // it has failed, and is passed over
  bool has_key_ = false;
  std::string key_;  // as it stands, with its quotes
  std::string text_;
};

// ---------------------------------------------------------------------------------------------

inline void JsonSplitter::read(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::ignoring) {
    const char c = bytes.front();
    const bool is_space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    std::size_t size = 1;
    if (state_ == State::in_part) {
      size = is_in_string_ ? read_string(bytes) : read_part(bytes);
    } else if (!is_space) {
      switch (state_) {
        case State::start: start(c); break;
        case State::ended:
          begin_part();
          fail("text behind " + within());
          state_ = State::ignoring;
          break;
        default:
          if (state_ == State::before_first && c == (frame_ == Frame::array ? ']' : '}')) {
            state_ = State::ended;
          } else {
            begin_part();
            size = 0;
          }
      }
    }
    const auto read = bytes.substr(0, size);
    line_ += static_cast<std::uint64_t>(std::count(read.begin(), read.end(), '\n'));
    bytes.remove_prefix(size);
  }
}

inline void JsonSplitter::start(char c) {
  constexpr std::string_view bom = "\xEF\xBB\xBF";
  if (bom_ < bom.size() && c == bom[bom_]) {
    ++bom_;
    return;
  }
  const bool is_cut_bom = bom_ != 0 && bom_ != bom.size();
  if ((c != '[' && c != '{') || is_cut_bom) {
    throw Error(Errc::invalid, "neither a JSON array nor an object: its first byte is 0x" +
                                   hex(is_cut_bom ? bom.substr(0, 1) : std::string_view(&c, 1)));
  }
  if (c == '{' && objects_ == Objects::whole) {
    begin_part();
    take("{");
    depth_ = 1;
    return;
  }
  frame_ = c == '[' ? Frame::array : Frame::object;
  state_ = State::before_first;
}

inline void JsonSplitter::finish() {
  switch (state_) {
    case State::start:
      if (bom_ % 3 != 0) start('\0');
      break;
    case State::in_part:
      // What needs no closing bracket any more is whole.
      if (depth_ == 0 && !is_in_string_ && !text_.empty()) {
        end_part(State::before_part);
        begin_part();
      }
      [[fallthrough]];
    case State::before_first:
    case State::before_part:
      if (state_ != State::in_part) begin_part();
      if (!is_too_long_) fail("the text ends within " + within());
      break;
    case State::ended:
    case State::ignoring: break;
  }
  state_ = State::ignoring;
}

inline void JsonSplitter::begin_part() {
  state_ = State::in_part;
  place_ = {next_++, line_};
  depth_ = 0;
  is_in_string_ = is_escaped_ = is_too_long_ = has_key_ = false;
  key_.clear();
  text_.clear();
}

inline std::size_t JsonSplitter::read_string(std::string_view bytes) {
  std::size_t size = 0;
  while (size < bytes.size() && is_in_string_) {
    const char c = bytes[size++];
    if (is_escaped_) {
      is_escaped_ = false;
    } else {
      is_escaped_ = c == '\\';
      is_in_string_ = c != '"';
    }
  }
  take(bytes.substr(0, size));
  return size;
}

/// Reads what stands outside strings, up to where one begins or the part ends.
inline std::size_t JsonSplitter::read_part(std::string_view bytes) {
  std::size_t taken = 0;
  const auto take_until = [&](std::size_t end) {
    take(bytes.substr(taken, end - taken));
    taken = end;
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    switch (const char c = bytes[i]) {
      case '"':
        is_in_string_ = true;
        take_until(i + 1);
        return taken;
      case '{':
      case '[': ++depth_; break;
      case '}':
      case ']':
        if (depth_ == 0) {
          // Of the wrong kind it is a part of what is broken.
          if (c != (frame_ == Frame::array ? ']' : '}')) break;
          take_until(i);
          end_part(State::ended);
          return i + 1;
        }
        if (--depth_ != 0 || frame_ != Frame::none) break;
        take_until(i + 1);
        end_part(State::ended);
        return taken;
      case ',':
        if (depth_ != 0) break;
        take_until(i);
        end_part(State::before_part);
        return i + 1;
      case ':':
        if (depth_ != 0 || frame_ != Frame::object || has_key_) break;
        take_until(i);
        has_key_ = true;
        key_.swap(text_);
        taken = i + 1;
        break;
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        if (depth_ != 0) break;
        take_until(i);
        taken = i + 1;
        break;
      default: break;
    }
  }
  take_until(bytes.size());
  return taken;
}

inline void JsonSplitter::take(std::string_view bytes) {
  if (is_too_long_) return;
  if (bytes.size() <= limits_.max_record_bytes - key_.size() - text_.size()) {
    text_.append(bytes);
    return;
  }
  is_too_long_ = true;
  key_ = std::string();
  text_ = std::string();
  fail("a record of more than " + std::to_string(limits_.max_record_bytes) + " bytes");
}

inline void JsonSplitter::end_part(State next) {
  state_ = next;
  if (is_too_long_) return;
  if (frame_ == Frame::object && !has_key_) return fail("a member without a name");
  if (text_.empty()) return fail("no value");
  JsonPart part{place_, std::move(text_), std::nullopt};
  if (has_key_) {
    try {
      compact_json(key_, 1);
    } catch (const Error& error) {
      return fail(std::string("the member's name: ") + error.what());
    }
    if (key_.front() != '"') return fail("a member's name must be a string");
    part.key = unescape_json(std::string_view(key_).substr(1, key_.size() - 2));
  }
  on_part_(std::move(part));
}

}  // namespace addrbook::detail
