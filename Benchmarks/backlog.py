#!/usr/bin/env python3
"""A large backlog: how much memory, how long a start, how fast a drain.

    backlog.py [--connlog PROGRAM] [--gib 8] [--dir FOLDER] [--logs FOLDER] [--starts 5]

Builds a queue of --gib GiB by running connlog with a sink that is dead (a syslog receiver that nobody is). Then, with
somebody listening there, starts it --starts times, and measures from before the process begins to its connection and to
the first byte of the backlog; at each it is stopped again after a moment. Then the sink becomes a file under the same
name, and `run --once` drains the backlog into it; the file must have every byte of every event. Records are packed in the
queue, so --dir needs about 5 times --gib of room, and --logs (by default memory, /dev/shm) 1.5 GiB. Removes everything.
Prints one JSON object; the peak memory is VmHWM.
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

    def __init__(self, connlog, folder, logs):
        self.connlog, self.folder, self.logs = connlog, folder, logs
        self.errors = os.path.join(folder, "err")

    def start(self, late, *options):
        config = os.path.join(self.folder, "connlog.ini")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[connlog]\ndata_dir = {self.folder}/data\nqueue_size = 1TiB\nshutdown_timeout = 1s\n'
                       f'[source "coderd"]\ntype = file\npath = {self.logs}/*.log\n[sink "late"]\nqueue_size = 1TiB\n{late}')
        with open(self.errors, "ab") as errors:
            begun = time.perf_counter()
            return subprocess.Popen([self.connlog, "run", "--config", config, *options], stdin=subprocess.DEVNULL,
                                    stderr=errors), begun

    def delivered(self, prefix, starts):
        """How many events the last starts but one, which drained, have delivered, as each said at its end."""
        with open(self.errors, encoding="utf-8") as file:
            said = [int(line.split(prefix)[1].split()[0]) for line in file if prefix in line and " delivered" in line]
        return sum(said[-1 - starts:-1])

    def wait(self, child, what, is_so, limit):
        deadline = time.monotonic() + limit
        while not is_so():
            if child.poll() is not None or time.monotonic() > deadline:
                with open(self.errors, "rb") as file:
                    sys.exit(f"{what}: not so after {limit} s, or ended; it said\n{file.read()[-2000:].decode()}")
            time.sleep(0.0005)


def event_lines():
    return [line for line, identifier in gen_lines.lines(40_000, 1, 100) if identifier]


def stop(child):
    child.send_signal(signal.SIGTERM)
    child.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connlog", default=".build/forwarder/release/connlog")
    parser.add_argument("--gib", type=float, default=8)
    parser.add_argument("--dir", default=None)
    parser.add_argument("--logs", default="/dev/shm")
    parser.add_argument("--starts", type=int, default=5)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="connlog-backlog-", dir=arguments.dir)
    logs = tempfile.mkdtemp(prefix="connlog-backlog-", dir=arguments.logs)
    try:
        measure(arguments, folder, logs)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(logs)


def settled(queue, seconds):
    """The bytes of the queue's folder, once they have been the same for so long."""
    last, since = None, time.monotonic()
    while time.monotonic() - since < seconds:
        now = folder_bytes(queue)
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.05)
    return last


def fill(run, child, queue, wanted):
    """Writes logs, all of the same lines, since the queue does not mind, until so much is queued; takes them away behind
    the reader, who is known by the queue's growth. Gives the bytes of all events' lines."""
    block = "".join(event_lines()).encode()
    times = max(1, (512 << 20) // len(block))
    number, before, growth = 0, folder_bytes(queue), 0
    while before < wanted:
        path = os.path.join(run.logs, f"{number}.log")
        with open(path, "wb", 0) as log:
            # Without it each would be a copy of the one before, as a rotation makes one.
            log.write(f"This is log {number}.\n".encode())
            for _ in range(times):
                log.write(block)
        if growth == 0:
            growth = settled(queue, 3.0) - before
        target = before + growth * 0.98
        run.wait(child, "what was written is in the queue", lambda: folder_bytes(queue) >= target, 120)
        before += growth
        number += 1
        # The one before may still have had its last lines to read.
        if number >= 2:
            os.unlink(os.path.join(run.logs, f"{number - 2}.log"))
    settled(queue, 3.0)
    os.unlink(os.path.join(run.logs, f"{number - 1}.log"))
    return number * times * len(block)


def measure(arguments, folder, logs):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    dead = f"type = syslog\ntransport = tcp\naddress = 127.0.0.1:{port}\n"
    run = Run(arguments.connlog, folder, logs)
    queue, drained = os.path.join(folder, "data", "queue"), os.path.join(folder, "late.jsonl")
    said = {"load_average_at_start": os.getloadavg()[0]}

    child, begun = run.start(dead)
    expected = fill(run, child, queue, int(arguments.gib * (1 << 30)))
    said["build"] = {"event_bytes": expected, "queue_bytes": folder_bytes(queue),
                     "seconds": round(time.perf_counter() - begun, 1),
                     "vm_hwm_mib": round(status(child.pid, "VmHWM"), 1)}
    stop(child)

    said["starts"] = []
    for _ in range(arguments.starts):
        with socket.create_server(("127.0.0.1", port)) as server:
            server.settimeout(60)
            child, begun = run.start(dead)
            peer = server.accept()[0]
            connected = time.perf_counter()
            peer.recv(1)
            first = time.perf_counter()
            time.sleep(0.2)
            said["starts"].append({"connected_ms": round((connected - begun) * 1000, 1),
                                   "first_byte_ms": round((first - begun) * 1000, 1),
                                   "vm_hwm_mib": round(status(child.pid, "VmHWM"), 1)})
            stop(child)
            peer.close()

    # The drain, with the late sink repaired: now it is a file.
    child, begun = run.start(f"type = file\npath = {drained}\nrotate_size = 1TiB\n", "--once")
    first = used = memory = None
    while child.poll() is None:
        if first is None and size(drained) > 0:
            first = time.perf_counter()
        try:
            used, memory = processor_seconds(child.pid), status(child.pid, "VmHWM") or memory
        except (FileNotFoundError, ProcessLookupError, IndexError):
            break
        time.sleep(0.002 if first is None else 0.05)
    if child.wait() != 0:
        sys.exit(f"the drain ended with status {child.returncode}")
    ended = time.perf_counter()
    before = sum(len(line.encode()) for line in event_lines()[:run.delivered("sink late: ", arguments.starts)])
    if size(drained) + before != expected:
        sys.exit(f"the file has {size(drained)} bytes, {before} went out before, and the events had {expected}")
    said["drain"] = {"bytes": size(drained), "seconds": round(ended - begun, 2),
                     "first_line_ms": round((first - begun) * 1000, 1),
                     "mb_per_second": round(size(drained) / (ended - first) / 1e6, 1),
                     "processor_seconds": used, "vm_hwm_mib": round(memory, 1)}
    said["queue_bytes_after"] = folder_bytes(queue)
    said["load_average_at_end"] = os.getloadavg()[0]
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
