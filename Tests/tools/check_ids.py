#!/usr/bin/env python3
"""Compares the event IDs that were sent with the ones that arrived.

    check_ids.py EXPECTED GOT...     EXPECTED and GOT have one ID a line; GOT may also be lines of slog JSON, of slog's
                                     human sink or of RFC 5424, and gzipped

Prints one JSON object: how many were expected and arrived, are missing, came twice or more ("repeats" counts the
surplus), or are foreign, with a few examples. Exit status 0 if nothing is missing or foreign; repeats are the
caller's affair.
"""
import gzip
import json
import re
import sys

FIELD = re.compile(rb'"ID":"([^"]*)"')
OTHER = re.compile(rb' ID=(\S+)|[\[ ]eid="([^"]*)"| externalId=(\S+)')


def identifiers(path):
    with gzip.open(path) if path.endswith(".gz") else open(path, "rb") as file:
        for line in file:
            if line.startswith(b"{"):
                found = FIELD.search(line)
                yield found[1] if found else b"line without ID"
            elif b" " in line:
                found = OTHER.search(line)
                yield found[1] or found[2] or found[3] if found else b"line without ID"
            else:
                yield line.rstrip(b"\n")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    expected = set(identifiers(sys.argv[1]))
    seen, repeats, arrived, foreign, examples = set(), 0, 0, 0, []
    for identifier in (i for path in sys.argv[2:] for i in identifiers(path)):
        arrived += 1
        if identifier not in expected:
            foreign += 1
            if len(examples) < 3:
                examples.append("foreign " + identifier.decode(errors="replace")[:100])
        elif identifier in seen:
            repeats += 1
        else:
            seen.add(identifier)
    missing = expected - seen
    examples += ["missing " + i.decode(errors="replace") for i in sorted(missing)[:3]]
    print(json.dumps({"expected": len(expected), "arrived": arrived, "missing": len(missing), "repeats": repeats,
                      "foreign": foreign, "examples": examples}))
    sys.exit(1 if missing or foreign else 0)


if __name__ == "__main__":
    main()
