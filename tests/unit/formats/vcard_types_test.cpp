#include <addrbook/formats/vcard_types.hpp>

#include <doctest/doctest.h>

#include <string_view>

using addrbook::detail::has_vcard_name;
using addrbook::detail::is_vcard_media;
using addrbook::detail::vcard_aliases;
using addrbook::detail::vcard_default_value;
using addrbook::detail::vcard_separators;
using addrbook::detail::vcard_type;
using addrbook::detail::VCardAlias;
using addrbook::detail::VCardProperty;
using addrbook::detail::VCardType;

TEST_CASE("vcard types: a property has one, and what VALUE says of them") {
  CHECK(vcard_type("N") == VCardType::lists);
  CHECK(vcard_type("ORG") == VCardType::components);
  CHECK(vcard_type("NICKNAME") == VCardType::list);
  CHECK(vcard_type("URL") == VCardType::uri);
  CHECK(vcard_type("BDAY") == VCardType::date);
  CHECK(vcard_type("REV") == VCardType::timestamp);
  CHECK(vcard_type("X-ANYTHING") == VCardType::other);
  CHECK(vcard_default_value(VCardType::lists) == "text");
  CHECK(vcard_default_value(VCardType::uri) == "uri");
  CHECK(vcard_default_value(VCardType::date) == "date-and-or-time");
  CHECK(vcard_default_value(VCardType::timestamp) == "timestamp");
  CHECK(vcard_default_value(VCardType::other).empty());
  CHECK(vcard_separators(VCardType::text).empty());
  CHECK(vcard_separators(VCardType::other) == ",;");
}

TEST_CASE("vcard types: images, sounds and keys") {
  for (const char* const name : {"PHOTO", "LOGO", "SOUND", "KEY"}) {
    CHECK(is_vcard_media(name));
    CHECK(vcard_type(name) == VCardType::uri);
  }
  CHECK(!is_vcard_media("URL"));
}

TEST_CASE("vcard types: a name of nothing but separators is none") {
  VCardProperty n;
  CHECK(!has_vcard_name(n));
  n.value = ";;;;";
  CHECK(!has_vcard_name(n));
  n.value = ";Ann;;;";
  CHECK(has_vcard_name(n));
}

TEST_CASE("vcard types: aliases are no names of 4.0, and those they stand for are") {
  for (const VCardAlias& each : vcard_aliases) {
    CHECK(vcard_type(each.alias) == VCardType::other);
    CHECK(vcard_type(each.name) != VCardType::other);
  }
}
