// The bundled server and its SQLite file: acknowledged writes survive a kill and a full disk.

#include <support/addresses.hpp>
#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <nlohmann/json.hpp>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using json = nlohmann::ordered_json;  // whose dump() is the text that was sent
using test::Connection;
using test::LoggedServer;
using test::Process;
using test::Response;
using test::TempFolder;

namespace fs = std::filesystem;

test::Settings over(const std::string& path) {
  return {{"storage.sqlite", path}};
}

Response request(const LoggedServer& server, const std::string& method, const std::string& target,
                 const std::string& body = {}) {
  return Connection(server.port()).request(method, target, {}, body);
}

/// The result of a run of the server's program that does not serve.
struct Ended {
  int status;
  std::string errors;
  std::string output;
};
/// @param path  "": as without settings
Ended run(const std::string& path, const std::vector<std::string>& options,
          const std::string& directory = "/") {
  Process::Setting setting;
  if (!path.empty()) setting.environment.emplace_back("ADDRBOOK_STORAGE_SQLITE", path);
  setting.directory = directory;
  std::vector<std::string> command{test::server_program, "--port", "0"};
  command.insert(command.end(), options.begin(), options.end());
  Process process(command, setting);
  Ended ended{0, process.read_errors(), process.read_output()};
  ended.status = process.wait();
  return ended;
}

/// What SQLite itself reports about a file.
std::string integrity_of(const std::string& path) {
  sqlite3* database = nullptr;
  std::string finding = "can't be opened";
  if (::sqlite3_open(path.c_str(), &database) == SQLITE_OK) {
    ::sqlite3_exec(
        database, "PRAGMA integrity_check",
        [](void* to, int, char** values, char**) {
          *static_cast<std::string*>(to) = values[0];
          return 0;
        },
        &finding, nullptr);
  }
  ::sqlite3_close(database);
  return finding;
}

/// The revision in an entity tag "<epoch>-<revision>", with or without W/ in front.
std::uint64_t revision_in(const std::string& tag) {
  return std::stoull(tag.substr(tag.rfind('-') + 1), nullptr, 10);
}

/// A client that writes continuously and records the answers.
class Writer {
 public:
  struct Known {
    std::string text;  ///< "" if removed
    std::string tag;
  };
  /// A write without an answer: it may be done or not.
  struct Unsure {
    std::string target;  ///< "" for a create
    std::string before;
    std::string wanted;
  };

  Writer(int port, unsigned seed, std::map<std::string, Known> known = {})
      : port_(port), random_(seed), known_(std::move(known)), thread_([this] { run(); }) {}
  ~Writer() { join(); }
  void join() {
    is_ending_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::size_t done() const { return done_.load(); }

  // After join().
  [[nodiscard]] const std::map<std::string, Known>& known() const { return known_; }
  [[nodiscard]] const std::vector<Unsure>& unsure() const { return unsure_; }
  [[nodiscard]] const std::set<int>& refusals() const { return refusals_; }

 private:
  void run() {
    std::optional<Connection> connection;
    while (!is_ending_) {
      const std::string text = R"({"name":"Ada","n":)" + std::to_string(random_()) + "," +
                               R"("note":")" + std::string(random_() % 2000, 'x') + "\"}";
      std::string target;
      std::string method = "POST";
      if (!known_.empty() && random_() % 3 != 0) {
        auto at = known_.begin();
        std::advance(at, random_() % known_.size());
        if (!at->second.text.empty()) {
          target = at->first;
          method = random_() % 3 == 0 ? "DELETE" : "PUT";
        }
      }
      try {
        if (!connection) connection.emplace(port_);
        const auto response = connection->request(method, target.empty() ? "/addresses" : target,
                                                  {}, method == "DELETE" ? std::string() : text);
        if (response.status == 201) {
          known_[response.header("location")] = {text, response.header("etag")};
        } else if (response.status == 204) {
          known_[target] = method == "PUT" ? Known{text, response.header("etag")} : Known{};
        } else {
          refusals_.insert(response.status);
          continue;  // has never been there
        }
        ++done_;
      } catch (const std::runtime_error&) {
        unsure_.push_back({target, target.empty() ? std::string() : known_.at(target).text,
                           method == "DELETE" ? std::string() : text});
        if (!target.empty()) known_.erase(target);
        return;  // the server is gone
      }
    }
  }

