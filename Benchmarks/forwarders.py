"""What is measured: connlog and the peers, and how each is told to do the work."""
import os
import shutil

from measure import ROOT

PORT = 25614
HERE = os.path.dirname(os.path.abspath(__file__))

SINKS = {
    "W1": "type = file\npath = {output}\nrotate_size = 100GiB\nrotate_every = 1000d",
    "W2": f"type = syslog\ntransport = tcp\naddress = 127.0.0.1:{PORT}\nmessage = json",
    "W3": f"type = splunk_hec\nurl = http://127.0.0.1:{PORT}\ntoken = benchmark\ncompression = none\nevent_format = line",
    "W3 ack": f"type = splunk_hec\nurl = http://127.0.0.1:{PORT}\ntoken = benchmark\ncompression = none\nevent_format = line\nack = on",
    "W3 gzip": f"type = splunk_hec\nurl = http://127.0.0.1:{PORT}\ntoken = benchmark\nevent_format = line",
}
RECEIVERS = {"W1": "file", "W2": "syslog", "W3": "hec", "W3 ack": "hec", "W3 gzip": "hec"}
WORK_NAMES = {
    "W1": "file", "W2": "RFC 5424 over TCP", "W3": "Splunk HEC, plain",
    "W3 ack": "Splunk HEC, plain, acknowledged", "W3 gzip": "Splunk HEC, gzip",
}


def connlog(folder, inputs, sinks):
    """The command for connlog with sinks as their sections' text; sources as a user has them, every event synced."""
    config = os.path.join(folder, "connlog.ini")
    with open(config, "w") as file:
        file.write(f"[connlog]\ndata_dir = {folder}/state\nhostname = coder.example.com\n")
        file.write(f'[source "coderd"]\ntype = file\npath = {inputs}\n')
        for number, sink in enumerate(sinks):
            file.write(f'[sink "out{number}"]\n{sink}\n')
    return [os.environ["CONNLOG_BINARY"], "run", "--config", config]


def fill(name, folder, words):
    with open(os.path.join(HERE, "peers", name)) as file:
        text = file.read()
    for key, value in words.items():
        text = text.replace(f"@{key}@", value)
    path = os.path.join(folder, "peer.conf")
    with open(path, "w") as file:
        file.write(text)
    return path


DISK_QUEUE = ('queue.type="Disk" queue.filename="coder" queue.dequeueBatchSize="1024" queue.maxDiskSpace="4g" '
              'queue.maxFileSize="64m" queue.checkpointInterval="1024"')
MEMORY_QUEUE = 'queue.type="LinkedList" queue.size="100000" queue.dequeueBatchSize="1024"'


def rsyslog(folder, inputs, work, queue):
    words = {"STATE": folder + "/state", "INPUT": inputs, "OUTPUT": folder + "/out.jsonl", "PORT": str(PORT), "QUEUE": queue}
    config = fill("rsyslog-file.conf" if work == "W1" else "rsyslog-syslog.conf", folder, words)
    unpacked = os.path.join(ROOT, ".build/peers/rsyslog")
    binary = shutil.which("rsyslogd") or unpacked + "/usr/sbin/rsyslogd"
    command = [binary, "-n", "-f", config, "-i", folder + "/rsyslogd.pid"]
    if binary.startswith(unpacked):
        command += ["-M", unpacked + "/usr/lib/x86_64-linux-gnu/rsyslog"]
    return command


def syslog_ng(folder, inputs, work):
    disk = f'disk-buffer(reliable(yes) disk-buf-size(2147483648) mem-buf-size(67108864) dir("{folder}/state"))'
    destination = {
        "W1": f'file("{folder}/out.jsonl" template("${{MESSAGE}}\\n") flush-lines(1000) log-fifo-size(200000));',
        "W2": f'syslog("127.0.0.1" port({PORT}) transport("tcp") flush-lines(1000) template("${{MESSAGE}}") {disk});',
        "W3": f'http(url("http://127.0.0.1:{PORT}/services/collector/event") method("POST") '
              'headers("Authorization: Splunk benchmark") body(\'{"event":${MESSAGE}}\') delimiter("\\n") '
              f'batch-lines(1000) batch-bytes(1048576) batch-timeout(200) workers(1) persist-name("hec") {disk});',
    }[work]
    config = fill("syslog-ng.conf", folder, {"INPUT": inputs, "DESTINATION": destination})
    return ["syslog-ng", "-F", "--no-caps", "-f", config, "-R", folder + "/persist", "-p", folder + "/pid", "-c", folder + "/ctl"]


# Name, queue, works, and the command.
FORWARDERS = [
    ("connlog", "disk, synced", ["W1", "W2", "W3", "W3 ack", "W3 gzip"],
     lambda folder, inputs, work: connlog(folder, inputs, [SINKS[work].format(output=folder + "/out.jsonl")])),
    ("rsyslog", "memory", ["W1", "W2"], lambda *arguments: rsyslog(*arguments, MEMORY_QUEUE)),
    ("rsyslog", "disk, not synced", ["W1", "W2"], lambda *arguments: rsyslog(*arguments, DISK_QUEUE)),
    ("syslog-ng", "memory", ["W1"], syslog_ng),
    ("syslog-ng", "disk, not synced", ["W2", "W3"], syslog_ng),
]
