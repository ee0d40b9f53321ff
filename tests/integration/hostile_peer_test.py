#!/usr/bin/env python3
"""hostile_peer_test.py SMTPSPEC: a peer that is silent, hangs up, never ends or stops is not judged, and not waited for.

Each peer is a few lines of sockets on a free port of 127.0.0.1. What counts is what a user sees: the exit code, and that no
cell is called a failure (or a pass) for what nobody could know.
"""
import collections
import concurrent.futures
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading


class Peer:
    """Accepts until closed; `talk(connection, number)` is a conversation, number counts from 1."""

    def __init__(self, talk):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.talk, self.count, self.open = talk, 0, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection, self.count), daemon=True).start()

    def serve(self, connection, number):
        try:
            self.talk(connection, number)
        except OSError:
            pass

    def close(self):
        self.listener.close()
        for connection in self.open:
            connection.close()


def silent(connection, number):
    while connection.recv(4096):
        pass


def closing(connection, number):
    connection.close()


def closing_at_hello(connection, number):
    connection.recv(4096)
    connection.close()


def resetting_at_hello(connection, number):
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def dripping_at_hello(connection, number):
    """Begins a TLS record and never ends it."""
    connection.recv(4096)
    connection.sendall(b"\x16\x03\x03\x40\x00\x02")
    silent(connection, number)


def alerting(connection, number):
    """A server whose TLS does not work, and says so."""
    connection.recv(4096)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
    connection.close()


def alerting_once(connection, number):
    (alerting if number == 1 else silent)(connection, number)


def lines_of(connection):
    rest = b""
    while True:
        while b"\r\n" not in rest:
            more = connection.recv(4096)
            if not more:
                return
            rest += more
        line, rest = rest.split(b"\r\n", 1)
        yield line.upper()


def endless_ehlo(connection, number):
    """STARTTLS stands far beyond where anybody reads."""
    connection.sendall(b"220 mail.test ESMTP\r\n")
    for line in lines_of(connection):
        if line.startswith(b"EHLO"):
            connection.sendall(b"250-mail.test\r\n" + b"250-X-FILLER\r\n" * 20000 + b"250 STARTTLS\r\n")
        elif line.startswith(b"QUIT"):
            return
        else:
            connection.sendall(b"250 2.0.0 yes\r\n")


def at_starttls(reply):
    """Lists STARTTLS and answers it by `reply`; b"": hangs up; None: says nothing more."""
    def starttls(connection, number):
        connection.sendall(b"220 mail.test ESMTP\r\n")
        for line in lines_of(connection):
            if line.startswith(b"STARTTLS"):
                if reply is not None:
                    connection.sendall(reply)
                    connection.close()
                silent(connection, number)
            connection.sendall(b"250-mail.test\r\n250 STARTTLS\r\n" if line.startswith(b"EHLO") else b"221 2.0.0 bye\r\n")
    return starttls


def nul_greeting(connection, number):
    connection.sendall(b"\0\0\0\0")
    silent(connection, number)


def plain_server(connection, number):
    connection.sendall(b"220 mail.test ESMTP\r\n")
    content = False
    for line in lines_of(connection):
        if content and line != b".":
            continue
        content = line.startswith(b"DATA")
        connection.sendall(b"354 go on\r\n" if content else b"221 2.0.0 bye\r\n" if line.startswith(b"QUIT") else b"250 2.0.0 yes\r\n")
        if line.startswith(b"QUIT"):
            return


def stopping(after):
    """A server that is stopped: its port still accepts, and nothing comes any more."""
    def stops(connection, number):
        (plain_server if number <= after else silent)(connection, number)
    return stops


class Trial:
    def __init__(self, program, folder):
        self.program, self.folder, self.bad = program, folder, []

    def run(self, talk, mode, *words, times=""):
        """Exit code, how often each verdict came, and the result."""
        peer = Peer(talk)
        profile = self.folder / f"{peer.port}.yaml"
        profile.write_text(f"name: peer\nhost: 127.0.0.1\nports: {{{peer.port}: {mode}}}\n"
                           f"envelope: {{from: a@peer.test, to: b@peer.test}}\n{times}")
        done = subprocess.run([self.program, "run", "--endpoint", str(profile), "--format", "json", *words],
                              cwd=self.folder, capture_output=True, text=True, timeout=500)
        peer.close()
        result = json.loads(done.stdout) if done.stdout else {"cells": [], "notices": []}
        verdicts = collections.Counter(cell["verdict"] for cell in result["cells"])
        print(f"{talk.__name__}, {mode}: exit code {done.returncode}, {dict(verdicts)}, {peer.count} connections, {len(done.stdout)} octets", flush=True)
        return done.returncode, verdicts, result, done, peer.count

    def expect(self, what, fits, *details):
        if not fits:
            self.bad.append(f"{what}: {details}")


