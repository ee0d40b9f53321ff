#!/usr/bin/env python3
"""The README's commands, run as a reader would paste them, and the version in the three places where it stands.

readme_test.py PROGRAM SOURCE_DIR

Each ```sh block of README.md is run by bash in one folder of its own, in the order of the file, with PROGRAM in the PATH.
A first line `# exit N` gives the exit code of the block (default 0). A ```text block behind it shows its output: each of
its lines must occur in the real output, in this order, numbers and times left aside; `…` stands for lines left out.
"""
import os
import re
import subprocess
import sys
import tempfile

# Blocks that are not run as they stand: what is run instead (None: nothing), and why.
REPLACED = {
    "./demo.sh": (None, "demo.sh builds and may install packages (its matrix is checked by `smtpspec run`); test.sh would run this test again"),
    'export PATH="$PWD/build/release:$PATH"': (None, "the test has a PATH and a folder of its own"),
    "RESEND_API_KEY=re_your_key smtpspec run resend": (
        "RESEND_API_KEY=re_your_key smtpspec run resend --plan --connect-to smtp.resend.com::127.0.0.1:",
        "needs the network and a key; the plan needs neither"),
}
SHOWN_FIRST = "smtpspec run"  # what made the block above all commands


def blocks(text):
    """(language, body) of each fenced block."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)


def plain(line):
    """A line without what differs between two runs: numbers, units of time, nonces, the width of blanks. The rows of a matrix or
    a plan never differ."""
    if re.search(r"\S(\s+(\d+( \(\d+\))?|\.|starttls|tls)){4,}$", line):
        return re.sub(r"\s+", " ", line).strip()
    line = re.sub(r"\d+(\.\d+)?", "#", line)
    line = re.sub(r"# (ns|us|ms|s)\b", "# s", line)
    return re.sub(r"\s+", " ", line).strip()


def missing_line(shown, real):
    """The first line of `shown` that does not occur in `real`, in order; None when all do."""
    rest = [plain(line) for line in real.split("\n")]
    for line in shown.split("\n"):
        wanted = plain(line)
        if wanted in ("", "…"):
            continue
        for i, have in enumerate(rest):
            if have.startswith(wanted):
                rest = rest[i + 1:]
                break
        else:
            return line
    return None


def run(command, folder, program):
    env = dict(os.environ, PATH=os.path.dirname(os.path.abspath(program)) + ":" + os.environ["PATH"], NO_COLOR="1")
    for name in ("RESEND_API_KEY", "MY_PASSWORD"):
        env.pop(name, None)
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=240)
    return done.returncode, done.stdout


def check_readme(program, source):
    found = blocks(open(os.path.join(source, "README.md"), encoding="utf-8").read())
    problems, commands = [], 0
    with tempfile.TemporaryDirectory() as folder:
        real = None
        for place, (language, body) in enumerate(found):
            if language == "sh" or place == 0:
                command = SHOWN_FIRST if place == 0 else body
                first = command.strip().split("\n")[0]
                key = next((key for key in REPLACED if first == key or first.startswith(key + "  ")), None)
                if key is not None:
                    instead, why = REPLACED[key]
                    print(f"not run: {first}\n    {why}" + (f"\n    instead: {instead}" if instead else ""))
                    command = instead
                real = None
                if command is None:
                    continue
                expected = re.match(r"# exit (\d+)", command)
                code, real = run(command, folder, program)
                commands += 1
                print(f"exit {code}: {command.strip().splitlines()[-1]}")
                if code != int(expected.group(1) if expected else 0):
                    problems.append(f"exit {code} of:\n{command}\n{real[-2000:]}")
            if language == "text" and real is not None:
                line = missing_line(body, real)
                if line is not None:
                    problems.append(f"README.md shows a line that does not come:\n{line}\nThe output was:\n{real[-6000:]}")
    if commands < 8:
        problems.append(f"only {commands} commands were found in README.md")
    return problems


def check_version(source):
    places = {
        "CMakeLists.txt": r"project\(smtpspec VERSION (\S+)",
        "CHANGELOG.md": r"^## (\d\S*)",
        "harness/run/version.hpp": r'version = "([^"]+)"',
    }
    found = {}
    for name, pattern in places.items():
        match = re.search(pattern, open(os.path.join(source, name), encoding="utf-8").read(), re.M)
        found[name] = match.group(1) if match else "none"
    return [] if len(set(found.values())) == 1 else [f"the version differs: {found}"]


def check_links(source):
    problems = []
    pages = ["README.md", "CONTRIBUTING.md"] + ["docs/" + n for n in os.listdir(os.path.join(source, "docs")) if n.endswith(".md")]
    for page in pages:
        text = open(os.path.join(source, page), encoding="utf-8").read()
        text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)  # a script has regular expressions that look like links
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not os.path.exists(os.path.join(source, os.path.dirname(page), target)):
                problems.append(f"{page}: no such file: {target}")
    return problems


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    program, source = sys.argv[1:]
    problems = check_version(source) + check_links(source) + check_readme(program, source)
    for problem in problems:
        print("\nFAILED: " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
