#!/usr/bin/env python3
"""flaky_test.py SMTPSPEC: `--retries` runs a cell again that was inconclusive, keeps every attempt and says so; what is wrong is never tried
again until it looks right. An expired waiver turns a run red."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
SCENARIO = """---
id: local.noop
rev: 1
title: NOOP is answered
fail_means: something is lost
side: server
level: MUST
severity: low
refs: [RFC 5321 §4.1.1.9]
from: greeted
selftest: {errors-say-550: refused}
outcomes: {answered: pass, refused: SILENCE}
---
C: NOOP
S: 2yz => answered | 4yz/5yz => refused
"""


def run(folder, fault, *words, wrong="fail"):
    """Exit code, the cell, the terminal report."""
    (folder / "local").mkdir(exist_ok=True)
    (folder / "local" / "local.noop.smtp").write_text(SCENARIO.replace("SILENCE", wrong))
    command = (f'"{PROGRAM}" run 127.0.0.1 --scenarios "{folder}/local" --only local.noop --port 587 --ca "$SMTPSPEC_CA_FILE" --no-auth '
               f'--connect-to "::127.0.0.1:$SMTPSPEC_PORT_587" --format json --output "{folder}/result.json" '
               f'--format terminal --output "{folder}/text" --format junit --output "{folder}/junit.xml" {" ".join(words)}')
    done = subprocess.run([PROGRAM, "mock", "--ephemeral", "--no-auth", "--fault", fault, "--", "bash", "-c", command],
                          capture_output=True, text=True, timeout=300, env=dict(os.environ))
    document = json.loads((folder / "result.json").read_text())
    return done.returncode, [cell for cell in document["cells"] if cell["scenario"] == "local.noop"][0], (folder / "text").read_text()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        code, cell, text = run(folder, "on NOOP first -> swallow")
        assert code == 5 and cell["verdict"] == "inconclusive" and "attempts" not in cell, (code, cell["verdict"])
        code, cell, text = run(folder, "on NOOP first -> swallow", "--retries", "2")
        assert code == 0 and cell["verdict"] == "pass" and cell["flaky"] is True, (code, cell)
        assert [attempt["verdict"] for attempt in cell["attempts"]] == ["inconclusive"] and cell["attempts"][0]["transcript"], cell["attempts"]
        assert "flaky" in text and "Changed when run again" in text and "then pass" in text, text
        assert "inconclusive" in (folder / "junit.xml").read_text()
        again = subprocess.run([PROGRAM, "report", str(folder / "result.json")], capture_output=True, text=True, timeout=60)
        assert again.returncode == 0 and "Changed when run again" in again.stdout, "a stored result tells the same"

        code, cell, text = run(folder, "on NOOP -> swallow", "--retries", "2")
        assert code == 5 and cell["flaky"] is False and len(cell["attempts"]) == 2, (code, cell)
        for verdict in ("fail", "vulnerable"):
            code, cell, text = run(folder, 'on NOOP first -> "500 5.5.2 no"', "--retries", "2", wrong=verdict)
            assert code == 1 and cell["verdict"] == verdict and "attempts" not in cell, (code, cell)

        for expires, expected in (("2999-12-31", 0), ("2020-01-01", 1)):
            (folder / "waivers.yaml").write_text(f"waivers:\n  - {{id: local.noop, reason: known, owner: anna, link: 'https://tracker.test/1', expires: {expires}}}\n")
            code, cell, text = run(folder, 'on NOOP -> "500 5.5.2 no"', "--waivers", f'"{folder}/waivers.yaml"')
            assert code == expected, (expires, code, text)
            told = "expired on 2020-01-01; ask anna" if expected else "known; anna; https://tracker.test/1; until 2999-12-31"
            assert told in " ".join(text.split()), text
    print("good")


main()
