#include <addrbook/formats/card_components.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace addrbook::detail;

namespace {

std::string read(ComponentForm form, const std::string& value, const char* jscomps = nullptr) {
  const std::string parameter = jscomps != nullptr ? jscomps : "";
  const auto components =
      read_components(form, split_lists(value), jscomps != nullptr ? &parameter : nullptr);
  return components ? components->members.dump() : "none";
}

std::string written(ComponentForm form, const std::string& object) {
  const WrittenComponents all = write_components(form, JsonTree(JsonSpan(object)));
  return join_lists(all.lists) + (all.jscomps ? " " + *all.jscomps : "") +
         (all.phonetics.empty() ? "" : " " + join_lists(all.phonetics));
}

}  // namespace

TEST_CASE("card components: what is said twice counts once") {
  CHECK(read(ComponentForm::name, "Diaz,Ruiz;Eva;;;Jr.,M.D.;Ruiz;Jr.") ==
        R"({"components":[{"kind":"surname","value":"Diaz"},{"kind":"given","value":"Eva"},)"
        R"({"kind":"credential","value":"M.D."},{"kind":"surname2","value":"Ruiz"},)"
        R"({"kind":"generation","value":"Jr."}]})");
  CHECK(read(ComponentForm::name, "Diaz,Diaz;;;;;Diaz;") ==
        R"({"components":[{"kind":"surname","value":"Diaz"},{"kind":"surname2","value":"Diaz"}]})");
  CHECK(read(ComponentForm::name, ";;;;") == "null");
  CHECK(
      read(ComponentForm::address, ";Apt 2;Oak St;;;;") ==
      R"({"components":[{"kind":"apartment","value":"Apt 2"},{"kind":"name","value":"Oak St"}]})");
  CHECK(read(ComponentForm::address, ";Apt 2;54 Oak St;;;;;;;;54;Oak St;;;;;;") ==
        R"({"components":[{"kind":"apartment","value":"Apt 2"},{"kind":"number","value":"54"},)"
        R"({"kind":"name","value":"Oak St"}]})");
}

TEST_CASE("card components: JSCOMPS must name each value once") {
  CHECK(read(ComponentForm::name, "Lee;Ann,Eva;;;", ";1;1,1;0").find("isOrdered") !=
        std::string::npos);
  for (const char* wrong : {"", ";", ";1;0", ";1;1,1;0;0", ";1;1,1;0;4", ";1;1,1;7", "1;1,1;0",
                            ";1;1,1;x", ";1;1,;0", "s;1;1,1;0", ";1;1,1;0;s"}) {
    CAPTURE(wrong);
    CHECK(read(ComponentForm::name, "Lee;Ann,Eva;;;", wrong) == "none");
  }
}

TEST_CASE("card components: written for old readers too") {
  CHECK(written(ComponentForm::name,
                R"({"components":[{"kind":"surname2","value":"Ruiz"},)"
                R"({"kind":"surname","value":"Diaz"},{"kind":"generation","value":"Jr."}]})") ==
        "Diaz,Ruiz;;;;Jr.;Ruiz;Jr.");
  CHECK(written(ComponentForm::address,
                R"({"components":[{"kind":"name","value":"Oak St"},{"kind":"number","value":"54"},)"
                R"({"kind":"floor","value":"3"}]})") == ";3;54 Oak St;;;;;;;3;54;Oak St;;;;;;");
  CHECK(written(ComponentForm::name,
                R"({"components":[{"kind":"given","value":"Ann","phonetic":"an"},)"
                R"({"kind":"x","value":"b"}],"isOrdered":true})") == ";Ann;;;;; ;an;;;;;");
}

TEST_CASE("card components: joined to be read") {
  const auto joined = [](const char* object) {
    return joined_components(ComponentForm::name, JsonTree(JsonSpan(object)));
  };
  CHECK(joined(R"({"components":[{"kind":"surname","value":"Lee"},{"kind":"given","value":"Ann"},)"
               R"({"kind":"title","value":"Dr."}]})") == "Dr. Ann Lee");
  CHECK(joined(R"({"isOrdered":true,"defaultSeparator":"-","components":[)"
               R"({"kind":"surname","value":"Lee"},{"kind":"separator","value":""},)"
               R"({"kind":"given","value":"Ann"},{"kind":"title","value":"Dr."}]})") ==
        "LeeAnn-Dr.");
  CHECK(joined("{}") == "");
}
