#!/usr/bin/env bash
# Makes what is installed: from a clean clone, both Debian packages and the programs that they hold.
#
#     config/package.sh [DIR]        DIR (or .build/package) gets
#
#         connlog_VERSION_ARCH.deb, connlog-forwarder_VERSION_ARCH.deb, and -dbgsym for each
#         server/, forwarder/        connlog, connlog.debug, manual pages, completions
#
# CONNLOG_FLAVOURS=forwarder makes that flavour alone, in minutes. Needs Swift 6.3 and Debian 12; as
# root it installs what is missing. Takes about three quarters of an hour the first time on two cores, nearly all of it
# the server's libraries. The same commit gives the same files, byte for byte, by the same Swift, versions of packages
# (Package.resolved) and Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(realpath -m "${1:-.build/package}")
read -ra flavours <<<"${CONNLOG_FLAVOURS:-forwarder server}"

Tests/tools/need-packages.sh libcurl4-openssl-dev libisal-dev libsqlite3-dev libssl-dev pkg-config python3 binutils \
    debhelper dpkg-dev fakeroot

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)

version=$(config/version.sh)

for flavour in "${flavours[@]}"; do
    config/static/build.sh "$flavour" "$dir/$flavour"
    (
        cd "$dir/$flavour"
        ./connlog reference >reference.ini
        # A file that is read by a shell, not started.
        ./connlog --generate-completion-script bash | sed 1d >connlog.bash
        ./connlog --generate-completion-script zsh >connlog.zsh
        ./connlog --generate-completion-script fish >connlog.fish
    )
    rm -rf "$dir/$flavour/man"
    python3 config/debian/manual.py "$dir/$flavour/connlog" "$dir/$flavour/man" "$date"
done
# A source package that is made for this alone.
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tree=$stage/connlog
mkdir "$tree"
for flavour in "${flavours[@]}"; do cp -r "$dir/$flavour" "$tree"; done
cp README.md SECURITY.md CHANGELOG.md "$tree"
cp -r config/debian "$tree/debian"
cp config/systemd/* "$tree/debian"
maintainer=${CONNLOG_MAINTAINER:-$(git log -1 --format='%an <%ae>')}
[[ $maintainer =~ ^[^\<\>]+\ \<[^\<\>@\ ]+@[^\<\>@\ ]+\>$ ]] || {
    echo "'$maintainer' is no maintainer; CONNLOG_MAINTAINER='Name <address@example.com>' is one" >&2
    exit 2
}
# A name may have what means something to sed.
MAINTAINER=$maintainer perl -pi -e 's/\@MAINTAINER\@/$ENV{MAINTAINER}/' "$tree/debian/control"
mkdir "$tree/debian/source"
echo '3.0 (native)' >"$tree/debian/source/format"
cat >"$tree/debian/changelog" <<END
connlog ($version) unstable; urgency=medium

  * Built from commit $(git rev-parse HEAD).
  * changelog.gz tells what has changed.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END
rm "$tree/debian/manual.py"
# One flavour alone: the other package is not described at all.
for package in connlog:server connlog-forwarder:forwarder; do
    case " ${flavours[*]} " in
    *" ${package#*:} "*) ;;
    *) perl -00 -ni -e "print unless /^Package: ${package%:*}\n/" "$tree/debian/control" ;;
    esac
done
(cd "$tree" && dpkg-buildpackage -us -uc -b >"$dir/build.log" 2>&1) || {
    tail -n 20 "$dir/build.log" >&2
    echo "dpkg-buildpackage failed; all of its words are in $dir/build.log" >&2
    exit 1
}
rm -f "$dir"/*.deb
cp "$stage"/*.deb "$dir"
(cd "$dir" && sha256sum ./*.deb)
