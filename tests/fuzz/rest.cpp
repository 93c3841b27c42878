/// Rest over a MemoryStore, with a model of the book beside it. The input is a text:
///
///     coding debug max=300          how the book is served
///     %%
///     POST /addresses pieces=3      method, target, cuts in the body
///     X-Request-Id: a               header fields, then an empty line, then the body
///
///     {"name": "Ada Example"}
///     %%
///     GET /addresses/$0             $0 to $9 is the id of the first ten entries
///     If-None-Match: $0             here its entity tag; $L is the list's
///     %%
///     FILL 300                      not requests: makes entries; STOP and START the service
///
/// Dates of conditions, Prefer and batches are left out: they have tests of their own.
///
/// A Content-Length is added to POST, PUT and PATCH without framing, unless `unframed` is said;
/// `gzip` packs the body first; `end=timed_out`, too_large or malformed is how reading it ends.
///
/// Each request is also made of a mount of many books, with `/b` in place of the prefix: then
/// `/addresses/ada/c/$0` is an address of the book `ada`. There is no model of these.
#include <unit/rest_client.hpp>
#include "support.hpp"

#include <addrbook/books.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/json/merge_patch.hpp>
#include <addrbook/json/patch.hpp>
#include <addrbook/memory_books.hpp>
#include <addrbook/rest.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::BodyStatus;
using addrbook::Document;
using addrbook::LogRecord;
using addrbook::Service;
using fuzz::check;
using fuzz::check_equal;
using fuzz::take_until;
using nlohmann::json;
using test::Answer;
using test::Ask;
namespace detail = addrbook::detail;

namespace {

/// The words of a line, some of them `name=value`.
class Words {
 public:
  explicit Words(std::string_view line) {
    while (!line.empty()) {
      if (const auto word = take_until(line, " "); !word.empty()) words_.emplace_back(word);
    }
  }
  [[nodiscard]] std::string at(std::size_t i) const { return i < words_.size() ? words_[i] : ""; }
  [[nodiscard]] bool has(std::string_view word) const {
    return std::find(words_.begin(), words_.end(), word) != words_.end();
  }
  [[nodiscard]] std::string value(const std::string& name) const {
    for (const std::string& word : words_) {
      if (word.rfind(name + "=", 0) == 0) return word.substr(name.size() + 1);
    }
    return "";
  }
  /// A number of up to four digits.
  [[nodiscard]] std::size_t number(const std::string& name, std::size_t otherwise) const {
    const auto length = detail::parse_decimal(value(name).substr(0, 4));
    return length ? static_cast<std::size_t>(*length) : otherwise;
  }

