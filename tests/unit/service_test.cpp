#include <addrbook/service.hpp>

#include <addrbook/cached_store.hpp>

#include <support/change_log.hpp>
#include <support/hold_up.hpp>
#include <support/parallel.hpp>
#include <unit/fake_store.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using addrbook::Document;
using addrbook::Entry;
using addrbook::Errc;
using addrbook::Error;
using addrbook::Service;
using addrbook::Validator;
using addrbook::Violation;
using nlohmann::json;
using test::FakeStore;

namespace {

Document doc(const std::string& name) {
  return json{{"name", name}};
}

struct Thrown {
  std::optional<Errc> code;
  std::string message;
  std::vector<std::string> trace;
};

template <class Function>
Thrown thrown_by(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return {error.code(), error.what(), addrbook::trace(std::current_exception())};
  }
  return {};
}

Validator refuse(const std::string& pointer, const std::string& reason) {
  return [=](const Document&) { return Violation{pointer, reason}; };
}

Validator refuse_bad() {
  return [](const Document& document) {
    return document == doc("bad") ? std::optional(Violation{"/name", "is bad"}) : std::nullopt;
  };
}

}  // namespace

TEST_CASE("service: create stores the document under a fresh id") {
  Service service;
  const Document document = Document::parse(R"({"z":1.0,"a":1e400})");
  const Entry made = service.create(document);
  CHECK(made.id.size() == 32);
  CHECK(made.created == 1);
  CHECK(made.revision == 1);
  CHECK(made.document == document);
  const Entry got = service.get(made.id);
  CHECK(got.id == made.id);
  CHECK(made.epoch == service.state().epoch);
  CHECK(got.epoch == made.epoch);
  CHECK(got.created == made.created);
  CHECK(got.revision == made.revision);
  CHECK(got.document.text() == R"({"z":1.0,"a":1e400})");
  CHECK(service.create(document).id != made.id);
  CHECK(service.state().count == 2);
}

TEST_CASE("service: get and find") {
  Service service;
  const std::string id = service.create(doc("Ada")).id;
  CHECK(service.find(id).has_value());
  for (const std::string absent :
       {"00000000000000000000000000000000", "x", "", "no id!", "_health"}) {
    CAPTURE(absent);
    CHECK_FALSE(service.find(absent).has_value());
    const Thrown thrown = thrown_by([&] { static_cast<void>(service.get(absent)); });
    CHECK(thrown.code == Errc::not_found);
    CHECK(thrown.message == "No such address: '" + absent + "'");
  }
  CHECK_FALSE(service.find(std::string(1000, 'x')).has_value());
  const auto found = service.find_many({id, "absent", id});
  REQUIRE(found.size() == 3);
  CHECK(found[0].value().id == id);
  CHECK_FALSE(found[1].has_value());
  CHECK(found[2].value().revision == found[0].value().revision);
  CHECK(service.find_many({id, "absent", id}, 0).size() == 1);
}

TEST_CASE("service: update replaces the document and keeps id and place") {
  Service service;
  const Entry first = service.create(doc("Ada"));
  const Entry second = service.create(doc("Bob"));
  const Entry updated = service.update(first.id, doc("Ada B."));
  CHECK(updated.id == first.id);
  CHECK(updated.epoch == first.epoch);
  CHECK(updated.created == first.created);
  CHECK(updated.revision == 3);
  CHECK(updated.document == doc("Ada B."));
  CHECK(service.get(first.id).revision == 3);
  CHECK(service.get(second.id).revision == 2);
  const auto list = service.list();
  REQUIRE(list.size() == 2);
  CHECK(list[0].id == first.id);
  CHECK(list[0].document == doc("Ada B."));
  CHECK(list[1].id == second.id);

  const auto before = service.state();
  for (const std::string absent : {"00000000000000000000000000000000", "", "no id!"}) {
    CAPTURE(absent);
    CHECK(thrown_by([&] { service.update(absent, doc("x")); }).code == Errc::not_found);
  }
  CHECK(service.state().revision == before.revision);
  CHECK(service.state().count == 2);
}

TEST_CASE("service: remove removes an entry once") {
  Service service;
  const std::string id = service.create(doc("Ada")).id;
  service.remove(id);
  CHECK_FALSE(service.find(id).has_value());
  CHECK(service.state().count == 0);
  CHECK(service.state().revision == 2);
  for (const std::string& absent : {id, std::string(), std::string("no id!")}) {
    CAPTURE(absent);
    const Thrown thrown = thrown_by([&] { service.remove(absent); });
    CHECK(thrown.code == Errc::not_found);
    CHECK(thrown.message == "No such address: '" + absent + "'");
  }
  CHECK(service.state().revision == 2);
  CHECK(thrown_by([&] { service.update(id, doc("x")); }).code == Errc::not_found);
}

TEST_CASE("service: list and pages are in order of creation") {
  Service service;
  CHECK(service.list().empty());
  CHECK(service.page().entries.empty());
  std::vector<std::string> ids;
  // More than two pages of the default size.
  for (int i = 0; i < 600; ++i) ids.push_back(service.create(doc(std::to_string(i))).id);
  service.update(ids[0], doc("updated"));
  service.remove(ids[1]);
  ids.erase(ids.begin() + 1);
  const auto list = service.list();
  REQUIRE(list.size() == ids.size());
  bool is_in_order = true;
  for (std::size_t i = 0; i < ids.size(); ++i) is_in_order = is_in_order && list[i].id == ids[i];
  CHECK(is_in_order);

  addrbook::PageLimit limit;
  limit.entries = 2;
  const auto page = service.page(list[3].created, limit);
  REQUIRE(page.entries.size() == 2);
  CHECK(page.entries[0].id == ids[4]);
  CHECK(page.more);
  CHECK(page.state.count == 599);
}

TEST_CASE("service: needs a store, and validators that can be called") {
  CHECK(thrown_by([] { Service(nullptr); }).code == Errc::invalid);
  CHECK(thrown_by([] { Service(std::make_shared<FakeStore>(), {Validator()}); }).code ==
        Errc::invalid);
}

TEST_CASE("service: works on the store it is given") {
  const auto store = std::make_shared<FakeStore>();
  Service one(store);
  Service two(store);
  const std::string id = one.create(doc("Ada")).id;
  CHECK(two.get(id).document == doc("Ada"));
  CHECK(store->true_state().count == 1);
}

