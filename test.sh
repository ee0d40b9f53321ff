#!/usr/bin/env bash
# test.sh [--full]: installs what is missing, builds, and runs all tests.
#   release           everything, with the real servers (tests/interop)
#   ASan and UBSan    everything but the real servers
#   TSan              the tests that use threads           (--full: all)
#   --full adds       clang 19, clang-tidy, all under TSan, 60 s of fuzzing for each parser, a load of 500 messages/s for 60 s,
#                     the Debian package on a fresh Debian 12, and which scenarios each defect turns
# Ends with "N passed, N failed, N skipped" and the reason of every skip. As root on Debian 12 a skip is a failure.
set -uo pipefail
cd "$(dirname "$0")"
full=no
case ${1:-} in
    "") ;;
    --full) full=yes ;;
    *) echo "usage: ./test.sh [--full]" >&2; exit 2 ;;
esac

export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp ${TSAN_OPTIONS:-}"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
passed=0 failed=0 skipped=0
problems=()

say() { printf '\n== %s  (%d s)\n' "$1" "$SECONDS"; }

build() {  # build PRESET [TARGET...]
    local preset=$1
    shift
    say "building $preset"
    ./tools/build.sh "$preset" "$@"
}

count() {  # count JUNIT NAME: adds up one ctest result
    local line
    line=$(python3 tools/count_tests.py "$1" "$results/skips") || { problems+=("$2: no result"); failed=$((failed + 1)); return; }
    read -r p f s <<<"$line"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "$2: $p passed, $f failed, $s skipped"
    [ "$f" -eq 0 ] || problems+=("$2: $f failed")
}

tests() {  # tests PRESET [ctest options]
    local preset=$1
    shift
    say "testing $preset"
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 600 -j 2 --output-junit "$results/$preset.xml" "$@" \
        >"$results/$preset.log" 2>&1 || grep -vE '^ *[0-9]+/[0-9]+ Test.*Passed|^ +Start ' "$results/$preset.log" | tail -n 120
    count "$results/$preset.xml" "$preset"
}

check() {  # check NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$results/check.log" 2>&1; then
        passed=$((passed + 1))
        echo "check $name: passed"
    else
        failed=$((failed + 1))
        problems+=("check $name")
        tail -n 40 "$results/check.log"
        echo "check $name: FAILED"
    fi
}

need() {  # need NAME COMMAND...: a step without which the rest makes no sense
    local name=$1
    shift
    "$@" || { failed=$((failed + 1)); problems+=("$name"); echo "$name: FAILED"; return 1; }
}

level=test
[ "$full" = no ] || level=full
need install ./tools/install.sh "$level" || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

check "coroutine lint" ./tools/check_tree.sh coroutines
check "includes run downwards" ./tools/check_tree.sh includes
check "defects know no scenario" ./tools/check_tree.sh defects

package=()
[ "$full" = yes ] || package=(-LE 'package|long')
need "build release" build release && tests release "${package[@]}"
need "build asan" build asan && tests asan -LE 'interop|long'
if [ "$full" = yes ]; then
    need "build tsan" build tsan && tests tsan -LE 'interop|long'
    check "format" ./tools/check_tree.sh format
    need "build clang" build clang && tests clang -LE 'interop|package|long'
    check "clang-tidy" ./tools/check_tree.sh tidy
    check "fuzzing" ./tools/fuzz.sh 60
    check "soak, 60 s" python3 bench/soak.py --seconds 60 --rate 500
else
    need "build tsan" build tsan harness_tests integration_tests mockserver_tests && tests tsan -L 'harness_tests|integration_tests|mockserver_tests'
fi

if [ -s "$results/skips" ]; then
    echo
    echo "skipped:"
    sort -u "$results/skips" | sed 's/^/  /'
fi
if [ "$skipped" -gt 0 ] && [ "$(id -u)" -eq 0 ] && grep -q '^12' /etc/debian_version 2>/dev/null; then
    echo "As root on Debian 12 nothing may be skipped."
    problems+=("$skipped skipped")
    failed=$((failed + skipped))
    skipped=0
fi
for problem in "${problems[@]:-}"; do
    [ -z "$problem" ] || echo "problem: $problem"
done
printf '\n%d s in all\n' "$SECONDS"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
