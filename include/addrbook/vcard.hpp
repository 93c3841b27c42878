/// vCard: contacts as phones and mail programs keep them.
#pragma once

#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/card_from_vcard.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/contact_card.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/formats/vcard_from_card.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_reader.hpp>
#include <addrbook/formats/vcard_writer.hpp>

#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// vCard, `text/vcard`, `.vcf`. Versions 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350) are read as
/// programs write them, and become Cards of JSContact (RFC 9553) as RFC 9555 says. 4.0 is written,
/// and 3.0 if that is asked for: a Card as RFC 9555 says, any other address as read_contact() reads
/// it.
///
/// A date with a time but no zone is that day, and one of the year 0, or with Apple's
/// X-APPLE-OMIT-YEAR, is of no year; TYPE=twitter of an X-SOCIALPROFILE is its service, and a
/// nickname or anniversary in Android's X-ANDROID-CUSTOM is one.
///
/// A vCard that comes in goes out again with nothing lost. A Card that goes out and comes in again
/// has lost only its members that are null, and values that are JSContact's defaults; and CR LF in
/// a text is LF.
[[nodiscard]] inline std::shared_ptr<const Format> vcard();

// ---------------------------------------------------------------------------------------------

namespace detail {

/// Makes a record of each vCard.
class VCardRecordReader final : public RecordReader {
 public:
  VCardRecordReader(RecordSink& sink, const ReadLimits& limits)
      : cards_(sink, limits), reader_(cards_, limits) {}

  void read(std::string_view bytes) override { reader_.read(bytes); }
  void finish() override { reader_.finish(); }
  [[nodiscard]] std::size_t memory() const noexcept override { return reader_.memory(); }

 private:
  class Cards final : public VCardSink {
   public:
    Cards(RecordSink& sink, const ReadLimits& limits) noexcept : sink_(sink), budget_(limits) {}

    void card(VCard card, const RecordPlace& place) override {
      Record record;
      record.place = place;
      try {
        record.document = card_from_vcard(card, budget_);
      } catch (const Error& error) {
        sink_.failed({place, error.what()});
        return;
      }
      sink_.record(std::move(record));
    }
    void failed(RecordProblem problem) override { sink_.failed(std::move(problem)); }
    void warning(RecordProblem problem) override { sink_.warning(std::move(problem)); }

   private:
    RecordSink& sink_;
    RecordBudget budget_;  // of each record
  };

  Cards cards_;
  VCardReader reader_;
};

class VCardRecordWriter final : public RecordWriter {
 public:
  explicit VCardRecordWriter(VCardWriter::Version version) noexcept : writer_(version) {}

  void write(const Entry& entry, std::string& to) override {
    const auto through_text = [this](const VCard& vcard) { return read_again(vcard); };
    std::vector<RawMember> raw;
    VCard vcard = vcard_from_card(contact_card(entry, raw), through_text);
    for (const RawMember& member : raw) {
      if (is_vcard_text(member.name)) add_jsprop(vcard, {member.name}, member.value.text());
    }
    writer_.write(vcard, to);
  }

 private:
  /// The last card that was read.
  class Last final : public VCardSink {
   public:
    void card(VCard card, const RecordPlace& /*place*/) override { card_ = std::move(card); }
    void failed(RecordProblem /*problem*/) override {}
    void warning(RecordProblem /*problem*/) override {}

    [[nodiscard]] VCard take() noexcept { return std::move(card_); }

   private:
    VCard card_;
  };

  /// @returns what a reader makes of the text of a card
  [[nodiscard]] VCard read_again(const VCard& vcard) const {
    std::string text;
    writer_.write(vcard, text);
    Last last;
    VCardReader reader(last, {(std::numeric_limits<std::size_t>::max)()});
    reader.read(text);
    reader.finish();
    return last.take();
  }

  VCardWriter writer_;
};

class VCardFormat final : public Format {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "vcf"; }
  [[nodiscard]] std::vector<std::string_view> media_types() const override {
    return {"text/vcard", "text/x-vcard", "text/directory", "application/vcard"};
  }
  [[nodiscard]] std::vector<std::string_view> suffixes() const override {
    return {".vcf", ".vcard"};
  }
  [[nodiscard]] std::vector<std::string_view> versions() const override { return {"4.0", "3.0"}; }
  [[nodiscard]] std::string content_type(const WriteOptions& options) const override {
    return std::string("text/vcard; charset=utf-8; version=") + (is_old(options) ? "3.0" : "4.0");
  }
  [[nodiscard]] std::unique_ptr<RecordReader> reader(RecordSink& sink,
                                                     const ReadLimits& limits) const override {
    return std::make_unique<VCardRecordReader>(sink, limits);
  }
  [[nodiscard]] std::unique_ptr<RecordWriter> writer(const WriteOptions& options) const override {
    return std::make_unique<VCardRecordWriter>(is_old(options) ? VCardWriter::Version::v3
                                                               : VCardWriter::Version::v4);
  }

 private:
  [[nodiscard]] static bool is_old(const WriteOptions& options) noexcept {
    return options.version == "3.0";
  }
};

}  // namespace detail

inline std::shared_ptr<const Format> vcard() {
  return std::make_shared<detail::VCardFormat>();
}

}  // namespace addrbook
