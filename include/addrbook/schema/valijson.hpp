/// valijson, as this library uses it: its reader of schemas and the constraints that this makes.
/// Its validator is not used: it keeps every failure in memory, matches hostile text with a
/// std::regex that backtracks and recurses, and shares caches between threads.
#pragma once

// Without it valijson ends the program where it should throw.
#ifndef VALIJSON_USE_EXCEPTIONS
#define VALIJSON_USE_EXCEPTIONS 1
#endif
#if !VALIJSON_USE_EXCEPTIONS
#error "addrbook needs VALIJSON_USE_EXCEPTIONS=1, defined for the whole program"
#endif

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/constraint_builder.hpp>
#include <valijson/constraints/concrete_constraints.hpp>
#include <valijson/constraints/constraint_visitor.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
