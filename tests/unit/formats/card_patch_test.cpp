#include <addrbook/formats/card_patch.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>

using namespace addrbook::detail;

namespace {

JsonTree tree(const std::string& text) {
  return JsonTree(JsonSpan(text));
}

std::string difference(const std::string& from, const std::string& to) {
  std::string text;
  for (const CardChange& change : card_difference(tree(from), tree(to))) {
    text += card_pointer(change.path) + '=' + change.value.dump() + ' ';
  }
  return text;
}

std::string changed(const std::string& card, const std::string& pointer, const std::string& value) {
  JsonTree all = tree(card);
  const auto path = card_path(pointer);
  REQUIRE(path);
  std::size_t effort = 100;
  return apply_change(all, *path, tree(value), effort) ? all.dump() : "refused";
}

}  // namespace

TEST_CASE("card patch: paths") {
  CHECK(card_path("a/b~1c/~0") == CardPath{"a", "b/c", "~"});
  CHECK(card_path("/a") == CardPath{"a"});
  CHECK(card_path("//a") == CardPath{"", "a"});
  CHECK(card_path("") == CardPath{""});
  CHECK_FALSE(card_path("a~"));
  CHECK_FALSE(card_path("a~2"));
  for (const CardPath& path : {CardPath{"a", "b/c", "~"}, CardPath{"", "a"}, CardPath{""},
                               CardPath{"", ""}, CardPath{"~1"}}) {
    CHECK(card_path(card_pointer(path)) == path);
  }
}

TEST_CASE("card patch: changes") {
  const std::string card = R"({"a":{"b":[1,{"c":2}]}})";
  CHECK(changed(card, "a/x", "1") == R"({"a":{"b":[1,{"c":2}],"x":1}})");
  CHECK(changed(card, "a", "null") == "{}");
  CHECK(changed(card, "y", "null") == card);
  CHECK(changed(card, "a/b/0", "7") == R"({"a":{"b":[7,{"c":2}]}})");
  CHECK(changed(card, "a/b/1/c", "7") == R"({"a":{"b":[1,{"c":7}]}})");
  for (const char* nowhere : {"x/y", "a/b/2", "a/b/-", "a/b/0/c", "a/b/01"}) {
    CHECK(changed(card, nowhere, "7") == "refused");
  }
  CHECK(changed(card, "a/b/0", "null") == "refused");
  JsonTree all = tree(card);
  std::size_t effort = 0;
  CHECK_FALSE(apply_change(all, {"a"}, JsonTree(), effort));
}

TEST_CASE("card patch: many changes at once") {
  const auto patched = [](const CardPatch& patch) {
    JsonTree all = tree(R"({"a":{"b":[1,{"c":2}],"d":3,"e":4},"f":5})");
    return apply_patch(all, patch) ? all.dump() : "refused";
  };
  CHECK(patched({{{"a", "d"}, {}}, {{"f"}, {}}, {{"a", "x"}, JsonTree("7")}, {{"a", "e"}, {}}}) ==
        R"({"a":{"b":[1,{"c":2}],"x":"7"}})");
  CHECK(patched({{{"a", "x"}, {}}, {{"y"}, {}}}) == patched({}));
  CHECK(patched({{{"x", "y"}, {}}}) == "refused");
  CHECK(patched({{{"x", "y"}, JsonTree("7")}}) == "refused");
  CHECK(patched({{{"a", "b", "0"}, JsonTree("7")}}) == "refused");
  CHECK(patched({{{"f", "x"}, {}}}) == "refused");
}

TEST_CASE("card patch: a long name does not stand before each change in its object") {
  const std::string name(5000, 'k');
  JsonTree from;
  JsonTree to;
  from["relatedTo"][name]["relation"] = JsonTree(JsonTree::Kind::object);
  for (int i = 0; i < 100; ++i) {
    to["relatedTo"][name][std::string("x").append(std::to_string(i))] = JsonTree("1");
  }
  const CardPatch patch = card_difference(from, to);
  REQUIRE(patch.size() == 1);
  CHECK(patch[0].path == CardPath{"relatedTo", name});
  CHECK(patch[0].value == *to.find("relatedTo")->find(name));
}

TEST_CASE("card patch: no path leads into another one's") {
  CHECK(are_apart({}));
  CHECK(are_apart({{{"a", "b"}, {}}, {{"a", "c"}, {}}, {{"ab"}, {}}}));
  CHECK_FALSE(are_apart({{{"a", "b"}, {}}, {{"b"}, {}}, {{"a"}, {}}}));
  CHECK_FALSE(are_apart({{{"a"}, {}}, {{"a"}, {}}}));
}

TEST_CASE("card patch: differences") {
  CHECK(difference(R"({"a":1,"b":{"c":1,"d":2}})", R"({"b":{"c":1,"d":3,"e":[]}})") ==
        "b/d=3 b/e=[] a=null ");
  CHECK(difference(R"({"a":[1]})", R"({"a":[1,2]})") == "a=[1,2] ");
  // A null within an object can't be set.
  CHECK(difference(R"({"a":{"b":1}})", R"({"a":{"b":1,"c":null}})") == R"(a={"b":1,"c":null} )");
  CHECK(difference(R"({"a":{"b":1}})", R"({"a":{"b":1,"c\r":2}})") == R"(a={"b":1,"c\r":2} )");
  CHECK(difference("{}", R"({"a":null})") == "");
  CHECK(difference(R"({"a":1})", R"({"a":null})") == "a=null ");
}

TEST_CASE("card patch: what is so by default is no difference") {
  CHECK(difference(R"({"titles":{"a":{"kind":"title","name":"b"}}})",
                   R"({"titles":{"a":{"@type":"Title","name":"b"}}})") == "");
  CHECK(difference(R"({"name":{"components":[{"kind":"surname","value":"b"},)"
                   R"({"kind":"given","value":"a"}]}})",
                   R"({"name":{"isOrdered":false,"components":[{"kind":"given","value":"a"},)"
                   R"({"@type":"NameComponent","kind":"surname","value":"b"}]}})") == "");
  CHECK(difference(R"({"name":{"isOrdered":true,"components":[{"kind":"surname","value":"b"},)"
                   R"({"kind":"given","value":"a"}]}})",
                   R"({"name":{"isOrdered":true,"components":[{"kind":"given","value":"a"},)"
                   R"({"kind":"surname","value":"b"}]}})")
            .substr(0, 16) == "name/components=");
  CHECK(difference(R"({"relatedTo":{"a":{"relation":{}}}})", R"({"relatedTo":{"a":{}}})") == "");
}
