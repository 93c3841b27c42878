#include <addrbook/rest/batch_operation.hpp>

#include <unit/refusal.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using addrbook::Action;
using addrbook::Condition;
using addrbook::Errc;
using addrbook::detail::BatchOperation;
using addrbook::detail::JsonSpan;
using Kind = BatchOperation::Kind;

namespace {

BatchOperation read(const std::string& text) {
  return BatchOperation::read(JsonSpan(text));
}

}  // namespace

TEST_CASE("batch operation: the four of them") {
  const auto create = read(R"({"op":"create","address":{"a":1}})");
  CHECK(create.kind == Kind::create);
  CHECK(create.id.empty());
  CHECK(create.address->text() == R"({"a":1})");
  CHECK(create.action() == Action::create);
  CHECK(create.condition().kind == Condition::Kind::absent);
  CHECK(read(R"({"id":"x-1","address":{},"op":"create"})").id == "x-1");

  const auto replace = read(R"({"op":"replace","id":"x","address":{},"if_revision":7})");
  CHECK(replace.action() == Action::update);
  CHECK(replace.condition().kind == Condition::Kind::at_revision);
  CHECK(replace.condition().revision == 7);
  CHECK(replace.refusal().code() == Errc::precondition);

  const auto patch = read(R"({"op":"patch","id":"x","patch":{"a":null}})");
  CHECK(patch.action() == Action::update);
  CHECK(patch.patch(*create.address).text() == "{}");
  CHECK(patch.condition().kind == Condition::Kind::present);
  CHECK(patch.refusal().code() == Errc::not_found);

  const auto remove = read(R"({"op":"delete","id":"x"})");
  CHECK(remove.action() == Action::remove);
  CHECK_FALSE(remove.address.has_value());
  CHECK(create.refusal().code() == Errc::conflict);
}

TEST_CASE("batch operation: what is none is refused, naming the member") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"1", "an operation must be an object"},
      {"{}", "'op' must be create, replace, patch or delete"},
      {R"({"op":1})", "'op' must be create, replace, patch or delete"},
      {R"({"op":"remove","id":"x"})", "'op' must be create, replace, patch or delete"},
      {R"({"op":"create"})", "'address' is missing"},
      {R"({"op":"create","address":[]})", "'address' must be an object"},
      {R"({"op":"create","address":{},"id":"a b"})", "'id' must be 1 to 64 of [A-Za-z0-9-]"},
      {R"({"op":"create","address":{},"id":""})", "'id' must be 1 to 64 of [A-Za-z0-9-]"},
      {R"({"op":"create","address":{},"id":1})", "'id' must be 1 to 64 of [A-Za-z0-9-]"},
      {R"({"op":"create","address":{},"if_revision":1})", "'create' has no member 'if_revision'"},
      {R"({"op":"create","address":{},"":1})", "'create' has no member ''"},
      {R"({"op":"replace","address":{}})", "'id' is missing"},
      {R"({"op":"replace","id":"x"})", "'address' is missing"},
      {R"({"op":"replace","id":"x","patch":{}})", "'replace' has no member 'patch'"},
      {R"({"op":"patch","id":"x"})", "'patch' is missing"},
      {R"({"op":"patch","id":"x","patch":[]})", "'patch' must be an object, a merge patch"},
      {R"({"op":"patch","id":"x","address":{}})", "'patch' has no member 'address'"},
      {R"({"op":"delete"})", "'id' is missing"},
      {R"({"op":"delete","id":"x","address":{}})", "'delete' has no member 'address'"},
      {R"({"op":"delete","id":"x","if_revision":"7"})", "'if_revision' must be an integer"},
      {R"({"op":"delete","id":"x","if_revision":7.0})", "'if_revision' must be an integer"},
      {R"({"op":"delete","id":"x","if_revision":-1})", "'if_revision' must be an integer"},
      {R"({"op":"delete","id":"x","if_revision":null})", "'if_revision' must be an integer"},
  };
  for (const auto& row : table) {
    const std::string& text = row.first;
    CAPTURE(text);
    CHECK(test::refusal([&] { read(text); }) == "Invalid batch: " + row.second);
  }
}
