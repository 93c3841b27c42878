// --import and --export of addrbook-server.
#pragma once

#include "command_line.hpp"
#include "formats.hpp"
#include "storage.hpp"

#include <addrbook/addrbook.hpp>
#include <addrbook/books.hpp>
#include <addrbook/config.hpp>
#include <addrbook/error.hpp>
#include <addrbook/export.hpp>
#include <addrbook/format.hpp>
#include <addrbook/import.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// A file that is read or written piece by piece; "-" is standard input or output.
class TransferFile {
 public:
  /// @throws addrbook::Error{invalid} it can't be opened, or there is a file already to write to
  TransferFile(std::string name, bool is_output) : name_(std::move(name)) {
    if (name_ == "-") {
      descriptor_ = is_output ? STDOUT_FILENO : STDIN_FILENO;
      return;
    }
    constexpr mode_t only_mine = 0600;
    descriptor_ = is_output
                      ? ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, only_mine)
                      : ::open(name_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail(addrbook::Errc::invalid, "open");
  }
  TransferFile(const TransferFile&) = delete;
  TransferFile& operator=(const TransferFile&) = delete;
  ~TransferFile() {
    if (is_ours()) ::close(descriptor_);
  }

  /// @returns nothing at the end
  [[nodiscard]] std::string_view read() {
    while (true) {
      const auto size = ::read(descriptor_, buffer_.data(), buffer_.size());
      if (size >= 0) return {buffer_.data(), static_cast<std::size_t>(size)};
      if (errno != EINTR) fail(addrbook::Errc::storage, "read");
    }
  }

  /// @returns the bytes of a file; 0 of what has no size, such as a pipe
  [[nodiscard]] std::uint64_t size() const noexcept {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    return static_cast<std::uint64_t>(status.st_size);
  }

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto size = ::write(descriptor_, bytes.data(), bytes.size());
      if (size < 0 && errno != EINTR) fail(addrbook::Errc::storage, "write");
      if (size > 0) bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }

  /// Ends writing. @throws addrbook::Error{storage} not all has reached the disk
  void finish() const {
    if (is_ours() && ::fsync(descriptor_) != 0) fail(addrbook::Errc::storage, "write");
  }
  /// Removes what was written of it.
  void discard() const noexcept {
    if (is_ours()) ::unlink(name_.c_str());
  }

 private:
  [[nodiscard]] bool is_ours() const noexcept { return descriptor_ > STDERR_FILENO; }
  [[noreturn]] void fail(addrbook::Errc code, const std::string& what) const {
    const std::string reason = std::generic_category().message(errno);
    throw addrbook::Error(code, "can't " + what + " '" + name_ + "': " + reason);
  }

  std::string name_;
  int descriptor_ = -1;
  std::array<char, std::size_t{64} * 1024> buffer_{};
};

/// Shows on a terminal how far a transfer is; in a pipe nothing.
class TransferProgress {
 public:
  /// @param total  of what is counted; 0: not known
  TransferProgress(const CommandLine& command_line, std::string unit, std::uint64_t total)
      : is_shown_(!command_line.quiet && ::isatty(STDERR_FILENO) == 1),
        unit_(std::move(unit)),
        total_(total) {}
  TransferProgress(const TransferProgress&) = delete;
  TransferProgress& operator=(const TransferProgress&) = delete;
  ~TransferProgress() {
    if (is_begun_) std::cerr << "\r\x1b[K" << std::flush;
  }

  void show(std::uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!is_shown_ || now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    is_begun_ = true;
    std::cerr << '\r';
    if (total_ != 0) {
      constexpr std::uint64_t width = 40;
      const std::uint64_t part = (std::min)(done, total_);
      std::string bar(width * part / total_, '=');
      bar.resize(width, ' ');
      std::cerr << '[' << bar << "] " << 100 * part / total_ << " %, ";
    }
    std::cerr << done << ' ' << unit_ << std::flush;
  }

 private:
  const bool is_shown_;
  const std::string unit_;
  const std::uint64_t total_;
  bool is_begun_ = false;
  std::chrono::steady_clock::time_point last_;
};

/// @returns the format that --format names, or that the file's suffix stands for
/// @throws addrbook::Error{invalid} there is none
inline std::shared_ptr<const addrbook::Format> find_format(const std::string& file,
                                                           const std::string& name) {
  const addrbook::Formats formats = all_formats();
  auto format =
      name.empty() ? addrbook::format_of_file(formats, file) : addrbook::find_format(formats, name);
  if (format) return format;
  throw addrbook::Error(addrbook::Errc::invalid,
                        (name.empty() ? "the format of '" + file + "' is not known: give --format"
                                      : "there is no format '" + name + "'") +
                            "; there is " + addrbook::format_names(formats));
}

