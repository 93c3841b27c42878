/// SchemaCheck: a document against a JSON Schema that valijson has read.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/schema/date.hpp>
#include <addrbook/schema/findings.hpp>
#include <addrbook/schema/pattern.hpp>
#include <addrbook/schema/valijson.hpp>
#include <addrbook/validator.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <locale>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The regular expressions of a schema, by their texts.
using Patterns = std::map<std::string, Pattern, std::less<>>;

/// One check of one document. Goes through the constraints as valijson's own validator does, and
/// lists only what is wrong in itself, not that something around it is wrong for that reason.
class SchemaCheck final : private valijson::constraints::ConstraintVisitor {
 public:
  /// The most values, constraints and members that a check looks at. A client must not be able to
  /// keep a processor busy.
  static constexpr std::size_t max_steps = 1'000'000;

  /// @param patterns  all that the schema has; must outlive the check
  explicit SchemaCheck(const Patterns& patterns) : patterns_(patterns) {}

  /// @returns  what is wrong, empty if the document fits
  /// @throws   Error{internal} the schema refers to itself without end
  [[nodiscard]] static Violations run(const valijson::Schema& schema, const Patterns& patterns,
                                      const nlohmann::json& document);

 private:
  using Json = nlohmann::json;
  using Subschema = valijson::Subschema;
  struct TooMuch {};

  // A document has 64 levels, and a few schemas apply to each; a stack has 8 MiB.
  static constexpr std::size_t max_depth = 400;

  void step(std::size_t count = 1) {
    steps_ += count;
    if (steps_ > max_steps) throw TooMuch();
  }
  bool fail(std::string reason, JsonTypes types = {}) {
    if (findings_ != nullptr) findings_->add(path_, std::move(reason), types);
    return false;
  }
  bool fail_at(std::string_view name, std::string reason);
  // After a failure the rest is of interest only if all failures are.
  [[nodiscard]] bool goes_on(bool is_good) const noexcept {
    return is_good || findings_ != nullptr;
  }

  bool fits(const Subschema& schema, const Json& value);
  bool fits_at(std::string_view name, const Subschema& schema, const Json& value);
  bool fits_quietly(const Subschema& schema, const Json& value);
  bool item_fits(std::size_t index, const Subschema& schema);
  template <class Constraint>
  bool fits_alternatives(const Constraint& constraint, bool is_exclusive);
  bool has_size(std::size_t size, std::uint64_t min, std::uint64_t max, const char* what);
  bool is_pattern_in(std::string_view pattern, std::string_view text, bool& is_in);

  bool visit(const AllOfConstraint& constraint) override;
  bool visit(const AnyOfConstraint& constraint) override;
  bool visit(const ConditionalConstraint& constraint) override;
  bool visit(const ConstConstraint& constraint) override;
  bool visit(const ContainsConstraint& constraint) override;
  bool visit(const DependenciesConstraint& constraint) override;
  bool visit(const EnumConstraint& constraint) override;
  bool visit(const FormatConstraint& constraint) override;
  bool visit(const LinearItemsConstraint& constraint) override;
  bool visit(const MaxItemsConstraint& constraint) override;
  bool visit(const MaximumConstraint& constraint) override;
  bool visit(const MaxLengthConstraint& constraint) override;
  bool visit(const MaxPropertiesConstraint& constraint) override;
  bool visit(const MinItemsConstraint& constraint) override;
  bool visit(const MinimumConstraint& constraint) override;
  bool visit(const MinLengthConstraint& constraint) override;
  bool visit(const MinPropertiesConstraint& constraint) override;
  bool visit(const MultipleOfDoubleConstraint& constraint) override;
  bool visit(const MultipleOfIntConstraint& constraint) override;
  bool visit(const NotConstraint& constraint) override;
  bool visit(const OneOfConstraint& constraint) override;
  bool visit(const PatternConstraint& constraint) override;
  bool visit(const PolyConstraint&) override { return true; }
  bool visit(const PropertiesConstraint& constraint) override;
  bool visit(const PropertyNamesConstraint& constraint) override;
  bool visit(const RequiredConstraint& constraint) override;
  bool visit(const SingularItemsConstraint& constraint) override;
  bool visit(const TypeConstraint& constraint) override;
  bool visit(const UniqueItemsConstraint& constraint) override;

