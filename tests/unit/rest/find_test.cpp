#include <addrbook/rest/find.hpp>

#include <addrbook/rest.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using nlohmann::json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

using Names = std::vector<std::string>;

Names names_of(const Answer& answer) {
  Names names;
  for (const auto& found : answer.json()) {
    names.push_back(found["address"].value("name", "-"));
  }
  return names;
}

/// @returns the target of rel="next"; "" if there is none
std::string next_of(const Answer& answer) {
  const std::string link = answer.header("Link");
  const std::string rel = ">; rel=\"next\"";
  if (link == "(absent)") return "";
  REQUIRE(link.front() == '<');
  REQUIRE(link.size() > rel.size());
  REQUIRE(link.substr(link.size() - rel.size()) == rel);
  return link.substr(1, link.size() - rel.size() - 1);
}

/// Follows the links. @returns the names on all pages
Names all_names(const Rest& rest, std::string target, std::size_t limit) {
  Names names;
  for (int pages = 0; !target.empty(); ++pages) {
    REQUIRE(pages < 100);
    const Answer answer = get(rest, target);
    REQUIRE(answer.status == 200);
    const Names page = names_of(answer);
    CHECK(page.size() <= limit);
    names.insert(names.end(), page.begin(), page.end());
    target = next_of(answer);
  }
  return names;
}

struct People : Book {
  People() {
    for (
        const char* const text :
        {R"({"name":"Zoe Example","emails":["zoe@example.com"],"labels":["friends"]})",
         R"({"note":"nobody"})",
         R"({"name":"abel","given":"Abel","family":"Sample","phones":["+1 555 555 0123"]})",
         R"({"name":"Ann Example","emails":["Ann+x@Example.com"],"balance":1.0,"id":12345678901234567890})"}) {
      static_cast<void>(add(text));
    }
  }
};

}  // namespace

TEST_CASE("find: an item has the id, the revision, both times and the address as it was sent") {
  const Book book;
  const std::string target = book.add(R"({"b":1.0,"name":"Ann","n":12345678901234567890})");
  const Answer answer = get(book.rest, "/addresses?limit=1");
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK(answer.header("ETag") == "W/" + tag_of(book, 1));
  CHECK(answer.header("X-Total-Count") == "1");
  CHECK(answer.count("Link") == 0);
  const auto item = answer.json()[0];
  const std::string id = target.substr(std::string_view("/addresses/").size());
  const std::string at = item["created_at"];
  CHECK(at.size() == std::string_view("2026-11-25T15:40:00.123Z").size());
  CHECK(answer.body == R"([{"id":")" + id + R"(","revision":1,"created_at":")" + at +
                           R"(","updated_at":")" + at +
                           R"(","address":{"b":1.0,"name":"Ann","n":12345678901234567890}}])");
}

TEST_CASE("find: any parameter starts it, and an empty book has an empty list") {
  const Book book;
  for (const std::string query : {"limit=5", "sort=name", "q=", "q=x", "email=x", "phone=5550123",
                                  "label=x", "id=x", "fields=name", "view=summary", "count=true"}) {
    CAPTURE(query);
    const Answer answer = get(book.rest, "/addresses?" + query);
    CHECK(answer.status == 200);
    CHECK(answer.body == "[]");
  }
  CHECK(get(book.rest, "/addresses?").body == "{}");
}

TEST_CASE("find: all pages are the whole list, in each order") {
  const People book;
  for (const std::string limit : {"1", "2", "3", "1000"}) {
    CAPTURE(limit);
    const auto all = [&](const std::string& query) {
      return all_names(book.rest, "/addresses?" + query + "&limit=" + limit, std::stoul(limit));
    };
    CHECK(all("sort=created") == Names{"Zoe Example", "-", "abel", "Ann Example"});
    CHECK(all("sort=-created") == Names{"Ann Example", "abel", "-", "Zoe Example"});
    CHECK(all("sort=-updated") == Names{"Ann Example", "abel", "-", "Zoe Example"});
    CHECK(all("sort=name") == Names{"abel", "Ann Example", "Zoe Example", "-"});
    CHECK(all("sort=-name") == Names{"Zoe Example", "Ann Example", "abel", "-"});
    CHECK(all("q=exam&sort=name") == Names{"Ann Example", "Zoe Example"});
  }
}

