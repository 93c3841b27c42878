/// ImportBody: the body of a request that is the records of a format.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/format.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/import.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/packed_body.hpp>
#include <addrbook/rest/parameters.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @returns the first format that is read from a media type, if that is not of JSON: such a body is
///          always one address
[[nodiscard]] inline std::shared_ptr<const Format> format_of_type(const Formats& formats,
                                                                  std::string_view type) {
  if (is_json_media_type(type)) return nullptr;
  const auto at = std::find_if(formats.begin(), formats.end(), [&](const auto& format) {
    const auto types = format->media_types();
    return std::find(types.begin(), types.end(), type) != types.end();
  });
  return at == formats.end() ? nullptr : *at;
}

[[nodiscard]] inline std::vector<Parameter> import_parameters() {
  return {
      {"format", "The body is a file in this format, whatever its `Content-Type`.",
       R"({"type":"string","enum":"$formats"})"},
      {"on_conflict",
       "What becomes of a contact that is in the book: it is skipped, replaced (which needs the "
       "right to update), or created all the same.",
       R"({"enum":["skip","replace","duplicate"],"default":"skip"})"},
      {"dry_run", "Only says what would be done.", R"({"type":"boolean","default":false})"},
      {"partial", "Stores batch after batch, so that a file may be of any length.",
       R"({"type":"boolean","default":false})"}};
}

/// What a request for an import asks for.
struct ImportRequest {
  std::shared_ptr<const Format> format;
  ImportOptions options;

  /// @returns whether a POST of the book is an import: it has ?format=, or the type of a format
  [[nodiscard]] static bool is_one(const Request& request, const Formats& formats) {
    if (formats.empty()) return false;
    if (const auto query = parse_query(request.query)) {
      const auto is_format = [](const QueryParameter& each) { return each.name == "format"; };
      if (std::any_of(query->begin(), query->end(), is_format)) return true;
    }
    const auto type = request.header("Content-Type");
    return type && format_of_type(formats, media_type(*type)) != nullptr;
  }

  /// @throws HttpError{400}
  [[nodiscard]] static ImportRequest of(const Request& request, const QueryParameters& parameters,
                                        const Options& options);
};

/// Hands a request's body over to an Import as it arrives.
class ImportBody : private Pinned {
 public:
  /// @param exchange, options  must outlive the body
  /// @throws HttpError as PackedBody, what Import throws
  ImportBody(Exchange& exchange, const Options& options, ImportRequest request, ImportTarget target)
      : options_(options),
        request_(std::move(request)),
        packed_(exchange, options.coding.get(),
                options.max_import_bytes != 0 ? options.max_import_bytes
                                              : (std::numeric_limits<std::size_t>::max)()),
        import_(std::make_unique<Import>(std::move(target), *request_.format, request_.options)),
        counts_(options.metrics ? &options.metrics->transfers() : nullptr),
        under_way_(counts_ != nullptr ? &counts_->imports : nullptr) {}
  ~ImportBody() { count_records(); }

  /// Takes the next bytes. In parts, it may wait for the storage.
  /// @returns false to refuse the rest
  bool take(std::string_view bytes) {
    return packed_.take(bytes, [this](std::string_view part) {
      try {
        try_to([&] { import_->write(part); });
        count_records();
        return true;
      } catch (...) {
        refusal_ = std::current_exception();
        count_records();
        import_.reset();  // nothing of it is needed any more
        return false;
      }
    });
  }

  /// Ends the body, once.
  /// @throws HttpError as PackedBody, what Import::write() threw
  void finish(BodyStatus status) {
    if (refusal_) std::rethrow_exception(refusal_);
    packed_.finish(status, "Body slower than " + std::to_string(options_.min_transfer_rate) +
                               " bytes a second");
  }

  /// Stores what is left, after finish(). @throws as Import::finish()
  [[nodiscard]] ImportReport report() {
    ImportReport report;
    try_to([&] { report = import_->finish(); });
    return report;
  }

  [[nodiscard]] bool is_in_parts() const noexcept { return request_.options.partial; }
  [[nodiscard]] std::size_t memory() const noexcept {
    return packed_.memory() + (import_ ? import_->memory() : 0);
  }

 private:
  template <class Call>
  static void try_to(Call call) {
    try {
      call();
    } catch (const ImportTooLarge& error) {
      throw HttpError::of_body(BodyFault::too_large, 413,
                               std::string(error.what()) + ", with partial=true");
    }
  }

  /// Adds what has become of records since the last call.
  void count_records() noexcept {
    if (counts_ == nullptr || !import_ || request_.options.dry_run) return;
    const ImportReport& now = import_->so_far();
    const auto add = [](TransferCounts::Count& count, std::uint64_t whole, std::uint64_t& told) {
      count.fetch_add(whole - told, std::memory_order_relaxed);
      told = whole;
    };
    add(counts_->created, now.created, told_.created);
    add(counts_->updated, now.updated, told_.updated);
    add(counts_->skipped, now.skipped, told_.skipped);
    add(counts_->failed, now.failed, told_.failed);
  }

  struct Told {
    std::uint64_t created = 0;
    std::uint64_t updated = 0;
    std::uint64_t skipped = 0;
    std::uint64_t failed = 0;
  };

  const Options& options_;
  const ImportRequest request_;
  PackedBody packed_;
  std::unique_ptr<Import> import_;  // null after a refusal
  TransferCounts* const counts_;    // null: nobody counts
  const UnderWay under_way_;
  Told told_;
  std::exception_ptr refusal_;
};

// ---------------------------------------------------------------------------------------------

inline ImportRequest ImportRequest::of(const Request& request, const QueryParameters& parameters,
                                       const Options& options) {
  ImportRequest wanted;
  check_given_once(parameters);
  for (const QueryParameter& parameter : parameters) {
    const auto& [name, value] = parameter;
    if (name == "format") {
      wanted.format = find_format(options.formats, value);
      if (!wanted.format) refuse_value(name, format_names(options.formats));
    } else if (name == "on_conflict") {
      if (value != "skip" && value != "replace" && value != "duplicate") {
        refuse_value(name, "skip, replace or duplicate");
      }
      wanted.options.on_conflict = value == "skip"      ? OnConflict::skip
                                   : value == "replace" ? OnConflict::replace
                                                        : OnConflict::duplicate;
    } else if (name == "dry_run") {
      wanted.options.dry_run = read_boolean(parameter);
    } else if (name == "partial") {
      wanted.options.partial = read_boolean(parameter);
    }
  }
  if (!wanted.format) {
    const auto type = request.header("Content-Type");
    wanted.format = format_of_type(options.formats, media_type(type.value_or("")));
  }
  if (request.header("Idempotency-Key")) {
    throw HttpError(400,
                    "Idempotency-Key is for the POST of one address; here an import that is sent "
                    "again skips what it has created");
  }
  wanted.options.max_atomic_records = options.max_atomic_records;
  return wanted;
}

}  // namespace addrbook::detail
