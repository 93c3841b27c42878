/// How settings are read: values from their text, and a YAML file along a table of keys. Which keys
/// there are is config.hpp's to say. Needs yaml-cpp (target addrbook::config).
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/http/fields.hpp>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Why a value is refused; is thrown where the key's name and place are not known.
struct BadValue {
  std::string reason;
};

/// The members of a map in a list of maps.
using ConfigMap = std::map<std::string, std::string>;

/// One setting. Its functions throw BadValue.
struct ConfigKey {
  std::string section;
  std::string name;
  std::function<void(const std::string&)> set;  ///< from its text; of a list, adds an item
  std::function<void()> clear = {};             ///< of a list alone: empties it
  std::vector<std::string> members = {};        ///< if the file's list is one of maps: theirs, all
  std::function<void(const ConfigMap&)> set_map = {};  ///< then adds such an item
  bool is_choice = false;  ///< its section must hold exactly one key; may be null

  [[nodiscard]] std::string path() const { return section + "." + name; }
  [[nodiscard]] std::string variable() const {
    std::string upper = "ADDRBOOK_" + section + "_" + name;
    for (char& c : upper) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    }
    return upper;
  }

  /// Sets it from a variable's text: a list has commas between its items.
  void set_text(std::string_view text) const {
    if (!clear) {
      set(std::string(text));
      return;
    }
    clear();
    if (text.empty()) return;
    for (int item = 1;; ++item) {
      const bool is_last = text.find(',') == std::string_view::npos;
      try {
        set(std::string(trim(cut(text, ','))));
      } catch (const BadValue& bad) {
        throw BadValue{"item " + std::to_string(item) + ": " + bad.reason};
      }
      if (is_last) return;
    }
  }
};

inline std::uint64_t parse_integer(const std::string& text, std::uint64_t least,
                                   std::uint64_t most) {
  const auto value =
      text.size() <= 19 ? parse_decimal(text) : std::nullopt;  // 19 digits always fit
  if (!value || *value < least || *value > most) {
    throw BadValue{"must be an integer from " + std::to_string(least) + " to " +
                   std::to_string(most)};
  }
  return *value;
}

template <class Enumerator>
Enumerator parse_choice(const std::string& text,
                        const std::vector<std::pair<std::string, Enumerator>>& choices) {
  std::string names;
  for (const auto& [name, enumerator] : choices) {
    if (text == name) return enumerator;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  throw BadValue{"must be one of: " + names};
}

inline std::string parse_line(const std::string& text, bool may_be_empty) {
  if (text.empty() && !may_be_empty) throw BadValue{"must not be empty"};
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    throw BadValue{"must be one line, without control characters"};
  }
  return text;
}

/// Looks for a second document. YAML::LoadAll() would give both, but never ends where one is
/// followed by a stray `,`: it takes that for one more document, again and again.
class YamlDocuments final : public YAML::EventHandler {
 public:
  /// @throws YAML::Exception
  [[nodiscard]] static std::optional<YAML::Mark> find_second(const std::string& yaml) {
    std::istringstream text(yaml);
    YAML::Parser parser(text);
    YamlDocuments documents;
    const bool is_second =
        parser.HandleNextDocument(documents) && parser.HandleNextDocument(documents);
    return is_second ? std::optional(documents.start_) : std::nullopt;
  }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark start_;
};

/// Reads a YAML document along a table of keys.
class ConfigReader {
 public:
  /// @param source  the file's name
  /// @param places  is told where each key was found
  ConfigReader(const std::vector<ConfigKey>& keys, std::string source,
               std::map<std::string, std::string>& places)
      : keys_(keys), source_(std::move(source)), places_(places) {}

  /// @throws Error{invalid} with file, line and key
  void read(const std::string& yaml) const {
    YAML::Node document;
    std::optional<YAML::Mark> second;
    try {
      document = YAML::Load(yaml);
      second = YamlDocuments::find_second(yaml);
    } catch (const YAML::Exception& error) {
      fail(error.mark, "not YAML: " + error.msg);
    }
    if (second) fail(*second, "a second YAML document");
    if (document.IsNull()) return;
    for (const auto& section : members(document, "the file")) {
      read_section(section.first, section.second);
    }
  }

