#include <addrbook/base/header_fields.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using addrbook::detail::HeaderFields;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs_of(const HeaderFields& fields) {
  Pairs pairs;
  for (const auto& [name, value] : fields) pairs.emplace_back(name, value);
  return pairs;
}

}  // namespace

TEST_CASE("header fields: are read as they were added, and are lines") {
  HeaderFields fields;
  CHECK(fields.lines().empty());
  CHECK(pairs_of(fields).empty());
  fields.emplace_back("Allow", "GET, HEAD");
  fields.emplace_back("X-Empty", "");
  fields.emplace_back("Link", "<http://example.com/?a=b: c>; rel=\"next\"");
  CHECK(fields.lines() ==
        "Allow: GET, HEAD\r\nX-Empty: \r\nLink: <http://example.com/?a=b: c>; rel=\"next\"\r\n");
  CHECK(pairs_of(fields) == Pairs{{"Allow", "GET, HEAD"},
                                  {"X-Empty", ""},
                                  {"Link", "<http://example.com/?a=b: c>; rel=\"next\""}});
}

TEST_CASE("header fields: have room for more and longer ones than usual") {
  HeaderFields fields;
  Pairs expected;
  for (std::size_t i = 0; i < 40; ++i) {
    expected.emplace_back("Field-" + std::to_string(i), std::string(i * i, 'x'));
    fields.emplace_back(expected.back().first, expected.back().second);
  }
  CHECK(pairs_of(fields) == expected);
  const HeaderFields long_one{{"Name", std::string(5000, 'y')}};
  CHECK(pairs_of(long_one) == Pairs{{"Name", std::string(5000, 'y')}});
}

TEST_CASE("header fields: find and set take the first of that name") {
  HeaderFields fields{{"Vary", "Accept"}, {"ETag", "\"1\""}, {"Vary", "Origin"}};
  CHECK(fields.find("Vary") == "Accept");
  CHECK(fields.find("Var") == std::nullopt);
  CHECK(fields.find("vary") == std::nullopt);
  CHECK(HeaderFields().find("Vary") == std::nullopt);
  fields.set("Vary", "Accept, Accept-Encoding");
  fields.set("ETag", "");
  fields.set("Age", "7");
  CHECK(pairs_of(fields) ==
        Pairs{{"Vary", "Accept, Accept-Encoding"}, {"ETag", ""}, {"Vary", "Origin"}, {"Age", "7"}});
  fields.emplace_back("Last", "one");
  CHECK(fields.find("Last") == "one");
}

TEST_CASE("header fields: are equal if their lines are") {
  const HeaderFields one{{"Allow", "GET"}};
  HeaderFields other;
  CHECK(one != other);
  other.emplace_back("Allow", "GET");
  CHECK(one == other);
  other.set("Allow", "PUT");
  CHECK(one != other);
  const HeaderFields copy = other;
  other.set("Allow", "DELETE");
  CHECK(copy.find("Allow") == "PUT");
}
