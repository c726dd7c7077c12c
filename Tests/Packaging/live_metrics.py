#!/usr/bin/env python3
"""Runs a connlog with every kind of part on the sample log, and prints its /metrics.

    live_metrics.py CONNLOG FOLDER
"""
import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

connlog, folder = sys.argv[1:]
top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]
receiver = subprocess.Popen(["python3", f"{top}/examples/receivers.py", "hec", "--token", "t"], stdout=subprocess.PIPE, text=True)
hec = receiver.stdout.readline().split('"port":')[1].split("}")[0].strip()
with open(f"{folder}/live.ini", "w", encoding="utf-8") as file:
    file.write(f"""[connlog]
data_dir = {folder}/data
[source "coderd"]
type = file
path = {top}/examples/coderd.log
[sink "splunk"]
type = splunk_hec
url = http://127.0.0.1:{hec}
token = t
[store]
type = sqlite
[server]
listen = 127.0.0.1:{port}
[access "prometheus"]
role = metrics
token_sha256 = {hashlib.sha256(b"secret").hexdigest()}
""")
daemon = subprocess.Popen([connlog, "run", "--config", f"{folder}/live.ini"], stderr=open(f"{folder}/live.log", "w"))


def ask(path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": "Bearer secret"})
    return urllib.request.urlopen(request, timeout=60).read().decode()


def metrics():
    """Once all is delivered; `None` until then."""
    try:
        ask("/healthz")
        text = ask("/metrics")
    except (urllib.error.URLError, ConnectionError):
        return None
    return text if 'connlog_sink_lag_events{sink="splunk"} 0' in text and "connlog_source_malformed" in text else None


try:
    for _ in range(6000):
        text = metrics()
        if text or daemon.poll() is not None:
            break
        time.sleep(0.1)
    if not text:
        sys.exit(open(f"{folder}/live.log").read())
    print(text, end="")
finally:
    for process in (daemon, receiver):
        process.terminate()
        process.wait()
