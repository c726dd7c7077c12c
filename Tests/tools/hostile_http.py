#!/usr/bin/env python3
"""Clients that nobody wants, and one that must be served meanwhile.

    hostile_http.py --port N KIND

Kinds: silent (connections that say nothing), drip (a request that never ends, byte by byte), half (a request whose
client has closed its side), huge (bodies of a GiB, with and without their length), bomb (gzip that unpacks to a GiB),
paths (tricks with paths and heads). Exits with 1 when an answer is not as it should be.
"""
import argparse
import gzip
import http.client
import io
import resource
import socket
import sys
import time

HOST = "127.0.0.1"


def fail(words):
    sys.exit(f"hostile_http: {words}")


def connect(port):
    connection = socket.create_connection((HOST, port), timeout=120)
    return connection


def expect_served(port, within=120.0):
    """An ordinary question is answered."""
    end = time.monotonic() + within
    while True:
        try:
            client = http.client.HTTPConnection(HOST, port, timeout=max(1.0, end - time.monotonic()))
            client.request("GET", "/api/v2/connectionlog?limit=1")
            status = client.getresponse().status
            client.close()
            if status == 200:
                return
            fail(f"an ordinary question got {status}")
        except OSError as error:
            if time.monotonic() > end:
                fail(f"nobody else is served: {error}")


def silent(port, count=10_000):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100,) * 2)
    held = []
    for _ in range(count):
        connection = socket.socket()
        connection.setblocking(False)
        try:
            connection.connect((HOST, port))
        except BlockingIOError:
            pass
        held.append(connection)
    expect_served(port)
    for connection in held:
        connection.close()
    expect_served(port)


def drip(port):
    held = [connect(port) for _ in range(50)]
    for byte in b"GET /api/v2/connectionlog HTT":
        for connection in held:
            try:
                connection.send(bytes([byte]))
            except OSError:
                pass
        expect_served(port)
    for connection in held:
        connection.close()


def half(port):
    for text in (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"POST /api/v2/connectionlog/ingest HTTP/1.1\r\n"
                 b"Host: localhost\r\nContent-Length: 1000\r\n\r\nabc", b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"):
        for _ in range(100):
            connection = connect(port)
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            connection.close()
    expect_served(port)


def post(port, headers, chunks):
    """Status of a request whose body comes in chunks, and how many bytes were sent."""
    connection = connect(port)
    head = "POST /api/v2/connectionlog/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/jsonl\r\n" + headers + "\r\n"
    connection.sendall(head.encode())
    sent = 0
    try:
        for chunk in chunks:
            connection.sendall(chunk)
            sent += len(chunk)
    except OSError:
        pass
    try:
        reply = connection.recv(4096).decode("latin-1")
    except OSError:
        reply = ""
    connection.close()
    return reply.split(" ")[1] if " " in reply else "closed", sent


def huge(port):
    gib = 1 << 30
    piece = b"x" * (1 << 20)
    status, sent = post(port, f"Content-Length: {gib}\r\n", (piece for _ in range(1024)))
    if status not in ("413", "closed"):
        fail(f"a body of a GiB got {status}")
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    status, sent = post(port, "Transfer-Encoding: chunked\r\n", (chunk for _ in range(1024)))
    # What comes after the answer may be read and thrown away for a moment.
    if status not in ("413", "closed"):
        fail(f"a body without length got {status} after {sent} bytes")
    expect_served(port)


def bomb(port):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(1024):
            file.write(b"\0" * (1 << 20))
    body = packed.getvalue()
    status, _ = post(port, f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n", [body])
    # The answer may be lost when the connection is closed under what still comes.
    if status not in ("413", "closed"):
        fail(f"a gzip bomb got {status}")
    for broken in (b"not gzip", body[:1000] + b"?" * 100):
        status, _ = post(port, f"Content-Encoding: gzip\r\nContent-Length: {len(broken)}\r\n", [broken])
        if status not in ("400", "closed"):
            fail(f"broken gzip got {status}")
    expect_served(port)


def paths(port):
    for path in ("/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v2/connectionlog/..%2f..%2fetc%2fpasswd",
                 "/api/v2/connectionlog/%00", "/api/v2//connectionlog", "/" + "a" * 60_000, "/?" + "q=" * 20_000,
                 "/api/v2/connectionlog?q=" + "%22" * 9_999, "/api/v2/connectionlog?q=%", "*", "/api/v2/connectionlog/%"):
        connection = connect(port)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        reply = b""
        while piece := connection.recv(65536):
            reply += piece
        connection.close()
        if b"root:" in reply or reply.startswith(b"HTTP/1.1 5"):
            fail(f"{path[:60]} got {reply[:200]}")
    for head in (b"GET / HTTP/9.9\r\n\r\n", b"\0\0\0\0\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
                 b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"):
        connection = connect(port)
        try:
            connection.sendall(head)
            connection.shutdown(socket.SHUT_WR)
            reply = connection.recv(65536)
        except OSError:
            reply = b""
        connection.close()
        if reply.startswith(b"HTTP/1.1 2") or reply.startswith(b"HTTP/1.1 5"):
            fail(f"{head[:40]!r} got {reply[:100]!r}")
    expect_served(port)


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
kinds = {"silent": silent, "drip": drip, "half": half, "huge": huge, "bomb": bomb, "paths": paths}
parser.add_argument("kind", choices=kinds)
arguments = parser.parse_args()
kinds[arguments.kind](arguments.port)