  const Patterns& patterns_;
  const Json* value_ = nullptr;   // the one that is looked at
  JsonPath path_;                 // of that
  Findings* findings_ = nullptr;  // null: only whether it fits is of interest
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
};

// ---------------------------------------------------------------------------------------------

/// valijson's strings have an allocator of their own.
template <class String>
[[nodiscard]] std::string_view view_of(const String& text) noexcept {
  return {text.data(), text.size()};
}

/// Without the zeros that std::to_string() appends.
[[nodiscard]] inline std::string number_text(double number) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text.precision(15);
  text << number;
  return text.str();
}

inline Violations SchemaCheck::run(const valijson::Schema& schema, const Patterns& patterns,
                                   const nlohmann::json& document) {
  SchemaCheck check(patterns);
  Findings findings;
  check.findings_ = &findings;
  try {
    if (check.fits(schema, document)) return {};
  } catch (const TooMuch&) {
    return Violation{"", "is too large to be checked against the schema"};
  }
  return findings.violations();
}

inline bool SchemaCheck::fail_at(std::string_view name, std::string reason) {
  path_.push(name);
  fail(std::move(reason));
  path_.pop();
  return false;
}

inline bool SchemaCheck::fits(const Subschema& schema, const Json& value) {
  step();
  if (schema.getAlwaysInvalid()) return fail("is not allowed");
  if (depth_ >= max_depth) {
    throw Error(Errc::internal, "the schema refers to itself without end");
  }
  ++depth_;
  const Json* const outer = std::exchange(value_, &value);
  Subschema::ApplyFunction each = [this](const valijson::constraints::Constraint& constraint) {
    step();
    return constraint.accept(*this);
  };
  const bool is_good = findings_ != nullptr ? schema.apply(each) : schema.applyStrict(each);
  value_ = outer;
  --depth_;
  return is_good;
}

inline bool SchemaCheck::fits_at(std::string_view name, const Subschema& schema,
                                 const Json& value) {
  path_.push(name);
  const bool is_good = fits(schema, value);
  path_.pop();
  return is_good;
}

inline bool SchemaCheck::fits_quietly(const Subschema& schema, const Json& value) {
  Findings* const outer = std::exchange(findings_, nullptr);
  const bool is_good = fits(schema, value);
  findings_ = outer;
  return is_good;
}

inline bool SchemaCheck::item_fits(std::size_t index, const Subschema& schema) {
  return fits_at(std::to_string(index), schema, (*value_)[index]);
}

// The combinations.

inline bool SchemaCheck::visit(const AllOfConstraint& constraint) {
  bool is_good = true;
  constraint.applyToSubschemas([&](unsigned, const Subschema* schema) {
    is_good = fits(*schema, *value_) && is_good;
    return goes_on(is_good);
  });
  return is_good;
}

template <class Constraint>
bool SchemaCheck::fits_alternatives(const Constraint& constraint, bool is_exclusive) {
  std::size_t fitting = 0;
  std::vector<Findings> failed;
  constraint.applyToSubschemas([&](unsigned, const Subschema* schema) {
    Findings findings;
    Findings* const outer = std::exchange(findings_, findings_ != nullptr ? &findings : nullptr);
    const bool is_good = fits(*schema, *value_);
    findings_ = outer;
    if (is_good) {
      ++fitting;
    } else {
      failed.push_back(std::move(findings));
    }
    return fitting == 0 || (is_exclusive && fitting == 1);
  });
  if (fitting > 1) return fail("fits more than one alternative where the schema wants one");
  if (fitting == 0 && findings_ != nullptr) findings_->add_nearest(path_, failed);
  return fitting == 1;
}

inline bool SchemaCheck::visit(const AnyOfConstraint& constraint) {
  return fits_alternatives(constraint, false);
}

inline bool SchemaCheck::visit(const OneOfConstraint& constraint) {
  return fits_alternatives(constraint, true);
}

inline bool SchemaCheck::visit(const NotConstraint& constraint) {
  return !fits_quietly(*constraint.getSubschema(), *value_) || fail("is what the schema excludes");
}

inline bool SchemaCheck::visit(const ConditionalConstraint& constraint) {
  const Subschema* const then = fits_quietly(*constraint.getIfSubschema(), *value_)
                                    ? constraint.getThenSubschema()
                                    : constraint.getElseSubschema();
  return then == nullptr || fits(*then, *value_);
}

