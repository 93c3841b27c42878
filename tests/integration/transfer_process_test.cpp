// --import and --export of the bundled server.

#include <support/http_client.hpp>
#include <support/process.hpp>
#include <support/server_process.hpp>
#include <support/terminal.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using test::Process;
using test::TempFolder;
using test::Terminal;

struct Ended {
  int status = 0;
  std::string output;
  std::string errors;
};

/// A book in a file of its own, and files to bring in.
class Folder {
 public:
  /// @param words  a command line, in which "server" is the program
  [[nodiscard]] Ended shell(const std::string& words) const {
    Process process(
        {"/bin/sh", "-c", "server() { exec \"$0\" \"$@\"; }; " + words, test::server_program},
        setting());
    Ended ended{0, process.read_output(), process.read_errors()};
    ended.status = process.wait();
    return ended;
  }
  [[nodiscard]] Ended run(const std::vector<std::string>& options) const {
    std::vector<std::string> command{test::server_program};
    command.insert(command.end(), options.begin(), options.end());
    Process process(command, setting());
    Ended ended{0, process.read_output(), process.read_errors()};
    ended.status = process.wait();
    return ended;
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  [[nodiscard]] Process::Setting setting() const {
    Process::Setting setting;
    setting.directory = folder_.path().string();
    setting.environment = environment;
    setting.environment.emplace_back("ADDRBOOK_STORAGE_SQLITE", path("book.db"));
    return setting;
  }

  std::vector<std::pair<std::string, std::string>> environment;

 private:
  TempFolder folder_;
};

const std::string both = "{\"name\":\"Ada Example\"}\n{\"name\":\"Bob Example\"}\n";

}  // namespace

TEST_CASE("transfer: a file comes in, and goes out again, with a report on standard error") {
  const Folder folder;
  folder.write("in.ndjson", both);
  const auto first = folder.run({"--import", "in.ndjson"});
  CHECK(first.status == 0);
  CHECK(first.output.empty());
  CHECK(first.errors == "Created: 2, updated: 0, skipped: 0, failed: 0\n");
  CHECK(folder.run({"--import", "in.ndjson"}).errors ==
        "Created: 0, updated: 0, skipped: 2, failed: 0\n");
  const auto out = folder.run({"--export", "out.jsonl"});
  CHECK(out.status == 0);
  CHECK(out.output.empty());
  CHECK(out.errors == "Exported: 2\n");
  CHECK(folder.read("out.jsonl") == both);
  // A file that is there stays.
  folder.write("kept.ndjson", "mine");
  const auto refused = folder.run({"--export", "kept.ndjson"});
  CHECK(refused.status == 2);
  CHECK(refused.errors == "addrbook-server: can't open 'kept.ndjson': File exists\n");
  CHECK(folder.read("kept.ndjson") == "mine");
}

TEST_CASE("transfer: pipes, with the format's name") {
  const Folder folder;
  folder.write("in", both);
  CHECK(folder.shell("server --import - --format ndjson -q < in").errors.empty());
  const auto out = folder.shell("server --export - --format ndjson");
  CHECK(out.output == both);
  CHECK(out.errors == "Exported: 2\n");
  CHECK(folder.shell("server --export - --format ndjson -q").errors.empty());
  CHECK(folder.shell("server --export - --format csv").output.find("Ada Example") !=
        std::string::npos);
  const auto full = folder.shell("server --export - --format ndjson > /dev/full");
  CHECK(full.status == 1);
  CHECK(full.errors == "addrbook-server: can't write '-': No space left on device\n");
}

TEST_CASE("transfer: what fails is told with its line, and the exit status is 1") {
  const Folder folder;
  folder.write("in.ndjson", "broken\n" + both);
  for (const std::string quiet : {"--import", "-q"}) {
    std::vector<std::string> options{"--import", "in.ndjson"};
    if (quiet == "-q") options.push_back(quiet);
    const auto ended = folder.run(options);
    CHECK(ended.status == 1);
    CHECK(ended.errors.find("failed: 1\nFailed, record 1, line 1: ") != std::string::npos);
  }
  CHECK(folder.shell("server --export - --format ndjson").output == both);
}

TEST_CASE("transfer: what is there is skipped, replaced or created again; a dry run does nothing") {
  const Folder folder;
  folder.write("old.ndjson", "{\"uid\":\"u\",\"n\":1}\n");
  folder.write("new.ndjson", "{\"uid\":\"u\",\"n\":2}\n");
  REQUIRE(folder.run({"--import", "old.ndjson"}).status == 0);
  CHECK(folder.run({"--import", "new.ndjson"}).errors ==
        "Created: 0, updated: 0, skipped: 1, failed: 0\n");
  CHECK(folder.run({"--import", "new.ndjson", "--on-conflict", "replace", "--dry-run"}).errors ==
        "Would be created: 0, updated: 1, skipped: 0, failed: 0\n");
  CHECK(folder.shell("server --export - --format ndjson").output == folder.read("old.ndjson"));
  CHECK(folder.run({"--import", "new.ndjson", "--on-conflict", "replace"}).errors ==
        "Created: 0, updated: 1, skipped: 0, failed: 0\n");
  CHECK(folder.run({"--import", "old.ndjson", "--on-conflict", "duplicate"}).errors ==
        "Created: 1, updated: 0, skipped: 0, failed: 0\n");
  CHECK(folder.shell("server --export - --format ndjson").output ==
        folder.read("new.ndjson") + folder.read("old.ndjson"));
}

