#include <addrbook/rest/list_cache.hpp>

#include <unit/fake_source.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using addrbook::BodySource;
using addrbook::BookState;
using addrbook::detail::CollectingSource;
using addrbook::detail::KeptListSource;
using addrbook::detail::ListCache;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

/// A source that says whether its text is of one state.
struct Stated final : BodySource {
  explicit Stated(std::vector<std::string> pieces) : source(std::move(pieces)) {}

  Status read(std::string& to) override { return source.read(to); }
  void pause() override { source.pause(); }
  [[nodiscard]] std::size_t memory() const noexcept override { return source.memory_held; }
  [[nodiscard]] bool is_of_one_state() const noexcept { return one_state; }

  FakeSource source;
  bool one_state = true;
};

using Collecting = CollectingSource<Stated>;

std::string read_all(BodySource& source) {
  std::string text;
  while (source.read(text) == BodySource::Status::piece) {
  }
  return text;
}

const BookState state{7, 3, 100};
const BookState later{7, 4, 100};
const BookState restored{8, 3, 100};

struct Fixture {
  std::shared_ptr<ListCache> cache = std::make_shared<ListCache>(1000);
  std::shared_ptr<Stated> source =
      std::make_shared<Stated>(std::vector<std::string>{"{one", "two", "}"});
  std::uint64_t ticket = 0;

  /// @returns  a reader that collects
  Collecting collect() {
    CHECK(cache->begin_collecting(state) == 0);
    ticket = cache->begin_collecting(state);
    REQUIRE(ticket != 0);
    return Collecting(source, cache, state, ticket);
  }
};

}  // namespace

TEST_CASE("list_cache: the second list of one state is kept, for that state only") {
  Fixture fixture;
  CHECK(fixture.cache->find(state) == nullptr);
  {
    auto reader = fixture.collect();
    CHECK(read_all(reader) == "{onetwo}");
  }
  const auto text = fixture.cache->find(state);
  REQUIRE(text != nullptr);
  KeptListSource kept(text);
  CHECK(read_all(kept) == "{onetwo}");
  CHECK(kept.memory() == 0);
  CHECK(fixture.cache->find(later) == nullptr);
  CHECK(fixture.cache->find(state) == nullptr);  // its memory went with the change
}

TEST_CASE("list_cache: another state, also after a restore, begins anew") {
  ListCache cache(1000);
  CHECK(cache.begin_collecting(state) == 0);
  CHECK(cache.begin_collecting(later) == 0);
  CHECK(cache.begin_collecting(state) == 0);  // a reader that is late
  CHECK(cache.begin_collecting(restored) == 0);
  const auto ticket = cache.begin_collecting(restored);
  CHECK(ticket != 0);
  CHECK(cache.begin_collecting(restored) == 0);  // one reader at a time
  cache.end_collecting(restored.epoch, ticket);
  CHECK(cache.begin_collecting(restored) != 0);
  CHECK(cache.begin_collecting(later) != 0);
  ListCache none(0);
  CHECK(none.begin_collecting(state) == 0);
  CHECK(none.begin_collecting(state) == 0);
}

TEST_CASE("list_cache: a reader that is slow gives way to another") {
  Fixture fixture;
  const auto start = ListCache::Clock::now();
  auto slow = fixture.collect();
  const auto slow_ticket = fixture.ticket;
  std::string begun;
  CHECK(slow.read(begun) == BodySource::Status::piece);
  CHECK(fixture.cache->begin_collecting(state, start) == 0);
  const auto next = start + ListCache::patience + std::chrono::seconds(1);
  const auto ticket = fixture.cache->begin_collecting(state, next);
  CHECK(ticket != 0);
  CHECK_FALSE(fixture.cache->is_collecting(state.epoch, slow_ticket));
  // The slow one reads on, and keeps nothing.
  CHECK(begun + read_all(slow) == "{onetwo}");
  CHECK(slow.memory() == 0);
  CHECK(fixture.cache->is_empty());
  CHECK(fixture.cache->is_collecting(state.epoch, ticket));
  Collecting quick(std::make_shared<Stated>(std::vector<std::string>{"{one", "two", "}"}),
                   fixture.cache, state, ticket);
  CHECK(read_all(quick) == "{onetwo}");
  CHECK(fixture.cache->find(state) != nullptr);
  CHECK_FALSE(fixture.cache->is_empty());
}

TEST_CASE("list_cache: a late reader does not end the text of a newer state") {
  Fixture fixture;
  {
    auto reader = fixture.collect();
    read_all(reader);
  }
  CHECK(fixture.cache->find({7, 2, 100}) == nullptr);
  CHECK(fixture.cache->find(state) != nullptr);
}

