// Many books on a program's server, over real sockets: on httplib's own server, on ours, and on
// ours where the program's hooks see the requests. The answers are the same on all three.

#include <addrbook/addrbook.hpp>
#include <addrbook/books.hpp>
#include <addrbook/server.hpp>

#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/mount.hpp>
#include <support/parallel.hpp>
#include <support/proc.hpp>
#include <support/running.hpp>
#include <support/server_with_hooks.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Books;
using test::Connection;
using test::Running;

using test::ServerWithHooks;

const std::string address = R"({"name":"Ada Lovelace"})";

addrbook::Options by_path(const std::string& prefix = "/books/{book}/addresses") {
  addrbook::Options options;
  options.prefix = prefix;
  return options;
}

std::string of(const std::string& book) {
  return "/books/" + book + "/addresses";
}

}  // namespace

TEST_CASE_TEMPLATE("books: each book has a whole life of its own", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto books = std::make_shared<Books>();
  test::mount(server, books, by_path());
  Running running(server);
  Connection connection(running.port());
  CHECK(connection.request("GET", "/books").body == "[]");
  for (const std::string name : {"ada", "a+b", "ada@example.com", "x~.y"}) {
    CAPTURE(name);
    const auto made = connection.request("PUT", "/books/" + name);
    CHECK(made.status == 201);
    CHECK(made.header("location") == "/books/" + name);
    CHECK(connection.request("PUT", "/books/" + name + "/").status == 204);
    test::check_life_cycle(running.port(), of(name));
    CHECK(connection.request("POST", of(name), {}, address).status == 201);
    CHECK(books->find(name)->state().count == 1);
  }
  CHECK(connection.request("GET", "/books?limit=1").body.find(R"("name":"a+b","count":1,)") !=
        std::string::npos);
  CHECK(connection.request("DELETE", "/books/ada").status == 204);
  test::check_error(Connection(running.port()).request("GET", of("ada")), "GET", of("ada"), 404,
                    "No such book: 'ada'");
  CHECK(connection.request("GET", of("a+b")).status == 200);
  CHECK(connection.request("GET", "/books/_health").body == R"({"status":"pass"})");
  CHECK(connection.request("GET", "/books/_ready").status == 200);
  CHECK(connection.request("HEAD", "/books/a+b").status == 200);
  CHECK(connection.request("OPTIONS", "/books/a+b").header("allow") ==
        "DELETE, GET, HEAD, OPTIONS, PUT");
}

TEST_CASE_TEMPLATE("books: no encoding of a path leads to another book or another endpoint", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto books = std::make_shared<Books>();
  const auto entry = books->create("ada").book->create(addrbook::Document::parse(address));
  test::mount(server, books, by_path());
  Running running(server);
  for (const std::string name : {"ada", "%61da", "%61%64%61"}) {
    CAPTURE(name);
    CHECK(Connection(running.port()).request("GET", of(name) + "/" + entry.id).body == address);
  }
  for (const std::string& path : std::vector<std::string>{
           "/books/ada%2Faddresses", "/books/ada%2faddresses", "/books/ada/addresses%2F" + entry.id,
           "/books/ada%2Faddresses%2F" + entry.id, "/books/%2e%2e/addresses", "/books/../addresses",
           "/books/ada%00/addresses", "/books/ada%20/addresses", "/books//addresses",
           "/books/%252e/addresses", "/books/ada%252Faddresses", "/books/ada/x/../addresses",
           "/books/ada/%2E/addresses", "/books/x/y/z/a/b/c/d", "/books/{book}/addresses",
           "/books/ada%u002Faddresses", "/books/\xC3\xA1/addresses"}) {
    CAPTURE(path);
    const auto response = Connection(running.port()).request("GET", path);
    test::check_error(response, "GET", path, 404, "Unknown Endpoint");
    CHECK(Connection(running.port()).request("DELETE", path).status == 404);
  }
  for (const std::string name : {"Ada", "ADA", "ad", "ada.", "ada+"}) {
    CAPTURE(name);
    test::check_error(Connection(running.port()).request("GET", of(name) + "/" + entry.id), "GET",
                      of(name) + "/" + entry.id, 404, "No such book: '" + name + "'");
  }
  CHECK(books->list().books.size() == 1);
  CHECK(books->find("ada")->state().count == 1);
}

TEST_CASE_TEMPLATE("books: a deep prefix with several segments after the name", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto books = std::make_shared<Books>();
  const std::string tail = "/a/b.c/d/e/f/g/h/addresses";
  test::mount(server, books, by_path("/api/v1.2/books/{book}" + tail));
  Running running(server);
  Connection connection(running.port());
  CHECK(connection.request("PUT", "/api/v1.2/books/ada").status == 201);
  test::check_life_cycle(running.port(), "/api/v1.2/books/ada" + tail);
  CHECK(connection.request("GET", "/api/v1x2/books/ada" + tail).status == 404);
}

