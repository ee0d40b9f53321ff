#!/usr/bin/env python3
"""run.py SERVER --program SMTPSPEC --deliver PROGRAM [--renew] [--keep FOLDER]

Starts a real server (servers/SERVER.sh) on all five ports of a free loopback address and checks:
  - the verdict of each cell of `smtpspec run` is that of expected/SERVER.txt; no error, at most 2 % inconclusive;
  - each fail and vulnerable is waived (waivers/SERVER.yaml) and shown without smtpspec by recipes/SERVER/SCENARIO.sh;
  - the reference client delivers on each port, once, byte for byte; `bench` delivers too;
  - with other settings of the server's own, exactly the cells of expected/SERVER.SETTING.txt change;
  - a plan sends nothing; a missing password and a profile with swapped modes are said clearly.
--renew writes expected/SERVER*.txt anew: look at the diff before you commit it.
Exit code: 0 good, 1 not, 77 skipped (needs root, and may make chroots and namespaces).
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PASSWORD = "re_test_key"
MAILBOXES = {"postfix": "var/mail/vhosts/catchall", "exim": "var/mail/catchall"}
LANES = {"postfix": 12, "exim": 5}  # Exim takes 20 connections at once; a cell may have three, and leave some behind
MODES = {25: "starttls", 465: "tls", 587: "starttls", 2465: "tls", 2587: "starttls"}
RED = ("fail", "vulnerable")


class Checks:
    """Says what was checked, and remembers whether all was well."""

    def __init__(self):
        self.failed = 0

    def __call__(self, good, what, details=""):
        print(f"{'ok  ' if good else 'FAIL'}  {what}", flush=True)
        if not good:
            self.failed += 1
            print("\n".join("      " + line for line in str(details).splitlines()[-60:]), flush=True)


def skip_reason():
    if os.geteuid() != 0:
        return "real servers need root (chroot, ports below 1024)"
    if subprocess.run(["which", "apt-get"], capture_output=True).returncode != 0:
        return "no apt-get: the servers are Debian packages"
    made = subprocess.run(["unshare", "--mount", "--pid", "--uts", "--fork", "mount", "--make-rprivate", "/"], capture_output=True)
    return "" if made.returncode == 0 else "namespaces are not allowed here"


def free_address():
    while True:
        address = f"127.20.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        with socket.socket() as probe:
            if probe.connect_ex((address, 25)) != 0:
                return address


class Server:
    """The server under test, its profile, and what programs need to know about it."""

    def __init__(self, name, program, folder):
        self.name, self.program, self.folder = name, program, folder
        self.address = free_address()
        self.mailbox = folder / "upper" / MAILBOXES[name]
        (folder / "password").write_text(PASSWORD)
        self.profile = self.write_profile("profile", MODES, f"password_file: {folder}/password")

    def write_profile(self, name, modes, secret):
        file = self.folder / f"{name}.yaml"
        ports = ", ".join(f"{port}: {mode}" for port, mode in modes.items())
        file.write_text(f"""name: {self.name}
host: mail.test
ports: {{{ports}}}
tls: {{ca_file: {self.folder}/pki/ca.crt}}
auth: {{user: resend, {secret}}}
envelope:
  from: sender@example.test
  to: inbox@example.test
  bad: bad@example.test
  remote: someone@remote.example
  recipients: [inbox@example.test, second@example.test, third@example.test]
  mailbox: {self.mailbox}
""")
        return file

    def launch(self, action, **environment):
        return subprocess.run([HERE / "servers" / f"{self.name}.sh", action, self.address, self.folder],
                              capture_output=True, text=True, env={**os.environ, **environment})

    def smtpspec(self, command, *options, profile=None):
        return subprocess.run([self.program, command, "--endpoint", profile or self.profile,
                               "--connect-to", f"mail.test::{self.address}:", *options], capture_output=True, text=True)

    def environment(self):
        return {**os.environ, "INTEROP_ADDRESS": self.address, "INTEROP_PASSWORD": PASSWORD,
                "INTEROP_CA": str(self.folder / "pki/ca.crt"), "INTEROP_MAILBOX": str(self.mailbox)}

    def stored(self):
        """How many messages the mailbox holds; asked until no more come for a second."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < 1:
            now = len(list((self.mailbox / "new").glob("*")))
            if now != count:
                count, since = now, time.monotonic()
            time.sleep(0.1)
        return count


def cell_name(cell):
    params = ",".join(f"{name}={value}" for name, value in cell["params"].items())
    return cell["scenario"] + (f"[{params}]" if params else "")


def verdict_lines(cells):
    return {f"{cell_name(cell)}@{cell['port']}": f"{cell['verdict']} ({cell['outcome']})" for cell in cells}


def expected_verdicts(name):
    file = HERE / "expected" / f"{name}.txt"
    return dict(line.rsplit(": ", 1) for line in file.read_text().splitlines()) if file.exists() else {}


