/// The table of routes: the one place that says which endpoints there are. A new endpoint is one
/// row here and one handler.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/book_store.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/about_routes.hpp>
#include <addrbook/rest/address.hpp>
#include <addrbook/rest/batch.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/rest/books.hpp>
#include <addrbook/rest/changes.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/export_request.hpp>
#include <addrbook/rest/find.hpp>
#include <addrbook/rest/import.hpp>
#include <addrbook/rest/import_body.hpp>
#include <addrbook/rest/list.hpp>
#include <addrbook/rest/member_names.hpp>
#include <addrbook/rest/metrics.hpp>
#include <addrbook/rest/openapi.hpp>
#include <addrbook/rest/page.hpp>
#include <addrbook/rest/status.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// One endpoint.
struct Route {
  /// What a path begins with.
  enum class Scope {
    book,        ///< the prefix, with a book's name in it where it has `{book}`
    mount,       ///< the prefix up to `/{book}`; the whole prefix where it has none
    collection,  ///< the prefix up to `/{book}`; nothing where it has none
  };
  Scope scope;
  std::string_view path;    ///< in its scope: "", "/{id}", "/{book}", "/_name" or "/_name/{file}"
  std::string_view method;  ///< GET stands for HEAD as well
  /// What authorization is asked for. Nothing: open to everybody; without `is_on` under every host
  /// name, too.
  std::optional<Action> action;
  BodyKind body;
  std::vector<Parameter> parameters;  ///< of the query; any other is an error
  Reply (*handle)(Context& context);
  RouteText text;
  /// Answers without the storage: served even when no thread is free.
  bool is_instant = false;
  /// Actions of which each suffices to begin with, beside `action`: the handler asks for what it
  /// does.
  std::vector<Action> alternatives = {};
  /// More of the query, where there are Options::formats.
  std::vector<Parameter> format_parameters = {};
  /// Whether a mount has the route; null: each has.
  bool (*is_on)(const Options& options) = nullptr;

  std::size_t row = 0;  ///< its place in the table, which sets it

  /// @returns the path for people and metrics, whatever the mount's prefix is: e.g. `{base}/{id}`
  [[nodiscard]] std::string label() const {
    return (scope == Scope::collection ? "{books}" : "{base}") + std::string(path);
  }

  /// @returns `action`; of a PUT that replaces nothing, Action::create
  [[nodiscard]] std::optional<Action> action_of(const Request& request) const {
    return action == Action::update && is_to_create(request) ? Action::create : action;
  }
  /// Whether the answer depends on Accept, where there are Options::formats.
  [[nodiscard]] bool has_formats() const noexcept {
    return method == "GET" && !format_parameters.empty();
  }
  [[nodiscard]] bool is_write() const noexcept { return action && addrbook::is_write(*action); }
  /// Whether the handler works with an open book.
  [[nodiscard]] bool needs_book() const noexcept {
    return scope == Scope::book || (path == "/{book}" && action == Action::read);
  }
};

[[nodiscard]] inline std::vector<Route> with_rows(std::vector<Route> routes) {
  for (std::size_t row = 0; row < routes.size(); ++row) routes[row].row = row;
  return routes;
}

