#!/usr/bin/env python3
"""report_formats_test.py SMTPSPEC SOURCE: each report is taken by its schema or by its real reader, whatever a peer said.

JUnit by Jenkins' XML Schema (xmllint) and by junitparser, SARIF by its JSON Schema with formats (jsonschema), Markdown by
cmark-gfm, which is GitHub's parser. Hostile text stands in every free text of a result: what is rendered must have the same
elements as with harmless text in its place.

tests/data/result-0.1.0.json was made by smtpspec 0.1.0 with `mock --defect keep-plaintext-after-starttls` and a waiver, on ports 465
and 587; the folder of the CA certificate was taken out of it.
"""
import base64
import collections
import copy
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonschema
    import junitparser
except ImportError as missing:
    debian = "/usr/bin/python3"  # another python3 may be first in PATH, and has no packages of Debian
    if os.path.exists(debian) and not os.path.samefile(sys.executable, debian):
        os.execv(debian, [debian] + sys.argv)
    print(f"skipped: {missing} (tools/install.sh test)")
    sys.exit(77)

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
FORMATS = ("terminal", "json", "junit", "markdown", "sarif")
LONGEST_MARKDOWN = 1_000_000
SARIF = jsonschema.Draft7Validator(json.loads((SOURCE / "tests/data/sarif-2.1.0.schema.json").read_text()),
                                   format_checker=jsonschema.FormatChecker())
RESULT = jsonschema.Draft7Validator(json.loads((SOURCE / "docs/result.schema.json").read_text()))

# Every one of these stands once in every free text of a result. The word "evil" marks what came from outside.
HOSTILE = {
    "html": '<b>evil</b><img src=x onerror=alert(1)><script>evil()</script></details></summary><!-- evil',
    "end of html": "</code></pre></td></tr></table></details>evil<details open>",
    "entities": "&lt;evil&gt; &#60;evil&#62; &amp;evil;",
    "cdata": "]]>evil<![CDATA[",
    "xml": '<?xml version="1.0"?><!DOCTYPE evil [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "escape sequences": "\x1b[2J\x1b]0;evil\x07\x1b[31mevil\x1b]8;;https://evil.example\x1b\\evil\u009b31m",
    "controls": "".join(map(chr, range(32))) + "evil\x7f\x85",
    "not UTF-8": b"evil\xff\xfe\xc0\xaf\xed\xa0\x80\xf8\x88\x80\x80\x80",
    "no characters": "evil\ufffe\uffff\U0001fffe",
    "bidirectional": "evil\u202egnp.exe\u2066\u200b\ufeff",
    "backticks": "`evil` ``evil`` ```evil``` ````",
    "one backtick": "`",
    "fence": "```\nevil\n```\n\n# evil\n~~~\nevil\n~~~",
    "fence begins": "```evil",
    "tildes": "~~~evil ~~evil~~",
    "pipes": "|evil|evil| \\|evil\\\\|evil ||| `|evil|`",
    "table": "a|b\n-|-\nevil|evil",
    "emphasis": "*evil* **evil** _evil_ __evil__ \\*evil*",
    "links": "[evil](https://evil.example) [evil](javascript:alert(1)) [evil]: https://evil.example [evil]",
    "images": "![evil](https://evil.example/x.png) ![evil][evil]",
    "addresses": "https://evil.example www.evil.example evil@evil.example <https://evil.example> mailto:evil@evil.example",
    "mentions": "@evil @evil/team #1 evil/evil#1 GH-1 !1 ~evil %evil &1 $evil 0123456789abcdef0123456789abcdef01234567",
    "mathematics": "$evil$ $$evil$$ $`evil`$ :evil:",
    "heading": "# evil",
    "setext": "evil\n====\nevil\n----",
    "quote": "> evil",
    "list": "- evil",
    "numbers": "1. evil",
    "rule": "---",
    "workflow command": "::set-output name=evil::evil\n::error::evil\n##[error]evil ##vso[evil]",
    "formula": "=cmd|' /C evil'!A0",
    "more formulas": "@SUM(1+1)*cmd|' /C evil'!A0",
    "quotes": "\"evil\" 'evil' \\\"evil\\\" \\",
    "shell": "$(evil) `evil` ; evil & evil || evil > /dev/null '\"",
    "placeholders": "{0} {evil} %s %n ${evil}",
    "blanks": "   evil   ",
    "long line": "evil" * (1 << 18),  # 1 MiB
    "long backticks": "`" * (1 << 20),
    "many lines": "evil\r\n" * 200_000,
}

failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}")


def render(result, form, what):
    """The report of a result document (as text), as octets; it must not be refused."""
    done = subprocess.run([PROGRAM, "report", str(result), "--format", form], capture_output=True, timeout=120)
    check(done.returncode == 0, f"{what}: {form} ends with {done.returncode}: {done.stderr[-300:]!r}")
    return done.stdout


