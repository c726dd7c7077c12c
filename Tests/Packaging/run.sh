#!/usr/bin/env bash
# Makes both packages, looks at them, runs the image, checks manifests and alerts, and installs them into a Debian that it makes itself: install, upgrade with events
# queued, removal, purge, broken configurations, full disks, hangs (install_test.py). Nothing of this machine is changed
# but .build and what apt-get installs.
#
#     Tests/Packaging/run.sh                 # everything: about an hour the first time on two cores, then ten minutes
#     Tests/Packaging/run.sh forwarder       # the forwarder's package alone: about ten minutes, most of it waiting for hangs
#     CONNLOG_SUITES="bookworm trixie"       # in these Debians; only the first one by default
#
# As root, on a machine with cgroup2, overlayfs and Debian's archive.
set -euo pipefail
cd "$(dirname "$0")/../.."
flavours=${1:-forwarder server}
dir=.build/package

Tests/tools/need-packages.sh mmdebstrap lintian man-db groff zsh fish util-linux iproute2 python3
CONNLOG_FLAVOURS=$flavours config/package.sh "$dir"
Tests/Packaging/check_packages.sh "$dir"
if [ -e "$dir/server/connlog" ] && [[ " $flavours " = *" server "* ]]; then
    Tests/Packaging/check_manifests.sh "$dir/server/connlog"
    Tests/Packaging/check_image.sh "$dir"/connlog_*.deb
fi
for suite in ${CONNLOG_SUITES:-bookworm}; do
    echo "In $suite:"
    Tests/Packaging/make-root.sh ".build/debian-$suite" "$suite"
    python3 Tests/Packaging/install_test.py "$dir" ".build/debian-$suite"
done
