#!/usr/bin/env bash
# Puts packages of the Python package index into a directory of their own.
#
#     setup-python.sh DIRECTORY PACKAGE...      # does nothing when they are there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?name the directory}
shift
[ "$(cat "$dir/packages" 2>/dev/null)" = "$*" ] && exit 0
"$here/need-packages.sh" python3-venv
python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check "$@" || {
    echo "$* could not be fetched from the Python package index; pip's own words are above." >&2
    exit 1
}
echo "$*" >"$dir/packages"
