#include <addrbook/schema.hpp>

#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/service.hpp>
#include <addrbook/validator.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using addrbook::Document;
using addrbook::json_schema_text;
using addrbook::Validator;
using addrbook::Violations;

namespace {

std::string text_of(const Violations& violations) {
  std::string text;
  for (const auto& each : violations) {
    text.append(text.empty() ? "" : "; ").append(each.pointer).append(" ").append(each.reason);
  }
  return text.empty() ? "fits" : text;
}

/// What a schema says of a document.
std::string check(const std::string& schema, const std::string& document) {
  return text_of(json_schema_text(schema)(Document::parse(document)));
}

/// What the schema of the member `a` says of its value.
std::string check_a(const std::string& schema, const std::string& value) {
  return check(R"({"properties": {"a": )" + schema + "}}", R"({"a": )" + value + "}");
}

struct Row {
  std::string schema;
  std::vector<std::string> good;
  std::string bad;
  std::string said;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.schema);
    for (const std::string& value : row.good) {
      CAPTURE(value);
      CHECK(check_a(row.schema, value) == "fits");
    }
    CAPTURE(row.bad);
    CHECK(check_a(row.schema, row.bad) == row.said);
    // Another way to the same schema, which valijson reads differently.
    const std::string by_reference = R"({"properties": {"a": {"$ref": "#/definitions/s"}},
                                         "definitions": {"s": )" +
                                     row.schema + "}}";
    CHECK(check(by_reference, R"({"a": )" + row.bad + "}") == row.said);
    for (const std::string& value : row.good) {
      CHECK(check(by_reference, R"({"a": )" + value + "}") == "fits");
    }
  }
}

const std::string contact_schema = ADDRBOOK_SOURCE_DIR "/configs/contact.schema.json";

}  // namespace

TEST_CASE("schema: types") {
  check_rows({
      {R"({"type": "string"})", {R"("")"}, "7", "/a must be a string"},
      {R"({"type": "integer"})",
       {"7", "-7", "1.0", "12345678901234567890", "123456789012345678901234567890", "1e400"},
       "1.5",
       "/a must be an integer"},
      {R"({"type": "number"})", {"7", "1.5", "-1e400"}, R"("7")", "/a must be a number"},
      {R"({"type": "boolean"})", {"true", "false"}, "0", "/a must be true or false"},
      {R"({"type": "null"})", {"null"}, "false", "/a must be null"},
      {R"({"type": "array"})", {"[]"}, "{}", "/a must be an array"},
      {R"({"type": "object"})", {"{}"}, "[]", "/a must be an object"},
      {R"({"type": ["null", "string"]})", {"null", R"("x")"}, "7", "/a must be a string or null"},
      {"true", {"7"}, "7", "fits"},
      {"false", {}, "7", "/a is not allowed"},
      {R"({"const": {"b": [1, true]}})",
       {R"({"b": [1, true]})"},
       R"({"b": [1, 1]})",
       "/a must be the value that the schema names"},
      {R"({"enum": ["x", 1, null]})",
       {R"("x")", "1", "null"},
       R"("y")",
       "/a must be one of the values in the schema"},
      {R"({"enum": []})", {}, "1", "/a must be one of the values in the schema"},
  });
}

TEST_CASE("schema: numbers") {
  check_rows({
      {R"({"minimum": 1.5})", {"1.5", "2", R"("0")"}, "1", "/a must be at least 1.5"},
      {R"({"maximum": 150})", {"150", "-1e400", R"("x")"}, "1e400", "/a must be at most 150"},
      {R"({"exclusiveMinimum": 0})", {"0.1", "[]"}, "0", "/a must be more than 0"},
      {R"({"exclusiveMaximum": 0})", {"-1", "null"}, "0", "/a must be less than 0"},
      {R"({"multipleOf": 3})",
       {"0", "9", "-9", "9.0", "18446744073709551615", R"("x")"},
       "10",
       "/a must be a multiple of 3"},
      {R"({"multipleOf": 3})", {}, "-10", "/a must be a multiple of 3"},
      {R"({"multipleOf": 3})", {}, "1.5", "/a must be a multiple of 3"},
      {R"({"multipleOf": 0.01})",
       {"4.02", "1", "0", "1e308", "[]"},
       "4.025",
       "/a must be a multiple of 0.01"},
      {R"({"multipleOf": 1e-300})", {"1e308"}, R"("x")", "fits"},
  });
}

