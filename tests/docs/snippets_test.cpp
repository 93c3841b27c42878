// Code that the pages show and no example holds.

#include <addrbook/addrbook.hpp>
#include <addrbook/book_store.hpp>
#include <addrbook/books.hpp>
#include <addrbook/csv.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/log_file.hpp>
#include <addrbook/schema.hpp>
#include <addrbook/serve.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/tokens.hpp>
#include <addrbook/vcard.hpp>

#include <support/addresses.hpp>
#include <support/crowd.hpp>
#include <support/http_client.hpp>
#include <support/process.hpp>
#include <support/running.hpp>

#include <doctest/doctest.h>

#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <streambuf>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

void use_a_book(std::ostream& out) {
  addrbook::Service book;  // in memory; it takes writes until stop()
  auto entry = book.create(nlohmann::json{{"name", "Ada Lovelace"}});
  entry = book.update(entry.id, addrbook::Document::parse(R"({"name": "Ada King", "born": 1815})"));
  for (const addrbook::Entry& each : book.list()) {
    out << each.id << ' ' << each.revision << ' ' << each.document.text() << '\n';
  }
  out << book.get(entry.id).document.json()["name"] << '\n';
  book.remove(entry.id);
  try {
    book.remove(entry.id);
  } catch (const addrbook::Error& error) {
    if (error.code() == addrbook::Errc::not_found) out << error.what() << '\n';
  }
}

void ask_a_book(const addrbook::Service& book, std::ostream& out) {
  addrbook::Query query;
  query.words = "ad lov";  // each begins a word of the address
  query.sort = addrbook::Query::Sort::name;
  std::optional<addrbook::Position> after;
  do {
    const addrbook::QueryPage page = book.list(query, {100}, after);
    for (const addrbook::Entry& each : page.entries) {
      out << addrbook::read_contact(each.document).name << '\n';
    }
    after = page.next;
  } while (after);
}

void copy_a_book(const addrbook::Service& book, std::map<std::string, addrbook::Entry>& copy) {
  std::optional<addrbook::ChangeToken> known;  // its text() can be kept for the next start
  for (bool more = true; more;) {
    const addrbook::Changes page = book.changes(known);
    if (page.is_expired) copy.clear();
    for (const addrbook::Change& change : page.changes) {
      if (change.entry) {
        copy.insert_or_assign(change.id, *change.entry);
      } else {
        copy.erase(change.id);
      }
    }
    more = page.more || page.is_expired;
    known = page.is_expired ? std::nullopt : std::optional(page.next);
  }
}

/// What another thread writes.
class Written : public std::streambuf {
 public:
  [[nodiscard]] std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    const std::lock_guard lock(mutex_);
    text_.append(data, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type c) override {
    const char character = traits_type::to_char_type(c);
    xsputn(&character, 1);
    return c;
  }

  std::mutex mutex_;
  std::string text_;
};

addrbook::Subscription follow_a_book(addrbook::Service& book, std::ostream& out) {
  auto following = book.on_change([&out](const addrbook::ChangeEvent& change) {
    if (change.missed_since) {
      out << "read on from " << change.missed_since->text() << '\n';  // by changes()
    } else if (!change.after) {
      out << change.before->document.text() << " was removed\n";
    } else {
      out << (change.before ? "changed: " : "new: ") << change.after->document.text() << '\n';
    }
  });
  return following;
}

void mount_with_everything(httplib::Server& server) {
  addrbook::Options options;
  options.coding = addrbook::gzip();
  options.authorize =
      addrbook::bearer_tokens({{"ada", addrbook::Token::Role::write, "", "correct-horse-battery"}});
  auto book = std::make_shared<addrbook::Service>(addrbook::open_sqlite("contacts.db"));
  addrbook::mount(server, book, options);
}

