#!/usr/bin/env bash
# Runs libFuzzer on what reads bytes from outside. Every target also replays its corpus in the ordinary tests.
#
#     ./Tests/Fuzz/run.sh                    builds, and runs every target 100,000 times
#     ./Tests/Fuzz/run.sh TARGET [RUNS]      one target: segment offsets record json stream forgery human ini filter csv
#     FUZZ_ADDRESS=1 ./Tests/Fuzz/run.sh     with AddressSanitizer, which takes five times as long
#     FUZZ_BLIND=1 ./Tests/Fuzz/run.sh       without looking at what code is reached, from the corpus that looking has
#                                            found: two to ten times as many runs a second, for many millions of them
#
# What a run finds that reaches new code is kept in .build/fuzz-corpus/TARGET and goes on from there the next time; a
# crash, a hang (10 s) or a broken promise leaves its input in .build/fuzz-findings/TARGET-* and ends with status 1.
# Reproduce one with FUZZ_TARGET=TARGET <program> <file>, then put the file into Corpus/TARGET, so that the tests know it.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
if [ -n "${FUZZ_BLIND:-}" ]; then
    build=.build/fuzz-blind
    library=$(find "$(dirname "$(readlink -f "$(command -v swift)")")/../lib" -name libclang_rt.fuzzer-x86_64.a | sed -n 1p)
    flags=(-Xlinker "${library:?this Swift has no libFuzzer}" -Xlinker -lstdc++)
    # Nothing is found to be new without looking, so the inputs are kept and cut to no length.
    options="-keep_seed=1 -len_control=0"
else
    build=.build/fuzz
    sanitize=fuzzer${FUZZ_ADDRESS:+,address}
    flags=(-Xswiftc -sanitize=$sanitize -Xcc -fsanitize=${sanitize/fuzzer/fuzzer-no-link})
    options=
fi
build() {
    swift build --package-path Tests/Fuzz --scratch-path "$build" -c release -Xswiftc -enable-testing "${flags[@]}" \
        -Xlinker --allow-multiple-definition "$@" # libFuzzer has a main, too
}
build
program=$(build --show-bin-path)/connlog-fuzz

# The backtracer waits for a terminal that libFuzzer holds.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0
mkdir -p .build/fuzz-findings
for target in ${1:-segment offsets record json stream forgery human ini filter csv}; do
    found=$root/.build/fuzz-corpus/$target
    mkdir -p "$found"
    echo "== $target"
    FUZZ_TARGET=$target "$program" -runs="${2:-100000}" -timeout=10 -max_len=512 -use_value_profile=0 \
        -artifact_prefix="$root/.build/fuzz-findings/$target-" -print_final_stats=1 $options ${FUZZ_OPTIONS:-} \
        "$found" "$root/Tests/Fuzz/Corpus/$target"
done
