#!/usr/bin/env bash
# Runs the benchmarks and writes their figures into Benchmarks/README.md and Benchmarks/figures.svg.
#
#     Benchmarks/run.sh [--lines N] [--runs N] [--only NAME,...] [--dry]
#
# Builds connlog (release) and the receiver, makes the input, and runs connlog and the peers that Debian has (rsyslog,
# syslog-ng) in turns; each run's delivery is checked event by event. Takes about a quarter of an hour on two cores. Wants
# a machine that does nothing else: each row says how much others used meanwhile. Everything that is written lies in
# .build/benchmarks, and nothing that is started is left running. CONNLOG_BINARY names another connlog.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

work=$PWD/.build/benchmarks
mkdir -p "$work"
Tests/tools/need-packages.sh gcc libc6-dev libcurl4-openssl-dev libisal-dev pkg-config python3 ca-certificates
Tests/tools/setup-peers.sh "$PWD/.build/peers"
Tests/tools/need-packages.sh syslog-ng-mod-http
gcc -O2 -Wall -Wextra -o "$work/receiver" Benchmarks/receiver.c -lisal
if [ -z "${CONNLOG_BINARY:-}" ]; then
    CONNLOG_BINARY=$(Tests/tools/build-forwarder.sh)
fi
export CONNLOG_BINARY
exec python3 Benchmarks/bench.py "$@"
