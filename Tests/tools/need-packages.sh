#!/usr/bin/env bash
# Installs those of the named Debian packages that are not there yet; does nothing, and needs no network and no root,
# when all are.
#
#     need-packages.sh PACKAGE...
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

if ! command -v apt-get >/dev/null; then
    echo "This machine has no apt-get. What is needed has these names on Debian 12; if it is all there, go on: $*" >&2
    exit 0
fi
missing=()
for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "Some packages are missing. As root: apt-get install ${missing[*]}" >&2
    exit 1
fi

log=$(mktemp)
# A package's own scripts ask policy-rc.d before they start a service; 101 means no.
policy=/usr/sbin/policy-rc.d
made=
trap 'rm -f "$log" $made' EXIT
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made=$policy
fi
apt() { apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1; }

echo "Installing ${missing[*]}"
# The lists may be absent or old; fetching them takes longer than trying.
if ! apt install --no-install-recommends "${missing[@]}"; then
    if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
        tail -n 15 "$log" >&2
        echo "apt-get could not install ${missing[*]}; its own words are above." >&2
        exit 1
    fi
fi
