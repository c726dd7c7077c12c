#!/usr/bin/env bash
# Installs what the tests need, builds, checks the format and the imports, and runs all tests.
#
#     ./Tests/run.sh [filter of swift test]
#
# CONNLOG_PROOFS=1 also runs the proofs of minutes each (SIGKILL, injected faults, syslog receivers under fire), and
# CONNLOG_SEEDS=n more seeds of the simulations.
#
# Needs Swift 6.3 and, on Debian 12, root or the packages below. Nothing that it starts is left running, and it may
# be run again and again. The last lines are swift test's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

begun=$SECONDS
section() { printf '\n== %s (%d s so far)\n' "$1" $((SECONDS - begun)); }

section "What is needed"
command -v swift >/dev/null || { echo "There is no 'swift' in PATH; install Swift 6.3 from https://swift.org/install" >&2; exit 1; }
Tests/tools/need-packages.sh libcurl4-openssl-dev libisal-dev libssl-dev pkg-config python3 ca-certificates openssl strace \
    e2fsprogs mount
Tests/tools/setup-peers.sh .build/peers
swift --version 2>/dev/null | head -n 1

section "Format"
swift format lint --strict -r Sources Tests Package.swift

section "Release build of the forwarder"
swift build -c release --product connlog
CONNLOG_BINARY=$(swift build -c release --show-bin-path)/connlog
export CONNLOG_BINARY

section "Debug build of the tests, with the imports checked"
swift build --build-tests --explicit-target-dependency-import-check error

section "Instructions and allocations of a line"
Benchmarks/instructions.sh
Benchmarks/allocations.sh

section "Tests"
swift test --skip-build ${1:+--filter "$1"}