TEST_CASE("service: validators are called in order and the first refusal counts") {
  std::vector<std::string> asked;
  const auto accept = [&](const std::string& name) {
    return [&asked, name](const Document&) -> std::optional<Violation> {
      asked.push_back(name);
      return std::nullopt;
    };
  };
  const auto store = std::make_shared<FakeStore>();
  SUBCASE("a refusal names pointer and reason, and nothing is stored") {
    Service service(store, {accept("a"), refuse("/emails/0", "must be a string"), accept("b"),
                            refuse("/name", "is too long")});
    const Thrown thrown = thrown_by([&] { service.create(doc("Ada")); });
    CHECK(thrown.code == Errc::invalid);
    CHECK(thrown.message.find("'/emails/0'") != std::string::npos);
    CHECK(thrown.message.find("must be a string") != std::string::npos);
    CHECK(thrown.message.find("is too long") == std::string::npos);
    CHECK(asked == std::vector<std::string>{"a"});
    CHECK(store->true_state().revision == 0);
  }
  SUBCASE("if all accept, the document is stored") {
    Service service(store, {accept("a"), accept("b"), accept("c")});
    const Entry entry = service.create(doc("Ada"));
    service.update(entry.id, doc("Ada B."));
    CHECK(asked == std::vector<std::string>{"a", "b", "c", "a", "b", "c"});
    CHECK(store->true_state().revision == 2);
  }
  SUBCASE("update validates before it looks for the id") {
    const std::string id = Service(store).create(doc("Ada")).id;
    Service service(store, {refuse("", "is not wanted")});
    const Thrown thrown = thrown_by([&] { service.update(id, doc("x")); });
    CHECK(thrown.code == Errc::invalid);
    CHECK(thrown.message == "Invalid address: is not wanted");
    CHECK(thrown_by([&] { service.update("absent", doc("x")); }).code == Errc::invalid);
    CHECK(service.get(id).document == doc("Ada"));
    service.remove(id);  // has no document to validate
    CHECK(store->true_state().count == 0);
  }
  SUBCASE("a validator sees the document that would be written") {
    std::string seen;
    Service service(store, {[&](const Document& document) -> std::optional<Violation> {
                      seen = document.text();
                      return std::nullopt;
                    }});
    service.create(Document::parse(R"({ "a" : 1.0 })"));
    CHECK(seen == R"({"a":1.0})");
  }
}

TEST_CASE("service: a validator may find several violations") {
  const auto violations_of = [](const Validator& validator) {
    addrbook::Violations violations;
    try {
      Service(std::make_shared<FakeStore>(), {validator}).create(doc("Ada"));
    } catch (const addrbook::InvalidAddress& error) {
      CHECK(error.code() == Errc::invalid);
      violations = error.violations;
      CHECK(error.what() ==
            "Invalid address: '" + violations.at(0).pointer + "' " + violations.at(0).reason);
    }
    return violations;
  };
  SUBCASE("all of the first validator that refuses") {
    const auto several = [](const Document&) -> addrbook::Violations {
      return {{"/a", "is odd"}, {"/b", "is missing"}};
    };
    Service service(std::make_shared<FakeStore>(), {several, refuse("/c", "is red")});
    const auto found = violations_of(several);
    REQUIRE(found.size() == 2);
    CHECK(found[1].pointer == "/b");
    CHECK(found[1].reason == "is missing");
    CHECK(thrown_by([&] { service.create(doc("Ada")); }).message == "Invalid address: '/a' is odd");
    CHECK(violations_of([&](const Document&) { return std::vector<Violation>(found); }).size() ==
          2);
  }
  SUBCASE("up to a limit") {
    const auto many = [](const Document&) {
      return addrbook::Violations(addrbook::max_violations + 1, Violation{"/x", "is odd"});
    };
    CHECK(violations_of(many).size() == addrbook::max_violations);
  }
  SUBCASE("one, or none") {
    CHECK(violations_of(refuse("/a", "is odd")).size() == 1);
    CHECK(violations_of([](const Document&) {
            return std::optional(Violation{"/a", "b"});
          }).size() == 1);
    const std::function<std::optional<Violation>(const Document&)> old =
        [](const Document&) -> std::optional<Violation> {
      return Violation{"/a", "b"};
    };
    CHECK(violations_of(old).size() == 1);
    CHECK(violations_of([](const Document&) { return std::nullopt; }).empty());
    CHECK(violations_of([](const Document&) { return addrbook::Violations(); }).empty());
    CHECK_FALSE(Validator(std::function<std::optional<Violation>(const Document&)>()));
  }
}

TEST_CASE("service: a validator that throws makes an internal error with its cause") {
  const auto store = std::make_shared<FakeStore>();
  SUBCASE("another exception") {
    Service service(store, {[](const Document&) -> std::optional<Violation> {
                      throw std::out_of_range("secret");
                    }});
    const Thrown thrown = thrown_by([&] { service.create(doc("Ada")); });
    CHECK(thrown.code == Errc::internal);
    CHECK(thrown.message.find("secret") == std::string::npos);
    REQUIRE(thrown.trace.size() == 2);
    CHECK(thrown.trace[1] == "std::out_of_range: secret");
  }
  SUBCASE("something that is not a std::exception") {
    Service service(store, {[](const Document&) -> std::optional<Violation> { throw 7; }});
    const Thrown thrown = thrown_by([&] { service.create(doc("Ada")); });
    CHECK(thrown.code == Errc::internal);
    CHECK(thrown.trace.size() == 2);
  }
  SUBCASE("an Error{invalid} passes") {
    Service service(store, {[](const Document& document) -> std::optional<Violation> {
                      static_cast<void>(document.json());
                      return std::nullopt;
                    }});
    const Thrown thrown = thrown_by([&] { service.create(Document::parse(R"({"a":1e400})")); });
    CHECK(thrown.code == Errc::invalid);
    CHECK(thrown.message == "the address holds a number beyond double");
    CHECK_NOTHROW(service.create(Document::parse(R"({"a":1e300})")));
    CHECK(store->true_state().revision == 1);
    return;
  }
  CHECK(store->true_state().revision == 0);
}