def compare_verdicts(check, server, cells, renew):
    file = HERE / "expected" / f"{server.name}.txt"
    got = verdict_lines(cells)
    if renew:
        file.write_text("".join(f"{name}: {verdict}\n" for name, verdict in got.items()))
    expected = expected_verdicts(server.name)
    changes = [f"{name}: expected {expected.get(name, 'nothing')}, got {got.get(name, 'nothing')}"
               for name in sorted(expected.keys() | got.keys()) if expected.get(name) != got.get(name)]
    hint = f"\nIf this is right: tests/interop/run.py {server.name} --program … --deliver … --renew, and look at the diff."
    check(not changes, f"{len(got)} verdicts are those of {file.name}", "\n".join(changes) + hint)


def check_matrix(check, server, renew):
    result_file = server.folder / "result.json"
    run = server.smtpspec("run", "--jobs", str(LANES[server.name]), "--waivers", HERE / f"waivers/{server.name}.yaml",
                          "--allow-inconclusive", "2%", "--format", "json", "--output", result_file,
                          "--format", "terminal", "--output", server.folder / "matrix.txt")
    check(run.returncode == 0, "smtpspec run: exit code 0, what is red is waived", f"{run.returncode}\n{run.stderr}")
    if not result_file.exists():
        return
    cells = json.loads(result_file.read_text())["cells"]
    compare_verdicts(check, server, cells, renew)
    verdicts = [cell["verdict"] for cell in cells]
    check({cell["port"] for cell in cells} == set(MODES), "there is a column for each of the five ports")
    check("error" not in verdicts, "no cell is an error")
    check(verdicts.count("inconclusive") <= 0.02 * len(cells), "at most 2 % of the cells are inconclusive",
          "\n".join(cell_name(cell) + ": " + cell["reason"] for cell in cells if cell["verdict"] == "inconclusive"))
    check_recipes(check, server, [cell for cell in cells if cell["verdict"] in RED])


# The same server with other settings of its own: exactly the cells in expected/SERVER.NAME.txt have another verdict.
# (environment of the launcher, what is run)
SETTINGS = {
    "postfix": {
        # a busy server is slow to answer the end of the data: nothing changes
        "slow-end-of-data": ({"POSTFIX_EXTRA": "smtpd_end_of_data_restrictions=sleep,1"}, ["--only", "data.eod.*", "--port", "465,587"]),
        "hardened": ({"POSTFIX_EXTRA": "smtpd_forbid_bare_newline=yes disable_vrfy_command=yes"}, ["--port", "25,465"]),
        "softened": ({"POSTFIX_EXTRA": "smtpd_tls_auth_only=no"}, ["--port", "25"]),
        "no-auth-on-25": ({"POSTFIX_EXTRA": "smtpd_sasl_auth_enable=no"}, ["--port", "25"]),
    },
    "exim": {
        "softened": ({"EXIM_MACROS": "AUTH_SERVER_ALLOW_NOTLS_PASSWORDS = yes", "EXIM_MAIN": "acl_smtp_vrfy = accept"}, ["--port", "25"]),
        "no-auth-on-25": ({"EXIM_MAIN": "auth_advertise_hosts = ${if eq{$received_port}{25}{}{*}}"}, ["--port", "25"]),
    },
}


def check_settings(check, base, setting, renew):
    """A server with other settings, beside the one that was looked at."""
    environment, words = SETTINGS[base.name][setting]
    folder = base.folder / setting
    folder.mkdir()
    server = Server(base.name, base.program, folder)
    file = HERE / "expected" / f"{base.name}.{setting}.txt"
    try:
        started = server.launch("start", **environment)
        check(started.returncode == 0, f"{base.name}, {setting}, starts on {server.address}", started.stdout + started.stderr)
        run = server.smtpspec("run", "--jobs", str(LANES[base.name]), *words, "--format", "json")
    finally:
        server.launch("stop")
    got = verdict_lines(json.loads(run.stdout)["cells"]) if run.stdout else {}
    usual = expected_verdicts(base.name)
    changed = {cell: verdict for cell, verdict in got.items() if usual.get(cell) != verdict}
    if renew:
        file.write_text("".join(f"{cell}: {verdict}\n" for cell, verdict in changed.items()))
    expected = expected_verdicts(f"{base.name}.{setting}")
    wrong = [f"{cell}: expected {expected.get(cell, 'no change')}, got {changed.get(cell, 'no change')}"
             for cell in sorted(expected.keys() | changed.keys()) if expected.get(cell) != changed.get(cell)]
    check(got and not wrong, f"{base.name}, {setting}: of {len(got)} verdicts the {len(expected)} in {file.name} change", "\n".join(wrong) + run.stderr)


