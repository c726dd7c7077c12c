#!/usr/bin/env python3
"""Writes the schemas that the tests of the formats ecs and ocsf check against, out of the published ones.

    make_siem_schemas.py ocsf                 needs the package ocsf-json-schema 1.2.0 (MIT), which holds OCSF 1.8.0 compiled
    make_siem_schemas.py ecs ecs_flat.yml     generated/ecs/ecs_flat.yml of elastic/ecs, tag v8.17.0; needs PyYAML

Each is cut down to the attributes that connlog writes; everything else about those stays: types, required attributes,
allowed values, patterns, and that no other attribute is allowed. See Tests/ConnlogCoreTests/Golden/SIEM/README.md.
"""

import json
import os
import re
import sys

TOP = os.path.join(os.path.dirname(__file__), "../..")
ENCODERS = os.path.join(TOP, "Sources/ConnlogCore/Encode/SIEM")
SCHEMAS = os.path.join(TOP, "Tests/ConnlogCoreTests/Golden/SIEM")
CLASSES = {4001: "network_activity", 4007: "ssh_activity", 4014: "tunnel_activity", 6001: "web_resources_activity"}


def written(encoder):
    """The keys that an encoder's source has."""
    with open(os.path.join(ENCODERS, encoder), encoding="utf-8") as file:
        return set(re.findall(r'\\"([@a-z_]+)\\":', file.read()))


def cut(schema, keys):
    """A schema with no properties but those of `keys`, and no titles."""
    kept = {}
    for word, value in schema.items():
        if word in ("title", "deprecated", "$schema"):
            continue
        if word == "properties":
            value = {key: cut(of, keys) for key, of in value.items() if key in keys}
        elif word == "$defs":
            value = {name: cut(of, keys) for name, of in value.items()}
        elif word in ("anyOf", "items"):
            value = [cut(of, keys) for of in value] if isinstance(value, list) else cut(value, keys)
        kept[word] = value
    return kept


def used(schema, definitions, found):
    """The definitions that a schema leads to."""
    for name in re.findall(r'"\$ref": "#/\$defs/([a-z_/]+)"', json.dumps(schema)):
        if name not in found:
            found.add(name)
            used(definitions[name], definitions, found)
    return found


def ocsf():
    from ocsf_json_schema.embedded import OcsfJsonSchemaEmbedded
    from ocsf_json_schema.loader import get_ocsf_schema

    keys = written("OCSF.swift")
    source = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
    classes = {}
    for uid, name in CLASSES.items():
        for profiles in [[], ["host"]]:
            whole = cut(source.get_class_schema(name, profiles), keys)
            definitions = whole.pop("$defs")
            whole["$defs"] = {one: definitions[one] for one in sorted(used(whole, definitions, set()))}
            classes[" ".join([str(uid), *profiles])] = whole
    return classes


def ecs(path):
    import yaml

    with open(path, encoding="utf-8") as file:
        fields = yaml.safe_load(file)
    keys = written("ECS.swift") | {"address", "trace", "span", "user", "id"}
    kept = {}
    for name, field in fields.items():
        if not set(name.split(".")) <= keys:
            continue
        one = {"type": field["type"], "isList": "array" in field.get("normalize", [])}
        allowed = field.get("allowed_values")
        if allowed:
            one["allowed"] = {value["name"]: value.get("expected_event_types", []) for value in allowed}
        kept[name] = one
    return kept


def main():
    name, *rest = sys.argv[1:]
    file, content = ("ocsf-1.8.0.json", ocsf()) if name == "ocsf" else ("ecs-8.17.0.json", ecs(*rest))
    with open(os.path.join(SCHEMAS, file), "w", encoding="utf-8") as out:
        json.dump(content, out, indent=1, sort_keys=True)
        out.write("\n")


main()
