#!/usr/bin/env python3
"""false_verdict_test.py SMTPSPEC: verdicts that were once wrong, each shown by a server of a kind that brought it out.

Every row starts the mock with its options, runs one scenario on port 587 against it in another process, and looks at all
cells: (options of the mock, scenario, expected "verdict" or "verdict outcome" of every cell).
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
SECRET = "a-password-of-this-test"

ROWS = [
    # What a server says to junk instead of a ClientHello was called a parting word, whatever came after it.
    (["--defect", "tls-failure-falls-back"], "starttls.fail.plaintext-instead", "vulnerable served"),
    (["--defect", "tls-failure-hangs"], "starttls.fail.plaintext-instead", "warn waits"),
    # A connection that is turned away at its greeting is no finding when one at a time is all that is served.
    (["--fault", 'on connect if session.number > 2 -> "421 4.3.2 busy"'], "starttls.fail.plaintext-instead", "inconclusive"),
    # Legal answers to a group of commands were called disorder.
    (["--fault", 'on DATA -> "451 4.3.0 busy"'], "pipelining.group.order-and-count[octets=whole]", "pass in-order"),
    (["--fault", 'on RCPT /recipient@/ -> "251 2.1.5 forwarded"'], "pipelining.group.order-and-count[octets=whole]", "pass in-order"),
    (["--fault", 'on MAIL -> "421 4.3.2 closing"'], "pipelining.group.order-and-count[octets=whole]", "inconclusive cannot-tell"),
    # A final reply that comes twice was called a second message.
    (["--defect", "bare-line-ends-reply-twice"], "data.eod.only-crlf-dot-crlf[eod=lf-dot-lf,eol=crlf]", "inconclusive cannot-tell"),
    (["--defect", "bare-line-ends-reply-twice"], "data.eod.then-bdat[eod=lf-dot-lf]", "inconclusive cannot-tell"),
    # The delivery agent's own Received field was looked at instead of the server's.
    (["--defect", "ehlo-survives-starttls", "--defect", "mailbox-adds-received"], "starttls.state.hello-forgotten", "fail remembered"),
    # The right password was answered by a close, and the wrong one was never tried.
    (["--fault", "on AUTH first 2 if session.clear -> drop fin"], "auth.clear.credentials-not-tested", "unsupported cannot-tell"),
    (["--fault", "on AUTH if session.clear -> drop fin"], "auth.clear.credentials-not-tested", "pass same"),
]


def verdicts(folder, options, scenario):
    profile = folder / "endpoint.yaml"
    profile.write_text(
        "name: here\nhost: mail.test\nports: {587: starttls}\nauth: {user: tester, password_env: KEY}\n"
        f"envelope: {{from: sender@sender.test, to: recipient@mail.test, bad: bad@mail.test, mailbox: {folder}/box}}\n")
    run = (f'"{PROGRAM}" run --endpoint "{profile}" --ca "$SMTPSPEC_CA_FILE" --connect-to "::127.0.0.1:$SMTPSPEC_PORT_587" '
           f'--only "{scenario}" --format json --output "{folder}/result.json"')
    command = [PROGRAM, "mock", "--ephemeral", "--password-env", "KEY", "--maildir", str(folder / "box"), *options,
               "--", "bash", "-c", run]
    done = subprocess.run(command, env=os.environ | {"KEY": SECRET}, capture_output=True, text=True, timeout=200)
    try:
        cells = json.loads((folder / "result.json").read_text())["cells"]
    except OSError:
        return [f"no result: {done.stdout[-800:]} {done.stderr[-800:]}"]
    return [f'{cell["verdict"]} {cell.get("outcome", "")}'.strip() for cell in cells
            if not cell["scenario"].startswith("endpoint.")] or ["no cell"]


def main():
    wrong = 0
    for options, scenario, expected in ROWS:
        with tempfile.TemporaryDirectory() as folder:
            found = verdicts(pathlib.Path(folder), options, scenario)
        good = all(one == expected for one in found)
        wrong += not good
        print(f'{"ok" if good else "WRONG"}: {" ".join(options)}: {scenario}: {found}, expected {expected}')
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
