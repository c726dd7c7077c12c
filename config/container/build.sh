#!/usr/bin/env bash
# Makes an OCI image out of a Debian package, without a container engine: Debian's libraries, the program, and nothing else.
#
#     config/container/build.sh PACKAGE.deb DIR
#
# writes DIR/NAME.oci.tar (skopeo, podman, containerd), DIR/NAME.docker.tar (docker load) and DIR/NAME.packages, which of Debian's
# packages are in it. The image runs as 10001:10001,
# needs no privilege, writes only below /var/lib/connlog and /var/log/connlog, and has no shell. Reads
# /etc/connlog/connlog.ini. As root, on Debian. The same package gives the same layer, byte for byte.
set -euo pipefail
package=$(realpath "${1:?a package}") dir=$(realpath -m "${2:?a folder}")
cd "$(dirname "$0")/../.."
Tests/tools/need-packages.sh mmdebstrap umoci skopeo

name=$(dpkg-deb -f "$package" Package) version=$(dpkg-deb -f "$package" Version) architecture=$(dpkg-deb -f "$package" Architecture)
tag=$(tr '~+' '--' <<<"$version")
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/tree
mkdir "$root"

# What the package depends on and what certificates, names and times are looked up in; no package manager.
libraries=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/ *\([^ |(]*\).*/\1/' | grep -v systemd | paste -sd,)
mkdir -p "$dir"
mmdebstrap --quiet --mode=root --variant=extract --include="$libraries,tzdata,base-files,netbase" \
    --extract-hook='for deb in "$1"/var/cache/apt/archives/*.deb; do
        dpkg-deb -W --showformat="\${Package} \${Version} \${Architecture}\n" "$deb"
    done >'"$work/packages" bookworm "$work/system.tar"
LC_ALL=C sort "$work/packages" >"$dir/$name.packages"
tar -C "$root" -xf "$work/system.tar"
dpkg-deb -x "$package" "$root"
# `extract` runs no scripts: what they would have done that is needed here.
mkdir -p "$root/etc/ssl/certs"
cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root"/usr/share/{man,info,locale,lintian,bash-completion,zsh,fish,bug,doc-base} "$root"/usr/share/perl* \
    "$root"/usr/lib/*/perl* "$root"/usr/bin/perl* "$root"/lib/systemd "$root"/usr/lib/sysusers.d "$root"/var/lib/{apt,dpkg} \
    "$root"/var/cache/* "$root"/var/log/* "$root"/usr/share/ca-certificates
# Licences stay; what else is documentation does not.
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/share/doc" -type d -empty -delete
find "$root"/bin "$root"/sbin "$root"/usr/bin "$root"/usr/sbin -mindepth 1 ! -name connlog -delete 2>/dev/null || true
echo 'root:x:0:0:root:/:/usr/sbin/nologin
connlog:x:10001:10001:connlog:/var/lib/connlog:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'root:x:0:
connlog:x:10001:' >"$root/etc/group"
mkdir -p "$root"/{tmp,proc,sys,dev,run} "$root"/var/{lib,log}/connlog "$root/var/log/coder" "$root/etc/connlog/conf.d"
chmod 1777 "$root/tmp"
chown -R 10001:10001 "$root"/var/{lib,log}/connlog
# Where coderd's container (1000:1000) writes its log when a fresh volume is mounted here first. coderd keeps the mode of a
# file that is there, also for those that it rotates to, and makes one for itself alone when there is none.
: >"$root/var/log/coder/coderd.json"
chmod 640 "$root/var/log/coder/coderd.json"
chmod 750 "$root/var/log/coder"
chown -R 1000:1000 "$root/var/log/coder"
find "$root" -depth -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

image=$work/image:$tag
umoci init --layout "$work/image"
umoci new --image "$image"
umoci insert --image "$image" --history.created "$date" "$root" /
umoci config --image "$image" --history.created "$date" --created "$date" --architecture "$architecture" --os linux \
    --config.user 10001:10001 --config.entrypoint /usr/bin/connlog \
    --config.cmd run --config.cmd=--config --config.cmd=/etc/connlog/connlog.ini \
    --config.volume /var/lib/connlog --config.exposedports 8484/tcp --config.stopsignal SIGTERM \
    --config.label org.opencontainers.image.title="$name" --config.label org.opencontainers.image.version="$version" \
    --config.label org.opencontainers.image.licenses=Apache-2.0 --config.label org.opencontainers.image.created="$date" \
    --config.label org.opencontainers.image.revision="$(git rev-parse HEAD 2>/dev/null || true)"
umoci gc --layout "$work/image"

rm -f "$dir/$name".{oci,docker}.tar
skopeo --insecure-policy copy --quiet "oci:$image" "oci-archive:$dir/$name.oci.tar:$tag"
skopeo --insecure-policy copy --quiet "oci:$image" "docker-archive:$dir/$name.docker.tar:$name:$tag"
bytes=$(du -sb "$root" | cut -f1)
((bytes <= 120 * 1000 * 1000)) || { echo "the image is $bytes bytes, more than 120 MB" >&2; exit 1; }
layer=$(skopeo inspect --raw "oci-archive:$dir/$name.oci.tar" | sed -n 's/.*"layers":\[{[^}]*"digest":"\([^"]*\)".*/\1/p')
echo "$name: $bytes bytes unpacked, $(stat -c %s "$dir/$name.oci.tar") as an archive, layer $layer"
