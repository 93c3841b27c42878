/// Error: the one exception type of the library, and traces of what was thrown.
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
  invalid,       ///< the caller's data or argument is refused; a retry won't help
  not_found,     ///< no entry has that id
  conflict,      ///< the id is taken, or the entry is not as a patch needs it
  precondition,  ///< the entry or the book is not at the revision that the caller expects
  reused_key,    ///< the key was used for something else before
  full,          ///< no room: the book has max_entries, or the disk is full
  stopped,       ///< the service is stopped and refuses writes
  storage,  ///< the store failed or can't be reached; nothing was written unless what() says so
  busy,  ///< too much at once, or others were faster again and again; nothing was done, and a retry
         ///< may help
  internal,  ///< a callback of the program, or the library itself, failed
};

/// @returns the enumerator's name, e.g. "not_found"
[[nodiscard]] constexpr std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::invalid: return "invalid";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::precondition: return "precondition";
    case Errc::reused_key: return "reused_key";
    case Errc::full: return "full";
    case Errc::stopped: return "stopped";
    case Errc::storage: return "storage";
    case Errc::busy: return "busy";
    case Errc::internal: return "internal";
  }
  return "unknown";
}

/// A line of source code; what std::source_location is in C++20.
struct SourceLine {
  std::string_view file;  ///< base name only: clients may see it, and a build's paths are private
  int line = 0;

  /// @returns the line that calls this function; as a default argument, that of the caller
  [[nodiscard]] static constexpr SourceLine here(const char* file = __builtin_FILE(),
                                                 int line = __builtin_LINE()) noexcept {
    std::string_view name(file);
    if (const auto slash = name.find_last_of("/\\"); slash != std::string_view::npos) {
      name.remove_prefix(slash + 1);
    }
    return {name, line};
  }

  /// @returns e.g. "addrbook::Error (invalid) at document.hpp:42: unexpected ',' at byte 7"
  [[nodiscard]] std::string describe(const std::string& thrown, std::string_view message) const {
    return (thrown + " at ").append(file).append(":").append(std::to_string(line)) +
           std::string(": ").append(message);
  }
};

namespace detail {

/// An exception that knows more of itself than its type and what().
class Traceable {
 public:
  /// @returns its line in a trace
  [[nodiscard]] virtual std::string trace_line() const = 0;

 protected:
  Traceable() = default;
  Traceable(const Traceable&) = default;
  Traceable& operator=(const Traceable&) = default;
  ~Traceable() = default;
};

}  // namespace detail

/// Everything that the library throws. what() may be shown to a client: it names the subject and
/// the limit, never a path, SQL or another library's message, which are in the nested exceptions.
/// With Errc::storage it may name files and hosts, and is for whoever runs the program.
class Error : public std::runtime_error, public detail::Traceable {
 public:
  Error(Errc code, const std::string& message, SourceLine thrown_at = SourceLine::here())
      : std::runtime_error(message), code_(code), thrown_at_(thrown_at) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] SourceLine thrown_at() const noexcept { return thrown_at_; }
  [[nodiscard]] std::string trace_line() const override {
    return thrown_at_.describe("addrbook::Error (" + std::string(to_string(code_)) + ")", what());
  }

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
  if (const auto* traceable = dynamic_cast<const Traceable*>(&error))
    return traceable->trace_line();
  return type_name(typeid(error)) + ": " + error.what();
}

}  // namespace detail

/// Unfolds an exception and its nested causes (std::throw_with_nested), outermost first.
/// @returns  a line for each, see SourceLine::describe(); for the log and for debug mode only
[[nodiscard]] inline std::vector<std::string> trace(std::exception_ptr error) {
  constexpr std::size_t max_causes = 16;  // a longer chain would only fill the log
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
      lines.emplace_back("not a std::exception");
    }
  }
  return lines;
}

}  // namespace addrbook
