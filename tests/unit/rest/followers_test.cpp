#include <addrbook/rest/followers.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <utility>

using addrbook::Document;
using addrbook::Service;
using addrbook::detail::ChangeWait;
using addrbook::detail::Followers;
using addrbook::detail::Timer;

TEST_CASE("followers: there is a limit, and a place that is given back can be taken") {
  std::optional<Followers> followers(std::in_place);
  auto first = followers->enter(2, Followers::Kind::events);
  auto second = followers->enter(2, Followers::Kind::events);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(followers->enter(2, Followers::Kind::events));
  CHECK(followers->enter(3, Followers::Kind::events));
  first.reset();
  CHECK(followers->enter(2, Followers::Kind::events));
  CHECK_FALSE(followers->enter(1, Followers::Kind::events));
  CHECK_FALSE(followers->enter(0, Followers::Kind::events));
  followers.reset();
  second.reset();
}

TEST_CASE("followers: a wait is over when the book changes, or its time has come") {
  const Followers followers;
  Service book;
  const auto document = Document::parse(R"({"name":"Ada"})");
  const auto soon = [] { return Timer::Clock::now() + std::chrono::milliseconds(5); };
  const auto never = Timer::Clock::now() + std::chrono::hours(1);
  test::Arrivals arrivals;
  const auto ready = [&] { arrivals.add(); };
  {
    ChangeWait wait(book, followers.timer());
    CHECK(wait.has_changed());
    CHECK_FALSE(wait.has_changed());

    SUBCASE("at once, if it has changed already") {
      book.create(document);
      wait.wait(ready, never);
      arrivals.wait_for(1);
      CHECK(wait.has_changed());
    }
    SUBCASE("when it changes, and only once") {
      wait.wait(ready, never);
      book.create(document);
      arrivals.wait_for(1);
      book.create(document);
      CHECK(wait.has_changed());
      CHECK_FALSE(wait.has_changed());
    }
    SUBCASE("when the time has come") {
      wait.wait(ready, soon());
      arrivals.wait_for(1);
      CHECK_FALSE(wait.has_changed());
    }
    SUBCASE("and again") {
      wait.wait(ready, never);
      wait.wait(ready, soon());  // as a server does that asks now and then
      arrivals.wait_for(1);
    }
    SUBCASE("when the book stops") {
      wait.wait(ready, never);
      book.stop();
      arrivals.wait_for(1);
    }
  }
  book.start();
  book.create(document);  // calls nobody
}
