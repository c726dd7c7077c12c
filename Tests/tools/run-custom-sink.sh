#!/usr/bin/env bash
# Builds examples/custom-sink against this checkout, tests its sink by the contract of sinks, and runs both of its programs
# on the example log: each prints or delivers every connection event, and started again brings none of them again.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
scratch=$root/.build/custom-sink
cd examples/custom-sink
swift build --build-tests --scratch-path "$scratch"
swift test --skip-build --scratch-path "$scratch"
bin=$(swift build --scratch-path "$scratch" --show-bin-path)

folder=$(mktemp -d)
receivers=()
stop_receivers() {
    for pid in "${receivers[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${receivers[@]}"; do wait "$pid" 2>/dev/null || true; done
    receivers=()
}
trap 'stop_receivers; rm -rf "$folder"' EXIT
wanted=$(sed -n 's/.*"events":\([0-9]*\).*/\1/p' "$root/examples/coderd.counts")

expect() { # WHAT FOUND WANTED
    if [ "$2" != "$3" ]; then
        echo "examples/custom-sink: $1: $2 events, not $3" >&2
        exit 1
    fi
    echo "$1: $2 events"
}

"$bin/custom-sink" "$folder/print" "$root/examples/coderd.log" >"$folder/first"
expect "custom-sink prints" "$(wc -l <"$folder/first")" "$wanted"
"$bin/custom-sink" "$folder/print" "$root/examples/coderd.log" >"$folder/second"
expect "custom-sink, started again, prints" "$(wc -l <"$folder/second")" 0

echo 11111111-2222-3333-4444-555555555555 >"$folder/token"
exec 3< <(exec python3 "$root/examples/receivers.py" syslog --ids "$folder/syslog.ids")
receivers+=($!)
exec 4< <(exec python3 "$root/examples/receivers.py" hec --token "$(cat "$folder/token")" --ids "$folder/splunk.ids")
receivers+=($!)
port_of() { sed -n 's/.*"port": \([0-9]*\).*/\1/p' <<<"$1"; }
read -r line <&3
syslog_port=$(port_of "$line")
read -r line <&4
splunk_port=$(port_of "$line")
"$bin/embedded-forwarder" "$folder/forward" "$root/examples/coderd.log" "http://127.0.0.1:$splunk_port" \
    "$folder/token" 127.0.0.1 "$syslog_port"
stop_receivers
expect "embedded-forwarder delivers to Splunk" "$(sort -u "$folder/splunk.ids" | wc -l)" "$wanted"
expect "embedded-forwarder delivers by syslog" "$(sort -u "$folder/syslog.ids" | wc -l)" "$wanted"
