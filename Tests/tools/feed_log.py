#!/usr/bin/env python3
"""Writes coderd log lines as coderd does, a few every 10 ms, and rotates the file by renaming it.

    feed_log.py --out FILE --ids FILE [--rate 3000] [--rotate-bytes N] [--seed S] [--lines-max N]

FILE is renamed to FILE's name with a number before its suffix (coderd.log, coderd-0001.log). It goes on until standard
input ends or --lines-max lines are written. --ids gets the ID of every event after its line is written, one a line.
Prints one JSON object with the number of lines, events and files.
"""
import argparse
import json
import os
import select
import sys
import time

import gen_lines

TICK = 0.01


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--ids", required=True)
    parser.add_argument("--rate", type=float, default=3000)
    parser.add_argument("--rotate-bytes", type=int, default=1 << 62)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines-max", type=int, default=1 << 62)
    arguments = parser.parse_args()
    stem, suffix = os.path.splitext(arguments.out)
    counts = {"lines": 0, "events": 0, "files": 1}
    lines = gen_lines.lines(1 << 62, arguments.seed, 85)
    out, size = open(arguments.out, "ab", 0), 0
    due = time.monotonic()
    with open(arguments.ids, "wb", 0) as ids:
        while counts["lines"] < arguments.lines_max:
            due += TICK
            wait = max(0, due - time.monotonic())
            if select.select([sys.stdin], [], [], wait)[0]:
                break
            batch = [next(lines) for _ in range(min(max(1, int(arguments.rate * TICK)),
                                                    arguments.lines_max - counts["lines"]))]
            text = "".join(line for line, _ in batch).encode()
            found = [identifier for _, identifier in batch if identifier]
            out.write(text)
            ids.write("".join(f"{i}\n" for i in found).encode())
            counts["lines"] += len(batch)
            counts["events"] += len(found)
            size += len(text)
            if size >= arguments.rotate_bytes:
                # The writer goes on in the renamed file until it opens a new one, as programs do.
                os.rename(arguments.out, f"{stem}-{counts['files']:04d}{suffix}")
                counts["files"] += 1
                out, size = open(arguments.out, "ab", 0), 0
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
