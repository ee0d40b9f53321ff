#!/bin/bash
# chroot.sh NAME PACKAGE...: makes $CHROOTS/NAME, a Debian with these packages, once. Needs root, and the package mirrors
# that this machine uses anyway. Prints the folder.
set -eu
name=$1
shift
suite=bookworm
base=$CHROOTS/base
target=$CHROOTS/$name

mirror() {  # mirror CODENAME: where this machine gets the packages of CODENAME
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | awk -v c="$1" '$2 == c {print $1; exit}'
}

make_base() {
    command -v debootstrap || DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends debootstrap
    local main security
    main=$(mirror "$suite") security=$(mirror "$suite-security")
    rm -rf --one-file-system "$base"
    debootstrap --variant=minbase --include=ca-certificates,openssl "$suite" "$base" "${main:=http://deb.debian.org/debian}"
    {
        echo "deb $main $suite main"
        [ -z "$security" ] || echo "deb $security $suite-security main"
    } >"$base/etc/apt/sources.list"
    # whatever way this machine has to its mirrors, the chroot goes the same
    cp /etc/resolv.conf "$base/etc/resolv.conf"
    cp -a /etc/apt/apt.conf.d/. "$base/etc/apt/apt.conf.d/"
    cp -a /usr/local/share/ca-certificates/. "$base/usr/local/share/ca-certificates/" 2>/dev/null || true
    chroot "$base" update-ca-certificates >/dev/null 2>&1 || true
    printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"  # packages start no services
    chmod 755 "$base/usr/sbin/policy-rc.d"
    echo mail.test | tee "$base/etc/hostname" >"$base/etc/mailname"
    chroot "$base" apt-get update -q
    touch "$base/.complete"
}

add_packages() {
    rm -rf --one-file-system "$target"
    cp -a "$base" "$target"
    chroot "$target" debconf-set-selections <<'S'
postfix postfix/main_mailer_type select Internet Site
postfix postfix/mailname string mail.test
exim4-config exim4/dc_eximconfig_configtype select internet site; mail is sent and received directly using SMTP
exim4-config exim4/mailname string mail.test
exim4-config exim4/dc_local_interfaces string 127.0.0.1
S
    mount -t proc proc "$target/proc"
    trap 'umount "$target/proc"' EXIT
    DEBIAN_FRONTEND=noninteractive chroot "$target" apt-get install -y --no-install-recommends "$@" </dev/null
    echo "$*" >"$target/.complete"
}

mkdir -p "$CHROOTS"
exec 9>"$CHROOTS/lock" && flock 9  # two tests may start at the same time
if [ ! -e "$base/.complete" ]; then make_base; fi
if [ "$(cat "$target/.complete" 2>/dev/null)" != "$*" ]; then add_packages "$@"; fi
