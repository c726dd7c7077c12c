#!/usr/bin/env python3
"""Sends messages (one JSON object a line, as events.syslog_message makes them) as RFC 5424.

    send_messages.py FILE udp|octets|lines PORT

The control of the tests against rsyslog and syslog-ng: when these messages arrive as they were sent, the daemons and
their configuration are right, and what else differs is connlog's.
"""
import json
import re
import socket
import sys


def encoded(message):
    elements = "".join(
        "[" + identifier + "".join(f' {name}="' + re.sub(r'(["\\\]])', r"\\\1", value) + '"'
                                   for name, value in parameters.items()) + "]"
        for identifier, parameters in message["sd"].items())
    return (f"<{message['pri']}>1 {message['timestamp']} {message['hostname']} {message['app']} 4711 "
            f"{message['msgid']} {elements or '-'} the event {message['sd']}").encode()


def main():
    path, way, port = sys.argv[1:]
    address = ("127.0.0.1", int(port))
    with open(path, encoding="utf-8") as file:
        messages = [encoded(json.loads(line)) for line in file]
    if way == "udp":
        with socket.socket(type=socket.SOCK_DGRAM) as peer:
            peer.connect(address)
            for message in messages:
                peer.send(message)
        return
    with socket.create_connection(address) as peer:
        peer.sendall(b"".join(b"%d %s" % (len(m), m) if way == "octets" else m + b"\n" for m in messages))


if __name__ == "__main__":
    main()
