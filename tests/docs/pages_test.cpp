// What the pages show is true: commands are run, code is compiled, settings are read.
//
// ```console  commands after "$ " and their output, run by console.hpp, or on the list below
// ```cpp      a verbatim part of a program that the build compiles
// ```cmake    a verbatim part of the project that the package tests build
// ```yaml     a file that parse_config() accepts
// ```text     a picture; on the list below

#include <docs/console.hpp>
#include <docs/page.hpp>

#include <addrbook/config.hpp>
#include <addrbook/formats/csv_columns.hpp>

#include <support/http_client.hpp>
#include <support/process.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using test::Block;
using test::Command;
using test::Page;

/// Commands, and first lines of pictures, that no test can run as they stand, and why. A comment
/// behind a command is not part of it.
const std::map<std::string, std::string> not_run{
    {"./examples/run-server.sh", "installs packages; the server it starts is the one tested here"},
    {"./tests/run.sh", "runs this test"},
    {"./tests/run.sh --suite unit", "builds; CI runs all suites"},
    {"./tests/run.sh --asan", "builds; CI runs the others of its kind"},
    {"./tests/fuzz/run.sh all 600", "takes an hour; the suite `fuzz` replays the corpus"},
    {"./tests/soak/run.sh", "takes 3 minutes"},
    {"./tests/clients/run.sh", "installs packages; CI runs it"},
    {"./tests/page/run.sh", "installs packages"},
    {"./tests/clients/proxied.sh", "installs packages; CI runs it"},
    {"npx openapi-typescript http://127.0.0.1:8080/addresses/_openapi.json -o api.d.ts",
     "needs npm; openapi/run.sh does it"},
    {"./tests/openapi/run.sh", "installs packages"},
    {"./tests/metrics/run.sh", "installs packages; CI runs it"},
    {"tests/package/bare_machine.sh", "needs root and a mirror of Debian"},
    {"tests/package/deb.sh", "needs root; CI runs it"},
    {"cmake/build.sh release addrbook-server && cpack --config build/release/CPackConfig.cmake -B "
     "build/debs",
     "builds; package/deb.sh packs, and does what the next seven do"},
    {"apt install ./build/debs/addrbook-server_*.deb", "as root"},
    {"systemctl enable --now addrbook-server", "as root"},
    {"systemctl enable --now addrbook-backup.timer", "as root"},
    {"systemctl start addrbook-backup && ls /var/lib/addrbook/backups", "as root"},
    {"systemctl stop addrbook-server", "as root"},
    {"cd /var/lib/addrbook && mkdir old && mv book.db* old/", "as root"},
    {"systemd-run --wait --pipe --uid=addrbook -p EnvironmentFile=-/etc/addrbook/environment -p "
     "WorkingDirectory=/var/lib/addrbook addrbook-server -c /etc/addrbook/server.yaml --restore "
     "backups/book-2026-11-25-033000.db",
     "as root"},
    {"systemctl start addrbook-server", "as root"},
    {".ci/run", "runs this test"},
    {"cmake/build.sh release && cmake --install build/release --prefix ~/addrbook",
     "builds; the suite `package` installs"},
    {"cmake --preset release -DADDRBOOK_BUILD_EXAMPLES=OFF && cmake --install build/release "
     "--prefix "
     "~/addrbook",
     "the suite `package` installs"},
    {"export PKG_CONFIG_PATH=~/addrbook/share/pkgconfig", "needs an installed package"},
    {"cmake/build.sh dev unit_tests", "builds; the build of this test used it"},
    {"cmake/build.sh release get_bench server_bench commit_bench growth_bench find_bench",
     "builds"},
    {"tests/bench/run.sh", "measures"},
    {"tests/bench/run.sh --quick", "installs packages; CI runs it"},
    {"build/release/tests/bench/find_bench", "measures"},
    {"build/release/tests/bench/get_bench 8 15 400 sqlite", "measures"},
    {"build/release/tests/bench/commit_bench 64", "measures"},
    {"build/release/tests/bench/growth_bench", "measures"},
    {"build/release/tests/bench/server_bench 64", "measures"},
    {"cmake --preset release -DADDRBOOK_BUILD_TESTS=ON && cmake --build --preset release",
     "builds"},
    {"export ADDRBOOK_SLOW_CLIENTS=3000 ADDRBOOK_SLOW_SECONDS=30", "for the next two"},
    {"build/release/tests/abuse/abuse_load_tests -tc='*slow readers*,*slow bodies*,*almost*,*of "
     "half heads*,*slow TLS*'",
     "measures"},
    {"build/release/tests/integration/postgresql_process_tests -tc='*wait for the database*'",
     "measures"},
    {"c++ -std=c++17 host.cpp $(pkg-config --cflags --libs addrbook zlib)",
     "needs an installed package; the suite `package` does it in pkg_config.cmake"},
    {"c++ -std=c++17 -DCPPHTTPLIB_OPENSSL_SUPPORT secure.cpp $(pkg-config --cflags --libs addrbook "
     "openssl)",
     "the same, for a program with TLS"},
    {"include/addrbook/", "a picture, checked below"},
};

