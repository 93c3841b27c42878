/// NDJSON: one address a line.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Newline-delimited JSON, also called JSON Lines: `application/x-ndjson`, `.ndjson`. Each line is
/// one address of any shape, in UTF-8; it ends with LF or CR LF, the last one also without. Lines
/// of white space are passed over, and so is a byte order mark. A line that is no address fails
/// with its number and the offset of the byte that is wrong; each text is of this format.
///
/// What is written is each address as its text and LF.
[[nodiscard]] inline std::shared_ptr<const Format> ndjson();

// ---------------------------------------------------------------------------------------------

namespace detail {

class NdjsonReader final : public RecordReader {
 public:
  NdjsonReader(RecordSink& sink, const ReadLimits& limits) : sink_(sink), limits_(limits) {}

  void read(std::string_view bytes) override {
    for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      if (begun_.empty() && !is_too_long_) {
        take_line(std::string(bytes.substr(0, end)));
      } else {
        keep(bytes.substr(0, end));
        end_line();
      }
      ++line_;
      bytes.remove_prefix(end + 1);
    }
    keep(bytes);
  }
  void finish() override { end_line(); }

  [[nodiscard]] std::size_t memory() const noexcept override { return begun_.capacity(); }

 private:
  inline void keep(std::string_view bytes);
  inline void take_line(std::string line);
  void end_line() {
    if (!std::exchange(is_too_long_, false)) take_line(std::exchange(begun_, {}));
  }
  void fail_as_too_long() {
    sink_.failed({{next_++, line_},
                  "a line of more than " + std::to_string(limits_.max_record_bytes) + " bytes"});
  }

  RecordSink& sink_;
  ReadLimits limits_;
  std::string begun_;         // a line whose end has not arrived
  bool is_too_long_ = false;  // that line has failed, and is passed over
  std::uint64_t line_ = 1;
  std::uint64_t next_ = 0;  // index
};

/// Keeps the beginning of a line.
inline void NdjsonReader::keep(std::string_view bytes) {
  if (is_too_long_) return;
  if (bytes.size() <= limits_.max_record_bytes - begun_.size()) {
    begun_.append(bytes);
    return;
  }
  is_too_long_ = true;
  begun_ = std::string();
  fail_as_too_long();
}

inline void NdjsonReader::take_line(std::string line) {
  if (line.size() > limits_.max_record_bytes) return fail_as_too_long();
  if (line_ == 1 && line.compare(0, 3, "\xEF\xBB\xBF") == 0) line.erase(0, 3);
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  const RecordPlace place{next_++, line_};
  std::optional<Document> document;  // what the sink throws is no fault of the line
  try {
    document = Document::parse(std::move(line));
  } catch (const Error& error) {
    sink_.failed({place, error.what()});
    return;
  }
  sink_.record({place, std::move(*document), {}});
}

class NdjsonWriter final : public RecordWriter {
 public:
  void write(const Entry& entry, std::string& to) override {
    to.append(entry.document.text()) += '\n';
  }
};

class Ndjson final : public Format {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "ndjson"; }
  [[nodiscard]] std::vector<std::string_view> media_types() const override {
    return {"application/x-ndjson", "application/ndjson", "application/jsonl",
            "application/x-jsonlines", "application/jsonlines"};
  }
  [[nodiscard]] std::vector<std::string_view> suffixes() const override {
    return {".ndjson", ".jsonl"};
  }
  [[nodiscard]] std::string content_type(const WriteOptions& /*options*/) const override {
    return "application/x-ndjson";
  }
  [[nodiscard]] std::unique_ptr<RecordReader> reader(RecordSink& sink,
                                                     const ReadLimits& limits) const override {
    return std::make_unique<NdjsonReader>(sink, limits);
  }
  [[nodiscard]] std::unique_ptr<RecordWriter> writer(const WriteOptions&) const override {
    return std::make_unique<NdjsonWriter>();
  }
};

}  // namespace detail

inline std::shared_ptr<const Format> ndjson() {
  return std::make_shared<detail::Ndjson>();
}

}  // namespace addrbook
