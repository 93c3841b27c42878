#include <addrbook/page.hpp>

#include <addrbook/base/hex.hpp>
#include <addrbook/tokens.hpp>

#include <support/addresses.hpp>

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

const std::filesystem::path folder = ADDRBOOK_SOURCE_DIR "/include/addrbook/page";

std::size_t packed_size(const std::string& text) {
  std::vector<unsigned char> packed(compressBound(text.size()));
  uLongf size = packed.size();
  REQUIRE(compress2(packed.data(), &size, reinterpret_cast<const unsigned char*>(text.data()),
                    text.size(), Z_BEST_COMPRESSION) == Z_OK);
  return size;
}

}  // namespace

// That the header has what is made of them tests/page/run.sh checks, which has esbuild.
TEST_CASE("page: what is embedded was made of the files beside it") {
  std::map<std::string, std::vector<std::filesystem::path>> sources;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().filename() == "files.hpp") continue;
    sources[file.path().extension().string()].push_back(file.path());
  }
  std::string all;
  for (auto& [suffix, paths] : sources) {  // .css, .html, .js, .svg
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) all += test::read_file(path);
  }
  std::string sum;
  for (const unsigned char byte : addrbook::detail::sha256(all)) {
    sum += addrbook::detail::hex_digit(byte >> 4U);
    sum += addrbook::detail::hex_digit(byte);
  }
  CHECK_MESSAGE(sum == addrbook::detail::page_sources, "run cmake/embed-page.sh");
}

TEST_CASE("page: it is small") {
  std::size_t size = 0;
  std::size_t packed = 0;
  for (const auto& file : addrbook::detail::page_files) {
    const std::string text = file.text;
    size += text.size();
    packed += packed_size(text);  // each is sent alone
  }
  CAPTURE(size);
  CAPTURE(packed);
  CHECK(size <= std::size_t{100} * 1024);
  CHECK(packed <= std::size_t{30} * 1024);
}

TEST_CASE("page: nothing in it comes from elsewhere, or needs what its policy forbids") {
  const std::string_view policy = addrbook::page_policy;
  CHECK(policy.find("unsafe") == std::string_view::npos);
  CHECK(policy.find("default-src 'none'") == 0);
  for (const auto& file : addrbook::detail::page_files) {
    CAPTURE(file.name);
    const std::string_view text = file.text;
    for (const std::string_view refused :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
          "localStorage", "document.cookie", "style=\"", " onclick=\"", "@import", "url(http"}) {
      CAPTURE(refused);
      CHECK(text.find(refused) == std::string_view::npos);
    }
    // Only the name of SVG's namespace looks like the address of another server.
    for (auto at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 1)) {
      const std::string_view rest = text.substr(at + 3);
      CHECK_MESSAGE(rest.substr(0, 11) == "www.w3.org/", rest.substr(0, 40));
    }
  }
}

TEST_CASE("page: types by suffix, and no other files") {
  CHECK(addrbook::page_type("index.html") == "text/html; charset=UTF-8");
  CHECK(addrbook::page_type("app.js") == "text/javascript; charset=UTF-8");
  CHECK(addrbook::page_type("app.css") == "text/css; charset=UTF-8");
  CHECK(addrbook::page_type("icon.svg") == "image/svg+xml");
  for (const std::string_view name : {"", "app", "app.js ", "../app.js", "files.hpp", "APP.JS"}) {
    CAPTURE(name);
    CHECK(addrbook::page_file(name) == nullptr);
  }
}
