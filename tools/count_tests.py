#!/usr/bin/env python3
"""count_tests.py JUNIT SKIPS: prints "passed failed skipped" of a ctest JUnit file; appends each skip's reason to SKIPS."""
import re
import sys
import xml.etree.ElementTree as tree

junit, skips = sys.argv[1:3]
passed = failed = skipped = 0
with open(skips, "a", encoding="utf-8") as out:
    for case in tree.parse(junit).getroot().iter("testcase"):
        status = case.get("status")
        if status == "run":
            passed += 1
        elif status == "fail":
            failed += 1
        else:
            skipped += 1
            text = "".join(case.itertext())
            reason = re.search(r"(?:Skipped|SKIP)[:\s]+(.*)", text)
            out.write(f"{case.get('name')}: {reason.group(1).strip() if reason else status}\n")
print(passed, failed, skipped)
sys.exit(0 if passed + failed + skipped > 0 else 1)
