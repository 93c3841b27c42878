/// What a search has to find, worked out in a second way: by nothing that the stores search with.
/// It knows the shapes, the characters and the notations of Directory's contacts, and no others.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace test {

// --- letters -------------------------------------------------------------------------------------

enum class SignKind { letter, spaceless, apostrophe, other };

/// What folding makes of a character beyond ASCII, or of one with its combining mark, and what it
/// is in a word. Written by hand, from the rules of examples/README.md, "Find contacts".
struct Sign {
  std::string_view text;
  std::string_view folded;
  SignKind kind = SignKind::letter;
};

inline const std::vector<Sign>& signs() {
  static const std::vector<Sign> table{
      // Latin
      {"é", "e"},
      {"É", "e"},
      {"e\u0301", "e"},
      {"E\u0301", "e"},
      {"ë", "e"},
      {"ö", "o"},
      {"Ö", "o"},
      {"o\u0308", "o"},
      {"ü", "u"},
      {"ø", "o"},
      {"Ø", "o"},
      {"æ", "ae"},
      {"Æ", "ae"},
      {"ß", "ss"},
      {"ẞ", "ss"},
      {"ł", "l"},
      {"Ł", "l"},
      {"ş", "s"},
      {"ı", "i"},
      {"İ", "i"},
      {"ễ", "e"},
      {"Đ", "d"},
      {"ạ", "a"},
      {"þ", "th"},
      {"Þ", "th"},
      {"ﬁ", "fi"},
      // Greek, Cyrillic, Arabic
      {"Σ", "σ"},
      {"σ", "σ"},
      {"ς", "σ"},
      {"ο", "ο"},
      {"ό", "ο"},
      {"φ", "φ"},
      {"А", "а"},
      {"а", "а"},
      {"й", "и"},
      {"и", "и"},
      {"к", "к"},
      {"أ", "ا"},
      {"ا", "ا"},
      {"ح", "ح"},
      {"م", "م"},
      {"د", "د"},
      // Korean
      {"김", "김"},
      {"민", "민"},
      {"수", "수"},
      // Without spaces between words
      {"山", "山", SignKind::spaceless},
      {"田", "田", SignKind::spaceless},
      {"太", "太", SignKind::spaceless},
      {"郎", "郎", SignKind::spaceless},
      {"か", "か", SignKind::spaceless},
      {"が", "が", SignKind::spaceless},
      {"か\u3099", "が", SignKind::spaceless},
      {"カ", "カ", SignKind::spaceless},
      {"ส", "ส", SignKind::spaceless},
      {"ม", "ม", SignKind::spaceless},
      {"ช", "ช", SignKind::spaceless},
      // Digits
      {"１", "1"},
      {"２", "2"},
      {"٠", "0"},
      {"١", "1"},
      {"٢", "2"},
      {"٥", "5"},
      {"٣", "3"},
      // No letters
      {"’", "’", SignKind::apostrophe},
      {"\u00AD", ""},
      {"🎸", "🎸", SignKind::other},
      {"—", "—", SignKind::other},
  };
  return table;
}

/// The rules by which a store compares texts.
enum class Alphabet {
  ascii,    ///< case of ASCII only; all bytes beyond are letters
  unicode,  ///< signs()
};

