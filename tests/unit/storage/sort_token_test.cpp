#include <addrbook/storage/sort_token.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

using addrbook::Query;
using addrbook::detail::SortToken;
using Sort = Query::Sort;

struct Place {
  std::optional<std::string> text;
  std::uint64_t created;
};

std::vector<Place> places() {
  std::vector<Place> result{{"a", 1},
                            {"a", 2},
                            {"a", 255},
                            {"a", 256},
                            {"a", (std::uint64_t{1} << 40U) - 1},
                            {"ab", 1},
                            {"a\x01", 1},
                            {"\x01", 3},
                            {"\x7F", 3},
                            {"\xC3\xA9", 1},
                            {"\xF4\x8F\xBF\xBF", 1},
                            {std::nullopt, 1},
                            {std::nullopt, std::uint64_t{1} << 39U}};
  std::mt19937 random(1);
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::string text;
    for (auto size = 1 + random() % 20; size != 0; --size) {
      text += static_cast<char>(1 + random() % 255);
    }
    result.push_back({text, 1000 + i});
  }
  return result;
}

TEST_CASE("sort token: bytes compare as the order does") {
  const auto all = places();
  for (const bool descending : {false, true}) {
    CAPTURE(descending);
    const SortToken tokens(7, Sort::given, descending);
    const auto is_before = [&](const Place& a, const Place& b) {
      if (a.text.has_value() != b.text.has_value()) return a.text.has_value();
      const auto x = std::tuple(a.text.value_or(""), a.created);
      const auto y = std::tuple(b.text.value_or(""), b.created);
      return descending ? y < x : x < y;
    };
    for (const Place& a : all) {
      const std::string of_a = tokens.of(a.text, a.created);
      CHECK(tokens.before_all() < of_a);
      CHECK(of_a < tokens.behind_all());
      for (const Place& b : all) {
        const bool less = of_a < tokens.of(b.text, b.created);
        if (less != is_before(a, b)) {
          CAPTURE(a.text.value_or("none"));
          CAPTURE(b.text.value_or("none"));
          CHECK(less == is_before(a, b));
        }
      }
    }
  }
}

TEST_CASE("sort token: no order's tokens lie in another's, and no book's") {
  std::vector<std::string> bounds;
  for (const std::uint64_t book : std::vector<std::uint64_t>{1, 2, 10, 12, 8388607}) {
    for (const Sort sort : {Sort::name, Sort::given, Sort::family}) {
      for (const bool descending : {false, true}) {
        const SortToken tokens(book, sort, descending);
        bounds.push_back(tokens.before_all());
        bounds.push_back(tokens.of("ada", 1));
        bounds.push_back(tokens.of(std::nullopt, 1));
        bounds.push_back(tokens.behind_all());
      }
    }
  }
  // Those of each order stand together.
  auto sorted = bounds;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); i += 4) {
    const auto at = std::find(bounds.begin(), bounds.end(), sorted[i]) - bounds.begin();
    CAPTURE(sorted[i]);
    REQUIRE(at % 4 == 0);
    for (std::size_t j = 1; j < 4; ++j) {
      CHECK(sorted[i + j] == bounds[static_cast<std::size_t>(at) + j]);
    }
  }
}

TEST_CASE("sort token: both directions at once") {
  std::string both;
  SortToken::append_both(both, "7", Sort::name, "ada", 5);
  CHECK(both == SortToken(7, Sort::name, false).of("ada", 5) + ' ' +
                    SortToken(7, Sort::name, true).of("ada", 5) + ' ');
}

TEST_CASE("sort token: a tokenizer of ASCII does not change it") {
  for (const Place& place : places()) {
    for (const bool descending : {false, true}) {
      const std::string token =
          SortToken(12, Sort::family, descending).of(place.text, place.created);
      REQUIRE(token.size() > 5);
      CHECK(token.substr(0, 2) == "12");
      CHECK(std::all_of(token.begin() + 5, token.end(),
                        [](char c) { return static_cast<unsigned char>(c) >= 0x80; }));
    }
  }
}

}  // namespace
