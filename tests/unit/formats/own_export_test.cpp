// Of all formats: what goes out of a book comes in again.
#include <addrbook/csv.hpp>
#include <addrbook/document.hpp>
#include <addrbook/export.hpp>
#include <addrbook/format.hpp>
#include <addrbook/import.hpp>
#include <addrbook/jscontact.hpp>
#include <addrbook/json_list.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/ndjson.hpp>
#include <addrbook/service.hpp>
#include <addrbook/vcard.hpp>

#include "kept_records.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using addrbook::Document;
using addrbook::Format;
using addrbook::ImportReport;
using addrbook::Service;

namespace {

const addrbook::Formats formats{addrbook::vcard(), addrbook::csv(), addrbook::ndjson(),
                                addrbook::json_list(), addrbook::jscontact()};

std::shared_ptr<Service> book_of(const std::vector<std::string>& addresses) {
  auto book = std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>());
  for (const std::string& address : addresses) {
    static_cast<void>(book->create(Document::parse(address)));
  }
  return book;
}

std::string exported(const std::shared_ptr<Service>& book, const Format& format,
                     const std::string& version = "") {
  addrbook::Export pieces(book, format, {}, {version, false});
  std::string text;
  while (pieces.read(text)) {
  }
  return text;
}

ImportReport imported(const std::shared_ptr<Service>& book, const Format& format,
                      const std::string& text) {
  addrbook::Import import(book, format);
  import.write(text);
  return import.finish();
}

}  // namespace

TEST_CASE("own export: a book's own contacts are in it already, whatever their uid") {
  const auto book = book_of({
      R"({"name":"No uid"})",
      R"({"uid":"x","name":"Ann"})",
      R"({"uid":"","name":"Ben"})",
      R"({"uid":5,"name":"Cy"})",
      R"({"uid":null,"name":"Di"})",
      R"({"uid":" x ","name":"Ed"})",
      R"({"uid":"  ","name":"Flo"})",
      R"({"uid":"a\nb","name":"Gus"})",
      R"({"uid":"'=1,\"2\"; \\n","name":"Hal"})",
      R"({"uid":"urn:uuid:0000000A-1111-2222-3333-444444444444","name":"Ida"})",
      R"({"@type":"Card","version":"1.0","uid":"card","name":{"full":"Jo"}})",
      R"({"@type":"Card","version":"1.0","uid":" card ","name":{"full":"Kim"}})",
      R"({"@type":"Card","version":"1.0","uid":"","name":{"full":"Lou"}})",
      R"({"@type":"Card","uid":["y"],"name":{"full":"Max"}})",
  });
  const auto count = book->state().count;
  for (const auto& format : formats) {
    CAPTURE(format->name());
    auto versions = format->versions();
    if (versions.empty()) versions.emplace_back();
    for (const std::string_view version : versions) {
      const std::string text = exported(book, *format, std::string(version));
      CAPTURE(text);
      const ImportReport report = imported(book, *format, text);
      CHECK(report.skipped == count);
      CHECK(report.created == 0);
      CHECK(report.failed == 0);
      CHECK(report.warnings.empty());
    }
  }
  CHECK(book->state().count == count);
}

TEST_CASE("own export: an empty book comes in, and so does an empty input") {
  for (const auto& format : formats) {
    CAPTURE(format->name());
    const std::string nothing = exported(book_of({}), *format);
    for (const std::string& text :
         {nothing, std::string(), std::string(" \r\n\t\n"), std::string("\xEF\xBB\xBF")}) {
      CHECK(test::records_of_each_cut(*format, text).empty());
      const ImportReport report = imported(book_of({R"({"name":"Ann"})"}), *format, text);
      CHECK(report.created + report.updated + report.skipped + report.failed == 0);
      CHECK(report.warnings.empty());
    }
  }
}
