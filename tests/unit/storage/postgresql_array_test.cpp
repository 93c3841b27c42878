#include <addrbook/storage/postgresql_array.hpp>

#include <addrbook/base/hex.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using addrbook::detail::hex;
using addrbook::detail::PostgresqlArray;

TEST_CASE("postgresql_array: the binary format of arrays") {
  auto texts = PostgresqlArray::of_texts();
  CHECK(texts.is_empty());
  texts.add("NULL");
  texts.add("");
  texts.add("a\"b,{}");
  CHECK_FALSE(texts.is_empty());
  const std::string head =
      "00000001"
      "00000000"
      "00000019"
      "00000003"
      "00000001";
  CHECK(hex(texts.bytes()) == head +
                                  "00000004"
                                  "4e554c4c"
                                  "00000000"
                                  "00000006"
                                  "6122622c7b7d");
  auto integers = PostgresqlArray::of_integers();
  for (const std::int64_t value : {1L, -2L, 0x0102030405060708L}) integers.add(value);
  CHECK(hex(integers.bytes()) ==
        "00000001"
        "00000000"
        "00000014"
        "00000003"
        "00000001"
        "00000008"
        "0000000000000001"
        "00000008"
        "fffffffffffffffe"
        "00000008"
        "0102030405060708");
}
