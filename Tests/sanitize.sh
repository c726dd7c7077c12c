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
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0

for sanitizer in ${1:-thread address}; do
    printf '\n== %s\n' "$sanitizer"
    folder=.build-$sanitizer
    swift build --build-tests --sanitize="$sanitizer" --scratch-path "$folder"
    preload=
    if [ "$sanitizer" = thread ]; then
        preload=$PWD/$folder/tsan_mutex.so
        clang -shared -fPIC -O1 -o "$preload" Tests/tools/tsan_mutex.c -ldl
    fi
    program=$(swift build --sanitize="$sanitizer" --scratch-path "$folder" --show-bin-path)/connlogPackageTests.xctest
    LD_PRELOAD=$preload "$program" --testing-library swift-testing \
        --filter "${2:-ConnlogQueueTests|ConnlogDeliveryTests|FileExactlyOnceTests}"
done
