#!/usr/bin/env bash
# examples/run-server.sh [server options...]
#
# Installs what is missing, builds the example server and runs it with the
# given options (`--help` lists them).
#
# Can be called from anywhere. The server itself runs in the repository root,
# as its default configuration and the paths in it are relative to that; a
# relative path given with an option is one relative to the caller.
# Standard output is the server's alone.
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
