#include <addrbook/rest/address.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using nlohmann::json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

TEST_CASE("address: POST makes an address, and says where") {
  const Book book;
  const Answer answer = post(book.rest, " { \"z\" : 1.0 , \"a\" : 1e400 }\n");
  CHECK(answer.status == 201);
  CHECK(answer.body.empty());
  CHECK(answer.id().size() == 32);
  CHECK(answer.header("Location") == "/addresses/" + answer.id());
  CHECK(answer.header("ETag") == tag_of(book, 1));
  CHECK(book.service->get(answer.id()).document.text() == R"({"z":1.0,"a":1e400})");

  const Answer got = get(book.rest, answer.header("Location"));
  CHECK(got.status == 200);
  CHECK(got.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK(got.header("ETag") == answer.header("ETag"));
  CHECK(got.body == R"({"z":1.0,"a":1e400})");
}

TEST_CASE("address: PUT replaces an address") {
  const Book book;
  const std::string target = book.add();
  const Answer answer = send(book.rest, "PUT", target, R"({ "name": "Ada B." })");
  CHECK(answer.status == 204);
  CHECK(answer.body.empty());
  CHECK(answer.header("ETag") == tag_of(book, 2));
  CHECK(answer.header("Location") == "(absent)");
  CHECK(get(book.rest, target).body == R"({"name":"Ada B."})");
  CHECK(get(book.rest, target).header("ETag") == tag_of(book, 2));
  check_error(send(book.rest, "PUT", absent, ada), "PUT", absent, 404,
              "No such address: '" + absent_id + "'");
  CHECK(book.service->state().revision == 2);
}

TEST_CASE("address: DELETE removes an address, once") {
  const Book book;
  const std::string target = book.add();
  const std::string id = target.substr(target.rfind('/') + 1);
  const Answer answer = ask(book.rest, asking("DELETE", target));
  CHECK(answer.status == 204);
  CHECK(answer.body.empty());
  CHECK(answer.count("ETag") == 0);
  for (const std::string method : {"DELETE", "GET"}) {
    check_error(ask(book.rest, asking(method, target)), method, target, 404,
                "No such address: '" + id + "'");
  }
  check_error(send(book.rest, "PUT", target, ada), "PUT", target, 404,
              "No such address: '" + id + "'");
  CHECK(get(book.rest, "/addresses").body == "{}");
}

TEST_CASE("address: If-None-Match of an address") {
  const Book book;
  const std::string target = book.add();
  const std::string tag = get(book.rest, target).header("ETag");
  CHECK(tag == tag_of(book, 1));
  for (const std::string& match : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    for (const std::string method : {"GET", "HEAD"}) {
      CAPTURE(match);
      const Answer answer = ask(book.rest, asking(method, target, {{"If-None-Match", match}}));
      CHECK(answer.status == 304);
      CHECK(answer.body.empty());
      CHECK(answer.header("ETag") == tag);
      CHECK(answer.count("Content-Type") == 0);
      check_common_headers(answer);
    }
  }
  for (const std::string& match : {std::string("\"x\""), tag_of(book, 2), std::string(),
                                   tag.substr(1, tag.size() - 2), "\"" + tag}) {
    CAPTURE(match);
    const Answer answer = get(book.rest, target, {{"If-None-Match", match}});
    CHECK(answer.status == 200);
    CHECK(answer.body == ada);
  }
  book.service->update(target.substr(11), Document());
  CHECK(get(book.rest, target, {{"If-None-Match", tag}}).status == 200);
  CHECK(get(book.rest, absent, {{"If-None-Match", "*"}}).status == 404);
  // Two fields of one name are one list.
  const Fields two{{"If-None-Match", "\"x\""}, {"If-None-Match", tag_of(book, 2)}};
  CHECK(get(book.rest, target, two).status == 304);
  // Another book's tag of the same revision is another tag.
  const Book other;
  static_cast<void>(other.add());
  CHECK(get(book.rest, target, {{"If-None-Match", tag_of(other, 2)}}).status == 200);
}

TEST_CASE("address: Range is ignored") {
  const Book book;
  const std::string target = book.add();
  const Answer answer = get(book.rest, target, {{"Range", "bytes=0-3"}});
  CHECK(answer.status == 200);
  CHECK(answer.body == ada);
}

TEST_CASE("address: a write of which the fault comes after it is not reported as failed") {
  // head() is asked for the epoch; were it asked after the write, its fault would answer 503 for
  // what has been done.
  const Book book;
  const std::string target = book.add();
  book.store->after_commit = [&] { book.store->before_state = test::fail_storage; };
  CHECK(post(book.rest, ada).status == 201);
  book.store->before_state = [] {};
  CHECK(send(book.rest, "PUT", target, "{}").status == 204);
  book.store->before_state = [] {};
  CHECK(ask(book.rest, asking("DELETE", target)).status == 204);
}

namespace {

const std::string merge_type = "application/merge-patch+json";
const std::string patch_type = "application/json-patch+json";

Answer patch(const Book& book, const std::string& target, const std::string& body,
             const std::string& type = merge_type, Fields headers = {}) {
  headers.emplace_back("Content-Type", type);
  return send(book.rest, "PATCH", target, body, headers);
}

std::string id_of(const std::string& target) {
  return target.substr(target.rfind('/') + 1);
}

std::string not_expected(const std::string& target) {
  return "Not the expected revision: '" + id_of(target) + "'";
}

}  // namespace

TEST_CASE("address: PATCH changes an address, and copies the rest byte for byte") {
  const Book book;
  const std::string target = book.add(R"({"z":1e400,"name":"Ada","n":12345678901234567890})");
  const Answer merged = patch(book, target, R"( {"name": "Ada B.", "x": {"y": null}} )");
  CHECK(merged.status == 204);
  CHECK(merged.body.empty());
  CHECK(merged.header("ETag") == tag_of(book, 2));
  CHECK(get(book.rest, target).body ==
        R"({"z":1e400,"name":"Ada B.","n":12345678901234567890,"x":{}})");
  CHECK(patch(book, target, R"({"x":null})", "application/json; charset=utf-8").status == 204);
  const Answer patched = patch(book, target,
                               R"([{"op":"test","path":"/z","value":10e399},
                                   {"op":"move","from":"/n","path":"/number"}])",
                               patch_type);
  CHECK(patched.status == 204);
  CHECK(patched.header("ETag") == tag_of(book, 4));
  CHECK(get(book.rest, target).body ==
        R"({"z":1e400,"name":"Ada B.","number":12345678901234567890})");
}

