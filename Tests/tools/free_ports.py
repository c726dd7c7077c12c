#!/usr/bin/env python3
"""Prints as many free ports of 127.0.0.1 as asked for, free for TCP and UDP alike, one a line."""
import socket
import sys

held = []
while len(held) < 2 * int(sys.argv[1]):
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    tcp.bind(("127.0.0.1", 0))
    try:
        udp.bind(tcp.getsockname())
    except OSError:
        continue
    held += [tcp, udp]
    print(tcp.getsockname()[1])
