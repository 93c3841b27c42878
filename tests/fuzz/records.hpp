/// What the targets of formats share: a sink, and what holds of every reader.
#pragma once

#include "support.hpp"

#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/json/strings.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fuzz {

/// Keeps what a reader finds, and checks its order.
class Records final : public addrbook::RecordSink {
 public:
  std::vector<addrbook::Record> records;
  std::vector<std::string> all;  ///< each call as a text
  std::uint64_t count = 0;       ///< of records, those that failed included
  std::uint64_t failures = 0;

  void record(addrbook::Record record) override {
    check_place(record.place, true);
    check(addrbook::Document::parse(record.document.text()) == record.document,
          "a record is a document");
    all.push_back(std::to_string(record.place.line) + record.id + record.document.text());
    records.push_back(std::move(record));
  }
  void failed(addrbook::RecordProblem problem) override {
    ++failures;
    check_place(problem.place, true);
    take("failed ", problem);
  }
  void warning(addrbook::RecordProblem problem) override {
    check_place(problem.place, false);
    take("warning ", problem);
  }

 private:
  void check_place(const addrbook::RecordPlace& place, bool is_whole) {
    check_equal(place.index, count, "indexes follow each other");
    check(place.line >= line_, "lines do not go back");
    line_ = place.line;
    if (is_whole) ++count;
  }
  void take(const char* what, const addrbook::RecordProblem& problem) {
    check(!problem.message.empty() && problem.message.size() < 1000, "a message is a sentence");
    check(addrbook::detail::is_utf8(problem.message), "a message is UTF-8");
    all.push_back(what + std::to_string(problem.place.line) + problem.message);
  }

  std::uint64_t line_ = 1;
};

/// Reads a text in pieces of `size` bytes. What it is refused with is the last text of `all`.
inline void read_text(const addrbook::Format& format, std::string_view text, std::size_t size,
                      std::size_t max_record_bytes, Records& to) {
  addrbook::ReadLimits limits;
  limits.max_record_bytes = max_record_bytes;
  const auto reader = format.reader(to, limits);
  try {
    for (std::size_t at = 0; at < text.size(); at += size) {
      reader->read(text.substr(at, size));
      check(reader->memory() <= 2 * max_record_bytes + 64, "what is held is bounded");
    }
    reader->finish();
  } catch (const addrbook::Error& error) {
    check(error.code() == addrbook::Errc::invalid, "a refusal is Error{invalid}");
    check(to.all.empty(), "a refusal comes before the first record");
    check(addrbook::detail::is_utf8(error.what()), "a refusal is UTF-8");
    to.all.emplace_back(error.what());
  }
}

/// Checks that a text says the same in any cut.
/// @returns what it says
inline Records& read_in_each_cut(const addrbook::Format& format, std::string_view text,
                                 std::size_t max_record_bytes, Records& whole) {
  read_text(format, text, text.size() + 1, max_record_bytes, whole);
  for (const std::size_t size : {1U, 7U}) {
    Records cut;
    read_text(format, text, size, max_record_bytes, cut);
    check(cut.all == whole.all, "each cut of a text says the same");
  }
  return whole;
}

}  // namespace fuzz
