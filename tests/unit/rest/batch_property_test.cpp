// A batch does what the same writes do as requests of their own, one by one.

#include <addrbook/service.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using nlohmann::ordered_json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

/// A write as both ways can say it.
struct Operation {
  std::string op;          ///< create, replace, patch or delete
  std::string name;        ///< the id; of one that a book has chosen: "new-3", see Side
  bool is_new = false;     ///< the book chooses the id
  std::string text;        ///< of the address, or of the merge patch
  std::string json_patch;  ///< if not empty: the same, by RFC 6902
  std::optional<std::uint64_t> if_revision;
  std::string malformed;  ///< if not empty: what stands in a batch in its place
};

struct Outcome {
  int status = 0;
  bool is_done = false;
};

/// A book, and the ids that it has chosen.
class Side {
 public:
  Side() : book_(Options(), {refuse_bad}) {}

  /// @returns what stands in a batch for the operation
  [[nodiscard]] std::string json_of(const Operation& operation) const {
    if (!operation.malformed.empty()) return operation.malformed;
    std::string json = R"({"op":")" + operation.op + '"';
    if (!operation.is_new) json += R"(,"id":")" + id_of(operation.name) + '"';
    const bool is_patch = operation.op == "patch";
    if (!operation.text.empty()) {
      json += (is_patch ? R"(,"patch":)" : R"(,"address":)") + operation.text;
    }
    if (operation.if_revision) {
      json += R"(,"if_revision":)" + std::to_string(*operation.if_revision);
    }
    return json + '}';
  }

  /// All operations at once.
  Answer batch(const std::vector<Operation>& operations) {
    std::string body = "[";
    for (const Operation& operation : operations) {
      body += (body.size() == 1 ? "" : ",") + json_of(operation);
    }
    Answer answer = send(book_.rest, "POST", "/addresses/_batch", body + "]");
    if (answer.status != 200) return answer;
    const auto results = answer.json();
    REQUIRE(results.size() == operations.size());
    for (std::size_t i = 0; i < operations.size(); ++i) {
      if (operations[i].is_new) learn(operations[i].name, results[i]["id"]);
      CHECK(results[i]["id"] == id_of(operations[i].name));
      if (operations[i].op == "delete") continue;
      CHECK(results[i]["revision"] == book_.service->get(id_of(operations[i].name)).revision);
    }
    return answer;
  }

  /// One operation as a request of its own. @returns its status, as a batch has it
  Outcome single(const Operation& operation) {
    Fields headers;
    if (operation.if_revision)
      headers.emplace_back("If-Match", tag_of(book_, *operation.if_revision));
    const std::string target = "/addresses/" + id_of(operation.name);
    if (operation.is_new) {
      const Answer made = post(book_.rest, operation.text);
      if (made.status == 201) learn(operation.name, made.id());
      return {made.status, made.status == 201};
    }
    if (operation.op == "create") {
      const int status =
          send(book_.rest, "PUT", target, operation.text, {{"If-None-Match", "*"}}).status;
      // An address that is there: 409 in a batch, which has no If-None-Match.
      return {status == 412 ? 409 : status, status == 201};
    }
    if (operation.op == "patch") {
      const bool is_json_patch = !operation.json_patch.empty();
      headers.emplace_back("Content-Type", is_json_patch ? "application/json-patch+json"
                                                         : "application/merge-patch+json");
      return done(send(book_.rest, "PATCH", target,
                       is_json_patch ? operation.json_patch : operation.text, headers));
    }
    return done(operation.op == "replace" ? send(book_.rest, "PUT", target, operation.text, headers)
                                          : send(book_.rest, "DELETE", target, "", headers));
  }

  /// All of the book: its entries in order of creation.
  [[nodiscard]] std::string content() const {
    std::string all = std::to_string(book_.service->state().revision) + ":";
    for (const auto& entry : book_.service->list()) {
      const auto name = names_.find(entry.id);
      all += "\n" + (name == names_.end() ? entry.id : name->second) + " " +
             std::to_string(entry.created) + " " + std::to_string(entry.revision) + " " +
             entry.document.text();
    }
    return all;
  }

  [[nodiscard]] std::string id_of(const std::string& name) const {
    const auto id = ids_.find(name);
    return id == ids_.end() ? name : id->second;
  }
  [[nodiscard]] const Service& service() const { return *book_.service; }

 private:
  static std::optional<addrbook::Violation> refuse_bad(const Document& document) {
    if (document.text().find("bad") == std::string::npos) return std::nullopt;
    return addrbook::Violation{"/x", "is bad"};
  }
  static Outcome done(const Answer& answer) { return {answer.status, answer.status == 204}; }
  void learn(const std::string& name, const std::string& id) {
    ids_[name] = id;
    names_[id] = name;
  }

  Book book_;
  std::map<std::string, std::string> ids_;
  std::map<std::string, std::string> names_;
};

