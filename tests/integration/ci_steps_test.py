#!/usr/bin/env python3
"""The GitHub action and the GitLab template: their YAML by rules written here, and their shell steps run as CI would.

No schema is kept here: the rules below check what has gone wrong in such files, and need no network.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

program, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
try:
    import yaml
except ImportError:
    print("SKIP: python3-yaml is not installed")
    sys.exit(77)
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)


# 1. The files.
action = yaml.safe_load((source / "action.yml").read_text())
steps = action["runs"]["steps"]
check(action["runs"]["using"] == "composite", "a composite action")
for step in steps:
    check(("run" in step) != ("uses" in step), f"one of run and uses: {step}")
    check("run" not in step or step.get("shell") == "bash", f"a composite step names its shell: {step['name']}")
    # An input put into a script's text would be run as a script.
    check("${{" not in step.get("run", ""), f"no expression inside a script: {step['name']}")
    check("uses" not in step or re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"]), f"an action of GitHub's: {step}")
text = (source / "action.yml").read_text()
for name in re.findall(r"inputs\.([\w-]+)", text):
    check(name in action["inputs"], f"input {name} exists")
for name in re.findall(r"steps\.([\w-]+)", text):
    check(any(step.get("id") == name for step in steps), f"step {name} exists")
check(all(set(value) <= {"description", "default", "required"} for value in action["inputs"].values()), "keys of inputs")

workflow = yaml.safe_load((source / "docs/ci/github-workflow.yml").read_text())
check(workflow["permissions"] == {"contents": "read"}, "the least permissions")
check("pull_request_target" not in workflow[True], "no secrets for forks")
for job in workflow["jobs"].values():
    for step in job["steps"]:
        check(set(step.get("with", {})) <= set(action["inputs"]) , f"inputs exist: {step}")
template = yaml.safe_load((source / "ci/gitlab.yml").read_text())
job = template[".smtpspec"]
check(set(job) <= {"image", "variables", "cache", "before_script", "script", "artifacts"}, "keys of a GitLab job")
check(all(isinstance(line, str) for part in ("before_script", "script") for line in job[part]), "script lines are strings")

# 2. The steps.
STUB = """#!/bin/sh
[ "$1" = compare ] && { echo "compared $*"; exit ${STUB_GATE:-0}; }
printf '<%s>' "$@" >>"$STUB_LOG"
while [ $# -gt 0 ]; do
    [ "$1" != --output ] || echo '{"```": "made"}' >"$2"
    shift
done
echo 'terminal ``` text'
exit ${STUB_CODE:-0}
"""


class Place:
    """An empty workspace with the files that GitHub gives to a step."""

    def __init__(self, folder, binary=None):
        self.folder = folder = pathlib.Path(folder)
        (folder / "bin").mkdir()
        if binary:
            (folder / "bin/smtpspec").symlink_to(binary)
        else:
            (folder / "bin/smtpspec").write_text(STUB)
            (folder / "bin/smtpspec").chmod(0o755)
        self.env = {"PATH": f"{folder}/bin:/usr/bin:/bin", "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(source),
                    "STUB_LOG": str(folder / "log"), "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_PATH"):
            self.env[name] = str(folder / name)
            (folder / name).touch()

    def text(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def step(self, name, **env):
        script = next(step["run"] for step in steps if step["name"] == name)
        # As GitHub runs it.
        return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=self.folder,
                              env={**self.env, **env}, capture_output=True, text=True, timeout=300)


def case(what, code, status, env, said="", summary="", binary=None, baseline=None):
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, binary)
        if baseline:
            (place.folder / "base.json").write_text(baseline)
        done = place.step("Run", SMTPSPEC_OUT="out", **env)
        check(done.returncode == code, f"{what}: exit {done.returncode}, not {code}: {done.stdout[-500:]}{done.stderr[-500:]}")
        check(f"status={status}\n" in place.text("GITHUB_OUTPUT"), f"{what}: {place.text('GITHUB_OUTPUT')}")
        check(said in done.stdout, f"{what}: said {done.stdout!r}")
        check(summary in place.text("GITHUB_STEP_SUMMARY"), f"{what}: summary {place.text('GITHUB_STEP_SUMMARY')[:500]!r}")
        return place.text("log"), (place.folder / "out/baseline.json").exists()


gate = {"SMTPSPEC_BASELINE": "base.json"}
resend = {"SMTPSPEC_ENDPOINT": "resend", "SMTPSPEC_SECRET_ENV": "RESEND_API_KEY"}
case("green", 0, "green", {}, summary="made")
case("red", 1, "red", {"STUB_CODE": "1"})
for code in (2, 3, 4, 5, 77, 130):
    case(f"without a gate {code} stays", code, "red", {"STUB_CODE": str(code)})
for code in (2, 3, 4, 77, 130):
    _, kept = case(f"a gate does not excuse {code}", code, "red", {**gate, "STUB_CODE": str(code)}, baseline="{}")
    check(not kept, f"{code} is no baseline")
_, kept = case("the first run", 0, "green", gate, said="::notice title=smtpspec::no baseline yet", summary="--baseline-missing=ok")
check(kept, "the first run becomes the baseline")
case("the baseline has the same findings", 0, "green", {**gate, "STUB_CODE": "1"}, baseline="{}", summary="compared")
_, kept = case("worse", 1, "red", {**gate, "STUB_GATE": "1"}, baseline="{}")
check(not kept, "what is worse becomes no baseline")
case("cannot tell", 5, "red", {**gate, "STUB_GATE": "5"}, said="cannot tell", baseline="{}")
log, _ = case("a fork has no secret", 0, "skipped", {**resend, "SMTPSPEC_FORK": "true"}, said="skipped", summary="**skipped**")
check(log == "", "nothing ran for the fork")
case("a fork runs the mock", 0, "green", {"SMTPSPEC_FORK": "true", "SMTPSPEC_SECRET_ENV": "RESEND_API_KEY"})
log, _ = case("not a fork: smtpspec itself says that the secret is missing", 2, "red", {**resend, "STUB_CODE": "2"})
check("<resend>" in log, "the endpoint is handed on")
log, _ = case("arguments", 0, "green", {"SMTPSPEC_ARGUMENTS": "--only 'a b*' $(touch pwned) --port 465,587"})
check("<--only><a b*><$(touch><pwned)><--port><465,587>" in log, f"quoted as in a shell, nothing run: {log}")
case("a summary without Markdown is fenced", 0, "green", {"SMTPSPEC_FORMATS": "junit"}, summary="````\nterminal ``` text\n````")
case("a format that does not exist", 2, "usage", {"SMTPSPEC_FORMATS": "pdf"})
case("options with a quote that has no end", 2, "usage", {"SMTPSPEC_ARGUMENTS": "--only='starttls.* --no-auth"})
case("a command that is none", 2, "usage", {"SMTPSPEC_COMMAND": "mock"})
real = {"SMTPSPEC_FORMATS": "junit", "SMTPSPEC_ARGUMENTS": "--only 'starttls.*' --port 587"}
case("the program itself", 0, "green", real, summary="Server embedded", binary=program)
case("the program itself, without a key", 2, "red", {**resend, "SMTPSPEC_FORMATS": "junit"}, binary=program)

with tempfile.TemporaryDirectory() as folder:
    place = Place(folder)
    prefix = place.folder / ".smtpspec/program/bin"
    prefix.mkdir(parents=True)
    shutil.copy(program, prefix / "smtpspec")
    known = subprocess.run(["git", "-C", source, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    log = hashlib.sha256((pathlib.Path(source) / "CHANGELOG.md").read_bytes()).hexdigest()
    (prefix.parent / "made-of").write_text(f"source {known or log}\n")
    done = place.step("Install", SMTPSPEC_PREFIX=".smtpspec/program", SMTPSPEC_PACKAGE="no-such-package.deb")
    check(done.returncode != 0 and "from the cache" not in done.stdout, f"another package is another program: {done.stdout}{done.stderr}")
    done = place.step("Install", SMTPSPEC_PREFIX=".smtpspec/program", SMTPSPEC_PACKAGE="")
    check(done.returncode == 0 and "from the cache" in done.stdout, f"install from the cache: {done.stdout}{done.stderr}")
    check(place.text("GITHUB_PATH") == f"{prefix}\n", f"the path: {place.text('GITHUB_PATH')}")
    (place.folder / "out").mkdir()
    (place.folder / "out/baseline.json").write_text("{}")
    check(place.step("Keep the baseline", SMTPSPEC_OUT="out").returncode == 0, "keep the baseline")
    check(place.text(".smtpspec/baseline/baseline.json") == "{}", "the baseline is kept")

# GitLab's lines, with a curl that answers what a server would.
for answer, code, status, what in (("200", 0, "baseline: from main", "a baseline"), ("404", 0, "none on main yet", "the first run"),
                                   ("403", 3, "", "a baseline that cannot be read is red")):
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        curl = place.folder / "bin/curl"
        curl.write_text('#!/bin/sh\ncat >/dev/null\nwhile [ "$1" != -o ]; do shift; done\necho "{}" >"$2"\nprintf ' + answer + "\n")
        curl.chmod(0o755)
        env = {"CI_API_V4_URL": "http://127.0.0.1:9", "CI_PROJECT_ID": "1", "CI_DEFAULT_BRANCH": "main", "CI_JOB_TOKEN": "t",
               "CI_JOB_NAME": "smtp", "SMTPSPEC_SOURCE": str(source), **job["variables"], **place.env}
        env["SMTPSPEC_SOURCE"] = str(source)
        for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
            env.pop(name)
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], cwd=folder, env=env,
                              capture_output=True, text=True, timeout=60)
        check(done.returncode == code and status in done.stdout, f"GitLab, {what}: {done.returncode} {done.stdout}{done.stderr}")
        check(code or (place.folder / "smtpspec-results/summary.md").exists(), f"GitLab, {what}: a summary")

if shutil.which("shellcheck"):
    done = subprocess.run(["shellcheck", *sorted((source / "ci").glob("*.sh"))], capture_output=True, text=True)
    check(done.returncode == 0, done.stdout)
for failure in failures:
    print("FAIL:", failure)
sys.exit(1 if failures else 0)
