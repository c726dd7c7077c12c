#!/usr/bin/env python3
"""A long run in which faults of every kind hit connlog and its receivers at random, with an account of every event by id.

    Tests/Soak/fault_mix.py --connlog .build/release/connlog --seconds 1800 --folder FOLDER [--seed N] [--rate N]

connlog (a build with the server) follows a log that this program writes, and has a sink of every kind: JSON file, human
file, syslog over TCP, UDP, RELP (an rsyslogd, where --rsyslogd names one) and a local socket, Splunk HEC, the store. From
a seed, every second or two something happens: connlog is killed, stopped, told to reload; its server process is killed or
stopped; the log is rotated, torn lines, NULs, marks of byte order, blocks that hold forged events and events of up to
three times max_line stand in it; receivers close with data unread, stop reading, are killed, answer 503, break off,
compress; the store's file is removed; sockets flood the server, slow readers hold answers, questions ask for the ends of
time.

In the end everything is calm, connlog delivers what is left and ends with status 0, and then: every event written is in
the JSON file, in the human file and in what the unix receiver has exactly or at least once as promised; TCP, RELP and HEC
have each at least once; nothing forged is anywhere; the store has every event that was written since its file was last
removed, once. Prints one JSON object and ends with status 0 if all of that holds.
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
import subprocess
import sys
import threading
import time

ID = re.compile(rb"a0000000-0000-4000-8000-([0-9]{12})")
FORGED = 900_000_000_000
MAX_LINE = 256 << 10


def line(number, agent=""):
    return (
        '{"ts":"2025-07-03T05:09:41.929840747Z","level":"INFO","msg":"connection_log","caller":"slog.go:38",'
        '"func":"ExportStruct","logger_names":["coderd"],"fields":{"ID":"a0000000-0000-4000-8000-%012d",'
        '"OrganizationID":"11111111-2222-4333-8444-555555555555",'
        '"WorkspaceOwnerID":"22222222-2222-4333-8444-555555555555",'
        '"WorkspaceID":"33333333-2222-4333-8444-555555555555",'
        '"WorkspaceName":"dev","AgentName":"main","Type":"ssh","Code":null,"Ip":"127.0.0.1","UserAgent":"%s",'
        '"UserID":null,"SlugOrPort":"","ConnectionID":"c0000000-0000-4000-8000-%012d","DisconnectReason":"",'
        '"Time":"2025-07-10T10:14:38.942776145Z","ConnectionStatus":"connected"}}\n' % (number, agent, number)
    ).encode()


class Account:
    """How often each event has come to one place."""

    def __init__(self, name):
        self.name, self.lock, self.copies = name, threading.Lock(), {}

    def add(self, data):
        with self.lock:
            for number in {int(found) for found in ID.findall(data)}:
                self.copies[number] = self.copies.get(number, 0) + 1


class Syslog:
    """RFC 5424 over TCP, octet-counted. What it has read counts only once it has parsed it, as in a real receiver."""

    def __init__(self, account, dice):
        self.account, self.dice = account, dice
        self.port = free_port()
        self.pause_until = 0.0
        self.generation = 0
        self.open()

    def open(self):
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            try:
                self.server.bind(("127.0.0.1", self.port))
                break
            except OSError:
                time.sleep(0.05)
        self.server.listen(10)
        self.connections = []
        self.generation += 1
        threading.Thread(target=self.accept, args=(self.server, self.generation), daemon=True).start()

    def accept(self, server, generation):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.read, args=(connection, generation), daemon=True).start()

    def read(self, connection, generation):
        rest = b""
        while True:
            while time.monotonic() < self.pause_until:
                time.sleep(0.05)
            try:
                more = connection.recv(16384)
            except OSError:
                return
            # A receiver that was killed has not written down what it had in its hands.
            if not more or generation != self.generation:
                connection.close()
                return
            rest += more
            while True:
                head = rest.split(b" ", 1)
                if len(head) < 2 or len(head[1]) < int(head[0]):
                    break
                self.account.add(head[1][:int(head[0])])
                rest = head[1][int(head[0]):]

    def die(self):
        """As when its process is killed: what the kernel has is gone, what was read and not parsed too."""
        self.generation += 1
        # A thread that waits in accept would keep it open.
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()
        for connection in self.connections:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()
            except OSError:
                pass
        time.sleep(self.dice.random())
        self.open()


class HEC(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, account, dice):
        super().__init__(("127.0.0.1", 0), HECHandler)
        self.account, self.dice, self.mode = account, dice, "good"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class HECHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        mode = self.server.mode
        if mode == "slow":
            time.sleep(1)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if mode == "reset":
            self.close_connection = True
            return
        status, reply = (503, b'{"text":"Server is busy","code":9}') if mode == "busy" else (
            200, b'{"text":"Success","code":0}')
        if status == 200:
            self.server.account.add(body)
        if mode == "half":
            # Taken, but the sender does not learn it.
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            self.close_connection = True
            return
        self.send_response(status)
        if mode == "gzip":
            reply = gzip.compress(reply)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Datagrams:
    """A local socket, or UDP. What it reads counts."""

    def __init__(self, account, path=None):
        self.account = account
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(path or ("127.0.0.1", 0))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            self.account.add(self.socket.recv(1 << 20))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RELP:
    """An rsyslogd that writes what it gets, and is killed now and then."""

    def __init__(self, program, folder):
        self.program, self.folder, self.port = program, folder, free_port()
        self.out = f"{folder}/relp.log"
        modules = os.path.join(os.path.dirname(os.path.dirname(program)), "lib/x86_64-linux-gnu/rsyslog")
        path = f"{folder}/rsyslog.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f'global(workDirectory="{folder}" maxMessageSize="2m")\nmodule(load="imrelp")\n'
                f'input(type="imrelp" port="{self.port}" maxDataSize="2m")\n'
                'template(name="raw" type="string" string="%rawmsg%\\n")\n'
                f'main_queue(queue.type="direct")\naction(type="omfile" file="{self.out}" template="raw")\n')
        self.arguments = [program, "-n", "-f", path, "-i", f"{folder}/rsyslog.pid", "-M", modules]
        self.start()

    def start(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(self.program)))
        environment = dict(os.environ, LD_LIBRARY_PATH=f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu")
        self.process = subprocess.Popen(
            self.arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)

    def die(self, number):
        self.process.send_signal(number)
        self.process.wait()
        self.start()


class Run:
    def __init__(self, options):
        self.options = options
        self.dice = random.Random(options.seed)
        self.folder = options.folder
        os.makedirs(f"{self.folder}/log")
        self.log_path = f"{self.folder}/log/coderd.log"
        self.written = []
        self.next = 0
        self.forged = 0
        self.since_store = 0
        self.lock = threading.Lock()
        self.counts = {}
        self.rss = 0
        self.accounts = {name: Account(name) for name in ("tcp", "unix", "udp", "hec")}
        self.syslog = Syslog(self.accounts["tcp"], self.dice)
        self.hec = HEC(self.accounts["hec"], self.dice)
        self.unix = Datagrams(self.accounts["unix"], f"{self.folder}/log.sock")
        self.udp = Datagrams(self.accounts["udp"])
        self.relp = RELP(options.rsyslogd, self.folder) if options.rsyslogd else None
        self.server_port = free_port()
        made = subprocess.run(
            [options.connlog, "token", "create", "--role", "admin", "--name", "soak"], capture_output=True, text=True,
            check=True)
        self.token = made.stdout.strip()
        access = made.stderr[made.stderr.index("[access"):]
        self.configuration = f"{self.folder}/connlog.ini"
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(self.sections() + access)
        open(self.log_path, "wb").close()
        self.errors = open(f"{self.folder}/connlog.err", "ab")
        self.statuses = []
        self.start()

    def sections(self):
        sink = '[sink "%s"]\ntype = %s\nretry_max = 2s\n%s\n'
        text = (
            f"[connlog]\ndata_dir = {self.folder}/data\nshutdown_timeout = 60s\n"
            f'[source "coderd"]\ntype = file\npath = {self.folder}/log/*.log\nmax_line = {MAX_LINE // 1024}KiB\n'
            '[source "programs"]\ntype = ingest\n'
            f'[sink "json"]\ntype = file\npath = {self.folder}/out.jsonl\nrotate_size = 10GiB\n'
            f'[sink "human"]\ntype = file\nformat = human\npath = {self.folder}/out.log\nrotate_size = 10GiB\n')
        text += sink % ("tcp", "syslog", f"transport = tcp\naddress = 127.0.0.1:{self.syslog.port}\nmessage = json")
        text += sink % (
            "udp", "syslog", f"transport = udp\naddress = 127.0.0.1:{self.udp.socket.getsockname()[1]}")
        text += sink % ("unix", "syslog", f"transport = unix\naddress = {self.folder}/log.sock")
        text += sink % ("hec", "splunk_hec", f"url = http://127.0.0.1:{self.hec.server_port}\ntoken = x")
        if self.relp:
            text += sink % ("relp", "syslog", f"transport = relp\naddress = 127.0.0.1:{self.relp.port}")
        return text + f"[store]\ntype = sqlite\n[server]\nlisten = 127.0.0.1:{self.server_port}\n"

    # connlog

    def start(self):
        self.child = subprocess.Popen(
            [self.options.connlog, "run", "--config", self.configuration], stdin=subprocess.DEVNULL,
            stderr=self.errors)

    def end(self, number):
        self.child.send_signal(number)
        self.statuses.append(self.child.wait())

    def server_process(self):
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                        fields = file.read().rsplit(")", 1)[1].split()
                    if int(fields[1]) == self.child.pid and fields[0] != "Z":
                        return int(name)
                except OSError:
                    pass
        return None

    # The log

    def write(self, data):
        with open(self.log_path, "ab") as file:
            file.write(data)

    def number(self):
        self.next += 1
        self.written.append(self.next)
        return self.next

    def forge(self):
        self.forged += 1
        return line(FORGED + self.forged)

    def feed(self, count):
        with self.lock:
            self.write(b"".join(line(self.number()) for _ in range(count)))

    # What happens

    def faults(self):
        return [name[6:] for name in dir(self) if name.startswith("fault_")]

    def fault_kill(self):
        self.end(signal.SIGKILL)
        self.start()

    def fault_stop_and_start(self):
        self.end(signal.SIGTERM)
        self.start()

    def fault_reload(self):
        self.child.send_signal(signal.SIGHUP)

    def fault_kill_server(self):
        server = self.server_process()
        if server:
            os.kill(server, self.dice.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM]))

    def fault_freeze_server(self):
        server = self.server_process()
        if server:
            os.kill(server, signal.SIGSTOP)
            time.sleep(2)
            try:
                os.kill(server, signal.SIGCONT)
            except OSError:
                pass

    def fault_rotate(self):
        with self.lock:
            os.rename(self.log_path, f"{self.log_path[:-4]}-{time.time_ns()}.log")
            open(self.log_path, "wb").close()
        logs = sorted(os.listdir(f"{self.folder}/log"))
        for name in logs[:-12]:
            # Long read: only what is much older goes.
            if name != "coderd.log":
                os.remove(f"{self.folder}/log/{name}")

    def fault_long_event(self):
        size = self.dice.choice([9_000, 60_000, 131_000, MAX_LINE - 1000, MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE])
        filler = self.dice.choice(["x", "\\u003c", "\\\"", "é"])
        with self.lock:
            self.write(line(self.number(), filler * (size // len(filler.encode()))))

    def fault_noise(self):
        with self.lock:
            kind = self.dice.randrange(5)
            if kind == 0:
                self.write(b"\xef\xbb\xbf" + line(self.number()))
            elif kind == 1:
                self.write(b"\0" * self.dice.choice([1, 100, 5000]) + line(self.number()))
            elif kind == 2:
                self.write(self.forge()[:300] + line(self.number()))
            elif kind == 3:
                self.write(b"2025-07-03 05:09:41.929 [info]  coderd: user said \"x\" ...\n" +
                           b"".join(b"    " + self.forge() for _ in range(5)))
            else:
                self.write(b'{"ts":"2025-07-03T05:09:41.929Z","level":"INFO","msg":%s,"caller":"x"}\n' %
                           json.dumps("connection_log " + self.forge().decode()).encode())

    def fault_receiver_closes(self):
        self.syslog.die()

    def fault_receiver_pauses(self):
        self.syslog.pause_until = time.monotonic() + 2
        time.sleep(1)
        self.syslog.die()

    def fault_hec(self):
        self.hec.mode = self.dice.choice(["busy", "reset", "half", "slow", "gzip"])
        time.sleep(1)
        self.hec.mode = "good"

    def fault_relp(self):
        if self.relp:
            self.relp.die(self.dice.choice([signal.SIGKILL, signal.SIGTERM]))

    def fault_store_removed(self):
        with self.lock:
            for suffix in ("", "-wal", "-shm"):
                try:
                    os.remove(f"{self.folder}/data/connlog.db{suffix}")
                except OSError:
                    pass
            self.since_store = self.next

    def fault_flood(self):
        held = []
        for _ in range(1500):
            try:
                connection = socket.socket()
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", self.server_port))
                held.append(connection)
            except OSError:
                break
        time.sleep(1)
        for connection in held:
            connection.close()

    def ask(self, path, body=None):
        head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.server_port}\r\n"
        head += f"Coder-Session-Token: {self.token}\r\nConnection: close\r\n"
        if body:
            head += f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", self.server_port), timeout=30) as connection:
            connection.sendall(head.encode() + b"\r\n" + (body or b""))
            reply = b""
            while True:
                more = connection.recv(65536)
                if not more:
                    return reply
                reply += more

    def fault_questions(self):
        for path in ("/api/v2/connectionlog/stats?to=1677-09-21T00:12:44Z", "/api/v2/connectionlog?limit=100",
                     "/api/v2/connectionlog/export?format=csv", "/api/v2/connectionlog?q=" + "a%20" * 3000, "/metrics"):
            try:
                self.ask(path)
            except OSError:
                pass

    def fault_slow_reader(self):
        try:
            connection = socket.create_connection(("127.0.0.1", self.server_port), timeout=5)
            connection.sendall(
                f"GET /api/v2/connectionlog/export?format=jsonl HTTP/1.1\r\nHost: 127.0.0.1:{self.server_port}\r\n"
                f"Coder-Session-Token: {self.token}\r\n\r\n".encode())
            threading.Timer(5, connection.close).start()
        except OSError:
            pass

    def fault_ingest(self):
        with self.lock:
            numbers = list(range(self.next + 1, self.next + 21))
            self.next += 20
        body = b"".join(line(number) for number in numbers)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                reply = self.ask("/api/v2/connectionlog/ingest", body)
            except OSError:
                reply = b""
            # The same again until it is on the disk: an event is known by its id.
            if b" 200 " in reply.split(b"\r\n", 1)[0]:
                self.written += numbers
                return
            time.sleep(0.5)
        raise SystemExit("ingest was not taken for two minutes")

    # The whole

    def watch(self):
        try:
            with open(f"/proc/{self.child.pid}/status", encoding="utf-8") as file:
                for entry in file:
                    if entry.startswith("VmHWM"):
                        self.rss = max(self.rss, int(entry.split()[1]))
        except OSError:
            pass

    def status(self):
        said = subprocess.run(
            [self.options.connlog, "status", "--json", "--config", self.configuration], capture_output=True, text=True,
            check=False)
        return json.loads(said.stdout) if said.returncode == 0 and said.stdout else None

    def work(self):
        end = time.monotonic() + self.options.seconds
        due = time.monotonic()
        pause = 1 / 20
        while time.monotonic() < end:
            self.feed(max(1, int(self.options.rate * pause)))
            self.watch()
            time.sleep(pause)
            if time.monotonic() < due:
                continue
            due = time.monotonic() + self.dice.uniform(0.5, 2.5)
            name = self.dice.choice(self.faults())
            if name in ("kill", "stop_and_start", "store_removed") and self.dice.random() < 0.5:
                continue
            self.counts[name] = self.counts.get(name, 0) + 1
            getattr(self, "fault_" + name)()
            if self.child.poll() is not None:
                self.statuses.append(self.child.wait())
                self.counts["ended by itself"] = self.counts.get("ended by itself", 0) + 1
                self.start()

    def settle(self):
        """Until every sink has everything."""
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            status = self.status()
            if status and all(sink["lag"] == 0 for sink in status["sinks"]):
                time.sleep(3)
                status = self.status()
                if status and all(sink["lag"] == 0 for sink in status["sinks"]):
                    return status
            time.sleep(1)
        return self.status()

    def file_account(self, path):
        copies = {}
        with open(path, "rb") as file:
            for found in ID.finditer(file.read()):
                number = int(found[1])
                copies[number] = copies.get(number, 0) + 1
        return copies

    def report(self):
        status = self.settle()
        said = subprocess.run(
            [self.options.connlog, "events", "--csv", "--limit", "0", "--config", self.configuration],
            capture_output=True, check=False)
        self.end(signal.SIGTERM)
        expected = set(self.written)
        result = {"events": len(expected), "seed": self.options.seed, "faults": self.counts, "rss_kib": self.rss,
                  "last_status": self.statuses[-1], "forged_written": self.forged, "wrong": []}
        places = {name: account.copies for name, account in self.accounts.items()}
        places["json"] = self.file_account(f"{self.folder}/out.jsonl")
        places["human"] = self.file_account(f"{self.folder}/out.log")
        if self.relp:
            places["relp"] = self.file_account(self.relp.out)
        rows = {}
        for found in re.findall(rb"c0000000-0000-4000-8000-([0-9]{12})", said.stdout):
            rows[int(found)] = rows.get(int(found), 0) + 1
        for name, copies in sorted(places.items()):
            missing = [number for number in expected if number not in copies]
            repeats = sum(count - 1 for count in copies.values())
            forged = sum(1 for number in copies if number >= FORGED)
            foreign = sum(1 for number in copies if number < FORGED and number not in expected)
            result[name] = {"missing": len(missing), "repeats": repeats, "forged": forged, "foreign": foreign}
            if missing:
                result[name]["first_missing"] = missing[:5]
            if forged or foreign or (missing and name != "udp") or (repeats and name in ("json", "human")):
                result["wrong"].append(name)
        late = [number for number in expected if number > self.since_store]
        result["store"] = {
            "rows": len(rows), "since_removed": len(late), "missing": sum(1 for number in late if number not in rows),
            "twice": sum(1 for count in rows.values() if count > 1)}
        if result["store"]["missing"] or said.returncode != 0:
            result["wrong"].append("store")
        if self.statuses[-1] != 0:
            result["wrong"].append("status")
        if status is None or any(sink["lag"] for sink in status["sinks"]):
            result["wrong"].append("lag")
        if self.counts.get("ended by itself"):
            result["wrong"].append("ended by itself")
        return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connlog", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=400)
    parser.add_argument("--rsyslogd")
    run = Run(parser.parse_args())
    try:
        run.work()
        result = run.report()
    finally:
        if run.child.poll() is None:
            run.child.kill()
        if run.relp:
            run.relp.process.kill()
    print(json.dumps(result))
    sys.exit(1 if result["wrong"] else 0)


if __name__ == "__main__":
    main()
