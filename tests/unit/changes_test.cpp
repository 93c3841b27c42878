#include <addrbook/changes.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>

using addrbook::ChangeToken;

TEST_CASE("a token of changes is a text and back") {
  for (const ChangeToken token : {ChangeToken{1, 0, 0}, ChangeToken{UINT64_MAX, 7, 0},
                                  ChangeToken{0xABCDEF, 7, 99}, ChangeToken{0, UINT64_MAX, 0}}) {
    CAPTURE(token.text());
    const auto read = ChangeToken::parse(token.text());
    REQUIRE(read.has_value());
    CHECK(read->epoch == token.epoch);
    CHECK(read->revision == token.revision);
    CHECK(read->start == token.start);
  }
  CHECK(ChangeToken{1, 7, 9}.text() == "00000000000000017.9");
  CHECK(ChangeToken{1, 7, 9}.removals_after() == 9);
  CHECK(ChangeToken{1, 9, 7}.text() == "00000000000000019");
  CHECK(ChangeToken{1, 9, 7}.removals_after() == 9);
}

TEST_CASE("no other text is a token of changes") {
  for (const std::string text :
       {"", "1", "0000000000000001", "0000000000000001.", "00000000000000017.",
        "00000000000000017.7", "00000000000000017.6", "000000000000000107", "0000000000000001 7",
        "00000000000000017.9.9", "000000000000000G7", "00000000000000aB7", "00000000000000017x",
        "000000000000000199999999999999999999", "0000000000000001-1", "abcdefgh", "\xff"}) {
    CAPTURE(text);
    CHECK_FALSE(ChangeToken::parse(text).has_value());
  }
}

TEST_CASE("a page of changes says where to go on") {
  addrbook::ChangePage page;
  page.state.revision = 9;
  page.changes.push_back({"a", 5, {}});
  CHECK(page.next() == 9);
  page.more = true;
  CHECK(page.next() == 5);
}

TEST_CASE("a subscription ends once, with its last place") {
  using addrbook::Subscription;
  int ended = 0;
  {
    Subscription first([&] { ++ended; });
    Subscription second(std::move(first));
    Subscription third;
    third = std::move(second);
    CHECK(ended == 0);
    {
      Subscription other([&] { ended += 10; });
      other = std::move(third);
    }
    CHECK(ended == 1);
  }
  CHECK(ended == 11);
  const Subscription none;
}
