#include <addrbook/format.hpp>

#include <addrbook/csv.hpp>
#include <addrbook/json_list.hpp>
#include <addrbook/vcard.hpp>

#include "refusal.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using addrbook::find_version;
using addrbook::format_names;
using addrbook::Formats;

namespace {

const Formats formats{addrbook::vcard(), addrbook::csv(), addrbook::json_list()};

std::string name_of(const std::shared_ptr<const addrbook::Format>& format) {
  return format ? std::string(format->name()) : "none";
}

}  // namespace

TEST_CASE("format: by its name, and by that of a file") {
  CHECK(name_of(find_format(formats, "csv")) == "csv");
  for (const char* const none : {"", "CSV", "txt", ".csv"}) {
    CHECK(name_of(find_format(formats, none)) == "none");
  }
  CHECK(name_of(format_of_file(formats, "my.contacts.vcf")) == "vcf");
  CHECK(name_of(format_of_file(formats, "CONTACTS.VCF")) == "vcf");
  CHECK(name_of(format_of_file(formats, "a/b.tsv")) == "csv");
  for (const char* const none : {"", ".vcf", "vcf", "x.vcf.gz", "-"}) {
    CHECK(name_of(format_of_file(formats, none)) == "none");
  }
}

TEST_CASE("format: the names of several, for a message") {
  CHECK(format_names({}).empty());
  CHECK(format_names({addrbook::csv()}) == "csv");
  CHECK(format_names(formats) == "vcf, csv or json");
}

TEST_CASE("format: a version that it has") {
  CHECK(find_version(*addrbook::vcard(), "") == "4.0");
  CHECK(find_version(*addrbook::vcard(), "3.0") == "3.0");
  CHECK(find_version(*addrbook::csv(), "").empty());
  CHECK(test::refusal([] { static_cast<void>(find_version(*addrbook::vcard(), "2.1")); }) ==
        "The format vcf has no version '2.1'");
}