  const int port_;
  std::mt19937 random_;
  std::map<std::string, Known> known_;
  std::vector<Unsure> unsure_;
  std::set<int> refusals_;
  std::atomic<std::size_t> done_{0};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

/// Lets a running process write files only up to a size.
void limit_files(pid_t id, rlim_t bytes) {
  rlimit limit{};
  REQUIRE(::prlimit(id, RLIMIT_FSIZE, nullptr, &limit) == 0);
  limit.rlim_cur = bytes;
  REQUIRE(::prlimit(id, RLIMIT_FSIZE, &limit, nullptr) == 0);
}

/// Writes until a write is refused, then checks that every address with a 201 is there.
template <class MakeRoom>
void check_full_disk(const LoggedServer& server, const std::string& path, MakeRoom make_room) {
  std::map<std::string, std::string> created;
  const std::string note(20'000, 'x');
  Response refused;
  for (int i = 0; i < 5'000; ++i) {
    const std::string text = R"({"n":)" + std::to_string(i) + R"(,"note":")" + note + "\"}";
    auto response = request(server, "POST", "/addresses", text);
    if (response.status != 201) {
      refused = std::move(response);
      break;
    }
    created[response.header("location")] = text;
  }
  CAPTURE(refused.body);
  REQUIRE((refused.status == 507 || refused.status == 503));
  const auto message = json::parse(refused.body).at("message").get<std::string>();
  CHECK(message.size() > 10);
  CHECK(message.find(path) == std::string::npos);
  if (refused.status == 507) CHECK(message.find("disk is full") != std::string::npos);
  REQUIRE(created.size() > 5);
  const auto check_all = [&](std::size_t count) {
    const auto list = json::parse(request(server, "GET", "/addresses").body);
    CHECK(list.size() == count);
    for (const auto& [target, text] : created) {
      REQUIRE(request(server, "GET", target).body == text);
      REQUIRE(list.at(target.substr(target.rfind('/') + 1)).dump() == text);
    }
  };
  // While full, it serves reads and refuses writes.
  check_all(created.size());
  CHECK(request(server, "GET", "/addresses/_health").status == 200);
  for (int i = 0; i < 20; ++i) {
    const auto again =
        request(server, "PUT", created.begin()->first, R"({"note":")" + note + "\"}");
    if (again.status == 204) {
      created.begin()->second = R"({"note":")" + note + "\"}";
    } else {
      CHECK((again.status == 507 || again.status == 503));
    }
  }
  check_all(created.size());
  make_room();
  for (int i = 0; i < 10; ++i) {
    const std::string text = R"({"later":)" + std::to_string(i) + "}";
    const auto response = request(server, "POST", "/addresses", text);
    REQUIRE(response.status == 201);
    created[response.header("location")] = text;
  }
  check_all(created.size());
  CHECK(integrity_of(path) == "ok");
}

}  // namespace

TEST_CASE("durability: every acknowledged write survives a kill, 50 times") {
  const TempFolder folder;
  const std::string path = (folder.path() / "a book.db").string();
  const int kills = test::is_sanitized ? 12 : 50;
  constexpr unsigned writers = 6;
  std::vector<std::map<std::string, Writer::Known>> known(writers);
  std::vector<Writer::Unsure> unsure;
  std::uint64_t last_revision = 0;
  std::size_t acknowledged = 0;
  std::mt19937 random(20261125);
  for (int kill = 0; kill <= kills; ++kill) {
    CAPTURE(kill);
    LoggedServer server(over(path));
    Connection connection(server.port());
    // The addresses at the time of the kill, from the round before.
    const auto list = connection.request("GET", "/addresses");
    REQUIRE(list.status == 200);
    const auto entries = json::parse(list.body);
    const auto list_revision = revision_in(list.header("etag"));
    CHECK(list_revision >= last_revision);
    std::size_t present = 0;
    for (const auto& each : known) {
      for (const auto& [known_target, entry] : each) {
        const std::string& target = known_target;  // CAPTURE's lambda can't capture the other
        CAPTURE(target);
        const auto got = connection.request("GET", target);
        const auto at = entries.find(target.substr(target.rfind('/') + 1));
        if (entry.text.empty()) {
          REQUIRE(got.status == 404);
          REQUIRE(at == entries.end());
          continue;
        }
        ++present;
        REQUIRE(got.status == 200);
        REQUIRE(got.body == entry.text);
        REQUIRE(got.header("etag") == entry.tag);
        REQUIRE(at != entries.end());
        REQUIRE(at->dump() == entry.text);
        last_revision = (std::max)(last_revision, revision_in(entry.tag));
      }
    }
    CHECK(list_revision >= last_revision);
    // A write is complete or not there.
    for (const auto& each : unsure) {
      if (each.target.empty()) continue;
      const auto at = entries.find(each.target.substr(each.target.rfind('/') + 1));
      const auto text = at == entries.end() ? std::string() : at->dump();
      REQUIRE((text == each.before || text == each.wanted));
    }
    for (const auto& entry : entries) {
      REQUIRE(entry.at("name") == "Ada");
      REQUIRE(entry.at("note").get<std::string>().find_first_not_of('x') == std::string::npos);
    }
    unsure.clear();
    // Each writer may have one write without an answer in each round.
    CHECK(entries.size() <= present + writers * static_cast<unsigned>(kill));
    if (kill == kills) {
      CHECK(server.stop() == 0);
      break;
    }

    {
      std::vector<std::unique_ptr<Writer>> threads;
      for (unsigned t = 0; t < writers; ++t) {
        threads.push_back(std::make_unique<Writer>(server.port(), static_cast<unsigned>(random()),
                                                   std::move(known[t])));
      }
      // At a different time in each round.
      const std::size_t enough = 10 + random() % 50;
      for (const auto& writer : threads) {
        while (writer->done() < enough / 2) std::this_thread::yield();
      }
      server.process().signal(SIGKILL);
      server.process().wait();
      for (unsigned t = 0; t < writers; ++t) {
        threads[t]->join();
        CHECK(threads[t]->refusals().empty());
        acknowledged += threads[t]->done();
        known[t] = threads[t]->known();
        unsure.insert(unsure.end(), threads[t]->unsure().begin(), threads[t]->unsure().end());
      }
    }
    if (kill % 10 == 0) {
      // On a copy, so that the next server finds the files as the kill left them.
      for (const char* const suffix : {"", "-wal"}) {
        fs::copy_file(path + suffix, (folder.path() / "copy").string() + suffix,
                      fs::copy_options::overwrite_existing);
      }
      CHECK(integrity_of((folder.path() / "copy").string()) == "ok");
    }
  }
  CHECK(integrity_of(path) == "ok");
  CHECK(acknowledged > static_cast<std::size_t>(kills) * writers);
}

