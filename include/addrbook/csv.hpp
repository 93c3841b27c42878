/// CSV: contacts as the rows of a table.
#pragma once

#include <addrbook/contacts/words.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/csv_card.hpp>
#include <addrbook/formats/csv_columns.hpp>
#include <addrbook/formats/csv_reader.hpp>
#include <addrbook/formats/csv_text.hpp>
#include <addrbook/formats/record_budget.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// CSV (RFC 4180), `text/csv`, `.csv`, and what spreadsheets make of it: separated by `,`, `;` or
/// tabs, which the first line or `sep=;` tells, in UTF-8, UTF-16 or Windows-1252. The first row
/// names the columns; each other row becomes a JSContact Card (RFC 9553).
///
/// These columns are written, and read again:
///
/// - `UID`: `uid`
/// - `Name`: `name.full`
/// - `Name Prefix`, `First Name`, `Middle Name`, `Last Name`, `Name Suffix`: the components title,
///   given, given2, surname and credential of `name`
/// - `Nickname`: `nicknames`, with ` ::: ` between several
/// - `Organization Name`, `Organization Department`: the first of `organizations`
/// - `Organization Title`: the first of `titles`
/// - `Birthday`, `Anniversary`: `anniversaries` of the kinds birth and wedding, as 1980-12-04,
///   1980-12, 1980 or --12-04
/// - `Notes`: `notes`
/// - `Labels`: `keywords`, with ` ::: ` between several
/// - `E-mail 1 - Label`, `E-mail 1 - Value`, to 5: `emails`
/// - `Phone 1 - Label`, `Phone 1 - Value`, to 5: `phones`
/// - `Address 1 - Label`, `Address 1 - Formatted`, to 3: `addresses` and their `full`
/// - `Address 1 - Street`, `- Extended Address`, `- PO Box`, `- City`, `- Region`, `- Postal Code`,
///   `- Country`, to 3: their components name, apartment, postOfficeBox, locality, region, postcode
///   and country
/// - `Website 1 - Label`, `Website 1 - Value`, to 3: `links`
/// - `Other`: JSON, each member of the Card that the columns above do not hold as it is
///
/// A label is made of contexts and features, as `Work Fax`, or is a text. So that cells can be
/// edited, a member in `Other` counts only if it says what the cells say; else the cells count,
/// with a warning. Of an address that is no Card the row has what read_contact() finds. Without a
/// `uid`, the row has one that stands for the entry's id.
///
/// Read are also the columns of Google Contacts (the form of 2024 and the older one), of Outlook in
/// English, German, French and Spanish, of Thunderbird, of programs that export Apple's, and plain
/// names as "Vorname" or "E-mail (work)". A line in a cell ends with LF in the Card. Cells of
/// columns that nobody knows are kept in the Card as `"addrbook:csv": {"Column": "cell"}`. So is,
/// with a warning, a date that can be read as two days, like 4/12/1980. A phone like `4.41E+11` is
/// left out, with a warning. A row without a UID gets one that is made of its content.
///
/// A row fails that has a text beyond the last column, or a quote that is not closed. Errors of the
/// text as a whole: no column that is known, more than 1000 columns.
///
/// Written is UTF-8 with a byte order mark, without which Excel takes it for Windows-1252 and
/// breaks each letter that is not ASCII; with CR LF, and always the row of names. A cell that a
/// spreadsheet may take for a formula gets a `'` in front, which is taken off again in reading: one
/// that, behind any `'`, begins with `=`, `@`, tab or CR, or with `+` or `-` that is followed by
/// other characters than `0123456789 ().-/`; or with a full-width form of these.
[[nodiscard]] inline std::shared_ptr<const Format> csv();

// ---------------------------------------------------------------------------------------------

