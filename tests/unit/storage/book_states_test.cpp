#include <addrbook/storage/book_states.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>

using addrbook::BookState;
using addrbook::detail::BookStates;

TEST_CASE("book_states: a state is known while somebody uses the book") {
  BookStates states;
  const auto revision = [&](std::uint64_t book) {
    const auto state = states.get(book);
    return state ? state->revision : 0;
  };
  states.set(1, BookState{7, 5, 3});
  CHECK_FALSE(states.get(1).has_value());
  states.add_user(1);
  CHECK_FALSE(states.get(1).has_value());
  states.set(1, BookState{7, 5, 3});
  REQUIRE(states.get(1).has_value());
  CHECK(states.get(1)->epoch == 7);
  CHECK(states.get(1)->count == 3);
  states.add_user(1);
  states.add_user(2);
  states.set(2, BookState{8, 6, 4});
  states.remove_user(1);
  CHECK(revision(1) == 5);
  CHECK(revision(2) == 6);
  states.set(1, std::nullopt);
  CHECK_FALSE(states.get(1).has_value());
  CHECK(revision(2) == 6);
  states.set(1, BookState{7, 9, 3});
  CHECK(revision(1) == 9);
  states.remove_user(1);
  CHECK_FALSE(states.get(1).has_value());
  states.add_user(1);
  CHECK_FALSE(states.get(1).has_value());
  states.remove_user(3);  // never used
  states.forget_all();
  CHECK_FALSE(states.get(2).has_value());
}
