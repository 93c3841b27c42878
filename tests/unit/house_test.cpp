// The layout of include/addrbook: doors at the top, rooms behind them. house.txt states the order
// and the exceptions.

#include <support/addresses.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Words = std::vector<std::string>;
/// Texts by path below the source folder, e.g. "include/addrbook/rest/routes.hpp".
using Files = std::map<std::string, std::string>;

// Rules

struct Rules {
  std::map<std::string, std::size_t> layers;  ///< of "room/", "door" and "room/name", from below
  std::map<std::string, std::string> untested;
  std::map<std::string, std::string> long_ones;
};

Rules parse_rules(const std::string& text) {
  Rules rules;
  std::string section;
  std::istringstream lines(text);
  std::size_t layer = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      section = line;
    } else if (section == "[order]") {
      std::istringstream names(line);
      for (std::string name; names >> name;) {
        if (!rules.layers.emplace(name, layer).second) throw std::runtime_error("twice: " + name);
      }
      ++layer;
    } else {
      const auto colon = line.find(": ");
      if (colon == std::string::npos) throw std::runtime_error("without a reason: " + line);
      auto& list = section == "[long]" ? rules.long_ones : rules.untested;
      list.emplace(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  return rules;
}

// Reading C++

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The words and punctuation of a header; comments, literals and directives are left out.
Words tokens_of(const std::string& text) {
  Words tokens;
  bool at_line_start = true;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto skip_past = [&](const std::string& end, std::size_t from) {
      const auto found = text.find(end, from);
      i = found == std::string::npos ? text.size() : found + end.size();
    };
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      at_line_start = at_line_start || c == '\n';
      ++i;
      continue;
    }
    if (c == '#' && at_line_start) {
      while (i < text.size() && text[i] != '\n') i += text[i] == '\\' ? 2U : 1U;
      continue;
    }
    if (text.compare(i, 2, "//") == 0) {
      skip_past("\n", i);
      at_line_start = true;
      continue;
    }
    if (text.compare(i, 2, "/*") == 0) {
      skip_past("*/", i + 2);
      continue;
    }
    at_line_start = false;
    if (c == '"' && !tokens.empty() && tokens.back() == "R") {
      const auto open = text.find('(', i);
      skip_past(")" + text.substr(i + 1, open - i - 1) + "\"", open);
      tokens.back() = "\"\"";
    } else if (c == '"' || c == '\'') {
      for (++i; i < text.size() && text[i] != c; ++i) i += text[i] == '\\' ? 1U : 0U;
      ++i;
      tokens.emplace_back("\"\"");
    } else if (is_word(c)) {
      const std::size_t begin = i;
      const bool is_number = std::isdigit(static_cast<unsigned char>(c)) != 0;
      while (i < text.size() && (is_word(text[i]) || (is_number && text[i] == '\''))) ++i;
      tokens.push_back(text.substr(begin, i - begin));
    } else {
      tokens.push_back(text.compare(i, 2, "::") == 0 ? "::" : std::string(1, c));
      i += tokens.back().size();
    }
  }
  return tokens;
}

/// @returns the place after the bracket that closes the one at `at`
std::size_t past_bracket(const Words& tokens, std::size_t at) {
  const std::string open = tokens[at];
  const std::string close = open == "{" ? "}" : open == "(" ? ")" : ">";
  int depth = 0;
  for (; at < tokens.size(); ++at) {
    if (tokens[at] == open) ++depth;
    if (tokens[at] == close && --depth == 0) return at + 1;
  }
  return at;
}

/// A declaration at namespace scope, without what its brackets hold.
struct Statement {
  std::string scope;  ///< "addrbook::detail"; "" is the global one; "extern" of a library in C
  Words tokens;       ///< "{" stands for a pair of braces, "(" and ")" are empty
};