namespace detail {

class CsvRecordReader final : public RecordReader {
 public:
  CsvRecordReader(RecordSink& sink, const ReadLimits& limits)
      : sink_(sink),
        budget_(limits),
        reader_({[this](const CsvRow& row) { return take_header(row); },
                 [this](const CsvRow& row) { take_row(row); },
                 [this](std::uint64_t line, std::string message) {
                   sink_.failed({{next_++, line}, std::move(message)});
                 }},
                limits) {}

  void read(std::string_view bytes) override { reader_.read(bytes); }
  void finish() override { reader_.finish(); }
  [[nodiscard]] std::size_t memory() const noexcept override { return reader_.memory(); }

 private:
  inline std::size_t take_header(const CsvRow& row);
  inline void take_row(const CsvRow& row);

  RecordSink& sink_;
  RecordBudget budget_;  // of each record
  CsvReader reader_;
  std::optional<CsvColumns> columns_;
  std::uint64_t next_ = 0;  // index
};

inline std::size_t CsvRecordReader::take_header(const CsvRow& row) {
  columns_.emplace(row.cells);
  if (columns_->has_known()) return columns_->size();
  constexpr std::size_t most = 5;
  constexpr std::size_t max_shown_bytes = 40;
  std::string message = "no column is known:";
  for (std::size_t i = 0; i < row.cells.size() && i < most; ++i) {
    message +=
        (i == 0 ? " '" : ", '") + std::string(cut_utf8(row.cells[i], max_shown_bytes)) + '\'';
  }
  throw Error(Errc::invalid, message + (row.cells.size() > most ? ", ..." : ""));
}

inline void CsvRecordReader::take_row(const CsvRow& row) {
  const RecordPlace place{next_++, row.line};
  if (row.has_more) {
    return sink_.failed({place, "more cells than the " + std::to_string(columns_->size()) +
                                    " columns of the first row"});
  }
  std::optional<Document> card;  // what the sink throws is no fault of the row
  std::vector<std::string> warnings;
  try {
    card = card_of(columns_->cells_of(row.cells), warnings, budget_);
  } catch (const Error& error) {
    return sink_.failed({place, error.what()});
  }
  for (std::string& warning : warnings) sink_.warning({place, std::move(warning)});
  sink_.record({place, std::move(*card), {}});
}

class CsvWriter final : public RecordWriter {
 public:
  void begin(std::string& to) override {
    to += "\xEF\xBB\xBF";
    for (const CsvOwnColumn& column : own_columns()) append(column.name, to);
    end_row(to);
  }
  void write(const Entry& entry, std::string& to) override {
    const CsvCells cells = cells_of(entry);
    for (const CsvOwnColumn& column : own_columns()) {
      append(cells.text(column.field, column.slot), to);
    }
    end_row(to);
  }

 private:
  void append(std::string_view cell, std::string& to) {
    if (!is_row_start_) to += ',';
    is_row_start_ = false;
    append_cell(to, cell);
  }
  void end_row(std::string& to) {
    to += "\r\n";
    is_row_start_ = true;
  }

  bool is_row_start_ = true;
};

class Csv final : public Format {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "csv"; }
  [[nodiscard]] std::vector<std::string_view> media_types() const override {
    return {"text/csv", "text/tab-separated-values"};
  }
  [[nodiscard]] std::vector<std::string_view> suffixes() const override { return {".csv", ".tsv"}; }
  [[nodiscard]] std::string content_type(const WriteOptions& /*options*/) const override {
    return "text/csv; charset=UTF-8";
  }
  [[nodiscard]] std::unique_ptr<RecordReader> reader(RecordSink& sink,
                                                     const ReadLimits& limits) const override {
    return std::make_unique<CsvRecordReader>(sink, limits);
  }
  [[nodiscard]] std::unique_ptr<RecordWriter> writer(const WriteOptions&) const override {
    return std::make_unique<CsvWriter>();
  }
};

}  // namespace detail

inline std::shared_ptr<const Format> csv() {
  return std::make_shared<detail::Csv>();
}

}  // namespace addrbook
