#!/usr/bin/env python3
"""Writes connlog.json, a Grafana dashboard of one page: is anything lost, does anything wait, is anything odd.

    python3 config/grafana/dashboard.py > config/grafana/connlog.json
    python3 config/grafana/dashboard.py --expressions      # one a line, for a test
"""
import json
import sys

ON = 'instance=~"$instance"'
# (title, kind, unit, width of 24, [(expression, legend)], thresholds)
PANELS = [
    ("Sources wait", "stat", "none", 4, [(f"count(connlog_queue_ok{{{ON}}} == 0) or vector(0)", "")], [(1, "red")]),
    ("Sinks that hold or are stuck", "stat", "none", 4,
     [(f'count(connlog_sink_state{{{ON},state="holding"}} == 1 or connlog_sink_stuck{{{ON}}} == 1) or vector(0)', "")], [(1, "red")]),
    ("Events waiting for the slowest sink", "stat", "short", 4, [(f"max(connlog_sink_lag_events{{{ON}}})", "")], [(10000, "orange")]),
    ("Queue", "stat", "percentunit", 4, [(f"max(connlog_queue_bytes{{{ON}}} / connlog_queue_bytes_max)", "")], [(0.7, "orange"), (0.9, "red")]),
    ("Events lost in a day", "stat", "short", 4,
     [(f"sum(increase(connlog_sink_skipped_events_total{{{ON}}}[1d])) + sum(increase(connlog_queue_damaged_events_total{{{ON}}}[1d]))", "")],
     [(1, "red")]),
    ("Refused for good in a day", "stat", "short", 4, [(f"sum(increase(connlog_sink_dead_letters_total{{{ON}}}[1d])) or vector(0)", "")], [(1, "orange")]),
    ("Events taken in", "timeseries", "cps", 12, [(f"rate(connlog_source_events_total{{{ON}}}[$__rate_interval])", "{{source}}")], []),
    ("Events delivered", "timeseries", "cps", 12, [(f"rate(connlog_sink_delivered_events_total{{{ON}}}[$__rate_interval])", "{{sink}}")], []),
    ("Events that wait", "timeseries", "short", 12, [(f"connlog_sink_lag_events{{{ON}}}", "{{sink}}")], []),
    ("Age of the oldest event that waits", "timeseries", "s", 12, [(f"connlog_sink_oldest_event_age_seconds{{{ON}}}", "{{sink}}")], []),
    ("Not read yet", "timeseries", "bytes", 12, [(f"connlog_source_unread_bytes{{{ON}}}", "{{source}}")], []),
    ("Since the last event", "timeseries", "s", 12, [(f"connlog_source_last_event_age_seconds{{{ON}}}", "{{source}}")], []),
    ("State of the sinks", "timeseries", "none", 12, [(f"connlog_sink_state{{{ON}}}", "{{sink}} {{state}}")], []),
    ("Batches sent again", "timeseries", "cps", 12, [(f"rate(connlog_sink_retries_total{{{ON}}}[$__rate_interval])", "{{sink}} {{reason}}")], []),
    ("Lines that are no events, or cannot be read", "timeseries", "cps", 12,
     [(f"rate(connlog_source_skipped_lines_total{{{ON}}}[$__rate_interval])", "{{source}} {{kind}}"),
      (f"rate(connlog_source_malformed_lines_total{{{ON}}}[$__rate_interval])", "{{source}} malformed: {{reason}}")], []),
    ("Queue on the disk", "timeseries", "bytes", 12, [(f"connlog_queue_bytes{{{ON}}}", "taken"), (f"connlog_queue_bytes_max{{{ON}}}", "allowed")], []),
    ("Questions", "timeseries", "reqps", 12,
     [(f"sum by (route, status) (rate(connlog_http_requests_total{{{ON}}}[$__rate_interval]))", "{{route}} {{status}}")], []),
]


def panel(number, place, title, kind, unit, width, queries, thresholds):
    steps = [{"color": "green", "value": None}] + [{"color": color, "value": value} for value, color in thresholds]
    return {
        "id": number, "title": title, "type": kind, "gridPos": place,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {"defaults": {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}, "overrides": []},
        "options": {"colorMode": "background"} if kind == "stat" else {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [{"refId": chr(65 + index), "expr": expression, "legendFormat": legend,
                     "datasource": {"type": "prometheus", "uid": "${datasource}"}} for index, (expression, legend) in enumerate(queries)],
    }


def dashboard():
    panels, x, y = [], 0, 0
    for number, (title, kind, unit, width, queries, thresholds) in enumerate(PANELS, 1):
        height = 4 if kind == "stat" else 8
        if x + width > 24:
            x, y = 0, y + previous
        panels.append(panel(number, {"x": x, "y": y, "w": width, "h": height}, title, kind, unit, width, queries, thresholds))
        x, previous = x + width, height
    return {
        "title": "connlog", "uid": "connlog", "tags": ["connlog"], "schemaVersion": 39, "version": 1, "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"}, "timezone": "", "editable": True,
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
            {"name": "instance", "type": "query", "label": "connlog", "multi": True, "includeAll": True, "refresh": 2,
             "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": "label_values(connlog_info, instance)"},
        ]},
        "panels": panels,
    }


if sys.argv[1:] == ["--expressions"]:
    for _, _, _, _, queries, _ in PANELS:
        for expression, _ in queries:
            print(expression.replace("$__rate_interval", "5m").replace("$instance", ".*"))
else:
    print(json.dumps(dashboard(), indent=2))
