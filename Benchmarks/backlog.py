#!/usr/bin/env python3
"""A large backlog: how much memory, how long a start, how fast a drain.

    backlog.py [--connlog PROGRAM] [--gib 8] [--dir FOLDER]

Builds a queue of --gib GiB by running connlog with a sink that is dead (a syslog receiver that nobody is), then
starts it with that backlog and one new line to read, and measures the time from the start of the process to
the arrival of that line in another sink, a file. Then
the dead sink is replaced by a file under the same name, so that the backlog drains into it. Needs about 2.2 times --gib
of room in --dir, and removes everything. Prints one JSON object.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "tools"))
import gen_lines  # noqa: E402


def status(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    return 0


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder)
               if os.path.isfile(os.path.join(folder, n))) if os.path.isdir(folder) else 0


def size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run:
    """connlog on one data directory, with a file sink and the one that lags."""

    def __init__(self, connlog, folder):
        self.connlog, self.folder = connlog, folder
        self.log = os.path.join(folder, "coderd.log")
        self.errors = os.path.join(folder, "err")
        open(self.log, "ab").close()

    def start(self, late, quick=""):
        config = os.path.join(self.folder, "connlog.ini")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[connlog]\ndata_dir = {self.folder}/data\nqueue_size = 1TiB\nshutdown_timeout = 1s\n'
                       f'[source "coderd"]\ntype = file\npath = {self.log}\n{quick}[sink "late"]\n{late}')
        with open(self.errors, "ab") as errors:
            begun = time.perf_counter()
            return subprocess.Popen([self.connlog, "run", "--config", config], stdin=subprocess.DEVNULL,
                                    stderr=errors), begun

    def wait(self, child, what, is_so, limit):
        deadline = time.monotonic() + limit
        while not is_so():
            if child.poll() is not None or time.monotonic() > deadline:
                with open(self.errors, "rb") as file:
                    sys.exit(f"{what}: not so after {limit} s, or ended; it said\n{file.read()[-2000:].decode()}")
            time.sleep(0.0005)


def stop(child):
    child.send_signal(signal.SIGTERM)
    child.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connlog", default=".build/release/connlog")
    parser.add_argument("--gib", type=float, default=8)
    parser.add_argument("--dir", default=None)
    parser.add_argument("--starts", type=int, default=5)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="connlog-backlog-", dir=arguments.dir)
    try:
        measure(arguments, folder)
    finally:
        shutil.rmtree(folder)


def measure(arguments, folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    dead = f"type = syslog\ntransport = tcp\naddress = 127.0.0.1:{port}\n"
    run = Run(arguments.connlog, folder)
    queue, drained = os.path.join(folder, "data", "queue"), os.path.join(folder, "late.jsonl")
    said = {"load_average_at_start": os.getloadavg()[0]}

    # The backlog: the same lines again and again, since the queue does not mind.
    block = "".join(line for line, _ in gen_lines.lines(40_000, 1, 100)).encode()
    wanted = int(arguments.gib * (1 << 30))
    child, begun = run.start(dead)
    with open(run.log, "ab", 0) as log:
        written = 0
        while folder_bytes(queue) < wanted:
            if written - folder_bytes(queue) < 256 << 20:
                log.write(block)
                written += len(block)
            else:
                time.sleep(0.02)
            if child.poll() is not None:
                sys.exit("connlog ended while the backlog was built")
    run.wait(child, "what was written is in the queue", lambda: folder_bytes(queue) >= written, 120)
    said["build"] = {"bytes": written, "seconds": round(time.perf_counter() - begun, 1),
                     "vm_hwm_mib": round(status(child.pid, "VmHWM"), 1)}
    stop(child)
    os.truncate(run.log, 0)

    # Starts: the time until a new line has gone through the queue into a sink that has nothing else to do.
    quick_path = os.path.join(folder, "quick.jsonl")
    quick = f'[sink "quick"]\ntype = file\npath = {quick_path}\nrotate_size = 1TiB\nfilter = agent:fresh\n'
    fresh = block[:block.index(b"\n") + 1].replace(b'"AgentName":"main"', b'"AgentName":"fresh"')
    fresh = fresh.replace(b'"AgentName":"gpu"', b'"AgentName":"fresh"').replace(b'"AgentName":"dev"', b'"AgentName":"fresh"')
    said["starts"] = []
    # A sink that the queue has not known begins with the whole backlog: let this one have it before it is timed.
    child, _ = run.start(dead, quick)
    with open(run.log, "ab", 0) as log:
        log.write(fresh)
    run.wait(child, "the new sink is through the backlog", lambda: size(quick_path) >= len(fresh), 600)
    said["second_sink_vm_hwm_mib"] = round(status(child.pid, "VmHWM"), 1)
    time.sleep(2)
    stop(child)
    for _ in range(arguments.starts):
        before = size(quick_path)
        with open(run.log, "ab", 0) as log:
            log.write(fresh)
        child, begun = run.start(dead, quick)
        run.wait(child, "a fresh line is delivered", lambda: size(quick_path) > before, 60)
        said["starts"].append({"first_delivery_ms": round((time.perf_counter() - begun) * 1000, 1),
                               "vm_hwm_mib": round(status(child.pid, "VmHWM"), 1)})
        time.sleep(0.3)
        stop(child)

    # The drain, with the late sink repaired: now it is a file.
    child, begun = run.start(f"type = file\npath = {drained}\nrotate_size = 1TiB\n", quick)
    first = None
    while size(drained) < written:
        if first is None and size(drained) > 0:
            first = time.perf_counter()
        if child.poll() is not None:
            sys.exit("connlog ended while it drained")
        time.sleep(0.001)
    ended = time.perf_counter()
    said["drain"] = {"bytes": size(drained), "seconds": round(ended - begun, 2),
                     "first_delivery_ms": round((first - begun) * 1000, 1),
                     "mb_per_second": round(size(drained) / (ended - first) / 1e6, 1),
                     "processor_seconds": processor_seconds(child.pid),
                     "vm_hwm_mib": round(status(child.pid, "VmHWM"), 1)}
    time.sleep(3)
    said["queue_bytes_after"] = folder_bytes(queue)
    stop(child)
    said["load_average_at_end"] = os.getloadavg()[0]
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
