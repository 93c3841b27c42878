#include <addrbook/schema/findings.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using addrbook::Violations;
using addrbook::detail::Findings;
using addrbook::detail::JsonPath;
using addrbook::detail::JsonTypes;

namespace {

JsonTypes types(unsigned bits) {
  JsonTypes types;
  types.add(bits);
  return types;
}

Findings of_type(const JsonPath& path, unsigned bits) {
  Findings findings;
  findings.add(path, types(bits).demand(), types(bits));
  return findings;
}

}  // namespace

TEST_CASE("schema findings: a path is a JSON Pointer") {
  JsonPath path;
  CHECK(path.violation("is odd").pointer.empty());
  path.push("emails");
  path.push("0");
  CHECK(path.violation("is odd").pointer == "/emails/0");
  CHECK(path.violation("is odd").reason == "is odd");
  path.pop();
  path.push("a/b~c");
  path.push("");
  CHECK(path.violation("is odd").pointer == "/emails/a~1b~0c/");
  CHECK(path.depth() == 3);
}

TEST_CASE("schema findings: a pointer that is too long ends at an outer value") {
  const std::string name(JsonPath::max_pointer_bytes, 'x');
  JsonPath path;
  path.push("a");
  path.push(name);
  path.push("b");
  CHECK(path.violation("must be a string").pointer == "/a");
  CHECK(path.violation("must be a string").reason == "holds a value that must be a string");
}

TEST_CASE("schema findings: types are named as a reader says them") {
  CHECK(types(JsonTypes::string).demand() == "must be a string");
  CHECK(types(JsonTypes::null | JsonTypes::string).demand() == "must be a string or null");
  CHECK(types(JsonTypes::array | JsonTypes::true_or_false | JsonTypes::object).demand() ==
        "must be an array, true or false or an object");
}

TEST_CASE("schema findings: no violation is listed twice, and not too many") {
  Findings findings;
  JsonPath path;
  findings.add(path, "is odd");
  findings.add(path, "is odd");
  findings.add(path, "is red");
  CHECK(findings.violations().size() == 2);
  for (std::size_t i = 0; i < addrbook::max_violations; ++i) {
    findings.add(path, std::to_string(i));
  }
  CHECK(findings.violations().size() == addrbook::max_violations);
}

TEST_CASE("schema findings: of several alternatives the one for the value's type counts") {
  JsonPath path;
  path.push("emails");
  Findings close;
  close.add(path, "is too long");
  Findings far;
  far.add(path, "is too long");
  far.add(path, "is red");
  const auto nearest = [&](const std::vector<Findings>& alternatives) {
    Findings findings;
    findings.add_nearest(path, alternatives);
    std::string text;
    for (const auto& each : findings.violations()) text += each.reason + ";";
    return text;
  };
  CHECK(nearest({far, of_type(path, JsonTypes::string), close}) == "is too long;");
  CHECK(nearest({of_type(path, JsonTypes::string), far}) == "is too long;is red;");
  CHECK(nearest({of_type(path, JsonTypes::string), of_type(path, JsonTypes::null)}) ==
        "must be a string or null;");
  CHECK(nearest({}) == "has no alternative in the schema;");
  // A wrong type of a value within says nothing of the alternative.
  JsonPath within = path;
  within.push("0");
  CHECK(nearest({of_type(path, JsonTypes::string), of_type(within, JsonTypes::object)}) ==
        "must be an object;");
}
