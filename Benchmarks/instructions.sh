#!/usr/bin/env bash
# Counts the instructions that decoding and encoding take for a line, and compares them with the recorded ones: what is
# more than 5 % above fails. Instructions, unlike seconds, are the same on a busy machine.
#
#     Benchmarks/instructions.sh            compares with Benchmarks/instructions.txt
#     Benchmarks/instructions.sh --record   writes it
#
# Runs `connlog convert` under callgrind on two inputs of different length; what the longer takes more, by its lines more,
# is a line's cost without the start of the process. Only functions of connlog itself count, and Swift's counting of
# references, so that another C library or processor does not matter. `decode-other` is for lines that are no events,
# which is what most of coderd's log is. CONNLOG_BINARY names a release build other than this tree's.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
Tests/tools/need-packages.sh valgrind binutils python3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${CONNLOG_BINARY:-}" ]; then
    CONNLOG_BINARY=$(Tests/tools/build-forwarder.sh)
fi
# Valgrind cannot read the debug information of newer compilers.
strip -g -o "$work/connlog" "$CONNLOG_BINARY"

short=4000 long=12000
for lines in $short $long; do
    python3 Tests/tools/gen_lines.py --lines $lines --out "$work/$lines.log" >"$work/made"
    # What coderd's log mostly holds: lines that are no events.
    python3 Tests/tools/gen_lines.py --lines $lines --events-percent 0 --out "$work/other-$lines.log" >"$work/made"
done

# Instructions of connlog's own functions, and of Swift's for them, for a conversion of so many lines.
count() {
    valgrind --tool=callgrind --callgrind-out-file="$work/calls" "$work/connlog" convert --to "$1" \
        <"$work/$2.log" >"$work/out" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
    callgrind_annotate --threshold=100 --show-percs=no "$work/calls" 2>/dev/null |
        awk -v object="[$work/connlog]" '
            # Copies of values show as counts of references.
            $NF == object || /swift_(retain|release)/ { gsub(",", "", $1); sum += $1 }
            END { printf "%d\n", sum }'
}
# A line's instructions. - Parameters: the format, and which of the inputs.
per_line() { echo $((($(count "$1" "${2:-}$long") - $(count "$1" "${2:-}$short")) / (long - short))); }

json=$(per_line json)
rfc5424=$(($(per_line rfc5424) - json))
hec=$(($(per_line hec) - json))
other=$(per_line json other-)
printf '%s\n' "decode $json" "decode-other $other" "encode-rfc5424 $rfc5424" "encode-hec $hec" >"$work/now.txt"
for format in cef leef ecs ocsf; do
    echo "encode-$format $(($(per_line $format) - json))" >>"$work/now.txt"
done

if [ "${1:-}" = --record ]; then
    cp "$work/now.txt" Benchmarks/instructions.txt
    cat Benchmarks/instructions.txt
    exit 0
fi
if [ ! -e Benchmarks/instructions.txt ]; then
    cat "$work/now.txt"
    echo "Nothing is recorded to compare with: Benchmarks/instructions.sh --record"
    exit 0
fi
if ! grep -qw avx2 /proc/cpuinfo; then
    cat "$work/now.txt"
    echo "What is recorded was counted with AVX2, which this processor does not have: nothing to compare with."
    exit 0
fi
awk '
    NR == FNR { recorded[$1] = $2; next }
    {
        change = 100 * ($2 / recorded[$1] - 1)
        printf "%-16s %5d instructions a line, recorded %5d, %+.1f %%\n", $1, $2, recorded[$1], change
        if ($2 < 1 || change > 5) worse = 1
        if (change < -5) better = 1
    }
    END {
        if (better) print "Less than recorded: note it with Benchmarks/instructions.sh --record."
        if (worse) print "More than 5 % above what is recorded: make it cheaper, or say in the commit why it must cost more and record it."
        exit worse
    }' Benchmarks/instructions.txt "$work/now.txt"
