#include <addrbook/formats/content_uid.hpp>

#include <addrbook/base/hex.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using addrbook::detail::content_uid;
using addrbook::detail::hex;
using addrbook::detail::wide_checksum;

namespace {

std::string sum_of(const std::string& bytes) {
  const auto sum = wide_checksum(bytes);
  return hex(sum.high) + hex(sum.low);
}

}  // namespace

TEST_CASE("content uid: the sum is FNV-1a with 128 bits") {
  CHECK(sum_of("") == "6c62272e07bb014262b821756295c58d");
  CHECK(sum_of("a") == "d228cb696f1a8caf78912b704e4a8964");
  CHECK(sum_of("foobar") == "343e1662793c64bf6f0d3597ba446f18");
}

TEST_CASE("content uid: a UUID of version 8, the same for the same bytes") {
  CHECK(content_uid("a") == "urn:uuid:d228cb69-6f1a-8caf-9e24-4adc1392a259");
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
