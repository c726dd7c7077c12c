"""The connections that the page's tests look at: each kind of row, people and workspaces with hostile names.

    world.py DIRECTORY COUNT        # writes world.log, users.csv and organizations.csv, with COUNT connections more
"""
import json
import sys
import time

HOSTILE = {
    "markup": "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>",
    "rtl": "abc\u202egpj.exe\u2066x",
    "long": "ä" * 10_000,
    "emoji": "👩‍💻🚀 dev",
}


def uuid(number):
    return f"00000000-0000-4000-8000-{number:012x}"


USERS = {"alice": uuid(1), "bob": uuid(2), "<b>eve</b>": uuid(3)}
ORGANIZATIONS = {"coder": uuid(11), "labs": uuid(12)}
NOW = time.time()


def at(seconds_ago):
    now = NOW - seconds_ago
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"


def event(number, kind, seconds_ago, **more):
    fields = {
        "ID": uuid(1000 + number), "Time": at(seconds_ago), "OrganizationID": ORGANIZATIONS["coder"],
        "WorkspaceOwnerID": USERS["alice"], "WorkspaceID": uuid(21), "WorkspaceName": "dev", "AgentName": "main", "Type": kind,
        "Code": None, "Ip": "192.0.2.7", "UserAgent": "", "UserID": None, "SlugOrPort": "", "ConnectionID": None,
        "DisconnectReason": "", "ConnectionStatus": "connected",
    }
    fields.update(more)
    return json.dumps({"ts": fields["Time"], "level": "INFO", "msg": "connection_log", "fields": fields}, ensure_ascii=False)


AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36"


def web(number, kind, seconds_ago, code, user, slug, **more):
    return event(number, kind, seconds_ago, Code=code, UserID=USERS.get(user), SlugOrPort=slug, UserAgent=AGENT, **more)


def events():
    """Lines, oldest first."""
    yield web(1, "tunnel", 7300, 101, "bob", "")
    yield event(2, "ssh", 7200, ConnectionID=uuid(501))
    yield event(3, "ssh", 5400, ConnectionID=uuid(501), ConnectionStatus="disconnected", Code=137,
                DisconnectReason="signal: killed")
    yield web(4, "workspace_app", 3600, 200, "alice", "terminal")
    yield event(5, "reconnecting_pty", 3595, ConnectionID=uuid(502))
    yield web(6, "workspace_app", 3000, 403, "bob", "code-server")
    yield web(7, "workspace_app", 2900, 303, None, "code-server")
    yield web(8, "port_forwarding", 2800, 200, "bob", "8080", OrganizationID=ORGANIZATIONS["labs"])
    yield web(9, "tunnel", 2700, 403, None, "")
    yield event(10, "vscode", 2600, ConnectionID=uuid(503))
    yield event(11, "cursor", 2500, ConnectionID=uuid(504), WorkspaceOwnerID=USERS["<b>eve</b>"])
    yield event(12, "ssh", 86_400 * 60, ConnectionID=uuid(505))
    for place, (kind, name) in enumerate(sorted(HOSTILE.items())):
        yield web(20 + place, "workspace_app", 2000 + place, 200, "<b>eve</b>", name, WorkspaceName=name, WorkspaceID=uuid(40 + place),
                  AgentName=name, Ip=name[:60], OrganizationID=ORGANIZATIONS["coder"])
        yield event(40 + place, "ssh", 2100 + place, ConnectionID=uuid(600 + place), WorkspaceName=name,
                    ConnectionStatus="disconnected", DisconnectReason=name, Code=1)


def users_csv():
    return "id,username,email,name\n" + "".join(
        f'{i},{name},{"user" + i[-1]}@example.com,\n' for name, i in USERS.items())


def organizations_csv():
    return "id,name,display_name,icon\n" + "".join(f"{i},{name},{name.title()},\n" for name, i in ORGANIZATIONS.items())


def write(directory, count):
    """The log and the directories of names, as files."""
    for name, text in (("users.csv", users_csv()), ("organizations.csv", organizations_csv())):
        with open(f"{directory}/{name}", "w") as file:
            file.write(text)
    with open(f"{directory}/world.log", "w") as file:
        file.writelines(line + "\n" for line in [*crowd(count), *events()])


def crowd(count):
    """Many connections, for long lists."""
    for number in range(count):
        yield web(100_000 + number, "tunnel", 86_400 + number * 20, 101, "bob", "")


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
