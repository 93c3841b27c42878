// Several bundled servers on one PostgreSQL database, and a database that goes away.

#include <support/crowd.hpp>
#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/parallel.hpp>
#include <support/postgresql_server.hpp>
#include <support/probe.hpp>
#include <support/server_process.hpp>
#include <support/silent_proxy.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using nlohmann::json;
using test::Connection;
using test::LoggedServer;
using test::PostgresqlServer;
using test::Process;
using test::Response;

test::Settings over(const std::string& conninfo) {
  return {{"storage.postgresql", conninfo}};
}

Response request(const LoggedServer& server, const std::string& method, const std::string& target,
                 const std::string& body = {}) {
  return Connection(server.port()).request(method, target, {}, body);
}

/// Repeats a request until the answer has `status`, for as long as a database may take to start.
bool comes_to(const LoggedServer& server, const std::string& target, int status) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (request(server, "GET", target).status != status) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

/// Creates entries one after the other until told to end, and records those that get a 201.
class Writer {
 public:
  Writer(int port, std::string name)
      : port_(port), name_(std::move(name)), thread_([this] { run(); }) {}
  ~Writer() { join(); }

  void join() {
    is_ending_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::size_t done() const { return count_.load(); }
  /// Location to document. After join().
  [[nodiscard]] const std::map<std::string, std::string>& created() const { return created_; }
  /// Answers that were neither 201 nor 503. After join().
  [[nodiscard]] const std::vector<int>& others() const { return others_; }

 private:
  void run() {
    for (int i = 0; !is_ending_; ++i) {
      const std::string document = R"({"name":")" + name_ + " " + std::to_string(i) + R"("})";
      try {
        const auto response = Connection(port_).request("POST", "/addresses", {}, document);
        if (response.status == 201) {
          created_[response.header("location")] = document;
          ++count_;
        } else if (response.status != 503) {
          others_.push_back(response.status);
        }
      } catch (const std::runtime_error&) {
        // The server has been killed.
        std::this_thread::yield();
      }
    }
  }

  const int port_;
  const std::string name_;
  std::map<std::string, std::string> created_;
  std::vector<int> others_;
  std::atomic<std::size_t> count_{0};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

/// Holds the lock of the book's state, like a server that stalls in the middle of a write.
class StalledWriter {
 public:
  explicit StalledWriter(const PostgresqlServer& database)
      : database_(database), thread_([this] {
          try {
            database_.sql(
                "BEGIN; SELECT * FROM addrbook_books FOR UPDATE; SELECT pg_sleep(600); COMMIT");
          } catch (const std::runtime_error&) {  // ended below
          }
        }) {
    while (database_.sql("SELECT COUNT(*)" + sleepers_) == "0") std::this_thread::yield();
  }
  ~StalledWriter() {
    database_.sql("SELECT pg_terminate_backend(pid)" + sleepers_);
    thread_.join();
  }

 private:
  const std::string sleepers_ = " FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
  const PostgresqlServer& database_;
  std::thread thread_;
};

bool all_reach(const std::vector<std::unique_ptr<Writer>>& writers, std::size_t more) {
  std::vector<std::size_t> before;
  for (const auto& writer : writers) before.push_back(writer->done());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (std::size_t i = 0; i < writers.size(); ++i) {
    while (writers[i]->done() < before[i] + more) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
  }
  return true;
}

}  // namespace

TEST_CASE("postgresql: servers on one database see each other's writes at once") {
  const PostgresqlServer database;
  LoggedServer one(over(database.conninfo()));
  LoggedServer two(over(database.tcp_conninfo()));
  LoggedServer three(
      over("postgresql://postgres@127.0.0.1:" + std::to_string(database.port()) + "/postgres"));
  test::check_life_cycle(one.port(), "/addresses");
  for (int i = 0; i < 20; ++i) {
    const auto made = request(one, "POST", "/addresses", R"({"name":"Ada"})");
    REQUIRE(made.status == 201);
    const auto target = made.header("location");
    const auto seen = request(two, "GET", target);
    REQUIRE(seen.status == 200);
    REQUIRE(seen.header("etag") == made.header("etag"));
    const auto put = request(three, "PUT", target, R"({"name":"Ada Lovelace"})");
    REQUIRE(put.status == 204);
    REQUIRE(request(one, "GET", target).body == R"({"name":"Ada Lovelace"})");
    REQUIRE(request(two, "GET", target).header("etag") == put.header("etag"));
    const auto list = request(two, "GET", "/addresses");
    REQUIRE(list.body == request(three, "GET", "/addresses").body);
    REQUIRE(list.header("etag") == request(one, "GET", "/addresses").header("etag"));
    REQUIRE(json::parse(list.body).size() == 1);
    REQUIRE(request(two, "DELETE", target).status == 204);
    REQUIRE(request(three, "GET", target).status == 404);
    REQUIRE(request(one, "PUT", target, R"({"name":"Ada"})").status == 404);
  }
  for (LoggedServer* const server : {&one, &two, &three}) CHECK(server->stop() == 0);
}

TEST_CASE("postgresql: editors over two servers lose nothing") {
  const PostgresqlServer database;
  LoggedServer one(over(database.conninfo()));
  LoggedServer two(over(database.conninfo()));
  const auto target = request(one, "POST", "/addresses", R"({"n":0,"of":{}})").header("location");
  constexpr std::size_t editors = 4;
  std::atomic<int> done{0};
  const auto failures = test::run_parallel(editors, [&](std::size_t editor) {
    test::Connection connection(editor % 2 == 0 ? one.port() : two.port());
    for (int i = 0; i < 25; ++i) {
      const auto read = connection.request("GET", target);
      json text = json::parse(read.body);
      text["n"] = text["n"].get<int>() + 1;
      const auto put =
          connection.request("PUT", target, {{"If-Match", read.header("etag")}}, text.dump());
      if (put.status == 204) ++done;
      if (put.status != 204 && put.status != 412) throw std::runtime_error("PUT: " + put.body);
      const std::string patch =
          R"({"of":{")" + std::to_string(editor) + "\":" + std::to_string(i) + "}}";
      const auto patched = connection.request(
          "PATCH", target, {{"Content-Type", "application/merge-patch+json"}}, patch);
      if (patched.status != 204) throw std::runtime_error("PATCH: " + patched.body);
    }
  });
  CHECK(failures == "");
  CHECK(done.load() > 0);
  const json text = json::parse(request(two, "GET", target).body);
  CHECK(text["n"] == done.load());
  CHECK(text["of"] == json{{"0", 24}, {"1", 24}, {"2", 24}, {"3", 24}});
  for (LoggedServer* const server : {&one, &two}) CHECK(server->stop() == 0);
}

