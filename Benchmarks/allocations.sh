#!/usr/bin/env bash
# Shows that an event in the steady state costs no allocation: the whole way from a log over the queue into files, one of them
# JSON and one of each format for SIEMs, and a syslog receiver is run with 120,000 lines and with 20,000, and the longer run may
# allocate a few times a batch and sink more, not once an event. Fails above one allocation in five lines, for all six sinks.
#
# CONNLOG_BINARY names a release build other than this tree's.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
Tests/tools/need-packages.sh gcc libc6-dev libisal-dev python3

work=$(mktemp -d)
receiver=
trap '[ -z "$receiver" ] || kill "$receiver" 2>/dev/null || true; rm -rf "$work"' EXIT
if [ -z "${CONNLOG_BINARY:-}" ]; then
    CONNLOG_BINARY=$(Tests/tools/build-forwarder.sh)
fi
gcc -O2 -Wall -shared -fPIC -fno-builtin -o "$work/allocations.so" Benchmarks/allocations.c
gcc -O2 -Wall -o "$work/receiver" Benchmarks/receiver.c -lisal
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$work/receiver" syslog "$port" >"$work/received" &
receiver=$!
for _ in $(seq 600); do grep -q listening "$work/received" && break; sleep 0.1; done

count() {
    python3 Tests/tools/gen_lines.py --lines "$1" --out "$work/log" >"$work/made"
    rm -rf "$work/state" "$work/out.jsonl"
    printf '%s\n' "[connlog]" "data_dir = $work/state" '[source "coderd"]' "type = file" "path = $work/log" \
        '[sink "file"]' "type = file" "path = $work/out.jsonl" \
        '[sink "syslog"]' "type = syslog" "transport = tcp" "address = 127.0.0.1:$port" >"$work/connlog.ini"
    for format in cef leef ecs ocsf; do
        rm -f "$work/out.$format"
        printf '%s\n' "[sink \"$format\"]" "type = file" "path = $work/out.$format" "format = $format" >>"$work/connlog.ini"
    done
    CONNLOG_ALLOCATIONS=$work/count LD_PRELOAD=$work/allocations.so \
        "$CONNLOG_BINARY" run --config "$work/connlog.ini" --once >"$work/run" 2>&1 || { cat "$work/run" >&2; exit 1; }
    cat "$work/count"
}
short=$(count 20000)
long=$(count 120000)
more=$((long - short))
echo "$short allocations with 20,000 lines, $long with 120,000: $more for 100,000 lines more"
if [ "$more" -gt 20000 ]; then
    echo "Something allocates for each event, or for every few; look for it with: valgrind --tool=dhat" >&2
    exit 1
fi
