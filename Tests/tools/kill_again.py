#!/usr/bin/env python3
"""Starts a program again and again and kills it (SIGKILL) at a random moment each time.

    kill_again.py --kills N --seed S [--longest-ms 700] [--errors FILE] -- PROGRAM ARGUMENT...

A third of the lives is shorter than 80 ms, which is about how long a start takes; the others are anything up to
--longest-ms. Prints a line for each kill. The exit status is 1 when the program ended by itself. Ends early, with what
it has started, when standard input ends.
"""
import argparse
import random
import select
import signal
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--longest-ms", type=int, default=700)
    parser.add_argument("--errors", default="/dev/null")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    rnd = random.Random(arguments.seed)
    with open(arguments.errors, "ab") as errors:
        for number in range(1, arguments.kills + 1):
            life = rnd.randrange(80) if rnd.random() < 1 / 3 else rnd.randrange(arguments.longest_ms)
            errors.write(f"== life {number}, {life} ms\n".encode())
            errors.flush()
            child = subprocess.Popen(arguments.command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
            is_over = bool(select.select([sys.stdin], [], [], life / 1000)[0])
            ended = child.poll()
            child.kill()
            child.wait()
            if ended is not None:
                print(f"life {number}: it ended by itself with status {ended} within {life} ms", flush=True)
                sys.exit(1)
            print(f"killed {number} after {life} ms", flush=True)
            if is_over:
                sys.exit(2)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    main()
