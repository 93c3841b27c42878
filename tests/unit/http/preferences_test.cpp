#include <addrbook/http/preferences.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using addrbook::detail::return_preference;
using addrbook::detail::ReturnPreference;

TEST_CASE("preferences: return") {
  constexpr auto representation = ReturnPreference::representation;
  constexpr auto minimal = ReturnPreference::minimal;
  const std::vector<std::pair<std::string, std::optional<ReturnPreference>>> table{
      {"return=representation", representation},
      {"return=minimal", minimal},
      {"Return = representation", representation},
      {"return=\"representation\"", representation},
      {"return=representation; foo=\"a,b\"", representation},
      {"respond-async, wait=10, return=representation", representation},
      {"foo; bar, return=minimal", minimal},
      {"foo=\"a, return=minimal\", return=representation", representation},
      {"foo=\"a\\\", return=minimal\", return=representation", representation},
      {",, return=minimal", minimal},
      // Of two the first counts (RFC 7240, 2).
      {"return=minimal, return=representation", minimal},
      {"return=other, return=representation", std::nullopt},
      {"return", std::nullopt},
      {"return=", std::nullopt},
      {"return=\"", std::nullopt},
      {"return=Representation", std::nullopt},
      {"returns=minimal", std::nullopt},
      {"foo; return=minimal", std::nullopt},
      {"foo=\"return=minimal", std::nullopt},
      {"", std::nullopt},
      {";,=", std::nullopt},
      {"\"\\", std::nullopt},
  };
  for (const auto& row : table) {
    const std::string& value = row.first;
    CAPTURE(value);
    CHECK(return_preference(value) == row.second);
  }
}