TEST_CASE("address: PATCH that is refused changes nothing") {
  Options options;
  options.max_body_bytes = 10'000;
  const Book book(options, {[](const Document& document) {
                    return document.text().find("bad") != std::string::npos
                               ? std::optional(addrbook::Violation{"/name", "is bad"})
                               : std::nullopt;
                  }});
  const std::string target = book.add();
  const auto check_refused = [&](const std::string& body, const std::string& type, int status,
                                 const std::string& message) {
    CAPTURE(body);
    check_error(patch(book, target, body, type), "PATCH", target, status, message);
  };
  check_refused("{", merge_type, 400, "Invalid JSON body: unexpected end of text at byte 1");
  check_refused("[1]", merge_type, 400, "Invalid merge patch: an address must be a JSON object");
  check_refused("[]", "application/json", 400,
                "Invalid merge patch: an address must be a JSON object");
  const Answer bad = patch(book, target, R"({"name":"bad"})", merge_type);
  CHECK(bad.status == 400);
  CHECK(bad.json()["errors"].dump() == R"([{"pointer":"/name","reason":"is bad"}])");
  check_refused("{}", patch_type, 400, "Invalid JSON Patch: it must be an array of operations");
  check_refused(R"([{"op":"spam","path":""}])", patch_type, 400,
                "Invalid JSON Patch: operation 0: 'op' must be add, remove, replace, move, copy "
                "or test");
  check_refused(R"([{"op":"replace","path":"","value":[1]}])", patch_type, 400,
                "an address must be a JSON object");
  check_refused(R"([{"op":"remove","path":""}])", patch_type, 400,
                "Invalid JSON Patch: nothing is left");
  check_refused(R"([{"op":"test","path":"/name","value":"Bob"}])", patch_type, 409,
                "Operation 0: the test fails at '/name'");
  check_refused(R"([{"op":"add","path":"/x","value":1},{"op":"remove","path":"/emails/01"}])",
                patch_type, 409, "Operation 1: there is no value at '/emails/01'");
  std::string deep = "1";
  for (int i = 0; i < 64; ++i) deep = "[" + deep + "]";
  check_refused(R"([{"op":"add","path":"/x","value":)" + deep + "}]", patch_type, 400,
                "nesting over 64 levels at byte 118");
  CHECK(patch(book, target, "{" + std::string(10'000, ' ') + "}").status == 413);
  for (const std::string type : {"text/plain", "application/x-www-form-urlencoded",
                                 "application/x+json", "application/merge-patch", ""}) {
    CAPTURE(type);
    const Answer answer = patch(book, target, "{}", type);
    CHECK(answer.status == 415);
    CHECK(answer.header("Accept-Patch") == merge_type + ", " + patch_type);
    CHECK_FALSE(answer.was_body_read);
  }
  CHECK(send(book.rest, "PATCH", target, "{}").status == 415);
  check_error(patch(book, absent, "{}"), "PATCH", absent, 404,
              "No such address: '" + absent_id + "'");
  CHECK(book.service->state().revision == 1);
}

TEST_CASE("address: an address that a patch makes is not too long") {
  addrbook::ServiceOptions limits;
  limits.max_document_bytes = 100;
  const auto service = std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>(),
                                                 std::vector<addrbook::Validator>{}, limits);
  const Rest rest = test::make_rest(service, {});
  const std::string target =
      post(rest, R"({"a":"0123456789012345678901234567890123456789"})").header("Location");
  const auto status = [&](const std::string& body, const std::string& type) {
    return send(rest, "PATCH", target, body, {{"Content-Type", type}}).status;
  };
  CHECK(status(R"({"b":")" + std::string(60, 'x') + "\"}", merge_type) == 400);
  CHECK(status(R"([{"op":"copy","from":"/a","path":"/b"},{"op":"copy","from":"","path":"/c"},
                   {"op":"remove","path":"/c"}])",
               patch_type) == 400);
  CHECK(status(R"([{"op":"copy","from":"/a","path":"/b"}])", patch_type) == 204);
  CHECK(post(rest, R"({"a":")" + std::string(100, 'x') + "\"}").message() ==
        "Invalid address: it is over 100 bytes");
  CHECK(service->state().revision == 2);
}

