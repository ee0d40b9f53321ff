#!/usr/bin/env bash
# demo.sh: installs what is missing, builds smtpspec and runs its main job against the embedded server: the matrix on five
# ports, then latency per stage. Options are handed on to `smtpspec run` (for instance --slow).
set -euo pipefail
cd "$(dirname "$0")"

./tools/install.sh build
echo "demo.sh: building (build/release; the first time takes some minutes)"
CONFIGURE=-DSMTPSPEC_TESTS=OFF ./tools/build.sh release smtpspec

echo "demo.sh: build/release/smtpspec run $*"
build/release/smtpspec run "$@"
echo
echo "demo.sh: build/release/smtpspec bench"
build/release/smtpspec bench
