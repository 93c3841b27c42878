/// VCardReader and VCardWriter: a byte chooses the pieces, another the limit of a card. The rest is
/// a file.
#include "support.hpp"

#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_reader.hpp>
#include <addrbook/formats/vcard_writer.hpp>
#include <support/vcard_text.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using addrbook::ReadLimits;
using addrbook::detail::VCard;
using addrbook::detail::VCardReader;
using addrbook::detail::VCardWriter;
using fuzz::check;
using fuzz::check_equal;

namespace {

/// Reads a file in pieces of random sizes.
/// @param seed  0: all at once
/// @returns  whether it is one of vCards
bool read(std::string_view file, unsigned seed, const ReadLimits& limits, test::KeptCards& kept) {
  VCardReader reader(kept, limits);
  while (!file.empty()) {
    const std::size_t size = seed == 0 ? file.size() : 1 + (seed >> 4U) % (1 + (seed & 0xFU) * 8);
    seed = seed == 0 ? 0 : (seed * 1103515245U + 12345U) % 0x7FFFFFFFU + 1U;
    reader.read(file.substr(0, size));
    file.remove_prefix(size < file.size() ? size : file.size());
    check(reader.memory() <= 2 * limits.max_record_bytes + 100, "a card is what is held at most");
  }
  try {
    reader.finish();
  } catch (const addrbook::Error& error) {
    check(error.code() == addrbook::Errc::invalid, "a refusal is Error{invalid}");
    check(kept.cards.empty() && kept.failures.empty(), "what is refused has no cards");
    return false;
  }
  return true;
}

void check_lines(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = fuzz::take_until(text, "\r\n");
    check(line.size() <= 75, "lines are folded");
    check(line.find_first_of("\r\n") == std::string_view::npos, "all line ends are CRLF");
  }
}

bool has(const VCard& card, std::string_view name) {
  for (const auto& property : card.properties) {
    if (property.name == name) return true;
  }
  return false;
}

/// Writes a card and reads it again.
void check_back(const VCard& card, VCardWriter::Version version) {
  std::string text;
  VCardWriter(version).write(card, text);
  check(addrbook::detail::is_utf8(text), "what is written is UTF-8");
  check_lines(text);
  test::KeptCards kept;
  check(read(text, 0, ReadLimits(), kept), "what is written can be read");
  check(kept.failures.empty() && kept.warnings.empty(), "and nothing is wrong with it");
  check(kept.cards.size() == 1, "and it is one card");
  VCard& back = kept.cards.front();
  if (version == VCardWriter::Version::v3) {
    check(has(back, "N") && has(back, "FN"), "3.0 has N and FN");
    for (const char* const name : {"N", "FN"}) {
      if (has(card, name)) continue;
      check_equal(back.properties.front().name, name, "what 3.0 adds stands first");
      back.properties.erase(back.properties.begin());
    }
  }
  check_equal(test::text_of(back), test::text_of(card), "and it is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned seed = 1U + data[0] * 257U;
  ReadLimits limits;
  if (data[1] % 4 == 0) limits.max_record_bytes = data[1];
  const std::string_view file = fuzz::text(data + 2, size - 2);

  test::KeptCards whole;
  test::KeptCards pieces;
  const bool is_vcard = read(file, 0, limits, whole);
  check(read(file, seed, limits, pieces) == is_vcard, "pieces do not change whether it is one");
  check_equal(test::text_of(pieces), test::text_of(whole), "pieces do not change the cards");
  for (const VCard& card : whole.cards) {
    check_back(card, VCardWriter::Version::v4);
    check_back(card, VCardWriter::Version::v3);
  }
  return 0;
}
