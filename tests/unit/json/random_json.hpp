/// Random JSON values of few names and values, so that two of them have some in common.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <random>
#include <string>

namespace test {

/// @param depth  how deep arrays and objects may nest
inline nlohmann::json random_json(std::mt19937& random, int depth) {
  const auto below = [&](unsigned n) { return random() % n; };
  const auto name = [&] {
    static const std::string names[] = {"a", "b", "c", "", "/", "~", "\"", "\xC3\xA9", "0"};
    return names[below(9)];
  };
  switch (below(depth > 0 ? 8U : 4U)) {
    case 0: return nullptr;
    case 1: return below(2) == 0;
    case 2: return below(3);
    case 3: return name();
    case 4: {
      nlohmann::json array = nlohmann::json::array();
      for (auto i = below(4); i > 0; --i) array.push_back(random_json(random, depth - 1));
      return array;
    }
    default: {
      nlohmann::json object = nlohmann::json::object();
      for (auto i = below(4); i > 0; --i) object[name()] = random_json(random, depth - 1);
      return object;
    }
  }
}

}  // namespace test
