"""Connection events and the lines that the four generations of coderd write for them.

An Event is the meaning; `json_line`, `human_line` and `stackdriver_line` are the ways in which coderd's log prints
it, and `syslog_message` says how an RFC 5424 receiver must see it. The last was written from the RFC and from the
layout in the documentation, not from connlog's encoder, so that the two can disagree.
"""
import calendar
import json
import random
import re
import time
from dataclasses import dataclass

CALLER = "/home/coder/coder/enterprise/audit/backends/slog.go:38"
FUNC = "github.com/coder/coder/v2/enterprise/audit/backends.(*SlogExporter).ExportStruct"
WEB = ("workspace_app", "port_forwarding")
VSCODE_FAMILY = ("vscode", "vscode_insiders", "cursor", "windsurf", "positron", "vscodium", "kiro")
JETBRAINS_FAMILY = ("jetbrains", "intellij", "pycharm", "goland", "rider")


@dataclass
class Event:
    """One connection event. Empty strings and None are what coderd has when a value is not known."""

    id: str
    request: str
    time_ns: int
    organization: str
    owner: str
    workspace_id: str
    workspace: str
    agent: str
    type: str
    code: int | None = None
    ip: str | None = None
    user_agent: str = ""
    user: str | None = None
    slug: str = ""
    connection: str | None = None
    reason: str = ""
    status: str = "connected"
    # Generation C only: the client's own name of itself, and its session.
    app: str = ""
    session: str = ""
    generation: str = "A"


def uuids(rnd):
    """An endless supply of random version 4 UUIDs, always the same for the same generator."""
    while True:
        h = f"{rnd.getrandbits(128):032x}"
        yield f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


def rfc3339(ns, digits=9, strip=True):
    """UTC with up to `digits` fractional digits; Go cuts trailing zeros."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    text = f"{fraction:09d}"[:digits]
    if strip:
        text = text.rstrip("0")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + (f".{text}" if text else "") + "Z"


def go_json(value):
    """JSON as Go's encoder writes it: compact, non-ASCII raw, the characters that matter to HTML escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for raw in "<>&\u2028\u2029":
        text = text.replace(raw, f"\\u{ord(raw):04x}")
    return text


def fields(event):
    """The log fields of an event, in the order of its generation."""
    ip = "<nil>" if event.ip is None else event.ip
    who = {"OrganizationID": event.organization, "WorkspaceOwnerID": event.owner, "WorkspaceID": event.workspace_id,
           "WorkspaceName": event.workspace, "AgentName": event.agent}
    stamp = rfc3339(event.time_ns)
    if event.generation == "C":
        destination = event.slug if event.type in WEB else event.app
        return {"request_id": event.request, "ID": event.id, "Time": stamp, **who, "ConnectionMethod": event.type,
                "AppNameOrPort": destination, "Code": event.code, "IP": ip, "UserAgent": event.user_agent,
                "UserID": event.user, "ConnectionID": event.connection, "DisconnectReason": event.reason,
                "ConnectionStatus": event.status, "ClientSessionID": event.session}
    code = event.code
    if event.generation == "0":
        # The JSON sink of those days printed Go's structs; see `human_line` for the other one.
        code = f"{{Int32:{code or 0} Valid:{'false' if code is None else 'true'}}}"
    rest = {"Type": event.type, "Code": code, "IP" if event.generation == "B" else "Ip": ip,
            "UserAgent": event.user_agent, "UserID": event.user, "SlugOrPort": event.slug,
            "ConnectionID": event.connection, "DisconnectReason": event.reason}
    if event.generation == "0":
        return {"request_id": event.request, "ID": event.id, "Time": stamp, **who, **rest,
                "ConnectionStatus": event.status}
    return {"request_id": event.request, "ID": event.id, **who, **rest, "Time": stamp,
            "ConnectionStatus": event.status}


def json_entry(ts_ns, level, message, caller, function, names, values, trace=None):
    """Any entry as slog's JSON sink writes it."""
    head = {"ts": rfc3339(ts_ns), "level": level, "msg": message, "caller": caller, "func": function}
    if names:
        head["logger_names"] = names
    if trace:
        head["trace"], head["span"] = trace
    return go_json({**head, "fields": values} if values else head)


def json_line(event, ts_ns, trace=None):
    return json_entry(ts_ns, "INFO", "connection_log", CALLER, FUNC, ["coderd"], fields(event), trace)


def stackdriver_line(event, ts_ns):
    seconds, nanos = divmod(ts_ns, 1_000_000_000)
    path, line = CALLER.rsplit(":", 1)
    return go_json({
        "logging.googleapis.com/severity": "INFO", "severity": "INFO", "message": "connection_log",
        "timestampSeconds": seconds, "timestampNanos": nanos,
        "logging.googleapis.com/sourceLocation": {"file": path, "line": int(line), "function": FUNC},
        "logging.googleapis.com/operation": {"producer": "coderd"}, **fields(event)})


