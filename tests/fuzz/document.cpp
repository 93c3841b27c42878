/// Document::parse() against nlohmann::json, the input being the text.
#include "support.hpp"

#include <addrbook/document.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using addrbook::Document;
using addrbook::Errc;
using addrbook::Error;
using fuzz::check;
using fuzz::check_equal;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

/// Calls `visit(c, is_in_string)` for every byte; quotes count as inside.
template <class Visit>
void for_each_byte(std::string_view text, Visit visit) {
  bool is_in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      visit(text[i], true);
      is_in_string = !is_in_string;
    } else {
      visit(text[i], is_in_string);
      if (is_in_string && text[i] == '\\' && i + 1 < text.size()) visit(text[++i], true);
    }
  }
}

std::string without_white_space(std::string_view text) {
  std::string compact;
  for_each_byte(text, [&](char c, bool is_in_string) {
    if (is_in_string || std::string_view(" \t\r\n").find(c) == std::string_view::npos) compact += c;
  });
  return compact;
}

/// The text with numbers that any double can hold: what nlohmann judges is the grammar then. Digits
/// of exponents become 0, long runs of digits shorter.
std::string with_small_numbers(std::string_view text) {
  constexpr std::size_t longest_run = 100;
  std::string tame;
  std::size_t run = 0;
  bool is_exponent = false;
  for_each_byte(text, [&](char c, bool is_in_string) {
    if (!is_in_string && c >= '0' && c <= '9') {
      if (++run <= longest_run) tame += is_exponent ? '0' : c;
      return;
    }
    run = 0;
    is_exponent =
        !is_in_string && (c == 'e' || c == 'E' || (is_exponent && (c == '+' || c == '-')));
    tame += c;
  });
  return tame;
}

/// What nlohmann tells of a text beside its being JSON.
struct Facts : nlohmann::json_sax<json> {
  bool is_object = false;
  bool has_name_twice = false;
  std::size_t depth = 0;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    is_object = is_object || names_.empty();
    return open();
  }
  bool start_array(std::size_t) override { return open(); }
  bool key(string_t& name) override {
    has_name_twice = !names_.back().insert(name).second || has_name_twice;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  bool open() {
    names_.emplace_back();
    depth = (std::max)(depth, names_.size());
    return true;
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> names_;
};

/// nlohmann's tree; nothing where it has none.
template <class Json>
std::optional<Json> tree_of(const std::string& text) {
  Json tree = Json::parse(text, nullptr, false);
  return tree.is_discarded() ? std::nullopt : std::optional<Json>(std::move(tree));
}

void check_refusal(const Error& error, const std::string& text, bool is_json, const Facts& facts) {
  const std::string message = error.what();
  check(error.code() == Errc::invalid, "a refusal is Error{invalid}");
  constexpr std::string_view at = " at byte ";
  const auto found = message.rfind(at);
  if (found == std::string::npos) {
    check_equal(message, "an address must be a JSON object", "a refusal without offset");
    check(is_json && !facts.is_object, "it is JSON and no object");
  } else {
    const std::string offset = message.substr(found + at.size());
    check(!offset.empty() && offset.find_first_not_of("0123456789") == std::string::npos,
          "the offset is a number");
    check(std::stoull(offset) <= text.size(), "the offset is within the text");
  }
  check(std::all_of(message.begin(), message.end(), [](char c) { return c >= 0x20 && c < 0x7f; }),
        "a refusal is plain ASCII");
}

template <class Json>
void check_tree(const Document& document, const std::string& text) {
  const auto expected = tree_of<Json>(text);
  std::optional<Json> tree;
  try {
    tree = document.json<Json>();
  } catch (const Error& error) {
    check(error.code() == Errc::invalid, "no tree is Error{invalid}");
  }
  check(tree == expected, "json() gives nlohmann's tree");
  if (tree) check(Document(*tree).json<Json>() == *tree, "a Document of a tree gives that tree");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text(data, size));
  const std::string tame = with_small_numbers(text);
  Facts facts;
  const bool is_json = json::sax_parse(tame, &facts);
  check(is_json == json::accept(tame), "accept() and sax_parse() agree");
  // In these nlohmann differs: it takes NUL for the end and skips a byte order mark.
  const bool expected =
      is_json && facts.is_object && !facts.has_name_twice && facts.depth <= Document::max_depth &&
      text.find('\0') == std::string::npos && text.compare(0, 3, "\xEF\xBB\xBF") != 0;

  std::optional<Document> document;
  try {
    document = Document::parse(text);
  } catch (const Error& error) {
    check_refusal(error, text, is_json, facts);
  }
  check(document.has_value() == expected, "parse() accepts what nlohmann does");
  if (!document) return 0;

  check_equal(document->text(), without_white_space(text), "only white space is taken out");
  check(Document::parse(document->text()) == *document, "compaction is idempotent");
  check_tree<json>(*document, text);
  check_tree<ordered_json>(*document, text);
  return 0;
}
