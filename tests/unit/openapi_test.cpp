#include <addrbook/openapi.hpp>

#include <addrbook/books.hpp>
#include <addrbook/csv.hpp>
#include <addrbook/jscontact.hpp>
#include <addrbook/json_list.hpp>
#include <addrbook/memory_books.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/ndjson.hpp>
#include <addrbook/rest.hpp>
#include <addrbook/tokens.hpp>
#include <addrbook/vcard.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::openapi_document;
using addrbook::openapi_page;
using nlohmann::json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

using Route = addrbook::detail::Route;

const std::string of_many = "/books/{book}/addresses";

Options with_openapi(Options options = {}) {
  options.openapi = true;
  return options;
}

/// All that a mount can have.
Options full(const std::string& prefix) {
  Options options = with_openapi();
  options.prefix = prefix;
  options.formats = {addrbook::vcard(), addrbook::csv(), addrbook::ndjson(), addrbook::json_list(),
                     addrbook::jscontact()};
  options.coding = addrbook::gzip();
  options.authorize = [](const addrbook::AccessRequest&) { return Access::allow("ada"); };
  options.allowed_origins = {"https://app.example.com"};
  return options;
}

json document(const Options& options) {
  return json::parse(openapi_document(options));
}

/// What follows the reference, if it is one.
const json& resolved(const json& all, const json& value) {
  if (!value.contains("$ref")) return value;
  return all.at(json::json_pointer(value["$ref"].get<std::string>().substr(1)));
}

std::string lower(std::string_view text) {
  return addrbook::detail::lowercase(text);
}

std::set<std::string> names_of(const json& all, const json& operation, const std::string& in) {
  std::set<std::string> names;
  for (const json& each : operation.at("parameters")) {
    const json& parameter = resolved(all, each);
    if (parameter["in"] == in) CHECK(names.insert(parameter["name"]).second);
    CHECK_FALSE(parameter["description"].get<std::string>().empty());
    CHECK(parameter["schema"].is_object());
  }
  return names;
}

void check_references(const json& all, const json& part) {
  if (part.is_object() && part.contains("$ref")) {
    CAPTURE(part["$ref"]);
    CHECK(all.contains(json::json_pointer(part["$ref"].get<std::string>().substr(1))));
  }
  for (const json& each : part) {
    if (each.is_structured()) check_references(all, each);
  }
}

/// A mount of many books with one book `family`, which holds the address `ann`.
struct Library {
  std::shared_ptr<addrbook::Books> books =
      std::make_shared<addrbook::Books>(std::make_shared<addrbook::MemoryBooks>());
  Rest rest;

  explicit Library(Options options) : rest(test::make_rest(books, std::move(options))) {
    const auto book = books->create("family").book;
    static_cast<void>(
        book->create("ann", Document::parse(std::string(addrbook::detail::example_address))));
  }
};

/// The request of its curl line.
Ask example_of(const addrbook::detail::ApiOperation& operation) {
  std::string target = addrbook::detail::example_path(operation.path);
  if (!operation.about.query.empty()) target += "?" + std::string(operation.about.query);
  Ask asked = asking(std::string(operation.route->method), target);
  const std::string head(operation.about.head);
  if (!head.empty()) {
    const auto colon = head.find(": ");
    asked.headers.emplace_back(head.substr(0, colon), head.substr(colon + 2));
  }
  if (operation.has_body()) {
    asked.body = {std::string(operation.about.example)};
    const bool is_patch = operation.route->body == addrbook::detail::BodyKind::patch;
    asked.headers.emplace_back("Content-Type",
                               is_patch ? "application/merge-patch+json" : "application/json");
  }
  return asked;
}

/// The JSON with all that differs from run to run as it is in the examples.
json without_chance(json value) {
  if (value.is_object()) {
    for (const auto& name : {"created_at", "updated_at"}) {
      if (value.contains(name)) value[name] = "2026-11-25T15:40:00.123Z";
    }
    if (value.contains("next")) {
      const std::string token = value["next"];
      CHECK(token.size() > 16);
      value["next"] = "3224a52567036120" + token.substr(16);
    }
  }
  if (value.is_structured()) {
    for (json& each : value) each = without_chance(each);
  }
  return value;
}

}  // namespace

