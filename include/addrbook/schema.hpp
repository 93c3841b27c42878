/// json_schema(): a validator that a JSON Schema describes. Needs valijson (target
/// addrbook::schema), which takes long to compile: include it in one file of a program.
#pragma once

#include <addrbook/base/large_work.hpp>
#include <addrbook/base/read_file.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/schema/check.hpp>
#include <addrbook/schema/reader.hpp>
#include <addrbook/validator.hpp>

#include <string>
#include <system_error>
#include <utility>

namespace addrbook {

/// Makes a validator of a JSON Schema (Draft 7; draft-handrews-json-schema-validation-01). It lists
/// all that is wrong with a document, up to max_violations, each with its place.
///
/// - Of `format` it knows `date`, `time` and `date-time`. `$id` is ignored; `$ref` is `#` or a JSON
///   Pointer within the text. Unknown keywords and formats are ignored.
/// - A `pattern` is of ECMAScript without back references, and is matched character by character.
///   Strings and names of over 1,000 characters are refused where there is a pattern for them.
/// - Numbers beyond double (`1e400`) are taken for the largest double. `1.0` is an integer.
/// - Items are equal to `uniqueItems` if their texts are: `1` and `1.0` are not.
/// - A document that takes more than a million steps is refused.
/// @param text  JSON; where it names a `$schema`, that is Draft 7
/// @throws Error{invalid} with the reason: malformed JSON, another draft, a bad value of a keyword,
///         a `$ref` that leads nowhere or out of the text, a malformed pattern. Nothing is fetched.
/// @par Thread safety  the validator is for any thread
[[nodiscard]] inline Validator json_schema_text(std::string text) {
  return [ready = detail::read_schema(std::move(text))](const Document& document) {
    std::optional<detail::LargeWork> turn;
    if (detail::LargeWork::is_large(document.text().size())) turn.emplace();
    return detail::SchemaCheck::run(ready->schema, ready->patterns, detail::clamped_tree(document));
  };
}

/// As json_schema_text(), of a file.
/// @throws Error{invalid} with the file's name in front; also if the file can't be read
[[nodiscard]] inline Validator json_schema(const std::string& file) {
  try {
    return json_schema_text(detail::read_file(file));
  } catch (const std::system_error& error) {
    throw Error(Errc::invalid, file + ": the file can't be read: " + error.code().message());
  } catch (const Error& error) {
    throw Error(error.code(), file + ": " + error.what());
  }
}

}  // namespace addrbook
