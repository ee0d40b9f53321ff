#!/usr/bin/env python3
"""noise.py [--pairs N] [--seed S] [--keep FOLDER] [--program PATH]: does `smtpspec compare` tell a difference from noise?

N times three runs of `smtpspec bench`, each against a `smtpspec mock` of its own, all in separate processes:

  old    one stage of the server, chosen at random, takes 5 ms longer than it must
  same   the same again
  slow   that stage takes 6 ms longer: a slow-down by 20 %

All runs come in a shuffled order, so that the two of a pair may lie minutes or an hour apart, and meanwhile a foreign load keeps
one or two cores busy, on and off at random times. Then `compare old same` ought to end with 0 and `compare old slow` with 1. So ought
a document that is slow on one port, chosen at random, and `same` on the four others: nothing else is there that could be found.

The documents are written to FOLDER; --from FOLDER judges such documents again, without measuring. Exit code 1 when less than
98 % of the equal pairs stay green or less than 95 % of the slow ones turn red, of either kind.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
EVENTS = {"greeting": "connect", "EHLO": "EHLO", "AUTH": "AUTH", "MAIL": "MAIL", "RCPT": "RCPT", "DATA": "DATA", "final dot": "end-of-data"}
KINDS = ("old", "same", "slow")
BURN = "import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: sum(range(1000))"


class ForeignLoad(threading.Thread):
    """Busy processes that come and go, as neighbours do."""

    def __init__(self, seed):
        super().__init__(daemon=True)
        self.random = random.Random(seed)
        self.over = threading.Event()
        self.busy = 0.0

    def run(self):
        while not self.over.is_set():
            self.over.wait(self.random.expovariate(1 / 4))
            seconds = min(self.random.expovariate(1 / 4), 20)
            count = self.random.choice((1, 2))
            burners = [subprocess.Popen([sys.executable, "-c", BURN.format(seconds=seconds)]) for _ in range(count)]
            for burner in burners:
                burner.wait()
            self.busy += seconds

    def end(self):
        self.over.set()
        self.join()


def start_mock(program, folder, event, delay_ms):
    ready = folder / "ready.json"
    mock = subprocess.Popen([program, "mock", "--ephemeral", "--discard", "--no-log", "--fault", f"on {event} -> wait {delay_ms}ms pass",
                             "--ready-file", ready, "--ca-out", folder / "ca.pem"],
                            stdout=subprocess.DEVNULL, stderr=open(folder / "mock.txt", "w"))
    deadline = time.monotonic() + 60
    while True:
        try:
            return mock, json.loads(ready.read_text())
        except (OSError, ValueError):
            if mock.poll() is not None or time.monotonic() > deadline:
                sys.exit("noise.py: the mock did not start: " + (folder / "mock.txt").read_text())
            time.sleep(0.02)


def measure(program, event, delay_ms, messages, output):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mock, ready = start_mock(program, folder, event, delay_ms)
        try:
            ports = {int(port): data for port, data in ready["ports"].items()}
            modes = {25: "starttls", 587: "starttls", 2587: "starttls", 465: "tls", 2465: "tls"}
            (folder / "endpoint.yaml").write_text(
                "name: noise\nhost: mail.test\n"
                f"ports: {{{', '.join(f'{port}: {modes[port]}' for port in sorted(ports))}}}\n"
                f"tls: {{ca_file: {folder}/ca.pem}}\n"
                f"auth: {{user: {ready['user']}, password_env: NOISE_PASSWORD}}\n"
                "envelope: {from: anna@client.test, to: bert@mail.test}\n")
            command = [program, "bench", "--endpoint", folder / "endpoint.yaml", "--messages", str(messages), "--connections", "1",
                       "--format", "json", "--output", output]
            for port, data in ports.items():
                command += ["--connect-to", f"mail.test:{port}:127.0.0.1:{data['port']}"]
            done = subprocess.run(command, env=dict(os.environ, NOISE_PASSWORD=Path(ready["password_file"]).read_text().strip()),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=600)
            if done.returncode != 0:
                sys.exit(f"noise.py: bench ended with {done.returncode}: {done.stderr}")
        finally:
            mock.send_signal(signal.SIGTERM)
            mock.wait(30)


def collect(given, folder):
    chance = random.Random(given.seed)
    names = list(EVENTS)
    stages = [chance.choice(names) for _ in range(given.pairs)]
    runs = [(pair, kind) for pair in range(given.pairs) for kind in KINDS]
    chance.shuffle(runs)
    (folder / "plan.json").write_text(json.dumps({"seed": given.seed, "pairs": given.pairs, "messages": given.messages, "stages": stages,
                                                  "order": [f"{pair:03}-{kind}" for pair, kind in runs]}, indent=1) + "\n")
    foreign = ForeignLoad(given.seed)
    foreign.start()
    began = time.monotonic()
    for done, (pair, kind) in enumerate(runs, 1):
        measure(given.program, EVENTS[stages[pair]], 6 if kind == "slow" else 5, given.messages, folder / f"{pair:03}-{kind}.json")
        if done % 10 == 0 or done == len(runs):
            print(f"{done} of {len(runs)} runs, {time.monotonic() - began:.0f} s, foreign load for {foreign.busy:.0f} s", flush=True)
    foreign.end()


def compare(program, folder, pair, kind, extra):
    done = subprocess.run([program, "compare", folder / f"{pair:03}-old.json", folder / f"{pair:03}-{kind}.json", *extra],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.returncode, done.stdout


def slow_on_one_port(folder, pair, chance):
    """`same`, but for one port that is as in `slow`, its calibration included."""
    made, slow = (json.loads((folder / f"{pair:03}-{kind}.json").read_text()) for kind in ("same", "slow"))
    port = chance.choice([found["port"] for found in made["ports"]])
    for part in ("ports", "blocks"):
        made[part] = [found for found in made[part] if found["port"] != port] + [found for found in slow[part] if found["port"] == port]
    (folder / f"{pair:03}-one-port.json").write_text(json.dumps(made))


def judge(given, folder):
    plan = json.loads((folder / "plan.json").read_text())
    wrong = {"same": 0, "slow": 0, "one-port": 0}
    chance = random.Random(plan["seed"])
    for pair, stage in enumerate(plan["stages"]):
        slow_on_one_port(folder, pair, chance)
        for kind, expected in (("same", 0), ("slow", 1), ("one-port", 1)):
            code, text = compare(given.program, folder, pair, kind, given.compare)
            if code not in (0, 1):
                sys.exit(f"noise.py: compare ended with {code}:\n{text}")
            if code != expected:
                wrong[kind] += 1
                print(f"pair {pair} ({stage}), {kind}: exit code {code}, not {expected}")
                print("".join(f"    {line}\n" for line in text.splitlines() if "slower" in line or kind != "same" and stage in line), end="")
    pairs = plan["pairs"]
    green, red, one = (pairs - wrong[kind] for kind in ("same", "slow", "one-port"))
    print(f"{green} of {pairs} equal pairs stayed green (at least 98 %), {red} of {pairs} slow ones turned red (at least 95 %), and {one} of {pairs} "
          "that are slow on one port")
    good = green >= 0.98 * pairs and min(red, one) >= 0.95 * pairs
    print("met" if good else "missed")
    return 0 if good else 1


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pairs", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--messages", type=int, default=100, help="per port and run")
    options.add_argument("--program", default=str(HERE.parent / "build/release/smtpspec"))
    options.add_argument("--keep", help="where the documents go; default: nowhere")
    options.add_argument("--from", dest="source", help="a folder or .tar.xz with documents to judge again")
    options.add_argument("compare", nargs="*", help="behind --: options for compare")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(given.keep or name)
        if given.source and given.source.endswith(".tar.xz"):
            with tarfile.open(given.source) as archive:
                archive.extractall(name, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(name)
            folder = Path(name)
        elif given.source:
            folder = Path(given.source)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            collect(given, folder)
        return judge(given, folder)


if __name__ == "__main__":
    sys.exit(main())
