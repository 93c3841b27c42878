#!/usr/bin/env bash
# cmake/embed-page.sh
#
# Makes include/addrbook/page/files.hpp of the files of the contacts page beside it. Run it after a
# change to one of them; tests/unit/page_test.cpp fails until then. Left out is what only who reads
# the sources needs: indentation, empty lines, comments that begin or end a line, and spaces beside
# punctuation, but not in the texts of scripts (in their regular expressions: write \x20 there).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../include/addrbook/page"

# Of each line of a script: what is not a text, without spaces beside punctuation; in one line with
# the next if it ends with punctuation.
# shellcheck disable=SC2016 # its dollars are awk's
tight='{
  line = ""
  quote = ""
  for (i = 1; i <= length($0); ++i) {
    c = substr($0, i, 1)
    if (quote != "") {
      if (c == quote) quote = ""
      if (c == "\\") c = c substr($0, ++i, 1)
    } else if (c == "\"" || c == "`") {
      quote = c
    } else if (c == " ") {
      if (substr($0, i, 4) == " // ") break
      if (index(marks, substr(line, length(line))) || index(marks, substr($0, i + 1, 1))) c = ""
    }
    line = line c
  }
  printf "%s%s", line, index(";{,(", substr(line, length(line))) ? "" : "\n"
}'
tight="BEGIN { marks = \"=>!&|?:,;{}()[]+*<\" } $tight"

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
  # Like beside like.
  for file in index.html icon.svg list.js live.js dom.js app.js api.js conflict.js transfer.js detail.js json.js contact.js app.css; do
    printf '{"%s", R"file(' "$file"
    sed -E 's/^ +//; /^$/d; /^\/[\/*]/d' "$file" | case $file in
      *.css) sed -E 's/([:;{,]) /\1/g; s/ \{/{/g; s/;\}/}/g' | tr -d '\n' ;;
      *.js) awk "$tight" | sed 's/;}/}/g' ;;
      *.html) tr -d '\n' ;;
      *) cat ;;
    esac
    printf ')file"},\n'
  done
  cat <<'TEXT'
};
// clang-format on

}  // namespace addrbook::detail
TEXT
} >files.hpp
