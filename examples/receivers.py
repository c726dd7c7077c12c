#!/usr/bin/env python3
"""A small syslog receiver and a Splunk HEC stand-in on the loopback, strict about what they take.

    receivers.py syslog [--udp] [--port N]       RFC 5424 over TCP (octet-counted or LF, as each frame begins) or UDP
    receivers.py hec    [--port N] [--token T]   POST /services/collector/event, as Splunk answers it

Prints {"port": N} when it listens (port 0, the default, takes a free one), and on SIGTERM, SIGINT or the end of
--max-seconds its counters as one JSON line. The exit status is 1 when something came that a strict receiver must
refuse; "complaints" has the first few. Needs nothing but Python 3.

    --ids FILE        the ID of every event taken, one a line
    --out FILE        syslog: every message, parsed, one JSON object a line; hec: every envelope as it came
    --with-stdin      end when standard input ends, so that nothing is left when the one who started it dies
    --busy SECONDS    hec: answer 503 for so long after the first request
    --reply FILE      hec: answer 200 with this file's content, whatever comes, and take nothing
    --graceful        syslog over TCP: when it ends, say so to the senders and take what they have sent until then
"""
import argparse
import gzip
import http.server
import json
import os
import re
import select
import signal
import socket
import sys
import threading
import time

FRAME_BYTES_MAX = 1 << 20
DATAGRAM_BYTES_MAX = 65_507
BODY_BYTES_MAX = 1_000_000  # Splunk Cloud's documented limit, of the inflated body

