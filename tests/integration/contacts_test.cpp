// What clients of a contacts API rely on, over real sockets: on httplib's own server, on ours, and
// on ours where the program's hooks see the book's requests; with a store that scans, and with one
// that has an index.

#include <addrbook/addrbook.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <support/http_client.hpp>
#include <support/mount.hpp>
#include <support/parallel.hpp>
#include <support/process.hpp>
#include <support/running.hpp>
#include <support/server_with_hooks.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
using test::Connection;
using test::Headers;
using test::Response;
using Texts = std::vector<std::string>;

struct InMemory {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() const {
    return std::make_shared<addrbook::MemoryStore>();
  }
};
struct InFile {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() const {
    return addrbook::open_sqlite((folder_.path() / "book").string());
  }

 private:
  test::TempFolder folder_;
};

/// A book on a running server.
class Book {
 public:
  Book() = default;
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;
  virtual ~Book() = default;

  [[nodiscard]] virtual addrbook::Store& store() const = 0;
  [[nodiscard]] virtual int port() const = 0;

  /// A request on a connection of its own: plain httplib may close one after an error.
  [[nodiscard]] Response ask(const std::string& method, const std::string& target,
                             const Headers& headers = {}, const std::string& body = {}) const {
    return Connection(port()).request(method, target, headers, body);
  }
  /// @returns the target of a new address
  [[nodiscard]] std::string add(const std::string& text) const {
    const Response made = ask("POST", "/addresses", {}, text);
    REQUIRE(made.status == 201);
    return made.header("location");
  }
};

template <class Server, class Storage>
class On final : public Book {
 public:
  [[nodiscard]] addrbook::Store& store() const override { return *store_; }
  [[nodiscard]] int port() const override { return running_.port(); }

 private:
  Server& mounted() {
    test::mount(server_, std::make_shared<addrbook::Service>(store_));
    return server_;
  }

  Storage storage_;
  std::shared_ptr<addrbook::Store> store_ = storage_.make();
  Server server_;
  test::Running<Server> running_{mounted()};
};

using PlainScanned = On<httplib::Server, InMemory>;
using PlainIndexed = On<httplib::Server, InFile>;
using OursScanned = On<addrbook::Server, InMemory>;
using OursIndexed = On<addrbook::Server, InFile>;
using HooksScanned = On<test::ServerWithHooks, InMemory>;
using HooksIndexed = On<test::ServerWithHooks, InFile>;
#define ADDRBOOK_ALL_BOOKS \
  PlainScanned, PlainIndexed, OursScanned, OursIndexed, HooksScanned, HooksIndexed

std::string id_of(const std::string& target) {
  return target.substr(target.rfind('/') + 1);
}

Texts names_of(const Response& list) {
  REQUIRE(list.status == 200);
  Texts names;
  for (const auto& each : json::parse(list.body)) {
    names.push_back(each.at("address").at("name").get<std::string>());
  }
  return names;
}

/// @returns the target of Link with rel="next"; "" if there is none
std::string next_of(const Response& page) {
  if (!page.has("link")) return "";
  const std::string link = page.header("link");
  const auto end = link.find(">; rel=\"next\"");
  REQUIRE(link[0] == '<');
  REQUIRE(end != std::string::npos);
  return link.substr(1, end - 1);
}

const Headers merge_patch{{"content-type", "application/merge-patch+json"}};
const Headers json_patch{{"content-type", "application/json-patch+json"}};

Headers with(Headers headers, const std::string& name, const std::string& value) {
  headers.emplace_back(name, value);
  return headers;
}

