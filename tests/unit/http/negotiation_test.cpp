#include <addrbook/http/negotiation.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("negotiation: media types that are read as JSON") {
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

TEST_CASE("negotiation: two Content-Type lines are refused, also if the first has parameters") {
  const std::string joined = "application/json; charset=utf-8, text/html";
  CHECK_FALSE(detail::is_json_media_type(detail::media_type(joined)));
}

TEST_CASE("negotiation: qvalues") {
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

TEST_CASE("negotiation: whether Accept-Encoding admits gzip") {
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

TEST_CASE("negotiation: a media type is named, with a weight above 0") {
  using addrbook::detail::names_media_type;
  const auto names = [](std::string_view value) {
    return names_media_type(value, "text/event-stream");
  };
  for (const char* const value :
       {"text/event-stream", " TEXT/Event-Stream ", "application/json, text/event-stream",
        "text/event-stream;q=0.001", "text/event-stream; charset=utf-8; Q=1",
        "text/event-stream;q=x", "text/event-stream;q=0, text/event-stream"}) {
    CAPTURE(value);
    CHECK(names(value));
  }
  for (const char* const value :
       {"", ",", ";", "*/*", "text/*", "text/event-streams", "text/event-stream;q=0",
        "text/event-stream ; a=b ; q=0.000", "application/json;text/event-stream"}) {
    CAPTURE(value);
    CHECK_FALSE(names(value));
  }
}

TEST_CASE("negotiation: the quality of a media type is that of the most specific range") {
  const std::vector<std::pair<std::string, int>> table{
      {"text/vcard", 1000},
      {"TEXT/VCard ; version=4.0", 1000},
      {"text/vcard;q=0.5", 500},
      {"text/vcard; version=4.0; Q=0.25", 250},
      {"text/*", 1000},
      {"*/*;q=0.1", 100},
      {"*/*, text/vcard;q=0.2", 200},
      {"text/vcard;q=0.2, */*", 200},
      {"text/*;q=0.3, */*;q=0.9", 300},
      {"text/vcard;q=0, */*", 0},
      {"text/vcard;q=0.3, text/vcard;version=3.0;q=0.7", 700},
      {"text/html,,text/vcard;q=1.000", 1000},
      {"", 0},
      {"text", 0},
      {"*", 0},
      {"/", 0},
      {"text/html", 0},
      {"text/vcards", 0},
      {"tex/*", 0},
      {"texts/*", 0},
      {"text/vcard;q=2", 0},
      {"text/vcard;q=x, */*;q=0.4", 400},
  };
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& quality = row.second;
    CAPTURE(value);
    CHECK(detail::accepted_quality(value, "text/vcard") == quality);
  }
}

TEST_CASE("negotiation: a parameter of the type that a client prefers") {
  const std::vector<std::pair<const char*, std::string>> table{
      {"text/vcard;version=3.0", "3.0"},
      {"Text/VCard; Charset=utf-8; VERSION=\"3.0\"", "3.0"},
      {"text/vcard;version=4.0;q=0.5, text/vcard;version=3.0", "3.0"},
      {"text/vcard;version=4.0, text/vcard;version=3.0", "4.0"},
      {"text/vcard;version=4.0;q=0, text/vcard;q=0.1;version=3.0", "3.0"},
      {"text/vcard;version=3.0;q=0", ""},
      {"text/vcard;version=3.0;q=0.5, text/vcard", ""},
      {"text/vcard", ""},
      {"text/csv;version=3.0, */*", ""},
      {"text/vcard;version=\"", "\""},
      {"text/vcard;version", ""},
      {"", ""},
  };
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& version = row.second;
    CAPTURE(value);
    CHECK(detail::accepted_parameter(value, "text/vcard", "version") == version);
  }
}
