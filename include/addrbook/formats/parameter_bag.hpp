/// ParameterBag: the parameters of a property, taken one after the other.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/jcard.hpp>
#include <addrbook/formats/vcard_parameters.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/json/tree.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// What is left in the bag is what a conversion did not understand.
class ParameterBag {
 public:
  explicit ParameterBag(const std::vector<VCardParameter>& parameters)
      : all_(merged_parameters(parameters)) {}

  /// @returns the values; null if there is no such parameter
  [[nodiscard]] const std::vector<std::string>* find(std::string_view name) const {
    const auto at = place_of(name);
    return at != all_.end() ? &at->values : nullptr;
  }
  /// @returns the value of a parameter that has one; null otherwise
  [[nodiscard]] const std::string* one(std::string_view name) const {
    const auto* const values = find(name);
    return values != nullptr && values->size() == 1 ? &values->front() : nullptr;
  }
  /// Takes a parameter that has one value out.
  std::optional<std::string> take(std::string_view name) {
    const std::string* const value = one(name);
    if (value == nullptr) return std::nullopt;
    std::optional<std::string> taken(*value);
    drop(name);
    return taken;
  }
  /// Takes a parameter with all its values, joined with commas.
  std::optional<std::string> take_joined(std::string_view name) {
    const auto* const values = find(name);
    if (values == nullptr) return std::nullopt;
    std::string joined;
    for (const std::string& value : *values) joined += (joined.empty() ? "" : ",") + value;
    drop(name);
    return joined;
  }
  /// Takes those values of a parameter out for which `take` returns true.
  template <class Take>
  void take_values(std::string_view name, Take take) {
    const auto at = place_of(name);
    if (at == all_.end()) return;
    auto& values = all_[static_cast<std::size_t>(at - all_.begin())].values;
    values.erase(std::remove_if(values.begin(), values.end(), take), values.end());
    if (values.empty()) drop(name);
  }
  void drop(std::string_view name) {
    const auto at = place_of(name);
    if (at != all_.end()) all_.erase(at);
  }
  void put(std::string_view name, std::string value) {
    add_parameter(all_, name, {std::move(value)});
  }

  [[nodiscard]] const std::vector<VCardParameter>& rest() const noexcept { return all_; }

 private:
  [[nodiscard]] std::vector<VCardParameter>::const_iterator place_of(std::string_view name) const {
    return std::find_if(all_.begin(), all_.end(),
                        [name](const VCardParameter& one) { return one.name == name; });
  }

  std::vector<VCardParameter> all_;
};

}  // namespace addrbook::detail
