/// The one exception type of the library, and what is needed to tell where it came from.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace addrbook {

/// What went wrong, for a program to act on.
enum class Errc {
  invalid,    ///< the caller's data or argument is refused; trying again won't help
  not_found,  ///< no entry has that id
  conflict,   ///< the entry is not at the revision that the caller expects
  full,       ///< no room: the book holds as many entries as it may, or the disk is full
  stopped,    ///< the service is stopped and takes no writes
  storage,    ///< the store failed or can't be reached; nothing was written, if not said otherwise
  internal,   ///< a callback of the host's or the library itself failed
};

/// @returns the enumerator's name, e.g. "not_found"
[[nodiscard]] constexpr std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::invalid: return "invalid";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::full: return "full";
    case Errc::stopped: return "stopped";
    case Errc::storage: return "storage";
    case Errc::internal: return "internal";
  }
  return "unknown";
}

/// A line of source code; what std::source_location is to C++20.
struct SourceLine {
  std::string_view file;  ///< base name only: a build's paths are nobody's business
  int line = 0;

  /// @returns the place that names this function, or the default argument's caller
  [[nodiscard]] static constexpr SourceLine here(const char* file = __builtin_FILE(),
                                                 int line = __builtin_LINE()) noexcept {
    std::string_view name(file);
    if (const auto slash = name.find_last_of("/\\"); slash != std::string_view::npos) {
      name.remove_prefix(slash + 1);
    }
    return {name, line};
  }
};

/// Everything that the library throws. what() may be shown to a client: it names the thing and the
/// limit, never a path, SQL or another library's message; those are in the nested exceptions. But
/// for Errc::storage, which is for who runs the program: it may name files and hosts.
class Error : public std::runtime_error {
 public:
  Error(Errc code, const std::string& message, SourceLine thrown_at = SourceLine::here())
      : std::runtime_error(message), code_(code), thrown_at_(thrown_at) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] SourceLine thrown_at() const noexcept { return thrown_at_; }

 private:
  Errc code_;
  SourceLine thrown_at_;
};

namespace detail {

inline std::string type_name(const std::type_info& type) {
#if __has_include(<cxxabi.h>)
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  if (readable) return readable.get();
#endif
  return type.name();
}

inline std::string describe(const std::exception& error) {
  if (const auto* ours = dynamic_cast<const Error*>(&error)) {
    return "addrbook::Error (" + std::string(to_string(ours->code())) + ") at " +
           std::string(ours->thrown_at().file) + ":" + std::to_string(ours->thrown_at().line) +
           ": " + ours->what();
  }
  return type_name(typeid(error)) + ": " + error.what();
}

}  // namespace detail

/// Unfolds an exception and its nested causes (std::throw_with_nested), outermost first.
/// @returns  one line each; for the log and for debug mode, not for strangers
/// @par Shape  "addrbook::Error (invalid) at document.hpp:42: unexpected ',' at byte 7"
[[nodiscard]] inline std::vector<std::string> trace(std::exception_ptr error) {
  // Deeper chains are a loop or an attack on the log; what is near the surface says enough.
  constexpr std::size_t max_causes = 16;
  std::vector<std::string> lines;
  while (error && lines.size() < max_causes) {
    try {
      std::rethrow_exception(std::exchange(error, nullptr));
    } catch (const std::exception& thrown) {
      lines.push_back(detail::describe(thrown));
      if (const auto* nested = dynamic_cast<const std::nested_exception*>(&thrown)) {
        error = nested->nested_ptr();
      }
    } catch (...) {
      lines.emplace_back("something that is no std::exception");
    }
  }
  return lines;
}

}  // namespace addrbook
