// A service with routes of its own and two address books in it, friends and suppliers.
//
// Usage: embed [port]; 0, the default, takes any free port and prints it.

#include <addrbook/addrbook.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::optional<addrbook::Violation> must_have_name(const addrbook::Document& document) {
  const auto json = document.json();
  if (!json.contains("name")) return addrbook::Violation{"", "needs a name"};
  if (!json["name"].is_string()) return addrbook::Violation{"/name", "must be a string"};
  return std::nullopt;
}

addrbook::Access may_not_remove(const addrbook::AccessRequest& access) {
  return access.action == addrbook::Action::remove ? addrbook::Access::forbid()
                                                   : addrbook::Access::allow();
}

void set_up_own_server(httplib::Server& server) {
  server.Get("/", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("Friends and suppliers\n", "text/plain");
  });
  server.Get("/fails", [](const httplib::Request&, httplib::Response&) {
    throw std::runtime_error("a fault of the program's own");
  });
  server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;  // an error of a book says what is wrong
    response.set_content("Sorry\n", "text/plain");
  });
  server.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
        response.status = httplib::StatusCode::InternalServerError_500;
        response.set_content("We are looking into it\n", "text/plain");
      });
  server.set_logger([](const httplib::Request& request, const httplib::Response& response) {
    std::cerr << request.method << ' ' << request.path << ' ' << response.status << '\n';
  });
}

}  // namespace

int main(int argc, char** argv) {
  addrbook::Service friends;  // before the server: a book that is mounted by reference outlives it
  httplib::Server server;
  set_up_own_server(server);

  addrbook::Options friends_options;
  friends_options.prefix = "/friends";
  addrbook::mount(server, friends, friends_options);

  auto suppliers = std::make_shared<addrbook::Service>(
      std::make_shared<addrbook::MemoryStore>(), std::vector<addrbook::Validator>{must_have_name});
  addrbook::Options options;
  options.prefix = "/suppliers";
  options.authorize = may_not_remove;
  options.log = [](const addrbook::LogRecord& record) {
    std::clog << addrbook::to_logfmt(record) << '\n';
  };
  addrbook::mount(server, suppliers, options);

  // The program uses a book from any thread while it is served.
  const addrbook::Entry grace = friends.create(nlohmann::json{{"name", "Grace Hopper"}});
  server.Get("/first-friend", [&](const httplib::Request&, httplib::Response& response) {
    const auto entry = friends.find(grace.id);
    response.set_content(entry ? entry->document.json()["name"].get<std::string>() : "nobody",
                         "text/plain");
  });

  const int wanted = argc > 1 ? std::atoi(argv[1]) : 0;
  const int port = wanted == 0                                ? server.bind_to_any_port("127.0.0.1")
                   : server.bind_to_port("127.0.0.1", wanted) ? wanted
                                                              : -1;
  if (port < 0) {
    std::cerr << "can't listen on port " << wanted << '\n';
    return 1;
  }
  std::cout << "Listening on http://127.0.0.1:" << port << std::endl;
  return server.listen_after_bind() ? 0 : 1;
}
