#!/usr/bin/env bash
# How fast the store takes events in, answers questions, exports, and shows its page: the figures of "The store" in Benchmarks/README.md.
#
#     Benchmarks/store.sh [ROWS [DIRECTORY]]      # ROWS is 1,000,000 by itself; 10,000,000 take 6 GB and 8 minutes
#
# Builds connlog with its server, optimized: some minutes the first time. With a DIRECTORY that holds a store of so many
# rows already, it is asked again. The directory goes afterwards unless it was named.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
rows=${1:-1000000}
work=${2:-}
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
swift build -c release --product store-benchmark >&2
swift build -c release --product connlog >&2
bin=$(swift build -c release --show-bin-path)
"$bin/store-benchmark" "$work" "$rows" 40000

port=$(python3 Tests/tools/free_ports.py 1)
touch "$work/empty.log"
cat >"$work/connlog.ini" <<INI
[connlog]
data_dir = $work/data
log_level = warning
[source "none"]
type = file
path = $work/empty.log
[source "programs"]
type = ingest
[store]
type = sqlite
path = $work/benchmark.db
[server]
listen = 127.0.0.1:$port
open   = true
INI
"$bin/connlog" run --config "$work/connlog.ini" &
daemon=$!
stop() { kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; }
trap 'stop; [ -n "${2:-}" ] || rm -rf "$work"' EXIT
for _ in $(seq 200); do
    curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readyz" && break
    sleep 0.1
done
for format in csv jsonl; do
    curl --silent --output /dev/null --write-out "export as $format: %{size_download} bytes in %{time_total} s\n" \
        "http://127.0.0.1:$port/api/v2/connectionlog/export?format=$format"
done
curl --silent --output /dev/null --write-out "list of 100: first byte after %{time_starttransfer} s\n" \
    "http://127.0.0.1:$port/api/v2/connectionlog?limit=100"
# The page in a browser, where the tests have installed one.
python=.build/page-tools/bin/python3
[ ! -x "$python" ] || "$python" Benchmarks/page.py "http://127.0.0.1:$port"
grep VmHWM "/proc/$daemon/status"
stop
