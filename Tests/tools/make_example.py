#!/usr/bin/env python3
"""Writes examples/coderd.log: the log of a busy morning, in every format that coderd ever had.

    make_example.py log                 the log itself (examples/coderd.log is exactly this)
    make_example.py counts              one JSON object: lines, events, and what else is in it (examples/coderd.counts)
    make_example.py messages HOSTNAME   one JSON object a line: what an RFC 5424 receiver must get, in order
    make_example.py ids                 the events' IDs, in order

The same arguments always give the same bytes.
"""
import json
import sys
from collections import Counter

import events
from events import Event, go_json, human_entry, human_line, json_entry, json_line, stackdriver_line

CHROME = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36")
SAFARI = ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
          "Version/18.4 Safari/605.1.15")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0"
REASONS = ("", "", "", "process exited with error status: 1", "signal: killed", "signal: terminated",
           "read tcp: connection reset by peer", 'session closed: "idle timeout"')


class Log:
    """Collects lines, and keeps count of what they are."""

    def __init__(self, seed):
        self.rnd, self.ids = events.seeded(seed)
        self.now = 1_751_519_381_929_840_747
        self.lines, self.kept, self.counts = [], [], Counter()
        new = lambda: next(self.ids)
        self.organizations = [new() for _ in range(2)]
        names = ("alice", "bob", "chloé", "dmitri", "emre", "fatima", "grace", "hedy")
        self.users = {name: new() for name in names}
        spaces = ("dev", "ml-train", "web", "infra", "notebook", "数据", "gpu box", "release")
        self.workspaces = [(self.organizations[i % 2], self.users[n], new(), s)
                           for i, (n, s) in enumerate(zip(names, spaces))]
        # An agent reports over one long-lived request, so its lines share a request_id.
        self.requests = [new() for _ in spaces]

    def tick(self, low=20, high=4_000):
        """Some milliseconds pass, with a few odd nanoseconds."""
        self.now += self.rnd.randrange(low, high) * 1_000_000 + self.rnd.randrange(1_000_000)
        return self.now

    def write(self, text, kind):
        self.lines += text.split("\n")
        self.counts[kind] += 1

    def keep(self, event, write):
        """Writes an event's line and notes that it must come out."""
        self.kept.append(event)
        self.write(write(event), "events")

    # Events

    def agent(self, kind, generation="A", place=None, **more):
        """A connect as an agent reports it."""
        place = self.rnd.randrange(len(self.workspaces)) if place is None else place
        org, owner, wid, name = self.workspaces[place]
        when = self.tick()
        tail = ":".join(f"{self.rnd.getrandbits(16):x}" for _ in range(5))
        values = dict(ip=f"fd7a:115c:a1e0:{tail}", connection=next(self.ids),
                      agent=self.rnd.choice(("main", "main", "gpu")))
        return Event(id=next(self.ids), request=self.requests[place], time_ns=when - self.rnd.randrange(1, 9_000_000),
                     organization=org, owner=owner, workspace_id=wid, workspace=name, type=kind,
                     generation=generation, **{**values, **more})

    def end(self, start, code=0, reason=""):
        """The disconnect that belongs to a connect: a new ID, the same connection."""
        when = self.tick(200, 90_000)
        return Event(**{**vars(start), "id": next(self.ids), "time_ns": when - self.rnd.randrange(1, 9_000_000),
                        "status": "disconnected", "code": code, "reason": reason})

    def web(self, kind, slug, code=200, generation="A", **more):
        """A request as coderd itself sees it."""
        org, owner, wid, name = self.rnd.choice(self.workspaces)
        when = self.tick()
        ip = f"203.0.113.{self.rnd.randrange(1, 255)}"
        values = dict(ip=ip, user=owner, user_agent=self.rnd.choice((CHROME, SAFARI, FIREFOX)), agent="main")
        # coderd's own database keeps microseconds.
        micros = (when - self.rnd.randrange(1, 9_000_000)) // 1000
        return Event(id=next(self.ids), request=next(self.ids), time_ns=micros * 1000, organization=org,
                     owner=owner, workspace_id=wid, workspace=name, type=kind, slug=slug, code=code,
                     generation=generation, **{**values, **more})

    # Formats

    def json(self, event):
        return json_line(event, self.tick(1, 4))

    def human(self, event, **options):
        return human_line(event, self.tick(1, 4), **options)

    # What else coderd says

    def chatter(self):
        """One line that is no connection event."""
        user, uid = self.rnd.choice(list(self.users.items()))
        when, wid = self.tick(5, 900), self.rnd.choice(self.workspaces)[2]
        pick = self.rnd.randrange(7)
        if pick <= 2:
            method = ("GET", "GET", "POST")[pick]
            took = f"{self.rnd.random() * 80:.6f}ms"
            values = {"host": "coder.example.com", "path": f"/api/v2/workspaces/{wid}", "proto": "HTTP/1.1",
                      "remote_addr": f"10.0.0.{self.rnd.randrange(1, 255)}", "start": events.rfc3339(when - 40_000_000),
                      "requestor_id": uid, "requestor_name": user, "took": took,
                      "status_code": self.rnd.choice((200, 200, 201, 401, 404)),
                      "latency_ms": self.rnd.randrange(1, 80), "request_id": next(self.ids)}
            if self.rnd.random() < 0.5:
                return human_entry(when, "debu", "coderd", method, values), "request"
            return json_entry(when, "DEBUG", method, "/home/coder/coder/coderd/httpmw/loggermw/logger.go:101",
                              "github.com/coder/coder/v2/coderd/httpmw/loggermw.(*RequestLoggerContext).WriteLog",
                              ["coderd"], values), "request"
        if pick == 3:
            values = {"job_id": next(self.ids), "job_type": "workspace_build", "workspace_id": wid,
                      "tags": {"scope": "organization"}}
            return json_entry(when, "DEBUG", "acquired job", "/home/coder/coder/provisionerd/provisionerd.go:330",
                              "github.com/coder/coder/v2/provisionerd.(*Server).acquireAndRunOne",
                              ["coderd", "provisionerd-cool_hopper7"], values), "provisioner"
        if pick == 4:
            output = f"coder_agent.main: Creation complete after 0s [id={next(self.ids)}]"
            return human_entry(when, "debu", "coderd.provisionerd-cool_hopper7", "provision log",
                               {"level": "INFO", "output": output}), "provisioner"
        values = {"ID": next(self.ids), "Time": events.rfc3339(when), "UserID": uid,
                  "OrganizationID": self.organizations[0],
                  "Ip": "10.0.0.7", "UserAgent": CHROME, "ResourceType": "workspace_build",
                  "ResourceID": next(self.ids),
                  "ResourceTarget": f"{user}'s workspace", "Action": self.rnd.choice(("start", "stop", "create")),
                  "StatusCode": 200}
        if pick == 5:
            values["Diff"], values["AdditionalFields"] = {}, {"workspace_name": "dev", "build_number": "7"}
            values["actor"] = {"id": uid, "email": f"{user}@example.com", "username": user}
            return json_entry(when, "INFO", "audit_log", events.CALLER, events.FUNC, ["coderd"], values), "audit_log"
        values["Diff"], values["AdditionalFields"] = "{}", '{"workspace_name":"dev"}'
        return human_entry(when, "info", "coderd", "audit_log", values), "audit_log"

    def chat(self, count):
        for _ in range(count):
            self.write(*self.chatter())


