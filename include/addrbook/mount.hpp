/// mount(): serves a book, or many, on a program's httplib::Server. It uses none of the server's
/// own slots (error handler, logger, ...), keeps to its prefix, and lets no exception out. A Server
/// of server.hpp serves books by its own engine instead of httplib's routes; the answers are the
/// same. On other servers a list that the storage cuts looks complete to an HTTP/1.0 client: a
/// provider of httplib's can't reset the connection.
/// @par Thread safety  Setting up a server is for one thread: no other may mount a book, register a
///      route or start the server meanwhile. Once it listens, it takes no further book; the Service
///      is for all threads, at any time.
#pragma once

#include <addrbook/books.hpp>
#include <addrbook/error.hpp>
#include <addrbook/httplib/adapter.hpp>
#include <addrbook/httplib/book_host.hpp>
#include <addrbook/httplib/httplib.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest.hpp>
#include <addrbook/service.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook {

/// Serves a new book that is kept in memory.
/// @param server   an httplib::Server or SSLServer that is not listening yet
/// @param options  see Options
/// @returns  the book, for use in the program; the routes keep it alive as long as the server
/// @throws   Error{invalid} the server is listening, an option is not valid, or a Server or
///           TlsServer has a book of the same prefix; nothing is registered. Another httplib server
///           can't be asked for its books: there, the first of two with the same prefix answers
/// @par Order  httplib takes the first route that matches. Routes that the program registers before
///      keep working; one such as `/.*` hides the book. If one prefix begins another (/a, /a/b),
///      mount the longer one first. On a Server or TlsServer, a book has all paths below its
///      prefix, and of several books the one with the longest prefix; the server's hooks
///      (pre-routing handler, logger, error handler) don't see its requests.
///      ServerOptions::hooks_see_books changes that.
inline std::shared_ptr<Service> mount(httplib::Server& server, Options options = {});

/// Serves `service`, which the routes keep alive as long as the server. One service may be mounted
/// more than once, and several on one server under different prefixes.
/// @throws Error{invalid} `service` is null; and as above
inline void mount(httplib::Server& server, std::shared_ptr<Service> service, Options options = {});

/// Serves many books, which the routes keep alive as long as the server. `options` says which book
/// a request is for: by `{book}` in the prefix, or by Options::book. With `{book}` the mount has
/// all paths below the prefix up to that.
/// @throws Error{invalid} `books` is null, the server is listening, the prefix is not valid, or the
///         options don't say what names the book; nothing is registered
inline void mount(httplib::Server& server, std::shared_ptr<Books> books, Options options);

/// Serves `service`, which must outlive the server.
/// @throws Error{invalid} as above
inline void mount(httplib::Server& server, Service& service, Options options = {});
void mount(httplib::Server& server, Service&& service, Options options = {}) = delete;

// ---------------------------------------------------------------------------------------------

namespace detail {

inline void mount_rest(httplib::Server& server, const std::shared_ptr<const Rest>& rest) {
  // Its threads read the routes without a lock.
  if (server.is_running()) {
    throw Error(Errc::invalid, "The server is listening already: mount a book before it does");
  }
  auto* const host = dynamic_cast<BookHost*>(&server);
  if (host != nullptr && host->take_book(rest)) return;
  const auto keeper = host != nullptr ? ConnectionKeeper::engine : ConnectionKeeper::httplib;
  const auto read = [rest, keeper](const httplib::Request& request, httplib::Response& response) {
    serve(*rest, request, response, nullptr, keeper);
  };
  const auto write = [rest, keeper](const httplib::Request& request, httplib::Response& response,
                                    const httplib::ContentReader& reader) {
    serve(*rest, request, response, &reader, keeper);
  };
  const auto route = [&](const std::string& pattern) {
    server.Get(pattern, read);
    server.Options(pattern, read);
    // With a reader: otherwise httplib reads the body itself, and refuses `curl -d` over 8 kB.
    server.Post(pattern, write);
    server.Put(pattern, write);
    server.Patch(pattern, write);
    server.Delete(pattern, write);
  };
  const std::string_view root = rest->root();
  // httplib takes a pattern without a parameter for a regular expression.
  std::string literal;
  for (const char c : root) literal.append(c == '.' ? "\\." : std::string(1, c));
  // The most used pattern comes first. Deeper paths get our 404 down to a limit, and the server's
  // own below it. A regular expression would match any depth, but libstdc++'s recurses once for
  // each character: a path of 8 kB overflows a small stack.
  const std::string_view prefix = rest->options().prefix;
  const auto deepest =
      8 + std::count(prefix.begin() + static_cast<std::ptrdiff_t>(root.size()), prefix.end(), '/');
  std::string deeper = std::string(root) + "/:1";
  route(deeper);
  route(literal);
  for (std::ptrdiff_t depth = 2; depth <= deepest; ++depth) {
    deeper.append("/:").append(std::to_string(depth));
    route(deeper);
  }
}

}  // namespace detail

inline void mount(httplib::Server& server, std::shared_ptr<Service> service, Options options) {
  detail::mount_rest(server, std::make_shared<const Rest>(std::move(service), std::move(options)));
}

inline void mount(httplib::Server& server, std::shared_ptr<Books> books, Options options) {
  detail::mount_rest(server, std::make_shared<const Rest>(std::move(books), std::move(options)));
}

inline std::shared_ptr<Service> mount(httplib::Server& server, Options options) {
  auto service = std::make_shared<Service>();
  mount(server, service, std::move(options));
  return service;
}

inline void mount(httplib::Server& server, Service& service, Options options) {
  mount(server, std::shared_ptr<Service>(std::shared_ptr<Service>(), &service), std::move(options));
}

}  // namespace addrbook
