// A book in PostgreSQL beyond the contract: several stores on one database, a server that goes
// away, and databases that can't be used.

#include <addrbook/postgresql.hpp>
#include <addrbook/rest.hpp>
#include <addrbook/service.hpp>

#include <support/addresses.hpp>
#include <support/change_log.hpp>
#include <support/parallel.hpp>
#include <support/postgresql_server.hpp>
#include <support/silent_proxy.hpp>
#include <unit/rest_client.hpp>

#include <doctest/doctest.h>

#include "error_of.hpp"
#include "other_folding.hpp"
#include "version_2.hpp"
#include "version_3.hpp"
#include "writes.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using addrbook::Errc;
using addrbook::open_postgresql;
using addrbook::PostgresqlOptions;
using addrbook::Store;
using test::begins;
using test::error_of;
using test::OtherFolding;
using test::PostgresqlServer;
using test::put;

/// The cluster of all cases that do not stop it.
const PostgresqlServer& shared_server() {
  static const PostgresqlServer server;
  return server;
}

/// @returns the name of a new database of the shared server
std::string new_database() {
  static int made = 0;
  std::string name = "case" + std::to_string(++made);
  shared_server().create_database(name);
  return name;
}

/// An expression: where PostgreSQL keeps addrbook_head.
const std::string source =
    "concat_ws('/', (SELECT system_identifier FROM pg_control_system()), "
    "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), "
    "(SELECT oid FROM pg_database WHERE datname = current_database()), "
    "CAST(CAST('addrbook_head' AS regclass) AS oid))";

PostgresqlOptions impatient() {
  PostgresqlOptions options;
  options.connect_timeout = std::chrono::seconds(2);
  options.timeout = std::chrono::seconds(1);
  return options;
}

std::string error_of_open(const std::string& conninfo) {
  return error_of([&] { static_cast<void>(open_postgresql(conninfo, impatient())); });
}

