/// Corrections to how httplib reads heads that are valid.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/httplib/httplib.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
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

/// Removes from a request's head what httplib would refuse, though HTTP does not:
/// - the `http://host` of a target, which a server must accept (RFC 9112, 3.2.2) and Host repeats;
/// - a Range that is invalid or not for a GET, which must be ignored (RFC 9110, 14.2);
/// - an Accept that httplib cannot parse, as it is only a preference (RFC 9110, 12.5.1).
/// @param input  starts with the head into which `head` points
/// @returns  the number of bytes removed; if it is not 0, `head` is no longer valid
inline std::size_t repair_head(std::string& input, const RequestHead& head) {
  std::vector<std::string_view> parts;
  if (!head.range_line.empty() && !is_good_range(head)) parts.push_back(head.range_line);
  if (!head.accept_line.empty() && !is_good_accept(head)) parts.push_back(head.accept_line);
  if (!head.authority.empty()) {
    std::string_view part = head.authority;
    if (head.target.substr(part.size(), 1) != "/") {  // the path is empty and must become "/"
      part.remove_suffix(1);
      input[static_cast<std::size_t>(part.data() - input.data()) + part.size()] = '/';
    }
    parts.push_back(part);
  }
  // From the end to the front, so that the positions of the others stay valid.
  std::sort(parts.begin(), parts.end(),
            [](std::string_view a, std::string_view b) { return a.data() > b.data(); });
  std::size_t removed = 0;
  for (const std::string_view part : parts) {
    input.erase(static_cast<std::size_t>(part.data() - input.data()), part.size());
    removed += part.size();
  }
  return removed;
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
