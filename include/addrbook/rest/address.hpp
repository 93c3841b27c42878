/// The handlers of single addresses.
#pragma once

#include <addrbook/base/large_work.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/export.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/http/preferences.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/document_source.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/export_request.hpp>
#include <addrbook/rest/idempotency.hpp>
#include <addrbook/rest/member_names.hpp>
#include <addrbook/rest/parameters.hpp>
#include <addrbook/rest/patches.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// The entity tag of one address.
[[nodiscard]] inline EntityTag tag_of(const Entry& entry) noexcept {
  return {entry.epoch, entry.revision};
}

/// What an address is known by. A date has whole seconds, so that an address may have changed again
/// in that of its Last-Modified: as long as the second is not over, or where it was made in it,
/// too.
[[nodiscard]] inline Validators validators_of(const Entry& entry) {
  const auto second_of = [](Timestamp time) { return std::chrono::system_clock::to_time_t(time); };
  const std::time_t modified = second_of(entry.updated_at);
  const bool is_weak = modified >= second_of(now()) ||
                       (entry.revision != entry.created && modified == second_of(entry.created_at));
  return {tag_of(entry), modified, is_weak};
}

/// @returns the request's conditions on an address, for a write
/// @param conditions  must outlive it
[[nodiscard]] inline EntryCondition condition_of(const Preconditions& conditions) {
  return [&conditions](const Entry* entry) {
    const std::optional<Validators> current =
        entry != nullptr ? std::optional(validators_of(*entry)) : std::nullopt;
    return conditions.evaluate(current ? &*current : nullptr) == Preconditions::Verdict::proceed;
  };
}

/// @returns the book that an address is to be created in. If it is absent, the first address makes
///          it (Options::create_on_write), unless it would be refused.
[[nodiscard]] inline std::shared_ptr<Service> book_for(const Document& address,
                                                       const Context& context) {
  if (context.service) return context.service;
  context.books->validate(address);
  return context.books->create(context.book, 1).book;
}

/// The answer to a write of an address: with its text, if the client prefers that (RFC 7240, 4.2).
/// @param status  of an answer without it: 201 or 204
[[nodiscard]] inline Reply written_reply(int status, const Entry& entry, const Context& context) {
  const auto prefer = context.exchange.request().header("Prefer");
  const auto preference = prefer ? return_preference(*prefer) : std::nullopt;
  const bool has_text = preference == ReturnPreference::representation;
  std::string location;
  if (has_text || status == 201) {
    location = context.public_path(context.prefix.of_book(context.book) + "/" + entry.id);
  }
  Reply reply = has_text ? json_reply(entry.document.text()) : empty_reply(status);
  reply.status = status == 204 && has_text ? 200 : status;
  if (has_text) reply.headers.emplace_back("Content-Location", location);
  if (status == 201) reply.headers.emplace_back("Location", location);
  reply.headers.emplace_back("ETag", tag_of(entry).text());
  if (preference) {
    reply.headers.emplace_back("Preference-Applied",
                               has_text ? "return=representation" : "return=minimal");
    add_vary(reply, "Prefer");
  }
  return reply;
}

/// POST of the book: 201, Location, ETag.
inline Reply create_address(Context& context) {
  const Document& address = parse_address(context);
  const auto key = idempotency_key(context);
  const auto book = book_for(address, context);
  const Entry entry = key ? book->create_once(*key, address) : book->create(address);
  return written_reply(201, entry, context);
}

/// @returns 200 with an address's text, a large one in pieces
[[nodiscard]] inline Reply address_reply(const Document& address) {
  if (address.text().size() < DocumentSource::min_bytes) return json_reply(address.text());
  Reply reply = json_reply("");
  reply.source = std::make_shared<DocumentSource>(address);
  return reply;
}

/// GET of an address: 200 with its text, with the members that `fields` names, or in a format; or
/// 304 with the same ETag and Last-Modified.
inline Reply get_address(Context& context) {
  check_given_once(context.query);
  const auto wanted = ExportRequest::of(context);
  const auto fields = std::find_if(context.query.begin(), context.query.end(),
                                   [](const auto& each) { return each.name == "fields"; });
  const bool has_fields = fields != context.query.end();
  if (wanted && has_fields) {
    throw HttpError(400, "Invalid query: 'fields' can't be used with a format");
  }
  std::optional<LargeWork> turn;  // an answer in pieces needs none
  const auto read = [&] { return context.service->get(context.id); };
  const Entry entry =
      wanted ? LargeWork::read_in_turn(
                   turn, read, [](const Entry& found) { return found.document.text().size(); })
             : read();
  const EntityTag tag =
      wanted ? EntityTag(entry.epoch, entry.revision, wanted->format->name()) : tag_of(entry);
  const auto current = [&] {
    Validators validators = validators_of(entry);
    if (wanted) validators.tag = tag;
    return validators;
  };
  Reply reply = empty_reply(304);
  if (!context.exchange.client_has(current)) {
    if (wanted) {
      reply = wanted->reply(context, true);
      reply.body = export_one(entry, *wanted->format, wanted->version);
      count_exported(context.options.metrics, 1);
    } else {
      reply = has_fields ? json_reply(MemberNames::read(*fields).keep(entry.document))
                         : address_reply(entry.document);
    }
  }
  reply.headers.emplace_back("ETag", tag.text());
  const DateText date = date_text(std::chrono::system_clock::to_time_t(entry.updated_at));
  reply.headers.emplace_back("Last-Modified", std::string_view(date.data(), date.size()));
  return reply;
}

/// @returns whether a PUT is to create an address, and to replace none (RFC 9110, 13.1.2)
[[nodiscard]] inline bool is_to_create(const Request& request) {
  return request.method == "PUT" && Preconditions(request).is_to_create();
}

/// PUT with If-None-Match: *. There is no address that meets an If-Match as well.
[[nodiscard]] inline Entry create_under_id(Context& context) {
  const Document& address = parse_address(context);
  const auto refuse = [&context] {
    throw Error(Errc::precondition,
                "There is an address already: '" + std::string(context.id) + "'");
  };
  const Preconditions conditions(context.exchange.request(), &context.options.formats);
  if (conditions.evaluate(nullptr) != Preconditions::Verdict::proceed) refuse();
  try {
    return book_for(address, context)->create(std::string(context.id), address);
  } catch (const Error& error) {
    if (error.code() == Errc::conflict) refuse();
    throw;
  }
}

/// PUT of an address: 204, ETag; 201 and Location where it is to create one.
inline Reply replace_address(Context& context) {
  if (is_to_create(context.exchange.request())) {
    return written_reply(201, create_under_id(context), context);
  }
  const Preconditions conditions(context.exchange.request(), &context.options.formats);
  const Document& address = parse_address(context);
  const Entry entry = conditions.any()
                          ? context.service->update(context.id, address, condition_of(conditions))
                          : context.service->update(context.id, address);
  return written_reply(204, entry, context);
}

/// PATCH of an address: 204, ETag.
inline Reply patch_address(Context& context) {
  refuse_idempotency_key(context, "If-Match keeps a patch from being applied twice");
  const auto compute = parse_patch(context);
  const Preconditions conditions(context.exchange.request(), &context.options.formats);
  return written_reply(204, context.service->change(context.id, compute, condition_of(conditions)),
                       context);
}

/// DELETE of an address: 204.
inline Reply remove_address(Context& context) {
  const Preconditions conditions(context.exchange.request(), &context.options.formats);
  if (conditions.any()) {
    context.service->remove(context.id, condition_of(conditions));
  } else {
    context.service->remove(context.id);
  }
  return empty_reply(204);
}

}  // namespace addrbook::detail
