#include <addrbook/rest/export.hpp>

#include <addrbook/memory_books.hpp>

#include <support/line_format.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

Options with_lines(Options options = {}) {
  options.formats = {line_format()};
  return options;
}

struct ExportBook : Book {
  explicit ExportBook(Options options = {}) : Book(with_lines(std::move(options))) {
    service->create("bob", Document::parse(R"({"name":"Bob"})"));
    service->create("ada", Document::parse(R"({"name":"Ada"})"));
  }
};

const std::string both = "id=bob {\"name\":\"Bob\"}\nid=ada {\"name\":\"Ada\"}\n";
const std::string json_of_both = R"({"bob":{"name":"Bob"},"ada":{"name":"Ada"}})";

/// Without the weakness and the quotes, and `e` for the epoch.
std::string form_of(const std::string& tag) {
  return tag.substr(tag.rfind('-'));
}

}  // namespace

TEST_CASE("rest/export: the whole book in a format, by ?format= or by Accept") {
  const ExportBook book;
  for (const Answer& answer :
       {get(book.rest, "/addresses?format=lines"), get(book.rest, "/addresses/?format=lines"),
        get(book.rest, "/addresses", {{"Accept", "text/x-lines"}}),
        get(book.rest, "/addresses",
            {{"Accept", "application/json;q=0.5, Application/X-Lines"}})}) {
    CHECK(answer.status == 200);
    CHECK(answer.body == both);
    CHECK(answer.header("Content-Type") == "text/x-lines; version=2");
    CHECK(answer.header("Content-Disposition") == "attachment; filename=\"contacts.lines\"");
    CHECK(answer.header("Vary") == "Accept");
    CHECK(answer.header("X-Total-Count") == "2");
    CHECK(answer.header("Link") == "(absent)");
    CHECK(answer.header("ETag").rfind("W/\"", 0) == 0);
    CHECK(form_of(answer.header("ETag")) == "-lines\"");
    check_common_headers(answer);
  }
}

TEST_CASE("rest/export: JSON as ever, unless Accept prefers a format") {
  const ExportBook book;
  for (const std::string accept :
       {"*/*", "application/json", "text/x-lines;q=0.5, application/json;q=0.6",
        "text/x-lines, application/json", "text/html, */*;q=0.8", "image/png", "",
        "text/x-lines;q=0", "text/x-lines;q=2", "text/x-lines;q=0.5, */*;q=0.5"}) {
    CAPTURE(accept);
    const Answer answer = get(book.rest, "/addresses", {{"Accept", accept}});
    CHECK(answer.body == json_of_both);
    CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
    CHECK(answer.header("Vary") == "Accept");
    CHECK(answer.header("Content-Disposition") == "(absent)");
    CHECK(get(book.rest, "/addresses/ada", {{"Accept", accept}}).body == R"({"name":"Ada"})");
  }
  CHECK(get(book.rest, "/addresses").body == json_of_both);
  for (const std::string accept :
       {"text/*", "text/x-lines, */*;q=0.1", "text/x-lines;q=0.001", "application/json;q=0, */*"}) {
    CAPTURE(accept);
    CHECK(get(book.rest, "/addresses", {{"Accept", accept}}).body == both);
  }
}

TEST_CASE("rest/export: one address alone") {
  const ExportBook book;
  const Answer answer = get(book.rest, "/addresses/ada?format=lines");
  CHECK(answer.body == "id=ada {\"name\":\"Ada\"}");
  CHECK(answer.header("ETag") ==
        tag_of(book, 2).substr(0, tag_of(book, 2).size() - 1) + "-lines\"");
  CHECK(answer.header("Content-Disposition") == "attachment; filename=\"contacts.lines\"");
  CHECK(answer.header("Last-Modified") != "(absent)");
  CHECK(answer.header("Vary") == "Accept");
  CHECK(get(book.rest, "/addresses/ada", {{"Accept", "text/x-lines"}}).body == answer.body);
  CHECK(get(book.rest, "/addresses/ada?format=lines&version=1").body == R"({"name":"Ada"})");
  CHECK(get(book.rest, "/addresses/nobody?format=lines").status == 404);
  CHECK(get(book.rest, "/addresses/nobody").header("Vary") == "Accept");
}

