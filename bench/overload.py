#!/usr/bin/env python3
"""overload.py [--seconds S] [--program PATH] [--summary FILE]: an open load below and above what a server carries.

The capacity of `smtpspec mock` in another process (port 587, STARTTLS, AUTH, a connection for each message) is measured with a closed
load of 20 connections; then an open load comes at 80 % and at 120 % of it, three times each, in turns. At 80 % all messages have to be
sent and nothing may be said about the load; at 120 % it has to be called too much, and every message has to be accounted for: sent, or never
begun. Exit code 1 when it is not so.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from soak import HERE, start_mock

PORT = 587


def bench(given, folder, mock, ready, *words):
    (folder / "endpoint.yaml").write_text(
        f"name: overload\nhost: mail.test\nports: {{{PORT}: starttls}}\ntls: {{ca_file: {folder}/ca.pem}}\n"
        f"auth: {{user: {ready['user']}, password_env: OVERLOAD_PASSWORD}}\nenvelope: {{from: anna@client.test, to: bert@mail.test}}\n")
    actual = ready["ports"][str(PORT)]["port"]
    result = folder / "result.json"
    done = subprocess.run([given.program, "bench", "--endpoint", folder / "endpoint.yaml", "--connect-to", f"mail.test:{PORT}:127.0.0.1:{actual}",
                           "--no-calibration", "--format", "json", "--output", result, *words],
                          env=dict(os.environ, OVERLOAD_PASSWORD=Path(ready["password_file"]).read_text().strip()),
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f"overload.py: bench ended with {done.returncode}: {done.stderr}")
    document = json.loads(result.read_text())
    return document["ports"][0], document["notices"]


def told(port, notices):
    """What a user sees of it, on one line, and how many never began."""
    total = port["stages"]["total"]
    never = re.search(r"(\d+) never began", " ".join(notices))
    p99 = f", p99 {total['p99_us'] / 1000:.1f} ms" if total["p99_us"] is not None else ""
    return f"{port['sent']} of {port['planned']} sent, total p50 {total['p50_us'] / 1000:.1f} ms{p99}", int(never[1]) if never else 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--program", default=str(HERE.parent / "build/release/smtpspec"))
    options.add_argument("--summary", help="where the summary goes; default: standard output alone")
    given = options.parse_args()
    lines, good = [], True

    def say(text):
        lines.append(text)
        print(text, flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mock, ready = start_mock(given.program, folder)
        try:
            port, _ = bench(given, folder, mock, ready, "--connections", "20", "--duration", f"{given.seconds}s")
            capacity = port["sent"] / port["seconds"]
            say(f"{time.strftime('%Y-%m-%d')}: {os.cpu_count()} cores; a closed load of 20 connections carries {capacity:.0f} messages/s")
            for percent in (80, 120) * 3:
                rate = round(capacity * percent / 100)
                port, notices = bench(given, folder, mock, ready, "--rate", str(rate), "--duration", f"{given.seconds}s")
                text, never = told(port, notices)
                too_much = any("the load was too much" in notice for notice in notices)
                whole = port["sent"] + never == port["planned"] and not port["errors"]
                right = whole and too_much == (percent > 100)
                good = good and right
                say(f"\n{percent} %, {rate} messages/s: {text}: {'as it should be' if right else 'WRONG'}")
                for notice in notices:
                    say(f"    {notice}")
        finally:
            mock.terminate()
            mock.wait(30)
    say("\n" + ("good" if good else "NOT GOOD"))
    if given.summary:
        Path(given.summary).write_text("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
