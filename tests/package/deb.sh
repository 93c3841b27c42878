#!/usr/bin/env bash
# tests/package/deb.sh [--tree FOLDER]
#
# Makes the Debian packages, installs them on this machine, runs the server as its unit would, and
# takes them away again: upgrade, backup, restore, remove, purge. Needs root. The machine is then as
# before; where it has addrbook already, the script ends at once. --tree names a build tree that has
# the server, e.g. build/dev; without it build/release is built.
set -euo pipefail
export LC_ALL=C

fail() {
  printf 'tests/package/deb.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}
step() { printf -- '-- %s (%d s)\n' "$1" "$SECONDS"; }

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tree=build/release
case $# in
  0) cmake/build.sh release addrbook-server ;;
  2) [[ $1 == --tree ]] || fail "usage: tests/package/deb.sh [--tree FOLDER]" 2
    tree=$2 ;;
  *) fail "usage: tests/package/deb.sh [--tree FOLDER]" 2 ;;
esac
[[ $(id -u) -eq 0 ]] || fail "only root can install packages"
[[ -x $tree/examples/addrbook-server ]] || fail "$tree has no server"

# What is on this machine by our name.
traces() {
  find /etc /lib/systemd /usr /var /run -xdev \( -name '*addrbook*' -o -name 'httplib.h' \) \
    -not -path '/usr/local/*' 2>/dev/null | sort || true
  getent passwd addrbook || true
  getent group addrbook || true
}
before=$(traces)
if grep -qE '^(addrbook:|/etc/addrbook|/etc/systemd/system/addrbook|/usr/bin/addrbook|/var/lib/addrbook)' <<<"$before"; then
  fail "this machine has an addrbook: $before"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/addrbook-deb.XXXXXX")
