/// The handlers of single addresses.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/member_names.hpp>
#include <addrbook/rest/parameters.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace addrbook::detail {

/// The entity tag of one address.
[[nodiscard]] inline std::string tag_of(const Entry& entry) {
  return entity_tag(entry.epoch, entry.revision);
}

/// The first address of an absent book makes it, if that is valid (Options::create_on_write).
[[nodiscard]] inline std::shared_ptr<Service> make_book_for(const Document& address,
                                                            const Context& context) {
  context.books->validate(address);
  return context.books->create(context.book).book;
}

/// POST of the book: 201, Location, ETag.
inline Reply create_address(Context& context) {
  const Document& address = parse_address(context);
  const Entry entry = context.service ? context.service->create(address)
                                      : make_book_for(address, context)->create(address);
  Reply reply = empty_reply(201);
  reply.headers.emplace_back("Location", context.prefix.of_book(context.book) + "/" + entry.id);
  reply.headers.emplace_back("ETag", tag_of(entry));
  return reply;
}

/// GET of an address: 200 with its text, or with the members that `fields` names; or 304. A 304 has
/// the same Last-Modified: it is not used to compare, since a second is too long for that.
inline Reply get_address(Context& context) {
  check_given_once(context.query);
  const Entry entry = context.service->get(context.id);
  std::string tag = tag_of(entry);
  const auto text = [&] {
    return context.query.empty() ? entry.document.text()
                                 : MemberNames(context.query.front().value).keep(entry.document);
  };
  Reply reply = context.exchange.client_has(tag) ? empty_reply(304) : json_reply(text());
  reply.headers.emplace_back("ETag", std::move(tag));
  const DateText date = date_text(std::chrono::system_clock::to_time_t(entry.updated_at));
  reply.headers.emplace_back("Last-Modified", std::string(date.data(), date.size()));
  return reply;
}

/// PUT of an address: 204, ETag.
inline Reply replace_address(Context& context) {
  const Entry entry = context.service->update(context.id, parse_address(context));
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
