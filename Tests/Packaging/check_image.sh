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
mkdir "$work/log" "$work/state" "$work/etc"
cp examples/coderd.log "$work/log"
cat >"$work/etc/connlog.ini" <<END
[source "coderd"]
type = file
path = /var/log/coder/*.log
[sink "local"]
type = file
path = /var/lib/connlog/connections.jsonl
$server
END
chown -R 10001:10001 "$work/state"
chmod 755 "$work" "$work/etc" "$work/log" "$work/bundle"
# As process 1, as container engines start it.
setpriv --reuid 10001 --regid 10001 --clear-groups bwrap --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --as-pid-1 --uid 10001 --gid 10001 \
    --cap-drop ALL --ro-bind "$root" / --proc /proc --dev /dev --tmpfs /tmp \
    --ro-bind "$work/etc" /etc/connlog --ro-bind "$work/log" /var/log/coder --bind "$work/state" /var/lib/connlog \
    --clearenv --setenv PATH /usr/bin --info-fd 3 \
    /usr/bin/connlog run --config /etc/connlog/connlog.ini >"$work/said" 2>&1 3>"$work/information" &
bubble=$!
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
events=$(python3 Tests/tools/make_example.py ids | wc -w)
has_all() { [ "$(grep -c connection_log "$work/state/connections.jsonl" 2>/dev/null)" = "$events" ]; }
until_so "all events are in the volume" has_all
connlog=$(sed -n 's/.*"child-pid": *\([0-9]*\).*/\1/p' "$work/information")
if [ -n "$server" ]; then
    is_ready() { [ "$(nsenter -t "$connlog" -n curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8484/readyz)" = 200 ]; }
    until_so "it is ready" is_ready
fi
grep -E '^CapEff:\s0+$' "/proc/$connlog/status" >/dev/null || fail "it has a capability"
kill -TERM "$connlog"
status=0
wait "$bubble" || status=$?
bubble=
[ "$status" = 0 ] || { cat "$work/said" >&2; fail "it ends with $status"; }
echo "ok  it delivers into its volume, with a root that nobody can write and no capability, is ready, and stops when asked to"
