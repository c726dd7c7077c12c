#!/usr/bin/env python3
"""A long run of connlog against Splunk HEC receivers that do everything wrong in turn, with an account of every event.

    Tests/Soak/splunk_soak.py --connlog .build/release/connlog --events 10000000 --seconds 1800 --folder FOLDER

Writes coder's log lines at an even pace into a file that connlog follows, and is both receivers itself: two collectors
with indexer acknowledgement on 127.0.0.1, each behind sticky cookies. An event counts only when it is *indexed*: what
a collector has accepted waits in its pipeline, and a restart of the indexer loses that. From a seed, requests are
answered with 503, 429 with Retry-After, 500, HTML, replies that break off, resets before, within and after the body,
silence; polls with the same, and with answers that are lost after the state was given away; indexers restart, cookies
move, tokens are replaced by atomic rename while the old one stops working, some events are always refused.

In the end every event must be indexed or, if it was refused, in the dead letters, and none in both or neither. Copies
beyond the first are counted; they may not exceed what connlog says it may have sent twice. Prints one JSON object and
ends with status 0 if all of that holds.
"""
import argparse
import gzip
import http.server
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid

ID = re.compile(rb'"event_id":"a0000000-0000-4000-8000-([0-9]{12})"')
LINE = (
    '{"ts":"2025-07-03T05:09:41.929840747Z","level":"INFO","msg":"connection_log","caller":"slog.go:38",'
    '"func":"ExportStruct","logger_names":["coderd"],"fields":{"ID":"a0000000-0000-4000-8000-%012d",'
    '"WorkspaceName":"dev","AgentName":"main","Type":"ssh","Code":null,"Ip":"127.0.0.1","UserAgent":"",'
    '"UserID":null,"SlugOrPort":"","ConnectionID":"c0000000-0000-4000-8000-%012d","DisconnectReason":"",'
    '"Time":"2025-07-10T10:14:38.942776145Z","ConnectionStatus":"connected"}}\n')


def is_refused(number):
    """One event in about 200,000."""
    return number % 199_999 == 77_777


class World:
    """What all receivers share: the account, the valid tokens, the dice."""

    def __init__(self, events, seed, fault_percent):
        self.lock = threading.Lock()
        self.copies = bytearray(events)
        self.first = 0
        self.repeats = 0
        self.foreign = 0
        self.refused_seen = set()
        self.tokens = []
        self.random = random.Random(seed)
        self.fault_percent = fault_percent
        self.counts = {}
        self.violations = []
        self.calm = False

    def count(self, what, by=1):
        self.counts[what] = self.counts.get(what, 0) + by

    def index(self, numbers):
        for number in numbers:
            if number >= len(self.copies):
                self.foreign += 1
            elif self.copies[number] == 0:
                self.copies[number] = 1
                self.first += 1
            else:
                self.copies[number] = min(255, self.copies[number] + 1)
                self.repeats += 1

    def fault(self, faults):
        if self.calm or self.random.random() * 100 >= self.fault_percent:
            return None
        return self.random.choice(faults)


class Indexer:
    """One collector: channels and their numbers, the pipeline, the cookie of the day."""

    def __init__(self, world):
        self.world = world
        self.forget()
        self.cookie = 0

    def forget(self):
        self.next = {}
        self.told = {}
        self.pipeline = []

    def accept(self, channel, numbers, now):
        number = self.next.get(channel, 0)
        self.next[channel] = number + 1
        self.pipeline.append((now + 0.2 + self.world.random.random(), channel, number, numbers))
        return number

    def move_on(self, now):
        rest = []
        for entry in self.pipeline:
            if entry[0] > now:
                rest.append(entry)
                continue
            self.world.index(entry[3])
            self.told.setdefault(entry[1], set()).add(entry[2])
        self.pipeline = rest

    def answer(self, channel, asked, now):
        self.move_on(now)
        known = self.told.get(channel, set())
        states = {}
        for number in asked:
            states[str(number)] = number in known
            known.discard(number)
        return states