TEST_CASE("postgresql: servers of many books see what another makes and removes") {
  const PostgresqlServer database;
  test::Settings settings = over(database.conninfo());
  settings.emplace_back("http.prefix", "/books/{book}/addresses");
  settings.emplace_back("books.create_on_write", "true");
  settings.emplace_back("books.max_books", "2");
  LoggedServer one(settings);
  LoggedServer other(settings);
  const std::string ada = "/books/ada/addresses";
  CHECK(request(other, "GET", ada).status == 404);
  const auto made = request(one, "POST", ada, R"({"name":"Ada"})");
  REQUIRE(made.status == 201);
  const std::string target = made.header("location");
  CHECK(target.rfind(ada + "/", 0) == 0);
  CHECK(request(other, "GET", target).body == R"({"name":"Ada"})");
  CHECK(request(other, "PUT", target, R"({"name":"Eve"})").status == 204);
  CHECK(request(one, "GET", target).body == R"({"name":"Eve"})");
  CHECK(request(one, "GET", "/books/bob/addresses" + target.substr(ada.size())).status == 404);

  CHECK(request(one, "PUT", "/books/bob").status == 201);
  CHECK(request(other, "POST", "/books/eve/addresses", "{}").status == 507);
  CHECK(request(other, "GET", "/books").body == R"([{"name":"ada","count":1,"revision":2},)"
                                                R"({"name":"bob","count":0,"revision":0}])");
  CHECK(request(other, "DELETE", "/books/ada").status == 204);
  CHECK(request(one, "GET", ada).status == 404);
  CHECK(request(one, "GET", target).status == 404);

  // Made again, it has nothing of the old one, and a kill takes nothing from it.
  REQUIRE(request(one, "POST", ada, R"({"name":"Grace"})").status == 201);
  one.process().signal(SIGKILL);
  one.process().wait();
  CHECK(request(other, "GET", target).status == 404);
  const auto entries = json::parse(request(other, "GET", ada).body);
  REQUIRE(entries.size() == 1);
  CHECK(entries.begin()->dump() == R"({"name":"Grace"})");
}