void check_found(const Book& book) {
  const std::string bob = book.add(
      R"({"name":"Bob","emails":[{"address":"BOB@example.com"}],"phones":["555-0123 x7"],"labels":{"friends":true}})");
  const std::string ann = book.add(
      R"({"name":"Ann","emails":["ann+x@example.com"],"phones":["+1 (555) 555-0123"],"labels":["Friends","work"]})");
  const std::string cid = book.add(R"({"name":"Cid","email":"cid@example.org","phone":5550199})");
  const auto found = [&](const std::string& query) {
    return names_of(book.ask("GET", "/addresses?" + query));
  };
  CHECK(found("email=ann+x@example.com") == Texts{"Ann"});
  CHECK(found("email=bob%40EXAMPLE.com") == Texts{"Bob"});
  CHECK(found("email=example.com") == Texts{});
  // An equal number comes first; the other one is its end.
  CHECK(found("phone=%2B1%20555%20555%200123") == Texts{"Ann", "Bob"});
  CHECK(found("phone=5550199") == Texts{"Cid"});
  CHECK(found("phone=50199") == Texts{});
  CHECK(found("label=FRIENDS") == Texts{"Bob", "Ann"});
  CHECK(found("label=friends&sort=name") == Texts{"Ann", "Bob"});
  CHECK(found("label=friend") == Texts{});
  CHECK(found("id=" + id_of(cid) + "&id=" + id_of(bob) + "&id=nobody") == Texts{"Bob", "Cid"});
  CHECK(found("id=nobody") == Texts{});
  CHECK(found("label=friends&email=bob@example.com&phone=5550123&q=bo") == Texts{"Bob"});
  CHECK(found("id=" + id_of(ann) + "&email=cid@example.org") == Texts{});
  for (const std::string query :
       {"email=", "phone=", "label=", "id=", "label=a&label=b", "mail=x"}) {
    CAPTURE(query);
    CHECK(book.ask("GET", "/addresses?" + query).status == 400);
  }
  // What is no longer so is not found any more.
  CHECK(book.ask("PUT", ann, {}, R"({"name":"Ann","email":"ann@example.org"})").status == 204);
  CHECK(book.ask("DELETE", cid).status == 204);
  for (const std::string query : {"email=ann+x@example.com", "phone=15555550123&q=ann",
                                  "label=work", "email=cid@example.org"}) {
    CAPTURE(query);
    CHECK(found(query) == Texts{});
  }
  CHECK(found("email=ann@example.org") == Texts{"Ann"});
}

void check_links(const Book& book) {
  constexpr int count = 22;
  const auto name_of = [](int i) { return "P" + std::to_string(10 + i); };
  const auto text_of = [](const std::string& name) {
    return R"({"name":")" + name + R"(","labels":["friends"]})";
  };
  std::vector<std::string> targets(count);
  for (int i = 0; i < count; ++i) {
    const int mixed = i * 7 % count;
    targets[static_cast<std::size_t>(mixed)] = book.add(text_of(name_of(mixed)));
  }
  std::string target = "/addresses?sort=name&limit=4";
  SUBCASE("of all") {}
  SUBCASE("of a label") {
    target += "&label=friends";
  }
  SUBCASE("of a word") {
    target += "&q=p";
  }
  Texts seen;
  int pages = 0;
  for (; !target.empty(); ++pages) {
    REQUIRE(pages < 20);
    const Response page = book.ask("GET", target);
    const Texts names = names_of(page);
    REQUIRE(!names.empty());
    CHECK(names.size() <= 4);
    seen.insert(seen.end(), names.begin(), names.end());
    target = next_of(page);
    if (pages != 1) continue;
    // The one at which the page ended, and one that is still to come.
    CHECK(names.back() == name_of(7));
    CHECK(book.ask("DELETE", targets[7]).status == 204);
    CHECK(book.ask("DELETE", targets[18]).status == 204);
    // One where the list has been, and one where it is going.
    static_cast<void>(book.add(text_of(name_of(3) + "b")));
    static_cast<void>(book.add(text_of(name_of(12) + "b")));
  }
  Texts expected;
  for (int i = 0; i < count; ++i) {
    if (i != 18) expected.push_back(name_of(i));
    if (i == 12) expected.push_back(name_of(12) + "b");
  }
  CHECK(seen == expected);
  CHECK(pages == 6);
}

