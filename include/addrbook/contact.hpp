/// Contact: an address of any shape, read as a person or an organization.
#pragma once

#include <addrbook/contacts/jscontact_values.hpp>
#include <addrbook/document.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// What an address says of a contact. A text that it does not have is empty.
struct Contact {
  static constexpr std::size_t max_texts = 1000;  ///< of mails, of phones, and of labels

  std::string name;
  std::string given;
  std::string family;
  std::string organization;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::vector<std::string> labels;
  std::string birthday;
};

/// Reads an address as a contact. Of several members that say the same the first one named here
/// counts; of mails, phones and labels all count. White space around a text is left out. What has
/// another type is passed over, and so is an empty text. JSContact is RFC 9553.
///
/// - name: `name`, `full_name`, given and family joined, the organization
/// - given: `given`, `given_name`, `first_name`
/// - family: `family`, `family_name`, `last_name`
/// - organization: `organization`, `org`, `company`, `organizations`: a string, an object with
///   `name`, or an array or JSContact's map of these
/// - birthday: `birthday`, `bday`: a string as it is; the one of kind `birth` in JSContact's
///   `anniversaries`
/// - emails: `email`, `emails`: a string, or an object with `email`, `address` or `value`; an array
///   or a map of these, as JSContact's or `{"work": "ada@example.com"}`
/// - phones: `phone`, `phones`, `phone_numbers`: a string, an integer, or an object with `number`
///   or `value`, or with `country_code`, `area_code` and `local_number`, which are joined; an array
///   or a map of these
/// - labels: `labels`, `categories`, `groups`, `keywords`: a string, an array of strings, or
///   JSContact's map of each to `true`
///
/// A `name` that is an object is one of JSContact: `full`, else its components joined, in their
/// order if it `isOrdered`, with its `defaultSeparator` or a space; else given, given2, surname and
/// surname2. They also give given (kind `given`) and family (`surname` and `surname2`), if no other
/// member does.
///
/// A date of JSContact becomes 1953-04-15, 1953-04, 1953, --04-15 or --04; one of another calendar
/// than the Gregorian is passed over.
/// @par Cost  the size of the document, whatever it holds
[[nodiscard]] inline Contact read_contact(const Document& address);

// ---------------------------------------------------------------------------------------------

namespace detail {

class ContactReader {
 public:
  [[nodiscard]] inline Contact read(JsonSpan address);

 private:
  enum class Field {
    name,
    given,
    family,
    organization,
    birthday,
    anniversaries,
    emails,
    phones,
    labels
  };
  struct Member {
    std::string_view name;
    Field field;
  };
  // Of the same field, those above come first.
  static constexpr Member members[] = {{"name", Field::name},
                                       {"full_name", Field::name},
                                       {"given", Field::given},
                                       {"given_name", Field::given},
                                       {"first_name", Field::given},
                                       {"family", Field::family},
                                       {"family_name", Field::family},
                                       {"last_name", Field::family},
                                       {"organization", Field::organization},
                                       {"org", Field::organization},
                                       {"company", Field::organization},
                                       {"organizations", Field::organization},
                                       {"birthday", Field::birthday},
                                       {"bday", Field::birthday},
                                       {"anniversaries", Field::anniversaries},
                                       {"email", Field::emails},
                                       {"emails", Field::emails},
                                       {"phone", Field::phones},
                                       {"phones", Field::phones},
                                       {"phone_numbers", Field::phones},
                                       {"labels", Field::labels},
                                       {"categories", Field::labels},
                                       {"groups", Field::labels},
                                       {"keywords", Field::labels}};
  static constexpr std::size_t last_rank = std::size(members);
  using Texts = std::vector<std::string>;

  // The text of the lowest rank.
  struct Best {
    std::string text;
    std::size_t rank = last_rank + 1;

    inline void offer(std::size_t its_rank, std::string offered);
  };

  inline void read_member(Field field, std::size_t rank, JsonSpan value);
  inline void read_name(std::size_t rank, JsonSpan value);
  inline void read_organization(std::size_t rank, JsonSpan value);
  inline void read_anniversaries(std::size_t rank, JsonSpan value);
  template <class Read>
  static void read_each(JsonSpan value, Texts& to, Read read, const char* needed);
  [[nodiscard]] static inline std::string email_of(JsonSpan value);
  [[nodiscard]] static inline std::string phone_of(JsonSpan value);
  static inline void read_labels(JsonSpan value, Texts& to);

