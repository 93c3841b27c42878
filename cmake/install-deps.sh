#!/usr/bin/env bash
# Installs the missing packages that this project needs, and nothing else.
# Prints nothing if there is nothing to do. `--help` lists the options.
set -euo pipefail
umask 022

min_cmake=3.24
min_httplib=0.41

usage() {
  cat <<'TEXT'
Usage: cmake/install-deps.sh [options]

Installs what is missing for building with this library: a C++ compiler,
CMake, Ninja, pkg-config, nlohmann-json and the cpp-httplib header.
Uses apt-get (Debian, Ubuntu); on other systems it says what to install.

  --server    also what the example server needs
  --tests     also what the test suites need (implies --server)
  --coverage  also gcovr (implies --tests)
  --clang     also Clang with its sanitizers (implies --tests)
  --clients   also the clients and proxies of tests/clients/run.sh, 700 MB
              with Go's compiler; Debian starts nginx and haproxy as services
  --page      also the browser of tests/page/run.sh, 400 MB, and what its pictures need
  --bench     also wrk and the servers that tests/bench/run.sh compares with (implies --server)
  --openapi   also what tests/openapi/run.sh needs; it gets packages of npm itself
  --metrics   also curl, Python 3 and promtool, for tests/metrics/run.sh
  --ci        everything the checks in CI use (implies all of the above but --bench)
  --check     install nothing, list what is missing; exit status 1 if anything is
  --help      this text

The headers of cpp-httplib and, for the server, of valijson, and promtool go to /usr/local when
the script may write there (root or passwordless sudo), otherwise to
${XDG_CACHE_HOME:-~/.cache}/addrbook. With VERBOSE=1 in the environment, a failure
to get them is shown in full.
TEXT
}

# apt package | header that shows that it is installed, if any | what it is | dnf | pacman | apk | brew
table='
g++||a C++17 compiler|gcc-c++|gcc|g++|gcc
cmake||CMake >= 3.24|cmake|cmake|cmake|cmake
ninja-build||Ninja|ninja-build|ninja|ninja-build|ninja
pkg-config||pkg-config|pkgconf-pkg-config|pkgconf|pkgconf|pkgconf
nlohmann-json3-dev|nlohmann/json.hpp|nlohmann-json >= 3.11|json-devel|nlohmann-json|nlohmann-json|nlohmann-json
libyaml-cpp-dev|yaml-cpp/yaml.h|yaml-cpp >= 0.7|yaml-cpp-devel|yaml-cpp|yaml-cpp-dev|yaml-cpp
libcli11-dev|CLI/CLI.hpp|CLI11 >= 2.1|cli11-devel|cli11|cli11|cli11
zlib1g-dev|zlib.h|zlib >= 1.2|zlib-devel|zlib|zlib-dev|zlib
libssl-dev|openssl/evp.h|OpenSSL >= 3.0|openssl-devel|openssl|openssl-dev|openssl
libutf8proc-dev|utf8proc.h|utf8proc >= 2.5|utf8proc-devel|libutf8proc|utf8proc-dev|utf8proc
libsoci-dev|soci/soci.h|SOCI >= 4.0 with its SQLite and PostgreSQL backends|soci-sqlite3-devel soci-postgresql-devel|soci|soci-dev|soci
libboost-dev|boost/version.hpp|the headers of Boost, which those of SOCI include|boost-devel|boost|boost-dev|boost
libsqlite3-dev|sqlite3.h|SQLite >= 3.35|sqlite-devel|sqlite|sqlite-dev|sqlite
libpq-dev|postgresql/libpq-fe.h|libpq >= 14|libpq-devel|postgresql-libs|libpq-dev|libpq
doctest-dev|doctest/doctest.h|doctest >= 2.4|doctest-devel|doctest|doctest-dev|doctest
postgresql||the PostgreSQL server >= 15|postgresql-server|postgresql|postgresql|postgresql
curl||curl|curl|curl|curl|curl
nodejs||Node.js|nodejs|nodejs|nodejs|node
python3||Python 3|python3|python|python3|python
python3-requests||Python 3 with requests|python3-requests|python-requests|py3-requests|python
npm||npm, which gets packages for Node.js|npm|npm|npm|npm
python3-jsonschema||Python 3 with jsonschema|python3-jsonschema|python-jsonschema|py3-jsonschema|python-jsonschema
python3-vobject||vobject, of Python|python3-vobject|python-vobject|py3-vobject|vobject (pip)
openssl||the openssl command|openssl|openssl|openssl|openssl
apache2-utils||ab, a tool of Apache|httpd-tools|apache|apache2-utils|httpd
nginx-light||nginx|nginx|nginx|nginx|nginx
haproxy||HAProxy|haproxy|haproxy|haproxy|haproxy
golang-go||Go|golang|go|go|go
chromium||Chromium|chromium|chromium|chromium|chromium
pngquant||pngquant|pngquant|pngquant|pngquant|pngquant
fonts-inter||the font Inter|rsms-inter-fonts|inter-font|font-inter|font-inter
wrk||wrk|wrk|wrk|wrk|wrk
npm||npm|nodejs-npm|npm|npm|node
python3-tornado||Tornado for Python 3|python3-tornado|python-tornado|py3-tornado|python
python3-fastapi||FastAPI|python3-fastapi|python-fastapi|py3-fastapi|python
python3-uvicorn||uvicorn|python3-uvicorn|uvicorn|uvicorn|python
python3-uvloop||uvloop|python3-uvloop|python-uvloop|py3-uvloop|python
python3-httptools||httptools for Python 3|python3-httptools|python-httptools|py3-httptools|python
gcovr||gcovr >= 5|gcovr|gcovr|gcovr|gcovr
clang||Clang|clang|clang|clang|llvm
libclang-rt-dev||the sanitizer runtime of Clang|compiler-rt|compiler-rt|compiler-rt|llvm
clang-tidy||clang-tidy|clang-tools-extra|clang|clang-extra-tools|llvm
clang-format||clang-format|clang-tools-extra|clang|clang-extra-tools|llvm
ccache||ccache|ccache|ccache|ccache|ccache
dpkg-dev||dpkg-shlibdeps, a tool of Debian|dpkg-dev|dpkg|dpkg-dev|dpkg
adduser||adduser, a tool of Debian|shadow-utils|shadow|shadow|shadow
systemd||systemd-analyze|systemd|systemd|systemd|systemd
valgrind|valgrind/callgrind.h|Valgrind|valgrind-devel|valgrind|valgrind-dev|valgrind
'

