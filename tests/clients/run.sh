#!/usr/bin/env bash
# tests/clients/run.sh [options]
#
# Real clients and proxies against the bundled server; `--help` lists the options. Shows a table,
# and below it what failed. The exit status is 0 if nothing did.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/clients/run.sh [options]

Installs what is missing, builds the bundled server, and runs clients against it: directly, over
TLS, through nginx (which speaks HTTP/1.0 or 1.1 to it) and through HAProxy, which shares its
connections among clients. No connection may end without having said so, and each answer must be the right one.

  mix      every route, several connections, kept open
  late     bodies that no answer needs, which arrive after their head
  posts    writes, while others send POSTs without a length
  large    bodies of 50 MiB, which are refused
  1.0      HTTP/1.0 with Keep-Alive (ab)
  exports  vCards and CSV, read by Python's vobject and csv

  --server FILE  this server program, without building it
  --help         this text
TEXT
}

here=$(dirname -- "${BASH_SOURCE[0]}")
script=tests/clients/run.sh
source "$here/../support/script.sh"
take_options "$@"

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
here=$PWD/tests/clients
prepare --clients

python=python3
"$python" -c 'import requests, vobject' 2>/dev/null || python=/usr/bin/python3
node=node
command -v node >/dev/null || node=nodejs

# wait_for URL PID LOG: until it answers, or its process has ended.
wait_for() {
  local try
  for ((try = 0; try < 500; ++try)); do
    if curl -sf -o "$work/ready" "$1"; then return 0; fi
    kill -0 "$2" 2>/dev/null || return 1
    sleep 0.02
  done
  return 1
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
  -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/certificate.pem" \
  2>"$work/openssl.log" || fail "openssl makes no certificate" "$work/openssl.log"
export CERTIFICATE=$work/certificate.pem
export NODE_EXTRA_CA_CERTS=$CERTIFICATE CURL_CA_BUNDLE=$CERTIFICATE SSL_CERT_FILE=$CERTIFICATE

direct=
start_server direct ADDRBOOK_STORAGE_MEMORY=
start_server exports ADDRBOOK_STORAGE_MEMORY=
start_server tls ADDRBOOK_STORAGE_MEMORY= "ADDRBOOK_TLS_CERTIFICATE=$CERTIFICATE" \
  "ADDRBOOK_TLS_KEY=$work/key.pem"
servers=("${started[@]}")

# start_proxies: nothing can tell nginx to take any free port, so this looks for three. Another
# process may take one meanwhile.
start_proxies() {
  local ports pid
  read -ra ports < <("$python" -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in sockets))')
  nginx_1_0=http://127.0.0.1:${ports[0]}
  nginx_1_1=http://127.0.0.1:${ports[1]}
  haproxy=http://127.0.0.1:${ports[2]}
  cat >"$work/nginx.conf" <<TEXT
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.log warn;
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 0;
  keepalive_requests 100000;
  client_body_temp_path $work/nginx-body;
  proxy_temp_path $work/nginx-proxy;
  fastcgi_temp_path $work/nginx-fastcgi;
  uwsgi_temp_path $work/nginx-uwsgi;
  scgi_temp_path $work/nginx-scgi;
  upstream book { server ${direct#http://}; keepalive 8; keepalive_requests 100000; }
  server {
    listen ${nginx_1_0#http://};
    location / {
      proxy_pass $direct;
      proxy_set_header Host \$http_host;
    }
  }
  server {
    listen ${nginx_1_1#http://};
    location / {
      proxy_pass http://book;
      proxy_http_version 1.1;
      proxy_set_header Host \$http_host;
      proxy_set_header Connection "";
      proxy_request_buffering off;
    }
  }
}
TEXT
  cat >"$work/haproxy.cfg" <<TEXT
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend clients
  bind ${haproxy#http://}
  default_backend book
backend book
  http-reuse always
  server book ${direct#http://}
TEXT
  nginx -p "$work" -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
  pid=$!
  started+=("$pid")
  wait_for "$nginx_1_0/addresses/_health" "$pid" || return 1
  haproxy -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
  pid=$!
  started+=("$pid")
  wait_for "$haproxy/addresses/_health" "$pid"
}
for ((try = 1; ; ++try)); do
  if start_proxies; then break; fi
  ((try < 5)) || fail "the proxies do not start" "$work/nginx.out" "$work/haproxy.log"
done

head -c 52428800 /dev/zero >"$work/large"
printf '{"name": "Ada Lovelace"}' >"$work/address"

# curl_expect EXPECTED ARGUMENTS...: the statuses of curl's answers, a space behind each.
curl_expect() {
  local expected=$1 statuses
  shift
  statuses=$(curl -q -sS -m 20 -w '%{http_code} ' "$@" 2>"$work/curl.err") || true
  [[ $statuses == "$expected" ]] && return
  echo "curl ${*: -3}: '$statuses', expected '$expected'" >&2
  cat "$work/curl.err" >&2
  return 1
}

curl_late() { # EXPECTED METHOD URL NEXT
  curl_expect "$1" -X "$2" -T - -H Expect: -o "$work/out" "$3" \
    --next -sS -w '%{http_code} ' -o "$work/out" "$4" < <(sleep 0.01 && printf later)
}

client_curl() { # CASE URL: several URLs in one call share a connection
  local book=$2/addresses method status
  local urls=("$book" "$book/_health" "$book/_ready") three=(-o "$work/out" -o "$work/out" -o "$work/out")
  case $1 in
    mix)
      for _ in {1..10}; do
        curl_expect '201 201 201 ' "${three[@]}" -d @"$work/address" "$book" "$book" "$book" || return
        curl_expect '200 200 200 ' "${three[@]}" "${urls[@]}" || return
        curl_expect '404 404 404 ' "${three[@]}" -X DELETE "$book/a" "$book/b" "$book/c" || return
      done
      ;;
    late) # with chunks; what follows shows in which state the connection is
      for _ in {1..5}; do
        for method in GET DELETE; do
          status=200
          if [[ $method == DELETE ]]; then status=405; fi
          curl_late "$status 200 " $method "$book" "$book/_ready" &&
            curl_late '404 200 ' $method "$2/nowhere" "$book/_ready" || return
        done
      done
      ;;
    posts)
      for _ in {1..50}; do
        curl_expect '201 201 201 ' "${three[@]}" -d @"$work/address" "$book" "$book" "$book" || return
      done
      ;;
    large)
      curl_expect '413 ' -o "$work/out" --data-binary @"$work/large" "$book" &&
        curl_expect '413 ' -o "$work/out" -T "$work/large" -X POST "$book" &&
        curl_expect '413 ' -o "$work/out" -T - -X POST "$book" <"$work/large"
      ;;
  esac
}

client_ab() { # CASE URL
  local count=400 one
  one=$(curl -q -sS -o "$work/out" -w '%header{location}' -d @"$work/address" "$2/addresses")
  # A long list has no length: over HTTP/1.0 its end is that of the connection.
  for arguments in "$2$one" "$2/addresses/_health" "-p $work/address $2/addresses"; do
    # shellcheck disable=SC2086 # several words
    ab -k -q -s 20 -n $count -c 4 $arguments >"$work/ab.out" 2>&1 || { cat "$work/ab.out" >&2; return 1; }
    if ! awk -v count=$count '
        /^Complete requests:/ { complete = $3 }
        /^Failed requests:/ { failed = $3 }
        /^Keep-Alive requests:/ { kept = $3 }
        /^Non-2xx responses:/ { failed += $3 }
        END { exit !(complete == count && failed == 0 && kept >= count * 0.99) }' "$work/ab.out"; then
      echo "ab -k -n $count $arguments:" >&2
      grep -E '^(Complete|Failed|Keep-Alive|Non-2xx| +\(Connect)' "$work/ab.out" >&2
      return 1
    fi
  done
}

client_node() { "$node" "$here/client.js" "$@"; }
client_http.client() { "$python" "$here/client.py" http.client "$@"; }
client_requests() { "$python" "$here/client.py" requests "$@"; }
client_go() { "$work/go-client" "$@"; }

clients=(node http.client requests curl go)
GOCACHE=$work/go-cache GO111MODULE=off go build -o "$work/go-client" "$here/client.go" ||
  fail "client.go does not compile"

places=(direct tls nginx_1_0 nginx_1_1 haproxy)
declare -A results
failed=0
: >"$work/failures"

# check CLIENT CASE PLACE
check() {
  local result=ok
  if ! "client_$1" "$2" "${!3}" >"$work/log" 2>&1; then
    result=FAILED
    ((++failed))
    { printf '\n%s, %s, %s:\n' "$1" "$2" "$3" && head -20 "$work/log"; } >>"$work/failures"
  fi
  results[$1,$2,$3]=$result
}

result=ok
if ! "$python" "$here/contacts.py" "$exports" >"$work/log" 2>&1; then
  result=FAILED
  ((++failed))
  { printf '\nthe exports:\n' && cat "$work/log"; } >>"$work/failures"
fi
results[vobject,exports,direct]=$result

# What makes the list long comes last.
rows=('ab,1.0')
for case in mix late posts large; do
  for client in "${clients[@]}"; do rows+=("$client,$case"); done
done
for place in "${places[@]}"; do
  for row in "${rows[@]}"; do
    case $row in
      *,mix | *,late | ab,*) check "${row%%,*}" "${row#*,}" "$place" ;;
    esac
  done
