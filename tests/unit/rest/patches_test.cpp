#include <addrbook/rest/patches.hpp>

#include <addrbook/document.hpp>

#include <unit/refusal.hpp>

#include <doctest/doctest.h>

#include <memory>

using addrbook::Document;
using addrbook::detail::by_json_patch;
using addrbook::detail::by_merge_patch;
using addrbook::detail::JsonPatch;

// How they come out of a request: unit/rest/address_test.cpp.
TEST_CASE("patches: compute one document from another, as often as they are asked") {
  const Document ada = Document::parse(R"({"name":"Ada","n":1e400})");
  const auto merge = by_merge_patch(R"({"name":null,"x":[null]})");
  const auto patch = by_json_patch(
      std::make_shared<const JsonPatch>(R"([{"op":"copy","from":"/name","path":"/x"}])"), 40);
  for (int i = 0; i < 2; ++i) {
    CHECK(merge(ada).text() == R"({"n":1e400,"x":[null]})");
    CHECK(patch(ada).text() == R"({"name":"Ada","n":1e400,"x":"Ada"})");
  }
  const Document longer = Document::parse(R"({"name":"Ada Example-Longer"})");
  CHECK(test::refusal([&] { static_cast<void>(patch(longer)); }) ==
        "Invalid JSON Patch: operation 0: the result is over 40 bytes");
}