/// What the programs named in not_run must exist for: their first word, if it is a path of ours.
bool exists(const std::string& command) {
  const std::string program = command.substr(0, command.find(' '));
  if (program.find('/') == std::string::npos || program.compare(0, 6, "build/") == 0) return true;
  return std::filesystem::exists(std::filesystem::path(ADDRBOOK_SOURCE_DIR) / program);
}

std::string without_comment(const std::string& command) {
  const std::string bare = command.substr(0, command.find(" #"));
  return bare.substr(0, bare.find_last_not_of(' ') + 1);
}

/// Whether `text` stands in the source with all of its lines moved right by the same distance.
bool is_part(const std::string& text, const std::string& source) {
  for (const char* const margin : {"", "  ", "    "}) {
    std::string moved;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      moved += (line.empty() ? "" : margin + line) + "\n";
    }
    if (("\n" + source).find("\n" + moved) != std::string::npos) return true;
  }
  return false;
}

bool is_part_of_any(const std::string& text, const std::vector<std::string>& files) {
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    return is_part(text, test::read_file(std::string(ADDRBOOK_SOURCE_DIR "/") + file));
  });
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + " ";
  return text;
}

/// The settings of a YAML file of two levels, "section.key" -> value.
std::map<std::string, std::string> settings_of(const std::string& yaml) {
  std::map<std::string, std::string> settings;
  std::string section;
  std::istringstream lines(yaml);
  const std::regex form("(  )?(?:# )?([a-z_0-9]+):(?: *| +([^#]*[^# ]) *)(?:#.*)?");
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, form)) continue;
    if (!found[1].matched && line[0] != '#') {
      section = found[2];
    } else if (found[1].matched) {
      settings[section + "." + found[2].str()] = found[3];
    }
  }
  return settings;
}

}  // namespace

TEST_CASE("pages: all are found") {
  std::set<std::string> names;
  for (const Page& page : test::pages()) names.insert(page.name);
  CHECK(names == std::set<std::string>{"CHANGELOG.md", "CONTRIBUTING.md", "README.md",
                                       "configs/README.md", "examples/README.md",
                                       "examples/changes.md", "examples/http.md",
                                       "examples/moving-in.md", "examples/page/README.md",
                                       "examples/scaling.md", "tests/bench/README.md"});
}

TEST_CASE("pages: every command gives the output that stands below it") {
  std::set<std::string> listed;
  for (const Page& page : test::pages()) {
    CAPTURE(page.name);
    test::Console console;
    for (const Block& block : page.blocks) {
      if (block.kind != "console") continue;
      console.start_block();
      for (const Command& command : test::commands_of(block.text)) {
        CAPTURE(command.line);
        const std::string name = without_comment(command.line);
        if (not_run.count(name) != 0) {
          listed.insert(name);
          CHECK(exists(name));
          continue;
        }
        CHECK(console.run(command) == "");
      }
    }
  }
  for (const Page& page : test::pages()) {
    for (const Block& block : page.blocks) {
      if (block.kind == "text") listed.insert(block.text.substr(0, block.text.find('\n')));
    }
  }
  for (const auto& each : not_run) {
    const std::string& name = each.first;
    CAPTURE(name);
    CHECK(listed.count(name) == 1);
  }
}

