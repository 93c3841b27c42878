/// JsonWriter: writes a JSON text, with its commas.
#pragma once

#include <addrbook/json/strings.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Writes one value after the other. In an object each has its name.
class JsonWriter {
 public:
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// Writes `{`, what `write` writes, and `}`.
  template <class Write>
  void object(std::string_view name, Write write) {
    begin(name);
    inside('{', '}', write);
  }
  template <class Write>
  void array(std::string_view name, Write write) {
    begin(name);
    inside('[', ']', write);
  }
  void string(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(text_, value, JsonCharset::utf8);
  }
  void boolean(std::string_view name, bool value) { json(name, value ? "true" : "false"); }
  /// @param value  JSON
  void json(std::string_view name, std::string_view value) {
    begin(name);
    text_ += value;
  }

 private:
  /// @param name  "" in an array, and for the whole
  void begin(std::string_view name) {
    if (is_next_) text_ += ',';
    is_next_ = true;
    if (name.empty()) return;
    append_json_string(text_, name, JsonCharset::utf8);
    text_ += ':';
  }
  template <class Write>
  void inside(char open, char close, Write write) {
    text_ += open;
    is_next_ = false;
    write();
    text_ += close;
    is_next_ = true;
  }

  std::string text_;
  bool is_next_ = false;  // something stands before, in the same object or array
};

}  // namespace addrbook::detail
