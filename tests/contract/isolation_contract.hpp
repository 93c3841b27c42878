// What books over HTTP promise to each other, whatever keeps them. Include it after defining
// ADDRBOOK_TEST_ISOLATED: a type with `make()`, which returns an empty Books, a new one each time.
//
// No include guard: each file of tests includes it once.

#include <addrbook/books.hpp>
#include <addrbook/rest.hpp>

#include <support/parallel.hpp>
#include <unit/rest_client.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace isolation {

using test::Answer;

const std::string address = R"({"name":"Ada Example"})";

inline std::string of(const std::string& book) {
  return "/books/" + book + "/addresses";
}

/// Books over HTTP, and what a client asks of them.
class Server {
 public:
  explicit Server(std::shared_ptr<addrbook::Books> books, bool create_on_write = false)
      : rest_(std::move(books), options(create_on_write)) {}

  [[nodiscard]] Answer ask(const std::string& method, const std::string& target,
                           const test::Fields& headers = {}, const std::string& body = "") const {
    test::Ask request;
    request.method = method;
    request.target = target;
    request.headers = headers;
    request.body = {body};
    return test::ask(rest_, request);
  }
  /// @returns the target of a new address
  [[nodiscard]] std::string add(const std::string& book, const std::string& text = address) const {
    const test::Answer made = ask("POST", of(book), {}, text);
    CHECK(made.status == 201);
    return made.header("Location");
  }
  void make(const std::string& book) const { CHECK(ask("PUT", "/books/" + book).status == 201); }
  void remove(const std::string& book) const {
    CHECK(ask("DELETE", "/books/" + book).status == 204);
  }

 private:
  static addrbook::Options options(bool create_on_write) {
    addrbook::Options options;
    options.prefix = "/books/{book}/addresses";
    options.create_on_write = create_on_write;
    return options;
  }

  addrbook::Rest rest_;
};

}  // namespace isolation

TEST_CASE_TEMPLATE("isolation: ids, tags and lists of a book show and confirm nothing of another",
                   Books, ADDRBOOK_TEST_ISOLATED) {
  using isolation::of;
  Books maker;
  const isolation::Server server(maker.make());
  server.make("ada");
  server.make("bob");
  const std::string target = server.add("ada");
  const std::string id = target.substr(target.rfind('/') + 1);
  const std::string tag = server.ask("GET", target).header("ETag");
  const std::string list_tag = server.ask("GET", of("ada")).header("ETag");
  const std::string book_tag = server.ask("GET", "/books/ada").header("ETag");
  for (int i = 0; i < 2; ++i) {  // the second time from a cache
    for (const std::string method : {"GET", "HEAD", "PUT", "DELETE"}) {
      const auto answer = server.ask(method, of("bob") + "/" + id, {{"If-None-Match", tag}}, "{}");
      CHECK(answer.status == 404);
      CHECK(answer.header("ETag") == "(absent)");
    }
    CHECK(server.ask("GET", of("bob")).body == "{}");
    CHECK(server.ask("GET", of("bob"), {{"If-None-Match", list_tag}}).status == 200);
    CHECK(server.ask("GET", "/books/bob", {{"If-None-Match", book_tag}}).status == 200);
  }
  // The same revisions and counts in both.
  const std::string other = server.add("bob");
  for (int i = 0; i < 2; ++i) {
    CHECK(server.ask("GET", other, {{"If-None-Match", tag}}).status == 200);
    CHECK(server.ask("GET", of("bob"), {{"If-None-Match", list_tag}}).status == 200);
    CHECK(server.ask("DELETE", "/books/bob", {{"If-Match", book_tag}}).status == 412);
    CHECK(server.ask("GET", target, {{"If-None-Match", tag}}).status == 304);
  }
  CHECK(server.ask("DELETE", other).status == 204);
  CHECK(server.ask("GET", target).body == isolation::address);
  CHECK(server.ask("GET", "/books/ada").header("ETag") == book_tag);
}

