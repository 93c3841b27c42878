/// The handler of what a query asks for: pages of a book, sorted and filtered.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/utc.hpp>
#include <addrbook/contact.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/query.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/cursor.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/member_names.hpp>
#include <addrbook/rest/parameters.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

[[nodiscard]] inline std::vector<Parameter> find_parameters() {
  return {
      limit_parameter,
      {"cursor", "Where the page before ended: follow `Link` as it is.",
       R"({"type":"string","minLength":1})"},
      {"sort",
       "The order; `-` in front reverses it. Addresses without the name come last in both "
       "directions.",
       R"({"enum":["created","updated","name","given","family","-created","-updated","-name",)"
       R"("-given","-family"],"default":"created"})"},
      {"q",
       "Words: each begins some word of the address, whatever its case and accents. Nothing in "
       "it is syntax.",
       R"({"type":"string"})", R"("an exam")"},
      {"email", "One of the email addresses is equal, whatever the case.",
       R"({"type":"string","minLength":1})", R"("ann@example.com")"},
      {"phone", "One of the phones is the same number, in any notation.",
       R"({"type":"string","minLength":1})", R"("+1 555 555 0123")"},
      {"label", "One of the labels is equal, whatever its case and accents.",
       R"({"type":"string","minLength":1})", R"("friends")"},
      {"id", "One of these ids.",
       R"({"type":"array","items":{"type":"string","minLength":1},"minItems":1,"maxItems":1000})"},
      fields_parameter,
      {"view",
       "`summary`: what the address says of a contact in place of the address and its dates, "
       "with the same members whatever its shape. Not together with `fields`.",
       R"({"enum":["summary"]})"},
      {"count",
       "Whether `X-Total-Count` says how many there are on all pages. Without a filter it is "
       "always sent.",
       R"({"type":"boolean","default":false})"}};
}

/// The entity tag of lists of a book. A weak one, as what stands for an entry may be of a later
/// state.
/// @param form  a format's name; "" for JSON
[[nodiscard]] inline std::string list_tag(const BookState& state, std::string_view form = {}) {
  return std::string("W/").append(EntityTag(state.epoch, state.revision, form).text());
}

/// What the parameters of a list ask for.
struct FindRequest {
  static constexpr std::size_t max_limit = 1000;
  static constexpr std::size_t max_ids = 1000;
  /// A page of large addresses ends early.
  static constexpr std::size_t max_page_bytes = std::size_t{1024} * 1024;

  Query query;
  std::size_t limit = 100;
  std::string cursor;
  std::optional<MemberNames> fields;
  bool is_summary = false;
  bool is_counted = false;

  /// @throws HttpError{400}
  [[nodiscard]] static inline FindRequest of(const QueryParameters& parameters);
};

/// Where a list begins, and whether the client has it already.
struct FindStart {
  std::optional<Position> after;
  std::optional<Reply> unchanged;  ///< a 304

  /// @param form  see list_tag()
  /// @throws HttpError{400} the cursor is of another list
  inline FindStart(const Context& context, const FindRequest& request, std::string_view form = {});
};

/// Adds ETag, X-Total-Count and Link.
/// @param form  see list_tag()
inline void add_page_fields(Reply& reply, const Context& context, const FindRequest& request,
                            const QueryPage& page, std::string_view form = {});

/// GET of the book with parameters: 200 `[{"id", "revision", "created_at", "updated_at",
/// "address"}, ...]`, Link to the next page (RFC 8288); or 304.
inline Reply find_addresses(Context& context);

// ---------------------------------------------------------------------------------------------

inline void read_sort(std::string_view value, Query& query) {
  using Sort = Query::Sort;
  constexpr std::array<std::pair<std::string_view, Sort>, 5> sorts{{{"created", Sort::created},
                                                                    {"updated", Sort::updated},
                                                                    {"name", Sort::name},
                                                                    {"given", Sort::given},
                                                                    {"family", Sort::family}}};
  query.descending = value.substr(0, 1) == "-";
  if (query.descending) value.remove_prefix(1);
  const auto* const found = std::find_if(sorts.begin(), sorts.end(),
                                         [value](const auto& sort) { return sort.first == value; });
  if (found == sorts.end()) {
    refuse_value("sort", "created, updated, name, given or family, with or without '-' in front");
  }
  query.sort = found->second;
}

/// No mail has a space, so it is a '+' that was not encoded.
[[nodiscard]] inline std::string with_plus(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '+');
  return text;
}

