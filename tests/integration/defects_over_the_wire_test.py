#!/usr/bin/env python3
"""defects_over_the_wire_test.py SMTPSPEC: `run` against `mock --defect NAME` shows the same red as selftest.

For every defect of the faithful server, in another process: each scenario that names it has to reach the label that its
selftest entry names. Nothing but the wire and a Maildir is shared.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

PROGRAM = sys.argv[1]
SECRET = "a-password-of-this-test"
# A real ten-minute wait: between two processes time does not run faster. selftest has them in time lapse.
# The other one is seen over the wire only by a profile with a longer `step`: 8 s without a greeting, and a port is not judged.
TOO_LONG = {"starttls.fail.silent-after-220", "conn.greeting.prompt"}

# A Maildir holds text lines: where the border of the header is behind a bare LF pair, it cannot show as the embedded store can.
NOT_IN_A_MAILDIR = {("data.bare-crlf.header-border", "kept")}


def catalogue():
    """{defect: [(scenario, label)]} of the server scenarios."""
    listed = subprocess.run([PROGRAM, "list", "--side", "server", "--format", "json"], capture_output=True, check=True)
    entries = {}
    for scenario in json.loads(listed.stdout):
        for defect, label in scenario["selftest"].items():
            if scenario["id"] not in TOO_LONG and (scenario["id"], label) not in NOT_IN_A_MAILDIR:
                entries.setdefault(defect, []).append((scenario["id"], label))
    return entries


def start_mock(folder, defect, environment):
    ready = folder / "ready"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [PROGRAM, "mock", "--ephemeral", "--defect", defect, "--password-env", "KEY", "--maildir", str(folder / "box"),
             "--ca-out", str(folder / "ca.pem"), "--ready-file", str(ready)], env=environment, stdout=log, stderr=log)
    until = time.monotonic() + 60
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the mock did not start: " + (folder / "log").read_text())
        time.sleep(0.02)  # for the file that says so; bounded above
    return process, json.loads(ready.read_text())["ports"]


def judge(folder, ports, scenarios, environment):
    modes = ", ".join(f"{port}: {entry['mode']}" for port, entry in ports.items())
    (folder / "endpoint.yaml").write_text(
        f"name: here\nhost: mail.test\nports: {{{modes}}}\nauth: {{user: tester, password_env: KEY}}\n"
        f"envelope: {{from: sender@sender.test, to: recipient@mail.test, bad: bad@mail.test, "
        f"remote: someone@elsewhere.example, mailbox: {folder}/box}}\n")
    words = [PROGRAM, "run", "--endpoint", str(folder / "endpoint.yaml"), "--ca", str(folder / "ca.pem"), "--slow",
             "--format", "json", "--output", str(folder / "result.json")]
    for port, entry in ports.items():
        words += ["--connect-to", f"mail.test:{port}:127.0.0.1:{entry['port']}"]
    for scenario in scenarios:
        words += ["--only", scenario]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=400)
    try:
        return json.loads((folder / "result.json").read_text())["cells"]
    except OSError:
        raise RuntimeError(f"no result, exit {done.returncode}: {done.stderr}")


def trial(defect, entries):
    """What is missing, as lines."""
    environment = dict(os.environ, KEY=SECRET)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        process, ports = start_mock(folder, defect, environment)
        try:
            cells = judge(folder, ports, {scenario for scenario, _ in entries}, environment)
        finally:
            process.terminate()
            process.wait(timeout=60)
    missing = []
    for scenario, label in entries:
        mine = [cell for cell in cells if cell["scenario"] == scenario]
        if not any(reached["label"] == label for cell in mine for reached in cell["labels"]):
            seen = sorted({f"{cell['verdict']} {cell['outcome']} {cell['reason']}" for cell in mine})
            missing.append(f"{defect}: {scenario} never reached {label}: {seen}")
    return missing


def main():
    entries = catalogue()
    missing = []
    with concurrent.futures.ThreadPoolExecutor(8) as crew:
        for found in crew.map(trial, entries, entries.values()):
            missing += found
    print(f"{len(entries)} defects, {sum(map(len, entries.values()))} entries")
    print("\n".join(missing))
    return 1 if missing or len(entries) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