 private:
  std::vector<std::string> words_;
};

bool is_one_line(std::string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// How JSON says a string in which any bytes may be.
std::string as_json_says(std::string_view bytes) {
  return json::parse(json(bytes).dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string run(addrbook::Codec& codec, std::string_view bytes, bool& is_good) {
  std::string made;
  const addrbook::ByteSink sink = [&](std::string_view more) {
    made.append(more);
    return made.size() < std::size_t{1024} * 1024;
  };
  is_good = codec.write(bytes, sink) && codec.finish(sink);
  return made;
}

struct Kept {
  std::string id;
  std::string text;
  std::uint64_t revision;
};

/// What a request must be answered with.
struct Expected {
  int status;
  std::string message = "";  ///< of an error: how it begins
  int other_status = 0;      ///< where the pieces decide which of two faults is seen first
};

class Book {
 public:
  explicit Book(const Words& words)
      : coding_(words.has("coding") ? addrbook::gzip() : nullptr),
        max_body_bytes_(words.number("max", 1024)),
        is_debug_(words.has("debug")),
        is_guarded_(words.has("guarded")),
        max_entries_(words.number("entries", 0)),
        prefix_(words.value("prefix")),
        service_(std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>(),
                                           std::vector<addrbook::Validator>{},
                                           addrbook::ServiceOptions{max_entries_})) {
    if (!detail::is_valid_prefix(prefix_)) prefix_ = "/addresses";
    addrbook::Options options;
    options.prefix = prefix_;
    options.coding = coding_;
    options.debug = is_debug_;
    options.max_body_bytes = max_body_bytes_;
    options.log = [this](const LogRecord& record) { lines_.push_back(record); };
    if (words.has("origins")) origins_ = {"https://app.example.com"};
    if (words.has("hosts")) hosts_ = {"book.example.com"};
    options.allowed_origins = origins_;
    options.allowed_hosts = hosts_;
    if (is_guarded_) {
      options.authorize = [](const addrbook::AccessRequest& access) {
        const auto secret = access.request.header("Authorization").value_or("");
        if (secret == "read") {
          return access.action == addrbook::Action::read ? addrbook::Access::allow("reader")
                                                         : addrbook::Access::forbid("reader");
        }
        return secret == "write" ? addrbook::Access::allow("writer")
                                 : addrbook::Access::unauthenticated();
      };
    }
    rest_ = std::make_unique<addrbook::Rest>(service_, options);
    epoch_ = service_->state().epoch;
    options.prefix = "/b/{book}/c";
    options.create_on_write = true;
    rest_of_books_ = std::make_unique<addrbook::Rest>(books_, options);
    books_->create(bystander_name).book->create(Document());
  }

  void step(std::string_view text) {
    std::string_view rest = text;
    const Words words(take_until(rest, "\n"));
    if (words.at(0) == "STOP") {
      service_->stop();
      is_stopped_ = true;
    } else if (words.at(0) == "START") {
      service_->start();
      is_stopped_ = false;
    } else if (words.at(0) == "FILL") {
      fill(Words("n=" + words.at(1)).number("n", 0));
    } else {
      request(words, rest);
    }
    // Every step, but large books only at the end: that takes its time.
    constexpr std::size_t small = 20;
    if (entries_.size() <= small) check_book();
  }

  /// Nothing but what the model knows of has been stored.
  void check_book() const {
    const auto state = service_->state();
    check(state.revision == revision_ && state.count == entries_.size() && state.epoch == epoch_,
          "the book's head is the model's");
    auto expected = entries_.begin();
    for (const auto& entry : service_->list()) {
      check(entry.created == expected->first && entry.id == expected->second.id &&
                entry.revision == expected->second.revision &&
                entry.document.text() == expected->second.text,
            "the book's entries are the model's");
      ++expected;
    }
  }

 private:
  static addrbook::BooksOptions few_books() {
    addrbook::BooksOptions options;
    options.max_books = max_books;
    return options;
  }

  void fill(std::size_t count) {
    constexpr std::size_t most = 300;  // a little more than a page
    for (std::size_t i = 0; i < count && !is_stopped_ && !is_full() && entries_.size() < most;
         ++i) {
      const auto entry = service_->create(Document::parse("{\"n\":" + std::to_string(i) + "}"));
      put(entry.id, entry.document.text());
    }
  }

  void request(const Words& words, std::string_view rest) {
    Ask ask;
    ask.method = words.at(0);
    ask.target = expanded(words.at(1), true);
    // The adapter gives us what lies below the prefix only, decoded where it could be.
    if (ask.target.rfind(prefix_, 0) != 0) ask.target.insert(0, prefix_);
    for (std::size_t at = 0; (at = ask.target.find('%', at)) != std::string::npos; ++at) {
      constexpr std::string_view digits = "0123456789abcdefABCDEF";
      if (at + 2 < ask.target.size() && digits.find(ask.target[at + 1]) != digits.npos &&
          digits.find(ask.target[at + 2]) != digits.npos) {
        continue;
      }
      ask.target[at] = '_';
    }
    if (ask.target.size() > prefix_.size() && ask.target[prefix_.size()] != '/' &&
        ask.target[prefix_.size()] != '?') {
      ask.target.insert(prefix_.size(), "/");
    }

    if (name_in_path(ask) == "_batch") return;
    if (ask.method == "GET" || ask.method == "HEAD") leave_queries_out(ask.target);

    while (!rest.empty()) {
      std::string_view line = take_until(rest, "\n");
      if (line.empty()) break;
      const std::string name(take_until(line, ":"));
      const std::string lower = detail::lowercase(name);
      if (lower == "if-modified-since" || lower == "if-unmodified-since" || lower == "prefer") {
        continue;
      }
      ask.headers.emplace_back(name, expanded(detail::trim(line), false));
    }
    std::string body(rest);
    if (words.has("gzip")) {
      bool is_good = false;
      body = run(*addrbook::gzip()->encoder(), rest, is_good);
    }
    ask.unframed = words.has("unframed");
    const std::string end = words.value("end");
    ask.body_status = end == "timed_out"   ? BodyStatus::timed_out
                      : end == "too_large" ? BodyStatus::too_large
                      : end == "malformed" ? BodyStatus::malformed
                                           : BodyStatus::complete;
    const std::size_t pieces = std::min(words.number("pieces", 1), std::size_t{50}) + 1;
    const std::size_t piece = body.size() / pieces + 1;
    for (std::size_t at = 0; at < body.size(); at += piece) {
      ask.body.push_back(body.substr(at, piece));
    }

    lines_.clear();
    document_.reset();
    const Expected expected = expect(ask, body);
    const Answer answer = test::ask(*rest_, ask);
    check(answer.status == expected.status ||
              (expected.other_status != 0 && answer.status == expected.other_status),
          "status " + std::to_string(answer.status) + " " + answer.body + ", not " +
              std::to_string(expected.status) + " " + expected.message);
    check_headers(ask, answer);
    check_lines(ask, answer);
    if (answer.status >= 400) {
      check_error(ask, answer, answer.status == expected.status ? expected.message : "");
    } else {
      check_success(ask, answer);
    }
    ask.target.replace(0, prefix_.size(), rest_of_books_->root());
    ask_books(ask);
  }

  /// What holds of many books whatever is asked for.
  void ask_books(const Ask& ask) {
    lines_.clear();
    const auto bystander = books_->find(bystander_name);  // null once it is removed
    const auto before = bystander ? bystander->state() : addrbook::BookState();
    const Answer answer = test::ask(*rest_of_books_, ask);
    check(answer.status < 600 && answer.status != 500, "no request fails for a fault of ours");
    check_headers(ask, answer);
    check_lines(ask, answer);
    for (const LogRecord& record : lines_) {
      check(record.book.empty() || addrbook::is_valid_book_name(record.book), "the line's book");
    }
    const auto books = books_->list("", max_books + 1).books;
    check(books.size() <= max_books, "there are no more than max_books");
    for (const auto& book : books) {
      check(addrbook::is_valid_book_name(book.name), "a book has a valid name");
    }
    const std::string path = test::decoded(ask.target.substr(0, ask.target.find('?')));
    if (path.find(bystander_name) != std::string::npos) return;
    const auto after = bystander ? bystander->state() : addrbook::BookState();
    check(after.revision == before.revision && books_->find(bystander_name) == bystander,
          "no request for another book changes this one");
  }

  /// Those have a target of their own, queries.cpp.
  static void leave_queries_out(std::string& target) {
    const auto at = (std::min)(target.find('?'), target.size());
    const auto known = detail::find_parameters();
    const auto parameters =
        detail::parse_query(std::string_view(target).substr((std::min)(at + 1, target.size())));
    for (const auto& [name, value] : parameters.value_or(detail::QueryParameters())) {
      const auto is_it = [&name = name](const auto& each) { return each.name == name; };
      if (std::any_of(known.begin(), known.end(), is_it)) {
        target.erase(at);
        return;
      }
    }
  }

  [[nodiscard]] std::string expanded(std::string_view text, bool is_target) const {
    std::string made;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char next = i + 1 < text.size() ? text[i + 1] : ' ';
      const bool is_entry = next >= '0' && next <= '9';
      if (text[i] != '$' || (!is_entry && next != 'L')) {
        made += text[i];
        continue;
      }
      ++i;
      if (!is_entry) {
        made += tag(revision_);
      } else if (const auto n = static_cast<std::size_t>(next - '0'); n < ids_.size()) {
        const Kept* const kept = find(ids_[n]);
        made += is_target ? ids_[n] : tag(kept != nullptr ? kept->revision : 0);
      }
    }
    return made;
  }

  [[nodiscard]] static std::optional<std::string> field(const Ask& ask, std::string_view name) {
    std::optional<std::string> joined;
    for (const auto& [given, value] : ask.headers) {
      if (detail::lowercase(given) != detail::lowercase(name)) continue;
      joined = joined ? *joined + ", " + value : value;
    }
    return joined;
  }

  /// The decoded path below the prefix without the '/' around it; nothing if it can't be ours.
  [[nodiscard]] std::optional<std::string> name_in_path(const Ask& ask) const {
    const std::string target = ask.target.substr(prefix_.size());
    std::string path = test::decoded(target.substr(0, target.find('?')));
    if (path.empty() || path == "/") return "";
    path.erase(0, 1);
    if (!path.empty() && path.back() == '/') path.pop_back();
    const bool is_id = path.size() <= 64 && !path.empty() &&
                       std::all_of(path.begin(), path.end(), [](unsigned char c) {
                         return c == '-' || (c < 0x80 && std::isalnum(c) != 0);
                       });
    if (is_id || path == "_health" || path == "_ready" || path == "_batch") return path;
    return std::nullopt;
  }

  [[nodiscard]] Expected expect(const Ask& ask, const std::string& body) {
    const auto name = name_in_path(ask);
    if (!name) return {404, "Unknown Endpoint"};
    const bool is_operation = !name->empty() && name->front() == '_';
    const bool is_book = name->empty();
    const std::string& method = ask.method;
    const bool is_read = method == "GET" || method == "HEAD";
    const bool is_write =
        is_book ? method == "POST"
                : !is_operation && (method == "PUT" || method == "PATCH" || method == "DELETE");
    if (!is_read && !is_write && method != "OPTIONS") return {405, "Method Not Allowed"};
    if (!is_operation && !hosts_.empty()) {
      const auto host = detail::parse_authority(field(ask, "Host").value_or(""));
      if (!host || host->host != hosts_.front()) return {403, "Forbidden: Host"};
    }
    if (is_write && !may_write(ask)) return {403, "Forbidden: a web page"};
    if (method == "OPTIONS") return {204};
    const Expected query = expect_query(ask);
    if (is_operation) {
      if (query.status != 0) return query;
      if (is_stopped_ && *name == "_ready") return {503, "Not ready: the service is stopped"};
      return {200};
    }
    if (is_guarded_) {
      const auto secret = field(ask, "Authorization").value_or("");
      if (secret == "read" && !is_read) return {403, "Forbidden"};
      if (secret != "read" && secret != "write") return {401, "Unauthorized"};
    }
    if (method == "POST" || method == "PUT" || method == "PATCH") {
      if (const Expected refusal = expect_body(ask, body); refusal.status != 0) return refusal;
    } else if (query.status != 0) {
      return query;
    }
    if (is_book) {
      if (is_read) return expect_read(ask, tag(revision_));
      if (is_full()) return {507, "Insufficient Storage"};
      if (is_stopped_) return {503, "The service is stopped"};
      return {201};
    }
    const Kept* const kept = find(*name);
    if (is_read && kept != nullptr) return expect_read(ask, tag(kept->revision));
    return is_read ? Expected{404, "No such address: '" + *name + "'"}
                   : expect_write(ask, *name, kept);
  }

  [[nodiscard]] static Expected expect_read(const Ask& ask, const std::string& tag) {
    const auto value = field(ask, "If-Match");
    if (value && !detail::matches_any_tag(*value, tag)) return {412, "Not the expected revision"};
    return {client_has(ask, tag) ? 304 : 200};
  }

  /// Of an address, whose body is good.
  [[nodiscard]] Expected expect_write(const Ask& ask, const std::string& name, const Kept* kept) {
    const auto match = field(ask, "If-Match");
    const auto none_match = field(ask, "If-None-Match");
    if (ask.method == "PUT" && none_match && detail::trim(*none_match) == "*") {
      if (kept != nullptr || match) return {412, "There is an address already: '" + name + "'"};
      if (is_full()) return {507, "Insufficient Storage"};
      if (is_stopped_) return {503, "The service is stopped"};
      return {201};
    }
    const Expected refused{412, "Not the expected revision: '" + name + "'"};
    if (kept == nullptr && match) return refused;
    if (kept == nullptr) return {404, "No such address: '" + name + "'"};
    if (match && !detail::matches_any_tag(*match, tag(kept->revision))) return refused;
    if (none_match &&
        detail::find_tag(*none_match, tag(kept->revision)) != detail::TagMatch::none) {
      return refused;
    }
    if (ask.method == "PATCH") {
      try {
        document_ = patched(ask, kept->text);
      } catch (const addrbook::Error& error) {
        return {error.code() == addrbook::Errc::conflict ? 409 : 400, error.what()};
      }
    }
    if (is_stopped_) return {503, "The service is stopped"};
    return {204};
  }

  [[nodiscard]] static bool is_json_patch(const Ask& ask) {
    return detail::media_type(field(ask, "Content-Type").value_or("")) ==
           "application/json-patch+json";
  }

  /// tests/fuzz/patch.cpp checks what patches do.
  [[nodiscard]] Document patched(const Ask& ask, const std::string& text) const {
    if (!is_json_patch(ask)) return Document::parse(detail::merge_patch(text, patch_));
    const std::string made = detail::JsonPatch(patch_).apply(
        text, {addrbook::ServiceOptions{}.max_document_bytes, Document::max_depth});
    if (made.empty()) throw addrbook::Error(addrbook::Errc::invalid, "Invalid JSON Patch: nothing");
    return Document::parse(made);
  }

  /// What is left are parameters that no route takes. @returns the refusal; status 0 if there is
  /// none
  [[nodiscard]] static Expected expect_query(const Ask& ask) {
    const auto at = ask.target.find('?');
    const bool has_parameter =
        at != std::string::npos && ask.target.find_first_not_of('&', at + 1) != std::string::npos;
    return has_parameter ? Expected{400, "Unknown parameter: '"} : Expected{0};
  }

  /// @returns the refusal; status 0 if there is none, document_ being set
  [[nodiscard]] Expected expect_body(const Ask& ask, const std::string& body) {
    const bool is_patch = ask.method == "PATCH";
    if (is_patch) {
      const auto type = detail::media_type(field(ask, "Content-Type").value_or(""));
      if (!is_json_patch(ask) && type != "application/json" &&
          type != "application/merge-patch+json") {
        return {415, "Unsupported Media Type"};
      }
    } else if (const auto type = field(ask, "Content-Type");
               type && !type->empty() && !detail::is_json_media_type(detail::media_type(*type))) {
      return {415, "Unsupported Media Type"};
    }
    const std::string coding =
        detail::lowercase(detail::trim(field(ask, "Content-Encoding").value_or("")));
    std::unique_ptr<addrbook::Codec> decoder;
    if (!coding.empty() && coding != "identity") {
      if (coding_ && (coding == "gzip" || coding == "x-gzip" || coding == "deflate")) {
        decoder = coding_->decoder(coding);
      } else {
        return {415, "Unsupported Content-Encoding"};
      }
    }
    const std::size_t most =
        max_body_bytes_ + (decoder ? max_body_bytes_ / 256 + 1024 : std::size_t{0});
    const Expected too_large{413, "Body over " + std::to_string(max_body_bytes_) + " bytes"};

    const auto transfer = field(ask, "Transfer-Encoding");
    const auto length = field(ask, "Content-Length");
    if (transfer && detail::lowercase(*transfer) != "chunked") {
      return {501, "Unsupported Transfer-Encoding"};
    }
    if (length && (transfer || !detail::parse_decimal(*length))) {
      return {400, "Invalid Content-Length"};
    }
    if (length && *detail::parse_decimal(*length) > most) return too_large;
    if (!length && !transfer && ask.unframed) return {411, "Length Required"};
    if (!length && !transfer && body.size() > most) return too_large;

    bool is_good = true;
    std::string plain = decoder ? run(*decoder, body, is_good) : body;
    if (body.size() > most) {
      // What is broken before that many bytes is seen first.
      const int first_fault = ask.body_status == BodyStatus::timed_out ? 408 : 400;
      return {413, too_large.message, decoder && !is_good ? first_fault : 0};
    }
    if (plain.size() > max_body_bytes_) return too_large;
    switch (ask.body_status) {
      case BodyStatus::complete: break;
      case BodyStatus::too_large: return too_large;
      case BodyStatus::timed_out: return {408, "Body not complete within "};
      case BodyStatus::malformed: return {400, "Incomplete body"};
      case BodyStatus::stopped: return {503, "The server is stopping"};
    }
    if (!is_good) return {400, "The body is not in its Content-Encoding"};
    if (const Expected query = expect_query(ask); query.status != 0) return query;
    if (is_patch) return expect_patch(ask, plain);
    try {
      document_ = Document::parse(plain);
    } catch (const addrbook::Error& error) {
      return {400, std::string("Invalid JSON body: ") + error.what()};
    }
    return {0};
  }

  [[nodiscard]] Expected expect_patch(const Ask& ask, const std::string& plain) {
    patch_ = plain;
    try {
      detail::compact_json(patch_, Document::max_depth + (is_json_patch(ask) ? 2 : 0));
    } catch (const addrbook::Error& error) {
      return {400, std::string("Invalid JSON body: ") + error.what()};
    }
    if (!is_json_patch(ask)) {
      return patch_[0] == '{' ? Expected{0} : Expected{400, "Invalid merge patch"};
    }
    try {
      const detail::JsonPatch patch(patch_);
    } catch (const addrbook::Error& error) {
      return {400, error.what()};
    }
    return {0};
  }

  [[nodiscard]] bool may_write(const Ask& ask) const {
    const auto value = field(ask, "Origin");
    if (!value) return true;
    const auto origin = detail::parse_origin(*value);
    if (!origin) return false;
    for (const std::string& allowed : origins_) {
      if (*origin == *detail::parse_origin(allowed)) return true;
    }
    const auto host = detail::parse_authority(field(ask, "Host").value_or(""));
    return host && origin->without_default_port(*host) == origin->authority;
  }

  [[nodiscard]] static bool client_has(const Ask& ask, const std::string& tag) {
    const auto value = field(ask, "If-None-Match");
    return value && detail::matches_any_tag(*value, tag);
  }

  void check_headers(const Ask& ask, const Answer& answer) const {
    std::map<std::string, std::size_t> count;
    for (const auto& [name, value] : answer.headers) {
      check(++count[name] == 1, "every field stands once: " + name);
      check(detail::is_field_value(value), "a field can stand in a header: " + name);
    }
    check_equal(answer.header("Cache-Control"), "private, no-cache", "Cache-Control");
    check_equal(answer.header("X-Content-Type-Options"), "nosniff", "X-Content-Type-Options");
    const auto id = field(ask, "X-Request-Id");
    if (id && detail::is_request_id(*id)) {
      check_equal(answer.header("X-Request-Id"), *id, "X-Request-Id is kept");
    } else {
      check(detail::is_request_id(answer.header("X-Request-Id")), "X-Request-Id is made");
    }
    check(answer.is_complete, "no answer is cut short");
    const bool has_body = !answer.body.empty() || answer.has_source;
    check(has_body == (answer.count("Content-Type") == 1), "a body has a type, none has none");
    if (has_body) {
      check_equal(answer.header("Content-Type"), "application/json; charset=UTF-8", "Content-Type");
    }
    const std::string vary = answer.header("Vary");
    check((coding_ != nullptr && (has_body || answer.status == 304)) ==
              (vary.rfind("Accept-Encoding", 0) == 0),
          "Vary names Accept-Encoding where it could count");
    check((answer.status == 405 || (answer.status == 204 && ask.method == "OPTIONS")) ==
              (answer.count("Allow") == 1),
          "Allow");
    check((answer.status == 503) == (answer.count("Retry-After") == 1), "Retry-After");
    check((answer.status == 401) == (answer.count("WWW-Authenticate") == 1), "WWW-Authenticate");
    const std::string shared = answer.header("Access-Control-Allow-Origin");
    check(shared == "(absent)" || (!origins_.empty() && shared == field(ask, "Origin")),
          "only an allowed origin is let in");
  }

  void check_lines(const Ask& ask, const Answer& answer) const {
    // The source of a HEAD is not read, and its request is logged all the same.
    check(lines_.size() == 1, "one line a request");
    for (const LogRecord& record : lines_) {
      check(record.status == answer.status && record.method == ask.method, "what was answered");
      check_equal(record.request_id, answer.header("X-Request-Id"), "the request's id");
      check(record.kind == LogRecord::Kind::response, "no fault happened");
      check(ask.method == "HEAD" ? record.bytes == 0 : record.bytes == answer.body.size(),
            "the answer's bytes");
      check(is_one_line(addrbook::to_logfmt(record)), "to_logfmt() is one line of ASCII");
      const std::string line = addrbook::to_json_line(record);
      check(is_one_line(line), "to_json_line() is one line of ASCII");
      const json object = json::parse(line, nullptr, false);
      check(object.is_object() && object["status"] == answer.status, "and a JSON object");
    }
  }

  void check_error(const Ask& ask, const Answer& answer, const std::string& message) const {
    const json error = json::parse(unpacked(answer), nullptr, false);
    check(error.is_object(), "an error is a JSON object: " + answer.body);
    check(error.size() == (is_debug_ ? 5U : 4U) && error.contains("trace") == is_debug_,
          "of these members: " + answer.body);
    check_equal(error.at("method").get<std::string>(), as_json_says(ask.method), "method");
    check_equal(error.at("uri").get<std::string>(),
                as_json_says(ask.target.substr(0, ask.target.find('?'))), "uri");
    check(error.at("code") == answer.status, "code");
    check(error.at("message").get<std::string>().rfind(as_json_says(message), 0) == 0,
          "message: " + answer.body + ", not " + message);
    check(answer.count("ETag") == 0 && answer.count("Location") == 0, "nothing was made");
  }

  /// Checks an answer below 400, and does to the model what it says.
  void check_success(const Ask& ask, const Answer& answer) {
    const std::string name = *name_in_path(ask);
    if (answer.status == 201) {
      const std::string id = answer.id();
      check_equal(answer.header("Location"), prefix_ + "/" + id, "Location");
      const bool is_made =
          id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
      check(ask.method == "PUT" ? id == name : is_made, "an id");
      put(id, document_->text());
      check_equal(answer.header("ETag"), tag(revision_), "ETag of what is new");
      check(answer.body.empty(), "201 is empty");
    } else if (ask.method == "PUT" || ask.method == "PATCH") {
      Kept* const kept = find(name);
      kept->text = document_->text();
      kept->revision = ++revision_;
      check_equal(answer.header("ETag"), tag(revision_), "ETag of what is replaced");
    } else if (ask.method == "DELETE") {
      ++revision_;
      entries_.erase(std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry.second.id == name; }));
    } else if (ask.method == "OPTIONS") {
      check(answer.body.empty(), "OPTIONS is empty");
    } else if (name.empty() || name.front() != '_') {
      const std::string text = name.empty() ? list() : find(name)->text;
      const bool is_packed = answer.count("Content-Encoding") == 1;
      const std::string own_tag = tag(name.empty() ? revision_ : find(name)->revision);
      check_equal(answer.header("ETag"), (name.empty() || is_packed ? "W/" : "") + own_tag,
                  "ETag of what is read");
      if (answer.status == 304) {
        check(answer.body.empty(), "304 is empty");
      } else if (!answer.has_source || ask.method != "HEAD") {
        check_equal(unpacked(answer), text, "what is read is what was written");
        const auto accepted = field(ask, "Accept-Encoding");
        check(is_packed == (coding_ && accepted && detail::accepts_coding(*accepted, "gzip") &&
                            (answer.has_source || text.size() >= 1024)),
              "packed where asked and worth it");
      }
    } else {
      check_equal(answer.body, "{\"status\":\"pass\"}", "health");
    }
  }