void check_dates(const Book& book) {
  constexpr auto at = std::chrono::milliseconds(1'577'836'801'234);  // 2020-01-01
  const std::string text = R"({"name":"Ann"})";
  book.store().commit(
      {{addrbook::Write{"ann", addrbook::Document::parse(text), {}}}, 0, addrbook::Timestamp(at)});
  const std::string target = "/addresses/ann";
  const std::string before = "Wed, 01 Jan 2020 00:00:00 GMT";
  const std::string modified = "Wed, 01 Jan 2020 00:00:01 GMT";
  const std::string after = "Wed, 01 Jan 2020 00:00:02 GMT";
  const Response got = book.ask("GET", target);
  CHECK(got.header("last-modified") == modified);
  const auto since = [&](const std::string& date, Headers headers = {}) {
    headers.emplace_back("if-modified-since", date);
    const Response answer = book.ask("GET", target, headers);
    CHECK(answer.header("etag") == got.header("etag"));
    CHECK(answer.body == (answer.status == 200 ? text : ""));
    return answer.status;
  };
  CHECK(since(before) == 200);
  CHECK(since(modified) == 304);
  CHECK(since(after) == 304);
  CHECK(since("yesterday") == 200);
  CHECK(since(modified, {{"if-none-match", "\"x\""}}) == 200);
  CHECK(since(before, {{"if-none-match", got.header("etag")}}) == 304);

  const auto unmodified = [](const std::string& date, Headers headers = {}) {
    headers.emplace_back("if-unmodified-since", date);
    return headers;
  };
  const auto check_refused = [&](const std::string& date) {
    CHECK(book.ask("PUT", target, unmodified(date), "{}").status == 412);
    CHECK(book.ask("PATCH", target, unmodified(date, merge_patch), "{}").status == 412);
    CHECK(book.ask("DELETE", target, unmodified(date)).status == 412);
  };
  check_refused(before);
  CHECK(book.ask("GET", target).body == text);
  CHECK(book.ask("PATCH", target, unmodified(modified, merge_patch), R"({"n":1})").status == 204);
  // By now it has been modified.
  check_refused(modified);
  check_refused(after);
  CHECK(book.ask("GET", target, {{"if-modified-since", modified}}).body ==
        R"({"name":"Ann","n":1})");
  CHECK(book.ask("PUT", target, unmodified("yesterday"), "{}").status == 204);
}

void check_editors(const Book& book) {
  const std::string target = book.add(R"({"n":0})");
  const auto if_match = [](const Response& read) {
    return Headers{{"if-match", read.header("etag")}};
  };
  const Response first = book.ask("GET", target);
  const Response second = book.ask("GET", target);
  const Response saved = book.ask("PUT", target, if_match(first), R"({"n":0,"by":"first"})");
  CHECK(saved.status == 204);
  CHECK(book.ask("PUT", target, if_match(second), R"({"n":0,"by":"second"})").status == 412);
  const Headers stale_patch = with(merge_patch, "if-match", second.header("etag"));
  CHECK(book.ask("PATCH", target, stale_patch, R"({"by":"second"})").status == 412);
  CHECK(book.ask("DELETE", target, if_match(second)).status == 412);
  CHECK(book.ask("GET", target).body == R"({"n":0,"by":"first"})");
  CHECK(book.ask("PUT", target, if_match(saved), R"({"n":0,"by":"both"})").status == 204);
  CHECK(book.ask("PUT", "/addresses/none", {{"if-match", "*"}}, "{}").status == 412);
  CHECK(book.ask("PUT", target, {{"if-none-match", "*"}}, "{}").status == 412);

  // Both count, each from what it has read.
  constexpr int rounds = 10;
  const auto failures = test::run_parallel(2, [&](std::size_t editor) {
    Connection connection(book.port());
    const auto ask = [&](const std::string& method, const Headers& headers = {},
                         const std::string& body = {}) {
      Response answer = connection.request(method, target, headers, body);
      if (answer.status >= 400) connection = Connection(book.port());
      return answer;
    };
    for (int saved_by_me = 0, tries = 0; saved_by_me < rounds;) {
      if (++tries > 1000) throw std::runtime_error("never first");
      const Response read = ask("GET");
      const std::string n = std::to_string(json::parse(read.body).at("n").get<int>() + 1);
      const Response wrote = editor == 0
                                 ? ask("PUT", if_match(read), R"({"n":)" + n + "}")
                                 : ask("PATCH", with(json_patch, "if-match", read.header("etag")),
                                       R"([{"op":"replace","path":"/n","value":)" + n + "}]");
      if (wrote.status == 204) {
        ++saved_by_me;
      } else if (wrote.status != 412) {
        throw std::runtime_error(wrote.body);
      }
    }
  });
  CHECK(failures == "");
  CHECK(json::parse(book.ask("GET", target).body).at("n") == 2 * rounds);
}

