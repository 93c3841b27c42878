/// What a call that is refused says.
#pragma once

#include <addrbook/error.hpp>

#include <doctest/doctest.h>

#include <string>

namespace test {

/// Why a call throws Error{invalid}; "accepted" if it doesn't.
template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const addrbook::Error& error) {
    CHECK(error.code() == addrbook::Errc::invalid);
    return error.what();
  }
  return "accepted";
}

}  // namespace test