REQUEST_FAULTS = ["503", "429", "500", "502", "shutdown", "html200", "cut", "reset", "reset_body", "close_taken",
                  "close_untaken", "silence", "slow", "restart", "cookie", "near_full", "busy_after_some"]
POLL_FAULTS = ["503", "404", "html200", "cut", "lost", "restart", "silence", "reset"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def say(self, status, body, headers=(), cut=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "text/html" if data.startswith(b"<") else "application/json"
        head = f"HTTP/1.1 {status} Scripted\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
        for name, value in headers:
            head += f"{name}: {value}\r\n"
        try:
            self.wfile.write(head.encode() + b"\r\n" + data[:cut])
        except OSError:
            self.close_connection = True
        if cut is not None:
            self.close_connection = True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def do_GET(self):
        self.say(200, {"text": "HEC is healthy", "code": 17})

    def do_POST(self):
        world, indexer = self.server.world, self.server.indexer
        is_poll = self.path.startswith("/services/collector/ack")
        length = int(self.headers["Content-Length"])
        with world.lock:
            fault = world.fault(POLL_FAULTS if is_poll else REQUEST_FAULTS)
            if fault:
                world.count(("poll " if is_poll else "request ") + fault)
        if fault == "reset":
            return self.reset()
        if fault == "reset_body":
            self.rfile.read(length // 2)
            return self.reset()
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        if fault == "silence":
            # Until the client has had enough.
            self.connection.settimeout(60)
            try:
                self.connection.recv(1)
            except OSError:
                pass
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(0.5)
        with world.lock:
            self.check(world, length)
            reply = (self.poll if is_poll else self.events)(world, indexer, body, fault)
        if reply is None:
            self.close_connection = True
        elif reply == "reset":
            self.reset()
        else:
            self.say(*reply[0], **reply[1])

    def check(self, world, length):
        headers = self.headers
        if not headers["User-Agent"] or headers["Expect"] or headers["Transfer-Encoding"] or length == 0:
            world.violations.append("headers")
        if any(token in self.path for token in world.tokens):
            world.violations.append("token in the URL")

    def refusal(self, world):
        token = (self.headers["Authorization"] or "")[len("Splunk "):]
        if token not in world.tokens[-2:]:
            world.count("token refused")
            return ((403, {"text": "Invalid token", "code": 4}), {})
        channel = self.headers["X-Splunk-Request-Channel"]
        if not channel:
            return ((400, {"text": "Data channel is missing", "code": 10}), {})
        return None

    def cookie(self, indexer):
        wanted = f"node={indexer.cookie}"
        return [] if wanted in (self.headers["Cookie"] or "") else [("Set-Cookie", wanted + "; Path=/")]

    def events(self, world, indexer, body, fault):
        simple = {
            "503": (503, {"text": "Server is busy", "code": 9}), "500": (500, {"text": "Internal", "code": 8}),
            "shutdown": (503, {"text": "Server is shutting down", "code": 23}),
            "502": (502, b"<html>Bad gateway</html>"), "html200": (200, b"<html>Please log in</html>")}
        if fault == "429":
            return ((429, {"text": "Queue at capacity", "code": 26}, [("Retry-After", "1")]), {})
        if fault in simple:
            return (simple[fault], {})
        if fault == "close_untaken":
            return None
        refusal = self.refusal(world)
        if refusal:
            return refusal
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        numbers = [int(found) for found in ID.findall(body)]
        if len(numbers) != body.count(b"\n") or not numbers:
            world.violations.append(f"a body of {body.count(bytes([10]))} lines has {len(numbers)} ids")
        now = time.monotonic()
        if fault == "restart":
            # What waits in the pipeline is gone.
            world.count("events lost by indexers", sum(len(entry[3]) for entry in indexer.pipeline))
            indexer.forget()
        if fault == "cookie":
            indexer.forget()
            indexer.cookie += 1
        bad = next((place for place, number in enumerate(numbers) if is_refused(number)), None)
        if bad is not None:
            world.index(numbers[:bad])
            world.refused_seen.add(numbers[bad])
            return ((400, {"text": "Invalid data format", "code": 6, "invalid-event-number": bad}), {})
        if fault == "busy_after_some":
            taken = len(numbers) // 2
            world.index(numbers[:taken])
            return ((503, {"text": "Server is busy", "code": 9, "invalid-event-number": taken}), {})
        ack = indexer.accept(self.headers["X-Splunk-Request-Channel"], numbers, now)
        world.count("requests")
        reply = {"text": "Success", "code": 24 if fault == "near_full" else 0, "ackId": ack}
        if fault == "close_taken":
            return None
        return ((200, reply, self.cookie(indexer)), {"cut": 9 if fault == "cut" else None})

    def poll(self, world, indexer, body, fault):
        if fault == "503":
            return ((503, {"text": "Server is busy", "code": 9}), {})
        if fault == "404":
            return ((404, {"text": "Not found", "code": 404}), {})
        if fault == "html200":
            return ((200, b"<html>Please log in</html>"), {})
        refusal = self.refusal(world)
        if refusal:
            return refusal
        if fault == "restart":
            world.count("events lost by indexers", sum(len(entry[3]) for entry in indexer.pipeline))
            indexer.forget()
        asked = json.loads(body)["acks"]
        world.count("polls")
        world.count("numbers asked for", len(asked))
        states = indexer.answer(self.headers["X-Splunk-Request-Channel"], asked, time.monotonic())
        if fault == "lost":
            # Told, and lost on the way.
            return "reset"
        return ((200, {"acks": states}, self.cookie(indexer)), {"cut": 5 if fault == "cut" else None})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, world):
        super().__init__(("127.0.0.1", 0), Handler)
        self.world = world
        self.indexer = Indexer(world)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass


def replace_token(world, path):
    """A new token by atomic rename; the one before the last stops working."""
    token = str(uuid.uuid4())
    with world.lock:
        world.tokens.append(token)
        world.count("tokens")
    with open(path + ".new", "w") as file:
        file.write(token)
    os.rename(path + ".new", path)


def status_kilobytes(pid, name):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


def write_lines(path, events, seconds, child):
    """At an even pace, a hundredth of a second at a time."""
    start = time.monotonic()
    done = 0
    with open(path, "w", buffering=1 << 20) as file:
        while done < events and child.poll() is None:
            due = min(events, int((time.monotonic() - start) / seconds * events) + 1)
            file.write("".join(LINE % (number, number) for number in range(done, due)))
            file.flush()
            done = due
            time.sleep(0.05)
    return time.monotonic() - start


def dead_letters(folder):
    numbers = []
    for directory, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                numbers += [int(n) for n in re.findall(rb'"ID":"a0000000-0000-4000-8000-([0-9]{12})"', file.read())]
    return numbers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connlog", required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=1800, help="how long events are written")
    parser.add_argument("--drain-seconds", type=float, default=600, help="how long the rest may take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault-percent", type=float, default=3)
    parser.add_argument("--keys", default="", help="more lines for the sink's section, separated by semicolons")
    parser.add_argument("--folder", required=True, help="is made; holds the log, the queue and the report")
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    os.makedirs(folder)
    world = World(options.events, options.seed, options.fault_percent)
    servers = [Server(world), Server(world)]
    token_file = os.path.join(folder, "token")
    replace_token(world, token_file)
    log = os.path.join(folder, "coder.log")
    open(log, "w").close()
    configuration = os.path.join(folder, "connlog.ini")
    with open(configuration, "w") as file:
        file.write(f"""[connlog]
data_dir = {folder}/data
hostname = coderd.example.com

[source "coderd"]
type = file
path = {log}

[sink "splunk"]
type = splunk_hec
url = {", ".join(f"http://127.0.0.1:{server.server_address[1]}" for server in servers)}
token = ${{file:{token_file}}}
ack = auto
ack_timeout = 60s
timeout = 5s
batch_wait = 200ms
batch_events = 500
retry_initial = 100ms
retry_max = 2s
proxy = none
{options.keys.replace(";", chr(10))}
""")
    output = open(os.path.join(folder, "connlog.out"), "w")
    child = subprocess.Popen([options.connlog, "run", "--config", configuration], stdout=output, stderr=output)
    peak = [0]
    stopping = threading.Event()

    def disturb():
        """Tokens change; memory is looked at; a line of progress every minute."""
        ticks = 0
        while not stopping.wait(5):
            ticks += 1
            try:
                peak[0] = max(peak[0], status_kilobytes(child.pid, "VmHWM"))
            except OSError:
                pass
            if ticks % 24 == 0:
                replace_token(world, token_file)
            if ticks % 12 == 0:
                with world.lock:
                    print(f"{ticks * 5} s: {world.first} indexed, {world.repeats} repeats, {world.counts.get('requests', 0)} requests",
                          flush=True)

    threading.Thread(target=disturb, daemon=True).start()
    begun = time.monotonic()
    written = write_lines(log, options.events, options.seconds, child)
    wanted = options.events - sum(1 for number in range(options.events) if is_refused(number))
    deadline = time.monotonic() + options.drain_seconds
    while time.monotonic() < deadline and child.poll() is None:
        with world.lock:
            for server in servers:
                server.indexer.move_on(time.monotonic())
            # The last minutes are calm, so that what is still lost has an end.
            world.calm = True
            if world.first >= wanted:
                break
        time.sleep(0.5)
    # What is indexed twice because its proof was lost is still on its way for a while.
    time.sleep(10)
    stopping.set()
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(120)
    except subprocess.TimeoutExpired:
        child.kill()
    with world.lock:
        for server in servers:
            server.indexer.move_on(time.monotonic() + 10)
    output.close()
    with open(os.path.join(folder, "connlog.out")) as file:
        said = file.read()
    counted = re.search(r"(\d+) possibly sent twice", said)
    retried = re.search(r"sink splunk: \d+ delivered, .*?retries (.*?)(?:, \d+ possibly|, refused|$)", said, re.M)
    letters = dead_letters(os.path.join(folder, "data", "queue", "dead-letter"))
    expected = {number for number in range(options.events) if is_refused(number)}
    missing = sum(1 for number in range(options.events) if world.copies[number] == 0 and number not in expected)
    possible = int(counted.group(1)) if counted else 0
    leaked = [token for token in world.tokens if token in said]
    report = {
        "events": options.events, "seconds": round(time.monotonic() - begun, 1), "written in": round(written, 1),
        "indexed": world.first, "missing": missing, "foreign": world.foreign, "repeats": world.repeats,
        "possibly sent twice by connlog's count": possible,
        "batches tried again by reason": dict(re.findall(r"(\w+) (\d+)", retried.group(1))) if retried else {},
        "refused": len(expected), "dead letters": len(set(letters)), "dead letters twice": len(letters) - len(set(letters)),
        "refused and indexed": sum(1 for number in expected if world.copies[number]),
        "violations": len(world.violations), "tokens leaked": len(leaked), "peak RSS kB": peak[0],
        "connlog's status": child.returncode, "what was done": dict(sorted(world.counts.items())),
    }
    is_good = (missing == 0 and world.foreign == 0 and set(letters) == expected and report["refused and indexed"] == 0
               and not world.violations and world.repeats <= possible and not leaked)
    report["good"] = is_good
    with open(os.path.join(folder, "report.json"), "w") as file:
        json.dump(report, file, indent=1)
    print(json.dumps(report, indent=1))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