TEST_CASE("openapi: what is in the table is in the document, and nothing else is") {
  for (const bool is_full : {false, true}) {
    for (const std::string& prefix :
         {std::string("/addresses"), std::string("/v1/people"), of_many}) {
      for (const bool is_on : {false, true}) {
        CAPTURE(is_full);
        CAPTURE(prefix);
        Options options = is_full ? full(prefix) : Options();
        options.prefix = prefix;
        options.openapi = is_on;
        const json all = document(options);
        CHECK(all["openapi"] == "3.1.0");
        check_references(all, all);
        const bool is_many = prefix == of_many;
        const std::string root = is_many ? "/books" : prefix;
        std::size_t operations = 0;
        for (const Route& route : addrbook::detail::routes()) {
          if (route.scope == Route::Scope::collection && !is_many) continue;
          const std::string path =
              (route.scope == Route::Scope::book ? prefix : root) + std::string(route.path);
          CAPTURE(path);
          CAPTURE(route.method);
          const bool is_there =
              all["paths"].contains(path) && all["paths"][path].contains(lower(route.method));
          const bool is_served = route.is_on == nullptr || route.is_on(options);
          CHECK(is_there == is_served);
          if (!is_there) continue;
          ++operations;
          const json& operation = all["paths"][path][lower(route.method)];
          CHECK(operation["summary"] == std::string(route.text.summary()));
          std::set<std::string> query;
          for (const auto& each : route.parameters) query.emplace(each.name);
          if (is_full) {
            for (const auto& each : route.format_parameters) query.emplace(each.name);
          }
          CHECK(names_of(all, operation, "query") == query);
          CHECK(operation.contains("requestBody") ==
                (route.body != addrbook::detail::BodyKind::none));
          CHECK(operation.contains("security") == (is_full && route.action.has_value()));
          CHECK(operation["responses"].contains("401") == (is_full && route.action.has_value()));
        }
        std::size_t written = 0;
        std::set<std::string> ids;
        for (const json& path : all["paths"]) {
          written += path.size();
          for (const json& operation : path) CHECK(ids.insert(operation["operationId"]).second);
        }
        CHECK(written == operations);
      }
    }
  }
}