TEST_CASE("service: after stop() writes are refused and reads succeed, until start()") {
  Service service;
  const std::string id = service.create(doc("Ada")).id;
  CHECK(service.health().ready);
  CHECK(service.health().reason.empty());
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    const auto revision = service.state().revision;
    service.stop();
    service.stop();  // the second call has no effect
    CHECK(thrown_by([&] { service.create(doc("x")); }).code == Errc::stopped);
    CHECK(thrown_by([&] { service.update(id, doc("x")); }).code == Errc::stopped);
    CHECK(thrown_by([&] { service.remove(id); }).code == Errc::stopped);
    CHECK(thrown_by([&] { service.create(doc("x")); }).message == "The service is stopped");
    CHECK(service.state().revision == revision);
    CHECK(service.get(id).document == doc(round == 0 ? "Ada" : "Ada 0"));
    CHECK(service.list().size() == 1);
    CHECK(service.page().entries.size() == 1);
    CHECK_FALSE(service.health().ready);
    CHECK(service.health().reason == "the service is stopped");
    service.start();
    CHECK(service.health().ready);
    service.update(id, doc("Ada " + std::to_string(round)));
  }
}

TEST_CASE("service: an absent address is not found, also while the service is stopped") {
  Service service;
  service.stop();
  CHECK(thrown_by([&] { service.update("absent", doc("x")); }).code == Errc::not_found);
  CHECK(thrown_by([&] { service.remove("absent"); }).code == Errc::not_found);
  CHECK(service.state().revision == 0);
}

TEST_CASE("service: stop() waits for the write in progress, and no write follows it") {
  const auto store = std::make_shared<FakeStore>();
  std::promise<void> entered;
  std::promise<void> released;
  auto release = released.get_future();
  std::atomic<int> commits{0};
  store->before_commit = [&] {
    if (commits.fetch_add(1) == 0) {
      entered.set_value();
      release.wait();
    }
  };
  Service service(store);
  std::mutex mutex;
  std::vector<std::string> events;
  const auto note = [&](const std::string& event) {
    const std::lock_guard lock(mutex);
    events.push_back(event);
  };
  store->after_commit = [&] { note("written"); };

  std::thread writer([&] { service.create(doc("Ada")); });
  entered.get_future().wait();
  std::promise<void> stopped;
  std::thread stopper([&] {
    service.stop();
    note("stopped");
    stopped.set_value();
  });
  while (service.health().ready) std::this_thread::yield();
  auto has_stopped = stopped.get_future();
  const bool is_early =
      has_stopped.wait_for(std::chrono::milliseconds(20)) == std::future_status::ready;
  released.set_value();
  writer.join();
  stopper.join();
  CHECK_FALSE(is_early);
  CHECK(events == std::vector<std::string>{"written", "stopped"});
  CHECK(service.state().count == 1);
  CHECK(thrown_by([&] { service.create(doc("x")); }).code == Errc::stopped);
  CHECK(commits.load() == 1);
}

TEST_CASE("service: create and update are one commit, and ask the store nothing else") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store, {}, {10});
  store->before_find = store->before_page = store->before_state = test::fail_storage;
  int commits = 0;
  store->before_commit = [&] { ++commits; };
  const Entry entry = service.create(doc("Ada"));
  CHECK(commits == 1);
  const Entry updated = service.update(entry.id, doc("Ada B."));
  CHECK(commits == 2);
  CHECK(updated.created == entry.created);
  CHECK(updated.revision == 2);
  service.remove(entry.id);
  CHECK(commits == 3);
}

TEST_CASE("service: the last commit of concurrent updates stays") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  const Entry entry = service.create(doc("Ada"));
  int attempts = 0;
  store->before_commit = [&] {
    if (++attempts == 1) service.update(entry.id, doc("faster"));  // commit 2, before commit 1
  };
  const Entry updated = service.update(entry.id, doc("slower"));
  CHECK(attempts == 2);
  CHECK(updated.revision == 3);
  CHECK(updated.created == entry.created);
  CHECK(service.get(entry.id).document == doc("slower"));
}

TEST_CASE("service: an entry removed during its update stays removed") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  const Entry entry = service.create(doc("Ada"));
  int attempts = 0;
  store->before_commit = [&] {
    if (++attempts == 1) service.remove(entry.id);
  };
  CHECK(thrown_by([&] { service.update(entry.id, doc("late")); }).code == Errc::not_found);
  CHECK_FALSE(service.find(entry.id).has_value());
  CHECK(service.state().count == 0);
}

TEST_CASE("service: change computes a document from the entry's own") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  service.create(doc("first"));
  const Entry entry = service.create(doc("Ada"));
  const auto add = [](const std::string& suffix) {
    return [suffix](const Document& document) {
      return doc(document.json()["name"].get<std::string>() + suffix);
    };
  };
  SUBCASE("and keeps id and `created`") {
    const Entry changed = service.change(entry.id, add(" B."));
    CHECK(changed.id == entry.id);
    CHECK(changed.epoch == entry.epoch);
    CHECK(changed.created == entry.created);
    CHECK(changed.revision == 3);
    CHECK(changed.document == doc("Ada B."));
    CHECK(service.get(entry.id).document == doc("Ada B."));
    CHECK(service.get(entry.id).revision == 3);
  }
  SUBCASE("again, if another writer was faster, from what that one wrote") {
    int attempts = 0;
    store->before_commit = [&] {
      if (++attempts == 1) service.update(entry.id, doc("Bob"));
    };
    const Entry changed = service.change(entry.id, add(" B."));
    CHECK(attempts == 3);
    CHECK(changed.document == doc("Bob B."));
    CHECK(changed.revision == 4);
    CHECK(service.get(entry.id).document == doc("Bob B."));
  }
  SUBCASE("not found, if there is no entry, or it is removed meanwhile") {
    int computed = 0;
    const auto count = [&](const Document& document) {
      ++computed;
      return document;
    };
    using Kind = addrbook::Condition::Kind;
    for (const Kind kind : {Kind::present, Kind::any, Kind::absent}) {
      CHECK(thrown_by([&] { service.change("absent", count, {kind}); }).code == Errc::not_found);
    }
    CHECK(thrown_by([&] { service.change("no id!", count); }).code == Errc::not_found);
    CHECK(computed == 0);
    int attempts = 0;
    store->before_commit = [&] {
      if (++attempts == 1) service.remove(entry.id);
    };
    CHECK(thrown_by([&] { service.change(entry.id, count); }).code == Errc::not_found);
    CHECK(computed == 1);
    CHECK(service.state().count == 1);
  }
  SUBCASE("and what it computes is validated") {
    Service strict(store, {refuse("/name", "is not wanted")});
    const Thrown thrown = thrown_by([&] { strict.change(entry.id, add("!")); });
    CHECK(thrown.code == Errc::invalid);
    CHECK(thrown.message == "Invalid address: '/name' is not wanted");
  }
  SUBCASE("what `compute` throws passes unchanged") {
    CHECK_THROWS_WITH_AS(
        service.change(entry.id, [](const Document&) -> Document { throw std::out_of_range("x"); }),
        "x", std::out_of_range);
  }
  SUBCASE("not while the service is stopped") {
    service.stop();
    CHECK(thrown_by([&] { service.change(entry.id, add("!")); }).code == Errc::stopped);
    CHECK(thrown_by([&] { service.change("absent", add("!")); }).code == Errc::not_found);
  }
  if (service.find(entry.id)) CHECK(service.get(entry.id).created == entry.created);
}