void write_several(addrbook::Service& book, std::ostream& out) {
  using addrbook::Document;
  book.create_many({Document::parse(R"({"name": "Ada"})"), Document::parse(R"({"name": "Bob"})")});
  addrbook::Batch batch;
  for (const addrbook::Entry& each : book.list()) {
    Document document = each.document;  // or what you make of it
    batch.writes.push_back(
        {each.id, document, {addrbook::Condition::Kind::at_revision, each.revision}});
  }
  const addrbook::CommitResult result = book.commit(std::move(batch));
  if (!result.done()) out << "write " << result.refused << " was not as expected\n";
}

/// @param users  by the SHA-256 of their tokens, as addrbook::hash_token() makes them
addrbook::Authorize known_users(std::map<std::string, std::string> users) {
  return [users = std::move(users)](const addrbook::AccessRequest& access) {
    const auto field = access.request.header("Authorization").value_or("");
    constexpr std::string_view scheme = "Bearer ";  // in any case (RFC 9110, 11.1)
    if (::strncasecmp(std::string(field).c_str(), scheme.data(), scheme.size()) != 0) {
      return addrbook::Access::unauthenticated(R"(Bearer realm="contacts")");
    }
    std::string hash;
    try {
      hash = addrbook::hash_token(std::string(field.substr(scheme.size())));
    } catch (const addrbook::Error&) {  // no token has this form, and no hash is ""
    }
    const auto user = users.find(hash);
    if (user == users.end()) {
      return addrbook::Access::unauthenticated(R"(Bearer realm="contacts", error="invalid_token")");
    }
    if (access.action == addrbook::Action::remove && user->second != "ada") {
      return addrbook::Access::forbid(user->second);
    }
    return addrbook::Access::allow(user->second);
  };
}

void mount_with_users(httplib::Server& server) {
  addrbook::Options options;
  options.authorize = known_users({{addrbook::hash_token("correct-horse-battery"), "ada"},
                                   {addrbook::hash_token("staple-of-the-house"), "bob"}});
  addrbook::LoggingOptions logging;
  logging.file = "app.log";
  const auto log = std::make_shared<addrbook::LogFile>(logging);  // for all threads
  options.log = [log](const addrbook::LogRecord& record) { log->write(record); };  // ... user=ada
  addrbook::mount(server, options);
}

std::shared_ptr<addrbook::Service> make_book_with_schema() {
  auto book = std::make_shared<addrbook::Service>(
      std::make_shared<addrbook::MemoryStore>(),
      std::vector{addrbook::json_schema("contact.schema.json")});
  return book;
}

std::shared_ptr<addrbook::Service> make_limited_book() {
  addrbook::ServiceOptions limits;
  limits.max_entries = 10'000;
  auto book = std::make_shared<addrbook::Service>(std::make_shared<addrbook::MemoryStore>(),
                                                  std::vector<addrbook::Validator>(), limits);
  return book;
}

void mount_with_formats(httplib::Server& server) {
  addrbook::Options options;
  options.formats = {addrbook::vcard(), addrbook::csv()};
  addrbook::mount(server, options);
}

void serve_until_told(int port) {
  addrbook::LoggingOptions logging;
  logging.file = "app.log";
  addrbook::LogFile log(logging);
  addrbook::Options options;
  options.log = [&log](const addrbook::LogRecord& record) { log.write(record); };
  addrbook::Server server;
  addrbook::mount(server, options);
  server.bind("127.0.0.1", port);
  addrbook::ServeHooks hooks;
  hooks.on_listening = [] { std::cout << "ready" << std::endl; };
  hooks.on_reload = [&log] { log.reopen(); };  // the old file was moved away
  addrbook::serve_until_signal(server, hooks);
}

void serve(addrbook::Server& server, int port) {
  addrbook::mount(server);
  server.bind("127.0.0.1", port);
  server.listen_after_bind();  // returns after stop(), which any thread may call
}

/// Books in several databases. The name of a book says in which.
class SpreadBooks final : public addrbook::BookStore {
 public:
  explicit SpreadBooks(std::vector<std::shared_ptr<addrbook::BookStore>> databases)
      : databases_(std::move(databases)) {}

