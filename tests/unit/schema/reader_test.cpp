#include <addrbook/schema/reader.hpp>

#include <addrbook/document.hpp>
#include <addrbook/error.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <limits>
#include <string>

using addrbook::Document;
using addrbook::Error;
using addrbook::detail::clamped_tree;
using addrbook::detail::read_schema;

namespace {

/// Why a schema is refused; "accepted" if it is not.
std::string refusal(const std::string& schema) {
  try {
    static_cast<void>(read_schema(schema));
  } catch (const Error& error) {
    CHECK(error.code() == addrbook::Errc::invalid);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("schema reader: Draft 7, or none named") {
  for (const std::string schema :
       {"{}", R"({"$schema": "http://json-schema.org/draft-07/schema#"})",
        R"({"$schema": "http://json-schema.org/draft-07/schema"})",
        R"({"$schema": "https://json-schema.org/draft-07/schema#"})",
        R"({"properties": {"$schema": {"type": "integer"}}})",
        R"({"x-unknown": 1, "definitions": {"unused": {"pattern": "("}}})"}) {
    CAPTURE(schema);
    CHECK(refusal(schema) == "accepted");
  }
  CHECK(refusal(R"({"$schema": "https://json-schema.org/draft/2020-12/schema"})") ==
        "$schema is 'https://json-schema.org/draft/2020-12/schema', and only Draft 7 is known: "
        "http://json-schema.org/draft-07/schema#");
  for (const std::string schema : {R"({"$schema": "http://json-schema.org/draft-04/schema#"})",
                                   R"({"$schema": "http://json-schema.org/schema#"})",
                                   R"({"$schema": 7})", R"({"$schema": ""})"}) {
    CAPTURE(schema);
    CHECK(refusal(schema).rfind("$schema is '", 0) == 0);
  }
}

TEST_CASE("schema reader: what is no JSON is refused with the place") {
  CHECK(refusal("").rfind("not JSON: ", 0) == 0);
  CHECK(refusal(R"({"type": })") == "not JSON: unexpected '}' at byte 9");
  CHECK(refusal(R"({"type": "object", "type": "array"})") ==
        "not JSON: a member name given twice at byte 19");
  CHECK(refusal(R"({"minimum": 1e400})") == "the schema holds a number beyond double");
  for (const std::string schema : {"true", "[]", "7", "\"x\""}) {
    CHECK(refusal(schema) == "a JSON Schema must be an object");
  }
}

TEST_CASE("schema reader: a keyword with a bad value is refused") {
  for (const std::string schema :
       {R"({"properties": 5})", R"({"required": "name"})", R"({"type": "strin"})",
        R"({"properties": {"a": {"minLength": "x"}}})", R"({"items": {"maxItems": -1}})",
        R"({"allOf": "x"})", R"({"anyOf": [7]})", R"({"properties": {"a": 1}})", R"({"format": 1})",
        R"({"uniqueItems": "x"})", R"({"minimum": "x"})"}) {
    CAPTURE(schema);
    const std::string said = refusal(schema);
    CAPTURE(said);
    CHECK(said.rfind("not a JSON Schema of Draft 7: ", 0) == 0);
  }
  for (const std::string schema : {R"({"multipleOf": 0})", R"({"items": {"multipleOf": -0.5}})"}) {
    CHECK(refusal(schema).find("multipleOf") != std::string::npos);
  }
}

TEST_CASE("schema reader: patterns are checked, wherever they stand") {
  for (const std::string schema :
       {R"({"properties": {"a": {"pattern": "(a"}}})", R"({"patternProperties": {"(a": {}}})",
        R"({"definitions": {"x": {"pattern": "(a"}}, "items": {"$ref": "#/definitions/x"}})"}) {
    CAPTURE(schema);
    CHECK(refusal(schema).rfind("the pattern '(a' can't be used: ", 0) == 0);
  }
  CHECK(refusal(R"({"pattern": "a\u0000b"})") == "a pattern can't have \\u0000");
  CHECK(refusal(R"({"properties": {"pattern": {"type": "string"}}})") == "accepted");
}

TEST_CASE("schema reader: references lead to a place in the schema, and nothing is fetched") {
  CHECK(refusal(R"({"items": {"$ref": "#/definitions/y"}})") ==
        "$ref '#/definitions/y' leads nowhere");
  CHECK(refusal(R"({"items": {"$ref": "#foo"}})") == "$ref '#foo' leads nowhere");
  for (const std::string target :
       {"http://127.0.0.1:1/x.json", "https://example.com/a.json#/b", "other.json", ""}) {
    CAPTURE(target);
    CHECK(refusal(R"({"items": {"$ref": ")" + target + "\"}}") ==
          "$ref '" + target + "' leads out of the schema, and nothing is fetched");
  }
  CHECK(refusal(R"({"$ref": "#"})") == "$ref '#' leads back to itself");
  CHECK(refusal(R"({"items": {"$ref": "#/definitions/a"}, "definitions": {
                    "a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}})")
            .find("leads back to itself") != std::string::npos);
  CHECK(refusal(R"({"allOf": [{"$ref": "#"}]})") == "the schema refers to itself without end");
  CHECK(refusal(R"({"items": {"$ref": "#"}, "properties": {"$ref": {"type": "string"}}})") ==
        "accepted");
  CHECK(refusal(R"({"properties": {"a": {"const": {"$ref": "x"}, "enum": [{"$ref": "x"}]}}})") ==
        "accepted");
  CHECK(refusal(R"({"items": {"$ref": "#/definitions/a%20b"}, "definitions": {"a b": {}}})") ==
        "accepted");
  CHECK(refusal(R"({"items": {"$ref": "#/definitions/a%20c"}, "definitions": {"a b": {}}})") !=
        "accepted");
}

TEST_CASE("schema reader: numbers beyond double are the largest one") {
  const auto tree = clamped_tree(Document::parse(
      R"({"a": 1e400, "b": [-1e400, 7, -0, 1.5e3], "1e400": "1e400\"", "c": 12345678901234567890})"));
  constexpr double largest = (std::numeric_limits<double>::max)();
  CHECK(tree["a"] == largest);
  CHECK(tree["b"][0] == -largest);
  CHECK(tree["b"][1] == 7);
  CHECK(tree["b"][3] == 1500);
  CHECK(tree["1e400"] == "1e400\"");
  CHECK(tree["c"] == 12345678901234567890U);
  CHECK(clamped_tree(Document::parse(R"({"a": 1})"))["a"] == 1);
}
