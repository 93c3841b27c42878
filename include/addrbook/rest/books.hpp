/// The handlers of books among many: their list, and each as a whole.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/book_store.hpp>
#include <addrbook/books.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/access.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/parameters.hpp>
#include <addrbook/rest/positions.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @returns e.g. `{"name":"ada","count":2,"revision":7}`
[[nodiscard]] inline std::string book_json(std::string_view name, const BookState& state) {
  // No character of a name needs an escape.
  return std::string(R"({"name":")")
      .append(name)
      .append(R"(","count":)")
      .append(std::to_string(state.count))
      .append(R"(,"revision":)")
      .append(std::to_string(state.revision))
      .append("}");
}

[[nodiscard]] inline std::vector<Parameter> books_parameters() {
  return {limit_parameter,
          {"cursor", "Where the page before ended: follow `Link` as it is.",
           R"({"type":"string","minLength":1})"}};
}

/// A page of the list of books.
struct BooksPage {
  static constexpr std::size_t max_limit = 1000;

  std::size_t limit = 100;
  std::string after;  ///< the name that it goes on from

  /// Reads the query.
  /// @throws HttpError{400}
  [[nodiscard]] static BooksPage of(const Context& context);
};

/// @returns whether the client may read the book
[[nodiscard]] inline bool may_read(const Context& context, std::string_view book) {
  const Access access =
      ask_access(context.options, {Action::read, "", context.exchange.request(), book});
  return access.verdict == Access::Verdict::allowed;
}

/// GET of the collection: 200 `[{"name", "count", "revision"}, ...]`, the books that the client may
/// read, by name. It looks at a limited number of books, so that a page may be short, or empty.
inline Reply list_books(Context& context);

/// GET of a book: 200 `{"name", "count", "revision"}`, ETag; or 304.
inline Reply get_book(Context& context) {
  const BookState state = context.service->state();
  const EntityTag tag(state.epoch, state.revision);
  Reply reply = context.exchange.client_has({tag}) ? empty_reply(304)
                                                   : json_reply(book_json(context.book, state));
  reply.headers.emplace_back("ETag", tag.text());
  return reply;
}

/// PUT of a book: 201 and Location, or 204 if it was there.
inline Reply make_book(Context& context) {
  if (!context.books->create(context.book).is_new) return empty_reply(204);
  Reply reply = empty_reply(201);
  reply.headers.emplace_back(
      "Location",
      context.public_path(std::string(context.prefix.root())).append("/").append(context.book));
  return reply;
}

/// DELETE of a book: 204.
inline Reply remove_book(Context& context) {
  BookStore::Condition condition;
  if (const auto tags = context.exchange.request().header("If-Match")) {
    condition = [tags, formats = &context.options.formats](const BookState& state) {
      const EntityTag tag(state.epoch, state.revision);
      return find_tag(*tags, tag.text(), formats) == TagMatch::listed;
    };
  }
  context.books->remove(context.book, condition);
  return empty_reply(204);
}

// ---------------------------------------------------------------------------------------------

/// A cursor is `n` and the hex digits of a name, or `p` and a token of Positions.
/// @returns the name that the list goes on after; nothing if the cursor is not one of ours
inline std::optional<std::string> read_cursor(std::string_view cursor, const Context& context) {
  const auto digits = cursor.substr((std::min)(cursor.size(), std::size_t{1}));
  if (cursor.substr(0, 1) == "p") return context.positions.find(context.exchange.user(), digits);
  auto name = cursor.substr(0, 1) == "n" ? unhex(digits) : std::nullopt;
  if (!name || !is_valid_book_name(*name) || !may_read(context, *name)) return std::nullopt;
  return name;
}

inline BooksPage BooksPage::of(const Context& context) {
  BooksPage page;
  check_given_once(context.query);
  for (const QueryParameter& parameter : context.query) {
    if (parameter.name == "limit") {
      page.limit = read_limit(parameter, max_limit);
    } else {
      auto after = read_cursor(parameter.value, context);
      if (!after) refuse_value(parameter.name, "one of this list, and not too old");
      page.after = *std::move(after);
    }
  }
  return page;
}

inline Reply list_books(Context& context) {
  constexpr std::size_t max_seen = 1000;
  constexpr std::size_t min_run = 100;  // of names; most of them may be another's
  auto [limit, after] = BooksPage::of(context);
  std::string text = "[";
  std::size_t found = 0;
  bool more = true;
  bool is_next_known = false;  // a book that the client may read follows the last one
  std::string shown;           // the last name in the answer
  for (std::size_t seen = 0; more && !is_next_known && seen < max_seen;) {
    const std::size_t wanted = (std::max)(limit + 1 - found, min_run);
    const BookList run = context.books->list(after, (std::min)(wanted, max_seen - seen));
    more = run.more;
    for (const BookInfo& book : run.books) {
      ++seen;
      after = book.name;
      if (!may_read(context, book.name)) continue;
      if (found == limit) {
        is_next_known = true;
        break;
      }
      text.append(found++ == 0 ? "" : ",").append(book_json(book.name, book.state));
      shown = book.name;
    }
  }
  Reply reply = json_reply(text + "]");
  // A link only because of books that the client may not read would tell that they are there.
  if (is_next_known || more) {
    const std::string cursor =
        is_next_known ? "n" + hex(shown)
                      : "p" + context.positions.keep(context.exchange.user(), std::move(after));
    reply.headers.emplace_back(
        "Link", "<" + context.public_path(std::string(context.prefix.root())) +
                    "?limit=" + std::to_string(limit) + "&cursor=" + cursor + ">; rel=\"next\"");
  }
  return reply;
}

}  // namespace addrbook::detail
