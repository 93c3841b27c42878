/// CsvReader: a CSV text as rows of cells, read as it arrives.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/charset.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A row of a CSV text. Its cells are UTF-8.
struct CsvRow {
  std::uint64_t line = 1;          ///< in which it begins, from 1
  std::vector<std::string> cells;  ///< at most as many as are wanted; further ones are empty
  bool has_more = false;           ///< there is a text in a cell beyond those
};

/// Splits a text by RFC 4180, and as spreadsheets understand it: the separator is `,`, `;` or a
/// tab, whichever the first line has most of, or what a first line `sep=;` says. A line ends with
/// CR LF, LF or CR. A cell that begins with a quote may hold separators, line ends and doubled
/// quotes; in others a quote is a character. The text is UTF-8, or UTF-16 with a byte order mark; a
/// row that is not UTF-8 is taken for Windows-1252. Rows of white space are passed over.
/// @par Thread safety  one call at a time.
class CsvReader {
 public:
  static constexpr std::size_t max_columns = 1000;

  struct Calls {
    /// Takes the first row, and says how many cells of all others are wanted.
    std::function<std::size_t(CsvRow)> header;
    /// Takes another row.
    std::function<void(CsvRow)> row;
    /// Is told of a row that can't be read.
    std::function<void(std::uint64_t line, std::string message)> failed;
  };

  /// @param calls  may throw: the reader can't be used then
  CsvReader(Calls calls, const ReadLimits& limits) : calls_(std::move(calls)), limits_(limits) {}

  /// @throws Error{invalid} if the first row can't be read
  void read(std::string_view bytes) {
    input_.read(bytes, [this](std::string_view text) { take(text); });
  }
  /// Takes the end of the text. @throws Error{invalid} as read()
  inline void finish();

  /// @returns the bytes that are held
  [[nodiscard]] std::size_t memory() const noexcept { return head_.size() + bytes_; }

 private:
  enum class State {
    cell_start,
    plain,  // in a cell without quotes, or behind the closing one
    quoted,
    quote_in_quotes  // the closing one, or the first of two
  };
  static constexpr std::string_view separators = ",;\t";
  static constexpr std::string_view white_space = " \t\r\n";

  void take(std::string_view text) {
    while (!text.empty()) text.remove_prefix(has_separator_ ? take_rows(text) : take_head(text));
  }
  [[nodiscard]] inline std::size_t take_head(std::string_view text);
  inline void keep_head(std::string_view text);
  inline void end_head();
  [[nodiscard]] inline std::size_t take_rows(std::string_view text);
  inline void step(char c);
  inline void append(std::string_view text);
  inline void end_row();
  inline void fail(const std::string& message);
  void count_line(char c) noexcept {
    if (c == '\r' || (c == '\n' && !is_after_cr_)) ++line_;
    is_after_cr_ = c == '\r';
  }

  Calls calls_;
  ReadLimits limits_;
  TextInput input_;

  std::string head_;  // the first line, until its end tells the separator
  std::array<std::size_t, separators.size()> counts_{};
  bool has_separator_ = false;
  char separator_ = ',';

  State state_ = State::cell_start;
  std::uint64_t line_ = 1;        // of the next character
  bool is_after_cr_ = false;      // an LF is a part of that line end
  std::uint64_t quote_line_ = 1;  // of the last opening quote

  bool has_header_ = false;
  std::size_t wanted_ = max_columns;
  CsvRow row_;
  std::size_t cell_ = 0;     // index of the one that is being read
  std::size_t bytes_ = 0;    // of the row's texts
  bool has_failed_ = false;  // the row has, and is passed over
};

// ---------------------------------------------------------------------------------------------

inline void CsvReader::finish() {
  input_.finish([this](std::string_view text) { take(text); });
  if (!has_separator_) end_head();
  if (state_ == State::quoted) {
    fail("a quote in line " + std::to_string(quote_line_) + " is not closed");
  } else {
    end_row();
  }
}

/// Keeps the first line that is not blank, and counts what may separate its cells.
/// @returns what was read, up to the line's end
inline std::size_t CsvReader::take_head(std::string_view text) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      if (state_ != State::plain) {
        state_ = state_ == State::quoted ? State::quote_in_quotes : State::quoted;
      }
    } else if (state_ == State::quoted) {
      continue;
    } else if (const auto separator = separators.find(c); separator != std::string_view::npos) {
      ++counts_[separator];
      state_ = State::cell_start;
    } else if (c == '\r' || c == '\n') {
      keep_head(text.substr(begin, i - begin));
      if (head_.find_first_not_of(" ,;\t") != std::string::npos) {
        end_head();
        return i;
      }
      count_line(c);
      head_.clear();
      counts_ = {};
      state_ = State::cell_start;
      begin = i + 1;
    } else {
      state_ = State::plain;
    }
  }
  keep_head(text.substr(begin));
  return text.size();
}