/// A text as its characters. @throws std::logic_error one is not in signs()
inline std::vector<Sign> signs_of(std::string_view text, Alphabet alphabet) {
  std::vector<Sign> all;
  while (!text.empty()) {
    const auto is_ascii = [](char c) { return (static_cast<unsigned char>(c) & 0x80U) == 0; };
    // A mark may follow.
    const bool is_plain = is_ascii(text[0]) && (text.size() == 1 || is_ascii(text[1]));
    const Sign* longest = nullptr;
    for (std::size_t i = 0; i < signs().size() && !is_plain; ++i) {
      const Sign& sign = signs()[i];
      const bool is_there = text.substr(0, sign.text.size()) == sign.text;
      if (is_there && (longest == nullptr || sign.text.size() > longest->text.size())) {
        longest = &sign;
      }
    }
    if (longest != nullptr && alphabet == Alphabet::unicode) {
      all.push_back(*longest);
      text.remove_prefix(longest->text.size());
      continue;
    }
    const char c = text.front();
    const std::string_view one = text.substr(0, 1);
    text.remove_prefix(1);
    static constexpr std::string_view large = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static constexpr std::string_view small = "abcdefghijklmnopqrstuvwxyz";
    static constexpr std::string_view digits = "0123456789";
    if (const auto at = large.find(c); at != std::string_view::npos) {
      all.push_back({one, small.substr(at, 1)});
    } else if (small.find(c) != std::string_view::npos ||
               digits.find(c) != std::string_view::npos) {
      all.push_back({one, one});
    } else if (c == '\'') {
      all.push_back({one, one, SignKind::apostrophe});
    } else if (is_ascii(c)) {
      all.push_back({one, one, SignKind::other});
    } else if (alphabet == Alphabet::ascii) {
      all.push_back({one, one});
    } else {
      throw std::logic_error("a character that the oracle does not know, before: " +
                             std::string(text));
    }
  }
  return all;
}

inline std::string folded(std::string_view text, Alphabet alphabet) {
  std::string result;
  for (const Sign& sign : signs_of(text, alphabet)) result += sign.folded;
  return result;
}

/// The first bytes of a text, without half a character at the end.
inline std::string first_bytes(const std::string& text, std::size_t most) {
  std::size_t end = 0;
  for (std::size_t i = 0; i <= (std::min)(most, text.size()); ++i) {
    const bool is_within =
        i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
    if (!is_within) end = i;
  }
  return text.substr(0, end);
}

/// A word of a text, or its parts around apostrophes; or a run of a script without spaces.
struct Word {
  std::vector<std::string> parts{""};
  bool is_spaceless = false;
  std::vector<std::string> letters;  ///< of the run
};

inline std::vector<Word> words_of(std::string_view text, Alphabet alphabet) {
  auto all = signs_of(text, alphabet);
  // What folds to nothing is not there.
  all.erase(std::remove_if(all.begin(), all.end(), [](const Sign& s) { return s.folded.empty(); }),
            all.end());
  std::vector<Word> words;
  bool is_open = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SignKind kind = all[i].kind;
    const auto is_letter_at = [&](std::size_t at) {
      return at < all.size() && all[at].kind == SignKind::letter;
    };
    if (kind == SignKind::apostrophe && i > 0 && is_letter_at(i - 1) && is_letter_at(i + 1)) {
      words.back().parts.emplace_back();
      continue;
    }
    if (kind == SignKind::apostrophe || kind == SignKind::other) {
      is_open = false;
      continue;
    }
    const bool is_spaceless = kind == SignKind::spaceless;
    if (!is_open || words.back().is_spaceless != is_spaceless) {
      words.emplace_back();
      words.back().is_spaceless = is_spaceless;
      is_open = true;
    }
    if (is_spaceless) words.back().letters.emplace_back(all[i].folded);
    words.back().parts.back() += all[i].folded;
  }
  return words;
}

/// A word counts with its first 64 bytes.
inline std::string counted(const std::string& word) {
  return first_bytes(word, 64);
}

/// All that a search may ask for the beginning of.
inline std::set<std::string> forms_of(const Word& word) {
  std::set<std::string> forms;
  std::string joined;
  for (const std::string& part : word.parts) {
    forms.insert(counted(part));
    joined += part;
  }
  forms.insert(counted(joined));
  // A run without spaces is found by any part of it.
  std::string rest;
  for (auto letter = word.letters.rbegin(); letter != word.letters.rend(); ++letter) {
    rest.insert(0, *letter);
    forms.insert(counted(rest));
  }
  return forms;
}

// --- phones --------------------------------------------------------------------------------------

