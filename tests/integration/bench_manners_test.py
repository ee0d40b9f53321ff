#!/usr/bin/env python3
"""bench_manners_test.py SMTPSPEC: what `bench` owes a server, as the log of the server shows it.

One wrong login for each port, no message over the budget, no mail while a limit lasts, each port at the address that
--connect-to names. The server is `smtpspec mock`, in another process, on free ports.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

PASSWORD = "a-password-of-this-test"


class Mock:
    """`smtpspec mock` with a log; ends with the block."""

    def __init__(self, program, folder, *words):
        self.folder, self.ready = folder, folder / "ready"
        environment = dict(os.environ, KEY=PASSWORD)
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen([program, "mock", "--ephemeral", "--password-env", "KEY", "--ca-out", str(folder / "ca.pem"),
                                         "--ready-file", str(self.ready), *words], env=environment, stdout=self.log, stderr=self.log)

    def __enter__(self):
        until = time.monotonic() + 60
        while not self.ready.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the mock did not start: " + (self.folder / "log").read_text())
            time.sleep(0.02)  # for the file that says so; bounded above
        self.ports = {int(port): entry for port, entry in json.loads(self.ready.read_text())["ports"].items()}
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()

    def commands(self, verb):
        """How often each logical port got this command; ends the mock, so that the log is whole."""
        self.process.terminate()
        self.process.wait(timeout=60)
        log = (self.folder / "log").read_text()
        return collections.Counter(int(port) for port in re.findall(rf"#\d+ (\d+) \S+ +C: {verb}\b", log))


def bench(program, mock, *words, ports=(25, 465), password=PASSWORD, more="", host="mail.test", addresses=None):
    """Exit code, the result, the table."""
    folder = mock.folder
    modes = ", ".join(f"{port}: {mock.ports[port]['mode']}" for port in ports)
    (folder / "peer.yaml").write_text(f"name: peer\nhost: {host}\nports: {{{modes}}}\nauth: {{user: tester, password_env: KEY}}\n"
                                      f"envelope: {{from: sender@sender.test, to: recipient@mail.test}}\n{more}")
    command = [program, "bench", "--endpoint", str(folder / "peer.yaml"), "--ca", str(folder / "ca.pem"), "--format", "json", "--output",
               str(folder / "result.json"), "--format", "terminal", "--output", str(folder / "table"), *words]
    for port in ports:
        command += ["--connect-to", f"{host}:{port}:{(addresses or {}).get(port, '127.0.0.1')}:{mock.ports[port]['port']}"]
    done = subprocess.run(command, env=dict(os.environ, KEY=password), capture_output=True, text=True, timeout=300)
    if not (folder / "result.json").exists():
        raise SystemExit(f"no result, exit {done.returncode}: {done.stderr}")
    return done.returncode, json.loads((folder / "result.json").read_text()), (folder / "table").read_text()


def stops(result):
    return {port["port"]: port["stopped"] and port["stopped"]["cause"] for port in result["ports"]}


def tried(result):
    return {port["port"]: (port["planned"], port["messages"], port["sent"]) for port in result["ports"]}


def wrong_login(program, mock):
    for more in ("", "pace: {messages: 50/s}\nbudget: {messages: 5, bad_logins: 1}\n"):
        code, result, table = bench(program, mock, "--messages", "5", password="wrong", more=more)
        assert code == 5, (code, table)
        assert stops(result) == {25: "login-refused", 465: "login-refused"}, result
        assert table.count("0 of 1 messages sent, 4 not tried") == 2 and "the login was refused" in table, table
    assert mock.commands("AUTH") == {25: 2, 465: 2}, mock.commands("AUTH")  # once in each of the two runs


def limit(program, mock):
    """The message after the limit waits for the pause of ten seconds: nothing comes before it."""
    begin = time.monotonic()
    code, result, table = bench(program, mock, "--messages", "2")
    assert time.monotonic() - begin >= 10, "there was no pause"  # a bound that no slow machine can break
    assert code == 5 and tried(result) == {25: (2, 2, 1), 465: (2, 2, 2)}, (code, result)
    assert result["ports"][0]["errors"][0]["cause"] == "rate-limited", result
    assert len(result["notices"]) == 1 and "nothing was sent for 10 s" in result["notices"][0], result
    assert "Rate limit exceeded" in " ".join(table.split()), table
    assert mock.commands("MAIL") == {25: 2, 465: 2}, mock.commands("MAIL")


def budget(program, mock):
    code, result, table = bench(program, mock, "--messages", "5", more="budget: {messages: 2}\npace: {messages: 100/s}\n")
    assert code == 0 and tried(result) == {25: (5, 2, 2), 465: (5, 2, 2)}, (code, result)
    assert stops(result) == {25: "budget", 465: "budget"} and "2 of 2 messages sent, 3 not tried" in table, table
    code, result, table = bench(program, mock, "--messages", "5", "--max-messages", "0", more="pace: {messages: 100/s}\n")
    assert code == 77 and tried(result) == {25: (5, 0, 0), 465: (5, 0, 0)}, (code, result)
    assert mock.commands("MAIL") == {25: 2, 465: 2}, mock.commands("MAIL")


def addresses(program, mock):
    """The mock listens on 127.0.0.1 alone: a port that is told another address must not end there."""
    code, result, table = bench(program, mock, "--messages", "1", addresses={465: "127.0.0.77"})
    assert code == 4 and tried(result) == {25: (1, 1, 1), 465: (1, 0, 0)}, (code, result)
    assert "127.0.0.77" in result["ports"][1]["stopped"]["reason"], result
    assert "dns" not in result["ports"][0]["stages"], result


def name(program, mock):
    code, result, table = bench(program, mock, "--messages", "1", host="localhost", addresses={25: "localhost", 465: ""})
    assert code == 0 and all(port["stages"]["dns"]["count"] == 1 for port in result["ports"]), (code, result)
    assert "\nDNS " in table and "\nfinal dot " in table, table


def load(program, mock, *words, **more):
    return bench(program, mock, "--no-calibration", "--i-may-load-this-host", *words, **more)


def load_budget(program, mock):
    """Warm-up counts as well: three messages for each port."""
    three = "budget: {messages: 3}\npace: {messages: 100/s}\n"
    code, result, table = load(program, mock, "--connections", "1", "--messages", "5", "--warmup", "1", more=three)
    assert code == 0 and tried(result) == {25: (5, 2, 2), 465: (5, 2, 2)}, (code, result)
    assert stops(result) == {25: "budget", 465: "budget"}, result
    code, result, table = load(program, mock, "--connections", "1", "--duration", "60s", "--port", "25", more=three)
    assert code == 0 and tried(result) == {25: (3, 3, 3)} and "the time was not used up" in " ".join(table.split()), (code, table)
    code, result, table = load(program, mock, "--rate", "30", "--duration", "100ms", "--port", "25", more=three)
    assert code == 0 and tried(result) == {25: (3, 3, 3)}, (code, result)
    for words in (["--duration", "2s"], ["--rate", "10"], ["--connections", "2"]):
        code, result, table = load(program, mock, *words, more="budget: {messages: 0}\npace: {messages: 100/s}\n")
        assert code == 77 and tried(result)[25][1:] == (0, 0), (words, code, result)
    assert mock.commands("MAIL") == {25: 3 + 3 + 3, 465: 3}, mock.commands("MAIL")


def load_limit(program, mock):
    """The first such reply ends the load on all ports; at most the other connection's message is under way."""
    code, result, table = load(program, mock, "--connections", "2", "--messages", "10", more="pace: {messages: 100/s}\n")
    assert code == 5 and stops(result) == {25: "rate-limited", 465: "rate-limited"}, (code, result)
    assert "limited us on port 25" in result["ports"][1]["stopped"]["reason"], result
    mails = mock.commands("MAIL")
    assert mails[25] <= 2 and mails[465] == 0, mails


def load_pace(program, mock):
    """Eight messages at 4/s over two ports: the eighth begins 7 turns after the first, less the tenth by which a turn may come early."""
    begin = time.monotonic()
    code, result, table = load(program, mock, "--connections", "2", "--messages", "4", more="pace: {messages: 4/s}\nbudget: {messages: 50}\n")
    assert code == 0 and tried(result) == {25: (4, 4, 4), 465: (4, 4, 4)}, (code, result)
    assert time.monotonic() - begin >= 6.9 / 4, "faster than the pace"  # a bound that no slow machine can break


def main():
    program = sys.argv[1]
    limited = ["--fault", 'on MAIL first -> "450 4.7.1 Rate limit exceeded"']
    for trial, words in ((wrong_login, []), (limit, limited), (budget, []), (addresses, []), (name, []),
                         (load_budget, []), (load_limit, limited), (load_pace, [])):
        with tempfile.TemporaryDirectory() as folder, Mock(program, pathlib.Path(folder), *words) as mock:
            trial(program, mock)
        print(trial.__name__, "ok", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
