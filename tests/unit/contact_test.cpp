#include <addrbook/contact.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using addrbook::Contact;
using addrbook::Document;
using Texts = std::vector<std::string>;

namespace {

Contact read(const std::string& json) {
  return addrbook::read_contact(Document::parse(json));
}

std::string name(const std::string& json) {
  return read(json).name;
}

}  // namespace

TEST_CASE("contact: what has no members of a contact is one without texts") {
  const Contact contact = read(R"({"x":{"name":"Ann"},"Name":"Ann","":"Ann"})");
  CHECK(contact.name.empty());
  CHECK(contact.given.empty());
  CHECK(contact.family.empty());
  CHECK(contact.organization.empty());
  CHECK(contact.birthday.empty());
  CHECK(contact.emails.empty());
  CHECK(contact.phones.empty());
  CHECK(contact.labels.empty());
}

TEST_CASE("contact: of members for the same, the first of the table counts, in any order") {
  CHECK(name(R"({"full_name":"B","name":"A","given":"C"})") == "A");
  CHECK(name(R"({"organization":"D","family":"C","full_name":"B"})") == "B");
  CHECK(name(R"({"organization":"D","last_name":"Lee","first_name":"Ann"})") == "Ann Lee");
  CHECK(name(R"({"organization":"D","family_name":"Lee"})") == "Lee");
  CHECK(name(R"({"company":"D"})") == "D");
  CHECK(read(R"({"first_name":"c","given_name":"b","given":"a"})").given == "a");
  CHECK(read(R"({"first_name":"c","given_name":"b"})").given == "b");
  CHECK(read(R"({"last_name":"c","family_name":"b","family":"a"})").family == "a");
  CHECK(read(R"({"company":"c","org":"b","organization":"a"})").organization == "a");
  CHECK(read(R"({"bday":"b","birthday":"a"})").birthday == "a");
}

TEST_CASE("contact: wrong types and blank texts are passed over") {
  CHECK(name(R"({"name":7,"full_name":"B"})") == "B");
  CHECK(name(R"({"name":" \t","full_name":" B "})") == "B");
  CHECK(name(R"({"name":["A"],"given":null,"family":true,"organization":"D"})") == "D");
  const Contact contact = read(
      R"({"emails":[7,null,{"address":7},{"type":"x"},[["a"]]," ",{}],"email":5,
          "phones":[null,true,1.5,{"number":[]}],"labels":[7,{"x":true}],"birthday":1953})");
  CHECK(contact.emails.empty());
  CHECK(contact.phones.empty());
  CHECK(contact.labels.empty());
  CHECK(contact.birthday.empty());
}

TEST_CASE("contact: names of members and texts may have escapes") {
  CHECK(name(R"({"n\u0061me":"J\u00fcrgen"})") == "Jürgen");
  CHECK(read(R"({"em\u0061ils":[{"addr\u0065ss":"ann@example.com"}]})").emails ==
        Texts{"ann@example.com"});
}

TEST_CASE("contact: mails") {
  CHECK(read(R"({"email":"a@example.com","emails":["b@example.com"," c@example.com "]})").emails ==
        Texts{"a@example.com", "b@example.com", "c@example.com"});
  CHECK(read(R"({"emails":{"type":"home","address":"a@example.com"}})").emails ==
        Texts{"a@example.com"});
  CHECK(read(R"({"emails":[{"value":"c","address":"b","email":"a"},{"value":"c","address":"b"},
                           {"type":"x","value":"c"},"d"]})")
            .emails == Texts{"a", "b", "c", "d"});
  CHECK(read(R"({"emails":{"e1":{"@type":"EmailAddress","address":"a@example.com"},
                           "email":{"address":"b@example.com"},"x":"no"}})")
            .emails == Texts{"a@example.com", "b@example.com"});
}

