#!/usr/bin/env bash
# noise.sh [--pairs N] [--seed S] [--keep FOLDER] [--from FOLDER|FILE.tar.xz] [-- OPTIONS OF COMPARE]: does `smtpspec compare` tell a
# slow-down from noise? 100 pairs take about an hour. The documents of a whole run are in bench/results/noise.tar.xz; to judge those again:
#     bench/noise.sh --from bench/results/noise.tar.xz
set -euo pipefail
cd "$(dirname "$0")/.."
command -v python3 >/dev/null || { echo "noise.sh: python3 is missing; ./test.sh installs it" >&2; exit 2; }
[ -x build/release/smtpspec ] || { echo "noise.sh: no build/release/smtpspec; run ./demo.sh first" >&2; exit 2; }
exec python3 bench/noise.py "$@"
