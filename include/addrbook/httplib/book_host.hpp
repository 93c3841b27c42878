/// BookHost: how mount() finds out that a server can serve books without httplib's routes.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/http.hpp>
#include <addrbook/rest.hpp>

#include <functional>
#include <memory>

namespace addrbook::detail {

/// A base of httplib servers that serve books themselves. Public, or mount() would not find it.
class BookHost : private Pinned {
 public:
  virtual ~BookHost() = default;

  /// Takes a book over, if the server serves books itself.
  /// @returns  false if it needs routes
  /// @throws   Error{invalid} it has a book of the same prefix
  virtual bool take_book(const std::shared_ptr<const Rest>& book) = 0;

  /// Answers a request that is for no book. Its body is not read.
  using OtherPaths = std::function<Reply(const Request&)>;
  /// As take_book(), for all requests that are for no book. Then the program has no routes.
  virtual bool take_other_paths(OtherPaths other_paths) = 0;
};

}  // namespace addrbook::detail
