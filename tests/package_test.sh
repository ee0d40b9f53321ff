#!/usr/bin/env bash
# tests/package_test.sh BUILD_DIR SOURCE: builds the Debian package, installs it on a fresh Debian 12 (debootstrap, from the
# mirror), lets it run there without the source tree, removes it and looks at what is left. Needs root; 77: skipped.
set -euo pipefail
build=${1:?} source=${2:?}
[ "$(id -u)" -eq 0 ] || { echo "SKIP: a chroot needs root"; exit 77; }
command -v debootstrap >/dev/null || { echo "SKIP: debootstrap is not installed"; exit 77; }

work=$(mktemp -d /var/tmp/smtpspec-package.XXXXXX)
root=$work/root
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
# Names only: installing and removing touches dpkg's and apt's own books, which are left out.
listing() { find "$root" -xdev \( -path "$root/var/lib/dpkg" -o -path "$root/var/lib/apt" -o -path "$root/var/cache" -o -path "$root/var/log" \
    -o -path "$root/proc" -o -path "$root/sys" -o -path "$root/dev" -o -path "$root/tmp" \) -prune -o -print | sort; }

cmake --build "$build" --target smtpspec_pages >"$work/build.log" || { cat "$work/build.log"; exit 1; }
(cd "$build" && cpack -G DEB -B "$work/deb") >"$work/cpack.log" 2>&1 || { cat "$work/cpack.log"; exit 1; }
deb=$(echo "$work"/deb/*.deb)
dpkg-deb -f "$deb" Package Version Depends Installed-Size
depends=$(dpkg-deb -f "$deb" Depends)
for library in libc6 libssl3 libstdc++6; do
    [[ $depends == *"$library"* ]] || fail "$library is missing in Depends: $depends"
done
if command -v lintian >/dev/null; then
    # A package outside the archive has no bug that it closes, and its maintainer is no address of Debian's.
    lintian --allow-root --fail-on error --suppress-tags initial-upload-closes-no-bugs,bogus-mail-host,embedded-library "$deb" || fail "lintian"
fi

debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log" 2>&1 || { tail "$work/debootstrap.log"; fail "debootstrap"; }
# The base image of docker and minbase chroots of some mirrors leave man pages out; a user's system does not.
rm -f "$root"/etc/dpkg/dpkg.cfg.d/*
inside apt-get install -q -y --no-install-recommends man-db bash-completion libssl3 >"$work/apt.log" 2>&1 || { tail "$work/apt.log"; fail "apt"; }
listing >"$work/before"

cp "$deb" "$root/tmp/smtpspec.deb"
inside apt-get install -q -y --no-install-recommends /tmp/smtpspec.deb >"$work/apt.log" 2>&1 || { tail "$work/apt.log"; fail "install"; }
inside smtpspec --version
inside sh -c 'cd /tmp && smtpspec run --only "starttls.*" --port 587' >"$work/run" || { tail -n 30 "$work/run"; fail "smtpspec run"; }
grep -q '^Server embedded' "$work/run" || fail "no matrix"
inside env MANWIDTH=80 man --warnings smtpspec >"$work/man" 2>"$work/man.warnings" || fail "man smtpspec"
[ ! -s "$work/man.warnings" ] || { cat "$work/man.warnings"; fail "man warns"; }
for heading in NAME SYNOPSIS DESCRIPTION COMMANDS 'EXIT STATUS' ENVIRONMENT EXAMPLES 'SEE ALSO'; do
    grep -q "^$heading" "$work/man" || fail "no section $heading in the man page"
done
inside bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader smtpspec; complete -p smtpspec' >/dev/null ||
    fail "no completion"
cp -a "$root/usr/share/bash-completion/completions/smtpspec" "$work/completion"

inside apt-get purge -q -y smtpspec >"$work/apt.log" 2>&1 || { tail "$work/apt.log"; fail "purge"; }
listing >"$work/after"
diff "$work/before" "$work/after" || fail "removal leaves something"
echo "installed, ran, was read and removed: nothing is left (source: $(basename "$source"))"