TEST_CASE_TEMPLATE("books: each user has their own, under one path", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto books = std::make_shared<Books>();
  addrbook::Options options;
  options.authorize = [](const AccessRequest& access) {
    const auto user = access.request.header("X-User");
    return user ? Access::allow(std::string(*user)) : Access::unauthenticated();
  };
  options.book = [](const Access& access, const addrbook::Request&) { return access.user; };
  options.create_on_write = true;
  test::mount(server, books, options);
  Running running(server);
  const auto as = [](const std::string& user) { return test::Headers{{"x-user", user}}; };
  CHECK(Connection(running.port()).request("GET", "/addresses", as("ada")).status == 404);
  Connection connection(running.port());
  const auto made = connection.request("POST", "/addresses", as("ada"), address);
  CHECK(made.status == 201);
  const std::string target = made.header("location");
  CHECK(target.rfind("/addresses/", 0) == 0);
  CHECK(connection.request("POST", "/addresses", as("bob"), "{}").status == 201);
  CHECK(connection.request("GET", target, as("ada")).body == address);
  CHECK(Connection(running.port()).request("GET", target, as("bob")).status == 404);
  CHECK(Connection(running.port()).request("GET", target).status == 401);
  CHECK(connection.request("GET", "/addresses", as("bob")).body.find("Ada") == std::string::npos);
  CHECK(connection.request("GET", "/addresses/_health").status == 200);
}