TEST_CASE("pages: all other blocks are compiled, built, read or listed") {
  const std::vector<std::string> programs{"examples/quickstart.cpp", "examples/embed.cpp",
                                          "examples/tenants.cpp", "tests/docs/snippets_test.cpp",
                                          "tests/package/stranger/host.cpp"};
  for (const Page& page : test::pages()) {
    for (const Block& block : page.blocks) {
      INFO(page.name, ":\n", block.text);
      if (block.kind == "cpp") {
        CHECK(is_part_of_any(block.text, programs));
      } else if (block.kind == "cmake") {
        CHECK(is_part_of_any(block.text, {"tests/package/stranger/CMakeLists.txt",
                                          "tests/package/fetcher/CMakeLists.txt"}));
      } else if (block.kind == "yaml") {
        CHECK_NOTHROW(static_cast<void>(addrbook::parse_config(block.text, page.name)));
      } else if (block.kind == "text") {
        CHECK(not_run.count(block.text.substr(0, block.text.find('\n'))) == 1);
      } else {
        CHECK(block.kind == "console");
      }
    }
  }
}

TEST_CASE("pages: links lead to files and headings that are there") {
  const std::regex link("\\]\\(([^)#:]*)(#[^)]*)?\\)");
  for (const Page& page : test::pages()) {
    const auto folder = (std::filesystem::path(ADDRBOOK_SOURCE_DIR) / page.name).parent_path();
    for (std::sregex_iterator at(page.text.begin(), page.text.end(), link), end; at != end; ++at) {
      INFO(page.name, ": ", at->str());
      const std::string target = (*at)[1];
      const std::string file = target.empty() ? std::string(ADDRBOOK_SOURCE_DIR "/") + page.name
                                              : (folder / target).string();
      CHECK(std::filesystem::exists(file));
      if (!(*at)[2].matched) continue;
      std::set<std::string> anchors;
      std::istringstream lines(test::read_file(file));
      for (std::string line; std::getline(lines, line);) {
        if (line[0] != '#') continue;
        std::string anchor;
        for (const char c : line.substr(line.find(' ') + 1)) {
          if (c == ' ') anchor += '-';
          if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-') {
            anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
          }
        }
        anchors.insert("#" + anchor);
      }
      CHECK(anchors.count((*at)[2]) == 1);
    }
  }
}

TEST_CASE("pages: the README is short, and its table of routes is what the server has") {
  const auto all = test::pages();
  const std::string& text = test::page(all, "README.md").text;
  CHECK(std::count(text.begin(), text.end(), '\n') <= 150);
  test::ServerProcess server;
  test::ServerProcess of_many({}, {{{"ADDRBOOK_HTTP_PREFIX", "/books/{book}/addresses"}}, "/"});
  const std::regex route("`([A-Z]+) (/[^`]*)`");
  int routes = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto cells = test::cells_of(line);
    std::smatch found;
    if (cells.empty() || !std::regex_match(cells[0], found, route)) continue;
    CAPTURE(line);
    const auto target = test::replaced(test::replaced(found[2], "<id>", "x"), "<book>", "x");
    const int port = target.rfind("/books", 0) == 0 ? of_many.port() : server.port();
    const auto allow = test::Connection(port).request("OPTIONS", target).header("allow");
    CHECK((", " + allow + ",").find(", " + found[1].str() + ",") != std::string::npos);
    ++routes;
  }
  CHECK(routes >= 11);
}

