#!/usr/bin/env bash
# tests/openapi/run.sh [options]
#
# The API document as programs use it; `--help` lists the options. The exit status is 0 if all is
# well.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/openapi/run.sh [options]

Installs what is missing, builds the bundled server, and asks it for its API document: as it is,
with tokens, and for many books.

  lint    @redocly/cli finds nothing in any of them
  client  openapi-typescript makes types of the document, tsc checks a client that uses them by
          openapi-fetch, and the client lives the life of a contact against the server
  lines   all lines of the page for people succeed in a shell, from top to bottom

That the document says what the server does is checked by tests/run.sh: openapi_check compares each
answer that the tests get with the document of its mount.

  --server FILE  this server program, without building it
  --help         this text
TEXT
}

here=$(dirname -- "${BASH_SOURCE[0]}")
script=tests/openapi/run.sh
source "$here/../support/script.sh"
take_options "$@"

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
here=$PWD/tests/openapi
prepare --openapi
node=node
command -v node >/dev/null || node=nodejs

# The packages of npm, once for all runs.
packages=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/addrbook/openapi
if ! cmp -s "$here/package.json" "$packages/installed.json"; then
  mkdir -p "$packages"
  cp "$here/package.json" "$packages/package.json"
  (cd "$packages" && npm install --no-audit --no-fund --no-package-lock --loglevel=error) \
    >"$work/npm.log" 2>&1 || fail "npm can't install" "$work/npm.log"
  cp "$here/package.json" "$packages/installed.json"
fi

plain='' guarded='' many='' empty=''
start_server plain ADDRBOOK_STORAGE_MEMORY=
start_server guarded ADDRBOOK_STORAGE_MEMORY= ADDRBOOK_AUTH_TOKENS=ada:write:0123456789abcdef \
  'ADDRBOOK_HTTP_ALLOWED_ORIGINS=https://app.example.com'
start_server many ADDRBOOK_STORAGE_MEMORY= 'ADDRBOOK_HTTP_PREFIX=/books/{book}/addresses' \
  ADDRBOOK_AUTH_TOKENS=ada:admin:0123456789abcdef ADDRBOOK_HTTP_ALLOWED_HOSTS=127.0.0.1
start_server empty ADDRBOOK_STORAGE_MEMORY=
get() { # get URL FILE
  curl -sf "$1" -o "$2" || fail "$1 is not answered"
}
get "$plain/addresses/_openapi.json" "$work/plain.json"
get "$guarded/addresses/_openapi.json" "$work/guarded.json"
get "$many/books/_openapi.json" "$work/many.json"

# lint: any finding counts, warnings too.
(cd "$work" && REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true CI=1 \
  "$packages/node_modules/.bin/redocly" lint --extends recommended-strict --format json \
  plain.json guarded.json many.json) >"$work/lint.json" 2>"$work/lint.log" ||
  fail "@redocly/cli finds something" "$work/lint.json" "$work/lint.log"

# client
client=$work/client
mkdir "$client"
cp "$here/client.ts" "$here/tsconfig.json" "$here/package.json" "$client"
ln -s "$packages/node_modules" "$client/node_modules"
for name in plain many; do
  "$packages/node_modules/.bin/openapi-typescript" "$work/$name.json" -o "$client/$name.d.ts" \
    >"$work/types.log" 2>&1 || fail "openapi-typescript makes no types of $name.json" "$work/types.log"
done
mv "$client/plain.d.ts" "$client/api.d.ts"
(cd "$client" && node_modules/.bin/tsc) >"$work/tsc.log" || fail "tsc finds something" "$work/tsc.log"
(cd "$client" && "$node" client.js "$plain") >"$work/client.log" 2>&1 ||
  fail "the client is answered otherwise" "$work/client.log"

# lines: those of operations, after those that set the variables. Nothing else is added, but that curl
# ends with an error at 400 and above.
for page in "$empty/addresses/_openapi" "$many/books/_openapi"; do
  get "$page" "$work/page.html"
  python3 - "$work/page.html" >"$work/lines" <<'PYTHON'
import html, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
print("\n".join(map(html.unescape, re.findall(r"<pre><code>((?:ADDRBOOK=|curl )[^<]*)</code></pre>", page))))
PYTHON
  (($(grep -c '^curl ' "$work/lines") > 10)) || fail "$page has no lines" "$work/lines"
  sed -e 's/^TOKEN=\.\.\.$/TOKEN=0123456789abcdef/' -e 's/^curl /curl -sSf --noproxy "*" /' "$work/lines" >"$work/lines.sh"
  bash -ex "$work/lines.sh" >"$work/lines.log" 2>&1 || fail "a line of $page fails" "$work/lines.log"
done
echo "The API document: nothing found in 3 documents, a generated client lives, all lines of the pages work"
