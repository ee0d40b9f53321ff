#!/usr/bin/env python3
"""idle.py PORT COUNT PID clear|tls: opens COUNT connections to 127.0.0.1:PORT, says EHLO on each, and leaves them idle. Prints as JSON what
the resident memory of the server PID grew by for each, and how long 1000 and all took to open. peers.sh uses it."""
import json
import resource
import socket
import ssl
import sys
import time


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def reply(one):
    """Until a line with a blank behind the code."""
    text = b""
    while not (text.endswith(b"\r\n") and text.splitlines()[-1][3:4] == b" "):
        more = one.recv(4096)
        if not more:
            sys.exit(f"idle.py: the server closed: {text!r}")
        text += more


def opened(port, context):
    one = socket.create_connection(("127.0.0.1", port))
    if context:
        one = context.wrap_socket(one, server_hostname="mail.test")
    reply(one)
    one.sendall(b"EHLO idle.test\r\n")
    reply(one)
    return one


def main():
    port, count, pid, kind = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < count + 50:
        sys.exit(f"idle.py: {count} connections need as many descriptors, and {hard} are allowed (ulimit -Hn)")
    context = None
    if kind == "tls":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    kept = [opened(port, context) for _ in range(10)]  # what is made once is not counted
    before = resident_kib(pid)
    begun = time.monotonic()
    first = 0.0
    for number in range(1, count + 1):
        kept.append(opened(port, context))
        if number == 1000:
            first = time.monotonic() - begun
    seconds = time.monotonic() - begun
    print(json.dumps({"kib_each": (resident_kib(pid) - before) / count, "seconds": seconds, "seconds_1000": first or seconds}))


if __name__ == "__main__":
    main()