done
for place in "${places[@]}"; do
  # The senders of POSTs without a length must get their 411, too.
  "$python" "$here/client.py" http.client lengthless "${!place}" >"$work/lengthless" 2>&1 &
  lengthless=$!
  started+=("$lengthless")
  for client in "${clients[@]}"; do check "$client" posts "$place"; done
  result=ok
  kill "$lengthless"
  if ! wait "$lengthless"; then
    result=FAILED
    ((++failed))
    { printf '\nthe POSTs without a length, %s:\n' "$place" && cat "$work/lengthless"; } >>"$work/failures"
  fi
  results[http.client,lengthless,$place]=$result
  for client in "${clients[@]}"; do check "$client" large "$place"; done
done
rows+=('http.client,lengthless' 'vobject,exports')

kill -0 "${servers[@]}" 2>/dev/null || fail "a server has ended" "$work/direct.log" "$work/tls.log"
printf '%-24s' ''
printf '%-12s' "${places[@]//_/ }"
printf '\n'
for row in "${rows[@]}"; do
  printf '%-24s' "${row/,/ }"
  for place in "${places[@]}"; do printf '%-12s' "${results[$row,$place]-}"; done
  printf '\n'
done
if ((failed)); then cat "$work/failures"; fi
printf '\n%d of %d failed (%d s)\n' "$failed" "${#results[@]}" "$SECONDS"
((failed == 0))
