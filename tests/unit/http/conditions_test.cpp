#include <addrbook/http/conditions.hpp>

#include <addrbook/http.hpp>

#include <support/line_format.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("conditions: an entity tag is epoch and revision") {
  CHECK(detail::EntityTag(0x123U, 7).text() == "\"0000000000000123-7\"");
  CHECK(detail::EntityTag(~std::uint64_t{0}, ~std::uint64_t{0}).text() ==
        "\"ffffffffffffffff-18446744073709551615\"");
}

TEST_CASE("conditions: If-None-Match values that list a tag") {
  const std::vector<std::pair<std::string, bool>> table{
      {R"("e-7")", true},
      {R"(W/"e-7")", true},
      {R"( "e-7" )", true},
      {R"("x", "e-7")", true},
      {R"("x","y",W/"e-7")", true},
      {R"("e-7", "x")", true},
      {R"("x",, ,"e-7")", true},
      {R"("a,b", "e-7")", true},
      {R"("W/", "e-7")", true},
      {"*", true},
      {" * ", true},
      {R"("e-7", garbage)", true},
      {"", false},
      {" ", false},
      {",", false},
      {R"("e-70")", false},
      {R"("e-")", false},
      {R"("E-7")", false},
      {"e-7", false},
      {R"('e-7')", false},
      {R"("e-7)", false},
      {R"(e-7")", false},
      {R"(w/"e-7")", false},
      {R"(W/ "e-7")", false},
      {R"(W/W/"e-7")", false},
      {R"(W/)", false},
      {R"("x,"e-7")", false},
      {R"("x" "e-7")", false},
      {R"("x"; "e-7")", false},
      {R"("x,"e-7","y")", false},
      {R"(garbage, "e-7")", false},
      {R"("*")", false},
      {R"("")", false},
  };
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& matches = row.second;
    CAPTURE(value);
    CHECK(detail::matches_any_tag(value, "\"e-7\"") == matches);
  }
  // What looks like two tags may be one with a comma in it.
  CHECK(detail::matches_any_tag(R"("a", "b,c")", R"("b,c")"));
  CHECK_FALSE(detail::matches_any_tag(R"("a,b")", R"("b")"));
}

// RFC 9110, 5.6.1.2. An empty field line before another one makes such a value when the lines are
// joined.
TEST_CASE("conditions: an empty first element of If-None-Match is skipped") {
  CHECK(detail::matches_any_tag(R"(, "e-7")", "\"e-7\""));
}

TEST_CASE("conditions: a proxy's ending of a tag is ignored") {
  for (const std::string value : {R"("e-7-gzip")", R"(W/"e-7;gzip")", R"("x", "e-7-gzip")"}) {
    CAPTURE(value);
    CHECK(detail::matches_any_tag(value, "\"e-7\""));
  }
  for (const std::string value :
       {R"("e-7-br")", R"("e-7gzip")", R"("e-7-gzip-gzip")", R"("-gzip")", R"("e-70-gzip")"}) {
    CAPTURE(value);
    CHECK_FALSE(detail::matches_any_tag(value, "\"e-7\""));
  }
}

TEST_CASE("conditions: a tag may end in the name of a format that is known") {
  const addrbook::Formats formats{test::line_format()};
  const auto find = [&](const std::string& value) {
    return detail::find_tag(value, "\"e-7\"", &formats) == detail::TagMatch::listed;
  };
  for (const std::string value : {R"("e-7")", R"("e-7-lines")", R"(W/"e-7-lines")",
                                  R"("e-7-lines-gzip")", R"("x", "e-7-lines;gzip")"}) {
    CAPTURE(value);
    CHECK(find(value));
  }
  for (const std::string value :
       {R"("e-7-line")", R"("e-7-liness")", R"("e-7lines")", R"("e-7-lines-lines")",
        R"("e-7-gzip-lines")", R"("e-70-lines")", R"("e-7-")", R"("e-7-LINES")"}) {
    CAPTURE(value);
    CHECK_FALSE(find(value));
  }
  CHECK_FALSE(detail::matches_any_tag(R"("e-7-lines")", "\"e-7\""));
  CHECK(detail::EntityTag(1, 7, "lines").text() == "\"0000000000000001-7-lines\"");
  const std::string longest(detail::EntityTag::max_form_bytes, 'x');
  CHECK(detail::EntityTag(UINT64_MAX, UINT64_MAX, longest).text() ==
        "\"ffffffffffffffff-18446744073709551615-" + longest + "\"");
}