/// The numbers in a phone: digits only, no zeros in front.
inline std::set<std::string> numbers_of(std::string text) {
  static const std::vector<std::pair<std::string, std::string>> own_digits{
      {"٠", "0"}, {"١", "1"}, {"٢", "2"}, {"٥", "5"}, {"５", "5"}, {"１", "1"}};
  for (const auto& [from, to] : own_digits) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from)) {
      text.replace(at, from.size(), to);
    }
  }
  const auto cut_at = [](std::string& of, std::initializer_list<const char*> marks) {
    for (const char* const mark : marks) of = of.substr(0, of.find(mark));
  };
  std::set<std::string> numbers;
  while (!text.empty()) {
    const auto end = text.find_first_of(",/");
    std::string one = text.substr(0, end);
    text = end == std::string::npos ? "" : text.substr(end + 1);
    cut_at(one, {";ext=", " x", " ext", "#"});
    const auto digits_of = [](const std::string& of) {
      std::string digits;
      for (const char c : of) {
        if (c >= '0' && c <= '9') digits += c;
      }
      return digits.erase(0, (std::min)(digits.find_first_not_of('0'), digits.size()));
    };
    numbers.insert(digits_of(one));
    // (0) is dialled or not.
    if (const auto zero = one.find("(0)"); zero != std::string::npos) {
      numbers.insert(digits_of(one.erase(zero, 3)));
    }
  }
  numbers.erase("");
  return numbers;
}

enum class PhoneMatch { none, end, equal };

inline PhoneMatch compare_numbers(const std::set<std::string>& asked,
                                  const std::set<std::string>& had) {
  constexpr std::size_t fewest = 7;
  PhoneMatch best = PhoneMatch::none;
  for (const std::string& a : asked) {
    for (const std::string& b : had) {
      if (a == b) return PhoneMatch::equal;
      const auto& [shorter, longer] = a.size() < b.size() ? std::tie(a, b) : std::tie(b, a);
      if (shorter.size() < fewest) continue;
      if (longer.substr(longer.size() - shorter.size()) == shorter) best = PhoneMatch::end;
    }
  }
  return best;
}

// --- contacts ------------------------------------------------------------------------------------

/// An address as a person, read member by member.
class Person {
 public:
  explicit Person(const nlohmann::json& address) {
    const auto text_at = [](const nlohmann::json& object, const char* member) {
      const auto at = object.find(member);
      return at != object.end() && at->is_string() ? stripped(*at) : std::string();
    };
    const auto first_of = [&](std::initializer_list<const char*> members) {
      for (const char* const member : members) {
        if (const std::string text = text_at(address, member); !text.empty()) return text;
      }
      return std::string();
    };
    const auto with_space = [](std::string a, const std::string& b) {
      return a.empty() ? b : b.empty() ? a : a.append(" ").append(b);
    };
    given = first_of({"given", "given_name", "first_name"});
    family = first_of({"family", "family_name", "last_name"});
    std::string card_name;  // of JSContact
    if (const auto card = address.find("name"); card != address.end() && card->is_object()) {
      std::map<std::string, std::string> parts;
      for (const auto& each : card->value("components", nlohmann::json::array())) {
        parts[each.at("kind")] = each.at("value");
      }
      card_name = text_at(*card, "full");
      if (card_name.empty()) card_name = with_space(parts["given"], parts["surname"]);
      if (given.empty()) given = parts["given"];
      if (family.empty()) family = parts["surname"];
    }
    name = card_name.empty() ? first_of({"name", "full_name"}) : card_name;
    if (name.empty()) name = with_space(given, family);
    if (name.empty()) name = first_of({"organization", "org", "company"});
    for (const char* const member : {"email", "emails"}) {
      add_all(address, member, emails, {"email", "address", "value"});
    }
    for (const char* const member : {"phone", "phones", "phone_numbers"}) {
      add_all(address, member, phones, {"number", "value"});
    }
    for (const char* const member : {"labels", "categories", "groups", "keywords"}) {
      const auto at = address.find(member);
      if (at == address.end()) continue;
      if (at->is_string()) add(labels, *at);
      if (at->is_array()) {
        for (const auto& each : *at) add(labels, each);
      }
      if (!at->is_object()) continue;
      for (const auto& [label, is_set] : at->items()) {
        if (is_set == true) add(labels, label);
      }
    }
  }

