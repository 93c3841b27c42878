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
configs/README.md must be there, and each expression in them must find something. The alarms in
configs/prometheus-rules.yaml are those of the page, and ring when they should (rules_test.yaml).

  --server FILE  this server program, without building it
  --help         this text
TEXT
}

here=$(dirname -- "${BASH_SOURCE[0]}")
script=tests/metrics/run.sh
source "$here/../support/script.sh"
take_options "$@"

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
prepare --metrics
PATH=$PATH:${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/addrbook/bin

start_server one ADDRBOOK_STORAGE_SQLITE=book.db
start_server many ADDRBOOK_STORAGE_SQLITE=books.db 'ADDRBOOK_HTTP_PREFIX=/books/{book}/addresses'
start_server closed ADDRBOOK_STORAGE_MEMORY= \
  ADDRBOOK_AUTH_TOKENS=ada:write:correct-horse-battery,eve:admin:staple-of-the-house
start_server without ADDRBOOK_STORAGE_MEMORY= ADDRBOOK_HTTP_METRICS=false

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
rules=configs/prometheus-rules.yaml
promtool check rules "$rules" >"$work/found" 2>&1 || fail "promtool finds:" "$work/found"
promtool test rules tests/metrics/rules_test.yaml >"$work/found" 2>&1 || fail "promtool finds:" "$work/found"
python3 tests/metrics/check.py alarms configs/README.md "$rules" tests/metrics/rules_test.yaml \
  >"$work/alarms" 2>&1 || fail "alarms that do not fit:" "$work/alarms"
printf '%s metrics, %s, %s expressions, %s\n' "$(grep -hc '^# TYPE' "$work/one.txt")" \
  "$(cat "$work/names")" "$(grep -c '^  - expr:' "$work/tests.yaml")" "$(cat "$work/alarms")"
