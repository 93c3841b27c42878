/// Whether an address is a Card as RFC 9553 says.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_dates.hpp>
#include <addrbook/formats/card_members.hpp>
#include <addrbook/formats/card_patch.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/json/pointer.hpp>
#include <addrbook/json/tree.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Checks the types of all registered members, those that must be there, and the rules that RFC
/// 9553 has for several of them. Members of other names, and values that an enumeration does not
/// have, are passed over: later versions and vendors add to both. So is whether a text is a URI, a
/// language tag or a mail address.
/// @returns what is wrong first, e.g. "/emails/e1/address is missing"; nothing if all is right
[[nodiscard]] inline std::optional<std::string> card_problem(const JsonTree& card);

// ---------------------------------------------------------------------------------------------

/// Goes over a Card up to what is wrong first.
class CardCheck {
 public:
  explicit CardCheck(const JsonTree& card) : card_(card) {}

  [[nodiscard]] std::optional<std::string> run() {
    const std::string* const type = card_.string("@type");
    if (type == nullptr || *type != "Card") return "/@type is not \"Card\"";
    object(card_, "Card");
    const std::string* const version = card_.string("version");
    if (!problem_ && *version != "1.0") return "/version is not \"1.0\"";
    const std::string* const kind = card_.string("kind");
    if (!problem_ && card_.find("members") != nullptr && (kind == nullptr || *kind != "group")) {
      return "/members: only a Card of the kind \"group\" has them";
    }
    return std::move(problem_);
  }

 private:
  [[nodiscard]] static bool is_of(const CardMember& row, std::string_view type) noexcept {
    constexpr std::string_view resources[] = {"Calendar", "CryptoKey", "Directory", "Link",
                                              "Media"};
    const bool is_resource =
        std::find(std::begin(resources), std::end(resources), type) != std::end(resources);
    return row.type.empty() || row.type == type || (is_resource && row.type == "Resource");
  }
  void fail(const std::string& what) {
    if (problem_) return;
    problem_.emplace();
    for (const std::string& token : path_) *problem_ += '/' + card_pointer({token});
    *problem_ += what;
  }
  /// Checks what is below a member.
  template <class Check>
  void at(const std::string& name, Check check) {
    if (problem_) return;
    path_.push_back(name);
    check();
    path_.pop_back();
  }

  inline void object(const JsonTree& tree, std::string_view type);
  inline void rules(const JsonTree& tree, std::string_view type);
  inline void components(const JsonTree& tree);
  inline void partial_date(const JsonTree& tree);
  inline void name(const std::string& member, std::string_view type);
  inline void value(const JsonTree& tree, CardForm form, std::string_view of);
  inline void scalar(const JsonTree& tree, CardForm form);
  inline void objects(const JsonTree& tree, CardForm form, std::string_view of);
  inline void patches(const JsonTree& tree);

  const JsonTree& card_;
  CardPath path_;
  std::optional<std::string> problem_;
};

inline void CardCheck::object(const JsonTree& tree, std::string_view type) {
  if (!tree.is(JsonTree::Kind::object)) return fail(" is not an object");
  const std::string* const own_type = tree.string("@type");
  if (own_type != nullptr && *own_type != type) {
    return fail("/@type is not \"" + std::string(type) + '"');
  }
  for (const CardMember& row : card_members) {
    if (!is_of(row, type)) continue;
    const JsonTree* const member = tree.find(row.name);
    if (member != nullptr) {
      at(std::string(row.name), [&] { value(*member, row.form, row.of); });
    } else if (row.is_mandatory) {
      fail('/' + std::string(row.name) + " is missing");
    }
  }
  for (const auto& member : tree.children()) name(member.name, type);
  if (!problem_) rules(tree, type);
}

