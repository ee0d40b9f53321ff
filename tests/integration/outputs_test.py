#!/usr/bin/env python3
"""outputs_test.py SMTPSPEC: nothing that was measured is lost, and no file is replaced that is not ours to replace.

Full disks, devices and links as output, and what a signal leaves: a result, whoever sends it and how often.
"""
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

CELL = ["--only", "starttls.advert.*", "--port", "587"]


class Trial:
    def __init__(self, program, folder):
        self.program, self.folder, self.bad = program, folder, []
        self.environment = dict(os.environ, TMPDIR=str(folder / "tmp"))
        (folder / "tmp").mkdir()

    def run(self, *words):
        return subprocess.run([self.program, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300)

    def check(self, what, fits, detail=""):
        if not fits:
            self.bad.append(f"{what}: {detail}")

    def kept(self):
        """The result that was kept elsewhere, and no longer is."""
        for path in (self.folder / "tmp").glob("smtpspec-result-*"):
            text = path.read_text()
            path.unlink()
            return json.loads(text)
        return None


def devices(trial):
    """/dev/full is a device here whatever the machine has in /dev."""
    full = trial.folder / "full"
    try:
        os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        with open(full, "wb"):
            pass
    except OSError:
        full = pathlib.Path("/dev/full")
    if not full.exists() or not stat.S_ISCHR(full.stat().st_mode):
        print("no full device here: a place where nothing can be made stands for it")
        full = pathlib.Path("/proc/smtpspec-full")
    done = trial.run("run", *CELL, "--format", "json", "--output", str(full))
    result = trial.kept()
    trial.check("run on a full disk", done.returncode == 3 and result and result["cells"], done)
    done = trial.run("bench", "--messages", "1", "--port", "587", "--format", "json", "--output", str(full))
    result = trial.kept()
    trial.check("bench on a full disk", done.returncode == 3 and result and result["ports"], done)
    for option in ("--ready-file", "--ca-out"):
        done = trial.run("mock", option, str(full), "--", "true")
        trial.check(f"mock {option} on a full disk", done.returncode == 3 and "could not be written" in done.stderr, done)
    trial.check("the device", not full.exists() or stat.S_ISCHR(full.lstat().st_mode), "it was replaced")


def messages_nobody_reads(trial):
    """Standard error that is full, closed, or a pipe whose reader has gone: the result is written all the same."""
    full = "/dev/full" if pathlib.Path("/dev/full").is_char_device() else "/proc/version"
    for where in (f"2>{full}", "2>&-", "2>&1 >/dev/null | true"):
        result = trial.folder / "result.json"
        result.unlink(missing_ok=True)
        line = f'"$0" run {" ".join(CELL)} --format json --output result.json {where}'
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line, trial.program], cwd=trial.folder, env=trial.environment, timeout=300)
        trial.check(f"run {where}", done.returncode == 0 and json.loads(result.read_text())["cells"], done)
        line = f'"$0" run nosuchprofile {where}'
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line, trial.program], cwd=trial.folder, env=trial.environment, timeout=300)
        trial.check(f"a mistake {where}", done.returncode == 2, done)


