/// Random Cards of JSContact.
#pragma once

#include <addrbook/json/tree.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

using addrbook::detail::JsonTree;

/// Makes Cards of the registered members (RFC 9553). Most of their values are as they must be, some
/// are of any other kind, and there are members that nobody knows.
class RandomCards {
 public:
  /// @param wildness  of 100 values, how many are anything
  RandomCards(unsigned seed, unsigned wildness) : random_(seed), wildness_(wildness) {}

  JsonTree next() {
    JsonTree card;
    card["@type"] = JsonTree("Card");
    card["version"] = JsonTree("1.0");
    card["uid"] = JsonTree("urn:uuid:" + word());
    maybe(card, "kind", {"individual", "org", "group", "x"});
    maybe(card, "language", {"de", "en"});
    maybe(card, "prodId", {"a", "b,c"});
    maybe(card, "created", {"2022-11-30T08:15:02Z", "2022-11-30T08:15:02.5Z"});
    maybe(card, "updated", {"2022-11-30T08:15:02Z", "never"});
    if (below(4) > 0) card["name"] = name();
    set(card, "keywords", {"a", "b,c", "d;e\n"});
    set(card, "members", {"urn:uuid:1", "x y"});
    map(card, "nicknames", [this] { return object({"name", "contexts", "pref"}); });
    map(card, "organizations", [this] { return organization(); });
    map(card, "titles", [this] { return object({"name", "titleKind", "organizationId"}); });
    map(card, "emails", [this] { return object({"address", "contexts", "pref", "label"}); });
    map(card, "phones", [this] {
      return object({"number", "contexts", "features", "pref", "label"});
    });
    map(card, "onlineServices", [this] {
      return object({"service", "uri", "user", "contexts", "pref", "label", "vCardName"});
    });
    map(card, "preferredLanguages", [this] { return object({"language", "contexts", "pref"}); });
    map(card, "calendars", [this] { return resource({"calendar", "freeBusy"}); });
    map(card, "schedulingAddresses", [this] {
      return object({"uri", "contexts", "pref", "label"});
    });
    map(card, "addresses", [this] { return address(); });
    map(card, "cryptoKeys", [this] { return resource({}); });
    map(card, "directories", [this] { return resource({"directory", "entry"}); });
    map(card, "links", [this] { return resource({"contact"}); });
    map(card, "media", [this] { return resource({"photo", "logo", "sound"}); });
    map(card, "notes", [this] {
      JsonTree note = object({"note", "created"});
      if (below(2) == 0) note["author"] = object({"name", "uri"});
      return note;
    });
    map(card, "personalInfo", [this] {
      JsonTree info = object({"value", "level", "listAs", "label"});
      info["kind"] = text({"expertise", "hobby", "interest"});
      return info;
    });
    map(card, "anniversaries", [this] { return anniversary(); });
    if (below(6) == 0) {
      card["speakToAs"]["grammaticalGender"] = text({"neuter", "feminine"});
      map(card["speakToAs"], "pronouns", [this] { return object({"pronouns", "contexts"}); });
    }
    if (below(6) == 0) {
      set(card["relatedTo"]["urn:uuid:" + word()], "relation", {"friend", "kin"});
      if (below(2) == 0) card["relatedTo"]["Ask Bob"] = JsonTree(JsonTree::Kind::object);
    }
    if (below(4) == 0) add_localization(card);
    if (below(8) == 0) add_kept(card);
    if (below(6) == 0) card["example.com:foo"] = anything(2);
    if (below(8) == 0) card["unknown/~" + word()] = anything(2);
    return card;
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::string word() { return "w" + std::to_string(++count_); }
  std::string pick(const std::vector<std::string>& of) {
    return of[below(static_cast<unsigned>(of.size()))];
  }
  bool is_wild() { return below(100) < wildness_; }

  JsonTree anything(int depth) {
    switch (below(depth > 0 ? 7 : 5)) {
      case 0: return JsonTree(std::uint64_t{below(200)});
      case 1: return JsonTree(below(2) == 0);
      case 2: return JsonTree("");
      case 3: return JsonTree(word() + pick({"", "\r", "\n", "\"^'", "\x7f", "\x01", ",;\\:"}));
      case 4: return JsonTree();
      case 5: {
        JsonTree array(JsonTree::Kind::array);
        for (auto n = below(3); n > 0; --n) array.push_back(anything(depth - 1));
        return array;
      }
      default: {
        JsonTree object(JsonTree::Kind::object);
        for (auto n = below(3); n > 0; --n) {
          object[pick({"", "a", "b/c", "~", "kind", "vCardParams", "\n"})] = anything(depth - 1);
        }
        return object;
      }
    }
  }
  JsonTree text(const std::vector<std::string>& of) {
    return is_wild() ? anything(1) : JsonTree(pick(of));
  }
  JsonTree number(unsigned most) {
    return is_wild() ? anything(1) : JsonTree(std::uint64_t{1 + below(most)});
  }
  void maybe(JsonTree& to, std::string_view name, const std::vector<std::string>& of) {
    if (below(3) == 0) to[name] = text(of);
  }
  void set(JsonTree& to, std::string_view name, const std::vector<std::string>& of) {
    if (below(4) != 0) return;
    for (auto n = 1 + below(2); n > 0; --n) {
      to[name][pick(of)] = is_wild() ? anything(1) : JsonTree(true);
    }
  }
  template <class Make>
  void map(JsonTree& to, std::string_view name, Make make) {
    if (below(6) != 0) return;
    if (is_wild()) {
      to[name] = anything(2);
      return;
    }
    for (auto n = 1 + below(3); n > 0; --n) {
      to[name][pick({"a", "b-1", "TEL-1", "EMAIL-1", "c"})] = is_wild() ? anything(2) : make();
    }
  }

  JsonTree object(const std::vector<std::string>& members) {
    JsonTree object(JsonTree::Kind::object);
    bool is_first = true;
    for (const std::string& member : members) {
      if (!std::exchange(is_first, false) && below(2) == 0) continue;
      if (member == "contexts") {
        set(object, member, {"private", "work", "example.com:x"});
      } else if (member == "features") {
        set(object, member, {"mobile", "fax", "voice", "x"});
      } else if (member == "pref" || member == "listAs") {
        object[member] = number(120);
      } else if (member == "titleKind") {
        maybe(object, "kind", {"title", "role"});
      } else if (member == "organizationId") {
        object[member] = text({"a", "b-1", "zz"});
      } else if (member == "created") {
        object[member] = text({"2022-11-30T08:15:02Z", "x"});
      } else if (member == "level") {
        object[member] = text({"low", "medium", "high", "x"});
      } else if (member == "vCardName") {
        object[member] = text({"impp", "socialprofile", "x-socialprofile", "y"});
      } else if (member == "uri") {
        object[member] = text({"https://example.com/" + word(), "data:,x", "a b", "mailto:x"});
      } else {
        object[member] = text({word() + pick({"", ",", ";", "\n", "\\", "\"", "\r", ":", "."}),
                               "tel:+1-555-555-0123", ""});
      }
    }
    decorate(object);
    return object;
  }
  /// Adds what any object may have.
  void decorate(JsonTree& object) {
    if (below(12) == 0) object["example.com:" + word()] = anything(2);
    if (below(12) == 0) object["@type"] = JsonTree("Any");
    if (below(12) != 0) return;
    JsonTree& parameters = object["vCardParams"];
    parameters[pick({"x-a", "type", "group", "altid", "language", "prop-id", "value", "pref"})] =
        text({"a", "text", "uri", "1", "de"});
  }
  JsonTree resource(const std::vector<std::string>& kinds) {
    JsonTree resource = object({"uri", "mediaType", "contexts", "pref", "label", "listAs"});
    if (!kinds.empty()) resource["kind"] = text(kinds);
    return resource;
  }
  JsonTree components(const std::vector<std::string>& kinds, bool is_ordered) {
    JsonTree list(JsonTree::Kind::array);
    for (auto n = below(6); n > 0; --n) {
      JsonTree one;
      one["kind"] = is_ordered && below(4) == 0 ? JsonTree("separator") : text(kinds);
      one["value"] = text({word(), word() + ",;\\", "Diaz", " ", ""});
      if (below(8) == 0) one["phonetic"] = text({"ph" + word()});
      if (below(12) == 0) one["@type"] = JsonTree("NameComponent");
      list.push_back(std::move(one));
    }
    return is_wild() ? anything(2) : list;
  }
  JsonTree structured(const std::vector<std::string>& kinds) {
    JsonTree object(JsonTree::Kind::object);
    const bool is_ordered = below(2) == 0;
    if (below(4) > 0) object["components"] = components(kinds, is_ordered);
    if (is_ordered || below(4) == 0) object["isOrdered"] = JsonTree(is_ordered);
    if (is_ordered && below(3) == 0) object["defaultSeparator"] = text({", ", "", ";"});
    if (below(2) == 0) object["full"] = text({word() + " full", "a\nb", ""});
    if (below(4) == 0) object["phoneticSystem"] = text({"ipa", "script", "jyut"});
    if (below(4) == 0) object["phoneticScript"] = text({"Latn"});
    decorate(object);
    return object;
  }
  JsonTree name() {
    JsonTree name = structured({"surname", "given", "given2", "title", "credential", "surname2",
                                "generation", "example.com:x"});
    if (below(4) == 0) name["sortAs"][pick({"surname", "given", "x"})] = text({word(), "a,b"});
    return name;
  }
  JsonTree address() {
    JsonTree address = structured({"number", "name", "locality", "postcode", "country", "room",
                                   "apartment", "building", "postOfficeBox", "landmark"});
    maybe(address, "countryCode", {"AT"});
    maybe(address, "coordinates", {"geo:1,2", "x"});
    maybe(address, "timeZone", {"Europe/Wien", "Etc/GMT+5", "Etc/UTC", "-0500"});
    set(address, "contexts", {"work", "billing", "x"});
    if (below(4) == 0) address["pref"] = number(100);
    return address;
  }
  JsonTree organization() {
    JsonTree organization = object({"name", "sortAs", "contexts"});
    for (auto n = below(3); n > 0; --n) {
      organization["units"].push_back(is_wild() ? anything(2) : object({"name", "sortAs"}));
    }
    return organization;
  }
  JsonTree anniversary() {
    JsonTree anniversary;
    anniversary["kind"] = text({"birth", "death", "wedding", "example.com:x"});
    JsonTree& date = anniversary["date"];
    date = JsonTree(JsonTree::Kind::object);
    if (below(4) == 0) {
      date["@type"] = JsonTree("Timestamp");
      date["utc"] = text({"2022-11-30T08:15:02Z", "x"});
    } else {
      if (below(3) > 0) date["year"] = JsonTree(std::uint64_t{1900 + below(200)});
      if (below(3) > 0) date["month"] = number(13);
      if (below(3) > 0) date["day"] = number(32);
      if (below(8) == 0) date["calendarScale"] = text({"gregorian", "hebrew"});
    }
    if (below(3) == 0) anniversary["place"] = address();
    decorate(anniversary);
    return anniversary;
  }
  void add_localization(JsonTree& card) {
    for (const std::string language : {"de", "fr"}) {
      JsonTree& patch = card["localizations"][language];
      patch = JsonTree(JsonTree::Kind::object);
      for (auto n = 1 + below(3); n > 0; --n) {
        switch (below(9)) {
          case 0: patch["name/full"] = text({word()}); break;
          case 1: patch["name"] = name(); break;
          case 2: patch["name/components"] = components({"surname", "given"}, false); break;
          case 3: patch["name/components/0/phonetic"] = text({word()}); break;
          case 4: patch["titles/a/name"] = text({word()}); break;
          case 5: patch["addresses/a"] = address(); break;
          case 6: patch["organizations/b-1/units"] = anything(2); break;
          case 7: patch["speakToAs/grammaticalGender"] = text({"feminine"}); break;
          default: patch[pick({"a/b", "phones/a", "~", "titles/a/kind"})] = anything(1);
        }
      }
    }
  }
  void add_kept(JsonTree& card) {
    JsonTree kept;
    kept.push_back(JsonTree(pick({"x-foo", "fn", "tel", "uid", "n", "rev", "begin", "jsprop"})));
    kept.push_back(JsonTree(JsonTree::Kind::object));
    kept.push_back(JsonTree(pick({"text", "unknown", "uri"})));
    kept.push_back(text({word(), "a,b;c", "VCARD"}));
    card["vCardProps"].push_back(is_wild() ? anything(3) : kept);
  }

  std::mt19937 random_;
  unsigned wildness_;
  unsigned count_ = 0;
};

}  // namespace test