TEST_CASE("service: change of an expected revision is refused if the entry is at another") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  const Entry entry = service.create(doc("Ada"));
  int computed = 0;
  const auto compute = [&](const Document&) {
    ++computed;
    return doc("changed");
  };
  const auto at = [](std::uint64_t revision) {
    return addrbook::Condition{addrbook::Condition::Kind::at_revision, revision};
  };
  CHECK(service.change(entry.id, compute, at(1)).revision == 2);
  CHECK(computed == 1);
  for (const std::uint64_t revision : {0U, 1U, 3U}) {
    CAPTURE(revision);
    const Thrown thrown = thrown_by([&] { service.change(entry.id, compute, at(revision)); });
    CHECK(thrown.code == Errc::precondition);
    CHECK(thrown.message == "Not the expected revision: '" + entry.id + "'");
  }
  // RFC 9110, 13.1.1: no entry has the expected revision if there is none.
  CHECK(thrown_by([&] { service.change("absent", compute, at(1)); }).code == Errc::precondition);
  CHECK(thrown_by([&] {
          service.change(entry.id, compute, {addrbook::Condition::Kind::absent});
        }).code == Errc::precondition);
  CHECK(computed == 1);

  // Not again from what the other writer wrote: that is not the expected revision.
  int attempts = 0;
  store->before_commit = [&] {
    if (++attempts == 1) service.update(entry.id, doc("faster"));
  };
  CHECK(thrown_by([&] { service.change(entry.id, compute, at(2)); }).code == Errc::precondition);
  CHECK(computed == 2);
  CHECK(service.get(entry.id).document == doc("faster"));
}

TEST_CASE("service: no concurrent change is lost") {
  Service service;
  const Entry entry = service.create(json{{"n", 0}});
  constexpr std::size_t threads = 4;
  constexpr int rounds = 200;
  const auto failures = test::run_parallel(threads, [&](std::size_t) {
    for (int i = 0; i < rounds; ++i) {
      service.change(entry.id, [](const Document& document) {
        return Document(json{{"n", document.json()["n"].get<int>() + 1}});
      });
    }
  });
  CHECK(failures == "");
  CHECK(service.get(entry.id).document == Document(json{{"n", int{threads} * rounds}}));
  CHECK(service.state().revision == 1 + threads * rounds);
}

TEST_CASE("service: parallel creates, updates and removals") {
  Service service;
  const Entry shared = service.create(doc("shared"));
  constexpr std::size_t threads = 4;
  constexpr std::size_t rounds = 200;
  std::vector<std::vector<std::uint64_t>> revisions(threads);
  std::vector<std::string> failures(threads);
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      try {
        for (std::size_t i = 0; i < rounds; ++i) {
          const Entry made = service.create(doc(std::to_string(t)));
          revisions[t].push_back(made.revision);
          revisions[t].push_back(service.update(shared.id, doc(std::to_string(i))).revision);
          if (i % 2 == 0) service.remove(made.id);
        }
      } catch (const std::exception& error) {
        failures[t] = error.what();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  for (const auto& failure : failures) CHECK(failure.empty());
  std::vector<std::uint64_t> all;
  for (const auto& each : revisions) all.insert(all.end(), each.begin(), each.end());
  std::sort(all.begin(), all.end());
  CHECK(all.size() == threads * rounds * 2);
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(service.state().count == 1 + threads * rounds / 2);
  CHECK(service.state().revision == 1 + threads * rounds * 5 / 2);
  CHECK(service.get(shared.id).created == shared.created);
}

TEST_CASE("service: a fault of the store is passed on") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  const std::string id = service.create(doc("Ada")).id;
  SUBCASE("in a write") {
    store->before_commit = test::fail_storage;
    for (const auto& thrown : {thrown_by([&] { service.create(doc("x")); }),
                               thrown_by([&] { service.update(id, doc("x")); }),
                               thrown_by([&] { service.remove(id); })}) {
      CHECK(thrown.code == Errc::storage);
      CHECK(thrown.trace.size() == 2);
    }
    CHECK(store->true_state().revision == 1);
    CHECK(service.get(id).document == doc("Ada"));
    store->before_commit = [] {};
    CHECK_NOTHROW(service.update(id, doc("Ada B.")));
  }
  SUBCASE("in a read") {
    store->before_find = store->before_page = store->before_state = test::fail_storage;
    CHECK(thrown_by([&] { static_cast<void>(service.get(id)); }).code == Errc::storage);
    CHECK(thrown_by([&] { static_cast<void>(service.find(id)); }).code == Errc::storage);
    CHECK(thrown_by([&] { static_cast<void>(service.list()); }).code == Errc::storage);
    CHECK(thrown_by([&] { static_cast<void>(service.page()); }).code == Errc::storage);
    CHECK(thrown_by([&] { static_cast<void>(service.state()); }).code == Errc::storage);
    CHECK(thrown_by([&] { service.change(id, [](auto& d) { return d; }); }).code == Errc::storage);
    CHECK_FALSE(service.health().ready);
    CHECK(service.health().reason == "the storage can't be reached");
    store->before_state = [] {};
    CHECK_FALSE(service.health().ready);  // a store may know its state without its storage
    store->before_page = [] {};
    CHECK(service.health().ready);
  }
  SUBCASE("a stopped service says so before it asks its store") {
    store->before_state = test::fail_storage;
    service.stop();
    CHECK(service.health().reason == "the service is stopped");
  }
}