/// @param storage  its books are those of --book
/// @param is_made  whether an absent book may be made
inline addrbook::ImportTarget find_target(const CommandLine& command_line, const Storage& storage,
                                          bool is_made) {
  using addrbook::Errc;
  if (storage.book) {
    if (command_line.book) throw addrbook::Error(Errc::invalid, "--book: there is only one book");
    return {storage.book};
  }
  if (!command_line.book) {
    throw addrbook::Error(Errc::invalid, "there are many books: name one by --book");
  }
  const std::string name = *command_line.book;
  if (!addrbook::is_valid_book_name(name)) {
    throw addrbook::Error(Errc::invalid, "--book: '" + name + "' is not the name of a book");
  }
  addrbook::ImportTarget target{storage.books->find(name)};
  if (!target.book && !is_made) throw addrbook::NoSuchBook(name);
  target.make = [books = storage.books, name](std::uint64_t entries) {
    return books->create(name, entries).book;
  };
  target.validate = [books = storage.books](const addrbook::Document& document) {
    books->validate(document);
  };
  target.max_entries = storage.books->options().max_entries;
  return target;
}

inline void check_transfer(const addrbook::Config& config) {
  if (config.storage.kind != addrbook::StorageOptions::Kind::memory) return;
  throw addrbook::Error(addrbook::Errc::invalid,
                        "--import and --export are for a storage that stays: storage.memory is "
                        "empty at each start");
}

inline void print_report(const addrbook::ImportReport& report, bool is_dry) {
  std::cerr << (is_dry ? "Would be created: " : "Created: ") << report.created
            << ", updated: " << report.updated << ", skipped: " << report.skipped
            << ", failed: " << report.failed << '\n';
  const auto print = [](const char* kind, const auto& problems) {
    for (const addrbook::RecordProblem& problem : problems) {
      std::cerr << kind << ", record " << problem.place.index + 1 << ", line " << problem.place.line
                << ": " << problem.message << '\n';
    }
  };
  print("Failed", report.errors);
  print("Warning", report.warnings);
  for (const auto& batch : report.failed_batches) {
    std::cerr << "Failed, lines " << batch.first.line << " to " << batch.last.line << ": "
              << batch.message << '\n';
  }
}

/// --import. @returns the exit status
inline int import_file(const CommandLine& command_line, const addrbook::Config& config) {
  check_transfer(config);
  const auto format = find_format(*command_line.import_file, command_line.format);
  TransferFile file(*command_line.import_file, false);
  const Storage storage = open_storage(command_line, config);
  addrbook::ImportOptions options;
  options.on_conflict = command_line.on_conflict == "replace"     ? addrbook::OnConflict::replace
                        : command_line.on_conflict == "duplicate" ? addrbook::OnConflict::duplicate
                                                                  : addrbook::OnConflict::skip;
  options.dry_run = command_line.dry_run;
  options.partial = true;
  options.max_failed = (std::numeric_limits<std::uint64_t>::max)();  // whoever runs it can stop it
  options.limits.max_record_bytes = config.service.max_document_bytes;
  addrbook::Import import(find_target(command_line, storage, true), *format, options);
  const addrbook::ImportReport report = [&] {
    TransferProgress progress(command_line, "bytes", file.size());
    std::uint64_t done = 0;
    for (auto bytes = file.read(); !bytes.empty(); bytes = file.read()) {
      import.write(bytes);
      done += bytes.size();
      progress.show(done);
    }
    return import.finish();
  }();
  if (!command_line.quiet || report.failed != 0) print_report(report, command_line.dry_run);
  return report.failed == 0 ? EXIT_SUCCESS : exit_failed;
}

/// --export. @returns the exit status
inline int export_file(const CommandLine& command_line, const addrbook::Config& config) {
  check_transfer(config);
  const auto format = find_format(*command_line.export_file, command_line.format);
  const Storage storage = open_storage(command_line, config);
  const auto book = find_target(command_line, storage, false).book;
  addrbook::Export pieces(book, *format);
  const TransferFile file(*command_line.export_file, true);
  try {
    TransferProgress progress(command_line, "contacts", book->state().count);
    for (std::string piece; pieces.read(piece); piece.clear()) {
      file.write(piece);
      progress.show(pieces.count());
    }
    file.finish();
  } catch (...) {
    file.discard();
    throw;
  }
  if (!command_line.quiet) std::cerr << "Exported: " << pieces.count() << '\n';
  return EXIT_SUCCESS;
}
