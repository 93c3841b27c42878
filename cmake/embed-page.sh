#!/usr/bin/env bash
# cmake/embed-page.sh [--check]
#
# Makes include/addrbook/page/files.hpp of the files of the contacts page beside it: its modules in one
# script, without what only its readers need, by esbuild (npm). Run it after a change to one of them;
# tests/unit/page_test.cpp fails until then. --check changes nothing, and fails where the header is not
# what it would make.
set -euo pipefail

esbuild_version=0.28.2

fail() {
  printf 'cmake/embed-page.sh: %s\n' "$1" >&2
  exit 1
}

[[ $# == 0 || $* == --check ]] || fail "usage: cmake/embed-page.sh [--check]"
command -v npm >/dev/null || fail "needs Node.js with npm, which gets esbuild"
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../include/addrbook/page"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tools=${XDG_CACHE_HOME:-${HOME:-$work}/.cache}/addrbook/esbuild-$esbuild_version
esbuild=$tools/node_modules/.bin/esbuild
if [[ ! -x $esbuild ]]; then
  echo "Installing: esbuild $esbuild_version (npm, in $tools)" >&2
  mkdir -p "$tools"
  npm install --prefix "$tools" --no-audit --no-fund --no-save --silent \
    "esbuild@$esbuild_version" >"$work/npm.log" 2>&1 || { cat "$work/npm.log" >&2; fail "npm gets no esbuild"; }
fi

"$esbuild" app.js --bundle --minify --format=esm --target=es2022 --log-level=warning >"$work/app.js"
"$esbuild" app.css --minify --log-level=warning >"$work/app.css"
sed -E 's/^ +//' index.html | tr -d '\n' >"$work/index.html"
cp icon.svg "$work"

# The sources in the order of their names, which page_test.cpp reads too.
export LC_ALL=C
sum=$(cat ./*.css ./*.html ./*.js ./*.svg | sha256sum | cut -d' ' -f1)
{
  cat <<TEXT
/// The contacts page. Made by cmake/embed-page.sh from the files beside it: change them.
#pragma once

#include <string_view>

namespace addrbook::detail {

struct PageFile {
  std::string_view name;
  const char* text;
};

/// The SHA-256 of the files that it is made of.
inline constexpr std::string_view page_sources =
    "$sum";

// clang-format off
inline constexpr PageFile page_files[] = {
TEXT
  for file in index.html app.css app.js icon.svg; do
    printf '{"%s", R"file(' "$file"
    cat "$work/$file"
    printf ')file"},\n'
  done
  cat <<'TEXT'
};
// clang-format on

}  // namespace addrbook::detail
TEXT
} >"$work/files.hpp"

if [[ $* == --check ]]; then
  cmp -s "$work/files.hpp" files.hpp || fail "include/addrbook/page/files.hpp is not made of its sources: run cmake/embed-page.sh"
else
  cp "$work/files.hpp" files.hpp
fi
