"""The table and the plot of what was measured."""
import datetime
import os
import platform
import statistics

from forwarders import WORK_NAMES
from measure import ROOT

README = os.path.join(ROOT, "Benchmarks", "README.md")
FIGURES = os.path.join(ROOT, "Benchmarks", "figures.svg")
BEGIN, END = "<!-- figures: begin, written by Benchmarks/run.sh -->", "<!-- figures: end -->"


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        gib = int(file.readline().split()[1]) / 2**20
    return f"{os.cpu_count()} cores ({model}), {gib:.0f} GiB, Linux {platform.release()}, {datetime.date.today()}"


def grouped(rows):
    """Rows of one work, forwarder and queue together, connlog first."""
    groups = {}
    for row in rows:
        groups.setdefault((row["work"], row["name"], row["queue"]), []).append(row)
    return groups


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def best_peer(groups, work):
    """The events/s and the CPU time of the best peer at a work; the two may be different peers."""
    peers = [rows for (at, name, _), rows in groups.items() if at == work and name != "connlog"]
    if not peers:
        return None
    return max(median(rows, "events_per_second") for rows in peers), min(median(rows, "cpu_per_million") for rows in peers)


def text(rows, facts, options):
    groups = grouped(rows)
    lines = [f"{machine()}. {options.lines:,} lines; the median (least to most) of {options.runs} runs, connlog and the peers in",
             "turns. *Others* is what other programs took of the machine meanwhile.", "",
             "| work | forwarder | queue | events/s | CPU s per million | peak RSS MiB | others | against the best peer |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for work in WORK_NAMES:
        best = best_peer(groups, "W3" if work.startswith("W3") else work)
        for (at, name, queue), group in groups.items():
            if at != work:
                continue
            rates = sorted(row["events_per_second"] / 1000 for row in group)
            ratio = ""
            if name == "connlog" and best:
                ratio = (f"{median(group, 'events_per_second') / best[0]:.1f} × the events/s, "
                         f"1/{best[1] / median(group, 'cpu_per_million'):.1f} of the CPU")
            mark = "**" if name == "connlog" else ""
            wrong = "" if all(row["exact"] for row in group) else " (not exact!)"
            lines.append(f"| {work} {WORK_NAMES[work]} | {mark}{name}{mark}{wrong} | {queue} | {mark}{statistics.median(rates):.0f} k"
                         f"{mark} ({rates[0]:.0f}-{rates[-1]:.0f}) | {median(group, 'cpu_per_million'):.1f} | "
                         f"{max(row['peak_bytes'] for row in group) / 2**20:.0f} | {median(group, 'others'):.0%} | {ratio} |")
    exact = sum(row["exact"] for row in rows)
    lines += ["", f"In {exact} of {len(rows)} runs the receiver had each event exactly once, by count and by the sum of the IDs' hashes."]
    if facts:
        lines += ["", "| case | figure | goal |", "| --- | --- | --- |"]
        lines += [f"| {case} | {figure} | {goal} |" for case, figure, goal in facts]
    return "\n".join(lines)


def plot(rows):
    """Bars of events per second."""
    groups = grouped(rows)
    bars = [(work, name, queue, median(groups[work, name, queue], "events_per_second"))
            for work in WORK_NAMES for (at, name, queue) in groups if at == work]
    most = max((bar[3] for bar in bars), default=1)
    height = 40 + 26 * len(bars)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{height}" font-family="sans-serif" font-size="13">',
             f'<rect width="860" height="{height}" fill="white"/>',
             '<text x="10" y="22" font-weight="bold">Events per second (median); connlog syncs every event, the peers none</text>']
    for number, (work, name, queue, rate) in enumerate(bars):
        y = 36 + 26 * number
        colour = "#1f6feb" if name == "connlog" else "#9aa4af"
        parts.append(f'<text x="10" y="{y + 15}">{work} {name}, {queue}</text>')
        parts.append(f'<rect x="270" y="{y}" width="{480 * rate / most:.1f}" height="20" fill="{colour}"/>')
        parts.append(f'<text x="{276 + 480 * rate / most:.1f}" y="{y + 15}">{rate / 1000:,.0f} k</text>')
    return "\n".join(parts + ["</svg>", ""])


def write(figures, rows):
    with open(README) as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(README, "w") as file:
        file.write(f"{before}{BEGIN}\n{figures}\n\n![Events per second](figures.svg)\n{END}{after}")
    with open(FIGURES, "w") as file:
        file.write(plot(rows))
