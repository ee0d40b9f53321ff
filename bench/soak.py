#!/usr/bin/env python3
"""soak.py [--seconds S] [--rate R] [--program PATH] [--summary FILE]: a long open load on loopback, watched.

`smtpspec bench` sends R messages a second to `smtpspec mock` in another process, over port 587 with STARTTLS and AUTH, ten
messages to a connection. The resident memory and the open descriptors of both are read every few seconds. At the end:

  - every message is accounted for: what bench says it sent is what mock says it took;
  - no descriptor is left over;
  - the slope of each memory, in KiB per hour with a 95 % interval, from the samples behind the first tenth.

Exit code 1 when a message is missing or twice, one failed, a descriptor leaked, or a memory grows: its interval lies wholly above
--most-kib-per-hour (a leak of one octet per message at 500 messages/s is 1758 KiB/h), in a run of ten minutes or more; in a shorter
one, where memory is still being warmed up, above --most-kib in all.
"""
import argparse
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 200  # of the generator, at most
OTHERS = 60        # descriptors that are no connection: files, timers, the loop


def resident_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def slope_per_hour(samples):
    """Least squares over (seconds, KiB); the interval is widened for neighbours that resemble each other."""
    n = len(samples)
    if n < 4:
        return None
    mean_t = statistics.fmean(t for t, _ in samples)
    mean_m = statistics.fmean(m for _, m in samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    slope = sum((t - mean_t) * (m - mean_m) for t, m in samples) / spread
    rest = [m - mean_m - slope * (t - mean_t) for t, m in samples]
    squares = sum(r * r for r in rest)
    alike = sum(a * b for a, b in zip(rest, rest[1:])) / squares if squares > 0 else 0
    alike = min(max(alike, 0), 0.99)
    error = math.sqrt(squares / (n - 2) / spread * (1 + alike) / (1 - alike))
    return slope * 3600, 1.96 * error * 3600


def by_tenths(samples, held, seconds):
    """Memory at the end of each tenth of the run, with the most descriptors in it: growth by more connections at once is no leak."""
    parts = []
    for tenth in range(10):
        inside = [(m, d) for (t, m), d in zip(samples, held) if tenth <= t / seconds * 10 < tenth + 1]
        if inside:
            parts.append(f"{inside[-1][0]} ({max(d for _, d in inside)})")
    return ", ".join(parts)


def shown(slope):
    return "too few samples" if slope is None else f"{slope[0]:+.0f} KiB/h (95 %: {slope[0] - slope[1]:+.0f} to {slope[0] + slope[1]:+.0f})"


def start_mock(program, folder):
    ready = folder / "ready.json"
    mock = subprocess.Popen([program, "mock", "--ephemeral", "--discard", "--no-log", "--ready-file", ready, "--ca-out", folder / "ca.pem"],
                            stdout=subprocess.DEVNULL, stderr=open(folder / "mock.txt", "w"))
    deadline = time.monotonic() + 60
    while not ready.exists():
        if mock.poll() is not None or time.monotonic() > deadline:
            sys.exit("soak.py: the mock did not start: " + (folder / "mock.txt").read_text())
        time.sleep(0.05)
    time.sleep(0.05)
    return mock, json.loads(ready.read_text())


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--rate", type=float, default=500)
    options.add_argument("--program", default=str(HERE.parent / "build/release/smtpspec"))
    options.add_argument("--summary", help="where the summary goes; default: standard output alone")
    options.add_argument("--most-kib-per-hour", type=float, default=1024)
    options.add_argument("--most-kib", type=float, default=32768, help="growth behind the first tenth, for a run below ten minutes")
    given = options.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mock, ready = start_mock(given.program, folder)
        actual = ready["ports"]["587"]["port"]
        (folder / "endpoint.yaml").write_text(
            "name: soak\nhost: mail.test\nports: {587: starttls}\n"
            f"tls: {{ca_file: {folder}/ca.pem}}\n"
            f"auth: {{user: {ready['user']}, password_env: SOAK_PASSWORD}}\n"
            "envelope: {from: anna@client.test, to: bert@mail.test}\n")
        environment = dict(os.environ, SOAK_PASSWORD=Path(ready["password_file"]).read_text().strip())
        idle = descriptors(mock.pid)
        bench = subprocess.Popen(
            [given.program, "bench", "--endpoint", folder / "endpoint.yaml", "--connect-to", f"mail.test:587:127.0.0.1:{actual}",
             "--rate", str(given.rate), "--duration", f"{given.seconds}s", "--messages-per-connection", "10", "--connections", str(CONNECTIONS),
             "--no-calibration", "--format", "terminal", "--output", folder / "table.txt", "--format", "json", "--output", folder / "result.json"],
            env=environment, stdout=subprocess.DEVNULL, stderr=open(folder / "bench.txt", "w"))
        samples = {"generator": [], "server": []}
        held = {"generator": [], "server": []}
        begun = time.monotonic()
        while bench.poll() is None:
            for who, process in (("generator", bench), ("server", mock)):
                try:
                    now, kib, count = time.monotonic() - begun, resident_kib(process.pid), descriptors(process.pid)
                    samples[who].append((now, kib))
                    held[who].append(count)
                except OSError:
                    pass  # it has just ended
            time.sleep(min(5, given.seconds / 60))
        left = descriptors(mock.pid)
        for _ in range(100):  # the last sessions end
            if left <= idle:
                break
            time.sleep(0.1)
            left = descriptors(mock.pid)
        mock.send_signal(signal.SIGTERM)
        mock.wait(30)
        told = re.search(r"(\d+) messages taken in (\d+) sessions", (folder / "mock.txt").read_text())
        taken, sessions = (int(told[1]), int(told[2])) if told else (-1, -1)
        if not (folder / "result.json").exists():
            sys.exit("soak.py: bench gave no result: " + (folder / "bench.txt").read_text())
        port = json.loads((folder / "result.json").read_text())["ports"][0]
        table = (folder / "table.txt").read_text()

    steady = {who: [s for s in found if s[0] > given.seconds / 10] for who, found in samples.items()}
    slopes = {who: slope_per_hour(found) for who, found in steady.items()}
    # A look at the port before the load is a session of its own.
    problems = []
    if bench.returncode != 0:
        problems.append(f"bench ended with {bench.returncode}")
    if port["sent"] != port["planned"] or taken != port["sent"]:
        problems.append(f"of {port['planned']} messages {port['sent']} were sent and {taken} taken")
    if left > idle:
        problems.append(f"{left - idle} descriptors of the server are left over")
    # The generator holds one for each connection, never more than it may have; one that leaks comes on top.
    if max(held["generator"]) > CONNECTIONS + OTHERS:
        problems.append(f"the generator held {max(held['generator'])} descriptors with at most {CONNECTIONS} connections")
    most = {who: max(found) for who, found in held.items()}
    long_enough = given.seconds >= 600
    for who, slope in slopes.items():
        if not long_enough and steady[who] and steady[who][-1][1] - steady[who][0][1] > given.most_kib:
            problems.append(f"the memory of the {who} grew from {steady[who][0][1]} to {steady[who][-1][1]} KiB")
        if long_enough and slope and slope[0] - slope[1] > given.most_kib_per_hour:
            problems.append(f"the memory of the {who} grows: {shown(slope)}")
    text = (f"{time.strftime('%Y-%m-%d')}: {given.rate:g} messages/s for {given.seconds:g} s, port 587, STARTTLS, AUTH, 10 messages to a connection\n"
            f"messages: {port['planned']} due, {port['sent']} sent, {taken} taken by the server in {sessions} sessions\n"
            f"descriptors of the server: {idle} before, at most {most['server']}, {left} after; of the generator at most {most['generator']}\n")
    for who in ("generator", "server"):
        kib = [m for _, m in samples[who]] or [0]
        text += f"memory of the {who}: {kib[0]} KiB at first, {max(kib)} at most, {kib[-1]} at last; slope {shown(slopes[who])}, {len(steady[who])} samples\n"
        text += f"    KiB at the end of each tenth (most descriptors in it): {by_tenths(samples[who], held[who], given.seconds)}\n"
    text += "\n" + table
    text += "\n" + ("good\n" if not problems else "NOT GOOD: " + "; ".join(problems) + "\n")
    print(text)
    if given.summary:
        Path(given.summary).write_text(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
