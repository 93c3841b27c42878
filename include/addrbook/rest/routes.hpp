/// The table of routes: the one place that says which endpoints there are. A new endpoint is one
/// row here and one handler.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/http.hpp>
#include <addrbook/rest/address.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/list.hpp>
#include <addrbook/rest/status.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// One endpoint.
struct Route {
  enum class Body { none, json };

  std::string_view path;    ///< below the prefix: "", "/{id}" or "/_name"
  std::string_view method;  ///< GET stands for HEAD as well
  /// What authorization is asked for. Nothing: open to everybody, under every host name.
  std::optional<Action> action;
  Body body;
  std::vector<std::string_view> parameters;  ///< of the query; any other is an error
  Reply (*handle)(Context& context);
  std::string_view summary;
  /// Answers without the storage: served even when no thread is free.
  bool is_instant = false;

  [[nodiscard]] bool is_write() const noexcept { return action && *action != Action::read; }
};

[[nodiscard]] inline const std::vector<Route>& routes() {
  using Body = Route::Body;
  static const std::vector<Route> table{
      {"", "GET", Action::read, Body::none, {}, list_addresses, "Get all addresses"},
      {"", "POST", Action::create, Body::json, {}, create_address, "Create an address"},
      {"/{id}", "GET", Action::read, Body::none, {}, get_address, "Get an address"},
      {"/{id}", "PUT", Action::update, Body::json, {}, replace_address, "Replace an address"},
      {"/{id}", "DELETE", Action::remove, Body::none, {}, remove_address, "Delete an address"},
      {"/_health", "GET", {}, Body::none, {}, get_health, "Check that the program answers", true},
      {"/_ready", "GET", {}, Body::none, {}, get_ready, "Check that the book can be used"},
  };
  return table;
}

/// The endpoints of one path.
class Endpoints {
 public:
  /// @param path  decoded, below the prefix; a trailing '/' makes no difference
  /// @returns nothing if no route has the path
  [[nodiscard]] static std::optional<Endpoints> find(std::string_view path);

  [[nodiscard]] std::string_view id() const noexcept { return id_; }  ///< "" if the path has none

  /// @returns the route for a method; null if there is none
  [[nodiscard]] const Route* route(std::string_view method) const noexcept;

  /// @returns whether everybody may use the path
  [[nodiscard]] bool is_open() const noexcept { return !first_->action; }

  /// @returns the methods of the path, as in Allow (RFC 9110, 10.2.1)
  [[nodiscard]] std::string methods() const;

 private:
  Endpoints(const Route& first, std::string_view id) : first_(&first), id_(id) {}

  const Route* first_;
  std::string_view id_;
};

// ---------------------------------------------------------------------------------------------

inline std::optional<Endpoints> Endpoints::find(std::string_view path) {
  constexpr std::string_view any_id = "/{id}";
  if (!path.empty() && path.back() == '/' && path != "//") path.remove_suffix(1);
  std::string_view id;
  if (!path.empty() && path.front() == '/' && is_valid_id(path.substr(1))) {
    id = path.substr(1);
    path = any_id;
  } else if (path == any_id) {
    return std::nullopt;  // the literal text "/{id}" is not an id
  }
  for (const Route& route : routes()) {
    if (route.path == path) return Endpoints(route, id);
  }
  return std::nullopt;
}

inline const Route* Endpoints::route(std::string_view method) const noexcept {
  if (method == "HEAD") method = "GET";
  for (const Route& route : routes()) {
    if (route.method == method && route.path == first_->path) return &route;
  }
  return nullptr;
}

inline std::string Endpoints::methods() const {
  std::vector<std::string_view> names{"OPTIONS"};
  for (const Route& route : routes()) {
    if (route.path != first_->path) continue;
    names.push_back(route.method);
    if (route.method == "GET") names.emplace_back("HEAD");
  }
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

}  // namespace addrbook::detail
