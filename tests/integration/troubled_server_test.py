#!/usr/bin/env python3
"""troubled_server_test.py SMTPSPEC [--all]: a server that is troubled, not wrong, does not get other verdicts.

The mock is judged directly, and through a relay that makes one kind of trouble: it answers 421 to each connection behind ten, or to those
above ten at once, closes every third connection, or waits five seconds before it hands on the greeting. At least 90 % of the cells have the verdict that they
have without the trouble, the others are inconclusive and say why; none has another verdict. The trouble comes by count, so that the machine's
speed has no part in it.
"""
import asyncio
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

PROGRAM = sys.argv[1]
WORDS = ["--side", "server", "--port", "587", "--jobs", "24"]
if "--all" not in sys.argv:
    WORDS += [word for group in ("starttls.*", "auth.*", "pipelining.*", "data.eod.then-bdat*")
              for word in ("--only", group)]


class Relay:
    """Listens on a free port of loopback and hands connections on to `port`, with the trouble."""

    def __init__(self, trouble, port):
        self.trouble, self.port, self.count, self.open = trouble, port, 0, 0
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.own = self.server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        self.count += 1
        self.open += 1
        try:
            if self.trouble == "closes every third" and self.count % 3 == 0:
                return
            if (self.trouble == "421 behind ten" and self.count % 11 == 0) or (self.trouble == "421 above ten at once" and self.open > 10):
                writer.write(b"421 4.7.0 mail.test too many connections, try again later\r\n")
                await writer.drain()
                return
            if self.trouble == "slow greeting":
                await asyncio.sleep(5)  # the trouble itself, not a synchronisation
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
            await asyncio.gather(self.pump(reader, there_writer), self.pump(there_reader, writer))
        except OSError:
            pass
        finally:
            self.open -= 1
            writer.close()

    @staticmethod
    async def pump(reader, writer):
        try:
            while octets := await reader.read(65536):
                writer.write(octets)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


def judged(folder, name, trouble):
    """The verdicts of a run against the mock, through a relay when there is trouble."""
    ready = folder / f"{name}.ready"
    os.mkfifo(ready)
    mock = subprocess.Popen([PROGRAM, "mock", "--ephemeral", "--no-log", "--ready-file", ready], stdout=subprocess.DEVNULL)
    try:
        said = json.loads(ready.read_text())
        port = said["ports"]["587"]["port"]
        relay = Relay(trouble, port)
        profile = folder / f"{name}.yaml"
        profile.write_text(f"""name: troubled
host: mail.test
ports: {{587: starttls}}
tls: {{ca_file: {said["ca_file"]}}}
auth: {{user: {said["user"]}, password_file: {said["password_file"]}}}
envelope: {{from: sender@example.test, to: recipient@example.test, bad: bad@example.test, remote: someone@remote.example}}
""")
        done = subprocess.run([PROGRAM, "run", "--endpoint", profile, "--connect-to", f"::127.0.0.1:{relay.own}", *WORDS,
                               "--transcripts", "none", "--format", "json", "--output", folder / f"{name}.json"],
                              capture_output=True, text=True, timeout=500)
        assert (folder / f"{name}.json").exists(), done.stderr
        cells = json.loads((folder / f"{name}.json").read_text())["cells"]
        assert trouble == "" or relay.count > 50, f"only {relay.count} connections went through the relay"
        return {cell["scenario"] + json.dumps(cell["params"]): cell for cell in cells}, done.stderr[-2000:]
    finally:
        mock.terminate()
        mock.wait()


def main():
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        usual, said = judged(folder, "usual", "")
        assert len(usual) > 50, said
        fine = sum(cell["verdict"] == "pass" for cell in usual.values())
        words = collections.Counter((cell["verdict"], cell["reason"]) for cell in usual.values())
        assert fine > 0.8 * len(usual), f"without trouble only {fine} of {len(usual)} pass: {words.most_common(5)}"
        for number, trouble in enumerate(("421 behind ten", "421 above ten at once", "closes every third", "slow greeting")):
            found, said = judged(folder, f"trouble{number}", trouble)
            same = [cell for cell in usual if found[cell]["verdict"] == usual[cell]["verdict"]]
            other = [cell for cell in usual if cell not in same]
            bad = [cell for cell in other if found[cell]["verdict"] != "inconclusive" or not found[cell]["reason"]]
            good = not bad and len(same) >= 0.9 * len(usual)
            wrong += not good
            print(f"{'ok' if good else 'WRONG'}: {trouble}: {len(same)} of {len(usual)} cells have the same verdict, "
                  f"{len(other) - len(bad)} are inconclusive, {len(bad)} are different")
            for cell in other[:40]:
                print(f"  {found[cell]['verdict']}, was {usual[cell]['verdict']}: {cell}: {found[cell]['reason']}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
