#!/usr/bin/env python3
"""Writes the manual pages of a connlog, from what it says of itself.

    manual.py CONNLOG DIR DATE

DIR gets connlog.1 and a page for each command (connlog-queue-verify.1) from the program's own help, and connlog.ini.5
from its table of keys (`connlog reference`). DATE is that of the pages, such as 2026-11-29.
"""
import json
import os
import re
import subprocess
import sys


def escaped(text):
    """Text that roff prints as it is: backslashes, dashes, and what begins a line or quotes."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")
    text = text.replace("`", "\\(ga")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def prose(text):
    """Paragraphs; lines that are indented or in columns stay as they are."""
    out = []
    for paragraph in text.strip("\n").split("\n\n"):
        lines = paragraph.split("\n")
        if any(line.startswith("  ") for line in lines):
            out += [".PP", ".nf"] + [escaped(line) for line in lines] + [".fi"]
        else:
            out += [".PP"] + [escaped(line) for line in lines]
    return "\n".join(out) + "\n"


def heading(name, section, date, version):
    return f'.\\" Made by config/debian/manual.py; changes belong where it takes them from.\n' \
           f'.TH "{name.upper()}" "{section}" "{date}" "connlog {version}" "connlog"\n'


def names(argument):
    """Such as -c, --config."""
    spelled = {"short": "-", "long": "--", "longWithSingleDash": "-"}
    ordered = sorted(argument.get("names", []), key=lambda name: len(name["name"]))
    return [spelled[name["kind"]] + name["name"] for name in ordered]


def shown(command):
    return [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay")]


def synopsis(command, words):
    parts = [f"\\fB{escaped(words)}\\fR"]
    if command.get("subcommands"):
        parts.append("\\fIcommand\\fR")
    for argument in shown(command):
        value = f"\\fI{escaped(argument['valueName'])}\\fR"
        if argument["kind"] == "positional":
            text = value
        else:
            text = f"\\fB{escaped(names(argument)[-1])}\\fR"
            if argument["kind"] == "option":
                text += " " + value
        if argument.get("isRepeating"):
            text += "..."
        parts.append(f"[{text}]" if argument.get("isOptional") else text)
    return " ".join(parts)


def options(command):
    out = []
    for argument in shown(command):
        spelled = names(argument)
        value = f" \\fI{escaped(argument['valueName'])}\\fR" if argument["kind"] != "flag" else ""
        title = ", ".join(f"\\fB{escaped(name)}\\fR" for name in spelled) + value if spelled else value.strip()
        text = argument.get("abstract", "")
        if argument.get("defaultValue"):
            text += f" Default: {argument['defaultValue']}."
        if argument.get("allValues"):
            text += f" One of: {', '.join(argument['allValues'])}."
        if argument.get("discussion"):
            text += " " + argument["discussion"]
        out.append(f".TP\n{title}\n{escaped(text.strip())}\n")
    return "".join(out)


def pages(command, above, date, version):
    """(file name, text) of a command's page and those of the commands below it."""
    words = above + [command["commandName"]]
    name = "-".join(words)
    below = [sub for sub in command.get("subcommands", []) if sub.get("shouldDisplay") and sub["commandName"] != "help"]
    text = heading(name, 1, date, version)
    text += f".SH NAME\n{escaped(name)} \\- {escaped(command.get('abstract', '').rstrip('.'))}\n"
    text += f".SH SYNOPSIS\n{synopsis(command, ' '.join(words))}\n"
    if command.get("discussion"):
        text += ".SH DESCRIPTION\n" + prose(command["discussion"])
    if below:
        text += ".SH COMMANDS\n"
        for sub in below:
            page = escaped("-".join(words + [sub["commandName"]]))
            text += f".TP\n\\fB{escaped(sub['commandName'])}\\fR\n{escaped(sub.get('abstract', ''))} " \
                    f"See \\fB{page}\\fR(1).\n"
    text += ".SH OPTIONS\n" + options(command)
    see = ["connlog(1)"] if above else []
    see += [f"{'-'.join(words + [sub['commandName']])}(1)" for sub in below] + ["connlog.ini(5)"]
    spelled = [f"\\fB{escaped(page[:-3])}\\fR{page[-3:]}" for page in see]
    text += ".SH SEE ALSO\n" + ", ".join(spelled) + "\n"
    yield f"{name}.1", text
    for sub in below:
        yield from pages(sub, words, date, version)


def configuration(reference, date, version):
    """connlog.ini(5). In the reference, '# ' begins prose; other lines, with or without '#' before them, are INI."""
    out = heading("connlog.ini", 5, date, version)
    out += ".SH NAME\nconnlog.ini \\- what connlog reads, and where it sends it\n"
    out += ".SH SYNOPSIS\n\\fI/etc/connlog/connlog.ini\\fR\n.SH DESCRIPTION\n"
    words, isHead = [], True
    for line in reference.split("\n"):
        ini = line[1:] if line.startswith("#") else line
        if line.startswith("# ") or line == "#":
            words.append(line[2:])
            continue
        if isHead and not line:
            # The first lines say what the file's own '#' mean, which a page has none of.
            paragraphs = "\n".join(words).split("\n\n")
            out += prose("\n\n".join(part for part in paragraphs[1:] if not part.startswith("Lines that begin")))
            isHead, words = False, []
            continue
        if not line:
            continue
        text = escaped(" ".join(words))
        words = []
        if ini.startswith("["):
            out += f".SH {escaped(ini)}\n{text}\n"
        else:
            key, _, value = ini.partition("=")
            # A fingerprint may be broken into lines.
            value = escaped(value.strip()).replace(":", ":\\:")
            out += f".TP\n\\fB{escaped(key.strip())}\\fR = {value}".rstrip() + "\n"
            out += (text or "Chooses this kind of section.") + "\n"
    return out + ".SH SEE ALSO\n\\fBconnlog\\fR(1), \\fBconnlog\\-check\\fR(1)\n"


def main():
    connlog, folder, date = sys.argv[1:]
    def say(*arguments):
        return subprocess.run([connlog, *arguments], check=True, capture_output=True, text=True).stdout
    tree = json.loads(say("--experimental-dump-help"))
    version = say("--version").split("\n")[0].split()[-1]
    os.makedirs(folder, exist_ok=True)
    files = list(pages(tree["command"], [], date, version))
    files.append(("connlog.ini.5", configuration(say("reference"), date, version)))
    for name, text in files:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


main()
