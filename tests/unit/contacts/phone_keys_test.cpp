#include <addrbook/contacts/phone_keys.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using addrbook::detail::phone_keys;
using Keys = std::vector<std::string>;

TEST_CASE("phone keys: digits without punctuation and leading zeros") {
  CHECK(phone_keys("+1 (555) 555-0123") == Keys{"15555550123"});
  CHECK(phone_keys("001.555.555.0123") == Keys{"15555550123"});
  CHECK(phone_keys("06 5550123") == Keys{"65550123"});
  CHECK(phone_keys("112") == Keys{"112"});
  CHECK(phone_keys("[555] 555~0123") == Keys{"5555550123"});
  CHECK(phone_keys("(555 5550123") == Keys{"5555550123"});
  for (const char* const none : {"", " ", "+", "000", "n/a", "()", "unknown", "(0)", "x45"}) {
    CAPTURE(none);
    CHECK(phone_keys(none).empty());
  }
}

TEST_CASE("phone keys: tel URIs and their parameters") {
  CHECK(phone_keys("tel:+1-555-555-0123") == Keys{"15555550123"});
  CHECK(phone_keys(" TEL:+1%20555%205550123") == Keys{"15555550123"});
  CHECK(phone_keys("tel:5550123;phone-context=+1-555") == Keys{"15555550123"});
  CHECK(phone_keys("tel:065550123;phone-context=+39") == Keys{"39065550123", "3965550123"});
  CHECK(phone_keys("tel:+15555550123;phone-context=+49") == Keys{"15555550123"});
  CHECK(phone_keys("tel:5550123;phone-context=example.com") == Keys{"5550123"});
  CHECK(phone_keys("tel:+15555550123;ext=45;isub=99") == Keys{"15555550123"});
  CHECK(phone_keys("tel:;phone-context=+1").empty());
  CHECK(phone_keys("tel:%").empty());
  CHECK(phone_keys("tel:5%zz5") == Keys{"5"});
}

TEST_CASE("phone keys: an extension is cut") {
  for (const char* const text :
       {"+1 555 555 0123 ext. 45", "+1 555 555 0123x45", "+1 555 555 0123 X 45",
        "+1 555 555 0123 #45", "+1 555 555 0123;ext=45", "+1 555 555 0123 Extension 45",
        "+1 555 555 0123p45", "+15555550123w45#", "+1 555 555 0123,,45", "+1 555 555 0123 extn 45",
        "+1 555 555 0123 (ext 45)", "+1 555 555 0123 ext. 45-6 #7"}) {
    CAPTURE(text);
    CHECK(phone_keys(text) == Keys{"15555550123"});
  }
  CHECK(phone_keys("555 0123 ext. 45, 555 0199") == Keys{"5550123", "5550199"});
}

TEST_CASE("phone keys: words and brackets that hold letters") {
  CHECK(phone_keys("(home) 555 0123") == Keys{"5550123"});
  CHECK(phone_keys("555 0123 (B\xC3\xBCro 2)") == Keys{"5550123"});
  CHECK(phone_keys("555 0123 (\xD0\xB4\xD0\xBE\xD0\xB1. 2)") == Keys{"5550123"});
  CHECK(phone_keys("Tel. 555 0123 Fax: 555 0199") == Keys{"5550123", "5550199"});
  CHECK(phone_keys("555 0123 w 555 0199 h") == Keys{"5550123", "5550199"});
}

TEST_CASE("phone keys: several numbers") {
  CHECK(phone_keys("5550123/5550199") == Keys{"5550123", "5550199"});
  CHECK(phone_keys("5550123, 5550199; 5550111\n5550122") ==
        Keys{"5550123", "5550199", "5550111", "5550122"});
  CHECK(phone_keys("+1 555 5550123 +1 555 5550199") == Keys{"15555550123", "15555550199"});
  CHECK(phone_keys("5550123, 5550123") == Keys{"5550123"});
}

TEST_CASE("phone keys: a short number before a slash may be an area code") {
  CHECK(phone_keys("030/5550123") == Keys{"30", "5550123", "305550123"});
  CHECK(phone_keys("+49 (0)30 / 5550123") ==
        Keys{"49030", "4930", "5550123", "490305550123", "49305550123"});
  CHECK(phone_keys("911/112") == Keys{"911", "112", "911112"});
}

TEST_CASE("phone keys: the zero behind a country code may be dialled or not") {
  CHECK(phone_keys("+39 (0)6 5550123") == Keys{"39065550123", "3965550123"});
  CHECK(phone_keys("0039( 0 )6 5550123") == Keys{"39065550123", "3965550123"});
  CHECK(phone_keys("39 [0] 6 5550123") == Keys{"39065550123", "3965550123"});
  CHECK(phone_keys("(0)6 5550123") == Keys{"65550123"});
  CHECK(phone_keys("5550123 (0)") == Keys{"55501230"});
}

TEST_CASE("phone keys: digits of any script; characters that nobody sees") {
  CHECK(phone_keys("٠٥٥٥٥٥٠١٢٣") == Keys{"555550123"});
  CHECK(phone_keys("\xEF\xBC\x8B１（５５５）５５５－０１２３") == Keys{"15555550123"});
  CHECK(phone_keys("\u202A+1\u00A0555\u00A05550123\u202C") == Keys{"15555550123"});
  CHECK(phone_keys("555\u20110123\uFEFF") == Keys{"5550123"});
  CHECK(phone_keys("5\uFE0F\u20E35\uFE0F\u20E3") == Keys{"55"});
  CHECK(phone_keys("5550123، 5550199") == Keys{"5550123", "5550199"});
}

TEST_CASE("phone keys: letters that stand for digits are not known") {
  CHECK(phone_keys("1-800-FLOWERS").empty());
  CHECK(phone_keys("1800flowers").empty());
  CHECK(phone_keys("1-800-GO-4-IT, 5550123") == Keys{"5550123"});
}

TEST_CASE("phone keys: bounds, and bytes that are not UTF-8") {
  CHECK(phone_keys(std::string(100, '5')) == Keys{std::string(32, '5')});
  CHECK(phone_keys(std::string(100, '0') + "55") == Keys{"55"});
  std::string many;
  for (int i = 1000; i < 1200; ++i) many += std::to_string(i) + ",";
  CHECK(phone_keys(many).size() == 32);
  CHECK(phone_keys(std::string(1'000'000, '(')).empty());
  CHECK(phone_keys("555\xFF\xC3"
                   "0123\xE2") == Keys{"5550123"});
}

TEST_CASE("phone keys: a key is its own key, whatever the text") {
  std::mt19937 random(1);
  constexpr std::string_view pieces[] = {"0", "1", "5",    "55",    "(", ")",   "(0)",
                                         "+", "/", ",",    ";",     "x", "p",   "ext",
                                         " ", "-", "tel:", ";ext=", "٣", "\xC2"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t n = random() % 12; n-- > 0;) text += pieces[random() % std::size(pieces)];
    const Keys keys = phone_keys(text);
    CAPTURE(text);
    REQUIRE(keys.size() <= 32);
    for (const std::string& key : keys) REQUIRE(phone_keys(key) == Keys{key});
  }
}