  [[nodiscard]] static std::string unpacked(const Answer& answer) {
    if (answer.count("Content-Encoding") == 0) return answer.body;
    check_equal(answer.header("Content-Encoding"), "gzip", "the one coding there is");
    bool is_good = false;
    std::string text = run(*addrbook::gzip()->decoder("gzip"), answer.body, is_good);
    check(is_good, "a packed answer is gzip");
    return text;
  }

  void put(const std::string& id, const std::string& text) {
    ++revision_;
    entries_[revision_] = {id, text, revision_};
    ids_.push_back(id);
  }

  [[nodiscard]] bool is_full() const {
    return max_entries_ != 0 && entries_.size() >= max_entries_;
  }

  [[nodiscard]] const Kept* find(std::string_view id) const {
    for (const auto& entry : entries_) {
      if (entry.second.id == id) return &entry.second;
    }
    return nullptr;
  }
  [[nodiscard]] Kept* find(std::string_view id) {
    for (auto& entry : entries_) {
      if (entry.second.id == id) return &entry.second;
    }
    return nullptr;
  }

  [[nodiscard]] std::string list() const {
    std::string text;
    for (const auto& entry : entries_) {
      text += (text.empty() ? "{\"" : ",\"") + entry.second.id + "\":" + entry.second.text;
    }
    return text.empty() ? "{}" : text + "}";
  }

