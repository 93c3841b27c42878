/// ConfigReader: reads a YAML text according to a table of keys. Needs yaml-cpp (target
/// addrbook::config).
#pragma once

#include <addrbook/config/key.hpp>
#include <addrbook/error.hpp>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Finds a second document. YAML::LoadAll() would return both, but runs out of memory if one is
/// followed by a stray `,`: it reads that as one more document, again and again.
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

/// Reads a YAML document according to a table of keys.
class ConfigReader {
 public:
  /// @param keys    must outlive the reader
  /// @param source  the file's name, for messages
  /// @param places  receives the file and line of each key that is given; must outlive the reader
  ConfigReader(const std::vector<ConfigKey>& keys, std::string source,
               std::map<std::string, std::string>& places)
      : keys_(keys), source_(std::move(source)), places_(places) {}

  /// @throws Error{invalid} with file, line and key
  void read(const std::string& yaml) const;

 private:
  using Member = std::pair<YAML::Node, YAML::Node>;

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message,
                         SourceLine thrown_at = SourceLine::here()) const;
  [[nodiscard]] std::string place(const YAML::Mark& mark) const;
  [[nodiscard]] std::vector<Member> members(const YAML::Node& node, const std::string& what) const;
  [[nodiscard]] std::vector<Member> entries(const YAML::Node& name,
                                            const YAML::Node& section) const;
  void read_section(const YAML::Node& name, const YAML::Node& section) const;
  void read_value(const ConfigKey& key, const YAML::Node& value, const YAML::Mark& mark) const;
  void read_list(const ConfigKey& key, const YAML::Node& list) const;
  [[nodiscard]] ConfigMap read_map(const ConfigKey& key, const YAML::Node& item,
                                   const YAML::Mark& mark) const;

  [[nodiscard]] std::string read_names(const YAML::Node& list, const std::string& what,
                                       const YAML::Mark& mark) const;

  template <class Setter>
  void set(const ConfigKey& key, const YAML::Mark& mark, Setter setter) const {
    try {
      setter();
    } catch (const BadValue& bad) {
      fail(mark, key.path() + ": " + bad.reason);
    }
  }

  const std::vector<ConfigKey>& keys_;
  std::string source_;
  std::map<std::string, std::string>& places_;
};

// ---------------------------------------------------------------------------------------------

inline void ConfigReader::read(const std::string& yaml) const {
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

inline void ConfigReader::fail(const YAML::Mark& mark, const std::string& message,
                               SourceLine thrown_at) const {
  throw Error(Errc::invalid, place(mark) + ": " + message, thrown_at);
}

inline std::string ConfigReader::place(const YAML::Mark& mark) const {
  return mark.is_null() ? source_ : source_ + ":" + std::to_string(mark.line + 1);
}

// Refuses a repeated key, which yaml-cpp accepts.
inline std::vector<ConfigReader::Member> ConfigReader::members(const YAML::Node& node,
                                                               const std::string& what) const {
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

inline std::vector<ConfigReader::Member> ConfigReader::entries(const YAML::Node& name,
                                                               const YAML::Node& section) const {
  std::string choices;
  bool is_known = false;
  for (const ConfigKey& key : keys_) {
    if (key.section != name.Scalar()) continue;
    is_known = true;
    if (key.is_choice) choices.append(choices.empty() ? "" : ", ").append(key.name);
  }
  if (!is_known) fail(name.Mark(), "unknown key '" + name.Scalar() + "'");
  auto entries = section.IsNull() ? std::vector<Member>() : members(section, name.Scalar());
  if (!choices.empty() && entries.size() != 1) {
    fail(name.Mark(), name.Scalar() + ": must hold exactly one key: " + choices);
  }
  return entries;
}

inline void ConfigReader::read_section(const YAML::Node& name, const YAML::Node& section) const {
  for (const auto& [key_name, value] : entries(name, section)) {
    const std::string path = name.Scalar() + "." + key_name.Scalar();
    const auto key =
        std::find_if(keys_.begin(), keys_.end(),
                     [&path = path](const ConfigKey& each) { return each.path() == path; });
    if (key == keys_.end()) fail(key_name.Mark(), "unknown key '" + path + "'");
    if (value.IsNull() && !key->is_choice) fail(key_name.Mark(), path + ": needs a value");
    // yaml-cpp gives a null no position, so that of the key is used.
    const YAML::Mark mark = value.IsNull() ? key_name.Mark() : value.Mark();
    if (key->clear) {
      read_list(*key, value);
    } else {
      read_value(*key, value, mark);
    }
    places_[path] = place(mark);
  }
}

inline void ConfigReader::read_value(const ConfigKey& key, const YAML::Node& value,
                                     const YAML::Mark& mark) const {
  if (!value.IsNull() && !value.IsScalar()) {
    fail(mark, key.path() + ": must be a single value, not a list or a map");
  }
  set(key, mark, [&] { key.set(value.IsNull() ? std::string() : value.Scalar()); });
}

inline void ConfigReader::read_list(const ConfigKey& key, const YAML::Node& list) const {
  if (!list.IsSequence()) fail(list.Mark(), key.path() + ": must be a list");
  key.clear();
  for (const YAML::Node& item : list) {
    const YAML::Mark mark = item.IsNull() ? list.Mark() : item.Mark();
    if (key.set_map) {
      const ConfigMap map = read_map(key, item, mark);
      set(key, mark, [&] { key.set_map(map); });
    } else {
      if (!item.IsScalar()) fail(mark, key.path() + ": an item must be a single value");
      set(key, mark, [&] { key.set(item.Scalar()); });
    }
  }
}

/// @returns the items, joined by commas, which none may have
inline std::string ConfigReader::read_names(const YAML::Node& list, const std::string& what,
                                            const YAML::Mark& mark) const {
  if (!list.IsSequence() || list.size() == 0) fail(mark, what + ": must be a list of names");
  std::string names;
  for (const YAML::Node& item : list) {
    if (!item.IsScalar() || item.Scalar().empty() || item.Scalar().find(',') != std::string::npos) {
      fail(mark, what + ": must be a list of names");
    }
    names.append(names.empty() ? "" : ",").append(item.Scalar());
  }
  return names;
}

inline ConfigMap ConfigReader::read_map(const ConfigKey& key, const YAML::Node& item,
                                        const YAML::Mark& mark) const {
  const std::string path = key.path();
  if (!item.IsMap()) {
    std::string names;
    for (const std::string& name : key.members)
      names.append(names.empty() ? "" : ", ").append(name);
    fail(mark, path + ": each item must be {" + names + "}");
  }
  ConfigMap map;
  for (const auto& [name, value] : members(item, path)) {
    if (std::count(key.lists.begin(), key.lists.end(), name.Scalar()) != 0) {
      map[name.Scalar()] = read_names(value, path + ": " + name.Scalar(), name.Mark());
      continue;
    }
    if (std::count(key.members.begin(), key.members.end(), name.Scalar()) == 0) {
      fail(name.Mark(), path + ": unknown key '" + name.Scalar() + "'");
    }
    if (!value.IsScalar()) {
      fail(name.Mark(), path + ": " + name.Scalar() + ": must be a single value");
    }
    map[name.Scalar()] = value.Scalar();
  }
  for (const std::string& name : key.members) {
    if (map.count(name) == 0) fail(mark, std::string(path).append(": needs ").append(name));
  }
  return map;
}

}  // namespace addrbook::detail
