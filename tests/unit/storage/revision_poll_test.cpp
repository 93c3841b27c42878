#include <addrbook/storage/revision_poll.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using addrbook::BookState;
using addrbook::detail::RevisionPoll;

namespace {

/// A database with books.
class Database {
 public:
  RevisionPoll::Ask ask() {
    return [this](const std::vector<std::uint64_t>& books) {
      const std::lock_guard lock(mutex_);
      ++polls_;
      if (is_broken_) throw std::runtime_error("broken");
      std::map<std::uint64_t, BookState> found;
      for (const auto book : books) {
        if (const auto at = states_.find(book); at != states_.end()) found.insert(*at);
      }
      return found;
    };
  }
  void set(std::uint64_t book, std::optional<std::uint64_t> revision) {
    const std::lock_guard lock(mutex_);
    states_.erase(book);
    if (revision) states_[book] = {7, *revision, 0};
  }
  void set_broken(bool is_broken) {
    const std::lock_guard lock(mutex_);
    is_broken_ = is_broken;
  }
  int polls() {
    const std::lock_guard lock(mutex_);
    return polls_;
  }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, BookState> states_;
  bool is_broken_ = false;
  int polls_ = 0;
};

/// What a follower was told, e.g. "3 4 gone ".
class Told {
 public:
  RevisionPoll::Tell tell() {
    return [this](const std::optional<BookState>& state) {
      {
        const std::lock_guard lock(mutex_);
        text_ += state ? std::to_string(state->revision) + " " : "gone ";
      }
      arrivals_.add();
    };
  }
  std::string text(std::size_t count) {
    arrivals_.wait_for(count);
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
  test::Arrivals arrivals_;
};

constexpr std::chrono::milliseconds soon{1};

}  // namespace

TEST_CASE("revision poll: each follower is told each new state of its book once") {
  Database database;
  Told first;
  Told second;
  Told other;
  RevisionPoll poll(database.ask(), soon);
  CHECK(database.polls() == 0);
  database.set(1, 3);
  database.set(2, 8);
  poll.add(1, first.tell());
  poll.add(1, second.tell());
  const auto follower = poll.add(2, other.tell());
  CHECK(first.text(1) == "3 ");
  CHECK(other.text(1) == "8 ");
  database.set(1, 4);
  CHECK(first.text(2) == "3 4 ");
  CHECK(second.text(2) == "3 4 ");
  database.set_broken(true);
  database.set(1, 5);
  const int before = database.polls();
  while (database.polls() < before + 3) std::this_thread::yield();
  CHECK(first.text(2) == "3 4 ");
  database.set_broken(false);
  CHECK(first.text(3) == "3 4 5 ");
  poll.remove(follower);
  database.set(1, std::nullopt);
  CHECK(first.text(4) == "3 4 5 gone ");
  CHECK(other.text(1) == "8 ");
}

TEST_CASE("revision poll: it asks nothing while nobody follows, and ends with what it tells") {
  Database database;
  database.set(1, 1);
  static test::Arrivals arrivals;  // the thread goes on for a moment
  auto poll = std::make_unique<RevisionPoll>(database.ask(), soon);
  // Ends itself, as the last user of a database does.
  poll->add(1, [&](const std::optional<BookState>&) {
    poll.reset();
    arrivals.add();
  });
  arrivals.wait_for(1);
  CHECK_FALSE(poll);
  const int polls = database.polls();
  CHECK(polls == 1);
}