/// Operations at random: on addresses that are there or not, with conditions that hold or not, some
/// of them no operations at all.
class Inventor {
 public:
  explicit Inventor(unsigned seed) : random_(seed) {}

  [[nodiscard]] std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

  /// @param side  of the book as it is
  /// @param is_wild  whether some are to fail
  [[nodiscard]] std::vector<Operation> operations(const Side& side, bool is_wild) {
    std::vector<Operation> all;
    std::set<std::string> used;
    for (std::size_t i = below(9); i != 0; --i) {
      Operation operation = any(side, is_wild);
      if (used.insert(operation.name).second) all.push_back(std::move(operation));
    }
    return all;
  }

 private:
  [[nodiscard]] bool is_one_of(std::size_t n) { return below(n) == 0; }

  [[nodiscard]] Operation any(const Side& side, bool is_wild) {
    Operation operation;
    operation.name = is_one_of(4) && made_ > 0 ? "new-" + std::to_string(1 + below(made_))
                                               : "id-" + std::to_string(below(12));
    const auto entry = side.service().find(side.id_of(operation.name));
    const bool is_there = entry.has_value() != (is_wild && is_one_of(8));
    operation.op =
        !is_there ? "create" : std::vector<std::string>{"replace", "patch", "delete"}[below(3)];
    if (operation.op == "create" && (is_one_of(3) || operation.name[0] == 'n')) {
      operation.name = "new-" + std::to_string(++made_);
      operation.is_new = true;
    }
    if (operation.op == "patch") {
      make_patch(operation, entry ? &entry->document : nullptr, is_wild);
    } else if (operation.op != "delete") {
      operation.text = "{" + members(is_wild) + "}";
    }
    if (operation.op != "create" && is_one_of(2)) {
      operation.if_revision = entry ? entry->revision : 1;
      if (is_wild && is_one_of(6)) ++*operation.if_revision;
    }
    if (is_wild && is_one_of(25)) {
      operation.malformed = std::vector<std::string>{
          R"({"op":"spam","id":"id-1"})",
          R"({"op":"delete"})",
          R"({"op":"delete","id":"a b"})",
          R"({"op":"replace","id":"id-1","address":[]})",
          R"({"op":"create","address":"x"})",
          R"({"op":"patch","id":"id-1","patch":[{"op":"remove","path":"/n"}]})",
          R"({"op":"delete","id":"id-1","if_revision":"1"})",
          R"({"op":"create","address":{},"if_revision":1})",
          "17"}[below(9)];
    }
    return operation;
  }

  // What only a text as it was sent keeps: numbers, escapes, the order of names.
  [[nodiscard]] std::string value(bool is_wild) {
    if (is_wild && is_one_of(20)) return "\"bad\"";
    return std::vector<std::string>{
        "1e400",          "-0",          "12345678901234567890",      "1.0",
        "\"\\u0041\\/\"", "[1,null,{}]", "{\"b\":1,\"a\":{\"c\":2}}", "true"}[below(8)];
  }
  [[nodiscard]] std::string members(bool is_wild) {
    std::string text;
    std::set<std::string> used;
    for (std::size_t i = below(5); i != 0; --i) {
      const std::string name(1, static_cast<char>('m' + below(5)));
      if (!used.insert(name).second) continue;
      text += (text.empty() ? "\"" : ",\"") + name + "\":" + value(is_wild);
    }
    return text;
  }

