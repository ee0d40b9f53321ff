#!/usr/bin/env bash
# ci/install.sh: puts smtpspec into $SMTPSPEC_PREFIX/bin and says where (GITHUB_PATH, GITHUB_OUTPUT). Read from the environment:
#   SMTPSPEC_PREFIX   folder that CI keeps between runs; a program found there is used as it is
#   SMTPSPEC_PACKAGE  a Debian package, path or https URL; empty: built from the source tree that this script belongs to
set -euo pipefail
prefix=${SMTPSPEC_PREFIX:?}
source=$(cd "$(dirname "$0")/.." && pwd)
package=${SMTPSPEC_PACKAGE:-}

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
apt_install() {
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

mkdir -p "$prefix/bin"
# A fresh container has the cached program but not what it links to.
if [ -x "$prefix/bin/smtpspec" ] && ! "$prefix/bin/smtpspec" --version >/dev/null 2>&1; then
    apt_install libssl3 libstdc++6 ca-certificates || true
fi
# What the cached program was made of: another source or package is another program.
made_of="package $package $([ ! -f "$package" ] || sha256sum "$package" | cut -c1-64)"
[ -n "$package" ] || made_of="source $(git -C "$source" rev-parse HEAD 2>/dev/null || sha256sum <"$source/CHANGELOG.md" | cut -c1-64)"
if [ "$(cat "$prefix/made-of" 2>/dev/null)" = "$made_of" ] && "$prefix/bin/smtpspec" --version >/dev/null 2>&1; then
    echo "smtpspec: from the cache"
elif [ -n "$package" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    case $package in
        https://*)
            command -v curl >/dev/null || apt_install curl ca-certificates
            curl -fsSL --retry 3 -o "$work/smtpspec.deb" "$package"
            ;;
        *) cp "$package" "$work/smtpspec.deb" ;;
    esac
    dpkg-deb -x "$work/smtpspec.deb" "$work/root"
    cp "$work/root/usr/bin/smtpspec" "$prefix/bin/smtpspec"
    "$prefix/bin/smtpspec" --version >/dev/null 2>&1 || apt_install libssl3 libstdc++6
else
    cd "$source"
    ./tools/install.sh build
    CONFIGURE=-DSMTPSPEC_TESTS=OFF ./tools/build.sh release smtpspec
    cp build/release/smtpspec "$prefix/bin/smtpspec"
fi
printf '%s\n' "$made_of" >"$prefix/made-of"
"$prefix/bin/smtpspec" --version
[ -z "${GITHUB_PATH:-}" ] || echo "$prefix/bin" >>"$GITHUB_PATH"
