/// JSON: addresses as an array, or as the book's list.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/json_splitter.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// JSON (RFC 8259), `application/json`, `.json`. Three forms are read:
///
/// - `[{address}, ...]`
/// - `{"<id>": {address}, ...}`, as GET of a book answers: each member's name is Record::id
/// - `[{"id": "..", "revision": 7, "created_at": "..", "updated_at": "..", "address": {..}}, ...]`,
///   as a query answers. For such counts an element that has a string `id` and an object `address`,
///   and no other members than these five.
///
/// What is no address, or has no valid id (is_valid_id()), fails alone, with the line in which it
/// begins, and offsets from there.
///
/// What is written is the second form; one address alone, if that is asked for.
[[nodiscard]] inline std::shared_ptr<const Format> json_list();

// ---------------------------------------------------------------------------------------------

namespace detail {

class JsonListReader final : public RecordReader {
 public:
  JsonListReader(RecordSink& sink, const ReadLimits& limits)
      : sink_(sink),
        splitter_([this](JsonPart part) { take(std::move(part)); }, sink, limits,
                  JsonSplitter::Objects::members) {}

  void read(std::string_view bytes) override { splitter_.read(bytes); }
  void finish() override { splitter_.finish(); }
  [[nodiscard]] std::size_t memory() const noexcept override { return splitter_.memory(); }

 private:
  inline void take(JsonPart part);
  [[nodiscard]] static inline bool unwrap(Record& record);

  RecordSink& sink_;
  JsonSplitter splitter_;
};

inline void JsonListReader::take(JsonPart part) {
  Record record;
  record.place = part.place;
  try {
    record.document = Document::parse(std::move(part.text));
  } catch (const Error& error) {
    sink_.failed({part.place, error.what()});
    return;
  }
  if (part.key) record.id = std::move(*part.key);
  if ((part.key || unwrap(record)) && !is_valid_id(record.id)) {
    sink_.failed({part.place, "no valid id: 1 to 64 letters, digits and '-'"});
    return;
  }
  sink_.record(std::move(record));
}

/// Takes an address out of the form of a query's answer.
/// @returns whether it was in that
inline bool JsonListReader::unwrap(Record& record) {
  constexpr std::string_view others[] = {"revision", "created_at", "updated_at"};
  std::optional<JsonSpan> id;
  std::optional<JsonSpan> address;
  auto members = JsonSpan(record.document.text()).children();
  while (const auto member = members.next()) {
    if (member->raw_name == "id" && member->value().is(JsonSpan::Kind::string)) {
      id = member->value();
    } else if (member->raw_name == "address" && member->value().is(JsonSpan::Kind::object)) {
      address = member->value();
    } else if (std::find(std::begin(others), std::end(others), member->raw_name) ==
               std::end(others)) {
      return false;
    }
  }
  if (!id || !address) return false;
  record.id = id->string();
  record.document = Document::trusted(std::string(address->text()));
  return true;
}

class JsonListWriter final : public RecordWriter {
 public:
  void write(const Entry& entry, std::string& to) override {
    to.append(is_begun_ ? ",\"" : "{\"").append(entry.id).append("\":");
    to.append(entry.document.text());
    is_begun_ = true;
  }
  void end(std::string& to) override { to.append(is_begun_ ? "}" : "{}"); }

 private:
  bool is_begun_ = false;
};

class JsonTextWriter final : public RecordWriter {
 public:
  void write(const Entry& entry, std::string& to) override { to.append(entry.document.text()); }
};

class JsonList final : public Format {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "json"; }
  [[nodiscard]] std::vector<std::string_view> media_types() const override {
    return {"application/json"};
  }
  [[nodiscard]] std::vector<std::string_view> suffixes() const override { return {".json"}; }
  [[nodiscard]] std::string content_type(const WriteOptions& /*options*/) const override {
    return "application/json; charset=UTF-8";
  }
  [[nodiscard]] std::unique_ptr<RecordReader> reader(RecordSink& sink,
                                                     const ReadLimits& limits) const override {
    return std::make_unique<JsonListReader>(sink, limits);
  }
  [[nodiscard]] std::unique_ptr<RecordWriter> writer(const WriteOptions& options) const override {
    if (options.is_single) return std::make_unique<JsonTextWriter>();
    return std::make_unique<JsonListWriter>();
  }
};

}  // namespace detail

inline std::shared_ptr<const Format> json_list() {
  return std::make_shared<detail::JsonList>();
}

}  // namespace addrbook
