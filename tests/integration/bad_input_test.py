#!/usr/bin/env python3
"""bad_input_test.py SMTPSPEC: what a user gets wrong is refused with exit code 2 and a sentence, before anything is sent.

Each row is a mistake that once was taken for something else: an empty variable for "the embedded server", a folder for a file
of no rules, "abc" for a share of 0.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PORTS = "host: 127.0.0.1\nports: {587: starttls}\n"

# Files of the folder that the program runs in.
FILES = {
    "empty.rules": "",
    "comment.rules": "# nothing\n",
    "result.json": "{}\n",
    "twice.yaml": "waivers:\n- {id: a, id: b, reason: known}\n",
    "far.yaml": "waivers:\n- {id: a, ports: [99999], reason: known}\n",
    "nobody.yaml": PORTS + "auth: {password_env: KEY}\n",
    "both.yaml": PORTS + "auth: {user: a, password_env: KEY, password_file: empty.rules}\n",
    "nan.yaml": PORTS + "pace: {messages: nan}\n",
    "never.yaml": PORTS + "pace: {messages: 1e-300}\n",
    "always.yaml": PORTS + "pace: {messages: 1e300}\n",
    "inject.yaml": PORTS + 'envelope: {to: "a@b.test\\r\\nRCPT TO:<x@y.test>"}\n',
    "brackets.yaml": PORTS + 'envelope: {to: "a@b.test> <x"}\n',
    "escape.yaml": PORTS + 'name: "x\\u001b[31m"\n',
    "pattern.yaml": PORTS + 'facts: [{situation: rate-limit, reply: "/(/", source: here, date: now}]\n',
    "nopassword.yaml": PORTS + "auth: {user: a, password_file: empty.rules}\n",
    "file.yaml": PORTS + "auth: {user: a, password_file: result.json}\n",
    "secret.yaml": PORTS + "auth: {user: a, password: hunter2}\n",
    "escape2.yaml": PORTS + "\"\\\x1b[31m\": 1\n",
    "binary.yaml": "\x1b[2J\x1b]0;owned\x07" + "\x01\x02" * 500,
    "url.yaml": "host: http://localhost\nports: {587: starttls}\n",
    "port.yaml": "host: localhost:587\nports: {587: starttls}\n",
    "blank.yaml": "host: a b\nports: {587: starttls}\n",
    "more/one.smtp": None,
    "more/two.smtp": None,
    "broken.json": '{"schema": "smtpspec.result/2"}\n',
    "earlier.json": '{"schema": "smtpspec.latency/1"}\n',
    "later.json": '{"schema": "smtpspec.latency/3"}\n',
    "variable.yaml": PORTS + "auth: {user: a, password_env: KEY}\n",
}

# Words, what standard error has to say, and perhaps the variable KEY.
ROWS = [
    (["run", ""], "empty"),
    (["run", "--endpoint", ""], "empty"),
    (["run", "--endpoint="], "empty"),
    (["bench", ""], "empty"),
    (["run", "--only", ""], "empty"),
    (["run", "--skip="], "empty"),
    (["mock", "--fault", "", "--", "true"], "empty"),
    (["mock", "--faults", ".", "--", "true"], "directory"),
    (["mock", "--faults", "empty.rules", "--", "true"], "no rule"),
    (["mock", "--faults", "comment.rules", "--", "true"], "no rule"),
    (["mock", "--faults", "/dev/zero", "--", "true"], "more than"),
    *[(["run", "--allow-inconclusive", share], "percentage") for share in ("nan", "inf", "abc", "200%", "-5%", "%", "2%%")],
    (["run", "--seed", "-1"], "--seed"),
    (["run", "--seed", "99999999999999999999999"], "--seed"),
    (["run", "--seed", "0x10"], "--seed"),
    (["run", "--max-messages", "-1"], "--max-messages"),
    (["run", "--max-bad-logins", "-1"], "--max-bad-logins"),
    *[(["mock", "--chaos", rate, "--", "true"], "--chaos") for rate in ("nan", "2", "-0.1", "x")],
    (["mock", "--listen", "nowhere", "--", "true"], "--listen"),
    (["mock", "--password-env", "KEY", "--", "true"], "KEY is not set"),
    (["mock", "--password-env", "KEY", "--", "true"], "KEY is empty", ""),
    (["mock", "--password-env", "KEY", "--", "true"], "line end", "half\nanother half"),
    (["run", "--endpoint", "variable.yaml"], "KEY is not set"),
    (["run", "--endpoint", "variable.yaml"], "line end", "half\r\nanother half"),
    (["run", "--endpoint", "nopassword.yaml"], "is empty"),
    (["bogus"], "no command \"bogus\""),
    (["rnu"], "did you mean `run`"),
    (["run", "--ca", "/nonexistent"], "needs an endpoint"),
    (["run", "--connect-to", "a:25:b:25"], "needs an endpoint"),
    (["run", "--port", "1234"], "no such port"),
    (["bench", "--port", "1234"], "no such port"),
    (["bench", "--format", "junit"], "no tests to report"),
    (["bench", "--format", "sarif"], "no tests to report"),
    (["bench", "--format", "markdown"], "no tests to report"),
    (["report", "result.json", "--format", "html5"], "html5"),
    (["report", "."], "directory"),
    (["lint", "/dev/zero"], "more than"),
    (["run", "--endpoint", "./"], "directory"),
    (["run", "--only", "nosuch"], "fits no scenario"),
    (["list", "--only", "nosuch"], "fits no scenario"),
    (["selftest", "--only", "nosuch"], "fits no scenario"),
    (["report", "result.json", "--format", "json", "--output", "./result.json"], "overwrite an input"),
    (["run", "--waivers", "far.yaml", "--output", "far.yaml"], "overwrite an input"),
    (["run", "--endpoint", "both.yaml", "--output", "both.yaml"], "overwrite an input"),
    (["run", "--output", "o.json", "--output", "./o.json"], "overwrite another output"),
    (["run", "--endpoint", "file.yaml", "--output", "result.json"], "overwrite an input", "key"),
    (["mock", "--profile", "both.yaml", "--ca-out", "both.yaml", "--", "true"], "overwrite an input"),
    (["run", "--scenarios", ".", "--output", "empty.rules"], "a file of --scenarios"),
    (["selftest", "--port", "1234"], "no such port"),
    (["mock", "--ca-out", "ca", "--ready-file", "ca", "--", "true"], "overwrite another output"),
    (["run", "--waivers", "twice.yaml"], "twice"),
    (["run", "--waivers", "far.yaml"], "not a port"),
    (["run", "--waivers", "missing.yaml"], "smtpspec: cannot read"),
    (["run", "localhost:587"], "localhost --port 587"),
    (["run", "localhost:10587"], "--connect-to localhost:587:localhost:10587"),
    (["run", "127.1.1.1:25"], "127.1.1.1 --port 25"),
    (["run", "http://localhost"], "is a URL"),
    (["run", "mailhost"], ">mailhost.yaml; then give mailhost.yaml"),
    (["run", "resned"], "Did you mean `resend`?"),
    (["run", "--endpoint", "url.yaml"], "url.yaml:1:7: error: http://localhost is a URL"),
    (["run", "--endpoint", "port.yaml"], "expected: host: localhost\n"),
    (["run", "--endpoint", "blank.yaml"], "is no host"),
    (["run", "--endpoint", "secret.yaml"], "secret.yaml:3:27: error: a password does not belong"),
    (["run", "--endpoint", "escape2.yaml"], "unknown escape character: \\x1B"),
    (["run", "--endpoint", "binary.yaml"], "binary.yaml:1:"),
    (["mock", "--"], "the command after -- is empty"),
    (["mock", "--", ""], "the command after -- is empty"),
    (["run", "--", "true"], "only mock takes a command"),
    (["run", "--format", "json", "--format", "junit"], "2 reports would be mixed"),
    (["run", "--format", "json", "--output", "-", "--format", "terminal"], "2 reports would be mixed"),
    (["run", "--output", "missing/r.json"], "there is no folder missing"),
    (["run", "--output", "more"], "more is a folder"),
    (["run", "--output", "empty.rules/r.json"], "there is no folder empty.rules"),
    (["bench", "--output", "missing/r.json"], "there is no folder missing"),
    (["mock", "--ca-out", "missing/ca.pem", "--", "true"], "there is no folder missing"),
    (["report", "earlier.json"], "earlier.json is smtpspec.latency/1; report reads smtpspec.result/1 (of run) and smtpspec.latency/2 (of bench)"),
    (["report", "later.json"], "later.json is smtpspec.latency/3; report reads smtpspec.result/1 (of run) and smtpspec.latency/2 (of bench)"),
    (["report", "broken.json"], 'schema: expected "smtpspec.result/1", got "smtpspec.result/2"'),
    (["selftest", "--scenarios", "more"], "two.smtp:1:1: error: scenario starttls.cmd.parameter-501 is in more/one.smtp already"),
    (["list", "--jobs", "2"], "--jobs"),
    (["list", "--level", "shall"], "expected MUST"),
    (["run", "--port", "587,70000"], "--port"),
    (["list", "--only", "starttls.cmd.parameter-50"], "did you mean starttls.cmd.parameter-501? smtpspec list"),
    *[(["run", "--plan", "--endpoint", f"{name}.yaml"], text, "key") for name, text in (
        ("nobody", "no user"), ("both", "two places"), ("nan", "not a rate"), ("never", "not a rate"), ("always", "not a rate"),
        ("inject", "control character"), ("brackets", "< or >"), ("escape", "control character"),
        ("pattern", "regular expression"))],
]


def usable(program, folder):
    """What is no mistake: letter case, lists, help that fits a terminal."""
    bad = []

    def out(*words):
        done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            bad.append(f"{words}: exit code {done.returncode}: {done.stderr!r}")
        return done.stdout

    if out("list", "--level", "must") != out("list", "--level", "MUST"):
        bad.append("--level must is not --level MUST")
    plan = out("run", "--plan", "--port", "465,587", "--only", "implicit.*")
    if not all(f"\n  {port} " in plan for port in (465, 587)) or "\n  25 " in plan:
        bad.append(f"--port 465,587: {plan}")
    for words in (["--defects", "--format", "json"], ["--format", "json", "--defects"]):
        if not {"name", "side", "description"} <= set(json.loads(out("list", *words))[0]):
            bad.append(f"list {words} is no list of defects")
    if "STARTTLS with an argument" not in out("list", "--only", "starttls.cmd.parameter-501"):
        bad.append("list has no titles")
    commands = ["run", "selftest", "mock", "bench", "compare", "report", "list", "show", "lint"]
    for words in ([], *([command] for command in commands)):
        for line in out(*words, "--help").splitlines():
            if len(line) > 80:
                bad.append(f"{words} --help: {len(line)} columns: {line}")
    if "wrong logins" in out("bench", "--help"):
        bad.append("bench --help speaks of wrong logins")
    return bad


def main():
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "more").mkdir()
        scenario = pathlib.Path(sys.argv[2]) / "scenarios/starttls/starttls.cmd.parameter-501.smtp"
        for name, text in FILES.items():
            (pathlib.Path(folder) / name).write_text(scenario.read_text() if text is None else text)
        before = {name: (pathlib.Path(folder) / name).read_text() for name in FILES}
        for words, expected, *key in ROWS:
            environment = {name: value for name, value in os.environ.items() if name != "KEY"}
            if key:
                environment["KEY"] = key[0]
            done = subprocess.run([sys.argv[1], *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
            if done.returncode != 2 or expected not in done.stderr.replace("Directory", "directory") or "internal error" in done.stderr:
                bad.append(f"{words}: exit code {done.returncode}, expected 2 and \"{expected}\": {done.stderr!r}")
            if "hunter2" in done.stderr or any(c < " " and c != "\n" for c in done.stderr) or "\n\n" in done.stderr:
                bad.append(f"{words}: a secret, a control character or an empty line: {done.stderr!r}")
            if key and key[0].strip() and key[0].split()[0] in done.stderr and len(key[0]) > 3:
                bad.append(f"{words}: the password is in the message")
        left = {str(path.relative_to(folder)): path.read_text() for path in pathlib.Path(folder).rglob("*") if path.is_file()}
        bad += usable(sys.argv[1], folder)
        if left != before:
            bad.append(f"files changed: {sorted(set(left.items()) ^ set(before.items()))}")
    print("\n".join(bad) or f"{len(ROWS)} mistakes refused")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
