#!/usr/bin/env bash
# demo.sh: installs what is missing, builds smtpspec and runs its main job against the embedded server: the matrix on five
# ports, then latency per stage. Options are handed on to `smtpspec run` (for instance --slow).
set -euo pipefail
cd "$(dirname "$0")"

./tools/install.sh build
echo "demo.sh: building (build/release; the first time takes some minutes)"
cmake --preset release -DSMTPSPEC_TESTS=OFF >build-demo.log 2>&1 || { cat build-demo.log >&2; exit 1; }
cmake --build build/release --target smtpspec 2>&1 | tail -n 1
rm -f build-demo.log

echo "demo.sh: build/release/smtpspec run $*"
build/release/smtpspec run "$@"
echo
echo "demo.sh: build/release/smtpspec bench"
build/release/smtpspec bench
