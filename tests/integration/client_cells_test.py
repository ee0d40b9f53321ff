#!/usr/bin/env python3
"""client_cells_test.py SMTPSPEC SOURCE_DIR: client scenarios against small clients that are right or wrong in one way each."""
import os
import re
import subprocess
import sys
import tempfile

COMMON = """
import os, smtplib, socket, ssl, sys, time
HOST = os.environ["SMTPSPEC_HOST"]
USER = os.environ["SMTPSPEC_USER"]
with open(os.environ["SMTPSPEC_PASSWORD_FILE"]) as file:
    PASSWORD = file.read().rstrip("\\n")

def port(number):
    return int(os.environ["SMTPSPEC_PORT_%d" % number])

def context():
    return ssl.create_default_context(cafile=os.environ["SMTPSPEC_CA_FILE"])

def session():
    server = smtplib.SMTP(HOST, port(587), timeout=30)
    server.starttls(context=context())
    server.login(USER, PASSWORD)
    return server

def send(server, sender="app@sender.test", to=("you@mail.test",), mid="<1@client.test>"):
    server.sendmail(sender, list(to), "Message-ID: %s\\r\\nSubject: hello\\r\\n\\r\\nworld\\r\\n" % mid)

def tries(count, delay, **more):
    for number in range(count):
        try:
            server = session()
            send(server, **{key: value(number) for key, value in more.items()})
            server.close()
            sys.exit(0)
        except (smtplib.SMTPException, OSError):
            time.sleep(delay)
    sys.exit(75)
"""

CLIENTS = {
    # comes, and goes before anything was asked of it
    "quits": "server = smtplib.SMTP(HOST, port(587), timeout=30); server.quit(); sys.exit(75)",
    # takes every failure for a success
    "hides": """
try:
    send(session())
except Exception:
    pass
""",
    "hangs-up": """
server = session()
server.mail("app@sender.test")
server.rcpt("you@mail.test")
server.docmd("DATA")
server.sock.sendall(b"Subject: hello\\r\\n\\r\\nworld\\r\\n.\\r\\n")
server.sock.close()
""",
    "patient": "tries(6, 0.3)",
    "hasty": "tries(25, 0)",
    "own-sender": "tries(6, 0.3, sender=lambda number: 'me@client.test')",
    "new-recipient": "tries(6, 0.3, to=lambda number: ['u%d@mail.test' % number])",
    "new-id": "tries(6, 0.3, mid=lambda number: '<%d@client.test>' % number)",
    "one-recipient": "send(session())",
    "five-recipients": "send(session(), to=['u%d@mail.test' % number for number in range(5)])",
    "clear-465": """
try:
    smtplib.SMTP_SSL(HOST, port(465), context=context(), timeout=30)
except (OSError, smtplib.SMTPException):
    pass
server = smtplib.SMTP(HOST, port(465), timeout=30)
try:
    server.ehlo()
except smtplib.SMTPException:
    pass
sys.exit(75)
""",
    "goes-on": """
raw = socket.create_connection((HOST, port(587)), timeout=30)
replies = raw.makefile("rb")

def reply():
    line = replies.readline()
    while line[3:4] == b"-":
        line = replies.readline()

reply()
raw.sendall(b"EHLO client.test\\r\\n")
reply()
raw.sendall(b"STARTTLS\\r\\n")
reply()
raw.sendall(bytes.fromhex("16030100050100000100"))
raw.recv(100)
raw.sendall(b"MAIL FROM:<app@sender.test>\\r\\n")
raw.recv(100)
sys.exit(75)
""",
}

CASES = [
    # scenario, client, the verdict
    ("client-starttls.strip.not-offered[how=missing]", "hides", r"fail \(claimed-sent\)"),
    ("client-starttls.refused.454-5xx[policy=require-tls,stls=r454]", "quits", "inconclusive"),
    ("client-tls.cert.untrusted[kind=expired]", "quits", "inconclusive"),
    ("client-tls.cert.untrusted[kind=expired]", "hides", r"fail \(claimed-sent\)"),
    ("client-auth.fail.535", "quits", "inconclusive"),
    ("client-starttls.handshake.failure[how=alert,policy=opportunistic]", "goes-on", r"fail \(continued\)"),
    ("client-implicit.plaintext-server", "clear-465", r"vulnerable \(in-clear\)"),
    ("client-queue.ambiguous.slow-250", "quits", "inconclusive"),
    ("client-queue.ambiguous.slow-250", "hangs-up", r"fail \(claimed-sent\)"),
    ("client-queue.ambiguous.slow-250", "patient", r"pass \(awaited\)"),
    ("client-queue.ambiguous.drop-after-dot[how=fin]", "new-id", r"fail \(new-id\)"),
    ("client-queue.ambiguous.drop-after-dot[how=fin]", "patient", r"pass \(retried\)"),
    ("client-queue.retry.delay[at=mail]", "hasty", r"fail \(tight\)"),
    ("client-queue.retry.delay[at=mail]", "patient", r"pass \(spaced\)"),
    ("client-queue.greylist.same-envelope", "own-sender", r"pass \(through\)"),
    ("client-queue.greylist.same-envelope", "new-recipient", r"fail \(changed\)"),
    ("client-queue.ratelimit.mail[code=r455,then=closed]", "hasty", r"warn \(hammering\)"),
    ("client-queue.ratelimit.mail[code=r455,then=closed]", "patient", r"pass \(ok\)"),
    ("client-queue.ratelimit.mail[code=r455,then=closed]", "quits", "inconclusive"),
    ("client-queue.pool.single-copy", "one-recipient", r"skipped \(not-asked\)"),
    ("client-queue.pool.single-copy", "five-recipients", r"pass \(one\)"),
]


def main():
    program = sys.argv[1]
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in CLIENTS.items():
            with open(os.path.join(folder, name + ".py"), "w", encoding="ascii") as file:
                file.write(COMMON + text)
        for scenario, client, verdict in CASES:
            command = [sys.executable, os.path.join(folder, client + ".py")]
            run = subprocess.run([program, "mock", "--scenario", scenario, *sys.argv[3:], "--", *command],
                                 capture_output=True, text=True, timeout=120, check=False)
            shown = run.stderr.strip().splitlines()[-1]
            if not re.search(": " + verdict, shown):
                bad.append(f"{scenario} with {client}: expected {verdict!r}, got {run.returncode} and {shown!r}")
    print("\n".join(bad) or f"{len(CASES)} cases")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