wanted='g++ cmake ninja-build pkg-config nlohmann-json3-dev'
server='libyaml-cpp-dev libcli11-dev zlib1g-dev libssl-dev libutf8proc-dev libsoci-dev libboost-dev libsqlite3-dev libpq-dev'
tests="$server doctest-dev postgresql curl python3-jsonschema"
coverage="$tests gcovr"
clang="$tests clang libclang-rt-dev"
metrics='curl python3'
clients='curl openssl nodejs python3-requests python3-vobject apache2-utils nginx-light haproxy golang-go'
page='curl nodejs npm chromium fonts-inter pngquant'
debian='dpkg-dev adduser systemd'
openapi='curl nodejs npm'
bench="$server openssl nodejs npm wrk python3-tornado python3-fastapi python3-uvicorn"
bench+=' python3-uvloop python3-httptools'
ci="$coverage $clang $clients $page $openapi $metrics $debian clang-tidy clang-format ccache valgrind"
check_only=
with_server=
with_promtool=

for arg; do
  case $arg in --server | --tests | --coverage | --clang | --bench | --ci) with_server=1 ;; esac
  case $arg in --metrics | --ci) with_promtool=1 ;; esac
  case $arg in
    --server) wanted+=" $server" ;;
    --tests) wanted+=" $tests" ;;
    --coverage) wanted+=" $coverage" ;;
    --clang) wanted+=" $clang" ;;
    --clients) wanted+=" $clients" ;;
    --page) wanted+=" $page" ;;
    --bench) wanted+=" $bench" ;;
    --openapi) wanted+=" $openapi" ;;
    --metrics) wanted+=" $metrics" ;;
    --ci) wanted+=" $ci" ;;
    --check) check_only=1 ;;
    --help | -h) usage; exit 0 ;;
    *)
      echo "install-deps.sh: unknown option '$arg'" >&2
      usage >&2
      exit 2
      ;;
  esac
