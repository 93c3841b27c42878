#include <addrbook/storage/change_hub.hpp>

#include <contract/writes.hpp>
#include <support/change_log.hpp>
#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using addrbook::BookState;
using addrbook::ChangeEvent;
using addrbook::ChangePage;
using addrbook::ChangeToken;
using addrbook::detail::ChangeHub;
using addrbook::detail::ChangeQueue;

namespace {

constexpr std::uint64_t epoch = 7;

ChangeToken at(std::uint64_t revision) {
  return {epoch, revision};
}

/// The events of revisions from `first` on, each of a new entry "e<revision>".
std::vector<ChangeHub::Event> events(std::uint64_t first, std::uint64_t last) {
  std::vector<ChangeHub::Event> made;
  for (std::uint64_t revision = first; revision <= last; ++revision) {
    ChangeEvent event;
    event.id = "e" + std::to_string(revision);
    event.revision = revision;
    event.after =
        addrbook::Entry{event.id, epoch, revision, revision, test::numbered(revision), {}, {}};
    made.push_back(std::make_shared<const ChangeEvent>(event));
  }
  return made;
}

/// A subscriber of a book that was at revision 0.
struct Subscriber {
  test::ChangeLog log;
  ChangeHub& hub;
  std::shared_ptr<ChangeQueue> queue;

  explicit Subscriber(
      ChangeHub& of,
      ChangeQueue::Read read = [](std::uint64_t) -> ChangePage {
        throw std::runtime_error("nothing is read");
      })
      : hub(of), queue(std::make_shared<ChangeQueue>(log.callback(), std::move(read))) {
    ChangeQueue::start(queue);
    hub.add(*queue, [] { return BookState{epoch, 0, 0}; });
  }
  ~Subscriber() {
    hub.remove(*queue);
    queue->end();
  }
};

}  // namespace

TEST_CASE("change hub: nobody is told, so no commit has a ticket") {
  ChangeHub hub;
  CHECK(hub.begin() == ChangeHub::no_ticket);
  hub.tell(ChangeHub::no_ticket, at(0), 1, {});
  hub.drop(ChangeHub::no_ticket);
  {
    const Subscriber subscriber(hub);
    CHECK(hub.begin() != ChangeHub::no_ticket);
  }
  CHECK(hub.begin() == ChangeHub::no_ticket);
}

TEST_CASE("change hub: commits are told in order, in whatever order they end") {
  ChangeHub hub;
  Subscriber subscriber(hub);
  Subscriber other(hub);
  const auto first = hub.begin();
  const auto second = hub.begin();
  const auto third = hub.begin();
  hub.tell(third, at(3), 3 + 1, events(4, 4));
  hub.tell(second, at(0), 2, events(1, 2));
  hub.tell(first, at(2), 3, events(3, 3));
  CHECK(subscriber.log.lines(4) == "e1 -> 1\ne2 -> 2\ne3 -> 3\ne4 -> 4\n");
  CHECK(other.log.lines(4) == "e1 -> 1\ne2 -> 2\ne3 -> 3\ne4 -> 4\n");
}

TEST_CASE("change hub: what no commit in progress can tell is read") {
  ChangeHub hub;
  std::vector<std::uint64_t> asked;
  Subscriber subscriber(hub, [&](std::uint64_t after) {
    asked.push_back(after);
    ChangePage page;
    page.state = {epoch, 9, 1};
    page.changes.push_back({"x", 2, {}});
    page.changes.push_back({"y", 9, {}});  // has been written since: it is told then
    return page;
  });
  SUBCASE("at once, if none is in progress") {
    hub.tell(hub.begin(), at(3), 4, events(4, 4));
    CHECK(subscriber.log.lines(2) == "x ? ->\ne4 -> 4\n");
  }
  SUBCASE("when those that were are over") {
    const auto slow = hub.begin();
    const auto slower = hub.begin();
    const auto fast = hub.begin();
    hub.tell(fast, at(3), 4, events(4, 4));
    const auto later = hub.begin();
    hub.drop(slow);
    hub.tell(slower, at(4), 5, events(5, 5));
    CHECK(subscriber.log.lines(3) == "x ? ->\ne4 -> 4\ne5 -> 5\n");
    hub.drop(later);
  }
  SUBCASE("when another process has written") {
    hub.tell(ChangeHub::no_ticket, at(4), 4, {});
    hub.tell(ChangeHub::no_ticket, at(4), 4, {});
    hub.tell(hub.begin(), at(4), 5, events(5, 5));
    CHECK(subscriber.log.lines(2) == "x ? ->\ne5 -> 5\n");
  }
  CHECK(asked == std::vector<std::uint64_t>{0});
}

