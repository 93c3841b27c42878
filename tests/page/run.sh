#!/usr/bin/env bash
# tests/page/run.sh [options]
#
# The contacts page in a real browser; `--help` lists the options. Shows a line for each test, with
# its figures. The exit status is 0 if none failed.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/page/run.sh [options]

Installs what is missing (Chromium, and from npm puppeteer-core, axe-core and esbuild), builds the bundled
server, starts it three times on free ports (100,000 contacts; tokens; many books), and drives its
contacts page: what it does, how fast, that axe finds nothing, that nothing in a contact is run.

  --server FILE  this server program, without building it
  --contacts N   in place of 100,000, for a server that is not optimized
  --only TEXT    only the tests whose name has this text
  --pictures     also write the screenshots to examples/page/
  --help         this text
TEXT
}

here=$(dirname -- "${BASH_SOURCE[0]}")
script=tests/page/run.sh
source "$here/../support/script.sh"
contacts=100000
only=
pictures=
take_option() {
  case $1 in
    --only | --contacts)
      [[ $# -gt 1 ]] || { complain "$1 needs a value"; exit 2; }
      taken=2
      if [[ $1 == --only ]]; then only=$2; else contacts=$2; fi
      ;;
    --pictures) taken=1 pictures=1 ;;
  esac
}
take_options "$@"

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
prepare --page

# Where npm puts the modules: kept for the next time, new when package.json changes.
modules=${XDG_CACHE_HOME:-${HOME:-$work}/.cache}/addrbook/page-$(cksum <tests/page/package.json | cut -d' ' -f1)
if [[ ! -e $modules/done ]]; then
  mkdir -p "$modules"
  cp tests/page/package.json "$modules"
  (cd "$modules" && npm install --no-audit --no-fund --no-package-lock --silent) >"$work/npm.log" 2>&1 ||
    fail "npm gets no puppeteer-core and axe-core" "$work/npm.log"
  : >"$modules/done"
fi

cmake/embed-page.sh --check

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