TEST_CASE("address: If-Match of a write") {
  const Book book;
  const std::string target = book.add();
  const std::string tag = tag_of(book, 1);
  const auto ask_with = [&](const std::string& method, const std::string& at,
                            const std::string& match) {
    return send(book.rest, method, at, "{}",
                {{"If-Match", match}, {"Content-Type", "application/json"}});
  };
  for (const std::string method : {"PUT", "PATCH", "DELETE"}) {
    CAPTURE(method);
    for (const std::string& match :
         {tag_of(book, 7), std::string("\"x\""), std::string(), std::string("*, *"),
          tag.substr(1, tag.size() - 2), std::string("garbage, ") + tag}) {
      CAPTURE(match);
      check_error(ask_with(method, target, match), method, target, 412, not_expected(target));
    }
    for (const std::string& match : {tag, std::string("*")}) {
      check_error(ask_with(method, absent, match), method, absent, 412, not_expected(absent));
    }
  }
  CHECK(book.service->state().revision == 1);
  CHECK(ask_with("PUT", target, tag).status == 204);
  CHECK(ask_with("PUT", target, tag).status == 412);
  CHECK(ask_with("PATCH", target, "\"x\", W/" + tag_of(book, 2)).status == 204);
  std::string gzipped = tag_of(book, 3);
  gzipped.insert(gzipped.size() - 1, "-gzip");
  CHECK(ask_with("PUT", target, gzipped).status == 204);
  CHECK(ask_with("PATCH", target, "*").status == 204);
  const Fields two{{"If-Match", "\"x\""}, {"If-Match", tag_of(book, 5)}};
  CHECK(send(book.rest, "PUT", target, "{}", two).status == 204);
  CHECK(ask_with("DELETE", target, tag_of(book, 6)).status == 204);
  CHECK(ask_with("DELETE", target, "*").status == 412);
}

