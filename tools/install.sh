#!/usr/bin/env bash
# tools/install.sh [build|test|full]: installs the Debian packages that are missing, and says what it does.
#   build  what compiles smtpspec (demo.sh)      test  and what its tests need      full  and clang 19, tidy, fuzzing
set -euo pipefail

packages=(g++ cmake ninja-build ccache mold libboost1.81-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev
          libexpected-dev libre2-dev zlib1g-dev libfmt-dev libcli11-dev python3)
case ${1:-build} in
    build) ;;
    test | full)
        packages+=(libgtest-dev libgmock-dev libbenchmark-dev libvalijson-dev openssl swaks netcat-openbsd iproute2 debootstrap
                   libxml2-utils python3-junitparser python3-jsonschema cmark-gfm shellcheck python3-yaml chromium)
        # The HTML report's test. Not beside a node from elsewhere, which Debian's npm would conflict with.
        command -v npm >/dev/null || packages+=(nodejs npm)
        ;;&
    full) packages+=(clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-19 lintian podman) ;;
    test) ;;
    *) echo "usage: tools/install.sh [build|test|full]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "install.sh: missing packages: ${missing[*]}. Install them as root; there is no sudo here." >&2; exit 1; }
    as_root=(sudo)
fi
echo "install.sh: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-remove \
        --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    if dpkg-query -W -f '${Status}' libboost1.74-dev 2>/dev/null | grep -q 'install ok installed'; then
        cat >&2 <<'T'
install.sh: libboost1.81-dev conflicts with libboost1.74-dev, which is installed, and nothing is removed without you.
To go on:   apt-get install libboost1.81-dev      (apt shows what it would remove; say yes if you can spare it)
then run this script again. To get the old one back later: apt-get install libboost-dev
T
    else
        echo "install.sh: apt-get could not install the packages above; mend that and run this again." >&2
    fi
    exit 1
fi