  /// A merge patch, and if it has none within it, the same in RFC 6902.
  void make_patch(Operation& operation, const Document* document, bool is_wild) {
    const auto has = [&](const std::string& name) {
      return document != nullptr && document->text().find('"' + name + "\":") != std::string::npos;
    };
    std::string merge;
    std::string json;
    bool is_flat = true;
    std::set<std::string> used;
    for (std::size_t i = below(4); i != 0; --i) {
      const std::string name(1, static_cast<char>('m' + below(5)));
      if (!used.insert(name).second) continue;
      const std::string path = R"("path":"/)" + name + '"';
      std::string now = value(is_wild);
      if (is_one_of(3)) {
        now = "null";
        if (has(name)) json += (json.empty() ? "" : ",") + (R"({"op":"remove",)" + path + "}");
      } else {
        // Of an object a merge patch is part of what is there.
        if (now[0] == '{') is_flat = false;
        json += (json.empty() ? "" : ",") + (R"({"op":"add",)" + path + R"(,"value":)" + now + "}");
      }
      merge += (merge.empty() ? "\"" : ",\"") + name + "\":" + now;
    }
    operation.text = "{" + merge + "}";
    if (is_flat && is_one_of(2)) operation.json_patch = "[" + json + "]";
  }

  std::mt19937 random_;
  std::size_t made_ = 0;
};

}  // namespace

TEST_CASE("batch: the same writes one by one have the same outcome, for random ones") {
  std::map<int, int> seen;        // how often an operation had this status
  std::map<std::size_t, int> at;  // how often a batch failed because of the n-th
  int batches = 0;
  for (const unsigned seed : {7U, 15U, 1815U}) {
    CAPTURE(seed);
    Inventor inventor(seed);
    Side whole;    // batches
    Side ones;     // each operation as a batch of its own
    Side singles;  // each operation as a request of its own
    for (int round = 0; round < 150; ++round) {
      CAPTURE(round);
      const auto operations = inventor.operations(singles, round % 3 != 0);
      const std::string before = whole.content();
      std::vector<Operation> good;
      std::optional<std::size_t> malformed;
      std::optional<std::size_t> failed;
      std::vector<int> statuses;
      for (std::size_t i = 0; i < operations.size(); ++i) {
        const Operation& operation = operations[i];
        CAPTURE(whole.json_of(operation));
        const Answer one = ones.batch({operation});
        const Outcome single =
            operation.malformed.empty() ? singles.single(operation) : Outcome{400, false};
        REQUIRE(one.status == (single.is_done ? 200 : single.status));
        if (!single.is_done) REQUIRE(one.json()["index"] == 0);
        statuses.push_back(single.status);
        ++seen[single.is_done ? 200 : single.status];
        if (single.is_done) good.push_back(operation);
        if (!operation.malformed.empty() && !malformed) malformed = i;
        if (!single.is_done && !failed) failed = i;
      }
      // The body is read before any of it is done.
      if (malformed) failed = malformed;
      const Answer answer = whole.batch(operations);
      CAPTURE(answer.body);
      if (failed) {
        REQUIRE(answer.status == statuses[*failed]);
        REQUIRE(answer.json()["index"] == *failed);
        ++at[*failed];
        // None of it is done. Without what fails all is.
        REQUIRE(whole.content() == before);
        REQUIRE(whole.batch(good).status == 200);
      } else {
        REQUIRE(answer.status == 200);
        ++batches;
      }
      REQUIRE(whole.content() == singles.content());
      REQUIRE(ones.content() == singles.content());
      // An id that stands there twice spoils all.
      if (good.empty() || good.back().is_new) continue;
      const std::string now = whole.content();
      good.push_back(good.back());
      const Answer twice = whole.batch(good);
      REQUIRE(twice.status == 400);
      REQUIRE(twice.json()["index"] == good.size() - 1);
      REQUIRE(whole.content() == now);
    }
  }
  // All of it has been there.
  CHECK(batches >= 50);
  CHECK(seen[200] >= 300);
  for (const int status : {400, 404, 409, 412}) {
    CAPTURE(status);
    CHECK(seen[status] >= 15);
  }
  CHECK(at[0] >= 10);
  CHECK(at[2] >= 10);
}