/// Repeats `call` until it does not throw, for as long as a server may take to start.
template <class Call>
auto patiently(Call call) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (true) {
    try {
      return call();
    } catch (const addrbook::Error&) {
      if (std::chrono::steady_clock::now() > deadline) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

/// Runs calls of stores that are impatient(). @returns whether none took longer than its timeout
template <class... Calls>
bool are_in_time(Calls... calls) {
  bool all = true;
  const auto run = [&](const auto& call) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    // Half a second more if the server is silent, a quarter until that is seen, and the same again
    // for a slow machine.
    const auto taken = std::chrono::steady_clock::now() - begin;
    all = all && taken < std::chrono::milliseconds(1000 + 750 + 750);
  };
  (run(calls), ...);
  return all;
}

/// Waits until the result of a query is `wanted`.
bool comes_to(const PostgresqlServer& server, const std::string& query, const std::string& wanted) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (server.sql(query) != wanted) {
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("postgresql: a write through one store is visible to all at once, with its revision") {
  const auto conninfo = shared_server().conninfo(new_database());
  const auto one = open_postgresql(conninfo);
  const auto other = open_postgresql(conninfo);
  CHECK(one->state().epoch == other->state().epoch);
  for (std::uint64_t i = 1; i <= 50; ++i) {
    const auto& writer = i % 2 == 0 ? one : other;
    const auto& reader = i % 2 == 0 ? other : one;
    REQUIRE(writer->commit({{put("a", i)}}).base + 1 == i);
    const auto entry = reader->find("a");
    REQUIRE(entry);
    REQUIRE(entry->revision == i);
    REQUIRE(entry->document == test::numbered(i));
    REQUIRE(reader->state().revision == i);
  }
  using Kind = addrbook::Condition::Kind;
  CHECK(test::outcome_of(one->commit({{put("a", 1, {Kind::at_revision, 49})}})) == "refused 0");
  CHECK(test::outcome_of(one->commit({{put("a", 1, {Kind::absent, 0})}})) == "refused 0");
  CHECK(other->commit({{test::removal("a", {Kind::at_revision, 50})}}).done());
  CHECK_FALSE(one->find("a"));
  CHECK(one->state().count == 0);
}

TEST_CASE("postgresql: conditions hold across stores") {
  const auto conninfo = shared_server().conninfo(new_database());
  open_postgresql(conninfo)->commit({{put("counter", 0)}});
  constexpr std::size_t stores = 4;
  constexpr std::uint64_t rounds = 50;
  const auto failures = test::run_parallel(stores, [&](std::size_t) {
    const auto store = open_postgresql(conninfo);
    for (std::uint64_t i = 0; i < rounds;) {
      const auto entry = store->find("counter");
      const auto count = entry.value().document.json()["n"].get<std::uint64_t>();
      const test::Condition condition{test::Kind::at_revision, entry->revision};
      if (store->commit({{put("counter", count + 1, condition)}}).done()) ++i;
    }
  });
  CHECK(failures == "");
  const auto store = open_postgresql(conninfo);
  CHECK(store->find("counter").value().document == test::numbered(stores * rounds));
  CHECK(store->state().revision == 1 + stores * rounds);
}

TEST_CASE("postgresql: the writes of several stores become visible in the order of revisions") {
  const auto conninfo = shared_server().conninfo(new_database());
  constexpr std::size_t writers = 3;
  constexpr std::uint64_t rounds = 100;
  std::atomic<std::size_t> writing{writers};
  std::atomic<std::size_t> looks{0};
  const auto failures = test::run_parallel(writers + 1, [&](std::size_t t) {
    struct Leaving {
      std::atomic<std::size_t>& count;
      ~Leaving() { --count; }
    };
    if (t < writers) {
      const Leaving leaving{writing};
      const auto store = open_postgresql(conninfo);
      for (std::uint64_t i = 0; i < rounds; ++i) {
        store->commit({{put(std::to_string(t) + "-" + std::to_string(i), i)}});
      }
      return;
    }
    const auto store = open_postgresql(conninfo);
    // Follows the book as a client of its changes would: no revision appears after a later one.
    std::uint64_t seen = 0;
    bool is_last = false;
    while (!is_last) {
      is_last = writing.load() == 0;
      const auto page = store->page(seen, test::limit_of(1000));
      for (const auto& entry : page.entries) {
        if (entry.revision != ++seen) throw std::runtime_error("a revision came late");
      }
      if (page.state.revision != seen) throw std::runtime_error("a state of another time");
      ++looks;
    }
    if (seen != writers * rounds) throw std::runtime_error("not all seen");
  });
  CHECK(failures == "");
  CHECK(looks.load() > 1);
}

TEST_CASE("postgresql: a find is one statement, a create or an update six") {
  const auto database = new_database();
  shared_server().sql("ALTER DATABASE " + database + " SET log_statement = 'all'");
  addrbook::Service service(open_postgresql(shared_server().conninfo(database)), {}, {10});
  // The first words of the statements that the server logs during `work`.
  const auto statements_of = [](const auto& work) {
    const std::size_t before = shared_server().log().size();
    work();
    std::istringstream lines(shared_server().log().substr(before));
    std::vector<std::string> words;
    for (std::string line; std::getline(lines, line);) {
      for (const std::string_view mark : {" statement: ", " execute "}) {
        const auto at = line.find(mark);
        if (at == std::string::npos) continue;
        std::string statement = line.substr(at + mark.size());
        // "soci_ps_1: SELECT ..." names the prepared statement.
        if (mark == " execute ") statement.erase(0, statement.find(": ") + 2);
        words.push_back(statement.substr(0, statement.find(' ')));
        break;
      }
    }
    return words;
  };
  using Words = std::vector<std::string>;
  const std::string id = service.create(test::numbered(1)).id;
  CHECK(statements_of([&] { CHECK(service.find(id)); }) == Words{"SELECT"});
  CHECK(statements_of([&] { CHECK_FALSE(service.find("absent")); }) == Words{"SELECT"});
  // Begin, lock the book, look the id up, write with what is indexed, set the book's state, commit.
  CHECK(statements_of([&] { service.update(id, test::numbered(2)); }) ==
        Words{"BEGIN", "SELECT", "SELECT", "WITH", "UPDATE", "COMMIT"});
  CHECK(statements_of([&] { service.create(test::numbered(3)); }) ==
        Words{"BEGIN", "SELECT", "SELECT", "WITH", "UPDATE", "COMMIT"});
  CHECK(statements_of([&] { service.remove(id); }) == Words{"BEGIN", "SELECT", "SELECT", "WITH",
                                                            "INSERT", "UPDATE", "DELETE", "UPDATE",
                                                            "COMMIT"});
}

TEST_CASE("postgresql: a read takes one round trip, a group of writes two, however large it is") {
  test::SilentProxy proxy(shared_server().port());
  PostgresqlOptions options;
  options.connections = 1;
  const auto store = open_postgresql(proxy.conninfo(), options);
  const auto trips_of = [&](const auto& work) {
    const int before = proxy.round_trips();
    work();
    return proxy.round_trips() - before;
  };
  std::vector<addrbook::Write> many;
  for (std::uint64_t i = 0; i < 500; ++i) many.push_back(put("trip-" + std::to_string(i), i));
  CHECK(store->commit({{put("trip", 1)}}).done());
  CHECK(trips_of([&] { CHECK(store->find("trip")); }) == 1);
  CHECK(trips_of([&] { CHECK(store->commit({{put("trip", 2)}}).done()); }) == 2);
  CHECK(trips_of([&] { CHECK(store->commit({many}).done()); }) == 2);
  many.push_back(test::removal("trip"));
  many.push_back(put("trip-new", 3));
  CHECK(trips_of([&] { CHECK(store->commit({many}).done()); }) == 2);
  CHECK_FALSE(store->find("trip"));
}

TEST_CASE("postgresql: a batch takes a few round trips, and so do lists by ids, however many") {
  test::SilentProxy proxy(shared_server().port());
  PostgresqlOptions options;
  options.connections = 1;
  const addrbook::Rest rest(
      std::make_shared<addrbook::Service>(open_postgresql(proxy.conninfo(), options)), {});
  const auto trips_of = [&](const std::string& method, const std::string& target,
                            const std::string& body, int status) {
    test::Ask request;
    request.method = method;
    request.target = "/addresses" + target;
    request.body = {body};
    const int before = proxy.round_trips();
    CHECK(test::ask(rest, request).status == status);
    return proxy.round_trips() - before;
  };
  constexpr int many = 100;
  const auto batch = [&](const std::string& op, const std::string& members,
                         const std::string& last = "") {
    std::string body;
    for (int i = 0; i < many; ++i) {
      body.append(body.empty() ? R"([{"op":")" : R"(,{"op":")").append(op);
      body.append(R"(","id":"many-)" + std::to_string(i) + "\"" + members + "}");
    }
    return body + last + "]";
  };
  const std::string address = R"(,"address":{"name":"Ada Example"})";
  const std::string patch = R"(,"patch":{"note":"x"})";
  const auto write = [&](const std::string& body, int status = 200) {
    return trips_of("POST", "/_batch", body, status);
  };
  std::string ids = "?limit=50";
  for (int i = 0; i < many; i += 2) ids += "&id=many-" + std::to_string(i);
  CHECK(write(batch("create", address)) <= 2);
  CHECK(write(batch("replace", address)) <= 4);  // once, to prepare the statement
  CHECK(write(batch("replace", address)) <= 3);
  CHECK(write(batch("patch", patch)) <= 3);
  CHECK(trips_of("GET", ids, "", 200) <= 2);
  CHECK(trips_of("GET", ids + "&count=true", "", 200) <= 4);
  // One that fails asks whether one before it does, too.
  CHECK(write(batch("replace", address, R"(,{"op":"patch","id":"absent","patch":{}})"), 404) <= 3);
  CHECK(write(batch("delete", "")) <= 3);
}

TEST_CASE("postgresql: a batch that is larger than all buffers, of any characters") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database));
  const auto document = [](std::size_t i) {
    constexpr std::size_t size = 200'000;
    return addrbook::Document::parse(R"({"\\ \" { } , \u0000 ' é":")" + std::string(size, 'x') +
                                     std::to_string(i) + "\"}");
  };
  std::vector<addrbook::Write> writes;
  for (std::size_t i = 0; i < 100; ++i) writes.push_back({std::to_string(i), document(i), {}});
  writes.push_back({"NULL", document(7), {}});
  for (int round = 0; round < 2; ++round) {
    CHECK(store->commit({writes}).done());
    CHECK(store->state().count == 101);
    CHECK(store->find("42").value().document == document(42));
    CHECK(store->find("NULL").value().document == document(7));
  }
}

