#!/usr/bin/env python3
"""Prints as many free ports of 127.0.0.1 as asked for, free for TCP and UDP alike, one a line.

They lie below the ports that the kernel gives to outgoing connections, so that none of those takes one before it is
used, or while a receiver is away for a moment.
"""
import random
import socket
import sys

LOWEST = 10000


def highest():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            return int(file.read().split()[0]) - 1
    except OSError:
        return 32767


def main():
    ports = range(LOWEST, max(highest(), LOWEST + 10000))
    held = []
    while len(held) < 2 * int(sys.argv[1]):
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        address = ("127.0.0.1", random.choice(ports))
        try:
            tcp.bind(address)
            udp.bind(address)
        except OSError:
            continue
        held += [tcp, udp]
        print(address[1])


if __name__ == "__main__":
    main()
