// The examples do what they say, and the README shows what is compiled.

#include <support/addresses.hpp>
#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/process.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using test::Connection;
using test::Process;

const std::string examples = ADDRBOOK_EXAMPLES_DIR;

/// A port that was free a moment ago; the example takes none of its own choice.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

Connection connect_when_ready(int port) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (true) {
    try {
      return Connection(port);
    } catch (const std::runtime_error&) {
      if (std::chrono::steady_clock::now() > deadline) throw;
      std::this_thread::yield();
    }
  }
}

}  // namespace

TEST_CASE("examples: quickstart is the README's first block, in at most 10 lines") {
  const std::string readme = test::read_file(ADDRBOOK_SOURCE_DIR "/README.md");
  const std::string source = test::read_file(ADDRBOOK_SOURCE_DIR "/examples/quickstart.cpp");
  const auto begin = readme.find("```cpp\n");
  REQUIRE(begin != std::string::npos);
  CHECK(readme.find("```") == begin);  // the first block of any kind
  const auto text = begin + 7;
  CHECK(readme.substr(text, readme.find("```", text) - text) == source);
  CHECK(std::count(source.begin(), source.end(), '\n') <= 10);
}

TEST_CASE("examples: the README's curl session gives what the README shows") {
  test::ServerProcess server;
  const std::string address = "127.0.0.1:" + std::to_string(server.port());

  const std::string readme = test::read_file(ADDRBOOK_SOURCE_DIR "/README.md");
  const auto begin = readme.find("```console\n");
  REQUIRE(begin != std::string::npos);
  const auto text = begin + 11;
  std::istringstream session(readme.substr(text, readme.find("```", text) - text));
  struct Step {
    std::string command;
    std::string shown;
  };
  std::vector<Step> steps;
  for (std::string line; std::getline(session, line);) {
    if (line.rfind("$ curl ", 0) == 0) {
      steps.push_back({"curl -s " + line.substr(7), ""});
    } else {
      REQUIRE(!steps.empty());
      steps.back().shown += line + "\n";
    }
  }
  REQUIRE(steps.size() >= 5);

  // Ids, tags and request ids differ each time: the README's stand for what comes in their place.
  std::map<std::string, std::string> actual_for;
  const std::regex hex("[0-9a-f]{16,32}");
  const auto replaced = [&](std::string line) {
    for (const auto& [shown, actual] : actual_for) {
      for (auto at = line.find(shown); at != std::string::npos; at = line.find(shown, at + 1)) {
        line.replace(at, shown.size(), actual);
      }
    }
    return line;
  };
  for (const Step& step : steps) {
    CAPTURE(step.command);
    std::string command = replaced(step.command);
    const auto at = command.find("127.0.0.1:8080");
    REQUIRE(at != std::string::npos);
    command.replace(at, 14, address);
    Process curl({"/bin/sh", "-c", command});
    std::string output = curl.read_output();
    CHECK(curl.wait() == 0);
    output.erase(std::remove(output.begin(), output.end(), '\r'), output.end());
    if (output.empty() || output.back() != '\n') output += '\n';
    const std::sregex_iterator end;
    std::sregex_iterator shown(step.shown.begin(), step.shown.end(), hex);
    std::sregex_iterator got(output.begin(), output.end(), hex);
    for (; shown != end && got != end; ++shown, ++got) actual_for[shown->str()] = got->str();
    CHECK(output == replaced(step.shown));
  }
}

TEST_CASE("examples: quickstart serves a book with Ada in it") {
  const int port = free_port();
  Process process({examples + "/quickstart", std::to_string(port)});
  Connection connection = connect_when_ready(port);
  const auto list = nlohmann::json::parse(connection.request("GET", "/addresses").body);
  REQUIRE(list.size() == 1);
  const auto id = list.begin().key();
  CHECK(connection.request("GET", "/addresses/" + id).body == R"({"name":"Ada Lovelace"})");
  REQUIRE(connection.request("DELETE", "/addresses/" + id).status == 204);
  test::check_life_cycle(port, "/addresses");
}

TEST_CASE("examples: embed keeps its own server and has two books in it") {
  Process process({examples + "/embed", "0"});
  const auto line = process.read_line();
  REQUIRE(line);
  const int port = test::port_in(*line);
  CHECK(Connection(port).request("GET", "/").body == "Friends and suppliers\n");
  CHECK(Connection(port).request("GET", "/nope").body == "Sorry\n");
  const auto failed = Connection(port).request("GET", "/fails");
  CHECK(failed.status == 500);
  CHECK(failed.body == "We are looking into it\n");
  CHECK(Connection(port).request("GET", "/first-friend").body == "Grace Hopper");
  test::check_error(Connection(port).request("GET", "/friends/x"), "GET", "/friends/x", 404,
                    "No such address: 'x'");

  test::check_error(Connection(port).request("POST", "/suppliers", {}, "{}"), "POST", "/suppliers",
                    400, "Invalid address: '' needs a name");
  test::check_error(Connection(port).request("POST", "/suppliers", {}, R"({"name":1})"), "POST",
                    "/suppliers", 400, "Invalid address: '/name' must be a string");
  CHECK(Connection(port).request("POST", "/suppliers", {}, R"({"name":"Acme"})").status == 201);
  CHECK(nlohmann::json::parse(Connection(port).request("GET", "/suppliers").body).size() == 1);
  const auto friends = nlohmann::json::parse(Connection(port).request("GET", "/friends").body);
  REQUIRE(friends.size() == 1);
  CHECK(Connection(port).request("DELETE", "/friends/" + friends.begin().key()).status == 204);
  CHECK(Connection(port).request("GET", "/first-friend").body == "nobody");
  test::check_life_cycle(port, "/friends");
  CHECK(process.read_error_line() == "GET / 200");  // its own logger's first line
}
