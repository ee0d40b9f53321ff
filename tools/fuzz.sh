#!/usr/bin/env bash
# fuzz.sh SECONDS: builds the fuzz targets with clang 19 and runs each for so long on its seed corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?seconds for each target}

cmake --preset fuzz >/dev/null
cmake --build build/fuzz
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target in build/fuzz/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    name=$(basename "$target")
    mkdir -p "$work/$name"
    echo "fuzzing $name for $seconds s"
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="build/fuzz/$name-" "$work/$name" "tests/fuzz/corpus/${name#fuzz_}" || status=1
done
exit $status