  std::string name;
  std::string given;
  std::string family;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::vector<std::string> labels;

  static std::string stripped(std::string text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    while (!text.empty() && is_space(text.back())) text.pop_back();
    while (!text.empty() && is_space(text.front())) text.erase(0, 1);
    return text;
  }

 private:
  static void add(std::vector<std::string>& to, const nlohmann::json& value) {
    std::string text;
    if (value.is_string()) text = stripped(value);
    if (value.is_number_integer()) text = value.dump();
    if (!text.empty()) to.push_back(text);
  }
  /// One, or an array or a map of: a text, or an object that has it under one of the keys.
  static void add_all(const nlohmann::json& address, const char* member,
                      std::vector<std::string>& to, std::initializer_list<const char*> keys) {
    const auto at = address.find(member);
    if (at == address.end()) return;
    const auto add_one = [&](const nlohmann::json& one) {
      if (!one.is_object()) {
        add(to, one);
        return true;
      }
      for (const char* const key : keys) {
        if (!one.contains(key)) continue;
        add(to, one[key]);
        return true;
      }
      if (!one.contains("area_code")) return false;
      add(to, one.value("country_code", "") + " " + one.value("area_code", "") + " " +
                  one.value("local_number", ""));
      return true;
    };
    if (!at->is_array() && add_one(*at)) return;
    for (const auto& each : *at) add_one(each);
  }
};

/// The strings and integers of an address, each as the texts between its spaces that count.
inline void collect_texts(const nlohmann::json& value, std::vector<std::string>& to) {
  if (value.is_number_integer()) to.push_back(value.dump());
  if (value.is_structured()) {
    for (const auto& each : value) collect_texts(each, to);
  }
  if (!value.is_string()) return;
  const auto text = value.get<std::string>();
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = (std::min)(text.find_first_of(" \t\r\n", begin), text.size());
    const std::string run = text.substr(begin, end - begin);
    begin = end + 1;
    const auto characters = std::count_if(run.begin(), run.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    });
    if (run.rfind("data:", 0) != 0 && characters <= 256) to.push_back(run);
  }
}

// --- a book --------------------------------------------------------------------------------------

/// What is asked of a book: addrbook::Query in texts.
struct Wanted {
  std::string sort = "created";  ///< or updated, name, given, family
  bool descending = false;
  std::string words;
  std::optional<std::string> email;
  std::optional<std::string> phone;
  std::optional<std::string> label;
  std::optional<std::vector<std::string>> ids;
};

/// A book that reads all of itself for each search.
class Oracle {
 public:
  explicit Oracle(Alphabet alphabet) : alphabet_(alphabet) {}

  void put(const std::string& id, std::uint64_t created, std::uint64_t revision,
           const std::string& text) {
    const auto address = nlohmann::json::parse(text);
    const Person person(address);
    Entry entry;
    entry.created = created;
    entry.revision = revision;
    entry.texts = {{"name", person.name}, {"given", person.given}, {"family", person.family}};
    for (const std::string& mail : person.emails) entry.emails.insert(folded(mail, alphabet_));
    for (const std::string& label : person.labels) entry.labels.insert(folded(label, alphabet_));
    for (const std::string& phone : person.phones) entry.numbers.merge(numbers_of(phone));
    std::vector<std::string> runs;
    collect_texts(address, runs);
    for (const std::string& run : runs) {
      for (const Word& word : words_of(run, alphabet_)) entry.words.merge(forms_of(word));
    }
    entries_[id] = entry;
  }
  void remove(const std::string& id) { entries_.erase(id); }