TEST_CASE("change hub: a commit that another process has been seen behind is told by its writer") {
  ChangeHub hub;
  Subscriber subscriber(hub);
  const auto ticket = hub.begin();
  hub.tell(ChangeHub::no_ticket, at(2), 2, {});  // somebody sees the book before its writer returns
  hub.tell(ticket, at(0), 2, events(1, 2));
  hub.tell(ChangeHub::no_ticket, at(2), 2, {});
  CHECK(subscriber.log.lines(2) == "e1 -> 1\ne2 -> 2\n");
}

TEST_CASE("change queue: who can't read what is missing is told so") {
  ChangeHub hub;
  std::function<ChangePage()> read;
  SUBCASE("the storage fails") {
    read = []() -> ChangePage { throw std::runtime_error("broken"); };
  }
  SUBCASE("removals were forgotten") {
    read = [] {
      ChangePage page;
      page.state = {epoch, 3, 0};
      page.forgotten = 1;
      return page;
    };
  }
  SUBCASE("it is another book by now") {
    read = [] { return ChangePage{}; };
  }
  SUBCASE("the storage is behind") {
    read = [] {
      ChangePage page;
      page.state.epoch = epoch;
      return page;
    };
  }
  Subscriber subscriber(hub, [&](std::uint64_t) { return read(); });
  hub.tell(hub.begin(), at(3), 4, events(4, 4));
  CHECK(subscriber.log.lines(2) == "missed since 0\ne4 -> 4\n");
}

TEST_CASE("change hub: revisions that begin anew are told as missed") {
  ChangeHub hub;
  Subscriber subscriber(hub);
  hub.tell(hub.begin(), at(0), 1, events(1, 1));
  CHECK(subscriber.log.lines(1) == "e1 -> 1\n");
  hub.tell(hub.begin(), {epoch + 1, 5}, 6, events(6, 6));
  hub.tell(hub.begin(), {epoch + 1, 6}, 7, events(7, 7));
  const auto told = subscriber.log.events(2);
  REQUIRE(told[1].missed_since.has_value());
  CHECK(told[1].missed_since->epoch == epoch + 1);
  CHECK(told[1].missed_since->revision == 0);
}

TEST_CASE("change queue: a callback that falls behind is told once what it has missed") {
  ChangeHub hub;
  Subscriber subscriber(hub);
  test::Gate gate;
  subscriber.log.before = [&](const ChangeEvent& event) {
    if (event.revision == 1) gate.pass();
  };
  constexpr std::uint64_t max = ChangeQueue::max_events;
  hub.tell(hub.begin(), at(0), 1, events(1, 1));
  gate.wait_for();
  hub.tell(hub.begin(), at(1), max + 2, events(2, max + 2));
  hub.tell(hub.begin(), at(max + 2), max + 3, events(max + 3, max + 3));
  gate.open();
  const auto told = subscriber.log.events(max + 2);
  CHECK(told[max].revision == max + 1);
  REQUIRE(told[max + 1].missed_since.has_value());
  CHECK(told[max + 1].missed_since->revision == max + 1);
  CHECK(told[max + 1].missed_since->epoch == epoch);
  hub.tell(hub.begin(), at(max + 3), max + 4, events(max + 4, max + 4));
  CHECK(subscriber.log.events(max + 3).back().revision == max + 4);
}

TEST_CASE("change queue: it is bounded by the bytes of its texts, and one text always fits") {
  ChangeHub hub;
  Subscriber subscriber(hub);
  test::Gate gate;
  subscriber.log.before = [&](const ChangeEvent& event) {
    if (event.revision == 1) gate.pass();
  };
  const auto large = [](std::uint64_t revision) {
    ChangeEvent event;
    event.id = "large";
    event.revision = revision;
    event.after = addrbook::Entry{};
    event.after->document =
        addrbook::Document::parse("{\"n\":\"" + std::string(ChangeQueue::max_bytes, 'x') + "\"}");
    return std::vector<ChangeHub::Event>{std::make_shared<const ChangeEvent>(event)};
  };
  hub.tell(hub.begin(), at(0), 1, events(1, 1));
  gate.wait_for();
  hub.tell(hub.begin(), at(1), 2, large(2));
  hub.tell(hub.begin(), at(2), 3, large(3));
  gate.open();
  const auto told = subscriber.log.events(3);
  CHECK(told[1].revision == 2);
  REQUIRE(told[2].missed_since.has_value());
  CHECK(told[2].missed_since->revision == 2);
}

TEST_CASE("change hub: who waits is woken by each commit, until it no longer waits") {
  ChangeHub hub;
  int woken = 0;
  const auto wake = std::make_shared<const std::function<void()>>([&] { ++woken; });
  hub.wake_all();
  hub.add(wake);
  hub.tell(hub.begin(), at(0), 1, {});
  CHECK(woken == 1);
  hub.tell(ChangeHub::no_ticket, at(1), 1, {});
  hub.wake_all();
  CHECK(woken == 3);
  hub.remove(wake);
  hub.tell(hub.begin(), at(1), 2, {});
  CHECK(woken == 3);
}
