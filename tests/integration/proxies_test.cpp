// A book behind proxies, over real sockets: what they say counts where they are trusted, and what
// clients send never does.

#include <addrbook/addrbook.hpp>
#include <addrbook/server.hpp>

#include <support/http_client.hpp>
#include <support/running.hpp>
#include <support/server_with_hooks.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using test::Connection;
using test::Running;
using test::ServerWithHooks;

const std::string ada = R"({"name":"Ada Lovelace"})";

addrbook::ServerOptions server_options(const std::vector<std::string>& trusted_proxies) {
  addrbook::ServerOptions options;
  options.trusted_proxies = trusted_proxies;
  return options;
}

template <class Server>
std::unique_ptr<Server> make_server(const addrbook::Options& options) {
  if constexpr (std::is_same_v<Server, addrbook::Server>) {
    auto of_server = server_options(options.trusted_proxies);
    of_server.log = options.log;
    return std::make_unique<Server>(std::move(of_server));
  } else {
    return std::make_unique<Server>();
  }
}

/// A book whose proxies are at `trusted_proxies`, and what it logs and asks.
template <class Server>
class Book {
 public:
  explicit Book(std::vector<std::string> trusted_proxies, std::string prefix = "/addresses") {
    addrbook::Options options;
    options.prefix = std::move(prefix);
    options.trusted_proxies = std::move(trusted_proxies);
    options.log = [this](const addrbook::LogRecord& record) {
      if (record.kind != addrbook::LogRecord::Kind::response) return;
      const std::lock_guard lock(mutex_);
      addresses_.emplace_back(record.ip);
    };
    options.authorize = [this](const addrbook::AccessRequest& request) {
      const std::lock_guard lock(mutex_);
      asked_ = std::string(request.request.remote_address);
      return addrbook::Access::allow();
    };
    server_ = make_server<Server>(options);
    if (options.prefix.find("{book}") == std::string::npos) {
      addrbook::mount(*server_, options);
    } else {
      addrbook::mount(*server_, std::make_shared<addrbook::Books>(), options);
    }
    running_ = std::make_unique<Running<Server>>(*server_);
  }

  [[nodiscard]] int port() const { return running_->port(); }
  test::Response ask(const std::string& method, const std::string& target,
                     const test::Headers& headers = {}, const std::string& body = {}) {
    return Connection(port()).request(method, target, headers, body);
  }
  /// The address in the log of a request with these fields, and what `authorize` got.
  std::string logged(const test::Headers& headers) {
    CHECK(ask("GET", "/addresses", headers).status == 200);
    running_->stop();  // a line may come after the answer
    const std::lock_guard lock(mutex_);
    REQUIRE(addresses_.size() == 1);
    CHECK(asked_ == addresses_.front());
    return addresses_.front();
  }
  std::string last_logged() {
    running_->stop();
    const std::lock_guard lock(mutex_);
    return addresses_.empty() ? "" : addresses_.back();
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> addresses_;
  std::string asked_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Running<Server>> running_;
};

}  // namespace

TEST_CASE_TEMPLATE("proxies: the client that a trusted one names is logged and authorized", Server,
                   ADDRBOOK_TEST_SERVERS) {
  const std::vector<std::string> trusted{"127.0.0.1", "10.0.0.0/8"};
  const auto logged = [&](const test::Headers& headers) {
    return Book<Server>(trusted).logged(headers);
  };
  CHECK(logged({}) == "127.0.0.1");
  CHECK(logged({{"x-forwarded-for", "198.51.100.7"}}) == "198.51.100.7");
  CHECK(logged({{"X-Forwarded-For", "203.0.113.9, 2001:db8::7, 10.1.2.3"}}) == "2001:db8::7");
  CHECK(logged({{"x-forwarded-for", "198.51.100.7, \"x\" status=200"}}) == "127.0.0.1");
  // Forwarded is not read, so that no client can choose which one counts.
  CHECK(logged({{"forwarded", "for=203.0.113.9"}}) == "127.0.0.1");
}

TEST_CASE_TEMPLATE("proxies: of two lines no client profits", Server, ADDRBOOK_TEST_SERVERS) {
  // The first is the client's, the second the proxy's. httplib does not keep their order.
  const std::string logged =
      Book<Server>({"127.0.0.1"})
          .logged({{"x-forwarded-for", "203.0.113.9"}, {"x-forwarded-for", "198.51.100.7"}});
  const bool has_order = std::is_same_v<Server, addrbook::Server>;
  CHECK(logged == (has_order ? "198.51.100.7" : "127.0.0.1"));
}

