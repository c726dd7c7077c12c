#!/usr/bin/env python3
"""Whether a list of what a release is made of has the shape that SPDX 2.3 asks for, and is whole.

    check_sbom.py FILE [--lock Package.resolved] [--program FILE ...]     # names every library that a program needs, and is
                                                                          # right about the lock's versions
    check_sbom.py --self-test                                             # config/sbom.py on a small build that is made up
"""
import json
import os
import re
import subprocess
import sys
import tempfile

RELATIONS = {"DESCRIBES", "CONTAINS", "GENERATED_FROM", "STATIC_LINK", "DYNAMIC_LINK"}
PURPOSES = {"APPLICATION", "LIBRARY", "CONTAINER", "SOURCE"}


def mistakes(document):
    """Everything that is wrong with it, a sentence each."""
    found = []

    def want(holds, what):
        if not holds:
            found.append(what)

    want(document.get("spdxVersion") == "SPDX-2.3" and document.get("dataLicense") == "CC0-1.0", "not of SPDX 2.3")
    want(document.get("SPDXID") == "SPDXRef-DOCUMENT" and document.get("name"), "the document has no id or no name")
    want(re.fullmatch(r"https?://[^#\s]+", document.get("documentNamespace", "")), "its namespace is no URI")
    creation = document.get("creationInfo", {})
    want(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", creation.get("created", "")), "its time is none")
    want(creation.get("creators") and all(re.match(r"(Tool|Organization|Person): \S", one) for one in creation["creators"]), "nobody made it")
    known = {"SPDXRef-DOCUMENT"}
    for package in document.get("packages", []):
        name = package.get("name")
        want(name, "a package without a name")
        want(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package.get("SPDXID", "")), f"{name}: no id")
        want(package.get("SPDXID") not in known, f"{name}: its id is there twice")
        known.add(package.get("SPDXID"))
        want(package.get("filesAnalyzed") is False, f"{name}: files were not analyzed")
        want(package.get("primaryPackagePurpose") in PURPOSES, f"{name}: no purpose")
        for key in ("versionInfo", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"):
            want(isinstance(package.get(key), str) and package[key], f"{name}: no {key}")
        want(re.fullmatch(r"NOASSERTION|NONE|(git\+)?https?://\S+", package.get("downloadLocation", "")), f"{name}: from where?")
        for reference in package.get("externalRefs", []):
            want((reference.get("referenceCategory"), reference.get("referenceType")) == ("PACKAGE-MANAGER", "purl")
                 and re.fullmatch(r"pkg:[a-z]+/[^\s@]+@[^\s@?]+(\?[^\s]+)?", reference.get("referenceLocator", "")),
                 f"{name}: {reference} is no purl")
        for checksum in package.get("checksums", []):
            want(checksum.get("algorithm") == "SHA256" and re.fullmatch("[0-9a-f]{64}", checksum.get("checksumValue", "")),
                 f"{name}: {checksum} is no SHA-256")
    reached = {"SPDXRef-DOCUMENT"}
    relations = document.get("relationships", [])
    for relation in relations:
        want(relation.get("relationshipType") in RELATIONS, f"no relation: {relation}")
        for key in ("spdxElementId", "relatedSpdxElement"):
            want(relation.get(key) in known, f"nobody is {relation.get(key)}")
    want(any(relation.get("relationshipType") == "DESCRIBES" for relation in relations), "it describes nothing")
    for _ in relations:
        reached |= {relation.get("relatedSpdxElement") for relation in relations if relation.get("spdxElementId") in reached}
    want(known <= reached, f"of no use to anything: {known - reached}")
    return found


def names(document, kind):
    """Versions by name of what is related so to anything."""
    ids = {relation["relatedSpdxElement"] for relation in document["relationships"] if relation["relationshipType"] == kind}
    return {package["name"]: package["versionInfo"] for package in document["packages"] if package["SPDXID"] in ids}


def check(path, lock=None, programs=()):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    found = mistakes(document)
    if lock:
        with open(lock, encoding="utf-8") as file:
            locked = {pin["location"].removesuffix(".git").rsplit("/", 1)[-1]: pin["state"].get("version") for pin in json.load(file)["pins"]}
        for name, version in names(document, "STATIC_LINK").items():
            if name != "swift" and locked.get(name) != version:
                found.append(f"{name} {version} is not what the lock says: {locked.get(name)}")
    dynamic = names(document, "DYNAMIC_LINK")
    for program in programs:
        said = subprocess.run(["readelf", "-d", program], stdout=subprocess.PIPE, text=True, check=True).stdout
        for library in re.findall(r"\(NEEDED\).*\[(?:lib)?([a-z0-9+-]*)", said):
            # The package's name begins as the library's: libcurl.so.4 and libcurl4.
            stem = {"ld-linux-x": "libc", "ld-linux-aarch": "libc", "m": "libc", "gcc_s": "libgcc-s", "crypto": "libssl"}.get(
                library.rstrip("-"), "lib" + library.replace("_", "-"))
            if library.startswith("ld-linux"):
                stem = "libc"
            if not any(name.startswith(stem) for name in dynamic):
                found.append(f"{program} needs {library}, and no package in the list has it")
    return found


def self_test():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with tempfile.TemporaryDirectory() as work:
        def write(name, text):
            path = f"{work}/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return path

        pin = lambda name, version: {"identity": name.lower(), "kind": "remoteSourceControl",
                                     "location": f"https://github.com/someone/{name}.git", "state": {"revision": "0" * 40, "version": version}}
        lock = write("Package.resolved", json.dumps({"pins": [pin("swift-nio", "2.1.0"), pin("GRDB.swift", "7.1.0"), pin("unused", "1.0.0")]}))
        # As a build leaves them: Swift with a list of its sources, C with what each file includes.
        write("b/ConnlogCore.build/sources", "/src/connlog/Sources/ConnlogCore/a.swift\n")
        write("b/NIOCore.build/sources", "/src/connlog/.build/checkouts/swift-nio/Sources/NIOCore/a.swift\n")
        write("b/SQL.build/deep/a.c.d", "/b/a.c.o: \\\n  /src/connlog/.build/checkouts/GRDB.swift/Other/a.c \\\n  /usr/include/stdio.h\n")
        server = write("b/server.product/list", "/b/ConnlogCore.build/a.o\n/b/NIOCore.build/a.o\n/b/SQL.build/a.o\n")
        forwarder = write("b/forwarder.product/list", "/b/ConnlogCore.build/a.o\n/b/NIOCore.build/a.o\n")
        deb = write("x.deb", "a package")
        listed = write("x.packages", "libc6 2.36-9+deb12u1 amd64\nzlib1g 1:1.2.13.dfsg-1 amd64\n")
        program = "/bin/ls"
        def run(objects=server, lock=lock):
            return subprocess.run(
                [sys.executable, f"{top}/config/sbom.py", "--version", "1.0~git1", "--commit", "f" * 40, "--lock", lock, "--swift", "6.3",
                 "--flavour", f"connlog={objects},{program},{deb}",
                 "--flavour", f"connlog-forwarder={forwarder},{program},{deb}", "--image", f"connlog={listed},{deb}"],
                cwd=top, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        done = run()
        assert done.returncode == 0, done.stderr
        assert done.stdout == run().stdout, "the same input gives another list"
        path = write("list.json", done.stdout)
        found = check(path, lock, [program])
        assert not found, found
        document = json.loads(done.stdout)
        assert names(document, "STATIC_LINK") == {"swift-nio": "2.1.0", "GRDB.swift": "7.1.0", "swift": "6.3"}, names(document, "STATIC_LINK")
        grdb = [one["spdxElementId"] for one in document["relationships"] if one["relatedSpdxElement"] == "SPDXRef-swift-grdb.swift"]
        assert grdb == ["SPDXRef-connlog"], grdb
        assert {"zlib1g", "libc6", "connlog"} <= set(names(document, "CONTAINS"))
        # What is missing is not left out in silence.
        for objects, lock, words in [(write("b/odd.product/list", "/b/Nobodys.build/a.o\n"), lock, "module Nobodys"),
                                     (server, write("empty.resolved", '{"pins": []}'), "is not in")]:
            done = run(objects, lock)
            assert done.returncode == 1 and words in done.stderr, done.stderr
        # And the check sees what is wrong.
        for spoil, words in [
            (lambda d: d["packages"].pop(), "nobody is"), (lambda d: d["packages"].append(dict(d["packages"][0])), "twice"),
            (lambda d: d.update(spdxVersion="SPDX-2.2"), "SPDX 2.3"), (lambda d: d["relationships"].clear(), "describes nothing"),
            (lambda d: d["packages"][0].pop("versionInfo"), "versionInfo"), (lambda d: d["creationInfo"].update(created="now"), "time"),
            (lambda d: d["packages"][0].update(downloadLocation="there"), "from where"),
            (lambda d: d["packages"][0].update(checksums=[{"algorithm": "SHA256", "checksumValue": "0"}]), "SHA-256"),
        ]:
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            spoil(document)
            assert any(words in one for one in mistakes(document)), f"not seen: {words}"
    print("ok  the list of what a release is made of has its shape, and names what is linked")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    path, lock, programs, words = None, None, [], sys.argv[1:]
    while words:
        word = words.pop(0)
        if word == "--lock":
            lock = words.pop(0)
        elif word == "--program":
            programs.append(words.pop(0))
        else:
            path = word
    found = check(path, lock, programs)
    sys.exit("\n".join(found) if found else 0)


main()