  /// @returns the ids of what is found, in order
  [[nodiscard]] std::vector<std::string> search(const Wanted& wanted) const {
    // By what an entry stands where: numbers that phones are equal to first, what has the text
    // first, then the text itself as it is compared, and the time of its writing.
    struct Hit {
      bool is_end = false;
      bool has_no_text = false;
      std::pair<std::string, std::string> text;
      std::uint64_t number = 0;
      std::string id;
    };
    std::vector<Hit> hits;
    const auto numbers = numbers_of(wanted.phone.value_or(""));
    const auto words = words_of(wanted.words, alphabet_);
    for (const auto& [id, entry] : entries_) {
      const PhoneMatch phone =
          wanted.phone ? compare_numbers(numbers, entry.numbers) : PhoneMatch::equal;
      if (phone == PhoneMatch::none) continue;
      if (wanted.ids && std::count(wanted.ids->begin(), wanted.ids->end(), id) == 0) continue;
      if (wanted.email && !has(entry.emails, *wanted.email)) continue;
      if (wanted.label && !has(entry.labels, *wanted.label)) continue;
      if (!wanted.words.empty() && !has_words(entry, words)) continue;
      Hit hit;
      hit.id = id;
      hit.is_end = phone == PhoneMatch::end;
      hit.number = wanted.sort == "updated" ? entry.revision : entry.created;
      if (const auto text = entry.texts.find(wanted.sort); text != entry.texts.end()) {
        constexpr std::size_t max_bytes = 128;
        hit.has_no_text = text->second.empty();
        hit.text = {first_bytes(folded(text->second, alphabet_), max_bytes),
                    first_bytes(text->second, max_bytes)};
      }
      hits.push_back(hit);
    }
    std::sort(hits.begin(), hits.end(), [&](const Hit& a, const Hit& b) {
      if (a.is_end != b.is_end) return b.is_end;
      if (a.has_no_text != b.has_no_text) return b.has_no_text;
      const auto& [first, second] = wanted.descending ? std::tie(b, a) : std::tie(a, b);
      return std::tie(first.text, first.number) < std::tie(second.text, second.number);
    });
    std::vector<std::string> ids;
    for (const Hit& hit : hits) ids.push_back(hit.id);
    return ids;
  }

 private:
  struct Entry {
    std::uint64_t created = 0;
    std::uint64_t revision = 0;
    std::map<std::string, std::string> texts;  // to be sorted by
    std::set<std::string> emails;
    std::set<std::string> labels;
    std::set<std::string> numbers;
    std::set<std::string> words;
  };

  [[nodiscard]] bool has(const std::set<std::string>& texts, const std::string& asked) const {
    return texts.count(folded(Person::stripped(asked), alphabet_)) != 0;
  }
  [[nodiscard]] static bool has_words(const Entry& entry, const std::vector<Word>& asked) {
    const auto begins_one = [&](const std::string& part) {
      return std::any_of(entry.words.begin(), entry.words.end(), [&](const std::string& word) {
        return word.rfind(counted(part), 0) == 0;
      });
    };
    return !asked.empty() && std::all_of(asked.begin(), asked.end(), [&](const Word& word) {
      return std::all_of(word.parts.begin(), word.parts.end(), begins_one);
    });
  }

  std::map<std::string, Entry> entries_;
  const Alphabet alphabet_;
};

// --- random contacts -----------------------------------------------------------------------------

/// Contacts of many shapes, and what may be asked of them. The same names again and again, in other
/// spellings, so that there is something to find.
class Directory {
 public:
  explicit Directory(unsigned seed) : random_(seed) {}

  [[nodiscard]] std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  [[nodiscard]] bool is_one_of(std::size_t n) { return below(n) == 0; }
  template <class T>
  [[nodiscard]] T any(const std::vector<T>& of) {
    return of[below(of.size())];
  }