TEST_CASE("rest/export: every filter and order of a list, and pages where a limit is given") {
  const ExportBook book;
  const std::string lines = "/addresses?format=lines&version=1";
  CHECK(get(book.rest, lines + "&sort=name").body == "{\"name\":\"Ada\"}\n{\"name\":\"Bob\"}\n");
  CHECK(get(book.rest, lines + "&q=ad").body == "{\"name\":\"Ada\"}\n");
  CHECK(get(book.rest, lines + "&q=ad").header("X-Total-Count") == "(absent)");
  CHECK(get(book.rest, lines + "&q=ad&count=true").header("X-Total-Count") == "1");
  CHECK(get(book.rest, lines + "&id=bob").body == "{\"name\":\"Bob\"}\n");
  CHECK(get(book.rest, lines + "&q=nobody").body.empty());
  const Answer page = get(book.rest, lines + "&limit=1");
  CHECK(page.body == "{\"name\":\"Bob\"}\n");
  const std::string link = page.header("Link");
  REQUIRE(link.rfind("<" + lines + "&limit=1&cursor=", 0) == 0);
  const Answer next = get(book.rest, link.substr(1, link.find('>') - 1));
  CHECK(next.body == "{\"name\":\"Ada\"}\n");
  CHECK(next.header("Link") == "(absent)");
  // A cursor without a limit: all that is behind it.
  const auto cursor = link.substr(link.find("&cursor="), link.find('>') - link.find("&cursor="));
  CHECK(get(book.rest, lines + cursor).body == "{\"name\":\"Ada\"}\n");
}

TEST_CASE("rest/export: what is refused") {
  const ExportBook book;
  for (const std::string path : {"/addresses", "/addresses/ada"}) {
    check_error(get(book.rest, path + "?format=vcf"), "GET", path, 406,
                "No such format: there is lines");
    check_error(get(book.rest, path + "?format=lines&version=3"), "GET", path, 400,
                "Invalid value: 'version' must be 2 or 1");
    check_error(get(book.rest, path + "?version=2"), "GET", path, 400,
                "Invalid query: 'version' needs a 'format'");
    check_error(get(book.rest, path + "?format=lines&format=lines"), "GET", path, 400,
                "Parameter given twice: 'format'");
    CHECK(get(book.rest, path + "?format=lines&fields=name").status == 400);
    CHECK(get(book.rest, path + "?format=lines&dry_run=true").status == 400);
  }
  CHECK(get(book.rest, "/addresses?format=lines&view=summary").status == 400);
  CHECK(get(book.rest, "/addresses?format=lines&limit=0").status == 400);
  CHECK(get(book.rest, "/addresses?format=lines&cursor=x").status == 400);
}

TEST_CASE("rest/export: entity tags are each form's own, and a write takes any of them") {
  const ExportBook book;
  for (const std::string path : {"/addresses", "/addresses/ada"}) {
    CAPTURE(path);
    const std::string json_tag = get(book.rest, path).header("ETag");
    const std::string line_tag = get(book.rest, path + "?format=lines").header("ETag");
    CHECK(json_tag != line_tag);
    const auto status = [&](const std::string& query, const std::string& tag) {
      return get(book.rest, path + query, {{"If-None-Match", tag}}).status;
    };
    CHECK(status("?format=lines", line_tag) == 304);
    CHECK(status("?format=lines", json_tag) == 200);
    CHECK(status("", json_tag) == 304);
    CHECK(status("", line_tag) == 200);
    CHECK(get(book.rest, path + "?format=lines", {{"If-None-Match", line_tag}}).header("ETag") ==
          line_tag);
  }
  const auto put = [&](std::string tag) {
    return send(book.rest, "PUT", "/addresses/ada", ada, {{"If-Match", tag}}).status;
  };
  const auto tag = [&] { return get(book.rest, "/addresses/ada?format=lines").header("ETag"); };
  CHECK(put(tag()) == 204);
  CHECK(put("W/" + tag()) == 204);
  std::string other = tag();
  other.replace(other.find("-lines"), 6, "-other");
  CHECK(put(other) == 412);
  std::string packed = tag();
  packed.insert(packed.size() - 1, "-gzip");
  CHECK(put(packed) == 204);
  const std::string old = tag();
  CHECK(put(old) == 204);
  CHECK(put(old) == 412);
  CHECK(send(book.rest, "PATCH", "/addresses/ada", "{}",
             {{"If-Match", tag()}, {"Content-Type", "application/merge-patch+json"}})
            .status == 204);
  CHECK(send(book.rest, "DELETE", "/addresses/ada", "", {{"If-Match", tag()}}).status == 204);
}