def check_recipes(check, server, red):
    """What smtpspec calls broken, other programs must be able to show."""

    def show(cell):
        recipe = HERE / "recipes" / server.name / f"{cell['scenario']}.sh"
        if not recipe.exists():
            return f"{cell_name(cell)}: no recipe {recipe}"
        words = [f"{name}={value}" for name, value in cell["params"].items()]
        for _ in range(2):  # a busy machine may delay a reply past the recipe's patience
            run = subprocess.run([recipe, str(cell["port"]), *words], env=server.environment(), capture_output=True,
                                 text=True, timeout=120)
            if run.returncode == 0:
                return ""
        return f"{cell_name(cell)}@{cell['port']}: not shown by {recipe.name}\n{run.stdout}{run.stderr}"

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        silent = [text for text in pool.map(show, red) if text]
    check(not silent, f"{len(red)} fail and vulnerable cells are shown without smtpspec", "\n".join(silent))


def check_delivery(check, server, program):
    run = subprocess.run([program], env=server.environment(), capture_output=True, text=True)
    check(run.returncode == 0, "the reference client delivers on each port, once, byte for byte", run.stdout)
    before = server.stored()
    run = server.smtpspec("bench", "--messages", "2")
    arrived = server.stored() - before
    check(run.returncode == 0 and arrived == 10, "bench delivers two messages on each port",
          f"exit code {run.returncode}, {arrived} arrived\n{run.stdout}{run.stderr}")


def check_latency(check, server):
    """A load has a time for each stage on each port, and they add up to the whole."""
    run = server.smtpspec("bench", "--connections", "1", "--messages", "6", "--no-calibration", "--format", "json")
    wrong = []
    for port in json.loads(run.stdout)["ports"] if run.returncode == 0 else []:
        stages = port["stages"]
        expected = {"connect", "greeting", "ehlo", "tls-handshake", "auth", "mail", "rcpt", "data", "content", "final-dot", "quit", "total"}
        expected |= {"starttls", "ehlo-in-tls"} if MODES[port["port"]] == "starttls" else set()
        parts = sum(stage["sum_us"] for name, stage in stages.items() if name != "total")
        whole = stages["total"]["sum_us"]
        if not expected <= set(stages) or port["sent"] != 6 or abs(parts / whole - 1) > 0.02:
            wrong.append(f"port {port['port']}: {sorted(expected - set(stages))} missing, {port['sent']} sent, {parts} us in stages of {whole} us")
    check(run.returncode == 0 and not wrong, "bench times all stages on five ports, and they add up to the whole",
          f"exit code {run.returncode}\n" + "\n".join(wrong) + run.stderr)


def check_manners(check, server):
    before = server.stored()
    plan = server.smtpspec("run", "--plan")
    check(plan.returncode == 0 and all(f"\n  {port} " in plan.stdout for port in MODES) and server.stored() == before,
          "a plan names the five ports and sends nothing", plan.stdout + plan.stderr)
    profile = server.write_profile("no-password", MODES, "password_env: SMTPSPEC_INTEROP_UNSET")
    run = server.smtpspec("run", profile=profile)
    check(run.returncode == 2 and "SMTPSPEC_INTEROP_UNSET" in run.stderr, "a missing password variable: exit code 2",
          f"{run.returncode}\n{run.stderr}")
    run = server.smtpspec("run", "--only", "auth.fail.wrong-password", "--format", "json", "--output", "-")
    check(run.returncode == 0, "a wrong password is refused on each port", run.stdout)
    swapped = {port: "tls" if mode == "starttls" else "starttls" for port, mode in MODES.items()}
    profile = server.write_profile("swapped", swapped, f"password_file: {server.folder}/password")
    run = server.smtpspec("run", "--only", "auth.fail.wrong-password", profile=profile)
    text = " ".join(run.stdout.split())
    check(run.returncode == 1 and "set its mode to starttls" in text and "Set its mode to tls" in text,
          "swapped modes: exit code 1, and what to change in the profile", f"{run.returncode}\n{run.stdout}{run.stderr}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=sorted(MAILBOXES))
    parser.add_argument("--program", required=True)
    parser.add_argument("--deliver", required=True)
    parser.add_argument("--renew", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, help="leave the state in this folder")
    arguments = parser.parse_args()
    reason = skip_reason()
    if reason:
        print(f"Skipped: {reason}")
        return 77
    check = Checks()
    with tempfile.TemporaryDirectory(prefix="smtpspec-interop-", ignore_cleanup_errors=True) as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        folder.mkdir(exist_ok=True)
        server = Server(arguments.server, arguments.program, folder)
        try:
            started = server.launch("start")
            check(started.returncode == 0, f"{server.name} starts on {server.address}", started.stdout + started.stderr)
            if not check.failed:
                check_delivery(check, server, arguments.deliver)
                check_latency(check, server)
                check_manners(check, server)
                check_matrix(check, server, arguments.renew)
        finally:
            server.launch("stop")
        for setting in SETTINGS[server.name]:
            check_settings(check, server, setting, arguments.renew)
    return 1 if check.failed else 0


sys.exit(main())
