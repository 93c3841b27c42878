#include <addrbook/formats/record_budget.hpp>

#include <unit/refusal.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>

using addrbook::ReadLimits;
using addrbook::detail::RecordBudget;
using addrbook::detail::tree_bytes;
using test::refusal;

TEST_CASE("record budget: as many bytes as a record may have, and some room") {
  RecordBudget budget(ReadLimits{1000});
  const std::size_t all = 1000 + RecordBudget::room;
  CHECK(budget.can_spend(all - 10));
  CHECK_FALSE(budget.can_spend(11));
  CHECK(refusal([&] { budget.spend(11, "TEL"); }) ==
        "TEL: the contact would take over " + std::to_string(all) + " bytes of memory");
  CHECK(refusal([&] { budget.spend(0, 1, "TEL"); }) != "accepted");
  budget.spend(10, "TEL");
  CHECK_FALSE(budget.can_spend(1));
}

TEST_CASE("record budget: so many bytes, or any") {
  RecordBudget ten(10);
  CHECK(ten.can_spend(10));
  CHECK_FALSE(ten.can_spend(1));
  constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)();
  RecordBudget any;
  CHECK(any.can_spend(most));
  CHECK(RecordBudget(ReadLimits{most}).can_spend(most));
}

TEST_CASE("record budget: each part of a JSON text counts") {
  const auto nodes = [](const char* json) {
    return (tree_bytes(json) - std::string(json).size()) / RecordBudget::node_bytes;
  };
  CHECK(nodes("1") == 1);
  CHECK(nodes(R"("a,[{\",")") == 1);
  CHECK(nodes("[1,2,3]") == 4);
  CHECK(nodes(R"({"a":{"b,c":1},"d":[]})") == 5);
}
