#!/usr/bin/env python3
"""resend_test.py SMTPSPEC: the built-in profile against its provider, played by the mock, seen from the mock's log.

In a network namespace of its own smtp.resend.com leads to `mock --profile resend --real-ports` on an address that is not
loopback, so that the manners for servers elsewhere hold: budget, pace, and a pause after the first limit reply. Nothing is
sent by --plan, nor without the key.
Exit code: 0 good, 1 not, 77 skipped (needs root, and may make namespaces).
"""
import contextlib
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ADDRESS = "203.0.113.5"  # RFC 5737: for documentation, so nobody's; it exists inside the namespace only
PORTS = [25, 465, 587, 2465, 2587]
BUDGET_MESSAGES = 10
KEY = "re_0123456789abcdef"
PAUSE = 10  # seconds of silence after the first limit reply

failed = 0


def check(good, what, details=""):
    global failed
    print(f"{'ok  ' if good else 'FAIL'}  {what}", flush=True)
    if not good:
        failed += 1
        print("\n".join("      " + line for line in str(details).splitlines()[-40:]), flush=True)


class Log:
    """The mock's log: lines of time, #session, port, tls or clear, and what was said."""

    def __init__(self, path):
        self.path = path
        self.skip = 0

    def lines(self):
        found = []
        for line in self.path.read_text(errors="replace").splitlines():
            fields = re.match(r"(\d\d:\d\d:\d\d\.\d+) #(\d+) (\d+) (?:tls|clear)\s+(\S+:?) ?(.*)", line)
            if fields:
                at = datetime.datetime.strptime(fields[1], "%H:%M:%S.%f")
                found.append((at, int(fields[2]), int(fields[3]), fields[4].rstrip(":"), fields[5]))
        return found[self.skip:]

    def mark(self):
        """What was said until now is not looked at again."""
        self.skip += len(self.lines())

    def said(self, who, begin):
        return [line for line in self.lines() if line[3] == who and line[4].upper().startswith(begin.upper())]


@contextlib.contextmanager
def mock(program, folder, *words):
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    log = folder / "mock.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [program, "mock", "--profile", "resend", "--real-ports", "--listen", ADDRESS, "--password-env", "RESEND_API_KEY",
             "--ca-out", str(folder / "ca.pem"), "--ready-file", str(ready), *words],
            env=dict(os.environ, RESEND_API_KEY=KEY), stdout=out, stderr=out)
    try:
        until = time.monotonic() + 60
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the mock did not start: " + log.read_text())
            time.sleep(0.05)  # for the file that says so; bounded above
        yield Log(log)
    finally:
        process.terminate()
        process.wait(timeout=60)


def run(program, folder, *words, key=KEY):
    environment = {name: value for name, value in os.environ.items() if name != "RESEND_API_KEY"}
    if key:
        environment["RESEND_API_KEY"] = key
    return subprocess.run([program, "run", "resend", "--ca", str(folder / "ca.pem"), *words],
                          env=environment, capture_output=True, text=True, timeout=400)


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


def nothing_is_sent(program, folder, log):
    before = len(log.lines())
    plan = run(program, folder, "--plan")
    check(plan.returncode == 0 and all(word in plan.stdout for word in ("connections", "logins", "messages", "duration")),
          "--plan says connections, logins, messages and duration", plan.stdout + plan.stderr)
    missing = run(program, folder, key=None)
    check(missing.returncode == 2 and "RESEND_API_KEY" in missing.stderr, "without the key: exit code 2", missing.stderr)
    check(len(log.lines()) == before, "neither has made a connection", log.lines()[before:])


def budget_and_pace(program, folder, log):
    log.mark()
    # Message budgets are spent by the dsn and data scenarios, wrong logins by auth.
    done = run(program, folder, "--only", "auth.*", "--only", "dsn.*", "--only", "data.*", "--skip", "data.eod.only-crlf*",
               "--format", "terminal", "--format", "json", "--output", str(folder / "result.json"))
    check(done.returncode == 0, "the run is green", done.stdout + done.stderr)
    check(all(re.search(rf"\b{port}\b", done.stdout.split("\n\n")[1]) for port in PORTS), "five columns", done.stdout)
    cells = result_of(folder)["cells"]
    judged = {port for port in PORTS if any(c["port"] == port and c["verdict"] == "pass" for c in cells)}
    check(judged == set(PORTS), "something is judged on each port", judged)
    check(any("budget" in c["reason"] for c in cells if c["verdict"] == "skipped"), "what is over the budget is skipped, and says so")
    mails = log.said("C", "MAIL FROM")
    for port in PORTS:
        messages = sum(1 for line in log.said("S", "354") if line[2] == port)
        wrong = sum(1 for line in log.said("S", "535") if line[2] == port)
        check(0 < messages <= BUDGET_MESSAGES, f"port {port}: {messages} message(s), at most {BUDGET_MESSAGES}")
        check(wrong <= 1, f"port {port}: {wrong} wrong login(s), at most 1")
    # One message a second over all ports: one may be late, and the next in time.
    took = (mails[-1][0] - mails[0][0]).total_seconds()
    check(took >= len(mails) - 2, f"the pace is kept: {len(mails)} MAIL in {took:.1f} s")
    check(not log.said("S", "450"), "the provider's limit was never reached")


def pause(program, folder):
    with mock(program, folder, "--fault", 'on MAIL first -> "450 4.7.1 Rate limit exceeded"') as log:
        done = run(program, folder, "--only", "dsn.*", "--port", "465", "--port", "587",
                   "--format", "json", "--output", str(folder / "result.json"))
        limit = log.said("S", "450")
        check(len(limit) == 1, "one limit reply", limit)
        after = [line for line in log.said("C", "MAIL FROM") if line[0] > limit[0][0]]
        gap = (after[0][0] - limit[0][0]).total_seconds() if after else 0
        check(gap >= PAUSE - 1, f"a pause after it: the next MAIL comes {gap:.1f} s later, on any port")
        limited = [c for c in result_of(folder)["cells"] if "Rate limit exceeded" in c["reason"]]
        check([c["verdict"] for c in limited] == ["inconclusive"], "the cell that met it is inconclusive", limited)
        check(done.returncode == 5, "exit code 5", done.returncode)


def inside(program):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESS} smtp.resend.com\n")
        for words in (["ip", "link", "set", "lo", "up"], ["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"],
                      ["mount", "--bind", str(hosts), "/etc/hosts"]):
            subprocess.run(words, check=True)
        try:
            with mock(program, folder) as log:
                nothing_is_sent(program, folder, log)
                budget_and_pace(program, folder, log)
            pause(program, folder)
        finally:
            subprocess.run(["umount", "/etc/hosts"], check=True)
    return 1 if failed else 0


def main():
    if sys.argv[1] == "--inside":
        return inside(sys.argv[2])
    namespace = ["unshare", "--net", "--mount", "--propagation", "private"]
    if os.geteuid() != 0 or subprocess.run([*namespace, "true"], capture_output=True).returncode != 0:
        print("skipped: needs root, and may make network namespaces")
        return 77
    return subprocess.run([*namespace, sys.executable, __file__, "--inside", sys.argv[1]]).returncode


if __name__ == "__main__":
    sys.exit(main())
