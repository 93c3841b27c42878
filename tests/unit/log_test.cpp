#include <addrbook/log.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using addrbook::log_line;
using addrbook::LogFormat;
using addrbook::LogRecord;
using addrbook::to_json_line;
using addrbook::to_logfmt;
using namespace std::string_literals;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The fields that a reader of logfmt finds in a line; none if the line is malformed.
Pairs parse_logfmt(const std::string& line) {
  Pairs pairs;
  std::size_t at = 0;
  while (at < line.size()) {
    const auto equals = line.find('=', at);
    if (equals == std::string::npos) return {};
    const std::string name = line.substr(at, equals - at);
    at = equals + 1;
    std::string value;
    if (at < line.size() && line[at] == '"') {
      const std::size_t first = at++;
      while (at < line.size() && line[at] != '"') at += line[at] == '\\' ? 2 : 1;
      const auto text = nlohmann::json::parse(line.substr(first, ++at - first), nullptr, false);
      if (!text.is_string()) return {};
      value = text.get<std::string>();
    } else {
      const auto end = std::min(line.find(' ', at), line.size());
      value = line.substr(at, end - at);
      at = end;
    }
    if (at < line.size() && line[at++] != ' ') return {};
    pairs.emplace_back(name, value);
  }
  return pairs;
}

std::string value_of(const Pairs& pairs, const std::string& name) {
  for (const auto& pair : pairs) {
    if (pair.first == name) return pair.second;
  }
  return "(absent)";
}

LogRecord sample() {
  LogRecord record;
  record.request_id = "0af7651916cd43dd";
  record.method = "GET";
  record.uri = "/addresses/x";
  record.ip = "192.0.2.7";
  record.status = 404;
  record.time = std::chrono::microseconds(1250);
  record.bytes = 88;
  return record;
}

}  // namespace

TEST_CASE("log: a logfmt line has the known fields in their order") {
  LogRecord record = sample();
  CHECK(to_logfmt(record) ==
        "req_id=0af7651916cd43dd method=GET uri=/addresses/x ip=192.0.2.7 status=404 time_ms=1.250 "
        "bytes=88 message=RESPONSE");
  record.reason = "No such address: 'x'";
  record.user = "ada";
  record.user_agent = "curl/8";
  record.request_bytes = 12;
  record.trace = {"first", "second cause"};
  CHECK(to_logfmt(record) ==
        "req_id=0af7651916cd43dd method=GET uri=/addresses/x ip=192.0.2.7 status=404 time_ms=1.250 "
        "bytes=88 message=RESPONSE reason=\"No such address: 'x'\" user=ada user_agent=curl/8 "
        "request_bytes=12 trace=\"first < second cause\"");
}

TEST_CASE("log: a JSON line has the same fields") {
  LogRecord record = sample();
  record.reason = "No such address: 'x'";
  CHECK(to_json_line(record) ==
        R"({"req_id":"0af7651916cd43dd","method":"GET","uri":"/addresses/x","ip":"192.0.2.7",)"
        R"("status":404,"time_ms":1.250,"bytes":88,"message":"RESPONSE",)"
        R"("reason":"No such address: 'x'"})");
}

TEST_CASE("log: a record about the server has no fields of a request") {
  LogRecord record;
  record.kind = LogRecord::Kind::server;
  record.level = LogRecord::Level::warning;
  record.reason = "busy";
  CHECK(to_logfmt(record) == "message=SERVER reason=busy");
  CHECK(to_json_line(record) == R"({"message":"SERVER","reason":"busy"})");
}

