#include <addrbook/rest/page.hpp>

#include <addrbook/books.hpp>
#include <addrbook/csv.hpp>
#include <addrbook/memory_books.hpp>
#include <addrbook/vcard.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

Options with_page() {
  Options options = with_gzip();
  options.page = true;
  return options;
}

/// Many books over HTTP.
Rest many_books(Options options) {
  options.prefix = "/books/{book}/people";
  return test::make_rest(
      std::make_shared<addrbook::Books>(std::make_shared<addrbook::MemoryBooks>()),
      std::move(options));
}

}  // namespace

TEST_CASE("page: it is there where the program wants it") {
  const Book without;
  check_error(get(without.rest, "/addresses/_page"), "GET", "/addresses/_page", 404,
              "Unknown Endpoint");
  CHECK(get(without.rest, "/addresses/_page/files/app.js").status == 404);

  Options options = with_page();
  options.formats = {addrbook::vcard(), addrbook::csv()};
  const Book book(options);
  const Answer page = get(book.rest, "/addresses/_page");
  CHECK(page.status == 200);
  CHECK(page.header("Content-Type") == "text/html; charset=UTF-8");
  CHECK(page.header("Content-Security-Policy") == addrbook::page_policy);
  CHECK(page.header("Referrer-Policy") == "no-referrer");
  CHECK(page.header("X-Content-Type-Options") == "nosniff");
  CHECK(page.header("Cache-Control") == "private, no-cache");
  CHECK(page.body.find(R"(data-tail="" data-formats="vcf csv")") != std::string::npos);
  const Answer script = get(book.rest, "/addresses/_page/files/app.js");
  CHECK(script.status == 200);
  CHECK(script.header("Content-Type") == "text/javascript; charset=UTF-8");
  CHECK(script.header("Content-Security-Policy") == addrbook::page_policy);
  CHECK(script.body == addrbook::page_file("app.js"));
  for (const std::string path :
       {"/_page/files/index.html", "/_page/files/app", "/_page/files/files.hpp", "/_page/app.js",
        "/_page/files/app.js/x", "/_page/files//", "/_page/files", "/_pages", "/_page/../_page"}) {
    CAPTURE(path);
    CHECK(get(book.rest, "/addresses" + path).status == 404);
  }
  CHECK(book.rest.is_instant("GET", "/_page"));
  CHECK(book.rest.is_instant("GET", "/_page/files/app.css"));
}

TEST_CASE("page: a '/' at the end leads to where its links are right") {
  const Book book(with_page());
  const Answer answer = get(book.rest, "/addresses/_page/");
  CHECK(answer.status == 308);
  CHECK(answer.header("Location") == "../_page");
  CHECK(answer.body.empty());
}

TEST_CASE("page: ETag, 304, gzip, HEAD and other methods as elsewhere") {
  const Book book(with_page());
  for (const std::string path : {"/addresses/_page", "/addresses/_page/files/app.css"}) {
    CAPTURE(path);
    const Answer whole = get(book.rest, path);
    CHECK(get(book.rest, path, {{"If-None-Match", whole.header("ETag")}}).status == 304);
    CHECK(get(book.rest, path, {{"If-None-Match", "\"x\""}}).status == 200);
    const Answer packed = get(book.rest, path, {{"Accept-Encoding", "gzip"}});
    CHECK(packed.header("Content-Encoding") == "gzip");
    CHECK(packed.header("Vary") == "Accept-Encoding");
    CHECK(unpack(packed.body) == whole.body);
    CHECK(send(book.rest, "HEAD", path, "").status == 200);
    const Answer post = send(book.rest, "POST", path, "");
    CHECK(post.status == 405);
    CHECK(post.header("Allow") == "GET, HEAD, OPTIONS");
    CHECK(get(book.rest, path + "?x=1").status == 400);
  }
}

TEST_CASE("page: open to all who may reach the host, and to nobody under another name") {
  Options options = with_page();
  options.allowed_hosts = {"book.example.com"};
  options.authorize = [](const addrbook::AccessRequest&) {
    return addrbook::Access::unauthenticated("Bearer");
  };
  const Book book(options);
  CHECK(get(book.rest, "/addresses/_page", {{"Host", "book.example.com"}}).status == 200);
  CHECK(get(book.rest, "/addresses/_page", {{"Host", "evil.example.com"}}).status == 403);
  CHECK(get(book.rest, "/addresses/_page/files/app.js", {{"Host", "evil.example.com"}}).status ==
        403);
  CHECK(get(book.rest, "/addresses/_health", {{"Host", "evil.example.com"}}).status == 200);
}

TEST_CASE("page: one for many books, where the collection is") {
  const Rest rest = many_books(with_page());
  const Answer page = get(rest, "/books/_page");
  CHECK(page.status == 200);
  CHECK(page.body.find(R"(data-tail="/people")") != std::string::npos);
  CHECK(get(rest, "/books/_page/files/app.js").status == 200);
  CHECK(get(rest, "/books/team/people/_page").status == 404);
  CHECK(get(rest, "/books/team/people/_page/files/app.js").status == 404);
  CHECK(get(many_books({}), "/books/_page").status == 404);
}