TEST_CASE_TEMPLATE("proxies: what others send does not count", Server, ADDRBOOK_TEST_SERVERS) {
  const test::Headers forged{{"x-forwarded-for", "203.0.113.9"},
                             {"x-forwarded-proto", "https"},
                             {"x-forwarded-prefix", "/evil"},
                             {"x-forwarded-host", "evil.example.com"},
                             {"forwarded", "for=203.0.113.9;proto=https;host=evil.example.com"}};
  for (const std::vector<std::string>& trusted :
       {std::vector<std::string>{}, std::vector<std::string>{"192.0.2.1", "::1"}}) {
    CHECK(Book<Server>(trusted).logged(forged) == "127.0.0.1");
    Book<Server> book(trusted);
    CHECK(book.ask("POST", "/addresses", forged, ada).header("location").rfind("/addresses/", 0) ==
          0);
    auto with_origin = forged;
    with_origin.emplace_back("origin", "http://localhost");
    CHECK(book.ask("POST", "/addresses", with_origin, ada).status == 201);
    CHECK(book.ask("GET", "/addresses?limit=1", forged).header("link").rfind("</addresses?", 0) ==
          0);
  }
}

TEST_CASE_TEMPLATE("proxies: the prefix stands before Location and Link, the scheme counts", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Book<Server> book({"127.0.0.1"});
  const test::Headers proxy{{"x-forwarded-prefix", "/outer/book"}, {"x-forwarded-proto", "https"}};
  auto created = book.ask("POST", "/addresses", proxy, ada);
  CHECK(created.status == 201);
  CHECK(created.header("location").rfind("/outer/book/addresses/", 0) == 0);
  auto wanted = proxy;
  wanted.emplace_back("prefer", "return=representation");
  created = book.ask("POST", "/addresses", wanted, ada);
  CHECK(created.header("content-location") == created.header("location"));
  CHECK(created.header("location").rfind("/outer/book/addresses/", 0) == 0);
  CHECK(book.ask("GET", "/addresses?limit=1", proxy)
            .header("link")
            .rfind("</outer/book/addresses?limit=1&cursor=", 0) == 0);
  // What no proxy removed, or what is no path, changes nothing.
  for (const std::string prefix :
       {"//evil.example.com", "https://evil.example.com", "/../a", "/"}) {
    CAPTURE(prefix);
    const auto answer = book.ask("POST", "/addresses", {{"x-forwarded-prefix", prefix}}, ada);
    CHECK(answer.header("location").rfind("/addresses/", 0) == 0);
  }
  auto page = proxy;
  page.emplace_back("origin", "http://localhost");
  CHECK(book.ask("POST", "/addresses", page, ada).status == 403);
  page.back().second = "https://localhost";
  CHECK(book.ask("POST", "/addresses", page, ada).status == 201);
}

TEST_CASE_TEMPLATE("proxies: the prefix stands before the paths of books", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Book<Server> book({"127.0.0.1"}, "/books/{book}/addresses");
  const test::Headers proxy{{"x-forwarded-prefix", "/outer"}};
  CHECK(book.ask("PUT", "/books/a", proxy).header("location") == "/outer/books/a");
  CHECK(book.ask("PUT", "/books/b").header("location") == "/books/b");
  CHECK(book.ask("POST", "/books/a/addresses", proxy, ada)
            .header("location")
            .rfind("/outer/books/a/addresses/", 0) == 0);
  CHECK(book.ask("GET", "/books?limit=1", proxy).header("link").rfind("</outer/books?limit=1", 0) ==
        0);
}

TEST_CASE("proxies: what a server of ours refuses is logged with the client, too") {
  const auto refused = [](const std::vector<std::string>& trusted) {
    Book<addrbook::Server> book(trusted);
    Connection connection(book.port());
    connection.send(
        "GET /addresses HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.7\r\n"
        "Content-Length: 1\r\nContent-Length: 2\r\n\r\n");
    CHECK(connection.read_response().status == 400);
    return book.last_logged();
  };
  CHECK(refused({"127.0.0.1"}) == "198.51.100.7");
  CHECK(refused({}) == "127.0.0.1");
}

TEST_CASE("proxies: what is no address is refused when the book is mounted") {
  httplib::Server plain;
  addrbook::Options options;
  options.trusted_proxies = {"proxy.example.com"};
  CHECK_THROWS_WITH(addrbook::mount(plain, options),
                    "'proxy.example.com' is no IP address, nor a range like 10.0.0.0/8");
  CHECK_THROWS_AS(addrbook::Server(server_options({"*"})), addrbook::Error);
}