TEST_CASE("rest/export: a long book is streamed at a rate, and HEAD reads none of it") {
  const LongBook book(with_lines());
  const Answer answer = get(book.rest, "/addresses?format=lines");
  CHECK(answer.has_source);
  CHECK(answer.is_complete);
  std::string expected;
  for (const auto& entry : book.service->list()) {
    expected += "id=" + entry.id + " " + entry.document.text() + "\n";
  }
  CHECK(answer.body == expected);
  const Answer head = ask(book.rest, asking("HEAD", "/addresses?format=lines"));
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(head.header("ETag") == answer.header("ETag"));

  const Asked asked(book.rest, asking("GET", "/addresses?format=lines"));
  const auto reply = test::handle(book.rest, asked.request);
  REQUIRE(reply.source);
  CHECK(reply.source->min_rate() == 1024);
  CHECK(reply.source->memory() > 50'000);
  const Asked list(book.rest, asking("GET", "/addresses"));
  CHECK(test::handle(book.rest, list.request).source->min_rate() == 0);
  Ask exhausted = asking("GET", "/addresses?format=lines");
  exhausted.memory = addrbook::MemoryState::exhausted;
  CHECK(ask(book.rest, exhausted).status == 503);
}

TEST_CASE("rest/export: compressed where that is asked for") {
  Options options = with_gzip();
  const LongBook book(with_lines(options));
  const Answer answer = get(book.rest, "/addresses?format=lines", {{"Accept-Encoding", "gzip"}});
  CHECK(answer.header("Content-Encoding") == "gzip");
  CHECK(answer.header("Vary") == "Accept, Accept-Encoding");
  CHECK(unpack(answer.body) == get(book.rest, "/addresses?format=lines").body);
}

TEST_CASE("rest/export: a storage fault on the way cuts the answer") {
  const LongBook book(with_lines());
  Ask request = asking("GET", "/addresses?format=lines");
  request.client = [&](std::string_view) {
    book.store->before_page = [] { fail_storage(); };
    return true;
  };
  CHECK_FALSE(ask(book.rest, request).is_complete);
  CHECK(get(book.rest, "/addresses?format=lines").status == 503);
}

TEST_CASE("rest/export: a file has the name of its book, where there are many") {
  const auto books = std::make_shared<addrbook::Books>(std::make_shared<addrbook::MemoryBooks>());
  books->create("ada@example.com");
  Options options = with_lines();
  options.prefix = "/books/{book}/addresses";
  const Rest rest = test::make_rest(books, options);
  CHECK(get(rest, "/books/ada@example.com/addresses?format=lines").header("Content-Disposition") ==
        "attachment; filename=\"ada@example.com.lines\"");
}

TEST_CASE("rest/export: an import of what was exported changes nothing") {
  const ExportBook book;
  const std::string text = get(book.rest, "/addresses?format=lines").body;
  const Answer again = send(book.rest, "POST", "/addresses?format=lines", text);
  CHECK(again.json()["skipped"] == 2);
  CHECK(book.store->true_state().revision == 2);
}

TEST_CASE("rest/export: Accept chooses the version, too") {
  const ExportBook book;
  const std::string path = "/addresses/ada";
  const auto ask = [&](const std::string& accept, const std::string& query = {}) {
    return get(book.rest, path + query, {{"Accept", accept}});
  };
  CHECK(ask("text/x-lines;version=1").header("Content-Type") == "text/x-lines; version=1");
  CHECK(ask("text/x-lines; version=\"1\", application/json;q=0.5").header("Content-Type") ==
        "text/x-lines; version=1");
  CHECK(ask("text/x-lines").header("Content-Type") == "text/x-lines; version=2");
  CHECK(ask("text/x-lines;version=1", "?version=2").header("Content-Type") ==
        "text/x-lines; version=2");
  CHECK(ask("text/x-lines;version=1", "?format=lines").header("Content-Type") ==
        "text/x-lines; version=2");
  check_error(ask("text/x-lines;version=3"), "GET", path, 406, "No such version: there is 2 or 1");
}
