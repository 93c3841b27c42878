/// A record of what tests ask and are answered, for tests/openapi/check.py, which compares it with
/// the API document. It is kept where the variable TEST_EXCHANGES names a folder.
///
/// A line is a kind and fields in hexadecimal digits, with tabs between:
///
///     document TEXT                      the API document of mounts that follow, by its number
///     mount SERVER NUMBER                a mount on a server
///     port SERVER PORT                   where a server listens
///     process PORT ENVIRONMENT           a server program, and its variables, a line each
///     exchange PORT METHOD TARGET REQUEST-FIELDS STATUS FIELDS BODY STATE
///
/// The port of a mount without a socket is a name. Fields are lines `name: value`. STATE is
/// `whole`, or `part` of a body that is not the whole one.
#pragma once

#include <cerrno>  // program_invocation_short_name
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace test {

class Exchanges {
 public:
  static constexpr std::size_t max_body_bytes = std::size_t{16} * 1024;

  [[nodiscard]] static bool are_kept() { return instance().out_.is_open(); }

  static void write(std::string_view kind, std::initializer_list<std::string_view> fields) {
    Exchanges& self = instance();
    if (!self.out_.is_open()) return;
    std::string line(kind);
    for (const std::string_view field : fields) append_hex(line += '\t', field);
    const std::lock_guard lock(self.mutex_);
    self.out_ << (line += '\n') << std::flush;
  }

  static void write_mount(const std::string& server, const std::string& document) {
    Exchanges& self = instance();
    const std::lock_guard lock(self.documents_mutex_);
    const auto [known, is_new] = self.documents_.emplace(document, self.documents_.size());
    if (is_new) write("document", {document});
    write("mount", {server, std::to_string(known->second)});
  }

  /// @param body  as it was received
  static void write_exchange(const std::string& port, const std::string& method,
                             const std::string& target, const std::string& request_fields,
                             int status, const std::string& fields, std::string_view body,
                             bool is_whole) {
    write("exchange", {port, method, target, request_fields, std::to_string(status), fields,
                       body.substr(0, max_body_bytes),
                       is_whole && body.size() <= max_body_bytes ? "whole" : "part"});
  }

 private:
  Exchanges() {
    const char* const folder = std::getenv("TEST_EXCHANGES");
    if (folder == nullptr || *folder == '\0') return;
    out_.open(std::string(folder) + "/" + program_invocation_short_name + ".exchanges",
              std::ios::trunc);
  }
  static Exchanges& instance() {
    static Exchanges exchanges;
    return exchanges;
  }
  static void append_hex(std::string& to, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      to += digits[byte >> 4U];
      to += digits[byte & 15U];
    }
  }

  std::mutex mutex_;
  std::ofstream out_;
  std::mutex documents_mutex_;
  std::map<std::string, std::size_t> documents_;  // and the number of each
};

}  // namespace test
