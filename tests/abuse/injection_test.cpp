// The log has exactly one line for each request, whatever is in the request, and no secrets.

#include <support/http_client.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using test::Connection;
using test::LoggedServer;

/// Bytes that end lines or fields, move the cursor, or are not valid characters.
const std::vector<std::string> hostile_texts{"\r\n",
                                             "\n",
                                             "\r",
                                             "\0"s,
                                             "\x1b[2J",
                                             "\x08",
                                             "\x7f",
                                             "\t",
                                             "\"",
                                             "\\",
                                             "\\n",
                                             "\" status=200 x=\"",
                                             " status=200",
                                             "=",
                                             "x level=error",
                                             "\xc0\x8a",
                                             "\xe0\x80\x8a",
                                             "\xf0\x80\x80\x8a",
                                             "\xff",
                                             "\xed\xa0\x80",
                                             "\xc2\x85",
                                             "\xe2\x80\xa8",
                                             "\xe2\x80\xae",
                                             "{\"a\":1}",
                                             "%0d%0a",
                                             "$(id)",
                                             "%n%s"};

constexpr std::string_view secret = "s3cr3t";

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded.append({'%', digits[byte >> 4U], digits[byte & 15U]});
  }
  return encoded;
}

std::vector<std::string> hostile_requests() {
  const std::string host = "Host: localhost\r\n";
  const std::string secrets =
      "Authorization: Bearer s3cr3t\r\nCookie: a=s3cr3t\r\nProxy-Authorization: s3cr3t\r\n"
      "Connection: close\r\n";
  const auto get = [&](const std::string& target, const std::string& fields) {
    return "GET " + target + " HTTP/1.1\r\n" + host + fields + secrets + "\r\n";
  };
  std::vector<std::string> requests;
  for (const std::string& text : hostile_texts) {
    for (const std::string& part : {text, percent_encoded(text)}) {
      requests.push_back(get("/addresses/x" + part + "y?token=s3cr3t", ""));
      requests.push_back(get("/addresses?token=s3cr3t&x=" + part, ""));
      requests.push_back(get("/nothing" + part + "?token=s3cr3t", ""));
    }
    requests.push_back(get("/addresses", "X-Request-Id: a" + text + "b\r\n"));
    requests.push_back(get("/addresses/_nothing", "User-Agent: a" + text + "b\r\n"));
    requests.push_back(get("/addresses", "X-Forwarded-For: a" + text + "b\r\n"));
    requests.push_back("GE" + text + "T /addresses HTTP/1.1\r\n" + host + secrets + "\r\n");
    for (const std::string& body :
         {"{\"s3cr3t\": \"" + text, "s3cr3t" + text, "{\"s3cr3t\":1,\"s3cr3t\":2}"s}) {
      requests.push_back("POST /addresses?s3cr3t HTTP/1.1\r\n" + host + secrets +
                         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    requests.push_back("POST /addresses HTTP/1.1\r\n" + host + secrets + "Content-Type: a" + text +
                       "\r\nContent-Length: 6\r\n\r\ns3cr3t");
  }
  return requests;
}

/// Parses a line of logfmt: name=value, the value plain or a JSON string, separated by single
/// spaces. @returns nothing if the line is malformed
std::optional<std::map<std::string, std::string>> parse_logfmt(std::string_view line) {
  std::map<std::string, std::string> fields;
  while (!line.empty()) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    const std::string name(line.substr(0, equals));
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos) {
      return std::nullopt;
    }
    line.remove_prefix(equals + 1);
    std::size_t end = 0;
    std::string value;
    if (!line.empty() && line[0] == '"') {
      for (end = 1; end < line.size() && line[end] != '"'; ++end) {
        if (line[end] == '\\') ++end;
      }
      ++end;
      if (end > line.size()) return std::nullopt;
      const auto json = nlohmann::json::parse(line.substr(0, end), nullptr, false);
      if (!json.is_string()) return std::nullopt;
      value = json.get<std::string>();
    } else {
      end = (std::min)(line.find(' '), line.size());
      value = line.substr(0, end);
      if (value.find_first_of("\"=") != std::string::npos) return std::nullopt;
    }
    if (!fields.emplace(name, value).second) return std::nullopt;
    line.remove_prefix(end);
    if (line.empty()) break;
    if (line[0] != ' ' || line.size() == 1) return std::nullopt;
    line.remove_prefix(1);
  }
  return fields;
}

/// Sends all of them. @returns the number of answers
std::size_t send_all(int port, const std::vector<std::string>& requests) {
  std::size_t answers = 0;
  for (const std::string& request : requests) {
    CAPTURE(request);
    Connection connection(port);
    connection.send(request);
    REQUIRE(connection.has_more());
    const auto response = connection.read_response();
    ++answers;
    CHECK(response.status >= 200);
    for (const auto& [name, value] : response.headers) {
      for (const char c : value) CHECK((c >= ' ' && c < '\x7f'));
    }
    CHECK(connection.is_closed());
    CHECK(connection.unread().empty());
  }
  return answers;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void check_harmless(const std::string& line) {
  CHECK(line.find_first_of("\r\x1b"s) == std::string::npos);
  for (const char c : line) CHECK((c >= ' ' && c < '\x7f'));
  CHECK(line.find(secret) == std::string::npos);
}

/// Returns what a server with these settings logs of the hostile requests. Checks that there is
/// one line for each.
std::vector<std::string> hostile_log(const test::Settings& settings,
                                     const std::vector<std::string>& options) {
  LoggedServer server(settings, options);
  const auto answers = send_all(server.port(), hostile_requests());
  CHECK(server.stop() == 0);
  auto lines = lines_of(server.log());
  REQUIRE(!lines.empty());
  CHECK(lines.front().find("http.allowed_hosts") != std::string::npos);  // of the start
  lines.erase(lines.begin());
  CHECK(lines.size() == answers);
  for (const std::string& line : lines) {
    CAPTURE(line);
    check_harmless(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("abuse: no request can add or remove a log line, in logfmt") {
  for (const std::vector<std::string>& options : {std::vector<std::string>{}, {"--debug"}}) {
    CAPTURE(options.size());
    for (const std::string& line : hostile_log({}, options)) {
      CAPTURE(line);
      auto fields = parse_logfmt(line);
      REQUIRE(fields);
      CHECK((*fields)["message"] == "RESPONSE");
      CHECK((*fields)["level"] == "info");
      CHECK(!(*fields)["req_id"].empty());
      CHECK((*fields)["req_id"].find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
            std::string::npos);
      CHECK((*fields)["uri"].find('?') == std::string::npos);
    }
  }
}

TEST_CASE("abuse: no request can add or remove a log line, in JSON") {
  for (const std::string& line : hostile_log({{"logging.format", "json"}}, {"--debug"})) {
    CAPTURE(line);
    const auto fields = nlohmann::json::parse(line, nullptr, false);
    REQUIRE(fields.is_object());
    CHECK(fields.value("message", "") == "RESPONSE");
  }
}

TEST_CASE("abuse: no request can add a line to the head of an answer") {
  LoggedServer server;
  for (const std::string& text : hostile_texts) {
    CAPTURE(text);
    const auto encoded = percent_encoded(text);
    const auto response =
        Connection(server.port()).request("GET", "/addresses/" + encoded + encoded);
    CHECK(response.status >= 400);
    CHECK(nlohmann::json::accept(response.body));
    CHECK(response.body.find_first_of("\r\n\x1b\x7f"s) == std::string::npos);
  }
}
