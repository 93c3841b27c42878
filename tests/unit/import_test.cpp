#include <addrbook/import.hpp>

#include <addrbook/books.hpp>
#include <addrbook/memory_books.hpp>

#include <support/line_format.hpp>
#include <support/parallel.hpp>
#include <unit/fake_store.hpp>
#include <unit/refusal.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using addrbook::Document;
using addrbook::Errc;
using addrbook::Error;
using addrbook::Import;
using addrbook::ImportOptions;
using addrbook::ImportReport;
using addrbook::OnConflict;
using addrbook::Service;
using test::FakeStore;

namespace {

const std::string ada = R"({"uid":"ada","name":"Ada Example"})";
const std::string new_ada = R"({"uid":"ada","name":"Ada Sample"})";
const std::string bob = R"({"name":"Bob Example"})";

struct Book {
  std::shared_ptr<FakeStore> store = std::make_shared<FakeStore>();
  std::shared_ptr<Service> service;

  explicit Book(std::vector<addrbook::Validator> validators = {},
                addrbook::ServiceOptions options = {})
      : service(std::make_shared<Service>(store, std::move(validators), options)) {}

  [[nodiscard]] ImportReport bring_in(const std::string& text, const ImportOptions& options = {},
                                      std::size_t cut = 7) const {
    const auto format = test::line_format();
    Import import(service, *format, options);
    for (std::size_t at = 0; at < text.size(); at += cut) import.write(text.substr(at, cut));
    return import.finish();
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& entry : service->list()) all.push_back(entry.document.text());
    return all;
  }
};

using Texts = std::vector<std::string>;

/// `{"n":0}`, `{"n":1}` and so on.
std::string numbers(std::size_t count, std::size_t first = 0) {
  std::string text;
  for (std::size_t i = first; i < first + count; ++i) {
    text += R"({"n":)" + std::to_string(i) + "}\n";
  }
  return text;
}

std::vector<std::uint64_t> counts(const ImportReport& report) {
  return {report.created, report.updated, report.skipped, report.failed};
}
using Counts = std::vector<std::uint64_t>;

ImportOptions with(OnConflict on_conflict) {
  ImportOptions options;
  options.on_conflict = on_conflict;
  return options;
}
ImportOptions in_parts(std::size_t records) {
  ImportOptions options;
  options.partial = true;
  options.max_atomic_records = records;
  return options;
}

template <class Call>
Errc code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("nothing was thrown");
  return Errc::internal;
}

}  // namespace

TEST_CASE("import: an input in any cut, stored in its order and in one commit") {
  const std::string text = ada + "\n" + bob + "\n" + R"({"name":"Cy"})";
  for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{40}, text.size()}) {
    Book book;
    int commits = 0;
    book.store->before_commit = [&] { ++commits; };
    CHECK(counts(book.bring_in(text, {}, cut)) == Counts{3, 0, 0, 0});
    CHECK(book.texts() == Texts{ada, bob, R"({"name":"Cy"})"});
    CHECK(commits == 1);
  }
}

TEST_CASE("import: what can't be read or is refused costs no other, and says where it stands") {
  const auto no_cy = [](const Document& address) {
    addrbook::Violations violations;
    if (address.text().find("Cy") != std::string::npos) violations.push_back({"/name", "is Cy"});
    return violations;
  };
  const Book book({no_cy});
  const auto report = book.bring_in(ada + "\n{broken\n" + R"({"name":"Cy"})" + "\n~" + bob + "\n");
  CHECK(counts(report) == Counts{2, 0, 0, 2});
  REQUIRE(report.errors.size() == 2);
  CHECK(report.errors[0].place.index == 1);
  CHECK(report.errors[0].place.line == 2);
  CHECK(report.errors[1].place.index == 2);
  CHECK(report.errors[1].message == "Invalid address: '/name' is Cy");
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0].place.line == 4);
  CHECK(book.texts() == Texts{ada, bob});
}

TEST_CASE("import: only the first 100 errors and warnings are listed, all are counted") {
  const Book book;
  std::string text;
  for (int i = 0; i < 150; ++i) text += "~x\n";
  const auto report = book.bring_in(text);
  CHECK(counts(report) == Counts{0, 0, 0, 150});
  CHECK(report.errors.size() == ImportReport::max_listed);
  CHECK(report.warnings.size() == ImportReport::max_listed);
  CHECK(report.errors.back().place.index == 99);
}