  Contact contact_;
  Best name_;
  Best given_;
  Best family_;
  Best organization_;
  Best birthday_;
};

inline void ContactReader::Best::offer(std::size_t its_rank, std::string offered) {
  if (its_rank >= rank) return;
  offered = trimmed(std::move(offered));
  if (offered.empty()) return;
  text = std::move(offered);
  rank = its_rank;
}

inline Contact ContactReader::read(JsonSpan address) {
  auto all = address.children();
  while (const auto each = all.next()) {
    const bool is_escaped = each->raw_name.find('\\') != std::string_view::npos;
    const std::string unescaped = is_escaped ? each->name() : std::string();
    const std::string_view wanted = is_escaped ? unescaped : each->raw_name;
    const auto* const member = std::find_if(std::begin(members), std::end(members),
                                            [&](const Member& m) { return m.name == wanted; });
    if (member == std::end(members)) continue;
    read_member(member->field, static_cast<std::size_t>(member - std::begin(members)),
                each->value());
  }
  if (name_.text.empty()) name_.text = joined(given_.text, family_.text);
  if (name_.text.empty()) name_.text = organization_.text;
  contact_.name = std::move(name_.text);
  contact_.given = std::move(given_.text);
  contact_.family = std::move(family_.text);
  contact_.organization = std::move(organization_.text);
  contact_.birthday = std::move(birthday_.text);
  return std::move(contact_);
}

inline void ContactReader::read_member(Field field, std::size_t rank, JsonSpan value) {
  switch (field) {
    case Field::name: return read_name(rank, value);
    case Field::given: return given_.offer(rank, value.string());
    case Field::family: return family_.offer(rank, value.string());
    case Field::organization: return read_organization(rank, value);
    case Field::birthday: return birthday_.offer(rank, value.string());
    case Field::anniversaries: return read_anniversaries(rank, value);
    case Field::emails: return read_each(value, contact_.emails, email_of, "@");
    case Field::phones: return read_each(value, contact_.phones, phone_of, "0123456789");
    case Field::labels: return read_labels(value, contact_.labels);
  }
}

inline void ContactReader::read_name(std::size_t rank, JsonSpan value) {
  if (!value.is(JsonSpan::Kind::object)) return name_.offer(rank, value.string());
  NameParts parts = name_parts(value);
  name_.offer(rank, std::move(parts.full));
  given_.offer(last_rank, std::move(parts.given));
  family_.offer(last_rank, std::move(parts.family));
}

inline void ContactReader::read_organization(std::size_t rank, JsonSpan value) {
  const auto offer = [&](JsonSpan one) {
    const auto name = one.member("name");
    organization_.offer(rank, name ? name->string() : one.string());
  };
  offer(value);
  const bool is_array = value.is(JsonSpan::Kind::array);
  auto each = value.children();
  while (const auto child = each.next()) {
    if (is_array || child->value().is(JsonSpan::Kind::object)) offer(child->value());
  }
}

inline void ContactReader::read_anniversaries(std::size_t rank, JsonSpan value) {
  auto each = value.children();
  while (const auto anniversary = each.next()) {
    const auto kind = anniversary->value().member("kind");
    const auto date = anniversary->value().member("date");
    if (kind && kind->string() == "birth" && date) birthday_.offer(rank, date_text(*date));
  }
}

/// Reads a value, or the elements of an array or of a map.
/// @param needed  a plain value in a map has one of these characters: a map may be an object of a
///                shape that is not known
template <class Read>
void ContactReader::read_each(JsonSpan value, Texts& to, Read read, const char* needed) {
  const auto add = [&](JsonSpan one) {
    std::string text = trimmed(read(one));
    if (text.empty()) return false;
    if (to.size() < Contact::max_texts) to.push_back(std::move(text));
    return true;
  };
  if (add(value)) return;
  const bool is_map = value.is(JsonSpan::Kind::object);
  auto each = value.children();
  while (const auto child = each.next()) {
    if (to.size() == Contact::max_texts) return;
    const bool is_plain = is_map && !child->value().is(JsonSpan::Kind::object);
    if (!is_plain || child->value_text.find_first_of(needed) != std::string_view::npos) {
      add(child->value());
    }
  }
}

inline std::string ContactReader::email_of(JsonSpan value) {
  for (const std::string_view name : {"email", "address", "value"}) {
    const auto member = value.member(name);
    std::string text = member ? trimmed(member->string()) : std::string();
    if (!text.empty()) return text;
  }
  return value.string();
}

inline std::string ContactReader::phone_of(JsonSpan value) {
  if (!value.is(JsonSpan::Kind::object)) return text_or_integer(value);
  constexpr std::string_view names[] = {"number", "value", "country_code", "area_code",
                                        "local_number"};
  const auto found = texts_of(value, names);
  if (!found[0].empty()) return found[0];
  if (!found[1].empty()) return found[1];
  return joined(found[2], found[3], found[4]);
}

inline void ContactReader::read_labels(JsonSpan value, Texts& to) {
  const auto add = [&](std::string text) {
    text = trimmed(std::move(text));
    if (to.size() < Contact::max_texts && !text.empty()) to.push_back(std::move(text));
  };
  add(value.string());
  const bool is_map = value.is(JsonSpan::Kind::object);
  auto each = value.children();
  while (const auto child = each.next()) {
    if (to.size() == Contact::max_texts) return;
    if (!is_map) {
      add(child->value().string());
    } else if (child->value_text == "true") {
      add(child->name());
    }
  }
}

}  // namespace detail

inline Contact read_contact(const Document& address) {
  return detail::ContactReader().read(detail::JsonSpan(address.text()));
}

}  // namespace addrbook
