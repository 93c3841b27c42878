#!/usr/bin/env bash
# tests/fuzz/run.sh [options] [TARGET [SECONDS]]
#
# Installs what is missing, builds the fuzz targets and runs them; `--help`
# lists the options. The exit status is 1 if anything was found.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/fuzz/run.sh [options] [TARGET [SECONDS]]

Runs TARGET (or `all`, the default) under libFuzzer for SECONDS (default 600)
each, one after the other. It begins with tests/fuzz/corpus/TARGET and what
earlier runs have gathered.

  --merge  instead of running, put into tests/fuzz/corpus/TARGET what earlier
           runs have gathered and that reaches code which nothing there does
  --help   this text

What is gathered goes to build/fuzz/found/TARGET/corpus, an input that fails to
build/fuzz/found/TARGET/crash-..., timeout-... or oom-...; given one of these,
build/fuzz/tests/fuzz/fuzz_TARGET FILE repeats it.
TEXT
}

fail() {
  printf 'tests/fuzz/run.sh: %s\n' "$1" >&2
  usage >&2
  exit 2
}

merge=
while [[ ${1:-} == -* ]]; do
  case $1 in
    --merge) merge=1 ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) fail "unknown option '$1'" ;;
  esac
  shift
done
(($# <= 2)) || fail "too many arguments"
seconds=${2:-600}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "'$seconds' is no number of seconds"

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
targets=()
for folder in tests/fuzz/corpus/*/; do targets+=("$(basename -- "$folder")"); done
if [[ ${1:-all} != all ]]; then
  [[ " ${targets[*]} " == *" $1 "* ]] || fail "there is no target '$1'; there are: ${targets[*]}"
  targets=("$1")
fi

cmake/install-deps.sh --clang
cmake/build.sh fuzz "${targets[@]/#/fuzz_}"

status=0
for target in "${targets[@]}"; do
  found=$PWD/build/fuzz/found/$target
  corpus=$PWD/tests/fuzz/corpus/$target
  mkdir -p "$found/corpus"
  # Four kilobytes say all that these targets can hear; time and memory are
  # what no input of that size may take.
  run=("build/fuzz/tests/fuzz/fuzz_$target" -max_len=4096 -timeout=10 -rss_limit_mb=1024
    "-artifact_prefix=$found/")
  if [[ -n $merge ]]; then
    "${run[@]}" -merge=1 "$corpus" "$found/corpus" || status=1
    continue
  fi
  dictionary=tests/fuzz/dictionaries/$target.dict
  [[ -f $dictionary ]] && run+=("-dict=$dictionary")
  printf '== %s\n' "$target"
  "${run[@]}" "-max_total_time=$seconds" -print_final_stats=1 "$found/corpus" "$corpus" || status=1
done
exit "$status"
