/// The error of a call, as text.
#pragma once

#include <addrbook/error.hpp>

#include <string>

namespace test {

/// @returns code and text of the Error that `call` throws, e.g. "storage: the database failed", or
///          "nothing"
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const addrbook::Error& error) {
    return std::string(to_string(error.code())) + ": " + error.what();
  }
  return "nothing";
}

inline bool begins(const std::string& text, const std::string& beginning) {
  return text.rfind(beginning, 0) == 0;
}

}  // namespace test