/// A name that differs from a registered one only in case is wrong (1.7.1), and so is a reserved
/// one (1.7.3).
inline void CardCheck::name(const std::string& member, std::string_view type) {
  if (problem_) return;
  if (member == "extra") return fail("/extra is reserved");
  if (std::any_of(member.begin(), member.end(), is_control)) {
    return fail(": a name has control characters");
  }
  for (const CardMember& row : card_members) {
    if (is_of(row, type) && row.name != member && equals_ignoring_case(row.name, member)) {
      return fail('/' + member + " is not written \"" + std::string(row.name) + '"');
    }
  }
}

inline void CardCheck::rules(const JsonTree& tree, std::string_view type) {
  for (const CardChoice& choice : card_choices()) {
    if (choice.type != type) continue;
    const auto has = [&tree](std::string_view member) { return tree.find(member) != nullptr; };
    if (std::any_of(choice.members.begin(), choice.members.end(), has)) continue;
    std::string members;
    for (const auto member : choice.members) members.append(members.empty() ? "" : ", ") += member;
    return fail(" has none of " + members);
  }
  if (type == "Name" || type == "Address") components(tree);
  if (type == "PartialDate") partial_date(tree);
  const JsonTree* const units = type == "Organization" ? tree.find("units") : nullptr;
  if (units != nullptr && units->children().empty()) fail("/units is empty");
}

inline void CardCheck::components(const JsonTree& tree) {
  const JsonTree* const list = tree.find("components");
  const bool has_order = is_ordered(tree);
  if (tree.find("defaultSeparator") != nullptr && (!has_order || list == nullptr)) {
    return fail("/defaultSeparator: the components are not ordered");
  }
  if (list == nullptr) {
    if (tree.find("sortAs") != nullptr) fail("/sortAs: there are no components");
    return;
  }
  bool has_any = false;
  bool has_phonetic = false;
  bool is_behind_separator = false;
  std::set<std::string_view> kinds;
  for (const auto& child : list->children()) {
    const std::string& kind = *child.value.string("kind");
    kinds.insert(kind);
    const bool is_separator = kind == "separator";
    has_any |= !is_separator;
    has_phonetic |= child.value.find("phonetic") != nullptr;
    if (is_separator && !has_order) return fail("/components: a separator without an order");
    if (is_separator && is_behind_separator) return fail("/components: a separator after another");
    is_behind_separator = is_separator;
  }
  if (!has_any) return fail("/components has none that is no separator");
  if (has_phonetic && tree.find("phoneticSystem") == nullptr &&
      tree.find("phoneticScript") == nullptr) {
    return fail(" has neither phoneticSystem nor phoneticScript");
  }
  const JsonTree* const sort_as = tree.find("sortAs");
  if (sort_as == nullptr) return;
  for (const auto& key : sort_as->children()) {
    if (kinds.count(key.name) == 0)
      return at("sortAs", [&] { fail(": no component is a " + key.name); });
  }
}

inline void CardCheck::partial_date(const JsonTree& tree) {
  const auto number = [&tree](std::string_view member) {
    const JsonTree* const value = tree.find(member);
    return value != nullptr ? parse_decimal(value->text()) : std::nullopt;
  };
  const auto year = number("year");
  const auto month = number("month");
  const auto day = number("day");
  if (month && *month > 12) return fail("/month is above 12");
  if (month && !year && !day) return fail(": a month without a year or a day");
  if (day && !month) return fail(": a day without a month");
  if (day && *day > days_in_month(static_cast<unsigned>(year.value_or(0) % 400),
                                  static_cast<unsigned>(*month))) {
    return fail("/day is beyond the month");
  }
}

inline void CardCheck::value(const JsonTree& tree, CardForm form, std::string_view of) {
  switch (form) {
    case CardForm::object: return object(tree, of);
    case CardForm::set:
    case CardForm::texts:
    case CardForm::map:
    case CardForm::by_uid:
    case CardForm::list:
    case CardForm::kept: return objects(tree, form, of);
    case CardForm::date: {
      const std::string* const type = tree.string("@type");
      return object(tree, type != nullptr && *type == "Timestamp" ? "Timestamp" : "PartialDate");
    }
    case CardForm::patches: return patches(tree);
    default: return scalar(tree, form);
  }
}

