#!/usr/bin/env python3
"""Does one sink's trouble change another one's latency?

    isolation.py [--connlog PROGRAM] [--events 2000] [--rate 100] [--rounds 3]

Writes one event at a time into a log, --rate of them a second, and measures for each the time from before its write to
its arrival at sink A (syslog over TCP, received here). Four connlogs do that side by side, each with a log of its own:
one with A alone, and ones with a sink B that is dead (nobody listens), hung (takes the connection, never reads), or slow
(Splunk HEC that answers after a second). Each event goes to the four at the same moment, in another order each time, so
that what else the machine does hits all of them alike. The target is a p99 within 10 % of A alone.
"""
import argparse
import http.server
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "tools"))
import gen_lines  # noqa: E402

EVENT_ID = re.compile(rb'[\[ ]eid="([^"]*)"')
KINDS = ("alone", "dead", "hung", "slow")


class Receiver:
    """Notes when each event comes in."""

    def __init__(self):
        self.arrived = {}
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer = self.server.accept()[0]
            threading.Thread(target=self.read, args=(peer,), daemon=True).start()

    def read(self, peer):
        rest = b""
        while chunk := peer.recv(1 << 16):
            now = time.perf_counter_ns()
            data = rest + chunk
            end = 0
            for found in EVENT_ID.finditer(data):
                self.arrived.setdefault(found[1], now)
                end = found.end()
            rest = data[end:]


class SlowHEC(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(1)
        body = b'{"text":"Success","code":0}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class SlowServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # A client that has ended.


def section_of_b(kind, keep):
    """The configuration of sink B; what it sends to stays as long as `keep` holds it."""
    if kind == "alone":
        return ""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    if kind == "slow":
        server.close()
        http_server = SlowServer(("127.0.0.1", port), SlowHEC)
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        keep.append(http_server)
        return f'[sink "b"]\ntype = splunk_hec\nurl = http://127.0.0.1:{port}\ntoken = x\n'
    if kind == "dead":
        server.close()
    else:
        keep.append(server)  # The kernel takes the connection; nobody reads.
    return f'[sink "b"]\ntype = syslog\ntransport = tcp\naddress = 127.0.0.1:{port}\n'


class Run:
    """A connlog with A, and B beside it."""

    def __init__(self, connlog, kind, folder):
        self.kind, self.keep, self.written = kind, [], {}
        self.receiver = Receiver()
        os.mkdir(folder)
        log_path, config = os.path.join(folder, "coderd.log"), os.path.join(folder, "connlog.ini")
        self.log = open(log_path, "ab", 0)
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[connlog]\ndata_dir = {folder}/data\nshutdown_timeout = 1s\n[source "coderd"]\ntype = file\n'
                       f'path = {log_path}\n[sink "a"]\ntype = syslog\ntransport = tcp\n'
                       f'address = 127.0.0.1:{self.receiver.port}\n' + section_of_b(kind, self.keep))
        with open(os.path.join(folder, "err"), "wb") as errors:
            self.child = subprocess.Popen([connlog, "run", "--config", config], stdin=subprocess.DEVNULL, stderr=errors)

    def write(self, line, identifier):
        self.written[identifier.encode()] = time.perf_counter_ns()
        self.log.write(line.encode())

    def wait(self, limit):
        deadline = time.monotonic() + limit
        while len(self.receiver.arrived) < len(self.written) and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(30)
        for server in self.keep:
            if isinstance(server, http.server.HTTPServer):
                server.shutdown()
            server.close() if isinstance(server, socket.socket) else server.server_close()

    def milliseconds(self, skipped):
        missing = [i for i in self.written if i not in self.receiver.arrived]
        if missing:
            sys.exit(f"{self.kind}: {len(missing)} of {len(self.written)} events have not arrived")
        return [(self.receiver.arrived[i] - at) / 1e6 for i, at in list(self.written.items())[skipped:]]


def measure(connlog, lines, rate):
    """Milliseconds from write to arrival, one for each event, for each kind of B."""
    warm = 100
    with tempfile.TemporaryDirectory(prefix="connlog-isolation-") as folder:
        runs = [Run(connlog, kind, os.path.join(folder, kind)) for kind in KINDS]
        try:
            for number, (line, identifier) in enumerate(lines):
                if number == warm:
                    for run in runs:
                        run.wait(20)
                    due = time.perf_counter()
                if number >= warm:
                    due += 1 / rate
                    time.sleep(max(0, due - time.perf_counter()))
                for place in range(4):
                    runs[(number + place) % 4].write(line, identifier)
            for run in runs:
                run.wait(30)
        finally:
            for run in runs:
                run.stop()
        return {run.kind: run.milliseconds(warm) for run in runs}


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connlog", default=".build/forwarder/release/connlog")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    lines = list(gen_lines.lines(arguments.events + 100, 1, 100))
    runs = {kind: [] for kind in KINDS}
    for number in range(arguments.rounds):
        for kind, values in measure(arguments.connlog, lines, arguments.rate).items():
            runs[kind].append(values)
            print(f"round {number + 1}, B {kind:5}: p50 {percentile(values, 50):.2f} ms, p90 {percentile(values, 90):.2f} "
                  f"ms, p99 {percentile(values, 99):.2f} ms, most {max(values):.2f} ms", flush=True)
    said = {}
    for kind in KINDS:
        said[kind] = {f"p{p}": round(statistics.median(percentile(v, p) for v in runs[kind]), 3) for p in (50, 90, 99)}
        said[kind]["p99_to_alone"] = round(
            statistics.median(percentile(v, 99) / percentile(a, 99) for v, a in zip(runs[kind], runs["alone"])), 3)
    print(json.dumps({"load_average": os.getloadavg()[0], "milliseconds": said}, indent=1))


if __name__ == "__main__":
    main()