 private:
  [[nodiscard]] addrbook::BookStore& of(std::string_view name) const {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same in every program, for ever
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return *databases_[hash % databases_.size()];
  }
  std::shared_ptr<addrbook::Store> do_open(std::string_view name) override {
    return of(name).open(name);
  }
  Created do_create(std::string_view name, std::uint64_t max_books) override {
    return of(name).create(name, max_books);  // the limit is that of each database
  }
  Removal do_remove(std::string_view name, const Condition& condition) override {
    return of(name).remove(name, condition);
  }
  [[nodiscard]] addrbook::BookList do_list(std::string_view after,
                                           std::size_t limit) const override {
    addrbook::BookList all;
    for (const auto& database : databases_) {
      auto part = database->list(after, limit);
      all.more = all.more || part.more;
      all.books.insert(all.books.end(), part.books.begin(), part.books.end());
    }
    std::sort(all.books.begin(), all.books.end(),
              [](const addrbook::BookInfo& one, const addrbook::BookInfo& other) {
                return one.name < other.name;
              });
    if (all.books.size() > limit) {
      all.books.resize(limit);
      all.more = true;
    }
    return all;
  }
  [[nodiscard]] addrbook::BookTotals do_totals() const override {
    addrbook::BookTotals sum;
    for (const auto& database : databases_) {
      const addrbook::BookTotals part = database->totals();
      sum.books += part.books;
      sum.entries += part.entries;
      sum.revisions += part.revisions;
    }
    return sum;
  }

  std::vector<std::shared_ptr<addrbook::BookStore>> databases_;
};

void mount_spread_books(httplib::Server& server, const std::vector<std::string>& files) {
  std::vector<std::shared_ptr<addrbook::BookStore>> databases;
  for (const std::string& file : files) {
    databases.push_back(addrbook::open_sqlite_books(file)->store());
  }
  addrbook::Options options;
  options.prefix = "/books/{book}/addresses";
  addrbook::mount(
      server, std::make_shared<addrbook::Books>(std::make_shared<SpreadBooks>(databases)), options);
}

void mount_books(httplib::Server& server) {
  auto books = addrbook::open_sqlite_books("contacts.db");
  addrbook::Options options;
  options.prefix = "/books/{book}/addresses";
  addrbook::mount(server, books, options);
}

void use_books(std::ostream& out) {
  const auto books = addrbook::open_sqlite_books("contacts.db");
  const auto ada = books->create("ada").book;  // opens it, if it is there
  ada->create(addrbook::Document::parse(R"({"name": "Grace Hopper"})"));
  if (books->find("bob") == nullptr) out << "no book of bob's\n";  // open("bob") would throw
  addrbook::BookList list;
  do {  // 100 at a time
    list = books->list(list.books.empty() ? "" : list.books.back().name);
    for (const addrbook::BookInfo& each : list.books) {
      out << each.name << ' ' << each.state.count << '\n';
    }
  } while (list.more);
  books->remove("ada");
}

}  // namespace

TEST_CASE("snippets: many books in one file, and spread over several") {
  const test::TempFolder folder;
  std::filesystem::current_path(folder.path());
  std::ostringstream out;
  use_books(out);
  CHECK(out.str() == "no book of bob's\nada 1\n");
  {
    httplib::Server server;
    mount_books(server);
    test::Running running(server);
    CHECK(test::Connection(running.port()).request("PUT", "/books/ada").status == 201);
  }
  httplib::Server server;
  mount_spread_books(server, {"1.db", "2.db", "3.db"});
  test::Running running(server);
  const auto ask = [&](const std::string& method, const std::string& target) {
    return test::Connection(running.port()).request(method, target);
  };
  std::string all = "[";
  for (int i = 100; i < 120; ++i) {
    const std::string name = "user-" + std::to_string(i);
    CHECK(ask("PUT", "/books/" + name).status == 201);
    CHECK(ask("PUT", "/books/" + name).status == 204);
    CHECK(ask("GET", "/books/" + name + "/addresses").body == "{}");
    all +=
        std::string(i == 100 ? "" : ",") + R"({"name":")" + name + R"(","count":0,"revision":0})";
  }
  CHECK(ask("GET", "/books").body == all + "]");
  CHECK(ask("GET", "/books?limit=3").header("link").find("cursor=") != std::string::npos);
  CHECK(ask("GET", "/books?limit=20").header("link").empty());
  CHECK(ask("DELETE", "/books/user-100").status == 204);
  CHECK(ask("GET", "/books/user-100/addresses").status == 404);
  for (const std::string file : {"1.db", "2.db", "3.db"}) {
    CHECK(std::filesystem::exists(folder.path() / file));
  }
  std::filesystem::current_path("/");
}

