// The bundled server as a user meets it: a process with options, a config file, signals, a log.

#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using test::Connection;
using test::Process;
using test::ServerProcess;
using test::TempFolder;

const std::string& program = test::server_program;
const std::string address = R"({"name":"Ada Lovelace"})";

std::string write_file(const TempFolder& folder, const std::string& name, const std::string& text) {
  const auto path = folder.path() / name;
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

struct Ended {
  int status;
  std::string output;
  std::string errors;
};

Ended run(const std::vector<std::string>& options,
          const Process::Setting& setting = Process::Setting()) {
  std::vector<std::string> command{program};
  command.insert(command.end(), options.begin(), options.end());
  Process process(command, setting);
  Ended ended{0, process.read_output(), process.read_errors()};
  ended.status = process.wait();
  return ended;
}

}  // namespace

TEST_CASE("process: the life of an entry with the sample addresses") {
  ServerProcess server;
  CHECK(server.first_line() ==
        "Starting Address Book on http://127.0.0.1:" + std::to_string(server.port()) + " ...");
  test::check_life_cycle(server.port(), "/addresses");
  test::check_error(Connection(server.port()).request("GET", "/nope"), "GET", "/nope", 404,
                    "Unknown Endpoint");
}

TEST_CASE("process: SIGTERM and SIGINT end it with 0") {
  for (const int number : {SIGTERM, SIGINT}) {
    CAPTURE(number);
    ServerProcess server;
    Connection idle(server.port());
    REQUIRE(idle.request("GET", "/addresses").status == 200);
    server.signal(number);
    CHECK(server.wait() == 0);
    CHECK_THROWS(Connection(server.port()));
  }
}

TEST_CASE("process: a signal right after the start is not lost") {
  for (int i = 0; i < 10; ++i) {
    ServerProcess server;
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
  }
}

TEST_CASE("process: a request in flight at SIGTERM is completed") {
  ServerProcess server;
  Connection in_flight(server.port());
  in_flight.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                 std::to_string(address.size()) + "\r\nExpect: 100-continue\r\n\r\n");
  // Its 100 Continue shows that the request is being served.
  while (in_flight.unread().find("100 Continue") == std::string::npos) {
    REQUIRE(!in_flight.is_closed(std::chrono::milliseconds(10)));
  }
  Connection idle(server.port());
  REQUIRE(idle.request("GET", "/addresses").status == 200);
  server.signal(SIGTERM);
  CHECK(idle.is_closed());  // so it is stopping
  in_flight.send(address);
  CHECK(in_flight.read_response().status == 201);
  CHECK(server.wait() == 0);
}

TEST_CASE("process: half a request holds the end up for less than 2 s") {
  ServerProcess server;
  Connection half(server.port());
  half.send("GET /addresses HTTP/1.1\r\nHost:");
  REQUIRE(Connection(server.port()).request("GET", "/addresses").status == 200);
  const auto start = std::chrono::steady_clock::now();
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  // The read timeout is 5 s: that is what must not be waited for.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(4));
}

TEST_CASE("process: --help and --version") {
  const auto version = run({"--version"});
  CHECK(version.status == 0);
  CHECK(version.output == "addrbook-server 0.1.0\n");
  for (const std::string option : {"--help", "-h"}) {
    const auto help = run({option});
    CHECK(help.status == 0);
    for (const std::string name :
         {"-p,--port", "--host", "-c,--config", "-d,--debug", "--version", "--help"}) {
      CAPTURE(name);
      CHECK(help.output.find(name) != std::string::npos);
    }
  }
}

TEST_CASE("process: bad command lines exit 2 and say why") {
  for (const auto& options : std::vector<std::vector<std::string>>{{"--port", "65536"},
                                                                   {"--port", "-1"},
                                                                   {"--port", "http"},
                                                                   {"--port"},
                                                                   {"--bogus"},
                                                                   {"stray"}}) {
    CAPTURE(options.back());
    const auto ended = run(options);
    CHECK(ended.status == 2);
    CHECK(!ended.errors.empty());
    CHECK(ended.output.empty());
  }
}

