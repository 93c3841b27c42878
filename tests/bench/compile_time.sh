#!/usr/bin/env bash
# tests/bench/compile_time.sh [runs = 5]
#
# Prints what `#include <addrbook/addrbook.hpp>` adds to the time that a translation unit takes to
# compile, beyond httplib.h and nlohmann/json.hpp: user time, medians of alternating runs. Nothing
# judges it, because it depends on the machine.
set -euo pipefail
export LC_ALL=C

runs=${1:-5}
if [[ $# -gt 1 || ! $runs =~ ^[1-9][0-9]*$ ]]; then
  echo "Usage: tests/bench/compile_time.sh [runs = 5]" >&2
  exit 2
fi

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tree=build/release
cmake --preset release >/dev/null
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$tree/CMakeCache.txt")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#include <%s>\n' httplib.h nlohmann/json.hpp >"$work/without.cpp"
printf '#include <%s>\n' addrbook/addrbook.hpp >"$work/with.cpp"

# The compiler itself, not ccache.
compile() { # compile NAME: adds the seconds it takes to NAME.times
  local TIMEFORMAT=%U
  {
    time "$compiler" -std=c++17 -O0 "@$tree/tests/bench/include_flags" -c -o /dev/null \
      "$work/$1.cpp" 2>&3
  } 3>&2 2>>"$work/$1.times"
}
median() { sort -n "$work/$1.times" | sed -n "$((runs / 2 + 1))p"; }

for ((run = 0; run < runs; ++run)); do
  compile without
  compile with
done
without=$(median without)
with=$(median with)
awk -v without="$without" -v with="$with" -v runs="$runs" -v compiler="$("$compiler" --version)" '
  BEGIN {
    sub(/\n.*/, "", compiler)
    printf "Compile time, user seconds, medians of %d: %s, -O0\n", runs, compiler
    printf "  httplib.h and nlohmann/json.hpp  %.2f\n", without
    printf "  addrbook/addrbook.hpp            %.2f\n", with
    printf "  difference                       %.2f\n", with - without
  }'
