#!/usr/bin/env bash
# ci/run.sh: runs smtpspec, writes the reports and the summary, and holds the gate. What GitHub's action and GitLab's template
# both call. The exit code is the job's. Read from the environment:
#   SMTPSPEC_COMMAND     run or bench                     SMTPSPEC_ENDPOINT    empty: the embedded server
#   SMTPSPEC_ARGUMENTS   further options, as a shell would read them, but nothing is expanded
#   SMTPSPEC_FORMATS     besides json, which is always made: junit markdown html sarif
#   SMTPSPEC_OUT         folder of the reports            SMTPSPEC_BASELINE    the result to compare with; empty: no gate
#   SMTPSPEC_SECRET_ENV  the variable that holds the endpoint's password
#   SMTPSPEC_FORK        true: a merge request from a fork, which gets no secret
set -euo pipefail
command=${SMTPSPEC_COMMAND:-run}
out=${SMTPSPEC_OUT:-smtpspec-results}
endpoint=${SMTPSPEC_ENDPOINT:-}
secret=${SMTPSPEC_SECRET_ENV:-}
baseline=${SMTPSPEC_BASELINE:-}
mkdir -p "$out"
# What an earlier run left here is not this one's.
for report in result.json terminal.txt junit.xml matrix.md report.html smtpspec.sarif compare.md compare.html compare.txt baseline.json summary.md; do
    rm -f "$out/$report"
done

notice() {  # GitHub shows such a line beside the run; elsewhere it is text in the log
    if [ -n "${GITHUB_ACTIONS:-}" ]; then echo "::notice title=smtpspec::$1"; else echo "smtpspec: $1"; fi
}
summary() { cat >>"${GITHUB_STEP_SUMMARY:-$out/summary.md}"; }
output() { [ -z "${GITHUB_OUTPUT:-}" ] || echo "$1" >>"$GITHUB_OUTPUT"; }
finish() {  # finish CODE STATUS
    output "exit-code=$1"
    output "status=$2"
    exit "$1"
}
# A fence longer than any run of backquotes in the text, so that text from a peer cannot end it.
fenced() {
    local text fence='```'
    text=$(cat)
    while [[ $text == *"$fence"* ]]; do fence+='`'; done
    printf '%s\n%s\n%s\n' "$fence" "$text" "$fence"
}

case $command in
    run | bench) ;;
    *) echo "ci/run.sh: SMTPSPEC_COMMAND is run or bench, not '$command'" >&2; finish 2 usage ;;
esac
if [ -n "$endpoint" ] && [ -n "$secret" ] && [ -z "${!secret:-}" ] && [ "${SMTPSPEC_FORK:-false}" = true ]; then
    notice "skipped: $endpoint needs the secret $secret, which a merge request from a fork does not get"
    echo "smtpspec $command $endpoint: **skipped**, a merge request from a fork has no secret." | summary
    finish 0 skipped
fi

words=()
arguments=${SMTPSPEC_ARGUMENTS:-}
if [ -n "${arguments//[[:space:]]/}" ]; then
    # xargs reads quotes as a shell does, and expands and runs nothing.
    parsed=$(printf '%s' "$arguments" | xargs printf '%s\n') ||
        { echo "ci/run.sh: SMTPSPEC_ARGUMENTS cannot be read as words: a quote is missing" >&2; finish 2 usage; }
    mapfile -t words <<<"$parsed"
fi
[ -z "$endpoint" ] || words=("$endpoint" "${words[@]}")
formats=(--format terminal --format json --output "$out/result.json")
for format in ${SMTPSPEC_FORMATS-junit markdown}; do
    # A measurement has no tests to report: its table is the summary.
    [ "$command" = run ] || [ "$format" = html ] || continue
    case $format in
        json | terminal) ;;
        junit) formats+=(--format junit --output "$out/junit.xml") ;;
        markdown) formats+=(--format markdown --output "$out/matrix.md") ;;
        html) formats+=(--format html --output "$out/report.html") ;;
        sarif) formats+=(--format sarif --output "$out/smtpspec.sarif") ;;
        *) echo "ci/run.sh: no format '$format'" >&2; finish 2 usage ;;
    esac
done
code=0
smtpspec "$command" "${words[@]}" "${formats[@]}" | tee "$out/terminal.txt" || code=${PIPESTATUS[0]}
if [ -s "$out/matrix.md" ]; then
    summary <"$out/matrix.md"
else
    fenced <"$out/terminal.txt" | summary
fi

# With a gate, findings that the baseline has as well are not red; everything that says nothing about the peer is.
[ -n "$baseline" ] || finish "$code" "$([ "$code" -eq 0 ] && echo green || echo red)"
case $code in
    0 | 1 | 5) ;;
    *) finish "$code" red ;;
esac
gate=0
reports=(--format terminal --format markdown --output "$out/compare.md")
[[ " ${SMTPSPEC_FORMATS-} " != *" html "* ]] || reports+=(--format html --output "$out/compare.html")
smtpspec compare "$baseline" "$out/result.json" --baseline-missing=ok "${reports[@]}" |
    tee "$out/compare.txt" || gate=${PIPESTATUS[0]}
if [ -s "$out/compare.md" ]; then summary <"$out/compare.md"; else fenced <"$out/compare.txt" | summary; fi
if [ "$gate" -eq 0 ]; then
    [ -e "$baseline" ] || notice "no baseline yet: this result becomes it once the default branch has run"
    cp "$out/result.json" "$out/baseline.json"
    finish 0 green
fi
[ "$gate" -ne 5 ] || notice "the gate cannot tell whether it got worse; see compare in the summary"
finish "$gate" red
