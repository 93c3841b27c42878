/// Cards of JSContact and vCards: any Card survives as a vCard of either version, and any vCard
/// gives a Card that does.
#include "support.hpp"

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/card_check.hpp>
#include <addrbook/formats/card_patch.hpp>
#include <addrbook/formats/contact_card.hpp>
#include <addrbook/jscontact.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/json/tree.hpp>
#include <addrbook/vcard.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::Document;
using addrbook::Entry;
using addrbook::Error;
using addrbook::Format;
using addrbook::Record;
using addrbook::RecordProblem;
using addrbook::detail::JsonSpan;
using addrbook::detail::JsonTree;
using fuzz::check;
using fuzz::check_equal;

namespace {

class Kept final : public addrbook::RecordSink {
 public:
  std::vector<std::string> texts;

  void record(Record record) override { texts.push_back(record.document.text()); }
  void failed(RecordProblem problem) override { texts.push_back("failed: " + problem.message); }
  void warning(RecordProblem /*problem*/) override {}
};

std::vector<std::string> read(const Format& format, std::string_view input, std::size_t piece) {
  Kept kept;
  try {
    const auto reader = format.reader(kept, {});
    for (std::size_t at = 0; at < input.size(); at += piece) reader->read(input.substr(at, piece));
    reader->finish();
  } catch (const Error& error) {
    check(error.code() == addrbook::Errc::invalid, "what is refused is invalid");
    check(kept.texts.empty(), "what is refused has no records");
  }
  return std::move(kept.texts);
}

std::string written(const Format& format, const Document& document, std::string_view version) {
  Entry entry;
  entry.id = "id";
  entry.document = document;
  std::string text;
  const auto writer = format.writer({version, true});
  writer->begin(text);
  writer->write(entry, text);
  writer->end(text);
  return text;
}

void check_card(const Document& address) {
  const auto vcard = addrbook::vcard();
  const auto jscontact = addrbook::jscontact();
  Entry entry;
  entry.id = "id";
  entry.document = address;
  std::vector<addrbook::detail::RawMember> raw;
  JsonTree card = addrbook::detail::contact_card(entry, raw);
  if (!raw.empty()) return;
  addrbook::detail::replace_cr_lf(card);
  const bool is_right = !addrbook::detail::card_problem(card);
  for (const std::string_view version : {"4.0", "3.0"}) {
    const std::string text = written(*vcard, address, version);
    const auto read_again = read(*vcard, text, text.size());
    check(read_again.size() == 1, "a vCard that is written is one");
    check(read_again[0].substr(0, 1) == "{", "it can be read");
    const JsonTree back{JsonSpan(read_again[0])};
    for (const auto& change : addrbook::detail::card_difference(back, card)) {
      const bool is_said = change.path.size() > 1 || !change.value.is(JsonTree::Kind::null);
      if (is_said) std::cerr << text << read_again[0] << '\n' << change.value.dump() << '\n';
      check(!is_said || !addrbook::detail::is_vcard_text(change.path.front()) ||
                change.path.front() == "@type",
            "a Card survives as a vCard");
    }
    if (is_right) check(!addrbook::detail::card_problem(back), "a right Card stays right");
  }
  if (!is_right) return;
  const std::string text = written(*jscontact, address, "");
  const auto again = read(*jscontact, text, text.size());
  check(again.size() == 1, "a Card that is written is one");
  check_equal(again[0], text, "and the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text(data, size);
  const auto cards = read(*addrbook::jscontact(), input, input.size() + 1);
  check(read(*addrbook::jscontact(), input, 3) == cards, "pieces change nothing");
  for (const std::string& document : read(*addrbook::vcard(), input, input.size() + 1)) {
    if (document.substr(0, 1) == "{") check_card(Document::parse(document));
  }
  try {
    check_card(Document::parse(std::string(input)));
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
