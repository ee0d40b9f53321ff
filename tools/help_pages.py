#!/usr/bin/env python3
"""tools/help_pages.py man|bash PROGRAM SOURCE [FILE]: the man page or the bash completion of smtpspec.

Both are made from what PROGRAM says to --help, so that they cannot say anything else than the program; SOURCE is the
source tree, for docs/exit-codes.md and the names of the built-in endpoint profiles.
"""
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

NAME_WIDTH = 26  # of harness/cli/help_format.cpp
SECTIONS = ("Positionals:", "Options:", "Subcommands:")


@dataclass
class Entry:
    name: str
    meaning: str = ""

    def flags(self):
        return [part for part in self.name.split()[0].split(",") if part.startswith("-")]

    def value(self):
        """What stands behind the flag: 'INT (1 - 65535) ...' for 'INT:INT in [1 - 65535] ... Needs: --cert'."""
        text = self.name.split(None, 1)[1] if " " in self.name else ""
        text = re.sub(r"\s*(Excludes|Needs|REQUIRED)\b:?.*", "", text)
        text = re.sub(r"(\w+):\w+ in \[(.*?)\]", r"\1 (\2)", text)
        return re.sub(r"(\w+):\{.*?\}", r"\1", text)

    def choices(self):
        """The words of 'terminal, json or junit' where the option takes one of a few."""
        if not re.match(r"(FORMAT|WHICH|WHEN)\b", self.value()):
            return []
        found = re.search(r"((?:[\w-]+, )*[\w-]+),? or ([\w-]+)", self.meaning)
        return found.group(1).split(", ") + [found.group(2)] if found else []


@dataclass
class Help:
    about: list = field(default_factory=list)
    usage: str = ""
    sections: dict = field(default_factory=lambda: {name: [] for name in SECTIONS})
    footer: list = field(default_factory=list)


def entry_of(line):
    """A line of two columns; a name too long for its column stands alone on its line."""
    name, meaning = line[:NAME_WIDTH], line[NAME_WIDTH:]
    whole = name.count("[") == name.count("]") and not name.rstrip().endswith(":")
    if name.endswith(" ") and meaning and meaning[0] != " " and whole:
        return Entry(name.strip(), meaning.strip())
    return Entry(line.strip())


def parse(text):
    out = Help()
    section, in_usage = None, False
    for line in text.splitlines():
        if line in SECTIONS:
            section, in_usage = line, False
        elif section in SECTIONS and re.match(r"\w.*:$", line) and line != "Examples:":
            section = "Options:"  # a group of options with a heading of its own
        elif line.startswith("Usage:"):
            out.usage, in_usage = line[len("Usage:"):].strip(), True
        elif section and line.startswith(" " * NAME_WIDTH) and out.sections.get(section):
            last = out.sections[section][-1]
            last.meaning = (last.meaning + " " + line.strip()).strip()
        elif section in SECTIONS and re.match(r"  \S", line):
            out.sections[section].append(entry_of(line))
        elif section in SECTIONS and not line:
            continue
        elif section:  # the footer begins with a line that is no entry
            section = "footer"
            out.footer.append(line)
        elif in_usage:
            out.usage, in_usage = (out.usage + " " + line.strip()).strip(), bool(line)
        elif line:
            out.about.append(line)
    return out


def ask(program, *words):
    return parse(subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout)


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    text = text.replace("'", "\\(aq").replace("`", "\\(ga").replace("…", "...")
    return "\\&" + text if text.startswith(".") else text


def tagged(name, meaning, value=""):
    tag = ", ".join(f"\\fB{roff(part)}\\fR" for part in name)
    return f".TP\n{tag}" + (f" \\fI{roff(value)}\\fR" if value else "") + f"\n{roff(meaning)}\n"


def footer_roff(lines):
    """Examples as they are, the rest as text."""
    out, example, paragraph = "", False, []

    def flush():
        nonlocal out, paragraph
        if paragraph:
            out += f".PP\n{roff(' '.join(paragraph))}\n"
        paragraph = []

    for line in lines:
        is_example = line.startswith(" ")
        if is_example and not example:
            flush()
            out += ".PP\n.nf\n"
        if example and not is_example:
            out += ".fi\n"
        example = is_example
        if is_example:
            out += roff(line.rstrip()) + "\n"
        elif line and line != "Examples:" and not line.startswith("Exit code:"):
            paragraph.append(line)
        else:
            flush()
            if line.startswith("Exit code:"):
                paragraph = [line]
    out += ".fi\n" if example else ""
    flush()
    return out


