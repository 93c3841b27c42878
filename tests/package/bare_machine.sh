#!/usr/bin/env bash
# tests/package/bare_machine.sh [--keep]
#
# Sets up this source tree on a bare machine: a minimal Debian in a folder, made by debootstrap from
# the mirror and of the release that this machine uses. Needs root, debootstrap and a mirror; takes
# some minutes and 2 GB below ${TMPDIR:-/tmp}. --keep leaves the folder there and says where.
set -euo pipefail

fail() {
  printf 'tests/package/bare_machine.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}
step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

keep=
case ${1-} in
  '') ;;
  --keep) keep=1 ;;
  *) fail "usage: tests/package/bare_machine.sh [--keep]" 2 ;;
esac
[[ $(id -u) -eq 0 ]] || fail "only root can do this"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
# shellcheck disable=SC1091
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format "\$(ORIGIN)/\$(LABEL) \$(RELEASE) \$(REPO_URI)" 'Created-By: Packages' |
  awk -v suite="$suite" '$1 == "Debian/Debian" && $2 == suite { print $3; exit }')
[[ -n $mirror ]] || fail "apt knows no mirror of Debian's $suite: run apt-get update"

root=$(mktemp -d "${TMPDIR:-/tmp}/addrbook-bare.XXXXXX")
chmod 755 "$root"
finish() {
  if [[ -n $keep ]]; then echo "kept: $root"; else rm -rf --one-file-system "$root"; fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step "a bare machine with $suite"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { cat "$root.log" >&2; rm -f "$root.log"; fail "debootstrap failed"; }
rm -f "$root.log"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
apt-config dump | grep -iE '^Acquire::[a-z:]*proxy' >"$root/etc/apt/apt.conf.d/proxy" || true
mkdir "$root/home/addrbook"
git ls-files -z | tar c --null -T - | tar x -C "$root/home/addrbook"

# bare COMMAND: a shell command there, in the source tree. Its mounts and processes end with it.
bare() {
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount --pid --fork --kill-child sh -c '
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
      exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C VERBOSE=1 \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        bash -c "cd /home/addrbook && $2"' sh "$root" "$1"
}

for program in git cmake g++ curl; do
  if bare "command -v $program"; then fail "$program is there: the machine is not bare"; fi
done

step "the README's command for the server"
bare './examples/run-server.sh --version'
bare 'cmake/install-deps.sh --server --check'
[[ -f $root/usr/local/include/httplib.h && -d $root/usr/local/include/valijson ]] ||
  fail "there are no headers in /usr/local/include"

step "a user without rights"
rm -rf "$root"/usr/local/include/{httplib.h,valijson} "$root/usr/local/lib/cmake/httplib" \
  "$root/usr/local/share/cmake/valijson"
bare 'useradd --create-home ada && chown -R ada . &&
  su ada -c "cmake/install-deps.sh --server && cmake/install-deps.sh --server --check"'
cache=$root/home/ada/.cache/addrbook
[[ -f $cache/include/httplib.h && -d $cache/include/valijson ]] ||
  fail "there are no headers in the cache"

step "no source package to be had: CMake fetches the header, or says what to do"
cp -R "$cache"/{include,share} "$root/usr/local/"
rm -rf "$root/usr/local/include/httplib.h" "$root/home/ada/.cache" "$root/home/addrbook/build"
bare ': >/etc/apt/sources.list && rm -f /etc/apt/sources.list.d/*'
if bare 'cmake/install-deps.sh --server && cmake --preset release' >"$root/output" 2>&1; then
  [[ -f $root/home/addrbook/build/release/_deps/addrbook_httplib-src/httplib.h ]] ||
    fail "nothing was fetched"
else
  tr -s ' \n' '  ' <"$root/output" | grep -qF 'put its httplib.h into /usr/local/include and configure again.' ||
    { cat "$root/output" >&2; fail "it does not say what to do"; }
fi
tail -20 "$root/output"

step "all is well"
