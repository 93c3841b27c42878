/// The common forms of a Reply.
#pragma once

#include <addrbook/http.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

using HeaderFields = std::vector<std::pair<std::string_view, std::string>>;

constexpr std::string_view json_content_type = "application/json; charset=UTF-8";

/// How many fields a reply usually has in the end; room for them is made at once.
constexpr std::size_t usual_fields = 8;

[[nodiscard]] inline Reply empty_reply(int status) {
  Reply reply;
  reply.status = status;
  reply.headers.reserve(usual_fields);
  return reply;
}

/// Says that the answer depends on a field of the request (RFC 9110, 12.5.5).
inline void add_vary(Reply& reply, std::string_view name) {
  for (auto& [field, value] : reply.headers) {
    if (field != "Vary") continue;
    value.append(", ").append(name);
    return;
  }
  reply.headers.emplace_back("Vary", name);
}

/// @param body  JSON
[[nodiscard]] inline Reply json_reply(std::string body) {
  Reply reply = empty_reply(200);
  reply.headers.emplace_back("Content-Type", json_content_type);
  reply.body = std::move(body);
  return reply;
}

}  // namespace addrbook::detail