TEST_CASE("find: filters combine with and, and nothing in them is syntax") {
  const People book;
  const auto found = [&](const std::string& query) {
    return names_of(get(book.rest, "/addresses?" + query));
  };
  CHECK(found("q=EXAM%20zo") == Names{"Zoe Example"});
  CHECK(found("q=zoe&email=zoe@example.COM") == Names{"Zoe Example"});
  CHECK(found("q=ann&email=zoe@example.com").empty());
  CHECK(found("email=ann+x@example.com") == Names{"Ann Example"});
  CHECK(found("email=ann%2bx@example.com") == Names{"Ann Example"});
  CHECK(found("phone=555%205550123") == Names{"abel"});
  CHECK(found("label=Friends") == Names{"Zoe Example"});
  for (const std::string syntax : {"zoe*", "zoe%20OR%20ann", "%22zoe", "-zoe", "zoe%00", "(", "%25",
                                   "zoe%20AND", "zoe%20NEAR%20ann", "name:zoe", "_oe"}) {
    CAPTURE(syntax);
    const Answer answer = get(book.rest, "/addresses?q=" + syntax);
    CHECK(answer.status == 200);
  }
  CHECK(found("q=zoe%20OR%20ann").empty());
  CHECK(found("q=...").empty());
}

TEST_CASE("find: by ids, each once, absent ones left out") {
  const Book book;
  const std::string first = book.add(R"({"name":"a"})").substr(11);
  const std::string second = book.add(R"({"name":"b"})").substr(11);
  const auto found = [&](const std::string& query) {
    return names_of(get(book.rest, "/addresses?" + query));
  };
  CHECK(found("id=" + second + "&id=" + first + "&id=" + first + "&id=x&id=_") == Names{"a", "b"});
  CHECK(found("id=" + second + "&q=b") == Names{"b"});
  CHECK(found("id=" + second + "&q=a").empty());
  CHECK(get(book.rest, "/addresses?count=true&id=x&id=" + first).header("X-Total-Count") == "1");
  std::string many_ids = "/addresses?id=a";
  for (int i = 1; i < 1000; ++i) many_ids += "&id=a";
  CHECK(get(book.rest, many_ids).status == 200);
  CHECK(get(book.rest, many_ids + "&id=a").message() ==
        "Invalid value: 'id' must be given at most 1000 times");
}

TEST_CASE("find: the total is told where nothing is filtered, or where it is asked for") {
  const People book;
  const auto total = [&](const std::string& query) {
    return get(book.rest, "/addresses?" + query).header("X-Total-Count");
  };
  CHECK(total("limit=1") == "4");
  CHECK(total("limit=1&q=example") == "(absent)");
  CHECK(total("limit=1&q=example&count=false") == "(absent)");
  CHECK(total("limit=1&q=example&count=true") == "2");
}

TEST_CASE("find: fields keeps members as they stand, also of one address") {
  const Book book;
  const std::string target = book.add(R"({"b":1.0,"n\u0061me":"Ann","x":{"name":1}})");
  const Answer list = get(book.rest, "/addresses?fields=name,b,absent");
  CHECK(list.json()[0]["address"].dump() == R"({"b":1.0,"name":"Ann"})");
  CHECK(get(book.rest, target + "?fields=name,b").body == R"({"b":1.0,"n\u0061me":"Ann"})");
  CHECK(get(book.rest, target + "?fields=").status == 400);
  CHECK(get(book.rest, target + "?fields=b&fields=x").message() ==
        "Parameter given twice: 'fields'");
  CHECK(get(book.rest, target + "?limit=1").message() == "Unknown parameter: 'limit'");
}