  [[nodiscard]] std::string document() {
    nlohmann::json json = nlohmann::json::object();
    if (!is_one_of(6)) add_name(json);
    for (std::size_t i = below(3); i != 0; --i) add_emails(json);
    for (std::size_t i = below(3); i != 0; --i) add_phones(json);
    for (std::size_t i = below(3); i != 0; --i) add_labels(json);
    if (is_one_of(3)) json["note"] = {{"of", {name(), 1815, 12, name() + "—" + name(), true}}};
    if (is_one_of(6)) json["photo"] = "data:image/png;base64," + name();
    if (is_one_of(6)) json["key"] = std::string(260, 'k') + " " + name();
    if (is_one_of(6)) json["Ada"] = 1.5;  // names of members and fractions are no words
    return json.dump();
  }

  [[nodiscard]] Wanted wanted() {
    Wanted wanted;
    wanted.sort = any(std::vector<std::string>{"created", "updated", "name", "given", "family"});
    wanted.descending = is_one_of(2);
    const std::size_t kind = below(8);
    if (kind <= 2) wanted.words = some_of(name());
    if (kind == 2) wanted.words += " " + some_of(name());
    if (is_one_of(20))
      wanted.words = any(
          std::vector<std::string>{"18", "1815", "15", "k", "...", "🎸", "kkkk", "base", "true"});
    if (kind == 3 || is_one_of(10)) wanted.phone = spelled(number());
    if (kind == 4 || is_one_of(10)) wanted.email = email();
    if (kind == 5 || is_one_of(10)) wanted.label = label();
    if (is_one_of(6)) {
      wanted.ids.emplace();
      for (std::size_t i = below(40); i != 0; --i) wanted.ids->push_back(id());
    }
    return wanted;
  }

  [[nodiscard]] std::string id() { return "id-" + std::to_string(below(80)); }

 private:
  [[nodiscard]] std::string name() {
    static const std::vector<std::vector<std::string>> names{
        {"Ada", "ada", "ADA", "A\u00ADda"},
        {"Ann", "Anna", "Annabella-Maria"},
        {"Édouard", "E\u0301douard", "edouard", "Edou"},
        {"O'Brien", "O’Brien", "obrien", "Brien", "'O'", "O''Brien"},
        {"Müller", "Muller", "mueller"},
        {"Weiß", "WEISS", "WEIẞ"},
        {"Søren", "soren", "Ærø"},
        {"Łukasz", "lukasz"},
        {"Işıl", "İSIL", "isil"},
        {"Nguyễn Đạt", "nguyen dat"},
        {"Þor", "Thor"},
        {"ﬁrst", "First"},
        {"Σοφός", "σοφος"},
        {"Айка", "аика"},
        {"أحمد", "احمد"},
        {"김민수", "김", "민수"},
        {"山田太郎", "田太", "山田", "太郎", "Ada山田"},
        {"がか", "か", "か\u3099か", "カ"},
        {"สมช", "มช"},
        {"R２D2", "r2d2", "7٣", "73"},
        {"x-y_z.w", "x y", "%41", "12:an"},
        {std::string(300, 'n') + "Ada", std::string(100, 'm') + "Ada", std::string(100, 'm')},
    };
    return any(any(names));
  }
  /// The beginning of a text, of whole characters.
  [[nodiscard]] std::string some_of(const std::string& text) {
    const auto all = signs_of(text, Alphabet::unicode);
    std::string some;
    const std::size_t end = is_one_of(3) ? all.size() : 1 + below(all.size());
    for (std::size_t i = 0; i < end; ++i) some += all[i].text;
    return some;
  }
  [[nodiscard]] std::string email() {
    static const std::vector<std::string> mails{
        "ada@example.com",    "ADA@Example.COM",    "ada@example.org",
        "ann@bücher.example", "ann@bucher.example", "ann@xn--bcher-kva.example",
        "Ann+x@example.com",  " ada@example.com ",  "søren@example.com",
        "soren@example.com",  "ada@example.co"};
    return any(mails);
  }
  [[nodiscard]] std::string label() {
    static const std::vector<std::string> labels{
        "friends",  "Friends", "friend", "café",   "CAFE",     "cafe\u0301", "a b",  "a_b",
        "\"x\" OR", "*",       "\t",     "🎸 band", "fri'ends", " friends",   "山田", "("};
    return any(labels);
  }
  /// Few numbers that are ends of others, or nearly.
  [[nodiscard]] std::string number() {
    static const std::vector<std::string> numbers{
        "15550100100", "5550100100",  "0100100",   "550100100",  "50100100",
        "100100",      "3965550123",  "065550123", "0005550100", "25550100100",
        "7",           "15550100101", "55501",     "5550123",    "65550124"};
    return any(numbers);
  }
  [[nodiscard]] std::string spelled(const std::string& number) {
    const auto in_own_digits = [&] {
      std::string text;
      for (const char c : number) {
        text += c == '0'   ? "٠"
                : c == '1' ? "１"
                : c == '5' ? "٥"
                : c == '2' ? "٢"
                           : std::string(1, c);
      }
      return text;
    };
    const std::size_t middle = number.size() / 2;
    const std::string parted = number.substr(0, middle) + " " + number.substr(middle);
    switch (below(11)) {
      case 0: return parted;
      case 1: return "+" + number;
      case 2: return "tel:+" + number + ";ext=45";
      case 3: return number + " x12";
      case 4: return parted + " ext. 9";
      case 5: return in_own_digits();
      case 6: return "(" + number.substr(0, middle) + ") " + number.substr(middle);
      case 7: return number + ", 5550199199";
      case 8: return "+39 (0)6 5550123";
      case 9: return "5550188188 / +" + number;
      default: return number;
    }
  }

