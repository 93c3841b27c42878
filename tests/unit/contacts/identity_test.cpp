#include <addrbook/contacts/identity.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using addrbook::Document;
using addrbook::detail::Identity;
using addrbook::detail::identity_of;

namespace {

Identity of(const std::string& text) {
  return identity_of(Document::parse(text));
}

}  // namespace

TEST_CASE("identity: a UID is what counts, a UUID in any case and with its URN or without") {
  const Identity plain = of(R"({"uid":"0000000A-1111-2222-3333-444444444444","name":"Ada"})");
  CHECK(of(R"({"uid":"urn:uuid:0000000a-1111-2222-3333-444444444444"})") == plain);
  CHECK(of(R"({"name":"Bob","uid":"URN:UUID:0000000a-1111-2222-3333-444444444444"})") == plain);
  CHECK(of(R"({"uid":"\u0030000000a-1111-2222-3333-444444444444"})") == plain);
  CHECK(of(R"({"uid":"0000000a-1111-2222-3333-444444444445"})") != plain);
  // A dash stands elsewhere: no UUID.
  CHECK(of(R"({"uid":"00000000-aaaa-2222-33334-44444444444"})") !=
        of(R"({"uid":"00000000-AAAA-2222-33334-44444444444"})"));
}

TEST_CASE("identity: any other UID counts as it is") {
  CHECK(of(R"({"uid":"ada@example.com"})") == of(R"({"uid":"ada@example.com","v":1})"));
  CHECK(of(R"({"uid":"ada@example.com"})") != of(R"({"uid":"Ada@example.com"})"));
  CHECK(of(R"({"uid":"urn:uuid:x"})") != of(R"({"uid":"x"})"));
}

TEST_CASE("identity: without a UID the text counts") {
  CHECK(of(R"({"name":"Ada"})") == of(R"( {"name" : "Ada"})"));
  CHECK(of(R"({"name":"Ada"})") != of(R"({"name":"Ida"})"));
  CHECK(of(R"({"uid":7,"name":"Ada"})") != of(R"({"uid":7})"));
  CHECK(of(R"({"uid":"","name":"Ada"})") != of(R"({"uid":""})"));
  CHECK(of(R"({"x":{"uid":"a"}})") != of(R"({"x":{"uid":"a"},"y":1})"));
  // A UID is not a text, even if both read the same.
  CHECK(identity_of(Document()) != of(R"({"uid":"{}"})"));
}

TEST_CASE("identity: 128 bits that differ, and that stay the same from version to version") {
  std::set<std::string> texts;
  for (int i = 0; i < 20'000; ++i) {
    const Identity identity = of(R"({"n":)" + std::to_string(i) + "}");
    texts.insert(identity.text().substr(0, 16));
    texts.insert(identity.text().substr(16));
  }
  CHECK(texts.size() == 40'000);
  CHECK(of(R"({"uid":"ada@example.com"})").text() == "8e238e5bcb5ba0be73673fc3faf0694c");
  CHECK(addrbook::detail::identity_version == 1);
}