/// Splits tokens[at...] into statements until the brace that closes the scope.
void read_scope(const Words& tokens, std::size_t& at, const std::string& scope,
                std::vector<Statement>& statements) {
  Words statement;
  while (at < tokens.size() && tokens[at] != "}") {
    const std::string& token = tokens[at];
    const std::string first = statement.empty() ? "" : statement.front();
    if (token == "{" && (first == "namespace" || (first == "inline" && statement.size() > 1 &&
                                                  statement[1] == "namespace"))) {
      std::string inner = scope;
      for (const std::string& word : statement) {
        if (word == "namespace" || word == "inline" || word == "::") continue;
        inner += (inner.empty() ? "" : "::") + word;
      }
      if (statement.back() == "namespace") inner += "(unnamed)";
      statements.push_back({inner, {"namespace"}});
      statement.clear();
      read_scope(tokens, ++at, inner, statements);
      ++at;
    } else if (token == "{" && first == "extern" && statement.back() == "\"\"") {
      statement.clear();
      read_scope(tokens, ++at, "extern", statements);
      ++at;
    } else if (token == "{") {
      statement.push_back(token);
      at = past_bracket(tokens, at);
      static const std::set<std::string> heads{"class", "struct", "union", "enum"};
      const bool is_type = std::any_of(statement.begin(), statement.end(),
                                       [](const auto& word) { return heads.count(word) != 0; }) &&
                           std::find(statement.begin(), statement.end(), "(") == statement.end();
      const std::string next = at < tokens.size() ? tokens[at] : "";
      // Only a function's body ends a statement; `: a_{1}, b_{2} {}` goes on.
      if (!is_type && next != ";" && next != "," && next != "{" && next != "(") {
        statements.push_back({scope, std::exchange(statement, {})});
      }
    } else if (token == "(") {
      statement.insert(statement.end(), {"(", ")"});
      at = past_bracket(tokens, at);
    } else if (token == ";") {
      ++at;
      if (!statement.empty()) statements.push_back({scope, std::exchange(statement, {})});
    } else {
      statement.push_back(token);
      ++at;
    }
  }
  if (!statement.empty()) statements.push_back({scope, statement});
}

std::vector<Statement> statements_of(const Words& tokens) {
  std::vector<Statement> statements;
  std::size_t at = 0;
  read_scope(tokens, at, "", statements);
  return statements;
}

/// What a header defines, and what it declares for others to define.
struct Names {
  std::set<std::string> defined;
  std::set<std::string> declared;
};

/// Classes and enumerations, at any depth: a friend or `class X*` depends on X as well.
void collect_types(const Words& tokens, Names& names) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i] == "template" && tokens[i + 1] == "<") {
      i = past_bracket(tokens, i + 1) - 1;  // `template <class T>` declares no class
      continue;
    }
    if (tokens[i] != "class" && tokens[i] != "struct" && tokens[i] != "union" &&
        tokens[i] != "enum") {
      continue;
    }
    std::size_t name = i + 1;
    if (tokens[i] == "enum" && (tokens[name] == "class" || tokens[name] == "struct")) ++name;
    i = name;
    while (name + 2 < tokens.size() && tokens[name + 1] == "::") name += 2;
    std::size_t end = name + 1;
    while (end < tokens.size() && tokens[end] != "{" && tokens[end] != ";") ++end;
    const std::string next = name + 1 < tokens.size() ? tokens[name + 1] : "";
    const bool is_definition = end < tokens.size() && tokens[end] == "{" &&
                               (next == "{" || next == ":" || next == "final" || next == "<");
    (is_definition ? names.defined : names.declared).insert(tokens[name]);
  }
}

/// Functions at namespace scope.
void collect_functions(const std::vector<Statement>& statements, Names& names) {
  for (const Statement& statement : statements) {
    Words words;
    for (std::size_t i = 0; i < statement.tokens.size(); ++i) {
      if (statement.tokens[i] == "<" && (i == 0 || statement.tokens[i - 1] != "operator")) {
        i = past_bracket(statement.tokens, i) - 1;
      } else {
        words.push_back(statement.tokens[i]);
      }
    }
    const auto open = std::find(words.begin(), words.end(), "(");
    if (open == words.end() || open - words.begin() < 2) continue;
    const std::string& name = *(open - 1);
    const std::string& before = *(open - 2);
    if (!is_word(name[0]) || before == "::" || before == "=" || before == "using") continue;
    (words.back() == "{" ? names.defined : names.declared).insert(name);
  }
}