  [[nodiscard]] std::string tag(std::uint64_t revision) const {
    return std::string(detail::EntityTag(epoch_, revision).text());
  }

  std::shared_ptr<const addrbook::Coding> coding_;
  std::size_t max_body_bytes_;
  bool is_debug_;
  bool is_guarded_;
  std::size_t max_entries_;
  std::string prefix_;
  std::vector<std::string> origins_;
  std::vector<std::string> hosts_;
  std::shared_ptr<Service> service_;
  std::vector<LogRecord> lines_;
  std::unique_ptr<addrbook::Rest> rest_;
  static constexpr std::size_t max_books = 8;
  static constexpr const char* bystander_name = "kept";
  std::shared_ptr<addrbook::Books> books_ = std::make_shared<addrbook::Books>(
      std::make_shared<addrbook::MemoryBooks>(), std::vector<addrbook::Validator>(), few_books());
  std::unique_ptr<addrbook::Rest> rest_of_books_;

  // The model.
  std::uint64_t epoch_ = 0;
  std::uint64_t revision_ = 0;
  std::map<std::uint64_t, Kept> entries_;  // by the revision that created them
  std::vector<std::string> ids_;           // of all there ever were
  bool is_stopped_ = false;
  std::optional<Document> document_;  // that the request under way has sent or made
  std::string patch_;                 // that it has sent
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text(data, size);
  constexpr std::string_view separator = "\n%%\n";
  Book book{Words(take_until(input, separator))};
  constexpr int most_steps = 24;
  for (int i = 0; i < most_steps && !input.empty(); ++i) book.step(take_until(input, separator));
  book.check_book();
  return 0;
}
