#!/usr/bin/env bash
# Manifests, compose file and alerts, as far as that goes without a cluster: the schemas of every Kubernetes from 1.29 on, each
# connlog.ini through `connlog check`, the alerts' own tests.
#
#     Tests/Packaging/check_manifests.sh CONNLOG        # one with its server
#     Tests/Packaging/check_manifests.sh --tools        # gets what is needed; the status says whether it is there
set -euo pipefail
connlog=$(realpath -m -- "${1:?a connlog with its server}")
cd "$(dirname "$0")/../.."
Tests/tools/need-packages.sh prometheus
Tests/tools/setup-python.sh .build/manifest-tools 'kubernetes-validate==1.37.0' 'check-jsonschema==0.39.0' 'PyYAML>=6'
[ "$1" != --tools ] || exit 0
python=$PWD/.build/manifest-tools/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python/python" Tests/Packaging/manifests.py "$work"
echo "ok  who is given a secret or a log may read it; names of manifests, compose file and alerts are those of one another"
cp config/compose/connlog.ini "$work/compose.ini"

# Objects of the Prometheus Operator have no schema here.
for version in 1.29 1.31 1.33 1.35 1.37; do
    for file in config/kubernetes/{daemonset,sidecar,server}.yaml "$work/sidecar-deployment.yaml"; do
        said=$("$python/kubernetes-validate" --strict -k "$version" "$file" 2>&1) || { echo "$said" >&2; exit 1; }
    done
done
echo "ok  the manifests are right for Kubernetes 1.29 to 1.37"

# Secrets are not there; whatever they hold stands in for them.
printf '%064d' 0 >"$work/secret"
for file in "$work"/*.ini; do
    sed -i "s#\${file:[^}]*}#\${file:$work/secret}#; s#= /run/secrets/connlog/tls.*#= $work/secret#" "$file"
    NODE_NAME=node-1 "$connlog" check --quiet --config "$file" 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
done
echo "ok  connlog reads the connlog.ini of each"

"$python/check-jsonschema" --builtin-schema vendor.compose-spec config/compose/compose.connlog.yaml >/dev/null
echo "ok  the compose file is one"

promtool check config --syntax-only config/prometheus/prometheus.yml >/dev/null
promtool check rules config/prometheus/connlog.rules.yml >/dev/null
(cd config/prometheus && promtool test rules connlog.rules.test.yml >/dev/null)
python3 - <<'PYTHON'
"""Each alert has its test and its page, and each page has an alert and more than a sentence."""
import re
rules = open("config/prometheus/connlog.rules.yml").read()
tests = open("config/prometheus/connlog.rules.test.yml").read()
alerts = re.findall(r"- alert: (\w+)", rules)
pages = {}
for heading, text in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", open("config/prometheus/RUNBOOK.md").read(), re.M):
    for name in heading.split(", "):
        assert name not in pages, f"{name} has two pages"
        pages[name] = text
for alert in alerts:
    assert re.search(rf"alertname: {alert}\b", tests), f"{alert} has no test"
    assert len(re.findall(r"[.:;]\s", pages.get(alert, ""))) >= 2, f"{alert} has no page, or hardly one"
assert set(pages) == set(alerts), f"pages of no alert: {set(pages) - set(alerts)}"
PYTHON
echo "ok  every alert comes when it should, not when it should not, and has its page"

# Every expression is one, and asks for figures that a connlog really gives.
python3 config/grafana/dashboard.py | diff - config/grafana/connlog.json >/dev/null || { echo "config/grafana/connlog.json is not what its script writes" >&2; exit 1; }
python3 Tests/Packaging/live_metrics.py "$connlog" "$work" >"$work/metrics"
promtool check metrics <"$work/metrics"
python3 - "$work/metrics" <<'PYTHON'
import json, re, subprocess, sys, tempfile
known = set(re.findall(r"^# TYPE (connlog_\w+)", open(sys.argv[1]).read(), re.M))
expressions = subprocess.run(["python3", "config/grafana/dashboard.py", "--expressions"], stdout=subprocess.PIPE, text=True).stdout.splitlines()
rules = {"groups": [{"name": "dashboard", "rules": [{"record": f"x:{n}", "expr": e} for n, e in enumerate(expressions)]}]}
with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
    json.dump(rules, file)
    file.flush()
    done = subprocess.run(["promtool", "check", "rules", file.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
alerts = open("config/prometheus/connlog.rules.yml").read()
wanted = set(re.findall(r"\bconnlog_\w+", "\n".join(expressions) + alerts))
# Of these a series comes only when something went wrong, with TLS, and with reconcile_every.
later = {"connlog_sink_dead_letters_total", "connlog_http_certificate_expiry_timestamp_seconds", "connlog_sink_retries_total", "connlog_server_restarts_total"} | {
    f"connlog_sink_reconcile_{name}" for name in ("missing_in_store", "different", "unsure", "good")}
assert wanted <= known | later, f"nobody gives {wanted - known - later}"
PYTHON
echo "ok  dashboard and alerts ask for figures that connlog gives, and /metrics is as Prometheus wants it"
