#!/usr/bin/env python3
"""Holds connlog's rows and filters against a plain re-implementation in SQL, on a real PostgreSQL.

    compare_with_postgres.py --socket DIR --port N --url http://127.0.0.1:8484 --lines FILE --users FILE [--queries N]

FILE holds slog JSON lines. They go into a table as JSON, and each query is written twice: in Coder's filter language
for the API, and in SQL over that table. Both follow Coder's rules for merging and filtering, and share no code.
Prints what it compared as JSON; exits with 1 at the first difference.
"""
import argparse
import csv
import json
import random
import subprocess
import sys
import urllib.parse
import urllib.request

WEB = "('workspace_app', 'port_forwarding', 'tunnel')"

# Coder rounds to microseconds before PostgreSQL sees a time, halves up; PostgreSQL itself rounds them to even.
TEXT = "line->'fields'->>'Time'"
TIME = (f"(left({TEXT}, 19) || 'Z')::timestamptz + "
        f"round(('0.' || regexp_replace(substr({TEXT}, 20), '[^0-9]', '', 'g') || '0')::numeric, 6) * interval '1 second'")

# The events of one connection (agents') or one event (the web's) become a row: smallest connect time, first disconnect,
# first reason and code that are there, in the order of their times; all else from the event that came first.
ROWS = f"""
CREATE TABLE rows AS
WITH events AS (
    SELECT number, line->'fields' AS f, {TIME} AS at,
        nullif(nullif(line->'fields'->>'ConnectionID', ''), '00000000-0000-0000-0000-000000000000') AS connection
    FROM lines WHERE line->>'msg' = 'connection_log'
), keyed AS (
    SELECT *, CASE WHEN connection IS NULL THEN f->>'ID'
        ELSE connection || '/' || coalesce(f->>'WorkspaceID', '') || '/' || coalesce(f->>'AgentName', '') END AS key
    FROM events
), merged AS (
    SELECT key, min(at) AS connect,
        min(at) FILTER (WHERE f->>'ConnectionStatus' = 'disconnected') AS disconnect,
        (array_agg(f ORDER BY number))[1] AS f,
        (array_agg(nullif(f->>'DisconnectReason', '') ORDER BY at, number)
            FILTER (WHERE nullif(f->>'DisconnectReason', '') IS NOT NULL))[1] AS reason,
        (array_agg((f->>'Code')::int ORDER BY at, number) FILTER (WHERE f->>'Code' IS NOT NULL))[1] AS code
    FROM keyed GROUP BY key
)
SELECT f->>'ID' AS id, connect, disconnect, reason, code, f->>'OrganizationID' AS organization,
    f->>'WorkspaceOwnerID' AS owner, f->>'WorkspaceID' AS workspace, f->>'WorkspaceName' AS name,
    f->>'AgentName' AS agent, f->>'Type' AS type, nullif(f->>'UserID', '') AS user_id,
    nullif(f->>'ConnectionID', '') AS connection, f->>'Type' IN {WEB} AS web
FROM merged;
"""


def psql(arguments, sql):
    command = ["psql", "-h", arguments.socket, "-p", str(arguments.port), "-U", "postgres", "-X", "-q", "-A", "-t",
               "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(command, input=sql, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr}\n{sql[:500]}")
    return done.stdout


