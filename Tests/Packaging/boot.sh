#!/usr/bin/env bash
# Starts the Debian in ROOT with systemd as its process 1, in namespaces of its own: no network but a loopback, no
# hardware, nothing of this machine. Prints the number of its process 1 and the folder of its group, which is to be
# removed after the end, and returns; `kill -KILL` of the process ends everything.
#
#     read -r pid group < <(Tests/Packaging/boot.sh ROOT LOG)
#     nsenter -t $pid -m -u -i -n -p -C -r -w COMMAND
set -euo pipefail
ROOT=$(realpath "$1") log=$2
export ROOT

# Its processes are in a group of their own, below which systemd makes its own.
hierarchy=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
[ -n "$hierarchy" ] || { echo "cgroup2 is not mounted on this machine" >&2; exit 1; }
group=$hierarchy/connlog-test-${CONNLOG_CI_RUN:+$CONNLOG_CI_RUN-}$$
mkdir "$group"

(
    echo "$BASHPID" >"$group/cgroup.procs"
    exec unshare --mount --uts --ipc --net --cgroup --pid --fork --kill-child --propagation private bash -c '
        set -e
        mount --bind "$ROOT" "$ROOT"
        mount -t proc proc "$ROOT/proc"
        mount -t sysfs -o ro sysfs "$ROOT/sys"
        mount -t tmpfs tmpfs "$ROOT/sys/fs/cgroup"
        mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
        mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
        for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
            set -- $node
            mknod -m 666 "$ROOT/dev/$1" c "$2" "$3"
        done
        ln -s /proc/self/fd "$ROOT/dev/fd"
        ln -s pts/ptmx "$ROOT/dev/ptmx"
        mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
        mount -t devpts devpts "$ROOT/dev/pts" -o newinstance,ptmxmode=0666
        for folder in dev/shm run tmp; do mount -t tmpfs tmpfs "$ROOT/$folder"; done
        ip link set lo up
        cd "$ROOT"
        mkdir -p .old
        pivot_root . .old
        umount -l /.old
        # Without it, LoadCredential= gives empty folders.
        mount --make-rshared /
        exec env -i container=test CONNLOG_CI_RUN="${CONNLOG_CI_RUN:-}" PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init --log-target=journal --show-status=no \
            systemd.unit=multi-user.target
    '
) >"$log" 2>&1 </dev/null &
outside=$!

# unshare has one child: process 1 of the other side.
for _ in {1..600}; do
    pid=$(cat "/proc/$outside/task/$outside/children" 2>/dev/null) || true
    pid=${pid%% *}
    if [ -n "$pid" ] && nsenter -t "$pid" -m -u -i -n -p -C -r -w systemctl is-system-running --wait >/dev/null 2>&1; then
        echo "$pid $group"
        exit
    fi
    kill -0 "$outside" 2>/dev/null || break
    sleep 0.2
done
echo "systemd did not come up in $ROOT; its words are in $log" >&2
kill -KILL "$outside" 2>/dev/null || true
exit 1
