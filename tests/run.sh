#!/usr/bin/env bash
# tests/run.sh [options] [-- ctest options]
#
# Installs what is missing, builds the tests and runs them; `--help` lists the
# options. The exit status is that of ctest.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/run.sh [options] [-- ctest options]

  --suite NAME  only the tests of this suite (a label in ctest)
  --coverage    measure coverage of include/, fail below 90 % of the lines
  --asan        build with the address and undefined behaviour sanitizers
  --clang       the same with Clang
  --tsan        build with the thread sanitizer
  --help        this text

At most one of --coverage, --asan, --tsan and --clang. Each has a build tree of
its own, build/<name>; without any of them it is build/dev.
TEXT
}

fail() {
  printf 'tests/run.sh: %s\n' "$1" >&2
  usage >&2
  exit 2
}

preset=
suite=
use_preset() {
  [[ -z $preset || $preset == "$1" ]] || fail "--$preset and --$1 exclude each other"
  preset=$1
}

while (($#)); do
  case $1 in
    --suite)
      [[ $# -gt 1 && -n $2 ]] || fail "--suite needs a name"
      suite=$2
      shift
      ;;
    --suite=?*) suite=${1#--suite=} ;;
    --coverage | --asan | --tsan | --clang) use_preset "${1#--}" ;;
    --help | -h)
      usage
      exit 0
      ;;
    --)
      shift
      break
      ;;
    *) fail "unknown option '$1'" ;;
  esac
  shift
done
preset=${preset:-dev}

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
tree=build/$preset

needs=(--tests)
case $preset in coverage | clang) needs+=("--$preset") ;; esac
cmake/install-deps.sh "${needs[@]}"
cmake/build.sh "$preset"

jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
run=(ctest --test-dir "$tree" --output-on-failure --no-tests=error -j"$jobs")
if [[ -n $suite ]]; then
  suites=$(ctest --test-dir "$tree" --print-labels | sed -n 's/^  //p')
  if ! grep -qxF -e "$suite" <<<"$suites"; then
    printf "tests/run.sh: there is no suite '%s'; there are: %s\n" "$suite" "${suites//$'\n'/ }" >&2
    exit 2
  fi
  run+=(-L "^$suite\$")
fi
run+=("$@")

grep -qxF ADDRBOOK_COVERAGE:BOOL=ON "$tree/CMakeCache.txt" || exec "${run[@]}"

# Counts add up over runs, and those of a previous build mean nothing.
find "$tree" -name '*.gcda' -delete
status=0
"${run[@]}" || status=$?
gcovr --root . --object-directory "$tree" --filter 'include/' --print-summary \
  --exclude-throw-branches --exclude-unreachable-branches -j "$jobs" \
  --exclude-directories ".*CompilerIdCXX" --fail-under-line 90 "$tree" || status=$((status ? status : $?))
exit "$status"
