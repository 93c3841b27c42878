/// json_list(). What it finds is held against nlohmann::json.
#include "records.hpp"

#include <addrbook/json_list.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using fuzz::check;
using fuzz::check_equal;
using fuzz::Records;
using nlohmann::json;

namespace {

constexpr std::size_t ample = 100000;

/// Counts the parts of a JSON text, also of members with the same name.
struct Parts : nlohmann::json_sax<json> {
  std::uint64_t count = 0;

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  bool value() {
    if (depth_ == 1) ++count;
    return true;
  }
  bool open() {
    value();
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
};

void check_list(std::string_view text) {
  Records found;
  fuzz::read_in_each_cut(*addrbook::json_list(), text, ample, found);
  for (const auto& record : found.records) {
    check(record.id.empty() || addrbook::is_valid_id(record.id), "an id is valid");
  }
  Parts parts;
  const bool is_json = json::sax_parse(text, &parts);
  const bool is_list = is_json && text.find_first_of("[{") == text.find_first_not_of(" \t\r\n");
  if (is_list && text.find('\0') == std::string_view::npos) {
    check_equal(found.count, parts.count, "each part is one record");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  check_list(text);
  Records found;
  fuzz::read_in_each_cut(*addrbook::json_list(), text, 16, found);
  return 0;
}