TEST_CASE(
    "import: with more than max_failed records that failed it ends, and says what the first was") {
  ImportOptions options;
  options.max_failed = 3;
  const Book book;
  const std::string broken = "{}\nx\nx\nx\n";
  CHECK(counts(book.bring_in(broken, options)) == Counts{1, 0, 0, 3});
  for (const bool partial : {false, true}) {
    options.partial = partial;
    const std::string message =
        test::refusal([&] { static_cast<void>(book.bring_in(broken + ada + "\nx\n", options)); });
    CHECK(message.rfind("Over 3 records failed, the first in line 2: ", 0) == 0);
  }
  CHECK(book.texts() == Texts{"{}"});
}

TEST_CASE("import: long messages are cut, and count as memory") {
  const auto format = test::line_format();
  const std::string reason = "x" + [] {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += "\xC3\xB6";
    return text;
  }();
  const auto refuse = [&reason](const Document&) -> addrbook::Violations {
    throw Error(Errc::invalid, reason);
  };
  const Book book({refuse});
  Import import(book.service, *format);
  const std::size_t empty = import.memory();
  import.write(numbers(1000));
  CHECK(import.memory() > empty + ImportReport::max_listed * 150);
  CHECK(import.memory() < empty + ImportReport::max_listed * 300 + 65'000);
  const auto report = import.finish();
  CHECK(report.failed == 1000);
  REQUIRE(report.errors.size() == ImportReport::max_listed);
  const std::string& message = report.errors[0].message;
  CHECK(message.size() <= ImportReport::max_message_bytes);
  CHECK(message == reason.substr(0, message.size() - 3) + "...");
  CHECK(message.size() % 2 == 0);  // no half of a character
}

TEST_CASE("import: an input that is not of the format at all stores nothing") {
  const Book book;
  CHECK(test::refusal([&] { static_cast<void>(book.bring_in("%PDF\n" + ada)); }) ==
        "The input is not lines");
  CHECK(book.texts().empty());
  CHECK(counts(book.bring_in("")) == Counts{0, 0, 0, 0});
}

TEST_CASE("import: what is needed") {
  const auto format = test::line_format();
  CHECK(test::refusal([&] { const Import import(std::shared_ptr<Service>(), *format); }) ==
        "an Import needs a book");
  CHECK(test::refusal([&] {
          const Import import(std::make_shared<Service>(), *format, in_parts(0));
        }) == "max_atomic_records must be at least 1");
}

TEST_CASE("import: the same input a second time changes nothing, whatever is done with conflicts") {
  for (const OnConflict on_conflict : {OnConflict::skip, OnConflict::replace}) {
    const Book book;
    const std::string text = ada + "\n" + bob + "\nid=cy " + R"({"name":"Cy"})" + "\n";
    CHECK(counts(book.bring_in(text, with(on_conflict))) == Counts{3, 0, 0, 0});
    const auto before = book.service->state();
    CHECK(counts(book.bring_in(text, with(on_conflict))) == Counts{0, 0, 3, 0});
    CHECK(book.service->state().revision == before.revision);
  }
  const Book book;
  CHECK(counts(book.bring_in(ada, with(OnConflict::duplicate))) == Counts{1, 0, 0, 0});
  CHECK(counts(book.bring_in(ada + "\n" + ada, with(OnConflict::duplicate))) == Counts{2, 0, 0, 0});
}

TEST_CASE("import: a contact is known by its UID, and what was there is skipped or replaced") {
  const Book book;
  const auto id = book.service->create(Document::parse(ada)).id;
  book.service->create(Document::parse(bob));
  CHECK(counts(book.bring_in(new_ada + "\n" + bob)) == Counts{0, 0, 2, 0});
  CHECK(book.texts() == Texts{ada, bob});
  CHECK(counts(book.bring_in(new_ada + "\n" + bob, with(OnConflict::replace))) ==
        Counts{0, 1, 1, 0});
  CHECK(book.texts() == Texts{new_ada, bob});
  CHECK(book.service->get(id).document.text() == new_ada);
  CHECK(counts(book.bring_in(ada, with(OnConflict::duplicate))) == Counts{1, 0, 0, 0});
  CHECK(book.texts() == Texts{new_ada, bob, ada});
}

TEST_CASE("import: an id in the book comes before a UID, an absent one is that of the new entry") {
  const Book book;
  book.service->create("ada", Document::parse(ada));
  const std::string other = R"({"uid":"other","name":"Ada"})";
  CHECK(counts(book.bring_in("id=ada " + other + "\nid=bob " + bob)) == Counts{1, 0, 1, 0});
  CHECK(book.service->get("bob").document.text() == bob);
  CHECK(counts(book.bring_in("id=ada " + other, with(OnConflict::replace))) == Counts{0, 1, 0, 0});
  CHECK(book.service->get("ada").document.text() == other);
  // By its UID, under another id than that of the entry.
  CHECK(counts(book.bring_in("id=else " + other, with(OnConflict::replace))) == Counts{0, 0, 1, 0});
  CHECK(counts(book.bring_in("id=ada " + bob, with(OnConflict::duplicate))) == Counts{1, 0, 0, 0});
  CHECK(book.service->get("ada").document.text() == other);
}

TEST_CASE("import: an id that is none is a warning") {
  const Book book;
  const auto report = book.bring_in("id=a_b " + ada);
  CHECK(counts(report) == Counts{1, 0, 0, 0});
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0].message == "The id is not 1 to 64 of [A-Za-z0-9-], and gets lost");
}

