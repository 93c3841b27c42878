/// Patches of addresses: the first line of the input is the address, the rest the patch, a JSON
/// Patch if it is an array, else a merge patch. nlohmann::json is the oracle of the latter. The
/// former must do at once what it does operation by operation.
#include "support.hpp"

#include <addrbook/document.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/json/merge_patch.hpp>
#include <addrbook/json/patch.hpp>
#include <addrbook/json/spans.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

using addrbook::Document;
using addrbook::Errc;
using addrbook::Error;
using addrbook::detail::JsonPatch;
using addrbook::detail::JsonSpan;
using fuzz::check;
using fuzz::check_equal;
using nlohmann::json;

namespace {

constexpr std::size_t max_bytes = std::size_t{64} * 1024;
constexpr std::size_t no_depth = 10'000;

/// Any JSON value, as it must look after a patch.
bool is_compact_json(const std::string& text) {
  std::string compact = text;
  try {
    addrbook::detail::compact_json(compact, no_depth);
  } catch (const Error&) {
    return false;
  }
  return compact == text;
}

void check_merge(const std::string& target, const std::string& patch) {
  const std::string merged = addrbook::detail::merge_patch(target, patch);
  check(is_compact_json(merged), "a merged value is compact JSON, no name in it twice");
  check(merged.size() <= target.size() + patch.size(), "it is no longer than both");
  json expected = json::parse(target, nullptr, false);
  const json change = json::parse(patch, nullptr, false);
  if (expected.is_discarded() || change.is_discarded()) return;  // numbers beyond double
  expected.merge_patch(change);
  check(json::parse(merged) == expected, "a merge patch does what nlohmann's does");
}

/// @returns the patched text; nothing if it is refused
std::optional<std::string> patched(const JsonPatch& patch, const std::string& target) {
  try {
    const std::size_t effort = 1000;  // for one operation alone there is less of it
    return patch.apply(target, {max_bytes, Document::max_depth, effort});
  } catch (const Error& error) {
    check(error.code() == Errc::conflict || error.code() == Errc::invalid, "how it is refused");
    return std::nullopt;
  }
}

void check_patch(const std::string& target, const std::string& text) {
  std::optional<JsonPatch> patch;
  try {
    patch.emplace(text);
  } catch (const Error& error) {
    check(error.code() == Errc::invalid, "what is no patch is invalid");
    return;
  }
  const auto at_once = patched(*patch, target);
  if (at_once && !at_once->empty()) {
    check(is_compact_json(*at_once), "a patched value is compact JSON, no name in it twice");
    check(at_once->size() <= max_bytes, "its size is limited");
  }
  std::string one_by_one = target;
  auto operations = JsonSpan(text).children();
  while (const auto operation = operations.next()) {
    // What is deeper than an address may be is deeper than the first operation has seen.
    if (one_by_one.empty()) return;
    std::string probe = one_by_one;
    try {
      addrbook::detail::compact_json(probe, Document::max_depth);
    } catch (const Error&) {
      return;
    }
    const auto next =
        patched(JsonPatch("[" + std::string(operation->value_text) + "]"), one_by_one);
    check(next.has_value() || !at_once.has_value(), "one operation fails, so all do");
    if (!next) return;
    one_by_one = *next;
  }
  check(at_once.has_value(), "all succeed one by one, so they do at once");
  check_equal(*at_once, one_by_one, "at once as one by one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text(data, size);
  std::string target(fuzz::take_until(input, "\n"));
  std::string patch(input);
  try {
    addrbook::detail::compact_json(target, Document::max_depth);
    addrbook::detail::compact_json(patch, Document::max_depth);
  } catch (const Error&) {
    return 0;
  }
  check_merge(target, patch);
  if (JsonSpan(patch).is(JsonSpan::Kind::array)) check_patch(target, patch);
  return 0;
}
