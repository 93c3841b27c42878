/// The handler of a book's contacts in a format.
#pragma once

#include <addrbook/base/large_work.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/export.hpp>
#include <addrbook/format.hpp>
#include <addrbook/http.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/export_request.hpp>
#include <addrbook/rest/find.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace addrbook::detail {

/// An export as the body of an answer.
class ExportSource final : public BodySource {
 public:
  /// @param format    kept, as the export needs it
  /// @param min_rate  see BodySource
  /// @param metrics   counts the records; may be null
  ExportSource(std::unique_ptr<Export> pieces, std::shared_ptr<const Format> format,
               std::size_t min_rate, std::shared_ptr<Metrics> metrics) noexcept
      : format_(std::move(format)),
        pieces_(std::move(pieces)),
        min_rate_(min_rate),
        metrics_(std::move(metrics)),
        under_way_(metrics_ ? &metrics_->transfers().exports : nullptr) {}

  Status read(std::string& to) override {
    const std::uint64_t before = pieces_->count();
    const bool is_piece = pieces_->read(to);
    count_exported(metrics_, pieces_->count() - before);
    return is_piece ? Status::piece : Status::end;
  }
  [[nodiscard]] std::size_t min_rate() const noexcept override { return min_rate_; }
  void pause() override { pieces_->give_back(); }
  [[nodiscard]] std::size_t memory() const noexcept override { return pieces_->memory(); }

 private:
  const std::shared_ptr<const Format> format_;
  const std::unique_ptr<Export> pieces_;
  const std::size_t min_rate_;
  const std::shared_ptr<Metrics> metrics_;
  const UnderWay under_way_;
};

/// GET of the book in a format: 200 with every entry that is asked for, or with a page of them
/// where there is a limit, and Link to the next one; or 304.
inline Reply export_addresses(Context& context, const ExportRequest& wanted) {
  const FindRequest request = FindRequest::of(context.query);
  if (request.fields || request.is_summary) {
    throw HttpError(400, "Invalid query: 'fields' and 'view' can't be used with a format");
  }
  const Format& format = *wanted.format;
  FindStart start(context, request, format.name());
  if (start.unchanged) return *std::move(start.unchanged);
  Reply reply = wanted.reply(context, false);
  const WriteOptions options{wanted.version, false};
  const bool has_limit =
      std::any_of(context.query.begin(), context.query.end(),
                  [](const QueryParameter& each) { return each.name == "limit"; });
  if (has_limit) {
    std::optional<LargeWork> turn;
    const QueryPage page = LargeWork::read_in_turn(
        turn,
        [&] {
          return context.service->list(request.query, {request.limit, FindRequest::max_page_bytes},
                                       start.after);
        },
        [](const QueryPage& read) { return largest_of(read.entries); });
    const auto writer = format.writer(options);
    writer->begin(reply.body);
    for (const Entry& entry : page.entries) write_entry(*writer, entry, reply.body);
    writer->end(reply.body);
    count_exported(context.options.metrics, page.entries.size());
    add_page_fields(reply, context, request, page, format.name());
    return reply;
  }
  auto pieces =
      std::make_unique<Export>(context.service, format, request.query, options, start.after);
  QueryPage frame;  // of a list that has no next page
  frame.state = pieces->state();
  add_page_fields(reply, context, request, frame, format.name());
  if (pieces->is_at_last_page() && pieces->memory() <= Export::piece_bytes) {
    while (pieces->read(reply.body)) {
    }
    count_exported(context.options.metrics, pieces->count());
    return reply;
  }
  reply.source = std::make_shared<ExportSource>(
      std::move(pieces), wanted.format, context.options.min_transfer_rate, context.options.metrics);
  return reply;
}

}  // namespace addrbook::detail
