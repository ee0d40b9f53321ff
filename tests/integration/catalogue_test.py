#!/usr/bin/env python3
"""catalogue_test.py SMTPSPEC SOURCE_DIR: every requirement in tests/integration/catalogue.txt is in `smtpspec list`.

As an id of its own or under `covers`, rows of the catalogue of attacks too. And each entry of the list says
what a reader of it needs.
"""
import json
import pathlib
import subprocess
import sys

KEYS = ("id", "rev", "title", "side", "level", "severity", "refs", "modes", "parameters", "cells", "covers", "needs", "selftest",
        "slow", "intrusive")


def main():
    listed = json.loads(subprocess.run([sys.argv[1], "list", "--format", "json"], capture_output=True, check=True).stdout)
    wanted = (pathlib.Path(sys.argv[2]) / "tests/integration/catalogue.txt").read_text().splitlines()
    wanted = [line for line in wanted if line and not line.startswith("#")]
    there = {known for entry in listed for known in (entry["id"], *entry["covers"])}
    bad = [f"not in the list: {line}" for line in wanted if line not in there]
    bad += [f"{entry.get('id')}: no {key}" for entry in listed for key in KEYS if key not in entry]
    bad += [f"{entry['id']}: no bad peer" for entry in listed if not entry["selftest"]]
    ids = [entry["id"] for entry in listed]
    bad += [f"twice: {name}" for name in ids if ids.count(name) > 1]
    print(f"{len(listed)} scenarios, {len(wanted)} requirements and attacks wanted")
    print("\n".join(bad))
    return 1 if bad or len(wanted) < 130 else 0


if __name__ == "__main__":
    sys.exit(main())
