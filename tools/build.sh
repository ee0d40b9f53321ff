#!/usr/bin/env bash
# tools/build.sh PRESET [TARGET...]: configures and builds in build/PRESET, and shows how far it is: a line that changes on a
# terminal, a plain line for every twentieth step in a pipe. What fails is shown whole; the rest is in build/PRESET.log.
# Options of the configuration: CONFIGURE="-DNAME=VALUE …".
set -uo pipefail
cd "$(dirname "$0")/.."
preset=${1:?usage: tools/build.sh PRESET [TARGET...]}
shift

mkdir -p build
log=build/$preset.log
# shellcheck disable=SC2086  # several words
cmake --preset "$preset" ${CONFIGURE:-} >"$log" 2>&1 || { cat "$log" >&2; exit 1; }

progress() {
    local line steps=0
    while IFS= read -r line; do
        [[ $line == "["*/* ]] || continue
        steps=$((steps + 1))
        if [ -t 1 ]; then
            printf '\r\033[K%s' "${line:0:79}"
        elif [ $((steps % 20)) -eq 0 ]; then
            printf '%s\n' "$line"
        fi
    done
    [ ! -t 1 ] || printf '\r\033[K'
}
cmake --build "build/$preset" ${1:+--target "$@"} 2>&1 | tee -a "$log" | progress && exit 0
grep -E -A 12 'error|FAILED' "$log" | head -n 80 >&2
echo "build.sh: build/$preset could not be built; everything it said is in $log" >&2
exit 1
