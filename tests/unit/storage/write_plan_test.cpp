#include <addrbook/storage/write_plan.hpp>

#include <addrbook/error.hpp>
#include <addrbook/storage/group_commit.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <contract/writes.hpp>

using addrbook::Batch;
using addrbook::BookState;
using addrbook::CommitResult;
using addrbook::Write;
using addrbook::detail::BookGone;
using addrbook::detail::BookId;
using addrbook::detail::GroupCommit;
using addrbook::detail::WritePlan;
using test::put;
using test::removal;

namespace {

/// A group of batches, and a storage that they are planned for.
struct Planned {
  /// @param book  its number; there are books 1 and 2, both at revision 10 with three entries
  void add(std::uint64_t book, std::vector<Write> writes, std::uint64_t max_entries = 0) {
    GroupCommit::Member& member = members.emplace_back();
    member.batch = Batch{std::move(writes), max_entries};
    member.book = {book, "name"};
    group.push_back(&member);
  }
  /// @returns what must be written, in the order of ids: "1:a+11" an insert with the entry's
  ///          `created`, "1:a=5@11" an update with its revision, "1:a-5" a removal
  std::string make() {
    WritePlan plan(group);
    for (auto& [id, book] : plan.books()) {
      if (id.number <= 2) book.state = BookState{id.number, 10, 3};
    }
    for (auto& [place, slot] : plan.slots()) {
      const auto at = stored.find(std::string(place.second));
      if (place.first == 1 && at != stored.end()) {
        slot.stored = {at->second, at->second + 1, addrbook::Timestamp()};
      }
    }
    plan.make();
    std::string text;
    for (const auto& [place, slot] : plan.slots()) {
      const std::string id = std::to_string(place.first) + ":" + std::string(place.second);
      if (slot.is_removed()) text += " " + id + "-" + std::to_string(slot.stored->created);
      if (slot.is_inserted()) text += " " + id + "+" + std::to_string(slot.now->created);
      if (slot.is_updated()) {
        text += " " + id + "=" + std::to_string(slot.now->created) + "@" +
                std::to_string(slot.now->revision);
      }
      if (slot.is_inserted() || slot.is_updated()) text += slot.document->text();
    }
    for (const auto& [id, book] : plan.books()) {
      if (!book.is_changed) continue;
      text += " book " + std::to_string(id.number) + ": " + std::to_string(book.state->revision) +
              ", " + std::to_string(book.state->count);
    }
    CHECK(plan.is_changed() == (!text.empty() && text.find("book") != std::string::npos));
    return text;
  }
  [[nodiscard]] const CommitResult& result(std::size_t member) const {
    CHECK(group[member]->error == nullptr);
    return group[member]->result;
  }

  std::map<std::string, std::uint64_t> stored{{"a", 5}, {"b", 6}, {"c", 7}};
  std::list<GroupCommit::Member> members;
  GroupCommit::Group group;
};

constexpr test::Condition absent{test::Kind::absent, 0};
constexpr test::Condition present{test::Kind::present, 0};

}  // namespace

TEST_CASE("write_plan: each write becomes what the storage must do") {
  Planned planned;
  planned.add(1, {put("a", 1), put("new", 2), removal("b"), removal("never")});
  CHECK(planned.make() == R"( 1:a=5@11{"n":1} 1:b-6 1:new+12{"n":2} book 1: 14, 3)");
  const auto& result = planned.result(0);
  CHECK(result.epoch == 1);
  CHECK(result.base == 10);
  CHECK(result.created == std::vector<std::uint64_t>{5, 12, 0, 0});
}

TEST_CASE("write_plan: later batches see what earlier ones do, and only the result is written") {
  Planned planned;
  planned.add(1, {put("new", 1, absent)});
  planned.add(1, {put("new", 2, absent)});
  planned.add(1, {put("new", 3, {test::Kind::at_revision, 11})});
  planned.add(1, {put("a", 4)});
  planned.add(1, {removal("a", {test::Kind::at_revision, 13})});
  planned.add(1, {put("a", 5, absent)});
  planned.add(1, {put("short", 6)});
  planned.add(1, {removal("short", present)});
  planned.add(1, {removal("b")});
  CHECK(planned.make() == R"( 1:a-5 1:a+15{"n":5} 1:b-6 1:new+11{"n":3} book 1: 18, 3)");
  CHECK(test::outcome_of(planned.result(1)) == "refused 0");
  CHECK(planned.result(2).created == std::vector<std::uint64_t>{11});
  CHECK(planned.result(2).base == 11);
  CHECK(planned.result(5).created == std::vector<std::uint64_t>{15});
}

TEST_CASE("write_plan: books have their own ids, revisions and capacities") {
  Planned planned;
  planned.add(2, {put("a", 1, absent)}, 4);
  planned.add(1, {put("a", 2, present)}, 4);
  planned.add(2, {put("b", 3)}, 4);
  planned.add(1, {put("d", 4)}, 4);
  planned.add(2, {removal("a")}, 4);
  planned.add(2, {put("b", 5)}, 4);
  CHECK(planned.make() ==
        R"( 1:a=5@11{"n":2} 1:d+12{"n":4} 2:b+13{"n":5} book 1: 12, 4 book 2: 13, 4)");
  CHECK(planned.result(0).epoch == 2);
  CHECK(test::outcome_of(planned.result(2)) == "full");
  CHECK(planned.result(3).base == 11);
}

