#include <addrbook/metrics/transfer_counts.hpp>

#include <doctest/doctest.h>

#include <cstddef>

using addrbook::detail::BodyFault;
using addrbook::detail::TransferCounts;
using addrbook::detail::UnderWay;

TEST_CASE("transfer counts: each fault has a name and a count") {
  TransferCounts counts;
  counts.refuse(BodyFault::none);
  for (const auto& each : counts.refused) CHECK(each == 0);
  counts.refuse(BodyFault::too_large);
  counts.refuse(BodyFault::invalid);
  counts.refuse(BodyFault::invalid);
  CHECK(counts.refused.front() == 1);
  CHECK(counts.refused.back() == 2);
  CHECK(TransferCounts::fault_names.front() == "too_large");
  CHECK(TransferCounts::fault_names.back() == "invalid");
  CHECK(static_cast<std::size_t>(BodyFault::invalid) == TransferCounts::fault_names.size());
}

TEST_CASE("transfer counts: what is under way counts while it is") {
  TransferCounts counts;
  {
    const UnderWay first(&counts.imports);
    const UnderWay second(&counts.imports);
    CHECK(counts.imports == 2);
    const UnderWay uncounted(nullptr);
    CHECK(counts.imports == 2);
    CHECK(counts.exports == 0);
  }
  CHECK(counts.imports == 0);
}
