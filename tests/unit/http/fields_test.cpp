#include <addrbook/http/fields.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("http_fields: small change") {
  CHECK(detail::lowercase("GZip-\xC3\x89") == "gzip-\xC3\x89");
  CHECK(detail::trim(" \t a b\t ") == "a b");
  CHECK(detail::trim(" \t ").empty());
  CHECK(detail::trim("").empty());
  CHECK(detail::trim("\na\n") == "\na\n");
  std::string_view rest = "a,b,,c";
  CHECK(detail::cut(rest, ',') == "a");
  CHECK(detail::cut(rest, ',') == "b");
  CHECK(detail::cut(rest, ',').empty());
  CHECK(detail::cut(rest, ',') == "c");
  CHECK(rest.empty());
  CHECK(detail::cut(rest, ',').empty());
}

TEST_CASE("http_fields: what can stand in a header field") {
  const std::vector<std::pair<std::string, bool>> table{
      {"", true},        {"Basic realm=\"a b\"", true},
      {"a\tb", true},    {"caf\xC3\xA9", true},
      {"a\r\nb", false}, {"a\nb", false},
      {"\r", false},     {"a\0b"s, false},
      {"\x1B", false},   {"\x7F", false}};
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& is_one = row.second;
    CAPTURE(value);
    CHECK(detail::is_field_value(value) == is_one);
  }
}

TEST_CASE("http_fields: which media types are read as JSON") {
  const std::vector<std::pair<std::string, bool>> table{
      {"application/json", true},
      {"APPLICATION/JSON", true},
      {"application/json; charset=utf-8", true},
      {"application/json ;charset=\"a,b\"", true},
      {" application/json", true},
      {"text/json", true},
      {"text/plain; charset=ascii", true},
      {"application/x-www-form-urlencoded", true},
      {"application/octet-stream", true},
      {"application/vnd.api+json", true},
      {"application/problem+JSON;x=1", true},
      {"", false},
      {";", false},
      {"*/*", false},
      {"json", false},
      {"+json", false},
      {"application+json", false},
      {"application/json5", false},
      {"application/jsonx+json2", false},
      {"application/json-seq", false},
      {"application/xml", false},
      {"text/html", false},
      {"text/vcard", false},
      {"text/csv", false},
      {"application/x-ndjson", false},
      {"multipart/form-data; boundary=x", false},
      {"application/json, application/json", false},
      {"text/html, application/problem+json", false},
  };
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& is_json = row.second;
    CAPTURE(value);
    CHECK(detail::is_json_media_type(detail::media_type(value)) == is_json);
  }
}

TEST_CASE("http_fields: two Content-Type lines are refused also where the first has parameters") {
  const std::string joined = "application/json; charset=utf-8, text/html";
  CHECK_FALSE(detail::is_json_media_type(detail::media_type(joined)));
}

TEST_CASE("http_fields: qvalues") {
  const std::vector<std::pair<std::string, std::optional<int>>> table{
      {"0", 0},           {"1", 1000},         {"0.", 0},      {"1.", 1000},    {"0.5", 500},
      {"0.05", 50},       {"0.001", 1},        {"0.999", 999}, {"1.000", 1000}, {"0.000", 0},
      {"", std::nullopt}, {"2", std::nullopt}, {"1.001", {}},  {"1.1", {}},     {"0.0001", {}},
      {".5", {}},         {"-0.5", {}},        {"0,5", {}},    {"0.5x", {}},    {"00.5", {}},
      {"01", {}},         {"0.5 ", {}},        {" 0.5", {}},   {"x", {}},       {"0..5", {}},
      {"1e0", {}},        {"0.-1", {}},
  };
  for (const auto& row : table) {
    const auto& text = row.first;
    const auto& expected = row.second;
    CAPTURE(text);
    CHECK(detail::parse_qvalue(text) == expected);
  }
}

