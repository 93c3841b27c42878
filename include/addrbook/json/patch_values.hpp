/// What a PatchTree is made of: values, the elements of an array, the members of an object.
#pragma once

#include <addrbook/json/effort.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

struct PatchNode;

/// The effort for a child, beside the bytes of its text.
inline constexpr std::size_t of_a_child = 8;

/// A value of the tree: a text as it stands or, once something in it was looked at, a node. Copies
/// share the node; one that is changed is copied first.
struct PatchValue {
  std::string_view text;
  std::shared_ptr<PatchNode> node;  ///< if set, it counts and not the text

  [[nodiscard]] inline std::size_t bytes() const noexcept;  ///< of its text
  inline void append_to(std::string& to) const;
};

/// The elements of an array. They stand in runs, so that to insert or to remove one moves few
/// others, and a run's text is not read before one of its elements is wanted.
class PatchElements {
 public:
  static constexpr std::size_t max_run = 256;

  PatchElements(JsonSpan array, Effort& effort);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// @param index  below size()
  [[nodiscard]] PatchValue& at(std::size_t index, Effort& effort);
  /// @param index  up to size()
  void insert(std::size_t index, PatchValue value, Effort& effort);
  /// @param index  below size()
  void erase(std::size_t index, Effort& effort);

  void append_to(std::string& to) const;

 private:
  struct Run {
    std::string_view text;  // of the elements with their commas, until they are wanted
    std::size_t size = 0;
    std::vector<PatchValue> values;  // empty until then

    void open();
  };
  struct Place {
    std::size_t run;
    std::size_t index;
  };

  [[nodiscard]] Place find(std::size_t index, Effort& effort);

  std::vector<Run> runs_;
  std::size_t size_ = 0;
};

/// The members of an object, in their order.
class PatchMembers {
 public:
  /// Keeps texts that no document has, for as long as the tree lives: names, unescaped or escaped.
  using Texts = std::deque<std::string>;

  PatchMembers(JsonSpan object, Texts& texts, Effort& effort);

  /// @returns null if there is no such member
  [[nodiscard]] PatchValue* find(std::string_view name);
  /// Appends a member. @param name  of none that is there
  /// @returns the bytes of the name, as it is written
  std::size_t append(std::string_view name, PatchValue value, Texts& texts);
  /// @param name  of a member @returns the bytes of the name, as it is written
  std::size_t erase(std::string_view name);

  void append_to(std::string& to) const;
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

 private:
  struct Member {
    std::string_view raw_name;  // between the quotes
    PatchValue value;
    bool is_erased = false;
  };

  std::vector<Member> members_;
  std::map<std::string_view, std::size_t> by_name_;
};

/// An array or an object whose children are known.
struct PatchNode {
  std::optional<PatchElements> elements;  ///< of an array
  std::optional<PatchMembers> members;    ///< of an object
  std::size_t content = 0;                ///< bytes of the children, and one more for each
  std::size_t depth = 0;                  ///< of nesting in it, at the most; never lowered

  [[nodiscard]] std::size_t bytes() const noexcept { return content == 0 ? 2 : content + 1; }
};

// ---------------------------------------------------------------------------------------------

inline std::size_t PatchValue::bytes() const noexcept {
  return node ? node->bytes() : text.size();
}

inline void PatchValue::append_to(std::string& to) const {
  if (!node) {
    to.append(text);
  } else if (node->elements) {
    node->elements->append_to(to);
  } else {
    node->members->append_to(to);
  }
}

inline PatchElements::PatchElements(JsonSpan array, Effort& effort) {
  effort.spend(array.text().size());
  auto children = array.children();
  while (const auto child = children.next()) {
    const std::string_view text = child->value_text;
    if (runs_.empty() || runs_.back().size == max_run / 2) runs_.push_back({text, 0, {}});
    Run& run = runs_.back();
    run.text = {run.text.data(),
                static_cast<std::size_t>(text.data() - run.text.data()) + text.size()};
    ++run.size;
    ++size_;
  }
  effort.spend(size_ * of_a_child);
}

inline void PatchElements::Run::open() {
  if (!values.empty()) return;
  values.reserve(size);
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t bytes = json_value_size(rest);
    values.push_back({rest.substr(0, bytes), nullptr});
    rest.remove_prefix((std::min)(bytes + 1, rest.size()));  // with the comma
  }
}