TEST_CASE("transfer: one of many books, which an import makes") {
  Folder folder;
  folder.environment.emplace_back("ADDRBOOK_HTTP_PREFIX", "/books/{book}/addresses");
  folder.write("in.ndjson", both);
  CHECK(folder.run({"--export", "out.ndjson", "--book", "team"}).errors ==
        "addrbook-server: No such book: 'team'\n");
  CHECK_FALSE(std::filesystem::exists(folder.path("out.ndjson")));
  CHECK(folder.run({"--import", "in.ndjson", "--book", "team"}).status == 0);
  CHECK(folder.run({"--import", "in.ndjson", "--book", "home"}).status == 0);
  CHECK(folder.run({"--export", "out.ndjson", "--book", "team"}).status == 0);
  CHECK(folder.read("out.ndjson") == both);
  for (const auto& options :
       std::vector<std::vector<std::string>>{{}, {"--book", "a b"}, {"--book", ""}}) {
    std::vector<std::string> words{"--import", "in.ndjson"};
    words.insert(words.end(), options.begin(), options.end());
    CHECK(folder.run(words).status == 2);
  }
}

TEST_CASE("transfer: what can't be is refused with exit status 2") {
  const Folder folder;
  folder.write("in.ndjson", both);
  folder.write("in.txt", both);
  const std::vector<std::pair<std::vector<std::string>, std::string>> table{
      {{"--import", "in.txt"}, "the format of 'in.txt' is not known: give --format"},
      {{"--import", "in.txt", "--format", "docx"}, "there is no format 'docx'; there is vcf, csv"},
      {{"--import", "-"}, "the format of '-' is not known"},
      {{"--import", "absent.ndjson"}, "can't open 'absent.ndjson': No such file or directory"},
      {{"--import", "in.ndjson", "--book", "x"}, "--book: there is only one book"},
      {{"--import", "in.ndjson", "--on-conflict", "merge"}, "--on-conflict"},
      {{"--import", "in.ndjson", "--export", "out.csv"}, "excludes"},
      {{"--import", "in.ndjson", "--backup", "copy.db"}, "excludes"},
      {{"--export", "out.csv", "--dry-run"}, "--dry-run requires --import"},
      {{"--export", "out.csv", "--on-conflict", "skip"}, "--on-conflict requires --import"},
      {{"--format", "csv"}, "--format and --book are for --import and --export"},
      {{"--book", "x"}, "--format and --book are for --import and --export"},
  };
  for (const auto& row : table) {
    CAPTURE(row.second);
    const auto ended = folder.run(row.first);
    CHECK(ended.status == 2);
    CHECK(ended.errors.find("addrbook-server: ") == 0);
    CHECK(ended.errors.find(row.second) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.path("out.csv")));
  }
  Process in_memory({test::server_program, "--import", folder.path("in.ndjson")},
                    test::in_memory());
  CHECK(in_memory.read_errors().find("for a storage that stays") != std::string::npos);
  CHECK(in_memory.wait() == 2);
}

TEST_CASE("transfer: a terminal shows how far it is, and the report is clean") {
  const Folder folder;
  folder.write("in.ndjson", both);
  const Terminal terminal;
  CHECK(folder.shell("server --import in.ndjson 2> " + terminal.name()).status == 0);
  const std::string bytes = std::to_string(both.size()) + " bytes";
  const std::string full = "[" + std::string(40, '=') + "] 100 %, ";
  const std::string report = "\r\x1b[KCreated: 2, updated: 0, skipped: 0, failed: 0\r\n";
  CHECK(terminal.read() == "\r" + full + bytes + report);
  CHECK(folder.shell("cat in.ndjson | server --import - --format ndjson 2> " + terminal.name())
            .status == 0);
  CHECK(terminal.read() ==
        "\r" + bytes + "\r\x1b[KCreated: 0, updated: 0, skipped: 2, failed: 0\r\n");
  CHECK(folder.shell("server --export out.csv 2> " + terminal.name()).status == 0);
  CHECK(terminal.read() == "\r" + full + "2 contacts\r\x1b[KExported: 2\r\n");
  CHECK(folder.shell("server --import in.ndjson -q 2> " + terminal.name()).status == 0);
  CHECK(terminal.read().empty());
}

TEST_CASE("transfer: the server brings in and takes out all formats") {
  const Folder folder;
  const test::ServerProcess server({}, folder.setting());
  test::Connection connection(server.port());
  const auto in =
      connection.request("POST", "/addresses", {{"content-type", "application/x-ndjson"}}, both);
  CHECK(in.status == 200);
  CHECK(in.body.find("\"created\":2") != std::string::npos);
  CHECK(connection.request("GET", "/addresses?format=ndjson").body == both);
  const auto out = connection.request("GET", "/addresses", {{"accept", "text/csv"}});
  CHECK(out.status == 200);
  CHECK(out.header("content-disposition") == "attachment; filename=\"contacts.csv\"");
  CHECK(out.body.find("Ada Example") != std::string::npos);
  const std::string card = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Cy Example\r\nEND:VCARD\r\n";
  const std::string created = "{\"created\":1,\"updated\":0,\"skipped\":0,\"failed\":0,";
  const std::string skipped = "{\"created\":0,\"updated\":0,\"skipped\":1,\"failed\":0,";
  CHECK(connection.request("POST", "/addresses", {{"content-type", "text/vcard"}}, card)
            .body.rfind(created, 0) == 0);
  for (const std::string format : {"vcf", "csv", "jscontact"}) {
    CAPTURE(format);
    const auto cy = connection.request("GET", "/addresses?q=cy&format=" + format);
    CHECK(cy.status == 200);
    CHECK(connection.request("POST", "/addresses?format=" + format, {}, cy.body)
              .body.rfind(skipped, 0) == 0);
  }
  const auto list = connection.request("GET", "/addresses?format=json");
  CHECK(connection.request("POST", "/addresses?format=json", {}, list.body)
            .body.find("\"skipped\":3") != std::string::npos);
}
