#!/usr/bin/env python3
"""Coder's API for names, on 127.0.0.1: coder_api.py PORT TOKEN < PEOPLE, a JSON object {"users": [...], "organizations": [...]}.

With "more" in it so many users are made beside those. Refuses what Coder refuses: another token, a list without a limit. Ends when it is killed.
"""
import json
import sys
from http.server import ThreadingHTTPServer

from coder_answers import CoderAnswers

port, expected = int(sys.argv[1]), sys.argv[2]
people = json.load(sys.stdin)
people["users"] += [
    {"id": f"00000000-0000-4000-8000-{number:012d}", "username": f"made-{number:07d}", "name": f"Made Number {number}",
     "email": f"made-{number}@corp.example.com", "status": "active", "created_at": "2026-01-01T00:00:00Z",
     "organization_ids": [], "roles": []} for number in range(people.get("more", 0))]
people["users"].sort(key=lambda user: user["username"].lower())
places = {user["id"]: place for place, user in enumerate(people["users"])}


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
            everybody = people["users"]
            start = places.get(query["after_id"], len(everybody)) + 1 if "after_id" in query else 0
            page = everybody[start:start + int(query["limit"])]
            return self.answer(200, {"users": page, "count": max(0, len(everybody) - start)})
        self.answer(404, {"message": "Route not found."})



server = ThreadingHTTPServer(("127.0.0.1", port), Coder)
print("ready", flush=True)
server.serve_forever()
