#!/usr/bin/env python3
"""Holds a port of 127.0.0.1, or many connections to it, until its standard input ends.

    hold_port.py listen PORT
    hold_port.py connect PORT COUNT

Prints "held" once it does.
"""
import socket
import sys


def main():
    kind, port = sys.argv[1], int(sys.argv[2])
    held = []
    if kind == "listen":
        taken = socket.socket()
        taken.bind(("127.0.0.1", port))
        taken.listen(5)
        held.append(taken)
    else:
        for _ in range(int(sys.argv[3])):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            held.append(connection)
    print("held", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
