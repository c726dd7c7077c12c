#!/usr/bin/env python3
"""Writes coderd's lines into journal files as journald has them, a few every 10 ms, and rotates the files.

    feed_journal.py --out DIRECTORY --ids FILE [--rate 1000] [--rotate-entries N] [--keep-files N --removed FILE]
                    [--seed S]

It goes on until standard input ends. --ids gets the ID of every event before its entry is written, one a line. Lines longer
than 2,000 bytes are split, as journald does with those longer than LineMax. Entries are written by systemd-journal-remote.
With --keep-files the oldest rotated files are removed, as by vacuuming; --removed gets the IDs that were in them.
Prints one JSON object with the number of lines, events and files.
"""
import argparse
import json
import os
import select
import struct
import subprocess
import sys
import time

import gen_lines

TICK = 0.01
LINE_MAX = 2000
ID = "5f0d8b6c1d3e4c0a9f1b2c3d4e5f6071"
WRITER = "/lib/systemd/systemd-journal-remote"


def entry(microseconds, message, line_break):
    fields = {"_TRANSPORT": b"stdout", "_STREAM_ID": ID.encode(), "_SYSTEMD_UNIT": b"coder.service", "_PID": b"77"}
    if line_break:
        fields["_LINE_BREAK"] = line_break
    fields["MESSAGE"] = message
    head = (f"__REALTIME_TIMESTAMP={1788830349000000 + microseconds}\n__MONOTONIC_TIMESTAMP={5000000 + microseconds}\n"
            f"_BOOT_ID={ID}\n").encode()
    return head + b"".join(n.encode() + b"\n" + struct.pack("<Q", len(v)) + v + b"\n" for n, v in fields.items()) + b"\n"


def entries(microseconds, line):
    while len(line) >= LINE_MAX:
        yield entry(microseconds, line[:LINE_MAX], b"line-max")
        line = line[LINE_MAX:]
    if line:
        yield entry(microseconds, line, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--ids", required=True)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--rotate-entries", type=int, default=1000)
    parser.add_argument("--keep-files", type=int)
    parser.add_argument("--removed")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    counts = {"lines": 0, "events": 0, "files": 1}
    lines = gen_lines.lines(1 << 62, arguments.seed, 85)
    path = os.path.join(arguments.out, "system.journal")

    def begin():
        return subprocess.Popen([WRITER, "-o", path, "-"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def end(writer):
        writer.stdin.close()
        if writer.wait() != 0:
            sys.exit("systemd-journal-remote failed")

    rotated, inside = [], []

    def vacuum():
        while arguments.keep_files is not None and len(rotated) > arguments.keep_files:
            old, identifiers = rotated.pop(0)
            # Told first: whoever reads it meanwhile may have had them or not.
            with open(arguments.removed, "ab", 0) as removed:
                removed.write(b"".join(f"{i}\n".encode() for i in identifiers))
            os.remove(old)

    writer, written, ticks, due = begin(), 0, 0, time.monotonic()
    with open(arguments.ids, "wb", 0) as ids:
        while True:
            due += TICK
            if select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
                break
            # All of a tick have one time, as all that journald reads at once.
            ticks += 1
            for _ in range(max(1, int(arguments.rate * TICK))):
                line, identifier = next(lines)
                if identifier:
                    ids.write(f"{identifier}\n".encode())
                    counts["events"] += 1
                    inside.append(identifier)
                counts["lines"] += 1
                for data in entries(ticks * 10000, line.encode().rstrip(b"\n")):
                    writer.stdin.write(data)
                    written += 1
            writer.stdin.flush()
            if written >= arguments.rotate_entries:
                end(writer)
                rotated.append((os.path.join(arguments.out, f"system@{counts['files']:06d}.journal"), inside))
                os.rename(path, rotated[-1][0])
                inside = []
                vacuum()
                counts["files"] += 1
                writer, written = begin(), 0
        end(writer)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