// Checking

constexpr const char* include_folder = "include/addrbook/";

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

/// "rest/routes" of "include/addrbook/rest/routes.hpp"; "" of what is no header of ours.
std::string header_name(const std::string& path) {
  const std::string folder = include_folder;
  const std::string suffix = ".hpp";
  const std::size_t around = folder.size() + suffix.size();
  if (!starts_with(path, folder) || path.size() < around) return "";
  if (path.compare(path.size() - suffix.size(), suffix.size(), suffix) != 0) return "";
  return path.substr(folder.size(), path.size() - around);
}

bool is_room(const std::string& header) {
  return header.find('/') != std::string::npos;
}

/// The targets of a file's #include lines, with their brackets.
Words includes_of(const std::string& text) {
  Words includes;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string directive;
    std::string target;
    if (words >> directive >> target && directive == "#include") includes.push_back(target);
  }
  return includes;
}

/// @returns the header of ours that `<addrbook/x.hpp>` names, or ""
std::string own_header(const std::string& include) {
  if (!starts_with(include, "<addrbook/") || include.size() < 15) return "";
  return include.substr(10, include.size() - 15);
}

class House {
 public:
  House(const Files& files, Rules rules) : files_(files), rules_(std::move(rules)) {
    for (const auto& [path, text] : files_) {
      if (const std::string header = header_name(path); !header.empty()) headers_[header] = text;
    }
  }

  /// @returns a line for each violation
  Words violations() {
    check_declarations();
    check_order();
    check_circles();
    check_tests();
    check_lengths();
    check_examples();
    return std::move(violations_);
  }

 private:
  void report(const std::string& where, const std::string& what) {
    violations_.push_back(where + ": " + what);
  }

  void check_declarations() {
    for (const auto& [header, text] : headers_) {
      const std::string home = is_room(header) ? "addrbook::detail" : "addrbook";
      std::set<std::string> reported;
      for (const auto& [scope, tokens] : statements_of(tokens_of(text))) {
        if (scope == "extern" || scope == home || starts_with(scope, home + "::")) continue;
        if (scope == "addrbook" && tokens.front() == "namespace") continue;  // around detail
        if (!reported.insert(scope).second) continue;
        std::string start;
        for (std::size_t i = 0; i < tokens.size() && i < 6; ++i) start += " " + tokens[i];
        report(header, "outside " + home + ", in '" + scope + "':" + start);
      }
    }
  }

  /// @returns the line of house.txt that a header belongs to, or none
  [[nodiscard]] const std::size_t* layer_of(const std::string& header) const {
    auto found = rules_.layers.find(header);
    if (found == rules_.layers.end() && is_room(header)) {
      found = rules_.layers.find(header.substr(0, header.find('/') + 1));
    }
    return found == rules_.layers.end() ? nullptr : &found->second;
  }

  void check_order() {
    for (const auto& [header, text] : headers_) {
      const std::size_t* const layer = layer_of(header);
      if (layer == nullptr) report(header, "has no line in the order");
      for (const std::string& include : includes_of(text)) {
        if (include[0] == '"') report(header, "includes " + include + " by a relative path");
        const std::string other = own_header(include);
        if (other.empty()) continue;
        if (headers_.count(other) == 0) {
          report(header, "includes " + include + ", which does not exist");
          continue;
        }
        const std::size_t* const below = layer_of(other);
        if (layer != nullptr && below != nullptr && *below > *layer) {
          report(header, "includes " + other + ", which is above it");
        }
        arrows_[header].insert(other);
      }
    }
    for (const auto& each_layer : rules_.layers) {
      const std::string& name = each_layer.first;
      const bool is_used = std::any_of(headers_.begin(), headers_.end(), [&](const auto& each) {
        return each.first == name || (name.back() == '/' && starts_with(each.first, name));
      });
      if (!is_used) report(name, "stands in the order and does not exist");
    }
  }

