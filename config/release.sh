#!/usr/bin/env bash
# A whole release by one command, from a clean clone.
#
#     config/release.sh [DIR]        DIR (or .build/release) gets, with the version in their names,
#
#         both Debian packages, and -dbgsym for each
#         an OCI image of each (skopeo, podman, containerd)
#         the source as it is in git, with the versions of packages that were built (Package.resolved)
#         the Splunk app
#         a list of everything that is in them (SPDX 2.3)
#         SHA256SUMS of all of these
#
# As root, on Debian 12 with Swift 6.3. Takes about an hour on two cores the first time. CONNLOG_FLAVOURS=forwarder makes a release
# of the forwarder alone, in minutes. Sign SHA256SUMS with what your users trust, such as `gpg --clearsign SHA256SUMS`.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(realpath -m "${1:-.build/release}")
fail() {
    echo "No release: $*" >&2
    exit 1
}
changes=$(git status --porcelain)
[ -z "$changes" ] || fail "there are changes that are not committed, and what is released must be in the repository: $changes"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
version=$(config/version.sh)
export CONNLOG_PACKAGE_VERSION=$version
# As it stands in names of files and images.
tag=$(tr '~+' '--' <<<"$version")
read -ra flavours <<<"${CONNLOG_FLAVOURS:-forwarder server}"
export CONNLOG_FLAVOURS="${flavours[*]}"
work=.build/package

config/package.sh "$work"
rm -rf "$dir"
mkdir -p "$dir"
# The versions that were built, by the first flavour's lock: one manifest, so the same for both.
lock=Package.resolved
[ -e "$lock" ] || fail "the build has left no Package.resolved"

# As git has it, and the lock, which is no part of the repository.
git archive --format=tar --prefix="connlog-$tag/" --add-file="$lock" HEAD | gzip -n -9 >"$dir/connlog-$tag.tar.gz"

app=TA-coder-connections
tar -C examples/splunk --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --mode='u=rwX,go=rX' \
    --transform "s,^\.,$app," --exclude=./README.md --exclude='./local*' --exclude='.[^/]*' -c . | gzip -n -9 >"$dir/$app-$tag.tgz"

bill=(--version "$version" --commit "$(git rev-parse HEAD)" --lock "$lock"
    --swift "$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([^ ]*\).*/\1/p')")
for flavour in "${flavours[@]}"; do
    case $flavour in
    server) name=connlog scratch=.build/static ;;
    forwarder) name=connlog-forwarder scratch=.build/static-forwarder ;;
    esac
    deb=$(ls "$work/${name}"_*.deb)
    cp "$work/${name}"_*.deb "$work/${name}"-dbgsym_*.deb "$dir"
    config/container/build.sh "$deb" "$work"
    image=$dir/${name}_${tag}_$(dpkg-deb -f "$deb" Architecture).oci.tar
    cp "$work/$name.oci.tar" "$image"
    objects=$(find "$scratch" -path '*/release/connlog.product/Objects.LinkFileList' | head -n 1)
    bill+=(--flavour "$name=$objects,$work/$flavour/connlog,$dir/$(basename "$deb")"
        --image "$name=$work/$name.packages,$image")
done
python3 config/sbom.py "${bill[@]}" >"$dir/connlog-$tag.spdx.json"

(cd "$dir" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
Tests/Packaging/check_release.sh "$dir"
echo "$dir:"
cat "$dir/SHA256SUMS"