TEST_CASE("log: a whole line begins with time and level") {
  using Level = LogRecord::Level;
  using std::chrono::milliseconds;
  using TimePoint = std::chrono::system_clock::time_point;
  LogRecord record;
  record.kind = LogRecord::Kind::fault;
  const struct {
    Level level;
    milliseconds time;
    std::string text;
    std::string level_text;
  } cases[] = {{Level::info, milliseconds(0), "1970-01-01T00:00:00.000Z", "info"},
               {Level::warning, milliseconds(1582977896007), "2020-02-29T12:04:56.007Z", "warning"},
               {Level::error, milliseconds(-1), "1969-12-31T23:59:59.999Z", "error"}};
  for (const auto& each : cases) {
    CAPTURE(each.text);
    record.level = each.level;
    const TimePoint time(each.time);
    CHECK(log_line(record, LogFormat::logfmt, time) ==
          "time=" + each.text + " level=" + each.level_text + " message=FAULT");
    CHECK(log_line(record, LogFormat::json, time) == R"({"time":")" + each.text + R"(","level":")" +
                                                         each.level_text +
                                                         R"(","message":"FAULT"})");
  }
  // A fraction of a millisecond is cut off, not rounded.
  CHECK(log_line(record, LogFormat::logfmt, TimePoint(std::chrono::microseconds(1999)))
            .find(":00.001Z ") != std::string::npos);
}

TEST_CASE("log: any text of a client stays in its field, on one line") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"a b", "a b"},
      {"x status=200", "x status=200"},
      {"x\r\nreq_id=forged status=200", "x\r\nreq_id=forged status=200"},
      {"\n", "\n"},
      {"say \"hi\"", "say \"hi\""},
      {"\"", "\""},
      {"\\", "\\"},
      {"a\\\"b", "a\\\"b"},
      {"tab\there", "tab\there"},
      {"nul\0nul"s, "nul\0nul"s},
      {"\x1B[31mred\x1B[0m", "\x1B[31mred\x1B[0m"},
      {"\x7F", "\x7F"},
      {"caf\xC3\xA9 \xF0\x9F\x98\x80", "caf\xC3\xA9 \xF0\x9F\x98\x80"},
      {"\xC2\x85\xE2\x80\xA8", "\xC2\x85\xE2\x80\xA8"},
      {"\xFFx", "\xEF\xBF\xBDx"},
      {"x\xC3", "x\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"plain-._~!$&'()*+,;:@/?%20#[]{}|^<>`", "plain-._~!$&'()*+,;:@/?%20#[]{}|^<>`"},
  };
  for (const auto& row : table) {
    const auto& text = row.first;
    const auto& expected = row.second;
    CAPTURE(text);
    LogRecord record = sample();
    record.method = record.uri = record.reason = record.user = record.user_agent = text;
    record.request_id = record.ip = text;
    record.trace = {text, text};
    const std::string joined = expected + " < " + expected;

    const std::string line = to_logfmt(record);
    const std::string json_line = to_json_line(record);
    for (const std::string& each : {line, json_line}) {
      CAPTURE(each);
      // Printable ASCII only: no line ends and no terminal escapes.
      bool is_harmless = true;
      for (const char c : each) is_harmless = is_harmless && c >= 0x20 && c < 0x7F;
      CHECK(is_harmless);
    }
    const Pairs pairs = parse_logfmt(line);
    REQUIRE(pairs.size() == 12);
    const auto json = nlohmann::json::parse(json_line, nullptr, false);
    REQUIRE(json.is_object());
    CHECK(json.size() == 12);
    for (const std::string name :
         {"req_id", "method", "uri", "ip", "reason", "user", "user_agent"}) {
      CAPTURE(name);
      CHECK(value_of(pairs, name) == expected);
      CHECK(json.value(name, "(absent)") == expected);
    }
    CHECK(value_of(pairs, "trace") == joined);
    CHECK(value_of(pairs, "status") == "404");
    CHECK(json["trace"] == joined);
    CHECK(json["status"] == 404);
  }
}

TEST_CASE("log: any duration is a number") {
  const struct {
    std::chrono::microseconds time;
    const char* text;
  } cases[] = {{std::chrono::microseconds(-5), "time_ms=0.000 "},
               {std::chrono::microseconds(7), "time_ms=0.007 "},
               {std::chrono::hours(1000), "time_ms=3600000000.000 "},
               {(std::chrono::microseconds::max)(), "time_ms=9223372036854775.807 "}};
  for (const auto& each : cases) {
    LogRecord record = sample();
    record.time = each.time;
    CAPTURE(each.text);
    CHECK(to_logfmt(record).find(each.text) != std::string::npos);
    const auto json = nlohmann::json::parse(to_json_line(record), nullptr, false);
    REQUIRE(json.is_object());
    CHECK(json["time_ms"].is_number());
  }
}