TEST_CASE("postgresql: connections that the server has ended are replaced without an error") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database));
  const auto end_connections = [&] {
    return shared_server().sql(
        "SELECT count(pg_terminate_backend(pid, 10000)) FROM "
        "pg_stat_activity WHERE datname = '" +
        database + "'");
  };
  CHECK(store->commit({{put("a", 1)}}).done());
  CHECK(end_connections() == "1");
  CHECK(store->find("a").value().document == test::numbered(1));
  CHECK(end_connections() == "1");
  CHECK(store->commit({{put("b", 2)}}).base == 1);
  CHECK(end_connections() == "1");
  CHECK(store->page(0, {}).entries.size() == 2);
  CHECK(end_connections() == "1");
  CHECK(store->state().revision == 2);
}

TEST_CASE("postgresql: a lost commit that is undone is retried once") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database));
  // Ends its own connection at the end of the first transaction that inserts. A sequence is not
  // rolled back.
  shared_server().sql(
      "CREATE SEQUENCE tries;"
      "CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; "
      "RETURN NULL; END $$;"
      "CREATE CONSTRAINT TRIGGER break AFTER INSERT ON addrbook_entries "
      "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break();",
      database);
  CHECK(store->commit({{put("a", 1)}}).base == 0);
  CHECK(shared_server().sql("SELECT last_value FROM tries", database) == "2");
  CHECK(store->find("a").value().revision == 1);
  CHECK(store->state().revision == 1);
  CHECK(store->state().count == 1);
}

TEST_CASE("postgresql: a lost commit that was done is not retried") {
  PostgresqlServer server;
  const auto store = open_postgresql(server.conninfo());
  // A commit is written, then waits for a standby that does not exist.
  server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  server.sql("SELECT pg_reload_conf()");
  REQUIRE(comes_to(server, "SHOW synchronous_standby_names", "nobody"));
  std::optional<addrbook::CommitResult> result;
  std::thread writer([&] { result = store->commit({{put("a", 1)}}); });
  const std::string waiting = " FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
  const bool waits = comes_to(server, "SELECT count(*)" + waiting, "1");
  server.sql("SELECT pg_terminate_backend(pid)" + waiting);
  writer.join();
  CHECK(waits);
  REQUIRE(result);
  CHECK(result->done());
  CHECK(result->base == 0);
  CHECK(store->state().revision == 1);
  CHECK(store->find("a").value().revision == 1);
}

TEST_CASE("postgresql: calls fail while the server is down, and succeed when it is up again") {
  PostgresqlServer server;
  const auto store = open_postgresql(server.conninfo(), impatient());
  store->commit({{put("a", 1)}});
  const auto epoch = store->state().epoch;
  const auto check_gone = [&] {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(begins(error_of([&] { static_cast<void>(store->find("a")); }), "storage: "));
    CHECK(begins(error_of([&] { static_cast<void>(store->find("none")); }), "storage: "));
    CHECK(begins(error_of([&] { static_cast<void>(store->page(0, {})); }), "storage: "));
    CHECK(begins(error_of([&] { static_cast<void>(store->state()); }), "storage: "));
    CHECK(begins(error_of([&] { store->commit({{put("b", 2)}}); }), "storage: "));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  };
  server.stop();
  check_gone();
  server.start();
  CHECK(patiently([&] { return store->find("a"); }).value().document == test::numbered(1));
  server.kill();
  check_gone();
  server.start();
  CHECK(patiently([&] { return store->commit({{put("b", 2)}}); }).base == 1);
  CHECK(store->state().epoch == epoch);
  CHECK(store->state().count == 2);
}

TEST_CASE("postgresql: commits survive a kill of the server") {
  PostgresqlServer server;
  const auto store = open_postgresql(server.conninfo());
  constexpr std::size_t writers = 4;
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    std::vector<std::vector<std::string>> done(writers);
    std::vector<std::size_t> unsure(writers, 0);
    const auto before = store->state();
    std::atomic<std::size_t> commits{0};
    std::atomic<bool> is_killed{false};
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < writers; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; !is_killed; ++i) {
          const std::string id =
              std::to_string(round) + "-" + std::to_string(t) + "-" + std::to_string(i);
          try {
            store->commit({{put(id, 1), put("x" + id, 2)}});
            done[t].push_back(id);
            ++commits;
          } catch (const addrbook::Error&) {
            ++unsure[t];
          }
        }
      });
    }
    while (commits.load() < 200) std::this_thread::yield();
    server.kill();
    is_killed = true;
    for (auto& thread : threads) thread.join();
    server.start();
    std::size_t acknowledged = 0;
    patiently([&] { return store->state(); });
    for (const auto& each : done) {
      acknowledged += each.size();
      for (const auto& id : each) {
        REQUIRE(store->find(id));
        REQUIRE(store->find("x" + id));
      }
    }
    const auto state = store->state();
    CHECK(state.epoch == before.epoch);
    CHECK(state.count % 2 == 0);  // both entries of a batch or none
    CHECK(state.count >= before.count + 2 * acknowledged);
    CHECK(state.count <=
          before.count +
              2 * (acknowledged + std::accumulate(unsure.begin(), unsure.end(), std::size_t{0})));
    CHECK(state.revision == state.count);
    CHECK(store->page(0, test::limit_of(SIZE_MAX)).entries.size() == state.count);
  }
}

TEST_CASE("postgresql: calls to a silent server fail within the timeout") {
  PostgresqlServer server;
  const auto store = open_postgresql(server.tcp_conninfo(), impatient());
  store->commit({{put("a", 1)}});
  server.freeze();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(begins(error_of([&] { static_cast<void>(store->find("a")); }), "storage: "));
  CHECK(begins(error_of([&] { store->commit({{put("b", 2)}}); }), "storage: "));
  CHECK(begins(error_of([&] { static_cast<void>(store->state()); }), "storage: "));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  server.thaw();
  CHECK(patiently([&] { return store->find("a"); }).value().document == test::numbered(1));
  CHECK(patiently([&] { return store->commit({{put("c", 3)}}); }).done());
}

TEST_CASE("postgresql: a pooler whose pool is full holds up nothing") {
  test::SilentProxy proxy(shared_server().port());
  proxy.set(test::SilentProxy::Mode::full);
  std::string error;
  CHECK(are_in_time([&] { error = error_of_open(proxy.conninfo()); }));
  CHECK(begins(error, "storage: "));
  CHECK(proxy.connections() > 0);
  proxy.set(test::SilentProxy::Mode::talks);
  auto store = open_postgresql(proxy.conninfo(), impatient());
  store->commit({{put("a", 1)}});
  const auto find = [&] { static_cast<void>(store->find("a")); };
  proxy.set(test::SilentProxy::Mode::full);
  CHECK(error_of(find) == "nothing");  // it has its connection
  // The others must wait for one.
  const auto failures = test::run_parallel(4, [&](std::size_t) {
    for (int i = 0; i < 3; ++i) {
      if (!are_in_time([&] { error_of(find); })) throw std::runtime_error("late");
    }
  });
  CHECK(failures == "");
  CHECK(are_in_time([&] { store.reset(); }));
}

