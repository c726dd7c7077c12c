#!/usr/bin/env bash
# Runs an image as a cluster would: as its own user, with a read-only root, no capability, one volume, a network of its own.
#
#     Tests/Packaging/check_image.sh PACKAGE.deb        # as root
#
# Makes the image twice (config/container/build.sh), to see that both are the same.
set -euo pipefail
package=$(realpath "${1:?a package}")
cd "$(dirname "$0")/../.."
Tests/tools/need-packages.sh umoci skopeo bubblewrap curl util-linux
name=$(dpkg-deb -f "$package" Package)
work=$(mktemp -d)
bubble=
finish() {
    [ -z "$bubble" ] || kill -KILL "$bubble" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
fail() {
    echo "NOT KEPT  $*" >&2
    exit 1
}

first=$(config/container/build.sh "$package" "$work/one")
second=$(config/container/build.sh "$package" "$work/two")
[ "${first##* }" = "${second##* }" ] || fail "two builds differ: $first, $second"
echo "ok  $first, the same twice"

archive=$work/one/$name.oci.tar
skopeo --insecure-policy copy --quiet "oci-archive:$archive" "oci:$work/image:test"
umoci unpack --image "$work/image:test" "$work/bundle" >/dev/null 2>&1
root=$work/bundle/rootfs
user=$(skopeo inspect --config "oci:$work/image:test" | sed -n 's/.*"User": "\(.*\)".*/\1/p')
[ "$user" = 10001:10001 ] || fail "it runs as $user"
shells=$(find "$root" -name '*sh' -path '*bin/*' -o -perm /6000 -type f)
[ -z "$shells" ] || fail "there is a shell, or a program that changes its user: $shells"
echo "ok  the image runs as $user and has no shell"

server=
[ "$name" != connlog ] || server=$'[store]\ntype = sqlite\n[server]\nlisten = 127.0.0.1:8484\n[access "prometheus"]
role = metrics
token_sha256 = '$(printf %064d 0)
events=$(python3 Tests/tools/make_example.py ids | wc -w)
mkdir "$work/etc"
chmod 755 "$work" "$work/etc" "$work/bundle"
cat >"$work/etc/connlog.ini" <<END
[source "coderd"]
type = file
path = /var/log/coder/*
[sink "local"]
type = file
path = /var/lib/connlog/connections.jsonl
$server
END

# until_so WHAT COMMAND...
until_so() {
    local what=$1
    shift
    for _ in {1..6000}; do
        if "$@"; then return; fi
        kill -0 "$bubble" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/said" >&2
    fail "still not so: $what"
}
has_all() { [ "$(grep -c connection_log "$state/connections.jsonl" 2>/dev/null)" = "$events" ]; }
is_ready() { [ "$(nsenter -t "$connlog" -n curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8484/readyz)" = 200 ]; }

# runs USER GROUP LOG STATE: as process 1, as container engines start it.
runs() {
    local user=$1 group=$2 log=$3
    state=$4
    setpriv --reuid "$user" --regid "$group" --clear-groups bwrap --unshare-user --unshare-pid --unshare-net --unshare-ipc \
        --unshare-uts --as-pid-1 --uid "$user" --gid "$group" --cap-drop ALL --ro-bind "$root" / --proc /proc --dev /dev --tmpfs /tmp \
        --ro-bind "$work/etc" /etc/connlog --ro-bind "$log" /var/log/coder --bind "$state" /var/lib/connlog \
        --clearenv --setenv PATH /usr/bin --info-fd 3 \
        /usr/bin/connlog run --config /etc/connlog/connlog.ini >"$work/said" 2>&1 3>"$work/information" &
    bubble=$!
    until_so "all events are in the volume" has_all
    connlog=$(sed -n 's/.*"child-pid": *\([0-9]*\).*/\1/p' "$work/information")
    if [ -n "$server" ]; then until_so "it is ready" is_ready; fi
    grep -E '^CapEff:\s0+$' "/proc/$connlog/status" >/dev/null || fail "it has a capability"
    kill -TERM "$connlog"
    status=0
    wait "$bubble" || status=$?
    bubble=
    [ "$status" = 0 ] || { cat "$work/said" >&2; fail "it ends with $status"; }
}

mkdir "$work/log" "$work/state"
cp examples/coderd.log "$work/log"
chown -R 10001:10001 "$work/state"
runs 10001 10001 "$work/log" "$work/state"
echo "ok  it delivers into its volume, with a root that nobody can write and no capability, is ready, and stops when asked to"

# As the compose file has it: both volumes begin as the image's own folders, and coderd, which is 1000:1000 in its own
# container, writes into the file that is there, and rotates it as it does by itself: a new one of the same mode and owner.
user=$(sed -n 's/^ *user: "\(.*\)".*/\1/p' config/compose/compose.connlog.yaml)
cp -a "$root/var/log/coder" "$work/coderd_log"
cp -a "$root/var/lib/connlog" "$work/connlog_state"
setpriv --reuid 1000 --regid 1000 --clear-groups /usr/bin/python3 - "$work/coderd_log/coderd.json" 9<examples/coderd.log <<'PYTHON'
import os, sys
path = sys.argv[1]
lines = os.fdopen(9).readlines()
half = len(lines) // 2
with open(path, "a") as file:
    file.writelines(lines[:half])
old = os.stat(path)
os.rename(path, path.replace(".json", "-2026-01-01T00-00-00.000.json"))
descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, old.st_mode & 0o777)
os.chown(path, old.st_uid, old.st_gid)
with os.fdopen(descriptor, "w") as file:
    file.writelines(lines[half:])
PYTHON
runs "${user%:*}" "${user#*:}" "$work/coderd_log" "$work/connlog_state"
echo "ok  as $user it reads what coderd's container writes, and writes its own volume, as the compose file has them"