 private:
  using Member = std::pair<YAML::Node, YAML::Node>;

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message,
                         SourceLine thrown_at = SourceLine::here()) const {
    throw Error(Errc::invalid, place(mark) + ": " + message, thrown_at);
  }

  [[nodiscard]] std::string place(const YAML::Mark& mark) const {
    return mark.is_null() ? source_ : source_ + ":" + std::to_string(mark.line + 1);
  }

  /// The members of a map; yaml-cpp itself takes a key twice.
  [[nodiscard]] std::vector<Member> members(const YAML::Node& node, const std::string& what) const {
    if (!node.IsMap()) fail(node.Mark(), what + ": must be a map of keys");
    std::vector<Member> members;
    std::set<std::string> seen;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) fail(member.first.Mark(), what + ": a key must be a word");
      if (!seen.insert(member.first.Scalar()).second) {
        fail(member.first.Mark(), what + ": '" + member.first.Scalar() + "' is given twice");
      }
      members.emplace_back(member.first, member.second);
    }
    return members;
  }

  void read_section(const YAML::Node& name, const YAML::Node& section) const {
    const std::string& section_name = name.Scalar();
    std::string choices;
    bool is_known = false;
    for (const ConfigKey& key : keys_) {
      if (key.section != section_name) continue;
      is_known = true;
      if (key.is_choice) choices.append(choices.empty() ? "" : ", ").append(key.name);
    }
    if (!is_known) fail(name.Mark(), "unknown key '" + section_name + "'");
    const auto entries = section.IsNull() ? std::vector<Member>() : members(section, section_name);
    if (!choices.empty() && entries.size() != 1) {
      fail(name.Mark(), section_name + ": must hold exactly one key: " + choices);
    }
    for (const auto& [key_name, value] : entries) {
      const std::string path = section_name + "." + key_name.Scalar();
      const auto key = std::find_if(keys_.begin(), keys_.end(),
                                    [&](const ConfigKey& each) { return each.path() == path; });
      if (key == keys_.end()) fail(key_name.Mark(), "unknown key '" + path + "'");
      if (value.IsNull() && !key->is_choice) fail(key_name.Mark(), path + ": needs a value");
      // A null has no place of its own; the key's is as good.
      const YAML::Mark mark = value.IsNull() ? key_name.Mark() : value.Mark();
      if (key->clear) {
        read_list(*key, value);
      } else if (!value.IsNull() && !value.IsScalar()) {
        fail(mark, path + ": must be a single value, not a list or a map");
      } else {
        const std::string text = value.IsNull() ? std::string() : value.Scalar();
        set(mark, path, [&] { key->set(text); });
      }
      places_[path] = place(mark);
    }
  }

  void read_list(const ConfigKey& key, const YAML::Node& list) const {
    const std::string path = key.path();
    if (!list.IsSequence()) fail(list.Mark(), path + ": must be a list");
    key.clear();
    for (const YAML::Node& item : list) {
      // A null, again, has no place.
      const YAML::Mark mark = item.IsNull() ? list.Mark() : item.Mark();
      if (!key.set_map) {
        if (!item.IsScalar()) fail(mark, path + ": an item must be a single value");
        set(mark, path, [&] { key.set(item.Scalar()); });
        continue;
      }
      if (item.IsNull()) fail(mark, path + ": an item must be a map of keys");
      ConfigMap map;
      for (const auto& [name, value] : members(item, path)) {
        const bool is_known =
            std::count(key.members.begin(), key.members.end(), name.Scalar()) != 0;
        if (!is_known) fail(name.Mark(), path + ": unknown key '" + name.Scalar() + "'");
        if (!value.IsScalar()) {
          fail(name.Mark(), path + ": " + name.Scalar() + ": must be a single value");
        }
        map[name.Scalar()] = value.Scalar();
      }
      for (const std::string& name : key.members) {
        if (map.count(name) == 0) fail(mark, std::string(path).append(": needs ").append(name));
      }
      set(mark, path, [&] { key.set_map(map); });
    }
  }

  template <class Setter>
  void set(const YAML::Mark& mark, const std::string& path, Setter setter) const {
    try {
      setter();
    } catch (const BadValue& bad) {
      fail(mark, path + ": " + bad.reason);
    }
  }

  const std::vector<ConfigKey>& keys_;
  std::string source_;
  std::map<std::string, std::string>& places_;
};

}  // namespace addrbook::detail
