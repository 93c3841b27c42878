/// Values of JSContact (RFC 9553) as texts: names and dates.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

struct NameParts {
  std::string full;
  std::string given;
  std::string family;
};

/// @param name  a Name (RFC 9553, 2.2.1). `full` counts; else the components are joined, in their
///              order if it `isOrdered`, else given, given2, surname and surname2
[[nodiscard]] inline NameParts name_parts(JsonSpan name);

/// @param value  a PartialDate or a Timestamp (RFC 9553, 2.8.1)
/// @returns 1953-04-15, 1953-04, 1953, --04-15 or --04; "" for what is no such date, or is of
///          another calendar than the Gregorian
[[nodiscard]] inline std::string date_text(JsonSpan value);

/// Without the white space around it.
[[nodiscard]] inline std::string trimmed(std::string text) {
  constexpr std::string_view white_space = " \t\r\n";
  text.erase(text.find_last_not_of(white_space) + 1);
  text.erase(0, text.find_first_not_of(white_space));
  return text;
}

/// Joins texts with spaces; empty ones are left out.
template <class... More>
[[nodiscard]] std::string joined(std::string text, const More&... more) {
  const auto add = [&text](const std::string& next) {
    if (!text.empty() && !next.empty()) text += ' ';
    text += next;
  };
  (add(more), ...);
  return text;
}

/// A string or an integer; "" for any other value.
[[nodiscard]] inline std::string text_or_integer(JsonSpan value) {
  return value.is_integer() ? std::string(value.text()) : value.string();
}

/// The texts of some members of an object, in the order of `names`; "" for one that it lacks.
template <std::size_t n>
[[nodiscard]] std::array<std::string, n> texts_of(JsonSpan object,
                                                  const std::string_view (&names)[n]) {
  std::array<std::string, n> texts;
  auto all = object.children();
  while (const auto member = all.next()) {
    for (std::size_t i = 0; i < n; ++i) {
      if (member->is_named(names[i])) texts[i] = trimmed(text_or_integer(member->value()));
    }
  }
  return texts;
}

// ---------------------------------------------------------------------------------------------

inline NameParts name_parts(JsonSpan name) {
  NameParts result;
  if (const auto full = name.member("full")) result.full = trimmed(full->string());
  const auto components = name.member("components");
  if (!components) return result;
  const auto is_ordered = name.member("isOrdered");
  const auto own_separator = name.member("defaultSeparator");
  // A longer one would make a small document a large text.
  constexpr std::size_t max_separator_text = 16;
  const bool has_own = own_separator && own_separator->is(JsonSpan::Kind::string) &&
                       own_separator->text().size() <= max_separator_text;
  const std::string separator = has_own ? own_separator->string() : " ";
  std::string all;
  // In the order in which they are joined if the name has none of its own.
  constexpr std::string_view kinds[] = {"given", "given2", "surname", "surname2"};
  std::array<std::string, std::size(kinds)> parts;
  bool needs_separator = false;
  auto each = components->children();
  while (const auto component = each.next()) {
    const auto kind_member = component->value().member("kind");
    const auto value_member = component->value().member("value");
    if (!kind_member || !value_member) continue;
    const std::string kind = kind_member->string();
    const std::string text = value_member->string();
    const bool is_separator = kind == "separator";
    if (needs_separator && !is_separator) all += separator;
    needs_separator = !is_separator;
    all += text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (kind == kinds[i]) (parts[i] += parts[i].empty() ? "" : " ") += text;
    }
  }
  if (!is_ordered || is_ordered->text() != "true") {
    all = joined(parts[0], parts[1], parts[2], parts[3]);
  }
  if (result.full.empty()) result.full = std::move(all);
  result.family = joined(std::move(parts[2]), parts[3]);
  result.given = std::move(parts[0]);
  return result;
}

inline std::string date_text(JsonSpan value) {
  constexpr std::string_view names[] = {"utc", "year", "month", "day", "calendarScale"};
  const auto [utc, year, month, day, scale] = texts_of(value, names);
  constexpr std::string_view form = "dddd-dd-dd";
  const auto has_form = [](char f, char c) { return f == 'd' ? is_digit(c) : c == f; };
  if (utc.size() >= form.size() && std::equal(form.begin(), form.end(), utc.begin(), has_form)) {
    return utc.substr(0, form.size());
  }
  if (!scale.empty() && scale != "gregorian") return {};
  // The digits of a number up to a limit; nothing for any other text.
  const auto digits = [](const std::string& text, std::uint64_t least, std::uint64_t most) {
    const auto number = parse_decimal(text);
    if (!number || *number < least || *number > most) return std::string();
    const std::size_t size = most > 99 ? 4 : 2;
    const std::string shortest = std::to_string(*number);
    return std::string(size - shortest.size(), '0') + shortest;
  };
  const std::string years = digits(year, 0, 9999);
  const std::string months = digits(month, 1, 12);
  const std::string days = digits(day, 1, 31);
  const bool is_wrong = (years.empty() && !year.empty()) || (months.empty() && !month.empty()) ||
                        (days.empty() && !day.empty()) || (months.empty() && !days.empty()) ||
                        (years.empty() && months.empty());
  if (is_wrong) return {};
  std::string date = years.empty() ? "-" : years;
  if (!months.empty()) date += '-' + months;
  if (!days.empty()) date += '-' + days;
  return date;
}

}  // namespace addrbook::detail