  void add_name(nlohmann::json& json) {
    switch (below(8)) {
      case 0:
      case 1: json["name"] = is_one_of(2) ? name() : name() + " " + name(); break;
      case 2: json["full_name"] = " " + name() + " "; break;
      case 3:
        json[any(std::vector<std::string>{"given", "given_name", "first_name"})] = name();
        [[fallthrough]];
      case 4:
        json[any(std::vector<std::string>{"family", "family_name", "last_name"})] = name();
        break;
      case 5: json["name"] = {{"full", name()}}; break;
      case 6:
        json["name"] = {
            {"components",
             {{{"kind", "given"}, {"value", name()}}, {{"kind", "surname"}, {"value", name()}}}}};
        break;
      default:
        json[any(std::vector<std::string>{"organization", "org", "company"})] = name();
        if (is_one_of(2)) json["name"] = is_one_of(2) ? nlohmann::json("") : nlohmann::json(7);
    }
    // Of several the first one of the table counts.
    if (is_one_of(5)) json["last_name"] = name();
    if (is_one_of(5)) json["first_name"] = name();
  }
  void add_emails(nlohmann::json& json) {
    switch (below(5)) {
      case 0: json["email"] = email(); break;
      case 1: json["emails"] = {email(), email()}; break;
      case 2: json["emails"] = {{"work", email()}, {"home", email()}}; break;
      case 3: json["emails"] = {{{"address", email()}}, {{"value", email()}}, 7, ""}; break;
      default: json["emails"] = {{"e1", {{"address", email()}}}};
    }
  }
  void add_phones(nlohmann::json& json) {
    switch (below(6)) {
      case 0: json["phone"] = spelled(number()); break;
      case 1: json["phone"] = 15550100100; break;
      case 2: json["phones"] = {spelled(number()), spelled(number())}; break;
      case 3: json["phones"] = {{"p1", {{"number", spelled(number())}}}}; break;
      case 4: json["phone_numbers"] = {{{"value", spelled(number())}}, {{"number", "x"}}}; break;
      default:
        json["phone_numbers"] = {{{"country_code", is_one_of(2) ? "+1" : ""},
                                  {"area_code", "555"},
                                  {"local_number", "010 0100"}}};
    }
  }
  void add_labels(nlohmann::json& json) {
    switch (below(4)) {
      case 0: json["labels"] = {label(), label(), 7}; break;
      case 1: json["categories"] = label(); break;
      case 2: json["keywords"] = {{label(), true}, {label(), false}}; break;
      default: json["groups"] = {label()};
    }
  }

  std::mt19937 random_;
};

}  // namespace test
