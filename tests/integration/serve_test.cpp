// serve.hpp: what a program does around its server.

#include <addrbook/authorization.hpp>
#include <addrbook/log.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/serve.hpp>
#include <addrbook/server.hpp>

#include <support/http_client.hpp>
#include <support/mount.hpp>
#include <support/service_manager.hpp>

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using addrbook::serve_until_signal;
using test::Connection;

/// Blocks the signals until the end of the test.
class Blocked {
 public:
  Blocked() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, &mask_);
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  ~Blocked() { pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  sigset_t mask_;
};

void send_signal(int number) {
  ::kill(::getpid(), number);
}

template <class Server>
void check_serves_until(Server& server, int port, int number) {
  int calls = 0;
  serve_until_signal(server, [&] {
    ++calls;
    CHECK(Connection(port).request("GET", "/addresses").status == 200);
    send_signal(number);
  });
  CHECK(calls == 1);
  CHECK_FALSE(server.is_running());
  CHECK_THROWS(Connection(port).request("GET", "/addresses"));
}

}  // namespace

TEST_CASE("serve: a server serves until either signal") {
  const Blocked blocked;
  for (const int number : {SIGTERM, SIGINT}) {
    CAPTURE(number);
    addrbook::Server server;
    test::mount(server);
    check_serves_until(server, server.bind("127.0.0.1", 0), number);
  }
  httplib::Server plain;
  test::mount(plain);
  check_serves_until(plain, plain.bind_to_any_port("127.0.0.1"), SIGTERM);
}

TEST_CASE("serve: SIGHUP and SIGUSR1 are for the program, and the server goes on") {
  const Blocked blocked;
  addrbook::Server server;
  test::mount(server);
  const int port = server.bind("127.0.0.1", 0);
  int calls = 0;
  addrbook::ServeHooks hooks;
  hooks.on_listening = [] { send_signal(SIGHUP); };
  hooks.on_reload = [&] {
    CHECK(Connection(port).request("GET", "/addresses").status == 200);
    send_signal(++calls == 1 ? SIGUSR1 : SIGTERM);
  };
  serve_until_signal(server, hooks);
  CHECK(calls == 2);
  CHECK_FALSE(server.is_running());
}

TEST_CASE("serve: systemd is told when the server serves, reads again, and stops") {
  const Blocked blocked;
  const test::ServiceManager manager;
  ::setenv("NOTIFY_SOCKET", manager.name().c_str(), 1);
  addrbook::Server server;
  test::mount(server);
  const int port = server.bind("127.0.0.1", 0);
  addrbook::ServeHooks hooks;
  hooks.on_listening = [] { send_signal(SIGHUP); };
  hooks.on_reload = [&] {
    CHECK(manager.receive() == "READY=1");
    CHECK(Connection(port).request("GET", "/addresses").status == 200);
    CHECK(manager.receive().rfind("RELOADING=1\nMONOTONIC_USEC=", 0) == 0);
    send_signal(SIGTERM);
  };
  serve_until_signal(server, hooks);
  ::unsetenv("NOTIFY_SOCKET");
  CHECK(manager.receive() == "READY=1");
  CHECK(manager.receive() == "STOPPING=1");
}

TEST_CASE("serve: on_listening is called once the server serves, not if it can't") {
  const Blocked blocked;
  addrbook::Server server;
  server.bind("127.0.0.1", 0);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit lower = before;
  lower.rlim_cur = 3;
  bool is_called = false;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  CHECK_THROWS_AS(serve_until_signal(server, [&] { is_called = true; }), std::system_error);
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK_FALSE(is_called);
}

TEST_CASE("serve: a signal that arrives before the server listens is not lost if it is blocked") {
  for (int i = 0; i < 20; ++i) {
    const Blocked blocked;
    addrbook::Server server;
    server.bind("127.0.0.1", 0);
    send_signal(SIGTERM);
    serve_until_signal(server);
    CHECK_FALSE(server.is_running());
  }
}

TEST_CASE("serve: a server that the program stops has served") {
  const Blocked blocked;
  addrbook::Server server;
  server.Get("/stop", [&](const httplib::Request&, httplib::Response&) { server.stop(); });
  const int port = server.bind("127.0.0.1", 0);
  std::thread client;
  serve_until_signal(
      server, [&] { client = std::thread([port] { Connection(port).request("GET", "/stop"); }); });
  client.join();
  CHECK_FALSE(server.is_running());
}

TEST_CASE("serve: what fails is thrown, and the server is stopped") {
  const Blocked blocked;
  addrbook::Server server;
  const int port = server.bind("127.0.0.1", 0);
  CHECK_THROWS_WITH(serve_until_signal(server, [] { throw std::runtime_error("not now"); }),
                    "not now");
  CHECK_FALSE(server.is_running());
  CHECK_THROWS(Connection(port).request("GET", "/"));

  addrbook::Server decommissioned;
  decommissioned.bind("127.0.0.1", 0);
  decommissioned.decommission();  // httplib then refuses to listen
  bool is_called = false;
  CHECK_THROWS_WITH(serve_until_signal(decommissioned, [&] { is_called = true; }),
                    "listening failed");
  CHECK_FALSE(is_called);
}