def not_judged(trial):
    """Peers about which nothing can be known."""
    peers = ((silent, "tls", ["--only", "implicit.*"]), (closing, "tls", ["--only", "implicit.*"]),
                              (closing_at_hello, "tls", ["--only", "implicit.*"]), (resetting_at_hello, "tls", ["--only", "implicit.*"]),
                              (dripping_at_hello, "tls", ["--only", "implicit.*"]), (alerting_once, "tls", ["--only", "implicit.*"]),
                              (silent, "starttls", ["--only", "starttls.*"]), (closing, "starttls", ["--only", "starttls.*"]),
                              (endless_ehlo, "starttls", ["--only", "starttls.*"]), (nul_greeting, "starttls", ["--only", "starttls.*"]))
    with concurrent.futures.ThreadPoolExecutor() as pool:  # they wait most of the time
        runs = [pool.submit(trial.run, talk, mode, *words) for talk, mode, words in peers]
    for (talk, mode, _), run in zip(peers, runs):
        code, verdicts, result, done, _ = run.result()
        judged = sum(verdicts[verdict] for verdict in ("pass", "fail", "warn", "vulnerable"))
        trial.expect(f"{talk.__name__} {mode}", code == 4 and judged == 0 and verdicts["inconclusive"] > 0, code, verdicts,
                     [cell["reason"] for cell in result["cells"] if cell["verdict"] in ("pass", "fail", "warn", "vulnerable")], done.stderr)
        trial.expect(f"{talk.__name__} size", len(done.stdout) < 2_000_000, len(done.stdout))
    reasons = {cell["reason"] for cell in runs[-1].result()[2]["cells"]}
    trial.expect("what came", any("\\0" in reason for reason in reasons), reasons)


def judged(trial):
    """The neighbours of those: what is proved stays proved."""
    code, verdicts, result, _, _ = trial.run(alerting, "tls", "--only", "implicit.*")
    failed = [cell["scenario"] for cell in result["cells"] if cell["verdict"] == "fail"]
    trial.expect("alerting", code == 1 and "implicit.handshake.immediate" in failed, code, failed)


def promises(trial):
    """endpoint.mode for each way not to begin TLS: red only for the server's own words about TLS."""
    for reply, verdict in ((None, "inconclusive"), (b"", "inconclusive"), (b"421 4.7.0 too many connections\r\n", "inconclusive"),
                           (b"454 4.7.0 TLS not available\r\n", "warn"), (b"502 5.5.1 no\r\n", "fail"), (b"220 go ahead\r\n", "fail")):
        cells = trial.run(at_starttls(reply), "starttls", "--only", "starttls.cmd.parameter-501")[2]["cells"]
        found = [cell["verdict"] for cell in cells if cell["scenario"] == "endpoint.mode"]
        trial.expect(f"endpoint.mode at {reply}", found == [verdict], found)


def goes_silent(trial):
    """The server is stopped in the middle (SIGSTOP): its port is given up after three conversations, and nobody is blamed."""
    code, verdicts, result, done, count = trial.run(stopping(2), "plain", "--only", "data.*", "--jobs", "2", times="time: {step: 2s}\n")
    red = [f"{cell['scenario']}: {cell['reason']}" for cell in result["cells"] if cell["verdict"] in ("fail", "vulnerable", "warn")]
    given_up = any("given up" in notice for notice in result["notices"])
    trial.expect("silent after 2", code == 4 and not red and given_up and count < 30, code, verdicts, red, result["notices"], count, done.stderr)


RESETTING = """
cat >"$1.yaml" <<X
name: resetting
host: mail.test
ports: {587: starttls}
auth: {user: $SMTPSPEC_USER, password_file: $SMTPSPEC_PASSWORD_FILE}
envelope: {from: a@sender.test, to: recipient@mail.test, bad: bad@mail.test}
X
"$2" run --endpoint "$1.yaml" --ca "$SMTPSPEC_CA_FILE" --connect-to "mail.test:587:127.0.0.1:$SMTPSPEC_PORT_587" \\
    --only 'data.*' --only 'auth.*' --only 'starttls.*' --format json --output "$1.json"
"""


def resets(trial):
    """A reset at any step: what was not seen is not judged, what was seen stays, and there is always a result."""
    def at(step):
        name = trial.folder / step
        done = subprocess.run([trial.program, "mock", "--fault", f"on {step} -> drop rst", "--", "sh", "-c", RESETTING, "sh", str(name), trial.program],
                              cwd=trial.folder, capture_output=True, text=True, timeout=500)
        path = trial.folder / f"{step}.json"
        cells = json.loads(path.read_text())["cells"] if path.exists() else []
        verdicts = collections.Counter(cell["verdict"] for cell in cells)
        print(f"reset at {step}: exit code {done.returncode}, {dict(verdicts)}", flush=True)
        return done.returncode, verdicts, [cell["scenario"] for cell in cells if cell["verdict"] == "fail"]

    # Where a server that always resets there is told from a good one by what it did, not by what it did not.
    blamed = {"STARTTLS": {"starttls.advert.works", "starttls.handshake.hello-in-same-write"},
              "auth-line": {"auth.exchange.cancel-501"}}
    steps = ["EHLO", "STARTTLS", "AUTH", "auth-line", "MAIL", "RCPT", "DATA", "end-of-data"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for step, (code, verdicts, failed) in zip(steps, pool.map(at, steps)):
            known = set(failed) <= blamed.get(step, set())
            trial.expect(f"reset at {step}", code in (1, 4, 5) and known and verdicts["inconclusive"] > 0 and not verdicts["error"] and
                         not verdicts["vulnerable"], code, verdicts, failed)


def main():
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(sys.argv[1], pathlib.Path(name))
        judged(trial)
        not_judged(trial)
        promises(trial)
        goes_silent(trial)
        resets(trial)
        print("\n".join(trial.bad))
        return 1 if trial.bad else 0


if __name__ == "__main__":
    sys.exit(main())
