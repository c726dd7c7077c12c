"""What is measured of connlog alone: latency, backlog, start-up, several sinks, many files."""
import contextlib
import os
import shutil
import subprocess
import time

from forwarders import PORT, SINKS, connlog
from measure import WORK, Forwarder, Receiver, cpu_seconds, memory, sum_of, touch_memory, warm

FOLDER = os.path.join(WORK, "case")


def fresh():
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER + "/state")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def events_of(inputs, count):
    with open(inputs, "rb") as file:
        found = [line for line in (file.readline() for _ in range(count * 2)) if b'"msg":"connection_log"' in line]
    return found[:count]


def settle(receiver, seconds=1.0):
    """Waits until nothing has been written to the queue for a while."""
    last, since = None, time.monotonic()
    while time.monotonic() - since < seconds:
        sizes = [(entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(FOLDER + "/state/queue")] \
            if os.path.isdir(FOLDER + "/state/queue") else []
        if sizes != last:
            last, since = sizes, time.monotonic()
        time.sleep(0.05)


@contextlib.contextmanager
def following(every):
    """connlog follows a log that is empty so far, with a syslog receiver; gives the log and the receiver."""
    fresh()
    path = FOLDER + "/live.log"
    receiver = Receiver("syslog", PORT, 0, every)
    with open(path, "wb", buffering=0) as log:
        forwarder = Forwarder(connlog(FOLDER, path, [SINKS["W2"]]), FOLDER + "/log")
        try:
            settle(receiver)
            yield log, receiver
        finally:
            forwarder.end()


def latency_alone(inputs, count=300):
    """Of one event at a time, from before its line is written until the receiver has it; milliseconds."""
    lines = events_of(inputs, count)
    with following(1) as (log, receiver):
        written = []
        for number, line in enumerate(lines):
            written.append(time.monotonic_ns())
            log.write(line)
            time.sleep(0.013 + number % 7 / 1000)
        settle(receiver)
    stamps = receiver.end()["stamps"]
    if len(stamps) != len(written):
        raise SystemExit(f"latency: {len(stamps)} of {len(written)} events came")
    return [(came - wrote) / 1e6 for came, wrote in zip(stamps, written)]


def latency_loaded(inputs, rate, seconds=6):
    """The same at so many events a second, of each hundredth event; milliseconds."""
    step = 0.005
    per_step = max(100, int(rate * step) // 100 * 100)
    lines = events_of(inputs, min(200_000, per_step * 40))
    chunks = [b"".join(lines[at:at + per_step]) for at in range(0, len(lines) - per_step + 1, per_step)]
    with following(100) as (log, receiver):
        written = []
        begun = time.monotonic()
        for number in range(int(seconds / step)):
            wait = begun + number * step - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            written.append(time.monotonic_ns())
            log.write(chunks[number % len(chunks)])
        took = time.monotonic() - begun
        settle(receiver)
    stamps = receiver.end()["stamps"]
    pairs = [(stamp, written[place * 100 // per_step]) for place, stamp in enumerate(stamps)]
    return [(came - wrote) / 1e6 for came, wrote in pairs], len(written) * per_step / took


def backlog(inputs):
    """Takes everything in while the receiver is down, ends, starts again with the receiver up."""
    fresh()
    expected = sum_of(inputs)
    command = connlog(FOLDER, inputs, [SINKS["W2"]])
    first = Forwarder(command, FOLDER + "/log")
    time.sleep(1)
    settle(None, 2.0)
    _, peak = first.end()
    queued = sum(entry.stat().st_blocks * 512 for entry in os.scandir(FOLDER + "/state/queue") if entry.is_file())
    receiver = Receiver("syslog", PORT, expected["events"], expected["events"] // 10)
    second = Forwarder(command, FOLDER + "/log2")
    receiver.done.wait(120)
    _, peak_after = second.end()
    got = receiver.end()
    if got["sum"] != expected["sum"] or not got["stamps"]:
        raise SystemExit(f"backlog: {got['events']} of {expected['events']} events came")
    seconds = (receiver.reached - second.started) / 1e9
    return {"queued": queued, "peak": max(peak, peak_after), "rate": expected["events"] / seconds}


def start_up(inputs):
    """From the start of the process until the first event is at the receiver; seconds, the median of five."""
    times = []
    for _ in range(5):
        fresh()
        path = FOLDER + "/one.log"
        with open(path, "wb") as file:
            file.write(events_of(inputs, 1)[0])
        receiver = Receiver("syslog", PORT, 1)
        forwarder = Forwarder(connlog(FOLDER, path, [SINKS["W2"]]), FOLDER + "/log")
        receiver.done.wait(20)
        forwarder.end()
        receiver.end()
        times.append((receiver.reached - forwarder.started) / 1e9)
    return percentile(times, 0.5)


def usage_once(inputs, sinks, receivers):
    """What `run --once` used over an input, with these sinks."""
    fresh()
    warm(inputs)
    touch_memory()
    running = [Receiver(kind, port, 0) for kind, port in receivers]
    forwarder = Forwarder(connlog(FOLDER, inputs, sinks) + ["--once"], FOLDER + "/log")
    if not forwarder.gone.wait(300) or forwarder.process.returncode != 0:
        raise SystemExit("run --once failed: " + open(FOLDER + "/log").read()[-500:])
    forwarder.end()
    for receiver in running:
        receiver.end()
    return forwarder.usage


def cpu_once(inputs, sinks, receivers):
    """CPU seconds of that."""
    used = usage_once(inputs, sinks, receivers)
    return used.ru_utime + used.ru_stime


def three_sinks(inputs):
    """CPU of file, syslog and HEC at once by that of the dearest alone; the median of five in turns."""
    file = SINKS["W1"].format(output=FOLDER + "/out.jsonl")
    hec = SINKS["W3"].replace(str(PORT), str(PORT + 1))
    syslog, splunk = ("syslog", PORT), ("hec", PORT + 1)
    ways = [([file], []), ([SINKS["W2"]], [syslog]), ([hec], [splunk]), ([file, SINKS["W2"], hec], [syslog, splunk])]
    rounds = [[cpu_once(inputs, *way) for way in ways] for _ in range(5)]
    *alone, together = [percentile(times, 0.5) for times in zip(*rounds)]
    return together / max(alone)


def many_sinks(inputs):
    """CPU seconds with 1, 2, 4, 8 and 16 file sinks: connlog's own, and the kernel's."""
    def sinks(count):
        return [f"type = file\npath = {FOLDER}/out{number}.jsonl\nrotate_size = 100GiB" for number in range(count)]
    used = [usage_once(inputs, sinks(count), []) for count in (1, 2, 4, 8, 16)]
    return [usage.ru_utime for usage in used], [usage.ru_stime for usage in used]


def shorter(inputs, lines):
    path = os.path.join(WORK, f"first-{lines}.log")
    with open(inputs, "rb") as source, open(path, "wb") as target:
        for _ in range(lines):
            target.write(source.readline())
    return path


def growth(inputs):
    """CPU seconds per million lines into syslog, for a quarter of the lines and for all, less those of one line."""
    def cost(path):
        return cpu_once(path, [SINKS["W2"]], [("syslog", PORT)])
    with open(inputs, "rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 22), b""))
    start = cost(shorter(inputs, 1))
    quarter = (cost(shorter(inputs, lines // 4)) - start) * 1e6 / (lines // 4)
    return quarter, (cost(inputs) - start) * 1e6 / lines


def silent_files(inputs, count):
    """Idle CPU share and resident bytes when so many files of one event each are followed and say nothing."""
    fresh()
    os.makedirs(FOLDER + "/logs")
    line = events_of(inputs, 1)[0]
    for number in range(count):
        with open(f"{FOLDER}/logs/{number}.log", "wb") as file:
            file.write(line)
    sink = f"type = file\npath = {FOLDER}/out.jsonl"
    forwarder = Forwarder(connlog(FOLDER, FOLDER + "/logs/*.log", [sink]), FOLDER + "/log")
    time.sleep(6)
    pid = forwarder.process.pid
    before = cpu_seconds(pid)
    time.sleep(10)
    share = (cpu_seconds(pid) - before) / 10
    resident = memory(pid, "VmRSS")
    forwarder.end()
    return share, resident


def version_seconds():
    times = []
    for _ in range(10):
        begun = time.monotonic()
        subprocess.run([os.environ["CONNLOG_BINARY"], "--version"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - begun)
    return percentile(times, 0.5)


def all_cases(inputs, rate):
    facts = []

    def fact(case, figure, goal):
        print(f"  {case}: {figure} (goal {goal})", flush=True)
        facts.append((case, figure, goal))

    print("cases", flush=True)
    alone = latency_alone(inputs)
    fact("one event alone, line written to received, p50 / p99",
         f"{percentile(alone, 0.5):.1f} / {percentile(alone, 0.99):.1f} ms", "p99 ≤ 25 ms")
    loaded, reached = latency_loaded(inputs, rate / 2)
    fact(f"the same under load, {reached / 1000:.0f} k events/s, p50 / p99",
         f"{percentile(loaded, 0.5):.1f} / {percentile(loaded, 0.99):.1f} ms", "p99 ≤ 100 ms")
    fact("start of the process to the first event received", f"{start_up(inputs) * 1000:.0f} ms", "")
    fact("`connlog --version`", f"{version_seconds() * 1000:.0f} ms", "")
    found = backlog(inputs)
    fact(f"drain of a backlog of {found['queued'] / 2**20:.0f} MiB on disk, from the start of the process",
         f"{found['rate'] / 1000:.0f} k events/s, peak RSS {found['peak'] / 2**20:.0f} MiB", "≤ 64 MiB")
    fact("file, syslog and HEC at once: CPU by that of the dearest alone", f"{three_sinks(inputs):.2f} ×", "< 2 ×")
    own, kernel = many_sinks(shorter(inputs, 100_000))
    fact("CPU s of 100,000 lines with 1, 2, 4, 8, 16 file sinks: connlog's own, and the kernel's for writing",
         "; ".join(", ".join(f"{value:.2f}" for value in values) for values in (own, kernel)), "a straight line")
    few, all_lines = growth(inputs)
    fact("CPU s per million lines for a quarter of the input and for all of it, without the start",
         f"{few:.2f} and {all_lines:.2f}", "no growth")
    few, many = silent_files(inputs, 10), silent_files(inputs, 1010)
    fact("1,010 silent files: CPU, and memory per file", f"{many[0]:.1%}, {(many[1] - few[1]) / 1000 / 1024:.1f} KiB",
         "< 1 %, ≤ 16 KiB")
    return facts