def go_quote(text):
    """Go's strconv.Quote for the text that occurs here."""
    out = []
    for c in text:
        if c in '"\\':
            out.append("\\" + c)
        elif c in "\a\b\f\n\r\t\v":
            out.append("\\" + "abfnrtv"["\a\b\f\n\r\t\v".index(c)])
        elif c < " " or c == "\x7f":
            out.append(f"\\x{ord(c):02x}")
        elif c != " " and not c.isprintable():
            out.append(f"\\u{ord(c):04x}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def human_value(value):
    """A field's value as slog's human sink writes it: quoted only where it must be."""
    if value is None:
        return "<nil>"
    if isinstance(value, int):
        return str(value)
    if value == "":
        return '""'
    quoted = go_quote(value)
    return quoted if any(c.isspace() for c in value) or quoted != f'"{value}"' else value


def human_entry(ts_ns, level, name, message, values, gap="  ", colour=False, prefix=""):
    """Any entry as slog's human sink writes it; the first value with a line break becomes a block of its own."""
    def paint(code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    seconds, fraction = divmod(ts_ns, 1_000_000_000)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + f".{fraction // 1_000_000:03d}"
    head = f"{prefix}{paint('90', stamp)} {paint('96', f'[{level}]')}{gap}{name + ': ' if name else ''}{message}"
    block = None
    for key, value in values.items():
        if block is None and isinstance(value, str) and "\n" in value.strip():
            block = (key, value)
            continue
        written = value.text if isinstance(value, Written) else human_value(value)
        head += gap + paint("94", key) + paint("90", "=") + written
    if block is None:
        return head
    key, value = block
    first, *others = value.split("\n")
    return "\n".join([head + " ...", f"    {key}= {first}"] + [f"    {' ' * (len(key) + 2)}{o}" for o in others])


@dataclass
class Written:
    """A value that is written as it stands, quotes included."""

    text: str


def human_line(event, ts_ns, time_form="rfc3339", **options):
    """The event by the human sink; `time_form` is `rfc3339` (slog up to v3.0.0-rc1) or `go` (from v3.0.0 on)."""
    values = fields(event)
    if time_form == "go":
        stamp = rfc3339(event.time_ns)[:-1].replace("T", " ") + " +0000 UTC"
    else:
        stamp = rfc3339(event.time_ns)
    values["Time"] = Written(f'"{stamp}"')
    values["Code"] = event.code
    return human_entry(ts_ns, "info", "coderd", "connection_log", values, **options)


def connection_type(event):
    """The type of an event of any generation: C derives it from the method and the app."""
    if event.generation == "C" and event.type == "ssh":
        if event.app in VSCODE_FAMILY:
            return "vscode"
        if event.app in JETBRAINS_FAMILY:
            return "jetbrains"
    return event.type


def message_id(event):
    kind = connection_type(event)
    if kind in WEB:
        return "CONN_WEB"
    if kind == "tunnel":
        return "CONN_TUNNEL"
    return "CONN_CLOSE" if event.status == "disconnected" else "CONN_OPEN"


def severity(event):
    web = connection_type(event) in WEB + ("tunnel",)
    if web and event.code in (401, 403):
        return 5
    if event.code is not None and (event.code >= 500 or (not web and event.code != 0 and event.reason)):
        return 4
    return 6


def plain(text):
    """Control characters as `#` and three octal digits, as the example of RFC 5424 §8.2 has them."""
    return re.sub(r"[\x00-\x1f\x7f]", lambda match: f"#{ord(match[0]):03o}", text)


def syslog_message(event, hostname, app_name="coder", facility=16, sd_id="connlog@32473"):
    """What an RFC 5424 receiver must find: all but PROCID and MSG. Parameters without a value are left out."""
    destination = event.app if event.generation == "C" and event.type not in WEB else event.slug
    parameters = {
        "eid": event.id, "ev": event.status, "type": connection_type(event), "cid": event.connection,
        "ip": event.ip, "ws": event.workspace, "agent": event.agent, "user": event.user, "app": destination,
        "code": None if event.code is None else str(event.code), "reason": event.reason, "owner": event.owner,
        "wsid": event.workspace_id, "org": event.organization, "csid": event.session, "ua": event.user_agent,
        "req": event.request}
    return {"pri": facility * 8 + severity(event), "timestamp": rfc3339(event.time_ns, digits=6, strip=False),
            "hostname": hostname, "app": app_name, "msgid": message_id(event),
            "sd": {sd_id: {k: plain(v) for k, v in parameters.items() if v}}}


def event_of_line(line):
    """The event of a line that `json_line` wrote for generation A."""
    values = json.loads(line)["fields"]
    seconds, fraction = values["Time"][:-1].partition(".")[::2]
    time_ns = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))
    return Event(
        id=values["ID"], request=values["request_id"], time_ns=time_ns * 1_000_000_000 + int(fraction.ljust(9, "0")),
        organization=values["OrganizationID"], owner=values["WorkspaceOwnerID"], workspace_id=values["WorkspaceID"],
        workspace=values["WorkspaceName"], agent=values["AgentName"], type=values["Type"], code=values["Code"],
        ip=values["Ip"], user_agent=values["UserAgent"], user=values["UserID"], slug=values["SlugOrPort"],
        connection=values["ConnectionID"], reason=values["DisconnectReason"], status=values["ConnectionStatus"])


def seeded(seed):
    rnd = random.Random(seed)
    return rnd, uuids(rnd)