TEST_CASE("postgresql: after a kill of one server the others continue") {
  const PostgresqlServer database;
  std::vector<std::unique_ptr<LoggedServer>> servers;
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < 3; ++i) {
    servers.push_back(std::make_unique<LoggedServer>(over(database.conninfo())));
    for (int j = 0; j < 2; ++j) {
      writers.push_back(std::make_unique<Writer>(servers.back()->port(),
                                                 std::to_string(i) + "-" + std::to_string(j)));
    }
  }
  CHECK(all_reach(writers, 20));
  servers[2]->process().signal(SIGKILL);
  servers[2]->process().wait();
  std::vector<std::unique_ptr<Writer>> bereft;
  while (writers.size() > 4) {
    bereft.push_back(std::move(writers.back()));
    writers.pop_back();
  }
  CHECK(all_reach(writers, 20));
  std::map<std::string, std::string> created;
  for (const auto* const group : {&writers, &bereft}) {
    for (const auto& writer : *group) {
      writer->join();
      CHECK(writer->others().empty());
      created.insert(writer->created().begin(), writer->created().end());
    }
  }
  const auto list = request(*servers[0], "GET", "/addresses");
  CHECK(list.body == request(*servers[1], "GET", "/addresses").body);
  const auto entries = json::parse(list.body);
  for (const auto& [target, document] : created) {
    const auto at = entries.find(target.substr(target.rfind('/') + 1));
    REQUIRE(at != entries.end());
    REQUIRE(at->dump() == document);
  }
  // Besides these, only writes that the killed server did not answer.
  CHECK(entries.size() <= created.size() + 2);
}

TEST_CASE("postgresql: quick 503s while the database is down, then service resumes") {
  PostgresqlServer database;
  const LoggedServer server(over(database.conninfo()));
  const auto made = request(server, "POST", "/addresses", R"({"name":"Ada"})");
  const auto target = made.header("location");
  const auto check_down = [&] {
    const auto begin = std::chrono::steady_clock::now();
    for (const std::string& path : {target, std::string("/addresses/none"),
                                    std::string("/addresses"), std::string("/addresses/_ready")}) {
      CAPTURE(path);
      const auto response = request(server, "GET", path);
      CHECK(response.status == 503);
      CHECK(response.header("retry-after") == "1");
      CHECK(json::parse(response.body).at("code") == 503);
      CHECK(response.body.find(database.folder().string()) == std::string::npos);
    }
    for (const char* const method : {"PUT", "DELETE"}) {
      CHECK(request(server, method, target, R"({"name":"Grace"})").status == 503);
    }
    CHECK(request(server, "POST", "/addresses", R"({"name":"Grace"})").status == 503);
    CHECK(request(server, "GET", "/addresses/_health").status == 200);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
  };
  database.stop();
  check_down();
  database.start();
  CHECK(comes_to(server, "/addresses/_ready", 200));
  CHECK(request(server, "GET", target).header("etag") == made.header("etag"));
  database.kill();
  check_down();
  database.start();
  CHECK(comes_to(server, "/addresses/_ready", 200));
  CHECK(request(server, "GET", target).body == R"({"name":"Ada"})");
  CHECK(request(server, "POST", "/addresses", R"({"name":"Grace"})").status == 201);
  CHECK(json::parse(request(server, "GET", "/addresses").body).size() == 2);
  CHECK(server.log().find("reason=") != std::string::npos);
}

