"""The measurements of peers.sh; run that. Each target is a ratio of two things measured in the same run, A B A B …, of which the
median counts; what is asked of it is from the issue "Latency and load". CPU is that of all threads of a process, in nanoseconds."""
import argparse
import json
import os
import re
import resource
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROWS = []


def cpu_ns(pid):
    """Of every thread that lives: none of the servers here ends a thread while it is measured."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            pass
    return total


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for_port(port, process):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            sys.exit(f"peers.py: {process.args[0]} ended with {process.returncode}")
        time.sleep(0.02)
    sys.exit(f"peers.py: nothing listens on {port}")


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def row(name, ratio, bound, better, detail=""):
    """`better` is "<=" or ">="."""
    met = ratio <= bound if better == "<=" else ratio >= bound
    ROWS.append((name, ratio, f"{better} {bound:g}", "met" if met else "missed", detail))
    print(f"  {name}: {ratio:.2f} ({better} {bound:g}: {'met' if met else 'missed'}) {detail}", flush=True)


def ratio_of(pairs):
    return statistics.median(a / b for a, b in pairs)


class Field:
    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.program = given.program
        self.source, self.sink = given.tools + "/smtp-source", given.tools + "/smtp-sink"

    # -- servers ------------------------------------------------------------------------------------------------------

    def start_sink(self):
        port = free_port()
        process = subprocess.Popen([self.sink, "-u", "nobody", "-m", "20000", f"127.0.0.1:{port}", "4096"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(port, process)
        return process, port

    def start_mock(self, *words, log=None):
        """`log`: a file for its log of sessions."""
        ready = self.folder / f"ready-{time.monotonic_ns()}"
        process = subprocess.Popen([self.program, "mock", "--ephemeral", "--ready-file", ready, "--ca-out", f"{ready}.ca", *words],
                                   stdout=open(log, "wb") if log else subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                sys.exit("peers.py: the mock did not start")
            time.sleep(0.02)
        time.sleep(0.05)
        told = json.loads(ready.read_text())
        return process, {int(port): entry["port"] for port, entry in told["ports"].items()}, told

    def flood(self, port, messages, octets, kept):
        """smtp-source; seconds that it took, and its own CPU seconds."""
        command = [self.source, *(["-d"] if kept else []), "-s", "10", "-m", str(messages), "-l", str(octets), "-f", "anna@client.test",
                   "-t", "bert@mail.test", f"127.0.0.1:{port}"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seconds = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit("peers.py: smtp-source: " + done.stderr.strip()[:300])
        return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def server_cost(self, process, port, messages, octets, kept):
        """CPU microseconds of the server for each message."""
        self.flood(port, messages // 10, octets, kept)
        before = cpu_ns(process.pid)
        self.flood(port, messages, octets, kept)
        return (cpu_ns(process.pid) - before) / 1000 / messages

    def servers(self):
        print("mock server under smtp-source, 10 sessions: CPU of the server per unit, against smtp-sink's")
        kinds = (("session, 512 octets", 4000, 512, False, 0.75), ("message on kept connections, 512 octets", 20000, 512, True, 0.90),
                 ("message on kept connections, 10 KiB", 8000, 10240, True, 0.60))
        sink, sink_port = self.start_sink()
        mock, ports, _ = self.start_mock("--discard", "--no-log", "--no-auth")
        log = self.folder / "sessions.log"
        logged, logged_ports, _ = self.start_mock("--discard", "--no-auth", log=log)
        try:
            for name, messages, octets, kept, bound in kinds:
                pairs, with_log = [], []
                for _ in range(self.given.rounds):
                    theirs = self.server_cost(sink, sink_port, messages, octets, kept)
                    ours = self.server_cost(mock, ports[25], messages, octets, kept)
                    pairs.append((ours, theirs))
                    os.truncate(log, 0)
                    with_log.append((self.server_cost(logged, logged_ports[25], messages, octets, kept), ours))
                detail = f"{statistics.median(p[0] for p in pairs):.1f} us, smtp-sink {statistics.median(p[1] for p in pairs):.1f} us"
                row(f"server: {name}", ratio_of(pairs), bound, "<=", detail)
                row("  the same, with the log of sessions", ratio_of(with_log), 1.5, "<=", f"{statistics.median(p[0] for p in with_log):.1f} us")
        finally:
            for process in (sink, mock, logged):
                end(process)

    # -- load generator -------------------------------------------------------------------------------------------------

    def our_load(self, port, messages, *words):
        """Seconds of our generator as a whole process, and its CPU seconds."""
        profile, result = self.folder / "sink.yaml", self.folder / "load.json"
        profile.write_text("name: sink\nhost: sink.test\nports: {25: plain}\nenvelope: {from: anna@client.test, to: bert@mail.test}\n")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.monotonic()
        done = subprocess.run([self.program, "bench", "--endpoint", profile, "--connect-to", f"sink.test:25:127.0.0.1:{port}", "--no-auth",
                               "--connections", "10", "--messages", str(messages), "--size", "512", "--no-calibration", "--format", "json",
                               "--output", result, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seconds = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(result.read_text())["ports"][0]
        if done.returncode != 0 or found["sent"] != messages:
            sys.exit("peers.py: bench: " + done.stderr[:300] + json.dumps(found["errors"])[:300])
        return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    @staticmethod
    def each(measure, messages):
        """What one message more costs: (messages a second, CPU microseconds per message). Both programs are timed from start to
        end, and with a tenth of the messages as well, so that what they do before the first one is in neither figure."""
        few = messages // 10
        short_seconds, short_cpu = measure(few)
        seconds, cpu = measure(messages)
        return (messages - few) / (seconds - short_seconds), (cpu - short_cpu) / (messages - few) * 1e6

    def generators(self):
        print("load generator against smtp-sink, 10 connections, 512 octets, all stages timed: messages a second, against smtp-source's")
        kinds = (("one connection per message", 8000, False, (), 1.4), ("kept connections", 40000, True, ("--messages-per-connection", "0"), 1.2),
                 ("kept connections, pipelined", 40000, True, ("--messages-per-connection", "0", "--pipelining"), 2.0))
        sink, port = self.start_sink()
        try:
            for name, messages, kept, words, bound in kinds:
                pairs, ours_cpu, theirs_cpu = [], [], []
                for _ in range(self.given.rounds):
                    theirs, cpu = self.each(lambda number: self.flood(port, number, 512, kept), messages)
                    theirs_cpu.append(cpu)
                    rate, ours = self.each(lambda number: self.our_load(port, number, *words), messages)
                    ours_cpu.append(ours)
                    pairs.append((rate, theirs))
                detail = (f"{statistics.median(p[0] for p in pairs):.0f}/s, smtp-source {statistics.median(p[1] for p in pairs):.0f}/s; "
                          f"CPU {statistics.median(ours_cpu):.0f} us, smtp-source {statistics.median(theirs_cpu):.0f} us")
                row(f"generator: {name}", ratio_of(pairs), bound, ">=", detail)
        finally:
            end(sink)

    # -- TLS --------------------------------------------------------------------------------------------------------------

    def start_s_server(self, kind):
        key, cert = self.folder / f"{kind}.key", self.folder / f"{kind}.pem"
        new = ["rsa:2048"] if kind == "RSA-2048" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", *new, "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=mail.test",
                        "-addext", "subjectAltName=DNS:mail.test"], check=True, stderr=subprocess.DEVNULL)
        port = free_port()
        process = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key", key, "-cert", cert, "-quiet", "-tls1_3"],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(port, process)
        return process, port, key, cert

    def handshakes(self, process, port):
        """Full handshakes per CPU second of the server."""
        before = cpu_ns(process.pid)
        done = subprocess.run(["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-time", "3", "-tls1_3"], capture_output=True, text=True)
        found = re.search(r"(\d+) connections in", done.stdout)
        if not found:
            sys.exit("peers.py: s_time: " + (done.stderr or done.stdout)[-300:])
        return int(found[1]) / ((cpu_ns(process.pid) - before) / 1e9)

    def tls(self):
        print("TLS 1.3 full handshakes per CPU second of the server, against openssl s_server")
        for kind, bound in (("P-256", 1.4), ("RSA-2048", 1.2)):
            theirs, their_port, key, cert = self.start_s_server(kind)
            ours, ports, _ = self.start_mock("--discard", "--no-log", "--no-auth", "--cert", cert, "--key", key)
            try:
                pairs = []
                for _ in range(self.given.rounds):
                    pairs.append((self.handshakes(ours, ports[465]), self.handshakes(theirs, their_port)))
                detail = f"{statistics.median(p[0] for p in pairs):.0f}, s_server {statistics.median(p[1] for p in pairs):.0f}"
                row(f"TLS: handshakes, {kind}", ratio_of(pairs), bound, ">=", detail)
            finally:
                end(ours)
                end(theirs)
        self.whole_message()

    def whole_message(self):
        """A message over STARTTLS with AUTH against the handshake alone, CPU of the server."""
        mock, ports, told = self.start_mock("--discard", "--no-log")
        profile, result = self.folder / "mock.yaml", self.folder / "whole.json"
        profile.write_text(f"name: mock\nhost: mail.test\nports: {{587: starttls}}\ntls: {{ca_file: {told['ca_file']}}}\n"
                           f"auth: {{user: {told['user']}, password_env: PEER_PASSWORD}}\nenvelope: {{from: anna@client.test, to: bert@mail.test}}\n")
        environment = dict(os.environ, PEER_PASSWORD=Path(told["password_file"]).read_text().strip())
        pairs = []
        messages = 2000
        try:
            for _ in range(self.given.rounds):
                alone = 1e6 / self.handshakes(mock, ports[465])
                before = cpu_ns(mock.pid)
                subprocess.run([self.program, "bench", "--endpoint", profile, "--connect-to", f"mail.test:587:127.0.0.1:{ports[587]}", "--connections", "10",
                                "--messages", str(messages), "--no-calibration", "--format", "json", "--output", result], env=environment, check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                pairs.append(((cpu_ns(mock.pid) - before) / 1000 / messages, alone))
        finally:
            end(mock)
        row("TLS: message with STARTTLS and AUTH / handshake", ratio_of(pairs), 1.3, "<=",
            f"{statistics.median(p[0] for p in pairs):.0f} us, handshake {statistics.median(p[1] for p in pairs):.0f} us")

    # -- idle connections ----------------------------------------------------------------------------------------------------

    def idle(self):
        print("idle connections after EHLO: resident memory of the server for each")
        for name, port, count, bound in (("in clear", 25, 10000, 4), ("in TLS", 465, 10000, 70)):
            mock, ports, _ = self.start_mock("--discard", "--no-log", "--no-auth")
            try:
                done = subprocess.run([sys.executable, HERE / "idle.py", str(ports[port]), str(count), str(mock.pid), "tls" if port == 465 else "clear"],
                                      capture_output=True, text=True)
                if done.returncode != 0:
                    sys.exit("peers.py: idle.py: " + done.stderr[-300:])
                found = json.loads(done.stdout)
                row(f"idle: KiB per connection {name}", found["kib_each"], bound, "<=", f"{count} connections")
                row(f"idle: time to open {count} / 1000, {name}", found["seconds"] / found["seconds_1000"], 12, "<=",
                    f"{found['seconds']:.1f} s, {found['seconds_1000']:.2f} s")
            finally:
                end(mock)

    # -- the instrument's own error --------------------------------------------------------------------------------------------

    def error(self):
        print("the instrument's own error: medians against a server that knows how long it took, one connection, microseconds")
        key, cert = self.folder / "delayed.key", self.folder / "delayed.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days",
                        "2", "-subj", "/CN=sink.test", "-addext", "subjectAltName=DNS:sink.test"], check=True, stderr=subprocess.DEVNULL)
        worst, told = 0.0, []
        for mode in ("plain", "starttls"):
            for stage, off in self.errors_of(mode, key, cert).items():
                told.append(f"{stage}{' in TLS' if mode == 'starttls' and stage not in ('greeting', 'ehlo', 'starttls', 'ehlo-in-tls') else ''} {off:+.0f}")
                worst = max(worst, abs(off))
        row("instrument: worst error of a stage's median, us", worst, 50, "<=", ", ".join(told))

    def errors_of(self, mode, key, cert):
        """Of each stage that a server can delay: connect is the kernel's, content our own, and a handshake is the work of both sides."""
        server = Delayed(key, cert)
        profile, result = self.folder / "delayed.yaml", self.folder / "delayed.json"
        profile.write_text(f"name: delayed\nhost: sink.test\nports: {{25: {mode}}}\ntls: {{ca_file: {cert}}}\nauth: {{user: anna, password_env: DELAYED}}\n"
                           "envelope: {from: anna@client.test, to: bert@mail.test}\n")
        subprocess.run([self.program, "bench", "--endpoint", profile, "--connect-to", f"sink.test:25:127.0.0.1:{server.port}", "--connections", "1",
                        *(["--no-auth"] if mode == "plain" else []), "--messages", "200", "--no-calibration", "--format", "json", "--output", result],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, DELAYED="a password"))
        stages = json.loads(result.read_text())["ports"][0]["stages"]
        return {stage: stages[stage]["p50_us"] - statistics.median(truths) / 1000 for stage, truths in server.truths.items() if truths}

    # -- the matrix -------------------------------------------------------------------------------------------------------------

    def matrix(self):
        print("the embedded matrix: cells a second, and how the time grows")
        def run(*words):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run([self.program, "run", *words], capture_output=True, text=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found = re.search(r"(\d+) cells in ([\d.]+) s", done.stdout)
            return int(found[1]), float(found[2]), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        for words in (("--port", "587"), ("--port", "25,587"), ("--port", "25,465,587"), (), ("--jobs", "40"), ("--jobs", "100")):
            cells, seconds, cpu = run(*words)
            print(f"  run {' '.join(words):18} {cells:5} cells in {seconds:6.2f} s, {cells / seconds:6.0f} cells/s, {cells / cpu:5.0f} cells per CPU second", flush=True)


class Delayed(threading.Thread):
    """A server that answers each command after a known time, in clear and inside TLS, and remembers how long it really took."""
    DELAYS = {"greeting": 2000, "ehlo": 1000, "starttls": 700, "ehlo-in-tls": 1200, "auth": 2500, "mail": 500, "rcpt": 1500, "data": 800,
              "final-dot": 3000, "quit": 300}
    VERBS = {b"STAR": ("starttls", b"220 2.0.0 go\r\n"), b"AUTH": ("auth", b"235 2.7.0 ok\r\n"), b"MAIL": ("mail", b"250 2.1.0 ok\r\n"),
             b"RCPT": ("rcpt", b"250 2.1.5 ok\r\n"), b"DATA": ("data", b"354 go\r\n"), b"QUIT": ("quit", b"221 2.0.0 bye\r\n")}

    def __init__(self, key, cert):
        super().__init__(daemon=True)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cert, key)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.socket.setblocking(False)  # see look()
        self.port = self.socket.getsockname()[1]
        self.truths = {stage: [] for stage in self.DELAYS}
        self.start()

    def answer(self, peer, stage, text, since, counted_from=None):
        """Waits from `since` on; what it took counts from `counted_from` where the client was kept waiting before that."""
        until = since + self.DELAYS[stage] * 1000
        while time.monotonic_ns() < until:
            pass
        peer.sendall(text)
        self.truths[stage].append(time.monotonic_ns() - (counted_from or since))

    @staticmethod
    def look(act):
        """Without sleeping: how long this thread takes to wake up is not the instrument's error."""
        while True:
            try:
                return act()
            except (BlockingIOError, ssl.SSLWantReadError):
                pass

    @staticmethod
    def handshake(peer):
        """When the client's Finished came. Checking it and making tickets is this server's time, and EHLO waits meanwhile."""
        begun = time.monotonic_ns()
        peer.do_handshake()
        return begun

    def run(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except BlockingIOError:
                continue
            self.accepted = time.monotonic_ns()
            peer.setblocking(False)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.talk(peer)
            except OSError:
                pass

    def talk(self, peer):
        self.answer(peer, "greeting", b"220 delayed.test ready\r\n", self.accepted)
        pending, inside, finished = b"", False, None
        while True:
            octets = self.look(lambda: peer.recv(65536))
            now = time.monotonic_ns()
            if not octets:
                peer.close()
                return
            pending += octets
            if inside and pending.endswith(b"\r\n.\r\n"):
                inside, pending = False, b""
                self.answer(peer, "final-dot", b"250 2.0.0 ok\r\n", now)
            if inside or not pending.endswith(b"\r\n"):
                continue
            verb, pending = pending[:4].upper(), b""
            if verb == b"EHLO":
                offers = b"250 AUTH PLAIN\r\n" if finished else b"250 STARTTLS\r\n"
                self.answer(peer, "ehlo-in-tls" if finished else "ehlo", b"250-delayed.test\r\n" + offers, now, finished)
                continue
            self.answer(peer, *self.VERBS[verb], now)
            inside = verb == b"DATA"
            if verb == b"STAR":
                peer = self.tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
                finished = self.look(lambda: self.handshake(peer))
            if verb == b"QUIT":
                peer.close()
                return


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tools", required=True)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", action="append", choices=("servers", "generators", "tls", "idle", "error", "matrix"))
    options.add_argument("--program", default=str(HERE.parent / "build/release/smtpspec"))
    given = options.parse_args()
    if not os.access(given.program, os.X_OK):
        sys.exit(f"peers.py: no {given.program}; run ./demo.sh first")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for 10,000 connections; the servers inherit it
    print(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; what else runs on it changes even CPU per unit\n")
    with tempfile.TemporaryDirectory() as name:
        field = Field(given, Path(name))
        os.chmod(name, 0o755)
        for part in given.only or ("servers", "generators", "tls", "idle", "error", "matrix"):
            getattr(field, part)()
    print(f"\n{'what':52} {'ratio':>7}  {'asked':>8}  result")
    for what, ratio, bound, verdict, _ in ROWS:
        print(f"{what:52} {ratio:7.2f}  {bound:>8}  {verdict}")


if __name__ == "__main__":
    main()
