/// Cards as texts that tests compare.
#pragma once

#include <addrbook/formats/vcard_reader.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// Keeps what a reader finds.
class KeptCards : public addrbook::detail::VCardSink {
 public:
  void card(addrbook::detail::VCard card, const addrbook::RecordPlace& place) override {
    cards.push_back(std::move(card));
    places.push_back(place);
  }
  void failed(addrbook::RecordProblem problem) override { failures.push_back(line_of(problem)); }
  void warning(addrbook::RecordProblem problem) override { warnings.push_back(line_of(problem)); }

  std::vector<addrbook::detail::VCard> cards;
  std::vector<addrbook::RecordPlace> places;
  std::vector<std::string> failures;  ///< "index@line reason"
  std::vector<std::string> warnings;

 private:
  static std::string line_of(const addrbook::RecordProblem& problem) {
    return std::to_string(problem.place.index) + "@" + std::to_string(problem.place.line) + " " +
           problem.message;
  }
};

/// @returns the properties, a line each: `group.NAME;A=1|2:value`, a line break in a value of a
///          parameter as `^n`
inline std::string text_of(const addrbook::detail::VCard& card) {
  std::string text;
  for (const auto& property : card.properties) {
    if (!property.group.empty()) text += property.group + ".";
    text += property.name;
    for (const auto& parameter : property.parameters) {
      text += ";" + parameter.name;
      char before = '=';
      for (const std::string& value : parameter.values) {
        text += before;
        for (const char c : value) text += c == '\n' ? std::string("^n") : std::string(1, c);
        before = '|';
      }
    }
    text += ":" + property.value + "\n";
  }
  return text;
}

/// @returns all that was found: cards, then failures with `!`, then warnings with `?`
inline std::string text_of(const KeptCards& kept) {
  std::string text;
  for (const auto& card : kept.cards) text += (text.empty() ? "" : "--\n") + text_of(card);
  for (const std::string& each : kept.failures) text += "! " + each + "\n";
  for (const std::string& each : kept.warnings) text += "? " + each + "\n";
  return text;
}

/// Reads a text in two pieces.
inline std::string read_cut(std::string_view input, std::size_t cut,
                            const addrbook::ReadLimits& limits = {}) {
  KeptCards kept;
  addrbook::detail::VCardReader reader(kept, limits);
  reader.read(input.substr(0, cut));
  reader.read(input.substr(cut));
  reader.finish();
  return text_of(kept);
}

}  // namespace test