TEST_CASE_TEMPLATE("isolation: a book that is made again has nothing of the old one", Books,
                   ADDRBOOK_TEST_ISOLATED) {
  using isolation::of;
  Books maker;
  const isolation::Server server(maker.make());
  server.make("keeper");
  const std::string kept = server.add("keeper");
  std::string target;
  std::string tag;
  std::string list_tag;
  for (int round = 0; round < 3; ++round) {
    server.make("ada");
    if (!target.empty()) {
      CHECK(server.ask("GET", target).message().rfind("No such address", 0) == 0);
      CHECK(server.ask("PUT", target, {}, "{}").status == 404);
      CHECK(server.ask("GET", of("ada"), {{"If-None-Match", list_tag}}).body == "{}");
      CHECK(server.ask("DELETE", "/books/ada", {{"If-Match", tag}}).status == 412);
    }
    CHECK(server.ask("GET", "/books/ada").json()["revision"] == 0);
    target = server.add("ada");
    CHECK(server.ask("GET", target, {{"If-None-Match", tag}}).status == 200);
    tag = server.ask("GET", target).header("ETag");
    list_tag = server.ask("GET", of("ada")).header("ETag");
    server.remove("ada");
    CHECK(server.ask("GET", target).message() == "No such book: 'ada'");
    CHECK(server.ask("POST", of("ada"), {}, "{}").message() == "No such book: 'ada'");
  }
  CHECK(server.ask("GET", kept).body == isolation::address);
}

TEST_CASE_TEMPLATE("isolation: where a list or a replica goes on is known in its own book only",
                   Books, ADDRBOOK_TEST_ISOLATED) {
  using isolation::of;
  Books maker;
  const isolation::Server server(maker.make());
  // The same writes in both, so that nothing but the book differs.
  for (const std::string book : {"ada", "bob"}) {
    server.make(book);
    for (const std::string name : {"Ann", "Bob", "Cid"}) {
      static_cast<void>(server.add(book, R"({"name":")" + name + R"( Example"})"));
    }
  }
  const auto count_of = [](const isolation::Answer& page) { return page.json().size(); };
  const std::string form = "?q=exam&sort=name&limit=2";
  const auto cursor_of = [&](const std::string& book) {
    const isolation::Answer page = server.ask("GET", of(book) + form);
    CHECK(count_of(page) == 2);
    const std::string link = page.header("Link");
    const auto begin = link.find("cursor=");
    REQUIRE(begin != std::string::npos);
    return "&" + link.substr(begin, link.find_first_of("&>", begin) - begin);
  };
  const auto token_of = [&](const std::string& book) {
    const isolation::Answer page = server.ask("GET", of(book) + "/_changes?limit=2");
    CHECK(page.json()["changes"].size() == 2);
    return "/_changes?since=" + page.json()["next"].get<std::string>();
  };
  const auto check_unknown = [&](const std::string& book, const std::string& cursor,
                                 const std::string& token) {
    const isolation::Answer list = server.ask("GET", of(book) + form + cursor);
    CHECK(list.status == 400);
    CHECK(list.body.find("Example") == std::string::npos);
    const isolation::Answer changes = server.ask("GET", of(book) + token);
    CHECK(changes.status == 410);
    CHECK(changes.body.find("Example") == std::string::npos);
  };
  const std::string cursor = cursor_of("ada");
  const std::string token = token_of("ada");
  CHECK(cursor != cursor_of("bob"));
  CHECK(token != token_of("bob"));
  for (int i = 0; i < 2; ++i) {  // the second time from a cache
    check_unknown("bob", cursor, token);
    check_unknown("ada", cursor_of("bob"), token_of("bob"));
    CHECK(count_of(server.ask("GET", of("ada") + form + cursor)) == 1);
    CHECK(server.ask("GET", of("ada") + token).json()["changes"].size() == 1);
  }
  // Nor in a book that is made again under the old name.
  server.remove("ada");
  server.make("ada");
  for (const std::string name : {"Ann", "Bob", "Cid"}) {
    static_cast<void>(server.add("ada", R"({"name":")" + name + R"( Example"})"));
  }
  check_unknown("ada", cursor, token);
}

