/// JSContact: contacts as Cards of RFC 9553.
#pragma once

#include <addrbook/contacts/identity.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/card_check.hpp>
#include <addrbook/formats/contact_card.hpp>
#include <addrbook/formats/json_splitter.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/json/tree.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// JSContact (RFC 9553), `application/jscontact+json;version=1.0`, `.jscontact`: a Card, or an
/// array of them. Each that is read is checked; what is not as the RFC says fails alone, with the
/// line in which the Card begins and a JSON pointer in it. Cards are kept as they are.
///
/// An array is written, or one Card alone, if that is asked for. An address that is no Card becomes
/// one as read_contact() reads it.
[[nodiscard]] inline std::shared_ptr<const Format> jscontact();

/// For formats of a program's own: an entry as what a RecordWriter of Cards writes.
/// @returns the address itself if it is a Card with a `uid` and a `version`; else with these, or a
///          Card of what read_contact() finds in it. Its `uid` is entry_uid()
[[nodiscard]] inline Document entry_card(const Entry& entry);

/// @returns the UID with which an entry goes out, so that it is found when it comes in again: the
///          contact's own `uid`, if that is a text and not empty, else one that stands for the
///          entry's id
[[nodiscard]] inline std::string entry_uid(const Entry& entry);

/// For formats whose records have no UID.
/// @returns a UID for a record, `urn:uuid:...`: the same for the same content, so that a file that
///          comes in again creates nothing
[[nodiscard]] inline std::string uid_of_content(std::string_view content);

// ---------------------------------------------------------------------------------------------

namespace detail {

class JsContactReader final : public RecordReader {
 public:
  JsContactReader(RecordSink& sink, const ReadLimits& limits)
      : sink_(sink),
        budget_(limits),
        splitter_([this](JsonPart part) { take(std::move(part)); }, sink, limits,
                  JsonSplitter::Objects::whole) {}

  void read(std::string_view bytes) override { splitter_.read(bytes); }
  void finish() override { splitter_.finish(); }
  [[nodiscard]] std::size_t memory() const noexcept override { return splitter_.memory(); }

 private:
  void take(JsonPart part) {
    Record record;
    record.place = part.place;
    try {
      record.document = Document::parse(std::move(part.text));
      RecordBudget budget = budget_;
      budget.spend(tree_bytes(record.document.text()), "too many parts");
    } catch (const Error& error) {
      sink_.failed({part.place, error.what()});
      return;
    }
    const auto problem = card_problem(JsonTree(JsonSpan(record.document.text())));
    if (problem) {
      sink_.failed({part.place, "not a Card: " + *problem});
    } else {
      sink_.record(std::move(record));
    }
  }

  RecordSink& sink_;
  RecordBudget budget_;  // of each record
  JsonSplitter splitter_;
};

class JsContactWriter final : public RecordWriter {
 public:
  explicit JsContactWriter(bool is_single) noexcept : is_single_(is_single) {}

  void write(const Entry& entry, std::string& to) override {
    if (!is_single_) to += std::exchange(is_begun_, true) ? ',' : '[';
    append_contact_card(entry, to);
  }
  void end(std::string& to) override {
    if (!is_single_) to += is_begun_ ? "]" : "[]";
  }

 private:
  bool is_single_;
  bool is_begun_ = false;
};

class JsContact final : public Format {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "jscontact"; }
  [[nodiscard]] std::vector<std::string_view> media_types() const override {
    return {"application/jscontact+json"};
  }
  [[nodiscard]] std::vector<std::string_view> suffixes() const override {
    return {".jscontact", ".jscard"};
  }
  [[nodiscard]] std::string content_type(const WriteOptions& /*options*/) const override {
    return "application/jscontact+json;version=1.0";
  }
  [[nodiscard]] std::unique_ptr<RecordReader> reader(RecordSink& sink,
                                                     const ReadLimits& limits) const override {
    return std::make_unique<JsContactReader>(sink, limits);
  }
  [[nodiscard]] std::unique_ptr<RecordWriter> writer(const WriteOptions& options) const override {
    return std::make_unique<JsContactWriter>(options.is_single);
  }
};

}  // namespace detail

inline Document entry_card(const Entry& entry) {
  std::string text;
  detail::append_contact_card(entry, text);
  return Document::parse(std::move(text));
}

inline std::string entry_uid(const Entry& entry) {
  return detail::uid_of(entry);
}

inline std::string uid_of_content(std::string_view content) {
  return detail::content_uid(content);
}

inline std::shared_ptr<const Format> jscontact() {
  return std::make_shared<detail::JsContact>();
}

}  // namespace addrbook