void check_idempotency(const Book& book) {
  const std::string text = R"({"name":"Ann Example"})";
  const auto post = [&](const std::string& key, const std::string& body) {
    return book.ask("POST", "/addresses", {{"idempotency-key", key}}, body);
  };
  std::vector<Response> answers(20);
  const auto failures =
      test::run_parallel(answers.size(), [&](std::size_t t) { answers[t] = post("key", text); });
  CHECK(failures == "");
  const std::string target = answers[0].header("location");
  REQUIRE(!target.empty());
  for (const Response& answer : answers) {
    CHECK(answer.status == 201);
    CHECK(answer.header("location") == target);
    CHECK(answer.header("etag") == answers[0].header("etag"));
    CHECK(answer.body == answers[0].body);
  }
  CHECK(book.ask("GET", "/addresses").body == "{\"" + id_of(target) + "\":" + text + "}");
  CHECK(post("key", "{}").status == 422);
  CHECK(post("another", text).header("location") != target);
  CHECK(json::parse(book.ask("GET", "/addresses").body).size() == 2);
  // The answer stays, whatever becomes of the address.
  CHECK(book.ask("DELETE", target).status == 204);
  const Response again = post("key", text);
  CHECK(again.status == 201);
  CHECK(again.header("location") == target);
  CHECK(again.header("etag") == answers[0].header("etag"));
  CHECK(book.ask("GET", target).status == 404);
}

void check_patches(const Book& book) {
  const std::string target = book.add(
      R"({"z":1.0,"n":12345678901234567890,"name":"Ann","emails":["a@example.com"],"m":-0})");
  const auto patch = [&](const Headers& headers, const std::string& body) {
    return book.ask("PATCH", target, headers, body).status;
  };
  const auto text = [&] { return book.ask("GET", target).body; };
  CHECK(patch(merge_patch, R"({"name":"Ann Example","emails":null})") == 204);
  CHECK(text() == R"({"z":1.0,"n":12345678901234567890,"name":"Ann Example","m":-0})");
  CHECK(patch({{"content-type", "application/json"}}, R"({"m":null,"k":1e400})") == 204);
  CHECK(text() == R"({"z":1.0,"n":12345678901234567890,"name":"Ann Example","k":1e400})");
  CHECK(patch(json_patch, R"([{"op":"test","path":"/name","value":"Ann Example"},
                              {"op":"add","path":"/labels","value":["b"]},
                              {"op":"add","path":"/labels/0","value":"a"},
                              {"op":"move","from":"/k","path":"/moved"},
                              {"op":"remove","path":"/z"}])") == 204);
  const std::string patched =
      R"({"n":12345678901234567890,"name":"Ann Example","labels":["a","b"],"moved":1e400})";
  CHECK(text() == patched);
  // All of a patch or nothing.
  CHECK(patch(json_patch, R"([{"op":"remove","path":"/n"},
                              {"op":"test","path":"/name","value":"Bob"}])") == 409);
  CHECK(patch(json_patch, R"([{"op":"remove","path":"/n"},{"op":"remove","path":"/none"}])") ==
        409);
  CHECK(patch(json_patch, R"({"op":"remove","path":"/n"})") == 400);
  CHECK(patch(merge_patch, "[]") == 400);
  CHECK(patch({{"content-type", "text/plain"}}, "{}") == 415);
  CHECK(patch({}, "{}") == 415);
  CHECK(text() == patched);
  CHECK(book.ask("PATCH", "/addresses/none", merge_patch, "{}").status == 404);
}

void check_preferences(const Book& book) {
  const std::string target = book.add("{}");
  const std::string text = R"({"name":"Ann","n":1.0})";
  struct Case {
    const char* method;
    std::string target;
    Headers headers;
    int status;
    int status_with_text;
  };
  for (const Case& each :
       {Case{"POST", "/addresses", {}, 201, 201}, Case{"PUT", target, {}, 204, 200},
        Case{"PATCH", target, merge_patch, 204, 200}}) {
    CAPTURE(each.method);
    const auto write = [&](const Headers& headers) {
      return book.ask(each.method, each.target, headers, text);
    };
    const Response plain = write(each.headers);
    CHECK(plain.status == each.status);
    CHECK(plain.body.empty());
    CHECK_FALSE(plain.has("preference-applied"));
    const Response minimal = write(with(each.headers, "prefer", "return=minimal"));
    CHECK(minimal.status == each.status);
    CHECK(minimal.body.empty());
    CHECK(minimal.header("preference-applied") == "return=minimal");
    const Response whole =
        write(with(each.headers, "prefer", "respond-async, return=representation"));
    CHECK(whole.status == each.status_with_text);
    CHECK(whole.body == text);
    CHECK(whole.header("preference-applied") == "return=representation");
    CHECK(whole.header("content-type") == "application/json; charset=UTF-8");
    const std::string at = each.status == 201 ? whole.header("location") : target;
    CHECK(whole.header("content-location") == at);
    const Response got = book.ask("GET", at);
    CHECK(got.body == text);
    CHECK(got.header("etag") == whole.header("etag"));
    CHECK(minimal.header("etag") != whole.header("etag"));
  }
  // An error is told, whatever the client prefers.
  const Response refused =
      book.ask("PUT", target, {{"if-match", "\"x\""}, {"prefer", "return=representation"}}, text);
  CHECK(refused.status == 412);
  CHECK_FALSE(refused.has("preference-applied"));
}