TEST_CASE("process: a bad config exits 2 and names file, line and key") {
  TempFolder folder;
  const struct {
    const char* yaml;
    const char* place;
    const char* key;
  } cases[] = {
      {"service:\n  nmae: x\n", ":2:", "service.nmae"},
      {"http:\n  host: 127.0.0.1\n  port: http\n", ":3:", "http.port"},
      {"http:\n  port: [1]\n", ":2:", "http.port"},
      {"http:\n  port: 65536\n", ":2:", "http.port"},
      {"logging:\n  level: loud\n", ":2:", "logging.level"},
      {"logging:\n  file: /dev/null/addrbook.log\n", ":2:", "logging.file"},
      {"http:\n  prefix: addresses\n", ":2:", "http.prefix"},
      {"storage:\n  postgres: x\n", ":2:", "storage.postgres"},
      {"extra: 1\n", ":1:", "extra"},
      {"http: [\n", "", "not YAML"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.yaml);
    const auto file = write_file(folder, "bad config.yaml", each.yaml);
    const auto ended = run({"--port", "0", "--config", file});
    CAPTURE(ended.errors);
    CHECK(ended.status == 2);
    CHECK(ended.output.empty());
    CHECK(ended.errors.find(file + each.place) != std::string::npos);
    CHECK(ended.errors.find(each.key) != std::string::npos);
  }
  const auto missing = run({"-c", "/nonexistent/config.yaml"});
  CHECK(missing.status == 2);
  CHECK(missing.errors.find("/nonexistent/config.yaml") != std::string::npos);
  const auto environment = run({}, {{{"ADDRBOOK_HTTP_PORT", "many"}}, "/"});
  CHECK(environment.status == 2);
  CHECK(environment.errors.find("ADDRBOOK_HTTP_PORT") != std::string::npos);
}

TEST_CASE("process: a port in use exits 1 and says so") {
  ServerProcess first;
  const std::string port = std::to_string(first.port());
  const auto second = run({"--port", port});
  CHECK(second.status == 1);
  CHECK(second.output.empty());
  CHECK(second.errors.find("127.0.0.1:" + port) != std::string::npos);
  CHECK(second.errors.find("in use") != std::string::npos);
  CHECK(Connection(first.port()).request("GET", "/addresses").status == 200);
  CHECK(run({"--host", "256.256.256.256"}).status == 1);
}

TEST_CASE("process: settings come from the file, over it the environment, over that the options") {
  TempFolder folder;
  write_file(folder, "my.yaml",
             "service:\n  name: From The File\nhttp:\n  prefix: /file\n  port: 1\n"
             "logging:\n  file: server.log\n");
  // Paths are relative to the working directory.
  Process::Setting setting;
  setting.directory = folder.path().string();
  setting.environment = {{"ADDRBOOK_HTTP_PREFIX", "/environment"}, {"ADDRBOOK_HTTP_PORT", "2"}};
  ServerProcess server({"--config", "my.yaml"}, setting);
  CHECK(server.first_line().rfind("Starting From The File on http://127.0.0.1:", 0) == 0);
  CHECK(Connection(server.port()).request("GET", "/environment").status == 200);
  CHECK(Connection(server.port()).request("GET", "/file").status == 404);
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  const auto log = test::read_file(folder.path() / "server.log");
  CHECK(log.find("uri=/environment ") != std::string::npos);
  CHECK(server.read_errors().empty());
}

TEST_CASE("process: configs/addressbook-local.yaml is the default, where there is one") {
  Process::Setting setting;
  setting.directory = ADDRBOOK_SOURCE_DIR;
  ServerProcess in_the_tree({}, setting);
  CHECK(in_the_tree.first_line().rfind("Starting Address Book on", 0) == 0);
  TempFolder folder;
  std::filesystem::create_directory(folder.path() / "configs");
  write_file(folder, "configs/addressbook-local.yaml", "service:\n  name: Local\n");
  setting.directory = folder.path().string();
  ServerProcess elsewhere({}, setting);
  CHECK(elsewhere.first_line().rfind("Starting Local on", 0) == 0);
}

TEST_CASE("process: a log line a request, in logfmt") {
  ServerProcess server;
  Connection(server.port()).request("GET", "/addresses/x?secret=1", {{"x-request-id", "r-1"}});
  const auto line = server.read_error_line();
  REQUIRE(line);
  CAPTURE(*line);
  CHECK(line->rfind("time=20", 0) == 0);
  for (const std::string field :
       {" level=info ", " req_id=r-1 ", " method=GET ", " uri=/addresses/x ", " ip=127.0.0.1 ",
        " status=404 ", " time_ms=", " bytes=", " message=RESPONSE ",
        " reason=\"No such address: 'x'\""}) {
    CAPTURE(field);
    CHECK(line->find(field) != std::string::npos);
  }
  CHECK(line->find("secret") == std::string::npos);
  CHECK(line->find("trace=") == std::string::npos);
}

