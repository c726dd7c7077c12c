#!/usr/bin/env bash
# Looks at what config/release.sh has written: that it is whole, that the sums are of it, that the source is the repository's.
#
#     Tests/Packaging/check_release.sh DIR
set -euo pipefail
dir=$(realpath "${1:?a folder}")
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "NOT KEPT  $*" >&2
    exit 1
}
one() {
    local found
    found=$(compgen -G "$dir/$1") || fail "there is no $1"
    [ "$(wc -l <<<"$found")" = 1 ] || fail "there are several $1"
    echo "$found"
}

(cd "$dir" && sha256sum --quiet --strict -c SHA256SUMS) || fail "SHA256SUMS"
diff <(cut -d' ' -f3- "$dir/SHA256SUMS") <(cd "$dir" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort) ||
    fail "SHA256SUMS does not have every file"

# The source: every file of the commit and the lock, and nothing else.
source=$(one 'connlog-*.tar.gz')
mkdir "$work/source"
tar -C "$work/source" --strip-components=1 -xzf "$source"
diff <(cd "$work/source" && find . ! -type d -printf '%P\n' | LC_ALL=C sort) \
    <({ git ls-files && echo Package.resolved; } | LC_ALL=C sort -u) || fail "the source archive has other files"
[ "$(git hash-object "$work/source/README.md")" = "$(git rev-parse HEAD:README.md)" ] || fail "the source is another commit's"

app=$(one 'TA-*.tgz')
listed=$(tar -tvzf "$app")
! grep -vE '^[d-]r[w-][x-]r-[x-]r-[x-] 0/0 .* TA-coder-connections/' <<<"$listed" || fail "the app has odd files"
! grep -E '/(local|\.)' <<<"$listed" || fail "the app has files that Splunk refuses"
for file in default/app.conf default/savedsearches.conf metadata/default.meta lookups/coder_users.csv; do
    grep -F "TA-coder-connections/$file" <<<"$listed" >/dev/null || fail "the app lacks $file"
done

bill=$(one '*.spdx.json')
programs=()
for package in "$dir"/connlog_*.deb "$dir"/connlog-forwarder_*.deb; do
    [ -e "$package" ] || continue
    name=$(dpkg-deb -f "$package" Package)
    dpkg-deb -x "$package" "$work/$name"
    programs+=(--program "$work/$name/usr/bin/connlog")
    one "$name-dbgsym_*.deb" >/dev/null
    skopeo inspect --raw "oci-archive:$(one "${name}_*.oci.tar")" | grep -q '"layers"' || fail "the image of $name is none"
done
[ ${#programs[@]} -gt 0 ] || fail "there is no package"
python3 Tests/Packaging/check_sbom.py "$bill" --lock "$work/source/Package.resolved" "${programs[@]}" || fail "$bill"
# What others read it with, where that can be had.
if Tests/tools/setup-python.sh .build/sbom-tools 'spdx-tools==0.8.3' 2>/dev/null; then
    .build/sbom-tools/bin/pyspdxtools -i "$bill" || fail "$bill is not valid"
fi
echo "ok  the release is whole: $(wc -l <"$dir/SHA256SUMS") files, their sums, the commit's source, and a list of what is in them"
