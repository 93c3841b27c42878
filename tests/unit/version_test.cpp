#include <addrbook/version.hpp>

#include <doctest/doctest.h>

#include <string>

TEST_CASE("version: the text says what the numbers say") {
  CHECK(std::string(ADDRBOOK_VERSION) == std::to_string(ADDRBOOK_VERSION_MAJOR) + "." +
                                             std::to_string(ADDRBOOK_VERSION_MINOR) + "." +
                                             std::to_string(ADDRBOOK_VERSION_PATCH));
}
