#!/usr/bin/env bash
# Builds connlog without its server, optimized, and prints where it is. In a folder of its own, so that it does not take
# turns with builds that have the server.
#
#     CONNLOG_BINARY=$(Tests/tools/build-forwarder.sh)
set -euo pipefail
cd "$(dirname "$0")/../.."
options=(-c release --disable-default-traits --scratch-path .build/forwarder)
swift build "${options[@]}" --product connlog >&2
echo "$(swift build "${options[@]}" --show-bin-path)/connlog"
