#include <addrbook/contacts/identity.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using addrbook::Document;
using addrbook::Entry;
using addrbook::detail::content_uid;
using addrbook::detail::entry_id_of;
using addrbook::detail::Identity;
using addrbook::detail::identity_of;
using addrbook::detail::own_uid;
using addrbook::detail::uid_of;

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

TEST_CASE("identity: the UID of an entry leads to it, if that has none of its own") {
  Entry entry;
  entry.id = "0190163d8694739b89ccf0f6b0a1e8d2";
  for (const std::string text : {R"({})", R"({"uid":""})", R"({"uid":5})", R"({"uid":null})"}) {
    entry.document = Document::parse(text);
    CHECK(own_uid(entry.document).empty());
    CHECK(uid_of(entry) == "urn:uuid:0190163d-8694-739b-89cc-f0f6b0a1e8d2");
  }
  CHECK(entry_id_of(Document::parse(R"({"uid":")" + uid_of(entry) + "\"}")) == entry.id);
  for (const std::string id : {"ada", "0190163D8694739B89CCF0F6B0A1E8D2"}) {
    entry.id = id;
    CHECK(uid_of(entry) == id);
    CHECK(entry_id_of(Document::parse(R"({"uid":")" + id + "\"}")) == id);
  }
  entry.document = Document::parse(R"({"uid":" x "})");
  CHECK(uid_of(entry) == " x ");
  CHECK(entry_id_of(entry.document).empty());
  CHECK(entry_id_of(Document()).empty());
}

TEST_CASE("identity: a UID of the content is a UUID of version 8, the same for the same bytes") {
  CHECK(content_uid("a") == "urn:uuid:4ead284e-2db3-8256-aca0-e7fb2caa90ac");
  std::set<std::string> all;
  for (int i = 0; i < 10000; ++i) {
    const std::string uid = content_uid("row " + std::to_string(i));
    CHECK(uid.size() == 45);
    CHECK(uid[23] == '8');
    CHECK(std::string("89ab").find(uid[28]) != std::string::npos);
    all.insert(uid);
  }
  CHECK(all.size() == 10000);
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
