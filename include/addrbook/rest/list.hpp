/// The handler of the whole book as one object.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/export.hpp>
#include <addrbook/rest/export_request.hpp>
#include <addrbook/rest/find.hpp>
#include <addrbook/rest/list_cache.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// `{"<id>": {address}, ...}` in order of creation, a page of the store at a time. Nothing is
/// locked between two pages.
class ListSource final : public BodySource {
 public:
  /// What a piece has, but for the frame of its last entry. A longer text goes on in the next
  /// piece.
  static constexpr std::size_t piece_bytes = std::size_t{16} * 1024;
  static constexpr std::size_t max_frame_bytes = 68;  ///< `,"<id>":`; an id has 64 characters

  /// @param first  the first page; entries that were created after it are left out
  ListSource(std::shared_ptr<const Service> service, Page first)
      : service_(std::move(service)),
        epoch_(first.state.epoch),
        newest_(first.state.revision),
        page_(std::move(first)) {
    count_page();
  }

  Status read(std::string& to) override;
  void pause() override;
  [[nodiscard]] std::size_t memory() const noexcept override {
    return page_bytes_ + (cut_ ? cut_->bytes() : 0);
  }
  /// Whether no write came between the pages that were read so far.
  [[nodiscard]] bool is_of_one_state() const noexcept { return page_.state.revision == newest_; }

 private:
  [[nodiscard]] static std::size_t bytes_of(const Document& document) noexcept {
    constexpr std::size_t of_handle = 48;
    return of_handle + document.text().capacity();
  }

  /// An entry whose text is being sent in parts.
  struct Cut {
    std::string id;
    std::uint64_t revision;
    std::optional<Document> document;
    std::string rest;  // of the text, kept instead of the document
    std::size_t sent;  // of the document's text, or of the rest

    [[nodiscard]] std::size_t bytes() const noexcept {
      return document ? bytes_of(*document) : rest.size();
    }
    [[nodiscard]] bool is_dropped() const noexcept { return !document && rest.empty(); }
    [[nodiscard]] std::string_view to_send() const noexcept {
      return std::string_view(document ? document->text() : rest).substr(sent);
    }
  };

  [[nodiscard]] bool fetch();
  void begin_entry(std::string& to, std::size_t end);
  void go_on(std::string& to);
  [[nodiscard]] std::size_t next_bytes() const noexcept;
  void drop_page() noexcept;
  void count_page() noexcept;

  std::shared_ptr<const Service> service_;
  std::uint64_t epoch_;
  std::uint64_t newest_;
  Page page_;
  std::size_t page_bytes_ = 0;
  std::size_t next_ = 0;     // of the page's entries: the first that is not begun
  std::uint64_t after_ = 0;  // `created` of the last entry that was begun
  std::optional<Cut> cut_;
  bool is_slow_ = false;  // paused since the last page
  bool is_begun_ = false;
  bool is_complete_ = false;
};

/// GET of the book: 200, or 304. With parameters see find_addresses(), in a format
/// export_addresses().
inline Reply list_addresses(Context& context) {
  if (const auto wanted = ExportRequest::of(context)) return export_addresses(context, *wanted);
  if (!context.query.empty()) return find_addresses(context);
  const auto reply_of = [&](const BookState& state) {
    Reply reply = json_reply({});
    reply.headers.emplace_back("ETag", list_tag(state));
    return reply;
  };
  if (context.exchange.asks_for_tags() || !context.lists->is_empty()) {
    const BookState state = context.service->state();
    if (context.exchange.client_has({EntityTag(state.epoch, state.revision)})) {
      Reply reply = empty_reply(304);
      reply.headers.emplace_back("ETag", list_tag(state));
      return reply;
    }
    if (auto text = context.lists->find(state)) {
      Reply reply = reply_of(state);
      reply.source = std::make_shared<KeptListSource>(std::move(text), context.service);
      return reply;
    }
  }
  Page page = context.service->page();
  std::size_t bytes = 0;
  for (const Entry& entry : page.entries) bytes += entry.document.text().size();
  // The page's own tag: it may be newer than the state that was asked for before.
  const BookState state = page.state;
  Reply reply = reply_of(state);
  const bool is_long = page.more;
  auto source = std::make_shared<ListSource>(context.service, std::move(page));
  if (!is_long && bytes <= ListSource::piece_bytes) {
    while (source->read(reply.body) == BodySource::Status::piece) {
    }
  } else if (const auto ticket = is_long ? context.lists->begin_collecting(state) : 0) {
    reply.source = std::make_shared<CollectingSource<ListSource>>(std::move(source), context.lists,
                                                                  state, ticket);
  } else {
    reply.source = std::move(source);
  }
  return reply;
}

