/// Formats: how contacts come in from files, and go out to them. A program may add its own.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook {

/// Where a record begins in its input.
struct RecordPlace {
  std::uint64_t index = 0;  ///< among the records, those that can't be read included; from 0
  std::uint64_t line = 1;   ///< from 1
};

/// One contact of an input.
struct Record {
  RecordPlace place;
  Document document;
  std::string id;  ///< what the input says that the entry's id is; "" if it says nothing
};

/// What is wrong with a record.
struct RecordProblem {
  RecordPlace place;
  std::string message;  ///< for whoever made the input; valid UTF-8
};

/// Takes what a reader finds, in the order of the input. May throw: the reader can't be used then.
class RecordSink : private detail::Pinned {
 public:
  virtual ~RecordSink() = default;

  virtual void record(Record record) = 0;
  /// A record that can't be read.
  virtual void failed(RecordProblem problem) = 0;
  /// What could not be kept as it was, of a record that is read all the same.
  virtual void warning(RecordProblem problem) = 0;
};

struct ReadLimits {
  /// A record of more bytes fails, and no more of it than that is held in memory.
  std::size_t max_record_bytes = std::size_t{16} * 1024 * 1024;
};

/// Reads an input as it arrives. What is broken costs no other record, if the format says where
/// the next one begins. An empty input, or one of white space alone, has no record and is no error,
/// even in a format that has no such files: the export of an empty book may be one.
/// @par Thread safety  one call at a time.
class RecordReader : private detail::Pinned {
 public:
  virtual ~RecordReader() = default;

  /// Takes the next bytes. They may end anywhere, also inside a character.
  /// @throws Error{invalid} if the input is not of this format at all, before the sink is told of
  ///         anything. What is wrong later is a record that failed: an Import ends at any
  ///         exception, without a report, and only batches that it stored before stay
  ///         (ImportOptions::partial)
  virtual void read(std::string_view bytes) = 0;
  /// Takes the end of the input, once.
  /// @throws Error{invalid} as read()
  virtual void finish() = 0;

  /// @returns the bytes that are held between two calls. Whatever was read, they are at most
  ///          2 * ReadLimits::max_record_bytes + 64: the fuzz targets check that
  [[nodiscard]] virtual std::size_t memory() const noexcept { return 0; }
};

/// Writes entries one after the other, each as bytes that are appended.
/// @par Thread safety  one call at a time.
class RecordWriter : private detail::Pinned {
 public:
  virtual ~RecordWriter() = default;

  /// What stands before the first entry.
  virtual void begin(std::string& /*to*/) {}
  /// An entry whose contact has no UID of its own goes out with its id (Record::id), with
  /// entry_uid() (jscontact.hpp), or as the same document that it is: an import of what is written
  /// finds it by these, and would create it again by anything else.
  virtual void write(const Entry& entry, std::string& to) = 0;
  /// What stands behind the last one.
  virtual void end(std::string& /*to*/) {}
};

struct WriteOptions {
  std::string_view version;  ///< one of Format::versions(); "": the first of them
  bool is_single = false;    ///< one entry alone, which is to be no list
};

/// A way to write contacts down.
/// @par Thread safety  any thread.
class Format : private detail::Pinned {
 public:
  virtual ~Format() = default;

  /// As in `?format=`: small letters and digits, e.g. "vcf".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// Of its media types (RFC 9110, 8.3.1), in small letters and without parameters, those that are
  /// read. The first one is written.
  [[nodiscard]] virtual std::vector<std::string_view> media_types() const = 0;
  /// Of file names, in small letters, with the dot. The first one is that of a file to be written.
  [[nodiscard]] virtual std::vector<std::string_view> suffixes() const = 0;
  /// What there is to choose from in writing, e.g. {"4.0", "3.0"}; empty: nothing.
  [[nodiscard]] virtual std::vector<std::string_view> versions() const { return {}; }
  /// @returns the Content-Type of what is written, with its parameters
  [[nodiscard]] virtual std::string content_type(const WriteOptions& options) const = 0;

  /// @param sink  outlives the reader
  [[nodiscard]] virtual std::unique_ptr<RecordReader> reader(RecordSink& sink,
                                                             const ReadLimits& limits) const = 0;
  [[nodiscard]] virtual std::unique_ptr<RecordWriter> writer(const WriteOptions& options) const = 0;
};

using Formats = std::vector<std::shared_ptr<const Format>>;

/// @returns the first format that has the name; null if there is none
[[nodiscard]] inline std::shared_ptr<const Format> find_format(const Formats& formats,
                                                               std::string_view name);

/// @returns the first format that has a suffix of a file's name, in any case; null if there is none
[[nodiscard]] inline std::shared_ptr<const Format> format_of_file(const Formats& formats,
                                                                  std::string_view file);

/// @returns e.g. "vcf, csv or json"
[[nodiscard]] inline std::string format_names(const Formats& formats);

/// @returns the version as the format itself keeps it; "" if it has none
/// @param version  "": the first one
/// @throws Error{invalid} the format has no such version
[[nodiscard]] inline std::string_view find_version(const Format& format, std::string_view version);

// ---------------------------------------------------------------------------------------------

inline std::shared_ptr<const Format> find_format(const Formats& formats, std::string_view name) {
  const auto at = std::find_if(formats.begin(), formats.end(),
                               [&](const auto& format) { return format->name() == name; });
  return at == formats.end() ? nullptr : *at;
}

inline std::shared_ptr<const Format> format_of_file(const Formats& formats, std::string_view file) {
  for (const auto& format : formats) {
    for (const std::string_view suffix : format->suffixes()) {
      if (file.size() > suffix.size() &&
          detail::equals_ignoring_case(file.substr(file.size() - suffix.size()), suffix)) {
        return format;
      }
    }
  }
  return nullptr;
}

inline std::string format_names(const Formats& formats) {
  std::string names;
  for (std::size_t i = 0; i < formats.size(); ++i) {
    if (i != 0) names += i + 1 == formats.size() ? " or " : ", ";
    names += formats[i]->name();
  }
  return names;
}

inline std::string_view find_version(const Format& format, std::string_view version) {
  const auto versions = format.versions();
  if (version.empty()) return versions.empty() ? std::string_view() : versions.front();
  const auto at = std::find(versions.begin(), versions.end(), version);
  if (at == versions.end()) {
    throw Error(Errc::invalid, "The format " + std::string(format.name()) + " has no version '" +
                                   std::string(version) + "'");
  }
  return *at;
}

}  // namespace addrbook