TEST_CASE("address: conditions come after what is wrong with the request, and before 404 and 409") {
  const Book book;
  const std::string target = book.add();
  const Fields stale{{"If-Match", "\"x\""}};
  const Fields none{{"If-None-Match", tag_of(book, 1)}};
  const std::string fails = R"([{"op":"test","path":"/x","value":1}])";
  CHECK(patch(book, target, fails, "text/html", stale).status == 415);
  CHECK(patch(book, target, "{", merge_type, stale).status == 400);
  CHECK(patch(book, target, "[{}]", patch_type, stale).status == 400);
  CHECK(patch(book, target, fails, patch_type, stale).status == 412);
  CHECK(patch(book, target, fails, patch_type, none).status == 412);
  CHECK(patch(book, absent, fails, patch_type, stale).status == 412);
  CHECK(patch(book, absent, fails, patch_type, none).status == 404);
  CHECK(patch(book, target, fails, patch_type).status == 409);
  CHECK(send(book.rest, "PUT", target, "[]", stale).status == 400);
  CHECK(send(book.rest, "PUT", absent, "{}", none).status == 404);
  // RFC 9110, 13.2.1: not where the answer is an error without them.
  CHECK(get(book.rest, absent, stale).status == 404);
  CHECK(get(book.rest, target, stale).status == 412);
  CHECK(get(book.rest, target, {{"If-Match", "*"}, {"If-None-Match", "*"}}).status == 304);
  CHECK(get(book.rest, "/addresses", stale).status == 412);
  CHECK(get(book.rest, "/addresses?limit=1", stale).status == 412);
  CHECK(get(book.rest, "/addresses", {{"If-Match", tag_of(book, 1)}}).status == 200);
  CHECK(get(book.rest, "/addresses", {{"If-Match", "*"}}).status == 200);
}

TEST_CASE("address: dates of conditions") {
  const Book book;
  const std::string target = book.add();
  const std::string old = "Sun, 06 Nov 1994 08:49:37 GMT";
  const std::string new_ = "Friday, 31-Dec-49 08:49:37 GMT";
  CHECK(send(book.rest, "PUT", target, "{}", {{"If-Unmodified-Since", old}}).status == 412);
  CHECK(send(book.rest, "PUT", target, "{}", {{"If-Unmodified-Since", "never"}}).status == 204);
  CHECK(send(book.rest, "PUT", target, "{}", {{"If-Unmodified-Since", new_}}).status == 204);
  CHECK(send(book.rest, "PUT", absent, "{}", {{"If-Unmodified-Since", old}}).status == 404);
  CHECK(get(book.rest, target, {{"If-Modified-Since", old}}).status == 200);
  const Answer unchanged = get(book.rest, target, {{"If-Modified-Since", new_}});
  CHECK(unchanged.status == 304);
  CHECK(unchanged.header("Last-Modified") == get(book.rest, target).header("Last-Modified"));
  // Made and changed within a second, or changed within this one: whoever read it in that second
  // may have read what was there before.
  const std::string modified = get(book.rest, target).header("Last-Modified");
  CHECK(send(book.rest, "PUT", target, "{}", {{"If-Unmodified-Since", modified}}).status == 412);
}

TEST_CASE("address: an address of long ago has a strong date") {
  using std::chrono::seconds;
  const addrbook::Timestamp long_ago(seconds(784'111'777));
  addrbook::Entry entry{"x", 1, 7, 9, Document(), long_ago, long_ago + seconds(5)};
  CHECK_FALSE(addrbook::detail::validators_of(entry).is_date_weak);
  entry.updated_at = long_ago + std::chrono::milliseconds(999);
  CHECK(addrbook::detail::validators_of(entry).is_date_weak);
  entry.revision = entry.created;
  CHECK_FALSE(addrbook::detail::validators_of(entry).is_date_weak);
  entry.updated_at = addrbook::now() + seconds(1);
  CHECK(addrbook::detail::validators_of(entry).is_date_weak);
}

TEST_CASE("address: PUT with If-None-Match: * creates an address under an id, and replaces none") {
  const Book book;
  const Fields only_new{{"If-None-Match", "*"}};
  const Answer made = send(book.rest, "PUT", "/addresses/ada-1", ada, only_new);
  CHECK(made.status == 201);
  CHECK(made.body.empty());
  CHECK(made.header("Location") == "/addresses/ada-1");
  CHECK(made.header("ETag") == tag_of(book, 1));
  CHECK(get(book.rest, "/addresses/ada-1").body == ada);
  check_error(send(book.rest, "PUT", "/addresses/ada-1", "{}", only_new), "PUT", "/addresses/ada-1",
              412, "There is an address already: 'ada-1'");
  CHECK(send(book.rest, "PUT", "/addresses/bob", "[]", only_new).status == 400);
  CHECK(send(book.rest, "PUT", "/addresses/bob", "{}", {{"If-None-Match", "\"x\""}}).status == 404);
  CHECK(send(book.rest, "PUT", "/addresses/bob", "{}", {{"If-None-Match", "*, *"}}).status == 404);
  CHECK(send(book.rest, "PUT", "/addresses/bob", "{}", {{"If-None-Match", "*"}, {"If-Match", "*"}})
            .status == 412);
  CHECK(book.service->state().revision == 1);
  CHECK(ask(book.rest, asking("DELETE", "/addresses/ada-1")).status == 204);
  CHECK(send(book.rest, "PUT", "/addresses/ada-1", ada, only_new).status == 201);
}

