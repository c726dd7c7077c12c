#!/usr/bin/env python3
"""Coder's API for names, on 127.0.0.1: coder_api.py PORT TOKEN < PEOPLE, a JSON object {"users": [...], "organizations": [...]}.

Refuses what Coder refuses: another token, a list without a limit. Ends when it is killed.
"""
import json
import sys
from http.server import ThreadingHTTPServer

from coder_answers import CoderAnswers

port, expected = int(sys.argv[1]), sys.argv[2]
people = json.load(sys.stdin)


class Coder(CoderAnswers):
    version = "v2.30.1"
    token = expected

    def give(self, parts, query):
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



server = ThreadingHTTPServer(("127.0.0.1", port), Coder)
print("ready", flush=True)
server.serve_forever()
