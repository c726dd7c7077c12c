#!/usr/bin/env python3
"""Runs a program, in place of this one, with no signal blocked.

The threads that tests run on block most signals, and a child inherits that; a service manager's children do not.
"""
import os
import signal
import sys

signal.pthread_sigmask(signal.SIG_SETMASK, [])
os.execvp(sys.argv[1], sys.argv[1:])