TEST_CASE_TEMPLATE("isolation: an Idempotency-Key is of one book", Books, ADDRBOOK_TEST_ISOLATED) {
  using isolation::of;
  Books maker;
  const isolation::Server server(maker.make());
  server.make("ada");
  server.make("bob");
  const auto post = [&](const std::string& book, const std::string& text = isolation::address) {
    return server.ask("POST", of(book), {{"Idempotency-Key", "the same"}}, text);
  };
  const isolation::Answer first = post("ada");
  const isolation::Answer other = post("bob");
  CHECK(first.status == 201);
  CHECK(other.status == 201);
  CHECK(first.id() != other.id());
  for (int i = 0; i < 2; ++i) {
    for (const auto& [book, made] : {std::pair("ada", first), std::pair("bob", other)}) {
      const isolation::Answer again = post(book);
      CHECK(again.status == 201);
      CHECK(again.header("Location") == made.header("Location"));
      CHECK(again.header("ETag") == made.header("ETag"));
      CHECK(server.ask("GET", of(book)).json().size() == 1);
      CHECK(server.ask("GET", again.header("Location")).body == isolation::address);
    }
  }
  // Another address under the key is refused where the key is known, and only there.
  server.make("cid");
  CHECK(post("ada", "{}").status == 422);
  CHECK(post("cid", "{}").status == 201);
  // A book that is made again under an old name knows none of the old keys.
  server.remove("ada");
  server.make("ada");
  const isolation::Answer anew = post("ada", "{}");
  CHECK(anew.status == 201);
  CHECK(anew.header("Location") != first.header("Location"));
  CHECK(server.ask("GET", of("ada")).json().size() == 1);
}

TEST_CASE_TEMPLATE("isolation: parallel editors of an address lose nothing", Books,
                   ADDRBOOK_TEST_ISOLATED) {
  Books maker;
  const isolation::Server server(maker.make());
  server.make("ada");
  const std::string target = server.add("ada", R"({"n":0})");
  const std::string batch = isolation::of("ada") + "/_batch";
  const std::string id = target.substr(target.rfind('/') + 1);
  constexpr std::size_t editors = 4;
  constexpr int rounds = 20;
  std::atomic<int> done{0};
  const auto failures = test::run_parallel(editors, [&](std::size_t editor) {
    const std::string own = std::to_string(editor);
    for (int i = 0; i < rounds; ++i) {
      // What all of them count, on the condition that it is as it was read.
      const test::Answer read = server.ask("GET", target);
      auto text = read.json();
      text["n"] = text["n"].get<int>() + 1;
      const test::Answer put =
          server.ask("PUT", target, {{"If-Match", read.header("ETag")}}, text.dump());
      if (put.status == 204) {
        ++done;
      } else if (put.status != 412) {
        throw std::runtime_error("PUT: " + put.body);
      }
      // A member of one's own needs no condition.
      const std::string member = "{\"of" + own + "\":" + std::to_string(i) + "}";
      const test::Answer patched =
          editor % 2 == 0
              ? server.ask("PATCH", target, {{"Content-Type", "application/merge-patch+json"}},
                           member)
              : server.ask("POST", batch, {},
                           R"([{"op":"patch","id":")" + id + R"(","patch":)" + member + "}]");
      if (patched.status != 204 && patched.status != 200) {
        throw std::runtime_error("patch: " + patched.body);
      }
      if (server.ask("GET", target).json()["of" + own] != i) throw std::runtime_error("lost");
    }
  });
  CHECK(failures == "");
  CHECK(server.ask("GET", target).json()["n"] == done.load());
  CHECK(done.load() > 0);
}

TEST_CASE_TEMPLATE("isolation: a batch is done as a whole, or not at all", Books,
                   ADDRBOOK_TEST_ISOLATED) {
  Books maker;
  const isolation::Server server(maker.make());
  server.make("ada");
  const std::string book = isolation::of("ada");
  const auto batch = [&](const std::string& body) {
    return server.ask("POST", book + "/_batch", {}, body);
  };
  CHECK(batch(R"([{"op":"create","id":"a","address":{"n":1e400}},
                  {"op":"create","id":"b","address":{}}])")
            .body == R"([{"id":"a","revision":1},{"id":"b","revision":2}])");
  const test::Answer refused = batch(R"([{"op":"delete","id":"a","if_revision":1},
                                   {"op":"replace","id":"b","address":{},"if_revision":1}])");
  CHECK(refused.status == 412);
  CHECK(refused.json()["index"] == 1);
  CHECK(batch("[]").body == "[]");
  CHECK(server.ask("GET", book).body == R"({"a":{"n":1e400},"b":{}})");
  CHECK(batch(R"([{"op":"delete","id":"b"},{"op":"patch","id":"a","patch":{"m":-0}}])").body ==
        R"([{"id":"b","revision":3},{"id":"a","revision":4}])");
  CHECK(server.ask("GET", book).body == R"({"a":{"n":1e400,"m":-0}})");
}

