#!/usr/bin/env python3
"""shard_test.py SMTPSPEC: eight processes do the parts of one run, and the whole is the same as without parts, cell by cell; what is missing
or there twice is named."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import jsonschema

PROGRAM = sys.argv[1]
DOCS = pathlib.Path(__file__).parents[2] / "docs"
LATENCY = jsonschema.Draft7Validator(json.loads((DOCS / "latency.schema.json").read_text()))
RESULT = jsonschema.Draft7Validator(json.loads((DOCS / "result.schema.json").read_text()))
WHAT = [word for glob in ("starttls.*", "auth.*", "client-starttls.*") for word in ("--only", glob)]
PARTS = 8


def run(*words, **environment):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=400, env=dict(os.environ, **environment))


def cells(path):
    """Name and port of each cell with its verdict; times and octets of a conversation differ from run to run."""
    found = [(cell["side"], cell["scenario"], tuple(sorted(cell["params"].items())), cell["port"], cell["verdict"], cell["outcome"])
             for cell in json.loads(path.read_text())["cells"]]
    assert len(found) == len(set(found)), "a cell is there twice"
    return set(found)


def start(folder, index, *more):
    return subprocess.Popen([PROGRAM, "run", *WHAT, "--shard", f"{index}/{PARTS}", "--format", "json", "--output", folder / f"part-{index}.json", *more],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def parts_of_a_run(folder):
    whole = folder / "whole.json"
    assert run("run", *WHAT, "--format", "json", "--output", whole).returncode == 0
    parts = [folder / f"part-{index}.json" for index in range(1, PARTS + 1)]
    processes = [start(folder, index, "--balance", str(whole)) for index in range(1, PARTS + 1)]
    for process in processes:
        _, errors = process.communicate(timeout=400)
        assert process.returncode == 0, errors
    merged = folder / "merged.json"
    done = run("merge", *reversed(parts), "--format", "json", "--output", merged)
    assert done.returncode == 0 and not done.stderr, done
    assert cells(merged) == cells(whole), cells(merged) ^ cells(whole)
    document = json.loads(merged.read_text())
    assert "shard" not in document and document["summary"] == json.loads(whole.read_text())["summary"]
    assert run("compare", whole, merged).returncode == 0
    times = [sum(cell["duration_us"] for cell in json.loads(whole.read_text())["cells"]
                 if (cell["scenario"], tuple(sorted(cell["params"].items())), cell["port"]) in mine)
             for mine in ({(c["scenario"], tuple(sorted(c["params"].items())), c["port"]) for c in json.loads(part.read_text())["cells"]} for part in parts)]
    longest = max(cell["duration_us"] for cell in json.loads(whole.read_text())["cells"])
    assert max(times) - min(times) <= longest, f"not balanced: {times}"

    done = run("merge", *parts[:3], *parts[4:], "--format", "json", "--output", merged)
    assert done.returncode == 5 and "part 4/8 is missing" in done.stderr, done
    assert json.loads(merged.read_text())["interrupted"] is True
    assert cells(merged) == cells(whole) - cells(parts[3])
    done = run("merge", *parts, parts[2])
    assert done.returncode == 2 and "part 3/8 is there twice" in done.stderr, done
    done = run("merge", whole, parts[0])
    assert done.returncode == 2 and "they are not parts of one run" in done.stderr, done

    partial = json.loads(parts[1].read_text())
    RESULT.validate(partial)
    assert "--shard" in partial["command"] and "--shard" not in document["command"] and document["command"].startswith("run --only starttls.*"), document["command"]
    partial["cells"] = partial["cells"][:5]
    parts[1].write_text(json.dumps(partial))
    done = run("merge", *parts, "--format", "json", "--output", merged)
    assert done.returncode == 5 and f"of {len(cells(whole))} cells are in no part" in done.stderr, done
    partial["interrupted"] = True
    parts[1].write_text(json.dumps(partial))
    done = run("merge", *parts, "--format", "json", "--output", merged)
    assert done.returncode == 5 and "part 2/8 was interrupted after 5 cells" in done.stderr, done


def edited(path, folder, **members):
    """A copy with other members; None: without it."""
    document = json.loads(path.read_text())
    for name, value in members.items():
        document[name] = value
        if value is None:
            del document[name]
    copy = folder / f"edited-{path.name}"
    copy.write_text(json.dumps(document))
    return copy


def parts_of_other_runs(folder):
    """What is no part of the same run: other cells, balance, seed, version, endpoint."""
    what = ("--only", "starttls.cmd.*", "--port", "587")

    def part(name, index, *words, what=what):
        path = folder / f"{name}.json"
        assert run("run", *what, "--shard", f"{index}/2", *words, "--format", "json", "--output", path).returncode == 0
        return path

    one, two = part("one", 1), part("two", 2)
    assert run("merge", one, two, "--format", "json").returncode == 0
    # The cell of part 2 is the slow one here: with these times it is part 1 that does it.
    times = [dict(json.loads(path.read_text())["cells"][0], duration_us=duration) for path, duration in ((one, 1), (two, 10**9))]
    balance = folder / "balance.json"
    edited(two, folder, cells=times, shard=None).rename(balance)
    for stranger in (part("balanced", 2, "--balance", balance), part("seed", 2, "--seed", "99"), part("cells", 2, what=("--only", "auth.*", "--port", "465")),
                     edited(two, folder, tool={"name": "smtpspec", "version": "9.9.9"})):
        done = run("merge", one, stranger, "--format", "json")
        assert done.returncode == 2 and "are not parts of one run" in done.stderr and not done.stdout, (stranger, done)
    # Written before there was a plan: taken by their numbers.
    old = [edited(path, folder, shard={"index": index, "count": 2}) for index, path in enumerate((one, two), 1)]
    assert run("merge", *old, "--format", "json").returncode == 0
    for count in (1001, 2_000_000_000):
        done = run("merge", edited(one, folder, shard={"index": 1, "count": count}))
        assert done.returncode == 2 and "shard.count: expected a whole number from 1 to 1000" in done.stderr, done


def waivers_of_the_whole(folder):
    """What only the whole can tell turns merge red, and not the parts."""
    text = folder / "idle.yaml"
    text.write_text("waivers:\n  - {id: 'starttls.cmd.*', reason: known}\n")
    parts = [folder / f"idle-{index}.json" for index in (1, 2)]
    for index, part in enumerate(parts, 1):
        assert run("run", "--only", "starttls.cmd.*", "--port", "587", "--shard", f"{index}/2", "--waivers", text, "--format", "json", "--output", part).returncode == 0
    done = run("merge", *parts, "--waivers", text, "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 1 and all(cell["xpass"] for cell in document["cells"]), done
    done = run("merge", parts[0], "--waivers", text, "--format", "json")
    assert done.returncode == 5 and not any(cell["xpass"] for cell in json.loads(done.stdout)["cells"]), "a part that is missing may need it"

    document = json.loads(parts[0].read_text())
    document["cells"][0]["verdict"] = "fail"
    parts[0].write_text(json.dumps(document))
    text.write_text("waivers:\n  - {id: 'starttls.cmd.*', reason: known, expires: 2020-01-01}\n")
    assert run("merge", *parts, "--format", "json").returncode == 0, "that cells fail, the parts have said"
    assert run("merge", *parts, "--waivers", text, "--format", "json").returncode == 1, "an expired waiver"

    text.write_text("waivers:\n  - {id: 'starttls.nosuch.*', reason: known}\n")
    told = 'the waiver "starttls.nosuch.*" fits no cell of this run'
    assert told not in run("merge", *parts, "--waivers", text, "--format", "json").stdout, "the run had --only"
    for path in parts:
        document = json.loads(path.read_text())
        document["command"] = "run --shard 1/2"
        path.write_text(json.dumps(document))
    done = run("merge", *parts, "--waivers", text, "--format", "json")
    assert done.returncode == 0 and told in json.loads(done.stdout)["notices"][0], done


def several_endpoints(folder):
    """Each cell's command runs it against its own endpoint."""
    embedded, elsewhere = folder / "embedded.json", folder / "elsewhere.json"
    what = ("--only", "starttls.cmd.*", "--port", "587", "--format", "json")
    assert run("run", *what, "--output", embedded).returncode == 0
    document = json.loads(embedded.read_text())
    name = document["endpoints"][0]["name"]
    document["endpoints"][0]["name"], document["rerun"], document["command"] = "far", [{"option": "endpoint", "value": "far"}], "run far"
    for cell in document["cells"]:
        cell["endpoint"] = "far"
    elsewhere.write_text(json.dumps(document))
    for order in ((embedded, elsewhere), (elsewhere, embedded)):
        done = run("merge", *order, "--format", "json", "--output", folder / "both.json")
        assert done.returncode == 0, done
        both = json.loads((folder / "both.json").read_text())
        RESULT.validate(both)
        assert {one["name"]: one["rerun"] for one in both["endpoints"]} == {name: [], "far": document["rerun"]} and both["rerun"] == [], both["endpoints"]
        assert set(both["command"].split("; ")) == {"run far", json.loads(embedded.read_text())["command"]}, both["command"]
        results = json.loads(run("report", folder / "both.json", "--format", "sarif").stdout)
        assert results["runs"][0]["results"] == [], "all passes"
        for cell in both["cells"]:
            cell["verdict"] = "fail"
        (folder / "both.json").write_text(json.dumps(both))
        found = json.loads(run("report", folder / "both.json", "--format", "sarif").stdout)["runs"][0]["results"]
        for result in found:
            again, where = result["properties"]["again"], json.dumps(result["locations"])
            assert again.startswith("smtpspec run far --only" if "far:587" in where else "smtpspec run --only"), (again, where)


