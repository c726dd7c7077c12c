#!/usr/bin/env python3
"""Pages through one day of connections and prints them, oldest page last.

    CONNLOG_URL=http://127.0.0.1:8484 CONNLOG_TOKEN=... ./day.py 2026-01-31 [FILTER...]

Needs nothing but Python. A cursor leads from page to page, so it costs the same on the last page as on the first.
"""
import json
import os
import sys
import urllib.parse
import urllib.request

url = os.environ.get("CONNLOG_URL", "http://127.0.0.1:8484")
headers = {"Coder-Session-Token": os.environ.get("CONNLOG_TOKEN", "")}
day, query = sys.argv[1], " ".join(sys.argv[2:])
query += f' connected_after:"{day}T00:00:00Z" connected_before:"{day}T23:59:59.999999Z"'

cursor = ""
while cursor is not None:
    parameters = urllib.parse.urlencode({"connlog": "true", "q": query, "limit": 500, "after": cursor})
    request = urllib.request.Request(f"{url}/api/v2/connectionlog?{parameters}", headers=headers)
    with urllib.request.urlopen(request) as reply:
        page = json.load(reply)
    for row in page["connection_logs"]:
        who = row.get("web_info", {}).get("user") or {"username": ""}
        print(row["connect_time"], row["type"], row["workspace_owner_username"] or row["workspace_owner_id"],
              row["workspace_name"], who["username"], row.get("ip", "-"), row["connlog"]["status"])
    cursor = page.get("next")
