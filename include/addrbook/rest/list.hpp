/// The handler of the whole book as one object.
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace addrbook::detail {

/// `{"<id>": {address}, ...}` in order of creation, a page of the store at a time. Nothing is
/// locked between two pages.
class ListSource final : public BodySource {
 public:
  /// @param first  the first page; entries that were created after it are left out
  ListSource(std::shared_ptr<const Service> service, Page first)
      : service_(std::move(service)), page_(std::move(first)), newest_(page_.state.revision) {}

  Status read(std::string& to) override {
    constexpr std::size_t piece_bytes = std::size_t{64} * 1024;
    if (is_complete_) return Status::end;
    const std::size_t before = to.size();
    while (to.size() - before < piece_bytes) {
      if (next_ == page_.entries.size() && page_.more) {
        const std::uint64_t epoch = page_.state.epoch;
        page_ = service_->page(page_.entries.back().created);
        next_ = 0;
        // Restored meanwhile: these revisions can't be compared with those of the first page.
        if (page_.state.epoch != epoch) return Status::failed;
      }
      if (next_ == page_.entries.size() || page_.entries[next_].created > newest_) {
        to.append(is_begun_ ? "}" : "{}");
        is_complete_ = true;
        break;
      }
      const Entry& entry = page_.entries[next_++];
      to += is_begun_ ? ',' : '{';
      is_begun_ = true;
      to.append("\"").append(entry.id).append("\":").append(entry.document.text());
    }
    return Status::piece;
  }

 private:
  std::shared_ptr<const Service> service_;
  Page page_;
  std::uint64_t newest_;
  std::size_t next_ = 0;  // of the page's entries
  bool is_begun_ = false;
  bool is_complete_ = false;
};

/// GET of the book: 200, or 304.
inline Reply list_addresses(Context& context) {
  const auto tag_of = [](const BookState& state) {
    return entity_tag(state.epoch, state.revision);
  };
  if (context.exchange.request().header("If-None-Match")) {
    const std::string tag = tag_of(context.service->state());
    if (context.exchange.client_has(tag)) {
      Reply reply = empty_reply(304);
      reply.headers.emplace_back("ETag", "W/" + tag);
      return reply;
    }
  }
  Page page = context.service->page();
  const bool is_long = page.more;
  Reply reply = json_reply({});
  // The page's own tag: it may be newer than the state that was asked for before.
  reply.headers.emplace_back("ETag", "W/" + tag_of(page.state));
  const auto source = std::make_shared<ListSource>(context.service, std::move(page));
  if (is_long) {
    reply.source = source;
  } else {
    while (source->read(reply.body) == BodySource::Status::piece) {
    }
  }
  return reply;
}

}  // namespace addrbook::detail