TEST_CASE("address: to create under an id needs the right to create") {
  Options options;
  std::vector<addrbook::Action> asked;
  options.authorize = [&](const addrbook::AccessRequest& access) {
    asked.push_back(access.action);
    CHECK(access.id == "ada");
    return addrbook::Access::forbid();
  };
  const Book book(options);
  CHECK(send(book.rest, "PUT", "/addresses/ada", "{}", {{"If-None-Match", "*"}}).status == 403);
  CHECK(send(book.rest, "PUT", "/addresses/ada", "{}").status == 403);
  CHECK(patch(book, "/addresses/ada", "{}").status == 403);
  using addrbook::Action;
  CHECK(asked == std::vector<Action>{Action::create, Action::update, Action::update});
}

TEST_CASE("address: Prefer says whether a write is answered with the address") {
  const Book book(with_gzip());
  const Fields all{{"Prefer", "wait=5, return=representation"}};
  const Answer made = post(book.rest, " {\"a\": 1.0} ", all);
  CHECK(made.status == 201);
  CHECK(made.body == R"({"a":1.0})");
  CHECK(made.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK(made.header("Preference-Applied") == "return=representation");
  CHECK(made.header("Content-Location") == made.header("Location"));
  CHECK(made.header("ETag") == tag_of(book, 1));
  CHECK(made.header("Vary") == "Prefer, Accept-Encoding");
  check_common_headers(made);
  const std::string target = made.header("Location");
  const Answer replaced = send(book.rest, "PUT", target, R"({"a":2})", all);
  CHECK(replaced.status == 200);
  CHECK(replaced.body == R"({"a":2})");
  CHECK(replaced.header("Content-Location") == target);
  CHECK(replaced.count("Location") == 0);
  CHECK(replaced.header("ETag") == tag_of(book, 2));
  const Answer patched = patch(book, target, R"({"b":3})", merge_type, all);
  CHECK(patched.status == 200);
  CHECK(patched.body == R"({"a":2,"b":3})");
  CHECK(patched.header("ETag") == tag_of(book, 3));

  const Answer minimal = send(book.rest, "PUT", target, "{}", {{"Prefer", "return=minimal"}});
  CHECK(minimal.status == 204);
  CHECK(minimal.header("Preference-Applied") == "return=minimal");
  CHECK(minimal.header("Vary") == "Prefer");
  const Answer unknown = send(book.rest, "PUT", target, "{}", {{"Prefer", "return=all, x"}});
  CHECK(unknown.status == 204);
  CHECK(unknown.count("Preference-Applied") == 0);
  CHECK(unknown.count("Vary") == 0);
  CHECK(send(book.rest, "PUT", absent, "{}", all).status == 404);
  CHECK(ask(book.rest, asking("DELETE", target, all)).status == 204);
}

TEST_CASE("address: a large one is a source, with the same fields and text") {
  const Book book(with_gzip());
  const std::string text = R"({"photo":")" + std::string(300'000, 'x') + "\"}";
  const std::string target = book.add(text);
  const Answer answer = get(book.rest, target);
  CHECK(answer.status == 200);
  CHECK(answer.body == text);
  CHECK(answer.header("Content-Type") == get(book.rest, book.add()).header("Content-Type"));
  CHECK(get(book.rest, target, {{"If-None-Match", answer.header("ETag")}}).status == 304);
  const Answer packed = get(book.rest, target, {{"Accept-Encoding", "gzip"}});
  CHECK(packed.header("Content-Encoding") == "gzip");
  CHECK(packed.body.size() < 10'000);
  CHECK(send(book.rest, "HEAD", target, "").body.empty());
}

TEST_CASE("address: an Idempotency-Key of a PATCH is refused, as it would not be heeded") {
  const Book book;
  const std::string target = book.add();
  CHECK(send(book.rest, "PATCH", target, R"({"x":1})",
             {{"Content-Type", "application/merge-patch+json"}, {"Idempotency-Key", "k"}})
            .status == 400);
  CHECK(get(book.rest, target).body == ada);
}