TEST_CASE("find: a summary is the same whatever the shape") {
  const People book;
  const Answer answer = get(book.rest, "/addresses?view=summary&q=abel");
  const auto item = answer.json()[0];
  CHECK(item["revision"] == 3);
  CHECK_FALSE(item.contains("address"));
  CHECK(item["summary"].dump() ==
        R"({"name":"abel","given":"Abel","family":"Sample","organization":"","emails":[],)"
        R"("phones":["+1 555 555 0123"],"labels":[],"birthday":""})");
}

TEST_CASE("find: 304 until the next write; the link keeps the other parameters") {
  const People book;
  const Answer first = get(book.rest, "/addresses?q=e%78am&limit=1&sort=name");
  REQUIRE(first.status == 200);
  const std::string next = next_of(first);
  CHECK(next.substr(0, next.find("=", 40)) == "/addresses?q=e%78am&limit=1&sort=name&cursor");
  const Fields known{{"If-None-Match", first.header("ETag")}};
  const Answer same = get(book.rest, "/addresses?q=e%78am&limit=1&sort=name", known);
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  static_cast<void>(book.add());
  CHECK(get(book.rest, "/addresses?q=e%78am&limit=1&sort=name", known).status == 200);
  CHECK(get(book.rest, next).status == 200);
}

TEST_CASE("find: a cursor outlives its entry, and is good for its list only") {
  const Book book;
  std::vector<std::string> targets;
  for (const char* const name : {"a", "b", "c"}) {
    targets.push_back(book.add(std::string(R"({"name":")") + name + "\"}"));
  }
  const std::string next = next_of(get(book.rest, "/addresses?limit=2&sort=name"));
  CHECK(send(book.rest, "DELETE", targets[1], "").status == 204);
  CHECK(names_of(get(book.rest, next)) == Names{"c"});
  const std::string cursor = next.substr(next.find("cursor="));
  const std::string refusal =
      "Invalid value: 'cursor' must be one of this list: follow Link as it is";
  CHECK(get(book.rest, "/addresses?" + cursor).message() == refusal);
  CHECK(get(book.rest, "/addresses?sort=name&" + cursor.substr(0, cursor.size() - 2)).message() ==
        refusal);
  CHECK(get(book.rest, "/addresses?sort=name&cursor=").message() ==
        "Invalid value: 'cursor' must be given a value");
  CHECK(get(book.rest, "/addresses?sort=name&cursor=x").message() == refusal);
  CHECK(get(Book().rest, next).message() == refusal);
  CHECK(names_of(get(book.rest, "/addresses?sort=name&limit=7&" + cursor)) == Names{"c"});
}

TEST_CASE("find: a link that no server would take is not given") {
  const Book book;
  std::string query = "limit=1";
  for (int i = 0; i < 2; ++i) query += "&id=" + book.service->create(addrbook::Document()).id;
  for (int i = 0; i < 215; ++i) query += "&id=" + addrbook::make_id();
  CHECK(get(book.rest, "/addresses?" + query).status == 200);
  for (int i = 0; i < 10; ++i) query += "&id=" + addrbook::make_id();
  REQUIRE(query.size() < 8192);
  CHECK(get(book.rest, "/addresses?" + query).message() ==
        "Invalid query: it is too long for a link to the next page; ask for less, or for more on a "
        "page");
  CHECK(get(book.rest, "/addresses?limit=2" + query.substr(query.find('&'))).status == 200);
}