done

say() { printf '%s\n' "$*" >&2; }

at_least() { # at_least VERSION MINIMUM
  local i have want
  IFS=. read -ra have <<<"$1"
  IFS=. read -ra want <<<"$2"
  for i in "${!want[@]}"; do
    if ((10#${have[i]:-0} != 10#${want[i]})); then
      ((10#${have[i]:-0} > 10#${want[i]}))
      return
    fi
  done
}

has() { command -v "$1" >/dev/null 2>&1; }

has_clang_runtime() {
  local clang_bin
  clang_bin=$(command -v clang++) || return 1
  # Asking the compiler takes longer than all the other checks together, so
  # look next to it first.
  clang_bin=$(readlink -f "$clang_bin") || return 1
  compgen -G "${clang_bin%/*}/../lib*/clang/*/lib/*/libclang_rt.asan*" >/dev/null ||
    compgen -G "$(clang++ -print-resource-dir)/lib/*/libclang_rt.asan*" >/dev/null
}

has_font() { has fc-list && [[ -n $(fc-list "$1") ]]; }
has_program() { has "$1" || [[ -x /usr/sbin/$1 ]]; } # which users have not in PATH

# A tool in PATH counts wherever it comes from: a newer CMake there makes the
# distribution's unnecessary.
has_tool() {
  case $1 in
    g++) has "${CXX%% *}" || has c++ || has g++ || has clang++ ;;
    cmake) has cmake && [[ $(cmake --version) =~ ([0-9]+(\.[0-9]+)+) ]] &&
      at_least "${BASH_REMATCH[1]}" "$min_cmake" ;;
    ninja-build) has ninja || has ninja-build ;;
    pkg-config) has pkg-config || has pkgconf ;;
    nodejs) has node || has nodejs ;;
    python3-*) python3 -c "import ${1#python3-}" 2>/dev/null ||
      /usr/bin/python3 -c "import ${1#python3-}" 2>/dev/null ;;
    apache2-utils) has ab ;;
    nginx-light) has_program nginx ;;
    haproxy) has_program haproxy ;;
    dpkg-dev) has dpkg-shlibdeps ;;
    adduser) has_program adduser ;;
    systemd) has systemd-analyze ;;
    golang-go) has go ;;
    fonts-inter) compgen -G '/usr/share/fonts/*/*[Ii]nter*' >/dev/null || has_font Inter ;;
    clang) has clang++ ;;
    libclang-rt-dev) has_clang_runtime ;;
    # Debian has it where several versions can be side by side, not in PATH.
    postgresql) has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ;;
    *) has "$1" ;;
  esac
}
CXX=${CXX:-c++}