TEST_CASE("contact: phones") {
  CHECK(read(R"({"phone":"1","phones":["2",3],"phone_numbers":[{"number":"4"},{"value":5}]})")
            .phones == Texts{"1", "2", "3", "4", "5"});
  CHECK(read(R"({"phone":15555550123})").phones == Texts{"15555550123"});
  CHECK(read(R"({"phones":[{"value":"2","number":"1"},
                           {"local_number":"5550123","country_code":1,"area_code":"555"},
                           {"area_code":"555","local_number":5550123}]})")
            .phones == Texts{"1", "1 555 5550123", "555 5550123"});
  CHECK(read(R"({"phones":{"p1":{"number":"tel:+1-555-555-0123"},"p2":{"number":"5550199"}}})")
            .phones == Texts{"tel:+1-555-555-0123", "5550199"});
}

TEST_CASE("contact: labels") {
  CHECK(read(R"({"labels":"a","categories":["b"," c "],"groups":["d"],"keywords":{"e":true}})")
            .labels == Texts{"a", "b", "c", "d", "e"});
  CHECK(read(R"({"keywords":{"a":true,"b":false,"c":1,"\u0064":true," ":true}})").labels ==
        Texts{"a", "d"});
}

TEST_CASE("contact: organizations") {
  CHECK(read(R"({"organization":{"name":"Example","unit":"x"}})").organization == "Example");
  CHECK(read(R"({"organizations":{"o1":{"units":[]},"o2":{"name":"Example"}}})").organization ==
        "Example");
  CHECK(read(R"({"organizations":["Example","Other"]})").organization == "Example");
  CHECK(read(R"({"organizations":{"type":"x"}})").organization.empty());
}

TEST_CASE("contact: a card of JSContact") {
  const Contact card = read(R"({
    "@type":"Card","version":"1.0","uid":"urn:uuid:00000000-0000-4000-8000-000000000001",
    "name":{"@type":"Name","components":[{"kind":"given","value":"Ann"},
            {"kind":"surname","value":"Lee"}],"isOrdered":true},
    "organizations":{"o":{"name":"Example Ltd"}},
    "emails":{"e":{"address":"ann@example.com"}},
    "phones":{"p":{"number":"tel:+1-555-555-0123"}},
    "keywords":{"choir":true},
    "anniversaries":{"w":{"kind":"wedding","date":{"year":1980}},
                     "b":{"kind":"birth","date":{"@type":"PartialDate","month":4,"day":15}}}})");
  CHECK(card.name == "Ann Lee");
  CHECK(card.given == "Ann");
  CHECK(card.family == "Lee");
  CHECK(card.organization == "Example Ltd");
  CHECK(card.emails == Texts{"ann@example.com"});
  CHECK(card.phones == Texts{"tel:+1-555-555-0123"});
  CHECK(card.labels == Texts{"choir"});
  CHECK(card.birthday == "--04-15");
  CHECK(read(R"({"bday":"x","anniversaries":[{"kind":"birth","date":{"year":1953}}]})").birthday ==
        "x");
  CHECK(read(R"({"name":{"components":[{"kind":"given","value":"b"}]},"first_name":"a"})").given ==
        "a");
}

TEST_CASE("contact: a hostile document gives bounded lists") {
  std::string many = R"({"emails":{)";
  for (int i = 0; i < 5000; ++i) many += '"' + std::to_string(i) + R"(":{"value":"x"},)";
  many += R"("z":0},"labels":[)";
  for (int i = 0; i < 5000; ++i) many += "\"x\",";
  many += R"(0],"phones":[)";
  for (int i = 0; i < 5000; ++i) many += "1,";
  const Contact contact = read(many + "0]}");
  CHECK(contact.emails.size() == Contact::max_texts);
  CHECK(contact.labels.size() == Contact::max_texts);
  CHECK(contact.phones.size() == Contact::max_texts);

  std::string deep;
  for (std::size_t i = 1; i < Document::max_depth; ++i) deep += R"({"name":)";
  CHECK(read(R"({"name":)" + deep + "0" + std::string(Document::max_depth, '}')).name.empty());
}
