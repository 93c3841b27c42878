#include <addrbook/addrbook.hpp>

int main(int argc, char** argv) {
  httplib::Server server;
  auto book = addrbook::mount(server);
  book->create(nlohmann::json{{"name", "Ada Lovelace"}});
  return server.listen("127.0.0.1", argc > 1 ? std::stoi(argv[1]) : 8080) ? 0 : 1;
}
