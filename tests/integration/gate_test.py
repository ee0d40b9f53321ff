#!/usr/bin/env python3
"""gate_test.py SMTPSPEC: how a gate ends in the situations that it meets. The results are those that `run` wrote, or those changed as
another server, another version or another day would change them."""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

PROGRAM = sys.argv[1]
CONCLUSIONS = {0: "not worse", 1: "worse", 5: "cannot tell", 77: "nothing in common"}
COMPARISON = jsonschema.Draft7Validator(json.loads((pathlib.Path(__file__).parents[2] / "docs/comparison.schema.json").read_text()))
ONLY = [word for glob in ("starttls.*", "auth.fail.*", "implicit.*") for word in ("--only", glob)]


def run(*words, folder=None):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=300, cwd=folder)


def write(path, document):
    path.write_text(json.dumps(document))
    return path


def with_verdict(document, verdict, choose, **more):
    """The cells that `choose` takes have this verdict now."""
    changed = copy.deepcopy(document)
    chosen = [cell for cell in changed["cells"] if choose(cell)]
    assert chosen, "no cell to change"
    for cell in chosen:
        cell.update(verdict=verdict, **more)
    return changed


def without(document, choose):
    changed = copy.deepcopy(document)
    changed["cells"] = [cell for cell in changed["cells"] if not choose(cell)]
    assert len(changed["cells"]) < len(document["cells"])
    return changed


def first(verdict="pass", port=None):
    """Chooses one cell, the first that fits."""
    taken = []

    def choose(cell):
        if not taken and cell["verdict"] == verdict and (port is None or cell["port"] == port):
            taken.append(cell)
            return True
        return False
    return choose


def on(port):
    return lambda cell: cell["port"] == port


def starts(prefix):
    return lambda cell: cell["scenario"].startswith(prefix) and cell["verdict"] == "pass"


def situations(good):
    """(what, OLD, NEW, options, exit code, words that are told)"""
    def one(verdict, **more):
        return with_verdict(good, verdict, first(), **more)
    waived = {"waiver": {"id": "*", "reason": "known to be so"}}
    return [
        ("the same", good, good, [], 0, "same"),
        ("pass becomes fail", good, one("fail"), [], 1, "pass -> fail"),
        ("pass becomes vulnerable", good, one("vulnerable"), [], 1, "pass -> vulnerable"),
        ("pass becomes inconclusive", good, one("inconclusive"), [], 1, "pass -> inconclusive"),
        ("pass becomes error", good, one("error"), [], 1, "pass -> error"),
        ("pass becomes unsupported", good, one("unsupported"), [], 1, "pass -> unsupported"),
        ("pass becomes skipped", good, one("skipped"), [], 1, "pass -> skipped"),
        ("warn becomes fail", one("warn"), one("fail"), [], 1, "warn -> fail"),
        ("tolerated becomes inconclusive", one("tolerated"), one("inconclusive"), [], 1, "tolerated -> inconclusive"),
        ("fail becomes vulnerable", one("fail"), one("vulnerable"), [], 1, "fail -> vulnerable"),
        ("unsupported becomes fail", one("unsupported"), one("fail"), [], 1, "unsupported -> fail"),
        ("pass becomes tolerated", good, one("tolerated"), [], 0, "1 shifted"),
        ("pass becomes warn", good, one("warn"), [], 0, "1 shifted"),
        ("fail becomes pass", one("fail"), good, [], 0, "1 fixed"),
        ("fail stays fail", one("fail"), one("fail"), [], 0, "same"),
        ("fail in another way", one("fail", outcome="a"), one("fail", outcome="b"), [], 0, "1 changed"),
        ("fail becomes inconclusive", one("fail"), one("inconclusive"), [], 0, "1 changed"),
        ("a cell is gone", good, without(good, first()), [], 1, "1 gone"),
        ("a port is gone", good, without(good, on(587)), [], 1, "nothing was tested on that port"),
        ("a cell appeared", without(good, first()), good, [], 0, "1 appeared"),
        ("a red cell appeared", without(good, first()), one("fail"), [], 0, "1 appeared"),
        ("the rule was revised", good, one("fail", rev=99), [], 0, "1 revised"),
        ("it fails, and a waiver accepts it", good, one("fail", **waived), [], 0, "known to be so"),
        ("a waiver is gone", one("fail", **waived), one("fail"), [], 1, "1 worse"),
        ("flaky, and good in the end", good, one("pass", flaky=True, attempts=[
            {"verdict": "inconclusive", "outcome": "", "reason": "no answer", "duration_us": 1, "transcript": []}]), [], 0, "1 flaky"),
        ("interrupted", good, dict(without(good, first()), interrupted=True), [], 1, "NEW was interrupted"),
        ("it passes, and a waiver says that it does not", good, one("pass", xpass=True, **waived), [], 1, "no longer wrong"),
        ("both pass against a waiver", one("pass", xpass=True, **waived), one("pass", xpass=True, **waived), [], 1, "unexpected pass"),
        ("its waiver has expired", one("fail"), one("fail", expired_waiver=True, waiver_problem="the waiver expired"), [], 1, "the waiver expired"),
        ("a cell is there twice, and the second is red", good, dict(good, cells=good["cells"] + one("fail")["cells"][:1]), [], 1, "the worse one counts"),
        ("OLD has no cells", dict(good, cells=[]), good, [], 77, "appeared"),
        ("OLD was interrupted", dict(good, interrupted=True), good, [], 0, "OLD was interrupted"),
        ("OLD is a part", dict(good, shard={"index": 1, "count": 2}), good, [], 0, "OLD is part 1 of 2"),
        ("STARTTLS is not offered any more", good, with_verdict(good, "unsupported", starts("starttls.")), [], 1, "pass -> unsupported"),
        ("AUTH is not offered any more", good, with_verdict(good, "unsupported", starts("auth.")), [], 1, "pass -> unsupported"),
        ("no cells at all", dict(good, cells=[]), dict(good, cells=[]), [], 77, "0 cells"),
        ("another tool's document", good, {"schema": "somebody.else/1"}, [], 2, "expected"),
        ("no OLD", None, good, [], 2, "OLD"),
        ("no OLD, and that is fine", None, good, ["--baseline-missing=ok"], 0, "nothing is compared"),
        ("no OLD, and NEW is no result", None, {"schema": "x"}, ["--baseline-missing=ok"], 2, "new.json"),
    ]


