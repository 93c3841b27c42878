#include <addrbook/http/trusted_proxies.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::Request;
using addrbook::detail::TrustedProxies;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A request from `sender`. @param fields  must outlive it
Request request(std::string_view sender, const Fields& fields) {
  Request request;
  request.remote_address = sender;
  request.header = [&fields](std::string_view name) -> std::optional<std::string_view> {
    for (const auto& field : fields) {
      if (field.first == name) return field.second;
    }
    return std::nullopt;
  };
  return request;
}

/// The client's address, by what its proxies say.
std::string client(const TrustedProxies& proxies, const std::string& sender,
                   const std::string& list) {
  const Fields fields{{"X-Forwarded-For", list}};
  const Request sent = request(sender, fields);
  const auto seen = proxies.see_through(sent);
  return std::string((seen ? *seen : sent).remote_address);
}

bool trusts(const std::string& range, const std::string& address) {
  const Fields fields;
  return TrustedProxies({range}).see_through(request(address, fields)).has_value();
}

std::string refusal(const std::string& range) {
  try {
    TrustedProxies({range});
  } catch (const addrbook::Error& error) {
    CHECK(error.code() == addrbook::Errc::invalid);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("trusted proxies: none by default") {
  CHECK(client(TrustedProxies(), "127.0.0.1", "198.51.100.7") == "127.0.0.1");
}

TEST_CASE("trusted proxies: addresses and ranges of both families") {
  CHECK(trusts("127.0.0.1", "127.0.0.1"));
  CHECK_FALSE(trusts("127.0.0.1", "127.0.0.2"));
  CHECK(trusts("10.0.0.0/8", "10.255.255.255"));
  CHECK_FALSE(trusts("10.0.0.0/8", "11.0.0.0"));
  CHECK(trusts("192.0.2.64/26", "192.0.2.127"));
  CHECK_FALSE(trusts("192.0.2.64/26", "192.0.2.63"));
  CHECK_FALSE(trusts("192.0.2.64/26", "192.0.2.128"));
  CHECK(trusts("128.0.0.0/1", "255.0.0.0"));
  CHECK_FALSE(trusts("128.0.0.0/1", "127.0.0.1"));
  CHECK(trusts("fd00::/8", "fd12::1"));
  CHECK_FALSE(trusts("fd00::/8", "fe00::"));
  CHECK(trusts("2001:db8::1/128", "2001:DB8:0::1"));
  // One socket shows both families.
  CHECK(trusts("127.0.0.1", "::ffff:127.0.0.1"));
  CHECK(trusts("::ffff:10.0.0.0/104", "10.1.2.3"));
  CHECK_FALSE(trusts("10.0.0.0/8", "::a00:1"));
  for (const std::string address :
       {"", "localhost", "127.0.0.1 ", "127.1", "127.0.0.01", "127.0.0.1:80"}) {
    CAPTURE(address);
    CHECK_FALSE(trusts("127.0.0.1", address));
  }
}

TEST_CASE("trusted proxies: what is no range is refused by name") {
  for (const std::string range :
       {"", "/", "/8", "proxy.example.com", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
        "10.0.0.0/8/8", "::1/129", "[::1]", "fe80::1%eth0", "10.0.0.0 /8", "*"}) {
    CAPTURE(range);
    CHECK(refusal(range) == "'" + range + "' is no IP address, nor a range like 10.0.0.0/8");
  }
  CHECK(refusal("10.0.0.1/8") == "'10.0.0.1/8' has bits beyond the 8 of its range");
  CHECK(refusal("fd00::1/64") == "'fd00::1/64' has bits beyond the 64 of its range");
  CHECK(refusal("0.0.0.0/0") == "'0.0.0.0/0' would trust everybody");
  CHECK(refusal("::/0") == "'::/0' would trust everybody");
  CHECK(refusal("::ffff:0:0/96") == "'::ffff:0:0/96' would trust everybody");
  CHECK(refusal("::/64") == "'::/64' would trust everybody");
}

TEST_CASE("trusted proxies: the client is the last address that is not a proxy's") {
  const TrustedProxies proxies({"127.0.0.1", "10.0.0.0/8", "fd00::/8"});
  CHECK(client(proxies, "127.0.0.1", "198.51.100.7") == "198.51.100.7");
  CHECK(client(proxies, "127.0.0.1", "198.51.100.7, 10.0.0.1,10.0.0.2") == "198.51.100.7");
  CHECK(client(proxies, "127.0.0.1", "198.51.100.7 ,\tfd00::1") == "198.51.100.7");
  CHECK(client(proxies, "fd00::1", "2001:db8::7") == "2001:db8::7");
  CHECK(client(proxies, "10.0.0.1", "::ffff:198.51.100.7") == "198.51.100.7");
  CHECK(client(proxies, "127.0.0.1", "10.0.0.9") == "10.0.0.9");  // a request of the proxy's own
  // With a port, as some proxies add it.
  CHECK(client(proxies, "127.0.0.1", "198.51.100.7:4711") == "198.51.100.7");
  CHECK(client(proxies, "127.0.0.1", "[2001:db8::7]:4711, 10.0.0.1:80") == "2001:db8::7");
  CHECK(client(proxies, "127.0.0.1", "[2001:db8::7]") == "2001:db8::7");
}

TEST_CASE("trusted proxies: what a client has sent does not count") {
  const TrustedProxies proxies({"127.0.0.1", "10.0.0.0/8"});
  // Without a proxy.
  CHECK(client(proxies, "198.51.100.7", "203.0.113.9") == "198.51.100.7");
  CHECK(client(proxies, "", "203.0.113.9") == "");
  // In front of what the proxy adds.
  CHECK(client(proxies, "127.0.0.1", "203.0.113.9, 198.51.100.7") == "198.51.100.7");
  CHECK(client(proxies, "127.0.0.1", "10.0.0.1, 127.0.0.1, 198.51.100.7") == "198.51.100.7");
  CHECK(client(proxies, "127.0.0.1", "a\" ip=1.2.3.4, 198.51.100.7") == "198.51.100.7");
  // Behind what is no address nothing is known: the last proxy is as far as it goes.
  for (const std::string list :
       {"", ",", "unknown", "198.51.100.7,", "198.51.100.7, _hidden", "198.51.100.7, 1.2.3",
        "198.51.100.7, [::1", "198.51.100.7 203.0.113.9", "198.51.100.7, \"203.0.113.9\"",
        "198.51.100.7\n, x", "::g", "1.2.3.4.5", "[", "[]", ":", "::1%lo"}) {
    CAPTURE(list);
    CHECK(client(proxies, "127.0.0.1", list) == "127.0.0.1");
  }
  CHECK(client(proxies, "127.0.0.1", "203.0.113.9, unknown, 10.0.0.2") == "10.0.0.2");
  CHECK(client(proxies, "127.0.0.1", std::string("203.0.113.9\0", 12)) == "127.0.0.1");
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "10.0.0.1, ";
  CHECK(client(proxies, "127.0.0.1", many + "10.0.0.2") == "10.0.0.1");
  CHECK(client(proxies, "127.0.0.1", std::string(100'000, '9')) == "127.0.0.1");
}

TEST_CASE("trusted proxies: one scheme and one plain prefix count, of a proxy only") {
  struct Seen {
    std::string scheme;
    std::string prefix;
  };
  const TrustedProxies proxies({"127.0.0.1"});
  const auto seen = [&](const std::string& sender, const std::string& scheme,
                        const std::string& prefix) {
    const Fields fields{{"X-Forwarded-Proto", scheme}, {"X-Forwarded-Prefix", prefix}};
    const Request sent = request(sender, fields);
    const auto behind = proxies.see_through(sent);
    const Request& from = behind ? *behind : sent;
    CHECK(from.remote_address == sender);
    return Seen{std::string(from.scheme), std::string(from.proxy_prefix)};
  };
  CHECK(seen("198.51.100.7", "https", "/book").scheme.empty());
  CHECK(seen("198.51.100.7", "https", "/book").prefix.empty());
  CHECK(seen("127.0.0.1", "https", "/book").scheme == "https");
  CHECK(seen("127.0.0.1", "HTTP", "/book").scheme == "http");
  CHECK(seen("127.0.0.1", "https", "/book").prefix == "/book");
  CHECK(seen("127.0.0.1", "https", "/a/b.c/").prefix == "/a/b.c");
  for (const std::string scheme :
       {"", "ftp", "https, http", "http,", " https", "javascript", "https://a"}) {
    CAPTURE(scheme);
    CHECK(seen("127.0.0.1", scheme, "").scheme.empty());
  }
  for (const std::string prefix :
       {"", "/", "book", "//evil.example.com", "/\\evil.example.com", "https://evil.example.com",
        "/a//b", "/../x", "/a/.", "/a?b", "/a#b", "/a%2f", "/a b", "/a>; rel=\"x\"", "/a, /b",
        "/a\r\nX: y", "/a//"}) {
    CAPTURE(prefix);
    CHECK(seen("127.0.0.1", "", prefix).prefix.empty());
  }
}