TEST_CASE("service: a full book refuses creates only, until there is room") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store, {}, {2});
  const Entry first = service.create(doc("1"));
  const Entry second = service.create(doc("2"));
  for (int i = 0; i < 2; ++i) {
    const auto thrown = thrown_by([&] { service.create(doc("3")); });
    CHECK(thrown.code == Errc::full);
    CHECK(thrown.message == "Insufficient Storage: the book may hold 2 addresses");
  }
  CHECK(service.state().count == 2);
  CHECK(service.state().revision == 2);
  CHECK_NOTHROW(service.update(first.id, doc("1b")));
  CHECK_NOTHROW(service.remove(second.id));
  CHECK(service.create(doc("4")).revision == 5);
  CHECK(thrown_by([&] { service.create(doc("5")); }).code == Errc::full);

  // Entries from before count too, also if they are more than the limit.
  Service smaller(store, {}, {1});
  CHECK(thrown_by([&] { smaller.create(doc("6")); }).message ==
        "Insufficient Storage: the book may hold 1 address");
  smaller.remove(first.id);
  CHECK(thrown_by([&] { smaller.create(doc("7")); }).code == Errc::full);
  CHECK_NOTHROW(smaller.update(smaller.list().front().id, doc("4b")));
  Service without(store);
  CHECK_NOTHROW(without.create(doc("8")));
}

TEST_CASE("service: a create that fails for another reason takes no room") {
  const auto store = std::make_shared<FakeStore>();
  bool is_refused = true;
  Service service(store, {[&](const Document&) {
                    return is_refused ? std::optional(Violation{"", "no"}) : std::nullopt;
                  }},
                  {1});
  CHECK(thrown_by([&] { service.create(doc("x")); }).code == Errc::invalid);
  is_refused = false;
  store->before_commit = test::fail_storage;
  CHECK(thrown_by([&] { service.create(doc("x")); }).code == Errc::storage);
  store->before_commit = [] {};
  service.stop();
  CHECK(thrown_by([&] { service.create(doc("x")); }).code == Errc::stopped);
  service.start();
  CHECK_NOTHROW(service.create(doc("x")));
  // The document is checked first, then the capacity, then whether the service is stopped.
  is_refused = true;
  CHECK(thrown_by([&] { service.create(doc("x")); }).code == Errc::invalid);
  is_refused = false;
  service.stop();
  CHECK(thrown_by([&] { service.create(doc("x")); }).code == Errc::full);
}

TEST_CASE("service: creators for the last room do not wait for each other") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store, {}, {1});
  int attempts = 0;
  SUBCASE("the slower one is refused") {
    store->before_commit = [&] {
      if (++attempts == 1) service.create(doc("faster"));
    };
    CHECK(thrown_by([&] { service.create(doc("slower")); }).code == Errc::full);
  }
  SUBCASE("one whose commit fails takes no room") {
    store->before_commit = [&] {
      if (++attempts == 1) test::fail_storage();
    };
    CHECK(thrown_by([&] { service.create(doc("failing")); }).code == Errc::storage);
    CHECK_NOTHROW(service.create(doc("faster")));
  }
  REQUIRE(service.list().size() == 1);
  CHECK(service.list().front().document == doc("faster"));
}

TEST_CASE("service: parallel creators fill a book to its limit exactly") {
  constexpr std::uint64_t capacity = 50;
  Service service(std::make_shared<addrbook::MemoryStore>(), {}, {capacity});
  std::atomic<std::uint64_t> made{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<bool> is_exceeded{false};
  std::vector<std::thread> workers;
  for (int t = 0; t < 4; ++t) {
    workers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        const auto thrown = thrown_by([&] {
          const Entry entry = service.create(doc("x"));
          if (service.state().count > capacity) is_exceeded = true;
          // Some are removed again, so that the limit is reached many times.
          if (i % 3 == 0) {
            service.remove(entry.id);
          } else {
            ++made;
          }
        });
        if (thrown.code == Errc::full) ++refused;
      }
    });
  }
  for (auto& worker : workers) worker.join();
  while (!thrown_by([&] { service.create(doc("x")); }).code) ++made;
  CHECK_FALSE(is_exceeded.load());
  CHECK(made.load() == capacity);
  CHECK(service.state().count == capacity);
  CHECK(refused.load() > 0);
}

TEST_CASE("service: create under an id, once") {
  Service service(std::make_shared<addrbook::MemoryStore>(), {}, {1});
  const Entry made = service.create("ada-1", doc("Ada"));
  CHECK(made.id == "ada-1");
  CHECK(made.revision == 1);
  const Thrown taken = thrown_by([&] { service.create("ada-1", doc("Bob")); });
  CHECK(taken.code == Errc::conflict);
  CHECK(taken.message == "There is an address already: 'ada-1'");
  CHECK(service.get("ada-1").document == doc("Ada"));
  CHECK(thrown_by([&] { service.create("bob", doc("Bob")); }).code == Errc::full);
  for (const std::string bad : {"", "a b", "_x"}) {
    CHECK(thrown_by([&] { service.create(bad, doc("x")); }).code == Errc::invalid);
  }
}

TEST_CASE("service: update and remove of a revision") {
  Service service;
  const Entry entry = service.create(doc("Ada"));
  CHECK(service.update(entry.id, doc("Ada B."), 1).revision == 2);
  for (const std::uint64_t revision : {0U, 1U, 3U}) {
    const Thrown thrown = thrown_by([&] { service.update(entry.id, doc("x"), revision); });
    CHECK(thrown.code == Errc::precondition);
    CHECK(thrown.message == "Not the expected revision: '" + entry.id + "'");
    CHECK(thrown_by([&] { service.remove(entry.id, revision); }).code == Errc::precondition);
  }
  for (const std::string absent : {"absent", "no id!"}) {
    CHECK(thrown_by([&] { service.update(absent, doc("x"), 1); }).code == Errc::precondition);
    CHECK(thrown_by([&] { service.remove(absent, 1); }).code == Errc::precondition);
    CHECK(thrown_by([&] { service.remove(absent); }).code == Errc::not_found);
  }
  service.remove(entry.id, 2);
  CHECK(service.state().count == 0);
}