  /// Follows includes and forward declarations.
  void check_circles() {
    std::map<std::string, Names> names;
    std::map<std::string, std::set<std::string>> homes;
    for (const auto& [header, text] : headers_) {
      const Words tokens = tokens_of(text);
      collect_types(tokens, names[header]);
      collect_functions(statements_of(tokens), names[header]);
      for (const std::string& name : names[header].defined) homes[name].insert(header);
    }
    for (const auto& [header, own] : names) {
      for (const std::string& name : own.declared) {
        if (own.defined.count(name) == 0)
          arrows_[header].insert(homes[name].begin(), homes[name].end());
      }
    }
    std::set<std::string> done;
    Words path;
    const std::function<void(const std::string&)> visit = [&](const std::string& header) {
      const auto seen = std::find(path.begin(), path.end(), header);
      if (seen != path.end()) {
        std::string circle;
        for (auto at = seen; at != path.end(); ++at) circle += *at + " -> ";
        report(header, "is in a circle: " + circle + header);
        return;
      }
      if (done.count(header) != 0) return;
      path.push_back(header);
      for (const std::string& next : arrows_[header]) visit(next);
      path.pop_back();
      done.insert(header);
    };
    for (const auto& [header, text] : headers_) visit(header);
  }

  void check_tests() {
    for (const auto& [header, text] : headers_) {
      const auto test = files_.find("tests/unit/" + header + "_test.cpp");
      const bool is_listed = rules_.untested.count(header) != 0;
      if (test == files_.end()) {
        if (!is_listed) report(header, "has no unit test");
        continue;
      }
      if (is_listed) report(header, "has a unit test, and stands on the list of those without");
      const Words includes = includes_of(test->second);
      if (includes.empty() || own_header(includes.front()) != header) {
        report(header, "is not what its unit test includes first");
      }
    }
    check_listed(rules_.untested);
  }

  void check_lengths() {
    for (const auto& [header, text] : headers_) {
      const auto lines = std::count(text.begin(), text.end(), '\n');
      const bool is_listed = rules_.long_ones.count(header) != 0;
      if (lines > 300 && !is_listed) report(header, std::to_string(lines) + " lines");
      if (lines <= 300 && is_listed) report(header, "stands on the list of long headers");
    }
    check_listed(rules_.long_ones);
  }

  void check_listed(const std::map<std::string, std::string>& list) {
    for (const auto& [header, reason] : list) {
      if (headers_.count(header) == 0) report(header, "stands on a list and does not exist");
    }
  }

  /// Programs include doors only; the examples show what programs may do.
  void check_examples() {
    for (const auto& [path, text] : files_) {
      if (!starts_with(path, "examples/")) continue;
      for (const std::string& include : includes_of(text)) {
        if (is_room(own_header(include))) report(path, "includes " + include);
      }
    }
  }

  const Files& files_;
  Rules rules_;
  Files headers_;  // by their names
  std::map<std::string, std::set<std::string>> arrows_;
  Words violations_;
};

Files read_files() {
  Files files;
  const std::filesystem::path source = ADDRBOOK_SOURCE_DIR;
  for (const char* const folder : {"include", "tests/unit", "examples"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(source / folder)) {
      if (!file.is_regular_file()) continue;
      files[file.path().lexically_relative(source).generic_string()] = test::read_file(file.path());
    }
  }
  return files;
}

// An invented house: a room below, a door above.

const std::string order = "[order]\nbase/\nlow\nhigh\nroom/\n";

Files small_house() {
  return {{"include/addrbook/base/x.hpp", "namespace addrbook::detail {\nclass X {};\n}\n"},
          {"tests/unit/base/x_test.cpp", "// a test\n#include <addrbook/base/x.hpp>\n"},
          {"include/addrbook/low.hpp",
           "#include <addrbook/base/x.hpp>\nnamespace addrbook {\nclass Low {};\n}\n"},
          {"tests/unit/low_test.cpp", "#include <addrbook/low.hpp>\n#include <vector>\n"},
          {"include/addrbook/high.hpp",
           "#include <addrbook/low.hpp>\nnamespace addrbook {\nstruct High : Low {};\n}\n"},
          {"tests/unit/high_test.cpp", "#include <addrbook/high.hpp>\n"},
          {"include/addrbook/room/y.hpp", "namespace addrbook::detail {}\n"},
          {"tests/unit/room/y_test.cpp", "#include <addrbook/room/y.hpp>\n"},
          {"examples/program.cpp", "#include <addrbook/high.hpp>\n"}};
}

