#!/usr/bin/env bash
# tests/bench/compile_time.sh [runs = 5]
#
# Prints what `#include <addrbook/addrbook.hpp>` adds to the time that a translation unit takes to
# compile, beyond httplib.h and nlohmann/json.hpp: user time, medians of alternating runs. Nothing
# judges it, because it depends on the machine. With g++ also the memory that the compiler allocates,
# which is the same in each run and in proportion to the time.
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
command=("$compiler" -std=c++17 -O0 "@$tree/tests/bench/include_flags" -c -o /dev/null)
compile() { # compile NAME: adds the seconds it takes to NAME.times
  local TIMEFORMAT=%U
  { time "${command[@]}" "$work/$1.cpp" 2>&3; } 3>&2 2>>"$work/$1.times"
}
memory() { # memory NAME: prints megabytes
  "${command[@]}" -ftime-report "$work/$1.cpp" 2>&1 | sed -n 's/^ TOTAL .* \([0-9]*\)M$/\1/p'
}
median() { sort -n "$work/$1.times" | sed -n "$((runs / 2 + 1))p"; }

for ((run = 0; run < runs; ++run)); do
  compile without
  compile with
done
report() { # report WHAT FORMAT WITHOUT WITH
  printf '  %-28s' "$1"
  awk -v format="$2" -v without="$3" -v with="$4" \
    'BEGIN { printf format " " format " " format "\n", without, with, with - without }'
}

version=$("$compiler" --version)
printf '%s\n' "${version%%$'\n'*}"
printf '%-30s%9s %9s %9s\n' 'Compiling' without addrbook difference
report "user seconds, median of $runs" %9.2f "$(median without)" "$(median with)"
if [[ $version == *'Free Software Foundation'* ]]; then
  report "megabytes" %9d "$(memory without)" "$(memory with)"
fi
