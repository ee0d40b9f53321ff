#!/usr/bin/env bash
# times.sh [PROGRAM]: the times that are promised, measured: the embedded run without and with slow scenarios. Three runs
# each of the first, one of the second; wall clock and CPU seconds. Nothing is asserted.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-build/release/smtpspec}
[ -x "$program" ] || { echo "times.sh: no $program; run ./demo.sh first" >&2; exit 2; }

TIMEFORMAT='   %R s wall, %U s user, %S s system'
echo "machine: $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)"
for i in 1 2 3; do
    echo "smtpspec run ($i)"
    time "$program" run 2>/dev/null | tail -n 1
done
echo "smtpspec run --slow"
time "$program" run --slow 2>/dev/null | tail -n 1
