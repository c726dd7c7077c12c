#!/usr/bin/env bash
# connlog's main job in one go: builds it, gives it examples/coderd.log, and shows what came out where.
#
#     ./examples/quickstart.sh            # files, syslog and Splunk, without connlog's own server: about two minutes
#     ./examples/quickstart.sh --page     # the Connection Log page on the same log, until Ctrl-C: some minutes more
#
# Needs Swift 6.3 and, on Debian 12, root or the packages below. It starts a small syslog receiver and a stand-in
# for Splunk's HTTP Event Collector on free ports of 127.0.0.1, and ends them again. What it wrote stays in a
# directory of its own, whose name it prints.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
if [ "${1:-}" = --page ]; then exec examples/page.sh; fi

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

receivers=()
stop_receivers() {
    for pid in "${receivers[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${receivers[@]}"; do wait "$pid" 2>/dev/null || true; done
    receivers=()
}
trap stop_receivers EXIT
trap 'exit 130' INT TERM

say "What is needed"
command -v swift >/dev/null || fail "there is no 'swift' in PATH; install Swift 6.3 from https://swift.org/install"
Tests/tools/need-packages.sh libcurl4-openssl-dev libisal-dev libssl-dev pkg-config python3
swift --version 2>/dev/null | sed -n 1p

say "Building (the first time takes a minute or two)"
connlog=$(Tests/tools/build-forwarder.sh) || fail "the build failed; the compiler's words are above"

# Two receivers; each says its port once it listens.
out=$(mktemp -d "${TMPDIR:-/tmp}/connlog-quickstart.XXXXXX")
token=11111111-2222-3333-4444-555555555555
exec 3< <(exec python3 examples/receivers.py syslog --ids "$out/syslog.ids" --out "$out/syslog-received.jsonl")
receivers+=($!)
exec 4< <(exec python3 examples/receivers.py hec --token "$token" --ids "$out/splunk.ids" --out "$out/splunk-received.jsonl")
receivers+=($!)
port_of() { sed -n 's/.*"port": \([0-9]*\).*/\1/p' <<<"$1"; }
read -r -t 20 line <&3 || fail "the syslog receiver did not start"
syslog_port=$(port_of "$line")
read -r -t 20 line <&4 || fail "the Splunk stand-in did not start"
splunk_port=$(port_of "$line")

cat >"$out/connlog.ini" <<INI
[connlog]
data_dir = $out/data

[source "coderd"]
type = file
path = $top/examples/coderd.log

[sink "json"]
type = file
path = $out/connections.jsonl

[sink "human"]
type   = file
path   = $out/connections.log
format = human

[sink "siem"]
type      = syslog
transport = tcp
address   = 127.0.0.1:$syslog_port

[sink "splunk"]
type  = splunk_hec
url   = http://127.0.0.1:$splunk_port
token = $token
INI

say "connlog run --once --config $out/connlog.ini"
status=0
"$connlog" run --once --config "$out/connlog.ini" || status=$?
[ "$status" = 0 ] || fail "connlog ended with status $status; its words are above, its files in $out"

# Ending them makes the receivers write down what they have, and say whether anything was not as it must be.
kill "${receivers[@]}"
read -r -t 20 syslog_said <&3 || syslog_said=nothing
read -r -t 20 splunk_said <&4 || splunk_said=nothing
stop_receivers
for said in "$syslog_said" "$splunk_said"; do
    grep -q '"complaints": 0' <<<"$said" || fail "a receiver complained: $said"
done

expected=$(sed -n 's/.*"events":\([0-9]*\).*/\1/p' examples/coderd.counts)
lines=$(wc -l <examples/coderd.log)
# The JSON file's IDs, to hold the receivers' against.
sed 's/.*"ID":"\([^"]*\)".*/\1/' "$out/connections.jsonl" | sort >"$out/json.ids"

say "What went where: $lines lines of examples/coderd.log, $expected connection events among them"
wrong=0
row() { # name, events, first line, file
    [ "$2" = "$expected" ] || wrong=1
    printf '%-7s %4s events  %s\n        %s\n' "$1" "$2" "$4" "$(cut -c1-150 <<<"$3")"
}
row json "$(wc -l <"$out/connections.jsonl")" "$(head -n 1 "$out/connections.jsonl")" "$out/connections.jsonl"
row human "$(grep -c '^[0-9-]* [0-9:.]* \[' "$out/connections.log")" "$(head -n 1 "$out/connections.log")" "$out/connections.log"
row syslog "$(wc -l <"$out/syslog.ids")" "$(head -n 1 "$out/syslog-received.jsonl")" "$out/syslog-received.jsonl"
row splunk "$(wc -l <"$out/splunk.ids")" "$(head -n 1 "$out/splunk-received.jsonl")" "$out/splunk-received.jsonl"
[ "$wrong" = 0 ] || fail "a count above is not $expected"
for kind in syslog splunk; do
    sort "$out/$kind.ids" | cmp -s - "$out/json.ids" || fail "the event IDs that the $kind receiver has are not those in the JSON file"
done
[ "$(sort -u "$out/json.ids" | wc -l)" = "$expected" ] || fail "an event is in the JSON file twice"
printf '\nEvery event is in all four, once. The configuration is %s/connlog.ini; when done: rm -r %s\n' "$out" "$out"
