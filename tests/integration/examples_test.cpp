// The examples do what they say. What the pages show of them is checked in tests/docs.

#include <support/addresses.hpp>
#include <support/free_port.hpp>
#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/process.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using test::Connection;
using test::Process;

const std::string examples = ADDRBOOK_EXAMPLES_DIR;

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

TEST_CASE("examples: quickstart serves a book with Ada in it") {
  const int port = test::free_port();
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
                    400, "Invalid address: needs a name");
  test::check_error(Connection(port).request("POST", "/suppliers", {}, R"({"name":1})"), "POST",
                    "/suppliers", 400, "Invalid address: '/name' must be a string");
  CHECK(Connection(port).request("POST", "/suppliers", {}, R"({"name":"Acme"})").status == 201);
  const auto suppliers = nlohmann::json::parse(Connection(port).request("GET", "/suppliers").body);
  REQUIRE(suppliers.size() == 1);
  const std::string acme = "/suppliers/" + suppliers.begin().key();
  test::check_error(Connection(port).request("DELETE", acme), "DELETE", acme, 403, "Forbidden");
  const auto friends = nlohmann::json::parse(Connection(port).request("GET", "/friends").body);
  REQUIRE(friends.size() == 1);
  CHECK(Connection(port).request("DELETE", "/friends/" + friends.begin().key()).status == 204);
  CHECK(Connection(port).request("GET", "/first-friend").body == "nobody");
  test::check_life_cycle(port, "/friends");
  CHECK(process.read_error_line() == "GET / 200");  // the first line of its own logger
}

TEST_CASE("examples: tenants has a book for each of three users, and an operator, in 60 lines") {
  const std::string source = test::read_file(ADDRBOOK_SOURCE_DIR "/examples/tenants.cpp");
  CHECK(std::count(source.begin(), source.end(), '\n') <= 60);
  const test::TempFolder folder;
  const std::string file = (folder.path() / "contacts.db").string();
  const auto ask = [](int port, const std::string& token, const std::string& method,
                      const std::string& target, const std::string& body = "") {
    return Connection(port).request(method, target, {{"authorization", "Bearer " + token}}, body);
  };
  const std::string ada = "correct-horse-battery";
  const std::string bob = "staple-of-the-house";
  const std::string eve = "orange-tree-in-snow";
  const std::string keeper = "keeper-of-all-the-keys";
  std::string target;
  for (const int round : {1, 2}) {  // the second finds what the first has left
    CAPTURE(round);
    Process process({examples + "/tenants", "0", file});
    const auto line = process.read_line();
    REQUIRE(line);
    const int port = test::port_in(*line);
    if (round == 1) {
      test::check_error(ask(port, ada, "GET", "/addresses"), "GET", "/addresses", 404,
                        "No such book: 'ada'");
      target = ask(port, ada, "POST", "/addresses", R"({"name":"Grace"})").header("location");
      CHECK(ask(port, bob, "POST", "/addresses", R"({"name":"Alan"})").status == 201);
    }
    CHECK(ask(port, ada, "GET", target).body == R"({"name":"Grace"})");
    CHECK(ask(port, bob, "GET", target).status == 404);
    CHECK(ask(port, eve, "POST", "/addresses", "{}").status == 403);
    CHECK(ask(port, eve, "GET", "/addresses").status == 404);
    CHECK(ask(port, keeper, "GET", "/addresses").status == 401);
    CHECK(ask(port, ada, "GET", "/books").status == 401);
    CHECK(ask(port, keeper, "GET", "/books").body ==
          R"([{"name":"ada","count":1,"revision":1},{"name":"bob","count":1,"revision":1}])");
    CHECK(ask(port, keeper, "GET", "/books/ada" + target).body == R"({"name":"Grace"})");
    process.signal(SIGTERM);
    CHECK(process.wait() == 0);
  }
}