TEST_CASE("service: a condition is asked again if another writer was faster") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  const Entry entry = service.create(doc("Ada"));
  std::vector<std::uint64_t> seen;
  const addrbook::EntryCondition at_most_2 = [&](const Entry* current) {
    seen.push_back(current != nullptr ? current->revision : 0);
    return current == nullptr || current->revision <= 2;
  };
  int attempts = 0;
  const auto be_faster = [&](const std::string& name) {
    attempts = 0;
    seen.clear();
    store->before_commit = [&, name] {
      if (++attempts == 1) service.update(entry.id, doc(name));
    };
  };
  be_faster("Bob");
  CHECK(service.update(entry.id, doc("Ada B."), at_most_2).revision == 3);
  CHECK(seen == std::vector<std::uint64_t>{1, 2});
  store->before_commit = [] {};
  for (const auto& thrown :
       {thrown_by([&] { service.update(entry.id, doc("x"), at_most_2); }),
        thrown_by([&] { service.remove(entry.id, at_most_2); }), thrown_by([&] {
          service.change(
              entry.id, [](auto& d) { return d; }, at_most_2);
        })}) {
    CHECK(thrown.code == Errc::precondition);
  }
  CHECK(thrown_by([&] { service.update("absent", doc("x"), at_most_2); }).code == Errc::not_found);
  CHECK(thrown_by([&] { service.remove("absent", at_most_2); }).code == Errc::not_found);
  const auto any = [](const Entry* /*current*/) { return true; };
  be_faster("Eve");
  service.remove(entry.id, addrbook::EntryCondition(any));
  CHECK(attempts == 3);
  CHECK(service.state().count == 0);
}

TEST_CASE("service: many documents are created, or none") {
  Service service(std::make_shared<addrbook::MemoryStore>(), {refuse_bad()}, {3});
  const auto made = service.create_many({doc("1"), doc("2")});
  REQUIRE(made.size() == 2);
  for (std::size_t i = 0; i < made.size(); ++i) {
    const Entry got = service.get(made[i].id);
    CHECK(got.document == made[i].document);
    CHECK(got.revision == made[i].revision);
    CHECK(got.created == made[i].created);
    CHECK(got.epoch == made[i].epoch);
    CHECK(got.updated_at == made[i].updated_at);
    CHECK(got.revision == i + 1);
  }
  CHECK(service.create_many({}).empty());
  std::optional<std::size_t> at_fault;
  CHECK(thrown_by([&] {
          service.create_many({doc("3"), doc("bad")}, &at_fault);
        }).code == Errc::invalid);
  CHECK(at_fault == 1);
  CHECK(thrown_by([&] { service.create_many({doc("3"), doc("4")}); }).code == Errc::full);
  CHECK(service.state().revision == 2);
}

TEST_CASE("service: commit keeps the rules of the book") {
  Service service(std::make_shared<addrbook::MemoryStore>(), {refuse_bad()}, {2});
  using addrbook::Batch;
  using addrbook::Condition;
  using Outcome = addrbook::CommitResult::Outcome;
  const auto batch_of = [](std::vector<addrbook::Write> writes) {
    Batch batch;
    batch.writes = std::move(writes);
    return batch;
  };
  std::optional<std::size_t> at_fault;
  CHECK(thrown_by([&] {
          const auto refused =
              service.commit(batch_of({{"a", doc("good"), {}}, {"b", doc("bad"), {}}}), &at_fault);
        }).code == Errc::invalid);
  CHECK(at_fault == 1);
  auto result = service.commit(batch_of({{"a", doc("1"), {}}, {"b", doc("2"), {}}}), &at_fault);
  CHECK(result.done());
  CHECK(result.base == 0);
  CHECK_FALSE(at_fault.has_value());
  result = service.commit(
      batch_of({{"a", std::nullopt, {}}, {"b", doc("x"), {Condition::Kind::absent}}}));
  CHECK(result.outcome == Outcome::refused);
  CHECK(result.refused == 1);
  CHECK(service.commit(batch_of({{"c", doc("3"), {}}})).outcome == Outcome::full);
  CHECK(thrown_by([&] { service.fail_full(); }).message ==
        "Insufficient Storage: the book may hold 2 addresses");
  CHECK(thrown_by([&] {
          const auto refused = service.commit(batch_of({{"a b", doc("3"), {}}}));
        }).code == Errc::invalid);
  CHECK(service.commit({}).base == 2);
  service.stop();
  CHECK(thrown_by([&] {
          const auto refused = service.commit(batch_of({{"a", std::nullopt, {}}}));
        }).code == Errc::stopped);
  CHECK(service.state().revision == 2);
}

TEST_CASE("service: no document is over max_document_bytes") {
  addrbook::ServiceOptions options;
  options.max_document_bytes = 20;
  Service service(std::make_shared<addrbook::MemoryStore>(), {}, options);
  const Entry entry = service.create(doc("0123456"));
  const Document over = doc("0123456789");
  for (const auto& thrown :
       {thrown_by([&] { service.create(over); }), thrown_by([&] { service.create("x", over); }),
        thrown_by([&] { service.update(entry.id, over); }),
        thrown_by([&] { service.create_many({over}); }),
        thrown_by([&] { service.change(entry.id, [&](auto&) { return over; }); })}) {
    CHECK(thrown.code == Errc::invalid);
    CHECK(thrown.message == "Invalid address: it is over 20 bytes");
  }
  CHECK(service.state().revision == 1);
}

TEST_CASE("service: of parallel writers of one revision one succeeds") {
  Service service;
  const Entry entry = service.create(json{{"n", 0}});
  constexpr std::size_t threads = 4;
  std::atomic<std::uint64_t> done{0};
  const auto failures = test::run_parallel(threads, [&](std::size_t) {
    for (int i = 0; i < 200; ++i) {
      const Entry read = service.get(entry.id);
      const int n = read.document.json()["n"].get<int>();
      try {
        service.update(entry.id, json{{"n", n + 1}}, read.revision);
        ++done;
      } catch (const Error& error) {
        if (error.code() != Errc::precondition) throw;
      }
    }
  });
  CHECK(failures == "");
  CHECK(service.get(entry.id).document == Document(json{{"n", done.load()}}));
}

TEST_CASE("service: a write that is always too late ends, and changes nothing") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  const Entry entry = service.create(doc("Ada"));
  Service other(store);
  bool is_inside = false;
  store->before_commit = [&] {
    if (is_inside) return;
    is_inside = true;
    other.update(entry.id, doc("Bob"));
    is_inside = false;
  };
  const auto thrown =
      thrown_by([&] { service.change(entry.id, [](auto&) { return doc("Eve"); }); });
  CHECK(thrown.code == Errc::busy);
  CHECK(service.get(entry.id).document == doc("Bob"));
}

TEST_CASE("service: large addresses are changed one at a time") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  const std::string large(200'000, 'x');
  const Entry a = service.create(doc(large));
  const Entry b = service.create(doc(large));
  const Entry small = service.create(doc("Ada"));
  std::atomic<int> at_once{0};
  std::atomic<int> most{0};
  const auto change = [&](const std::string& id) {
    service.change(id, [&](const Document& old) {
      const int now = ++at_once;
      if (now > most) most = now;
      service.change(small.id, [](const Document& same) { return same; });  // is not held up
      --at_once;
      return old;
    });
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j) change(i % 2 == 0 ? a.id : b.id);
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(service.get(a.id).revision > 40);
}