TEST_CASE("process: log lines in JSON, and levels") {
  {
    ServerProcess server({}, {{{"ADDRBOOK_LOGGING_FORMAT", "json"}}, "/"});
    Connection(server.port()).request("GET", "/addresses/x");
    const auto line = server.read_error_line();
    REQUIRE(line);
    const auto fields = nlohmann::json::parse(*line, nullptr, false);
    CAPTURE(*line);
    REQUIRE(fields.is_object());
    CHECK(fields["level"] == "info");
    CHECK(fields["status"] == 404);
    CHECK(fields["message"] == "RESPONSE");
    CHECK(fields["time"].get<std::string>().size() == 24);
  }
  ServerProcess server({}, {{{"ADDRBOOK_LOGGING_LEVEL", "error"}}, "/"});
  CHECK(server.first_line().rfind("Starting", 0) == 0);  // whatever the level
  Connection(server.port()).request("GET", "/addresses/x");
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  CHECK(server.read_errors().empty());
}

TEST_CASE("process: --debug adds a trace to errors and to the log, and nothing else") {
  ServerProcess plain;
  ServerProcess debug({"--debug"});
  for (const std::string body : {"{\"a\":}", "{}"}) {
    CAPTURE(body);
    auto without = Connection(plain.port()).request("POST", "/addresses", {}, body);
    auto with = Connection(debug.port()).request("POST", "/addresses", {}, body);
    CHECK(with.status == without.status);
    for (auto* response : {&without, &with}) {
      response->headers.erase("x-request-id");
      response->headers.erase("content-length");
      if (body == "{}") response->headers.erase("location");
      if (body == "{}") response->headers.erase("etag");
    }
    CHECK(with.headers == without.headers);
    if (body == "{}") continue;
    auto error = nlohmann::ordered_json::parse(with.body);
    REQUIRE(error["trace"].is_array());
    CHECK(error["trace"].size() == 2);  // the refusal, and why the scanner refused
    error.erase("trace");
    CHECK(error.dump() == without.body);
    const auto line = debug.read_error_line();
    REQUIRE(line);
    CHECK(line->find(" trace=") != std::string::npos);
    CHECK(plain.read_error_line()->find(" trace=") == std::string::npos);
  }
}

TEST_CASE("process: gzip both ways is on") {
  ServerProcess server;
  const std::string large = R"({"notes":")" + std::string(5000, 'x') + "\"}";
  const auto location =
      Connection(server.port()).request("POST", "/addresses", {}, large).header("location");
  const auto packed =
      Connection(server.port()).request("GET", location, {{"accept-encoding", "gzip"}});
  REQUIRE(packed.header("content-encoding") == "gzip");
  const auto again =
      Connection(server.port())
          .request("POST", "/addresses", {{"content-encoding", "gzip"}}, packed.body);
  REQUIRE(again.status == 201);
  CHECK(Connection(server.port()).request("GET", again.header("location")).body == large);
}

TEST_CASE("process: parallel writers lose nothing") {
  ServerProcess server;
  constexpr std::size_t writers = 4;
  constexpr int each = 40;
  std::vector<std::vector<std::string>> locations(writers);
  std::vector<std::string> failures(writers);
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < writers; ++w) {
    threads.emplace_back([&, w] {
      try {
        Connection connection(server.port());
        for (int i = 0; i < each; ++i) {
          const auto body =
              "{\"writer\":" + std::to_string(w) + ",\"n\":" + std::to_string(i) + "}";
          locations[w].push_back(
              connection.request("POST", "/addresses", {}, body).header("location"));
        }
      } catch (const std::exception& error) {
        failures[w] = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Connection connection(server.port());
  for (std::size_t w = 0; w < writers; ++w) {
    CHECK(failures[w].empty());
    REQUIRE(locations[w].size() == each);
    for (std::size_t i = 0; i < each; ++i) {
      CHECK(connection.request("GET", locations[w][i]).body ==
            "{\"writer\":" + std::to_string(w) + ",\"n\":" + std::to_string(i) + "}");
    }
  }
  const auto list = nlohmann::json::parse(connection.request("GET", "/addresses").body);
  CHECK(list.size() == writers * each);
}