TEST_CASE("pages: configs/README.md has every setting with its default") {
  std::map<std::string, std::string> shown;
  const auto all = test::pages();
  std::istringstream lines(test::page(all, "configs/README.md").text);
  for (std::string line; std::getline(lines, line);) {
    const auto cells = test::cells_of(line);
    static const std::regex key("`([a-z]+\\.[a-z_0-9]+)`");
    std::smatch found;
    if (cells.size() < 2 || !std::regex_match(cells[0], found, key)) continue;
    CAPTURE(line);
    CHECK(shown.emplace(found[1], test::replaced(cells[1], "`", "")).second);
  }
  const auto settings =
      settings_of(test::read_file(ADDRBOOK_SOURCE_DIR "/configs/addressbook-local.yaml"));
  REQUIRE(settings.count("storage.memory") == 1);
  CHECK(settings.at("http.port") == "8080");
  for (const auto& setting : settings) {
    const std::string& key = setting.first;
    const std::string& value = setting.second;
    CAPTURE(key);
    CHECK(shown.count(key) == 1);
    // One of the storages; the others are examples.
    if (key.compare(0, 8, "storage.") != 0) CHECK(shown[key] == value);
  }
  CHECK(shown.size() == settings.size());
}

TEST_CASE("pages: moving-in.md has every column of a CSV that is written") {
  const auto all = test::pages();
  const std::string& text = test::page(all, "examples/moving-in.md").text;
  for (const auto& column : addrbook::detail::own_columns()) {
    if (column.slot != 0) continue;
    CAPTURE(column.name);
    const auto end = column.name.find(" - ");
    const bool is_there = text.find("`" + column.name + "`") != std::string::npos;
    CHECK((is_there || (end != std::string::npos &&
                        text.find("`" + column.name.substr(end + 1) + "`") != std::string::npos)));
  }
}

TEST_CASE("pages: configs/README.md has every option of the server program") {
  const auto all = test::pages();
  const std::string& text = test::page(all, "configs/README.md").text;
  test::Process help(std::vector<std::string>{ADDRBOOK_EXAMPLES_DIR "/addrbook-server", "--help"});
  const std::string shown = help.read_output();
  CHECK(help.wait() == 0);
  const std::regex option("--[a-z-]+");
  std::set<std::string> options;
  for (std::sregex_iterator at(shown.begin(), shown.end(), option), end; at != end; ++at) {
    options.insert(at->str());
  }
  CHECK(options.size() >= 15);
  for (const std::string& name : options) {
    CAPTURE(name);
    const std::regex row(R"(\n\|[^|]*`)" + name + "[` ]");
    CHECK(std::regex_search(text, row));
  }
}

TEST_CASE("pages: CONTRIBUTING.md's picture of the house has every door and room") {
  const auto all = test::pages();
  std::string picture;
  for (const Block& block : test::page(all, "CONTRIBUTING.md").blocks) {
    if (block.kind == "text") picture += block.text;
  }
  const std::filesystem::path house = ADDRBOOK_SOURCE_DIR "/include/addrbook";
  std::set<std::string> words;
  std::istringstream stream(picture);
  for (std::string word; stream >> word;) words.insert(word);
  for (const auto& entry : std::filesystem::directory_iterator(house)) {
    std::string name = entry.path().stem().string();
    if (entry.is_directory()) name += '/';
    CAPTURE(name);
    CHECK(words.count(name) == 1);
  }
  for (const std::string& word : words) {
    CAPTURE(word);
    if (word.back() == '/' && word != "include/addrbook/") {
      CHECK((std::filesystem::exists(house / word) ||
             std::filesystem::exists(std::string(ADDRBOOK_SOURCE_DIR "/") + word)));
    }
  }
}