chmod 755 "$work" # for the user addrbook
started=()
finish() {
  local pid
  for pid in ${started[@]+"${started[@]}"}; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf /etc/systemd/system/addrbook-server.service.d
  if [[ $before != "$(traces)" ]]; then
    dpkg --purge addrbook-server libaddrbook-dev >"$work/purge.log" 2>&1 || cat "$work/purge.log" >&2
    rm -rf /etc/addrbook
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# quietly COMMAND...: shows its output if it fails.
quietly() {
  "$@" >"$work/output" 2>&1 </dev/null || { cat "$work/output" >&2; fail "failed: $*"; }
}

step "packages, of this version and of a higher one"
quietly cpack --config "$tree/CPackConfig.cmake" -G DEB -B "$work/debs"
server=("$work"/debs/addrbook-server_*.deb)
dev=("$work"/debs/libaddrbook-dev_*_all.deb)
[[ ${#server[@]} == 1 && ${#dev[@]} == 1 ]] || fail "cpack made: $(ls "$work/debs")"
# The higher one ships other settings, too.
dpkg-deb -R "${server[0]}" "$work/next"
sed -i 's/^Version: .*/Version: 9.0.0-1/' "$work/next/DEBIAN/control"
echo '# New in this version.' >>"$work/next/etc/addrbook/server.yaml"
quietly dpkg-deb --root-owner-group -b "$work/next" "$work/next.deb"

step "what is in them"
for deb in "${server[0]}" "${dev[0]}"; do
  name=$(dpkg-deb -f "$deb" Package)
  for field in Version Architecture Maintainer Section Priority Depends Description Installed-Size; do
    [[ -n $(dpkg-deb -f "$deb" "$field") ]] || fail "$name has no $field"
  done
  dpkg-deb -c "$deb" >"$work/list"
  awk '$2 != "root/root" { bad = 1; print } substr($1, 6, 1) == "w" || substr($1, 9, 1) == "w" { if ($1 !~ /^l/) { bad = 1; print } }
    $6 !~ /^\.\/(etc|lib|usr)\// || $6 ~ /\/usr\/local\// { bad = 1; print } END { exit bad }' "$work/list" ||
    fail "$name has files of others, that others may write, or where they do not belong"
  for file in copyright changelog.gz changelog.Debian.gz; do
    grep -q " ./usr/share/doc/$name/$file\$" "$work/list" || fail "$name has no $file"
  done
  if [[ $name == addrbook-server ]]; then
    grep -q ' ./usr/share/man/man1/addrbook-server.1.gz$' "$work/list" || fail "there is no man page"
  fi
  dpkg-deb -e "$deb" "$work/control"
  for script in "$work"/control/p{ost,re}{inst,rm}; do
    [[ -e $script ]] || continue
    sh -n "$script" && [[ $(sed -n 2p "$script") == 'set -e' ]] || fail "$name: ${script##*/}"
  done
  rm -r "$work/control"
  if command -v lintian >/dev/null; then quietly lintian --fail-on error "$deb"; fi
done
gzip -dc "$work/next/usr/share/doc/addrbook-server/changelog.Debian.gz" >"$work/changelog"
quietly dpkg-parsechangelog -l "$work/changelog"

step "installed: neither enabled nor started"
quietly dpkg -i "${server[0]}" "${dev[0]}"
[[ $(stat -c '%U:%G %a' /etc/addrbook /var/lib/addrbook | xargs) == \
  'root:addrbook 750 addrbook:addrbook 750' ]] || fail "folders: $(stat -c '%n %U:%G %a' /etc/addrbook /var/lib/addrbook)"
readelf -S /usr/bin/addrbook-server | grep -q debug_info && fail "the server is not stripped"
readelf -d /usr/bin/addrbook-server | grep -qE 'RPATH|RUNPATH' && fail "the server has an RPATH"
for unit in addrbook-server.service addrbook-backup.timer; do
  [[ $(systemctl is-enabled "$unit" 2>/dev/null || true) == disabled ]] || fail "$unit is not disabled"
done
mkdir -p /etc/systemd/system/addrbook-server.service.d
cp configs/systemd/tls.conf /etc/systemd/system/addrbook-server.service.d/
quietly systemd-analyze verify --man=no addrbook-server.service addrbook-backup.service addrbook-backup.timer
rm -r /etc/systemd/system/addrbook-server.service.d
# From 0 to 100; below 20 is what systemd calls OK or SAFE.
for unit in addrbook-server addrbook-backup; do
  quietly systemd-analyze security --offline=true --threshold=20 "/lib/systemd/system/$unit.service"
done
units="/lib/systemd/system/addrbook-server.service /lib/systemd/system/addrbook-backup.service"
# shellcheck disable=SC2086 # several words
setting() { sed -n "s/^$1=//p" ${2:-$units} | head -1; } # of a unit
backup_unit=/lib/systemd/system/addrbook-backup.service

port=$(python3 -c 'import socket
print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
printf 'ADDRBOOK_HTTP_PORT=%s\n' "$port" >/etc/addrbook/environment
chmod 600 /etc/addrbook/environment
python3 -c 'import os, socket, sys
socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
socket.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("listening", flush=True)
while True: print(socket.recv(4096).decode().split("\n")[0], flush=True)' "$work/notify" >"$work/told" &
started+=($!)

: >"$work/log"

# as_unit COMMAND...: becomes it, with the user, rights, folder and environment that the unit gives.
as_unit() {
  local variables=()
  mapfile -t variables </etc/addrbook/environment
  cd "$(setting WorkingDirectory)"
  umask "$(setting UMask)"
  ulimit -n "$(setting LimitNOFILE)"
  exec setpriv --reuid="$(setting User)" --regid="$(setting Group)" --clear-groups \
    --inh-caps=-all --bounding-set=-all --no-new-privs \
    env -i PATH=/usr/bin:/bin "NOTIFY_SOCKET=$work/notify" "${variables[@]}" "$@"
}
wait_for() { # MESSAGE COUNT: until systemd would have been told that so often
  local try
  for ((try = 0; try < 500; ++try)); do
    if (($(grep -cx "$1" "$work/told" || true) >= $2)); then return; fi
    sleep 0.02
  done
  cat "$work/log" "$work/told" >&2
  fail "systemd would not have been told $1"
}
wait_for listening 1
book=http://127.0.0.1:$port/addresses
starts=0
stops=0
start() {
  local command
  read -ra command <<<"$(setting ExecStart)"
  as_unit "${command[@]}" >>"$work/log" 2>&1 &
  server_id=$!
  started+=("$server_id")
  wait_for READY=1 $((++starts))
}
stop() {
  kill "$server_id"
  wait "$server_id" || { cat "$work/log" >&2; fail "the server ended with status $?"; }
  wait_for STOPPING=1 $((++stops))
}
expect() { # TEXT COMMAND...: its output
  local expected=$1 output
  shift
  output=$("$@" 2>&1 </dev/null) || true
  [[ $output == "$expected" ]] || { cat "$work/log" >&2; fail "$*: '$output', expected '$expected'"; }
}
request() { curl -q --noproxy '*' -sS -m 20 "$@"; }

step "started as the unit would, and used"
start
kill -0 "$server_id" || fail "the server has ended"
location=$(request -o "$work/out" -w '%header{location}' -d '{"name":"Ada Lovelace"}' "$book")
expect '{"name":"Ada Lovelace"}' request "http://127.0.0.1:$port$location"
expect 'addrbook 600' stat -c '%U %a' /var/lib/addrbook/book.db
kill -HUP "$server_id"
wait_for RELOADING=1 1
wait_for READY=1 $((++starts))

step "a backup as its unit makes it; a restore"
backup=$(sed -n "s/^ExecStart=.bin.sh -c '\(.*\)'\$/\1/p" "$backup_unit")
backup=${backup//%%/%}
(as_unit mkdir backups) # as StateDirectory= would
(as_unit sh -c "${backup//\$\$/\$}") >"$work/output" 2>&1 || { cat "$work/output" >&2; fail "no backup"; }
copy=(/var/lib/addrbook/backups/book-*.db)
expect 'addrbook 600' stat -c '%U %a' "${copy[0]}"
expect 204 request -X DELETE -w '%{http_code}' "http://127.0.0.1:$port$location"
stop
(as_unit sh -c 'mkdir old && mv book.db* old/')
(as_unit addrbook-server --quiet --config /etc/addrbook/server.yaml --restore "${copy[0]}") \
  >"$work/output" 2>&1 || { cat "$work/output" >&2; fail "no restore"; }
start
expect '{"name":"Ada Lovelace"}' request "http://127.0.0.1:$port$location"
stop

step "upgraded: the data and changed settings stay"
sed -i 's/^  name: Address Book/  name: Our Book/; s/^  page: true /  page: false/' /etc/addrbook/server.yaml
sum=$(sha256sum </etc/addrbook/server.yaml)
quietly dpkg --force-confold -i "$work/next.deb"
[[ $(dpkg-query -W -f '${Version}' addrbook-server) == 9.0.0-1 ]] || fail "it was not upgraded"
[[ $(sha256sum </etc/addrbook/server.yaml) == "$sum" ]] || fail "the changed settings are gone"
start
expect '{"name":"Ada Lovelace"}' request "http://127.0.0.1:$port$location"
[[ $(request "http://127.0.0.1:$port/") == '{"name":"Our Book",'* ]] || fail "the settings are not used"
stop
step "downgraded"
quietly dpkg --force-confold -i "${server[0]}"
start
expect '{"name":"Ada Lovelace"}' request "http://127.0.0.1:$port$location"
stop

step "removed: the data and the settings stay"
quietly systemctl enable addrbook-server.service addrbook-backup.timer
quietly dpkg -r addrbook-server
[[ -z $(find /etc/systemd /usr/bin /lib/systemd -name '*addrbook*') ]] || fail "the unit is still enabled"
[[ -s /var/lib/addrbook/book.db && $(sha256sum </etc/addrbook/server.yaml) == "$sum" ]] ||
  fail "the data or the settings are gone"

step "a program with libaddrbook-dev, and the header that comes with it"
mkdir "$work/program"
cp examples/quickstart.cpp "$work/program/main.cpp"
cat >"$work/program/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.24)
project(program CXX)
find_package(addrbook 0.1 REQUIRED COMPONENTS core)
add_executable(program main.cpp)
target_link_libraries(program PRIVATE addrbook::addrbook)
TEXT
configure=(cmake -S "$work/program" -B "$work/program/build" -G Ninja
  -DCMAKE_PREFIX_PATH=/usr -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF) # not what is in /usr/local
if command -v ccache >/dev/null; then
  configure+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1 # the folder has another name each time
fi
quietly "${configure[@]}"
quietly cmake --build "$work/program/build" -- -v
if [[ -e /usr/share/addrbook/third_party/include/httplib.h ]]; then
  grep -q /usr/share/addrbook/third_party/include "$work/output" || fail "another httplib.h was used"
fi
"$work/program/build/program" "$port" >"$work/log" 2>&1 &
started+=($!)
for ((try = 0; try < 500; ++try)); do
  if request -f "$book" >"$work/output" 2>&1; then break; fi
  sleep 0.02
done
grep -q Ada "$work/output" || { cat "$work/output" >&2; fail "the program does not serve"; }
kill $!
if command -v pkg-config >/dev/null; then
  [[ $(pkg-config --cflags addrbook) == *-pthread* ]] || fail "pkg-config does not know addrbook"
fi

step "purged: what the administrator has added stays, with its owner"
: >/etc/addrbook/tls.key
quietly dpkg --purge addrbook-server
grep -q 'not removed, with the user addrbook: /etc/addrbook$' "$work/output" || fail "purge says: $(cat "$work/output")"
[[ -e /etc/addrbook/tls.key ]] && getent passwd addrbook >/dev/null || fail "purge took too much"
rm /etc/addrbook/tls.key
quietly dpkg -i "${server[0]}"
step "purged: nothing stays"
quietly dpkg --purge addrbook-server libaddrbook-dev
after=$(traces)
[[ $before == "$after" ]] || fail "left: $(diff <(echo "$before") <(echo "$after"))"
step "all is well"
