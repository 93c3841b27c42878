#!/usr/bin/env bash
# tests/bench/run.sh [options]
#
# addrbook beside what bounds it and what one would otherwise build; `--help` lists the options.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/bench/run.sh [options]

Installs what is missing, builds release, measures each server with wrk on one CPU, and writes a
table into tests/bench/README.md, results.json and chart.svg into tests/bench/results. Takes less than
10 minutes, on a machine that does nothing else meanwhile.

  --quick        all of it in a minute, to see that it works; not for quoting: writes to
                 build/bench/quick
  --rounds N     runs of each server and workload (default: 5)
  --seconds N    of each run (default: 2)
  --output DIR   writes results.json and chart.svg there, and the table to standard output only
  --help         this text
TEXT
}

fail() {
  printf 'tests/bench/run.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

called_from=$PWD
output=
options=()
while (($#)); do
  case $1 in
    --quick) options+=("$1") ;;
    --rounds | --seconds)
      [[ $# -gt 1 && $2 =~ ^[1-9][0-9]{0,3}$ ]] || fail "$1 needs a number" 2
      options+=("$1" "$2")
      shift
      ;;
    --output)
      [[ $# -gt 1 && -n $2 ]] || fail "$1 needs a folder" 2
      output=$2
      [[ $output == /* ]] || output=$called_from/$output
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    *)
      usage >&2
      fail "unknown option '$1'" 2
      ;;
  esac
  shift
done

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
tree=$PWD/build/release
place=$PWD/build/bench
if [[ -z $output && " ${options[*]-} " == *' --quick '* ]]; then
  output=$place/quick
elif [[ -z $output ]]; then
  output=$PWD/tests/bench/results
  options+=(--page "$PWD/tests/bench/README.md")
fi

cmake/install-deps.sh --bench
cmake/build.sh release addrbook-server yardsticks >&2

python=python3
"$python" -c 'import tornado, fastapi, uvicorn, uvloop, httptools' 2>/dev/null || python=/usr/bin/python3
node=node
command -v node >/dev/null || node=nodejs

# Fastify 5 needs Node.js 20; Debian 12 has 18.
fastify=5.12.8
(($("$node" -p 'process.versions.node.split(".")[0]') >= 20)) || fastify=4.29.1
packages="fastify@$fastify json-server@0.17.4"
if [[ $(cat "$place/npm/packages" 2>/dev/null) != "$packages" ]]; then
  echo "Installing: $packages (npm, in build/bench/npm)" >&2
  rm -rf "$place/npm"
  mkdir -p "$place/npm"
  # shellcheck disable=SC2086 # a list of words
  npm install --prefix "$place/npm" --silent --no-save --no-package-lock --no-audit --no-fund \
    $packages >"$place/npm.log" 2>&1 || { cat "$place/npm.log" >&2; fail "npm can't install $packages"; }
  echo "$packages" >"$place/npm/packages"
fi

work=$place/work.$$
exec python3 tests/bench/compare.py --work "$work" --tree "$tree" --output "$output" \
  --node-modules "$place/npm/node_modules" --python "$python" --node "$node" ${options[@]+"${options[@]}"}