TEST_CASE("snippets: books in several databases are counted") {
  const std::vector<std::shared_ptr<addrbook::BookStore>> databases{
      std::make_shared<addrbook::MemoryBooks>(), std::make_shared<addrbook::MemoryBooks>()};
  addrbook::Books books(std::make_shared<SpreadBooks>(databases));
  for (int i = 0; i < 20; ++i) books.create("user-" + std::to_string(i));
  books.open("user-7")->create(addrbook::Document());
  CHECK(databases.front()->totals().books != 20);
  const addrbook::BookTotals totals = books.store()->totals();
  CHECK(totals.books == 20);
  CHECK(totals.entries == 1);
  CHECK(totals.revisions == 1);
}

TEST_CASE("snippets: a book without a server") {
  std::ostringstream out;
  use_a_book(out);
  const std::string text = out.str();
  CHECK(text.find(R"( 2 {"name":"Ada King","born":1815})") != std::string::npos);
  CHECK(text.find("\n\"Ada King\"\nNo such address: '") != std::string::npos);
}

TEST_CASE("snippets: a book is asked") {
  addrbook::Service book;
  for (int i = 0; i < 250; ++i) book.create(nlohmann::json{{"name", "Lovell Adams"}});
  book.create(nlohmann::json{{"name", "Ada Lovelace"}});
  book.create(nlohmann::json{{"name", "Ada King"}});
  std::ostringstream out;
  ask_a_book(book, out);
  const std::string text = out.str();
  CHECK(text.substr(0, 13) == "Ada Lovelace\n");
  CHECK(std::count(text.begin(), text.end(), '\n') == 251);
}

TEST_CASE("snippets: a book is followed") {
  addrbook::Service book;
  Written written;
  std::ostream out(&written);
  const auto following = follow_a_book(book, out);
  const std::string id = book.create(addrbook::Document::parse("{\"n\":1}")).id;
  book.update(id, addrbook::Document::parse("{\"n\":2}"));
  book.create(addrbook::Document::parse("{\"n\":3}"));
  book.remove(id);
  std::map<std::string, addrbook::Entry> copy;
  copy_a_book(book, copy);
  REQUIRE(copy.size() == 1);
  CHECK(copy.begin()->second.document.text() == "{\"n\":3}");
  CHECK(test::eventually(std::chrono::seconds(60), [&] {
    return written.text() ==
           "new: {\"n\":1}\nchanged: {\"n\":2}\nnew: {\"n\":3}\n{\"n\":2} was removed\n";
  }));
}

TEST_CASE("snippets: several writes at once") {
  addrbook::Service book;
  std::ostringstream out;
  write_several(book, out);
  CHECK(out.str() == "");
  CHECK(book.state().count == 2);
  CHECK(book.state().revision == 4);
}

TEST_CASE("snippets: a book in a file, with tokens, behind a server") {
  const test::TempFolder folder;
  std::filesystem::current_path(folder.path());
  httplib::Server server;
  mount_with_everything(server);
  CHECK(std::filesystem::exists(folder.path() / "contacts.db"));
  std::filesystem::current_path("/");
}

