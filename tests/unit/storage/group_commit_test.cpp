#include <addrbook/storage/group_commit.hpp>

#include <addrbook/error.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using addrbook::Batch;
using addrbook::CommitResult;
using addrbook::Write;
using addrbook::detail::GroupCommit;

namespace {

using Names = std::vector<std::string>;

/// A batch of `writes` writes, identified by `name`.
Batch batch_of(std::size_t writes, const std::string& name) {
  return {std::vector<Write>(writes, Write{name, std::nullopt, {}})};
}

/// Commits groups: numbers the writes as a store does, and keeps a record.
class Committer {
 public:
  /// Called within each commit, with the names of the group's batches.
  std::function<void(const Names&)> during = [](const Names&) {};
  /// @returns the error of a batch, or none
  std::function<std::exception_ptr(const std::string&)> error_of = [](const std::string&) {
    return nullptr;
  };

  GroupCommit::Run run() {
    return [this](const GroupCommit::Group& group) {
      if (is_running_.exchange(true)) ++overlaps_;
      Names names;
      for (const auto* const member : group) names.push_back(member->batch.writes.at(0).id);
      groups_.push_back(names);
      threads_.push_back(std::this_thread::get_id());
      during(names);
      for (auto* const member : group) {
        member->error = error_of(member->batch.writes.at(0).id);
        if (member->error) continue;
        member->result.base = revision_;
        revision_ += member->batch.writes.size();
      }
      is_running_ = false;
    };
  }

  // To be read when all commits have ended.
  [[nodiscard]] const std::vector<Names>& groups() const { return groups_; }
  [[nodiscard]] const std::vector<std::thread::id>& threads() const { return threads_; }
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  [[nodiscard]] int overlaps() const { return overlaps_; }

