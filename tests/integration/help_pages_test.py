#!/usr/bin/env python3
"""The man page and the bash completion say what --help says: every command and option is in both."""
import pathlib
import re
import subprocess
import sys
import tempfile

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []


def page(kind):
    return subprocess.run([sys.executable, source / "tools/help_pages.py", kind, program, source],
                          check=True, capture_output=True, text=True).stdout


def help_of(*words):
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout


def check(condition, what):
    if not condition:
        failures.append(what)


def complete(script, *words):
    line = " ".join(f"'{word}'" for word in words)
    ask = f". {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _smtpspec; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", ask], check=True, capture_output=True, text=True, cwd=source).stdout.split()


# Read here with the plainest means, not with the parser under test.
commands = re.findall(r"^  ([a-z]+) {2,}", help_of().split("Subcommands:")[1], re.M)
man, script = page("man"), page("bash")
with tempfile.NamedTemporaryFile("w", suffix=".bash") as file:
    file.write(script)
    file.flush()
    check(set(commands) <= set(complete(file.name, "smtpspec", "")), "commands complete")
    for command in commands:
        options = set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", help_of(command).split("Options:")[1], re.M))
        check(options, f"{command} has options")
        completed = set(complete(file.name, "smtpspec", command, "--"))
        check(options == completed, f"{command}: --help and completion differ: {options ^ completed}")
        section = man.split(f".SS {command}\n")[1].split(".SS ")[0].split(".SH ")[0]
        for option in options - {"--help"}:
            check("\\fB" + option.replace("-", "\\-") + "\\fR" in section, f"{command} {option} is in the man page")
    formats = complete(file.name, "smtpspec", "run", "--format", "")
    check({"terminal", "json", "junit"} <= set(formats), f"formats: {formats}")
    check(complete(file.name, "smtpspec", "run", "res") == ["resend"], "the built-in profile")
    check("README.md" in complete(file.name, "smtpspec", "run", "--endpoint", "READ"), "files")
    check("README.md" in complete(file.name, "smtpspec", "report", "READ"), "files as positional arguments")

for code in ("0", "1", "2", "3", "4", "5", "77", "130"):
    check(f".TP\n\\fB{code}\\fR\n" in man, f"exit status {code} is in the man page")
check("RESEND_API_KEY" in man, "the variable of the built-in profile")
for line in man.splitlines():
    check(not line.startswith("'"), f"a line of text reads as a macro: {line}")
for failure in failures:
    print("FAIL:", failure)
sys.exit(1 if failures else 0)
