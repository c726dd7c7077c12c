#!/usr/bin/env python3
"""Runs the cases of Benchmarks/run.sh and writes what they gave; see there."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import time

import cases
import report
from forwarders import FORWARDERS, PORT, RECEIVERS
from measure import ROOT, WORK, Forwarder, Receiver, busy_seconds, cpu_seconds, sum_of, touch_memory, wait_for_quiet, warm


def make_input(lines):
    path = os.path.join(WORK, f"coderd-{lines}.log")
    if not os.path.exists(path):
        print(f"making {lines} lines of input", flush=True)
        generator = os.path.join(ROOT, "Tests", "tools", "gen_lines.py")
        subprocess.run(["python3", generator, "--lines", str(lines), "--out", path + ".part"], check=True,
                       stdout=subprocess.DEVNULL)
        os.rename(path + ".part", path)
    return path


def run(name, queue, work, command, inputs, expected, timeout=240):
    """One forwarder does one work once."""
    folder = os.path.join(WORK, "run")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder + "/state")
    warm(inputs)
    output = folder + "/out.jsonl"
    kind = RECEIVERS[work]
    receiver = Receiver(kind, output if kind == "file" else PORT, expected["events"])
    wait_for_quiet()
    touch_memory()
    busy = busy_seconds()
    forwarder = Forwarder(command(folder, inputs, work), folder + "/log")
    try:
        is_whole = receiver.done.wait(timeout)
        wall = (time.monotonic_ns() - forwarder.started) / 1e9
        others = busy_seconds() - busy - cpu_seconds(forwarder.process.pid) - cpu_seconds(receiver.process.pid)
        # What comes twice would come now.
        time.sleep(0.5)
    finally:
        cpu, peak = forwarder.end()
        got = receiver.end()
    if is_whole:
        wall = (receiver.reached - forwarder.started) / 1e9
    if kind == "file" and os.path.exists(output):
        got = sum_of(output)
    row = {"name": name, "queue": queue, "work": work, "events_per_second": expected["events"] / wall,
           "cpu_per_million": cpu * 1e6 / expected["events"], "peak_bytes": peak,
           "others": max(0, others) / wall / os.cpu_count(),
           "exact": is_whole and got["events"] == expected["events"] and got["sum"] == expected["sum"]}
    print(f"  {work:8} {name:10} {queue:18} {row['events_per_second']:10,.0f} events/s "
          f"{row['cpu_per_million']:6.2f} CPU s/M {peak / 2**20:5.0f} MiB, others {row['others']:.0%}"
          f"{'' if row['exact'] else ', NOT EXACT: ' + str(got)}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    return row


def throughput(inputs, runs, only):
    expected = sum_of(inputs)
    rows = []
    for turn in range(runs):
        print(f"run {turn + 1} of {runs}", flush=True)
        for name, queue, works, command in FORWARDERS:
            if only and name not in only:
                continue
            rows += [run(name, queue, work, command, inputs, expected) for work in works]
    return rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lines", type=int, default=1_000_000)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--only", default="", help="forwarders, and 'cases' for latency, backlog and the rest")
    arguments.add_argument("--dry", action="store_true", help="print the figures, and leave README.md as it is")
    options = arguments.parse_args()
    only = [word for word in options.only.split(",") if word]
    inputs = make_input(options.lines)
    rows = throughput(inputs, options.runs, only)
    facts = []
    if not only or "cases" in only:
        rates = [row["events_per_second"] for row in rows if row["name"] == "connlog" and row["work"] == "W2"]
        facts = cases.all_cases(inputs, statistics.median(rates) if rates else 200_000)
    with open(os.path.join(WORK, "results.json"), "w") as file:
        json.dump({"rows": rows, "facts": facts}, file, indent=1)
    text = report.text(rows, facts, options)
    print(text)
    if not options.dry:
        report.write(text, rows)
    if not all(row["exact"] for row in rows):
        raise SystemExit("A run did not deliver each event exactly once; see above.")


if __name__ == "__main__":
    main()
