#!/usr/bin/env bash
# Builds connlog for other machines: Swift's runtime is in it, and what it still links is in Debian.
#
#     config/static/build.sh server|forwarder DIR
#
# writes DIR/connlog, stripped; DIR/connlog.debug, the debug information, found by its build id; and DIR/connlog.full,
# which is both. Two builds of one commit by one Swift, with one Package.resolved and one set of Debian's packages, are the same
# byte for byte: nothing in them tells the folder, the time or the machine (Tests/Packaging/check_reproducible.sh). The first
# build of a server takes about half an hour on two cores, later ones minutes.
set -euo pipefail
flavour=${1:?server or forwarder} to=$(realpath -m "${2:?a folder}")
cd "$(dirname "$0")/../.."

case $flavour in
server) traits=() scratch=.build/static mb_max=60 ;;
forwarder) traits=(--disable-default-traits) scratch=.build/static-forwarder mb_max=25 ;;
*)
    echo "'$flavour' is neither server nor forwarder" >&2
    exit 2
    ;;
esac
fail() {
    echo "connlog ($flavour): $*" >&2
    exit 1
}

commit=$(git rev-parse HEAD 2>/dev/null) || commit=${CONNLOG_COMMIT:?not a git clone, so CONNLOG_COMMIT must name the commit}
if [ -n "$(git status --porcelain 2>/dev/null)" ]; then commit+=+changes; fi
export CONNLOG_COMMIT=$commit SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

# Package.swift passes it on to Sources/CConnlog/no_locales.c.
libraries=$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')_static/linux
CONNLOG_ICU_TABLE=$(nm "$libraries/lib_FoundationICU.a" 2>/dev/null | awk '$2 == "R" && $3 ~ /^icudt[0-9]+_dat$/ { print $3 }')
[ -n "$CONNLOG_ICU_TABLE" ] || fail "no ICU in $libraries"
export CONNLOG_ICU_TABLE

mkdir -p "$to"
map="$PWD=/usr/src/connlog"
# Two things know the folder in spite of the map: debug information names clang's module cache, whose name goes by all paths of
# the build, and each object has a hash of all that went into it, for builds that do the same work twice. Both change the build
# id too.
everywhere=(-Xswiftc -Xfrontend -Xswiftc -no-clang-module-breadcrumbs -Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen)
options=(-c release --static-swift-stdlib --product connlog "${traits[@]}" --scratch-path "$scratch"
    -Xswiftc -file-prefix-map -Xswiftc "$map" "${everywhere[@]}" -Xcc "-ffile-prefix-map=$map" -Xcxx "-ffile-prefix-map=$map"
    -Xlinker --build-id=sha1 -Xlinker -z -Xlinker now)
swift build "${options[@]}" >&2
full=$(swift build "${options[@]}" --show-bin-path)/connlog

cp "$full" "$to/connlog.full"
objcopy --only-keep-debug --compress-debug-sections "$full" "$to/connlog.debug"
strip --strip-all -o "$to/connlog" "$full"
(cd "$to" && objcopy --add-gnu-debuglink=connlog.debug connlog)

# What was asked for, looked at in what came out.
size=$(stat -c %s "$to/connlog")
((size <= mb_max * 1000 * 1000)) || fail "$size bytes are more than $mb_max MB; is ICU's data in it?"
needs=$(readelf -d "$to/connlog" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
! grep -i swift <<<"$needs" >&2 || fail "it links Swift's libraries"
! readelf -d "$to/connlog" | grep -E 'R(UN)?PATH' | grep -v '\[\$ORIGIN\]' >&2 || fail "it has a path of this machine"
! grep -aF "$PWD" "$to/connlog.full" >/dev/null || fail "the build's folder stands in it"
printf '%s: %s bytes, needs %s\n' "$flavour" "$size" "$(tr '\n' ' ' <<<"$needs")"
