#!/usr/bin/env python3
"""Runs a program with its output on a terminal, and writes what came there to standard output, byte for byte.

    on_terminal.py INPUT PROGRAM [ARGUMENT...]
"""
import os
import pty
import sys
import tty

main, side = pty.openpty()
tty.setraw(side)
child = os.fork()
if child == 0:
    os.dup2(os.open(sys.argv[1], os.O_RDONLY), 0)
    os.dup2(side, 1)
    os.execvp(sys.argv[2], sys.argv[2:])
os.close(side)
while True:
    try:
        piece = os.read(main, 65536)
    except OSError:
        break
    if not piece:
        break
    os.write(1, piece)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