TEST_CASE("write_plan: a book that is gone is an error of its batches only") {
  Planned planned;
  planned.add(3, {put("a", 1)});
  planned.add(1, {removal("a")});
  planned.add(3, {});
  CHECK(planned.make() == " 1:a-5 book 1: 11, 2");
  for (const std::size_t gone : {std::size_t{0}, std::size_t{2}}) {
    CHECK_THROWS_AS(std::rethrow_exception(planned.group[gone]->error), BookGone);
  }
  // The same members are planned again, for a storage that has the book.
  for (auto& member : planned.members) member.book.number = 2;
  CHECK(planned.make() == " book 2: 12, 3");
  CHECK(planned.result(0).base == 10);
  CHECK(planned.result(2).base == 12);
}

TEST_CASE("write_plan: nothing is written for batches that are refused, or empty") {
  Planned planned;
  planned.add(1, {put("a", 1), put("b", 2, absent)});
  planned.add(1, {});
  CHECK(planned.make().empty());
  CHECK(test::outcome_of(planned.result(0)) == "refused 1");
  CHECK(planned.result(1).done());
}

TEST_CASE("write_plan: a book without room for further revisions is full") {
  GroupCommit::Member member;
  member.batch = Batch{{put("a", 1), put("b", 2)}};
  const GroupCommit::Group group{&member};
  WritePlan plan(group);
  plan.books().begin()->second.state = BookState{1, WritePlan::max_revision - 1, 0};
  plan.make();
  CHECK_FALSE(plan.is_changed());
  REQUIRE(member.error != nullptr);
  CHECK_THROWS_WITH_AS(std::rethrow_exception(member.error),
                       "Insufficient Storage: the book's revisions are used up", addrbook::Error);
  plan.books().begin()->second.state->revision = WritePlan::max_revision - 2;
  plan.make();
  CHECK(member.error == nullptr);
  CHECK(member.result.base == WritePlan::max_revision - 2);
}

TEST_CASE("write_plan: each removal of an entry is remembered, and none of an absent id") {
  GroupCommit::Member member;
  member.batch = Batch{{put("a", 1), removal("b"), removal("never")}};
  member.batch.at = addrbook::Timestamp(std::chrono::hours(1000));
  member.batch.tombstone_lifetime = std::chrono::hours(10);
  GroupCommit::Member other;
  other.batch = Batch{{removal("a"), put("b", 2)}};
  other.batch.at = addrbook::Timestamp(std::chrono::hours(5));
  const GroupCommit::Group group{&member, &other};
  WritePlan plan(group);
  auto& book = plan.books().begin()->second;
  book.state = BookState{1, 10, 1};
  plan.slots().find({0, "b"})->second.stored = WritePlan::Place{3, 4, {}};
  for (int time = 0; time < 2; ++time) {
    book.state = BookState{1, 10, 1};
    plan.make();
    REQUIRE(plan.removals().size() == 2);
    CHECK(plan.removals()[0].id == "b");
    CHECK(plan.removals()[0].revision == 12);
    CHECK(plan.removals()[0].at == member.batch.at);
    CHECK(plan.removals()[1].id == "a");
    CHECK(plan.removals()[1].revision == 14);
    CHECK(book.removed == 2);
    CHECK(book.forget_until == addrbook::Timestamp());  // not before 1970
  }
  CHECK(plan.slots().find({0, "b"})->second.is_removed());
  CHECK(plan.slots().find({0, "b"})->second.is_inserted());
}

TEST_CASE("write_plan: what was there before each write is told to those that ask") {
  GroupCommit::Member first;
  first.batch = Batch{{put("a", 1), put("b", 2)}};
  first.batch.wants_before = true;
  GroupCommit::Member second;
  second.batch = Batch{{removal("a"), put("c", 3)}};
  GroupCommit::Member third;
  third.batch = Batch{{put("a", 4), put("b", 5)}};
  third.batch.wants_before = true;
  const GroupCommit::Group group{&first, &second, &third};
  WritePlan plan(group);
  plan.books().begin()->second.state = BookState{1, 10, 1};
  CHECK_FALSE(plan.slots().find({0, "c"})->second.wants_entry);
  auto& stored = plan.slots().find({0, "a"})->second;
  CHECK(stored.wants_entry);
  stored.stored = WritePlan::Place{3, 4, addrbook::Timestamp(std::chrono::hours(1))};
  stored.stored_document = test::numbered(9);
  stored.updated_at = addrbook::Timestamp(std::chrono::hours(2));
  plan.make();
  REQUIRE(first.result.before.size() == 2);
  REQUIRE(first.result.before[0].has_value());
  CHECK(first.result.before[0]->id == "a");
  CHECK(first.result.before[0]->epoch == 1);
  CHECK(first.result.before[0]->created == 3);
  CHECK(first.result.before[0]->revision == 4);
  CHECK(first.result.before[0]->document.text() == R"({"n":9})");
  CHECK(first.result.before[0]->created_at == addrbook::Timestamp(std::chrono::hours(1)));
  CHECK(first.result.before[0]->updated_at == addrbook::Timestamp(std::chrono::hours(2)));
  CHECK_FALSE(first.result.before[1].has_value());
  CHECK(second.result.before.empty());
  REQUIRE(third.result.before.size() == 2);
  CHECK_FALSE(third.result.before[0].has_value());
  REQUIRE(third.result.before[1].has_value());
  CHECK(third.result.before[1]->revision == 12);
  CHECK(third.result.before[1]->document.text() == R"({"n":2})");
}