void check_batches(const Book& book) {
  const auto batch = [&](const std::string& operations) {
    return book.ask("POST", "/addresses/_batch", {}, "[" + operations + "]");
  };
  const Response made = batch(R"({"op":"create","id":"ann","address":{"name":"Ann","n":1.0}},
                                 {"op":"create","id":"bob","address":{"name":"Bob"}},
                                 {"op":"create","id":"cid","address":{"name":"Cid"}})");
  CHECK(made.status == 200);
  CHECK(made.body == R"([{"id":"ann","revision":1},{"id":"bob","revision":2},)"
                     R"({"id":"cid","revision":3}])");
  const Response before = book.ask("GET", "/addresses");
  CHECK(before.body ==
        R"({"ann":{"name":"Ann","n":1.0},"bob":{"name":"Bob"},"cid":{"name":"Cid"}})");
  const std::string good = R"({"op":"delete","id":"ann"},{"op":"create","address":{}},)";
  const struct {
    const char* operation;
    int status;
  } failing[] = {{R"({"op":"create","id":"bob","address":{}})", 409},
                 {R"({"op":"replace","id":"dan","address":{}})", 404},
                 {R"({"op":"patch","id":"dan","patch":{}})", 404},
                 {R"({"op":"delete","id":"bob","if_revision":1})", 412},
                 {R"({"op":"delete","id":"ann"})", 400},
                 {R"({"op":"spam"})", 400}};
  for (const auto& each : failing) {
    CAPTURE(each.operation);
    const Response refused = batch(good + each.operation);
    CHECK(refused.status == each.status);
    CHECK(json::parse(refused.body).value("index", -1) == 2);
    const Response after = book.ask("GET", "/addresses");
    CHECK(after.body == before.body);
    CHECK(after.header("etag") == before.header("etag"));
  }
  CHECK(batch(R"({"op":"replace","id":"bob","address":{"name":"Bo"},"if_revision":2},
                 {"op":"patch","id":"ann","patch":{"name":null,"m":-0},"if_revision":1},
                 {"op":"delete","id":"cid"},{"op":"create","id":"dan","address":{"name":"Dan"}})")
            .body == R"([{"id":"bob","revision":4},{"id":"ann","revision":5},)"
                     R"({"id":"cid","revision":6},{"id":"dan","revision":7}])");
  CHECK(book.ask("GET", "/addresses").body ==
        R"({"ann":{"n":1.0,"m":-0},"bob":{"name":"Bo"},"dan":{"name":"Dan"}})");
  CHECK(names_of(book.ask("GET", "/addresses?q=bo")) == Texts{"Bo"});
}

}  // namespace

TEST_CASE_TEMPLATE("contacts: are found by mail, phone, label and ids", OnServer,
                   ADDRBOOK_ALL_BOOKS) {
  check_found(OnServer());
}

TEST_CASE_TEMPLATE("contacts: links lead through a sorted list once, while it changes", OnServer,
                   ADDRBOOK_ALL_BOOKS) {
  check_links(OnServer());
}

TEST_CASE_TEMPLATE("contacts: dates are conditions for clients without tags", OnServer,
                   ADDRBOOK_ALL_BOOKS) {
  check_dates(OnServer());
}

TEST_CASE_TEMPLATE("contacts: of two editors none overwrites what the other has saved", OnServer,
                   ADDRBOOK_ALL_BOOKS) {
  check_editors(OnServer());
}

TEST_CASE_TEMPLATE("contacts: 20 parallel POSTs with one Idempotency-Key make one entry", OnServer,
                   ADDRBOOK_ALL_BOOKS) {
  check_idempotency(OnServer());
}

TEST_CASE_TEMPLATE("contacts: a patch of either kind changes what it names, and no other byte",
                   OnServer, ADDRBOOK_ALL_BOOKS) {
  check_patches(OnServer());
}

TEST_CASE_TEMPLATE("contacts: an answer to a write has the address if the client prefers it",
                   OnServer, ADDRBOOK_ALL_BOOKS) {
  check_preferences(OnServer());
}

TEST_CASE_TEMPLATE("contacts: a batch is done as a whole, or not at all", OnServer,
                   ADDRBOOK_ALL_BOOKS) {
  check_batches(OnServer());
}