# Sets `missing` to the wanted packages that are not installed, in the order of
# the table.
find_missing() {
  local name header rest libraries='' installed='' source='' found='' dir
  missing=()

  while IFS='|' read -r name header rest; do
    [[ -n $header && " $wanted " == *" $name "* ]] && libraries+=" $name"
  done <<<"$table"
  if has dpkg-query; then
    # shellcheck disable=SC2086 # a list of words
    installed=$(dpkg-query -W -f '${Package}:${db:Status-Status}\n' $libraries 2>/dev/null || true)
  fi

  # A library that dpkg does not know may have been installed by hand. One
  # preprocessor run answers for all of them.
  while IFS='|' read -r name header rest; do
    if [[ " $libraries " == *" $name "* && $installed != *"$name:installed"* ]]; then
      source+="#if __has_include(<$header>)"$'\n'"found:$name:"$'\n#endif\n'
    fi
  done <<<"$table"
  if [[ -n $source ]] && has_tool g++; then
    local compiler=c++ flags=()
    for compiler in "${CXX%% *}" c++ g++ clang++; do has "$compiler" && break; done
    while IFS= read -r dir; do
      [[ -n $dir && -d $dir/include ]] && flags+=(-I "$dir/include")
    done <<<"$prefixes"
    found=$("$compiler" ${flags[@]+"${flags[@]}"} -E -P -xc++ - <<<"$source" 2>/dev/null || true)
    found=${found// /}
  fi

  while IFS='|' read -r name header rest; do
    [[ -n $name && " $wanted " == *" $name "* ]] || continue
    if [[ -n $header ]]; then
      [[ $installed == *"$name:installed"* || $found == *"found:$name:"* ]] || missing+=("$name")
    else
      has_tool "$name" || missing+=("$name")
    fi
  done <<<"$table"
}

repository=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/addrbook
prefixes=${CMAKE_PREFIX_PATH:-}
prefixes=${prefixes//[:;]/$'\n'}$'\n'/opt/homebrew

# Prints the version of a header that can be used by itself. Distributions
# that compile cpp-httplib ship a header with the declarations only, and a copy
# cut short by an interruption lacks the closing #endif. Neither counts.
header_version() {
  awk '/define CPPHTTPLIB_VERSION "/ { gsub(/"/, "", $3); version = $3 }
       /^inline Server::Server\(\)|^ \* Implementation that will be part of the/ { whole = 1 }
       NF { last = $1 }
       END { if (whole && last == "#endif") print version }' "$1" 2>/dev/null
}

has_httplib() {
  local dir version
  while IFS= read -r dir; do
    [[ -n $dir && -r $dir/httplib.h ]] || continue
    version=$(header_version "$dir/httplib.h")
    if [[ $version =~ ^[0-9]+(\.[0-9]+)+$ ]] && at_least "$version" "$min_httplib"; then
      return 0
    fi
  done <<<"/usr/local/include
$cache/include
/usr/include
${prefixes//$'\n'//include$'\n'}/include"
  return 1
}

# valijson's package config is copied last, so it shows that the headers are whole.
has_valijson() {
  local dir
  while IFS= read -r dir; do
    [[ -n $dir ]] && compgen -G "$dir/*/cmake/valijson/valijsonConfig.cmake" >/dev/null && return
  done <<<"/usr/local
$cache
/usr
$prefixes"
  return 1
}

has_promtool() { has promtool || [[ -x $cache/bin/promtool ]]; }

work=
trap 'if [[ -n $work ]]; then rm -rf "$work"; fi' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

find_missing
need_httplib=
has_httplib || need_httplib=1
need_valijson=
[[ -z $with_server ]] || has_valijson || need_valijson=1
need_promtool=
[[ -z $with_promtool ]] || has_promtool || need_promtool=1
[[ ${#missing[@]} -eq 0 && -z $need_httplib && -z $need_valijson && -z $need_promtool ]] && exit 0

if [[ -n $check_only ]]; then
  ((${#missing[@]})) && printf '%s\n' "${missing[@]}"
  [[ -n $need_httplib ]] && echo "cpp-httplib >= $min_httplib (header)"
  [[ -n $need_valijson ]] && echo "valijson (headers)"
  [[ -n $need_promtool ]] && echo "promtool"
  exit 1
fi

httplib_notice() {
  # If an earlier configure step fetched a copy, the user has seen this.
  compgen -G "$repository/build/*/_deps/*httplib*-src/httplib.h" >/dev/null ||
    say "cpp-httplib >= $min_httplib is needed and $1; CMake will try to fetch it when it configures."
}

if ! has apt-get; then
  if ((${#missing[@]})) || [[ -n $need_valijson$need_promtool ]]; then
    say "These are needed and missing, and there is no apt-get to install them with:"
    while IFS='|' read -r name _ what dnf pacman apk brew; do
      [[ -n $name && " ${missing[*]} " == *" $name "* ]] &&
        say "  $what  (dnf: $dnf, pacman: $pacman, apk: $apk, brew: $brew)"
    done <<<"$table"
    [[ -n $need_valijson ]] &&
      say "  valijson, header-only  (brew: valijson; elsewhere its own \`cmake --install\`)"
    [[ -n $need_promtool ]] && say "  promtool, a tool of Prometheus  (dnf, pacman, apk, brew: prometheus)"
    [[ -n $need_httplib ]] &&
      say "  cpp-httplib >= $min_httplib, header-only  (CMake can fetch it when it configures)"
    exit 1
  fi
  httplib_notice "was not found"
  exit 0
fi

# Only Debian's own archive has the sources of a recent enough version; other
# distributions (and derivatives) are left to CMake, which fetches its archive.
fetch_httplib=
if [[ -n $need_httplib ]] &&
  grep -qx 'ID="\{0,1\}debian"\{0,1\}' /etc/os-release 2>/dev/null; then
  fetch_httplib=1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/install-deps.XXXXXX")
chmod 755 "$work" # apt downloads as another user when run by root

# Sets `packages` to the packages to install. The name of Clang's runtime package
# has the version of Clang, which may be installed already.
candidate() {
  LC_ALL=C apt-cache policy "$1" 2>/dev/null |
    awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }' || true
}
name_packages() {
  local name major
  packages=()
  for name in "${missing[@]}"; do
    if [[ $name == libclang-rt-dev ]]; then
      major=
      if has clang++; then major=$(clang++ -dumpversion); else major=$(candidate clang); fi
      major=${major#*:}
      major=${major%%[!0-9]*}
      if [[ -n $major ]]; then
        name=libclang-rt-$major-dev
        # Older versions have the runtime in this package.
        [[ -z $(candidate "$name") && -n $(candidate "libclang-common-$major-dev") ]] &&
          name=libclang-common-$major-dev
      fi
    fi
    packages+=("$name")
  done
}

as_root=()
rights=
if [[ $(id -u) -eq 0 ]]; then
  rights=root
elif has sudo && sudo -n true 2>/dev/null; then
  rights=root
  as_root=(sudo -n)
elif has sudo && { [[ -t 0 ]] || [[ -t 2 ]]; }; then
  rights=ask
  as_root=(sudo)
fi

refuse() {
  say "Missing packages: ${packages[*]}"
  say "This user must not install them. As root, run:"
  say "  apt-get update && apt-get install --no-install-recommends ${packages[*]}"
  exit 1
}

packages=()
if ((${#missing[@]})); then
  name_packages
  [[ -n $rights ]] || refuse
fi

# Does not ask for a password if only the header is missing.
prefix=$cache
[[ $rights == root || ($rights == ask && ${#missing[@]} -gt 0) ]] && prefix=/usr/local

announce() {
  local line="Installing: ${packages[*]}"
  if [[ -n $fetch_httplib ]]; then
    [[ ${#missing[@]} -gt 0 ]] && line+=', '
    line+="cpp-httplib (header, in $prefix/include)"
  fi
  if [[ -n $need_valijson ]]; then
    [[ ${#missing[@]} -gt 0 || -n $fetch_httplib ]] && line+=', '
    line+="valijson (headers, in $prefix/include)"
  fi
  if [[ -n $need_promtool ]]; then
    [[ ${#missing[@]} -gt 0 || -n $fetch_httplib || -n $need_valijson ]] && line+=', '
    line+="promtool (in $prefix/bin)"
  fi
  say "$line"
}

apt() { # apt ARGUMENTS...: progress on a terminal, a few plain lines in a log
  local command=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive
    apt-get -y -o DPkg::Lock::Timeout=300)
  if [[ -t 2 ]]; then
    "${command[@]}" "$@" >&2
  else
    "${command[@]}" -qq -o Dpkg::Use-Pty=0 "$@" 2>&1 </dev/null | tee -a "$work/apt.log" |
      while IFS= read -r line; do
        # Only the requested packages, not those that they depend on.
        if [[ $line =~ ^Setting\ up\ ([^:\ ]+) && " ${packages[*]} " == *" ${BASH_REMATCH[1]} "* ]]; then
          say "  $line"
        fi
      done
  fi
}

updated=
update() {
  updated=1
  # A failure may concern a repository that has none of the packages.
  apt update || true
}

install_packages() {
  local name
  for name in "${packages[@]}"; do
    if [[ -z $(candidate "$name") ]]; then
      update
      name_packages
      break
    fi
  done
  apt install --no-install-recommends "${packages[@]}" && return
  # An interrupted installation must be completed before any other...
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >>"$work/apt.log" 2>&1 || true
  # ... and the lists may name versions that are no longer on the mirror.
  if [[ -z $updated ]]; then
    update
    name_packages
  fi
  apt install --no-install-recommends "${packages[@]}" && return
  [[ -f $work/apt.log ]] && cat "$work/apt.log" >&2
  say "Could not install: ${packages[*]}"
  exit 1
}

# Writes one apt source per entry for Debian's main archive in the machine's
# own configuration, each in a directory of its own under $work/sources, with
# the suite replaced by sid and everything else (URI, keys) kept.
find_sources() {
  local list parts suites file line number=100
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  # shellcheck disable=SC1091
  suites=$(. /etc/os-release && echo "${VERSION_CODENAME:-sid}")
  suites="^($suites|oldstable|stable|testing|unstable|sid)$"
  mkdir "$work/sources"
  for file in "${list:-}" "${parts:-/etc/apt/sources.list.d/}"*; do
    [[ -r $file ]] || continue
    case $file in
      *.list)
        awk -v suites="$suites" '
          $1 == "deb" {
            line = $0
            sub(/#.*/, "", line)
            options = ""
            if (match(line, /\[[^]]*\]/)) {
              options = substr(line, RSTART, RLENGTH) " "
              line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
            }
            fields = split(line, field, " ")
            if (field[3] !~ suites) next
            for (i = 4; i <= fields; ++i)
              if (field[i] == "main") { print "list deb-src " options field[2] " sid main"; next }
          }' "$file"
        ;;
      *.sources)
        awk -v suites="$suites" '
          function flush() {
            if (binary && enabled && suite && main)
              print "sources Types: deb-src\nSuites: sid\nComponents: main" kept
            kept = ""; binary = suite = main = 0; enabled = 1; keep = 0
          }
          BEGIN { flush() }
          /^#/ { next }
          /^[ \t]*$/ { flush(); next }
          {
            first = 1
            if ($0 !~ /^[ \t]/) {
              name = tolower(substr($0, 1, index($0, ":") - 1))
              keep = name !~ /^(types|suites|components|architectures|enabled|snapshot)$/
              first = 2
            }
            for (i = first; i <= NF; ++i) {
              if (name == "types" && $i == "deb") binary = 1
              if (name == "suites" && $i ~ suites) suite = 1
              if (name == "components" && $i == "main") main = 1
              if (name == "enabled" && tolower($i) ~ /^(no|false|off|0)$/) enabled = 0
            }
            if (keep) kept = kept "\n" $0
          }
          END { flush() }' "$file"
        ;;
    esac
  done | while IFS= read -r line; do
    case $line in
      list\ * | sources\ *)
        number=$((number + 1))
        mkdir "$work/sources/$number"
        file=$work/sources/$number/debian.${line%% *}
        line=${line#* }
        ;;
    esac
    printf '%s\n' "$line" >>"$file"
  done
}

# The package of the current release is too old, but the header needs no
# porting: the one in the source package of sid serves any release. apt checks
# it against the archive's signature like any package. A mirror's index of sid
# may be out of date: that is a matter of security updates, not of this.
install_httplib() {
  local sources options source version=
  find_sources
  for sources in "$work"/sources/*/; do
    [[ -d $sources ]] || continue
    rm -rf "$work/lists" "$work/cache" "$work/source"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/source/build"
    options=(-q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$sources"
      -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
      -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Default-Release=
      -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false
      -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
    apt-get "${options[@]}" update || continue
    # Other repositories use the same names for their suites.
    [[ $(apt-get "${options[@]}" indextargets --format "\$(ORIGIN)/\$(LABEL)" 'Created-By: Sources') == Debian/Debian ]] ||
      continue
    (cd "$work/source" && apt-get "${options[@]}" source --download-only cpp-httplib &&
      cmake -E tar xf ./*.orig.tar.*[!c]) || continue
    for source in "$work"/source/*/httplib.h; do version=$(header_version "$source"); done
    at_least "${version:-0}" "$min_httplib" && break
    version=
  done
  [[ -n $version ]] || return 1
  source=${source%/*}
  local features=() feature
  for feature in OPENSSL WOLFSSL MBEDTLS ZLIB BROTLI ZSTD; do
    features+=("-DHTTPLIB_REQUIRE_$feature=OFF" "-DHTTPLIB_USE_${feature}_IF_AVAILABLE=OFF")
  done
  cmake -S "$source" -B "$work/source/build" -G Ninja --no-warn-unused-cli \
    -DCMAKE_BUILD_TYPE=Release "-DCMAKE_INSTALL_PREFIX=$prefix" -DHTTPLIB_COMPILE=OFF \
    -DHTTPLIB_INSTALL=ON -DHTTPLIB_TEST=OFF "${features[@]}" || return 1
  local elevate=()
  [[ $prefix == /usr/local ]] && elevate=(${as_root[@]+"${as_root[@]}"})
  trap '' INT TERM HUP # an interruption would leave half an installation
  "${elevate[@]}" cmake --install "$work/source/build" && has_httplib
}

# The package wants Qt, Poco and other JSON libraries, for which valijson has
# headers too: only the files are taken out of it.
install_valijson() {
  mkdir "$work/valijson"
  chmod 777 "$work/valijson" # as above
  (cd "$work/valijson" && apt-get download libvalijson-dev && dpkg-deb -x ./*.deb .) || return 1
  local elevate=() from=$work/valijson/usr
  [[ $prefix == /usr/local ]] && elevate=(${as_root[@]+"${as_root[@]}"})
  "${elevate[@]}" mkdir -p "$prefix/include" "$prefix/share/cmake" &&
    "${elevate[@]}" cp -R "$from/include/valijson" "$prefix/include/" &&
    "${elevate[@]}" cp -R "$from/share/cmake/valijson" "$prefix/share/cmake/" && has_valijson
}

# The package starts a server, and wants a dozen others: only the tool is taken out of it.
install_promtool() {
  mkdir "$work/promtool"
  chmod 777 "$work/promtool" # as above
  (cd "$work/promtool" && apt-get download prometheus && dpkg-deb -x ./*.deb .) || return 1
  local elevate=()
  [[ $prefix == /usr/local ]] && elevate=(${as_root[@]+"${as_root[@]}"})
  "${elevate[@]}" mkdir -p "$prefix/bin" &&
    "${elevate[@]}" cp "$work/promtool/usr/bin/promtool" "$prefix/bin/" && hash -r && has_promtool
}

[[ ${#missing[@]} -gt 0 || -n $fetch_httplib || -n $need_valijson || -n $need_promtool ]] && announce

if ((${#missing[@]})); then
  if [[ $rights == ask ]]; then sudo -v || refuse; fi
  install_packages
  hash -r
  find_missing
  if ((${#missing[@]})); then
    say "Installed, but still missing or too old (the distribution's version may be): ${missing[*]}"
    [[ " ${missing[*]} " == *' cmake '* ]] && say "CMake $min_cmake or newer must come first in PATH."
    exit 1
  fi
fi

if [[ -n $need_valijson ]]; then
  [[ -n $(candidate libvalijson-dev) || $rights != root ]] || update
  if ! install_valijson >"$work/valijson.log" 2>&1; then
    [[ -n ${VERBOSE:-} ]] && cat "$work/valijson.log" >&2
    say "valijson could not be had from the package libvalijson-dev (VERBOSE=1 shows why):"
    say "as root, run apt-get update and try again, or install its headers by its own CMake."
    exit 1
  fi
fi
if [[ -n $need_promtool ]]; then
  [[ -n $(candidate prometheus) || $rights != root ]] || update
  if ! install_promtool >"$work/promtool.log" 2>&1; then
    [[ -n ${VERBOSE:-} ]] && cat "$work/promtool.log" >&2
    say "promtool could not be had from the package prometheus (VERBOSE=1 shows why)."
    exit 1
  fi
fi
if [[ -n $need_httplib ]]; then
  if [[ -z $fetch_httplib ]]; then
    httplib_notice "this distribution's sources do not have it"
  elif ! install_httplib >"$work/httplib.log" 2>&1; then
    # Most users do not expect this to work, so the reason is shown only on request.
    [[ -n ${VERBOSE:-} ]] && cat "$work/httplib.log" >&2
    httplib_notice "could not be had from Debian's source packages (VERBOSE=1 shows why)"
  fi
fi
exit 0
