/// MetricsPage: numbers as Prometheus reads them (text format, version 0.0.4).
#pragma once

#include <addrbook/base/histogram.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A metric: all of its series have this in common.
struct MetricFamily {
  enum class Type { counter, gauge, histogram };

  std::string_view name;
  std::string_view help;
  Type type = Type::gauge;
  bool is_time = false;  ///< its values are nanoseconds, and are written in seconds
};

/// A label's name and value.
using MetricLabel = std::pair<std::string_view, std::string_view>;
using MetricLabels = std::vector<MetricLabel>;

/// Collects numbers from all who have some, and writes them down. What several tell under the same
/// name and labels is added up.
class MetricsPage {
 public:
  /// @param family  of static storage
  /// @param labels  always in the same order; values may be any text in UTF-8
  void add(const MetricFamily& family, const MetricLabels& labels, std::uint64_t value) {
    series(family, labels).value += value;
  }
  /// As above, for a family of the type histogram.
  void add(const MetricFamily& family, const MetricLabels& labels, const HistogramCounts& counts) {
    series(family, labels).histogram.add(counts);
  }
  void add(const MetricFamily& family, std::uint64_t value) { add(family, {}, value); }

  /// Whether nobody has told anything of this yet: what two mounts share counts once.
  [[nodiscard]] bool is_new(const void* source) { return sources_.insert(source).second; }

  /// @returns all families in the order of their names
  [[nodiscard]] std::string text() const;

 private:
  struct Series {
    std::uint64_t value = 0;
    HistogramCounts histogram;
  };
  struct Family {
    const MetricFamily* what = nullptr;
    std::map<std::string, Series> series;  // by their labels as text
  };

  Series& series(const MetricFamily& family, const MetricLabels& labels) {
    Family& found = families_[family.name];
    found.what = &family;
    return found.series[labels_text(labels)];
  }
  [[nodiscard]] static std::string labels_text(const MetricLabels& labels);
  static void write(std::string& to, std::string_view name, std::string_view labels,
                    const std::string& value);
  static void write(std::string& to, const MetricFamily& family, const std::string& labels,
                    const HistogramCounts& counts);

  std::map<std::string_view, Family> families_;
  std::set<const void*> sources_;
};

// ---------------------------------------------------------------------------------------------

/// @returns nanoseconds as seconds, e.g. "0.0025". Not printf(), whose decimal point depends on
///          the locale.
[[nodiscard]] inline std::string to_seconds(std::uint64_t nanoseconds) {
  constexpr std::uint64_t billion = 1'000'000'000;
  std::string text = std::to_string(nanoseconds / billion);
  std::string decimals = std::to_string(billion + nanoseconds % billion);
  decimals[0] = '.';
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return decimals == "." ? text : text + decimals;
}

[[nodiscard]] inline std::string to_number(const MetricFamily& family, std::uint64_t value) {
  return family.is_time ? to_seconds(value) : std::to_string(value);
}

inline std::string_view to_text(MetricFamily::Type type) noexcept {
  switch (type) {
    case MetricFamily::Type::counter: return "counter";
    case MetricFamily::Type::histogram: return "histogram";
    case MetricFamily::Type::gauge: break;
  }
  return "gauge";
}

/// @returns e.g. `route="{base}",method="GET"`
inline std::string MetricsPage::labels_text(const MetricLabels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text.append(text.empty() ? "" : ",").append(name).append("=\"");
    for (const char c : value) {
      if (c == '\n') {
        text += "\\n";
      } else {
        if (c == '\\' || c == '"') text += '\\';
        text += c;
      }
    }
    text += '"';
  }
  return text;
}

inline void MetricsPage::write(std::string& to, std::string_view name, std::string_view labels,
                               const std::string& value) {
  to.append(name);
  if (!labels.empty()) to.append("{").append(labels).append("}");
  to.append(" ").append(value).append("\n");
}

inline void MetricsPage::write(std::string& to, const MetricFamily& family,
                               const std::string& labels, const HistogramCounts& counts) {
  const std::string name(family.name);
  const std::string start = labels.empty() ? "le=\"" : labels + ",le=\"";
  std::uint64_t up_to_here = 0;
  for (std::size_t i = 0; i < counts.counts.size(); ++i) {
    up_to_here += counts.counts[i];
    const std::string bound =
        i < counts.bounds.size() ? to_number(family, counts.bounds[i]) : "+Inf";
    write(to, name + "_bucket", start + bound + "\"", std::to_string(up_to_here));
  }
  write(to, name + "_sum", labels, to_number(family, counts.sum));
  write(to, name + "_count", labels, std::to_string(up_to_here));
}

inline std::string MetricsPage::text() const {
  std::string text;
  for (const auto& [name, family] : families_) {
    const MetricFamily& what = *family.what;
    text.append("# HELP ").append(name).append(" ").append(what.help).append("\n");
    text.append("# TYPE ").append(name).append(" ").append(to_text(what.type)).append("\n");
    for (const auto& [labels, series] : family.series) {
      if (what.type == MetricFamily::Type::histogram) {
        write(text, what, labels, series.histogram);
      } else {
        write(text, name, labels, to_number(what, series.value));
      }
    }
  }
  return text;
}

}  // namespace addrbook::detail