def load(arguments):
    with open(arguments.lines) as lines:
        texts = [line.strip() for line in lines if '"connection_log"' in line]
    copy = "".join(text.replace("\\", "\\\\").replace("\t", "\\t") + "\n" for text in texts)
    psql(arguments, "DROP TABLE IF EXISTS lines, rows; CREATE TABLE lines(number serial, line jsonb);\n"
         "COPY lines(line) FROM STDIN;\n" + copy + "\\.\n" + ROWS)
    return int(psql(arguments, "SELECT count(*) FROM rows"))


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def terms(rows, users, chance):
    """A random query in both languages: (filter, SQL)."""
    row = chance.choice(rows)
    times = row["connect_time"]
    ids = lambda column, names: f"{column} IN (" + ", ".join([quote(n) for n in names] or ["NULL"]) + ")"
    user = chance.choice(users)
    same_name = [u["id"] for u in users if u["username"].lower() == user["username"].lower()]
    kinds = ["ssh", "vscode", "jetbrains", "reconnecting_pty", "workspace_app", "port_forwarding", "tunnel"]
    kind = chance.choice(kinds)
    method = chance.choice(["ssh", "reconnecting_pty", "workspace_app", "port_forwarding", "tunnel"])
    of_method = {"ssh": ["ssh", "vscode", "jetbrains"]}.get(method, [method])
    choices = {
        "type": (f"type:{kind}", f"type = {quote(kind)}"),
        "method": (f"method:{method}", ids("type", of_method)),
        "organization": (f"organization:{row['organization']['id']}", ids("organization", [row["organization"]["id"]])),
        "workspace_owner": (f"workspace_owner:{user['username']}", ids("owner", same_name)),
        "workspace_owner_email": (f"workspace_owner_email:{user['email']}", ids("owner", [user["id"]])),
        "username": (f"username:{user['username']}", ids("user_id", same_name)),
        "user_email": (f"user_email:{user['email']}", ids("user_id", [user["id"]])),
        "connected_after": (f'connected_after:"{times}"', f"connect >= {quote(times)}"),
        "connected_before": (f'connected_before:"{times}"', f"connect <= {quote(times)}"),
        "workspace_id": (f"workspace_id:{row['workspace_id']}", f"workspace = {quote(row['workspace_id'])}"),
        "ongoing": ("status:ongoing", "NOT web AND disconnect IS NULL"),
        "completed": ("status:completed", "NOT web AND disconnect IS NOT NULL"),
    }
    if "ssh_info" in row:
        connection = row["ssh_info"]["connection_id"]
        choices["connection_id"] = (f"connection_id:{connection}", f"connection = {quote(connection)}")
    names = chance.sample(sorted(choices), chance.randint(1, 3))
    if "type" in names and "method" in names:
        names.remove("method")
    if "ongoing" in names and "completed" in names:
        names.remove("completed")
    return " ".join(choices[n][0] for n in names), " AND ".join(choices[n][1] for n in names)


def ask(arguments, query, limit=1_000_000):
    parameters = urllib.parse.urlencode({"q": query, "limit": limit})
    with urllib.request.urlopen(f"{arguments.url}/api/v2/connectionlog?{parameters}") as reply:
        return json.load(reply)


def columns(row):
    info = row.get("ssh_info") or row["web_info"]
    code = info.get("exit_code", info.get("status_code"))
    return [row["id"], row["connect_time"], info.get("disconnect_time"), info.get("disconnect_reason"), code]


SQL_TIME = "rtrim(rtrim(to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.') || 'Z'"


def expected(arguments, where):
    code = "CASE WHEN web THEN coalesce(code, 0) WHEN disconnect IS NOT NULL THEN code END"
    sql = (f"SELECT json_build_array(id, {SQL_TIME.format('connect')}, {SQL_TIME.format('disconnect')}, "
           f"CASE WHEN web THEN NULL ELSE reason END, {code}) FROM rows WHERE {where} ORDER BY connect DESC, id")
    return [json.loads(line) for line in psql(arguments, sql).splitlines()]


def compare(arguments, query, where):
    got = ask(arguments, query)
    rows = [columns(row) for row in got["connection_logs"]]
    wanted = expected(arguments, where)
    if sorted(rows, key=str) != sorted(wanted, key=str):
        differing = [r for r in rows if r not in wanted][:3], [w for w in wanted if w not in rows][:3]
        sys.exit(f"'{query}' / {where}: {len(rows)} rows, wanted {len(wanted)}; only here and only there: {differing}")
    if [r[1] for r in rows] != [w[1] for w in wanted]:
        sys.exit(f"'{query}': another order")
    if got["count"] != min(len(wanted), 2001):
        sys.exit(f"'{query}': count {got['count']} of {len(wanted)}")
    return len(rows)


def main():
    parser = argparse.ArgumentParser()
    for name in ("socket", "url", "lines", "users"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    total = load(arguments)
    with open(arguments.users) as file:
        users = list(csv.DictReader(file))
    chance = random.Random(arguments.seed)
    compared = compare(arguments, "", "true")
    rows = ask(arguments, "")["connection_logs"]
    found = 0
    for _ in range(arguments.queries):
        matched = compare(arguments, *terms(rows, users, chance))
        compared += matched
        found += matched > 0
    print(json.dumps({"rows": total, "queries": arguments.queries, "rows_compared": compared, "found": found}))


main()