TEST_CASE_TEMPLATE("isolation: names are compared byte by byte", Books, ADDRBOOK_TEST_ISOLATED) {
  using isolation::of;
  Books maker;
  const isolation::Server server(maker.make());
  const std::vector<std::string> names{"0",    "9",  "A",    "ADA",   "Ada", "a",   "a+b", "a-b",
                                       "a.b",  "aB", "a@b",  "a_b",   "ab",  "a~b", "ada", "ada.",
                                       "adaa", "b",  "null", "true1", "x--", "x1",  "x10", "x2"};
  for (const std::string& name : names) {
    server.make(name);
    static_cast<void>(server.add(name, R"({"of":")" + name + R"("})"));
  }
  std::vector<std::string> listed;
  for (const auto& book : server.ask("GET", "/books").json()) {
    listed.push_back(book["name"].get<std::string>());
    CHECK(book["count"] == 1);
  }
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());  // by bytes
  CHECK(listed == sorted);
  for (const std::string& name : names) {
    CHECK(server.ask("GET", of(name)).body.find(R"("of":")" + name + R"("})") != std::string::npos);
  }
  for (const std::string name : {"aDA", "adA", "B", "x"}) {
    CHECK(server.ask("DELETE", "/books/" + name).status == 404);
  }
  for (const std::string name : {"a", "x1"}) server.remove(name);
  CHECK(server.ask("GET", of("A")).status == 200);
  CHECK(server.ask("GET", of("x10")).status == 200);
  CHECK(server.ask("GET", of("ada")).status == 200);
}

TEST_CASE_TEMPLATE("isolation: names that are asked at random make nothing", Books,
                   ADDRBOOK_TEST_ISOLATED) {
  using isolation::of;
  Books maker;
  const isolation::Server server(maker.make(), true);
  server.make("ada");
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "b" + std::to_string(i * 7919 % 10'007);
    const std::string method = i % 3 == 0 ? "DELETE" : i % 3 == 1 ? "GET" : "PUT";
    const std::string path = i % 3 == 2 || i % 2 == 0 ? of(name) + "/x" : "/books/" + name;
    const test::Answer answer = server.ask(method, path, {}, "{}");
    if (answer.message() != "No such book: '" + name + "'") FAIL(path);
  }
  CHECK(server.ask("GET", "/books").body == R"([{"name":"ada","count":0,"revision":0}])");
}

TEST_CASE_TEMPLATE("isolation: readers and writers of a book that is removed and made again", Books,
                   ADDRBOOK_TEST_ISOLATED) {
  using isolation::of;
  Books maker;
  const isolation::Server server(maker.make(), true);
  server.make("keeper");
  const std::string kept = server.add("keeper");
  std::atomic<int> round{0};
  constexpr int rounds = 15;
  const auto failures = test::run_parallel(4, [&](std::size_t t) {
    if (t == 0) {
      for (; round < rounds; ++round) {
        const test::Answer made =
            server.ask("POST", of("ada"), {}, R"({"round":)" + std::to_string(round) + "}");
        if (made.status != 201) throw std::runtime_error(made.body);
        const std::string target = made.header("Location");
        if (server.ask("GET", target).status != 200) throw std::runtime_error("not there");
        if (server.ask("DELETE", "/books/ada").status != 204) throw std::runtime_error("DELETE");
        // Whoever read it meanwhile has put it into no cache that is left.
        if (server.ask("GET", target).status != 404) throw std::runtime_error("still there");
      }
      return;
    }
    while (round < rounds) {
      const test::Answer list = server.ask("GET", of("ada"));
      if (list.status != 200 && list.status != 404) throw std::runtime_error(list.body);
      if (list.status != 200) continue;
      const auto entries = list.json();
      if (entries.size() > 1) throw std::runtime_error("of two books: " + list.body);
      for (const auto& each : entries.items()) {
        const test::Answer entry = server.ask("GET", of("ada") + "/" + each.key());
        if (entry.status == 200 && entry.body != each.value().dump()) {
          throw std::runtime_error(entry.body);
        }
      }
      if (server.ask("GET", kept).body != isolation::address) throw std::runtime_error("keeper");
    }
  });
  CHECK(failures == "");
}
