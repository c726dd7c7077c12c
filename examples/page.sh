#!/usr/bin/env bash
# Brings the Connection Log page up on the sample log, until Ctrl-C. What it keeps is in a directory of its own.
#
#     examples/page.sh                      # builds connlog with its server first: some minutes, once
#     examples/page.sh --screenshots DIR    # writes light.png and dark.png there instead, with Chromium
set -euo pipefail
cd "$(dirname "$0")/.."
shots=
[ "${1:-}" = --screenshots ] && shots=$(realpath "${2:?name a directory}")

Tests/tools/need-packages.sh libcurl4-openssl-dev libisal-dev libsqlite3-dev libssl-dev pkg-config python3
connlog=${CONNLOG_SERVER_BINARY:-}
if [ -z "$connlog" ]; then
    swift build --product connlog
    connlog=$(swift build --show-bin-path)/connlog
fi

out=$(mktemp -d "${TMPDIR:-/tmp}/connlog-page.XXXXXX")
# Names for the sample's ids, as a directory of users gives them.
python3 - examples/coderd.log "$out/users.csv" <<'PYTHON'
import re
import sys
names = "alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil trent victor".split()
ids = dict.fromkeys(re.findall(r'"(?:WorkspaceOwnerID|UserID)":"([0-9a-f-]{36})"', open(sys.argv[1]).read()))
with open(sys.argv[2], "w") as file:
    file.write("id,username,email,name\n")
    for number, user in enumerate(ids):
        name = names[number % len(names)] + ("" if number < len(names) else str(number // len(names)))
        file.write(f"{user},{name},{name}@example.com,\n")
PYTHON
port=$(python3 Tests/tools/free_ports.py 1)
cat >"$out/connlog.ini" <<INI
[connlog]
data_dir = $out/data
log_level = warning

[source "coderd"]
type = file
path = $PWD/examples/coderd.log

[store]
type = sqlite

[server]
listen = 127.0.0.1:$port
open   = true

[directory "people"]
type = csv
path = $out/users.csv
INI
"$connlog" run --config "$out/connlog.ini" &
daemon=$!
trap 'kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; rm -rf "$out"' EXIT
trap 'exit 0' INT TERM
for _ in $(seq 600); do
    curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readyz" && break
    sleep 0.1
done
if [ -z "$shots" ]; then
    echo "The page is at http://127.0.0.1:$port/ until Ctrl-C; 'type:ssh status:completed' is a filter to begin with."
    wait "$daemon"
    exit
fi
Tests/tools/need-packages.sh chromium chromium-driver python3-venv
Tests/tools/setup-python.sh .build/page-tools 'selenium>=4.40,<5' 'axe-core-python<1'
.build/page-tools/bin/python Tests/page/screenshots.py "http://127.0.0.1:$port" "$shots"
