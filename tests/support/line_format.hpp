/// A format for tests of everything around formats: an address a line.
///
///     {"name":"Ada Example"}
///     id=ada {"name":"Ada Example"}      with the id of an entry
///     ~{"name":"Ada Example"}            with a warning
///
/// An input that begins with "%" is not of this format.
#pragma once

#include <addrbook/format.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

class LineReader final : public addrbook::RecordReader {
 public:
  explicit LineReader(addrbook::RecordSink& sink) : sink_(sink) {}

  void read(std::string_view bytes) override {
    for (const char c : bytes) {
      if (c != '\n') {
        line_ += c;
        continue;
      }
      take(std::exchange(line_, {}));
    }
  }
  void finish() override {
    if (!line_.empty()) take(std::move(line_));
  }
  [[nodiscard]] std::size_t memory() const noexcept override { return line_.capacity(); }

 private:
  void take(std::string line) {
    if (place_.index == 0 && line[0] == '%') {
      throw addrbook::Error(addrbook::Errc::invalid, "The input is not lines");
    }
    addrbook::Record record;
    record.place = place_;
    if (!line.empty() && line[0] == '~') {
      sink_.warning({place_, "A tilde is lost"});
      line.erase(0, 1);
    }
    if (line.compare(0, 3, "id=") == 0) {
      record.id = line.substr(3, line.find(' ') - 3);
      line.erase(0, line.find(' ') + 1);
    }
    ++place_.index;
    ++place_.line;
    try {
      record.document = addrbook::Document::parse(std::move(line));
    } catch (const addrbook::Error& error) {
      return sink_.failed({record.place, error.what()});
    }
    sink_.record(std::move(record));
  }

  addrbook::RecordSink& sink_;
  addrbook::RecordPlace place_;
  std::string line_;
};

/// Version "2" writes ids, version "1" does not. One entry alone has no line break.
class LineWriter final : public addrbook::RecordWriter {
 public:
  explicit LineWriter(const addrbook::WriteOptions& options)
      : has_ids_(options.version != "1"), is_single_(options.is_single) {}

  void write(const addrbook::Entry& entry, std::string& to) override {
    if (has_ids_) to.append("id=").append(entry.id).append(" ");
    to.append(entry.document.text());
    if (!is_single_) to += '\n';
  }

 private:
  bool has_ids_;
  bool is_single_;
};

class LineFormat final : public addrbook::Format {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "lines"; }
  [[nodiscard]] std::vector<std::string_view> media_types() const override {
    return {"text/x-lines", "application/x-lines"};
  }
  [[nodiscard]] std::vector<std::string_view> suffixes() const override { return {".lines"}; }
  [[nodiscard]] std::vector<std::string_view> versions() const override { return {"2", "1"}; }
  [[nodiscard]] std::string content_type(const addrbook::WriteOptions& options) const override {
    return "text/x-lines; version=" + std::string(options.version.empty() ? "2" : options.version);
  }
  [[nodiscard]] std::unique_ptr<addrbook::RecordReader> reader(
      addrbook::RecordSink& sink, const addrbook::ReadLimits& /*limits*/) const override {
    return std::make_unique<LineReader>(sink);
  }
  [[nodiscard]] std::unique_ptr<addrbook::RecordWriter> writer(
      const addrbook::WriteOptions& options) const override {
    return std::make_unique<LineWriter>(options);
  }
};

[[nodiscard]] inline std::shared_ptr<const addrbook::Format> line_format() {
  return std::make_shared<LineFormat>();
}

}  // namespace test
