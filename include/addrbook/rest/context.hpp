/// Context: what a handler works with.
#pragma once

#include <addrbook/http/query_string.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/list_cache.hpp>
#include <addrbook/service.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// One request on its way through a handler. References and views are valid during the handler's
/// call; a BodySource that outlives it keeps its own copies.
struct Context {
  const std::shared_ptr<Service>& service;
  const Options& options;
  Exchange& exchange;
  const std::shared_ptr<ListCache>& lists;
  QueryParameters query;  ///< only parameters that the route takes
  std::string_view id;    ///< of the address; "" on other paths
  std::string body;       ///< unpacked, if the route takes one
};

}  // namespace addrbook::detail
