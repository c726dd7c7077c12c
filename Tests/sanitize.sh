#!/usr/bin/env bash
# Runs the tests of the queue and of the deliveries under ThreadSanitizer and AddressSanitizer.
#
#     Tests/sanitize.sh [thread|address] [filter of swift test]
#
# Needs what Tests/run.sh has installed. Each sanitizer builds into a folder of its own (.build-thread, .build-address)
# and takes some minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

# The runtime's own backtraces would hide the sanitizer's report; XCTest itself leaks a little.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=halt_on_error=0

for sanitizer in ${1:-thread address}; do
    printf '\n== %s\n' "$sanitizer"
    swift test --sanitize="$sanitizer" --scratch-path ".build-$sanitizer" \
        --filter "${2:-ConnlogQueueTests|ConnlogDeliveryTests|FileExactlyOnceTests}"
done
