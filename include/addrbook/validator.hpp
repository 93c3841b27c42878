/// Validators: what a program demands of the documents of its books.
#pragma once

#include <addrbook/base/write_gate.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace addrbook {

/// Why a validator refuses a document.
struct Violation {
  std::string pointer;  ///< where: a JSON Pointer (RFC 6901), "" for the document as a whole
  std::string reason;   ///< what is wrong, e.g. "must be a string"
};

/// What a validator finds in a document: nothing, one violation, or several. An optional, a
/// Violation and std::nullopt become one.
class Violations : public std::vector<Violation> {
 public:
  using std::vector<Violation>::vector;

  Violations(std::vector<Violation> several)  // NOLINT(google-explicit-constructor): see above
      : std::vector<Violation>(std::move(several)) {}

  template <class One,
            std::enable_if_t<std::is_convertible_v<One, std::optional<Violation>>, int> = 0>
  Violations(One&& one) {  // NOLINT(google-explicit-constructor): see above
    std::optional<Violation> violation = std::forward<One>(one);
    if (violation) push_back(*std::move(violation));
  }
};

/// Checks a document before it is written. Called from any thread, also concurrently. Made of
/// whatever can be called with a document and returns Violations, or what becomes them.
using Validator = std::function<Violations(const Document&)>;

/// The most violations that an InvalidAddress has; the rest is left out.
constexpr std::size_t max_violations = 100;

/// A validator refused a document. what() has the first violation.
struct InvalidAddress : Error {
  /// @param found  not empty
  explicit InvalidAddress(Violations found, SourceLine thrown_at = SourceLine::here())
      : Error(Errc::invalid, message(found.front()), thrown_at), violations(std::move(found)) {
    if (violations.size() > max_violations) violations.resize(max_violations);
  }

  Violations violations;  ///< 1 to max_violations, all of one validator

 private:
  [[nodiscard]] static std::string message(const Violation& first) {
    const std::string where = first.pointer.empty() ? "" : "'" + first.pointer + "' ";
    return "Invalid address: " + where + first.reason;
  }
};

namespace detail {

/// What all books of a Books have in common.
struct BookRules {
  std::vector<Validator> validators;
  ServiceOptions options;
  WriteGate gate;

  /// @throws Error{invalid} if a validator is empty
  BookRules(std::vector<Validator> given, ServiceOptions limits)
      : validators(std::move(given)), options(limits) {
    for (const Validator& validator : validators) {
      if (!validator) throw Error(Errc::invalid, "a validator is empty");
    }
  }

  /// Asks the validators in their order; the first that refuses counts, with all that it found.
  /// @throws Error{invalid} it is over max_document_bytes | InvalidAddress a validator refused |
  ///         Error{internal} a validator threw (an Error{invalid} passes unchanged)
  void validate(const Document& document) const;
};

/// @throws Error{full}: a book has no more room
[[noreturn]] inline void fail_full(std::uint64_t max_entries,
                                   SourceLine thrown_at = SourceLine::here()) {
  throw Error(Errc::full,
              "Insufficient Storage: the book may hold " + std::to_string(max_entries) +
                  (max_entries == 1 ? " address" : " addresses"),
              thrown_at);
}

}  // namespace detail

// ---------------------------------------------------------------------------------------------

inline void detail::BookRules::validate(const Document& document) const {
  if (document.text().size() > options.max_document_bytes) {
    throw Error(Errc::invalid, "Invalid address: it is over " +
                                   std::to_string(options.max_document_bytes) + " bytes");
  }
  for (const Validator& validator : validators) {
    Violations violations;
    try {
      violations = validator(document);
    } catch (const Error& error) {
      // E.g. from document.json(): the document's fault, not the validator's.
      if (error.code() == Errc::invalid) throw;
      std::throw_with_nested(Error(Errc::internal, "a validator failed"));
    } catch (...) {
      std::throw_with_nested(Error(Errc::internal, "a validator failed"));
    }
    if (!violations.empty()) throw InvalidAddress(std::move(violations));
  }
}

}  // namespace addrbook