// Any value.

inline bool SchemaCheck::visit(const TypeConstraint& constraint) {
  using Type = valijson::constraints::TypeConstraint;
  JsonTypes wanted;
  bool is_any = false;
  constraint.applyToNamedTypes([&](Type::JsonType type) {
    switch (type) {
      case Type::kAny: is_any = true; break;
      case Type::kArray: wanted.add(JsonTypes::array); break;
      case Type::kBoolean: wanted.add(JsonTypes::true_or_false); break;
      case Type::kInteger: wanted.add(JsonTypes::integer); break;
      case Type::kNull: wanted.add(JsonTypes::null); break;
      case Type::kNumber: wanted.add(JsonTypes::number); break;
      case Type::kObject: wanted.add(JsonTypes::object); break;
      case Type::kString: wanted.add(JsonTypes::string); break;
    }
    return true;
  });
  const auto type_of = [](const Json& value) -> unsigned {
    switch (value.type()) {
      case Json::value_t::array: return JsonTypes::array;
      case Json::value_t::boolean: return JsonTypes::true_or_false;
      case Json::value_t::null: return JsonTypes::null;
      case Json::value_t::object: return JsonTypes::object;
      case Json::value_t::string: return JsonTypes::string;
      case Json::value_t::number_float: {
        // 1.0 is an integer (Draft 6 and later), and so are those of more than 64 bits.
        const auto number = value.get<double>();
        return std::trunc(number) == number ? unsigned{JsonTypes::number} | JsonTypes::integer
                                            : unsigned{JsonTypes::number};
      }
      default: return unsigned{JsonTypes::number} | JsonTypes::integer;
    }
  };
  return is_any || wanted.has(type_of(*value_)) || fail(wanted.demand(), wanted);
}

inline bool SchemaCheck::visit(const ConstConstraint& constraint) {
  const valijson::adapters::NlohmannJsonAdapter value(*value_);
  return constraint.getValue()->equalTo(value, true) ||
         fail("must be the value that the schema names");
}

inline bool SchemaCheck::visit(const EnumConstraint& constraint) {
  const valijson::adapters::NlohmannJsonAdapter value(*value_);
  bool is_listed = false;
  constraint.applyToValues([&](const valijson::adapters::FrozenValue& each) {
    step();
    is_listed = each.equalTo(value, true);
    return !is_listed;
  });
  return is_listed || fail("must be one of the values in the schema");
}

// Numbers.

inline bool SchemaCheck::visit(const MaximumConstraint& constraint) {
  if (!value_->is_number()) return true;
  const auto number = value_->get<double>();
  const double limit = constraint.getMaximum();
  if (constraint.getExclusiveMaximum()) {
    return number < limit || fail("must be less than " + number_text(limit));
  }
  return number <= limit || fail("must be at most " + number_text(limit));
}

inline bool SchemaCheck::visit(const MinimumConstraint& constraint) {
  if (!value_->is_number()) return true;
  const auto number = value_->get<double>();
  const double limit = constraint.getMinimum();
  if (constraint.getExclusiveMinimum()) {
    return number > limit || fail("must be more than " + number_text(limit));
  }
  return number >= limit || fail("must be at least " + number_text(limit));
}

inline bool SchemaCheck::visit(const MultipleOfIntConstraint& constraint) {
  if (!value_->is_number()) return true;
  const std::int64_t divisor = constraint.getDivisor();  // above 0: see SchemaReader
  bool is_good = false;
  if (value_->is_number_unsigned()) {
    is_good = value_->get<std::uint64_t>() % static_cast<std::uint64_t>(divisor) == 0;
  } else if (value_->is_number_integer()) {
    is_good = value_->get<std::int64_t>() % divisor == 0;
  } else {
    is_good = std::fmod(value_->get<double>(), static_cast<double>(divisor)) == 0;
  }
  return is_good || fail("must be a multiple of " + std::to_string(divisor));
}

inline bool SchemaCheck::visit(const MultipleOfDoubleConstraint& constraint) {
  if (!value_->is_number()) return true;
  const double times = value_->get<double>() / constraint.getDivisor();
  constexpr double tolerance = 1e-12;  // 4.02 is a multiple of 0.01, though not in binary
  return std::isinf(times) ||
         std::abs(times - std::round(times)) <= tolerance * std::max(1.0, std::abs(times)) ||
         fail("must be a multiple of " + number_text(constraint.getDivisor()));
}

