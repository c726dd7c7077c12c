#!/usr/bin/env python3
"""What no schema knows of config/kubernetes, config/compose and config/prometheus: that users may read what they are given,
that names of one place are those of the other.

    manifests.py FOLDER      # with PyYAML

writes into FOLDER the sidecar as the chart would put it into its Deployment, and every connlog.ini by itself.
"""
import glob
import re
import sys

import yaml

work = sys.argv[1]


def documents(path):
    with open(path, encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def write(name, text):
    with open(f"{work}/{name}", "w", encoding="utf-8") as file:
        file.write(text)


# The sidecar in coderd's Pod.
values = documents("config/kubernetes/sidecar.values.yaml")[0]["coder"]
pod = {
    "initContainers": values["initContainers"], "volumes": values["volumes"],
    "containers": [{"name": "coder", "image": "ghcr.io/coder/coder", "env": values["env"], "volumeMounts": values["volumeMounts"]}],
}
labels = {"app": "coder"}
deployment = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "coder"},
    "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
}
write("sidecar-deployment.yaml", yaml.safe_dump(deployment))
sidecar = pod["initContainers"][0]
assert sidecar["restartPolicy"] == "Always" and not {"readinessProbe", "startupProbe"} & set(sidecar), "coderd would wait for it"

objects, comments = {}, {}
for path in sorted(glob.glob("config/kubernetes/*.yaml")):
    objects[path] = [document for document in documents(path) if "kind" in document]
    with open(path, encoding="utf-8") as file:
        comments[path] = " ".join(line.lstrip("# ").rstrip("\\\n") for line in file if line.startswith("#"))
    for document in objects[path]:
        if document["kind"] == "ConfigMap":
            write(f"{document['metadata']['name']}-{path.rsplit('/')[-1]}.ini", document["data"]["connlog.ini"])
objects["config/kubernetes/sidecar.values.yaml"] = [deployment]


def pods(path):
    return [document["spec"]["template"] for document in objects[path] if document["kind"] in ("DaemonSet", "StatefulSet", "Deployment")]


# A Secret's files belong to root, and to the Pod's fsGroup where it has one.
for path in objects:
    for template in pods(path):
        spec = template["spec"]
        secrets = {volume["name"]: volume["secret"] for volume in spec["volumes"] if "secret" in volume}
        for container in spec["containers"] + spec.get("initContainers", []):
            def setting(name):
                return container.get("securityContext", {}).get(name, spec.get("securityContext", {}).get(name))
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in secrets:
                    continue
                mode = secrets[mount["name"]].get("defaultMode", 0o644)
                needed = 0o400 if setting("runAsUser") == 0 else 0o040 if "fsGroup" in spec.get("securityContext", {}) else 0o004
                assert mode & needed, f"{path}: user {setting('runAsUser')} may not read secret {secrets[mount['name']]['secretName']} of mode {mode:o}"

# Every Secret that is mounted or named is one that a comment says how to make, with every key that is used.
for path in objects:
    made = {}
    words = comments[path] + " " + (comments["config/kubernetes/sidecar.yaml"] if "sidecar" in path else "")
    for name, rest in re.findall(r"create secret generic (\S+)((?:\s+--from-file=\S+)+)", words):
        made[name] = set(re.findall(r"--from-file=([^=\s]+)=", rest))
    text = open(path, encoding="utf-8").read()
    for template in pods(path):
        mounted = [volume["secret"]["secretName"] for volume in template["spec"]["volumes"] if "secret" in volume]
        used = set(re.findall(r"/run/secrets/connlog/([\w.-]+)", text))
        for name in mounted:
            assert name in made, f"{path}: nobody says how to make secret {name}"
            assert used <= made[name], f"{path}: secret {name} lacks {used - made[name]}"
    for name, key in re.findall(r"\{ name: ([\w-]+), key: ([\w.-]+) \}", text):
        assert key in made.get(name, ()), f"{path}: nobody says how to make {key} of secret {name}"

# Namespaced objects are in a namespace that is there.
for path in ("config/kubernetes/daemonset.yaml", "config/kubernetes/server.yaml"):
    spaces = {document["metadata"]["name"] for document in objects[path] if document["kind"] == "Namespace"}
    for document in objects[path]:
        if document["kind"] != "Namespace":
            assert document["metadata"].get("namespace") in spaces, f"{path}: {document['kind']} is in no namespace of this file"

# The name by which a certificate is checked is the Service's.
services = {f"{document['metadata']['name']}.{document['metadata']['namespace']}.svc"
            for path in objects for document in objects[path] if document["kind"] == "Service"}
# The alert looks for the jobs that the monitors and the scrape example make.
with open("config/prometheus/connlog.rules.yml", encoding="utf-8") as file:
    jobs = re.findall(r'up\{job=~"([^"]+)"\} == 0', file.read())
assert len(jobs) == 1
made = [scrape["job_name"] for scrape in documents("config/prometheus/prometheus.yml")[0]["scrape_configs"] if scrape["job_name"] != "coderd"]
for path in objects:
    for document in objects[path]:
        if document["kind"] != "PodMonitor":
            continue
        spec = document["spec"]
        wanted = spec["selector"]["matchLabels"].items()
        chosen = [template for template in pods(path) if wanted <= template["metadata"]["labels"].items()]
        assert chosen, f"{path}: a PodMonitor that sees no Pod"
        for template in chosen:
            label = template["metadata"]["labels"].get(spec.get("jobLabel"))
            made.append(label or f"{document['metadata']['namespace']}/{document['metadata']['name']}")
            ports = {port["name"] for container in template["spec"]["containers"] for port in container["ports"]}
            for endpoint in spec["podMetricsEndpoints"]:
                assert endpoint["port"] in ports, f"{path}: no port {endpoint['port']}"
                if endpoint.get("scheme") == "https":
                    assert endpoint["tlsConfig"]["serverName"] in services, f"{path}: {endpoint['tlsConfig']}"
assert len(made) == 3, made
for job in made:
    assert re.fullmatch(jobs[0], job), f"ConnlogDown does not look at job {job}"

# Compose: whose volumes these are, the image says.
with open("config/container/build.sh", encoding="utf-8") as file:
    image = file.read()
user = re.search(r"--config\.user (\d+):\d+", image)[1]
group = re.search(r'chown -R \d+:(\d+) "\$root/var/log/coder"', image)[1]
compose = documents("config/compose/compose.connlog.yaml")[0]["services"]["connlog"]
assert compose["user"] == f"{user}:{group}", f"connlog's container runs as {compose['user']}, not {user}:{group}"
