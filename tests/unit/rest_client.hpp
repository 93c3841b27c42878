/// Asks a Rest without sockets.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/http.hpp>
#include <addrbook/rest.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A request. Content-Length is added where there is a body, unless the framing is given.
struct Ask {
  std::string method = "GET";
  std::string target = "/addresses";
  Fields headers = {};
  std::vector<std::string> body = {};  ///< the pieces in which it arrives
  addrbook::BodyStatus body_status = addrbook::BodyStatus::complete;
  bool unframed = false;           ///< neither Content-Length nor Transfer-Encoding
  addrbook::ByteSink client = {};  ///< if set, receives the pieces of a source's body
  bool read_source = true;         ///< false: as for a client that is gone
  std::string remote_address = "192.0.2.7";
  addrbook::MemoryState memory = addrbook::MemoryState::ample;
};

struct Answer {
  int status = 0;
  Fields headers;
  std::string body;
  bool has_source = false;
  bool is_complete = true;
  bool closes = false;
  bool was_body_read = false;
  std::size_t pieces_read = 0;

  [[nodiscard]] std::size_t count(std::string_view name) const {
    std::size_t found = 0;
    for (const auto& field : headers) found += field.first == name ? 1 : 0;
    return found;
  }
  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& field : headers) {
      if (field.first == name) return field.second;
    }
    return "(absent)";
  }
  /// The body as JSON, or "discarded".
  [[nodiscard]] nlohmann::ordered_json json() const {
    return nlohmann::ordered_json::parse(body, nullptr, false);
  }
  [[nodiscard]] std::string message() const {
    const auto error = json();
    return error.is_object() ? error.value("message", "(none)") : "(no JSON object)";
  }
  /// The id in Location.
  [[nodiscard]] std::string id() const {
    const std::string location = header("Location");
    return location.substr(location.rfind('/') + 1);
  }
};

/// A path as an HTTP library decodes it.
inline std::string decoded(std::string_view path) {
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size()) {
      text += static_cast<char>(std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      text += path[i];
    }
  }
  return text;
}

/// A request as a Rest gets it, without read_body.
class Asked : private addrbook::detail::Pinned {
 public:
  Asked(const addrbook::Rest& rest, const Ask& ask) : ask_(ask) {
    for (const auto& [name, value] : ask_.headers) {
      const auto [field, is_first] = fields_.emplace(addrbook::detail::lowercase(name), value);
      if (!is_first) field->second += ", " + value;
    }
    const bool is_write = ask_.method == "POST" || ask_.method == "PUT" || ask_.method == "PATCH";
    if (is_write && !ask_.unframed && fields_.count("transfer-encoding") == 0) {
      std::size_t size = 0;
      for (const std::string& piece : ask_.body) size += piece.size();
      fields_.emplace("content-length", std::to_string(size));
    }
    const std::string_view target = ask_.target;
    const auto query_at = target.find('?');
    path_ = decoded(target.substr(0, query_at).substr(rest.root().size()));
    request.method = ask_.method;
    request.target = target;
    request.path = path_;
    if (query_at != std::string_view::npos) request.query = target.substr(query_at + 1);
    request.remote_address = ask_.remote_address;
    request.memory = ask_.memory;
    request.header = [this](std::string_view name) -> std::optional<std::string_view> {
      const auto field = fields_.find(addrbook::detail::lowercase(name));
      return field != fields_.end() ? std::optional<std::string_view>(field->second) : std::nullopt;
    };
  }

  /// The fields, a line each.
  [[nodiscard]] std::string text() const {
    std::string lines;
    for (const auto& [name, value] : fields_) lines.append(name + ": " + value + "\n");
    return lines;
  }

  addrbook::Request request;

 private:
  Ask ask_;
  std::string path_;
  std::map<std::string, std::string> fields_;
};

/// @name What takes long to compile: all of Rest
/// @{
addrbook::Rest make_rest(std::shared_ptr<addrbook::Service> service, addrbook::Options options);
addrbook::Rest make_rest(std::shared_ptr<addrbook::Books> books, addrbook::Options options);
addrbook::Reply handle(const addrbook::Rest& rest, const addrbook::Request& request);
Answer ask(const addrbook::Rest& rest, const Ask& ask);
/// @}

inline Answer get(const addrbook::Rest& rest, const std::string& target,
                  const Fields& headers = {}) {
  Ask request;
  request.target = target;
  request.headers = headers;
  return ask(rest, request);
}

inline Answer send(const addrbook::Rest& rest, const std::string& method, const std::string& target,
                   const std::string& body, const Fields& headers = {}) {
  Ask request;
  request.method = method;
  request.target = target;
  request.headers = headers;
  request.body = {body};
  return ask(rest, request);
}

inline Answer post(const addrbook::Rest& rest, const std::string& body,
                   const Fields& headers = {}) {
  return send(rest, "POST", rest.options().prefix, body, headers);
}

}  // namespace test

// A program of many files has them compiled once, by rest_calls.cpp.
#ifndef TEST_REST_CALLS_ARE_LINKED
#include <unit/rest_calls.hpp>
#endif
