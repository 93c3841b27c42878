/// The handlers of single addresses.
#pragma once

#include <addrbook/http/conditions.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/reply.hpp>

#include <string>
#include <utility>

namespace addrbook::detail {

/// The entity tag of one address.
[[nodiscard]] inline std::string tag_of(const Entry& entry) {
  return entity_tag(entry.epoch, entry.revision);
}

/// POST of the book: 201, Location, ETag.
inline Reply create_address(Context& context) {
  const Entry entry = context.service->create(parse_address(std::move(context.body)));
  Reply reply = empty_reply(201);
  reply.headers.emplace_back("Location", context.options.prefix + "/" + entry.id);
  reply.headers.emplace_back("ETag", tag_of(entry));
  return reply;
}

/// GET of an address: 200 with its text, or 304.
inline Reply get_address(Context& context) {
  const Entry entry = context.service->get(context.id);
  std::string tag = tag_of(entry);
  Reply reply =
      context.exchange.client_has(tag) ? empty_reply(304) : json_reply(entry.document.text());
  reply.headers.emplace_back("ETag", std::move(tag));
  return reply;
}

/// PUT of an address: 204, ETag.
inline Reply replace_address(Context& context) {
  const Entry entry = context.service->update(context.id, parse_address(std::move(context.body)));
  Reply reply = empty_reply(204);
  reply.headers.emplace_back("ETag", tag_of(entry));
  return reply;
}

/// DELETE of an address: 204.
inline Reply remove_address(Context& context) {
  context.service->remove(context.id);
  return empty_reply(204);
}

}  // namespace addrbook::detail