def waivers(folder):
    """Whether a waiver has nothing left to do, no part can tell: only some of its cells are wrong."""
    (folder / "waivers.yaml").write_text("waivers:\n  - {id: 'data.eod.only-crlf-dot-crlf*', verdict: vulnerable, reason: known}\n")
    command = (f'for part in 1 2 3 4; do "{PROGRAM}" run localhost --no-auth --ca "$SMTPSPEC_CA_FILE" --port 587 --only "data.eod.only-*" --shard $part/4 '
               f'--connect-to "localhost:587:127.0.0.1:$SMTPSPEC_PORT_587" --waivers "{folder}/waivers.yaml" --format json --output "{folder}/w-$part.json" '
               '|| [ $? -eq 77 ] || exit $?; done')
    profile_less = subprocess.run([PROGRAM, "mock", "--ephemeral", "--no-auth", "--defect", "eod-accepts-crcrlf", "--", "bash", "-c", command],
                                  capture_output=True, text=True, timeout=300)
    assert profile_less.returncode == 0, profile_less
    done = run("merge", *[folder / f"w-{part}.json" for part in (1, 2, 3, 4)], "--waivers", folder / "waivers.yaml", "--format", "json")
    assert done.returncode == 0, done
    found = json.loads(done.stdout)["cells"]
    assert not [cell for cell in found if cell["xpass"]], found


