/// The handlers of the API document.
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/rest/api_texts.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/reply.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// @returns 200, or 304
[[nodiscard]] inline Reply served_reply(const ServedText& served, const ApiPlace& place,
                                        std::string_view type, const Context& context) {
  const EntityTag tag = served.tag(place);
  const bool is_known = context.exchange.client_has({tag});
  Reply reply = empty_reply(is_known ? 304 : 200);
  if (!is_known) {
    reply.headers.emplace_back("Content-Type", type);
    reply.body = served.at(place);
  }
  reply.headers.emplace_back("ETag", tag.text());
  return reply;
}

/// @returns the URL by which the client has reached the mount's host. A Host that the mount does
///          not check may be anybody's words, and a token may be sent there: it does not count
[[nodiscard]] inline std::string server_url(const Context& context) {
  const Request& request = context.exchange.request();
  const Options& options = context.options;
  const bool is_checked = !options.allowed_hosts.empty() || options.loopback_hosts_only;
  const auto value = is_checked ? request.header("Host") : std::nullopt;
  const auto host = value ? parse_authority(*value) : std::nullopt;
  if (!host) return std::string(example_server).append(request.proxy_prefix);
  std::string url(request.scheme.empty() ? "http" : request.scheme);
  url.append("://").append(host->host);
  if (host->port != 0) url.append(":").append(std::to_string(host->port));
  return url.append(request.proxy_prefix);
}

/// GET _openapi.json. `servers` has the path alone: with whom a client was made to talk it knows.
inline Reply get_openapi(Context& context) {
  std::string path = context.public_path({});
  const ApiPlace place{{}, path.empty() ? "/" : std::move(path)};
  return served_reply(context.api->json, place, json_content_type, context);
}

/// GET _openapi.
inline Reply get_openapi_page(Context& context) {
  const ApiPlace place{context.public_path({}), server_url(context)};
  Reply reply = served_reply(context.api->page, place, "text/html; charset=UTF-8", context);
  if (reply.status == 200) {
    reply.headers.emplace_back("Content-Security-Policy", context.api->policy);
    reply.headers.emplace_back("Referrer-Policy", "no-referrer");
  }
  return reply;
}

}  // namespace addrbook::detail
