#include <addrbook/unicode_text.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using addrbook::unicode_folding;
using Purpose = addrbook::Folding::Purpose;
using Words = std::vector<std::string>;

TEST_CASE("unicode text: smoke") {
  const auto folding = unicode_folding();
  CHECK(folding->fold("Işıl İnan") == "isil inan");
  CHECK(folding->fold("Nguyễn Đạt") == "nguyen dat");
  CHECK(folding->fold("أَحْمَد") == "احمد");
  CHECK(folding->fold("が") == "が");
  CHECK(folding->words("O’Brien", Purpose::index) == Words{"o", "brien", "obrien"});
  CHECK(folding->words("東京", Purpose::index) == Words{"東京", "京"});
  MESSAGE(folding->name());
}
