#include <addrbook/formats/card_texts.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace addrbook::detail;

TEST_CASE("card texts: escapes are made and undone") {
  CHECK(escape_text("a,b;c\\d\ne") == "a\\,b;c\\\\d\\ne");
  CHECK(escape_component("a,b;c") == "a\\,b\\;c");
  CHECK(unescape_text(R"(a\,b\;c\\d\ne\Nf)") == "a,b;c\\d\ne\nf");
  CHECK(unescape_text(R"(https\://example.com)") == "https://example.com");
  CHECK(unescape_text(R"(C:\dir\)") == "C:\\dir\\");
  for (const std::string text : {"", "\\", "\\n", "\n\\", ",;:\\,", "\\\\n"}) {
    CHECK(unescape_text(escape_text(text)) == text);
    CHECK(unescape_text(escape_component(text)) == text);
  }
}

TEST_CASE("card texts: structures and lists are split where nothing is escaped") {
  using Texts = std::vector<std::string>;
  CHECK(split_texts("", ';') == Texts{""});
  CHECK(split_texts(R"(Doe;Ann\; B.;)", ';') == Texts{"Doe", "Ann; B.", ""});
  CHECK(split_texts(R"(a\\,b\,c)", ',') == Texts{"a\\", "b,c"});
  CHECK(split_lists("a,b;;,c;") == VCardLists{{"a", "b"}, {""}, {"", "c"}, {""}});
  CHECK(join_lists({{"a,", "b"}, {}, {";"}}) == "a\\,,b;;\\;");
}

TEST_CASE("card texts: what is a URI, an Id, a text") {
  CHECK(is_uri("tel:+1-555-555-0123"));
  CHECK(is_uri("urn:uuid:x"));
  CHECK(is_uri("data:,"));
  CHECK_FALSE(is_uri("www.example.com"));
  CHECK_FALSE(is_uri(":a"));
  CHECK_FALSE(is_uri("1a:b"));
  CHECK_FALSE(is_uri("Note: call me"));
  CHECK_FALSE(is_uri(""));

  CHECK(is_jscontact_id("a_B-1"));
  CHECK(is_jscontact_id(std::string(255, 'a')));
  CHECK_FALSE(is_jscontact_id(std::string(256, 'a')));
  CHECK_FALSE(is_jscontact_id("a b"));
  CHECK_FALSE(is_jscontact_id(""));
  CHECK(is_vcard_text("a\tb\nc"));
  CHECK_FALSE(is_vcard_text("a\rb"));
  CHECK(uppercase("x-Foo1") == "X-FOO1");
}
