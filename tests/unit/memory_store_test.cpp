// tests/contract tests it as a Store. Here: what only this one promises.
#include <addrbook/memory_store.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

using addrbook::Condition;
using addrbook::Document;
using addrbook::MemoryStore;
using addrbook::Write;

TEST_CASE("memory_store: a found entry shares its document's text") {
  MemoryStore store;
  const Document document = Document::parse(R"({"name":"Ada Example"})");
  store.commit({{Write{"ada", document, {}}}});
  const auto entry = store.find("ada");
  REQUIRE(entry.has_value());
  CHECK(&entry->document.text() == &document.text());
}

TEST_CASE("memory_store: later writes do not change an entry or page that was read") {
  MemoryStore store;
  store.commit({{Write{"ada", Document::parse(R"({"v":1})"), {}}}});
  const auto before = store.find("ada");
  const auto page = store.page(0, {});
  store.commit({{Write{"ada", Document::parse(R"({"v":2})"), {}}}});
  store.commit({{Write{"ada", std::nullopt, {}}}});
  REQUIRE(before.has_value());
  CHECK(before->document.text() == R"({"v":1})");
  REQUIRE(page.entries.size() == 1);
  CHECK(page.entries[0].document.text() == R"({"v":1})");
}

TEST_CASE("memory_store: a page limit far beyond the book takes no memory") {
  MemoryStore store;
  store.commit({{Write{"ada", Document(), {}}}});
  addrbook::PageLimit limit;
  limit.entries = limit.bytes = SIZE_MAX;
  const auto page = store.page(0, limit);
  CHECK(page.entries.size() == 1);
  CHECK_FALSE(page.more);
}

TEST_CASE("memory_store: a condition holds or not by the entry's revision") {
  using Kind = Condition::Kind;
  const std::optional<std::uint64_t> none;
  const std::optional<std::uint64_t> seven = 7;
  CHECK(Condition{}.holds(none));
  CHECK(Condition{}.holds(seven));
  CHECK(Condition{Kind::absent, 0}.holds(none));
  CHECK_FALSE(Condition{Kind::absent, 0}.holds(seven));
  CHECK_FALSE(Condition{Kind::present, 0}.holds(none));
  CHECK(Condition{Kind::present, 0}.holds(seven));
  CHECK(Condition{Kind::at_revision, 7}.holds(seven));
  CHECK_FALSE(Condition{Kind::at_revision, 6}.holds(seven));
  CHECK_FALSE(Condition{Kind::at_revision, 7}.holds(none));
  CHECK_FALSE(Condition{Kind::at_revision, 0}.holds(none));
}

TEST_CASE("memory_store: can't be copied or moved") {
  static_assert(!std::is_copy_constructible_v<MemoryStore>);
  static_assert(!std::is_move_constructible_v<MemoryStore>);
  static_assert(std::has_virtual_destructor_v<addrbook::Store>);
  const std::unique_ptr<addrbook::Store> store = std::make_unique<MemoryStore>();
  CHECK(store->state().revision == 0);
}

TEST_CASE("memory_store: the index of identities follows every write") {
  MemoryStore store;
  const auto document = [](const std::string& uid, int n) {
    return Document::parse(R"({"uid":")" + uid + R"(","n":)" + std::to_string(n) + "}");
  };
  const auto find = [&](const std::string& uid) {
    const auto found = store.find_same({addrbook::detail::identity_of(document(uid, 0))});
    return found.front() ? found.front()->id : "none";
  };
  store.commit({{Write{"a", document("x", 1), {}}}});
  CHECK(find("x") == "a");
  CHECK(find("y") == "none");
  store.commit({{Write{"b", document("x", 2), {}}, Write{"c", document("y", 1), {}}}});
  CHECK(find("x") == "a");
  CHECK(find("y") == "c");
  store.commit({{Write{"a", document("z", 1), {}}, Write{"c", document("y", 2), {}}}});
  CHECK(find("x") == "b");
  CHECK(find("y") == "c");
  CHECK(find("z") == "a");
  store.commit({{Write{"b", std::nullopt, {}}, Write{"absent", std::nullopt, {}}}});
  CHECK(find("x") == "none");
  store.commit({{Write{"b", document("x", 3), Condition{Condition::Kind::present, 0}}}});
  CHECK(find("x") == "none");
}
