#!/usr/bin/env bash
# Every kind of question to connlog's API, with curl.
#
#     CONNLOG_URL=http://127.0.0.1:8484 CONNLOG_TOKEN=... ./requests.sh
set -euo pipefail
url=${CONNLOG_URL:-http://127.0.0.1:8484}
logs=$url/api/v2/connectionlog

# -G with --data-urlencode makes the parameters of a URL; the header is what Coder's own clients send.
ask() { curl --silent --show-error --fail-with-body -G -H "Coder-Session-Token: ${CONNLOG_TOKEN:-}" "$@"; }

echo "== the newest two connections, as Coder's API answers"
ask "$logs" --data-urlencode 'q=type:ssh' --data limit=2

echo "== our additions to the filter language, and our own fields"
ask "$logs" --data connlog=true --data limit=2 --data-urlencode 'q=-type:tunnel ip:0.0.0.0/0 connected_before:-1s'

echo "== everything that matches, as CSV and as JSON Lines"
ask "$logs/export" --data format=csv --data limit=3 --data-urlencode 'q=status:completed'
ask "$logs/export" --data format=jsonl --data limit=1

echo "== one connection with its events as they were received"
id=$(ask "$logs" --data limit=1 | sed 's/.*"connection_logs":\[{"id":"\([^"]*\)".*/\1/')
ask "$logs/$id"

echo "== how many, when, whose"
ask "$logs/stats" --data from=2025-01-01T00:00:00Z --data interval=604800 | cut -c1-400

echo "== handing events in: 200 means that they are on the disk; handing them in again changes nothing"
for _ in 1 2; do
    curl --silent --show-error --fail-with-body -H "Coder-Session-Token: ${CONNLOG_TOKEN:-}" \
        -H 'Content-Type: application/jsonl' "$logs/ingest" --data-binary @- <<'LINE'
{"ts":"2026-01-31T08:00:00Z","level":"INFO","msg":"connection_log","fields":{"ID":"5f0e8a52-6f0a-4f0c-9a3b-0d6f4f1c2b3a","Time":"2026-01-31T08:00:00Z","OrganizationID":"0665a54f-0b77-4a58-94aa-59646fa38a74","WorkspaceOwnerID":"6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa","WorkspaceID":"3c0b37c8-e58c-4980-b9a1-2732410480a5","WorkspaceName":"dev","AgentName":"main","Type":"ssh","Code":null,"Ip":"192.0.2.7","UserAgent":"","UserID":null,"SlugOrPort":"","ConnectionID":"7a6fafdc-e3d0-43cb-a1b7-1f19802d7908","DisconnectReason":"","ConnectionStatus":"connected"}}
LINE
done

echo "== live: what comes, as server-sent events; here the first of them"
timeout 20 curl --silent --no-buffer -H "Coder-Session-Token: ${CONNLOG_TOKEN:-}" "$logs/watch?last_event_id=0" | head -n 5 || true

echo "== how connlog is"
ask "$logs/status" --data format=text
# sed reads to the end, where head would leave curl with nobody to write to.
ask "$url/metrics" | sed -n 1,3p