def compare_situations(folder, good):
    wrong = 0
    cases = situations(good)
    assert len(cases) >= 30
    for what, before, after, options, code, told in cases:
        old, new = folder / "old.json", folder / "new.json"
        old.unlink(missing_ok=True)
        if before is not None:
            write(old, before)
        write(new, after)
        done = run("compare", old, new, *options)
        said = done.stdout + done.stderr
        if done.returncode != code or told not in said:
            wrong += 1
            print(f"WRONG: {what}: exit {done.returncode}, expected {code} and \"{told}\"\n{said[:1500]}")
        if code in CONCLUSIONS and before is not None:
            found = json.loads(run("compare", old, new, "--format", "json", *options).stdout)
            COMPARISON.validate(found)
            assert found["schema"] == "smtpspec.comparison/1" and found["verdicts"]["worse"] == (code == 1), what
            assert found["conclusion"] == CONCLUSIONS[code], (what, found["conclusion"])
    print(f"{len(cases)} situations")
    return wrong


def with_latency(folder, good):
    """Verdicts and latency in one answer: a folder with both."""
    latency = folder / "latency.json"
    done = run("bench", "--messages", "60", "--port", "587", "--format", "json", "--output", latency)
    assert done.returncode == 0, done.stderr
    old, new = folder / "old", folder / "new"
    for side in (old, new):
        side.mkdir()
        (side / "latency.json").write_text(latency.read_text())
        (side / "other.json").write_text('{"schema": "of somebody else"}')
        write(side / "result.json", good)
    done = run("compare", old, new)
    assert done.returncode == 0 and "same" in done.stdout and "comparisons" in done.stdout, done
    found = json.loads(run("compare", old, new, "--format", "json").stdout)
    COMPARISON.validate(found)
    assert found["verdicts"]["worse"] is False and found["stages"], found
    write(new / "result.json", with_verdict(good, "fail", first()))
    assert run("compare", old, new).returncode == 1
    (new / "latency.json").unlink()
    write(new / "result.json", good)
    done = run("compare", old, new)
    assert done.returncode == 5 and "NEW has no result of bench" in done.stdout, done
    # A folder that has lost a result says so; one that was cut is an error.
    (new / "latency.json").write_text(latency.read_text())
    (old / "result.json").rename(folder / "kept.json")
    done = run("compare", old, new)
    assert done.returncode == 0 and "OLD has no result of run" in done.stdout, done
    COMPARISON.validate(json.loads(run("compare", old, new, "--format", "json").stdout))
    (old / "result.json").write_text((folder / "kept.json").read_text()[:3000])
    done = run("compare", old, new)
    assert done.returncode == 2 and "only a part of it" in done.stderr, done
    (folder / "kept.json").replace(old / "result.json")
    (new / "latency.json").unlink()
    write(new / "second.json", good)
    done = run("compare", old, new)
    assert done.returncode == 2 and "a second result of run" in done.stderr, done
    done = run("compare", write(folder / "verdicts.json", good), latency)
    assert done.returncode == 2 and "nothing in common" in done.stderr, done


def waive(folder, good):
    red = write(folder / "red.json", with_verdict(with_verdict(good, "fail", first(port=587), outcome="a \"b\": [c]", got="what # came"),
                                                  "vulnerable", first(port=465)))
    done = run("waive", red, "--output", folder / "waivers.yaml")
    assert done.returncode == 0, done.stderr
    text = (folder / "waivers.yaml").read_text()
    assert text.count("reason: \"\"") == 2 and "what # came" in text, text
    done = run("run", *ONLY, "--port", "587", "--waivers", folder / "waivers.yaml")
    assert done.returncode == 2 and "reason" in done.stderr, "a reason that nobody gave is refused"
    (folder / "waivers.yaml").write_text(text.replace("reason: \"\"", "reason: tried, and known"))
    done = run("run", *ONLY, "--port", "465,587", "--waivers", folder / "waivers.yaml")
    assert done.returncode == 1 and "XPASS" in done.stdout, "read, and nothing of it is wrong here"
    done = run("waive", write(folder / "green.json", good))
    assert done.returncode == 0 and "nothing" in done.stderr and not done.stdout, done
    assert run("waive", folder / "missing.json").returncode == 2


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        done = run("run", *ONLY, "--port", "465,587", "--format", "json", "--output", folder / "good.json")
        assert done.returncode == 0, done.stdout + done.stderr
        good = json.loads((folder / "good.json").read_text())
        wrong = compare_situations(folder, good)
        with_latency(folder, good)
        waive(folder, good)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
