#!/usr/bin/env python3
"""Compares syslog messages as two receivers understood them: files with one JSON object a line (pri, timestamp, hostname,
app, procid, msgid, sd, msg).

    compare_messages.py fields EXPECTED GOT     every field of every message, in order
    compare_messages.py ids EXPECTED GOT        only which events there are, by eid; the order is not looked at

`sd` may be a dictionary, lists of name and value, or the text of the message. The free text is compared where both
have it, without a byte order mark. Prints one JSON object: expected, arrived, and how many differ ("different"), or are
missing, repeated or foreign, with a few examples. Exit status 0 always: what it means is the caller's affair.
"""
import json
import re
import sys

ELEMENT = re.compile(r'\[([^ \]]+)((?: [^ =]+="(?:[^"\\\]]|\\.)*")*)\]')
PARAMETER = re.compile(r' ([^ =]+)="((?:[^"\\\]]|\\.)*)"')
ESCAPED = re.compile(r'\\(["\\\]])')


def elements(data):
    if isinstance(data, dict):
        return {name: dict(values) if not isinstance(values, dict) else values for name, values in data.items()}
    found = {}
    for element in ELEMENT.finditer(data if data != "-" else ""):
        found[element[1]] = {p[1]: ESCAPED.sub(r"\1", p[2]) for p in PARAMETER.finditer(element[2])}
    return found


def messages(path):
    # A line that a killed receiver left half written is no message.
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            try:
                message = json.loads(line)
            except ValueError:
                yield None
                continue
            message["pri"] = int(message["pri"])
            message["sd"] = elements(message["sd"])
            if message.get("msg") is not None:
                message["msg"] = message["msg"].removeprefix("\ufeff")
            yield message


def event_id(message):
    return next((values["eid"] for values in message["sd"].values() if "eid" in values), "-")


def different_fields(expected, got):
    names = ("pri", "timestamp", "hostname", "app", "msgid", "sd")
    differing = [name for name in names if expected[name] != got[name]]
    for name in ("procid", "msg"):
        if expected.get(name) is not None and got.get(name) is not None and expected[name] != got[name]:
            differing.append(name)
    return differing


def compare_fields(expected, got):
    different, examples = 0, []
    for one, other in zip(expected, got):
        fields = different_fields(one, other) if other else ["unreadable"]
        if fields:
            different += 1
            if len(examples) < 3:
                examples.append(f"{event_id(one)}: {', '.join(fields)}: {one} / {other}"[:600])
    return {"expected": len(expected), "arrived": len(got), "different": different, "examples": examples}


def compare_ids(expected, got):
    wanted = {event_id(message) for message in expected}
    arrived = [event_id(message) for message in got if message]
    seen = set(arrived)
    return {"expected": len(wanted), "arrived": len(arrived), "missing": len(wanted - seen),
            "repeats": len(arrived) - len(seen), "foreign": len(seen - wanted),
            "unreadable": sum(message is None for message in got), "examples": sorted(wanted - seen)[:3]}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    how, expected, got = sys.argv[1], list(messages(sys.argv[2])), list(messages(sys.argv[3]))
    print(json.dumps((compare_fields if how == "fields" else compare_ids)(expected, got)))


if __name__ == "__main__":
    main()