TEST_CASE("service: changes go on from a token, and begin anew where it is not of this book") {
  Service service;
  const auto entries = service.create_many({doc("a"), doc("b"), doc("c")});
  service.remove(entries[1].id);
  const auto revisions = [](const addrbook::Changes& changes) {
    std::vector<std::string> texts;
    for (const auto& change : changes.changes) {
      texts.push_back((change.entry ? "" : "-") + std::to_string(change.revision));
    }
    return texts;
  };
  using Texts = std::vector<std::string>;

  // From the beginning: no removal of before.
  const auto all = service.changes();
  CHECK(revisions(all) == Texts{"1", "3"});
  CHECK_FALSE(all.more);
  CHECK(all.next.text() == addrbook::ChangeToken{entries[0].epoch, 4, 0}.text());
  CHECK(revisions(service.changes(all.next)).empty());
  CHECK(service.changes(all.next).next.revision == 4);

  // In pages: a removal of meanwhile is told, of what was seen and of what was not.
  addrbook::PageLimit one;
  one.entries = 1;
  auto page = service.changes({}, one);
  CHECK(revisions(page) == Texts{"1"});
  CHECK(page.more);
  CHECK(page.next.start == 4);
  service.remove(entries[0].id);
  service.update(entries[2].id, doc("c2"));
  page = service.changes(page.next, one);
  CHECK(revisions(page) == Texts{"-5"});
  page = service.changes(page.next, one);
  CHECK(revisions(page) == Texts{"6"});
  CHECK_FALSE(page.more);

  // Created and removed since a token.
  const auto short_lived = service.create(doc("d"));
  service.remove(short_lived.id);
  CHECK(revisions(service.changes(page.next)) == Texts{"-8"});

  const std::uint64_t epoch = entries[0].epoch;
  using addrbook::ChangeToken;
  CHECK_FALSE(service.changes(ChangeToken{epoch, 0, 0}).is_expired);
  CHECK_FALSE(service.changes(ChangeToken{epoch, 8, 0}).is_expired);
  for (const auto& foreign :
       {ChangeToken{epoch + 1, 0, 0}, ChangeToken{epoch, 9, 0}, ChangeToken{epoch, 1, 9}}) {
    const auto changes = service.changes(foreign);
    CHECK(changes.is_expired);
    CHECK(changes.changes.empty());
  }
}

TEST_CASE("service: a token expires with the removals that come after it") {
  addrbook::ServiceOptions options;
  options.tombstone_lifetime = std::chrono::hours(0);
  Service service(std::make_shared<addrbook::MemoryStore>(), {}, options);
  const auto entry = service.create(doc("a"));
  const auto known = service.changes().next;
  CHECK_FALSE(service.changes(known).is_expired);
  service.create(doc("b"));
  CHECK_FALSE(service.changes(known).is_expired);
  service.remove(entry.id);
  service.create(doc("c"));
  CHECK(service.changes(known).is_expired);
  CHECK_FALSE(service.changes().is_expired);
  CHECK_FALSE(service.changes(service.changes().next).is_expired);
}

namespace {

/// A Store that overrides only what it must.
class PlainStore final : public addrbook::Store {
  addrbook::CommitResult do_commit(addrbook::Batch batch) override {
    batch.wants_before = false;
    return store_.commit(std::move(batch));
  }
  [[nodiscard]] std::optional<Entry> do_find(std::string_view id) const override {
    return store_.find(id);
  }
  [[nodiscard]] addrbook::Page do_page(std::uint64_t after,
                                       addrbook::PageLimit limit) const override {
    return store_.page(after, limit);
  }
  [[nodiscard]] addrbook::BookState do_state() const override { return store_.state(); }

  addrbook::MemoryStore store_;
};

}  // namespace

TEST_CASE("service: a store that remembers no removals can be read, but not followed") {
  Service service(std::make_shared<PlainStore>());
  for (int i = 0; i < 5; ++i) service.create("e" + std::to_string(i), doc("a"));
  service.update("e1", doc("b"));
  addrbook::PageLimit two;
  two.entries = 2;
  std::string ids;
  auto page = service.changes({}, two);
  while (true) {
    for (const auto& change : page.changes) ids += change.id + " ";
    if (!page.more) break;
    page = service.changes(page.next, two);
    REQUIRE_FALSE(page.is_expired);
  }
  CHECK(ids == "e0 e2 e3 e4 e1 ");
  CHECK(service.changes(page.next).changes.empty());
  CHECK_FALSE(service.changes(page.next).is_expired);
  service.create(doc("c"));
  CHECK(service.changes(page.next).is_expired);
}