TEST_CASE("schema: strings") {
  check_rows({
      {R"({"minLength": 2})",
       {R"("ab")", "\"\u00E4\u20AC\"", "7"},
       "\"\U0001F38F\"",
       "/a must have at least 2 characters"},
      {R"({"maxLength": 1})",
       {R"("")", "\"\U0001F38F\"", "77"},
       R"("\u0000b")",
       "/a must have at most 1 character"},
      {R"({"pattern": "^[a-z]+$"})",
       {R"("abc")", "7"},
       R"("aBc")",
       "/a must match the pattern '^[a-z]+$'"},
      {R"({"pattern": "^.$"})", {"\"\u00E4\""}, R"("")", "/a must match the pattern '^.$'"},
      {R"({"format": "date"})",
       {R"("2026-11-28")", "7", "null"},
       R"("2026-02-29")",
       "/a must be a date, such as 2026-11-28"},
      {R"({"format": "time"})",
       {R"("16:52:45Z")", "[]"},
       R"("16:52")",
       "/a must be a time, as 16:52:45Z"},
      {R"({"format": "date-time"})",
       {R"("2026-11-28T16:52:45Z")", "{}"},
       R"("2026-11-28")",
       "/a must be a date and time, such as 2026-11-28T16:52:45Z"},
      {R"({"format": "unknown"})", {R"("x")"}, R"("")", "fits"},
  });
}

TEST_CASE("schema: arrays") {
  check_rows({
      {R"({"items": {"type": "string"}})",
       {"[]", R"(["x"])", "7"},
       R"(["x", 1, "y", null])",
       "/a/1 must be a string; /a/3 must be a string"},
      {R"({"items": [{"type": "string"}, {"type": "null"}]})",
       {"[]", R"(["x"])", "[\"x\",null,7]"},
       "[1, 2]",
       "/a/0 must be a string; /a/1 must be null"},
      {R"({"items": [{}], "additionalItems": false})",
       {"[1]", "7"},
       "[1, 2]",
       "/a must have at most 1 item"},
      {R"({"items": [{}], "additionalItems": {"type": "null"}})",
       {"[1, null]"},
       "[1, null, 3]",
       "/a/2 must be null"},
      {R"({"minItems": 1})", {"[1]", "{}"}, "[]", "/a must have at least 1 item"},
      {R"({"maxItems": 2})", {"[1, 2]", R"("xyz")"}, "[1, 2, 3]", "/a must have at most 2 items"},
      {R"({"uniqueItems": true})",
       {"[]", "[1, 2]", R"([1, "1", true, {"a": 1}])", R"("xx")"},
       R"([{"b": 1, "a": [2]}, 3, {"a": [2], "b": 1}, 3])",
       "/a/3 is there twice; /a/2 is there twice"},
      {R"({"contains": {"type": "null"}})",
       {"[1, null]", "7"},
       "[1]",
       "/a lacks an item that the schema asks for"},
  });
}

