#!/usr/bin/env bash
# Gets Debian's syslog-ng and rsyslog, with its modules for TLS and RELP, for the process tests. The two packages
# conflict, so syslog-ng is installed and rsyslog is only unpacked into a directory. Nothing is started and nothing is enabled: the tests start each
# daemon themselves, with their own configuration, on 127.0.0.1.
#
#     setup-peers.sh DIRECTORY      # does nothing when both are there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?name the directory for the unpacked rsyslog}"
dir=$(cd "$1" && pwd)

command -v syslog-ng >/dev/null || "$here/need-packages.sh" syslog-ng-core
has_modules() { compgen -G "$1/*/rsyslog/imrelp.so" >/dev/null && compgen -G "$1/*/rsyslog/lmnsd_ossl.so" >/dev/null; }
if command -v rsyslogd >/dev/null; then
    has_modules /usr/lib || "$here/need-packages.sh" rsyslog-relp rsyslog-openssl
    exit 0
fi
if [ -x "$dir/rsyslog/usr/sbin/rsyslogd" ] && has_modules "$dir/rsyslog/usr/lib"; then exit 0; fi

# The libraries of rsyslogd and its modules, without rsyslog itself.
"$here/need-packages.sh" libestr0 libfastjson4 liblognorm5 librelp0
work=$(mktemp -d "$dir/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
download() {
    apt-get download -q -o APT::Sandbox::User=root rsyslog rsyslog-relp rsyslog-openssl </dev/null >apt.log 2>&1
}
download || { apt-get update -q </dev/null >apt.log 2>&1 && download; } || {
    cat apt.log >&2
    echo "rsyslog could not be fetched; apt-get's own words are above." >&2
    exit 1
}
for package in rsyslog*.deb; do dpkg -x "$package" root; done
rm -rf "$dir/rsyslog"
mv root "$dir/rsyslog"
