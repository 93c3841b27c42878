#include <addrbook/error.hpp>

#include <doctest/doctest.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using addrbook::Errc;
using addrbook::Error;
using addrbook::SourceLine;

namespace {

template <class Function>
std::vector<std::string> trace_of(Function function) {
  try {
    function();
  } catch (...) {
    return addrbook::trace(std::current_exception());
  }
  return {"nothing was thrown"};
}

}  // namespace

TEST_CASE("error: a code's name is its enumerator's") {
  const std::vector<std::pair<Errc, std::string>> table{{Errc::invalid, "invalid"},
                                                        {Errc::not_found, "not_found"},
                                                        {Errc::conflict, "conflict"},
                                                        {Errc::precondition, "precondition"},
                                                        {Errc::full, "full"},
                                                        {Errc::stopped, "stopped"},
                                                        {Errc::storage, "storage"},
                                                        {Errc::internal, "internal"},
                                                        {static_cast<Errc>(99), "unknown"}};
  for (const auto& row : table) {
    const auto& code = row.first;
    const auto& name = row.second;
    CAPTURE(name);
    CHECK(std::string(to_string(code)) == name);
  }
}

TEST_CASE("error: carries its code, its message and the line that throws it") {
  const int line = __LINE__ + 1;
  const Error error(Errc::not_found, "No such address: 'x'");
  CHECK(error.code() == Errc::not_found);
  CHECK(std::string(error.what()) == "No such address: 'x'");
  CHECK(std::string(error.thrown_at().file) == "error_test.cpp");
  CHECK(error.thrown_at().line == line);
}

TEST_CASE("error: a place is a base name, whatever the build's path") {
  for (const std::string path : {"/home/someone/src/store.cpp", "src\\store.cpp", "store.cpp"}) {
    CAPTURE(path);
    const SourceLine place = SourceLine::here(path.c_str(), 7);
    CHECK(std::string(place.file) == "store.cpp");
    CHECK(place.line == 7);
  }
}

TEST_CASE("error: a trace unfolds nested causes, outermost first") {
  int line = 0;
  const auto lines = trace_of([&] {
    try {
      try {
        throw std::out_of_range("row 7");
      } catch (...) {
        std::throw_with_nested(std::runtime_error("read failed"));
      }
    } catch (...) {
      line = __LINE__ + 1;
      std::throw_with_nested(Error(Errc::storage, "no storage"));
    }
  });
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] ==
        "addrbook::Error (storage) at error_test.cpp:" + std::to_string(line) + ": no storage");
  CHECK(lines[1].find("std::runtime_error") != std::string::npos);
  CHECK(lines[1].find(": read failed") != std::string::npos);
  CHECK(lines[2] == "std::out_of_range: row 7");
}

TEST_CASE("error: a trace takes what is no exception, and nothing at all") {
  CHECK(addrbook::trace(nullptr).empty());
  CHECK(trace_of([] { throw 7; }) == std::vector<std::string>{"not a std::exception"});
  const auto lines = trace_of([] {
    try {
      throw "a literal";
    } catch (...) {
      std::throw_with_nested(Error(Errc::internal, "a validator failed"));
    }
  });
  REQUIRE(lines.size() == 2);
  CHECK(lines[1] == "not a std::exception");
  // Nested outside a handler: there is no cause.
  CHECK(trace_of([] { std::throw_with_nested(Error(Errc::invalid, "alone")); }).size() == 1);
}

TEST_CASE("error: a trace of endless causes ends") {
  const auto lines = trace_of([] {
    std::exception_ptr cause;
    for (int i = 0; i < 100; ++i) {
      try {
        if (cause) {
          try {
            std::rethrow_exception(cause);
          } catch (...) {
            std::throw_with_nested(Error(Errc::internal, "level " + std::to_string(i)));
          }
        }
        throw Error(Errc::internal, "level 0");
      } catch (...) {
        cause = std::current_exception();
      }
    }
    std::rethrow_exception(cause);
  });
  REQUIRE(lines.size() == 16);
  CHECK(lines[0].find("level 99") != std::string::npos);
  CHECK(lines[15].find("level 84") != std::string::npos);
}
