#!/usr/bin/env python3
"""catalogue_test.py SMTPSPEC SOURCE_DIR [--renew]: every requirement in tests/integration/catalogue.txt is in `smtpspec list`.

As an id of its own or under `covers`, rows of the catalogue of attacks too. Each entry of the list says what a reader of it
needs, and docs/scenarios.md is what `list --format markdown` writes (--renew writes it anew).
"""
import json
import pathlib
import re
import subprocess
import sys

KEYS = ("id", "rev", "title", "fail_means", "side", "level", "severity", "refs", "modes", "parameters", "cells", "covers", "needs",
        "selftest", "slow", "intrusive")


def listed(form):
    done = subprocess.run([sys.argv[1], "list", "--format", form], capture_output=True, check=True)
    return done.stdout.decode()


def broken_links(page):
    """The fragments that are linked to and are no heading, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S), flags=re.M)
    there = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return [f"docs/scenarios.md: no heading for #{name}" for name in re.findall(r"\]\(#([^)]*)\)", page) if name not in there]


def page_problems(entries, source):
    page, file = listed("markdown"), source / "docs/scenarios.md"
    if "--renew" in sys.argv[3:]:
        file.write_text(page)
    bad = broken_links(page)
    if not file.exists() or file.read_text() != page:
        bad.append("docs/scenarios.md is not what `list --format markdown` writes: tests/integration/catalogue_test.py … --renew")
    return bad + [f"docs/scenarios.md: no {entry['id']}" for entry in entries if f"\n#### {entry['id']}\n" not in page]


def main():
    entries, source = json.loads(listed("json")), pathlib.Path(sys.argv[2])
    wanted = (source / "tests/integration/catalogue.txt").read_text().splitlines()
    wanted = [line for line in wanted if line and not line.startswith("#")]
    there = {known for entry in entries for known in (entry["id"], *entry["covers"])}
    bad = [f"not in the list: {line}" for line in wanted if line not in there]
    bad += [f"{entry.get('id')}: no {key}" for entry in entries for key in KEYS if key not in entry]
    bad += [f"{entry['id']}: no bad peer" for entry in entries if not entry["selftest"]]
    bad += [f"{entry['id']}: fail_means ends in a full stop" for entry in entries if entry["fail_means"].endswith(".")]
    ids = [entry["id"] for entry in entries]
    bad += [f"twice: {name}" for name in ids if ids.count(name) > 1]
    bad += page_problems(entries, source)
    print(f"{len(entries)} scenarios, {len(wanted)} requirements and attacks wanted")
    print("\n".join(bad))
    return 1 if bad or len(wanted) < 130 else 0


if __name__ == "__main__":
    sys.exit(main())