 private:
  std::vector<Names> groups_;
  std::vector<std::thread::id> threads_;
  std::uint64_t revision_ = 0;
  std::atomic<bool> is_running_ = false;
  std::atomic<int> overlaps_ = 0;
};

/// Holds up a first writer's commit while others queue, in the order in which they are added.
class Queue {
 public:
  Queue(Committer& committer, std::size_t max_writes) : commits_(committer.run(), max_writes) {
    committer.during = [this, then = committer.during](const Names& names) {
      if (names == Names{"first"}) gate_.pass();
      then(names);
    };
    first_ =
        std::async(std::launch::async, [this] { return commits_.commit(batch_of(1, "first")); });
    gate_.wait_for();
  }
  // Otherwise a test that fails early would wait for its writers forever.
  ~Queue() { gate_.open(); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  std::shared_future<CommitResult> add(std::size_t writes, const std::string& name) {
    writers_.push_back(
        pool_.start([this, writes, name] { return commits_.commit(batch_of(writes, name)); }));
    // A writer tells its pool that it waits once it is in the queue.
    pool_.wait_for_blocks(writers_.size());
    return writers_.back();
  }

  void release() { gate_.open(); }
  CommitResult first() { return first_.get(); }
  [[nodiscard]] const test::WatchingPool& pool() const { return pool_; }

 private:
  test::Gate gate_;
  test::WatchingPool pool_;
  GroupCommit commits_;
  std::future<CommitResult> first_;
  std::vector<std::shared_future<CommitResult>> writers_;
};

std::exception_ptr failure(const std::string& text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

}  // namespace

TEST_CASE("group_commit: a single writer is a group, at once") {
  Committer committer;
  GroupCommit commits(committer.run());
  CHECK(commits.commit(batch_of(2, "a")).base == 0);
  CHECK(commits.commit(batch_of(1, "b")).base == 2);
  CHECK(commits.commit(batch_of(1, "c")).base == 3);
  CHECK(committer.groups() == std::vector<Names>{{"a"}, {"b"}, {"c"}});
  for (const auto& thread : committer.threads()) CHECK(thread == std::this_thread::get_id());
}

TEST_CASE("group_commit: it counts commits, their batches and writes, and how long they took") {
  Committer committer;
  GroupCommit commits(committer.run());
  CHECK(commits.counts().batches.count() == 0);
  commits.commit(batch_of(2, "a"));
  commits.commit(batch_of(1, "b"));
  committer.error_of = [](const std::string&) { return failure("no"); };
  CHECK_THROWS_AS(commits.commit(batch_of(4, "c")), std::runtime_error);
  const auto counts = commits.counts();
  CHECK(counts.writes == 7);
  CHECK(counts.batches.count() == 3);
  CHECK(counts.batches.sum == 3);
  CHECK(counts.durations.count() == 3);
  CHECK(counts.waits.count() == 3);
}

TEST_CASE("group_commit: writers that come during a commit are the next group, in order") {
  Committer committer;
  Queue queue(committer, 1000);
  const auto a = queue.add(1, "a");
  const auto b = queue.add(3, "b");
  const auto c = queue.add(1, "c");
  queue.release();
  CHECK(queue.first().base == 0);
  CHECK(a.get().base == 1);
  CHECK(b.get().base == 2);
  CHECK(c.get().base == 5);
  CHECK(committer.groups() == std::vector<Names>{{"first"}, {"a", "b", "c"}});
}

TEST_CASE("group_commit: a writer leaves the queue when its time is over, and the others stay") {
  Committer committer;
  test::Gate gate;
  committer.during = [&](const Names& names) {
    if (names == Names{"first"}) gate.pass();
  };
  GroupCommit commits(committer.run());
  auto first = std::async(std::launch::async, [&] { return commits.commit(batch_of(1, "first")); });
  gate.wait_for();
  test::WatchingPool pool;
  auto before = pool.start([&] { return commits.commit(batch_of(1, "before")); });
  pool.wait_for_blocks(1);
  const auto now = GroupCommit::Clock::now();
  CHECK_THROWS_AS(static_cast<void>(commits.commit(batch_of(1, "late"), now)), addrbook::Error);
  auto after =
      pool.start([&] { return commits.commit(batch_of(1, "after"), now + std::chrono::hours(1)); });
  pool.wait_for_blocks(2);
  gate.open();
  CHECK(first.get().base == 0);
  CHECK(before.get().base == 1);
  CHECK(after.get().base == 2);
  CHECK(committer.groups() == std::vector<Names>{{"first"}, {"before", "after"}});
  // Without others before it, a batch has its turn at once.
  CHECK(commits.commit(batch_of(1, "alone"), now).base == 3);
}

TEST_CASE(
    "group_commit: a group has one deadline, and a writer that is late has none with others") {
  using Clock = GroupCommit::Clock;
  const auto soon = Clock::now() + std::chrono::hours(1);
  const auto later = soon + std::chrono::hours(1);
  test::Gate gate;
  std::vector<std::vector<Clock::time_point>> deadlines;
  GroupCommit commits([&](const GroupCommit::Group& group) {
    if (deadlines.empty()) gate.pass();
    auto& of_group = deadlines.emplace_back();
    for (const auto* const member : group) of_group.push_back(member->deadline);
  });
  auto first = std::async(std::launch::async, [&] { return commits.commit(batch_of(1, "first")); });
  gate.wait_for();
  test::WatchingPool pool;
  std::vector<std::future<CommitResult>> writers;
  for (const auto deadline : {soon, later, later}) {
    writers.push_back(
        pool.start([&commits, deadline] { return commits.commit(batch_of(1, "x"), deadline); }));
    pool.wait_for_blocks(writers.size());
  }
  gate.open();
  first.get();
  for (auto& writer : writers) writer.get();
  const auto past = Clock::now();
  commits.commit(batch_of(1, "late"), past);
  CHECK(deadlines == std::vector<std::vector<Clock::time_point>>{
                         {GroupCommit::never}, {soon, soon, soon}, {past}});
}

TEST_CASE("group_commit: a refusal reaches the writer of the batch") {
  test::WatchingPool pool;
  test::Gate gate;
  GroupCommit commits([&](const GroupCommit::Group& group) {
    if (group.size() == 1) gate.pass();
    for (auto* const member : group) {
      if (member->batch.writes.at(0).id != "b") continue;
      member->result.outcome = CommitResult::Outcome::refused;
      member->result.refused = 7;
    }
  });
  auto first = std::async(std::launch::async, [&] { return commits.commit(batch_of(1, "first")); });
  gate.wait_for();
  std::vector<std::future<CommitResult>> writers;
  for (const char* const name : {"a", "b", "c"}) {
    writers.push_back(pool.start([&commits, name] { return commits.commit(batch_of(1, name)); }));
    pool.wait_for_blocks(writers.size());
  }
  gate.open();
  CHECK(first.get().done());
  CHECK(writers[0].get().done());
  const CommitResult refused = writers[1].get();
  CHECK(refused.outcome == CommitResult::Outcome::refused);
  CHECK(refused.refused == 7);
  CHECK(writers[2].get().done());
}

TEST_CASE("group_commit: a group ends where it would hold too many writes") {
  struct Row {
    std::vector<std::size_t> sizes;
    std::vector<std::vector<std::size_t>> groups;
  };
  const std::vector<Row> table{
      {{3}, {{3}}},
      {{1, 1, 1}, {{1, 1, 1}}},
      {{1, 1, 1, 1}, {{1, 1, 1}, {1}}},
      {{2, 2, 1}, {{2}, {2, 1}}},          // a batch is not split
      {{2, 2, 1, 1}, {{2}, {2, 1}, {1}}},  // and not overtaken
      {{4}, {{4}}},                        // alone it may be larger
      {{1, 9, 1, 1}, {{1}, {9}, {1, 1}}},
      {{9, 9}, {{9}, {9}}},
      {{9, 1}, {{9}, {1}}},
  };
  for (const Row& row : table) {
    Committer committer;
    Queue queue(committer, 3);
    std::vector<std::shared_future<CommitResult>> writers;
    const auto name_of = [](std::size_t index, std::size_t size) {
      return std::to_string(index) + ": " + std::to_string(size);
    };
    for (std::size_t i = 0; i < row.sizes.size(); ++i) {
      writers.push_back(queue.add(row.sizes[i], name_of(i, row.sizes[i])));
    }
    queue.release();
    std::uint64_t base = 1;
    for (std::size_t i = 0; i < row.sizes.size(); ++i) {
      CHECK(writers[i].get().base == base);
      base += row.sizes[i];
    }
    std::vector<Names> expected{{"first"}};
    std::size_t index = 0;
    for (const auto& sizes : row.groups) {
      Names names;
      for (const std::size_t size : sizes) names.push_back(name_of(index++, size));
      expected.push_back(names);
    }
    CHECK(committer.groups() == expected);
  }
}

TEST_CASE("group_commit: an error reaches the writers of the batches that have it, and no others") {
  Committer committer;
  committer.error_of = [](const std::string& name) -> std::exception_ptr {
    return name == "a" || name == "c" ? failure("of " + name) : nullptr;
  };
  Queue queue(committer, 1000);
  const auto a = queue.add(1, "a");  // the leader
  const auto b = queue.add(1, "b");
  const auto c = queue.add(1, "c");
  const auto d = queue.add(1, "d");
  queue.release();
  CHECK(queue.first().base == 0);
  CHECK_THROWS_WITH_AS(a.get(), "of a", std::runtime_error);
  CHECK(b.get().base == 1);
  CHECK_THROWS_WITH_AS(c.get(), "of c", std::runtime_error);
  CHECK(d.get().base == 2);
  CHECK(committer.groups() == std::vector<Names>{{"first"}, {"a", "b", "c", "d"}});
}

TEST_CASE("group_commit: batches after an error are committed") {
  Committer committer;
  committer.error_of = [](const std::string& name) -> std::exception_ptr {
    return name == "first" || name == "alone" ? failure("of " + name) : nullptr;
  };
  Queue queue(committer, 1000);
  const auto a = queue.add(1, "a");
  queue.release();
  CHECK_THROWS_WITH_AS(queue.first(), "of first", std::runtime_error);
  CHECK(a.get().base == 0);

  GroupCommit commits(committer.run());
  CHECK_THROWS_WITH_AS(commits.commit(batch_of(1, "alone")), "of alone", std::runtime_error);
  CHECK(commits.commit(batch_of(1, "b")).base == 1);
}

TEST_CASE("group_commit: a leader returns after its own group; the next in the queue leads") {
  Committer committer;
  test::Gate second;
  committer.during = [&](const Names& names) {
    if (names == Names{"a", "b"}) second.pass();
  };
  Queue queue(committer, 2);
  const auto a = queue.add(1, "a");
  const auto b = queue.add(1, "b");
  const auto c = queue.add(2, "c");
  CHECK(queue.pool().waiting() == 3);
  queue.release();
  second.wait_for();
  // The first writer returns while the second group is being committed.
  CHECK(queue.first().base == 0);
  // The leader does not count as waiting: its pool would start another thread in its place.
  CHECK(queue.pool().waiting() == 2);
  second.open();
  CHECK(a.get().base == 1);
  CHECK(b.get().base == 2);
  CHECK(c.get().base == 3);
  CHECK(committer.groups() == std::vector<Names>{{"first"}, {"a", "b"}, {"c"}});
  CHECK(queue.pool().waiting() == 0);
  // Three groups, each led by one of its own writers.
  REQUIRE(committer.threads().size() == 3);
  CHECK(committer.threads()[0] != committer.threads()[1]);
  CHECK(committer.threads()[1] != committer.threads()[2]);
  CHECK(committer.threads()[2] != committer.threads()[0]);
}

TEST_CASE("group_commit: with many threads all batches are committed, one group at a time") {
  constexpr std::size_t threads = 8;
  constexpr std::size_t rounds = 500;
  Committer committer;
  committer.error_of = [](const std::string& name) -> std::exception_ptr {
    return name == "bad" ? failure("bad") : nullptr;
  };
  GroupCommit commits(committer.run(), 6);
  struct Range {
    std::uint64_t base;
    std::size_t size;
  };
  std::vector<std::vector<Range>> done(threads);
  std::vector<std::size_t> failures(threads);
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      for (std::size_t i = 0; i < rounds; ++i) {
        const std::size_t size = (i + t) % 8 + 1;
        try {
          done[t].push_back(
              {commits.commit(batch_of(size, i % 10 == t ? "bad" : "good")).base, size});
        } catch (const std::runtime_error&) {
          ++failures[t];
        }
      }
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(committer.overlaps() == 0);
  for (const std::size_t failed : failures) CHECK(failed == rounds / 10);

  // Each writer has its own ranges of revisions, in its order, and there is no gap.
  std::vector<Range> all;
  for (const auto& mine : done) {
    CHECK(std::is_sorted(mine.begin(), mine.end(),
                         [](const Range& a, const Range& b) { return a.base < b.base; }));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end(), [](const Range& a, const Range& b) { return a.base < b.base; });
  std::uint64_t next = 0;
  for (const Range& range : all) {
    REQUIRE(range.base == next);
    next += range.size;
  }
  CHECK(committer.revision() == next);
}

TEST_CASE(
    "group_commit: writers to different books wait for each other only where groups are of all") {
  for (const bool is_of_each : {true, false}) {
    CAPTURE(is_of_each);
    test::Gate gate;
    test::WatchingPool pool;
    std::mutex mutex;
    std::vector<std::vector<std::uint64_t>> groups;
    GroupCommit commits(
        [&](const GroupCommit::Group& group) {
          {
            const std::lock_guard lock(mutex);
            auto& books = groups.emplace_back();
            for (const auto* const member : group) books.push_back(member->book.number);
          }
          if (group.front()->batch.writes.at(0).id == "first") gate.pass();
        },
        1000, is_of_each ? GroupCommit::Groups::of_each_book : GroupCommit::Groups::of_all_books);
    auto first = std::async(std::launch::async, [&] {
      return commits.commit(batch_of(1, "first"), GroupCommit::never, {1, "one"});
    });
    gate.wait_for();
    if (is_of_each) commits.commit(batch_of(1, "x"), GroupCommit::never, {2, "two"});
    std::vector<std::future<CommitResult>> writers;
    for (const std::uint64_t book : {1U, 3U, 1U}) {
      if (is_of_each && book == 3) {
        commits.commit(batch_of(1, "x"), GroupCommit::never, {3, "three"});
        continue;
      }
      writers.push_back(pool.start([&commits, book] {
        return commits.commit(batch_of(1, "x"), GroupCommit::never, {book, "name"});
      }));
      pool.wait_for_blocks(writers.size());
    }
    gate.open();
    first.get();
    for (auto& writer : writers) writer.get();
    using Books = std::vector<std::vector<std::uint64_t>>;
    CHECK(groups == (is_of_each ? Books{{1}, {2}, {3}, {1, 1}} : Books{{1}, {1, 3, 1}}));
  }
}