// Sizes.

inline bool SchemaCheck::has_size(std::size_t size, std::uint64_t min, std::uint64_t max,
                                  const char* what) {
  const auto limit = [&](std::uint64_t number) {
    return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
  };
  if (size < min) return fail("must have at least " + limit(min));
  return size <= max || fail("must have at most " + limit(max));
}

inline bool SchemaCheck::visit(const MaxItemsConstraint& constraint) {
  return !value_->is_array() || has_size(value_->size(), 0, constraint.getMaxItems(), "item");
}

inline bool SchemaCheck::visit(const MinItemsConstraint& constraint) {
  return !value_->is_array() ||
         has_size(value_->size(), constraint.getMinItems(), UINT64_MAX, "item");
}

inline bool SchemaCheck::visit(const MaxLengthConstraint& constraint) {
  return !value_->is_string() || has_size(count_characters(value_->get_ref<const std::string&>()),
                                          0, constraint.getMaxLength(), "character");
}

inline bool SchemaCheck::visit(const MinLengthConstraint& constraint) {
  return !value_->is_string() || has_size(count_characters(value_->get_ref<const std::string&>()),
                                          constraint.getMinLength(), UINT64_MAX, "character");
}

inline bool SchemaCheck::visit(const MaxPropertiesConstraint& constraint) {
  return !value_->is_object() ||
         has_size(value_->size(), 0, constraint.getMaxProperties(), "member");
}

inline bool SchemaCheck::visit(const MinPropertiesConstraint& constraint) {
  return !value_->is_object() ||
         has_size(value_->size(), constraint.getMinProperties(), UINT64_MAX, "member");
}

// Strings.

// @returns  false, after fail(), if it can't be told
inline bool SchemaCheck::is_pattern_in(std::string_view pattern, std::string_view text,
                                       bool& is_in) {
  const std::size_t size = count_characters(text);
  if (size > Pattern::max_characters) {
    return fail("must have at most " + std::to_string(Pattern::max_characters) +
                " characters, as the schema has a pattern for it");
  }
  constexpr std::size_t steps_a_character = 5;
  step(size * steps_a_character);
  try {
    is_in = patterns_.find(pattern)->second.is_in(text);
    return true;
  } catch (const std::regex_error&) {
    return fail("is too much work for the pattern in the schema");
  }
}

inline bool SchemaCheck::visit(const PatternConstraint& constraint) {
  if (!value_->is_string()) return true;
  const auto pattern = constraint.getPattern<std::string::allocator_type>();
  bool is_in = false;
  return is_pattern_in(pattern, value_->get_ref<const std::string&>(), is_in) &&
         (is_in || fail("must match the pattern '" + pattern + "'"));
}

inline bool SchemaCheck::visit(const FormatConstraint& constraint) {
  if (!value_->is_string()) return true;
  const std::string_view format = constraint.getFormat();
  const auto& text = value_->get_ref<const std::string&>();
  if (format == "date") return is_date(text) || fail("must be a date, such as 2026-11-28");
  if (format == "time") return is_time(text) || fail("must be a time, as 16:52:45Z");
  if (format == "date-time") {
    return is_date_time(text) || fail("must be a date and time, such as 2026-11-28T16:52:45Z");
  }
  return true;
}

// Arrays.

inline bool SchemaCheck::visit(const SingularItemsConstraint& constraint) {
  const Subschema* const schema = constraint.getItemsSubschema();
  if (!value_->is_array() || schema == nullptr) return true;
  bool is_good = true;
  for (std::size_t i = 0; i < value_->size() && goes_on(is_good); ++i) {
    is_good = item_fits(i, *schema) && is_good;
  }
  return is_good;
}

inline bool SchemaCheck::visit(const LinearItemsConstraint& constraint) {
  if (!value_->is_array()) return true;
  bool is_good = true;
  std::size_t next = 0;
  constraint.applyToItemSubschemas([&](unsigned, const Subschema* schema) {
    if (next >= value_->size()) return false;
    is_good = item_fits(next++, *schema) && is_good;
    return goes_on(is_good);
  });
  const Subschema* const rest = constraint.getAdditionalItemsSubschema();
  if (rest == nullptr) {
    return has_size(value_->size(), 0, constraint.getItemSubschemaCount(), "item") && is_good;
  }
  for (; next < value_->size() && goes_on(is_good); ++next) {
    is_good = item_fits(next, *rest) && is_good;
  }
  return is_good;
}

