#!/usr/bin/env bash
# Installs what the tests need, builds, checks the format and the imports, and runs all tests.
#
#     ./Tests/run.sh [filter of swift test]
#
# CONNLOG_SEEDS=n runs n seeds of each simulation, CONNLOG_TEST_KILLS=n kills connlog n times instead of 200.
#
# CONNLOG_TEST_PACKAGES=1 also makes both packages and installs them (Tests/Packaging/run.sh), an hour the first time.
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
Tests/tools/need-packages.sh libcurl4-openssl-dev libisal-dev libsqlite3-dev libssl-dev pkg-config python3 ca-certificates openssl strace \
    e2fsprogs mount curl postgresql-15 util-linux chromium chromium-driver nginx-light libsystemd0 systemd-journal-remote
Tests/tools/setup-peers.sh .build/peers
Tests/tools/setup-python.sh .build/schemathesis 'schemathesis>=4.32,<5'
Tests/tools/setup-python.sh .build/oidc-issuer 'oidc-provider-mock==0.3.4' 'authlib<2'
Tests/tools/setup-python.sh .build/page-tools 'selenium>=4.40,<5' 'axe-core-python<1'
swift --version 2>/dev/null | sed -n 1p

section "Format"
swift format lint --strict -r Sources Tests Benchmarks/Store Package.swift

section "Release build of the forwarder, without the server"
CONNLOG_BINARY=$(Tests/tools/build-forwarder.sh)
export CONNLOG_BINARY

section "Debug build of the tests and all of connlog, with the imports checked"
swift build --build-tests --explicit-target-dependency-import-check error
CONNLOG_SERVER_BINARY=$(swift build --show-bin-path)/connlog
export CONNLOG_SERVER_BINARY

section "The library from outside: examples/custom-sink"
Tests/tools/run-custom-sink.sh

section "Instructions and allocations of a line"
Benchmarks/instructions.sh
Benchmarks/allocations.sh

section "What is installed, as far as that takes no package"
Tests/Packaging/check_files.sh
if Tests/Packaging/check_manifests.sh --tools; then
    Tests/Packaging/check_manifests.sh "$CONNLOG_SERVER_BINARY"
else
    echo "skipped: manifests, alerts and dashboard, for want of the tools named above"
fi

if [ $# -gt 0 ]; then
    section "Tests of '$1'"
    swift test --skip-build --filter "$1"
    exit
fi
section "Tests"
# Four at a time: all at once on two cores, an answer waits for minutes in one queue with everything that has just begun.
swift test --skip-build --skip ProcessTests --experimental-maximum-parallelization-width 4
# By themselves, since the ones above use every core for minutes: connlog killed 200 times under load, its system calls
# failing, its disk full, rsyslog and syslog-ng killed in mid-stream.
section "Tests of connlog as a process, against real receivers"
swift test --skip-build --filter ProcessTests
if [ -n "${CONNLOG_TEST_PACKAGES:-}" ]; then
    section "Packages, installed into a Debian with systemd"
    Tests/Packaging/run.sh
fi