TEST_CASE("books: the answers are the same on all servers") {
  const auto ask_all = [](auto& server) {
    const auto books = std::make_shared<Books>();
    addrbook::Options options = by_path();
    options.authorize = [](const AccessRequest& access) {
      return access.book == "secret" ? Access::forbid() : Access::allow();
    };
    test::mount(server, books, options);
    Running running(server);
    std::vector<std::string> answers;
    const auto ask = [&](const std::string& method, const std::string& target,
                         const std::string& body = "", const test::Headers& headers = {}) {
      test::Headers fields = headers;
      fields.emplace_back("x-request-id", "x");
      const auto response = Connection(running.port()).request(method, target, fields, body);
      std::string text = method + " " + target + " " + std::to_string(response.status) + "\n";
      for (const auto& [name, value] : response.headers) {
        if (name == "content-length" && value == "0") continue;  // httplib's, with a 204
        if (name == "date" || name == "connection" || name == "keep-alive" || name == "etag" ||
            name == "accept-ranges") {
          continue;
        }
        text.append(name).append(": ").append(value).append("\n");
      }
      answers.push_back(text + response.body);
    };
    ask("PUT", "/books/ada");
    ask("PUT", "/books/bob");
    ask("PUT", "/books/ada");
    ask("PUT", "/books/secret");
    ask("PUT", "/books/_x");
    ask("GET", "/books");
    ask("GET", "/books/");
    ask("GET", "/books?limit=1");
    ask("GET", "/books?limit=0");
    ask("HEAD", "/books/ada");
    ask("GET", "/books/ada");
    ask("GET", of("ada"));
    ask("GET", of("none"));
    ask("POST", of("none"), address);
    ask("POST", of("secret"), address);
    ask("POST", of("ada"), "nonsense");
    ask("PUT", of("ada") + "/x", address);
    ask("POST", "/books");
    ask("PATCH", "/books/ada");
    ask("OPTIONS", "/books");
    ask("DELETE", "/books/ada", "", {{"if-match", "\"x\""}});
    ask("DELETE", "/books/ada");
    ask("DELETE", "/books/ada");
    ask("GET", "/books/ada/x");
    ask("GET", "/books/_ready");
    return answers;
  };
  httplib::Server plain;
  addrbook::Server ours;
  ServerWithHooks with_hooks;
  const auto expected = ask_all(ours);
  for (const auto& answers : {ask_all(plain), ask_all(with_hooks)}) {
    REQUIRE(answers.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(answers[i] == expected[i]);
  }
}

TEST_CASE_TEMPLATE("books: a slow list of a book that is removed is cut", Server, addrbook::Server,
                   ServerWithHooks) {
  Server server;
  const auto books = std::make_shared<Books>();
  const auto book = books->create("ada").book;
  const auto large =
      addrbook::Document::parse(R"({"note":")" + std::string(100'000, 'x') + R"("})");
  for (int i = 0; i < 200; ++i) book->create(large);  // more than the system buffers
  test::mount(server, books, by_path());
  Running running(server);
  SUBCASE("the first one") {}
  SUBCASE("one that is kept") {
    for (int i = 0; i < 3; ++i) {
      REQUIRE(Connection(running.port()).request("GET", of("ada")).complete);
    }
  }
  Connection reader(running.port());
  reader.send_request("GET", of("ada"));
  REQUIRE(reader.has_more());
  CHECK(Connection(running.port()).request("DELETE", "/books/ada").status == 204);
  const auto response = reader.read_response();
  CHECK(response.status == 200);
  CHECK_FALSE(response.complete);
  CHECK(Connection(running.port()).request("GET", of("ada")).status == 404);
}

TEST_CASE_TEMPLATE("books: clients that make, use and remove the same books", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto books = std::make_shared<Books>();
  addrbook::Options options = by_path();
  options.create_on_write = true;
  test::mount(server, books, options);
  Running running(server);
  std::atomic<int> created{0};
  const auto failures = test::run_parallel(4, [&](std::size_t t) {
    // A connection for each request: plain httplib closes after an error, or doesn't.
    const auto request = [&](const std::string& method, const std::string& target,
                             const std::string& body = {}) {
      return Connection(running.port()).request(method, target, {}, body);
    };
    for (std::size_t i = 0; i < 50; ++i) {
      const std::string name = "b" + std::to_string((t + i) % 3);
      const auto made = request("POST", of(name), address);
      if (made.status == 201) ++created;
      // Another client may have removed the book between its making and the write, twice.
      if (made.status != 201 && made.status != 404) throw std::runtime_error(made.body);
      const int read = request("GET", of(name)).status;
      if (read != 200 && read != 404) throw std::runtime_error("GET");
      if (i % 10 == 0) request("DELETE", "/books/" + name);
    }
  });
  CHECK(failures == "");
  CHECK(created > 150);
  CHECK(Connection(running.port()).request("GET", "/books/_health").status == 200);
}

TEST_CASE_TEMPLATE("books: 10,000 names that are asked at random make nothing and leak nothing",
                   Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::BooksOptions limits;
  limits.max_open_books = 10;
  const auto books = std::make_shared<Books>(std::make_shared<addrbook::MemoryBooks>(),
                                             std::vector<addrbook::Validator>(), limits);
  books->create("ada");
  addrbook::Options options = by_path();
  options.create_on_write = true;
  test::mount(server, books, options);
  Running running(server);
  const auto ask = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string name = "b" + std::to_string(i * 7919 % 10'007);
      const std::string method = i % 3 == 0 ? "DELETE" : i % 3 == 1 ? "GET" : "PUT";
      const std::string path = i % 3 == 2 || i % 2 == 0 ? of(name) + "/x" : "/books/" + name;
      const auto response =
          Connection(running.port()).request(method, path, {}, method == "PUT" ? "{}" : "");
      if (response.status != 404) FAIL(method << " " << path << " " << response.status);
    }
  };
  ask(0, 2'000);
  const std::size_t before = test::status_kib(::getpid(), "VmRSS");
  ask(2'000, 10'000);
  // A sanitizer keeps what has been freed.
  if (!test::is_sanitized) CHECK(test::status_kib(::getpid(), "VmRSS") < before + 2'048);
  CHECK(books->list().books.size() == 1);
  CHECK(Connection(running.port()).request("GET", "/books").body ==
        R"([{"name":"ada","count":0,"revision":0}])");
}

TEST_CASE("books: one book and many on one server, the longest root counts") {
  addrbook::Server server;
  const auto books = std::make_shared<Books>();
  const auto one = test::mount(server);
  addrbook::Options options = by_path("/addresses/of/{book}/all");
  test::mount(server, books, options);
  Running running(server);
  Connection connection(running.port());
  CHECK(connection.request("PUT", "/addresses/of/ada").status == 201);
  CHECK(connection.request("POST", "/addresses/of/ada/all", {}, address).status == 201);
  CHECK(connection.request("POST", "/addresses", {}, address).status == 201);
  CHECK(one->state().count == 1);
  CHECK(books->find("ada")->state().count == 1);
}

TEST_CASE_TEMPLATE("books: what can't be mounted is refused, and nothing is registered", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  CHECK_THROWS_AS(test::mount(server, std::make_shared<Books>(), addrbook::Options()),
                  addrbook::Error);
  CHECK_THROWS_AS(test::mount(server, std::make_shared<addrbook::Service>(), by_path()),
                  addrbook::Error);
  CHECK_THROWS_AS(test::mount(server, std::shared_ptr<Books>(), by_path()), addrbook::Error);
  Running running(server);
  CHECK(Connection(running.port()).request("GET", "/addresses").status == 404);
  CHECK(Connection(running.port()).request("GET", "/books").status == 404);
  CHECK_THROWS_AS(test::mount(server, std::make_shared<Books>(), by_path()), addrbook::Error);
}
