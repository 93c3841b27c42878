// A book of contacts for each of three users, all in one file: a token says whose book it is. An
// operator sees which books there are, and may remove them.
//
// Usage: tenants [port [file]]; 0, the default, takes any free port and prints it.

#include <addrbook/addrbook.hpp>
#include <addrbook/books.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/tokens.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

int main(int argc, char** argv) {
  using Role = addrbook::Token::Role;
  try {
    addrbook::BooksOptions limits;
    limits.max_entries = 10'000;  // of each user
    auto books = addrbook::open_sqlite_books(argc > 2 ? argv[2] : "contacts.db", limits);

    // Each user has a book under /addresses. The first address makes it.
    addrbook::Options own;
    own.authorize = addrbook::bearer_tokens({{"ada", Role::write, "", "correct-horse-battery"},
                                             {"bob", Role::write, "", "staple-of-the-house"},
                                             {"eve", Role::read, "", "orange-tree-in-snow"}});
    own.book = [](const addrbook::Access& access, const addrbook::Request&) { return access.user; };
    own.create_on_write = true;

    // The same books by their names, for the operator.
    addrbook::Options all;
    all.prefix = "/books/{book}/addresses";
    all.authorize =
        addrbook::bearer_tokens({{"operator", Role::admin, "", "keeper-of-all-the-keys"}});

    addrbook::Server server;
    addrbook::mount(server, books, std::move(own));
    addrbook::mount(server, books, std::move(all));
    const int port = server.bind("127.0.0.1", argc > 1 ? std::atoi(argv[1]) : 0);
    std::cout << "Listening on http://127.0.0.1:" << port << std::endl;
    addrbook::serve_until_signal(server);
    books->stop();
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "tenants: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