TEST_CASE("serve: requests outside of the book are refused before their bodies are read") {
  const Blocked blocked;
  addrbook::Options options;
  options.prefix = "/books/mine";
  addrbook::Server server;
  bool is_reached = false;
  server.Post("/other", [&](const httplib::Request&, httplib::Response&) { is_reached = true; });
  addrbook::refuse_other_paths(server, options);
  test::mount(server, options);
  const int port = server.bind("127.0.0.1", 0);
  serve_until_signal(server, [&] {
    for (const std::string path : {"/other", "/", "/books", "/books/min", "/books/mine2",
                                   "/books/mine/a/b/c", "/books/min/e"}) {
      CAPTURE(path);
      Connection connection(port);
      // The body never comes: an answer shows that it is not waited for.
      connection.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
      CHECK(connection.read_response().status == 404);
    }
    for (const std::string path : {"/books/mine", "/books/mine/_health"}) {
      CAPTURE(path);
      CHECK(Connection(port).request("GET", path).status == 200);
    }
    CHECK(Connection(port).request("POST", "/books/mine", {}, "{}").status == 201);
    send_signal(SIGTERM);
  });
  CHECK_FALSE(is_reached);
}

TEST_CASE("serve: GET / says what the server is, if it has a name") {
  const Blocked blocked;
  std::vector<addrbook::LogRecord> log;
  addrbook::Options options;
  options.prefix = "/books/mine";
  options.trusted_proxies = {"127.0.0.1"};
  options.log = [&](const addrbook::LogRecord& record) { log.push_back(record); };
  addrbook::Server server;
  addrbook::refuse_other_paths(server, options, "My \"Book\"");
  test::mount(server, options);
  const int port = server.bind("127.0.0.1", 0);
  serve_until_signal(server, [&] {
    Connection connection(port);
    const auto answer = connection.request("GET", "/");
    CHECK(answer.status == 200);
    CHECK(answer.header("content-type") == "application/json; charset=UTF-8");
    CHECK(answer.body ==
          R"({"name":"My \"Book\"","addresses":"/books/mine","health":"/books/mine/_health",)"
          R"("ready":"/books/mine/_ready"})");
    // What the proxy has removed stands before the paths.
    const auto behind = connection.request("GET", "/", {{"x-forwarded-prefix", "/outer"}});
    CHECK(behind.body.find(R"("addresses":"/outer/books/mine","health":"/outer/books/)") !=
          std::string::npos);
    const auto head = connection.request("HEAD", "/");
    CHECK(head.status == 200);
    CHECK(head.header("content-length") == std::to_string(answer.body.size()));
    const auto post = Connection(port).request("POST", "/", {}, "{}");
    CHECK(post.status == 405);
    CHECK(post.header("allow") == "GET, HEAD");
    CHECK(Connection(port).request("GET", "/other").status == 404);
    send_signal(SIGTERM);
  });
  REQUIRE(log.size() >= 2);
  CHECK(log[0].uri == "/");
  CHECK(log[0].status == 200);
}

TEST_CASE("serve: GET / leads to the page, if there is one") {
  const Blocked blocked;
  addrbook::Options options;
  options.prefix = "/books/mine";
  options.page = true;
  addrbook::Server server;
  addrbook::refuse_other_paths(server, options, "My Book");
  test::mount(server, options);
  const int port = server.bind("127.0.0.1", 0);
  serve_until_signal(server, [&] {
    Connection connection(port);
    const auto answer = connection.request("GET", "/");
    CHECK(answer.status == 303);
    CHECK(answer.header("location") == "books/mine/_page");
    CHECK(connection.request("GET", "/books/mine/_page").status == 200);
    CHECK(connection.request("GET", "/books/mine/_page/files/app.js").status == 200);
    CHECK(Connection(port).request("POST", "/", {}, "{}").status == 405);
    send_signal(SIGTERM);
  });
}

TEST_CASE("serve: the descriptor limit is raised to the hard limit") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit lower = before;
  lower.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  addrbook::raise_descriptor_limit();
  rlimit raised{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &raised) == 0);
  CHECK(raised.rlim_cur == before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("serve: a book that everybody on the machine may use is closed to pages of other names") {
  std::vector<addrbook::LogRecord> records;
  addrbook::Options options;
  options.log = [&records](const addrbook::LogRecord& record) { records.push_back(record); };
  SUBCASE("on loopback") {
    for (const std::string host : {"127.0.0.1", "::1", "localhost"}) {
      CAPTURE(host);
      records.clear();
      options.loopback_hosts_only = false;
      CHECK(addrbook::guard_loopback(options, host));
      CHECK(options.loopback_hosts_only);
      REQUIRE(records.size() == 1);
      CHECK(records[0].kind == addrbook::LogRecord::Kind::server);
      CHECK(records[0].level == addrbook::LogRecord::Level::info);
      CHECK(records[0].reason.find("http.allowed_hosts") != std::string::npos);
    }
    options.log = nullptr;
    CHECK(addrbook::guard_loopback(options, "127.0.0.1"));
    return;
  }
  std::string host = "127.0.0.1";
  SUBCASE("not where other machines call") {
    host = "0.0.0.0";
  }
  SUBCASE("not with tokens") {
    options.authorize = [](const addrbook::AccessRequest&) { return addrbook::Access::allow(); };
  }
  SUBCASE("not where the names are known") {
    options.allowed_hosts = {"book.example.com"};
  }
  CHECK_FALSE(addrbook::guard_loopback(options, host));
  CHECK_FALSE(options.loopback_hosts_only);
  CHECK(records.empty());
}

TEST_CASE("serve: loopback addresses") {
  for (const std::string host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"}) {
    CAPTURE(host);
    CHECK(addrbook::is_loopback(host));
  }
  for (const std::string host : {"", "0.0.0.0", "::", "128.0.0.1", "127.0.0.1.example.com"}) {
    CAPTURE(host);
    CHECK_FALSE(addrbook::is_loopback(host));
  }
}
