#!/usr/bin/env python3
"""Does a flood of questions slow the forwarding?

    flood.py [--connlog PROGRAM] [--lines 1000000] [--rounds 3]

connlog runs with its server (`open = true`), and forwards a log to a syslog receiver over TCP: alone, and while four
clients ask as fast as they get answers, each on a new connection, and while 1,500 connections lie open that ask nothing.
The rate counts from the first ten thousand events at the receiver to the last. Kinds take turns within a round.
The clients stand for other machines, so they run with the lowest priority (nice 19), as what they use here would not be
used there. The target is a rate within 10 % of the one alone.
"""
import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from measure import Forwarder, Receiver, sum_of, touch_memory, wait_for_quiet, warm  # noqa: E402
from bench import make_input  # noqa: E402

PORT = 25616
STEP = 10_000
KINDS = ("alone", "asked", "connected")
ASKING = """
import os, socket, sys
os.nice(19)
port = int(sys.argv[1])
paths = ["/api/v2/connectionlog?limit=100", "/connlog/v1/stats", "/readyz", "/", "/api/v2/connectionlog?q=nobody"]
count = 0
while True:
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as peer:
            peer.sendall(f"GET {paths[count % 5]} HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n".encode())
            while peer.recv(1 << 16):
                pass
        count += 1
        sys.stdout.write(".")
        sys.stdout.flush()
    except OSError:
        pass
"""


def wait_for_server(port):
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("the server does not answer")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def run(connlog, kind, inputs, expected):
    """Events a second, and how many questions were answered meanwhile."""
    # In memory: how long a disk takes for a sync changes more from run to run than what is measured here.
    with tempfile.TemporaryDirectory(prefix="connlog-flood-", dir="/dev/shm") as folder:
        port = free_port()
        with open(folder + "/connlog.ini", "w", encoding="utf-8") as file:
            file.write(f"[connlog]\ndata_dir = {folder}/data\n[source \"coderd\"]\ntype = file\npath = {folder}/coderd*.log\n"
                       f"[sink \"siem\"]\ntype = syslog\ntransport = tcp\naddress = 127.0.0.1:{PORT}\nmessage = json\n"
                       f"[server]\nlisten = 127.0.0.1:{port}\nopen = true\n")
        os.sync()
        wait_for_quiet()
        touch_memory()
        receiver = Receiver("syslog", PORT, expected["events"], STEP)
        forwarder = Forwarder([connlog, "run", "--config", folder + "/connlog.ini"], folder + "/err")
        clients, open_ones = [], []
        try:
            wait_for_server(port)
            if kind == "asked":
                clients = [subprocess.Popen([sys.executable, "-c", ASKING, str(port)], stdout=subprocess.PIPE)
                           for _ in range(4)]
            if kind == "connected":
                for _ in range(1500):
                    try:
                        open_ones.append(socket.create_connection(("127.0.0.1", port), 5))
                    except OSError:
                        break
            time.sleep(1)
            warm(inputs)
            os.symlink(inputs, folder + "/coderd.log")
            if not receiver.done.wait(120):
                sys.exit(f"{kind}: not everything came; see {folder}/err")
        finally:
            for client in clients:
                client.send_signal(signal.SIGKILL)
            for peer in open_ones:
                peer.close()
            forwarder.end()
            got = receiver.end()
        if got["sum"] != expected["sum"]:
            sys.exit(f"{kind}: not each event came once: {got}")
        stamps = got["stamps"]
        seconds = (stamps[-1] - stamps[0]) / 1e9
        answered = sum(len(client.communicate()[0]) for client in clients)
    return (len(stamps) - 1) * STEP / seconds, answered


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connlog", required=True, help="a release build with the server")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    inputs = make_input(options.lines)
    expected = sum_of(inputs)
    rates = {kind: [] for kind in KINDS}
    for number in range(options.rounds):
        for kind in KINDS[number % 3:] + KINDS[:number % 3]:
            rate, answered = run(options.connlog, kind, inputs, expected)
            rates[kind].append(rate)
            print(f"round {number + 1} {kind:10} {rate:10,.0f} events/s, {answered} questions answered", flush=True)
    print(json.dumps({kind: round(statistics.median(r / a for r, a in zip(rates[kind], rates["alone"])), 3)
                      for kind in KINDS}))


if __name__ == "__main__":
    main()
