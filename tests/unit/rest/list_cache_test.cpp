#include <addrbook/rest/list_cache.hpp>

#include <unit/fake_source.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <cstddef>
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
  [[nodiscard]] std::size_t memory() const noexcept override { return source.held; }
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

  /// @returns  a reader that collects
  Collecting collect() {
    CHECK(!cache->begin_collecting(state));
    REQUIRE(cache->begin_collecting(state));
    return Collecting(source, cache, state);
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
  CHECK(!cache.begin_collecting(state));
  CHECK(!cache.begin_collecting(later));
  CHECK(!cache.begin_collecting(state));
  CHECK(!cache.begin_collecting(restored));
  CHECK(cache.begin_collecting(restored));
  CHECK(!cache.begin_collecting(restored));  // one reader at a time
  cache.end_collecting(restored.epoch);
  CHECK(cache.begin_collecting(restored));
  ListCache none(0);
  CHECK(!none.begin_collecting(state));
  CHECK(!none.begin_collecting(state));
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
    CHECK(fixture.cache->begin_collecting(state));  // another reader may try
    fixture.cache->end_collecting(state.epoch);
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