def sessions(log, generation, kinds, form):
    """For each kind a connect, some chatter, and most often a disconnect."""
    for kind in kinds:
        more = {}
        if generation == "C":
            kind, _, more["app"] = kind.partition("+")
            more["session"] = f"{log.rnd.getrandbits(128):032x}" if log.rnd.random() < 0.7 else ""
        start = log.agent(kind, generation, **more)
        log.keep(start, form)
        log.chat(log.rnd.randrange(1, 4))
        if log.rnd.random() < 0.85:
            reason = log.rnd.choice(REASONS)
            log.keep(log.end(start, code=log.rnd.choice((1, 255)) if reason else 0, reason=reason), form)


def twice(log, event, first, second):
    """One event by two of coderd's sinks at once: it must come out once."""
    log.keep(event, first)
    log.write(second(event), "duplicates")


def build(seed=2025):
    log = Log(seed)
    slog2 = lambda e: log.human(e)
    slog3 = lambda e: log.human(e, time_form="go")
    page = lambda e: log.human(e, gap=" ")
    log.chat(12)

    # Generation 0: Time comes second; null values are Go structs in JSON.
    sessions(log, "0", ("ssh", "vscode"), log.json)
    sessions(log, "0", ("ssh", "reconnecting_pty"), slog2)
    log.keep(log.web("workspace_app", "code-server", generation="0"), page)

    # Generation A: the first releases.
    types = ("ssh", "vscode", "jetbrains", "reconnecting_pty")
    sessions(log, "A", types * 4, log.json)
    sessions(log, "A", types * 2, slog2)
    sessions(log, "A", types, page)
    for slug, code in (("code-server", 200), ("terminal", 200), ("jupyter", 303), ("rstudio", 404),
                       ("code-server", 502)):
        log.keep(log.web("workspace_app", slug, code), log.json)
        log.keep(log.web("workspace_app", slug, code), slog2)
        log.chat(1)
    for port, code in (("8080", 200), ("3000", 502), ("5173", 101)):
        log.keep(log.web("port_forwarding", port, code), log.json)
        log.keep(log.web("port_forwarding", port, code), slog3)
    log.keep(log.web("workspace_app", "code-server", 401, user=None, user_agent="curl/8.5.0"), log.json)
    log.keep(log.web("workspace_app", "code-server", 404, user=None, ip=None, user_agent="agent=x"), slog3)
    log.keep(log.agent("reconnecting_pty", ip=None, agent=""), log.json)
    log.keep(log.agent("jetbrains", ip="127.0.0.1"), log.json)

    # Escapes and Unicode.
    odd = 'probe <a&b> "q" \\x ]end=[ 100% \t tab'
    log.keep(log.web("port_forwarding", "9000", 502, user_agent=odd), log.json)
    log.keep(log.web("port_forwarding", "9001", 502, user_agent=odd), slog3)
    for reason in ("服务器关闭", "client hung up — timed out", "naïve 🙂 exit", "bell\a and \x1b escape",
                   'C:\\temp\\"a]b"'):
        log.keep(log.end(log.agent("ssh", place=5), code=1, reason=reason), log.json)
        log.keep(log.end(log.agent("vscode", place=2), code=1, reason=reason), slog3)
    block = log.end(log.agent("ssh"), code=1, reason="ssh: handshake failed\nread tcp: reset")
    log.keep(block, slog3)
    log.keep(log.end(log.agent("ssh"), code=1, reason="line one\nline two\ttabbed"), log.json)

    # A development runner's prefix, a terminal's colours, tracing, Stackdriver.
    log.keep(log.web("workspace_app", "code-server"), lambda e: log.human(e, prefix="[API] "))
    log.keep(log.agent("ssh"), lambda e: log.human(e, colour=True))
    trace = (f"{log.rnd.getrandbits(128):032x}", f"{log.rnd.getrandbits(64):016x}")
    log.keep(log.web("port_forwarding", "8443"), lambda e: json_line(e, log.tick(1, 4), trace))
    stackdriver = lambda e: stackdriver_line(e, log.tick(1, 4))
    sessions(log, "A", ("ssh", "vscode"), stackdriver)

    # An error of coderd's own, in a block, and a warning that only mentions the name.
    log.write(human_entry(log.tick(), "erro", "coderd", "workspace proxy unreachable",
                          {"proxy": "eu-west", "error": "dial tcp 10.0.0.9:443:\nconnect: connection refused"}),
              "other")
    log.write(json_entry(log.tick(), "WARN", "agent failed to report the connection_log",
                         "/home/coder/coder/coderd/agentapi/connectionlog.go:88",
                         "github.com/coder/coder/v2/coderd/agentapi.(*ConnLogAPI).ReportConnection", ["coderd"],
                         {"error": "context canceled"}), "other")

    # Both sinks into one file.
    for kind in ("ssh", "vscode", "jetbrains", "reconnecting_pty"):
        twice(log, log.agent(kind), log.json, slog3)
        log.chat(1)
    twice(log, log.web("workspace_app", "jupyter"), slog3, log.json)
    twice(log, log.web("port_forwarding", "6006"), log.json, slog2)

    # Torn and foreign lines.
    log.write(log.json(log.agent("ssh"))[:-217], "malformed")
    log.chat(2)
    log.write(log.json(log.agent("vscode")).replace('"AgentName":', '"AgentName":,'), "malformed")

    # Generation B: tunnels, the key IP, forks under their own names.
    for code, agent in ((101, "coder-cli/2.31.0"), (403, "coder-cli/2.31.0"), (101, "Coder Desktop/0.8.1")):
        for form in (log.json, slog3):
            log.keep(log.web("tunnel", "", code, generation="B", user_agent=agent), form)
    sessions(log, "B", ("ssh", "cursor", "windsurf", "jetbrains", "zed"), log.json)
    sessions(log, "B", ("vscode", "cursor", "reconnecting_pty"), slog3)
    sessions(log, "B", ("positron",), stackdriver)

    # Generation C: method and app, and the client's session.
    apps = ("ssh+", "ssh+cursor", "ssh+vscode", "ssh+goland", "ssh+some_new_ide", "reconnecting_pty+cursor")
    sessions(log, "C", apps, log.json)
    sessions(log, "C", ("ssh+kiro", "ssh+", "ssh+pycharm"), slog3)
    for form in (log.json, slog3):
        log.keep(log.web("workspace_app", "cursor", generation="C"), form)
        log.keep(log.web("port_forwarding", "8080", generation="C"), form)
        log.keep(log.web("tunnel", "", 101, generation="C", user_agent="coder-cli/2.37.0"), form)
        log.chat(2)
    log.chat(12)
    return log


def main():
    what = sys.argv[1:] or ["log"]
    log = build()
    if what == ["log"]:
        sys.stdout.buffer.write(("\n".join(log.lines) + "\n").encode())
    elif what == ["counts"]:
        types = Counter(events.connection_type(e) for e in log.kept)
        counts = {"lines": len(log.lines), **dict(sorted(log.counts.items())), "types": dict(sorted(types.items()))}
        print(go_json(counts))
    elif what == ["ids"]:
        print("\n".join(e.id for e in log.kept))
    elif len(what) == 2 and what[0] == "messages":
        for event in log.kept:
            print(json.dumps(events.syslog_message(event, what[1]), ensure_ascii=False))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
