/// Queries of a list over Rest. The input is a text: addresses, one a line, then an empty line,
/// then the query of a request, one a line. Whatever the query is, its pages of any size are one
/// list:
///
///     {"name": "Ada Example"}
///
///     q=ad&sort=-name
#include <unit/rest_client.hpp>
#include "support.hpp"

#include <addrbook/rest.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using addrbook::Document;
using addrbook::Service;
using fuzz::check;
using fuzz::check_equal;
using fuzz::take_until;
using nlohmann::json;
using test::Answer;

namespace {

using Ids = std::vector<std::string>;

/// Follows the links from a first answer. @returns the ids on all pages
Ids ids_of_all_pages(const addrbook::Rest& rest, Answer answer, std::size_t most) {
  constexpr std::string_view end = ">; rel=\"next\"";
  Ids ids;
  while (true) {
    check_equal(answer.status, 200, "a page of a list that has begun is there: " + answer.body);
    const json page = json::parse(answer.body, nullptr, false);
    check(page.is_array(), "a page is an array");
    for (const json& item : page) ids.push_back(item.at("id"));
    check(ids.size() <= most, "the list ends");
    const std::string link = answer.header("Link");
    if (link == "(absent)") return ids;
    check(!page.empty(), "a page that is not the last one has entries");
    check(link.front() == '<' && link.size() > end.size() &&
              link.substr(link.size() - end.size()) == end,
          "the link is one: " + link);
    answer = test::get(rest, link.substr(1, link.size() - 1 - end.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t most_entries = 20;
  constexpr std::size_t most_queries = 20;
  std::string_view text = fuzz::text(data, size);
  const auto book = std::make_shared<Service>();
  const addrbook::Rest rest(book, addrbook::Options{});
  std::set<std::string> all;
  while (!text.empty()) {
    const std::string_view line = take_until(text, "\n");
    if (line.empty()) break;
    try {
      if (all.size() < most_entries)
        all.insert(book->create(Document::parse(std::string(line))).id);
    } catch (const addrbook::Error&) {
      // Not an address.
    }
  }
  for (std::size_t queries = 0; !text.empty() && queries < most_queries; ++queries) {
    const std::string query(take_until(text, "\n"));
    const std::string target = "/addresses?" + query;
    const Answer answer = test::get(rest, target);
    if (answer.status == 400) {
      const std::string message = answer.message();
      check(message.rfind("Invalid ", 0) == 0 || message.rfind("Unknown parameter: '", 0) == 0 ||
                message.rfind("Parameter given twice: '", 0) == 0,
            "a refusal says what is wrong: " + message);
      continue;
    }
    if (!json::parse(answer.body, nullptr, false).is_array()) {
      check(answer.status == 200 && query.find_first_not_of('&') == std::string::npos,
            "only without parameters it is the whole book: " + answer.body);
      continue;
    }
    const Ids ids = ids_of_all_pages(rest, answer, all.size());
    check(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size(), "none comes twice");
    check(std::all_of(ids.begin(), ids.end(), [&](const std::string& id) { return all.count(id); }),
          "all are of the book");
    const std::string total = answer.header("X-Total-Count");
    const bool is_first =
        query.find("cursor") == std::string::npos && query.find('%') == std::string::npos;
    if (total != "(absent)" && is_first) {
      check_equal(total, std::to_string(ids.size()), "the total is the number on all pages");
    }
    if (query.find("limit") != std::string::npos || !is_first) continue;
    const Answer small = test::get(rest, target + "&limit=1");
    check(ids_of_all_pages(rest, small, all.size()) == ids, "pages of one are the same list");
  }
  return 0;
}