TEST_CASE("find: bad parameters are named") {
  const Book book;
  const auto message = [&](const std::string& query) {
    const Answer answer = get(book.rest, "/addresses?" + query);
    CHECK(answer.status == 400);
    return answer.message();
  };
  CHECK(message("limit=0") == "Invalid value: 'limit' must be 1 to 1000");
  for (const std::string name : {"email", "phone", "label", "id", "cursor"}) {
    CHECK(message(name + "=") == "Invalid value: '" + name + "' must be given a value");
  }
  std::string words;
  for (int i = 0; i < 33; ++i) words += "+a" + std::to_string(100 + i);
  CHECK(message("q=" + words) == "A search may have at most 32 words");
  CHECK(message("q=%ff") == "Invalid value: 'q' must be UTF-8");
  CHECK(message("fields=name,") ==
        "Invalid value: 'fields' must be a list of names with ',' between them");
  CHECK(message("fields=name,,emails") ==
        "Invalid value: 'fields' must be a list of names with ',' between them");
  CHECK(message("limit=1001") == "Invalid value: 'limit' must be 1 to 1000");
  CHECK(message("limit=") == "Invalid value: 'limit' must be 1 to 1000");
  CHECK(message("limit=1&limit=1") == "Parameter given twice: 'limit'");
  CHECK(message("sort=age") ==
        "Invalid value: 'sort' must be created, updated, name, given or family, with or without "
        "'-' in "
        "front");
  CHECK(message("sort=") == message("sort=--name"));
  CHECK(message("view=all") == "Invalid value: 'view' must be summary");
  CHECK(message("count=1") == "Invalid value: 'count' must be true or false");
  CHECK(message("view=summary&fields=a") ==
        "Invalid query: 'fields' and 'view' can't be used together");
  CHECK(message("Q=a") == "Unknown parameter: 'Q'");
}

TEST_CASE("find: a page of large addresses ends early, in each order and by ids") {
  const Book book;
  std::string ids = "id=none";
  for (const char name : {'c', 'e', 'a', 'd', 'b'}) {
    const std::string target =
        book.add(std::string(R"({"name":")") + name + std::string(400'000, 'x') + "\"}");
    ids += "&id=" + target.substr(target.rfind('/') + 1);
  }
  const auto initials = [&](const std::string& query) {
    std::string letters;
    const Answer first = get(book.rest, "/addresses?limit=5&" + query);
    CHECK(first.json().size() == 2);
    for (const std::string& name : all_names(book.rest, "/addresses?limit=5&" + query, 2)) {
      letters += name[0];
    }
    return letters;
  };
  CHECK(initials("sort=created") == "ceadb");
  CHECK(initials("sort=-created") == "bdaec");
  CHECK(initials("sort=name") == "abcde");
  CHECK(initials("sort=-name") == "edcba");
  CHECK(initials(ids) == "ceadb");
  CHECK(initials(ids + "&sort=-name") == "edcba");
}

TEST_CASE("find: while others write, each untouched entry is seen exactly once") {
  const Book book;
  std::vector<std::string> targets;
  for (int i = 0; i < 40; ++i) {
    targets.push_back(
        book.add(R"({"name":"n)" + std::to_string(i % 7) + R"(","i":)" + std::to_string(i) + "}"));
  }
  for (const std::string sort : {"created", "-created", "updated", "-updated", "name", "-name"}) {
    CAPTURE(sort);
    std::vector<int> seen(40);
    std::string target = "/addresses?limit=7&sort=" + sort;
    for (int page = 0; !target.empty() && page < 30; ++page) {
      const Answer answer = get(book.rest, target);
      for (const auto& found : answer.json()) {
        const int i = found["address"].value("i", -1);
        if (i >= 0) ++seen[static_cast<std::size_t>(i)];
      }
      if (page < 5) {  // entries 0 to 4 are touched
        const auto touched = static_cast<std::size_t>(page);
        send(book.rest, "PUT", targets[touched],
             R"({"name":"z","i":)" + std::to_string(touched) + "}");
        static_cast<void>(book.add(R"({"name":"a"})"));
      }
      target = next_of(answer);
    }
    CHECK(target.empty());
    CHECK(std::all_of(seen.begin() + 5, seen.end(), [](int times) { return times == 1; }));
  }
}

TEST_CASE(
    "find: white space around what is asked for does not count, as it does not in addresses") {
  const Book book;
  static_cast<void>(
      book.add(R"({"name":"Ann","labels":[" old friends "],"phones":[" 555 0100 "]})"));
  CHECK(names_of(get(book.rest, "/addresses?label=+old+friends+")) == Names{"Ann"});
  CHECK(names_of(get(book.rest, "/addresses?phone=+5550100+")) == Names{"Ann"});
}
