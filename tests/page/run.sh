#!/usr/bin/env bash
# tests/page/run.sh [options]
#
# The contacts page in a real browser; `--help` lists the options. Shows a line for each test, with
# its figures. The exit status is 0 if none failed.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/page/run.sh [options]

Installs what is missing (Chromium, and from npm puppeteer-core and axe-core), builds the bundled
server, starts it three times on free ports (100,000 contacts; tokens; many books), and drives its
contacts page: what it does, how fast, that axe finds nothing, that nothing in a contact is run.

  --server FILE  this server program, without building it
  --contacts N   in place of 100,000, for a server that is not optimized
  --only TEXT    only the tests whose name has this text
  --pictures     also write the screenshots to examples/page/
  --help         this text
TEXT
}

server_program=
contacts=100000
only=
pictures=
while (($#)); do
  case $1 in
    --server | --only | --contacts)
      [[ $# -gt 1 ]] || { echo "tests/page/run.sh: $1 needs a value" >&2; exit 2; }
      case $1 in
        --only) only=$2 ;;
        --contacts) contacts=$2 ;;
        *) server_program=$(realpath -- "$2") ;;
      esac
      shift
      ;;
    --pictures) pictures=1 ;;
    --help | -h) usage; exit 0 ;;
    *)
      echo "tests/page/run.sh: unknown option '$1'" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
cmake/install-deps.sh --server --page
if [[ -z $server_program ]]; then
  cmake/build.sh release addrbook-server
  server_program=$PWD/build/release/examples/addrbook-server
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/addrbook-page.XXXXXX")
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
  printf 'tests/page/run.sh: %s\n' "$1" >&2
  shift
  (($#)) && cat "$@" >&2
  exit 1
}

# Where npm puts the modules: kept for the next time, new when package.json changes.
modules=${XDG_CACHE_HOME:-${HOME:-$work}/.cache}/addrbook/page-$(cksum <tests/page/package.json | cut -d' ' -f1)
if [[ ! -e $modules/done ]]; then
  mkdir -p "$modules"
  cp tests/page/package.json "$modules"
  (cd "$modules" && npm install --no-audit --no-fund --no-package-lock --silent) >"$work/npm.log" 2>&1 ||
    fail "npm gets no puppeteer-core and axe-core" "$work/npm.log"
  : >"$modules/done"
fi

# start_server NAME SETTINGS...: settings of the caller do not count. Sets NAME to its URL.
while IFS= read -r name; do unset "$name"; done < <(compgen -e ADDRBOOK_ || true)
start_server() {
  local name=$1 log=$work/$1.log try url=
  shift
  mkdir "$work/$name"
  : >"$log"
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
start_server book
start_server tokens ADDRBOOK_STORAGE_MEMORY= \
  ADDRBOOK_AUTH_TOKENS=writer:write:writer-writer-writer,reader:read:reader-reader-reader
start_server books ADDRBOOK_STORAGE_MEMORY= ADDRBOOK_HTTP_PREFIX='/books/{book}/addresses'

node=node
command -v node >/dev/null || node=nodejs
export no_proxy='*' HOME=$work PAGE_MODULES=$modules/node_modules PAGE_WORK=$work PAGE_ONLY=$only
export PAGE_SERVERS="{\"book\":\"$book\",\"tokens\":\"$tokens\",\"books\":\"$books\"}"
PAGE_CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export PAGE_CONTACTS=$contacts PAGE_CHROMIUM PAGE_PICTURES=${pictures:+$PWD/examples/page}
timeout -k 5 600 "$node" tests/page/page.mjs
if [[ -n $pictures ]]; then pngquant --force --skip-if-larger --ext .png --quality 50-90 examples/page/*.png || (($? == 98)); fi