TEST_CASE("postgresql: a proxy that falls silent holds up nothing, neither calls nor the end") {
  test::SilentProxy proxy(shared_server().port());
  auto options = impatient();
  options.connections = 2;
  auto store = open_postgresql(proxy.conninfo(), options);
  CHECK(test::run_parallel(
            2, [&](std::size_t t) { store->commit({{put(std::to_string(t), 1)}}); }) == "");
  proxy.set(test::SilentProxy::Mode::silent);
  // More than there are connections, so that some wait for one, or for other writes, first.
  const auto failures = test::run_parallel(8, [&](std::size_t t) {
    for (int i = 0; i < 2; ++i) {
      std::string error;
      const bool is_in_time = are_in_time([&] {
        error = error_of([&] {
          if (t % 4 == 0) static_cast<void>(store->find("0"));
          if (t % 4 == 1) static_cast<void>(store->page(0, {}));
          if (t % 4 >= 2) store->commit({{put("x" + std::to_string(t), 2)}});
        });
      });
      if (!is_in_time) throw std::runtime_error("late");
      if (!begins(error, "storage: ")) throw std::runtime_error(error);
    }
  });
  CHECK(failures == "");
  CHECK(are_in_time([&] { CHECK(begins(error_of_open(proxy.conninfo()), "storage: ")); }));
  SUBCASE("it talks again") {
    proxy.set(test::SilentProxy::Mode::talks);
    CHECK(patiently([&] { return store->find("0"); }).value().document == test::numbered(1));
    CHECK(patiently([&] { return store->commit({{put("b", 3)}}); }).done());
  }
  SUBCASE("it stays silent") {
    CHECK(are_in_time([&] { store.reset(); }));
  }
}

TEST_CASE("postgresql: of several hosts, a silent one leaves time for the others") {
  test::SilentProxy silent(shared_server().port());
  silent.set(test::SilentProxy::Mode::silent);
  const auto of_ports = [](const std::string& hosts, int first, int second, int third) {
    return "user=postgres dbname=postgres host=" + hosts + " port=" + std::to_string(first) + "," +
           std::to_string(second) + "," + std::to_string(third);
  };
  const int port = shared_server().port();
  const std::string here = "127.0.0.1,localhost,127.0.0.1";
  CHECK(are_in_time([&] {
    CHECK(error_of_open(of_ports(here, silent.port(), silent.port(), port)) == "nothing");
  }));
  CHECK(silent.connections() >= 2);
  CHECK(error_of_open(of_ports(here, 1, port, silent.port())) == "nothing");
  CHECK(are_in_time([&] {
    const auto error = error_of_open(of_ports(here, 1, silent.port(), 1));
    CHECK(begins(error, "storage: PostgreSQL: can't be opened: "));
    CHECK(error.find("Connection refused") != std::string::npos);
    CHECK(error.find("no answer in time from \"localhost\"") != std::string::npos);
  }));
  CHECK(begins(error_of_open("host=a,b port=1,2,3 dbname=x"), "storage: "));
  CHECK(begins(error_of_open("host=nowhere.invalid dbname=x"), "storage: "));
  // A part of the time, and the connection string's own.
  CHECK(are_in_time([&] {
    CHECK(error_of_open("connect_timeout=1 " + of_ports(here, silent.port(), 1, 1)) != "nothing");
  }));
}

TEST_CASE("postgresql: a write waits only so long for the writes before it") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database), impatient());
  store->commit({{put("a", 1)}});
  soci::session other(soci::postgresql, shared_server().conninfo(database));
  other.begin();
  other << "UPDATE addrbook_books SET revision = revision";
  // Each of them would wait for its own second after those before.
  const auto failures = test::run_parallel(12, [&](std::size_t t) {
    for (int i = 0; i < 3; ++i) {
      std::string error;
      const bool is_in_time = are_in_time(
          [&] { error = error_of([&] { store->commit({{put(std::to_string(t), 2)}}); }); });
      if (!is_in_time) throw std::runtime_error("late");
      if (!begins(error, "storage: ")) throw std::runtime_error(error);
    }
  });
  CHECK(failures == "");
  other.rollback();
  CHECK(store->commit({{put("b", 3)}}).done());
  CHECK(store->state().count == 2);
}

TEST_CASE("postgresql: a lock on the book that is held too long makes writers fail, not readers") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database), impatient());
  store->commit({{put("a", 1)}});
  soci::session other(soci::postgresql, shared_server().conninfo(database));
  other.begin();
  other << "UPDATE addrbook_books SET revision = revision";
  // They wait at the same time, not one after the other.
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<int> failed{0};
  const auto failures = test::run_parallel(10, [&](std::size_t t) {
    if (begins(error_of([&] { store->commit({{put("w" + std::to_string(t), 2)}}); }),
               "storage: ")) {
      ++failed;
    }
  });
  CHECK(failures == "");
  CHECK(failed == 10);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(6));
  CHECK(store->find("a").value().document == test::numbered(1));
  CHECK(store->page(0, {}).entries.size() == 1);
  other.rollback();
  CHECK(store->commit({{put("a", 3)}}).base == 1);
}

TEST_CASE("postgresql: errors of the server are Error{storage}, a full disk is Error{full}") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database));
  shared_server().sql(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF NEW.id = 'full' THEN RAISE EXCEPTION USING ERRCODE = '53100'; END IF; "
      "IF NEW.id = 'io' THEN RAISE EXCEPTION USING ERRCODE = '58030'; END IF; "
      "RETURN NEW; END $$;"
      "CREATE TRIGGER refuse BEFORE INSERT ON addrbook_entries FOR EACH ROW "
      "EXECUTE FUNCTION refuse();",
      database);
  CHECK(begins(error_of([&] {
                 store->commit({{put("a", 1), put("full", 1)}});
               }),
               "full: Insufficient Storage"));
  CHECK(begins(error_of([&] { store->commit({{put("a", 1), put("io", 1)}}); }), "storage: "));
  CHECK(store->state().revision == 0);
  CHECK_FALSE(store->find("a"));
  CHECK(store->commit({{put("a", 1)}}).done());
  shared_server().sql("ALTER TABLE addrbook_entries RENAME TO elsewhere", database);
  CHECK(begins(error_of([&] { static_cast<void>(store->find("a")); }), "storage: "));
  CHECK(begins(error_of([&] { static_cast<void>(store->page(0, {})); }), "storage: "));
  shared_server().sql("ALTER TABLE elsewhere RENAME TO addrbook_entries", database);
  CHECK(patiently([&] { return store->find("a"); }));
}

