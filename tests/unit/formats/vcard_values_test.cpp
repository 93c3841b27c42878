#include <addrbook/formats/vcard_values.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace std::string_literals;
using addrbook::detail::escaped_vcard_text;
using addrbook::detail::has_uri_scheme;
using addrbook::detail::is_vcard_coordinate;
using addrbook::detail::is_vcard_group;
using addrbook::detail::is_vcard_name;
using addrbook::detail::is_vcard_utc_offset;
using addrbook::detail::media_of_vcard_type;
using addrbook::detail::normal_vcard_text;
using addrbook::detail::normal_vcard_uri;
using addrbook::detail::unescaped_vcard_text;
using addrbook::detail::vcard_type_of_media;

namespace {

/// normal_vcard_text(), which must be the same if it is done twice.
std::string text(const std::string& value, const std::string& separators = "") {
  const std::string normal = normal_vcard_text(value, separators);
  CHECK(normal_vcard_text(normal, separators) == normal);
  return normal;
}

std::string old(const std::string& value, const std::string& separators = "") {
  const std::string normal = normal_vcard_text(value, separators, true);
  CHECK(normal_vcard_text(normal, separators) == normal);
  return normal;
}

std::string uri(const std::string& value) {
  const std::string normal = normal_vcard_uri(value);
  CHECK(normal_vcard_uri(normal) == normal);
  return normal;
}

}  // namespace

TEST_CASE("vcard values: the escapes of a text") {
  CHECK(text("Ann") == "Ann");
  CHECK(text("a, b; c") == "a\\, b\\; c");
  CHECK(text("a\\, b\\; c\\\\d\\ne\\Nf") == "a\\, b\\; c\\\\d\\ne\\nf");
  CHECK(text("a\nb\rc\r\nd") == "a\\nb\\nc\\nd");
  CHECK(text("Re\\: \\\"x\\\"") == "Re: \"x\"");
  CHECK(text("C:\\Users") == "C:\\\\Users");
  CHECK(text("a\\") == "a\\\\");
  CHECK(text("a\\\\\\") == "a\\\\\\\\");
  CHECK(text("a\\ b\\ü") == "a\\\\ b\\\\ü");
  CHECK(text("a\x01\x7F\tb"s + '\0' + "c") == "a\tbc");
  CHECK(text("a\\\x01n") == "a\\\\n");
}

TEST_CASE("vcard values: separators stay") {
  CHECK(text("a,b;c\\,d\\;e", ",") == "a,b\\;c\\,d\\;e");
  CHECK(text("a,b;c\\,d\\;e", ";") == "a\\,b;c\\,d\\;e");
  CHECK(text("Doe;Ann\\; B.;;,", ",;") == "Doe;Ann\\; B.;;,");
}

TEST_CASE("vcard values: vCard 2.1 knows one escape") {
  CHECK(old("C:\\new") == "C:\\\\new");
  CHECK(old("a\\;b;c", ";") == "a\\;b;c");
  CHECK(old("a, b", ";") == "a\\, b");
  CHECK(old("a\\,b") == "a\\\\\\,b");
  CHECK(old("\\\\server\\x") == "\\\\\\\\server\\\\x");
  CHECK(old("a\r\nb") == "a\\nb");
  CHECK(old("a\\") == "a\\\\");
}

TEST_CASE("vcard values: any text can be a value, and back") {
  CHECK(escaped_vcard_text("a, b; c\\n\nd") == "a\\, b\\; c\\\\n\\nd");
  for (const char* const each : {"", "a, b; c\\n\nd\\", "\\\\,;", "\n\n"}) {
    CAPTURE(each);
    const std::string value = escaped_vcard_text(each);
    CHECK(unescaped_vcard_text(value) == each);
    CHECK(text(value) == value);
  }
}

TEST_CASE("vcard values: a URI has no escapes") {
  CHECK(uri(" https\\://example.com/a\\,b\\;c ") == "https://example.com/a,b;c");
  CHECK(uri("file:C:\\new") == "file:C:\\new");
  CHECK(uri("a\\\\,b") == "a\\\\,b");
  CHECK(uri("a\\\\\\,b") == "a\\\\,b");
  CHECK(uri("a\\\\\\\\,\\") == "a\\\\\\\\,\\");
  CHECK(uri("a\r\n\tb\\\n,c") == "ab,c");
  CHECK(uri(" \x01 a \x01") == "a");
}

TEST_CASE("vcard values: names, schemes and coordinates") {
  CHECK(is_vcard_name("X-A_1"));
  for (const char* const name : {"", "a b", "é", "a.b", "a:"}) CHECK(!is_vcard_name(name));
  CHECK(is_vcard_name(std::string(60, 'x')));
  CHECK(!is_vcard_name(std::string(61, 'x')));
  CHECK(is_vcard_name("X-" + std::string(100, 'x')));
  CHECK(!is_vcard_name(std::string(61, 'x') + "-x"));
  CHECK(is_vcard_group("item1.a"));
  CHECK(!is_vcard_group(""));
  CHECK(!is_vcard_group("a b"));
  CHECK(!is_vcard_group(std::string(61, 'x')));
  CHECK(has_uri_scheme("https://example.com"));
  CHECK(has_uri_scheme("x-a+b.c:"));
  for (const char* const text : {"", ":", "example.com", "1a:b", "-----BEGIN A B:x", "a/b:c"}) {
    CAPTURE(text);
    CHECK(!has_uri_scheme(text));
  }
  for (const char* const text : {"-0500", "+0130"}) CHECK(is_vcard_utc_offset(text));
  for (const char* const text : {"", "0500", "-05:00", "-05000", "-05a0"}) {
    CHECK(!is_vcard_utc_offset(text));
  }
  for (const char* const text : {"0", "37.386", "-122.08", "+1"}) CHECK(is_vcard_coordinate(text));
  for (const char* const text : {"", "-", "1.", ".5", "1e5", "1.2.3", " 1"}) {
    CAPTURE(text);
    CHECK(!is_vcard_coordinate(text));
  }
}

TEST_CASE("vcard values: media types") {
  CHECK(media_of_vcard_type("jpeg") == "image/jpeg");
  CHECK(media_of_vcard_type("jpg") == "image/jpeg");
  CHECK(media_of_vcard_type("pgp") == "application/pgp-keys");
  CHECK(media_of_vcard_type("image/x-y+z") == "image/x-y+z");
  for (const char* const type : {"", "home", "/", "a/", "/a", "a/b/c", "a/b c"}) {
    CAPTURE(type);
    CHECK(media_of_vcard_type(type).empty());
  }
  CHECK(vcard_type_of_media("image/jpeg") == "jpeg");
  CHECK(vcard_type_of_media("image/x-y") == "image/x-y");
}
