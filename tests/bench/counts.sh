#!/usr/bin/env bash
# tests/bench/counts.sh [--update]
#
# Counts instructions and heap allocations per request (counts.cpp) and compares them with
# counts.txt: exit status 1 if a number is more than 5 % over the one there. --update rewrites that
# file. The rule: whoever makes a number worse changes the file in the same commit and says why.
set -euo pipefail
export LC_ALL=C

fail() {
  printf 'counts.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}
case $* in
  '' | --update) update=$* ;;
  *) fail "usage: tests/bench/counts.sh [--update]" 2 ;;
esac
command -v valgrind >/dev/null || fail "valgrind is missing; cmake/install-deps.sh --ci installs it"

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
file=tests/bench/counts.txt
counts=build/release/tests/bench/counts
cmake/build.sh release counts >&2

# The book's file is in memory where possible: the instructions are the same, and commits do not
# wait for a disk.
if [[ -d /dev/shm && -w /dev/shm ]]; then export TMPDIR=/dev/shm; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for run in 'rest memory' 'rest sqlite' 'server memory' 'server sqlite' 'logged memory' \
  'counted memory'; do
  read -r path store <<<"$run"
  valgrind -q --tool=callgrind --instr-atstart=no --combine-dumps=yes \
    --callgrind-out-file="$work/dumps" "$counts" "$path" "$store" >"$work/allocations"
  # A dump's `totals` are right. Its `summary` is wrong for a process with several threads.
  awk '
    FNR == NR { requests[$1, $2, $3] = $4; allocations[$1, $2, $3] = $5; next }
    /^desc: Trigger: / { path = $5; store = $6; kind = $7 }
    /^totals: / && (path, store, kind) in requests {
      count = requests[path, store, kind]
      printf "%-7s %-6s %-7s %7.0f %7.2f\n", path, store, kind, $2 / count,
             allocations[path, store, kind] / count
    }' "$work/allocations" "$work/dumps" >>"$work/now"
  rm "$work/dumps"
done
versions="# Measured with $("$counts" versions), $(valgrind --version)."

status=0
awk '
  function ratio(what, now, before) {
    if (now > 1.05 * before) over = over (over ? " and " : "over by more than 5 %: ") what
    if (now < 0.95 * before) lower = "lower: update the file"
    return before > 0 ? sprintf("%.3f", now / before) : "-"
  }
  BEGIN {
    print "                           instructions/request         allocations/request"
    print "                             now  on file  ratio        now  on file  ratio"
  }
  /^#/ { next }
  { row = sprintf("%-7s %-6s %-7s", $1, $2, $3) }
  is_file { instructions[row] = $4; allocations[row] = $5; next }
  { measured[$1 " " $2 " " $3] = $4 }
  !(row in instructions) {
    printf "%s  %9d %8s %6s %10.2f %8s %6s  not in counts.txt\n", row, $4, "-", "-", $5, "-", "-"
    is_bad = 1
    next
  }
  {
    over = lower = ""
    first = ratio("instructions", $4, instructions[row])
    second = ratio("allocations", $5, allocations[row])
    printf "%s  %9d %8d %6s %10.2f %8.2f %6s", row, $4, instructions[row], first, $5,
           allocations[row], second
    print (over lower ? "  " : "") over (over && lower ? "; " : "") lower
    if (over) is_bad = 1
    delete instructions[row]
  }
  END {
    for (row in instructions) {
      print row "  in counts.txt, but not measured"
      is_bad = 1
    }
    # A promise: metrics cost under 1 % of what a server needs for a GET.
    cost = measured["counted memory GET"] - measured["logged memory GET"]
    printf "Metrics cost %d instructions, %.2f %% of a GET.\n", cost, 100 * cost / measured["server memory GET"]
    if (cost > measured["server memory GET"] / 100) {
      print "That is over 1 %."
      is_bad = 1
    }
    exit is_bad
  }' is_file=1 "$([[ -e $file ]] && echo "$file" || echo /dev/null)" is_file=0 "$work/now" ||
  status=$?

if [[ -n $update ]]; then
  {
    cat <<'TEXT'
# Instructions and heap allocations per request, written by `tests/bench/counts.sh --update`.
# Whoever makes a number worse changes this file in the same commit and says why.
TEXT
    echo "$versions"
    cat "$work/now"
  } >"$file"
  exit
fi
if ((status)) && ! grep -qxsF -e "$versions" "$file"; then
  echo "counts.txt may be of other versions. Here: ${versions#\# }"
fi
exit "$status"
