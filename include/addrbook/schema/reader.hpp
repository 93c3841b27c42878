/// SchemaFile: a JSON Schema that is ready to be used, and how it is read.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/schema/check.hpp>
#include <addrbook/schema/pattern.hpp>
#include <addrbook/schema/valijson.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// A JSON Schema. Does not change once it is made.
struct ReadySchema {
  valijson::Schema schema;
  Patterns patterns;
};

/// @param text  a JSON object, a JSON Schema of Draft 7
/// @throws Error{invalid}: malformed JSON, another draft, a keyword with a bad value, a `$ref` that
///         leads nowhere or out of the text, a malformed pattern. Nothing is fetched.
[[nodiscard]] inline std::shared_ptr<const ReadySchema> read_schema(std::string text);

/// @returns  the document as a tree, in which numbers beyond double are the largest one
[[nodiscard]] inline nlohmann::json clamped_tree(const Document& document);

// ---------------------------------------------------------------------------------------------

/// Looks at the value of a keyword while valijson reads it, and adds nothing to the schema.
class KeywordCheck final : public valijson::ConstraintBuilder {
 public:
  using Look = std::function<void(const valijson::adapters::Adapter&)>;

  explicit KeywordCheck(Look look) : look_(std::move(look)) {}

  [[nodiscard]] valijson::constraints::Constraint* make(
      const valijson::adapters::Adapter& value) const override {
    look_(value);
    return new valijson::constraints::AllOfConstraint();  // NOLINT(*-owning-memory): valijson's way
  }

 private:
  Look look_;
};

inline void add_pattern(Patterns& patterns, const std::string& text) {
  // valijson would end its copy there.
  if (text.find('\0') != std::string::npos) {
    throw Error(Errc::invalid, "a pattern can't have \\u0000");
  }
  try {
    patterns.try_emplace(text, text);
  } catch (const std::regex_error& error) {
    std::throw_with_nested(
        Error(Errc::invalid, "the pattern '" + text + "' can't be used: " + error.what()));
  }
}

/// What valijson takes, and fails at later or never.
inline void check_keywords(valijson::SchemaParser& parser, Patterns& patterns) {
  const auto add = [&](const char* keyword, KeywordCheck::Look look) {
    auto check = std::make_unique<KeywordCheck>(std::move(look));
    parser.addConstraintBuilder(keyword, check.get());
    static_cast<void>(check.release());  // valijson's from here on
  };
  add("pattern", [&patterns](const valijson::adapters::Adapter& value) {
    if (value.isString()) add_pattern(patterns, value.asString());
  });
  add("patternProperties", [&patterns](const valijson::adapters::Adapter& value) {
    value.applyToObject([&](const std::string& name, const valijson::adapters::Adapter&) {
      add_pattern(patterns, name);
      return true;
    });
  });
  add("multipleOf", [](const valijson::adapters::Adapter& value) {
    if (value.isNumber() && value.asDouble() <= 0) {
      throw Error(Errc::invalid, "multipleOf must be above 0");
    }
  });
}

/// @returns  whether a member of a schema holds values, in which nothing is a keyword
[[nodiscard]] inline bool holds_values(std::string_view name) noexcept {
  return name == "const" || name == "enum" || name == "default" || name == "examples";
}

/// Moves the schemas of names to a list, and puts references to it in their places: valijson takes
/// such a schema for the one around it, if that is referred to.
inline void move_name_schemas(nlohmann::json& node, nlohmann::json& list) {
  if (!node.is_structured()) return;
  for (auto member = node.begin(); member != node.end(); ++member) {
    if (node.is_object() && holds_values(member.key())) continue;
    move_name_schemas(*member, list);
    if (!node.is_object() || member.key() != "propertyNames" || !member->is_object()) continue;
    nlohmann::json reference{{"$ref", "#/addrbook:names/" + std::to_string(list.size())}};
    list.push_back(std::exchange(*member, std::move(reference)));
  }
}

