#!/usr/bin/env bash
# Whether packages can be installed into a Debian of their own on this machine; says what is missing, if anything.
set -euo pipefail
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
