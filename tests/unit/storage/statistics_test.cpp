#include <addrbook/storage/statistics.hpp>

#include <addrbook/error.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

using addrbook::Errc;
using addrbook::Error;
using addrbook::detail::StorageFaults;

TEST_CASE("storage statistics: faults of the storage count, errors of its clients don't") {
  StorageFaults faults;
  using Operation = StorageFaults::Operation;
  CHECK(faults.watch(Operation::read, [] { return 7; }) == 7);
  const auto fail = [&](Operation operation, Errc code) {
    CHECK_THROWS_AS(faults.watch(operation, [=] { throw Error(code, "no"); }), Error);
  };
  fail(Operation::read, Errc::storage);
  fail(Operation::write, Errc::storage);
  fail(Operation::write, Errc::full);
  fail(Operation::write, Errc::full);
  fail(Operation::read, Errc::busy);
  for (const Errc code : {Errc::not_found, Errc::invalid, Errc::stopped, Errc::precondition}) {
    fail(Operation::write, code);
  }
  CHECK_THROWS_AS(faults.watch(Operation::read, [] { throw std::runtime_error("no"); }),
                  std::runtime_error);
  const StorageFaults::Counts counts = faults.read();
  CHECK(counts[0] == std::array<std::uint64_t, 3>{1, 0, 1});
  CHECK(counts[1] == std::array<std::uint64_t, 3>{1, 2, 0});
  CHECK(std::string(StorageFaults::operations[1]) == "write");
  CHECK(std::string(StorageFaults::reasons[1]) == "full");
}
