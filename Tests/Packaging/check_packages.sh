#!/usr/bin/env bash
# Looks at packages without installing them: what lintian finds, whether every command and key has its manual page, whether
# shells can read the completions, what the program links.
#
#     Tests/Packaging/check_packages.sh DIR
set -euo pipefail
dir=$(realpath "${1:?a folder}")
failed=0
bad() {
    echo "NOT KEPT  $*"
    failed=1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for package in "$dir"/connlog_*.deb "$dir"/connlog-forwarder_*.deb; do
    [ -e "$package" ] || continue
    name=$(dpkg-deb -f "$package" Package)
    root=$work/$name
    dpkg-deb -x "$package" "$root"
    others=$(dpkg-deb -c "$package" | awk '$2 != "root/root" || $1 ~ /^.....w|^........w|^...[sS]|^......[sS]/')
    [ -z "$others" ] || bad "$name: files of others than root, or that others may write, or that change their user: $others"
    secrets=$(dpkg-deb -c "$package" | awk '$1 ~ /^-/ && $1 !~ /^-r..r..r../')
    [ -z "$secrets" ] || bad "$name: files that not everybody may read: $secrets"

    found=$(lintian --fail-on none --tag-display-limit 0 --display-level '>=info' --info "$package" 2>/dev/null | grep -E '^[EWI]: ' || true)
    if grep -E '^[EW]: ' <<<"$found"; then bad "$name: lintian finds something"; else echo "ok  $name: lintian finds no error and no warning"; fi

    manual=$root/usr/share/man
    pages=0
    for page in "$manual"/man?/*.gz; do
        said=$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        [ -z "$said" ] || bad "$page: $said"
        pages=$((pages + 1))
    done
    python3 - "$root/usr/bin/connlog" "$manual" <<'PYTHON' || bad "$name: manual pages are missing"
import glob, gzip, json, re, subprocess, sys
connlog, manual = sys.argv[1:]
say = lambda *words: subprocess.run([connlog, *words], capture_output=True, text=True, check=True).stdout
def commands(command, above):
    words = above + [command["commandName"]]
    yield words, command
    for sub in command.get("subcommands", []):
        if sub["shouldDisplay"] and sub["commandName"] != "help":
            yield from commands(sub, words)
missing = []
for words, command in commands(json.loads(say("--experimental-dump-help"))["command"], []):
    files = glob.glob(f"{manual}/man1/{'-'.join(words)}.1.gz")
    text = gzip.open(files[0], "rt").read() if files else ""
    for argument in command.get("arguments", []):
        for name in argument.get("names", []):
            if argument["shouldDisplay"] and name["kind"] == "long" and f"\\-\\-{name['name']}".replace("-", "\\-").replace("\\\\-", "\\-") not in text:
                missing.append(f"{' '.join(words)} --{name['name']}")
    if not files:
        missing.append(" ".join(words))
text = gzip.open(f"{manual}/man5/connlog.ini.5.gz", "rt").read()
for line in say("reference").split("\n"):
    key = re.match(r"#?([a-z_0-9]+) =", line)
    if key and f"\\fB{key[1]}\\fR" not in text:
        missing.append(key[1])
print("\n".join(missing), end="")
sys.exit(bool(missing))
PYTHON
    echo "ok  $name: $pages manual pages, one for every command, with every option and key"

    bash -n "$root/usr/share/bash-completion/completions/connlog" || bad "$name: bash"
    zsh -n "$root/usr/share/zsh/vendor-completions/_connlog" || bad "$name: zsh"
    fish -n "$root/usr/share/fish/vendor_completions.d/connlog.fish" || bad "$name: fish"
    echo "ok  $name: bash, zsh and fish read the completions"

    program=$root/usr/bin/connlog
    libraries=$(ldd "$program")
    if grep -iE 'swift|not found' <<<"$libraries"; then bad "$name: it links what Debian has not"; fi
    while read -r library; do
        # dpkg knows a file by the name it was installed under, before or after /lib became /usr/lib.
        real=$(realpath "$library")
        owner=$(dpkg -S "$library" "$real" "${real#/usr}" "/usr$library" 2>/dev/null | cut -d: -f1 | head -n 1) || true
        dpkg-deb -f "$package" Depends | grep -qw -- "${owner%t64}" || bad "$name: $library is of ${owner:-nobody}, which it does not depend on"
    done < <(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r needed; do awk -v n="$needed" '$1 == n || $1 ~ "/" n "$" { print ($3 ? $3 : $1); exit }' <<<"$libraries"; done)
    echo "ok  $name: $(stat -c %s "$package") bytes, $(stat -c %s "$program") of them the program unpacked; what it links is declared"
done
exit $failed