def empty_parts(folder):
    """Two messages for four parts."""
    parts = []
    for part in (1, 2, 3, 4):
        parts.append(folder / f"few-{part}.json")
        done = run("bench", "--connections", "1", "--messages", "2", "--port", "587", "--no-calibration", "--shard", f"{part}/4", "--format", "json",
                   "--output", parts[-1])
        assert done.returncode == (0 if part < 3 else 77), (part, done)
    done = run("merge", *parts, "--format", "json")
    assert done.returncode == 0 and json.loads(done.stdout)["ports"][0]["sent"] == 2, done
    assert run("merge", *parts, "--format", "sarif").returncode == 2, "results of bench have no SARIF"


def load(folder):
    parts = [folder / f"load-{index}.json" for index in (1, 2, 3)]
    for index, part in enumerate(parts, 1):
        done = run("bench", "--connections", "4", "--messages", "50", "--port", "587", "--no-calibration", "--shard", f"{index}/3", "--format", "json",
                   "--output", part)
        assert done.returncode == 0, done.stderr
    documents = [json.loads(part.read_text()) for part in parts]
    assert [document["ports"][0]["sent"] for document in documents] == [17, 17, 16]
    assert [document["load"]["connections"] for document in documents] == [2, 1, 1]
    merged = folder / "load.json"
    assert run("merge", *parts, "--format", "json", "--output", merged).returncode == 0
    whole = json.loads(merged.read_text())["ports"][0]
    assert whole["sent"] == whole["planned"] == 50
    for name, stage in whole["stages"].items():
        found = [document["ports"][0]["stages"].get(name) for document in documents]
        found = [one for one in found if one]
        assert stage["count"] == sum(one["count"] for one in found), name
        assert stage["sum_us"] == sum(one["sum_us"] for one in found), name
        assert stage["max_us"] == max(one["max_us"] for one in found), name
    assert "part 2/3 is missing" in run("merge", parts[0], parts[2]).stderr


def loads_that_do_not_belong_together(folder):
    def bench(name, *words):
        path = folder / f"{name}.json"
        done = run("bench", "--connections", "1", "--port", "587", "--no-calibration", *words, "--format", "json", "--output", path)
        assert done.returncode == 0, done
        return path

    alone, one = bench("alone", "--messages", "4"), bench("half", "--messages", "4", "--shard", "1/2")
    done = run("merge", alone, alone, "--format", "json")
    assert done.returncode == 2 and "is no part of a load" in done.stderr and not done.stdout, done
    for words in (("--messages", "6"), ("--messages", "4", "--size", "9999")):
        done = run("merge", one, bench("stranger", "--shard", "2/2", *words), "--format", "json")
        assert done.returncode == 2 and "are not" in done.stderr and not done.stdout, (words, done)
    two = bench("other-half", "--messages", "4", "--shard", "2/2")
    assert run("merge", one, two, "--format", "json").returncode == 0
    huge = []
    for path in (one, two):
        port = json.loads(path.read_text())["ports"][0]
        huge.append(edited(path, folder, ports=[dict(port, planned=2**31 - 1)]))
    done = run("merge", *huge, "--format", "json")
    assert done.returncode == 2 and "more messages than one result can hold" in done.stderr, done
    done = run("merge", edited(one, folder, shard={"index": 1, "count": 1001}))
    assert done.returncode == 2 and "shard.count: expected a whole number from 1 to 1000" in done.stderr, done


