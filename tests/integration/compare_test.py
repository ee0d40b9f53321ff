#!/usr/bin/env python3
"""compare_test.py SMTPSPEC: `compare` with results that bench really wrote, and with those results changed as a slower server would
change them: what it says and how it ends."""
import copy
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import jsonschema

PROGRAM = sys.argv[1]
COMPARISON = jsonschema.Draft7Validator(json.loads((pathlib.Path(__file__).parents[2] / "docs/comparison.schema.json").read_text()))


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=300)


def check(condition, what, done=None):
    if not condition:
        raise SystemExit(f"{what}\n" + (f"exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-2000:]}" if done else ""))


def steady(document):
    """What bench wrote, without what else this machine was busy with just then: each block is the median of its port's blocks, give or
    take one per cent. How compare deals with noise is tested by made-up results and by bench/noise.sh."""
    changed = copy.deepcopy(document)
    for port in {block["port"] for block in changed["blocks"]}:
        blocks = [block for block in changed["blocks"] if block["port"] == port]
        for side in ("endpoint", "calibration"):
            for stage in blocks[0][side]:
                for key in ("p50_us", "p99_us"):
                    usual = statistics.median(block[side][stage][key] for block in blocks if stage in block[side])
                    for number, block in enumerate(blocks):
                        block[side].setdefault(stage, {"count": 4, "p50_us": usual, "p99_us": usual})[key] = usual * (1 + 0.01 * (number % 3 - 1))
    return changed


def slower(document, stage, factor, ports=None, side="endpoint"):
    changed = copy.deepcopy(document)
    for block in changed["blocks"]:
        if (ports is None or block["port"] in ports) and stage in block[side]:
            for key in ("p50_us", "p99_us"):
                block[side][stage][key] *= factor
    return changed


def everything_slower(document, factor):
    changed = copy.deepcopy(document)
    for block in changed["blocks"]:
        for side in ("endpoint", "calibration"):
            for found in block[side].values():
                found["p50_us"] *= factor
                found["p99_us"] *= factor
    changed["machine"]["cpu"] = "another processor"
    return changed


def without_port(document, number):
    changed = copy.deepcopy(document)
    for port in changed["ports"]:
        if port["port"] == number:
            port.update(sent=0, stages={}, stopped={"cause": "died", "reason": "nobody answers"})
    return changed


def failing(document, number, failed):
    changed = copy.deepcopy(document)
    for port in changed["ports"]:
        if port["port"] == number:
            port["sent"] -= failed
            port["errors"].append({"stage": "mail", "code": 451, "cause": "refused", "text": "451 later", "count": failed})
    return changed


def set_to(document, *path_and_value):
    changed = copy.deepcopy(document)
    *path, last, value = path_and_value
    place = changed
    for key in path:
        place = place[key]
    place[last] = value
    return changed


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        old = folder / "old.json"
        done = run("bench", "--messages", "60", "--format", "json", "--output", old)
        check(done.returncode == 0, "bench", done)
        document = steady(json.loads(old.read_text()))
        old.write_text(json.dumps(document))
        cases = [  # NEW, options, exit code, words in the output
            (document, [], 0, ["0 slower, 0 faster"]),
            (slower(document, "tls-handshake", 3), [], 1, ["TLS handshake", "slower"]),
            (slower(document, "tls-handshake", 3, {465}), [], 1, ["465  TLS handshake"]),
            (slower(document, "tls-handshake", 0.3), [], 0, ["faster"]),
            (slower(document, "tls-handshake", 3), ["--threshold", "300%"], 0, ["0 slower"]),
            (slower(document, "tls-handshake", 3), ["--resolution", "1s"], 0, ["0 slower"]),
            (slower(document, "connect", 1.5), [], 0, ["0 slower"]),
            (slower(slower(document, "tls-handshake", 1.4), "tls-handshake", 1.4, side="calibration"), [], 0, ["0 slower"]),
            (everything_slower(document, 2), [], 0, ["0 slower"]),
            (everything_slower(document, 9), [], 5, ["the machines differ too much"]),
            (without_port(document, 587), [], 5, ["port 587 has no times in NEW: nobody answers"]),
            (set_to(document, "blocks", []), [], 2, ["NEW has no calibration"]),
            (set_to(document, "load", "connections", 7), [], 2, ["--connections was 1 and is 7"]),
            (set_to(document, "load", "kind", "open"), [], 2, ["different loads"]),
            (set_to(document, "load", "kind", "closed"), [], 2, ["a probe (no option of a load) and a closed load"]),
            (dict(document, ports=document["ports"][1:]), [], 5, ["port 25 was not measured in NEW"]),
            (failing(document, 465, 40), [], 1, ["port 465: 40 of 60 messages failed in NEW, 0 of 60 in OLD"]),
            (failing(document, 465, 1), [], 0, ["port 465: 1 of 60 messages failed in NEW"]),
            (dict(document, blocks=document["blocks"][::20]), [], 5, ["blocks, and 4 are needed"]),
            (set_to(document, "schema", "smtpspec.latency/1"), [], 2, ["expected \"smtpspec.latency/2\"", "smtpspec.latency/1"]),
            (set_to(document, "schema", "smtpspec.result/1"), [], 2, ["this is no smtpspec.result/1 document"]),
            (set_to(document, "endpoint", "somebody else"), [], 0, ["the endpoints differ"]),
            (set_to(document, "interrupted", True), [], 0, ["NEW was interrupted: it is only a part"]),
        ]
        new = folder / "new.json"
        for number, (changed, options, code, words) in enumerate(cases):
            new.write_text(json.dumps(changed))
            done = run("compare", old, new, *options)
            said = done.stdout + done.stderr
            check(done.returncode == code and all(word in said for word in words), f"case {number}: exit {code} and {words}", done)
        new.write_text(json.dumps(slower(document, "tls-handshake", 3)))
        found = json.loads(run("compare", old, new, "--format", "json").stdout)
        COMPARISON.validate(found)
        check(found["schema"] == "smtpspec.comparison/1", "schema")
        stage = next(row for row in found["stages"] if row["stage"] == "tls-handshake")
        check(stage["change"] == "slower" and 2.5 < stage["ratio"] < 3.5 and stage["low"] < stage["ratio"] < stage["high"], f"ratio and interval: {stage}")
        check("same" in run("compare", old, old, "--all").stdout, "--all shows what is the same")

        missing = folder / "missing.json"
        check(run("compare", missing, new).returncode == 2, "no OLD: 2")
        done = run("compare", missing, new, "--baseline-missing=ok")
        check(done.returncode == 0 and "nothing is compared" in done.stderr, "no OLD, and that is fine: 0 and a notice", done)
        (folder / "text").write_text("no JSON")
        for words in ([old], [], [old, new, new], [old, folder / "text"], [folder / "text", new], [old, new, "--threshold", "0"],
                      [old, new, "--threshold", "much"], [old, new, "--resolution", "5"], [old, new, "--format", "json", "--output", old],
                      [old, new, "--format", "junit"]):
            done = run("compare", *words)
            check(done.returncode == 2 and done.stderr, f"{words}: exit 2 and a message", done)
    print("good")


main()
