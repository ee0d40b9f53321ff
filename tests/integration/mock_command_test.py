#!/usr/bin/env python3
"""mock_command_test.py SMTPSPEC: what `mock -- CMD` hands to CMD, how it ends CMD and all that CMD started, and what it leaves,
in a Maildir too.

Whether a process has ended is seen at a pipe that it inherits: its end comes when the last of them is gone.
"""
import os
import pathlib
import pty
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

SHOW_DESCRIPTORS = """
import os
for name in sorted(os.listdir("/proc/self/fd"), key=int):
    try:
        print(name, os.readlink("/proc/self/fd/" + name))
    except OSError:
        pass  # that of the listing itself
"""

# Says that it is there, and then waits until the pipe's other end is closed.
STAY = """
import os, sys
hold = int(sys.argv[1])
if os.fork() == 0:
    os.read(hold, 1)
else:
    print({name: value for name, value in os.environ.items() if name.startswith("SMTPSPEC_PORT_")})
"""

# Parent and child ignore all that is polite.
STUBBORN = """
import os, signal, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.fork()
os.write(int(sys.argv[1]), b"x")
while True:
    signal.pause()
"""

LEADER = """
import os, signal, sys
os.write(int(sys.argv[1]), b"x")
signal.pause()
"""

# A message that the disk has no place for, and one that it has, in one session.
SEND = """
import os, smtplib, ssl
with smtplib.SMTP(os.environ["SMTPSPEC_HOST"], int(os.environ["SMTPSPEC_PORT_25"]), timeout=60) as server:
    server.starttls(context=ssl.create_default_context(cafile=os.environ["SMTPSPEC_CA_FILE"]))
    with open(os.environ["SMTPSPEC_PASSWORD_FILE"]) as file:
        server.login(os.environ["SMTPSPEC_USER"], file.read().rstrip("\\n"))
    for octets in (100000, 100):
        body = "Subject: x\\r\\n\\r\\n" + ("x" * 70 + "\\r\\n") * (octets // 72)
        try:
            server.sendmail("a@sender.test", ["b@mail.test"], body)
            print("taken")
        except smtplib.SMTPDataError as refused:
            print(refused.smtp_code, refused.smtp_error.decode()[:5])
"""


class Trial:
    def __init__(self, program, folder):
        self.program, self.folder, self.bad, self.count = program, folder, [], 0
        self.environment = dict(os.environ, TMPDIR=str(folder / "tmp"))
        (folder / "tmp").mkdir()

    def check(self, what, fits, detail=""):
        self.count += 1
        if not fits:
            self.bad.append(f"{what}: {detail}")
        if list((self.folder / "tmp").glob("smtpspec-mock-*")):
            self.bad.append(f"{what}: the folder with the password is still there")

    def start(self, *words, **more):
        return subprocess.Popen([self.program, "mock", *words], env=self.environment, text=True, start_new_session=True, **more)

    def run(self, *words, **more):
        with self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **more) as mock:
            out, err = mock.communicate(timeout=120)
        return mock.returncode, out, err


def read_all(descriptor):
    """What comes until the last writer is gone."""
    got = b""
    while piece := os.read(descriptor, 1000):
        got += piece
    return got


def inheritance(trial):
    ours, theirs = os.pipe()
    code, out, err = trial.run("--", sys.executable, "-c", SHOW_DESCRIPTORS, pass_fds=(ours,))
    shown = dict(line.split(" ", 1) for line in out.splitlines())
    extra = {name: where for name, where in shown.items() if int(name) > 2 and int(name) != ours}
    trial.check("no descriptor of ours", code == 0 and not extra, (extra, err))
    trial.check("what the caller left open", str(ours) in shown, out)
    os.close(ours)
    os.close(theirs)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    lower = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    code, out, err = trial.run("--", "sh", "-c", "ulimit -Sn", preexec_fn=lower)
    trial.check("the caller's limit of open files", out.split() == ["200"], (code, out, err))


def left_behind(trial):
    """A process in the background that CMD leaves lives on, and holds no port."""
    hold, release = os.pipe()
    out = trial.folder / "ports"
    with open(out, "w") as stream, trial.start("--", sys.executable, "-c", STAY, str(hold), stdout=stream,
                                               stderr=subprocess.DEVNULL, pass_fds=(hold,)) as mock:
        code = mock.wait(timeout=120)
    ports = eval(out.read_text())  # pylint: disable=eval-used
    taken = []
    for port in map(int, ports.values()):
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind(("127.0.0.1", port))
                server.listen()
            except OSError as problem:
                taken.append((port, problem))
    os.close(release)
    os.close(hold)
    trial.check("ports after a command that left a process", code == 0 and len(ports) == 5 and not taken, (code, ports, taken))


