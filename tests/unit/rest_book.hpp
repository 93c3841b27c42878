/// A book over HTTP without sockets, and what tests of its replies share.
#pragma once

#include <addrbook/base/hex.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/rest.hpp>

#include <unit/fake_store.hpp>
#include <unit/rest_client.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

using addrbook::Document;
using addrbook::LogRecord;
using addrbook::Options;
using addrbook::Rest;
using addrbook::Service;
using nlohmann::ordered_json;

inline const std::string ada = R"({"name":"Ada Example","emails":["ada@example.com"]})";
inline const std::string absent_id = "00000000000000000000000000000000";
inline const std::string absent = "/addresses/" + absent_id;

/// A book over HTTP whose store and log the test can see.
struct Book {
  std::shared_ptr<FakeStore> store = std::make_shared<FakeStore>();
  std::shared_ptr<Service> service;
  std::shared_ptr<std::vector<LogRecord>> log = std::make_shared<std::vector<LogRecord>>();
  Rest rest;

  explicit Book(Options options = {}, std::vector<addrbook::Validator> validators = {})
      : service(std::make_shared<Service>(store, std::move(validators))),
        rest(make_rest(service, with_log(std::move(options)))) {}

  [[nodiscard]] Options with_log(Options options) const {
    if (!options.log) {
      options.log = [records = log](const LogRecord& record) { records->push_back(record); };
    }
    return options;
  }
  /// Puts an address in. @returns its target
  [[nodiscard]] std::string add(const std::string& text = ada) const {
    return rest.options().prefix + "/" + service->create(Document::parse(text)).id;
  }
};

inline Options with_gzip() {
  Options options;
  options.coding = addrbook::gzip();
  return options;
}

inline std::string run(addrbook::Codec& codec, std::string_view text) {
  std::string result;
  const addrbook::ByteSink sink = [&](std::string_view bytes) {
    result.append(bytes);
    return true;
  };
  REQUIRE(codec.write(text, sink));
  REQUIRE(codec.finish(sink));
  return result;
}
inline std::string pack(std::string_view text) {
  return run(*addrbook::gzip()->encoder(), text);
}
inline std::string unpack(std::string_view bytes) {
  return run(*addrbook::gzip()->decoder("gzip"), bytes);
}
inline std::string pack_deflate(std::string_view text) {
  addrbook::detail::ZlibCodec codec(addrbook::detail::ZlibCodec::Direction::deflate, 15);
  return run(codec, text);
}

inline Ask asking(const std::string& method, const std::string& target, const Fields& headers = {},
                  const std::vector<std::string>& body = {}) {
  Ask request;
  request.method = method;
  request.target = target;
  request.headers = headers;
  request.body = body;
  return request;
}

inline Ask posting(const std::vector<std::string>& body, const Fields& headers = {}) {
  return asking("POST", "/addresses", headers, body);
}

inline void check_error(const Answer& answer, const std::string& method, const std::string& uri,
                        int status, const std::string& message) {
  CHECK(answer.status == status);
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  const ordered_json expected{
      {"method", method}, {"uri", uri}, {"code", status}, {"message", message}};
  CHECK(answer.body == expected.dump());
}

inline void check_common_headers(const Answer& answer) {
  CHECK(answer.count("Cache-Control") == 1);
  CHECK(answer.header("Cache-Control") == "private, no-cache");
  CHECK(answer.count("X-Content-Type-Options") == 1);
  CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  CHECK(answer.count("X-Request-Id") == 1);
  CHECK(answer.count("Content-Type") == (answer.body.empty() && !answer.has_source ? 0 : 1));
  std::set<std::string> names;
  for (const auto& field : answer.headers) CHECK(names.insert(field.first).second);
}

inline std::string tag_of(const Book& book, std::uint64_t revision) {
  return "\"" + addrbook::detail::hex(book.store->true_state().epoch) + "-" +
         std::to_string(revision) + "\"";
}

inline constexpr std::size_t many = 600;

/// A book of three pages and more.
struct LongBook : Book {
  std::vector<std::string> ids;

  explicit LongBook(Options options = {}) : Book(std::move(options)) {
    for (std::size_t i = 0; i < many; ++i) {
      ids.push_back(service->create(text(std::to_string(i))).id);
    }
  }
  static Document text(const std::string& name) {
    return Document::parse("{\"name\":\"" + name + "\",\"note\":\"" + std::string(1000, 'x') +
                           "\"}");
  }
};

}  // namespace test
