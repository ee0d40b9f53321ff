#!/usr/bin/env bash
# ci/fetch_baseline.sh FILE JOB: GitLab: the baseline that JOB left on the default branch, from its artefacts. None yet is no
# error; any other answer is one, because a gate that finds no baseline is green. Where GitLab sends on to its object storage, the
# token stays behind: curl would show it to whichever host it is sent to.
set -euo pipefail
file=${1:?} job=${2:?}
url=$CI_API_V4_URL/projects/${CI_MERGE_REQUEST_PROJECT_ID:-$CI_PROJECT_ID}/jobs/artifacts/$CI_DEFAULT_BRANCH/raw/smtpspec-results/baseline.json
# The token goes in by standard input: what stands on a command line, every process can read.
header="JOB-TOKEN: $CI_JOB_TOKEN"
[ -z "${SMTPSPEC_API_TOKEN:-}" ] || header="PRIVATE-TOKEN: $SMTPSPEC_API_TOKEN"
answer=$(printf 'header = "%s"\n' "$header" |
    curl -sS --retry 3 -K - -G --data-urlencode "job=$job" -o "$file.new" -w '%{http_code} %{redirect_url}' "$url")
read -r status elsewhere <<<"$answer"
case $status in
    30[12378]) status=$(curl -sS --retry 3 -o "$file.new" -w '%{http_code}' "$elsewhere") ;;
esac
case $status in
    200) mv "$file.new" "$file"; echo "baseline: from $CI_DEFAULT_BRANCH" ;;
    404) rm -f "$file.new"; echo "baseline: none on $CI_DEFAULT_BRANCH yet" ;;
    *) rm -f "$file.new"; echo "baseline: $url answered $status" >&2; exit 3 ;;
esac
