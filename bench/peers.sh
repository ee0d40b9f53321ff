#!/usr/bin/env bash
# peers.sh [--rounds N] [--only WORD] [--program PATH]: smtpspec's own parts against the field's, measured in the same run, paired and
# alternating. Prints a table of ratios with "met" or "missed". The peers are Postfix's smtp-source and smtp-sink and OpenSSL's
# s_server; Postfix's package is unpacked into a temporary folder, nothing of it is installed or started as a service.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"

missing=()
for tool in openssl python3; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
    echo "peers.sh: installing ${missing[*]}"
    apt-get update -q >/dev/null && apt-get install -q -y --no-remove --no-install-recommends "${missing[@]}" >/dev/null
fi
if command -v smtp-source >/dev/null && command -v smtp-sink >/dev/null; then
    ln -s "$(command -v smtp-source)" "$(command -v smtp-sink)" "$folder/"
else
    echo "peers.sh: fetching the package postfix, for smtp-source and smtp-sink"
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -print -quit)" ] || apt-get update -q >/dev/null
    (cd "$folder" && apt-get download -q postfix >/dev/null 2>&1 && dpkg-deb -x postfix_*.deb unpacked) \
        || { echo "peers.sh: the package postfix could not be fetched; apt-get update, then try again" >&2; exit 1; }
    for tool in smtp-source smtp-sink; do
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$folder/unpacked/usr/lib/postfix" "$folder/unpacked/usr/sbin/$tool" >"$folder/$tool"
        chmod 755 "$folder/$tool"
    done
fi
python3 bench/peers.py --tools "$folder" "$@"
