#include <addrbook/base/turns.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <optional>

using addrbook::detail::Turns;

TEST_CASE("turns: a few work at the same time, and the others are told in order") {
  const auto turns = std::make_shared<Turns>(2);
  Turns::User first(turns);
  Turns::User second(turns);
  Turns::User third(turns);
  Turns::User fourth(turns);
  CHECK(first.enter());
  CHECK(first.enter());
  CHECK(second.enter());
  CHECK_FALSE(third.enter());
  CHECK_FALSE(fourth.enter());
  CHECK_FALSE(third.enter());
  CHECK(third.has_entered());

  int told_third = 0;
  int told_fourth = 0;
  third.on_turn([&] { ++told_third; });
  second.leave();
  CHECK(told_third == 1);
  CHECK(third.enter());
  first.leave();  // the fourth one does not listen yet
  fourth.on_turn([&] { ++told_fourth; });
  CHECK(told_fourth == 1);
  CHECK_FALSE(first.has_entered());
  CHECK_FALSE(first.enter());
  fourth.leave();
  CHECK(first.enter());
  CHECK(told_third == 1);
}

TEST_CASE("turns: who ends while it waits, or before it comes, holds up nobody") {
  const auto turns = std::make_shared<Turns>(1);
  std::optional<Turns::User> works(std::in_place, turns);
  std::optional<Turns::User> gives_up(std::in_place, turns);
  std::optional<Turns::User> is_told(std::in_place, turns);
  Turns::User last(turns);
  CHECK(works->enter());
  CHECK_FALSE(gives_up->enter());
  CHECK_FALSE(is_told->enter());
  CHECK_FALSE(last.enter());
  bool is_last_told = false;
  last.on_turn([&] { is_last_told = true; });
  gives_up.reset();
  works.reset();
  CHECK_FALSE(is_last_told);
  is_told.reset();  // had the turn, and never came
  CHECK(is_last_told);
  CHECK(last.enter());
}

TEST_CASE("turns: a turn that is passed on may be used within the call") {
  const auto turns = std::make_shared<Turns>(1);
  Turns::User first(turns);
  Turns::User second(turns);
  CHECK(first.enter());
  CHECK_FALSE(second.enter());
  bool has_worked = false;
  second.on_turn([&] {
    has_worked = second.enter();
    second.leave();
  });
  first.leave();
  CHECK(has_worked);
  CHECK(first.enter());
}
