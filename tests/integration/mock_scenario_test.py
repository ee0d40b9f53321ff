#!/usr/bin/env python3
"""mock_scenario_test.py SMTPSPEC SOURCE_DIR: `mock --scenario … -- CMD` judges what the command did, and says so by its exit code."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

SEND = """
import os, smtplib, ssl, sys
env = os.environ
try:
    with smtplib.SMTP(env["SMTPSPEC_HOST"], int(env["SMTPSPEC_PORT_587"]), timeout=30) as server:
        server.starttls(context=ssl.create_default_context(cafile=env["SMTPSPEC_CA_FILE"]))
        with open(env["SMTPSPEC_PASSWORD_FILE"]) as file:
            server.login(env["SMTPSPEC_USER"], file.read().rstrip("\\n"))
        server.sendmail("app@sender.test", ["you@mail.test"], "Subject: hello\\r\\n\\r\\nworld\\r\\n")
except smtplib.SMTPException as problem:
    print(problem)
    if HIDE:
        sys.exit(0)
    sys.exit(75)
"""

# Leaves a process that keeps its connection until the server ends it.
HOLD = """
import os, socket
server = socket.create_connection(("127.0.0.1", int(os.environ["SMTPSPEC_PORT_587"])), timeout=60)
server.recv(1000)
server.sendall(b"EHLO client.test\\r\\n")
server.recv(1000)
if os.fork() == 0:
    while server.recv(1000):
        pass
else:
    os._exit(75)
"""

# Sends the password in clear, and then says that it did not.
LEAK = """
import os, smtplib, sys
env = os.environ
with smtplib.SMTP(env["SMTPSPEC_HOST"], int(env["SMTPSPEC_PORT_587"]), timeout=30) as server:
    with open(env["SMTPSPEC_PASSWORD_FILE"]) as file:
        server.login(env["SMTPSPEC_USER"], file.read().rstrip("\\n"))
sys.exit(75)
"""

STRIP = "client-starttls.strip.no-credentials-in-clear[stls=missing]"

CASES = [
    # scenario, command, exit code, last line
    ("client-starttls.strip.no-credentials-in-clear[stls=missing]", None, 5, "inconclusive: no client connected"),
    ("client-starttls.upgrade.used", None, 5, "inconclusive: no client connected"),
    ("client-starttls.upgrade.used", "honest", 0, r"pass \(upgraded\)"),
    ("client-starttls.strip.no-credentials-in-clear[stls=missing]", "honest", 75, r"pass \(refused\)"),
    ("client-queue.ratelimit.mail[code=r451,then=kept]", "hiding", 1, r"fail \(lost\)"),
    ("client-auth.plain.encoding[word=short]", "honest", 0, r"pass \(right\)"),
    (STRIP, "holding", 75, "pass"),
    (STRIP, "leaking", 1, r"vulnerable \(clear-auth\)"),
    ("client-auth.fail.535", "honest", 75, r"pass \(stopped\)"),  # its output gives the reason
    ("client-starttls.sequence.nothing-after-command", "honest", 1, r"pass \(waited\)"),  # 300 ms are 300 ms
    ("client-auth.oauth.error-step[mech=XOAUTH2]", "honest", 75, "inconclusive: the client logged in by nothing"),
]


def still_connected(program, folder):
    """Ctrl-C while a client that nobody started is in the middle of a session: what is wrong with it."""
    ready = os.path.join(folder, "ready.json")
    command = [program, "mock", "--ephemeral", "--ready-file", ready, "--scenario", STRIP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as mock:
        while not os.path.exists(ready) and mock.poll() is None:
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as file:
            port = json.load(file)["ports"]["587"]["port"]
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.recv(1000)
            client.sendall(b"EHLO client.test\r\n")
            client.recv(1000)
            mock.send_signal(signal.SIGINT)
            _, err = mock.communicate(timeout=60)
    return "" if mock.returncode == 0 and ": pass" in err else f"Ctrl-C with a client connected: {mock.returncode} {err}"


def main():
    program = sys.argv[1]
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        for name, hide in (("honest", False), ("hiding", True)):
            with open(os.path.join(folder, name + ".py"), "w", encoding="ascii") as file:
                file.write(f"HIDE = {hide}\n" + SEND)
        with open(os.path.join(folder, "holding.py"), "w", encoding="ascii") as file:
            file.write(HOLD)
        with open(os.path.join(folder, "leaking.py"), "w", encoding="ascii") as file:
            file.write(LEAK)
        for scenario, client, code, last in CASES:
            command = ["true"] if client is None else [sys.executable, os.path.join(folder, client + ".py")]
            run = subprocess.run([program, "mock", "--scenario", scenario, "--", *command], capture_output=True, text=True,
                                 timeout=120, check=False)
            shown = run.stderr.strip().splitlines()[-1]
            if run.returncode != code or not re.search(": " + last, shown):
                bad.append(f"{scenario} with {client}: expected {code} and {last!r}, got {run.returncode} and {shown!r}")
        bad += filter(None, [still_connected(program, folder)])
    print("\n".join(bad) or f"{len(CASES)} cases")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
