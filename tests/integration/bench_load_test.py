#!/usr/bin/env python3
"""bench_load_test.py SMTPSPEC: loads as a user brings them: what is refused before anything is sent, and that the figures of a
load against the embedded server hold together."""
import json
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
PROFILE = """name: far
host: 192.0.2.1
ports: {{587: starttls}}
envelope: {{from: a@client.test, to: b@mail.test}}
{more}"""


def bench(*words):
    return subprocess.run([PROGRAM, "bench", *words], capture_output=True, text=True, timeout=300)


def check(condition, what, done=None):
    if not condition:
        raise SystemExit(f"{what}\n" + (f"exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}" if done else ""))


def refused_before_anything_is_sent(folder):
    """192.0.2.1 is nobody's (RFC 5737): a connection attempt would take until a time-out, and none is made."""
    far = folder / "far.yaml"
    may = "--i-may-load-this-host"
    cases = [("", ["--rate", "1"], "--i-may-load-this-host"),
             ("", ["--connections", "1"], "--i-may-load-this-host"),
             ("", ["--rate", "5", may], "pace of 1 messages/s"),
             ("pace: {messages: 2/s, connections: 2}\n", ["--rate", "2.5/s", "--connections", "1", may], "pace of 2 messages/s"),
             ("pace: {messages: 2/s, connections: 2}\n", ["--connections", "3", may], "more than the 2 at once"),
             ("pace: {messages: 50/s}\nbudget: {messages: 2}\n", ["--rate", "50", "--duration", "2s", may], "is 100 messages per port"),
             ("pace: {messages: 50/s}\n", ["--rate", "2", "--duration", "11s", may], "is 22 messages per port, and 192.0.2.1 gets at most 20"),
             ("budget: {messages: 5}\n", ["--warmup", "5", may], "--warmup 5 leaves nothing of the 5 messages")]
    for more, words, told in cases:
        far.write_text(PROFILE.format(more=more))
        done = bench("--endpoint", str(far), "--no-auth", *words)
        check(done.returncode == 2 and told in done.stderr, f"{words}: refused with \"{told}\"", done)


def misuse():
    done = bench("--rate", "1000000", "--duration", "1h")
    check(done.returncode == 2 and "3600000000 messages per port" in done.stderr, "more than a result can count", done)
    for words in (["--rate", "0"], ["--rate", "fast"], ["--connections", "0"], ["--size", "0"], ["--duration", "soon"], ["--recipients", "0"], ["--threads", "0"],
                  ["--messages-per-connection", "-1"]):
        done = bench(*words)
        check(done.returncode == 2 and done.stderr, f"{words}: exit 2 and a message", done)


def figures(folder, *words, planned):
    result = folder / "result.json"
    done = bench("--format", "json", "--output", str(result), *words)
    check(done.returncode == 0, f"{words}: exit 0", done)
    document = json.loads(result.read_text())
    check([port["port"] for port in document["ports"]] == [25, 465, 587, 2465, 2587], "five ports")
    check(document["machine"]["cores"] >= 1 and document["started"].endswith("Z"), "machine and time")
    for port in document["ports"]:
        stages = port["stages"]
        check(port["planned"] == port["sent"] == planned and not port["errors"], f"port {port['port']}: all sent: {port['errors']}")
        parts = sum(stage["sum_us"] for name, stage in stages.items() if name not in ("total", "uncorrected"))
        whole = stages["total"]["sum_us"]
        check(whole * 0.98 < parts < whole * 1.02, f"port {port['port']}: stages add up to the whole: {parts}, {whole}")
        check(sum(port["handshakes"].values()) == stages["connect"]["count"], f"port {port['port']}: a handshake for each connection")
        blocks = [block for block in document["blocks"] if block["port"] == port["port"]]
        check(blocks and all(block["calibration"]["total"]["count"] > 0 and block["endpoint"]["total"]["count"] > 0 for block in blocks),
              f"port {port['port']}: calibrated blocks")
    return document


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        refused_before_anything_is_sent(folder)
        misuse()
        closed = figures(folder, "--connections", "3", "--messages", "200", "--messages-per-connection", "4", "--pipelining", "--tls-resumption", "--size", "2k",
                         "--recipients", "2", "--threads", "2", "--warmup", "3", planned=200)
        check(closed["load"]["kind"] == "closed" and closed["load"]["recipients"] == 2, "the shape of the load")
        check(all("tls-resumed" in port["stages"] for port in closed["ports"]), "resumed sessions")
        opened = figures(folder, "--rate", "40/s", "--duration", "500ms", planned=20)
        check(all(port["stages"]["waiting"]["count"] == 20 for port in opened["ports"]), "waiting is counted for each message")
        kept = figures(folder, "--connections", "2", "--messages", "200", "--messages-per-connection", "0", planned=200)
        check(all(port["stages"]["connect"]["count"] == 2 for port in kept["ports"]), "calibration interrupts no connection")
        turns = figures(folder, "--connections", "2", "--messages", "80", planned=80)
        order = [block["port"] for block in turns["blocks"]]
        check(order != sorted(order) and all(order.count(port) == 20 for port in set(order)), "ports take turns")
        quiet = bench("--connections", "2", "--duration", "300ms", "--port", "587", "--no-calibration", "--format", "json")
        port = json.loads(quiet.stdout)["ports"][0]
        check(quiet.returncode == 0 and port["sent"] > 0 and port["sent"] == port["planned"], "a closed load for a time", quiet)
    print("good")


main()
