#!/usr/bin/env python3
"""by_defect_test.py SMTPSPEC SOURCE_DIR [--renew]: which scenarios each defect of the model server turns, and no other.

`smtpspec selftest --by-defect` has to print tests/integration/by_defect.txt. --renew writes the file anew: look at the diff.
A line that is new there is a scenario that has become sharper, or a false verdict; one that is gone, a defect that nobody sees.
"""
import difflib
import pathlib
import subprocess
import sys
import time


def main():
    golden = pathlib.Path(sys.argv[2]) / "tests/integration/by_defect.txt"
    begin = time.monotonic()
    done = subprocess.run([sys.argv[1], "selftest", "--by-defect"], capture_output=True, text=True, timeout=1700)
    print(f"{time.monotonic() - begin:.0f} s, exit code {done.returncode}")
    if done.returncode != 0:
        print(done.stderr[-4000:])
        return 1
    if "--renew" in sys.argv[3:]:
        golden.write_text(done.stdout)
    expected = golden.read_text() if golden.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True), done.stdout.splitlines(True), "by_defect.txt", "now"))
    return 0 if expected == done.stdout else 1


if __name__ == "__main__":
    sys.exit(main())
