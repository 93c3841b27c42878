/// A sink that keeps what a reader finds, and inputs cut in every way.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/format.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// Keeps each call as a line: "0 @1 {...}", "0 @1 id=x {...}", "1 @2 failed: ...",
/// "1 @2 warning: ...".
class KeptRecords final : public addrbook::RecordSink {
 public:
  std::vector<std::string> lines;

  void record(addrbook::Record record) override {
    const std::string id = record.id.empty() ? "" : "id=" + record.id + ' ';
    add(record.place, id + record.document.text());
  }
  void failed(addrbook::RecordProblem problem) override {
    add(problem.place, "failed: " + problem.message);
  }
  void warning(addrbook::RecordProblem problem) override {
    add(problem.place, "warning: " + problem.message);
  }
  void add(const addrbook::RecordPlace& place, const std::string& what) {
    lines.push_back(std::to_string(place.index) + " @" + std::to_string(place.line) + ' ' + what);
  }
};

using Lines = std::vector<std::string>;

/// Reads `input` in pieces of `size` bytes; `Reader` has read() and finish().
template <class Reader>
void read_in_pieces(Reader& reader, std::string_view input, std::size_t size) {
  for (std::size_t at = 0; at < input.size(); at += size) reader.read(input.substr(at, size));
  reader.finish();
}

/// What a format finds in `input`, which it is given in pieces of `size` bytes.
inline Lines records_of(const addrbook::Format& format, std::string_view input,
                        std::size_t size = std::string_view::npos,
                        const addrbook::ReadLimits& limits = {}) {
  KeptRecords kept;
  const auto reader = format.reader(kept, limits);
  if (size > input.size()) size = input.size() + 1;
  read_in_pieces(*reader, input, size);
  return kept.lines;
}

/// As records_of(), which is checked to be the same for each cut of the input.
inline Lines records_of_each_cut(const addrbook::Format& format, std::string_view input,
                                 const addrbook::ReadLimits& limits = {}) {
  Lines whole = records_of(format, input, std::string_view::npos, limits);
  for (std::size_t size = 1; size <= input.size(); ++size) {
    CHECK(records_of(format, input, size, limits) == whole);
  }
  return whole;
}

/// What a format writes of addresses; their ids are "id0", "id1", ...
inline std::string written(const addrbook::Format& format,
                           const std::vector<std::string>& addresses,
                           const addrbook::WriteOptions& options = {}) {
  std::string to;
  const auto writer = format.writer(options);
  writer->begin(to);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    addrbook::Entry entry;
    entry.id = "id" + std::to_string(i);
    entry.document = addrbook::Document::parse(addresses[i]);
    writer->write(entry, to);
  }
  writer->end(to);
  return to;
}

}  // namespace test