TEST_CASE(
    "durability: at a limit of the file's size writes are refused, nothing is lost, and service "
    "resumes") {
  const TempFolder folder;
  const std::string path = (folder.path() / "book.db").string();
  const LoggedServer server(over(path));
  limit_files(server.id(), 1'000'000);
  check_full_disk(server, path, [&] { limit_files(server.id(), RLIM_INFINITY); });
}

/// A small file system of its own, if this user may mount one.
class Disk {
 public:
  explicit Disk(const fs::path& folder) : path_((folder / "disk").string()) {
    fs::create_directory(path_);
    is_mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=2m") == 0;
    if (!is_mounted_) MESSAGE("not run: this user may not mount a small tmpfs");
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk() {
    if (is_mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }

  explicit operator bool() const { return is_mounted_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  void make_read_only() const {
    REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=2m") == 0);
  }

 private:
  std::string path_;
  bool is_mounted_ = false;
};

TEST_CASE("durability: on a full disk writes are refused, nothing is lost, and service resumes") {
  const TempFolder folder;
  const Disk disk(folder.path());
  if (!disk) return;
  const std::string ballast = disk.path() + "/ballast";
  std::ofstream(ballast) << std::string(500'000, 'x');
  const std::string path = disk.path() + "/book.db";
  const LoggedServer server(over(path));
  check_full_disk(server, path, [&] { fs::remove(ballast); });
}

TEST_CASE("durability: a start on a full disk says so, and works when there is room") {
  const TempFolder folder;
  const Disk disk(folder.path());
  if (!disk) return;
  const std::string path = disk.path() + "/book.db";
  CHECK(LoggedServer(over(path)).stop() == 0);
  const std::string ballast = disk.path() + "/ballast";
  {
    std::ofstream filling(ballast);
    while (filling << std::string(4096, 'x') << std::flush) {
    }
  }
  for (const std::string& name : {path, disk.path() + "/new.db"}) {
    const auto refused = run(name, {});
    CAPTURE(refused.errors);
    CHECK(refused.status == 1);
    CHECK(refused.errors.find("storage.sqlite: '" + fs::canonical(disk.path()).string()) !=
          std::string::npos);
    CHECK((refused.errors.find("no room on the disk") != std::string::npos ||
           refused.errors.find("disk is full") != std::string::npos ||
           refused.errors.find("No space left on device") != std::string::npos));
  }
  fs::remove(ballast);
  const LoggedServer server(over(path));
  CHECK(request(server, "POST", "/addresses", "{}").status == 201);
  // Nothing is left of the other book.
  for (const auto& each : fs::directory_iterator(disk.path())) {
    CHECK(each.path().filename().string().find("new.db") == std::string::npos);
  }
}

TEST_CASE("durability: acknowledged writes survive a kill after the log is deleted") {
  const TempFolder folder;
  const std::string path = (folder.path() / "book.db").string();
  std::map<std::string, std::string> created;
  {
    LoggedServer server(over(path));
    const auto create = [&](int i) {
      const auto text = R"({"n":)" + std::to_string(i) + "}";
      const auto response = request(server, "POST", "/addresses", text);
      if (response.status == 201) created[response.header("location")] = text;
      return response.status;
    };
    for (int i = 0; i < 50; ++i) REQUIRE(create(i) == 201);
    fs::remove(path + "-wal");
    for (int i = 0; i < 5; ++i) CHECK(create(i) == 503);
    CHECK(request(server, "GET", "/addresses/_ready").status == 503);
    CHECK(server.log().find("book.db-wal' has been moved, deleted or replaced") !=
          std::string::npos);
    server.process().signal(SIGKILL);
    server.process().wait();
  }
  const LoggedServer server(over(path));
  CHECK(json::parse(request(server, "GET", "/addresses").body).size() == created.size());
  for (const auto& [target, text] : created) CHECK(request(server, "GET", target).body == text);
  CHECK(integrity_of(path) == "ok");
}

TEST_CASE("durability: a backup from a read-only file system tells what SQLite needs") {
  const TempFolder folder;
  const Disk disk(folder.path());
  if (!disk) return;
  const std::string path = disk.path() + "/book.db";
  CHECK(LoggedServer(over(path)).stop() == 0);
  disk.make_read_only();
  const auto backup = run(path, {"--backup", (folder.path() / "copy").string()});
  CHECK(backup.status == 1);
  CHECK(backup.errors.find("/book.db': its folder can't be written to (Read-only file system), and "
                           "SQLite needs its files with '-wal' and '-shm' there") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(folder.path() / "copy"));
  // What it advises works.
  const std::string elsewhere = (folder.path() / "book.db").string();
  fs::copy_file(path, elsewhere);
  CHECK(run(elsewhere, {"--backup", (folder.path() / "copy").string()}).status == 0);
}

TEST_CASE("durability: a backup needs a file, and the settings that name the book") {
  const TempFolder folder;
  const std::string path = (folder.path() / "addressbook.db").string();
  CHECK(LoggedServer(over(path)).stop() == 0);
  const std::string here = folder.path().string();
  for (const char* const option : {"--backup", "--restore"}) {
    const auto refused = run(path, {option, "-"}, here);
    CHECK(refused.status == 2);
    CHECK(refused.errors.find("a book needs a file, not '-'") != std::string::npos);
    CHECK_FALSE(fs::exists(folder.path() / "-"));
  }
  CHECK(run(path, {"--backup", "./-"}, here).status == 0);

  // From another folder, without the settings.
  fs::create_directory(folder.path() / "other");
  const auto lost = run("", {"--backup", "copy"}, here + "/other");
  CHECK(lost.status == 1);
  CHECK(lost.errors.find("'addressbook.db' is not in this folder, and no settings name another "
                         "file: give yours by -c") != std::string::npos);
  CHECK(run("", {"--backup", "copy"}, here).status == 0);
  CHECK(run(path, {"--backup", "copy 2"}, here + "/other").status == 0);
}

TEST_CASE("durability: with --quiet a backup and a restore say nothing when all is well") {
  const TempFolder folder;
  const std::string path = (folder.path() / "book.db").string();
  const std::string copy = (folder.path() / "copy").string();
  const std::string restored = (folder.path() / "restored").string();
  CHECK(LoggedServer(over(path)).stop() == 0);
  for (const auto& ended :
       {run(path, {"--quiet", "--backup", copy}), run(restored, {"-q", "--restore", copy})}) {
    CHECK(ended.status == 0);
    CHECK(ended.output.empty());
    CHECK(ended.errors.empty());
  }
  const auto refused = run(path, {"--quiet", "--backup", copy});
  CHECK(refused.status == 1);
  CHECK(refused.errors.find("already exists") != std::string::npos);
  CHECK_FALSE(run(path, {"--backup", copy + "2"}).output.empty());
}

TEST_CASE("durability: a second server on one file is refused and names the file") {
  const TempFolder folder;
  const std::string path = fs::canonical(folder.path()).string() + "/a book.db";
  const LoggedServer server(over(path));
  test::check_life_cycle(server.port(), "/addresses");
  const auto second = run(path, {});
  CHECK(second.status == 1);
  CHECK(second.errors.find("storage.sqlite: '" + path + "': another server has it open") !=
        std::string::npos);
  // Also by another name, and without its lock file.
  CHECK(run("a book.db", {}, folder.path().string()).status == 1);
  const std::string link = (folder.path() / "link.db").string();
  fs::create_hard_link(path, link);
  fs::remove(path + "-lock");
  for (const auto& name : {path, link}) {
    const auto refused = run(name, {});
    CHECK(refused.status == 1);
    CHECK(refused.errors.find("another server has it open") != std::string::npos);
  }
  test::check_life_cycle(server.port(), "/addresses");
}

TEST_CASE("durability: a file that is not a book is refused with 1 and left unchanged") {
  const TempFolder folder;
  const std::string path = (folder.path() / "diary.txt").string();
  const std::string text(5'000, 'd');
  std::ofstream(path) << text;
  const auto refused = run(path, {});
  CHECK(refused.status == 1);
  CHECK(refused.errors.find("diary.txt': not an address book") != std::string::npos);
  CHECK(test::read_file(path) == text);
  const auto nowhere = run((folder.path() / "none/book.db").string(), {});
  CHECK(nowhere.status == 1);
  CHECK(nowhere.errors.find("none/book.db'") != std::string::npos);
}

TEST_CASE("durability: --backup during writes, and --restore") {
  const TempFolder folder;
  const std::string path = (folder.path() / "a book.db").string();
  const std::string copy = (folder.path() / "a copy").string();
  const std::string restored = (folder.path() / "restored.db").string();
  const LoggedServer server(over(path));
  std::map<std::string, std::string> before;
  for (int i = 0; i < 20; ++i) {
    const auto text = R"({"n":)" + std::to_string(i) + "}";
    before[request(server, "POST", "/addresses", text).header("location")] = text;
  }
  const auto tag = request(server, "GET", before.begin()->first).header("etag");
  Ended backup{};
  {
    Writer writer(server.port(), 1);
    while (writer.done() < 5) std::this_thread::yield();
    const auto written = writer.done();
    backup = run(path, {"--backup", copy});
    while (writer.done() <= written) std::this_thread::yield();
    writer.join();
    CHECK(writer.refusals().empty());
    CHECK(writer.unsure().empty());
  }
  CHECK(backup.errors.empty());
  REQUIRE(backup.status == 0);
  CHECK(run(path, {"--backup", copy}).status == 1);  // overwrites nothing
  CHECK(run(path, {"--restore", copy}).status == 1);
  const auto restore = run(restored, {"--restore", copy});
  CHECK(restore.errors.empty());
  REQUIRE(restore.status == 0);
  const LoggedServer other(over(restored));
  const auto list = json::parse(request(other, "GET", "/addresses").body);
  for (const auto& [target, text] : before) {
    REQUIRE(list.at(target.substr(target.rfind('/') + 1)).dump() == text);
  }
  const auto other_tag = request(other, "GET", before.begin()->first).header("etag");
  CHECK(revision_in(other_tag) == revision_in(tag));
  CHECK(other_tag != tag);
  test::check_error(request(other, "GET", "/addresses/none"), "GET", "/addresses/none", 404,
                    "No such address: 'none'");

  // Only with SQLite.
  Process::Setting setting;
  setting.environment.emplace_back("ADDRBOOK_STORAGE_MEMORY", "");
  Process memory({test::server_program, "--backup", copy + "2"}, setting);
  CHECK(memory.read_errors().find("--backup") != std::string::npos);
  CHECK(memory.wait() == 2);
}

TEST_CASE("durability: the server makes the file that its settings name, and opens it again") {
  const TempFolder folder;
  const std::string config = (folder.path() / "settings.yaml").string();
  const std::string path = (folder.path() / "contacts of mine.db").string();
  std::ofstream(config) << "storage:\n  sqlite: " << path << "\n";
  std::string target;
  std::string tag;
  for (int time = 0; time < 2; ++time) {
    Process server({test::server_program, "--port", "0", "--config", config});
    const auto line = server.read_line();
    REQUIRE(line);
    Connection connection(test::port_in(*line));
    if (time == 0) {
      const auto made = connection.request("POST", "/addresses", {}, R"({"name":"Ada"})");
      REQUIRE(made.status == 201);
      target = made.header("location");
      tag = made.header("etag");
    }
    const auto got = connection.request("GET", target);
    CHECK(got.body == R"({"name":"Ada"})");
    CHECK(got.header("etag") == tag);
    server.signal(SIGTERM);
    CHECK(server.wait() == 0);
  }
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600U);
  // An orderly end leaves the book and its lock file.
  CHECK_FALSE(fs::exists(path + "-wal"));
}
