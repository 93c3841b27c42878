#include <addrbook/rest/list.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::detail::ListSource;
using nlohmann::json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures
using Status = addrbook::BodySource::Status;

namespace {

constexpr std::size_t max_piece = ListSource::piece_bytes + ListSource::max_frame_bytes;

/// A document of so many bytes. Its text does not repeat itself, so that a part that is missing or
/// sent twice shows.
std::string text_of(std::size_t size) {
  std::string text = "{\"t\":\"";
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
  return text.substr(0, size - 2) + "\"}";
}

std::string list_of(const Book& book) {
  std::string list;
  for (const auto& entry : book.service->list()) {
    list += (list.empty() ? "{\"" : ",\"") + entry.id + "\":" + entry.document.text();
  }
  return list.empty() ? "{}" : list + "}";
}

/// A list that is read piece by piece.
struct Reading {
  ListSource source;
  std::string text;
  Status last = Status::piece;

  explicit Reading(const Book& book) : source(book.service, book.service->page()) {}

  bool read_piece() {
    std::string piece;
    last = source.read(piece);
    CHECK(piece.size() <= max_piece);
    CHECK(piece.empty() == (last != Status::piece));
    text += piece;
    return last == Status::piece;
  }
};

}  // namespace

TEST_CASE("list: one object, in order of creation") {
  const Book book;
  Answer answer = get(book.rest, "/addresses");
  CHECK(answer.status == 200);
  CHECK(answer.body == "{}");
  CHECK(answer.header("ETag") == "W/" + tag_of(book, 0));
  const std::string first = book.add(R"({"n":1.0})").substr(11);
  const std::string second = book.add(R"({"n":2})").substr(11);
  book.service->update(first, Document::parse(R"({"n":3})"));
  answer = get(book.rest, "/addresses");
  CHECK(answer.body == R"({")" + first + R"(":{"n":3},")" + second + R"(":{"n":2}})");
  CHECK(answer.header("ETag") == "W/" + tag_of(book, 3));
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK_FALSE(answer.has_source);
}

TEST_CASE("list: If-None-Match of the list") {
  const Book book;
  const std::string target = book.add();
  const std::string tag = get(book.rest, "/addresses").header("ETag");
  CHECK(tag == "W/" + tag_of(book, 1));
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  for (const std::string& match : {tag, tag_of(book, 1), std::string("*")}) {
    CAPTURE(match);
    const Answer answer = get(book.rest, "/addresses", {{"If-None-Match", match}});
    CHECK(answer.status == 304);
    CHECK(answer.header("ETag") == tag);
    CHECK(answer.body.empty());
    CHECK(pages == 0);
  }
  book.service->remove(target.substr(11));
  const Answer answer = get(book.rest, "/addresses", {{"If-None-Match", tag}});
  CHECK(answer.status == 200);
  CHECK(answer.body == "{}");
}

TEST_CASE("list: many pages come in order, piece by piece") {
  const LongBook book;
  std::vector<std::size_t> pieces;
  Ask request;
  request.client = [&](std::string_view bytes) {
    pieces.push_back(bytes.size());
    return true;
  };
  const Answer answer = ask(book.rest, request);
  CHECK(answer.status == 200);
  CHECK(answer.has_source);
  CHECK(answer.is_complete);
  CHECK(answer.header("ETag") == "W/" + tag_of(book, many));
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  const auto list = answer.json();
  REQUIRE(list.is_object());
  REQUIRE(list.size() == many);
  std::size_t i = 0;
  bool is_in_order = true;
  for (const auto& [id, address] : list.items()) {
    is_in_order = is_in_order && id == book.ids[i] && address["name"] == std::to_string(i);
    ++i;
  }
  CHECK(is_in_order);
  // Never as one huge piece.
  CHECK(pieces.size() > 5);
  CHECK(*std::max_element(pieces.begin(), pieces.end()) <= max_piece);
}