// ---------------------------------------------------------------------------------------------

inline BodySource::Status ListSource::read(std::string& to) {
  if (is_complete_) return Status::end;
  if (!fetch()) return Status::failed;
  to.reserve(to.size() + next_bytes());
  const std::size_t end = to.size() + piece_bytes;
  if (cut_) go_on(to);
  while (!cut_ && to.size() < end) {
    const bool is_last = next_ == page_.entries.size();
    if (is_last && page_.more) break;  // the next read asks for a page, once
    if (is_last || page_.entries[next_].created > newest_) {
      to.append(is_begun_ ? "}" : "{}");
      is_complete_ = true;
      break;
    }
    begin_entry(to, end);
  }
  return Status::piece;
}

inline void ListSource::pause() {
  drop_page();
  is_slow_ = true;
  if (!cut_ || !cut_->document || cut_->document->text().size() <= piece_bytes) return;
  if (cut_->to_send().size() <= piece_bytes) {
    cut_->rest = cut_->to_send();
    cut_->sent = 0;
  }
  cut_->document.reset();
}

/// Makes sure that there is something to send.
/// @returns false if the list can't be completed
inline bool ListSource::fetch() {
  if (cut_ && cut_->is_dropped()) {
    auto entry = service_->find(cut_->id);
    // The client has the beginning of a text. If that was replaced or removed, or if the book was
    // restored, no end that would make it whole exists any more.
    if (!entry || entry->epoch != epoch_ || entry->revision != cut_->revision) return false;
    cut_->document = std::move(entry->document);
    return true;
  }
  if (next_ < page_.entries.size() || !page_.more) return true;
  if (cut_ && cut_->to_send().size() >= piece_bytes) return true;
  drop_page();  // before there is another: one is enough
  PageLimit limit;
  // A client that falls behind once will do so again, and what it does not take by then is dropped.
  if (std::exchange(is_slow_, false)) limit.bytes = piece_bytes;
  page_ = service_->page(after_, limit);
  count_page();
  // After a restore these revisions can't be compared with those of the first page.
  return page_.state.epoch == epoch_;
}

/// Appends the next entry of the page, as much of it as there is room for.
inline void ListSource::begin_entry(std::string& to, std::size_t end) {
  Entry& entry = page_.entries[next_++];
  after_ = entry.created;
  to.append(is_begun_ ? ",\"" : "{\"", 2).append(entry.id).append("\":", 2);
  is_begun_ = true;
  const std::string& text = entry.document.text();
  const std::size_t room = end - (std::min)(end, to.size());
  to.append(text, 0, room);
  if (text.size() <= room) return;
  cut_ = Cut{entry.id, entry.revision, entry.document, {}, room};
  entry.document = Document();
  page_bytes_ -= cut_->bytes();
}

/// Appends the next part of the text that was cut.
inline void ListSource::go_on(std::string& to) {
  const auto part = cut_->to_send().substr(0, piece_bytes);
  to.append(part);
  cut_->sent += part.size();
  if (cut_->to_send().empty()) cut_.reset();
}

/// @returns the room that the next piece needs
inline std::size_t ListSource::next_bytes() const noexcept {
  constexpr std::size_t brackets = 2;
  constexpr std::size_t quotes = 4;
  std::size_t bytes = brackets + (cut_ ? cut_->to_send().size() : 0);
  for (std::size_t i = next_; i < page_.entries.size() && bytes < piece_bytes; ++i) {
    const Entry& entry = page_.entries[i];
    bytes += quotes + entry.id.size() + entry.document.text().size();
  }
  return (std::min)(bytes, piece_bytes + max_frame_bytes);
}

inline void ListSource::drop_page() noexcept {
  page_.more = page_.more || next_ < page_.entries.size();
  page_.entries = std::vector<Entry>();
  page_bytes_ = 0;
  next_ = 0;
}

inline void ListSource::count_page() noexcept {
  page_bytes_ = page_.entries.capacity() * sizeof(Entry);
  for (const Entry& entry : page_.entries) {
    page_bytes_ += entry.id.capacity() + bytes_of(entry.document);
  }
}

}  // namespace addrbook::detail