# RFC 5424 §6. Groups: PRI, timestamp, hostname, app-name, procid, msgid, structured data, message.
PRINTABLE = rb"[\x21-\x7e]"
NAME = rb'[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}'  # no '"', '=' or ']'
VALUE = rb'[^"\\\]]*(?:\\.[^"\\\]]*)*'
PARAMETER = rb' ' + NAME + rb'="' + VALUE + rb'"'
ELEMENT = rb'\[' + NAME + rb'(?:' + PARAMETER + rb')*\]'
MESSAGE = re.compile(
    rb"<(0|[1-9]\d{0,2})>1 "
    rb"(-|\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    rb"(" + PRINTABLE + rb"{1,255}) (" + PRINTABLE + rb"{1,48}) (" + PRINTABLE + rb"{1,128}) ("
    + PRINTABLE + rb"{1,32}) (-|(?:" + ELEMENT + rb")+)(?: (.*))?", re.DOTALL)
ELEMENTS = re.compile(rb'\[(' + NAME + rb')((?:' + PARAMETER + rb')*)\]')
PARAMETERS = re.compile(rb' (' + NAME + rb')="(' + VALUE + rb')"', re.DOTALL)
EVENT_ID = re.compile(rb'[\[ ]eid="([^"]*)"')
# RFC 5424 §6.3.3: only these three are escapes; a backslash before anything else is itself.
ESCAPE = re.compile(rb'\\(["\\\]])')


class Record:
    """What was taken and what was refused. One lock guards it, since HEC has a thread per connection."""

    def __init__(self, arguments):
        self.lock = threading.Lock()
        self.ids = open(arguments.ids, "wb", 1 << 20) if arguments.ids else None
        self.out = open(arguments.out, "wb", 1 << 20) if arguments.out else None
        self.counters = {"events": 0, "bytes": 0, "connections": 0, "requests": 0, "refused": 0}
        self.complaints = 0
        self.first_complaints = []

    def count(self, name, more=1):
        with self.lock:
            self.counters[name] = self.counters.get(name, 0) + more

    def complain(self, text):
        with self.lock:
            self.complaints += 1
            if len(self.first_complaints) < 5:
                self.first_complaints.append(text)

    def take(self, identifiers, lines, byte_count):
        with self.lock:
            self.counters["events"] += len(identifiers)
            self.counters["bytes"] += byte_count
            if self.ids:
                self.ids.write(b"".join(i + b"\n" for i in identifiers))
            if self.out:
                self.out.write(b"".join(line + b"\n" for line in lines))

    def close(self):
        with self.lock:
            for file in (self.ids, self.out):
                if file:
                    file.close()
            said = {**self.counters, "complaints": self.complaints, "first": self.first_complaints}
            print(json.dumps(said), flush=True)
        return 1 if self.complaints else 0


# Syslog

def structured_data(raw):
    """{sd-id: [[name, value], ...]} in the order of the message."""
    return {identifier.decode(): [[name.decode(), ESCAPE.sub(rb"\1", value).decode()]
                                  for name, value in PARAMETERS.findall(parameters)]
            for identifier, parameters in ELEMENTS.findall(raw)}


def parsed(match):
    priority, stamp, host, app, process, message_id, data, message = match.groups()
    return json.dumps({
        "pri": int(priority), "timestamp": stamp.decode(), "hostname": host.decode(), "app": app.decode(),
        "procid": process.decode(), "msgid": message_id.decode(), "sd": structured_data(data),
        "msg": None if message is None else message.decode()}, ensure_ascii=False).encode()


class Syslog:
    """Takes frames, datagrams, and checks each message against the grammar."""

    def __init__(self, record):
        self.record = record
        self.peers = {}

    def messages(self, batch):
        identifiers, lines, size = [], [], 0
        for raw in batch:
            match = MESSAGE.fullmatch(raw)
            if not match or int(match[1]) > 191:
                self.record.complain(f"not an RFC 5424 message: {raw[:200]!r}")
                continue
            try:
                raw.decode()
            except UnicodeDecodeError as error:
                self.record.complain(f"not UTF-8: {error}")
                continue
            found = EVENT_ID.search(match[7])
            identifiers.append(found[1] if found else b"-")
            size += len(raw)
            if self.record.out:
                lines.append(parsed(match))
        self.record.take(identifiers, lines, size)

    def split(self, data):
        """The whole frames in `data`, and what is left. Raises ValueError where the framing is broken."""
        batch, at, octet = [], 0, 0
        while at < len(data):
            if data[at] == 0x3C:  # '<': the message ends at the line feed
                end = data.find(b"\n", at)
                if end < 0:
                    break
                batch.append(data[at:end])
                at = end + 1
                continue
            space = data.find(b" ", at, at + 9)
            digits = data[at:space if space >= 0 else at + 9]
            if not digits.isdigit() or digits[:1] == b"0" or (space < 0 and len(digits) > 7):
                self.messages(batch)
                raise ValueError(f"neither a length nor '<' at the start of a frame: {data[at:at + 60]!r}")
            if space < 0:
                break
            length = int(digits)
            if length > FRAME_BYTES_MAX:
                raise ValueError(f"a frame of {length} bytes")
            if space + 1 + length > len(data):
                break
            batch.append(data[space + 1:space + 1 + length])
            at = space + 1 + length
            octet += 1
        self.messages(batch)
        self.record.count("octet_counted", octet)
        self.record.count("line_feed", len(batch) - octet)
        return data[at:]

    def connection(self, peer):
        rest = b""
        self.record.count("connections")
        with peer:
            while True:
                try:
                    chunk = peer.recv(1 << 18)
                except OSError:
                    chunk = b""
                if not chunk:
                    break
                try:
                    rest = self.split(rest + chunk)
                except ValueError as error:
                    self.record.complain(str(error))
                    return
                if len(rest) > FRAME_BYTES_MAX + 16:
                    self.record.complain("a frame without an end")
                    return
        if rest:
            # A sender that was killed leaves half a frame; that is no fault of the framing.
            self.record.count("partial_at_close")

    def run(self, server, udp):
        while True:
            if udp:
                self.messages([server.recv(DATAGRAM_BYTES_MAX + 1)])
            else:
                try:
                    peer = server.accept()[0]
                except OSError:
                    return  # It takes its leave.
                thread = threading.Thread(target=self.connection, args=(peer,), daemon=True)
                self.peers[thread] = peer
                thread.start()

    def take_leave(self, server):
        """Takes no more connections, tells the senders of those there are, and reads to their ends."""
        server.shutdown(socket.SHUT_RDWR)
        for thread, peer in list(self.peers.items()):
            try:
                peer.shutdown(socket.SHUT_WR)
            except OSError:
                continue
            thread.join(timeout=60)


# Splunk HEC

KEYS = {"time", "host", "source", "sourcetype", "index", "event", "fields"}
PATHS = ("/services/collector", "/services/collector/event", "/services/collector/event/1.0")
DECODER = json.JSONDecoder()
SPACE = re.compile(r"[ \t\r\n]*")


class Refusal(Exception):
    """A reply other than 200: HTTP status, Splunk's code and text, and the number of the bad event."""

    def __init__(self, status, code, text, number=None):
        self.status, self.reply = status, {"text": text, "code": code}
        if number is not None:
            self.reply["invalid-event-number"] = number


def check_envelope(envelope, number):
    if not isinstance(envelope, dict):
        raise Refusal(400, 6, "Invalid data format", number)
    unknown = envelope.keys() - KEYS
    if unknown:  # Splunk would answer 200 and lose what follows; here it is a complaint
        raise Refusal(400, 5, f"No data: unknown key {sorted(unknown)[0]!r}", number)
    if "event" not in envelope:
        raise Refusal(400, 12, "Event field is required", number)
    event = envelope["event"]
    if event is None or (isinstance(event, str) and not event.strip()):
        raise Refusal(400, 13, "Event field cannot be blank", number)
    stamp = envelope.get("time")
    if isinstance(stamp, bool) or not isinstance(stamp, (int, float, str)) or not 1e9 < float(stamp) < 1e10:
        raise Refusal(400, 6, f"Invalid data format: time {stamp!r}", number)
    for key in ("host", "source", "sourcetype", "index"):
        if key in envelope and not (isinstance(envelope[key], str) and envelope[key]):
            raise Refusal(400, 6, f"Invalid data format: {key}", number)
    extra = envelope.get("fields", {})
    if not isinstance(extra, dict) or any(isinstance(v, dict) for v in extra.values()):
        raise Refusal(400, 15, "Error in handling indexed fields", number)


def identifier(event):
    """The event's ID in either of the forms in which it may come."""
    if not isinstance(event, dict):
        return b"-"
    inner = event.get("fields")
    found = event.get("event_id") or (inner.get("ID") if isinstance(inner, dict) else None) or event.get("ID")
    return str(found or "-").encode()


def envelopes(body):
    """Every envelope of a body with its text. Objects follow one another, with white space between or none."""
    if len(body) > BODY_BYTES_MAX:
        raise Refusal(413, 6, f"the body has {len(body)} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refusal(400, 6, "Invalid data format: not UTF-8", 0) from None
    at, found = SPACE.match(text).end(), []
    while at < len(text):
        try:
            envelope, end = DECODER.raw_decode(text, at)
        except ValueError:
            raise Refusal(400, 6, "Invalid data format", len(found)) from None
        check_envelope(envelope, len(found))
        found.append((envelope, text[at:end]))
        at = SPACE.match(text, end).end()
    if not found:
        raise Refusal(400, 5, "No data")
    return found


class HEC(http.server.BaseHTTPRequestHandler):
    """Answers as Splunk does, and complains where Splunk would be silent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    record: Record
    arguments: argparse.Namespace
    first_request = None

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.record.count("connections")

    def answer(self, status, reply, kind="application/json"):
        body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/services/collector/health"):
            self.answer(200, {"text": "HEC is healthy", "code": 17})
        else:
            self.answer(404, {"text": "The requested URL was not found on this server.", "code": 404})

    def body(self):
        """The inflated body, after a look at the headers."""
        length = self.headers.get("Content-Length")
        if length is None or not length.isdigit():
            self.close_connection = True
            raise Refusal(411, 6, "no Content-Length")
        raw = self.rfile.read(int(length))
        if len(raw) < int(length):
            raise ConnectionError
        encoding = self.headers.get("Content-Encoding", "identity")
        if encoding == "gzip":
            self.record.count("gzip_requests")
            try:
                return gzip.decompress(raw)
            except (OSError, EOFError) as error:
                raise Refusal(400, 6, f"Invalid data format: {error}") from None
        if encoding != "identity":
            raise Refusal(415, 6, f"Content-Encoding {encoding}")
        return raw

    def check_head(self):
        if self.path.partition("?")[0] not in PATHS and not self.is_poll():
            raise Refusal(404, 404, f"no such path: {self.path}")
        if self.headers.get("Expect"):
            raise Refusal(417, 6, "an Expect header")
        if not self.headers.get("User-Agent"):
            raise Refusal(400, 6, "no User-Agent header")
        given = self.headers.get("Authorization")
        if given is None:
            raise Refusal(401, 2, "Token is required")
        if not given.startswith("Splunk "):
            raise Refusal(401, 3, "Invalid authorization")
        if self.arguments.token and given != f"Splunk {self.arguments.token}":
            raise Refusal(403, 4, "Invalid token")

    def is_poll(self):
        return self.path.partition("?")[0] == "/services/collector/ack"

    def is_busy(self):
        now = time.monotonic()
        if HEC.first_request is None:
            HEC.first_request = now
        return now - HEC.first_request < self.arguments.busy

    def do_POST(self):
        self.record.count("requests")
        try:
            body = self.body()
            if self.arguments.reply:
                with open(self.arguments.reply, "rb") as file:
                    self.answer(200, file.read(), "text/html")
                self.record.count("refused")
                return
            self.check_head()
            if self.is_poll():
                self.answer(400, {"text": "ACK is disabled", "code": 14})
                return
            if self.is_busy():
                self.record.count("refused")
                self.answer(503, {"text": "Server is busy", "code": 9})
                return
            found = envelopes(body)
        except Refusal as refusal:
            self.record.complain(f"{refusal.status} {refusal.reply}")
            self.record.count("refused")
            self.answer(refusal.status, refusal.reply)
            return
        except ConnectionError:
            self.close_connection = True
            return
        # Taken before it is answered, so that what is acknowledged is counted.
        self.record.take([identifier(e["event"]) for e, _ in found], [t.encode() for _, t in found], len(body))
        self.answer(200, {"text": "Success", "code": 0})


class HECServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # A client that was killed; nothing was taken.


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("syslog", "hec"))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--udp", action="store_true")
    parser.add_argument("--token")
    parser.add_argument("--ids")
    parser.add_argument("--out")
    parser.add_argument("--busy", type=float, default=0)
    parser.add_argument("--reply")
    parser.add_argument("--graceful", action="store_true")
    parser.add_argument("--with-stdin", action="store_true")
    parser.add_argument("--max-seconds", type=float, default=3600)
    arguments = parser.parse_args()
    record = Record(arguments)
    # Blocked before any thread starts, so that only the main thread waits for them.
    stops = {signal.SIGTERM, signal.SIGINT, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    signal.setitimer(signal.ITIMER_REAL, arguments.max_seconds)

    if arguments.kind == "hec":
        HEC.record, HEC.arguments = record, arguments
        server = HECServer(("127.0.0.1", arguments.port), HEC)
        port, run = server.server_address[1], server.serve_forever
    else:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if arguments.udp else socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if arguments.udp:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        server.bind(("127.0.0.1", arguments.port))
        if not arguments.udp:
            server.listen(128)
        port, syslog = server.getsockname()[1], Syslog(record)
        run = lambda: syslog.run(server, arguments.udp)
    threading.Thread(target=run, daemon=True).start()
    print(json.dumps({"port": port}), flush=True)

    if arguments.with_stdin:
        def end_with_stdin():
            sys.stdin.buffer.read()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=end_with_stdin, daemon=True).start()
    signal.sigwait(stops)
    if arguments.graceful and arguments.kind == "syslog" and not arguments.udp:
        syslog.take_leave(server)
    sys.stdout.flush()
    status = record.close()
    os._exit(status)


if __name__ == "__main__":
    main()
