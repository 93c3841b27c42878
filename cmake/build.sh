#!/usr/bin/env bash
# cmake/build.sh PRESET [TARGET...]
#
# Configures build/PRESET if that was not done yet and builds the targets
# (default: all). Prints nothing if everything is up to date.
set -euo pipefail

if [[ $# -eq 0 || $1 == -* ]]; then
  echo "Usage: cmake/build.sh PRESET [TARGET...]" >&2
  exit 2
fi

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
cd -- "$(pwd -P)" # as CMake records it
preset=$1
shift
tree=build/$preset

configure=(cmake --preset "$preset")
if [[ -f $tree/CMakeCache.txt ]] &&
  ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$tree/CMakeCache.txt"; then
  # CMake refuses a tree that was configured at another place.
  rm -f "$tree/build.ninja"
  configure+=(--fresh)
fi

# Ninja runs CMake again if CMake files have changed, but ignores presets.
if [[ ! -f $tree/build.ninja || CMakePresets.json -nt $tree/build.ninja ||
  CMakeUserPresets.json -nt $tree/build.ninja ]]; then
  echo "Configuring $tree" >&2
  # Warnings are on stderr; the rest is shown only after an error.
  status=0
  output=$("${configure[@]}") || status=$?
  if ((status)); then
    printf '%s\n' "$output" >&2
    exit "$status"
  fi
fi

build=(cmake --build --preset "$preset")
if (($#)); then build+=(--target "$@"); fi

# Older versions of Ninja cannot be told to be silent when idle.
case $("${build[@]}" -- -n 2>&1 || true) in
  *'no work to do'* | *'nothing to do'*) ;;
  *) exec "${build[@]}" ;;
esac