TEST_CASE("openapi: it names the formats, limits and rights of the mount") {
  Options options = full("/addresses");
  options.max_body_bytes = 1234567;
  options.max_import_bytes = 7654321;
  json all = document(options);
  CHECK(all["info"]["description"].get<std::string>().find("1,234,567") != std::string::npos);
  CHECK(all["info"]["description"].get<std::string>().find("7,654,321") != std::string::npos);
  const json& list = all["paths"]["/addresses"]["get"];
  const auto schema_of = [&](const std::string& name) {
    for (const json& each : list["parameters"]) {
      if (each.contains("name") && each["name"] == name) return each["schema"];
    }
    return json();
  };
  CHECK(schema_of("format")["enum"] == json{"csv", "jscontact", "json", "ndjson", "vcf"});
  CHECK(schema_of("version")["enum"] == json{"3.0", "4.0"});
  CHECK(list["responses"]["200"]["content"].contains("text/vcard"));
  CHECK(list["responses"].contains("406"));
  CHECK(all["paths"]["/addresses"]["post"]["requestBody"]["content"].contains("text/csv"));
  CHECK(list["description"].get<std::string>().find("right to read") != std::string::npos);
  CHECK(all["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer");

  options = Options();
  all = document(options);
  CHECK_FALSE(all["components"].contains("securitySchemes"));
  CHECK_FALSE(all["paths"]["/addresses"]["get"]["responses"].contains("406"));
  CHECK_FALSE(all["paths"]["/addresses"]["post"]["responses"].contains("207"));
  CHECK_FALSE(all["paths"]["/addresses"]["get"]["responses"].contains("404"));
  CHECK_FALSE(all["paths"]["/addresses"]["get"]["responses"].contains("403"));
  options.formats = {addrbook::csv()};  // which has no versions
  CHECK(document(options)["paths"]["/addresses"]["get"].is_object());
  options.allowed_hosts = {"book.example.com"};
  CHECK(document(options)["paths"]["/addresses"]["get"]["responses"].contains("403"));
  options.book = [](const Access& access, const addrbook::Request&) { return access.user; };
  CHECK(document(options)["paths"]["/addresses"]["get"]["responses"].contains("404"));
}

TEST_CASE("openapi: what it says of values is so") {
  const Book book;
  const std::string target = book.add();
  const json all = document(book.rest.options());
  const std::vector<std::pair<std::string, std::string>> paths{
      {"/addresses", "/addresses"}, {"/addresses/_changes", "/addresses/_changes"}};
  for (const auto& path : paths) {
    for (const json& each : all["paths"][path.first]["get"]["parameters"]) {
      if (!each.contains("in") || each["in"] != "query") continue;
      const json& schema = each["schema"];
      const auto status = [&](const std::string& value) {
        return get(book.rest, path.second + "?" + each["name"].get<std::string>() + "=" + value)
            .status;
      };
      CAPTURE(each["name"]);
      for (const json& value : schema.value("enum", json::array())) {
        CHECK(status(value.get<std::string>()) == 200);
      }
      if (schema.contains("enum")) CHECK(status("nonsense") == 400);
      if (schema.contains("maximum") && each["name"] != "wait") {
        const int most = schema["maximum"];
        CHECK(status(std::to_string(most)) == 200);
        CHECK(status(std::to_string(most + 1)) == 400);
        CHECK(status(std::to_string(schema["minimum"].get<int>() - 1)) == 400);
      }
      if (schema.contains("minLength")) CHECK(status("") == 400);
      if (schema.value("type", "") == "boolean") {
        CHECK(status("true") == 200);
        CHECK(status("yes") == 400);
      }
    }
  }
}

TEST_CASE("openapi: each example is what a mount answers") {
  Options options = full(of_many);
  const json all = document(options);
  for (const auto& operation : addrbook::detail::operations_of(options)) {
    CAPTURE(operation.about.id);
    const Library library(options);
    Ask asked = example_of(operation);
    if (operation.about.id == "replaceAddress") asked.target += "x";  // it creates
    const Answer answer = ask(library.rest, asked);
    CAPTURE(answer.body);
    CHECK(answer.status / 100 == 2);
    const json& documented =
        resolved(all, all["paths"][operation.path][lower(operation.route->method)]["responses"].at(
                          std::to_string(answer.status)));
    for (const auto& each : documented.value("content", json::object())) {
      if (!each.contains("example")) continue;
      CHECK(without_chance(json::parse(answer.body)) == each["example"]);
    }
  }
}

TEST_CASE("openapi: a curl line is a line of a shell for each operation") {
  for (const bool is_full : {false, true}) {
    Options options = is_full ? full("/addresses") : with_openapi();
    for (const auto& operation : addrbook::detail::operations_of(options)) {
      const std::string line = addrbook::detail::curl_line(operation, options);
      CAPTURE(line);
      CHECK(line.rfind("curl ", 0) == 0);
      CHECK(line.find('\n') == std::string::npos);
      CHECK(std::count(line.begin(), line.end(), '\'') % 2 == 0);
      CHECK((line.find("$TOKEN") != std::string::npos) == operation.is_guarded(options));
      CHECK(operation.about.example.find('\'') == std::string_view::npos);
    }
  }
}

TEST_CASE("openapi: the examples can be done in the order of the page, from an empty book on") {
  for (const std::string& prefix : {std::string("/addresses"), of_many}) {
    Options options = full(prefix);
    options.page = true;
    options.metrics = std::make_shared<addrbook::Metrics>();
    const auto books = std::make_shared<addrbook::Books>(std::make_shared<addrbook::MemoryBooks>());
    const auto service = std::make_shared<Service>(std::make_shared<FakeStore>());
    const Rest rest =
        prefix == of_many ? test::make_rest(books, options) : test::make_rest(service, options);
    for (int round = 0; round < 2; ++round) {
      for (const auto& operation : addrbook::detail::operations_of(options)) {
        CAPTURE(operation.about.id);
        const Answer answer = ask(rest, example_of(operation));
        CAPTURE(answer.body);
        CHECK(answer.status / 100 == 2);
      }
      if (prefix != of_many) break;  // what a batch has created is still there
    }
  }
}

TEST_CASE("openapi: it says where clients reach the mount, and believes only whom it may") {
  Options options = with_openapi();
  options.trusted_proxies = {"192.0.2.7"};
  const auto server = [](const Answer& answer) {
    return json::parse(answer.body)["servers"][0]["url"].get<std::string>();
  };
  const auto line = [](const Answer& answer) {
    const auto begin = answer.body.find("ADDRBOOK=") + 9;
    return answer.body.substr(begin, answer.body.find_first_of("<\n", begin) - begin);
  };
  const auto link = [](const Answer& answer) {
    const auto begin = answer.body.find("<a href=\"") + 9;
    return answer.body.substr(begin, answer.body.find('"', begin) - begin);
  };
  const std::string json_path = "/addresses/_openapi.json";
  const std::string page_path = "/addresses/_openapi";
  const Fields forwarded{{"Host", "book.example.com"},
                         {"X-Forwarded-Proto", "https"},
                         {"X-Forwarded-Prefix", "/contacts"}};
  const auto from = [](const Book& book, const std::string& address, const std::string& path,
                       const Fields& fields) {
    Ask asked = asking("GET", path, fields);
    asked.remote_address = address;
    return ask(book.rest, asked);
  };
  const Book any_host(options);
  options.allowed_hosts = {"book.example.com", "[::1]"};
  const Book book(options);

  const Answer proxied = from(book, "192.0.2.7", json_path, forwarded);
  CHECK(server(proxied) == "/contacts");
  CHECK(proxied.body == openapi_document(book.rest.options(), "/contacts"));
  const Answer page = from(book, "192.0.2.7", page_path, forwarded);
  CHECK(line(page) == "https://book.example.com/contacts");
  CHECK(link(page) == "/contacts/addresses/_openapi.json");
  CHECK(page.body ==
        openapi_page(book.rest.options(), "/contacts", "https://book.example.com/contacts"));

  // Of somebody else, and where it is no path.
  CHECK(server(from(book, "192.0.2.8", json_path, forwarded)) == "/");
  CHECK(line(from(book, "192.0.2.8", page_path, forwarded)) == "http://book.example.com");
  CHECK(link(from(book, "192.0.2.8", page_path, forwarded)) == json_path);
  for (const std::string prefix : {"", "/", "contacts", "//evil.example", "/a\"b", "/<b>",
                                   "/a/../b", "https://evil.example", "/a, /b", "/{server}"}) {
    CAPTURE(prefix);
    const Fields fields{{"Host", "book.example.com"}, {"X-Forwarded-Prefix", prefix}};
    CHECK(server(from(book, "192.0.2.7", json_path, fields)) == "/");
    CHECK(line(from(book, "192.0.2.7", page_path, fields)) == "http://book.example.com");
  }
  // The Host counts where it is one of the mount's names.
  CHECK(line(from(book, "", page_path, {{"Host", "BOOK.example.com:9000"}})) ==
        "http://book.example.com:9000");
  CHECK(line(from(book, "", page_path, {{"Host", "[::1]:9000"}})) == "http://[::1]:9000");
  CHECK(from(book, "", page_path, {{"Host", "evil.example"}}).status == 403);
  CHECK(line(from(any_host, "", page_path, {{"Host", "evil.example"}})) == "http://127.0.0.1:8080");
  CHECK(line(from(any_host, "192.0.2.7", page_path, forwarded)) ==
        "http://127.0.0.1:8080/contacts");
  Options local = with_openapi();
  local.loopback_hosts_only = true;
  const Book loopback(local);
  CHECK(line(from(loopback, "", page_path, {{"Host", "localhost:9000"}})) ==
        "http://localhost:9000");

  // Each has its own tag, and none but that is a match.
  for (const std::string& path : {json_path, page_path}) {
    CAPTURE(path);
    const std::string tag = from(book, "192.0.2.7", path, forwarded).header("ETag");
    Fields asked = forwarded;
    asked.emplace_back("If-None-Match", tag);
    CHECK(from(book, "192.0.2.7", path, asked).status == 304);
    CHECK(from(book, "192.0.2.8", path, asked).status == 200);
    asked[2].second = "/other";
    CHECK(from(book, "192.0.2.7", path, asked).status == 200);
  }
}

TEST_CASE("openapi: it is served where it is switched on, and nowhere else") {
  const Book off;
  for (const std::string path : {"/_openapi.json", "/_openapi"}) {
    check_error(get(off.rest, "/addresses" + path), "GET", "/addresses" + path, 404,
                "Unknown Endpoint");
    CHECK(send(off.rest, "POST", "/addresses" + path, "{}").status == 404);
  }
  const Book book(with_openapi(with_gzip()));
  const Answer answer = get(book.rest, "/addresses/_openapi.json");
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK(answer.body == openapi_document(book.rest.options()));
  check_common_headers(answer);
  const Answer page = get(book.rest, "/addresses/_openapi/");
  CHECK(page.status == 200);
  CHECK(page.header("Content-Type") == "text/html; charset=UTF-8");
  CHECK(page.body == openapi_page(book.rest.options()));
  for (const std::string path : {"/addresses/_openapi.json", "/addresses/_openapi"}) {
    CAPTURE(path);
    const std::string tag = get(book.rest, path).header("ETag");
    const Answer known = get(book.rest, path, {{"If-None-Match", tag}});
    CHECK(known.status == 304);
    CHECK(known.body.empty());
    CHECK(known.header("ETag") == tag);
    CHECK(get(book.rest, path, {{"If-None-Match", "\"x\""}}).status == 200);
    CHECK(get(book.rest, path, {{"If-Match", "\"x\""}}).status == 412);
    CHECK(get(book.rest, path + "?a=b").status == 400);
    CHECK(send(book.rest, "PUT", path, "{}").status == 405);
    const Answer packed = get(book.rest, path, {{"Accept-Encoding", "gzip"}});
    CHECK(packed.header("Content-Encoding") == "gzip");
    CHECK(packed.body.size() < 16384);
    CHECK(unpack(packed.body) == get(book.rest, path).body);
    CHECK(get(book.rest, path, {{"If-None-Match", packed.header("ETag")}}).status == 304);
  }
  const Library library(full(of_many));
  CHECK(get(library.rest, "/books/_openapi.json").status == 200);
  CHECK(get(library.rest, "/books/_openapi").status == 200);
  CHECK(get(library.rest, "/books/family/addresses/_openapi").status == 404);
}

TEST_CASE("openapi: it needs no token, but a host name of the server") {
  Options options = with_openapi();
  options.authorize = [](const addrbook::AccessRequest&) { return Access::forbid(); };
  options.allowed_hosts = {"book.example.com"};
  const Book book(options);
  for (const std::string path : {"/addresses/_openapi.json", "/addresses/_openapi"}) {
    CHECK(get(book.rest, path, {{"Host", "book.example.com"}}).status == 200);
    CHECK(get(book.rest, path, {{"Host", "evil.example"}}).status == 403);
  }
  CHECK(get(book.rest, "/addresses/_health", {{"Host", "evil.example"}}).status == 200);
}

TEST_CASE("openapi: the page may load its own style and nothing else") {
  const Book book(with_openapi());
  const Answer page = get(book.rest, "/addresses/_openapi");
  const auto hash = addrbook::detail::sha256(addrbook::detail::page_style);
  std::string hash_text(45, ' ');  // 44 characters of Base64 and a NUL
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(hash_text.data()), hash.data(),
                  static_cast<int>(hash.size()));
  hash_text.pop_back();
  // If this fails, the hash in openapi/style.hpp is to be this one.
  CHECK(page.header("Content-Security-Policy") ==
        "default-src 'none'; style-src 'sha256-" + hash_text +
            "'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  CHECK(page.body.find("<style>" + std::string(addrbook::detail::page_style) + "</style>") !=
        std::string::npos);
  for (const std::string text :
       {"<script", " style=\"", " src=", "http-equiv", "{{", "javascript:"}) {
    CAPTURE(text);
    CHECK(page.body.find(text) == std::string::npos);
  }
}

