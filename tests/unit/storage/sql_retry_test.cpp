#include <addrbook/storage/sql_retry.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using addrbook::Errc;
using addrbook::Error;
using addrbook::detail::CommitLost;
using addrbook::detail::GroupCommit;
using addrbook::detail::SqlRetry;

namespace {

using Names = std::vector<std::string>;

/// A group of batches with one write each, and a database that a test tells how to fail.
struct Database {
  explicit Database(const Names& names) {
    for (const std::string& name : names) {
      auto& member = members.emplace_back();
      member.batch.writes.push_back({name, std::nullopt, {}});
      group.push_back(&member);
    }
  }

  void run() {
    const SqlRetry retry(
        [this](const GroupCommit::Group& batches) {
          Names names;
          for (const auto* const member : batches) names.push_back(member->batch.writes.at(0).id);
          attempts.push_back(names);
          fail(attempts.size(), names);
          for (auto* const member : batches) member->result.base = ++revision;
        },
        [this](const CommitLost& lost) {
          asked.push_back(lost.transaction);
          return was_committed(asked.size());
        });
    retry.run(group);
  }

  /// For each batch "done", or the error's message.
  [[nodiscard]] Names outcomes() const {
    Names all;
    for (const auto& member : members) {
      try {
        if (member.error) std::rethrow_exception(member.error);
        all.emplace_back("done");
      } catch (const std::exception& error) {
        all.emplace_back(error.what());
      }
    }
    return all;
  }

  /// Called in each attempt with its number, from 1, and its batches. Throws, or lets it be done.
  std::function<void(std::size_t, const Names&)> fail = [](std::size_t, const Names&) {};
  std::function<std::optional<bool>(std::size_t)> was_committed = [](std::size_t) {
    return std::nullopt;
  };

  std::list<GroupCommit::Member> members;
  GroupCommit::Group group;
  std::vector<Names> attempts;
  Names asked;
  std::uint64_t revision = 0;
};

const std::string unknown =
    "the connection to the database was lost in a commit: whether it was done is not known";
const std::string undone = "the connection to the database was lost, and the commit is undone";

void lose_first(std::size_t attempt, const Names&) {
  if (attempt == 1) throw CommitLost("7");
}

}  // namespace

TEST_CASE("sql_retry: a group that succeeds is written once") {
  Database database({"a", "b"});
  database.run();
  CHECK(database.attempts == std::vector<Names>{{"a", "b"}});
  CHECK(database.outcomes() == Names{"done", "done"});
  CHECK(database.asked.empty());
}

TEST_CASE("sql_retry: if a group fails each batch is tried alone, and fails for itself") {
  Database database({"a", "bad", "c"});
  database.fail = [](std::size_t, const Names& names) {
    for (const auto& name : names) {
      if (name == "bad") throw std::runtime_error("no room for " + std::to_string(names.size()));
    }
  };
  database.run();
  CHECK(database.attempts == std::vector<Names>{{"a", "bad", "c"}, {"a"}, {"bad"}, {"c"}});
  CHECK(database.outcomes() == Names{"done", "no room for 1", "done"});
}

TEST_CASE("sql_retry: each writer of a failed group gets an error of its own, with its cause") {
  Database database({"a", "b", "c"});
  database.fail = [](std::size_t, const Names&) {
    try {
      throw std::runtime_error("the socket is closed");
    } catch (const std::exception&) {
      std::throw_with_nested(CommitLost("7"));
    }
  };
  database.run();
  std::vector<const void*> errors;
  for (const auto& member : database.members) {
    const auto trace = addrbook::trace(member.error);
    REQUIRE(trace.size() == 2);
    CHECK(trace[0].find(unknown) != std::string::npos);
    CHECK(trace[1].find("the socket is closed") != std::string::npos);
    try {
      std::rethrow_exception(member.error);
    } catch (const Error& error) {
      errors.push_back(&error);
    }
  }
  REQUIRE(errors.size() == 3);
  CHECK(errors[0] != errors[1]);
  CHECK(errors[1] != errors[2]);
}

TEST_CASE("sql_retry: a batch that fails alone is not tried again") {
  Database database({"a"});
  database.fail = [](std::size_t, const Names&) { throw std::runtime_error("no"); };
  database.run();
  CHECK(database.attempts.size() == 1);
  CHECK(database.outcomes() == Names{"no"});
}

TEST_CASE("sql_retry: what is thrown need not be a std::exception") {
  Database database({"a"});
  database.fail = [](std::size_t, const Names&) { throw 7; };
  database.run();
  CHECK_THROWS_AS(std::rethrow_exception(database.members.front().error), int);
}

TEST_CASE("sql_retry: a lost commit that was done is done, and not done again") {
  Database database({"a", "b"});
  database.fail = lose_first;
  database.was_committed = [](std::size_t) { return true; };
  database.run();
  CHECK(database.attempts.size() == 1);
  CHECK(database.asked == Names{"7"});
  CHECK(database.outcomes() == Names{"done", "done"});
}

TEST_CASE("sql_retry: a lost commit that is undone is tried once more, as a group") {
  Database database({"a", "b"});
  database.was_committed = [](std::size_t) { return false; };
  SUBCASE("and succeeds") {
    database.fail = lose_first;
    database.run();
    CHECK(database.attempts == std::vector<Names>{{"a", "b"}, {"a", "b"}});
    CHECK(database.asked == Names{"7"});
    CHECK(database.outcomes() == Names{"done", "done"});
  }
  SUBCASE("and is lost again, then each is tried alone") {
    database.fail = [](std::size_t attempt, const Names&) {
      throw CommitLost(std::to_string(attempt));
    };
    database.run();
    CHECK(database.attempts == std::vector<Names>{{"a", "b"}, {"a", "b"}, {"a"}, {"b"}});
    CHECK(database.asked == Names{"1", "2", "3", "4"});
    CHECK(database.outcomes() == Names{undone, undone});
  }
  SUBCASE("and its outcome is unknown: nothing is tried any more") {
    database.fail = [](std::size_t, const Names&) { throw CommitLost("7"); };
    database.was_committed = [](std::size_t asked) {
      return asked == 1 ? std::optional(false) : std::nullopt;
    };
    database.run();
    CHECK(database.attempts.size() == 2);
    CHECK(database.outcomes() == Names{unknown, unknown});
  }
}

TEST_CASE("sql_retry: a commit of unknown outcome is never tried again") {
  Database database({"a", "b"});
  database.fail = lose_first;
  SUBCASE("if the database does not know") {}
  SUBCASE("if the database can't be asked") {
    database.was_committed = [](std::size_t) -> std::optional<bool> {
      throw Error(Errc::storage, "no connection");
    };
  }
  database.run();
  CHECK(database.attempts.size() == 1);
  CHECK(database.asked.size() == 1);
  CHECK(database.outcomes() == Names{unknown, unknown});
}