TEST_CASE("service: on_change tells what was there before and after, in order") {
  std::shared_ptr<addrbook::Store> store = std::make_shared<addrbook::MemoryStore>();
  SUBCASE("of a MemoryStore") {}
  SUBCASE("of a CachedStore") {
    store = std::make_shared<addrbook::CachedStore>(store, 10'000);
  }
  Service service(store);
  const auto numbered = [](int n) { return Document(json{{"n", n}}); };
  service.create("a", numbered(1));  // is not told
  test::ChangeLog log;
  auto subscription = service.on_change(log.callback());
  service.update("a", numbered(2));
  service.create("b", numbered(3));
  service.change("a", [&](const Document&) { return numbered(4); });
  CHECK_THROWS(service.remove("never"));
  addrbook::Batch batch;
  batch.writes = {{"never", std::nullopt, {}}, {"b", std::nullopt, {}}, {"c", numbered(5), {}}};
  const auto result = service.commit(std::move(batch));
  CHECK(result.before.empty());  // was not asked for
  service.remove("a");
  CHECK(log.lines(6) == "a 1 -> 2\nb -> 3\na 2 -> 4\nb 3 ->\nc -> 5\na 4 ->\n");
  const auto events = log.events(6);
  for (const auto& event : events) {
    for (const auto* const entry : {&event.before, &event.after}) {
      if (!*entry) continue;
      CHECK((*entry)->id == event.id);
      CHECK((*entry)->epoch == result.epoch);
      CHECK((*entry)->revision <= event.revision);
    }
  }
  CHECK(events[2].after->created == 1);
  CHECK(events[2].after->revision == 4);
  CHECK(events[3].revision == 6);

  subscription = {};
  service.create("d", numbered(6));
  CHECK(log.events(6).size() == 6);
}

TEST_CASE("service: on_change says that it does not know what was before") {
  Service service(std::make_shared<PlainStore>());
  const auto numbered = [](int n) { return Document(json{{"n", n}}); };
  test::ChangeLog log;
  const auto subscription = service.on_change(log.callback());
  service.create("a", numbered(1));
  service.update("a", numbered(2));
  service.remove("a");
  CHECK(log.lines(3) == "a -> 1\na ? -> 2\na ? ->\n");
}

TEST_CASE("service: all changes are told once and in order, of many writers at once") {
  Service service;
  test::ChangeLog log;
  const auto subscription = service.on_change(log.callback());
  test::ChangeLog other;
  const auto other_subscription = service.on_change(other.callback());
  constexpr std::size_t writers = 4;
  constexpr std::size_t rounds = 100;
  const auto failures = test::run_parallel(writers, [&](std::size_t writer) {
    const std::string id = "e" + std::to_string(writer % 2);
    for (std::size_t i = 0; i < rounds; ++i) {
      addrbook::Batch batch;
      batch.writes.push_back({id, Document(json{{"n", writer * rounds + i}}), {}});
      if (!service.commit(std::move(batch)).done()) throw std::logic_error("a write was refused");
    }
  });
  CHECK(failures == "");
  for (test::ChangeLog* const each : {&log, &other}) {
    const auto events = each->events(writers * rounds);
    REQUIRE(events.size() == writers * rounds);
    std::map<std::string, std::string> last;
    for (std::size_t i = 0; i < events.size(); ++i) {
      REQUIRE(events[i].revision == i + 1);
      REQUIRE(events[i].is_before_known);
      const std::string before = events[i].before ? events[i].before->document.text() : "";
      CHECK(before == last[events[i].id]);
      last[events[i].id] = events[i].after->document.text();
    }
  }
}

TEST_CASE("service: a commit whose outcome was unknown is told with the next one") {
  const auto store = std::make_shared<FakeStore>();
  Service service(store);
  test::ChangeLog log;
  const auto subscription = service.on_change(log.callback());
  store->after_commit = [] { test::fail_storage(); };
  CHECK_THROWS(service.create("a", Document(json{{"n", 1}})));
  store->after_commit = [] {};
  service.create("b", Document(json{{"n", 2}}));
  CHECK(log.lines(2) == "a ? -> 1\nb -> 2\n");
}

TEST_CASE("service: two services of one store tell each other's changes") {
  const auto store = std::make_shared<addrbook::MemoryStore>();
  Service first(store);
  Service second(store);
  test::ChangeLog log;
  const auto subscription = first.on_change(log.callback());
  second.create("a", Document(json{{"n", 1}}));
  CHECK(log.lines(1) == "a -> 1\n");
}

TEST_CASE("service: a slow or failing callback holds up no writer, and may write itself") {
  Service service;
  test::ChangeLog log;
  test::Gate gate;
  log.before = [&](const addrbook::ChangeEvent& event) {
    if (event.id != "a") return;
    gate.pass();
    service.create("c", Document(json{{"n", 3}}));
    throw std::runtime_error("not caught by anybody");
  };
  const auto subscription = service.on_change(log.callback());
  service.create("a", Document(json{{"n", 1}}));
  gate.wait_for();
  service.create("b", Document(json{{"n", 2}}));
  gate.open();
  CHECK(log.lines(2) == "b -> 2\nc -> 3\n");
}

TEST_CASE("service: a subscription may end in its own callback, and waits for a call elsewhere") {
  Service service;
  std::atomic<int> calls{0};
  SUBCASE("in the callback") {
    // The call that ends the subscription goes on after the test.
    struct Own {
      std::mutex mutex;
      std::optional<addrbook::Subscription> subscription;
      std::atomic<int> calls{0};
      test::Arrivals ended;
    };
    const auto own = std::make_shared<Own>();
    {
      const std::lock_guard lock(own->mutex);
      own->subscription = service.on_change([own](const addrbook::ChangeEvent&) {
        const std::shared_ptr<Own> kept = own;
        const std::lock_guard until_it_is_set(kept->mutex);
        ++kept->calls;
        kept->subscription.reset();
        kept->ended.add();
      });
    }
    service.create(doc("a"));
    own->ended.wait_for(1);
    service.create(doc("b"));
    CHECK(own->calls == 1);
  }
  SUBCASE("elsewhere") {
    test::Gate gate;
    std::atomic<bool> is_running{false};
    auto subscription = service.on_change([&](const addrbook::ChangeEvent&) {
      is_running = true;
      ++calls;
      gate.pass();
      is_running = false;
    });
    service.create(doc("a"));
    service.create(doc("b"));
    gate.wait_for();
    std::thread opener([&] { gate.open(); });
    subscription = {};
    CHECK_FALSE(is_running);
    const int before = calls;
    service.create(doc("c"));
    CHECK(calls == before);
    opener.join();
  }
}

TEST_CASE("service: subscriptions come and go while others write") {
  Service service;
  std::atomic<bool> is_done{false};
  const auto failures = test::run_parallel(3, [&](std::size_t thread) {
    if (thread == 0) {
      for (int round = 0; round < 50; ++round) {
        test::ChangeLog log;
        const auto subscription = service.on_change(log.callback());
        std::uint64_t before = 0;
        for (const auto& event : log.events(3)) {
          if (event.missed_since) continue;
          if (event.revision <= before) throw std::runtime_error("not in order");
          before = event.revision;
        }
      }
      is_done = true;
    } else if (thread == 1) {
      while (!is_done) service.create_many({doc("a"), doc("b")});
    } else {
      while (!is_done) {
        const auto woken = std::make_shared<std::atomic<int>>(0);
        const auto subscription = service.watch([woken] { ++*woken; });
        service.create(doc("c"));
        if (*woken == 0) throw std::runtime_error("not woken");
      }
    }
  });
  CHECK(failures == "");
}

TEST_CASE("service: who watches is woken by a write and by a stop, and keeps the store") {
  auto service = std::make_unique<Service>();
  std::atomic<int> woken{0};
  auto subscription = service->watch([&] { ++woken; });
  CHECK(woken == 0);
  service->create(doc("a"));
  CHECK(woken == 1);
  CHECK_THROWS(service->remove("never"));
  CHECK_FALSE(service->is_stopped());
  service->stop();
  CHECK(woken >= 2);
  CHECK(service->is_stopped());
  service.reset();
  subscription = {};
}