/// Checks that each `$ref` leads to a value in the text; valijson does not say which one does not,
/// and overflows the stack if references lead in a circle.
inline void check_references(const nlohmann::json& tree, const nlohmann::json& node) {
  const nlohmann::json* at = &node;
  for (int hops = 0; at->is_object() && at->contains("$ref") && at->at("$ref").is_string();
       ++hops) {
    constexpr int max_hops = 64;
    const auto target = at->at("$ref").get<std::string>();
    const auto fail = [&](const char* why) {
      throw Error(Errc::invalid, "$ref '" + target + "' " + why);
    };
    if (target.rfind('#', 0) != 0) fail("leads out of the schema, and nothing is fetched");
    if (hops == max_hops) fail("leads back to itself");
    if (target.find('%') != std::string::npos) break;  // left to valijson
    try {
      at = &tree.at(nlohmann::json::json_pointer(target.substr(1)));
    } catch (const nlohmann::json::exception&) {
      fail("leads nowhere");
    }
  }
  if (!node.is_structured()) return;
  for (const auto& [name, member] : node.items()) {
    if (!node.is_object() || !holds_values(name)) check_references(tree, member);
  }
}

inline void check_draft(const nlohmann::json& tree) {
  const auto named = tree.find("$schema");
  if (named == tree.end()) return;
  std::string draft = named->is_string() ? named->get<std::string>() : named->dump();
  if (!draft.empty() && draft.back() == '#') draft.pop_back();
  if (draft == "http://json-schema.org/draft-07/schema" ||
      draft == "https://json-schema.org/draft-07/schema") {
    return;
  }
  throw Error(Errc::invalid, "$schema is '" + draft +
                                 "', and only Draft 7 is known: "
                                 "http://json-schema.org/draft-07/schema#");
}

inline std::shared_ptr<const ReadySchema> read_schema(std::string text) {
  try {
    compact_json(text, Document::max_depth);
  } catch (const Error& error) {
    std::throw_with_nested(Error(error.code(), std::string("not JSON: ") + error.what()));
  }
  auto tree = nlohmann::json::parse(text, nullptr, false);
  if (tree.is_discarded()) throw Error(Errc::invalid, "the schema holds a number beyond double");
  if (!tree.is_object()) throw Error(Errc::invalid, "a JSON Schema must be an object");
  check_draft(tree);
  check_references(tree, tree);
  auto names = nlohmann::json::array();
  move_name_schemas(tree, names);
  if (!names.empty()) tree["addrbook:names"] = std::move(names);
  const auto ready = std::make_shared<ReadySchema>();
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  check_keywords(parser, ready->patterns);
  try {
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(tree), ready->schema);
    static_cast<void>(SchemaCheck::run(ready->schema, ready->patterns, nlohmann::json::object()));
  } catch (const Error& error) {
    throw Error(Errc::invalid, error.what());
  } catch (const std::exception& error) {
    std::throw_with_nested(
        Error(Errc::invalid, std::string("not a JSON Schema of Draft 7: ") + error.what()));
  }
  return ready;
}

inline nlohmann::json clamped_tree(const Document& document) {
  const std::string& text = document.text();
  if (auto tree = nlohmann::json::parse(text, nullptr, false); !tree.is_discarded()) return tree;
  std::string clamped;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (text[at] == '"') {
      while (text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      ++end;
    } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
    }
    const std::string token = text.substr(at, end - at);
    const bool is_number = token.front() == '-' || (token.front() >= '0' && token.front() <= '9');
    if (is_number && !nlohmann::json::accept(token)) {
      clamped += token.front() == '-' ? "-1.7976931348623157e308" : "1.7976931348623157e308";
    } else {
      clamped += token;
    }
    at = end;
  }
  return nlohmann::json::parse(clamped);
}

}  // namespace addrbook::detail