def poisoned(document, text):
    """The document with the text in every place that is free. A long one stands whole in the first cell only."""
    document = copy.deepcopy(document)
    whole = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
    octets = text if isinstance(text, bytes) else text.encode("utf-8")
    words = whole[:10_000]
    document["command"] = document["started"] = document["tool"]["version"] = words
    document["notices"] = [words, words]
    document["rerun"] += [{"option": words, "value": words}]
    for endpoint in document["endpoints"]:
        endpoint["name"] = endpoint["host"] = words
    for client in document["clients"]:
        client["name"] = client["version"] = words
    for number, cell in enumerate(document["cells"]):
        for name in ("title", "fail_means", "evidence", "reason", "expected", "got", "level", "severity", "mode"):
            cell[name] = words
        cell["refs"] = [words, words]
        cell["outcome"] = words if cell["outcome"] else ""
        cell["cause"] = words if cell["cause"] else ""
        cell["endpoint" if "endpoint" in cell else "client"] = words
        cell["params"] = {words: words, "n": str(number)}
        cell["scenario"] = f"group.{words}" if number % 2 else f"{words}.name"
        for label in cell["labels"]:
            label["label"] = words
        for entry in cell["transcript"]:
            entry.pop("text", None)
            entry["base64"] = base64.b64encode(octets + b"\r\n" + octets).decode()  # with a line end and without
            entry["connection"] = words
        if cell["waiver"]:
            cell["waiver"] = {"id": words, "reason": words}
    document["cells"][0]["title"] = document["cells"][0]["got"] = whole
    return document


class Elements(html.parser.HTMLParser):
    """What a page is made of: its elements in order, and where text stands."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.stray = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("br", "hr", "img", "input"):
            self.open.append(tag)
        if tag != "code":  # plain prose and a code span are both text
            self.tags.append((tag, tuple(attributes)))

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> within {self.open[-3:]}")
        if self.open:
            self.open.pop()

    def handle_comment(self, data):
        self.stray.append(data)

    def handle_data(self, data):
        inside = "code" in self.open or "pre" in self.open
        if not inside and re.search(r"[@#$~|`<>*\[\]_]|www\.|://", re.sub(r"### |#", "", data)):
            self.stray.append(data)


def page_of(markdown):
    """The elements of the page that GitHub's parser makes, with raw HTML let through."""
    words = ["cmark-gfm", "--unsafe", "--validate-utf8"]
    for extension in ("table", "autolink", "strikethrough", "tasklist"):
        words += ["-e", extension]
    page = subprocess.run(words, input=markdown, capture_output=True, check=True, timeout=120).stdout.decode()
    elements = Elements()
    elements.feed(page)
    elements.close()
    check(not elements.open, f"left open: {elements.open}")
    return elements, page


def strings_of(value):
    """Every text of a JSON value."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings_of(inner)


def has_control(text, allowed="\n"):
    return any((ord(c) < 32 or 127 <= ord(c) < 160) and c not in allowed for c in text)


def check_terminal(text, what):
    check(not has_control(text.decode("utf-8")), f"{what}: the terminal report has control characters")
    command = re.search(r"^\s*::[A-Za-z].*::|##\[|##vso\[", text.decode("utf-8"), re.M)
    check(command is None, f"{what}: the terminal report commands a CI job: {command}")


def check_json(text, what):
    for problem in RESULT.iter_errors(json.loads(text.decode("utf-8"))):
        if list(problem.path)[-1:] not in (["level"], ["severity"], ["mode"], ["evidence"], ["started"], ["cause"]):
            check(False, f"{what}: {list(problem.path)}: {problem.message[:200]}")


def xml_schema(folder):
    """Jenkins' schema; see tests/data/README.md for the two attributes."""
    old = '<xs:element name="skipped" type="xs:string"/>'
    new = ('<xs:element name="skipped"><xs:complexType mixed="true"><xs:attribute name="type" type="xs:string"/>'
           '<xs:attribute name="message" type="xs:string"/></xs:complexType></xs:element>')
    text = (SOURCE / "tests/data/jenkins-junit.xsd").read_text()
    check(text.count(old) == 1, "jenkins-junit.xsd is not the one that this test knows")
    path = folder / "junit.xsd"
    path.write_text(text.replace(old, new))
    return path


def check_junit(text, what, folder, document):
    path = folder / "junit.xml"
    path.write_bytes(text)
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--huge", "--schema", str(xml_schema(folder)), str(path)],
                          capture_output=True, text=True, errors="replace", timeout=120)
    check(done.returncode == 0, f"{what}: xmllint: {done.stderr[-500:]}")
    read = junitparser.JUnitXml.fromfile(str(path))
    found = collections.Counter()
    for suite in read:
        cases = list(suite)
        check(suite.tests == len(cases), f"{what}: a suite says {suite.tests} tests and has {len(cases)}")
        for case in cases:
            found[tuple(type(entry).__name__ for entry in case.result)] += 1
    check(sum(found.values()) == len(document["cells"]), f"{what}: JUnit has {sum(found.values())} cases")
    return found


