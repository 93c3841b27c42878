#include <addrbook/formats/base64.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace std::string_literals;
using addrbook::detail::clean_base64;
using addrbook::detail::decode_base64;
using addrbook::detail::is_clean_base64;

TEST_CASE("base64: white space goes, padding comes") {
  CHECK(clean_base64("").text.empty());
  CHECK(clean_base64("QUJD").text == "QUJD");
  CHECK(clean_base64(" QU\r\n\tJD RA = =").text == "QUJDRA==");
  CHECK(clean_base64("QUJDRA").text == "QUJDRA==");
  CHECK(clean_base64("QUJDREU").text == "QUJDREU=");
  CHECK(!clean_base64(" QU\r\n\tJD RA = =").is_damaged);
}

TEST_CASE("base64: what does not belong there is left out, and said") {
  CHECK(clean_base64("QU*JD").text == "QUJD");
  CHECK(clean_base64("QU*JD").is_damaged);
  CHECK(clean_base64("QUJDR").text == "QUJD");
  CHECK(clean_base64("QUJDR").is_damaged);
}

TEST_CASE("base64: clean is what clean_base64() gives") {
  for (const char* const text : {"", "QUJD", "QUJDRA==", "QUJDREU=", "+/+/"}) {
    CAPTURE(text);
    CHECK(is_clean_base64(text));
    CHECK(clean_base64(text).text == text);
  }
  for (const char* const text : {"Q", "QUJDRA", "QU D", "Q===", "====", "QU=D", "QUJ-"}) {
    CAPTURE(text);
    CHECK(!is_clean_base64(text));
  }
}

TEST_CASE("base64: decodes to bytes") {
  CHECK(decode_base64("").empty());
  CHECK(decode_base64("QUJD") == "ABC");
  CHECK(decode_base64("QUJDRA==") == "ABCD");
  CHECK(decode_base64("QUJDREU=") == "ABCDE");
  CHECK(decode_base64("AP+A/w==") == "\0\xFF\x80\xFF"s);
}
