/// Context: what a handler works with.
#pragma once

#include <addrbook/books.hpp>
#include <addrbook/document.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/api_texts.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/followers.hpp>
#include <addrbook/rest/import_body.hpp>
#include <addrbook/rest/list_cache.hpp>
#include <addrbook/rest/positions.hpp>
#include <addrbook/service.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// One request on its way through a handler. References and views are valid during the handler's
/// call; a BodySource that outlives it keeps its own copies.
struct Context {
  /// The book. Null where there is none: on the paths of a mount of many books that are not of one;
  /// and if it is absent, where a write is to make it.
  const std::shared_ptr<Service>& service;
  Books* books;           ///< null on a mount of one book
  std::string_view book;  ///< the book's name, among many; may name none
  const Options& options;
  const Prefix& prefix;
  Exchange& exchange;
  const std::shared_ptr<ListCache>& lists;
  Positions& positions;
  Followers& followers;
  const ApiTexts* api;               ///< with Options::openapi
  QueryParameters query;             ///< only parameters that the route takes
  std::string_view id;               ///< of the address, or a file's name; "" on other paths
  std::string body;                  ///< unpacked, if the route takes one
  ImportBody* import = nullptr;      ///< instead of `body`, where the request is an import
  std::optional<Document> parsed{};  ///< of the body, see parse_address()

  /// @returns  a path of this server as clients see it
  [[nodiscard]] std::string public_path(std::string path) const {
    return std::move(path.insert(0, exchange.request().proxy_prefix));
  }
};

}  // namespace addrbook::detail