inline void CardCheck::scalar(const JsonTree& tree, CardForm form) {
  constexpr std::uint64_t max_integer = (std::uint64_t{1} << 53U) - 1;
  constexpr std::uint64_t max_pref = 100;
  if (form == CardForm::boolean) {
    if (!tree.is(JsonTree::Kind::boolean)) fail(" is neither true nor false");
    return;
  }
  if (form == CardForm::number || form == CardForm::pref) {
    const auto number = tree.is(JsonTree::Kind::number) ? parse_decimal(tree.text()) : std::nullopt;
    // Each that RFC 9553 has, but for a year, is above zero.
    const bool is_year = !path_.empty() && path_.back() == "year";
    const std::uint64_t most = form == CardForm::pref ? max_pref : max_integer;
    if (!number || *number > most || (*number == 0 && !is_year)) {
      fail(form == CardForm::pref ? " is not an integer from 1 to 100" : " is not such an integer");
    }
    return;
  }
  if (!tree.is(JsonTree::Kind::string)) return fail(" is not a string");
  if (form == CardForm::filled_text && tree.text().empty()) fail(" is empty");
  if (form == CardForm::id && !is_jscontact_id(tree.text())) fail(" is not an Id");
  if (form == CardForm::date_time && !is_utc_date_time(tree.text())) fail(" is not a UTCDateTime");
}

inline void CardCheck::objects(const JsonTree& tree, CardForm form, std::string_view of) {
  const bool is_array = form == CardForm::list || form == CardForm::kept;
  if (is_array ? !tree.is(JsonTree::Kind::array) : !tree.is(JsonTree::Kind::object)) {
    return fail(is_array ? " is not an array" : " is not an object");
  }
  std::size_t index = 0;
  for (const auto& [name, child] : tree.children()) {
    const JsonTree& element = child;
    at(is_array ? std::to_string(index++) : name, [&, &key = name] {
      switch (form) {
        case CardForm::set:
          if (!element.is_true()) fail(" is not true");
          return;
        case CardForm::texts: {
          // vCardParams may have several values.
          const bool is_text =
              element.is(JsonTree::Kind::string) ||
              (element.is(JsonTree::Kind::array) && path_[path_.size() - 2] == "vCardParams");
          if (!is_text) fail(" is not a string");
          return;
        }
        case CardForm::kept:
          if (!element.is(JsonTree::Kind::array)) fail(" is not an array");
          return;
        case CardForm::map:
          if (!is_jscontact_id(key)) return fail(": the key is not an Id");
          return object(element, of);
        default: return object(element, of);
      }
    });
  }
}

inline void CardCheck::patches(const JsonTree& tree) {
  if (!tree.is(JsonTree::Kind::object)) return fail(" is not an object");
  for (const auto& [language, patch] : tree.children()) {
    const JsonTree& changes = patch;
    at(language, [&] {
      if (!changes.is(JsonTree::Kind::object)) return fail(" is not an object");
      CardPatch all;
      for (const auto& change : changes.children()) {
        const auto path = card_path(change.name);
        if (!path || change.name.substr(0, 1) == "/") {
          return at(change.name, [&] { fail(" is not a path"); });
        }
        const JsonTree* parent = &card_;
        for (std::size_t i = 0; parent != nullptr && i + 1 < path->size(); ++i) {
          const auto index = array_index((*path)[i]);
          const bool is_array = parent->is(JsonTree::Kind::array);
          parent = !is_array                                     ? parent->find((*path)[i])
                   : index && *index < parent->children().size() ? &parent->children()[*index].value
                                                                 : nullptr;
        }
        if (parent == nullptr || path->front() == "localizations") {
          return at(change.name, [&] { fail(" leads to nothing that can be localized"); });
        }
        all.push_back({*path, JsonTree()});
      }
      if (!are_apart(all)) fail(" has a path into another one's");
    });
  }
}

inline std::optional<std::string> card_problem(const JsonTree& card) {
  return CardCheck(card).run();
}

}  // namespace addrbook::detail