TEST_CASE("list: writes while it is sent") {
  const LongBook book;
  bool has_written = false;
  std::string made;
  Ask request;
  request.client = [&](std::string_view) {
    if (!has_written) {
      has_written = true;
      // No lock is held meanwhile, or this would never return.
      made = book.service->create(LongBook::text("meanwhile")).id;
      book.service->remove(book.ids[550]);
      book.service->update(book.ids[551], LongBook::text("updated"));
    }
    return true;
  };
  const Answer answer = ask(book.rest, request);
  CHECK(answer.is_complete);
  REQUIRE(has_written);
  const auto list = answer.json();
  REQUIRE(list.is_object());
  CHECK(list.size() == many - 1);
  CHECK_FALSE(list.contains(made));
  CHECK_FALSE(list.contains(book.ids[550]));
  CHECK(list[book.ids[551]]["name"] == "updated");
  // What was mixed is not confirmed by its tag.
  CHECK(answer.header("ETag") == "W/" + tag_of(book, many));
  CHECK(get(book.rest, "/addresses", {{"If-None-Match", answer.header("ETag")}}).status == 200);
}

TEST_CASE("list: the entries that are left may be removed while it is sent") {
  const LongBook book;
  bool has_written = false;
  Ask request;
  request.client = [&](std::string_view) {
    if (!has_written) {
      has_written = true;
      for (std::size_t i = 100; i < many; ++i) book.service->remove(book.ids[i]);
      // A whole page of newcomers.
      for (int i = 0; i < 300; ++i) book.service->create(LongBook::text("meanwhile"));
    }
    return true;
  };
  const Answer answer = ask(book.rest, request);
  CHECK(answer.is_complete);
  const auto list = answer.json();
  REQUIRE(list.is_object());
  CHECK(list.size() >= 100);
  CHECK(list.size() < many);
  CHECK(list.begin().key() == book.ids[0]);
}

TEST_CASE("list: ends when its client refuses more") {
  const LongBook book;
  std::size_t taken = 0;
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  Ask request;
  request.client = [&](std::string_view) { return ++taken <= 2; };
  const Answer answer = ask(book.rest, request);
  CHECK_FALSE(answer.is_complete);
  CHECK(taken == 3);
  CHECK(pages == 1);
  REQUIRE(book.log->size() == 1);
  CHECK(book.log->back().reason == "The answer was cut short");
  CHECK(book.log->back().bytes == answer.body.size());
  CHECK(book.log->back().bytes > 0);
}

TEST_CASE("list: must be taken within its time") {
  Options options;
  options.answer_timeout = std::chrono::milliseconds(0);
  const LongBook book(options);
  const Answer answer = get(book.rest, "/addresses");
  CHECK(answer.has_source);
  CHECK_FALSE(answer.is_complete);
  CHECK(answer.body.empty());
  REQUIRE(book.log->size() == 1);
  CHECK(book.log->back().reason == "The answer was cut short");
}

TEST_CASE("list: is compressed piece by piece") {
  const LongBook book(with_gzip());
  const Answer plain = get(book.rest, "/addresses");
  const Answer packed = get(book.rest, "/addresses", {{"Accept-Encoding", "gzip"}});
  CHECK(packed.has_source);
  CHECK(packed.is_complete);
  CHECK(packed.header("Content-Encoding") == "gzip");
  CHECK(packed.header("Vary") == "Accept-Encoding");
  CHECK(plain.header("Vary") == "Accept-Encoding");
  CHECK(packed.header("ETag") == plain.header("ETag"));
  CHECK((unpack(packed.body) == plain.body));
  CHECK(book.log->back().bytes == packed.body.size());

  Ask request;
  request.headers = {{"Accept-Encoding", "gzip"}};
  request.client = [](std::string_view) { return false; };
  CHECK_FALSE(ask(book.rest, request).is_complete);
}

TEST_CASE("list: outlives its Rest") {
  addrbook::Reply reply;
  {
    const LongBook book;
    addrbook::Request request;
    request.method = "GET";
    request.target = "/addresses";
    request.header = [](std::string_view) { return std::nullopt; };
    reply = test::handle(book.rest, request);
  }
  std::string body;
  REQUIRE(reply.source);
  CHECK(send_body(*reply.source, [&](std::string_view bytes) {
    body += bytes;
    return true;
  }));
  CHECK(json::parse(body).size() == many);
}

