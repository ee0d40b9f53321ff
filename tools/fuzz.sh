#!/usr/bin/env bash
# fuzz.sh SECONDS: builds the fuzz targets with clang 19 and runs each for so long on its seed corpus, as many at once as
# there are cores. What one finds is shown, and kept in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?seconds for each target}

cmake --preset fuzz >/dev/null
cmake --build build/fuzz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

one() {  # one TARGET SECONDS WORK: its last lines, when it finds something
    local name
    name=$(basename "$1")
    mkdir -p "$3/$name"
    if "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
        -artifact_prefix="build/fuzz/$name-" "$3/$name" "tests/fuzz/corpus/${name#fuzz_}" >"$3/$name.log" 2>&1; then
        echo "$name: nothing found in $2 s"
    else
        tail -n 40 "$3/$name.log"
        echo "$name: FOUND something"
        return 1
    fi
}
export -f one
find build/fuzz/tests/fuzz -maxdepth 1 -name 'fuzz_*' -type f -perm -u+x -print0 | sort -z |
    xargs -0 -P "$(nproc)" -I{} bash -c 'one "$@"' one {} "$seconds" "$work"
