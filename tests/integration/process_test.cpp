// The bundled server as a process: options, a config file, signals, a log.

#include <support/addresses.hpp>
#include <support/crowd.hpp>
#include <support/free_port.hpp>
#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>
#include <support/terminal.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using test::Connection;
using test::LoggedServer;
using test::Process;
using test::ServerProcess;
using test::TempFolder;
using test::Terminal;

const std::string& program = test::server_program;
const std::string address = R"({"name":"Ada Lovelace"})";

std::string write_file(const TempFolder& folder, const std::string& name, const std::string& text) {
  const auto path = folder.path() / name;
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
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
  Process process(command, test::in_memory(setting));
  Ended ended{0, process.read_output(), process.read_errors()};
  ended.status = process.wait();
  return ended;
}

}  // namespace

TEST_CASE("process: the sample addresses are created, read, changed and removed") {
  ServerProcess server;
  CHECK(server.first_line() ==
        "Serving Address Book on http://127.0.0.1:" + std::to_string(server.port()) + " ...");
  test::check_life_cycle(server.port(), "/addresses");
  test::check_error(Connection(server.port()).request("GET", "/nope"), "GET", "/nope", 404,
                    "Unknown Endpoint");
}

TEST_CASE("process: closed standard streams are opened on /dev/null first of all") {
  for (const std::string closing : {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"}) {
    CAPTURE(closing);
    const int port = test::free_port();
    Process server(
        {"/bin/sh", "-c", "exec \"$0\" \"$@\" " + closing, program, "--port", std::to_string(port)},
        test::in_memory());
    REQUIRE(test::eventually(std::chrono::seconds(20), [&] {
      try {
        return Connection(port).request("GET", "/addresses").status == 200;
      } catch (const std::runtime_error&) {
        return false;
      }
    }));
    const std::string files = "/proc/" + std::to_string(server.id()) + "/fd/";
    const std::pair<std::string, std::string> streams[] = {
        {"0", "<&-"}, {"1", " >&-"}, {"2", "2>&-"}};
    for (const auto& stream : streams) {
      if ((" " + closing).find(stream.second) == std::string::npos) continue;
      CAPTURE(stream.first);
      CHECK(std::filesystem::read_symlink(files + stream.first) == "/dev/null");
    }
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
  }
}

TEST_CASE("process: a second signal ends it at once") {
  for (const int number : {SIGTERM, SIGINT}) {
    CAPTURE(number);
    LoggedServer server(test::patient());
    Connection half(server.port());
    half.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{");
    Connection idle(server.port());
    REQUIRE(idle.request("GET", "/addresses").status == 200);
    server.process().signal(SIGTERM);
    CHECK(idle.is_closed());  // shows that the server is stopping
    server.process().signal(number);
    CHECK(server.process().wait() == 128 + number);
  }
}

TEST_CASE("process: SIGHUP and SIGUSR1 open the log file again, and end nothing") {
  LoggedServer server;
  Connection kept(server.port());
  REQUIRE(kept.request("GET", "/addresses").status == 200);
  const std::string old = server.log_file() + ".1";
  for (const int number : {SIGHUP, SIGUSR1}) {
    CAPTURE(number);
    std::filesystem::rename(server.log_file(), old);
    server.process().signal(number);
    REQUIRE(test::eventually(std::chrono::seconds(20), [&] {
      return std::filesystem::exists(server.log_file()) &&
             server.log().find("level=info message=SERVER reason=\"SIGHUP: log file reopened;") !=
                 std::string::npos;
    }));
    const std::string target = "/addresses/" + std::to_string(number);
    CHECK(kept.request("GET", target).status == 404);
    CHECK(server.log().find("uri=" + target + " ") != std::string::npos);
    CHECK(test::read_file(old).find(target) == std::string::npos);
  }
  CHECK(server.stop() == 0);
}

TEST_CASE("process: SIGHUP reads the tokens anew; those that are wrong are logged and not used") {
  TempFolder folder;
  const auto tokens = [](const std::string& text) {
    return "auth:\n  tokens:\n    - {name: ada, role: write, sha256: " + text + "}\n";
  };
  // The output of `printf %s writer-0123456789 | sha256sum`, and of reader-0123456789.
  const std::string first = "28c96510ee002d722a3959427a3a2c266fcee2da75b35da285634de3a563f783";
  const std::string second = "a0a62125c1103fb8468923c9027cc4902e430e1eb5278f53bf732a955e0c58d8";
  const auto file = write_file(folder, "tokens.yaml", "");
  LoggedServer server({}, {"--config", file});
  const auto status = [&](const std::string& token) {
    return Connection(server.port())
        .request("GET", "/addresses", {{"authorization", "Bearer " + token}})
        .status;
  };
  int reloads = 0;
  const auto reload = [&](const std::string& text) {
    write_file(folder, "tokens.yaml", text);
    server.process().signal(SIGHUP);
    ++reloads;
    REQUIRE(test::eventually(std::chrono::seconds(20), [&] {
      const std::string log = server.log();
      int count = 0;
      for (auto at = log.find("read again"); at != std::string::npos;
           at = log.find("read again", at + 1))
        ++count;
      return count == reloads;
    }));
  };
  CHECK(status("writer-0123456789") == 200);
  CHECK(status("reader-0123456789") == 200);  // everybody
  reload(tokens(first));
  CHECK(status("writer-0123456789") == 200);
  CHECK(status("reader-0123456789") == 401);
  reload(tokens(second));
  CHECK(status("writer-0123456789") == 401);
  CHECK(status("reader-0123456789") == 200);
  CHECK(server.log().find("not everything") == std::string::npos);
  reload(tokens("12"));
  CHECK(status("reader-0123456789") == 200);
  const std::string log = server.log();
  const auto failed = log.find("SIGHUP: not everything could be read again; the old values stay");
  REQUIRE(failed != std::string::npos);
  CHECK(log.find("log file reopened", log.find("auth.tokens: ")) == std::string::npos);
  CHECK(server.log().find("tokens.yaml:3: auth.tokens: ") != std::string::npos);
  reload("");  // would open the book to everybody
  CHECK(status("writer-0123456789") == 401);
  CHECK(status("reader-0123456789") == 200);
  std::filesystem::remove(file);
  server.process().signal(SIGHUP);
  ++reloads;
  CHECK(test::eventually(std::chrono::seconds(20), [&] {
    return server.log().find("tokens.yaml: the file can't be read: No such file") !=
           std::string::npos;
  }));
  CHECK(status("reader-0123456789") == 200);
  CHECK(server.stop() == 0);
}

TEST_CASE("process: a log that can't be written holds up neither requests nor the end") {
  TempFolder folder;
  const std::string pipe = (folder.path() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string file;
  SUBCASE("a pipe that nobody reads") {
    file = pipe;
  }
  SUBCASE("a full disk") {
    file = "/dev/full";
  }
  SUBCASE("standard error is a pipe that nobody empties") {}
  ServerProcess server({}, {{{"ADDRBOOK_LOGGING_FILE", file}}, "/"});
  Connection connection(server.port());
  constexpr int requests = 2000;  // more lines than a pipe holds
  for (int i = 0; i < requests; ++i) {
    REQUIRE(connection.request("GET", "/addresses").status == 200);
  }
  const auto start = std::chrono::steady_clock::now();
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
}

TEST_CASE("process: a log file in a folder that is not there is refused; a new one is private") {
  TempFolder folder;
  const auto file = [&](const std::string& name) { return (folder.path() / name).string(); };
  const auto refused =
      run({"--port", "0"}, {{{"ADDRBOOK_LOGGING_FILE", file("nowhere/a.log")}}, "/"});
  CHECK(refused.status == 2);
  CHECK(refused.errors.find("logging.file: can't write to '" + file("nowhere/a.log") +
                            "': No such file or directory") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "nowhere"));
  const ServerProcess server({}, {{{"ADDRBOOK_LOGGING_FILE", file("a.log")}}, "/"});
  struct stat status {};
  REQUIRE(::stat(file("a.log").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
}

TEST_CASE("process: localhost is both families, and IPv4 addresses are shown as such") {
  {
    ServerProcess server({"--host", "localhost"});
    CHECK(Connection(server.port()).request("GET", "/addresses").status == 200);
    CHECK(Connection(server.port(), AF_INET6).request("GET", "/addresses").status == 200);
  }
  for (const std::string host : {"[::1]", "127.1"}) {
    CAPTURE(host);
    ServerProcess server({"--host", host});
    const int family = host == "[::1]" ? AF_INET6 : AF_INET;
    CHECK(Connection(server.port(), family).request("GET", "/addresses").status == 200);
    CHECK(server.first_line().find("http://" + host + ":") != std::string::npos);
  }
  ServerProcess server({"--host", "::", "--insecure-no-auth"});
  Connection(server.port()).request("GET", "/addresses");
  CHECK(server.read_error_line()->find(" ip=127.0.0.1 ") != std::string::npos);
}

TEST_CASE("process: the limit of open files is spoken of at the start") {
  const auto command = [](const std::string& limit) {
    return std::vector<std::string>{"/bin/sh", "-c",
                                    "ulimit -n " + limit + " && exec \"$0\" \"$@\"", program};
  };
  ServerProcess few(command("500"), {}, {});
  auto warning = few.read_error_line();
  while (warning && warning->find("level=warning") == std::string::npos) {
    warning = few.read_error_line();  // what else the server says at its start
  }
  REQUIRE(warning);
  CHECK(warning->find("level=warning") != std::string::npos);
  CHECK(warning->find("max_connections is 10000") != std::string::npos);
  CHECK(warning->find("ulimit -n") != std::string::npos);
  auto words = command("12");
  words.insert(words.end(), {"--port", "0"});
  Process none(words, test::in_memory());
  CHECK(none.wait() == 1);
  CHECK(none.read_output().empty());
  CHECK(none.read_errors().find("(ulimit -n)") != std::string::npos);
}

TEST_CASE("process: / leads to the contacts page") {
  ServerProcess server({}, {{{"ADDRBOOK_HTTP_PREFIX", "/people"}}, "/"});
  const auto answer = Connection(server.port()).request("GET", "/");
  CHECK(answer.status == 303);
  CHECK(answer.header("location") == "people/_page");
  const auto page = Connection(server.port()).request("GET", "/people/_page");
  CHECK(page.status == 200);
  CHECK(page.body.find("vcf csv ndjson json jscontact") != std::string::npos);
}

TEST_CASE("process: / says what this is and where the book is, without the page") {
  ServerProcess server(
      {}, {{{"ADDRBOOK_HTTP_PREFIX", "/people"}, {"ADDRBOOK_HTTP_PAGE", "false"}}, "/"});
  const auto answer = Connection(server.port()).request("GET", "/");
  CHECK(answer.status == 200);
  const auto json = nlohmann::json::parse(answer.body);
  CHECK(json["name"] == "Address Book");
  CHECK(json["addresses"] == "/people");
  auto line = server.read_error_line();
  while (line && line->find("message=SERVER") != std::string::npos) line = server.read_error_line();
  REQUIRE(line);
  CHECK(line->find(" uri=/ ip=127.0.0.1 status=200 ") != std::string::npos);
  CHECK(Connection(server.port()).request("GET", "/people/_page").status == 404);
}

TEST_CASE("process: without memory there are 503s, and the server goes on") {
  if (test::is_sanitized) return;  // needs terabytes of addresses
  std::size_t used = 0;
  {
    ServerProcess server;
    Connection(server.port()).request("GET", "/addresses");
    used = test::status_kib(server.id(), "VmSize");
  }
  TempFolder folder;
  constexpr std::size_t spare_kib = std::size_t{12} * 1024;
  ServerProcess server(
      {"/bin/sh", "-c", "ulimit -v " + std::to_string(used + spare_kib) + " && exec \"$0\" \"$@\"",
       program},
      {}, {{{"ADDRBOOK_LOGGING_FILE", (folder.path() / "a.log").string()}}, "/"});
  const std::string large = R"({"notes":")" + std::string(200'000, 'x') + "\"}";
  int short_of_memory = 0;
  constexpr int max_rounds = 200;  // hundreds of MB
  for (int round = 0; round < max_rounds && short_of_memory < 100; ++round) {
    std::vector<std::thread> clients;
    std::vector<int> statuses(20);
    for (int& status : statuses) {
      clients.emplace_back([&] {
        try {
          status = Connection(server.port()).request("POST", "/addresses", {}, large).status;
        } catch (const std::runtime_error&) {  // an end without an answer
        }
      });
    }
    for (auto& client : clients) client.join();
    for (const int status : statuses) {
      CHECK((status == 0 || status == 201 || status == 503));
      if (status == 503) ++short_of_memory;
    }
  }
  CHECK(short_of_memory > 0);
  // The connections of the last round may still hold what is left.
  CHECK(test::eventually(std::chrono::seconds(10), [&] {
    return Connection(server.port()).request("GET", "/addresses/_health").status == 200;
  }));
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
}

TEST_CASE("process: SIGTERM and SIGINT end it with status 0") {
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
  in_flight.send("POST /addresses HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                 std::to_string(address.size()) + "\r\nExpect: 100-continue\r\n\r\n");
  // 100 Continue shows that the request is being served.
  while (in_flight.unread().find("100 Continue") == std::string::npos) {
    REQUIRE(!in_flight.is_closed(std::chrono::milliseconds(10)));
  }
  Connection idle(server.port());
  REQUIRE(idle.request("GET", "/addresses").status == 200);
  server.signal(SIGTERM);
  CHECK(idle.is_closed());  // shows that the server is stopping
  in_flight.send(address);
  CHECK(in_flight.read_response().status == 201);
  CHECK(server.wait() == 0);
}

TEST_CASE("process: half a request delays the end by less than the read timeout") {
  ServerProcess server;
  Connection half(server.port());
  half.send("GET /addresses HTTP/1.1\r\nHost:");
  REQUIRE(Connection(server.port()).request("GET", "/addresses").status == 200);
  const auto start = std::chrono::steady_clock::now();
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  // The read timeout is 5 s.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(4));
}

TEST_CASE("process: a client whose body does not arrive before the end is told to come again") {
  ServerProcess server;
  Connection half(server.port());
  half.send("POST /addresses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{");
  Connection idle(server.port());
  REQUIRE(idle.request("GET", "/addresses").status == 200);
  server.signal(SIGTERM);
  const auto response = half.read_response();
  CHECK(response.status == 503);
  CHECK(response.header("retry-after") == "1");
  CHECK(response.header("connection") == "close");
  CHECK(response.body.find("The server is stopping") != std::string::npos);
  CHECK(server.wait() == 0);
}

TEST_CASE("process: --help and --version") {
  const auto version = run({"--version"});
  CHECK(version.status == 0);
  CHECK(version.output == "addrbook-server 0.1.0\n");
  for (const std::string option : {"--help", "-h"}) {
    const auto help = run({option});
    CHECK(help.status == 0);
    for (const std::string name :
         {"-p,--port N ", "--host ADDRESS ", "-c,--config FILE ", "--backup FILE ",
          "--restore FILE ", "--import FILE ", "--export FILE ", "--format NAME ", "--book NAME ",
          "--on-conflict WHAT", "--dry-run", "-d,--debug", "--insecure-no-auth", "--version",
          "--help"}) {
      CAPTURE(name);
      CHECK(help.output.find(name) != std::string::npos);
    }
  }
}

TEST_CASE("process: the man page has the options of --help, with what they do") {
  using Options = std::map<std::string, std::string>;
  Options of_help;
  std::string name;
  for (const std::string& line : lines_of(run({"--help"}).output)) {
    if (line.rfind("  ", 0) != 0) continue;
    // What follows the name: which options exclude or need each other, then what it does.
    static const std::regex form(
        R"(  (-\S+?(?: [A-Z]+)?)(?::\{.*\})?(?: (?:Excludes|Needs): [- a-z]+?)?(?:  +(\S.*))?)");
    std::smatch found;
    if (std::regex_match(line, found, form)) {
      name = found[1];
      of_help[name] = found[2];
    } else if (!name.empty()) {
      of_help[name] = line.substr(line.find_first_not_of(' '));
    }
  }
  Options of_page;
  bool is_option = false;
  int line_of_option = -1;
  for (std::string line :
       lines_of(test::read_file(ADDRBOOK_SOURCE_DIR "/examples/server/addrbook-server.1"))) {
    if (line.rfind(".SH", 0) == 0) is_option = line == ".SH OPTIONS";
    if (!is_option) continue;
    line_of_option = line == ".TP" ? 0 : line == ".PP" ? -1 : line_of_option + 1;
    line = std::regex_replace(line, std::regex(R"(\\f[A-Z]|\\|"|^\.BR? )"), "");
    if (line_of_option == 1) name = std::regex_replace(line, std::regex(" , "), ",");
    if (line_of_option == 2) of_page[name] = line;
  }
  CHECK(of_help.size() > 10);
  CHECK(of_help == of_page);
}

TEST_CASE("process: bad command lines exit 2 and say why") {
  for (const auto& options : std::vector<std::vector<std::string>>{{"--port", "65536"},
                                                                   {"--port", "0x1F90"},
                                                                   {"--port", ""},
                                                                   {"--port", "-1"},
                                                                   {"--port", "http"},
                                                                   {"--port"},
                                                                   {"--bogus"},
                                                                   {"stray"}}) {
    CAPTURE(options.back());
    const auto ended = run(options);
    CAPTURE(ended.errors);
    CHECK(ended.status == 2);
    CHECK(ended.errors.rfind("addrbook-server: ", 0) == 0);
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
      {"service:\n  max_entries: many\n", ":2:", "service.max_entries"},
      {"http:\n  allowed_origins:\n    - https://app.example.com/\n",
       ":3:", "http.allowed_origins"},
      {"http:\n  allowed_hosts:\n    - localhost\n    - b:1\n", ":4:", "http.allowed_hosts"},
      {"auth:\n  tokens:\n    - {name: ada, role: read, sha256: 12}\n", ":3:", "auth.tokens"},
      {"tls:\n  key: server.key\n", ":2:", "tls.key"},
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
  const auto tokens = run({}, {{{"ADDRBOOK_AUTH_TOKENS", "ada:write:too-short-secret:x"}}, "/"});
  CHECK(tokens.status == 2);
  CHECK(tokens.output.empty());
  CHECK(tokens.errors.find("ADDRBOOK_AUTH_TOKENS: auth.tokens: item 1: ") != std::string::npos);
  CHECK(tokens.errors.find("secret") == std::string::npos);
}

TEST_CASE("process: a misspelled variable is named, and its value is not shown") {
  ServerProcess server({}, {{{"ADDRBOOK_AUTH_TOKEN", "ada:write:secret-0123456789"}}, "/"});
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  const std::string errors = server.read_errors();
  CHECK(errors.find("environment: ADDRBOOK_AUTH_TOKEN is not a setting") != std::string::npos);
  CHECK(errors.find("secret") == std::string::npos);
}

TEST_CASE(
    "process: what Kubernetes sets for a service, and a variable that is empty, are no settings") {
  ServerProcess server({}, {{{"ADDRBOOK_HTTP_PORT", "tcp://10.0.0.1:8080"},
                             {"ADDRBOOK_HTTP_PREFIX", ""},
                             {"ADDRBOOK_AUTH_TOKENS", ""}},
                            "/"});
  CHECK(Connection(server.port()).request("GET", "/addresses").status == 200);
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  const std::string errors = server.read_errors();
  CHECK(errors.find("environment: ADDRBOOK_HTTP_PORT (of Kubernetes) is not a setting") !=
        std::string::npos);
  CHECK(errors.find("10.0.0.1") == std::string::npos);
}

TEST_CASE("process: --port reads a number as the file does") {
  // Both take it as the decimal number; as an octal one it would be 8.
  const std::string port = std::to_string(test::free_port());
  Process server({program, "--port", "0" + port}, test::in_memory());
  const auto line = server.read_line();
  REQUIRE(line);
  CHECK(test::port_in(*line) == std::stoi(port));
}

TEST_CASE("process: settings that can't be looked at are not taken for none") {
  TempFolder folder;
  const std::string file = "configs/addressbook-local.yaml";
  SUBCASE("a link to nothing") {
    std::filesystem::create_directory(folder.path() / "configs");
    std::filesystem::create_symlink("nowhere", folder.path() / file);
  }
  SUBCASE("a folder that is a link to nothing") {
    std::filesystem::create_symlink("nowhere", folder.path() / "configs");
  }
  SUBCASE("a folder that may not be searched") {
    // Root may search all but a circle of links.
    std::filesystem::create_symlink("configs", folder.path() / "configs");
  }
  Process::Setting setting;
  setting.directory = folder.path().string();
  const auto ended = run({"--port", "0"}, setting);
  CHECK(ended.status == 2);
  CHECK(ended.output.empty());
  CHECK(ended.errors.find(file + ": the file can't be read: ") != std::string::npos);
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
  const auto unknown = run({"--insecure-no-auth", "--host", "256.256.256.256"});
  CHECK(unknown.status == 1);
  CHECK(unknown.errors.find("Name or service not known") != std::string::npos);
}

TEST_CASE("process: the environment overrides the file, and the command line overrides both") {
  TempFolder folder;
  write_file(folder, "my.yaml",
             "service:\n  name: From The File\nhttp:\n  prefix: /file\n  port: 1\n"
             "logging:\n  file: server.log\n");
  // Paths are relative to the working directory.
  Process::Setting setting;
  setting.directory = folder.path().string();
  setting.environment = {{"ADDRBOOK_HTTP_PREFIX", "/environment"}, {"ADDRBOOK_HTTP_PORT", "2"}};
  ServerProcess server({"--config", "my.yaml"}, setting);
  CHECK(server.first_line().rfind("Serving From The File on http://127.0.0.1:", 0) == 0);
  CHECK(Connection(server.port()).request("GET", "/environment").status == 200);
  CHECK(Connection(server.port()).request("GET", "/file").status == 404);
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  const auto log = test::read_file(folder.path() / "server.log");
  CHECK(log.find("uri=/environment ") != std::string::npos);
  CHECK(server.read_errors().empty());
}

TEST_CASE("process: configs/addressbook-local.yaml is read by default if it exists") {
  Process::Setting setting;
  setting.directory = ADDRBOOK_SOURCE_DIR;
  ServerProcess in_the_tree({}, setting);
  CHECK(in_the_tree.first_line().rfind("Serving Address Book on", 0) == 0);
  TempFolder folder;
  std::filesystem::create_directory(folder.path() / "configs");
  write_file(folder, "configs/addressbook-local.yaml", "service:\n  name: Local\n");
  setting.directory = folder.path().string();
  ServerProcess elsewhere({}, setting);
  CHECK(elsewhere.first_line().rfind("Serving Local on", 0) == 0);
}

TEST_CASE("process: each request has a log line, in logfmt") {
  ServerProcess server;
  Connection(server.port()).request("GET", "/addresses/x?&", {{"x-request-id", "r-1"}});
  const auto line = server.read_log_line();
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
  CHECK(line->find('?') == std::string::npos);
  CHECK(line->find("trace=") == std::string::npos);
  Connection(server.port()).request("GET", "/addresses/x?secret=1");
  const auto refused = server.read_log_line();
  REQUIRE(refused);
  CHECK(refused->find(" status=400 ") != std::string::npos);
  CHECK(refused->find("secret") == std::string::npos);
}

TEST_CASE("process: log lines in JSON, and the level") {
  {
    ServerProcess server({}, {{{"ADDRBOOK_LOGGING_FORMAT", "json"}}, "/"});
    Connection(server.port()).request("GET", "/addresses/x");
    const auto line = server.read_log_line();
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
  CHECK(server.first_line().rfind("Serving", 0) == 0);  // at any level
  Connection(server.port()).request("GET", "/addresses/x");
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  CHECK(server.read_errors().empty());
}

TEST_CASE("process: --debug adds only a trace, to errors and to the log") {
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
    // A line each for the refusal and for why the scanner refused.
    const auto trace = error["trace"].get<std::string>();
    CHECK(std::count(trace.begin(), trace.end(), '\n') == 1);
    error.erase("trace");
    CHECK(error.dump() == without.body);
    const auto line = debug.read_log_line();
    REQUIRE(line);
    CHECK(line->find(" trace=") != std::string::npos);
    CHECK(plain.read_log_line()->find(" trace=") == std::string::npos);
  }
}

TEST_CASE("process: bodies and answers may be compressed with gzip") {
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

TEST_CASE("process: other machines and proxies are served only with tokens or --insecure-no-auth") {
  // The port is in use, so that a host that is wrongly accepted fails with another status.
  ServerProcess first;
  const std::string port = std::to_string(first.port());
  for (const std::string host : {"0.0.0.0", "::", "256.256.256.256", "127.0.0.1.example.com"}) {
    CAPTURE(host);
    const auto refused = run({"--port", port, "--host", host});
    CHECK(refused.status == 2);
    CHECK(refused.output.empty());
    for (const std::string& word :
         {host, std::string("auth.tokens"), std::string("ADDRBOOK_AUTH_TOKENS"),
          std::string("--insecure-no-auth")}) {
      CHECK(refused.errors.find(word) != std::string::npos);
    }
    CHECK(run({"--port", port}, {{{"ADDRBOOK_HTTP_HOST", host}}, "/"}).status == 2);
  }
  const Process::Setting behind_proxy{{{"ADDRBOOK_HTTP_TRUSTED_PROXIES", "127.0.0.1"},
                                       {"ADDRBOOK_HTTP_ALLOWED_HOSTS", "book.example.com"}},
                                      "/"};
  const auto proxied = run({"--port", port}, behind_proxy);
  CHECK(proxied.status == 2);
  CHECK(proxied.output.empty());
  for (const std::string word :
       {"http.trusted_proxies", "auth.tokens", "ADDRBOOK_AUTH_TOKENS", "--insecure-no-auth"}) {
    CHECK(proxied.errors.find(word) != std::string::npos);
  }
  CHECK(run({"--port", port, "--insecure-no-auth"}, behind_proxy).status == 1);
  Process::Setting with_token = behind_proxy;
  with_token.environment.emplace_back("ADDRBOOK_AUTH_TOKENS", "ada:read:0123456789abcdef");
  CHECK(run({"--port", port}, with_token).status == 1);
  const std::string nowhere = "256.256.256.256";
  CHECK(run({"--insecure-no-auth", "--host", nowhere}).status == 1);
  CHECK(run({"--host", nowhere}, {{{"ADDRBOOK_AUTH_TOKENS", "ada:read:0123456789abcdef"}}, "/"})
            .status == 1);
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    CAPTURE(host);
    ServerProcess server({"--host", host});
    CHECK(Connection(server.port()).request("GET", "/addresses").status == 200);
  }
}

TEST_CASE("process: without a token the answer is 401, for writes by a reader 403") {
  TempFolder folder;
  // The output of `printf %s writer-0123456789 | sha256sum`.
  const auto file =
      write_file(folder, "tokens.yaml",
                 "auth:\n  tokens:\n    - name: ada\n      role: write\n      sha256: "
                 "28c96510ee002d722a3959427a3a2c266fcee2da75b35da285634de3a563f783\n");
  const std::string reader = "reader-0123456789";
  const struct {
    std::vector<std::string> options;
    Process::Setting setting;
    std::string token;
    std::string user;
    int read;
    int write;
  } cases[] = {
      {{"--config", file}, Process::Setting(), "writer-0123456789", "ada", 200, 201},
      {{"--config", file}, Process::Setting(), reader, "", 401, 401},
      // The list in the environment replaces that of the file.
      {{"--config", file, "--debug"},
       {{{"ADDRBOOK_AUTH_TOKENS", "grace:read:" + reader + ",eve:write:secret-0123456789"}}, "/"},
       reader,
       "grace",
       200,
       403},
      {{"--config", file, "--insecure-no-auth"}, Process::Setting(), "", "", 401, 401},
  };
  for (const auto& each : cases) {
    CAPTURE(each.token);
    ServerProcess server(each.options, each.setting);
    test::Headers headers;
    if (!each.token.empty()) headers.emplace_back("authorization", "Bearer " + each.token);
    Connection connection(server.port());
    const auto read = connection.request("GET", "/addresses", headers);
    const auto write = connection.request("POST", "/addresses", headers, address);
    CHECK(read.status == each.read);
    CHECK(write.status == each.write);
    CHECK(write.has("www-authenticate") == (each.write == 401));
    CHECK((write.body.find("Forbidden: this token may only read") != std::string::npos) ==
          (each.write == 403));
    const auto bare = Connection(server.port()).request("GET", "/addresses?token=" + reader);
    CHECK(bare.status == 401);
    CHECK(bare.header("www-authenticate") == "Bearer realm=\"addrbook\"");
    CHECK(Connection(server.port()).request("GET", "/addresses/_health").status == 200);
    CHECK(Connection(server.port()).request("OPTIONS", "/addresses").status == 204);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    const auto log = server.read_errors();
    CHECK((log.find(" user=" + each.user) != std::string::npos) == !each.user.empty());
    for (const std::string secret :
         {"writer-0123456789", "reader-0123456789", "secret-0123456789"}) {
      CHECK(log.find(secret) == std::string::npos);
    }
  }
}

TEST_CASE("process: a full book answers 507 until an entry is removed") {
  ServerProcess server({}, {{{"ADDRBOOK_SERVICE_MAX_ENTRIES", "2"}}, "/"});
  Connection connection(server.port());
  const auto first = connection.request("POST", "/addresses", {}, address);
  CHECK(connection.request("POST", "/addresses", {}, address).status == 201);
  test::check_error(connection.request("POST", "/addresses", {}, address), "POST", "/addresses",
                    507, "Insufficient Storage: the book may hold 2 addresses");
  const auto location = first.header("location");
  CHECK(connection.request("PUT", location, {}, "{}").status == 204);
  CHECK(connection.request("DELETE", location).status == 204);
  CHECK(connection.request("POST", "/addresses", {}, address).status == 201);
}

TEST_CASE("process: addresses fit the schema, or the client is told all that is wrong") {
  const std::string errors =
      R"("errors":[{"pointer":"/emails/0","reason":"must be an object or a string"},)"
      R"({"pointer":"/name","reason":"must be an object or a string"}]})";
  const std::string bad = R"({"name": 1, "emails": [2]})";
  const std::string schema = ADDRBOOK_SOURCE_DIR "/configs/contact.schema.json";
  SUBCASE("in one book") {
    ServerProcess server({}, {{{"ADDRBOOK_SERVICE_SCHEMA", schema}}, "/"});
    Connection connection(server.port());
    const auto created = connection.request("POST", "/addresses", {}, address);
    CHECK(created.status == 201);
    const auto location = created.header("location");
    const auto post = connection.request("POST", "/addresses", {}, bad);
    CHECK(post.status == 400);
    CHECK(post.body ==
          R"({"method":"POST","uri":"/addresses","code":400,)"
          R"("message":"Invalid address: '/emails/0' must be an object or a string",)" +
              errors);
    const auto put = connection.request("PUT", location, {}, bad);
    CHECK(put.status == 400);
    CHECK(put.body.find(errors) != std::string::npos);
    CHECK(connection.request("PUT", location, {}, R"({"name": "Ada"})").status == 204);
  }
  SUBCASE("in each of many") {
    ServerProcess server({}, {{{"ADDRBOOK_SERVICE_SCHEMA", schema},
                               {"ADDRBOOK_BOOKS_CREATE_ON_WRITE", "true"},
                               {"ADDRBOOK_HTTP_PREFIX", "/books/{book}/addresses"}},
                              "/"});
    Connection connection(server.port());
    const auto post = connection.request("POST", "/books/ada/addresses", {}, bad);
    CHECK(post.status == 400);
    CHECK(post.body.find(errors) != std::string::npos);
    CHECK(connection.request("GET", "/books/ada").status == 404);
    CHECK(connection.request("POST", "/books/ada/addresses", {}, address).status == 201);
  }
}

TEST_CASE("process: a schema that can't be used ends the start") {
  const TempFolder folder;
  const auto file = write_file(folder, "book.yaml", "service:\n  schema: contact.json\n");
  const auto ended = [&] {
    return run({"--port", "0", "--config", file}, {{}, folder.path().string()});
  };
  const std::string place = file + ":2: service.schema: contact.json: ";
  const auto missing = ended();
  CHECK(missing.status == 2);
  CHECK(missing.output.empty());
  CHECK(missing.errors ==
        "addrbook-server: " + place + "the file can't be read: No such file or directory\n");
  const struct {
    const char* text;
    const char* said;
  } cases[] = {
      {"{", "not JSON: unexpected end"},
      {R"({"$schema": "https://json-schema.org/draft/2020-12/schema"})", "$schema is 'https://"},
      {R"({"type": "strin"})", "not a JSON Schema of Draft 7: "},
      {R"({"items": {"$ref": "http://127.0.0.1:1/a"}})", "$ref 'http://127.0.0.1:1/a' leads out"},
      {R"({"pattern": "("})", "the pattern '(' can't be used: "},
  };
  for (const auto& each : cases) {
    CAPTURE(each.said);
    write_file(folder, "contact.json", each.text);
    const auto refused = ended();
    CAPTURE(refused.errors);
    CHECK(refused.status == 2);
    CHECK(refused.output.empty());
    CHECK(refused.errors.find(place + each.said) != std::string::npos);
  }
}

TEST_CASE("process: a terminal shows how far a migration is, a log does not") {
  const TempFolder folder;
  const std::string book = (folder.path() / "book.db").string();
  std::filesystem::copy_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v2.sqlite", book);
  Process::Setting setting;
  setting.environment.emplace_back("ADDRBOOK_STORAGE_SQLITE", book);
  const std::string progress = "Migrating to the tables of this version: ";
  SUBCASE("a terminal") {
    const Terminal terminal;
    ServerProcess server({"/bin/sh", "-c", "exec \"$0\" \"$@\" 2>" + terminal.name(), program}, {},
                         setting);
    const std::string shown = terminal.read();
    CHECK(shown.find("\r" + progress + "0 %\r" + progress + "100 %\r\n") != std::string::npos);
    CHECK(Connection(server.port()).request("GET", "/addresses").status == 200);
    // There is nothing to migrate any more.
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    terminal.read();
    const ServerProcess again({"/bin/sh", "-c", "exec \"$0\" \"$@\" 2>" + terminal.name(), program},
                              {}, setting);
    CHECK(terminal.read().find(progress) == std::string::npos);
  }
  SUBCASE("a pipe") {
    ServerProcess server({}, setting);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
    CHECK(server.read_errors().find(progress) == std::string::npos);
  }
}

TEST_CASE("process: many books, named by the path, with tokens for some of them") {
  const std::string admin = "admin-0123456789abcdef";
  const std::string family = "family-0123456789abcdef";
  std::string storage;
  SUBCASE("in memory") {
    storage = "{memory: }";
  }
  SUBCASE("in a file") {
    storage = "{sqlite: books.db}";
  }
  const TempFolder folder;
  const auto file = write_file(
      folder, "books.yaml",
      "http: {prefix: '/books/{book}/addresses'}\nbooks: {max_books: 2}\nstorage: " + storage +
          "\nauth:\n  tokens:\n"
          "    - name: root\n      role: admin\n      sha256: "
          "74a8c58723625f5c8923047f4d8d9feebdf2f87e752043466e1315dd9f4173d1\n"
          "    - name: clerk\n      role: write\n      books: [ada, none]\n      sha256: "
          "17f8bad1ee994ef94eb80ff3fb198b5ec3bfe4539329775bc0c3a355dedb2d15\n");
  Process server({program, "--port", "0", "--config", file}, {{}, folder.path().string()});
  const auto line = server.read_line();
  REQUIRE(line);
  const int port = test::port_in(*line);
  const auto ask = [&](const std::string& token, const std::string& method,
                       const std::string& target, const std::string& body = "") {
    return Connection(port).request(method, target, {{"authorization", "Bearer " + token}}, body);
  };
  CHECK(Connection(port).request("GET", "/").header("location") == "books/_page");
  CHECK(Connection(port).request("GET", "/books/_page").status == 200);
  CHECK(Connection(port).request("GET", "/books/_ready").status == 200);
  CHECK(Connection(port).request("GET", "/books").status == 401);
  CHECK(Connection(port).request("GET", "/addresses").status == 404);
  CHECK(ask(family, "PUT", "/books/ada").status == 403);
  CHECK(ask(admin, "PUT", "/books/ada").status == 201);
  CHECK(ask(family, "POST", "/books/ada/addresses", R"({"name":"Ada"})").status == 201);
  CHECK(ask(family, "POST", "/books/none/addresses", "{}").status == 404);
  CHECK(ask(admin, "PUT", "/books/bob").status == 201);
  CHECK(ask(admin, "PUT", "/books/eve").status == 507);
  CHECK(ask(admin, "GET", "/books").body == R"([{"name":"ada","count":1,"revision":1},)"
                                            R"({"name":"bob","count":0,"revision":0}])");
  CHECK(ask(family, "DELETE", "/books/ada").status == 403);
  CHECK(ask(admin, "DELETE", "/books/ada").status == 204);
  CHECK(ask(family, "GET", "/books/ada/addresses").status == 404);
  CHECK(ask(family, "GET", "/books/bob/addresses").status == 403);
  CHECK(ask(family, "GET", "/books").body == "[]");
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  CHECK(server.read_errors().find("user=clerk book=ada") != std::string::npos);
}

TEST_CASE("process: each token has a book of its own, and keeps it") {
  const TempFolder folder;
  Process::Setting setting;
  setting.directory = folder.path().string();
  setting.environment = {
      {"ADDRBOOK_BOOKS_OWN", "true"},
      {"ADDRBOOK_BOOKS_CREATE_ON_WRITE", "true"},
      {"ADDRBOOK_STORAGE_SQLITE", "books.db"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:write:ada-0123456789abcdef,bob:write:bob-0123456789abcdef"}};
  const auto ask = [](int port, const std::string& user, const std::string& method,
                      const std::string& target, const std::string& body = "") {
    return Connection(port).request(
        method, target, {{"authorization", "Bearer " + user + "-0123456789abcdef"}}, body);
  };
  std::string target;
  {
    ServerProcess server({}, setting);
    test::check_error(ask(server.port(), "ada", "GET", "/addresses"), "GET", "/addresses", 404,
                      "No such book: 'ada'");
    const auto made = ask(server.port(), "ada", "POST", "/addresses", R"({"name":"Ada"})");
    CHECK(made.status == 201);
    target = made.header("location");
    CHECK(target.rfind("/addresses/", 0) == 0);
    CHECK(ask(server.port(), "bob", "POST", "/addresses", "{}").status == 201);
    CHECK(ask(server.port(), "bob", "GET", target).status == 404);
    CHECK(Connection(server.port()).request("GET", target).status == 401);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
  }
  ServerProcess server({}, setting);
  CHECK(ask(server.port(), "ada", "GET", target).body == R"({"name":"Ada"})");
  CHECK(ask(server.port(), "bob", "GET", target).status == 404);
  CHECK(ask(server.port(), "bob", "GET", "/addresses").body.find("Ada") == std::string::npos);
}

TEST_CASE("process: the settings allow web pages and host names") {
  const std::string origin = "https://app.example.com";
  ServerProcess server({}, {{{"ADDRBOOK_HTTP_ALLOWED_ORIGINS", origin + ",http://localhost:3000"},
                             {"ADDRBOOK_HTTP_ALLOWED_HOSTS", "localhost,127.0.0.1"}},
                            "/"});
  Connection connection(server.port());
  const auto preflight = connection.request(
      "OPTIONS", "/addresses", {{"origin", origin}, {"access-control-request-method", "POST"}});
  CHECK(preflight.status == 204);
  CHECK(preflight.header("access-control-allow-origin") == origin);
  CHECK(preflight.header("access-control-allow-methods") == "GET, HEAD, OPTIONS, POST");
  CHECK(connection.request("POST", "/addresses", {{"origin", origin}}, address).status == 201);
  test::check_error(
      connection.request("POST", "/addresses", {{"origin", "https://evil.example"}}, address),
      "POST", "/addresses", 403, "Forbidden: a web page of another origin must not write");
  Connection rebound(server.port());
  rebound.send("GET /addresses HTTP/1.1\r\nHost: evil.example:" + std::to_string(server.port()) +
               "\r\n\r\n");
  test::check_error(rebound.read_response(), "GET", "/addresses", 403,
                    "Forbidden: Host is not a name of this server (see http.allowed_hosts)");
}

TEST_CASE("process: with the defaults a page can't reach the book under a name of its own") {
  const auto status = [](const ServerProcess& server, const std::string& target,
                         const std::string& host) {
    Connection connection(server.port());
    connection.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return connection.read_response().status;
  };
  ServerProcess server;
  const auto line = server.read_error_line();
  REQUIRE(line);
  CHECK(line->find("http.allowed_hosts") != std::string::npos);
  const std::string port = ":" + std::to_string(server.port());
  for (const std::string host : {"localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]"}) {
    CAPTURE(host);
    CHECK(status(server, "/addresses", host) == 200);
    CHECK(status(server, "/addresses", host + port) == 200);
    CHECK(status(server, "/", host) == 303);
  }
  for (const std::string host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                                 "localhost.", "0.0.0.0", "[::2]", "10.0.0.1"}) {
    CAPTURE(host);
    CHECK(status(server, "/addresses", host) == 403);
    CHECK(status(server, "/addresses", host + port) == 403);
    CHECK(status(server, "/", host) == 403);
    CHECK(status(server, "/addresses/_health", host) == 200);
    CHECK(status(server, "/addresses/_ready", host) == 200);
  }
  // Where a page is kept out otherwise, or is meant to be let in.
  const std::string token = "ada:write:0123456789abcdef";
  const ServerProcess with_tokens({}, {{{"ADDRBOOK_AUTH_TOKENS", token}}, "/"});
  CHECK(status(with_tokens, "/addresses", "book.example.com") == 401);
  const ServerProcess named({}, {{{"ADDRBOOK_HTTP_ALLOWED_HOSTS", "book.example.com"}}, "/"});
  CHECK(status(named, "/addresses", "book.example.com") == 200);
  CHECK(status(named, "/addresses", "localhost") == 403);
  const ServerProcess open({"--host", "0.0.0.0", "--insecure-no-auth"});
  CHECK(status(open, "/addresses", "book.example.com") == 200);
}

TEST_CASE("process: only web pages of the server's own origin may write") {
  ServerProcess server;
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  const auto status = [&](const std::string& origin) {
    Connection connection(server.port());
    connection.send("POST /addresses HTTP/1.1\r\nHost: " + host + "\r\nOrigin: " + origin +
                    "\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
    return connection.read_response().status;
  };
  CHECK(status("http://" + host) == 201);
  CHECK(status("http://127.0.0.1:1") == 403);
  CHECK(status("http://evil.example") == 403);
  CHECK(status("null") == 403);
}

TEST_CASE("process: no write of parallel writers is lost") {
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
