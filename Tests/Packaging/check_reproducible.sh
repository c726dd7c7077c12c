#!/usr/bin/env bash
# Builds one commit in two folders of different names, and compares what came out byte for byte.
#
#     Tests/Packaging/check_reproducible.sh [forwarder|server]      # ten minutes, or an hour, on two cores
#
# With KEEP=DIR the first folder's programs are left in DIR.
set -euo pipefail
flavour=${1:-forwarder}
cd "$(dirname "$0")/../.."
top=$PWD
[ -e Package.resolved ] || { echo "Build once before, so that both have the same versions of packages (Package.resolved)" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for place in one a/longer/name-of-the-other; do
    git clone --quiet "$top" "$work/$place"
    cp Package.resolved "$work/$place"
    (cd "$work/$place" && config/static/build.sh "$flavour" "$work/$place.out" >"$work/log" 2>&1) || { tail -n 30 "$work/log" >&2; exit 1; }
    # The first one's folder is gone when the second is built.
    rm -rf "${work:?}/$place"
done
failed=0
for name in connlog connlog.debug connlog.full; do
    cmp "$work/one.out/$name" "$work/a/longer/name-of-the-other.out/$name" || failed=1
done
[ -z "${KEEP:-}" ] || { mkdir -p "$KEEP" && cp "$work/one.out"/* "$KEEP"; }
[ $failed = 0 ] || { echo "NOT KEPT  two builds of the $flavour differ" >&2; exit 1; }
echo "ok  the $flavour is the same byte for byte in two folders: $(sha256sum <"$work/one.out/connlog" | cut -d' ' -f1)"
