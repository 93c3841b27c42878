/// The common forms of a Reply.
#pragma once

#include <addrbook/http.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

constexpr std::string_view json_content_type = "application/json; charset=UTF-8";

[[nodiscard]] inline Reply empty_reply(int status) {
  Reply reply;
  reply.status = status;
  return reply;
}

/// Says that the answer depends on a field of the request (RFC 9110, 12.5.5).
inline void add_vary(Reply& reply, std::string_view name) {
  const auto vary = reply.headers.find("Vary");
  reply.headers.set("Vary", vary ? std::string(*vary).append(", ").append(name) : name);
}

/// @param body  JSON
[[nodiscard]] inline Reply json_reply(std::string body) {
  Reply reply = empty_reply(200);
  reply.headers.emplace_back("Content-Type", json_content_type);
  reply.body = std::move(body);
  return reply;
}

}  // namespace addrbook::detail