namespace {

using Verdict = detail::Preconditions::Verdict;
using Fields = std::vector<std::pair<std::string, std::string>>;

Verdict evaluate(const std::string& method, const Fields& fields,
                 const detail::Validators* current) {
  addrbook::Request request;
  request.method = method;
  request.header = [&](std::string_view name) -> std::optional<std::string_view> {
    for (const auto& field : fields) {
      if (field.first == name) return field.second;
    }
    return std::nullopt;
  };
  return detail::Preconditions(request).evaluate(current);
}

}  // namespace

TEST_CASE("conditions: their order is that of RFC 9110, 13.2.2") {
  const std::string before = "Sun, 06 Nov 1994 08:49:36 GMT";
  const std::string same = "Sun, 06 Nov 1994 08:49:37 GMT";
  const std::string after = "Sun, 06 Nov 1994 08:49:38 GMT";
  const detail::Validators current{{14, 7}, 784'111'777, false};
  const std::string good = "\"000000000000000e-7\"";
  const std::string bad = "\"e-8\"";
  struct Row {
    Fields fields;
    Verdict of_get;
    Verdict of_put;
  };
  const auto proceed = Verdict::proceed;
  const auto failed = Verdict::failed;
  const auto unchanged = Verdict::not_modified;
  const std::vector<Row> table{
      {{}, proceed, proceed},
      {{{"If-Match", good}}, proceed, proceed},
      {{{"If-Match", "*"}}, proceed, proceed},
      {{{"If-Match", bad}}, failed, failed},
      // Never taken for absent.
      {{{"If-Match", ""}}, failed, failed},
      {{{"If-Match", "000000000000000e-7"}}, failed, failed},
      {{{"If-Match", "*, *"}}, failed, failed},
      {{{"If-Match", "*, " + good}}, failed, failed},
      {{{"If-None-Match", bad}}, proceed, proceed},
      {{{"If-None-Match", good}}, unchanged, failed},
      {{{"If-None-Match", "*"}}, unchanged, failed},
      {{{"If-None-Match", "*, *"}}, proceed, failed},
      {{{"If-None-Match", "000000000000000e-7"}}, proceed, failed},
      {{{"If-Match", good}, {"If-None-Match", good}}, unchanged, failed},
      {{{"If-Match", bad}, {"If-None-Match", good}}, failed, failed},
      {{{"If-Unmodified-Since", before}}, failed, failed},
      {{{"If-Unmodified-Since", same}}, proceed, proceed},
      {{{"If-Unmodified-Since", after}}, proceed, proceed},
      {{{"If-Unmodified-Since", "yesterday"}}, proceed, proceed},
      {{{"If-Unmodified-Since", before + ", " + before}}, proceed, proceed},
      {{{"If-Unmodified-Since", before}, {"If-Match", good}}, proceed, proceed},
      {{{"If-Unmodified-Since", after}, {"If-Match", bad}}, failed, failed},
      {{{"If-Modified-Since", before}}, proceed, proceed},
      {{{"If-Modified-Since", same}}, unchanged, proceed},
      {{{"If-Modified-Since", after}}, unchanged, proceed},
      {{{"If-Modified-Since", "yesterday"}}, proceed, proceed},
      {{{"If-Modified-Since", after}, {"If-None-Match", bad}}, proceed, proceed},
      {{{"If-Modified-Since", after}, {"If-Unmodified-Since", before}}, failed, failed},
  };
  for (const Row& row : table) {
    for (const auto& field : row.fields) CAPTURE(field.first + ": " + field.second);
    CAPTURE(&row - table.data());
    CHECK(evaluate("GET", row.fields, &current) == row.of_get);
    CHECK(evaluate("HEAD", row.fields, &current) == row.of_get);
    for (const char* const method : {"PUT", "PATCH", "DELETE"}) {
      CHECK(evaluate(method, row.fields, &current) == row.of_put);
    }
    // Without a representation only an If-Match fails.
    const bool has_match = !row.fields.empty() && (row.fields.front().first == "If-Match" ||
                                                   row.fields.back().first == "If-Match");
    CHECK(evaluate("PUT", row.fields, nullptr) == (has_match ? failed : proceed));
  }

  // Within the second of the last change a date is no strong validator (RFC 9110, 8.8.2.2).
  const detail::Validators weak{{14, 7}, 784'111'777, true};
  CHECK(evaluate("PUT", {{"If-Unmodified-Since", same}}, &weak) == failed);
  CHECK(evaluate("PUT", {{"If-Unmodified-Since", after}}, &weak) == proceed);
  CHECK(evaluate("GET", {{"If-Modified-Since", same}}, &weak) == proceed);
  // Without a date there is nothing to compare.
  const detail::Validators undated{{14, 7}};
  CHECK(evaluate("PUT", {{"If-Unmodified-Since", before}}, &undated) == proceed);
  CHECK(evaluate("GET", {{"If-Modified-Since", after}}, &undated) == proceed);
}
