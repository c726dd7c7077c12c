#!/usr/bin/env python3
"""Writes what a release is made of, as SPDX 2.3 in JSON.

    sbom.py --version VERSION --commit COMMIT --lock Package.resolved [--swift VERSION]
            --flavour NAME=OBJECTS,PROGRAM,DEB [...] [--image NAME=LIST,ARCHIVE ...]

For each package (NAME is connlog or connlog-forwarder): OBJECTS is the linker's list of object files, by which is found which
packages of the lock are in it; PROGRAM is the program, by which is found which libraries of Debian it needs; DEB is the file.
LIST has what is in an image, `package version architecture` a line, ARCHIVE is the image. SOURCE_DATE_EPOCH is its date. The same
input gives the same bytes.
"""
import argparse
import datetime
import glob
import hashlib
import json
import os
import re
import subprocess
import sys

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def fail(text):
    sys.exit(f"sbom: {text}")


def spdx(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def package(name, identifier, version, place="NOASSERTION", licence="NOASSERTION", url=None, purpose="LIBRARY", file=None):
    made = {
        "name": name, "SPDXID": spdx(identifier), "versionInfo": version, "downloadLocation": place, "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": licence, "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": purpose,
    }
    if url:
        made["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}]
    if file:
        made["packageFileName"] = os.path.basename(file)
        made["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest(file)}]
    return made


def pins(lock):
    """The locked packages by the name of their folder."""
    with open(lock, encoding="utf-8") as file:
        found = json.load(file)["pins"]
    made = {}
    for pin in found:
        place = pin["location"].removesuffix(".git")
        version = pin["state"].get("version") or pin["state"]["revision"]
        made[place.rsplit("/", 1)[-1]] = package(
            place.rsplit("/", 1)[-1], f"swift-{pin['identity']}", version, f"git+{place}.git@{version}",
            url=f"pkg:swift/{place.split('://', 1)[-1]}@{version}")
    return made


def modules(objects):
    with open(objects, encoding="utf-8") as file:
        return sorted(set(re.findall(r"/([^/\n]+)\.build/", file.read())))


def owner(module, objects):
    """The folder of the package that a module is of; `None` for our own: where its first source file is."""
    build = f"{os.path.dirname(os.path.dirname(objects))}/{module}.build"
    sources = f"{build}/sources"
    if os.path.exists(sources):
        with open(sources, encoding="utf-8") as file:
            first = file.readline()
    else:
        # C and C++ have a list of what each file includes, itself before the others.
        found = sorted(glob.glob(f"{glob.escape(build)}/**/*.d", recursive=True))
        if not found:
            fail(f"nobody knows of which package module {module} is")
        with open(found[0], encoding="utf-8") as file:
            first = re.sub(r"\\\n", " ", file.read()).split(":", 1)[1].split()[0]
    found = re.search(r"/checkouts/([^/]+)/", first)
    return found[1] if found else None


def libraries(program):
    """Debian's packages of the libraries that a program needs: name, version, architecture."""
    run = lambda *words: subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", program))
    places = dict(re.findall(r"^\s*(\S+) => (\S+)", run("ldd", program), re.M))
    found = {}
    for library in needed:
        place = places.get(library)
        if place is None:
            # The loader itself.
            place = next(iter(re.findall(rf"^\s*(\S*/{re.escape(library)}) ", run("ldd", program), re.M)), None)
        if place is None:
            fail(f"{program} needs {library}, which is not here")
        real = os.path.realpath(place)
        for name in (place, real, real.removeprefix("/usr"), "/usr" + place):
            line = run("dpkg", "-S", name).split("\n")[0]
            if line:
                break
        else:
            fail(f"{library} is of no package")
        name = line.split(":")[0]
        version, architecture = run("dpkg-query", "-W", "-f=${Version} ${Architecture}\n", name).split("\n")[0].split()
        found[name] = (version, architecture)
    return found


def debian(name, version, architecture):
    return package(name, f"deb-{name}-{architecture}-{version}", version,
                   url=f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A').replace('~', '~')}?arch={architecture}")


def document(options):
    date = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    locked = pins(options.lock)
    packages, relations, described = {}, [], []

    def add(made):
        packages[made["SPDXID"]] = made
        return made["SPDXID"]

    def relate(one, kind, other):
        relation = {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
        if relation not in relations:
            relations.append(relation)

    source = add(package("connlog source", "source", options.version, licence="Apache-2.0", purpose="SOURCE"))
    packages[source]["sourceInfo"] = f"commit {options.commit}"
    described.append(source)
    for text in options.flavour:
        name, files = text.split("=", 1)
        objects, program, deb = files.split(",")
        this = add(package(name, name, options.version, licence="Apache-2.0", purpose="APPLICATION", file=deb))
        described.append(this)
        relate(this, "GENERATED_FROM", source)
        for module in modules(objects):
            folder = owner(module, objects)
            if folder is None:
                continue
            if folder not in locked:
                fail(f"module {module} is of {folder}, which is not in {options.lock}")
            relate(this, "STATIC_LINK", add(locked[folder]))
        swift = package("swift", "swift", options.swift, "git+https://github.com/swiftlang/swift.git", "Apache-2.0",
                        f"pkg:github/swiftlang/swift@{options.swift}")
        relate(this, "STATIC_LINK", add(swift))
        for library, (version, architecture) in sorted(libraries(program).items()):
            relate(this, "DYNAMIC_LINK", add(debian(library, version, architecture)))
    for text in options.image:
        name, files = text.split("=", 1)
        listed, archive = files.split(",")
        image = add(package(f"{name} image", f"image-{name}", options.version, licence="NOASSERTION", purpose="CONTAINER", file=archive))
        described.append(image)
        relate(image, "CONTAINS", spdx(name))
        with open(listed, encoding="utf-8") as file:
            for line in file:
                relate(image, "CONTAINS", add(debian(*line.split())))
    for this in described:
        relate("SPDXRef-DOCUMENT", "DESCRIBES", this)
    content = json.dumps([packages, relations], sort_keys=True)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"connlog-{options.version}",
        # Unique to the content, as SPDX wants it, and the same for the same content.
        "documentNamespace": f"https://spdx.org/spdxdocs/connlog-{options.version}-{hashlib.sha256(content.encode()).hexdigest()}",
        "creationInfo": {"created": date.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: connlog-sbom"]},
        "packages": [packages[key] for key in sorted(packages)],
        "relationships": sorted(relations, key=lambda one: tuple(one.values())),
    }


def main():
    parser = argparse.ArgumentParser()
    for name in ("version", "commit", "lock"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--swift", default="NOASSERTION")
    parser.add_argument("--flavour", action="append", required=True)
    parser.add_argument("--image", action="append", default=[])
    json.dump(document(parser.parse_args()), sys.stdout, indent=1)
    print()


main()
