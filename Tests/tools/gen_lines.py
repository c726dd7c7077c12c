#!/usr/bin/env python3
"""Writes many coderd log lines as fast as Python can: generation A in slog JSON, 85 % connection events.

    gen_lines.py --lines N [--seed S] [--events-percent 85] --out FILE [--ids FILE] [--messages FILE]

The same arguments always give the same bytes. Every event has an ID of its own; --ids gets them, one a line and in
order. --messages gets what an RFC 5424 receiver must see of each event (see events.syslog_message), one JSON object a
line, with the hostname of --hostname. Prints one JSON object with the number of lines, events and bytes.
"""
import argparse
import json
import random

import events

APPS = ("code-server", "jupyter", "vscode-web", "filebrowser", "rstudio", "airflow")
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.4 Safari/605.1.15")
REASONS = ('""', '""', '"process exited with error status: 1"', '"signal: killed"',
           r'"session closed: \"idle timeout\""', '"client hung up — timed out"', r'"C:\\temp ]x["')
NAMES = ("dev", "ml-train", "web", "数据", "release")
AGENT_KINDS = ("ssh", "ssh", "ssh", "vscode", "vscode", "jetbrains", "reconnecting_pty")
EVENT = ('{"ts":"%s","level":"INFO","msg":"connection_log","caller":"' + events.CALLER + '","func":"' + events.FUNC
         + '","logger_names":["coderd"],"fields":{"request_id":"%s","ID":"%s",%s,"AgentName":"%s","Type":"%s",'
         '"Code":%s,'
         '"Ip":"%s","UserAgent":"%s","UserID":%s,"SlugOrPort":"%s","ConnectionID":%s,"DisconnectReason":%s,'
         '"Time":"%s","ConnectionStatus":"%s"}}\n')
REQUEST = ('{"ts":"%s","level":"DEBUG","msg":"GET","caller":"/home/coder/coder/coderd/httpmw/loggermw/logger.go:101",'
           '"func":"github.com/coder/coder/v2/coderd/httpmw/loggermw.(*RequestLoggerContext).WriteLog",'
           '"logger_names":["coderd"],"fields":{"host":"coder.example.com","path":"/api/v2/workspaces/%s",'
           '"proto":"HTTP/1.1","remote_addr":"10.0.3.7","start":"%s","status_code":%d,"took":"%d.%06dms",'
           '"request_id":"%s"}}\n')


class Clock:
    """Log times that only go forward, as text."""

    def __init__(self):
        self.now, self.second, self.head = 1_751_519_381_000_000_000, -1, ""

    def text(self, ns):
        second, fraction = divmod(ns, 1_000_000_000)
        if second != self.second:
            self.second, self.head = second, events.rfc3339(second * 1_000_000_000)[:-1]
        return f"{self.head}.{fraction:09d}".rstrip("0").rstrip(".") + "Z"


def workspaces(rnd, new):
    organizations = [next(new) for _ in range(12)]
    owners = [next(new) for _ in range(2000)]
    return owners, [
        f'"OrganizationID":"{rnd.choice(organizations)}","WorkspaceOwnerID":"{rnd.choice(owners)}",'
        f'"WorkspaceID":"{next(new)}","WorkspaceName":"{rnd.choice(NAMES)}-{i}"'
        for i in range(5000)]


def lines(count, seed, percent):
    """Pairs of (line, event ID or None)."""
    rnd = random.Random(seed)
    new, clock = events.uuids(rnd), Clock()
    owners, spaces = workspaces(rnd, new)
    bits, draw, waiting = rnd.getrandbits, rnd.random, []
    for _ in range(count):
        clock.now += bits(26) + 1000
        stamp = clock.text(clock.now)
        if draw() * 100 >= percent:
            yield REQUEST % (stamp, next(new), stamp, (200, 200, 404, 204)[bits(2)], bits(6), bits(19), next(new)), None
            continue
        identifier, when = next(new), clock.text(clock.now - bits(20))
        if waiting and draw() < 0.4:
            space, agent, kind, ip, connection, request = waiting.pop(bits(12) % len(waiting))
            yield EVENT % (stamp, request, identifier, space, agent, kind, (0, 0, 1, 255)[bits(2)], ip, "", "null", "",
                           connection, REASONS[bits(8) % 7], when, "disconnected"), identifier
            continue
        space, agent = spaces[bits(16) % 5000], ("main", "main", "gpu", "dev")[bits(2)]
        if draw() < 0.3:
            port = bits(1)
            yield EVENT % (stamp, next(new), identifier, space, agent, "port_forwarding" if port else "workspace_app",
                           (200, 200, 101, 404, 502, 401, 303, 200)[bits(3)], f"203.0.113.{bits(8)}",
                           BROWSERS[bits(8) % 3], f'"{owners[bits(16) % 2000]}"',
                           1024 + bits(15) if port else APPS[bits(8) % 6], "null", '""', when, "connected"), identifier
            continue
        tail = f"{bits(64):016x}"
        # No leading zeros and no zero groups: the canonical text of an address.
        ip = f"fd7a:115c:a1e0:1{tail[1:4]}:2{tail[5:8]}:3{tail[9:12]}:4{tail[13:16]}:{1 + bits(15):x}"
        start = (space, agent, AGENT_KINDS[bits(8) % 7], ip, f'"{next(new)}"', next(new))
        if len(waiting) < 4096:
            waiting.append(start)
        yield EVENT % (stamp, start[5], identifier, space, agent, start[2], "null", ip, "", "null", "", start[4], '""',
                       when, "connected"), identifier


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events-percent", type=float, default=85)
    parser.add_argument("--out", required=True)
    parser.add_argument("--ids")
    parser.add_argument("--messages")
    parser.add_argument("--hostname", default="coderd.example.com")
    arguments = parser.parse_args()
    found, size, text, identifiers = 0, 0, [], []
    with open(arguments.out, "wb", 1 << 20) as out, open(arguments.ids or "/dev/null", "wb", 1 << 20) as ids:
        def flush():
            nonlocal found, size
            data = "".join(text).encode()
            out.write(data)
            ids.write("".join(f"{i}\n" for i in identifiers).encode())
            size, found = size + len(data), found + len(identifiers)
            text.clear()
            identifiers.clear()

        messages = open(arguments.messages, "w", encoding="utf-8") if arguments.messages else None
        for line, identifier in lines(arguments.lines, arguments.seed, arguments.events_percent):
            text.append(line)
            if identifier:
                identifiers.append(identifier)
                if messages:
                    message = events.syslog_message(events.event_of_line(line), arguments.hostname)
                    messages.write(json.dumps(message, ensure_ascii=False) + "\n")
            if len(text) == 4096:
                flush()
        flush()
        if messages:
            messages.close()
    print(json.dumps({"lines": arguments.lines, "events": found, "bytes": size}))


if __name__ == "__main__":
    main()
