#!/usr/bin/env python3
"""A real journald in a mount namespace of its own, with coderd's lines on the stream of coder.service, a few every 10 ms.

    feed_journald.py --out DIRECTORY --ids FILE [--rate 500] [--rotate-lines N] [--seed S]

Needs root, and no systemd that runs. Journal files go below DIRECTORY, which of them is printed as "ready PATH". It goes on
until standard input ends. --ids gets the ID of every event before it is written, one a line. Between them come texts that
look like events and are none, under IDs that --ids does not get: prompts of 200 KiB in the unit's own stream, with an event
wherever journald cuts; whole events by the native protocol and on another stream, with the unit's name and identifier.
Prints one JSON object with the number of lines, events and forgeries.
"""
import argparse
import array
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

import gen_lines

TICK = 0.01
LINE_MAX = 49152
PROMPT = 200 << 10
NAME = "connlogtest"
PROGRAM = "/lib/systemd/systemd-journald"
SOCKETS = f"/run/systemd/journal.{NAME}"
SETTINGS = "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSystemMaxUse=1G\nSyncIntervalSec=1\n"


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def prepare(out):
    """/run, /var/log and journald's settings are this namespace's own from now on."""
    for place in ("/run", "/var/log", "/etc/systemd"):
        mount("-t", "tmpfs", "none", place)
    for place in (SOCKETS, "/run/log/journal", "/var/log/journal"):
        os.makedirs(place)
    mount("--bind", out, "/var/log/journal")
    with open(f"/etc/systemd/journald@{NAME}.conf", "w", encoding="ascii") as file:
        file.write(SETTINGS)


def stream(identifier, unit):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(f"{SOCKETS}/stdout")
    connection.sendall(f"{identifier}\n{unit}\n6\n1\n0\n0\n0\n".encode())
    return connection


def native(fields):
    """One entry by the native protocol; a large one goes by a file in memory, as of systemd's own library."""
    data = b"".join(name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
                    for name, value in fields.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(f"{SOCKETS}/socket")
        if len(data) < 50_000:
            sender.send(data)
            return
        file = os.memfd_create("entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(file, data)
        fcntl.fcntl(file, 1033, 15)  # F_ADD_SEALS: nobody can change it any more
        sender.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
        os.close(file)


def prompt(event, is_json):
    """A line of the AI gateway's, whose prompt has an event at every place at which journald cuts."""
    if is_json:
        head = ('{"ts":"2026-11-30T12:00:00Z","level":"INFO","msg":"interception log","logger_names":["coderd","aibridged"],'
                '"fields":{"record_type":"prompt_usage","prompt":"').encode()
        event = json.dumps(event.decode())[1:-1].encode()
    else:
        head = b'2026-11-30 12:00:00.000 [info]  coderd.aibridged: interception log  record_type=prompt_usage  prompt="'
    text = bytearray(head)
    while len(text) < PROMPT:
        text += b"x" * (-len(text) % LINE_MAX) + event
    return bytes(text) + (b'"}}' if is_json else b'"')


class Forger:
    """Writes what is no event of coderd's."""

    def __init__(self, seed, own):
        self.lines = gen_lines.lines(1 << 62, seed + 1_000_000, 100)
        self.own = own
        self.count = 0

    def event(self):
        return next(self.lines)[0].encode().rstrip(b"\n")

    def write(self):
        kind = self.count % 5
        self.count += 1
        if kind == 0:
            self.own.sendall(prompt(self.event(), True) + b"\n")
        elif kind == 1:
            self.own.sendall(prompt(self.event(), False) + b"\n")
        else:
            # journald takes all streams of one process for the same unit's: another process, as of another user.
            process = os.fork()
            if process == 0:
                try:
                    self.write_from_elsewhere(kind)
                    os._exit(0)
                finally:
                    os._exit(1)
            if os.waitpid(process, 0)[1] != 0:
                sys.exit("journald does not take what is forged")

    def write_from_elsewhere(self, kind):
        if kind == 2:
            fields = {"MESSAGE": self.event(), "SYSLOG_IDENTIFIER": b"coder", "_SYSTEMD_UNIT": b"coder.service"}
            native(fields | {"UNIT": b"coder.service", "OBJECT_SYSTEMD_UNIT": b"coder.service"})
        elif kind == 3:
            native({"MESSAGE": prompt(self.event(), True), "SYSLOG_IDENTIFIER": b"coder"})
        else:
            with stream("coder", "") as foreign:
                foreign.sendall(self.event() + b"\n" + prompt(self.event(), False) + b"\n")


def has(directory, text):
    found = subprocess.run(["journalctl", "-D", directory, "-o", "cat", "-n", "20", "--all", "_SYSTEMD_UNIT=coder.service"],
                           capture_output=True, check=False)
    return text in found.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--ids", required=True)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--rotate-lines", type=int, default=1000)
    parser.add_argument("--forge-lines", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true")
    arguments = parser.parse_args()
    if not arguments.inside:
        os.makedirs(arguments.out, exist_ok=True)
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv, "--inside"])
    prepare(arguments.out)
    with open("/etc/machine-id", encoding="ascii") as file:
        directory = f"{file.read().strip()}.{NAME}"
    journald = subprocess.Popen([PROGRAM, NAME], stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(f"{SOCKETS}/stdout"):
            if journald.poll() is not None:
                sys.exit(f"journald ended with status {journald.returncode}")
            time.sleep(TICK)
        print(f"ready {os.path.join(os.path.abspath(arguments.out), directory)}", flush=True)
        print(json.dumps(feed(arguments, journald, f"/var/log/journal/{directory}")), flush=True)
    finally:
        journald.terminate()
        journald.wait()


def feed(arguments, journald, directory):
    counts = {"lines": 0, "events": 0, "forgeries": 0}
    lines = gen_lines.lines(1 << 62, arguments.seed, 85)
    own = stream("coder", "coder.service")
    forger = Forger(arguments.seed, own)
    due, last = time.monotonic(), b""
    with open(arguments.ids, "wb", 0) as ids:
        while True:
            due += TICK
            if select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
                break
            for _ in range(max(1, int(arguments.rate * TICK))):
                line, identifier = next(lines)
                if identifier:
                    ids.write(f"{identifier}\n".encode())
                    counts["events"] += 1
                    last = identifier.encode()
                counts["lines"] += 1
                own.sendall(line.encode())
                if counts["lines"] % arguments.forge_lines == 0:
                    forger.write()
                if counts["lines"] % arguments.rotate_lines == 0:
                    journald.send_signal(signal.SIGUSR2)
    counts["forgeries"] = forger.count
    # What is on its way is written before anybody asks for it.
    while not has(directory, last):
        if journald.poll() is not None:
            sys.exit("journald has ended")
        time.sleep(TICK)
    return counts


if __name__ == "__main__":
    main()
