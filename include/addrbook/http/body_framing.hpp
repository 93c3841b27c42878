/// BodyFraming: where a request's body ends (RFC 9112, 6 and 7.1).
#pragma once

#include <addrbook/base/hex.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/head.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace addrbook::detail {

/// Follows a body through a stream of bytes up to its end, by its length or its chunks.
class BodyFraming {
 public:
  explicit BodyFraming(const RequestHead& head) noexcept
      : state_(head.body == RequestHead::Body::chunked                     ? State::size_first
               : head.body == RequestHead::Body::length && head.length > 0 ? State::data
                                                                           : State::complete),
        is_chunked_(head.body == RequestHead::Body::chunked),
        left_(head.length) {}

  [[nodiscard]] bool complete() const noexcept { return state_ == State::complete; }
  [[nodiscard]] bool broken() const noexcept { return state_ == State::broken; }

  /// @returns  how many of the bytes belong to the body, framing included
  std::size_t take(std::string_view bytes) noexcept {
    return take(bytes, [](std::string_view) {});
  }
  /// The same, and calls `data(std::string_view)` for each run of the body's data, which is free of
  /// chunks' framing. A run is a part of `bytes` and not empty.
  template <class Data>
  std::size_t take(std::string_view bytes, Data&& data);

 private:
  static constexpr std::size_t max_extension_bytes = 256;  // of one chunk
  static constexpr std::size_t max_size_digits = 16;       // leading zeros included
  static constexpr std::size_t max_trailer_bytes = 8192;   // of all trailer fields

  enum class State {
    size_first,  // the first digit of a chunk's size
    size,        // further digits
    size_space,  // white space between them and ';'
    extension,   // what follows ';' on that line
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_name,
    trailer,
    trailer_lf,
    end_lf,
    complete,
    broken,
  };

  void step(char c) noexcept;
  void read_size_end(char c) noexcept;

  State state_;
  bool is_chunked_;
  std::uint64_t left_;    // data bytes left of the body or of the chunk
  std::size_t line_ = 0;  // bytes so far of a chunk's line, or of all trailer fields
};

// ---------------------------------------------------------------------------------------------

template <class Data>
std::size_t BodyFraming::take(std::string_view bytes, Data&& data) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::complete && state_ != State::broken) {
    if (state_ != State::data) {
      step(bytes[taken++]);
      continue;
    }
    const auto size = static_cast<std::size_t>(
        (std::min)(left_, static_cast<std::uint64_t>(bytes.size() - taken)));
    const auto run = bytes.substr(taken, size);
    taken += size;
    left_ -= size;
    if (left_ == 0) state_ = is_chunked_ ? State::data_cr : State::complete;
    data(run);
  }
  return taken;
}

// RFC 9112, 7.1.1: there may be white space before an extension, but not before the line's end.
inline void BodyFraming::read_size_end(char c) noexcept {
  if (c == ';') {
    state_ = State::extension;
  } else if (c == '\r' && state_ == State::size) {
    state_ = State::size_lf;
  } else if ((c == ' ' || c == '\t') && ++line_ <= max_extension_bytes) {
    state_ = State::size_space;
  } else {
    state_ = State::broken;
  }
}

// The grammar of RFC 9112, 7.1, one character at a time.
inline void BodyFraming::step(char c) noexcept {
  const auto expect = [&](char wanted, State next) { state_ = c == wanted ? next : State::broken; };
  switch (state_) {
    case State::size_first:
      left_ = 0;
      line_ = 0;
      [[fallthrough]];
    case State::size: {
      if (const int digit = hex_value(c); digit >= 0) {
        // Leaves room for one further digit, so that the product never overflows.
        constexpr std::uint64_t max_size = std::uint64_t{1} << 58U;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        state_ = left_ <= max_size && ++line_ <= max_size_digits ? State::size : State::broken;
      } else if (state_ == State::size) {
        read_size_end(c);
      } else {
        state_ = State::broken;
      }
      break;
    }
    case State::size_space: read_size_end(c); break;
    case State::extension:
      if (c == '\r') {
        state_ = State::size_lf;
      } else if (++line_ > max_extension_bytes || !is_field_value({&c, 1})) {
        state_ = State::broken;
      }
      break;
    case State::size_lf:
      line_ = 0;
      expect('\n', left_ == 0 ? State::trailer_start : State::data);
      break;
    case State::data_cr: expect('\r', State::data_lf); break;
    case State::data_lf: expect('\n', State::size_first); break;
    case State::trailer_start:
    case State::trailer_name:  // RFC 9112, 5.1: as in a head
      if (c == '\r' && state_ == State::trailer_start) {
        state_ = State::end_lf;
      } else if (c == ':' && state_ == State::trailer_name) {
        state_ = State::trailer;
      } else if (++line_ > max_trailer_bytes || !is_token_character(c)) {
        state_ = State::broken;
      } else {
        state_ = State::trailer_name;
      }
      break;
    case State::trailer:
      if (c == '\r') {
        state_ = State::trailer_lf;
      } else if (++line_ > max_trailer_bytes || !is_field_value({&c, 1})) {
        state_ = State::broken;
      }
      break;
    case State::trailer_lf: expect('\n', State::trailer_start); break;
    case State::end_lf: expect('\n', State::complete); break;
    case State::data:
    case State::complete:
    case State::broken: break;
  }
}

}  // namespace addrbook::detail
