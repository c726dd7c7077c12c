#!/usr/bin/env python3
"""A Coder whose table of connections grows and shifts, on 127.0.0.1: coder_table.py PORT TOKEN --ids FILE --seed S --rate R.

Rows come at the top, minutes or hours late, in the future, several in one microsecond; open, and closed seconds later;
closed when they come. Refuses what Coder refuses: another token, other parameters, a query it does not understand; gives
at most --page rows at once. When standard input ends the table stands still: the ids that its events have go into FILE, a
line each, and "still" is printed. Ends when it is killed.
"""
import argparse
import datetime
import json
import random
import re
import sys
import threading
import time
import uuid
from http.server import ThreadingHTTPServer

from coder_answers import CoderAnswers

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("token")
parser.add_argument("--ids", required=True)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--rate", type=float, default=50)
parser.add_argument("--page", type=int, default=100)
parser.add_argument("--at-start", type=int, default=300)
options = parser.parse_args()
rnd = random.Random(options.seed)
lock = threading.Lock()
rows = {}
violations = []
TERM = re.compile(r'(connected_after|connected_before|status|connection_id):("[^"]*"|[^" :]+)(?: |$)')


def new_id():
    return str(uuid.UUID(int=rnd.getrandbits(128), version=4))


def text(microseconds):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds") + "Z"


def parsed(value):
    moment = datetime.datetime.fromisoformat(value.strip('"').upper().replace("Z", "+00:00"))
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def add(ago):
    now = time.time_ns() // 1000
    connect = now - int(ago * 1e6)
    kind = rnd.choice(["ssh", "ssh", "vscode", "workspace_app", "tunnel"])
    for _ in range(rnd.choice([1, 1, 1, 1, 5])):
        row = {"id": new_id(), "connect": connect, "type": kind, "connection": new_id(), "end": None}
        if kind in ("ssh", "vscode") and rnd.random() < 0.4:
            row["end"] = connect + rnd.choice([0, 1, 2_500_000, 60_000_000])
        rows[row["id"]] = row


def grow():
    while not is_still.wait(1 / options.rate):
        with lock:
            add(rnd.choice([0, 0, 0, 0, 1, 4, 120, rnd.random() * 10_000, -1800]))
            open_ones = [row for row in rows.values() if row["end"] is None and row["type"] in ("ssh", "vscode")]
            if open_ones and rnd.random() < 0.5:
                row = rnd.choice(open_ones)
                row["end"] = row["connect"] + rnd.randrange(1, 100_000_000)


def matches(row, terms):
    if "connected_after" in terms and row["connect"] < parsed(terms["connected_after"]):
        return False
    if "connected_before" in terms and row["connect"] > parsed(terms["connected_before"]):
        return False
    if "status" in terms and (row["type"] not in ("ssh", "vscode")
                              or (row["end"] is None) != (terms["status"] == "ongoing")):
        return False
    return "connection_id" not in terms or row["connection"] == terms["connection_id"]


def shown(row):
    value = {
        "id": row["id"], "connect_time": text(row["connect"]),
        "organization": {"id": "1a2bb67e-0117-4168-92e0-58138989a7f5", "name": "coder", "display_name": "", "icon": ""},
        "workspace_owner_id": "fe8f4bab-3128-41f1-8fec-1cc0755affe5", "workspace_owner_username": "alice",
        "workspace_id": "05567e23-31e2-4c00-bd05-4d499d437347", "workspace_name": "dev", "agent_name": "main",
        "ip": "198.51.100.7", "type": row["type"]}
    if row["type"] not in ("ssh", "vscode"):
        value["web_info"] = {"user_agent": "curl", "user": None, "slug_or_port": "", "status_code": 200}
        return value
    value["ssh_info"] = {"connection_id": row["connection"]}
    if row["end"] is not None:
        value["ssh_info"].update(disconnect_time=text(row["end"]), disconnect_reason="bye", exit_code=0)
    return value


class Coder(CoderAnswers):
    version = "v2.37.0"
    token = options.token

    def give(self, parts, query):
        if parts == ["users", "me"]:
            return self.answer(200, {"id": new_id(), "username": "reader", "roles": [{"name": "auditor"}]})
        if parts != ["connectionlog"]:
            return self.answer(404, {"message": "Route not found."})
        words = query.get("q", "")
        if set(query) - {"q", "limit", "offset"} or TERM.sub("", words):
            return self.answer(400, {"message": "Invalid connection search query."})
        terms = {key: value.strip('"') for key, value in TERM.findall(words)}
        with lock:
            found = [row for row in rows.values() if matches(row, terms)]
            found.sort(key=lambda row: (row["connect"], row["id"]), reverse=True)
            start, limit = int(query.get("offset", "0")), int(query.get("limit", "0")) or 100
            page = [shown(row) for row in found[start:start + min(limit, options.page)]]
        self.answer(200, {"connection_logs": page, "count": min(len(found), 2001), "count_cap": 2000})



is_still = threading.Event()
with lock:
    for _ in range(options.at_start):
        add(rnd.random() * 10_000)
server = ThreadingHTTPServer(("127.0.0.1", options.port), Coder)
threading.Thread(target=server.serve_forever, daemon=True).start()
growing = threading.Thread(target=grow)
growing.start()
print("ready", flush=True)
sys.stdin.read()
is_still.set()
growing.join()
with lock, open(options.ids, "w") as file:
    for row in rows.values():
        is_agent = row["type"] in ("ssh", "vscode")
        if not is_agent or row["end"] is None or row["end"] != row["connect"]:
            file.write(row["id"] + "\n")
        if is_agent and row["end"] is not None:
            file.write(str(uuid.uuid5(uuid.UUID(row["id"]), "disconnected")) + "\n")
print("still", flush=True)
threading.Event().wait()