TEST_CASE("http_fields: whether gzip is accepted") {
  const std::vector<std::pair<std::string, bool>> table{
      {"gzip", true},
      {"GZIP", true},
      {"x-gzip", true},
      {"X-Gzip;q=0.3", true},
      {"deflate, gzip;q=1.0, *;q=0.5", true},
      {"br, gzip", true},
      {"gzip;q=0.001", true},
      {"gzip ; q=0.5", true},
      {"gzip\t;\tQ=0.5", true},
      {"gzip;", true},
      {",,gzip,,", true},
      {"*", true},
      {"*;q=0.1", true},
      {"br;q=1, *;q=0.5", true},
      {"*;q=0, gzip", true},
      {"gzip, *;q=0", true},
      {"", false},
      {",", false},
      {"identity", false},
      {"br", false},
      {"deflate", false},
      {"gzip;q=0", false},
      {"gzip;q=0.0", false},
      {"gzip;q=0.000", false},
      {"x-gzip;q=0", false},
      {"gzip;q=0, *", false},
      {"*, gzip;q=0", false},
      {"*;q=0", false},
      {"gzip2", false},
      {"gzi", false},
      {"gzip;q=nonsense", false},
      {"gzip;q=2", false},
      {"gzip;q=-1", false},
      {"gzip;q=", false},
      {"gzip;level=9", false},
      {"gzip;q=nonsense, *", true},
      {"\"gzip\"", false},
      {"\xFF\x00,gzip;q=0.2"s, true},
  };
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& is_accepted = row.second;
    CAPTURE(value);
    CHECK(detail::accepts_coding(value, "gzip") == is_accepted);
  }
  CHECK(detail::accepts_coding("zstd", "zstd"));
  CHECK_FALSE(detail::accepts_coding("x-zstd", "zstd"));
  CHECK_FALSE(detail::accepts_coding("x-gzip", "zstd"));
}

TEST_CASE("http_fields: which If-None-Match names a tag") {
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

// RFC 9110, 5.6.1.2: a recipient ignores empty elements. An empty field line before another one,
// joined, makes such a value.
TEST_CASE("http_fields: an empty first element of If-None-Match is passed over") {
  CHECK(detail::matches_any_tag(R"(, "e-7")", "\"e-7\""));
}

TEST_CASE("http_fields: lengths") {
  const std::vector<std::pair<std::string, std::optional<std::uint64_t>>> table{
      {"0", 0U},
      {"00", 0U},
      {"42", 42U},
      {"0042", 42U},
      {"18446744073709551615", 18446744073709551615U},
      {"18446744073709551616", {}},
      {"18446744073709551620", {}},
      {"99999999999999999999", {}},
      {"184467440737095516150", {}},
      {std::string(1000, '9'), {}},
      {std::string(1000, '0') + "7", 7U},
      {"", {}},
      {"-1", {}},
      {"+1", {}},
      {" 1", {}},
      {"1 ", {}},
      {"1, 1", {}},
      {"1,1", {}},
      {"1.0", {}},
      {"1e3", {}},
      {"0x10", {}},
      {"1\0"s, {}},
      {"\xD9\xA1", {}},
      {"ten", {}},
  };
  for (const auto& row : table) {
    const auto& text = row.first;
    const auto& expected = row.second;
    CAPTURE(text);
    CHECK(detail::parse_decimal(text) == expected);
  }
}

TEST_CASE("http_fields: request ids") {
  const std::vector<std::pair<std::string, bool>> table{
      {"a", true},
      {"0af7651916cd43dd8448eb211c80319c", true},
      {"A.b_c-9", true},
      {std::string(128, 'x'), true},
      {std::string(129, 'x'), false},
      {"", false},
      {"a b", false},
      {"a\nb", false},
      {"a\r\nSet-Cookie: x", false},
      {"a\"b", false},
      {"a=b", false},
      {"a/b", false},
      {"a:b", false},
      {"a, b", false},
      {"\xC3\xA9", false},
      {"\0"s, false},
  };
  for (const auto& row : table) {
    const auto& id = row.first;
    const auto& is_one = row.second;
    CAPTURE(id);
    CHECK(detail::is_request_id(id) == is_one);
  }
}

TEST_CASE("http_fields: prefixes") {
  const std::vector<std::pair<std::string, bool>> table{
      {"/addresses", true},
      {"/a", true},
      {"/api/v1.0/people", true},
      {"/~ada/my_book-2", true},
      {"/...", true},
      {"/.hidden", true},
      {"", false},
      {"/", false},
      {"//", false},
      {"addresses", false},
      {"/addresses/", false},
      {"/a//b", false},
      {"//a", false},
      {"/.", false},
      {"/a/..", false},
      {"/a/./b", false},
      {"/../a", false},
      {"/a b", false},
      {"/a?x", false},
      {"/a#x", false},
      {"/a%20", false},
      {"/:id", false},
      {"/(.*)", false},
      {"/a+", false},
      {"/a*", false},
      {"/[a]", false},
      {"/a\\d", false},
      {"/caf\xC3\xA9", false},
      {"/a\n", false},
      {"/a\0"s, false},
  };
  for (const auto& row : table) {
    const auto& prefix = row.first;
    const auto& is_valid = row.second;
    CAPTURE(prefix);
    CHECK(detail::is_valid_prefix(prefix) == is_valid);
  }
}