[[nodiscard]] inline const std::vector<Route>& routes() {
  constexpr auto has_openapi = [](const Options& options) { return options.openapi; };
  constexpr auto book = Route::Scope::book;
  constexpr auto mount = Route::Scope::mount;
  constexpr auto collection = Route::Scope::collection;
  constexpr auto none = BodyKind::none;
  constexpr auto json = BodyKind::json;
  constexpr auto patch = BodyKind::patch;
  constexpr auto records = BodyKind::records;
  constexpr auto has_page = [](const Options& options) { return options.page; };
  static const std::vector<Route> table = with_rows({
      {book,
       "",
       "GET",
       Action::read,
       none,
       find_parameters(),
       list_addresses,
       {"Get addresses", about_list},
       false,
       {},
       export_parameters()},
      {book,
       "",
       "POST",
       Action::create,
       records,
       {},
       receive_contacts,
       {"Create an address, or bring contacts in", about_receive},
       false,
       {},
       import_parameters()},
      {book,
       "/{id}",
       "GET",
       Action::read,
       none,
       {fields_parameter},
       get_address,
       {"Get an address", about_get},
       false,
       {},
       export_parameters()},
      {book,
       "/{id}",
       "PUT",
       Action::update,
       json,
       {},
       replace_address,
       {"Replace an address", about_replace}},
      {book,
       "/{id}",
       "PATCH",
       Action::update,
       patch,
       {},
       patch_address,
       {"Change an address", about_patch}},
      {book,
       "/{id}",
       "DELETE",
       Action::remove,
       none,
       {},
       remove_address,
       {"Delete an address", about_remove}},
      {book,
       "/_batch",
       "POST",
       Action::create,
       json,
       {},
       commit_batch,
       {"Write several addresses, all or none", about_batch},
       false,
       {Action::update, Action::remove}},
      {book,
       "/_changes",
       "GET",
       Action::read,
       none,
       changes_parameters(),
       get_changes,
       {"Follow changes", about_changes}},
      {mount,
       "/_health",
       "GET",
       {},
       none,
       {},
       get_health,
       {"Check that the program answers", about_health},
       true},
      {mount,
       "/_ready",
       "GET",
       {},
       none,
       {},
       get_ready,
       {"Check that the book can be used", about_ready}},
      {mount,
       "/_metrics",
       "GET",
       Action::observe,
       none,
       {},
       get_metrics,
       {"Get metrics", about_metrics},
       false,
       {},
       {},
       has_metrics},
      {mount,
       "/_page",
       "GET",
       {},
       none,
       {},
       get_page,
       {"Show the contacts page", about_page},
       true,
       {},
       {},
       has_page},
      {mount,
       "/_page/files/{file}",
       "GET",
       {},
       none,
       {},
       get_page,
       {"Get a file of the contacts page", about_page_file},
       true,
       {},
       {},
       has_page},
      {mount,
       "/_openapi.json",
       "GET",
       {},
       none,
       {},
       get_openapi,
       {"Get the API document", about_openapi},
       false,
       {},
       {},
       has_openapi},
      {mount,
       "/_openapi",
       "GET",
       {},
       none,
       {},
       get_openapi_page,
       {"Read the API document", about_openapi_page},
       false,
       {},
       {},
       has_openapi},
      {collection,
       "",
       "GET",
       Action::read,
       none,
       books_parameters(),
       list_books,
       {"List books", about_list_books}},
      {collection,
       "/{book}",
       "PUT",
       Action::manage,
       none,
       {},
       make_book,
       {"Make a book", about_make_book}},
      {collection,
       "/{book}",
       "GET",
       Action::read,
       none,
       {},
       get_book,
       {"Get a book's state", about_get_book}},
      {collection,
       "/{book}",
       "DELETE",
       Action::manage,
       none,
       {},
       remove_book,
       {"Remove a book", about_remove_book}},
  });
  return table;
}

/// @returns the rows' names for Metrics
[[nodiscard]] inline std::vector<Metrics::Route> metric_routes() {
  std::vector<Metrics::Route> names;
  for (const Route& route : routes()) names.push_back({route.label(), route.method});
  return names;
}

/// The endpoints of one path.
class Endpoints {
 public:
  /// @param prefix  the mount's
  /// @param path    decoded, below the prefix's root; a trailing '/' makes no difference
  /// @param options  the mount's, which must outlive the endpoints; null: all routes are on
  /// @returns nothing if no route has the path
  [[nodiscard]] static std::optional<Endpoints> find(const Prefix& prefix, std::string_view path,
                                                     const Options* options = nullptr);

