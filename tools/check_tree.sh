#!/usr/bin/env bash
# check_tree.sh coroutines|includes|defects|format|tidy: rules about the source tree that no compiler checks.
set -euo pipefail
cd "$(dirname "$0")/.."

sources() { git ls-files 'protocol/*.[ch]pp' 'mockserver/*.[ch]pp' 'harness/*.[ch]pp' 'tests/*.[ch]pp' 'bench/*.[ch]pp' | sort; }

empty() {  # prints what it reads; fails when there is something
    local found
    found=$(cat)
    [ -z "$found" ] || { printf '%s\n' "$found"; return 1; }
}

case ${1:-} in
    coroutines) sources | xargs python3 tools/lint_coroutines.py ;;
    includes)
        # Downwards only: harness -> mockserver -> protocol/script -> protocol/wire -> protocol/smtp; inside harness:
        # cli -> report -> {run, latency} -> {client, document}.
        {
            grep -rnE '#include [<"](mockserver|harness)/' protocol || true
            grep -rnE '#include [<"]harness/' mockserver || true
            grep -rnE '#include [<"](protocol/(wire|script)|boost|openssl)' protocol/smtp || true
            grep -rnE '#include [<"]protocol/script/' protocol/wire || true
            grep -rnE '#include [<"]harness/(document|run|report|latency|cli)/' harness/client || true
            grep -rnE '#include [<"](mockserver|harness/(client|run|report|latency|cli))/' harness/document || true
            grep -rnE '#include [<"]harness/(report|latency|cli)/' harness/run || true
            grep -rnE '#include [<"]harness/(run|report|cli)/' harness/latency || true
            grep -rnE '#include [<"]harness/cli/' harness/report || true
        } | empty
        ;;
    defects)
        # A defect is a changed behaviour: neither model peer knows a scenario.
        ids=$(mktemp)
        trap 'rm -f "$ids"' EXIT
        find scenarios -name '*.smtp' -printf '%f\n' | sed 's/\.smtp$//' | sort -u >"$ids"
        { grep -rnFwf "$ids" mockserver harness/client || true; } | empty
        { grep -rnE 'scenario(_id|\.id|->id)\b' mockserver harness/client || true; } | empty
        ;;
    format) sources | xargs clang-format-19 --dry-run --Werror ;;
    tidy)
        sources | grep -E '^(protocol|mockserver|harness)/.*\.cpp$' |
            xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p build/clang --warnings-as-errors='*'
        ;;
    *) echo "usage: tools/check_tree.sh coroutines|includes|defects|format|tidy" >&2; exit 2 ;;
esac