TEST_CASE("schema: objects") {
  check_rows({
      {R"({"required": ["x", "y"]})",
       {R"({"x": 1, "y": null})", "[]"},
       R"({"z": 1})",
       "/a/x is required; /a/y is required"},
      {R"({"properties": {"x": {}}, "additionalProperties": false})",
       {"{}", R"({"x": 1})", "7"},
       R"({"w": 1, "x": 2, "y/z": 3})",
       "/a/w is not allowed; /a/y~1z is not allowed"},
      {R"({"additionalProperties": {"type": "string"}})",
       {R"({"x": "y"})"},
       R"({"x": 1})",
       "/a/x must be a string"},
      {R"({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": false})",
       {R"({"x1": "y"})", "7"},
       R"({"x1": 1, "y": 2})",
       "/a/x1 must be a string; /a/y is not allowed"},
      {R"({"propertyNames": {"maxLength": 2}})",
       {R"({"ab": 1})", "[]"},
       R"({"abc": 1})",
       "/a/abc has a name that is not allowed"},
      {R"({"minProperties": 2})",
       {R"({"x": 1, "y": 2})", "[]"},
       R"({"x": 1})",
       "/a must have at least 2 members"},
      {R"({"maxProperties": 1})",
       {R"({"x": 1})", "[1, 2]"},
       R"({"x": 1, "y": 2})",
       "/a must have at most 1 member"},
      {R"({"dependencies": {"x": ["y"], "z": {"required": ["w"]}}})",
       {"{}", R"({"x": 1, "y": 2})", R"({"z": 1, "w": 2})", "7"},
       R"({"x": 1, "z": 2})",
       "/a/y is required with 'x'; /a/w is required"},
  });
}

TEST_CASE("schema: combinations list what is wrong in itself") {
  check_rows({
      {R"({"allOf": [{"type": "string"}, {"minLength": 2}, {"type": "string"}]})",
       {R"("xy")"},
       "7",
       "/a must be a string"},
      {R"({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})",
       {R"("x")", R"(["x"])"},
       "[1, 2]",
       "/a/0 must be a string; /a/1 must be a string"},
      {R"({"anyOf": [{"type": "string"}, {"anyOf": [{"type": "array"}, {"type": "null"}]}]})",
       {"null", "[]"},
       "7",
       "/a must be an array, a string or null"},
      {R"({"oneOf": [{"minimum": 5}, {"maximum": 9}]})",
       {"1", "10"},
       "7",
       "/a fits more than one alternative where the schema wants one"},
      {R"({"oneOf": [{"type": "string"}, {"type": "object", "required": ["x"]}]})",
       {R"("x")", R"({"x": 1})"},
       "{}",
       "/a/x is required"},
      {R"({"not": {"type": "string"}})", {"7"}, R"("x")", "/a is what the schema excludes"},
      {R"({"if": {"required": ["x"]}, "then": {"required": ["y"]}, "else": {"maxProperties": 0}})",
       {"{}", R"({"x": 1, "y": 2})"},
       R"({"x": 1})",
       "/a/y is required"},
      {R"({"if": {"required": ["x"]}, "else": {"maxProperties": 0}})",
       {R"({"x": 1})"},
       R"({"y": 1})",
       "/a must have at most 0 members"},
  });
  CHECK(check(R"({"required": ["name"]})", "{}") == "/name is required");
  CHECK(check(R"({"definitions": {"node": {"type": "object", "properties":
                  {"next": {"$ref": "#/definitions/node"}}}}, "$ref": "#/definitions/node"})",
              R"({"next": {"next": {"next": 7}}})") == "/next/next/next must be an object");
  CHECK(check(R"({"minProperties": 1})", "{}") == " must have at least 1 member");
}