inline FindRequest FindRequest::of(const QueryParameters& parameters) {
  FindRequest request;
  Query& query = request.query;
  check_given_once(parameters, "id");
  for (const QueryParameter& parameter : parameters) {
    const auto& [name, value] = parameter;
    const bool is_asked_for =
        name == "id" || name == "email" || name == "phone" || name == "label" || name == "cursor";
    if (is_asked_for && value.empty()) refuse_value(name, "given a value");
    if (!is_utf8(value)) refuse_value(name, "UTF-8");
    if (name == "id") {
      if (!query.ids) query.ids.emplace();
      if (query.ids->size() == max_ids) {
        refuse_value(name, "given at most " + std::to_string(max_ids) + " times");
      }
      query.ids->push_back(value);
      continue;
    }
    if (name == "limit") request.limit = read_limit(parameter, max_limit);
    if (name == "cursor") request.cursor = value;
    if (name == "sort") read_sort(value, query);
    if (name == "q") query.words = value;
    if (name == "email") query.email = with_plus(value);
    if (name == "phone") query.phone = value;
    if (name == "label") query.label = value;
    if (name == "fields") request.fields = MemberNames::read(parameter);
    if (name == "count") request.is_counted = read_boolean(parameter);
    if (name == "view") {
      if (value != "summary") refuse_value(name, "summary");
      request.is_summary = true;
    }
  }
  if (request.is_summary && request.fields) {
    throw HttpError(400, "Invalid query: 'fields' and 'view' can't be used together");
  }
  return request;
}

/// Appends a list of strings as a JSON array.
inline void append_json_strings(std::string& to, const std::vector<std::string>& texts) {
  to += '[';
  for (const std::string& text : texts) {
    if (&text != &texts.front()) to += ',';
    append_json_string(to, text, JsonCharset::utf8);
  }
  to += ']';
}

/// Appends `{"name":"..","given":.., ...}`; the same members whatever the address has.
inline void append_summary(std::string& to, const Contact& contact) {
  const auto text = [&to](std::string_view name, const std::string& value) {
    append_json_string(to.append(name), value, JsonCharset::utf8);
  };
  text(R"({"name":)", contact.name);
  text(R"(,"given":)", contact.given);
  text(R"(,"family":)", contact.family);
  text(R"(,"organization":)", contact.organization);
  append_json_strings(to.append(R"(,"emails":)"), contact.emails);
  append_json_strings(to.append(R"(,"phones":)"), contact.phones);
  append_json_strings(to.append(R"(,"labels":)"), contact.labels);
  text(R"(,"birthday":)", contact.birthday);
  to += '}';
}

inline void append_found(std::string& to, const Entry& entry, const FindRequest& request) {
  to.append(R"({"id":")").append(entry.id);  // no character of an id needs an escape
  to.append(R"(","revision":)").append(std::to_string(entry.revision));
  if (request.is_summary) {
    append_summary(to.append(R"(,"summary":)"), read_contact(entry.document));
    to += '}';
    return;
  }
  to.append(R"(,"created_at":")").append(to_utc(entry.created_at));
  to.append(R"(","updated_at":")").append(to_utc(entry.updated_at));
  to.append(R"(","address":)");
  if (request.fields) {
    to.append(request.fields->keep(entry.document));
  } else {
    to.append(entry.document.text());
  }
  to += '}';
}

inline FindStart::FindStart(const Context& context, const FindRequest& request,
                            std::string_view form) {
  if (!context.exchange.asks_for_tags() && request.cursor.empty()) return;
  const BookState state = context.service->state();
  if (!request.cursor.empty()) {
    after = CursorScope(state.epoch, request.query).read(request.cursor);
    if (!after) refuse_value("cursor", "one of this list: follow Link as it is");
  }
  if (context.exchange.client_has({EntityTag(state.epoch, state.revision, form)})) {
    unchanged = empty_reply(304);
    unchanged->headers.emplace_back("ETag", list_tag(state, form));
  }
}

inline void add_page_fields(Reply& reply, const Context& context, const FindRequest& request,
                            const QueryPage& page, std::string_view form) {
  reply.headers.emplace_back("ETag", list_tag(page.state, form));
  if (!request.query.is_filtered()) {
    reply.headers.emplace_back("X-Total-Count", std::to_string(page.state.count));
  } else if (request.is_counted) {
    reply.headers.emplace_back("X-Total-Count",
                               std::to_string(context.service->count(request.query)));
  }
  if (page.next) {
    const CursorScope scope(page.state.epoch, request.query);
    reply.headers.emplace_back("Link", next_link(context, scope.write(*page.next)));
  }
}

inline Reply find_addresses(Context& context) {
  const FindRequest request = FindRequest::of(context.query);
  FindStart start(context, request);
  if (start.unchanged) return *std::move(start.unchanged);
  const QueryPage page = context.service->list(
      request.query, {request.limit, FindRequest::max_page_bytes}, start.after);
  std::string text = "[";
  for (const Entry& entry : page.entries) {
    if (&entry != &page.entries.front()) text += ',';
    append_found(text, entry, request);
  }
  Reply reply = json_reply(text + "]");
  add_page_fields(reply, context, request, page);
  return reply;
}

}  // namespace addrbook::detail