TEST_CASE("import: two of a kind in one input are one, also in two batches, and two ids are two") {
  for (const std::size_t batch : {1U, 2U, 10U}) {
    const Book book;
    CHECK(counts(book.bring_in(ada + "\n" + bob + "\n" + new_ada + "\n" + bob, in_parts(batch))) ==
          Counts{2, 0, 2, 0});
    CHECK(book.texts() == Texts{ada, bob});
    const Book other;
    const std::string twice = "id=a " + bob + "\nid=b " + bob + "\nid=a " + ada + "\n";
    CHECK(counts(other.bring_in(twice + bob, in_parts(batch))) == Counts{2, 0, 2, 0});
    CHECK(counts(other.bring_in(twice, in_parts(batch))) == Counts{0, 0, 3, 0});
    auto duplicating = in_parts(batch);
    duplicating.on_conflict = OnConflict::duplicate;
    CHECK(counts(other.bring_in(twice, duplicating)) == Counts{3, 0, 0, 0});
    CHECK(counts(Book().bring_in(twice, duplicating)) == Counts{3, 0, 0, 0});
  }
}

TEST_CASE("import: two records that lead to one entry, by its id and by its UID, change it once") {
  const Book book;
  book.service->create("x", Document::parse(ada));
  const auto report = book.bring_in(new_ada + "\nid=x " + bob, with(OnConflict::replace));
  CHECK(counts(report) == Counts{0, 1, 1, 0});
  CHECK(book.texts() == Texts{new_ada});
}

