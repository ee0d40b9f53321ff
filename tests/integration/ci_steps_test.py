#!/usr/bin/env python3
"""The GitHub action and the GitLab template: their YAML by the schemas in tests/data and by rules written here, which say more than
a schema can; and their shell steps run as CI would.
"""
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

program, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"SKIP: {missing}: python3-yaml and python3-jsonschema are needed")
    sys.exit(77)
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)


def problems(schema, document):
    if True in document:  # YAML 1.1 reads the key "on" as true
        document["on"] = document.pop(True)
    validator = jsonschema.Draft7Validator(json.loads((source / f"tests/data/{schema}.schema.json").read_text()))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]


# 1. The files.
for schema, path, place in (("github-action", "action.yml", ["runs", "using"]), ("github-workflow", "docs/ci/github-workflow.yml", ["on"]),
                            ("gitlab-ci", "ci/gitlab.yml", ["smtpspec", "script"])):
    # A hidden job may hold anything; what extends it has to be a job.
    document = {key.lstrip(".") if isinstance(key, str) else key: value for key, value in yaml.safe_load((source / path).read_text()).items()}
    check(problems(schema, document) == [], f"{path}: {problems(schema, document)}")
    broken = document
    for key in place[:-1]:
        broken = broken[key]
    broken[place[-1]] = {"sirens": True}
    check(problems(schema, document) != [], f"{path}: its schema finds a mistake at {place}")
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


def second_run(what, baseline, arguments, code, status, said):
    """The program itself, with the baseline that a run before it has left."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, program)
        place.env.update(SMTPSPEC_OUT="out", SMTPSPEC_BASELINE="base.json", SMTPSPEC_FORMATS="junit markdown html")
        first = place.step("Run", SMTPSPEC_ARGUMENTS=baseline)
        check(first.returncode == 0 and "no baseline yet" in first.stdout, f"{what}, the first run: {first.stdout[-500:]}{first.stderr[-500:]}")
        check(place.step("Keep the baseline").returncode == 0, f"{what}: the baseline is kept")
        shutil.move(place.folder / ".smtpspec/baseline/baseline.json", place.folder / "base.json")
        second = place.step("Run", SMTPSPEC_ARGUMENTS=arguments)
        check(second.returncode == code and f"status={status}\n" in place.text("GITHUB_OUTPUT").split("\n", 2)[2],
              f"{what}: exit {second.returncode}, {second.stdout[-800:]}{second.stderr[-500:]}")
        check(said in second.stdout and said in place.text("GITHUB_STEP_SUMMARY"), f"{what}: {said!r} is said: {second.stdout[-800:]}")
        check(place.text("out/compare.html").startswith("<!doctype html>"), f"{what}: the comparison as a page")


def stale():
    """A folder that an earlier run has left: nothing of it is shown as this one's."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, program)
        place.step("Run", SMTPSPEC_OUT="out", SMTPSPEC_ARGUMENTS="--only starttls.cmd.* --port 587")
        check(place.text("out/matrix.md") != "" and place.text("out/junit.xml") != "", "the first run has written its reports")
        done = place.step("Run", SMTPSPEC_OUT="out", SMTPSPEC_ARGUMENTS="--only no.such")
        check(done.returncode == 2 and place.text("GITHUB_STEP_SUMMARY").count("nothing is wrong") == 1, "an old matrix is not shown again")
        check(place.text("out/junit.xml") == place.text("out/result.json") == "", "old reports are gone")


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
case("arguments of blanks only", 0, "green", {"SMTPSPEC_FORMATS": "junit", "SMTPSPEC_ARGUMENTS": "  \n "}, binary=None)
stale()
log, _ = case("arguments", 0, "green", {"SMTPSPEC_ARGUMENTS": "--only 'a b*' $(touch pwned) --port 465,587"})
check("<--only><a b*><$(touch><pwned)><--port><465,587>" in log, f"quoted as in a shell, nothing run: {log}")
case("a summary without Markdown is fenced", 0, "green", {"SMTPSPEC_FORMATS": "junit"}, summary="````\nterminal ``` text\n````")
case("a format that does not exist", 2, "usage", {"SMTPSPEC_FORMATS": "pdf"})
case("options with a quote that has no end", 2, "usage", {"SMTPSPEC_ARGUMENTS": "--only='starttls.* --no-auth"})
case("a command that is none", 2, "usage", {"SMTPSPEC_COMMAND": "mock"})
real = {"SMTPSPEC_FORMATS": "junit", "SMTPSPEC_ARGUMENTS": "--only 'starttls.*' --port 587"}
case("the program itself", 0, "green", real, summary="Server embedded", binary=program)
case("the program itself, without a key", 2, "red", {**resend, "SMTPSPEC_FORMATS": "junit"}, binary=program)
starttls = "--only 'starttls.*' --port 587,465"
second_run("the same again", starttls, starttls, 0, "green", "same")
second_run("a port less", starttls, "--only 'starttls.*' --port 587", 1, "red", "nothing was tested on that port")

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

# A token is for GitLab and not for the storage that it sends on to.
with tempfile.TemporaryDirectory() as folder:
    seen = []

    class Storage(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path.split("?")[0], self.headers.get("PRIVATE-TOKEN")))
            first = self.path.startswith("/api")
            self.send_response(302 if first else 200)
            if first:
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/storage?signed=1")
            self.end_headers()
            self.wfile.write(b"" if first else b"{}")

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Storage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run([source / "ci/fetch_baseline.sh", "base.json", "smtp"], cwd=folder, capture_output=True, text=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api", "CI_PROJECT_ID": "1",
                                   "CI_DEFAULT_BRANCH": "main", "CI_JOB_TOKEN": "t", "SMTPSPEC_API_TOKEN": "secret"})
        server.shutdown()
    if shutil.which("curl"):
        check(done.returncode == 0 and (pathlib.Path(folder) / "base.json").read_text() == "{}", f"a baseline in the storage: {done.stdout}{done.stderr}")
        check([token for _, token in seen] == ["secret", None], f"the token stays with GitLab: {seen}")

if shutil.which("shellcheck"):
    done = subprocess.run(["shellcheck", *sorted((source / "ci").glob("*.sh"))], capture_output=True, text=True)
    check(done.returncode == 0, done.stdout)
for failure in failures:
    print("FAIL:", failure)
sys.exit(1 if failures else 0)
