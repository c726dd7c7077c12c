#!/usr/bin/env bash
# Prints the version of what is built from this commit, as Debian orders versions: a commit that is not a release is older than
# the release that it leads to.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -z "${CONNLOG_PACKAGE_VERSION:-}" ] || { echo "$CONNLOG_PACKAGE_VERSION"; exit; }
version=$(sed -n 's/.*static let text = "\(.*\)"/\1/p' Sources/connlog/Version.swift)
if [ "$(git describe --tags --exact-match 2>/dev/null)" != "v$version" ]; then
    time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
    version+="~git$(date -u -d "@$time" +%Y%m%d%H%M%S).$(git rev-parse --short=9 HEAD)"
fi
echo "$version"
