#!/usr/bin/env bash
# tests/soak/run.sh [seconds = 180]
#
# Runs the bundled server under good clients and attackers, all at once, for so many seconds, and
# prints what came of it. The exit status is 0 if the good clients noticed nothing of the
# attackers, every write is there at the end, and the server's memory did not grow.
set -euo pipefail

seconds=${1:-180}
if [[ $# -gt 1 || ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "Usage: tests/soak/run.sh [seconds = 180]" >&2
  exit 2
fi

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
cmake/install-deps.sh --server >&2
cmake/build.sh release addrbook-server soak >&2
exec build/release/tests/soak/soak "$seconds"
