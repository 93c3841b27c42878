/// The API document of a mount, OpenAPI 3.1, made from the table of routes: what is not in the
/// table can't be in it, and what is in the table can't be missing. With Options::openapi a mount
/// serves it as `_openapi.json`, and as a page for people as `_openapi`.
#pragma once

#include <addrbook/openapi/document.hpp>
#include <addrbook/openapi/page.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/api_texts.hpp>

#include <string>
#include <string_view>

namespace addrbook {

/// Describes what a mount with these options serves: its paths, formats, limits and refusals. With
/// Options::authorize it says that a bearer token may be asked for: what decides about a request is
/// the program's.
/// @param server  the URL that the paths follow, without a slash at its end: "/contacts" or
///                "https://book.example.com/contacts"; "/": the host that serves the document
/// @returns JSON
[[nodiscard]] inline std::string openapi_document(const Options& options,
                                                  std::string_view server = "/") {
  return detail::DocumentWriter(options, server).write();
}

/// @param path    what a proxy has removed from the path, e.g. "/contacts"; or ""
/// @param server  as above, for the lines of a shell
/// @returns the same for people: a page of HTML that loads nothing and runs nothing
[[nodiscard]] inline std::string openapi_page(const Options& options, std::string_view path = {},
                                              std::string_view server = detail::example_server) {
  return detail::PageWriter(options, path, server).write();
}

}  // namespace addrbook