def interrupted_load(folder):
    """A part that was interrupted is no whole part."""
    parts = [folder / f"cut-{index}.json" for index in (1, 2)]
    bench = [PROGRAM, "bench", "--rate", "20/s", "--duration", "4s", "--port", "587", "--no-calibration", "--format", "json"]
    processes = [subprocess.Popen([*bench, "--shard", f"{index}/2", "--output", part], stderr=subprocess.DEVNULL) for index, part in enumerate(parts, 1)]
    time.sleep(2)
    processes[1].send_signal(signal.SIGINT)
    assert [process.wait(60) for process in processes] == [0, 130]
    whole = folder / "cut.json"
    done = run("merge", *parts, "--format", "json", "--output", whole)
    assert done.returncode == 5 and "part 2/2 was interrupted after" in done.stderr and "of 40 messages" in done.stderr, done
    documents = [json.loads(path.read_text()) for path in (*parts, whole)]
    assert [document["interrupted"] for document in documents] == [False, True, True]
    assert any("part 2/2 was interrupted" in notice for notice in documents[2]["notices"]), documents[2]["notices"]
    for document in documents:
        LATENCY.validate(document)
    assert "interrupted: partial result" in run("report", parts[1]).stdout
    assert "interrupted: partial result" not in run("report", parts[0]).stdout
    done = run("merge", parts[0], "--format", "json")
    assert done.returncode == 5 and json.loads(done.stdout)["interrupted"] is True, "a part is missing"


def open_load(folder):
    """How an open load went over time: its windows are added, due time by due time."""
    parts = [folder / f"open-{index}.json" for index in (1, 2)]
    for index, part in enumerate(parts, 1):
        done = run("bench", "--rate", "40", "--duration", "500ms", "--port", "587", "--no-calibration", "--shard", f"{index}/2", "--format", "json", "--output", part)
        assert done.returncode == 0, done.stderr
    done = run("merge", *parts, "--format", "json", "--output", folder / "open.json", "--format", "html", "--output", folder / "open.html")
    assert done.returncode == 0, done
    documents = [json.loads(path.read_text()) for path in (*parts, folder / "open.json")]
    for document in documents:
        LATENCY.validate(document)
    one, two, whole = (document["ports"][0]["series"] for document in documents)
    assert whole["seconds_per_window"] == one["seconds_per_window"] and len(whole["windows"]) == 5
    for a, b, both in zip(one["windows"], two["windows"], whole["windows"], strict=True):
        assert a["due"] == b["due"] == 2, "half of 40 a second, in a tenth of one"
        assert all(both[key] == a[key] + b[key] for key in ("due", "sent", "failed")), both
        assert both["total"]["max_us"] == max(a["total"]["max_us"], b["total"]["max_us"])
        assert both["total"]["sum_us"] == a["total"]["sum_us"] + b["total"]["sum_us"]


def from_environment():
    for environment, code, told in (({"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "400"}, 0, ""), ({"JOB_COMPLETION_INDEX": "0", "CI_NODE_TOTAL": "400"}, 0, ""),
                                    ({"CI_NODE_INDEX": "9", "CI_NODE_TOTAL": "8"}, 2, "CI_NODE_INDEX=9"), ({"CI_NODE_INDEX": "x", "CI_NODE_TOTAL": "8"}, 2, "x")):
        done = run("run", "--only", "starttls.state.*", "--shard", "auto", "--format", "json", **environment)
        assert done.returncode in (code, 77 if code == 0 else code) and told in done.stderr, (environment, done)
        if code == 0:
            index = int(environment.get("CI_NODE_INDEX", 1))
            shard = json.loads(done.stdout)["shard"]
            assert (shard["index"], shard["count"]) == (index, 400), shard
    for text in ("0/8", "9/8", "8", "1/0", "-1/8", "1/8x", "a/b"):
        done = run("run", "--shard", text)
        assert done.returncode == 2 and "--shard" in done.stderr, (text, done)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        parts_of_a_run(folder)
        parts_of_other_runs(folder)
        waivers(folder)
        waivers_of_the_whole(folder)
        several_endpoints(folder)
        empty_parts(folder)
        load(folder)
        loads_that_do_not_belong_together(folder)
        interrupted_load(folder)
        open_load(folder)
        from_environment()
    print("good")


main()
