/// The handlers of the API document.
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/rest/api_texts.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/reply.hpp>

#include <string_view>

namespace addrbook::detail {

/// @returns 200, or 304
[[nodiscard]] inline Reply served_reply(const ServedText& served, std::string_view type,
                                        const Context& context) {
  const bool is_known = context.exchange.client_has({served.tag});
  Reply reply = empty_reply(is_known ? 304 : 200);
  if (!is_known) {
    reply.headers.emplace_back("Content-Type", type);
    reply.body = served.text;
  }
  reply.headers.emplace_back("ETag", served.tag.text());
  return reply;
}

/// GET _openapi.json.
inline Reply get_openapi(Context& context) {
  return served_reply(context.api->json, json_content_type, context);
}

/// GET _openapi.
inline Reply get_openapi_page(Context& context) {
  Reply reply = served_reply(context.api->page, "text/html; charset=UTF-8", context);
  if (reply.status == 200) {
    reply.headers.emplace_back("Content-Security-Policy", context.api->policy);
    reply.headers.emplace_back("Referrer-Policy", "no-referrer");
  }
  return reply;
}

}  // namespace addrbook::detail
