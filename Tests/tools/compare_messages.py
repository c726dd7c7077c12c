#!/usr/bin/env python3
"""Compares syslog messages as two receivers understood them: files with one JSON object a line (pri, timestamp, hostname,
app, procid, msgid, sd, msg).

    compare_messages.py fields EXPECTED GOT...     every field of every message, in order
    compare_messages.py ids EXPECTED GOT...        only which events there are, by eid; the order is not looked at

`sd` may be a dictionary, lists of name and value, or the text of the message. The free text is compared where both
have it, without a byte order mark. Prints a JSON array with an object for each GOT: expected, arrived, and how many
differ ("different"), or are missing, repeated or foreign, with a few examples; "gaps" are the numbers of neighbours that
are missing together. Exit status 0 always: what it means is the caller's affair.
"""
import json
import re
import sys

ELEMENT = re.compile(r'\[([^ \]]+)((?: [^ =]+="(?:[^"\\\]]|\\.)*")*)\]')
PARAMETER = re.compile(r' ([^ =]+)="((?:[^"\\\]]|\\.)*)"')
EVENT_ID = re.compile(r"""\beid(?:="|'[:,] ')([^"']*)""")
ESCAPED = re.compile(r'\\(["\\\]])')


def elements(data):
    if isinstance(data, dict):
        return {name: dict(values) if not isinstance(values, dict) else values for name, values in data.items()}
    found = {}
    for element in ELEMENT.finditer(data if data != "-" else ""):
        found[element[1]] = {p[1]: ESCAPED.sub(r"\1", p[2]) for p in PARAMETER.finditer(element[2])}
    return found


def read(line):
    """A line as a message, or None.

    A receiver that was killed may have left half a line, with the first whole one of its next life after it."""
    start = 0
    while start >= 0:
        try:
            return json.loads(line[start:])
        except ValueError:
            start = line.find('{"', start + 1)
    return None


def event_ids(path):
    """Of each line, or None where there is no message."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            message = read(line)
            found = message and EVENT_ID.search(str(message["sd"]))
            yield found[1] if found else None


def messages(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            message = read(line)
            if message is None:
                yield None
                continue
            message["pri"] = int(message["pri"])
            message["sd"] = elements(message["sd"])
            if message["timestamp"].endswith("+00:00"):
                message["timestamp"] = message["timestamp"][:-6] + "Z"
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
    different, arrived, examples = 0, 0, []
    for place, other in enumerate(got):
        arrived += 1
        if place >= len(expected):
            continue
        fields = different_fields(expected[place], other) if other else ["unreadable"]
        if fields:
            different += 1
            if len(examples) < 3:
                pairs = [f"{name}: {expected[place].get(name)} / {other and other.get(name)}" for name in fields]
                examples.append(f"{event_id(expected[place])}: {'; '.join(pairs)}"[:600])
    return {"expected": len(expected), "arrived": arrived, "different": different, "examples": examples}


def gaps(expected, seen):
    found, together = [], 0
    for one in expected:
        if one not in seen:
            together += 1
        elif together:
            found.append(together)
            together = 0
    return found + [together] if together else found


def compare_ids(expected, got):
    wanted, seen, arrived, unreadable = set(expected), set(), 0, 0
    for one in got:
        if one is None:
            unreadable += 1
        else:
            arrived += 1
            seen.add(one)
    return {"expected": len(wanted), "arrived": arrived, "missing": len(wanted - seen),
            "repeats": arrived - len(seen), "foreign": len(seen - wanted), "unreadable": unreadable,
            "gaps": gaps(expected, seen), "examples": sorted(wanted - seen)[:3]}


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    take, compare = (messages, compare_fields) if sys.argv[1] == "fields" else (event_ids, compare_ids)
    expected = list(take(sys.argv[2]))
    print(json.dumps([compare(expected, take(path)) for path in sys.argv[3:]]))


if __name__ == "__main__":
    main()