TEST_CASE("list: of a long list, HEAD reads one page and 304 none") {
  const LongBook book;
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  Answer answer = ask(book.rest, asking("GET", "/addresses", {{"If-None-Match", "*"}}));
  CHECK(answer.status == 304);
  CHECK(pages == 0);
  // One page, to know whether GET would send a Content-Length. The source is not read for HEAD.
  answer = ask(book.rest, asking("HEAD", "/addresses"));
  CHECK(answer.status == 200);
  CHECK(pages == 1);
  CHECK(answer.header("ETag") == "W/" + tag_of(book, many));
}

TEST_CASE("list: a storage fault in the middle of a list ends it, and the log says so") {
  const LongBook book;
  int pages = 0;
  book.store->before_page = [&] {
    if (++pages == 2) test::fail_storage();
  };
  Answer answer;
  CHECK_NOTHROW(answer = get(book.rest, "/addresses"));
  CHECK(pages == 2);
  CHECK_FALSE(answer.is_complete);
  CHECK(answer.body.find(test::secret_cause) == std::string::npos);
  REQUIRE(book.log->size() == 2);
  CHECK((*book.log)[0].kind == LogRecord::Kind::fault);
  CHECK((*book.log)[0].trace.size() == 2);
  CHECK((*book.log)[1].kind == LogRecord::Kind::response);
  CHECK((*book.log)[1].reason == "The answer was cut short");
  CHECK((*book.log)[0].request_id == (*book.log)[1].request_id);
}

TEST_CASE("list: up to 16 KiB of text are sent at once, more in pieces") {
  const Book book;
  static_cast<void>(book.add(text_of(ListSource::piece_bytes - 10)));
  static_cast<void>(book.add(text_of(10)));
  Answer answer = get(book.rest, "/addresses");
  CHECK_FALSE(answer.has_source);
  CHECK((answer.body == list_of(book)));
  static_cast<void>(book.add(text_of(10)));
  answer = get(book.rest, "/addresses");
  CHECK(answer.has_source);
  CHECK((answer.body == list_of(book)));
}

TEST_CASE("list: no piece is larger than 16 KiB and a frame, whatever the entries are") {
  constexpr std::size_t kib = 1024;
  for (const std::size_t size : {2 * kib, 16 * kib - 70, 16 * kib - 36, 16 * kib - 35, 16 * kib,
                                 16 * kib + 1, 50 * kib, 300 * kib}) {
    CAPTURE(size);
    const Book book;
    for (int i = 0; i < 10; ++i) static_cast<void>(book.add(text_of(size)));
    Reading plain(book);
    Reading paused(book);
    std::size_t pieces = 0;
    while (plain.read_piece()) ++pieces;
    while (paused.read_piece()) paused.source.pause();
    CHECK(plain.last == Status::end);
    CHECK(paused.last == Status::end);
    CHECK((plain.text == list_of(book)));
    CHECK((paused.text == plain.text));
    CHECK(pieces <= 2 + 10 * (size / ListSource::piece_bytes + 1));
  }
}

TEST_CASE("list: a pause gives the page back, and what follows is asked for in small pages") {
  const LongBook book;
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  Reading reading(book);
  CHECK(pages == 1);
  const std::size_t full = reading.source.memory();
  CHECK(full > std::size_t{250} * 1024);
  REQUIRE(reading.read_piece());
  CHECK(reading.source.memory() == full);
  reading.source.pause();
  CHECK(reading.source.memory() <= max_piece);
  REQUIRE(reading.read_piece());
  CHECK(pages == 2);
  CHECK(reading.source.memory() < std::size_t{64} * 1024);
  while (reading.read_piece()) {
  }
  CHECK(reading.last == Status::end);
  CHECK(pages < 8);  // full pages again
  CHECK((reading.text == list_of(book)));
}

TEST_CASE("list: pauses change nothing of what is sent, at the begin and the end either") {
  const LongBook book;
  Reading reading(book);
  const auto made = book.service->create(LongBook::text("meanwhile"));
  book.service->remove(book.ids[0]);  // the first page has it still, one that is asked for has not
  reading.source.pause();
  reading.source.pause();
  while (reading.read_piece()) reading.source.pause();
  CHECK(reading.last == Status::end);
  reading.source.pause();
  CHECK_FALSE(reading.read_piece());
  CHECK(reading.last == Status::end);
  CHECK(reading.source.memory() == 0);
  book.service->remove(made.id);
  CHECK((reading.text == list_of(book)));
}

