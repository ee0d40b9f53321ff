"""What the recipes share: a logged-in session with the server under test, and its mailbox. Standard library only.

A recipe gets PORT and the parameters of the cell (name=value), and the environment that run.py sets. It exits 0 when the
server shows the flaw, 1 when it does not.
"""
import os
import pathlib
import smtplib
import ssl
import sys
import time

port = int(sys.argv[1])
params = dict(word.split("=", 1) for word in sys.argv[2:])
password = os.environ["INTEROP_PASSWORD"]


def session(login=True):
    context = ssl.create_default_context(cafile=os.environ["INTEROP_CA"])
    context.check_hostname = False  # we connect to an address
    host = os.environ["INTEROP_ADDRESS"]
    if port in (465, 2465):
        smtp = smtplib.SMTP_SSL(host, port, "client.test", timeout=30, context=context)
    else:
        smtp = smtplib.SMTP(host, port, "client.test", timeout=30)
        smtp.starttls(context=context)
    smtp.ehlo()
    if login:
        smtp.login("resend", password)
    return smtp


def envelope(smtp):
    assert smtp.mail("sender@example.test")[0] == 250
    assert smtp.rcpt("inbox@example.test")[0] == 250


def copies(token):
    """Messages in the mailbox with this subject."""
    folder = pathlib.Path(os.environ["INTEROP_MAILBOX"]) / "new"
    return sum(f"Subject: {token}".encode() in file.read_bytes() for file in folder.glob("*"))


def arrives(token):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if copies(token):
            return True
        time.sleep(0.1)
    return False