def plain(markdown):
    return re.sub(r"[`*]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown)).strip()


def exit_status(source):
    text = (source / "docs/exit-codes.md").read_text()
    out = "The first that applies:\n"
    for row in re.findall(r"^\| (\d+) \|(.*)\|(.*)\|$", text, re.M):
        meaning = plain(row[1]) + (". " + plain(row[2]).capitalize() if row[2].strip() else "")
        out += tagged([row[0]], meaning + ".")
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("`"):
            out += f".PP\n{roff(plain(paragraph.replace(chr(10), ' ')))}\n"
    return out


def environment(source):
    out = ""
    for profile in sorted((source / "scenarios/endpoints").glob("*.yaml")):
        for name in re.findall(r"password_env:\s*(\w+)", profile.read_text()):
            out += tagged([name], f"The password of the built-in endpoint {profile.stem}. Other profiles name "
                                  "a variable of their own (password_env).")
    out += tagged(["NO_COLOR"], "When set, output has no colour unless --color always asks for it.")
    out += tagged(["SMTPSPEC_*"], "Set by smtpspec mock for the command that it runs: host, ports, user, password "
                                  "file and CA file of the server.")
    return out


def man_page(program, source):
    top = ask(program)
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    about = top.about[0].split(":", 1)[1].strip()
    page = f'.\\" Made by tools/help_pages.py from --help; changes here are lost.\n.TH SMTPSPEC 1 "" "{roff(version)}" "User Commands"\n'
    page += f".SH NAME\nsmtpspec \\- {roff(about)}\n.SH SYNOPSIS\n"
    commands = [(entry, ask(program, entry.name)) for entry in top.sections["Subcommands:"]]
    for index, (_, help_text) in enumerate(commands):
        words = roff(help_text.usage).split(" ")
        page += (".br\n" if index else "") + f"\\fB{' '.join(words[:2])}\\fR {' '.join(words[2:])}".rstrip() + "\n"
    page += (".SH DESCRIPTION\nsmtpspec judges SMTP servers and clients over the submission ports 25, 465, 587, 2465 and 2587, "
             "rule by rule,\nand measures their latency. The other side of each conversation is its own: a scripted server "
             "that can be told\nto misbehave, and a client that does not. Without an endpoint the two judge each other, and "
             "nothing leaves this machine.\n").replace("-", "\\-")
    page += ".SH COMMANDS\n"
    for entry, help_text in commands:
        page += f".SS {roff(entry.name)}\n{roff(entry.meaning[:1].upper() + entry.meaning[1:])}.\n".replace("?.\n", "?\n")
        for item in help_text.sections["Positionals:"]:
            page += tagged([item.name.split()[0]], item.meaning)
        for item in help_text.sections["Options:"]:
            if "--help" not in item.flags():
                page += tagged(item.flags(), item.meaning, item.value())
        page += footer_roff(help_text.footer)
    page += ".SH OPTIONS\n"
    for item in top.sections["Options:"]:
        page += tagged(item.flags(), item.meaning)
    page += f".SH \"EXIT STATUS\"\n{exit_status(source)}.SH ENVIRONMENT\n{environment(source).lstrip()}"
    page += ".SH EXAMPLES\n.nf\n"
    for _, help_text in commands:
        page += "".join(roff(line[2:].rstrip()) + "\n" for line in help_text.footer if line.startswith("  smtpspec "))
    page += ".fi\n.SH \"SEE ALSO\"\n.BR swaks (1),\n.BR smtp\\-source (1),\n.BR openssl\\-s_client (1ssl)\n"
    return page + ".PP\nThe reference of the scenario language, of profiles and of results is in /usr/share/doc/smtpspec.\n"


def completion(program, source):
    top = ask(program)
    commands = [entry.name for entry in top.sections["Subcommands:"]]
    profiles = sorted(path.stem for path in (source / "scenarios/endpoints").glob("*.yaml"))
    options, choices, flags = "", {"--side": ["server", "client"]}, set()
    for command in commands:
        items = ask(program, command).sections["Options:"]
        names = " ".join(flag for item in items for flag in item.flags())
        options += f'        {command}) options="{names}" ;;\n'
        for item in items:
            if item.choices():
                # One list for all commands that have the option: a format too many does less harm than one too few.
                for flag in item.flags():
                    choices[flag] = list(dict.fromkeys(choices.get(flag, []) + item.choices()))
            if not item.value():
                flags.update(item.flags())
    words = "".join(f'        {flag}) words="{" ".join(values)}" ;;\n' for flag, values in sorted(choices.items()))
    template = (source / "packaging/completion.bash.in").read_text()
    for name, value in (("COMMANDS", " ".join(commands)), ("PROFILES", " ".join(profiles)), ("OPTIONS", options.rstrip("\n")),
                        ("WORDS", words.rstrip("\n")), ("FLAGS", " ".join(sorted(flags))),
                        ("TOP", " ".join(f for item in top.sections["Options:"] for f in item.flags()))):
        template = template.replace(f"@{name}@", value)
    return template


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in ("man", "bash"):
        sys.exit("usage: tools/help_pages.py man|bash PROGRAM SOURCE [FILE]")
    make = man_page if sys.argv[1] == "man" else completion
    text = make(sys.argv[2], pathlib.Path(sys.argv[3]))
    if len(sys.argv) == 5:
        pathlib.Path(sys.argv[4]).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
