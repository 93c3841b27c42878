/// What httplib gets wrong about a head that has been found to be good.
#pragma once

#include <addrbook/http/head.hpp>

#include <httplib.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// @param line  of a field, with its CRLF
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

/// Takes out of a request's head what httplib would refuse it for, though HTTP doesn't:
/// - a target's `http://host` (RFC 9112, 3.2.2: must be accepted), which Host repeats;
/// - a Range that says nothing here (RFC 9110, 14.2: must be ignored);
/// - an Accept that httplib can't read: a preference is no condition (RFC 9110, 12.5.1).
/// @param input  begins with the head, into which `head` points
/// @returns  by how many bytes the head is shorter now; if by any, `head` is void
inline std::size_t repair_head(std::string& input, const RequestHead& head) {
  std::vector<std::string_view> parts;
  if (!head.range_line.empty() && !is_good_range(head)) parts.push_back(head.range_line);
  if (!head.accept_line.empty() && !is_good_accept(head)) parts.push_back(head.accept_line);
  if (!head.authority.empty()) {
    std::string_view part = head.authority;
    if (head.target.substr(part.size(), 1) != "/") {  // there is no path: one is left
      part.remove_suffix(1);
      input[static_cast<std::size_t>(part.data() - input.data()) + part.size()] = '/';
    }
    parts.push_back(part);
  }
  // From the end to the front, so that each still is where it was.
  std::sort(parts.begin(), parts.end(),
            [](std::string_view a, std::string_view b) { return a.data() > b.data(); });
  std::size_t taken = 0;
  for (const std::string_view part : parts) {
    input.erase(static_cast<std::size_t>(part.data() - input.data()), part.size());
    taken += part.size();
  }
  return taken;
}

/// Has the fields as they were sent: httplib decodes %XX in their values, and a proxy in front has
/// judged by what stands there.
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