TEST_CASE("import: over max_atomic_records or max_atomic_bytes only in parts") {
  ImportOptions few;
  few.max_atomic_records = 3;
  const Book book;
  CHECK(counts(book.bring_in(numbers(3), few)) == Counts{3, 0, 0, 0});
  const auto refuse = [&](const ImportOptions& options) {
    try {
      static_cast<void>(book.bring_in(numbers(4, 100), options));
    } catch (const addrbook::ImportTooLarge& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(refuse(few) == "The import has over 3 records: it can only be stored in parts");
  few.max_atomic_records = 4;
  few.max_atomic_bytes = 20;
  CHECK(refuse(few) == "The import has over 20 bytes: it can only be stored in parts");
  CHECK(book.service->state().count == 3);
  few.partial = true;
  CHECK(refuse(few) == "accepted");
  CHECK(book.service->state().count == 7);
}

TEST_CASE("import: in parts, each batch is one commit, and one record that is larger is one") {
  Book book;
  std::vector<std::uint64_t> sizes;
  std::uint64_t before = 0;
  book.store->after_commit = [&] {
    const auto count = book.store->true_state().count;
    sizes.push_back(count - before);
    before = count;
  };
  CHECK(counts(book.bring_in(numbers(7), in_parts(3))) == Counts{7, 0, 0, 0});
  CHECK(sizes == std::vector<std::uint64_t>{3, 3, 1});
  sizes.clear();
  auto small = in_parts(100);
  small.max_atomic_bytes = 5;
  CHECK(counts(book.bring_in(numbers(3, 50), small)) == Counts{3, 0, 0, 0});
  CHECK(sizes == std::vector<std::uint64_t>{1, 1, 1});
}

TEST_CASE("import: a storage fault stores nothing; in parts it costs its batch and no other") {
  Book book;
  int commits = 0;
  book.store->before_commit = [&] {
    if (++commits == 2) test::fail_storage();
  };
  CHECK(counts(book.bring_in(numbers(2))) == Counts{2, 0, 0, 0});
  CHECK(code_of([&] { static_cast<void>(book.bring_in(numbers(3, 10))); }) == Errc::storage);
  CHECK(book.service->state().count == 2);
  commits = 0;
  const auto report = book.bring_in(numbers(7, 20) + numbers(1, 22), in_parts(2));
  CHECK(counts(report) == Counts{6, 0, 0, 2});
  CHECK(report.failed_batch_count == 1);
  REQUIRE(report.failed_batches.size() == 1);
  CHECK(report.failed_batches[0].first.index == 2);
  CHECK(report.failed_batches[0].last.line == 4);
  CHECK(report.failed_batches[0].records == 2);
  CHECK(report.failed_batches[0].code == Errc::storage);
  // The record came a second time, after its batch had failed.
  CHECK(book.texts().back() == R"({"n":22})");
  CHECK(counts(book.bring_in(numbers(7, 20))) == Counts{1, 0, 6, 0});
}

TEST_CASE("import: a full book") {
  addrbook::ServiceOptions three;
  three.max_entries = 3;
  for (const bool dry_run : {false, true}) {
    const Book book({}, three);
    ImportOptions options;
    options.dry_run = dry_run;
    CHECK(code_of([&] { static_cast<void>(book.bring_in(numbers(4), options)); }) == Errc::full);
    CHECK(book.service->state().count == 0);
    options.partial = true;
    options.max_atomic_records = 2;
    const auto report = book.bring_in(numbers(4), options);
    CHECK(counts(report) == Counts{2, 0, 0, 2});
    REQUIRE(report.failed_batches.size() == 1);
    CHECK(report.failed_batches[0].code == Errc::full);
    CHECK(report.failed_batches[0].message ==
          "Insufficient Storage: the book may hold 3 addresses");
  }
}

TEST_CASE("import: a stopped service and a validator that fails") {
  const Book book;
  book.service->stop();
  CHECK(code_of([&] { static_cast<void>(book.bring_in(ada)); }) == Errc::stopped);
  const Book broken({[](const Document&) -> addrbook::Violations { throw 7; }});
  CHECK(code_of([&] { static_cast<void>(broken.bring_in(ada, in_parts(1))); }) == Errc::internal);
}

TEST_CASE("import: a dry run reports what would be done and writes nothing") {
  for (const auto& options : {ImportOptions(), in_parts(1)}) {
    const Book book;
    book.service->create(Document::parse(ada));
    auto dry = options;
    dry.dry_run = true;
    dry.on_conflict = OnConflict::replace;
    const auto revision = book.service->state().revision;
    CHECK(counts(book.bring_in(new_ada + "\n" + bob + "\n" + bob + "\nx", dry)) ==
          Counts{1, 1, 1, 1});
    CHECK(book.service->state().revision == revision);
    CHECK(book.texts() == Texts{ada});
  }
}

TEST_CASE("import: no write of others is lost, and what others create is found") {
  SUBCASE("a replaced entry that changes meanwhile is compared again") {
    Book book;
    const auto id = book.service->create(Document::parse(ada)).id;
    bool is_first = true;
    book.store->before_commit = [&] {
      if (!std::exchange(is_first, false)) return;
      book.service->update(id, Document::parse(new_ada));
    };
    const std::string newest = R"({"uid":"ada","name":"Newest"})";
    CHECK(counts(book.bring_in(newest, with(OnConflict::replace))) == Counts{0, 1, 0, 0});
    CHECK(book.texts() == Texts{newest});
    CHECK(book.service->state().revision == 3);
  }
  SUBCASE("an entry that is removed meanwhile is created") {
    Book book;
    const auto id = book.service->create(Document::parse(ada)).id;
    bool is_first = true;
    book.store->before_commit = [&] {
      if (std::exchange(is_first, false)) book.service->remove(id);
    };
    CHECK(counts(book.bring_in(new_ada, with(OnConflict::replace))) == Counts{1, 0, 0, 0});
    CHECK(book.texts() == Texts{new_ada});
  }
  SUBCASE("an id that is taken meanwhile is the same entry") {
    Book book;
    bool is_first = true;
    book.store->before_commit = [&] {
      if (std::exchange(is_first, false)) book.service->create("ada", Document::parse(ada));
    };
    CHECK(counts(book.bring_in("id=ada " + new_ada)) == Counts{0, 0, 1, 0});
    CHECK(book.texts() == Texts{ada});
  }
  SUBCASE("what is created between two batches is not created again") {
    Book book;
    bool is_first = true;
    book.store->after_commit = [&] {
      if (std::exchange(is_first, false)) book.service->create(Document::parse(bob));
    };
    CHECK(counts(book.bring_in(ada + "\n" + bob, in_parts(1))) == Counts{1, 0, 1, 0});
  }
}

TEST_CASE("import: into an empty book that nobody else writes to, nothing is looked up") {
  Book book;
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  CHECK(counts(book.bring_in(numbers(20), in_parts(3))) == Counts{20, 0, 0, 0});
  CHECK(pages == 0);
  CHECK(counts(book.bring_in(numbers(20), in_parts(10))) == Counts{0, 0, 20, 0});
  CHECK(pages == 2);
}

TEST_CASE("import: into a book that the first record makes") {
  addrbook::BooksOptions limits;
  limits.max_entries = 5;
  const auto books = std::make_shared<addrbook::Books>(std::make_shared<addrbook::MemoryBooks>(),
                                                       std::vector<addrbook::Validator>(), limits);
  const auto format = test::line_format();
  const auto bring_in = [&](const std::string& text, const ImportOptions& options) {
    addrbook::ImportTarget target;
    target.book = books->find("team");
    target.make = [&](std::uint64_t entries) { return books->create("team", entries).book; };
    target.validate = [&](const Document& document) { books->validate(document); };
    target.max_entries = limits.max_entries;
    Import import(target, *format, options);
    import.write(text);
    return counts(import.finish());
  };
  ImportOptions dry;
  dry.dry_run = true;
  CHECK(bring_in(ada, dry) == Counts{1, 0, 0, 0});
  CHECK_THROWS_AS(static_cast<void>(bring_in(numbers(6), dry)), Error);
  CHECK(bring_in("broken", {}) == Counts{0, 0, 0, 1});
  CHECK(bring_in(numbers(6), in_parts(10)) == Counts{0, 0, 0, 6});
  CHECK_THROWS_WITH_AS(static_cast<void>(bring_in(numbers(6), {})),
                       "Insufficient Storage: the book may hold 5 addresses", Error);
  CHECK(books->find("team") == nullptr);
  CHECK(bring_in(numbers(3), in_parts(1)) == Counts{3, 0, 0, 0});
  REQUIRE(books->find("team") != nullptr);
  CHECK(books->find("team")->state().count == 3);
  CHECK(bring_in(numbers(4), {}) == Counts{1, 0, 3, 0});

  // Somebody else makes it first.
  addrbook::ImportTarget target;
  target.make = [&](std::uint64_t entries) { return books->create("team", entries).book; };
  target.validate = [](const Document&) {};
  Import import(target, *format);
  import.write(numbers(5));
  CHECK(counts(import.finish()) == Counts{1, 0, 4, 0});
}

TEST_CASE("import: an entry that is written again and again is replaced, or the import ends") {
  const Book book;
  const auto text = [](int version) {
    std::string lines;
    for (int i = 0; i < 3; ++i) {
      lines += R"({"uid":"u)" + std::to_string(i) + R"(","v":)" + std::to_string(version) + "}\n";
    }
    return lines;
  };
  CHECK(counts(book.bring_in(text(1))) == Counts{3, 0, 0, 0});
  const auto others = book.service->list();
  int races = 0;
  int written = 0;
  book.store->before_commit = [&] {
    if (races <= 0) return;
    const int left = std::exchange(races, 0);
    book.service->update(others[1].id,
                         Document::parse(R"({"uid":"u1","w":)" + std::to_string(++written) + "}"));
    races = left - 1;
  };
  races = 30;
  CHECK(counts(book.bring_in(text(2), with(OnConflict::replace))) == Counts{0, 3, 0, 0});
  CHECK(written == 30);
  CHECK(book.texts()[1] == R"({"uid":"u1","v":2})");

  races = 1'000'000;
  CHECK(code_of([&] { static_cast<void>(book.bring_in(text(3), with(OnConflict::replace))); }) ==
        Errc::busy);
  CHECK(written < 200);
  ImportOptions parts = in_parts(10);
  parts.on_conflict = OnConflict::replace;
  const auto report = book.bring_in(text(3), parts);
  CHECK(counts(report) == Counts{0, 0, 0, 3});
  REQUIRE(report.failed_batches.size() == 1);
  CHECK(report.failed_batches[0].code == Errc::busy);
  CHECK(book.texts()[0] == R"({"uid":"u0","v":2})");
}

TEST_CASE("import: holds the records that are stored together, and no more") {
  const Book book;
  const auto format = test::line_format();
  const std::string line = R"({"name":")" + std::string(1000, 'x');
  Import whole(book.service, *format);
  Import parts(book.service, *format, in_parts(10));
  const std::size_t empty = parts.memory();
  for (int i = 0; i < 1000; ++i) {
    const std::string record = line + std::to_string(i) + "\"}\n";
    whole.write(record);
    parts.write(record);
  }
  CHECK(whole.memory() > 1'000'000);
  CHECK(parts.memory() < empty + 100'000);
  CHECK(parts.finish().created == 1000);
  CHECK(whole.finish().skipped == 1000);
}

TEST_CASE("import: at the same time, no write is lost and each contact is there") {
  const Book book;
  book.service->create(Document::parse(R"({"uid":"shared","n":0})"));
  const auto failures = test::run_parallel(8, [&](std::size_t thread) {
    auto options = in_parts(3);
    options.on_conflict = OnConflict::replace;
    const std::string own = std::to_string(thread);
    const auto report =
        book.bring_in(R"({"uid":"shared","n":)" + own + "}\n" + numbers(20, thread * 10), options);
    if (report.failed != 0) throw std::runtime_error("failed");
  });
  CHECK(failures == "");
  std::set<std::string> texts;
  for (const std::string& text : book.texts()) texts.insert(text);
  CHECK(texts.size() == 91);  // 0 to 89, and the shared one once
  // What was created twice is known as one from now on.
  const auto count = book.service->state().count;
  CHECK(counts(book.bring_in(numbers(90))) == Counts{0, 0, 90, 0});
  CHECK(book.service->state().count == count);
}

TEST_CASE("import: an address without a UID that went out with one is found again") {
  const Book book;
  const auto uuid = book.service->create(Document::parse(bob));
  book.service->create("eve", Document::parse(R"({"name":"Eve"})"));
  book.service->create("dan", Document::parse(R"({"uid":"other","name":"Dan"})"));
  const std::string digits = uuid.id;
  const std::string uid = "urn:uuid:" + digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" +
                          digits.substr(12, 4) + "-" + digits.substr(16, 4) + "-" +
                          digits.substr(20);
  const std::string text = R"({"uid":")" + uid +
                           R"(","name":"Bob"})"
                           "\n"
                           R"({"uid":"eve","name":"Eve"})"
                           "\n"
                           R"({"uid":"dan","name":"Dan"})"
                           "\n";
  const ImportReport report = book.bring_in(text);
  CHECK(report.skipped == 2);
  CHECK(report.created == 1);  // Dan has another UID
  ImportOptions options;
  options.on_conflict = OnConflict::replace;
  CHECK(book.bring_in(text, options).updated == 2);
  CHECK(book.service->get(uuid.id).document.text().find(uid) != std::string::npos);
  CHECK(book.bring_in(text, options).skipped == 3);
}
