#include <addrbook/http.hpp>

#include <unit/fake_source.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using addrbook::BodySource;
using addrbook::send_body;
using test::FakeSource;

TEST_CASE("http: send_body sends the pieces of a source in their order") {
  FakeSource source({"a", "b"});
  std::vector<std::string> pieces;
  CHECK(send_body(source, [&](std::string_view bytes) {
    pieces.emplace_back(bytes);
    return true;
  }));
  CHECK(pieces == std::vector<std::string>{"a", "b"});
}

TEST_CASE("http: send_body ends where the sink refuses, and reads no further") {
  FakeSource source({"a", "b", "c"});
  int reads = 0;
  source.before_read = [&] { ++reads; };
  CHECK_FALSE(send_body(source, [](std::string_view bytes) { return bytes != "b"; }));
  CHECK(reads == 2);
}

TEST_CASE("http: send_body says so if the source fails") {
  FakeSource source({"a"});
  source.next = BodySource::Status::failed;
  CHECK_FALSE(send_body(source, [](std::string_view) { return true; }));
}

TEST_CASE("http: send_body waits for a source that has nothing yet") {
  FakeSource source({"a"});
  source.next = BodySource::Status::later;
  std::thread caller;
  source.when_asked = [&](std::function<void()> ready) { caller = std::thread(std::move(ready)); };
  std::string body;
  CHECK(send_body(source, [&](std::string_view bytes) {
    body += bytes;
    return true;
  }));
  caller.join();
  CHECK(body == "a");
}

TEST_CASE("http: a client that leaves while a source has nothing ends send_body") {
  FakeSource source({"a"});
  source.next = BodySource::Status::later;
  std::function<void()> kept;
  source.when_asked = [&](std::function<void()> ready) { kept = std::move(ready); };
  int asked = 0;
  CHECK_FALSE(send_body(source, [&](std::string_view bytes) {
    CHECK(bytes.empty());
    return ++asked < 2;
  }));
  CHECK(asked == 2);
  kept();  // the source may still call
}
