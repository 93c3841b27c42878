/// Corrections to how httplib reads heads that are valid.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/httplib/httplib.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @param line  a field line with its CRLF
inline std::string_view value_of(std::string_view line) {
  return trim(line.substr(line.find(':') + 1, line.size() - line.find(':') - 3));
}

inline bool is_good_range(const RequestHead& head) {
  httplib::Ranges ranges;
  return head.method == "GET" &&
         httplib::detail::parse_range_header(std::string(value_of(head.range_line)), ranges);
}

inline bool is_good_accept(const RequestHead& head) {
  std::vector<std::string> types;
  return httplib::detail::parse_accept_header(std::string(value_of(head.accept_line)), types);
}

/// Changes in a request's head what httplib would refuse or take for something else, though HTTP
/// does not:
/// - the `http://host` of a target, which a server must accept (RFC 9112, 3.2.2), becomes Host;
/// - a Range that is invalid or not for a GET, which must be ignored (RFC 9110, 14.2), goes;
/// - so does an Accept that httplib cannot parse, as it is only a preference (RFC 9110, 12.5.1).
/// @param input  starts with the head into which `head` points
/// @returns  by how many bytes the head is shorter; if it is not 0, `head` is no longer valid
inline std::size_t repair_head(std::string& input, const RequestHead& head) {
  // By position, because the input moves when it grows.
  struct Change {
    std::size_t at;
    std::size_t size;
    std::string text;  // stands there instead
  };
  std::vector<Change> changes;
  const auto replace = [&](std::string_view part, std::string text) {
    const auto at = static_cast<std::size_t>(part.data() - input.data());
    changes.push_back({at, part.size(), std::move(text)});
  };
  if (!head.range_line.empty() && !is_good_range(head)) replace(head.range_line, {});
  if (!head.accept_line.empty() && !is_good_accept(head)) replace(head.accept_line, {});
  if (!head.authority.empty()) {
    const bool has_path = head.target.substr(head.authority.size(), 1) == "/";
    replace(head.authority, has_path ? "" : "/");
    if (head.sent_host.data() != nullptr) replace(head.sent_host, std::string(head.host));
  }
  // From the end to the front, so that the positions of the others stay valid.
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.at > b.at; });
  const std::size_t before = input.size();
  for (const Change& each : changes) input.replace(each.at, each.size, each.text);
  return before - input.size();
}

/// Replaces the fields by those of the head, unchanged. httplib decodes %XX in field values, so
/// that it would act on other values than a proxy in front of it has checked.
inline void restore_fields(httplib::Headers& fields, std::string_view head) {
  fields.clear();
  head.remove_prefix(head.find("\r\n") + 2);
  while (head.substr(0, 2) != "\r\n") {
    const auto line = head.substr(0, head.find("\r\n"));
    const auto colon = line.find(':');
    fields.emplace(line.substr(0, colon), trim(line.substr(colon + 1)));
    head.remove_prefix(line.size() + 2);
  }
}

}  // namespace addrbook::detail
