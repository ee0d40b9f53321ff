#!/usr/bin/env python3
"""secrets_test.py SMTPSPEC: a key given by environment shows up nowhere.

A random key with every awkward character goes through run, bench, selftest's neighbours and mock, on good ways and on bad
ones. Whatever they wrote (files, logs, standard output and error, command lines while they ran) is searched for the key
raw, in base64 at all three alignments, in hex, and URL-, JSON- and HTML-escaped.
"""
import base64
import html
import json
import os
import pathlib
import secrets
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

PORTS = (25, 465, 587, 2465, 2587)


def disguises(key):
    """Every form of the key that would give it away, as octets."""
    raw = key.encode()
    found = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": urllib.parse.quote(key, safe="").encode(),
        "url+": urllib.parse.quote_plus(key).encode(),
        "json": json.dumps(key)[1:-1].encode(),
        "html": html.escape(key).encode(),
        "xml": html.escape(key, quote=False).encode(),
    }
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        # The first and the last group depend on what stands beside the key.
        found[f"base64 at {shift}"] = text[4:-4] if shift else text[: len(text) - 4]
    return found


class Watch(threading.Thread):
    """Collects the command lines of all processes while it runs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.seen = set()

    def run(self):
        while not self.over.wait(0.02):
            for entry in pathlib.Path("/proc").iterdir():
                if entry.name.isdigit():
                    try:
                        self.seen.add((entry / "cmdline").read_bytes())
                    except OSError:
                        pass


class Trial:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.key = "re_" + secrets.token_hex(6) + "&<\">'\\/+% " + secrets.token_hex(6)
        self.environment = dict(os.environ, SMTPSPEC_TEST_KEY=self.key, TMPDIR=str(folder))
        self.runs = 0

    def run(self, *words, key=None):
        """Runs smtpspec; what it says becomes a file of the folder. Gives the exit code."""
        environment = dict(self.environment, SMTPSPEC_TEST_KEY=self.key if key is None else key)
        self.runs += 1
        with open(self.folder / f"out.{self.runs}", "wb") as out, open(self.folder / f"err.{self.runs}", "wb") as err:
            return subprocess.run([self.program, *words], env=environment, stdout=out, stderr=err, timeout=300).returncode

    def mock(self, *words):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        log = open(self.folder / f"mock.{self.runs}.log", "wb")
        process = subprocess.Popen(
            [self.program, "mock", "--ephemeral", "--password-env", "SMTPSPEC_TEST_KEY", "--ca-out", str(self.folder / "ca.pem"),
             "--maildir", str(self.folder / "maildir"), "--ready-file", str(ready), *words],
            env=self.environment, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the mock did not start: " + (self.folder / f"mock.{self.runs}.log").read_text())
            time.sleep(0.02)  # for the file that says so; bounded above
        return process, json.loads(ready.read_text())["ports"]

    def endpoint(self, ports):
        """The options that lead a run to the mock."""
        profile = self.folder / "endpoint.yaml"
        modes = ", ".join(f"{port}: {entry['mode']}" for port, entry in ports.items())
        profile.write_text(
            f"name: here\nhost: mail.test\nports: {{{modes}}}\nauth: {{user: tester, password_env: SMTPSPEC_TEST_KEY}}\n"
            f"envelope: {{from: sender@sender.test, to: recipient@mail.test, bad: bad@mail.test, "
            f"remote: a@elsewhere.example, mailbox: {self.folder}/maildir}}\n")
        words = ["--endpoint", str(profile), "--ca", str(self.folder / "ca.pem")]
        for port, entry in ports.items():
            words += ["--connect-to", f"mail.test:{port}:127.0.0.1:{entry['port']}"]
        return words

    def reports(self):
        self.runs += 1
        words = []
        for name in ("terminal", "json", "junit", "markdown", "sarif"):
            words += ["--format", name, "--output", str(self.folder / f"report.{self.runs}.{name}")]
        return words + ["--transcripts", "all"]


def full_place(folder):
    """A path where writing fails as on a full disk. /dev/full may be missing in a container, or be no device at all."""
    own = folder / "full"
    try:
        os.mknod(own, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
    except OSError:
        own = pathlib.Path("/dev/full")
    try:
        if stat.S_ISCHR(own.stat().st_mode):
            descriptor = os.open(own, os.O_WRONLY)
            try:
                os.write(descriptor, b"x")
            except OSError:
                return str(own)
            finally:
                os.close(descriptor)
    except OSError:
        pass
    return str(folder / "no such folder" / "result.json")


def drive(trial):
    """The good way, refused logins, faults in the middle of a login, a server that is not there, wrong options."""
    codes = {}
    process, ports = trial.mock()
    to = trial.endpoint(ports)
    codes["good"] = trial.run("run", *to, *trial.reports())
    codes["bench"] = trial.run("bench", *to, "--messages", "2")
    codes["full"] = trial.run("run", *to, "--only", "auth.fail.*", "--format", "json", "--output", full_place(trial.folder))
    process.terminate()
    process.wait(timeout=60)
    codes["gone"] = trial.run("run", *to, *trial.reports())
    codes["wrong option"] = trial.run("run", *to, "--no-such-option")
    for fault in ('on auth-line -> "535 5.7.8 no"', 'on AUTH -> "454 4.7.0 later"', "on auth-line -> drop rst",
                  'on AUTH -> send "334 %%%\\r\\n"'):
        process, ports = trial.mock("--fault", fault)
        codes[fault] = trial.run("run", *trial.endpoint(ports), "--only", "auth.*", "--port", "587", *trial.reports())
        process.terminate()
        process.wait(timeout=60)
    process, ports = trial.mock("--defect", "auth-in-clear-accepted")
    codes["defect"] = trial.run("run", *trial.endpoint(ports), "--only", "auth.*", "--port", "587", *trial.reports())
    process.terminate()
    process.wait(timeout=60)
    codes["command"] = trial.run("mock", "--password-env", "SMTPSPEC_TEST_KEY", "--", "sh", "-c",
                                 'test "$(cat "$SMTPSPEC_PASSWORD_FILE")" = "$SMTPSPEC_TEST_KEY"')
    codes["embedded"] = trial.run("run", "--only", "auth.*", "--only", "client-auth.*", *trial.reports())
    return codes


def main():
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(sys.argv[1], pathlib.Path(name))
        watch = Watch()
        watch.start()
        codes = drive(trial)
        watch.over.set()
        watch.join()
        looked_at = [(path, path.read_bytes()) for path in trial.folder.rglob("*") if path.is_file()]
        looked_at += [("a command line", line) for line in watch.seen]
        print(f"{len(looked_at)} files and command lines, {sum(len(text) for _, text in looked_at)} octets; exit codes {codes}")
        bad = [f"{path}: the key, {how}" for path, text in looked_at for how, form in disguises(trial.key).items() if form in text]
        expected = {"good": (0, 1, 5), "full": (3,), "gone": (4,), "wrong option": (2,), "command": (0,), "embedded": (0,)}
        bad += [f"{what}: exit code {codes[what]}, expected {allowed}" for what, allowed in expected.items() if codes[what] not in allowed]
        # The search itself has to be able to find something.
        assert any(form in base64.b64encode(b"\0tester\0" + trial.key.encode()) for form in disguises(trial.key).values())
        print("\n".join(bad))
        return 1 if bad or len(looked_at) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
