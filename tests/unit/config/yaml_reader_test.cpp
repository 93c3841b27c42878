#include <addrbook/config/yaml_reader.hpp>

#include <unit/refusal.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace {

using addrbook::detail::ConfigKey;
using addrbook::detail::ConfigMap;
using addrbook::detail::ConfigReader;

/// Reads into a table of one value, one list, one list of maps and one choice of two.
struct Fixture {
  std::string value;
  std::vector<std::string> list;
  std::vector<ConfigMap> maps;
  std::string chosen;
  std::map<std::string, std::string> places;

  void read(const std::string& yaml) {
    std::vector<ConfigKey> keys = addrbook::detail::in_section(
        "a", {{"value", [this](const std::string& text) { value = text; }},
              {"list", [this](const std::string& text) { list.push_back(text); },
               [this] { list.clear(); }},
              {"maps",
               nullptr,
               [this] { maps.clear(); },
               {"x", "y"},
               [this](const ConfigMap& map) { maps.push_back(map); }}});
    for (const std::string name : {"one", "two"}) {
      keys.push_back({name, [this, name](const std::string& text) { chosen = name + text; }});
      keys.back().section = "choice";
      keys.back().is_choice = true;
    }
    ConfigReader(keys, "f.yaml", places).read(yaml);
  }

  std::string refusal(const std::string& yaml) {
    return test::refusal([&] { read(yaml); });
  }
};

}  // namespace

TEST_CASE("config reader: sets values, lists, maps and choices, and says where they are") {
  Fixture f;
  f.list = {"default"};
  f.read("a:\n  value: v\n  list: [l, m]\n  maps:\n    - {x: 1, y: 2}\nchoice:\n  two:\n");
  CHECK(f.value == "v");
  CHECK(f.list == std::vector<std::string>{"l", "m"});
  CHECK(f.maps == std::vector<ConfigMap>{{{"x", "1"}, {"y", "2"}}});
  CHECK(f.chosen == "two");
  CHECK(f.places == std::map<std::string, std::string>{{"a.value", "f.yaml:2"},
                                                       {"a.list", "f.yaml:3"},
                                                       {"a.maps", "f.yaml:5"},
                                                       {"choice.two", "f.yaml:7"}});
}

TEST_CASE("config reader: refuses what is not in the table or of another type") {
  Fixture f;
  CHECK(f.refusal("b: 1\n") == "f.yaml:1: unknown key 'b'");
  CHECK(f.refusal("a:\n  b: 1\n") == "f.yaml:2: unknown key 'a.b'");
  CHECK(f.refusal("a:\n  value: [1]\n") ==
        "f.yaml:2: a.value: must be a single value, not a list or a map");
  CHECK(f.refusal("a:\n  value:\n") == "f.yaml:2: a.value: needs a value");
  CHECK(f.refusal("a:\n  list: 1\n") == "f.yaml:2: a.list: must be a list");
  CHECK(f.refusal("a:\n  value: 1\n  value: 2\n") == "f.yaml:3: a: 'value' is given twice");
  CHECK(f.refusal("a:\n  maps:\n    - {x: 1}\n") == "f.yaml:3: a.maps: needs y");
  CHECK(f.refusal("a:\n  maps:\n    - {x: 1, y: 2, z: 3}\n") ==
        "f.yaml:3: a.maps: unknown key 'z'");
  CHECK(f.refusal("choice: {one: , two: }\n") ==
        "f.yaml:1: choice: must hold exactly one key: one, two");
  CHECK(f.refusal("a: [").rfind("f.yaml:", 0) == 0);
  CHECK(f.refusal("a: {}\n---\na: {}\n") == "f.yaml:2: a second YAML document");
}
