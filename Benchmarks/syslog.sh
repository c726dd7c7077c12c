#!/usr/bin/env bash
# W2 over each syslog transport: a log that is there already, through the synced queue, to a receiver on the loopback that
# only counts (RELP: and answers). Prints events per second and CPU seconds per million events for each.
#
#     ./Benchmarks/syslog.sh [LINES] [REPEATS]        # 1000000 lines, 1 time
#
# CONNLOG_BINARY names the program; without it, the release build is made. Needs python3 and openssl.
set -euo pipefail
cd "$(dirname "$0")/.."
lines=${1:-1000000}
repeats=${2:-1}
if [ -z "${CONNLOG_BINARY:-}" ]; then
    CONNLOG_BINARY=$(Tests/tools/build-forwarder.sh)
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/connlog-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
events=$(python3 Tests/tools/gen_lines.py --lines "$lines" --seed 1 --out "$work/coderd.log" |
    sed -n 's/.*"events": *\([0-9]*\).*/\1/p')
cat "$work/coderd.log" >/dev/null

printf '%-22s %12s %14s %12s\n' transport events/s "CPU s/million" "peak MiB"
run() { # name, kind of receiver, its options, keys of the sink
    local name=$1 kind=$2 options=$3 keys=$4 port
    rm -rf "$work/data"
    mkfifo "$work/stop"
    # shellcheck disable=SC2086
    python3 Benchmarks/drain.py "$kind" --cert "$work/cert.pem" --key "$work/key.pem" $options \
        <"$work/stop" >"$work/said" &
    local receiver=$!
    exec 3>"$work/stop"
    rm "$work/stop"
    until [ -s "$work/said" ]; do sleep 0.05; done
    port=$(head -n 1 "$work/said")
    printf '%s\n' '[connlog]' "data_dir = $work/data" '[source "log"]' 'type = file' "path = $work/coderd.log" \
        '[sink "siem"]' 'type = syslog' "transport = $kind" "address = 127.0.0.1:$port" "$keys" >"$work/connlog.ini"
    local times
    times=$(python3 - "$CONNLOG_BINARY" "$work/connlog.ini" <<'PYTHON'
import resource, subprocess, sys, time
begun = time.monotonic()
status = subprocess.run([sys.argv[1], "run", "--once", "--config", sys.argv[2]], stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if status:
    sys.exit(f"connlog ended with status {status}")
print(time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss)
PYTHON
    )
    exec 3>&-
    wait "$receiver"
    awk -v n="$name" -v e="$events" -v t="$times" 'BEGIN {
        split(t, part, " ")
        printf "%-22s %12d %14.2f %12.1f\n", n, e / part[1], part[2] / e * 1000000, part[3] / 1024 }'
}
for _ in $(seq "$repeats"); do
    run tcp tcp "" ""
    run tls tls "" "tls_ca = $work/cert.pem"
    run relp relp "" "window = 1000"
    run relp_tls relp_tls "" $'window = 1000\ntls_ca = '"$work/cert.pem"
    run "relp, 1 ms more" relp "--delay-ms 1" "window = 1000"
done
