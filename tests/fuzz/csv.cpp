/// csv(), the input being a table; or a Card, which goes out and in again.
#include "records.hpp"

#include <addrbook/csv.hpp>
#include <addrbook/json/effort.hpp>
#include <addrbook/json/equality.hpp>
#include <addrbook/json/spans.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using addrbook::Document;
using addrbook::detail::JsonSpan;
using fuzz::check;
using fuzz::check_equal;
using fuzz::Records;

namespace {

std::string written(const Document& document) {
  std::string text;
  const auto writer = addrbook::csv()->writer({});
  writer->begin(text);
  addrbook::Entry entry;
  entry.id = "x";
  entry.document = document;
  writer->write(entry, text);
  writer->end(text);
  return text;
}

/// Checks that a Card comes back with all its members, and without a warning, if it has a UID.
void check_round_trip(const Document& card) {
  constexpr std::size_t ample = 1000000;
  Records back;
  fuzz::read_text(*addrbook::csv(), written(card), ample, ample, back);
  check(back.records.size() == 1, "a Card that is written is read again: " + card.text());
  const JsonSpan read(back.records[0].document.text());
  addrbook::detail::Effort effort(ample * ample);
  auto members = JsonSpan(card.text()).children();
  while (const auto member = members.next()) {
    const auto same = read.member(member->name());
    check(same && are_equal(*same, member->value(), effort),
          "nothing of a Card is lost: " + card.text() + back.records[0].document.text());
  }
  for (const std::string& text : back.all) {
    check(text.find("Other") == std::string::npos || text.find("warning") != 0,
          "what is written is of one meaning");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  for (const std::size_t max_record_bytes : {std::size_t{64}, std::size_t{100000}}) {
    Records found;
    fuzz::read_in_each_cut(*addrbook::csv(), text, max_record_bytes, found);
    if (max_record_bytes < size || found.records.empty()) continue;
    check_round_trip(found.records.back().document);
  }
  std::optional<Document> document;
  try {
    document = Document::parse(std::string(text));
  } catch (const addrbook::Error&) {
    return 0;
  }
  const auto type = JsonSpan(document->text()).member("@type");
  const auto uid = JsonSpan(document->text()).member("uid");
  const bool is_card = type && type->string() == "Card" && uid && !uid->string().empty();
  if (is_card) {
    check_round_trip(*document);
  } else {
    Records back;
    fuzz::read_text(*addrbook::csv(), written(*document), size + 1, 1000000, back);
    check(back.failures == 0, "any address can be written and read");
  }
  return 0;
}