TEST_CASE("postgresql: 503 within the timeout while the database is silent, then service resumes") {
  PostgresqlServer database;
  const LoggedServer server(over(database.tcp_conninfo()));
  const auto target = request(server, "POST", "/addresses", R"({"name":"Ada"})").header("location");
  database.freeze();
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> clients;
  std::atomic<int> unavailable{0};
  for (const std::string& path :
       {target, std::string("/addresses"), std::string("/addresses/_ready")}) {
    clients.emplace_back([&, path] {
      if (request(server, "GET", path).status == 503) ++unavailable;
    });
  }
  for (auto& client : clients) client.join();
  CHECK(unavailable == 3);
  CHECK(request(server, "GET", "/addresses/_health").status == 200);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  database.thaw();
  CHECK(comes_to(server, "/addresses/_ready", 200));
  CHECK(request(server, "GET", target).status == 200);
}

TEST_CASE("postgresql: writes that wait for the database don't delay reads, up to a limit") {
  const PostgresqlServer database;
  // Nothing but the end of the lock ends the wait of a write.
  const LoggedServer server(test::Settings{{"storage.postgresql", database.conninfo()},
                                           {"postgresql.timeout_ms", "600000"}});
  constexpr std::size_t most_writes = 256;  // the default
  const int port = server.port();
  const auto clients = test::fresh_and_kept(port);
  const auto target = request(server, "POST", "/addresses", R"({"name":"Ada"})").header("location");
  auto stalled = std::make_unique<StalledWriter>(database);
  test::Probe probe(server.id(), clients);
  const std::size_t count = (std::max)(test::slow_clients(), most_writes + 44);
  test::Crowd writers(port, count,
                      {"PUT " + target +
                           " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                           "Content-Length: 16\r\n\r\n{\"name\":\"Grace\"}",
                       0});
  const auto leave = [&writers](std::size_t left) {
    return test::eventually(std::chrono::seconds(20), [&] {
      writers.look();
      return writers.open_count() <= left;
    });
  };
  CHECK(leave(most_writes));
  std::this_thread::sleep_for(test::slow_time());
  writers.look();
  CHECK(writers.open_count() == most_writes);
  for (const std::string& answer : writers.beginnings()) {
    CHECK(answer.rfind("HTTP/1.1 503 ", 0) == 0);
    CHECK(answer.find("\r\nRetry-After: 1\r\n") != std::string::npos);
  }
  const auto report = probe.report();
  MESSAGE(count << " writers: " << test::to_text(report));
  CHECK_MESSAGE(report.failures == 0, report.first_failure);
  if (!test::is_sanitized) CHECK(report.most_threads < most_writes + 40);
  stalled.reset();
  CHECK(leave(0));
  for (std::size_t i = count - most_writes; i < count; ++i) {
    CHECK(writers.beginnings()[i].rfind("HTTP/1.1 204 ", 0) == 0);
  }
  CHECK(request(server, "GET", target).body == R"({"name":"Grace"})");
}

TEST_CASE("postgresql: a silent proxy holds up neither requests nor a stop nor a start") {
  const PostgresqlServer database;
  test::SilentProxy proxy(database.port());
  const test::Settings settings{{"storage.postgresql", proxy.conninfo()},
                                {"postgresql.timeout_ms", "2000"},
                                {"postgresql.connections", "2"}};
  // 2 s, half a second more, and time for a slow machine.
  constexpr auto enough = std::chrono::seconds(5);
  using Clock = std::chrono::steady_clock;
  LoggedServer server(settings);
  const auto target = request(server, "POST", "/addresses", R"({"name":"Ada"})").header("location");
  proxy.set(test::SilentProxy::Mode::silent);
  std::vector<std::thread> clients;
  std::atomic<int> unavailable{0};
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&, i] {
      for (int time = 0; time < 2; ++time) {
        const auto begin = Clock::now();
        const auto response = i % 3 == 0   ? request(server, "GET", target)
                              : i % 3 == 1 ? request(server, "GET", "/addresses")
                                           : request(server, "POST", "/addresses", "{}");
        if (response.status == 503 && Clock::now() - begin < enough) ++unavailable;
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(unavailable == 24);
  // A stop ends also while a request waits.
  std::thread waiting([&] {
    try {
      request(server, "GET", target);
    } catch (const std::runtime_error&) {
      // It may be cut off.
    }
  });
  auto begin = Clock::now();
  CHECK(server.stop() == 0);
  CHECK(Clock::now() - begin < enough);
  waiting.join();

  proxy.set(test::SilentProxy::Mode::full);
  begin = Clock::now();
  Process::Setting setting;
  setting.environment.emplace_back("ADDRBOOK_STORAGE_POSTGRESQL", proxy.conninfo());
  setting.environment.emplace_back("ADDRBOOK_POSTGRESQL_TIMEOUT_MS", "2000");
  Process starting({test::server_program, "--port", "0"}, setting);
  CHECK(starting.read_errors().find("can't be opened: no answer in time: ") != std::string::npos);
  CHECK(starting.wait() == 1);
  CHECK(Clock::now() - begin < enough);
}

TEST_CASE("postgresql: acknowledged writes survive a kill of the database") {
  PostgresqlServer database;
  const LoggedServer one(over(database.conninfo()));
  const LoggedServer two(over(database.conninfo()));
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < 4; ++i) {
    writers.push_back(std::make_unique<Writer>((i % 2 == 0 ? one : two).port(), std::to_string(i)));
  }
  for (int round = 0; round < 3; ++round) {
    CHECK(all_reach(writers, 25));
    round % 2 == 0 ? database.kill() : database.stop();
    database.start();
  }
  CHECK(all_reach(writers, 5));
  for (const auto& writer : writers) {
    writer->join();
    CHECK(writer->others().empty());
  }
  const auto entries = json::parse(request(one, "GET", "/addresses").body);
  for (const auto& writer : writers) {
    for (const auto& [target, document] : writer->created()) {
      const auto at = entries.find(target.substr(target.rfind('/') + 1));
      REQUIRE(at != entries.end());
      REQUIRE(at->dump() == document);
    }
  }
  CHECK(request(two, "GET", "/addresses").header("etag") ==
        request(one, "GET", "/addresses").header("etag"));
}

TEST_CASE("postgresql: a server that can't start reports why") {
  const auto refusal = [](const std::string& conninfo) {
    Process::Setting setting;
    setting.environment.emplace_back("ADDRBOOK_STORAGE_POSTGRESQL", conninfo);
    Process process({test::server_program, "--port", "0"}, setting);
    const auto errors = process.read_errors();
    return std::to_string(process.wait()) + " " + errors;
  };
  const std::string variable = "environment: ADDRBOOK_STORAGE_POSTGRESQL: storage.postgresql: ";
  const auto nobody = refusal("host=127.0.0.1 port=1 password=geheim");
  CHECK(nobody.rfind("1 ", 0) == 0);
  CHECK(nobody.find(variable + "PostgreSQL: can't be opened: ") != std::string::npos);
  CHECK(nobody.find("geheim") == std::string::npos);
  const auto nonsense = refusal("geheim");
  CHECK(nonsense.rfind("2 ", 0) == 0);
  CHECK(nonsense.find(variable + "the connection string ") != std::string::npos);
  CHECK(nonsense.find("geheim") == std::string::npos);
}
