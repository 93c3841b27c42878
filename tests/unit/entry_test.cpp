#include <addrbook/entry.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::string_literals;

TEST_CASE("entry: the alphabet and length of ids") {
  const std::vector<std::pair<std::string, bool>> table{
      {"", false},
      {"a", true},
      {"Z", true},
      {"0", true},
      {"-", true},
      {"ada-LOVELACE-1815", true},
      {std::string(64, 'x'), true},
      {std::string(65, 'x'), false},
      {"_health", false},
      {"a_b", false},
      {"a b", false},
      {"a.b", false},
      {"a/b", false},
      {"a\n", false},
      {"a\0"s, false},
      {"\0"s, false},
      {"caf\xC3\xA9", false},
      {"@", false},
      {"[", false},
      {"`", false},
      {"{", false},
      {":", false},
  };
  for (const auto& row : table) {
    const auto& id = row.first;
    const auto& is_valid = row.second;
    CAPTURE(id);
    CHECK(addrbook::is_valid_id(id) == is_valid);
  }
  int count = 0;
  for (int c = 0; c < 256; ++c) {
    if (addrbook::is_valid_id(std::string(1, static_cast<char>(c)))) ++count;
  }
  CHECK(count == 26 + 26 + 10 + 1);
}

TEST_CASE("entry: a made id is a UUID of version 7 in hex, with the time in it") {
  using std::chrono::milliseconds;
  const auto now = [] {
    return std::chrono::duration_cast<milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  for (int i = 0; i < 1000; ++i) {
    const auto before = now();
    const std::string id = addrbook::make_id();
    const auto after = now();
    CAPTURE(id);
    REQUIRE(id.size() == 32);
    REQUIRE(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    REQUIRE(addrbook::is_valid_id(id));
    REQUIRE(id[12] == '7');
    REQUIRE(std::string("89ab").find(id[16]) != std::string::npos);
    const auto time = std::stoll(id.substr(0, 12), nullptr, 16);
    REQUIRE(time >= before);
    REQUIRE(time <= after);
  }
}

TEST_CASE("entry: later ids sort later, to the millisecond") {
  std::string last = addrbook::make_id();
  for (int i = 0; i < 10'000; ++i) {
    const std::string next = addrbook::make_id();
    REQUIRE(next.substr(0, 12) >= last.substr(0, 12));
    last = next;
  }
}

TEST_CASE("entry: ids of many threads are unique, and all of their bits vary") {
  constexpr std::size_t threads = 4;
  constexpr std::size_t each = 25'000;
  std::vector<std::vector<std::string>> made(threads);
  std::vector<std::thread> workers;
  for (auto& ids : made) {
    workers.emplace_back([&ids] {
      for (std::size_t i = 0; i < each; ++i) ids.push_back(addrbook::make_id());
    });
  }
  for (auto& worker : workers) worker.join();
  std::vector<std::string> all;
  for (const auto& ids : made) all.insert(all.end(), ids.begin(), ids.end());
  REQUIRE(all.size() == threads * each);
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  for (std::size_t at = 13; at < 32; ++at) {
    CAPTURE(at);
    const std::size_t expected = at == 16 ? 4 : 16;
    std::string digits;
    for (const auto& id : all) {
      if (digits.find(id[at]) == std::string::npos) digits += id[at];
    }
    CHECK(digits.size() == expected);
  }
}

TEST_CASE("entry: hex digits, all sixteen") {
  CHECK(addrbook::detail::hex(0) == "0000000000000000");
  CHECK(addrbook::detail::hex(0x0123456789abcdefU) == "0123456789abcdef");
  CHECK(addrbook::detail::hex(~std::uint64_t{0}) == "ffffffffffffffff");
  CHECK(addrbook::detail::random_bits() != addrbook::detail::random_bits());
}
