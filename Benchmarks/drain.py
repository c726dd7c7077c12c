#!/usr/bin/env python3
"""Takes syslog over TCP, TLS or RELP as fast as Python can and throws it away, to measure a sender.

    drain.py tcp|tls|relp|relp_tls [--cert FILE --key FILE] [--delay-ms N]

Prints its port, serves until standard input closes, and then prints one JSON object: connections, bytes, and with RELP
the messages answered. --delay-ms holds every RELP answer back that long, as a network with that round trip would.
"""
import argparse
import collections
import json
import re
import socket
import ssl
import sys
import threading
import time

HEAD = re.compile(rb"(\d{1,9}) ([a-z]+) (\d+)([ \n])")
counts = collections.Counter()


def drain(connection):
    buffer = bytearray(1 << 20)
    while count := connection.recv_into(buffer):
        counts["bytes"] += count


class Answers:
    """Sends answers after a delay, in order."""

    def __init__(self, connection, delay):
        self.connection, self.delay = connection, delay
        self.waiting, self.ready = collections.deque(), threading.Condition()
        if delay:
            threading.Thread(target=self.run, daemon=True).start()

    def send(self, data):
        if not self.delay:
            return self.connection.sendall(data)
        with self.ready:
            self.waiting.append((time.monotonic() + self.delay, data))
            self.ready.notify()

    def run(self):
        while True:
            with self.ready:
                while not self.waiting:
                    self.ready.wait()
                due, data = self.waiting.popleft()
            time.sleep(max(0, due - time.monotonic()))
            try:
                self.connection.sendall(data)
            except OSError:
                return


def relp(connection, delay):
    answers, buffered = Answers(connection, delay), b""
    while True:
        more = connection.recv(1 << 18)
        if not more:
            return
        counts["bytes"] += len(more)
        buffered += more
        at, out = 0, []
        while found := HEAD.match(buffered, at):
            number, command, length = found[1], found[2], int(found[3])
            end = found.end() + (length if found[4] == b" " else -1)
            if end >= len(buffered):
                break
            at = end + 1
            if command == b"syslog":
                counts["messages"] += 1
                out.append(b"%s rsp 6 200 OK\n" % number)
            elif command == b"open":
                out.append(b"%s rsp 37 200 OK\nrelp_version=0\ncommands=syslog\n" % number)
            else:
                out.append(b"%s rsp 0\n0 serverclose 0\n" % number)
        buffered = buffered[at:]
        if out:
            answers.send(b"".join(out))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("tcp", "tls", "relp", "relp_tls"))
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--delay-ms", type=float, default=0)
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    context = None
    if options.kind in ("tls", "relp_tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)

    def serve(plain):
        try:
            connection = context.wrap_socket(plain, server_side=True) if context else plain
            counts["connections"] += 1
            if options.kind.startswith("relp"):
                relp(connection, options.delay_ms / 1000)
            else:
                drain(connection)
            connection.close()
        except OSError as error:
            print(error, file=sys.stderr)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    print(json.dumps(dict(counts)))


if __name__ == "__main__":
    main()