def closed_pipes(trial):
    """A reader that has gone has seen enough: no message, no copy, the command's own exit code."""
    (trial.folder / "r.json").write_text(trial.run("run", *CELL, "--format", "json").stdout)
    for words in (["run", *CELL], ["run", *CELL, "--format", "json", "--output", "/dev/stdout"], ["report", "r.json"], ["list"],
                  ["bench", "--messages", "1", "--port", "587"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([trial.program, *words], cwd=trial.folder, env=trial.environment, stdout=write, stderr=subprocess.PIPE,
                              text=True, timeout=300)
        os.close(write)
        trial.check(f"{words} to a closed pipe", done.returncode == 0 and "written" not in done.stderr and not trial.kept(), done)
    full = "/dev/full" if pathlib.Path("/dev/full").is_char_device() else "/proc/smtpspec-full"
    done = trial.run("report", "r.json", "--output", full)
    trial.check("report to a full disk", done.returncode == 3 and "kept" not in done.stderr and not trial.kept(), done)


def results_without_contact(trial):
    """A host without an address leaves a document, as a port that refuses does; .invalid never resolves (RFC 6761 §6.4)."""
    done = trial.run("run", "host.invalid", "--only", "starttls.advert.*", "--format", "json")
    result = json.loads(done.stdout or "{}")
    cells = result.get("cells", [])
    trial.check("a host without an address", done.returncode == 4 and cells and result["endpoints"][0]["host"] == "host.invalid" and
                {cell["cause"] for cell in cells if cell["verdict"] == "inconclusive"} == {"unreachable"} and
                any("host.invalid" in notice for notice in result["notices"]), done)
    done = trial.run("run", "host.invalid", "--plan")
    trial.check("a plan for it", done.returncode == 4 and not done.stdout, done)
    done = trial.run("run", "localhost", "--connect-to", "localhost:587:[::1]:1", "--port", "587", "--only", "starttls.advert.*")
    trial.check("IPv6 in the command to repeat", "'localhost:587:[::1]:1'" in done.stdout, done)


def waivers(trial):
    """A broad waiver leaves the cells alone that pass beside those that it is for; one that fits nothing is named."""
    (trial.folder / "w.yaml").write_text("waivers: [{id: 'starttls.*', endpoint: localhost, reason: known}]\n")
    shell = (f'exec {trial.program} run localhost --ca $SMTPSPEC_CA_FILE --port 587 --only "starttls.*" --no-auth --waivers w.yaml '
             '--format json --connect-to localhost:587:127.0.0.1:$SMTPSPEC_PORT_587')
    for defect, code, passed in (["--defect", "keep-plaintext-after-starttls"], 0, False), ([], 1, True):
        done = trial.run("mock", *defect, "--", "sh", "-c", shell)
        cells = json.loads(done.stdout or "{}").get("cells", [])
        trial.check(f"a broad waiver, {defect}", done.returncode == code and any(cell["verdict"] == "pass" for cell in cells) and
                    any(cell["xpass"] for cell in cells) == passed, done.stderr)
    (trial.folder / "w.yaml").write_text("waivers: [{id: 'starttls.advrt.*', reason: known}]\n")
    done = trial.run("run", "--waivers", "w.yaml", "--format", "json")
    notices = json.loads(done.stdout or "{}").get("notices", [])
    trial.check("a waiver that fits nothing", done.returncode == 0 and any("starttls.advrt.*" in notice for notice in notices), done)


def files(trial):
    target, link = trial.folder / "target.json", trial.folder / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    done = trial.run("run", *CELL, "--format", "json", "--output", str(link))
    trial.check("run over a link", done.returncode == 0 and link.is_symlink() and json.loads(target.read_text())["cells"], done)
    trial.check("its mode", stat.S_IMODE(target.stat().st_mode) == 0o640, oct(target.stat().st_mode))
    limited = ["sh", "-c", 'ulimit -f 8; trap "" XFSZ; exec "$@"', "sh", trial.program, "run", *CELL, "--format", "json", "--output", str(target)]
    before = target.read_text()
    done = subprocess.run(limited, env=trial.environment, capture_output=True, text=True, timeout=300)
    trial.check("run that may not write", done.returncode == 3 and target.read_text() == before, done)
    log = trial.folder / "log"
    shell = 'echo before; "$@" --output /dev/stdout; echo after'
    with open(log, "w") as stream:
        subprocess.run(["sh", "-c", shell, "sh", trial.program, "run", *CELL, "--format", "json"], stdout=stream,
                       env=trial.environment, timeout=300, check=True)
    text = log.read_text()
    trial.check("/dev/stdout in a log", text.startswith("before\n{") and text.endswith("}\nafter\n"), text[:80] + text[-80:])
    twin = trial.folder / "twin.json"
    os.link(target, twin)
    done = trial.run("run", *CELL, "--format", "json", "--output", str(twin))
    trial.check("a file with two names", target.samefile(twin) and json.loads(twin.read_text())["cells"], done)
    ready = trial.folder / "ready.json"
    ready.write_text("of an earlier run")
    done = trial.run("mock", "--ready-file", str(ready), "--", "cat", str(ready))
    trial.check("a ready file of an earlier run", '"ports"' in done.stdout and "earlier" not in done.stdout, done)
    # The server does not come up: nobody may take the old file for its own.
    done = trial.run("mock", "--listen", "192.0.2.1", "--ready-file", str(ready), "--", "true")
    trial.check("a server that does not start", done.returncode == 4 and not ready.exists(), done)


def interrupted(trial, words, send, nohup=False):
    """Runs, sends the signals when there is progress, gives exit code and standard output."""
    process = subprocess.Popen([trial.program, *words], cwd=trial.folder, env=trial.environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL))
    until = time.monotonic() + 60
    while send and not handles(process.pid, send[0]):
        if process.poll() is not None or time.monotonic() > until:
            break
        time.sleep(0.01)  # for the handler to be there; bounded above
    for number in send:
        process.send_signal(number)
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        trial.bad.append(f"{words}: still there after the signals")
    return process.returncode, out, err


def handles(pid, number):
    """True when the process catches the signal (Linux)."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    except OSError:
        pass
    return False


def signals(trial):
    for name, send in (("SIGINT", [signal.SIGINT]), ("SIGTERM", [signal.SIGTERM]), ("SIGHUP", [signal.SIGHUP]),
                       ("SIGINT twice at once", [signal.SIGINT, signal.SIGINT])):
        code, out, err = interrupted(trial, ["run", "--slow", "--format", "json"], send)
        trial.check(f"run, {name}", code == 130 and json.loads(out or "{}").get("interrupted") is True, (code, err, out[:200]))
    for name, number in (("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM)):
        code, out, err = interrupted(trial, ["bench", "--messages", "10000", "--format", "json"], [number])
        trial.check(f"bench, {name}", code == 130 and "ports" in json.loads(out or "{}"), (code, err, out[:200]))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, nobody answers
        profile = trial.folder / "silent.yaml"
        profile.write_text(f"host: 127.0.0.1\nports: {{{silent.getsockname()[1]}: starttls}}\nenvelope: {{from: a@b.test, to: c@d.test}}\n")
        code, out, err = interrupted(trial, ["bench", "--endpoint", str(profile), "--format", "json"], [signal.SIGINT])
        trial.check("bench of a silent server", code == 130 and "ports" in json.loads(out or "{}"), (code, err, out[:200]))
    code, out, err = interrupted(trial, ["selftest"], [signal.SIGINT])
    trial.check("selftest", code == 130 and "interrupted" in out and "0 of 0" not in out, (code, out, err))
    code, out, err = interrupted(trial, ["mock", "--ephemeral"], [signal.SIGHUP])
    trial.check("mock, SIGHUP", code == 0 and not list((trial.folder / "tmp").glob("smtpspec-mock-*")), (code, out, err))
    # The sleep leaves the signal time to do harm; a mock that it does not end passes however long that takes.
    code, out, err = interrupted(trial, ["mock", "--", "sh", "-c", "kill -HUP $PPID; sleep 0.3; echo alive"], [], nohup=True)
    trial.check("nohup", code == 0 and "alive" in out, (code, out, err))
    code, out, err = interrupted(trial, ["mock", "--", "sleep", "100"], [signal.SIGHUP])
    trial.check("mock with a command, SIGHUP", code == 128 + signal.SIGTERM, (code, out, err))


def main():
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(sys.argv[1], pathlib.Path(name))
        devices(trial)
        messages_nobody_reads(trial)
        closed_pipes(trial)
        results_without_contact(trial)
        waivers(trial)
        files(trial)
        signals(trial)
        print("\n".join(trial.bad) or "nothing lost, nothing replaced")
        return 1 if trial.bad else 0


if __name__ == "__main__":
    sys.exit(main())