TEST_CASE("list: of an entry that is cut a pause keeps the rest, if that is short") {
  const Book book;
  const std::string id = book.add(text_of(20'000)).substr(11);
  Reading reading(book);
  REQUIRE(reading.read_piece());
  reading.source.pause();
  CHECK(reading.source.memory() > 0);
  CHECK(reading.source.memory() < 5'000);
  reading.source.pause();
  const std::string expected = list_of(book);
  // It needs the store no more.
  book.service->remove(id);
  book.store->before_find = book.store->before_page = test::fail_storage;
  while (reading.read_piece()) reading.source.pause();
  CHECK(reading.last == Status::end);
  CHECK((reading.text == expected));
}

TEST_CASE("list: an entry whose rest is long is fetched again, and must be the same still") {
  const Book book;
  const std::string id = book.add(text_of(100'000)).substr(11);
  static_cast<void>(book.add());
  int finds = 0;
  book.store->before_find = [&] { ++finds; };
  Reading reading(book);
  REQUIRE(reading.read_piece());
  const std::string expected = list_of(book);
  reading.source.pause();
  CHECK(reading.source.memory() == 0);
  CHECK(finds == 0);
  SUBCASE("it is") {
    REQUIRE(reading.read_piece());
    CHECK(finds == 1);
    CHECK(reading.source.memory() > 100'000);
    REQUIRE(reading.read_piece());
    CHECK(finds == 1);
    while (reading.read_piece()) reading.source.pause();
    CHECK(reading.last == Status::end);
    CHECK((reading.text == expected));
  }
  SUBCASE("it was replaced") {
    book.service->update(id, Document::parse(text_of(100'000)));
    CHECK_FALSE(reading.read_piece());
    CHECK(reading.last == Status::failed);
  }
  SUBCASE("it is gone") {
    book.service->remove(id);
    CHECK_FALSE(reading.read_piece());
    CHECK(reading.last == Status::failed);
  }
  SUBCASE("it can't be fetched now, and can later") {
    book.store->before_find = test::fail_storage;
    std::string piece;
    CHECK_THROWS_AS(static_cast<void>(reading.source.read(piece)), addrbook::Error);
    CHECK(piece.empty());
    book.store->before_find = [] {};
    while (reading.read_piece()) {
    }
    CHECK(reading.last == Status::end);
    CHECK((reading.text == expected));
  }
}

TEST_CASE("list: a restore between two pages ends the list") {
  const LongBook book;
  auto first = book.service->page();
  ++first.state.epoch;
  ListSource source(book.service, std::move(first));
  std::string piece;
  CHECK(source.read(piece) == Status::piece);
  source.pause();
  CHECK(source.read(piece) == Status::failed);
}

TEST_CASE("list: a server that is short of memory sends it plain, or not at all") {
  const LongBook book(with_gzip());
  Ask request = asking("GET", "/addresses", {{"Accept-Encoding", "gzip"}});
  request.memory = addrbook::MemoryState::scarce;
  Answer answer = ask(book.rest, request);
  CHECK(answer.status == 200);
  CHECK(answer.count("Content-Encoding") == 0);
  CHECK((answer.body == list_of(book)));
  for (const std::string method : {"GET", "HEAD"}) {
    request.method = method;
    request.memory = addrbook::MemoryState::exhausted;
    answer = ask(book.rest, request);
    check_error(answer, method, "/addresses", 503, "The server is short of memory");
    CHECK(answer.header("Retry-After") == "1");
    CHECK_FALSE(answer.has_source);
    check_common_headers(answer);
  }
  // Everything else is answered.
  request.target = "/addresses/" + book.ids[0];
  request.method = "GET";
  CHECK(ask(book.rest, request).status == 200);
  const Book small;
  request.target = "/addresses";
  CHECK(ask(small.rest, request).status == 200);
}