inline bool SchemaCheck::visit(const ContainsConstraint& constraint) {
  if (!value_->is_array()) return true;
  for (const Json& item : *value_) {
    if (fits_quietly(*constraint.getSubschema(), item)) return true;
  }
  return fail("lacks an item that the schema asks for");
}

inline bool SchemaCheck::visit(const UniqueItemsConstraint&) {
  if (!value_->is_array()) return true;
  // Items are compared as texts: an order of values is none where integers meet doubles.
  std::vector<std::pair<std::string, std::size_t>> items;
  for (std::size_t i = 0; i < value_->size(); ++i) items.emplace_back((*value_)[i].dump(), i);
  step(items.size());
  std::sort(items.begin(), items.end());
  bool is_good = true;
  for (std::size_t i = 1; i < items.size(); ++i) {
    if (items[i].first != items[i - 1].first) continue;
    is_good = fail_at(std::to_string(items[i].second), "is there twice");
  }
  return is_good;
}

// Objects.

inline bool SchemaCheck::visit(const PropertiesConstraint& constraint) {
  if (!value_->is_object()) return true;
  const Json& object = *value_;
  bool is_good = true;
  std::set<std::string_view> known;
  constraint.applyToProperties([&](const auto& name, const Subschema* schema) {
    step();
    const auto member = object.find(std::string(view_of(name)));
    if (member == object.end()) return true;
    known.insert(member.key());
    is_good = fits_at(member.key(), *schema, *member) && is_good;
    return goes_on(is_good);
  });
  constraint.applyToPatternProperties([&](const auto& pattern, const Subschema* schema) {
    for (auto member = object.begin(); member != object.end() && goes_on(is_good); ++member) {
      path_.push(member.key());
      bool is_in = false;
      if (!is_pattern_in(view_of(pattern), member.key(), is_in)) {
        is_good = false;
      } else if (is_in) {
        known.insert(member.key());
        is_good = fits(*schema, *member) && is_good;
      }
      path_.pop();
    }
    return goes_on(is_good);
  });
  const Subschema* const rest = constraint.getAdditionalPropertiesSubschema();
  for (auto member = object.begin(); member != object.end() && goes_on(is_good); ++member) {
    if (known.count(member.key()) != 0) continue;
    is_good = (rest != nullptr ? fits_at(member.key(), *rest, *member)
                               : fail_at(member.key(), "is not allowed")) &&
              is_good;
  }
  return is_good;
}

inline bool SchemaCheck::visit(const PropertyNamesConstraint& constraint) {
  if (!value_->is_object()) return true;
  bool is_good = true;
  for (auto member = value_->begin(); member != value_->end() && goes_on(is_good); ++member) {
    const bool is_name = fits_quietly(*constraint.getSubschema(), Json(member.key()));
    is_good = (is_name || fail_at(member.key(), "has a name that is not allowed")) && is_good;
  }
  return is_good;
}

inline bool SchemaCheck::visit(const RequiredConstraint& constraint) {
  if (!value_->is_object()) return true;
  bool is_good = true;
  constraint.applyToRequiredProperties([&](const auto& name) {
    const std::string_view wanted = view_of(name);
    if (!value_->contains(std::string(wanted))) is_good = fail_at(wanted, "is required");
    return goes_on(is_good);
  });
  return is_good;
}

inline bool SchemaCheck::visit(const DependenciesConstraint& constraint) {
  if (!value_->is_object()) return true;
  bool is_good = true;
  const auto has = [&](const auto& name) { return value_->contains(std::string(view_of(name))); };
  constraint.applyToPropertyDependencies([&](const auto& name, const auto& others) {
    if (!has(name)) return true;
    for (const auto& other : others) {
      if (has(other)) continue;
      is_good = fail_at(view_of(other), "is required with '" + std::string(view_of(name)) + "'");
    }
    return goes_on(is_good);
  });
  constraint.applyToSchemaDependencies([&](const auto& name, const Subschema* schema) {
    if (has(name)) is_good = fits(*schema, *value_) && is_good;
    return goes_on(is_good);
  });
  return is_good;
}

}  // namespace addrbook::detail
