#!/usr/bin/env bash
# Puts schemathesis, which asks an API everything that its OpenAPI document allows and some things that it does not, into
# a directory of its own.
#
#     setup-schemathesis.sh DIRECTORY      # does nothing when it is there
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?name the directory}
[ -x "$dir/bin/schemathesis" ] && exit 0
"$here/need-packages.sh" python3-venv
python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5' || {
    echo "schemathesis could not be fetched from the Python package index; pip's own words are above." >&2
    exit 1
}