TEST_CASE("pages: the reference has every member, with its default") {
  const auto all = test::pages();
  // Of each type the names and the rows, as the page has them.
  std::map<std::string, std::set<std::string>> named;
  std::map<std::string, std::map<std::string, std::string>> rows;
  const std::regex name("`([a-z_0-9]+)(?:\\([a-z]*\\))?`");
  std::string type;
  std::istringstream lines(test::page(all, "examples/README.md").text);
  for (std::string line; std::getline(lines, line);) {
    const auto cells = test::cells_of(line);
    static const std::regex head("`([A-Z][A-Za-z]+)`");
    std::smatch found;
    if (cells.size() < 2) {
      type.clear();
    } else if (type.empty()) {
      type = std::regex_match(cells[0], found, head) ? found[1].str() : "no type";
    } else {
      for (std::sregex_iterator at(cells[0].begin(), cells[0].end(), name), end; at != end; ++at) {
        CHECK(named[type].insert((*at)[1]).second);
      }
      rows[type][cells[0]] = cells[1];
    }
  }
  const std::map<std::string, std::string> declared_in{{"Options", "options.hpp"},
                                                       {"ServerOptions", "options.hpp"},
                                                       {"Errc", "error.hpp"},
                                                       {"AccessRequest", "authorization.hpp"},
                                                       {"LogRecord", "log.hpp"},
                                                       {"Access", "authorization.hpp"},
                                                       {"ServiceOptions", "options.hpp"},
                                                       {"LoggingOptions", "options.hpp"},
                                                       {"Token", "options.hpp"}};
  const std::regex member(
      "\n  (?:[^ \n/][^\n/;=]*[ >&])?([a-z_0-9]+)(?: = [^\n;]*|\\{[^\n;]*\\})?[;,]");
  const std::regex function("\n  \\[\\[nodiscard\\]\\] static [A-Za-z]+ ([a-z_0-9]+)\\(");
  for (const auto& each : declared_in) {
    CAPTURE(each.first);
    const std::string text =
        test::read_file(ADDRBOOK_SOURCE_DIR "/include/addrbook/" + each.second);
    const std::regex definition("\n(?:struct|enum class) " + each.first + " \\{");
    std::smatch begin;
    REQUIRE(std::regex_search(text, begin, definition));
    const auto from = static_cast<std::size_t>(begin.position() + begin.length());
    const std::string body = text.substr(from, text.find("\n};", from) - from);
    std::set<std::string> declared;
    for (const std::regex& form : {member, function}) {
      for (std::sregex_iterator at(body.begin(), body.end(), form), end; at != end; ++at) {
        declared.insert((*at)[1]);
      }
    }
    CHECK(joined(named[each.first]) == joined(declared));
  }

  const auto seconds = [](std::chrono::milliseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
  };
  const auto mebibytes = [](std::size_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; };
  const addrbook::Options options;
  const addrbook::ServerOptions server;
  const std::map<std::string, std::map<std::string, std::string>> defaults{
      {"Options",
       {{"`prefix`", "`" + options.prefix + "`"},
        {"`debug`", options.debug ? "`true`" : "`false`"},
        {"`max_body_bytes`", mebibytes(options.max_body_bytes)},
        {"`max_concurrent_writes`", std::to_string(options.max_concurrent_writes)},
        {"`body_timeout`", seconds(options.body_timeout)},
        {"`answer_timeout`", seconds(options.answer_timeout)}}},
      {"ServerOptions",
       {{"`header_timeout`", seconds(server.header_timeout)},
        {"`body_timeout`, `answer_timeout`",
         seconds(server.body_timeout) + ", " + seconds(server.answer_timeout)},
        {"`read_timeout`, `write_timeout`",
         seconds(server.read_timeout) + ", " + seconds(server.write_timeout)},
        {"`keep_alive_timeout`", seconds(server.keep_alive_timeout)},
        {"`stop_grace`, `stop_timeout`",
         seconds(server.stop_grace) + ", " + seconds(server.stop_timeout)},
        {"`max_connections`", std::to_string(server.max_connections)},
        {"`max_threads`", std::to_string(server.max_threads)},
        {"`max_buffered_bytes`", mebibytes(server.max_buffered_bytes)},
        {"`hooks_see_books`", server.hooks_see_books ? "`true`" : "`false`"}}}};
  for (const auto& each : defaults) {
    for (const auto& member_of_it : each.second) {
      CAPTURE(member_of_it.first);
      CHECK(rows[each.first][member_of_it.first].find("(" + member_of_it.second + ")") !=
            std::string::npos);
    }
  }
}
