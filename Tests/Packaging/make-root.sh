#!/usr/bin/env bash
# Makes the smallest Debian with systemd that a package can be installed into, in DIR; does nothing when it is there.
#
#     Tests/Packaging/make-root.sh DIR [SUITE]
#
# It has the libraries that connlog links, so that installing needs no network. Takes about a minute and a half.
# CONNLOG_DEBIAN_ARCHIVE=URL takes them from there rather than from Debian's own archive.
set -euo pipefail
dir=$(realpath -m "${1:?a folder}") suite=${2:-bookworm}
[ ! -e "$dir/made" ] || exit 0
rm -rf "$dir"
mkdir -p "$dir"

libraries=(libcurl4 libisal2 libsqlite3-0 libssl3 libstdc++6 ca-certificates)
[ "$suite" = bookworm ] || libraries=(libcurl4t64 libisal2 libsqlite3-0 libssl3t64 libstdc++6 ca-certificates)
packages=$(IFS=, && echo "systemd,systemd-sysv,dbus,procps,${libraries[*]}")
mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" "$suite" "$dir/tree" ${CONNLOG_DEBIAN_ARCHIVE:+"$CONNLOG_DEBIAN_ARCHIVE"}

# What a container has no use for would only fail.
units=$dir/tree/etc/systemd/system
for unit in systemd-networkd systemd-resolved systemd-timesyncd systemd-udevd systemd-udev-trigger systemd-modules-load \
    systemd-logind getty@tty1 console-getty apt-daily.timer apt-daily-upgrade.timer; do
    case $unit in *.*) ;; *) unit+=.service ;; esac
    ln -sf /dev/null "$units/$unit"
done
echo 0123456789abcdef0123456789abcdef >"$dir/tree/etc/machine-id"
touch "$dir/made"