def ended_by(trial, what, script, signals, expected):
    """`signals` come one after another until the mock has ended."""
    reader, writer = os.pipe()
    with trial.start("--", sys.executable, "-c", script, str(writer), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                     pass_fds=(writer,)) as mock:
        os.close(writer)
        os.read(reader, 1)
        if script is STUBBORN:
            os.read(reader, 1)
        for number in signals:
            if mock.poll() is None:
                mock.send_signal(number)
                time.sleep(0 if len(signals) == 1 else 0.1)
        code = mock.wait(timeout=120)
    read_all(reader)  # hangs, and the test with it, when one of them lives
    os.close(reader)
    trial.check(what, code == expected, code)


def endings(trial):
    ended_by(trial, "SIGTERM", LEADER, [signal.SIGTERM], 128 + signal.SIGTERM)
    ended_by(trial, "a command that ignores SIGTERM", STUBBORN, [signal.SIGTERM], 128 + signal.SIGKILL)
    ended_by(trial, "a second signal", STUBBORN, [signal.SIGINT] * 1000, 130)


def killed(trial):
    """Nothing can be tidied up then, but the command does not live on."""
    reader, writer = os.pipe()
    with trial.start("--", sys.executable, "-c", LEADER, str(writer), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                     pass_fds=(writer,)) as mock:
        os.close(writer)
        os.read(reader, 1)
        mock.kill()
        mock.wait(timeout=120)
    read_all(reader)
    os.close(reader)
    for folder in (trial.folder / "tmp").glob("smtpspec-mock-*"):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def at_terminal(trial, what, script, typed, expected, shown):
    """`typed`: pairs of what is waited for and what is typed then."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(trial.program, [trial.program, "mock", "--", "sh", "-c", script], trial.environment)
    seen = b""
    for wanted, keys in typed + [(None, b"")]:
        while wanted is None or wanted not in seen:
            try:
                piece = os.read(terminal, 1000)
            except OSError:  # EIO: nobody has it open any more
                piece = b""
            if not piece:
                break
            seen += piece
        os.write(terminal, keys) if keys else None
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    trial.check(what, code == expected and shown in seen, (code, seen))


def terminals(trial):
    talk = 'echo first; read line; echo "got $line"; read line; echo "and $line"'
    at_terminal(trial, "a command that reads from the terminal", talk, [(b"first", b"one\n"), (b"got one", b"two\n")], 0, b"and two")
    at_terminal(trial, "Ctrl-C for a command that has the terminal", talk, [(b"first", b"one\n"), (b"got one", b"\x03")], 130, b"got")
    at_terminal(trial, "Ctrl-C for one that has not", "echo here; exec sleep 1000", [(b"here", b"\x03")], 128 + signal.SIGTERM, b"here")
    deaf = "trap '' INT TERM; echo here; sleep 1000; sleep 1000"
    at_terminal(trial, "Ctrl-C for one that ignores it", deaf, [(b"here", b"\x03")], 128 + signal.SIGKILL, b"here")


def full_disk(trial):
    """The limit of a file's size stands for it."""
    box = trial.folder / "box"

    def no_file_above_64_kb():
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    code, out, err = trial.run("--maildir", str(box), "--", sys.executable, "-c", SEND, preexec_fn=no_file_above_64_kb)
    kept = [path.stat().st_size for path in box.glob("*/*")]
    trial.check("a message without place", code == 0 and out.splitlines() == ["452 4.3.1", "taken"], (code, out, err))
    trial.check("what is in the Maildir", len(kept) == 1 and kept[0] < 1000 and not list((box / "tmp").iterdir()), kept)
    trial.check("the log", "the message could not be written: File too large" in err, err)


def main():
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(os.path.abspath(sys.argv[1]), pathlib.Path(name))
        for part in (inheritance, left_behind, full_disk, endings, killed, terminals):
            part(trial)
    print("\n".join(trial.bad) or f"{trial.count} checks")
    return 1 if trial.bad else 0


if __name__ == "__main__":
    sys.exit(main())
