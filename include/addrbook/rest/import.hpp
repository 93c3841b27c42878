/// The handler of what is posted to a book: an address, or an import.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/http.hpp>
#include <addrbook/import.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/rest/address.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/import_body.hpp>
#include <addrbook/rest/reply.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// @returns `{"created", "updated", "skipped", "failed", "errors": [{"index", "line", "message"},
///          ...], "warnings": [...]}`, and if batches failed `"failed_batches": [{"first", "last",
///          "records", "message"}, ...]` with the indexes of their records
[[nodiscard]] inline std::string report_json(const ImportReport& report);

/// POST of the book with an import: 200 with a report; 207 if parts of it could not be stored.
inline Reply import_contacts(Context& context) {
  const ImportReport report = context.import->report();
  Reply reply = json_reply(report_json(report));
  if (report.failed_batch_count != 0) reply.status = 207;
  return reply;
}

/// POST of the book: an import where the body is the records of a format, else an address.
inline Reply receive_contacts(Context& context) {
  if (context.import != nullptr) return import_contacts(context);
  if (!context.query.empty()) {
    throw HttpError(400, "Invalid query: '" + context.query.front().name +
                             "' is for an import, which this is not: it has no 'format', and its "
                             "type is that of an address");
  }
  return create_address(context);
}

// ---------------------------------------------------------------------------------------------

/// Appends `"name":[{"index":0,"line":1,"message":".."}, ...]`.
inline void append_problems(std::string& to, std::string_view name,
                            const std::vector<RecordProblem>& problems) {
  append_json_string(to, name, JsonCharset::utf8);
  to += ":[";
  for (const RecordProblem& problem : problems) {
    if (&problem != &problems.front()) to += ',';
    to.append(R"({"index":)").append(std::to_string(problem.place.index));
    to.append(R"(,"line":)").append(std::to_string(problem.place.line));
    append_json_string(to.append(R"(,"message":)"), problem.message, JsonCharset::utf8);
    to += '}';
  }
  to += ']';
}

inline std::string report_json(const ImportReport& report) {
  std::string text = R"({"created":)" + std::to_string(report.created);
  text.append(R"(,"updated":)").append(std::to_string(report.updated));
  text.append(R"(,"skipped":)").append(std::to_string(report.skipped));
  text.append(R"(,"failed":)").append(std::to_string(report.failed));
  append_problems(text += ',', "errors", report.errors);
  append_problems(text += ',', "warnings", report.warnings);
  if (report.failed_batch_count != 0) text.append(R"(,"failed_batches":[)");
  for (const ImportReport::FailedBatch& batch : report.failed_batches) {
    if (&batch != &report.failed_batches.front()) text += ',';
    text.append(R"({"first":)").append(std::to_string(batch.first.index));
    text.append(R"(,"last":)").append(std::to_string(batch.last.index));
    text.append(R"(,"records":)").append(std::to_string(batch.records));
    // The store's own message may name files or hosts.
    append_json_string(text.append(R"(,"message":)"),
                       batch.code == Errc::storage ? "The storage can't be reached" : batch.message,
                       JsonCharset::utf8);
    text += '}';
  }
  if (report.failed_batch_count != 0) text += ']';
  return text + '}';
}

}  // namespace addrbook::detail