TEST_CASE("postgresql: a copy of a book has an epoch of its own") {
  const auto database = new_database();
  const auto conninfo = shared_server().conninfo(database);
  std::uint64_t epoch = 0;
  {
    const auto store = open_postgresql(conninfo);
    store->commit({{put("a", 1), put("b", 2)}});
    epoch = store->state().epoch;
  }
  CHECK(open_postgresql(conninfo)->state().epoch == epoch);
  const auto check_copy = [&](const std::string& copy) {
    const auto store = open_postgresql(shared_server().conninfo(copy));
    CHECK(store->state().epoch != epoch);
    CHECK(store->state().revision == 2);
    CHECK(store->find("b").value().document == test::numbered(2));
    CHECK(open_postgresql(shared_server().conninfo(copy))->state().epoch == store->state().epoch);
  };
  SUBCASE("by pg_dump") {
    const auto copy = new_database();
    shared_server().copy_by_dump(database, copy);
    check_copy(copy);
  }
  SUBCASE("by the server") {
    shared_server().sql("CREATE DATABASE twin TEMPLATE " + database);
    check_copy("twin");
  }
  SUBCASE("by pg_dump, in place of a book that has newer writes") {
    const auto copy = new_database();
    shared_server().copy_by_dump(database, copy);
    open_postgresql(conninfo)->commit({{put("c", 3)}});
    shared_server().sql(
        "DROP TABLE addrbook_books, addrbook_entries, addrbook_notes, addrbook_removed, "
        "addrbook_schema, addrbook_search, addrbook_store, addrbook_tombstones",
        database);
    shared_server().copy_by_dump(copy, database);
    check_copy(database);
  }
}

TEST_CASE("postgresql: tables that disappear while the book is used are an error, not made again") {
  const auto database = new_database();
  const auto copy = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database));
  store->commit({{put("a", 1), put("b", 2)}});
  const auto epoch = store->state().epoch;
  shared_server().copy_by_dump(database, copy);
  shared_server().sql(
      "DROP TABLE addrbook_books, addrbook_entries, addrbook_notes, addrbook_removed, "
      "addrbook_schema, addrbook_search, addrbook_store, addrbook_tombstones",
      database);
  for (int i = 0; i < 3; ++i) {
    CHECK(begins(error_of([&] { static_cast<void>(store->find("a")); }), "storage: "));
    CHECK(begins(error_of([&] { store->commit({{put("c", 1)}}); }), "storage: "));
    CHECK(begins(error_of([&] { static_cast<void>(store->page(0, {})); }), "storage: "));
  }
  CHECK(shared_server().sql("SELECT to_regclass('addrbook_store') IS NULL", database) == "t");
  shared_server().copy_by_dump(copy, database);
  CHECK(patiently([&] { return store->state(); }).revision == 2);
  CHECK(store->state().epoch != epoch);
  CHECK(store->find("b"));
  // A dump that was restored into another book.
  shared_server().sql("INSERT INTO addrbook_store SELECT * FROM addrbook_store", database);
  CHECK(begins(error_of_open(shared_server().conninfo(database)), "storage: "));
  CHECK(shared_server().sql("SELECT count(DISTINCT origin) FROM addrbook_store", database) == "1");
}

TEST_CASE("postgresql: a restore from a dump while the book is used is noticed") {
  const auto database = new_database();
  const auto copy = new_database();
  const auto conninfo = shared_server().conninfo(database);
  const auto one = open_postgresql(conninfo);
  const auto other = open_postgresql(conninfo);
  // Several connections, all of which are idle when the tables are replaced.
  CHECK(test::run_parallel(
            4, [&](std::size_t t) { one->commit({{put("a" + std::to_string(t), t)}}); }) == "");
  const auto epoch = one->state().epoch;
  shared_server().copy_by_dump(database, copy);
  one->commit({{put("later", 9)}});
  CHECK(other->find("later"));
  shared_server().sql(
      "DROP TABLE addrbook_books, addrbook_entries, addrbook_notes, addrbook_removed, "
      "addrbook_schema, addrbook_search, addrbook_store, addrbook_tombstones",
      database);
  shared_server().copy_by_dump(copy, database);
  SUBCASE("by a find") {
    CHECK(one->find("a0").value().epoch != epoch);
    CHECK_FALSE(other->find("later"));
  }
  SUBCASE("by a list") {
    CHECK(one->page(0, {}).entries.at(0).epoch != epoch);
  }
  SUBCASE("by a write") {
    const auto result = one->commit({{put("b", 5)}});
    CHECK(result.done());
    CHECK(result.epoch != epoch);
    CHECK(result.base == 4);
  }
  SUBCASE("by the state") {
    CHECK(one->state().epoch != epoch);
  }
  const auto now = one->state().epoch;
  CHECK(now != epoch);
  CHECK(other->state().epoch == now);
  for (int i = 0; i < 10; ++i) CHECK(one->state().epoch == now);
  CHECK(open_postgresql(conninfo)->state().epoch == now);
}

TEST_CASE("postgresql: no entry is absent while the tables are restored") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database));
  store->commit({{put("a", 1)}});
  const auto epoch = store->state().epoch;
  // As pg_restore --clean does, one statement after the other.
  for (const std::string table : {"books", "entries", "store"}) {
    shared_server().sql("ALTER TABLE addrbook_" + table + " RENAME TO " + table, database);
    shared_server().sql("CREATE TABLE addrbook_" + table + " (LIKE " + table + " INCLUDING ALL)",
                        database);
  }
  for (int i = 0; i < 3; ++i) {
    CHECK(begins(error_of([&] { static_cast<void>(store->find("a")); }), "storage: "));
    CHECK(begins(error_of([&] { static_cast<void>(store->find("none")); }), "storage: "));
    CHECK(begins(error_of([&] { store->commit({{put("b", 2)}}); }), "storage: "));
  }
  for (const std::string table : {"books", "entries"}) {
    shared_server().sql("INSERT INTO addrbook_" + table + " TABLE " + table, database);
    CHECK(begins(error_of([&] { static_cast<void>(store->find("none")); }), "storage: "));
  }
  shared_server().sql("INSERT INTO addrbook_store TABLE store", database);
  CHECK(patiently([&] { return store->find("a"); }).value().epoch != epoch);
  CHECK_FALSE(store->find("none"));
}

