#!/usr/bin/env bash
# tests/metrics/run.sh [options]
#
# The metrics of the bundled server, as Prometheus and Grafana see them; `--help` lists the options.
# The exit status is 0 if nothing is found.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/metrics/run.sh [options]

Installs what is missing, builds the bundled server, and makes requests of every kind to two of
them. Then promtool checks what they say of that. Each metric in configs/grafana-dashboard.json and
configs/README.md must be there, and each expression in them must find something.

  --server FILE  this server program, without building it
  --help         this text
TEXT
}

server_program=
while (($#)); do
  case $1 in
    --server)
      [[ $# -gt 1 ]] || { echo "tests/metrics/run.sh: --server needs a file" >&2; exit 2; }
      server_program=$(realpath -- "$2")
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    *)
      echo "tests/metrics/run.sh: unknown option '$1'" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
cmake/install-deps.sh --server --metrics
if [[ -z $server_program ]]; then
  cmake/build.sh release addrbook-server
  server_program=$PWD/build/release/examples/addrbook-server
fi
PATH=$PATH:${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/addrbook/bin
export no_proxy='*'

work=$(mktemp -d "${TMPDIR:-/tmp}/addrbook-metrics.XXXXXX")
started=() # the processes that this script ends
finish() {
  local pid
  for pid in ${started[@]+"${started[@]}"}; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  printf 'tests/metrics/run.sh: %s\n' "$1" >&2
  shift
  (($#)) && cat "$@" >&2
  exit 1
}

# start NAME SETTINGS...: settings of the caller do not count. Sets the variable NAME to its URL.
while IFS= read -r name; do unset "$name"; done < <(compgen -e ADDRBOOK_ || true)
start() {
  local name=$1 log=$work/$1.log try url=
  shift
  mkdir "$work/$name"
  : >"$log" # it is read below, maybe before the server's process opens it
  (cd "$work/$name" && exec env "$@" "$server_program" --port 0) >"$log" 2>&1 &
  started+=($!)
  for ((try = 0; try < 500; ++try)); do
    url=$(sed -n 's,^Serving .* on \(http://[0-9.]*:[0-9]*\) .*,\1,p' "$log")
    [[ -n $url ]] && break
    kill -0 $! 2>/dev/null || break
    sleep 0.02
  done
  [[ -n $url ]] || fail "the server does not start" "$log"
  printf -v "$name" %s "$url"
}
start one ADDRBOOK_STORAGE_SQLITE=book.db
start many ADDRBOOK_STORAGE_SQLITE=books.db 'ADDRBOOK_HTTP_PREFIX=/books/{book}/addresses'
start closed ADDRBOOK_STORAGE_MEMORY= \
  ADDRBOOK_AUTH_TOKENS=ada:write:correct-horse-battery,eve:admin:staple-of-the-house
start without ADDRBOOK_STORAGE_MEMORY= ADDRBOOK_HTTP_METRICS=false

python3 tests/metrics/check.py traffic "$one" "$many" >"$work/traffic" 2>&1 ||
  fail "the servers do not answer as they should" "$work/traffic"

curl -sf "$one/addresses/_metrics" >"$work/one.txt" || fail "no metrics of one book"
curl -sf "$many/books/_metrics" >"$work/many.txt" || fail "no metrics of many books"
for text in one many; do
  promtool check metrics <"$work/$text.txt" >"$work/found" 2>&1 || fail "promtool fails" "$work/found"
  [[ ! -s $work/found ]] || fail "promtool finds:" "$work/found"
done

status() { curl -s -o "$work/answer" -w '%{http_code}' "$@"; }
expect() { # STATUS ARGUMENTS...
  local wanted=$1 got
  shift
  got=$(status "$@")
  [[ $got == "$wanted" ]] || fail "$* is answered by $got, not $wanted"
}
expect 401 "$closed/addresses/_metrics"
expect 403 "$closed/addresses/_metrics" -H 'Authorization: Bearer correct-horse-battery'
expect 200 "$closed/addresses/_metrics" -H 'Authorization: Bearer staple-of-the-house'
expect 404 "$without/addresses/_metrics"

files=(configs/grafana-dashboard.json configs/README.md)
python3 tests/metrics/check.py names "${files[@]}" -- "$work"/{one,many}.txt >"$work/names" 2>&1 ||
  fail "names that do not fit:" "$work/names"
python3 tests/metrics/check.py tests "${files[@]}" -- "$work"/{one,many}.txt >"$work/tests.yaml"
promtool test rules "$work/tests.yaml" >"$work/found" 2>&1 || fail "promtool finds:" "$work/found"
printf '%s metrics, %s, %s expressions\n' "$(grep -hc '^# TYPE' "$work/one.txt")" \
  "$(cat "$work/names")" "$(grep -c '^  - expr:' "$work/tests.yaml")"
