/// Reads Prometheus' text format.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

namespace test {

/// The numbers of a text, by their series, e.g. `addrbook_connections{state="idle"}`.
class MetricsText {
 public:
  /// @throws std::runtime_error with a line that is not as it must be
  explicit MetricsText(const std::string& text) {
    std::istringstream lines(text);
    std::string family;
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("# HELP ", 0) == 0 || line.rfind("# TYPE ", 0) == 0) {
        family = line.substr(7, line.find(' ', 7) - 7);
        if (line[2] == 'T' && !families_.insert(family).second) fail(line);
        continue;
      }
      const auto end = line.rfind(' ');
      if (end == std::string::npos || line.rfind(family, 0) != 0) fail(line);
      std::size_t used = 0;
      const double value = std::stod(line.substr(end + 1), &used);
      if (used != line.size() - end - 1) fail(line);
      if (!values_.emplace(line.substr(0, end), value).second) fail(line);
    }
  }

  /// @returns 0 if there is no such series
  [[nodiscard]] double operator[](const std::string& series) const {
    const auto at = values_.find(series);
    return at == values_.end() ? 0 : at->second;
  }
  [[nodiscard]] bool has(const std::string& series) const { return values_.count(series) != 0; }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] const std::set<std::string>& families() const { return families_; }
  [[nodiscard]] const std::map<std::string, double>& values() const { return values_; }

 private:
  [[noreturn]] static void fail(const std::string& line) {
    throw std::runtime_error("not as it must be: " + line);
  }

  std::map<std::string, double> values_;
  std::set<std::string> families_;
};

/// @returns e.g. `addrbook_http_requests_total{route="{base}",method="GET",status="200"}`
inline std::string requests(const std::string& route, const std::string& method, int status) {
  return "addrbook_http_requests_total{route=\"" + route + "\",method=\"" + method +
         "\",status=\"" + std::to_string(status) + "\"}";
}

}  // namespace test
