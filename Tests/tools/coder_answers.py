"""What the scripted Coder APIs of the tests share: answers as Coder gives them, and what it says to whoever has no token."""
import json
import urllib.parse
from http.server import BaseHTTPRequestHandler


class CoderAnswers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    version = "v2.37.0"
    token = ""

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
            return self.answer(200, {"version": self.version})
        if self.headers.get("Coder-Session-Token") != self.token:
            return self.answer(401, {"message": "API key is invalid."})
        return self.give(parts, query)

    def log_message(self, format, *arguments):
        pass
