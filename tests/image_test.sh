#!/usr/bin/env bash
# tests/image_test.sh PROGRAM SOURCE: the last stage of the Dockerfile on a base from debootstrap, with the program of this build
# in place of the first stage (whose steps demo.sh has as well). Runs in the build, without a container. 77: skipped.
set -euo pipefail
program=${1:?} source=${2:?}
[ "$(id -u)" -eq 0 ] || { echo "SKIP: needs root"; exit 77; }
for tool in podman debootstrap; do
    command -v $tool >/dev/null || { echo "SKIP: $tool is not installed"; exit 77; }
done
work=$(mktemp -d /var/tmp/smtpspec-image.XXXXXX)
trap 'rm -rf "$work"' EXIT
# Its own store, so that nothing of the user's is touched or left behind.
podman() { command podman --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

debootstrap --variant=minbase bookworm "$work/base" >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
tar -C "$work/base" -c . | podman import -q - localhost/base >/dev/null
mkdir -p "$work/built/src/build/release" "$work/context"
cp "$program" "$work/built/src/build/release/smtpspec"
strip "$work/built/src/build/release/smtpspec"
podman build --isolation chroot --build-arg BASE=localhost/base --build-context build="$work/built" -t localhost/smtpspec \
    -f "$source/Dockerfile" "$work/context" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
# RUN under chroot isolation is the way to run something in the image where containers cannot be started.
cat >"$work/context/Check" <<'T'
FROM localhost/smtpspec
RUN [ "$(id -un)" = smtpspec ] && smtpspec run --only 'starttls.*' --port 587 | grep -q '^Server embedded' && test -s /etc/ssl/certs/ca-certificates.crt
T
podman build --isolation chroot -f "$work/context/Check" "$work/context" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
[ "$(podman inspect --type image --format '{{.Config.User}}' localhost/smtpspec)" = smtpspec ]
podman images --format '{{.Repository}} {{.Size}}'
