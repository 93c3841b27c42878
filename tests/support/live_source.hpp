/// What holds of a body without an end on any server.
#pragma once

#include <addrbook/httplib/adapter.hpp>

#include <support/http_client.hpp>
#include <support/running.hpp>
#include <unit/fake_source.hpp>

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace test {

/// A live source's piece arrives while the source has no further one, and stop() ends the answer.
/// @param server  an httplib::Server, or one derived from it
template <class Server>
void check_live_source(Server& server) {
  const auto source = std::make_shared<FakeSource>(std::vector<std::string>{"first"});
  source->live = true;
  int reads = 0;
  source->before_read = [&] {
    if (reads++ > 0) source->next = addrbook::BodySource::Status::later;
  };
  source->when_asked = [](const std::function<void()>&) {};  // never ready again
  server.Get("/live", [&](const httplib::Request& request, httplib::Response& response) {
    response.set_header("Content-Type", "text/plain");
    addrbook::detail::set_source(source, request, response);
  });
  Running running(server);
  const Connection client(running.port());
  REQUIRE(client.send("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  std::string received;
  char buffer[1024];
  while (received.find("first") == std::string::npos) {
    const auto size = ::recv(client.socket(), buffer, sizeof buffer, 0);
    REQUIRE(size > 0);
    received.append(buffer, static_cast<std::size_t>(size));
  }
  running.stop();  // returns
  CHECK(received.find("200 OK") != std::string::npos);
  while (const auto size = ::recv(client.socket(), buffer, sizeof buffer, 0)) {
    if (size < 0) break;
    received.append(buffer, static_cast<std::size_t>(size));
  }
  CHECK(received.find("\r\n0\r\n") == std::string::npos);  // not passed off as complete
}

}  // namespace test
