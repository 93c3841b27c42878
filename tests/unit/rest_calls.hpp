/// What rest_client.hpp declares of Rest.
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/openapi.hpp>
#include <addrbook/rest.hpp>

#include <support/exchanges.hpp>
#include <unit/rest_client.hpp>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#ifndef TEST_REST_CALL
#define TEST_REST_CALL inline
#endif

namespace test {

TEST_REST_CALL addrbook::Rest make_rest(std::shared_ptr<addrbook::Service> service,
                                        addrbook::Options options) {
  return addrbook::Rest(std::move(service), std::move(options));
}
TEST_REST_CALL addrbook::Rest make_rest(std::shared_ptr<addrbook::Books> books,
                                        addrbook::Options options) {
  return addrbook::Rest(std::move(books), std::move(options));
}
TEST_REST_CALL addrbook::Reply handle(const addrbook::Rest& rest,
                                      const addrbook::Request& request) {
  return rest.handle(request);
}

/// Records an exchange, with the document of its mount.
inline void record(const addrbook::Rest& rest, const Ask& ask, const std::string& asked_fields,
                   const Answer& answer) {
  if (!Exchanges::are_kept()) return;
  // To make a document for each would take minutes.
  const addrbook::Options& options = rest.options();
  std::string kind = options.prefix + " " + std::to_string(options.max_body_bytes) + " " +
                     std::to_string(options.formats.size()) + " " +
                     std::to_string(options.allowed_origins.size());
  for (const bool is_on :
       {static_cast<bool>(options.book), static_cast<bool>(options.authorize),
        static_cast<bool>(options.coding), static_cast<bool>(options.metrics), options.openapi,
        options.page, options.loopback_hosts_only, options.allowed_hosts.empty()}) {
    kind += is_on ? "1" : "0";
  }
  static std::mutex mutex;
  static std::set<std::string> known;
  {
    const std::lock_guard lock(mutex);
    if (known.insert(kind).second) {
      Exchanges::write_mount(kind, addrbook::openapi_document(options));
      Exchanges::write("port", {kind, kind});
    }
  }
  std::string fields;
  for (const auto& [name, value] : answer.headers) fields.append(name + ": " + value + "\n");
  const bool is_read = !answer.has_source || ask.read_source || ask.method == "HEAD";
  Exchanges::write_exchange(kind, ask.method, ask.target, asked_fields, answer.status, fields,
                            answer.body, answer.is_complete && is_read);
}

TEST_REST_CALL Answer ask(const addrbook::Rest& rest, const Ask& ask) {
  Answer answer;
  Asked asked(rest, ask);
  addrbook::Request& request = asked.request;
  request.read_body = [&](const addrbook::ByteSink& sink) {
    answer.was_body_read = true;
    for (const std::string& piece : ask.body) {
      ++answer.pieces_read;
      if (!sink(piece)) return addrbook::BodyStatus::malformed;
    }
    return ask.body_status;
  };

  addrbook::Reply reply = handle(rest, request);
  answer.status = reply.status;
  for (const auto& [name, value] : reply.headers) answer.headers.emplace_back(name, value);
  answer.body = reply.body;
  answer.has_source = static_cast<bool>(reply.source);
  answer.closes = reply.close_connection;
  if (reply.source && ask.read_source && ask.method != "HEAD") {
    answer.is_complete = send_body(*reply.source, [&](std::string_view bytes) {
      if (ask.client && !ask.client(bytes)) return false;
      answer.body.append(bytes);
      return true;
    });
  }
  record(rest, ask, asked.text(), answer);
  return answer;
}

}  // namespace test
