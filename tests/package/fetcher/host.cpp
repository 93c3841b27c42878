// A program with a book in SQLite.

#include <addrbook/addrbook.hpp>
#include <addrbook/sqlite.hpp>

int main() {
  httplib::Server server;
  const auto book = std::make_shared<addrbook::Service>(addrbook::open_sqlite(":memory:"));
  addrbook::mount(server, book);
  book->create(nlohmann::json{{"name", "Ada"}});
  return book->list().size() == 1 ? 0 : 1;
}
