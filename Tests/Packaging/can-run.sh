#!/usr/bin/env bash
# Whether packages can be installed into a Debian of their own on this machine; says what is missing, if anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
cannot() { echo "Packages cannot be installed in a test here: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || cannot "that needs root"
[ -n "$(findmnt -n -t cgroup2 -o TARGET | head -n 1)" ] || cannot "cgroup2 is not mounted"
group=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/connlog-try-$$
mkdir "$group" 2>/dev/null || cannot "no group can be made in cgroup2"
rmdir "$group"
unshare --mount --uts --ipc --net --cgroup --pid --fork bash -c '
    folder=$(mktemp -d) && mount -t tmpfs tmpfs "$folder" && mkdir "$folder"/{lower,upper,work,root} &&
        mount -t overlay overlay -o "lowerdir=$folder/lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root" &&
        mount -t proc proc "$folder/lower" && umount "$folder/lower" "$folder/root" "$folder" && rmdir "$folder"
' 2>/dev/null || cannot "namespaces, overlayfs or proc cannot be had"

# What is made once needs no archive any more.
packages_are_there() { dpkg-query -W -f '${db:Status-Status}\n' mmdebstrap debhelper lintian 2>/dev/null | grep -cx installed | grep -qx 3; }
for suite in ${CONNLOG_SUITES:-bookworm}; do
    if [ -e ".build/debian-$suite/made" ] && packages_are_there; then continue; fi
    archive=${CONNLOG_DEBIAN_ARCHIVE:-http://deb.debian.org/debian}
    release=$(mktemp)
    # By apt's own way, which knows of proxies.
    /usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::http::Timeout=60 download-file "$archive/dists/$suite/InRelease" \
        "$release" >/dev/null 2>&1 || { rm -f "$release"; cannot "there is no archive to fetch Debian $suite from ($archive)"; }
    rm -f "$release"
done
