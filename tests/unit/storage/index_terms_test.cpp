#include <addrbook/storage/index_terms.hpp>

#include <addrbook/base/hex.hpp>
#include <addrbook/contacts/identity.hpp>

#include <doctest/doctest.h>

#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>

namespace {

using addrbook::Document;
using addrbook::Query;
using addrbook::detail::IndexTerms;
using addrbook::detail::Search;
using addrbook::detail::TermQuery;
using addrbook::detail::TermSyntax;
using addrbook::detail::TermToken;
using Kind = TermToken::Kind;
using Phones = TermQuery::Phones;

constexpr TermSyntax syntax{"<", ">", "*", " and ", " or ", " but "};

IndexTerms terms_of(const std::string& document) {
  return {7, Document::parse(document), *addrbook::ascii_folding()};
}

TermQuery query_of(const Query& query, Phones phones = Phones::equal) {
  return {7, Search(query, *addrbook::ascii_folding()), phones, syntax};
}

Query of_phone(const std::string& phone) {
  Query query;
  query.phone = phone;
  return query;
}

}  // namespace

TEST_CASE("index_terms: a token holds the book, a mark, and the term without special characters") {
  const TermToken token(7);
  CHECK(token.of(Kind::word, "ana") == "7:ana");
  CHECK(token.of(Kind::beginning, "an") == "7=an");
  CHECK(token.of(Kind::email, "a.b-c_d@x") == "7@a.b-c_d%40x");
  CHECK(token.of(Kind::label, "A b") == "7#%41%20b");
  CHECK(token.of(Kind::label, "\"'\\%\n\x7f") == "7#%22%27%5c%25%0a%7f");
  CHECK(token.of(Kind::phone, "\xC3\xA9") == "7+\xC3\xA9");
}

TEST_CASE("index_terms: no two terms have the same token") {
  std::mt19937 random(11);
  std::map<std::string, std::string> seen;
  for (int i = 0; i < 20'000; ++i) {
    std::string term;
    for (auto size = random() % 4; size != 0; --size) {
      term += "%25a4-A1:=@#+ \xC3"[random() % 15];
    }
    for (const std::uint64_t book : {1U, 12U, 125U}) {
      for (const Kind kind : {Kind::word, Kind::beginning, Kind::phone}) {
        const std::string what = std::to_string(book) + "/" + static_cast<char>(kind) + term;
        const std::string token = TermToken(book).of(kind, term);
        const auto [at, is_new] = seen.insert({token, what});
        REQUIRE(at->second == what);
        for (const char c : token) {
          const bool is_special = c == '"' || c == '\'' || c == ' ' || c == '\\' || c == '*';
          REQUIRE_FALSE(is_special);
        }
      }
    }
  }
}

TEST_CASE("index_terms: words have their beginnings, each once") {
  CHECK(terms_of(R"({"name":"Ana An b"})").words == "7=a 7=an 7:an 7=ana 7:ana 7=b 7:b ");
  CHECK(terms_of(R"({"name":"Anabel"})").words == "7=a 7=an 7=ana 7:anabel ");
  CHECK(terms_of("{\"name\":\"\xC3\xA9\xC3\xA8\xE5\xB1\xB1x\"}").words ==
        "7=\xC3\xA9 7=\xC3\xA9\xC3\xA8 7=\xC3\xA9\xC3\xA8\xE5\xB1\xB1 "
        "7:\xC3\xA9\xC3\xA8\xE5\xB1\xB1x ");
  CHECK(terms_of("{}").words.empty());
}

TEST_CASE("index_terms: mails, labels, and phones from their ends") {
  const std::string text =
      R"({"name":"Q","given":"G","emails":["B@x","a@x","A@x"],"labels":["l"],"phones":["+1 23"]})";
  const auto terms = terms_of(text);
  const auto identity = addrbook::detail::identity_of(addrbook::Document::parse(text));
  CHECK(terms.exact == "7@a%40x 7@b%40x 7#l 7+321 7-" + addrbook::detail::hex(identity.high) + " ");
  const addrbook::detail::Identity both[] = {identity, identity};
  const addrbook::detail::TermSyntax own_syntax{"'", "'", ":*", " & ", " | ", " & !"};
  const std::string token = "'7-" + addrbook::detail::hex(identity.high) + "'";
  const TermQuery same(7, std::begin(both), std::end(both), own_syntax);
  CHECK(same.words == "");
  CHECK(same.exact == token + " | " + token);
  CHECK(same.is_narrow);
  CHECK(terms.name == "q\x01Q");
  CHECK(terms.given == "g\x01G");
  CHECK_FALSE(terms.family.has_value());
  auto other = terms;
  CHECK(other.has_tokens_of(terms));
  CHECK(other.sorts_as(terms));
  other.exact += "x ";
  other.family = "f";
  CHECK_FALSE(other.has_tokens_of(terms));
  CHECK_FALSE(other.sorts_as(terms));
}

TEST_CASE("index_terms: short beginnings are one token, longer ones any that begins so") {
  Query query;
  query.words = "Abcd ab \xC3\xA9\xC3\xA9\xC3\xA9 xyz";
  CHECK(query_of(query).words == "<7:abcd>* and <7=xyz> and <7=\xC3\xA9\xC3\xA9\xC3\xA9>");
  CHECK(query_of(query).exact == "");
  query.email = "A@b";
  query.label = "x y";
  CHECK(query_of(query).exact == "<7@a%40b> and <7#x%20y>");
}

TEST_CASE("index_terms: a phone, and what ends as it does") {
  const auto exact = [](const std::string& phone, Phones phones) {
    return query_of(of_phone(phone), phones).exact;
  };
  CHECK(exact("123456", Phones::equal) == "(<7+654321>)");
  CHECK(exact("123456", Phones::all) == "(<7+654321>)");
  CHECK_FALSE(TermQuery::has_suffixes(Search(of_phone("123456"), *addrbook::ascii_folding())));
  CHECK(TermQuery::has_suffixes(Search(of_phone("1234567"), *addrbook::ascii_folding())));
  CHECK(exact("123456789", Phones::equal) == "(<7+987654321>)");
  CHECK(exact("123456789", Phones::suffix) ==
        "((<7+987654321>* or <7+9876543> or <7+98765432>)) but (<7+987654321>)");
  CHECK(exact("123456789", Phones::all) ==
        "(<7+987654321> or <7+987654321>* or <7+9876543> or <7+98765432>)");
}
