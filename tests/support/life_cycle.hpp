/// The life of an entry, over any server that serves an empty book under `base`.
#pragma once

#include <support/addresses.hpp>
#include <support/http_client.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace test {

inline void check_error(const Response& response, const std::string& method, const std::string& uri,
                        int status, const std::string& message) {
  CAPTURE(response.body);
  CHECK(response.status == status);
  CHECK(response.header("content-type") == "application/json; charset=UTF-8");
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  REQUIRE(body.is_object());
  CHECK(body["method"] == method);
  CHECK(body["uri"] == uri);
  CHECK(body["code"] == status);
  CHECK(body["message"].get<std::string>().rfind(message, 0) == 0);
  CHECK(!body.contains("trace"));
}

inline void check_life_cycle(int port, const std::string& base) {
  // A connection for each request: plain httplib closes after an error, or doesn't.
  const auto request = [&](const std::string& method, const std::string& target,
                           const std::string& body = {}) {
    return Connection(port).request(method, target, {}, body);
  };
  const std::string missing = base + "/00000000000000000000000000000000";

  auto response = request("GET", base);
  CHECK(response.status == 200);
  CHECK(response.header("content-type") == "application/json; charset=UTF-8");
  REQUIRE(response.body == "{}");
  const auto empty_tag = response.header("etag");
  check_error(request("POST", base, "{\"name\": "), "POST", base, 400, "Invalid JSON body");
  check_error(request("POST", base, "[\"Ada\"]"), "POST", base, 400, "Invalid JSON body");
  CHECK(request("GET", base).body == "{}");

  std::string expected_list;
  std::vector<std::string> locations;
  for (const std::string& address : sample_addresses()) {
    CAPTURE(address);
    response = request("POST", base, address);
    REQUIRE(response.status == 201);
    CHECK(response.body.empty());
    const std::string location = response.header("location");
    REQUIRE(location.rfind(base + "/", 0) == 0);
    const std::string id = location.substr(base.size() + 1);
    CHECK(id.size() == 32);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    const auto created_tag = response.header("etag");

    response = request("GET", location);
    CHECK(response.status == 200);
    CHECK(response.header("content-type") == "application/json; charset=UTF-8");
    CHECK(response.header("etag") == created_tag);
    CHECK(response.body == without_white_space(address));
    expected_list += (expected_list.empty() ? "\"" : ",\"") + id + "\":" + response.body;
    locations.push_back(location);
  }
  REQUIRE(locations.size() >= 4);
  const std::string last = locations.back();
  response = request("GET", base);
  CHECK(response.body == "{" + expected_list + "}");
  CHECK(response.header("etag") != empty_tag);

  check_error(request("GET", missing), "GET", missing, 404,
              "No such address: '00000000000000000000000000000000'");

  const std::string updated = R"({"name":"Renamed","emails":[]})";
  const auto tag_before = request("GET", last).header("etag");
  response = request("PUT", last, updated);
  CHECK(response.status == 204);
  CHECK(response.header("etag") != tag_before);
  CHECK(request("GET", last).body == updated);
  CHECK(request("GET", last).header("etag") == response.header("etag"));
  check_error(request("PUT", last, "nonsense"), "PUT", last, 400, "Invalid JSON body");
  CHECK(request("GET", last).body == updated);
  check_error(request("PUT", missing, updated), "PUT", missing, 404, "No such address");
  CHECK(request("GET", missing).status == 404);

  CHECK(request("DELETE", last).status == 204);
  check_error(request("DELETE", last), "DELETE", last, 404, "No such address");
  CHECK(request("GET", last).status == 404);
  locations.pop_back();
  for (const std::string& location : locations) CHECK(request("DELETE", location).status == 204);
  response = request("GET", base);
  CHECK(response.status == 200);
  CHECK(response.body == "{}");
  CHECK(response.header("etag") != empty_tag);
}

}  // namespace test