def check_markdown(text, what):
    check(len(text) <= LONGEST_MARKDOWN, f"{what}: {len(text)} octets of Markdown")
    check(not has_control(text.decode("utf-8")), f"{what}: Markdown has control characters")
    elements, _ = page_of(text)
    check(not elements.stray, f"{what}: text that means something outside code: {elements.stray[:3]}")
    return elements.tags


def check_sarif(text, what):
    document = json.loads(text.decode("utf-8"))
    for problem in SARIF.iter_errors(document):
        check(False, f"{what}: SARIF: {list(problem.path)}: {problem.message[:200]}")
    for words in strings_of(document):
        check(not has_control(words, ""), f"{what}: SARIF has control characters: {words[:80]!r}")
    for run in document["runs"]:
        messages = list(strings_of([result["message"] for result in run["results"]]))
        for rule in run["tool"]["driver"]["rules"]:
            messages += list(strings_of([rule["shortDescription"], rule["fullDescription"], rule["help"]]))
        check(not any("](" in words for words in messages), f"{what}: a message of SARIF has a link")
        prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
        check(len(prints) == len(set(prints)), f"{what}: two results have one fingerprint")
    return document


def stored_samples(folder):
    """Results that earlier versions wrote are read, and every report of them is good."""
    samples = sorted((SOURCE / "tests/data").glob("result-*.json"))
    check(samples, "no stored results")
    for path in samples:
        document = json.loads(path.read_text())
        check_terminal(render(path, "terminal", path.name), path.name)
        again = json.loads(render(path, "json", path.name))
        for name, value in document.items():
            check(again[name] == value, f"{path.name}: {name} is not what it was")
        found = check_junit(render(path, "junit", path.name), path.name, folder, document)
        check(found == {("Failure",): 3, ("Skipped",): 20, (): 2} or path.name != "result-0.1.0.json",
              f"{path.name}: JUnit has {found}")
        tags = collections.Counter(tag for tag, _ in check_markdown(render(path, "markdown", path.name), path.name))
        check(tags["table"] == 1 and tags["details"] == tags["summary"] > 0, f"{path.name}: Markdown has {tags}")
        run = check_sarif(render(path, "sarif", path.name), path.name)["runs"][0]
        suppressed = sum(1 for result in run["results"] if result["suppressions"])
        waived = sum(1 for cell in document["cells"] if cell["waiver"] and not cell["xpass"])
        check(suppressed == waived, f"{path.name}: {suppressed} suppressed, {waived} waived")
        for result in run["results"]:
            place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            check((SOURCE / place).is_file(), f"{path.name}: there is no {place}")


def hostile_texts(folder):
    """Nothing that a peer says changes the shape of a report."""
    mixed = json.loads((SOURCE / "tests/unit/harness/golden/result_mixed.json").read_text())
    path = folder / "hostile.json"

    def write(text):
        document = poisoned(mixed, text)
        path.write_bytes(json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogateescape"))
        return document

    write("plain")
    shape = check_markdown(render(path, "markdown", "plain"), "plain")
    for what, text in HOSTILE.items():
        document = write(text)
        if isinstance(text, bytes):  # not JSON: it is refused, and the same octets come by a transcript
            done = subprocess.run([PROGRAM, "report", str(path)], capture_output=True, timeout=120)
            check(done.returncode == 2, f"{what}: as JSON it ends with {done.returncode}")
            document = poisoned(mixed, text.decode("utf-8", "replace"))
            for cell in document["cells"]:
                for entry in cell["transcript"]:
                    entry["base64"] = poisoned(mixed, text)["cells"][0]["transcript"][0]["base64"]
            path.write_text(json.dumps(document))
        check_terminal(render(path, "terminal", what), what)
        rendered = render(path, "json", what)
        check_json(rendered, what)
        check(json.loads(rendered)["cells"][0]["got"] == document["cells"][0]["got"], f"{what}: JSON is another text")
        check_junit(render(path, "junit", what), what, folder, document)
        tags = check_markdown(render(path, "markdown", what), what)
        check(tags == shape, f"{what}: the page has other elements: {first_difference(tags, shape)}")
        check_sarif(render(path, "sarif", what), what)


def first_difference(tags, shape):
    for number, pair in enumerate(zip(tags, shape)):
        if pair[0] != pair[1]:
            return number, pair
    return len(tags), len(shape)


def main():
    for tool in ("xmllint", "cmark-gfm"):
        if shutil.which(tool) is None:
            print(f"skipped: no {tool} (tools/install.sh test)")
            return 77
    with tempfile.TemporaryDirectory() as name:
        stored_samples(pathlib.Path(name))
        hostile_texts(pathlib.Path(name))
    print(f"{len(HOSTILE)} hostile texts, {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