/// The violations of the invented house with `path` holding `text`.
Words with(const std::string& path, const std::string& text, const std::string& lists = "") {
  Files files = small_house();
  files[path] = text;
  return House(files, parse_rules(order + lists)).violations();
}

/// As with(), for the header that stands in a room.
Words in_room(const std::string& text) {
  return with("include/addrbook/base/x.hpp", text);
}

/// As with(), for the lower door.
Words in_door(const std::string& text) {
  return with("include/addrbook/low.hpp", text);
}

}  // namespace

TEST_CASE("house: include/addrbook keeps the rules of house.txt") {
  const Files files = read_files();
  REQUIRE(files.size() > 50);
  const Rules rules = parse_rules(test::read_file(ADDRBOOK_SOURCE_DIR "/tests/unit/house.txt"));
  // SOCI's header includes sqlite3.h in a namespace of its own, which must be filled beforehand.
  const std::string exception =
      "storage/sqlite_engine: outside addrbook::detail, in 'sqlite_api': namespace";
  for (const std::string& violation : House(files, rules).violations()) {
    if (violation != exception) FAIL_CHECK(violation);
  }
}

TEST_CASE("house: a small house that keeps the rules passes") {
  CHECK(House(small_house(), parse_rules(order)).violations() == Words{});
}

TEST_CASE("house: a room declares nothing outside addrbook::detail") {
  const Words outside{"base/x: outside addrbook::detail, in '': class X {"};
  CHECK(in_room("class X {};") == outside);
  CHECK(in_room("namespace addrbook::detail {}\nclass X {};") == outside);
  CHECK(in_room("namespace addrbook { class X {}; }") ==
        Words{"base/x: outside addrbook::detail, in 'addrbook': class X {"});
  CHECK(in_room("namespace addrbook { inline void f(int a) { g(a); } }").size() == 1);
  CHECK(in_room("namespace std { template <> struct hash<X> {}; }").size() == 1);
  CHECK(in_room("namespace addrbook::details {}").size() == 1);
  CHECK(in_room("namespace {}").size() == 1);
  CHECK(in_room("using byte = char;").size() == 1);

  CHECK(in_room("namespace addrbook { namespace detail { class X {}; } }").empty());
  CHECK(in_room("namespace addrbook::detail { namespace api { class X {}; } }").empty());
  CHECK(in_room("#define X 1\n#pragma once\nextern \"C\" { void x(); }").empty());
  CHECK(in_room("// class X {};\n/* } */ namespace addrbook::detail { char c = '}'; }").empty());
  CHECK(in_room("namespace addrbook::detail { auto x = R\"(}; class Y {};)\"; int n = 1'000; }")
            .empty());
  CHECK(
      in_room(
          "namespace addrbook::detail { inline X::X() : a_{1}, b_(c{2}) {} int f() { return 1; } }")
          .empty());
}

TEST_CASE("house: a door declares nothing outside addrbook") {
  CHECK(in_door("namespace addrbook { namespace detail { class Z; } class Low {}; }").empty());
  CHECK(in_door("class Low {};") == Words{"low: outside addrbook, in '': class Low {"});
}

