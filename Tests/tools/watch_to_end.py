#!/usr/bin/env python3
"""Prints the id of each event of a watch, until the server says that there is nothing new.

    watch_to_end.py URL
"""
import json
import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1]) as stream:
    for line in stream:
        if line.startswith(b"data: "):
            print(json.loads(line[6:])["id"])
        elif line.startswith(b": nothing new"):
            break
    else:
        sys.exit("the stream ended before the server had said that there is nothing new")
