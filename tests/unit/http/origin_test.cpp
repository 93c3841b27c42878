#include <addrbook/http/origin.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::detail::parse_authority;
using addrbook::detail::parse_origin;

TEST_CASE("origin: authorities are compared by host without case, and by port") {
  CHECK(parse_authority("A.example.com:80") == parse_authority("a.EXAMPLE.com:80"));
  CHECK_FALSE(parse_authority("a.example.com") == parse_authority("a.example.com:80"));
  CHECK(parse_authority("[::1]:80")->host == "[::1]");
  for (const std::string text : {"", ":80", "a:0", "a:65536", "a:", "a:x", "[::1", "[]", "[x]",
                                 "a b", "user@a", "a/b", "[::1]x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_authority(text));
  }
}

TEST_CASE("origin: the default port of a scheme counts as not given") {
  CHECK(parse_origin("http://a.example.com:80") == parse_origin("HTTP://A.example.com"));
  CHECK(parse_origin("https://a.example.com:443") == parse_origin("https://a.example.com"));
  CHECK_FALSE(parse_origin("http://a.example.com:443") == parse_origin("http://a.example.com"));
  CHECK_FALSE(parse_origin("http://a.example.com") == parse_origin("https://a.example.com"));
  for (const std::string text :
       {"null", "", "a.example.com", "://a", "1http://a", "https://", "a b://c"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_origin(text));
  }
}

TEST_CASE("origin: loopback hosts") {
  for (const std::string host :
       {"127.0.0.1", "127.255.255.255", "127.1.2.3", "::1", "localhost", "LOCALHOST",
        // As the resolver takes them.
        "127.1", "127.0.0", "0x7f.1", "2130706433", "0:0:0:0:0:0:0:1", "[::1]", "::ffff:127.0.0.1",
        "[::ffff:127.0.0.1]"}) {
    CAPTURE(host);
    CHECK(addrbook::detail::is_loopback(host));
  }
  for (const std::string host : {"0.0.0.0",
                                 "::",
                                 "",
                                 "128.0.0.1",
                                 "192.0.2.1",
                                 "127.0.0.1.1",
                                 "127.0.0.256",
                                 "127.0.0.",
                                 "127.0.0.1.",
                                 "127..0.1",
                                 ".127.0.0.1",
                                 "127.0.0.1 ",
                                 "0127.0.0.1",
                                 "1127.0.0.1",
                                 "127.0.0.x",
                                 "127.0.0.-1",
                                 "127.0.0.1.evil.example",
                                 "localhost.evil.example",
                                 "::2",
                                 "::ffff:192.0.2.1",
                                 "::127.0.0.1",
                                 "[::1",
                                 "::1]",
                                 "[]",
                                 "[localhost]",
                                 "127.0.0.1 x",
                                 "localhost."}) {
    CAPTURE(host);
    CHECK_FALSE(addrbook::detail::is_loopback(host));
  }
}

TEST_CASE("origin: an IPv4 address that is written as an IPv6 one") {
  using addrbook::detail::without_ipv6_prefix;
  CHECK(without_ipv6_prefix("::ffff:127.0.0.1") == "127.0.0.1");
  for (const std::string address : {"127.0.0.1", "::1", "::ffff:0:1", "fe80::1%eth0", ""}) {
    CAPTURE(address);
    CHECK(without_ipv6_prefix(address) == address);
  }
}
