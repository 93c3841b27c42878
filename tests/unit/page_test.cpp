#include <addrbook/page.hpp>

#include <support/addresses.hpp>

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

const std::filesystem::path folder = ADDRBOOK_SOURCE_DIR "/include/addrbook/page";

/// A line of a script without spaces beside punctuation, but in texts, and without the comment at
/// its end.
std::string tight(const std::string& line) {
  const std::string marks = "=>!&|?:,;{}()[]+*<";
  std::string text;
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
      if (c == '\\') text += line[i++];
    } else if (c == '"' || c == '`') {
      quote = c;
    } else if (c == ' ') {
      if (line.compare(i, 4, " // ") == 0) break;
      if (marks.find(text.back()) != std::string::npos) continue;
      if (marks.find(line[i + 1]) != std::string::npos) continue;
    }
    text += line[i];
  }
  return text;
}

/// What cmake/embed-page.sh makes of a file.
std::string embedded(const std::string& name, const std::string& source) {
  const std::string type = name.substr(name.rfind('.'));
  std::string text;
  std::istringstream lines(source);
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(' '));
    if (line.empty() || line.substr(0, 2) == "//" || line.substr(0, 2) == "/*") continue;
    if (type == ".js") line = tight(line);
    if (type == ".css") {
      line = std::regex_replace(line, std::regex("([:;{,]) "), "$1");
      line = std::regex_replace(line, std::regex(" \\{"), "{");
      line = std::regex_replace(line, std::regex(";\\}"), "}");
    }
    text += line;
    const bool goes_on = type == ".css" || type == ".html" ||
                         (type == ".js" && line.find_last_of(";{,(") == line.size() - 1);
    if (!goes_on) text += '\n';
  }
  if (type == ".js") text = std::regex_replace(text, std::regex(";\\}"), "}");
  return text;
}

std::size_t packed_size(const std::string& text) {
  std::vector<unsigned char> packed(compressBound(text.size()));
  uLongf size = packed.size();
  REQUIRE(compress2(packed.data(), &size, reinterpret_cast<const unsigned char*>(text.data()),
                    text.size(), Z_BEST_COMPRESSION) == Z_OK);
  return size;
}

}  // namespace

TEST_CASE("page: what is embedded is what cmake/embed-page.sh makes of the files beside it") {
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename().string();
    if (name == "files.hpp") continue;
    CAPTURE(name);
    names.insert(name);
    const char* const text = addrbook::page_file(name);
    REQUIRE(text != nullptr);
    // Not CHECK(a == b), which would print both.
    const bool is_same = text == embedded(name, test::read_file(file.path()));
    CHECK_MESSAGE(is_same, "run cmake/embed-page.sh");
  }
  CHECK(names.count("index.html") == 1);
  for (const auto& file : addrbook::detail::page_files) {
    CHECK_MESSAGE(names.count(std::string(file.name)) == 1, file.name);
  }
}

TEST_CASE("page: it is small") {
  std::string all;
  for (const auto& file : addrbook::detail::page_files) all += file.text;
  const std::size_t size = all.size();
  const std::size_t packed = packed_size(all);
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