TEST_CASE("postgresql: tables that may not be read fail the start") {
  const auto& server = shared_server();
  const auto database = new_database();
  static_cast<void>(open_postgresql(server.conninfo(database)));
  server.sql("CREATE ROLE reader LOGIN");
  const auto conninfo = "host=" + server.folder().string() +
                        " port=" + std::to_string(server.port()) +
                        " user=reader dbname=" + database;
  const std::string denied = "permission denied for table addrbook_";
  for (const std::string table : {"schema", "store", "books", "entries", "removed"}) {
    CHECK(error_of_open(conninfo).find(denied + table) != std::string::npos);
    server.sql("GRANT SELECT ON addrbook_" + table + " TO reader", database);
  }
  CHECK(open_postgresql(conninfo)->state().revision == 0);
}

TEST_CASE("postgresql: no error shows a document") {
  const auto database = new_database();
  const auto store = open_postgresql(shared_server().conninfo(database));
  shared_server().sql("ALTER TABLE addrbook_entries ADD CHECK (length(document) < 100)", database);
  const auto check_silent = [](const std::exception_ptr& thrown) {
    const auto trace = addrbook::trace(thrown);
    CHECK(trace.size() == 2);
    for (const std::string& line : trace) CHECK(line.find("SECRET") == std::string::npos);
  };
  const auto document =
      addrbook::Document::parse("{\"name\":\"SECRET" + std::string(200, 'x') + "\"}");
  try {
    store->commit({{{"a", document, {}}}});
    FAIL("written");
  } catch (const addrbook::Error&) {
    check_silent(std::current_exception());
  }
}