TEST_CASE("snippets: an authorization that reads a token") {
  const struct {
    std::string method;
    test::Headers fields;
    int status;
    std::string challenge;
    std::string user;
  } cases[] = {
      {"GET", {}, 401, R"(Bearer realm="contacts")", ""},
      {"GET", {{"Authorization", "Basic YWRhOmFkYQ=="}}, 401, R"(Bearer realm="contacts")", ""},
      {"GET", {{"Authorization", "Bearer "}}, 401, R"(Bearer realm="contacts")", ""},
      {"GET",
       {{"Authorization", "Bearer not-one-of-these"}},
       401,
       R"(Bearer realm="contacts", error="invalid_token")",
       ""},
      {"GET", {{"Authorization", "Bearer correct-horse-battery"}}, 200, "", "ada"},
      {"GET", {{"Authorization", "bearer staple-of-the-house"}}, 200, "", "bob"},
      {"DELETE", {{"Authorization", "Bearer staple-of-the-house"}}, 403, "", "bob"},
      {"DELETE", {{"Authorization", "Bearer correct-horse-battery"}}, 404, "", "ada"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.method);
    CAPTURE(each.status);
    const test::TempFolder folder;
    std::filesystem::current_path(folder.path());
    httplib::Server server;
    mount_with_users(server);
    std::filesystem::current_path("/");
    test::Running running(server);
    const std::string target = each.method == "GET" ? "/addresses" : "/addresses/x";
    const auto response =
        test::Connection(running.port()).request(each.method, target, each.fields);
    CHECK(response.status == each.status);
    CHECK(response.header("www-authenticate") == each.challenge);
    running.stop();                                                      // the record is written
    const std::string log = test::read_file(folder.path() / "app.log");  // of one request
    const auto at = log.find(" user=");
    CHECK((at == std::string::npos ? "" : log.substr(at)) ==
          (each.user.empty() ? "" : " user=" + each.user + "\n"));
  }
}

TEST_CASE("snippets: a book with a schema") {
  std::filesystem::current_path(ADDRBOOK_SOURCE_DIR "/configs");
  const auto book = make_book_with_schema();
  CHECK_THROWS_AS(book->create(nlohmann::json{{"name", 1}}), addrbook::InvalidAddress);
  CHECK_NOTHROW(book->create(nlohmann::json{{"name", "Ada"}}));
  std::filesystem::current_path("/");
}

TEST_CASE("snippets: a book with a limit") {
  CHECK_NOTHROW(make_limited_book()->create(nlohmann::json::object()));
}

TEST_CASE("snippets: a book with formats") {
  httplib::Server server;
  mount_with_formats(server);
  test::Running running(server);
  test::Connection connection(running.port());
  CHECK(connection.request("GET", "/addresses?format=csv").body.substr(0, 12) ==
        "\xEF\xBB\xBFUID,Name,");
  CHECK(connection.request("GET", "/addresses?format=vcf").status == 200);
  CHECK(connection.request("GET", "/addresses?format=json").status == 406);
}

TEST_CASE("snippets: a server until a signal, with a log that can be rotated") {
  const test::TempFolder folder;
  std::filesystem::current_path(folder.path());
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  std::cout.flush();  // or the child does
  const pid_t child = ::fork();
  if (child == 0) {  // which signals end
    ::dup2(ready[1], 1);
    addrbook::take_signals();
    serve_until_told(0);
    ::_exit(0);
  }
  ::close(ready[1]);
  std::string line(6, ' ');
  CHECK(::read(ready[0], line.data(), line.size()) == 6);
  CHECK(line == "ready\n");
  ::close(ready[0]);
  std::filesystem::rename("app.log", "app.log.1");
  ::kill(child, SIGHUP);
  CHECK(test::eventually(std::chrono::seconds(20),
                         [&] { return std::filesystem::exists(folder.path() / "app.log"); }));
  ::kill(child, SIGTERM);
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  std::filesystem::current_path("/");
}

TEST_CASE("snippets: the server that the library brings") {
  addrbook::Server server;
  std::thread listening([&] { serve(server, 0); });
  server.wait_until_ready();
  CHECK(server.is_running());
  server.stop();
  listening.join();
}