/// @returns where the index is, the run being open; behind the last element for size()
inline PatchElements::Place PatchElements::find(std::size_t index, Effort& effort) {
  if (runs_.empty()) runs_.emplace_back();
  std::size_t run = 0;
  while (index > runs_[run].size || (index == runs_[run].size && run + 1 < runs_.size())) {
    index -= runs_[run++].size;
  }
  if (runs_[run].values.empty()) effort.spend(runs_[run].text.size());
  effort.spend(run + max_run);
  runs_[run].open();
  return {run, index};
}

inline PatchValue& PatchElements::at(std::size_t index, Effort& effort) {
  const Place place = find(index, effort);
  return runs_[place.run].values[place.index];
}

inline void PatchElements::insert(std::size_t index, PatchValue value, Effort& effort) {
  const auto offset = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
  const Place place = find(index, effort);
  auto& values = runs_[place.run].values;
  values.insert(values.begin() + offset(place.index), std::move(value));
  ++runs_[place.run].size;
  ++size_;
  if (values.size() <= max_run) return;
  Run second;
  const auto middle = values.begin() + offset(max_run / 2);
  second.values.assign(std::make_move_iterator(middle), std::make_move_iterator(values.end()));
  second.size = second.values.size();
  values.erase(middle, values.end());
  runs_[place.run].size = values.size();
  effort.spend(runs_.size());
  runs_.insert(runs_.begin() + offset(place.run + 1), std::move(second));
}

inline void PatchElements::erase(std::size_t index, Effort& effort) {
  const Place place = find(index, effort);
  Run& run = runs_[place.run];
  run.values.erase(run.values.begin() + static_cast<std::ptrdiff_t>(place.index));
  --run.size;
  --size_;
  if (run.size != 0) return;
  effort.spend(runs_.size());
  runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(place.run));
}

inline void PatchElements::append_to(std::string& to) const {
  const char* separator = "[";
  for (const Run& run : runs_) {
    if (run.values.empty() && run.size != 0) {
      to.append(std::exchange(separator, ",")).append(run.text);
    }
    for (const PatchValue& value : run.values) {
      value.append_to(to.append(std::exchange(separator, ",")));
    }
  }
  to.append(size_ == 0 ? "[]" : "]");
}

inline PatchMembers::PatchMembers(JsonSpan object, Texts& texts, Effort& effort) {
  effort.spend(object.text().size());
  auto children = object.children();
  while (const auto child = children.next()) {
    effort.spend(4 * of_a_child);  // the name is sorted in
    std::string_view name = child->raw_name;
    if (name.find('\\') != std::string_view::npos) name = texts.emplace_back(child->name());
    by_name_.emplace(name, members_.size());
    members_.push_back({child->raw_name, {child->value_text, nullptr}});
  }
}

inline PatchValue* PatchMembers::find(std::string_view name) {
  const auto at = by_name_.find(name);
  return at != by_name_.end() ? &members_[at->second].value : nullptr;
}

inline std::size_t PatchMembers::append(std::string_view name, PatchValue value, Texts& texts) {
  std::string literal;
  append_json_string(literal, name, JsonCharset::utf8);
  const std::string_view raw = texts.emplace_back(literal, 1, literal.size() - 2);
  const std::string_view key = raw == name ? raw : texts.emplace_back(name);
  by_name_.emplace(key, members_.size());
  members_.push_back({raw, std::move(value)});
  return raw.size();
}

inline std::size_t PatchMembers::erase(std::string_view name) {
  const auto at = by_name_.find(name);
  Member& member = members_[at->second];
  member.is_erased = true;
  member.value = {};
  by_name_.erase(at);
  return member.raw_name.size();
}

inline void PatchMembers::append_to(std::string& to) const {
  const char* separator = "{\"";
  for (const Member& member : members_) {
    if (member.is_erased) continue;
    to.append(separator).append(member.raw_name).append("\":");
    member.value.append_to(to);
    separator = ",\"";
  }
  to.append(by_name_.empty() ? "{}" : "}");
}

}  // namespace addrbook::detail
