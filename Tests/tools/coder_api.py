#!/usr/bin/env python3
"""Coder's API for names, on 127.0.0.1: coder_api.py PORT TOKEN < PEOPLE, a JSON object {"users": [...], "organizations": [...]}.

Refuses what Coder refuses: another token, a list without a limit. Ends when it is killed.
"""
import json
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, token = int(sys.argv[1]), sys.argv[2]
people = json.load(sys.stdin)


class Coder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.split("/")[3:]
        if parts == ["buildinfo"]:
            return self.answer(200, {"version": "v2.30.1"})
        if self.headers.get("Coder-Session-Token") != token:
            return self.answer(401, {"message": "API key is invalid."})
        if parts == ["organizations"]:
            return self.answer(200, people["organizations"])
        if parts == ["users", "me"]:
            return self.answer(200, dict(people["users"][0], roles=[{"name": "auditor"}]))
        if parts == ["users"]:
            if not query.get("limit", "0").isdigit() or int(query.get("limit", "0")) < 1:
                return self.answer(400, {"message": "limit"})
            if "q" in query:
                return self.answer(400, {"message": "Invalid user search query."})
            found = sorted(people["users"], key=lambda user: user["username"].lower())
            names = [user["id"] for user in found]
            if "after_id" in query:
                found = found[names.index(query["after_id"]) + 1:] if query["after_id"] in names else []
            return self.answer(200, {"users": found[:int(query["limit"])], "count": len(found)})
        self.answer(404, {"message": "Route not found."})

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", port), Coder)
print("ready", flush=True)
server.serve_forever()