inline void CsvReader::keep_head(std::string_view text) {
  if (text.size() > limits_.max_record_bytes - head_.size()) {
    throw Error(Errc::invalid,
                "a first line of more than " + std::to_string(limits_.max_record_bytes) + " bytes");
  }
  if (!text.empty()) is_after_cr_ = false;
  head_.append(text);
}

inline void CsvReader::end_head() {
  const std::string head = std::exchange(head_, {});
  std::string_view rest = head;
  has_separator_ = true;
  state_ = State::cell_start;
  row_.line = line_;
  if (rest.size() == 5 && equals_ignoring_case(rest.substr(0, 4), "sep=") && rest[4] != '"') {
    separator_ = rest[4];
    return;
  }
  const auto* const most = std::max_element(counts_.begin(), counts_.end());
  separator_ = separators[static_cast<std::size_t>(most - counts_.begin())];
  while (!rest.empty()) rest.remove_prefix(take_rows(rest));
}

inline std::size_t CsvReader::take_rows(std::string_view text) {
  const auto is_special = [this](char c) {
    if (c == '\r' || c == '\n') return true;
    return state_ == State::quoted ? c == '"' : c == separator_;
  };
  std::size_t plain = 0;
  if (state_ == State::plain || state_ == State::quoted) {
    while (plain < text.size() && !is_special(text[plain])) ++plain;
  }
  if (plain == 0) {
    step(text[0]);
    return 1;
  }
  is_after_cr_ = false;
  append(text.substr(0, plain));
  return plain;
}

inline void CsvReader::step(char c) {
  const bool is_line_end = c == '\r' || c == '\n';
  const bool is_after_cr = is_after_cr_;
  if (is_line_end && state_ != State::quoted) {
    if (c == '\r' || !is_after_cr) end_row();
    count_line(c);
    row_.line = line_;
    return;
  }
  if (is_line_end) {
    count_line(c);
  } else {
    is_after_cr_ = false;
  }
  if (c == '"' && state_ != State::plain) {
    if (state_ == State::cell_start) quote_line_ = line_;
    if (state_ == State::quote_in_quotes) append("\"");
    state_ = state_ == State::quoted ? State::quote_in_quotes : State::quoted;
  } else if (c == separator_ && state_ != State::quoted) {
    ++cell_;
    state_ = State::cell_start;
  } else {
    if (state_ != State::quoted) state_ = State::plain;
    append(std::string_view(&c, 1));
  }
}

inline void CsvReader::append(std::string_view text) {
  if (has_failed_) return;
  if (text.size() > limits_.max_record_bytes - bytes_) {
    std::string message =
        "a row of more than " + std::to_string(limits_.max_record_bytes) + " bytes";
    if (state_ == State::quoted) {
      message += ", in a quote that begins in line " + std::to_string(quote_line_);
    }
    return fail(message);
  }
  bytes_ += text.size();
  if (cell_ < wanted_) {
    if (row_.cells.size() <= cell_) row_.cells.resize(cell_ + 1);
    row_.cells[cell_].append(text);
  } else if (text.find_first_not_of(white_space) != std::string_view::npos) {
    row_.has_more = true;
  }
}

inline void CsvReader::end_row() {
  state_ = State::cell_start;
  cell_ = 0;
  bytes_ = 0;
  CsvRow row = std::exchange(row_, {});
  if (std::exchange(has_failed_, false)) return;
  const bool is_blank =
      !row.has_more && std::all_of(row.cells.begin(), row.cells.end(), [](const auto& cell) {
        return cell.find_first_not_of(white_space) == std::string::npos;
      });
  if (is_blank) return;
  if (!std::all_of(row.cells.begin(), row.cells.end(), is_utf8)) {
    for (std::string& cell : row.cells) {
      const std::string bytes = std::exchange(cell, {});
      append_windows_1252(cell, bytes);
    }
  }
  if (has_header_) return calls_.row(std::move(row));
  if (row.has_more) {
    throw Error(Errc::invalid, "more than " + std::to_string(max_columns) + " columns");
  }
  has_header_ = true;
  wanted_ = calls_.header(std::move(row));
}

inline void CsvReader::fail(const std::string& message) {
  if (has_failed_) return;
  if (!has_header_) throw Error(Errc::invalid, message);
  has_failed_ = true;
  calls_.failed(row_.line, message);
  row_ = CsvRow{};
  bytes_ = 0;
}

}  // namespace addrbook::detail
