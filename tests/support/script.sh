# shellcheck shell=bash
# For the scripts that test the bundled server from outside, which source this file. `script` is
# their name, and usage() says how they are used.

complain() { printf '%s: %s\n' "$script" "$1" >&2; }

# fail WHAT [FILE...]: ends the script; the files say more.
fail() {
  complain "$1"
  shift
  (($#)) && tail -n 40 "$@" >&2
  exit 1
}

# Takes --server and --help. Sets `server_program`. A script with more options has a function
# take_option, which is called with what is left, and sets `taken` to how many words it took.
take_options() {
  local taken
  server_program=
  while (($#)); do
    case $1 in
      --server)
        [[ $# -gt 1 ]] || { complain "--server needs a file"; exit 2; }
        server_program=$(realpath -- "$2")
        shift
        ;;
      --help | -h) usage; exit 0 ;;
      *)
        taken=0
        if declare -F take_option >/dev/null; then take_option "$@"; fi
        if ((taken == 0)); then
          complain "unknown option '$1'"
          usage >&2
          exit 2
        fi
        shift $((taken - 1))
        ;;
    esac
    shift
  done
}

# prepare OPTION: installs what this option of install-deps.sh names, builds the server unless
# --server has named one, and makes the folder `work`. The processes in `started` end with the
# script. Settings and proxies of the caller do not count.
prepare() {
  local name
  cmake/install-deps.sh --server "$1"
  if [[ -z $server_program ]]; then
    cmake/build.sh release addrbook-server
    server_program=$PWD/build/release/examples/addrbook-server
  fi
  PATH=$PATH:/usr/sbin:/sbin # where Debian has servers
  while IFS= read -r name; do unset "$name"; done < <(compgen -e ADDRBOOK_ || true)
  export no_proxy='*'
  work=$(mktemp -d "${TMPDIR:-/tmp}/addrbook-test.XXXXXX")
  started=()
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

finish() {
  local pid
  for pid in ${started[@]+"${started[@]}"}; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}

# start_server NAME SETTINGS...: in a folder of its own. Sets the variable NAME to its URL.
start_server() {
  local name=$1 log=$work/$1.log try url=
  shift
  mkdir "$work/$name"
  : >"$log" # it is read below, maybe before the server's process opens it
  (cd "$work/$name" && exec env "$@" "$server_program" --port 0) >"$log" 2>&1 &
  started+=($!)
  for ((try = 0; try < 500; ++try)); do
    url=$(sed -n 's,^Serving .* on \(https*://[0-9.]*:[0-9]*\) .*,\1,p' "$log")
    [[ -n $url ]] && break
    kill -0 $! 2>/dev/null || break
    sleep 0.02
  done
  [[ -n $url ]] || fail "the server does not start" "$log"
  printf -v "$name" %s "$url"
}
