/// ndjson(). What it finds is held against the lines, one by one.
#include "records.hpp"

#include <addrbook/ndjson.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using addrbook::Document;
using fuzz::check;
using fuzz::check_equal;
using fuzz::Records;

namespace {

constexpr std::size_t ample = 100000;

/// Whether a line is an address by itself.
bool is_address(std::string_view line) {
  try {
    static_cast<void>(Document::parse(std::string(line)));
    return true;
  } catch (const addrbook::Error&) {
    return false;
  }
}

void check_lines(std::string_view text, const Records& found) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  std::uint64_t addresses = 0;
  std::uint64_t others = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ++(is_address(line) ? addresses : others);
  }
  check_equal(std::uint64_t{found.records.size()}, addresses, "each address is a record");
  check_equal(found.failures, others, "each other line fails");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  Records found;
  fuzz::read_in_each_cut(*addrbook::ndjson(), text, ample, found);
  check_lines(text, found);
  std::string out;
  const auto writer = addrbook::ndjson()->writer({});
  for (const auto& record : found.records) {
    addrbook::Entry entry;
    entry.document = record.document;
    writer->write(entry, out);
  }
  Records again;
  fuzz::read_text(*addrbook::ndjson(), out, ample, ample, again);
  check(again.failures == 0 && again.count == found.records.size(), "what is written is read");
  Records small;
  fuzz::read_in_each_cut(*addrbook::ndjson(), text, 16, small);
  return 0;
}