TEST_CASE("house: includes run downward") {
  CHECK(in_room("#include <addrbook/low.hpp>").front() ==
        "base/x: includes low, which is above it");
  CHECK(in_door("#include <addrbook/room/y.hpp>") ==
        Words{"low: includes room/y, which is above it"});
  CHECK(in_door("#include <addrbook/nowhere.hpp>") ==
        Words{"low: includes <addrbook/nowhere.hpp>, which does not exist"});
  CHECK(in_door("#include \"base/x.hpp\"") ==
        Words{"low: includes \"base/x.hpp\" by a relative path"});
  CHECK(with("include/addrbook/z.hpp", "", "[no unit test]\nz: is invented\n") ==
        Words{"z: has no line in the order"});
  CHECK(with("include/addrbook/low.hpp", "", "[order]\nloft/\n") ==
        Words{"loft/: stands in the order and does not exist"});
  CHECK_THROWS_WITH(parse_rules(order + "low\n"), "twice: low");
}

TEST_CASE("house: no circle, also none through a declaration of what another header defines") {
  const Words circle{"base/x: is in a circle: base/x -> low -> base/x"};
  const std::string up = "#include <addrbook/base/x.hpp>\nnamespace addrbook {\n";
  for (const auto& row : std::vector<std::pair<std::string, std::string>>{
           {"class Low {};", "class Low;"},
           {"struct Low final {};", "class X { friend struct Low; };"},
           {"template <class T> class Low : T {};", "template <class T> class Low;"},
           {"enum class Low : int { a };", "enum class Low : int;"},
           {"class Low {};", "inline void f(class Low* low);"},
           {"inline int low(int a) { return a; }", "int low(int a);"},
           {"inline std::map<int, int> low() { return {}; }", "std::map<int, int> low();"}}) {
    const std::string& defined = row.first;
    const std::string& declared = row.second;
    CAPTURE(declared);
    Files files = small_house();
    files["include/addrbook/low.hpp"] = up + defined + "}";
    files["include/addrbook/high.hpp"] = "";
    files["include/addrbook/base/x.hpp"] = "namespace addrbook::detail {" + declared + "}";
    CHECK(House(files, parse_rules(order)).violations() == circle);
  }
  for (const std::string own :
       {"class Low; class Low {};", "int low(int); int low(int a) { return a; }",
        "template <class Low> struct Box { Low low; };", "inline auto y = low(1);"}) {
    CAPTURE(own);
    Files files = small_house();
    files["include/addrbook/low.hpp"] = up + "class Low {}; inline int low(int) { return 1; } }";
    files["include/addrbook/base/x.hpp"] = "namespace addrbook::detail {" + own + "}";
    CHECK(House(files, parse_rules(order)).violations() == Words{});
  }
}

TEST_CASE("house: each header has a unit test that includes it first, or a reason") {
  Files files = small_house();
  files.erase("tests/unit/base/x_test.cpp");
  CHECK(House(files, parse_rules(order)).violations() == Words{"base/x: has no unit test"});
  const std::string listed = order + "[no unit test]\nbase/x: low_test.cpp tests it\n";
  CHECK(House(files, parse_rules(listed)).violations() == Words{});
  CHECK(House(small_house(), parse_rules(listed)).violations() ==
        Words{"base/x: has a unit test, and stands on the list of those without"});
  CHECK(with("tests/unit/low_test.cpp", "#include <vector>\n#include <addrbook/low.hpp>\n") ==
        Words{"low: is not what its unit test includes first"});
  CHECK(with("examples/program.cpp", "", "[no unit test]\ngone: was removed\n") ==
        Words{"gone: stands on a list and does not exist"});
  CHECK_THROWS_WITH(parse_rules("[no unit test]\nbase/x\n"), "without a reason: base/x");
}

TEST_CASE("house: a header of more than 300 lines needs a reason") {
  CHECK(in_door(std::string(300, '\n')).empty());
  CHECK(in_door(std::string(301, '\n')) == Words{"low: 301 lines"});
  const std::string listed = "[long]\nlow: one grammar\n";
  CHECK(with("include/addrbook/low.hpp", std::string(301, '\n'), listed).empty());
  CHECK(with("include/addrbook/low.hpp", std::string(300, '\n'), listed) ==
        Words{"low: stands on the list of long headers"});
}

TEST_CASE("house: examples include doors only") {
  CHECK(with("examples/program.cpp", "#include <addrbook/base/x.hpp>\n") ==
        Words{"examples/program.cpp: includes <addrbook/base/x.hpp>"});
}
