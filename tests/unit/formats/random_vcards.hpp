/// Random vCards, and when two of them say the same.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/jcard.hpp>
#include <addrbook/formats/parameter_bag.hpp>
#include <addrbook/formats/vcard_property.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace test {

namespace detail = addrbook::detail;

/// Makes vCards of properties that are as in RFC 6350, and of some that are not.
class RandomVCards {
 public:
  explicit RandomVCards(unsigned seed) : random_(seed) {}

  detail::VCard next() {
    detail::VCard vcard;
    if (below(4) > 0) add(vcard, "UID", "urn:uuid:" + word());
    if (below(4) > 0) add(vcard, "FN", text());
    if (below(4) > 0) {
      add(vcard, "N", text() + ';' + text() + ';' + pick({"", "x", "x,y"}) + ";Dr.;");
    }
    for (auto n = below(12); n > 0; --n) add_any(vcard);
    return vcard;
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::string pick(std::vector<std::string> of) {
    return of[below(static_cast<unsigned>(of.size()))];
  }
  std::string word() { return "w" + std::to_string(++count_); }
  std::string text() {
    return word() + pick({"", "", "\\,", "\\;", "\\n", "\\\\", " ", "\xC3\xA9", ":", "\"", "^"});
  }
  void add(detail::VCard& to, const std::string& name, const std::string& value) {
    to.properties.push_back({"", name, {}, value, 0});
  }
  void parameter(detail::VCardProperty& to, const std::string& name, const std::string& value) {
    detail::add_parameter(to.parameters, name, {value});
  }

  void add_any(detail::VCard& to) {
    detail::VCardProperty p;
    switch (below(16)) {
      case 0:
        p.name = pick({"EMAIL", "NICKNAME", "TITLE", "ROLE", "NOTE", "TEL", "PRONOUNS", "HOBBY",
                       "EXPERTISE", "INTEREST"});
        p.value = text();
        break;
      case 1:
        p.name = pick({"PHOTO", "LOGO", "SOUND", "KEY", "SOURCE", "ORG-DIRECTORY", "CALURI",
                       "FBURL", "CALADRURI", "CONTACT-URI", "URL", "IMPP", "SOCIALPROFILE",
                       "X-SOCIALPROFILE", "GEO"});
        p.value = pick({"https://example.com/", "data:,", "geo:1,", "mailto:"}) + word();
        break;
      case 2:
        p.name = "ORG";
        p.value = text() + pick({"", ";" + text(), ";" + text() + ";" + text()});
        if (below(3) == 0) parameter(p, "SORT-AS", word());
        break;
      case 3:
        p.name = "ADR";
        p.value = pick({";;" + text() + ";" + text() + ";;;", ";;;;;;;;;;1;" + text() + ";;;;;;",
                        text() + ";;;" + text() + ";R;1000;C"});
        if (below(3) == 0) parameter(p, "LABEL", word());
        if (below(3) == 0) parameter(p, "CC", "AT");
        break;
      case 4:
        p.name = pick({"BDAY", "ANNIVERSARY", "DEATHDATE"});
        p.value = pick({"19530415", "1953-04", "1953", "--0415", "19531015T231000Z", "nonsense",
                        "--04", "T10", "19530230", "20000101T000000+0100", "20090808T1430-0500",
                        "19850412T000000", "00000412", "00000412T1000"});
        break;
      case 5:
        p.name = pick({"BIRTHPLACE", "DEATHPLACE"});
        p.value = text();
        break;
      case 6:
        p.name = "RELATED";
        p.value = pick({"urn:uuid:", "https://example.com/"}) + word();
        parameter(p, "TYPE", pick({"friend", "kin", "x-y"}));
        break;
      case 7:
        p.name = "CATEGORIES";
        p.value = text() + pick({"", "," + text()});
        break;
      case 8:
        p.name = pick({"X-FOO", "X-ABDATE", "GENDER", "XML", "CLIENTPIDMAP", "AGENT", "X-ABLABEL",
                       "LABEL", "MEMBER", "KIND", "REV", "CREATED", "PRODID", "LANGUAGE"});
        p.value = text();
        break;
      case 9:
        p.name = pick({"REV", "CREATED"});
        p.value = "20221130T0815" + std::to_string(10 + below(50)) + "Z";
        break;
      case 10:
        p.name = pick({"LANG", "LANGUAGE"});
        p.value = pick({"de", "fr", "en"});
        break;
      case 11:
        p.name = "TZ";
        p.value = pick({"Europe/" + word(), "-0500", "+0530"});
        break;
      case 12:
        p.name = "GRAMGENDER";
        p.value = pick({"neuter", "feminine", word()});
        break;
      case 13: return add_alternatives(to);
      case 14: return add_group(to);
      default:
        p.name = pick({"TEL", "EMAIL", "URL", "PHOTO", "NOTE", "FN", "N", "UID"});
        p.value = pick({"", text(), "tel:+1", "a b"});
    }
    if (below(3) == 0) parameter(p, "TYPE", pick({"home", "work", "cell", "fax", "x-a", "pref"}));
    if (below(6) == 0) parameter(p, "PREF", pick({"1", "100", "0", "101", "x"}));
    if (below(8) == 0) parameter(p, "X-P", word());
    if (below(8) == 0) parameter(p, "PROP-ID", pick({"a", "b", "c", "TEL-1", "a b"}));
    if (below(8) == 0) parameter(p, "LANGUAGE", pick({"de", "fr"}));
    if (below(8) == 0) parameter(p, "ALTID", pick({"1", "2"}));
    if (below(10) == 0) parameter(p, "MEDIATYPE", "image/png");
    if (below(10) == 0) parameter(p, "INDEX", pick({"1", "0", "x"}));
    if (below(10) == 0) parameter(p, "LEVEL", pick({"high", "expert", "x"}));
    if (below(10) == 0) parameter(p, "AUTHOR-NAME", word());
    if (below(12) == 0) parameter(p, "PID", "1.1");
    // Those of a group become one address.
    const bool is_place = p.name == "ADR" || p.name == "GEO" || p.name == "TZ";
    if (below(8) == 0 && !is_place) p.group = pick({"g1", "G1", "item1", "zz"});
    to.properties.push_back(std::move(p));
  }

  void add_alternatives(detail::VCard& to) {
    const std::string name = pick({"TITLE", "ORG", "NOTE", "ADR", "N", "NICKNAME"});
    const std::string altid = word();
    for (const std::string language : {"", "de", "fr"}) {
      if (below(4) == 0) continue;
      detail::VCardProperty p;
      p.name = name;
      p.value = name == "ADR" || name == "N" ? ";" + text() + ";" + word() + ";;;;" : text();
      parameter(p, "ALTID", altid);
      if (!language.empty()) parameter(p, "LANGUAGE", language);
      if (below(6) == 0) parameter(p, "X-P", word());
      to.properties.push_back(std::move(p));
    }
  }

  void add_group(detail::VCard& to) {
    const std::string group = word();
    for (const std::string name : {"TEL", "EMAIL", "ORG", "TITLE", "X-ABLABEL", "X-FOO", "URL"}) {
      if (below(2) == 0) continue;
      detail::VCardProperty p;
      p.group = group;
      p.name = name;
      p.value = name == "URL" ? "https://example.com/" + word() : text();
      if (name == "X-ABLABEL" && below(2) == 0) p.value = "_$!<" + word() + ">!$_";
      to.properties.push_back(std::move(p));
    }
  }

  std::mt19937 random_;
  unsigned count_ = 0;
};

/// What properties say, each as a text: groups and ALTIDs by what they join, and nothing of what
/// may be written in another way.
inline std::multiset<std::string> meaning_of(const detail::VCard& vcard) {
  using detail::VCardProperty;
  const auto value_of = [](const VCardProperty& p) {
    if (p.name == "N" || p.name == "ADR") {
      detail::VCardLists lists = detail::split_lists(p.value);
      // What old readers get again.
      if (p.name == "ADR" && lists.size() > 7 && lists[2].front().empty() &&
          !lists[10].front().empty()) {
        lists[2] = {lists[10].front() + " " + lists[11].front()};
      }
      if (p.name == "ADR" && lists.size() > 7) lists.resize(7);
      if (p.name == "N" && lists.size() > 4) std::sort(lists[4].begin(), lists[4].end());
      while (!lists.empty() && lists.back() == std::vector<std::string>{""}) lists.pop_back();
      std::string all;
      for (const auto& list : lists) {
        for (const auto& text : list) all += text + ',';
        if (all.empty() || all.back() != ',') all += ',';
        all.back() = ';';
      }
      return all;
    }
    if (p.name == "CLIENTPIDMAP" || p.name == "XML" || p.name == "AGENT") return p.value;
    if (p.name == "GRAMGENDER" || p.name == "KIND") {
      return addrbook::detail::lowercase(detail::unescape_text(p.value));
    }
    return detail::unescape_text(p.value);
  };
  std::vector<VCardProperty> all;
  for (const VCardProperty& p : vcard.properties) {
    const bool is_list =
        p.name == "NICKNAME" || (p.name == "CATEGORIES" && p.parameters.empty() && p.group.empty());
    if (!is_list) {
      all.push_back(p);
      continue;
    }
    for (const auto text : detail::split_escaped(p.value, ',')) {
      VCardProperty one = p;
      one.value = text;
      all.push_back(std::move(one));
    }
  }
  std::map<std::string, std::multiset<std::string>> groups;
  std::map<std::string, std::multiset<std::string>> altids;
  const auto altid_of = [](const VCardProperty& p) {
    const detail::ParameterBag bag(p.parameters);
    const std::string* const altid = bag.one("ALTID");
    return altid != nullptr ? p.name + ' ' + *altid : "";
  };
  for (const VCardProperty& p : all) {
    groups[addrbook::detail::lowercase(p.group)].insert(p.name + value_of(p));
    altids[altid_of(p)].insert(value_of(p));
  }
  const auto joined = [](const std::multiset<std::string>& texts) {
    std::string text;
    for (const std::string& one : texts) text += one + '|';
    return text;
  };
  std::multiset<std::string> meaning;
  for (const VCardProperty& p : all) {
    std::string text = p.name + ':' + value_of(p);
    if (p.value.find_first_not_of(";,") == std::string::npos && p.parameters.empty() &&
        p.group.empty()) {
      continue;
    }
    if (p.name == "UID" && p.value.empty()) continue;
    std::set<std::string> parameters;
    for (const auto& parameter : p.parameters) {
      for (const auto& value : parameter.values) {
        const bool is_default =
            parameter.name == "VALUE" &&
            (value == detail::default_value_type(p.name) ||
             (value == "uri" && p.name == "TEL" && detail::is_uri(p.value)) ||
             (value == "text" && !detail::is_uri(p.value)) || (value == "utc-offset"));
        if (parameter.name == "PROP-ID" || parameter.name == "ALTID" || is_default) continue;
        parameters.insert(parameter.name + '=' + detail::unescape_text(value));
      }
    }
    for (const std::string& parameter : parameters) text += ' ' + parameter;
    const bool is_name = p.name == "N" || p.name == "FN";
    if (!altid_of(p).empty() && !is_name) text += " ALTID{" + joined(altids[altid_of(p)]) + '}';
    if (!p.group.empty()) {
      text += " GROUP{" + joined(groups[addrbook::detail::lowercase(p.group)]) + '}';
    }
    meaning.insert(std::move(text));
  }
  return meaning;
}

}  // namespace test
