#!/usr/bin/env bash
# examples/run-server.sh [server options...]
#
# Installs missing packages, builds the bundled server and runs it with these
# options (`--help` lists them).
#
# Can be called from any directory. The server runs in the root of the
# repository, because its default settings file and the paths in it are relative
# to that. Relative paths in options are relative to the caller's directory.
# Standard output is that of the server only.
set -euo pipefail

caller=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

absolute() {
  case $1 in
    '' | /*) printf '%s' "$1" ;;
    *) printf '%s' "$caller/$1" ;;
  esac
}

arguments=()
while (($#)); do
  case $1 in
    -c | --config | --backup | --restore)
      arguments+=("$1")
      if (($# > 1)); then
        shift
        arguments+=("$(absolute "$1")")
      fi
      ;;
    --config=* | --backup=* | --restore=*)
      arguments+=("${1%%=*}=$(absolute "${1#*=}")")
      ;;
    -c*) arguments+=("-c$(absolute "${1#-c}")") ;;
    --)
      arguments+=("$@")
      break
      ;;
    *) arguments+=("$1") ;;
  esac
  shift
done

cmake/install-deps.sh --server >&2
cmake/build.sh release addrbook-server >&2
exec build/release/examples/addrbook-server ${arguments[@]+"${arguments[@]}"}