TEST_CASE("openapi: the page has every operation, parameter and status of the document") {
  for (const std::string& prefix : {std::string("/addresses"), of_many}) {
    const Options options = full(prefix);
    const std::string page = openapi_page(options);
    const json all = document(options);
    for (const json& path : all["paths"]) {
      for (const json& operation : path) {
        const std::string id = operation["operationId"];
        CAPTURE(id);
        const auto begin = page.find("id=\"" + id + "\"");
        REQUIRE(begin != std::string::npos);
        const std::string section = page.substr(begin, page.find("</section>", begin) - begin);
        for (const auto& name : names_of(all, operation, "query")) {
          CHECK(section.find("<dt><code>" + name + "</code>") != std::string::npos);
        }
        for (const auto& answer : operation["responses"].items()) {
          CHECK(section.find("<dt>" + answer.key() + " ") != std::string::npos);
        }
        const std::string line = operation["x-codeSamples"][0]["source"];
        CHECK(section.find(addrbook::detail::escaped_html(line)) != std::string::npos);
        CHECK(page.find("href=\"#" + id + "\"") != std::string::npos);
      }
    }
  }
}

TEST_CASE("openapi: texts become HTML without becoming markup") {
  CHECK(addrbook::detail::escaped_html("<a href=\"x\">&") == "&lt;a href=&quot;x&quot;&gt;&amp;");
  CHECK(addrbook::detail::marked_up("a `b<c` d") == "a <code>b&lt;c</code> d");
  CHECK(addrbook::detail::values_of(R"({"enum":["a","b"],"default":"a"})") ==
        "`a`, `b`; `a` without it.");
  CHECK(addrbook::detail::values_of(R"({"type":"integer","minimum":1,"maximum":9,"default":3})") ==
        "1 to 9; `3` without it.");
  CHECK(addrbook::detail::values_of(R"({"type":"boolean"})") == "`true`, `false`.");
  CHECK(addrbook::detail::values_of(R"({"type":"string"})").empty());
  CHECK(addrbook::detail::in_groups(0) == "0");
  CHECK(addrbook::detail::in_groups(1048576) == "1,048,576");
}