  /// Of an address, or the name of a file; "" if the path has none.
  [[nodiscard]] std::string_view id() const noexcept { return id_; }
  /// The name of a book, which may be absent; "" if the path has none.
  [[nodiscard]] std::string_view book() const noexcept { return book_; }

  /// @returns the route for a method; null if there is none
  [[nodiscard]] const Route* route(std::string_view method) const;

  /// @returns whether everybody may use the path
  [[nodiscard]] bool is_open() const noexcept { return !first_->action; }
  /// @returns whether it is used under host names that are not the server's own, too
  [[nodiscard]] bool has_any_host() const noexcept { return is_open() && first_->is_on == nullptr; }

  /// @returns the methods of the path, as in Allow (RFC 9110, 10.2.1)
  [[nodiscard]] std::string methods() const;

 private:
  Endpoints(const Route& first, const Options* options, std::string_view book, std::string_view id)
      : first_(&first), options_(options), book_(book), id_(id) {}

  [[nodiscard]] static bool is_on(const Route& route, const Options* options) {
    return options == nullptr || route.is_on == nullptr || route.is_on(*options);
  }
  [[nodiscard]] bool has(const Route& route) const {
    return route.path == first_->path && route.scope == first_->scope && is_on(route, options_);
  }

  const Route* first_;
  const Options* options_;
  std::string_view book_;
  std::string_view id_;
};

// ---------------------------------------------------------------------------------------------

inline std::optional<Endpoints> Endpoints::find(const Prefix& prefix, std::string_view path,
                                                const Options* options) {
  using Scope = Route::Scope;
  if (!path.empty() && path.back() == '/' && path != "//") path.remove_suffix(1);
  Scope scope = Scope::book;
  std::string_view book;
  std::string_view id;
  if (prefix.names_books()) {
    const std::string_view below = path.substr((std::min)(path.size(), std::size_t{1}));
    const std::string_view name = below.substr(0, below.find('/'));
    if (is_valid_book_name(name) && path.front() == '/') {
      book = name;
      path.remove_prefix(1 + name.size());
    }
    const std::string_view tail = prefix.tail();
    if (book.empty()) {
      scope = path.empty() ? Scope::collection : Scope::mount;
    } else if (path.empty()) {
      scope = Scope::collection;
      path = "/{book}";
    } else if (path.substr(0, tail.size()) == tail) {
      path.remove_prefix(tail.size());
    } else {
      return std::nullopt;
    }
  }
  if (scope == Scope::book) {
    constexpr std::string_view any_id = "/{id}";
    if (!path.empty() && path.front() == '/' && is_valid_id(path.substr(1))) {
      id = path.substr(1);
      path = any_id;
    } else if (path == any_id) {
      return std::nullopt;  // the literal text "/{id}" is not an id
    }
  }
  if (scope != Scope::collection && path.size() > page_folder.size() &&
      path.substr(0, page_folder.size()) == page_folder) {
    id = path.substr(page_folder.size());
    path = "/_page/files/{file}";
  }
  for (const Route& route : routes()) {
    const bool is_in_scope =
        route.scope == scope || (route.scope == Scope::mount && !prefix.names_books());
    if (!is_in_scope || route.path != path) continue;
    if (is_on(route, options)) return Endpoints(route, options, book, id);
  }
  return std::nullopt;
}

inline const Route* Endpoints::route(std::string_view method) const {
  if (method == "HEAD") method = "GET";
  const Route* const end = routes().data() + routes().size();
  const Route* const found = std::find_if(
      first_, end, [&](const Route& route) { return route.method == method && has(route); });
  return found != end ? found : nullptr;
}

inline std::string Endpoints::methods() const {
  std::vector<std::string_view> names{"OPTIONS"};
  for (const Route& route : routes()) {
    if (!has(route)) continue;
    names.push_back(route.method);
    if (route.method == "GET") names.emplace_back("HEAD");
  }
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

}  // namespace addrbook::detail
