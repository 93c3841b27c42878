#!/usr/bin/env bash
# tests/clients/proxied.sh [--server FILE]
#
# The configurations of nginx and HAProxy that we ship (configs/), in use: what they tell of a client
# counts, what the client says itself does not, streams and imports pass as they come, limits hold.
# --server names the server program; without it build/release is built. The exit status is 0 if
# nothing failed.
set -euo pipefail
export LC_ALL=C

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
case $# in
  0)
    cmake/install-deps.sh --server --clients
    cmake/build.sh release addrbook-server
    program=$PWD/build/release/examples/addrbook-server
    ;;
  2) [[ $1 == --server ]] || { echo "usage: tests/clients/proxied.sh [--server FILE]" >&2; exit 2; }
    program=$(realpath -- "$2") ;;
  *) echo "usage: tests/clients/proxied.sh [--server FILE]" >&2; exit 2 ;;
esac
PATH=$PATH:/usr/sbin:/sbin # where Debian has nginx and haproxy
work=$(mktemp -d "${TMPDIR:-/tmp}/addrbook-proxied.XXXXXX")
started=()
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
  printf 'tests/clients/proxied.sh: %s\n' "$1" >&2
  shift
  (($#)) && tail -n 20 "$@" >&2
  exit 1
}
# until_true SECONDS COMMAND...
until_true() {
  local try tries=$(($1 * 50))
  shift
  for ((try = 0; try < tries; ++try)); do
    if "$@" >"$work/until" 2>&1; then return 0; fi
    sleep 0.02
  done
  return 1
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=book.example.com \
  -addext subjectAltName=DNS:book.example.com -keyout "$work/key.pem" -out "$work/certificate.pem" \
  2>"$work/openssl.log" || fail "openssl makes no certificate" "$work/openssl.log"
cat "$work/certificate.pem" "$work/key.pem" >"$work/both.pem"

while IFS= read -r name; do unset "$name"; done < <(compgen -e ADDRBOOK_ || true)
mkdir "$work/server"
: >"$work/server/log" >"$work/server/out"
token=correct-horse-battery
# The settings that the first lines of both files name.
export ADDRBOOK_HTTP_TRUSTED_PROXIES=127.0.0.1 ADDRBOOK_HTTP_ALLOWED_HOSTS=book.example.com,127.0.0.1
for proxy in nginx.conf haproxy.cfg; do
  said=$(head -n 3 "configs/$proxy" | tr -d '\n#')
  for each in 'trusted_proxies: [127.0.0.1]' 'allowed_hosts: [book.example.com, 127.0.0.1]' auth.tokens; do
    [[ $said == *"$each"* ]] || fail "$proxy does not begin with $each"
  done
done
ADDRBOOK_STORAGE_MEMORY='' "$program" --port 0 >"$work/open" 2>&1 && fail "a server without tokens starts behind a proxy"
grep -q auth.tokens "$work/open" || fail "the refusal does not name auth.tokens" "$work/open"
(cd "$work/server" && exec env ADDRBOOK_STORAGE_MEMORY= ADDRBOOK_LOGGING_FILE=log \
  ADDRBOOK_AUTH_TOKENS="ada:admin:$token" "$program" --port 0 >out 2>&1) &
started+=($!)
until_true 20 grep -q '^Serving' "$work/server/out" || fail "the server does not start" "$work/server/out"
direct=$(sed -n 's,^Serving .* on http://\([0-9.:]*\) .*,\1,p' "$work/server/out")

# Our files with other addresses and certificates. $2: whether the lines with #~ count.
configure() {
  sed -E "s,127\.0\.0\.1:8080,$direct,; s,/etc/letsencrypt/live/[^/]*/fullchain.pem,$work/certificate.pem,
    s,/etc/letsencrypt/live/[^/]*/privkey.pem,$work/key.pem,; s,/etc/haproxy/certs/[^ ]*,$work/both.pem,
    /listen \[::\]/d; s,listen 80;,listen 127.0.0.1:$plain;,; s,listen 443 ,listen 127.0.0.1:$secure ,
    s,bind :80.*,bind 127.0.0.1:$plain,; s,bind :443[^ ]*,bind 127.0.0.1:$secure,
    /^  (log|user|group) /d; s,^( *)#~ ,\1,; /In place of that/,\$b" "configs/$1"
}
start_nginx() {
  {
    printf '%s\n' "daemon off; master_process off; pid $work/nginx.pid; error_log $work/nginx.log warn;" \
      'events { worker_connections 512; }' 'http {' 'access_log off;'
    for part in client_body proxy fastcgi uwsgi scgi; do echo "${part}_temp_path $work/nginx-$part;"; done
    configure nginx.conf
    echo '}'
  } >"$work/nginx.conf"
  nginx -p "$work" -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
}
start_haproxy() {
  configure haproxy.cfg >"$work/haproxy.cfg"
  haproxy -c -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 || return 1
  haproxy -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
}

# anybody URL-PATH ARGUMENTS...: asks as a client at $client. ask: with a token.
ask() { anybody "$@" -H "Authorization: Bearer $token"; }
anybody() {
  curl -q --noproxy '*' -sS -m 20 --cacert "$work/certificate.pem" --interface "$client" \
    --connect-to "book.example.com:443:127.0.0.1:$secure" "https://book.example.com$1" "${@:2}"
}
expect() { # TEXT COMMAND...
  local expected=$1 output
  shift
  output=$("$@" 2>&1) || true
  [[ $output == $expected ]] || fail "$proxy: $*: '$output', expected '$expected'" "$work/server/log" "$work"/*.log
}
# The address in the log of the newest request.
logged() { sed -n 's/.* ip=\([^ ]*\) .*message=RESPONSE.*/\1/p' "$work/server/log" | tail -1; }
forged=(-H 'X-Forwarded-For: 203.0.113.9' -H 'X-Forwarded-Proto: http' -H 'X-Forwarded-Prefix: /evil'
  -H 'Forwarded: for=203.0.113.9;proto=http' -H 'X-Forwarded-Host: evil.example.com')
location=(-o "$work/out" -w '%header{location}')
status=(-o "$work/out" -w '%{http_code}')

head -c 300000000 /dev/zero >"$work/large"
awk 'BEGIN { for (i = 0; i < 9000; ++i) printf "{\"name\":\"Contact %d of %s\"}\n", i, "example.com" }' >"$work/import.ndjson"

for proxy in nginx haproxy; do
  client=127.0.0.2
  for ((try = 1; ; ++try)); do # no proxy takes any free port, and another process may take these
    read -r plain secure < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in sockets))')
    if "start_$proxy" && until_true 5 ask /addresses/_health -f; then break; fi
    ((try < 5)) || fail "$proxy does not start" "$work/nginx.out" "$work"/*.log
  done
  started+=($!)

  expect 301 curl -q --noproxy '*' -sS "${status[@]}" "http://127.0.0.1:$plain/addresses"
  expect 401 anybody /addresses "${status[@]}"
  expect '/addresses/????????*' ask /addresses -d '{"name":"Ada"}' "${forged[@]}" "${location[@]}"
  expect 127.0.0.2 logged
  expect '/contacts/addresses/????????*' ask /contacts/addresses -d '{"name":"Ada"}' "${forged[@]}" "${location[@]}"
  expect '*link: </contacts/addresses[?]limit=1&cursor=*' ask '/contacts/addresses?limit=1' -D - "${forged[@]}"
  expect 127.0.0.2 logged
  # The scheme is that of the client's connection.
  expect 201 ask /addresses -d '{}' -H 'Origin: https://book.example.com' "${forged[@]}" "${status[@]}"
  expect 403 ask /addresses -d '{}' -H 'Origin: http://book.example.com' "${status[@]}"
  for path in /addresses/_ready /addresses/%5Fready/ /addresses/_%72eady /addresses/_metrics; do
    expect 403 ask "$path" "${status[@]}"
    expect 403 ask "/contacts$path" "${status[@]}"
  done
  for path in /addresses/_ready /addresses/_metrics; do
    client=127.0.0.1 expect 200 ask "$path" "${status[@]}"
    client=127.0.0.1 expect 200 ask "/contacts$path" "${status[@]}"
  done
  # Prometheus on this machine needs no proxy.
  expect 200 curl -q --noproxy '*' -sS "${status[@]}" "http://$direct/addresses/_metrics" -H "Authorization: Bearer $token"

  # Below a path: the page, with or without a slash, and the API document, which clients are made of.
  expect 301 anybody /contacts "${status[@]}"
  expect '*/contacts/' anybody /contacts "${location[@]}"
  expect addresses/_page anybody /contacts/ "${location[@]}"
  expect 200 anybody /contacts/addresses/_page "${status[@]}"
  expect '*"servers":\[{"url":"/contacts",*' anybody /contacts/addresses/_openapi.json "${forged[@]}"
  expect '*"servers":\[{"url":"/",*' anybody /addresses/_openapi.json "${forged[@]}"
  expect '*>ADDRBOOK=https://book.example.com/contacts*' anybody /contacts/addresses/_openapi "${forged[@]}"
  expect '*>ADDRBOOK=https://book.example.com?TOKEN=*' anybody /addresses/_openapi "${forged[@]}"

  # A stream passes at once, and ends with its client.
  ask '/addresses/_changes' -N -H 'Accept: text/event-stream' -m 60 >"$work/stream" 2>&1 &
  stream=$!
  started+=("$stream")
  until_true 10 grep -q . "$work/stream" || fail "$proxy: no stream" "$work/stream"
  before=$(wc -l <"$work/stream")
  expect 201 ask /addresses -d '{"name":"Live"}' "${status[@]}"
  until_true 10 awk -v n="$before" 'END { exit !(NR > n) }' "$work/stream" || fail "$proxy holds the stream back"
  kill "$stream"

  expect '{"created":9000,*' ask '/addresses?format=ndjson&on_conflict=duplicate' --data-binary "@$work/import.ndjson" -H 'Content-Type: application/x-ndjson'
  expect '*content-encoding: gzip*' ask '/addresses?format=ndjson' -D - -o "$work/out" -H 'Accept-Encoding: gzip'
  expect 413 ask /addresses -T "$work/large" -X POST "${status[@]}" -H Expect:
  # Further requests of this client are refused, those of another are not.
  count=$(ask '/addresses/_health#[1-900]' -Z --parallel-max 20 -o "$work/out" -w '%{http_code}\n' 2>/dev/null | grep -cx 429 || true)
  ((count > 50)) || fail "$proxy: $count of 900 requests at once were refused"
  client=127.0.0.3 expect 200 ask /addresses "${status[@]}"
  echo "$proxy: ok ($SECONDS s)"
done