TEST_CASE("list_cache: the texts together are limited, also those that are not kept any more") {
  ListCache cache(20);
  const auto text_of = [](std::uint64_t epoch, std::uint64_t revision, std::size_t bytes) {
    auto text = std::make_shared<addrbook::detail::ListText>(epoch, revision);
    text->append(std::string(bytes, 'x'));
    return text;
  };
  cache.keep(text_of(1, 1, 8));
  cache.keep(text_of(2, 1, 8));
  CHECK(cache.find({1, 1, 1}) != nullptr);
  CHECK(cache.find({2, 1, 1}) != nullptr);
  CHECK(cache.find({1, 1, 1}) != nullptr);  // read last
  cache.keep(text_of(3, 1, 8));
  CHECK(cache.find({2, 1, 1}) == nullptr);
  CHECK(cache.find({1, 1, 1}) != nullptr);
  CHECK(cache.find({3, 1, 1}) != nullptr);
  {
    // A slow reader has the text of an old state.
    const auto held = cache.find({1, 1, 1});
    CHECK(cache.find({1, 2, 1}) == nullptr);
    cache.keep(text_of(1, 2, 13));
    CHECK(cache.find({1, 2, 1}) == nullptr);  // no room
    CHECK(cache.find({3, 1, 1}) == nullptr);
    cache.keep(text_of(1, 2, 12));
    CHECK(cache.find({1, 2, 1}) != nullptr);
  }
  cache.keep(text_of(4, 1, 8));
  CHECK(cache.find({1, 2, 1}) != nullptr);
  CHECK(cache.find({4, 1, 1}) != nullptr);
  cache.keep(text_of(5, 1, 20));
  CHECK(cache.find({5, 1, 1}) != nullptr);
  CHECK(cache.find({4, 1, 1}) == nullptr);
  for (std::uint64_t epoch = 10; epoch < 2'000; ++epoch) {
    CHECK(cache.begin_collecting({epoch, 1, 1}) == 0);
  }
  CHECK(cache.is_empty());  // the books that were not used lately are forgotten
}

TEST_CASE("list_cache: what is not a whole list of one state is not kept") {
  Fixture fixture;
  SUBCASE("the book changed meanwhile") {
    auto reader = fixture.collect();
    fixture.source->one_state = false;
    read_all(reader);
  }
  SUBCASE("the reader left") {
    auto reader = fixture.collect();
    std::string piece;
    static_cast<void>(reader.read(piece));
  }
  SUBCASE("the source failed") {
    auto reader = fixture.collect();
    fixture.source->source.next = BodySource::Status::failed;
    read_all(reader);
  }
  SUBCASE("memory became scarce") {
    auto reader = fixture.collect();
    std::string piece;
    static_cast<void>(reader.read(piece));
    CHECK(reader.memory() == 4);
    reader.pause();
    CHECK(fixture.source->source.pauses == 1);
    CHECK(reader.memory() == 0);
    const auto ticket = fixture.cache->begin_collecting(state);  // another reader may try
    CHECK(ticket != 0);
    fixture.cache->end_collecting(state.epoch, ticket);
    CHECK(piece + read_all(reader) == "{onetwo}");
  }
  SUBCASE("it is too long") {
    fixture.cache = std::make_shared<ListCache>(7);
    auto reader = fixture.collect();
    CHECK(read_all(reader) == "{onetwo}");
  }
  CHECK(fixture.cache->find(state) == nullptr);
}

TEST_CASE(
    "list_cache: a list that is asked for again and again is the book's, also after a write") {
  Book book;
  const auto document = [](const std::string& name) {
    return addrbook::Document::parse("{\"name\":\"" + name + std::string(2'000, 'x') + "\"}");
  };
  std::string id;
  for (int i = 0; i < 300; ++i) id = book.service->create(document(std::to_string(i))).id;
  const auto list = [&] { return ask(book.rest, asking("GET", "/addresses")).body; };
  const std::string first = list();
  for (int i = 0; i < 4; ++i) CHECK(list() == first);
  static_cast<void>(book.service->update(id, document("changed")));
  const std::string changed = list();
  CHECK(changed != first);
  CHECK(changed.find("changed") != std::string::npos);
  for (int i = 0; i < 4; ++i) CHECK(list() == changed);
}

TEST_CASE("list_cache: a kept list can be read in pieces and in place, in any order") {
  const auto text = std::make_shared<addrbook::detail::ListText>(7, 3);
  std::string expected;
  for (char c = 'a'; c < 'z'; ++c) {
    text->append(std::string(30'000, c));
    expected.append(30'000, c);
  }
  REQUIRE(text->bytes == expected.size());
  REQUIRE(text->blocks.size() > 2);
  CHECK(text->blocks.size() < 5);
  {
    KeptListSource in_pieces(text);
    CHECK(read_all(in_pieces) == expected);
  }
  KeptListSource mixed(text);
  std::string got;
  CHECK(mixed.held().empty());  // the storage is asked first
  for (std::size_t i = 0; mixed.read(got) == BodySource::Status::piece; ++i) {
    for (auto held = mixed.held(); !held.empty(); held = mixed.held()) {
      const auto taken = held.substr(0, 10'000 * (i + 1));
      got += taken;
      mixed.skip(taken.size());
      if (i == 1) break;
    }
  }
  CHECK(got == expected);
}
