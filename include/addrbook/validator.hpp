/// Validators: what a program demands of the documents of its books.
#pragma once

#include <addrbook/base/write_gate.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace addrbook {

/// Why a validator refuses a document.
struct Violation {
  std::string pointer;  ///< where: a JSON Pointer (RFC 6901), "" for the document as a whole
  std::string reason;   ///< what is wrong, e.g. "must be a string"
};

/// Checks a document before it is written. Called from any thread, also concurrently.
using Validator = std::function<std::optional<Violation>(const Document&)>;

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

  /// @throws Error{invalid} it is over max_document_bytes, or a validator refused | Error{internal}
  /// a validator threw
  void validate(const Document& document) const;
};

}  // namespace detail

// ---------------------------------------------------------------------------------------------

inline void detail::BookRules::validate(const Document& document) const {
  if (document.text().size() > options.max_document_bytes) {
    throw Error(Errc::invalid, "Invalid address: it is over " +
                                   std::to_string(options.max_document_bytes) + " bytes");
  }
  for (const Validator& validator : validators) {
    std::optional<Violation> violation;
    try {
      violation = validator(document);
    } catch (const Error& error) {
      // E.g. from document.json(): the document's fault, not the validator's.
      if (error.code() == Errc::invalid) throw;
      std::throw_with_nested(Error(Errc::internal, "a validator failed"));
    } catch (...) {
      std::throw_with_nested(Error(Errc::internal, "a validator failed"));
    }
    if (violation) {
      const std::string where = violation->pointer.empty() ? "" : "'" + violation->pointer + "' ";
      throw Error(Errc::invalid, "Invalid address: " + where + violation->reason);
    }
  }
}

}  // namespace addrbook