TEST_CASE("schema: a hostile string is refused before a pattern sees it") {
  const std::string refused =
      "must have at most 1000 characters, as the schema has a pattern for it";
  const std::string large = "\"" + std::string(30'000, 'a') + "!\"";
  CHECK(check_a(R"({"pattern": "^(a+)+$"})", large) == "/a " + refused);
  CHECK(check_a(R"({"type": "string"})", large) == "fits");
  CHECK(check_a(R"({"patternProperties": {"^(x+)+$": {}}})", "{" + large + ": 1}") ==
        "/a holds a value that " + refused);
  CHECK(check_a(R"({"pattern": "^(a+)+$"})", "\"" + std::string(999, 'a') + "!\"") ==
        "/a must match the pattern '^(a+)+$'");
  CHECK(check_a(R"({"pattern": "^(a+)+$"})", "\"" + std::string(1000, 'a') + "\"") == "fits");
  CHECK(check_a(R"({"format": "date"})", large) == "/a must be a date, such as 2026-11-28");
}

TEST_CASE("schema: a hostile document is not looked at without end") {
  const auto list = [](const std::string& item, std::size_t count) {
    std::string text = "[" + item;
    for (std::size_t i = 1; i < count; ++i) text += "," + item;
    return text + "]";
  };
  const std::string too_large = " is too large to be checked against the schema";
  CHECK(check_a(R"({"items": {"type": "string"}})", list("1", 600'000)) == too_large);
  CHECK(check_a(R"({"items": {"pattern": "^(a+)+$"}})",
                list("\"" + std::string(1000, 'a') + "\"", 300)) == too_large);
  const auto many = json_schema_text(
      R"({"properties": {"a": {"items": {"type": "string"}, "uniqueItems": true}}})")(
      Document::parse(R"({"a": )" + list("1", 1000) + "}"));
  CHECK(many.size() == addrbook::max_violations);
  // A schema that goes deeper with each level, and a document as deep as there is.
  std::string deep = R"({"a": 1})";
  for (std::size_t i = 2; i < Document::max_depth; ++i) deep = R"({"a": )" + deep + "}";
  CHECK(check(R"({"allOf": [{"anyOf": [{"properties": {"a": {"$ref": "#"}}}]}]})", deep) == "fits");
}

TEST_CASE("schema: several threads validate at once") {
  const Validator validator = json_schema_text(
      R"({"required": ["name"], "properties": {"name": {"type": "string", "pattern": "^[A-Z]"},
          "birthday": {"format": "date", "enum": ["2000-01-01", null]}}})");
  const auto good = Document::parse(R"({"name": "Ada", "birthday": null})");
  const auto bad = Document::parse(R"({"name": "ada", "birthday": "2000-01-02"})");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        if (!validator(good).empty() || validator(bad).size() != 2) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("schema: a file that can't be used is named") {
  const auto refusal = [](const std::string& file) {
    std::string said = "accepted";
    try {
      static_cast<void>(addrbook::json_schema(file));
    } catch (const addrbook::Error& error) {
      CHECK(error.code() == addrbook::Errc::invalid);
      said = error.what();
    }
    return said;
  };
  CHECK(refusal("/nonexistent/a.json") ==
        "/nonexistent/a.json: the file can't be read: No such file or directory");
  CHECK(refusal(ADDRBOOK_SOURCE_DIR "/README.md")
            .rfind(ADDRBOOK_SOURCE_DIR "/README.md: not JSON: ", 0) == 0);
  CHECK(refusal(contact_schema) == "accepted");
}

TEST_CASE("schema: a service refuses with all that the schema says") {
  addrbook::Service service(std::make_shared<addrbook::MemoryStore>(),
                            {json_schema_text(R"({"required": ["name", "uid"]})")});
  try {
    service.create(Document::parse("{}"));
    FAIL("accepted");
  } catch (const addrbook::InvalidAddress& error) {
    CHECK(std::string(error.what()) == "Invalid address: '/name' is required");
    CHECK(text_of(error.violations) == "/name is required; /uid is required");
  }
  const auto entry = service.create(Document::parse(R"({"name": 1, "uid": 2})"));
  CHECK_THROWS_AS(service.update(entry.id, Document::parse("{}")), addrbook::InvalidAddress);
  CHECK_THROWS_AS(service.change(entry.id, [](const Document&) { return Document(); }),
                  addrbook::InvalidAddress);
}

TEST_CASE("schema: contact.schema.json takes the sample addresses") {
  const Validator contact = addrbook::json_schema(contact_schema);
  int count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(ADDRBOOK_SOURCE_DIR "/tests/data/addresses")) {
    CAPTURE(file.path().string());
    std::ifstream stream(file.path());
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    CHECK(text_of(contact(Document::parse(text))) == "fits");
    ++count;
  }
  CHECK(count >= 5);
}

TEST_CASE("schema: contact.schema.json takes Cards of JSContact, and what it does not know") {
  const Validator contact = addrbook::json_schema(contact_schema);
  for (const char* const text : {
           R"({"name": "Ada Lovelace"})",
           R"({"name": "Bill Gates", "balance": 1.0})",
           "{}",
           R"({"emails": "a@example.com", "phone": 15550100, "labels": "vip"})",
           R"({"email": {"value": "a@example.com"}, "phones": {"number": "+1 555 0100"}})",
           R"({"emails": {"work": "a@example.com"}, "organization": {"name": "x"}})",
           R"({"name": "Ada", "emails": ["ada@example.com"], "phones": ["+1 555 0100"],
               "labels": ["vip"], "birthday": "1815-12-10", "x": [{"y": null}]})",
           R"({"@type": "Card", "version": "1.0", "uid": "urn:uuid:1", "kind": "individual",
               "created": "2026-11-28T16:52:45Z", "language": "en",
               "name": {"components": [{"kind": "given", "value": "Ada"},
                                       {"kind": "surname", "value": "Lovelace"}],
                        "isOrdered": true, "full": "Ada Lovelace"},
               "nicknames": {"k1": {"name": "Countess"}},
               "organizations": {"o1": {"name": "Analytical", "units": [{"name": "Engines"}]}},
               "emails": {"e1": {"contexts": {"work": true}, "address": "ada@example.com",
                                 "pref": 1}},
               "phones": {"p1": {"features": {"voice": true}, "number": "tel:+1-555-0100"}},
               "addresses": {"a1": {"components": [{"kind": "locality", "value": "London"}],
                                    "countryCode": "GB", "coordinates": "geo:51.5,-0.1"}},
               "anniversaries": {"b": {"kind": "birth",
                                       "date": {"year": 1815, "month": 12, "day": 10}}},
               "keywords": {"vip": true}, "notes": {"n1": {"note": "first"}}})",
       }) {
    CAPTURE(text);
    CHECK(text_of(contact(Document::parse(text))) == "fits");
  }
  const struct {
    const char* text;
    const char* said;
  } refused[] = {
      {R"({"name": 1})", "/name must be an object or a string"},
      {R"({"name": {"full": 1}})", "/name/full must be a string"},
      {R"({"full_name": null})", "/full_name must be a string"},
      {R"({"emails": 5})", "/emails must be an array, an object or a string"},
      {R"({"emails": ["a", 5, {"kind": "work"}]})",
       "/emails/1 must be an object or a string; /emails/2/email is required"},
      {R"({"emails": {"e1": {"address": 1}, "e2": {}}})",
       "/emails/e1/address must be a string; /emails/e2/email is required"},
      {R"({"phone_numbers": [{"local_number": true}]})",
       "/phone_numbers/0/local_number must be an integer or a string"},
      {R"({"phones": {"p1": {"number": true}}})",
       "/phones/p1/number must be an integer or a string"},
      {R"({"labels": ["a", 1]})", "/labels/1 must be a string"},
      {R"({"keywords": {"vip": false}})", "/keywords/vip must be the value that the schema names"},
      {R"({"birthday": "10 December 1815"})", "/birthday must be a date, such as 2026-11-28"},
      {R"({"birthday": 1815})", "/birthday must be a string or null"},
      {R"({"@type": "Event"})", "/@type must be the value that the schema names"},
      {R"({"anniversaries": {"b": {"date": {"month": 13}}}})",
       "/anniversaries/b/date/month must be at most 12"},
  };
  for (const auto& each : refused) {
    CAPTURE(each.text);
    CHECK(text_of(contact(Document::parse(each.text))) == each.said);
  }
}
