// Every header of the library, in two TUs of one program. That it links says that nothing is
// defined twice; the cases, that both mean the same by what they share.

#include "other_unit.hpp"

#include <support/http_client.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <thread>

TEST_CASE("odr: a service made in one unit works in the other") {
  const auto service = other_unit::make_service();
  const addrbook::Entry entry = service->create(nlohmann::json{{"name", "Ada"}});
  CHECK(service->get(entry.id).document.json()["name"] == "Ada");
  CHECK_THROWS_AS(service->create(nlohmann::json{{"phone", 1}}), addrbook::Error);
  CHECK(service->list().size() == 1);
}

TEST_CASE("odr: an error thrown in one unit is the same type in the other") {
  const addrbook::Service service;
  try {
    other_unit::get_missing(service);
    FAIL("nothing was thrown");
  } catch (const addrbook::Error& error) {
    CHECK(error.code() == addrbook::Errc::not_found);
  }
  CHECK(other_unit::is_error(addrbook::Error(addrbook::Errc::invalid, "made here")));
}

TEST_CASE("odr: a server made in one unit runs in the other, configured here") {
  const auto config = addrbook::parse_config("http: {prefix: /people}", "odr.yaml");
  const auto service = other_unit::make_service();
  const auto server = other_unit::make_server(config, service);
  const int port = server->bind("127.0.0.1", 0);
  std::thread listening([&] { server->listen_after_bind(); });
  server->wait_until_ready();

  std::string packed;
  const auto sink = [&packed](std::string_view bytes) {
    packed.append(bytes);
    return true;
  };
  const auto encoder = addrbook::gzip()->encoder();
  const bool is_packed = encoder->write(R"({"name": "Ada"})", sink) && encoder->finish(sink);
  // Not by httplib::Client, which resolves names in a thread that thread sanitizers can't bear.
  const int status =
      test::Connection(port)
          .request("POST", config.rest.prefix, {{"content-encoding", "gzip"}}, packed)
          .status;
  server->stop();
  listening.join();

  CHECK(is_packed);
  CHECK(status == 201);
  REQUIRE(service->list().size() == 1);
  CHECK(service->list().front().document.json()["name"] == "Ada");
}
