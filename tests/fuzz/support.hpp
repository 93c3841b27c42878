/// What every fuzz target uses. A target is one .cpp with LLVMFuzzerTestOneInput(): libFuzzer calls
/// it in the preset `fuzz`, replay.cpp on every file of its corpus in all others.
#pragma once

#include <addrbook/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

/// Ends the program where something does not hold: libFuzzer then keeps the input.
inline void check(bool holds, std::string_view what,
                  addrbook::SourceLine at = addrbook::SourceLine::here()) {
  if (holds) return;
  std::cerr << at.file << ':' << at.line << ": does not hold: " << what << std::endl;
  std::abort();
}

/// check() of two values, which are shown where they differ.
template <class Left, class Right>
void check_equal(const Left& left, const Right& right, std::string_view what,
                 addrbook::SourceLine at = addrbook::SourceLine::here()) {
  if (left == right) return;
  std::cerr << "got '" << left << "', not '" << right << "'\n";
  check(false, what, at);
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string_view()
                   : std::string_view(reinterpret_cast<const char*>(data), size);
}

/// Takes what stands before the next `separator` off `text`, and the separator; or all of it.
inline std::string_view take_until(std::string_view& text, std::string_view separator) {
  const auto at = text.find(separator);
  const auto head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + separator.size());
  return head;
}

}  // namespace fuzz