TEST_CASE("postgresql: tables of version 1 are migrated once") {
  const auto database = new_database();
  shared_server().sql(test::read_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v1.sql"), database);
  const auto failures = test::run_parallel(4, [&](std::size_t) {
    const auto store = open_postgresql(shared_server().conninfo(database));
    const auto page = store->page(0, {});
    if (page.entries.size() != 3 || page.state.count != 3 || page.state.revision != 6 ||
        page.state.epoch != 0x0123456789abcdefU) {
      throw std::runtime_error("not as it was");
    }
  });
  CHECK(failures == "");
  const auto store = open_postgresql(shared_server().conninfo(database));
  const auto entry = store->find("00000000000000000000000000000002");
  REQUIRE(entry);
  CHECK(entry->created == 2);
  CHECK(entry->revision == 5);
  CHECK(entry->document.text() == R"({"name":"Grace Hopper","phone":"555-0100"})");
  CHECK(store->commit({{put("new", 1)}}).base == 6);
  CHECK(shared_server().sql("SELECT version FROM addrbook_schema", database) == "5");
}

TEST_CASE("postgresql: tables of version 2 become those of a book named default, with its epoch") {
  const auto database = new_database();
  const auto before = addrbook::now();
  shared_server().sql(test::read_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v2.sql"), database);
  bool is_renewed = false;
  SUBCASE("that were never opened") {}
  SUBCASE("of this database") {
    shared_server().sql("UPDATE addrbook_head SET origin = " + source, database);
  }
  SUBCASE("of another database") {
    shared_server().sql("UPDATE addrbook_head SET origin = 'elsewhere'", database);
    is_renewed = true;
  }
  PostgresqlOptions options;
  std::vector<std::uint64_t> told;
  options.migration = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(total == 5);
    told.push_back(done);
  };
  const auto books =
      addrbook::open_postgresql_books(shared_server().conninfo(database), {}, {}, options);
  // First they are moved, then they are indexed.
  CHECK(told == std::vector<std::uint64_t>{0, 5, 0, 5});
  REQUIRE(books->list().books.size() == 1);
  CHECK(books->list().books[0].name == "default");
  const auto book = books->open("default");
  if (is_renewed) {
    CHECK(book->state().epoch != 0x0123456789abcdefU);
  } else {
    test::check_version_2(*book, before);
  }
  CHECK(open_postgresql(shared_server().conninfo(database))->commit({{put("new", 1)}}).base == 7);
}

TEST_CASE("postgresql: tables of version 3 are indexed at the start, by one of several servers") {
  const auto database = new_database();
  const auto conninfo = shared_server().conninfo(database);
  shared_server().sql(test::read_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v3.sql"), database);
  const std::string books = "SELECT CAST(CAST('addrbook_books' AS regclass) AS oid)";
  const auto before = shared_server().sql(books, database);
  CHECK(test::run_parallel(4, [&](std::size_t) {
          const auto opened = addrbook::detail::postgresql_books(conninfo, {});
          if (opened->open("default")->state().count != 4)
            throw std::runtime_error("not as it was");
        }) == "");
  // Servers of version 3 have prepared their statements for another table.
  CHECK(shared_server().sql(books, database) != before);
  const auto opened = addrbook::detail::postgresql_books(conninfo, {});
  test::check_version_3(*opened);
  opened->wait_for_sweeper();
  CHECK(shared_server().sql("SELECT count(*) FROM addrbook_search", database) == "6");
  test::check_followed(*opened);
}

TEST_CASE(
    "postgresql: tables of version 4 are brought forward, and indexed by the rules of today") {
  const auto database = new_database();
  shared_server().sql(test::read_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v4.sql"), database);
  const auto opened = addrbook::detail::postgresql_books(shared_server().conninfo(database), {});
  test::check_version_3(*opened);
  CHECK(shared_server().sql("SELECT count(*) FROM addrbook_search", database) == "6");
  CHECK(shared_server().sql("SELECT version FROM addrbook_schema", database) ==
        std::to_string(addrbook::detail::SqlTables::version));
  test::check_followed(*opened);
}

TEST_CASE("postgresql: an index that is not complete is continued") {
  const auto database = new_database();
  const auto conninfo = shared_server().conninfo(database);
  shared_server().sql(test::read_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v3.sql"), database);
  shared_server().sql(
      "DELETE FROM addrbook_entries; INSERT INTO addrbook_entries SELECT "
      "(CAST(1 AS bigint) << 40) + i, 'id-' || i, i, 0, 0, '{\"name\":\"Ann ' || (i % 100) || "
      "'\"}' FROM generate_series(1, 12000) AS i; "
      "UPDATE addrbook_books SET revision = 20000, count = 12000 WHERE number = 1",
      database);
  PostgresqlOptions options;
  options.migration = [](std::uint64_t done, std::uint64_t) {
    if (done == 10'000) throw addrbook::Error(addrbook::Errc::storage, "not today");
  };
  CHECK(error_of([&] { static_cast<void>(open_postgresql(conninfo, options)); }) ==
        "storage: not today");
  std::vector<std::uint64_t> told;
  options.migration = [&](std::uint64_t done, std::uint64_t) { told.push_back(done); };
  const auto store = open_postgresql(conninfo, options);
  CHECK(told == std::vector<std::uint64_t>{10'000, 12'000});
  addrbook::Query query;
  query.words = "ann 42";
  CHECK(store->count(query) == 120);
}

TEST_CASE("postgresql: other rules for texts are refused while a server uses those before") {
  const auto conninfo = shared_server().conninfo(new_database());
  PostgresqlOptions other;
  other.folding = std::make_shared<OtherFolding>();
  const auto count = [](const addrbook::Store& store, const std::string& words) {
    addrbook::Query query;
    query.words = words;
    return store.count(query);
  };
  {
    const auto store = open_postgresql(conninfo);
    store->commit({{{"a", addrbook::Document::parse(R"({"name":"Ann"})"), {}}}});
    CHECK(begins(error_of([&] { static_cast<void>(open_postgresql(conninfo, other)); }),
                 "storage: the search index was made by other rules (terms-"));
    CHECK(count(*store, "ann") == 1);
    CHECK(count(*open_postgresql(conninfo), "ann") == 1);
  }
  // The server may not have noticed yet that the connections are closed.
  const auto store = patiently([&] { return open_postgresql(conninfo, other); });
  CHECK(count(*store, "ann") == 0);
  CHECK(count(*store, "nna") == 1);
  CHECK(begins(error_of_open(conninfo), "storage: the search index was made by other rules ("));
}

TEST_CASE("postgresql: what a removed book has left is swept, by whichever server") {
  const auto database = new_database();
  const auto conninfo = shared_server().conninfo(database);
  const auto open = [&] { return addrbook::detail::postgresql_books(conninfo, {}); };
  const auto fill = [](addrbook::BookStore& books, const std::string& name) {
    for (std::uint64_t i = 0; i < 3; ++i) {
      std::vector<addrbook::Write> writes;
      for (std::uint64_t j = 0; j < 900; ++j) {
        writes.push_back(put(std::to_string(i) + "-" + std::to_string(j), j));
      }
      CHECK(books.create(name).store->commit({writes}).done());
    }
  };
  const auto books = open();
  fill(*books, "kept");
  fill(*books, "gone");
  const auto other = open();
  const auto gone = other->open("gone");
  CHECK(gone->state().count == 2700);
  CHECK(books->remove("gone") == addrbook::BookStore::Removal::done);
  CHECK_THROWS_AS(gone->commit({{put("a", 1)}}), addrbook::NoSuchBook);
  CHECK(gone->is_gone());
  books->wait_for_sweeper();
  const auto left = [&] {
    return shared_server().sql(
        "SELECT (SELECT count(*) FROM addrbook_search), (SELECT count(*) FROM addrbook_removed)",
        database);
  };
  CHECK(left() == "2700|0");
  // As a server that was killed leaves it.
  shared_server().sql(
      "INSERT INTO addrbook_removed SELECT number FROM addrbook_books WHERE name = 'kept';"
      "DELETE FROM addrbook_books WHERE name = 'kept'",
      database);
  open()->wait_for_sweeper();
  CHECK(left() == "0|0");
  CHECK(books->create("new").is_new);
  CHECK(shared_server().sql("SELECT number FROM addrbook_books", database) == "3");
}

TEST_CASE("postgresql: stores that open an empty database at the same time make one book") {
  const auto conninfo = shared_server().conninfo(new_database());
  std::vector<std::uint64_t> epochs(6);
  const auto failures = test::run_parallel(
      epochs.size(), [&](std::size_t t) { epochs[t] = open_postgresql(conninfo)->state().epoch; });
  CHECK(failures == "");
  CHECK(std::count(epochs.begin(), epochs.end(), epochs[0]) == 6);
  CHECK(epochs[0] != 0);
}

TEST_CASE("postgresql: a database that can't be used is refused and left unchanged") {
  const auto& server = shared_server();
  SUBCASE("of a newer version") {
    const auto database = new_database();
    static_cast<void>(open_postgresql(server.conninfo(database)));
    server.sql("UPDATE addrbook_schema SET version = 6", database);
    CHECK(error_of_open(server.conninfo(database)) ==
          "storage: the book is of version 6, and this program knows only up to 5");
    CHECK(server.sql("SELECT version FROM addrbook_schema", database) == "6");
  }
  SUBCASE("not in UTF-8") {
    server.sql("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    CHECK(error_of_open(server.conninfo("ascii")) ==
          "storage: the database must be in UTF8, and it is in SQL_ASCII");
    CHECK(server.sql("SELECT to_regclass('addrbook_store') IS NULL", "ascii") == "t");
  }
  SUBCASE("another program's tables of the same names") {
    const auto database = new_database();
    server.sql("CREATE TABLE addrbook_entries (mine TEXT); INSERT INTO addrbook_entries VALUES (1)",
               database);
    CHECK(begins(error_of_open(server.conninfo(database)), "storage: "));
    CHECK(server.sql("SELECT mine FROM addrbook_entries", database) == "1");
    CHECK(server.sql("SELECT to_regclass('addrbook_store') IS NULL", database) == "t");
  }
  SUBCASE("read-only") {
    const auto database = new_database();
    server.sql("ALTER DATABASE " + database + " SET default_transaction_read_only = on");
    CHECK(begins(error_of_open(server.conninfo(database)), "storage: "));
  }
  SUBCASE("missing") {
    const auto text = error_of_open(server.conninfo("nosuchdatabase"));
    CHECK(begins(text, "storage: "));
    CHECK(text.find("\"nosuchdatabase\" does not exist") != std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
  }
  SUBCASE("no server") {
    CHECK(begins(error_of_open("host=" + server.folder().string() + "/nowhere dbname=x"),
                 "storage: "));
  }
}

TEST_CASE("postgresql: a bad connection string is refused and not shown") {
  for (const std::string& bad :
       {std::string("no connection string"), std::string("host=x passwort=geheim"),
        std::string("postgresql://user:geheim@[x"), std::string("password='geheim"),
        std::string("host=x\0password=geheim", 22), std::string("password=\"gehe im")}) {
    CAPTURE(bad);
    const auto text = error_of_open(bad);
    CHECK(begins(text, "invalid: the connection string"));
    CHECK(text.find("geheim") == std::string::npos);
    CHECK(text.find("gehe im") == std::string::npos);
  }
  // Neither is a password if there is no server.
  const auto text =
      error_of_open("host=" + shared_server().folder().string() + " port=1 password=geheim");
  CHECK(begins(text, "storage: "));
  CHECK(text.find("geheim") == std::string::npos);
}

TEST_CASE("postgresql: names with any characters reach the server unchanged") {
  const auto& server = shared_server();
  for (const std::string name : {"a b", "it's", "back\\slash", "a=b", "s ' \\ p", "Ä"}) {
    CAPTURE(name);
    std::string quoted = name;
    for (std::size_t at = 0; (at = quoted.find('\'', at)) != std::string::npos; at += 2) {
      quoted.replace(at, 1, "''");
    }
    server.sql("CREATE DATABASE \"" + name + "\"");
    std::string conninfo = "host=" + server.folder().string() +
                           " port=" + std::to_string(server.port()) + " user=postgres dbname='";
    for (const char c : name) {
      if (c == '\'' || c == '\\') conninfo += '\\';
      conninfo += c;
    }
    open_postgresql(conninfo + "'")->commit({{put("a", 1)}});
    CHECK(server.sql("SELECT count(*) FROM pg_stat_database WHERE datname = '" + quoted + "'") ==
          "1");
  }
  CHECK(
      open_postgresql("postgresql://postgres@127.0.0.1:" + std::to_string(server.port()) + "/a%20b")
          ->state()
          .revision == 1);
}

TEST_CASE("postgresql: commits wait for the disk even if the database is set not to") {
  const auto database = new_database();
  shared_server().sql("ALTER DATABASE " + database + " SET synchronous_commit = off");
  const auto store = open_postgresql(shared_server().conninfo(database));
  // A trigger reads the setting of the store's own connection.
  shared_server().sql(
      "CREATE TABLE seen (setting TEXT);"
      "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;"
      "CREATE TRIGGER look AFTER INSERT ON addrbook_entries FOR EACH ROW EXECUTE FUNCTION look();",
      database);
  store->commit({{put("a", 1)}});
  CHECK(shared_server().sql("SELECT setting FROM seen", database) == "on");
}

TEST_CASE("postgresql: a role that owns its database can make the book, one with less can use it") {
  const auto& server = shared_server();
  server.sql("CREATE ROLE clerk LOGIN; CREATE ROLE visitor LOGIN");
  server.sql("CREATE DATABASE clerks OWNER clerk");
  const auto as = [&](const std::string& role) {
    return "host=" + server.folder().string() + " port=" + std::to_string(server.port()) +
           " dbname=clerks user=" + role;
  };
  open_postgresql(as("clerk"))->commit({{put("a", 1)}});
  CHECK(begins(error_of_open(as("visitor")), "storage: "));
  server.sql(
      "GRANT SELECT ON addrbook_schema TO visitor;"
      "GRANT SELECT, UPDATE ON addrbook_books, addrbook_store TO visitor;"
      "GRANT SELECT, INSERT, UPDATE, DELETE ON addrbook_entries, addrbook_notes, addrbook_removed, "
      "addrbook_search, addrbook_tombstones TO visitor",
      "clerks");
  const auto store = open_postgresql(as("visitor"));
  CHECK(store->commit({{put("b", 2), test::removal("a")}}).base == 1);
  CHECK(store->page(0, {}).entries.size() == 1);
}

TEST_CASE("postgresql: changes by several processes are followed, and none is skipped") {
  const auto conninfo = shared_server().conninfo(new_database());
  const auto one = open_postgresql(conninfo);
  const auto other = open_postgresql(conninfo);
  constexpr std::size_t writes = 60;
  std::atomic<std::size_t> writing{4};
  std::map<std::string, std::string> replica;
  std::uint64_t after = 0;
  const auto read = [&](const std::shared_ptr<addrbook::Store>& from) {
    const auto page = from->changes(after, test::limit_of(7));
    std::uint64_t last = after;
    for (const auto& change : page.changes) {
      if (change.revision <= last) throw std::runtime_error("not in order");
      last = change.revision;
      replica.erase(change.id);
      if (change.entry) replica[change.id] = change.entry->document.text();
    }
    after = page.next();
    return page.more;
  };
  // The commits of four connections end in any order, while a reader goes on from what it has seen.
  CHECK(test::run_parallel(5, [&](std::size_t t) {
          if (t == 4) {
            while (writing != 0) read(one);
            return;
          }
          for (std::size_t i = 0; i < writes; ++i) {
            const std::string id = "e" + std::to_string((t * 7 + i) % 11);
            (t % 2 == 0 ? one : other)
                ->commit({{i % 4 == 3 ? test::removal(id) : put(id, t * 1000 + i)}});
          }
          --writing;
        }) == "");
  while (read(other)) {
  }
  std::map<std::string, std::string> expected;
  for (const auto& entry : one->page(0, {}).entries) expected[entry.id] = entry.document.text();
  CHECK(replica == expected);
  CHECK(after == 4 * writes);
}

TEST_CASE("postgresql: who follows a book is told what another process writes") {
  const auto database = new_database();
  const auto conninfo = shared_server().conninfo(database);
  const auto one = addrbook::open_postgresql_books(conninfo);
  const auto other = addrbook::open_postgresql_books(conninfo);
  const auto book = one->create("ada").book;
  const auto same = other->open("ada");
  book->create("a", test::numbered(1));
  test::ChangeLog log;
  const auto woken = std::make_shared<test::Arrivals>();
  const auto watch = same->watch([woken] { woken->add(); });
  auto subscription = same->on_change(log.callback());
  book->update("a", test::numbered(2));
  book->create("b", test::numbered(3));
  CHECK(log.events(2).back().after.has_value());
  book->remove("a");
  CHECK(log.lines(3) == "a ? -> 2\nb ? -> 3\na ? ->\n");
  same->update("b", test::numbered(4));
  CHECK(test::text_of(log.events(4).back()) == "b 3 -> 4");
  subscription = {};
  // Only the one that watches is left.
  woken->wait_for(4);
  one->remove("ada");
  // It may be woken a few times for what is known already.
  for (std::size_t count = 5; !same->is_gone(); ++count) {
    woken->wait_for(count);
    CHECK(begins(error_of([&] { static_cast<void>(same->changes()); }), "not_found: "));
  }
}
