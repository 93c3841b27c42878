#!/usr/bin/env bash
# cmake/embed-page.sh
#
# Makes include/addrbook/page/files.hpp of the files of the contacts page beside it. Run it after a
# change to one of them; tests/unit/page_test.cpp fails until then. Left out is what only who reads
# the sources needs: indentation, empty lines, comments that begin or end a line, spaces in CSS, and
# spaces around operators and braces in JavaScript (in its texts, too: none has an operator).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../include/addrbook/page"

{
  cat <<'TEXT'
/// The files of the contacts page. Made by cmake/embed-page.sh from those beside it: change them.
#pragma once

#include <string_view>

namespace addrbook::detail {

struct PageFile {
  std::string_view name;
  const char* text;
};

// clang-format off
inline constexpr PageFile page_files[] = {
TEXT
  for file in *.html *.css *.js *.svg; do
    printf '{"%s", R"file(' "$file"
    less=
    case $file in
      *.css) less='s/([:;{,]) /\1/g; s/ \{/{/g; s/;\}/}/g' ;;
      *.js) less='s/([;,{)]) \/\/ .*/\1/; s/ (=>|=|===|!==|\?|:|&&|\|\|) /\1/g; s/\{ /{/g; s/ \}/}/g; s/\) \{/){/g; s/\b(if|for|while|catch) \(/\1(/g' ;;
    esac
    sed -E "s/^ +//; /^$/d; /^\/[\/*]/d;$less" "$file"
    printf ')file"},\n'
  done
  cat <<'TEXT'
};
// clang-format on

}  // namespace addrbook::detail
TEXT
} >files.hpp
