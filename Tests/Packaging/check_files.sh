#!/usr/bin/env bash
# What can be said of the packaging without a package: what purging does, that the unit's sandbox lets connlog do what it does,
# that what a test machine leaves behind is seen. Takes seconds; what needs root is skipped without.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
children=()
finish() {
    for child in "${children[@]}"; do kill -KILL "$child" 2>/dev/null && wait "$child" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
fail() {
    echo "NOT KEPT  $*" >&2
    exit 1
}

# purge STATUS: the script as package connlog has it, with the other flavour in that state, and disks mounted where data is.
# Says what is left, and whether debhelper's part ran, which would forget that the unit is to be started.
purge() {
    sed 's/@OTHER@/connlog-forwarder/; s/^#DEBHELPER#$/echo "debhelper has its way"/' config/debian/postrm >"$work/postrm"
    printf '#!/bin/sh\n[ "$3" = connlog-forwarder ] && [ -n "%s" ] || exit 1\nprintf %%s "%s"\n' "$1" "$1" >"$work/dpkg-query"
    chmod 755 "$work/dpkg-query"
    PATH=$work:$PATH unshare --mount --propagation private sh -c '
        set -e
        mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/connlog/queue && mount -t tmpfs tmpfs /var/lib/connlog
        mkdir /var/lib/connlog/queue && echo event >/var/lib/connlog/queue/1.seg
        mount -t tmpfs tmpfs /var/log && mkdir /var/log/connlog && echo event >/var/log/connlog/connections.jsonl
        sh "$1" purge 2>&1 || echo "it fails"
        find /var/lib/connlog /var/log/connlog -type f 2>/dev/null || true
    ' sh "$work/postrm"
}
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
    for status in "" not-installed config-files; do
        left="connlog: /var/lib/connlog could not be removed whole; what is left is yours
debhelper has its way"
        said=$(purge "$status")
        [ "$said" = "$left" ] || fail "purging, with the other '$status': $said"
    done
    for status in installed unpacked half-configured half-installed triggers-pending; do
        said=$(purge "$status")
        [ "$said" = "/var/lib/connlog/queue/1.seg
/var/log/connlog/connections.jsonl" ] || fail "purging, with the other '$status': $said"
    done
    echo "ok  purging empties a disk that is mounted at the data, and leaves alone what the other flavour uses"
else
    echo "skipped: what purging does (that needs root and a mount namespace)"
fi

# The sandbox, as far as it can be told without a service manager.
if command -v systemd-analyze >/dev/null; then
    python3 - config/systemd/connlog.service <<'PYTHON'
import re, subprocess, sys
unit = open(sys.argv[1]).read()
groups = {}
for line in subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.split("\n"):
    if line.startswith("@"):
        groups[name := line] = set()
    elif line.startswith("    ") and not line.startswith("    #"):
        groups[name].add(line.strip())
def calls(word):
    if not word.startswith("@"):
        return {word}
    return set().union(*(calls(inner) for inner in groups[word]))
allowed = set()
for line in re.findall(r"^SystemCallFilter=(.*)", unit, re.M):
    for word in line.lstrip("~").split():
        allowed = allowed - calls(word) if line.startswith("~") else allowed | calls(word)
# What connlog asks of the scheduler, and what its libraries need to run at all.
source = open("Sources/CConnlog/child.c").read()
used = set(re.findall(r"\b(sched_\w+|setpriority|setrlimit|ioprio_set|nice)\(", source))
assert {"sched_setscheduler", "setpriority"} <= used, "the server's process steps back in another way"
missing = (used | {"fdatasync", "renameat2", "sendto", "socket", "prlimit64", "futex", "execve"}) - allowed
assert not missing, f"the unit does not allow {missing}"
assert not {"chown", "setuid", "ptrace", "mount", "init_module", "sched_setaffinity"} & allowed, "the unit allows too much"
PYTHON
    systemd-analyze security --offline=yes --threshold=20 --no-pager config/systemd/connlog.service >"$work/security" ||
        fail "the sandbox: $(tail -n 1 "$work/security")"
    echo "ok  $(tail -n 1 "$work/security" | sed 's/^[^A-Z]*//; s/ [^ ]*$//'), with every system call that connlog makes"
else
    echo "skipped: the sandbox (there is no systemd-analyze)"
fi

# What a run of continuous integration may leave, and what is not its own.
run=check-$$
cp "$(command -v sleep)" "$work/systemd"
chmod 755 "$work/systemd"
env -i "CONNLOG_CI_RUN=$run" "$work/systemd" 1000 &
children+=($!)
env -i "CONNLOG_CI_RUN=another-$run" "$work/systemd" 1000 &
children+=($!)
until [[ $(readlink "/proc/${children[0]}/exe" "/proc/${children[1]}/exe" | grep -c /systemd) = 2 ]]; do :; done
sees() {
    said=$(TMPDIR=$work .ci/left-running "$run" 2>&1) && [ -z "$1" ] && return
    [ -n "$1" ] && [ "$(wc -l <<<"$said")" = 1 ] && [[ $said = *"$1"* ]] || fail "what is left behind, '$1': $said"
}
sees "process ${children[0]}"
kill -KILL "${children[0]}"
wait "${children[0]}" 2>/dev/null || true
sees ""
mkdir "$work/connlog-machine-$run-abc" "$work/connlog-machine-another-$run-abc"
sees "folder $work/connlog-machine-$run-abc"
rmdir "$work/connlog-machine-$run-abc"
hierarchy=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
if [ -n "$hierarchy" ] && mkdir "$hierarchy/connlog-test-$run-1" 2>/dev/null; then
    sees "group $hierarchy/connlog-test-$run-1/"
    rmdir "$hierarchy/connlog-test-$run-1"
fi
sees ""
if [ "$(id -u)" = 0 ]; then
    said=$(CONNLOG_SUITES=none CONNLOG_DEBIAN_ARCHIVE=http://127.0.0.1:9 Tests/Packaging/can-run.sh 2>&1) && fail "an archive that is none"
    [[ $said = "Packages cannot be installed in a test here: "* && $said != *$'\n'* ]] || fail "without an archive: $said"
fi
echo "ok  a run sees what it has left behind, and says why packages cannot be installed where that is so"

python3 Tests/Packaging/check_sbom.py --self-test
