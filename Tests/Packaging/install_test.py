#!/usr/bin/env python3
"""Installs connlog's packages into a Debian with systemd and uses them as people do, and as things go wrong.

    install_test.py DIR BASE [WORD]

DIR has the packages (config/package.sh), BASE is from make-root.sh. With WORD only the tests whose name holds it. As root.
Prints a line for each promise; the status is 1 when one is not kept.
"""
import glob
import json
import os
import signal
import struct
import subprocess
import sys
import time
import traceback

from machine import HERE, Failure, Machine, until

TOP = os.path.dirname(os.path.dirname(HERE))
TOKEN = "11111111-2222-3333-4444-555555555555"
DIRECTORY, BASE = sys.argv[1], sys.argv[2]


def packages(name):
    return [path for path in glob.glob(f"{DIRECTORY}/{name}_*.deb") if "dbgsym" not in path]


FLAVOURS = [name for name in ("connlog", "connlog-forwarder") if packages(name)]
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def expect(is_so, what, told=""):
    if not is_so:
        raise Failure(f"{what}\n{told}")


# What all of them do.

def earlier(package, folder):
    """The same package as a version that is older than any."""
    tree = folder + "/earlier"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree + "/DEBIAN/control"
    with open(control, encoding="utf-8") as file:
        text = file.read()
    version = next(line for line in text.split("\n") if line.startswith("Version:"))
    with open(control, "w", encoding="utf-8") as file:
        file.write(text.replace(version, "Version: 0.0.1"))
    # Its sample configuration was another one.
    with open(tree + "/etc/connlog/connlog.ini", "a", encoding="utf-8") as file:
        file.write("# A line that is gone now.\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, tree + ".deb"], check=True, stdout=subprocess.PIPE)
    return tree + ".deb"


def installed(name=FLAVOURS[0], package=None):
    """A machine that runs, with the package installed."""
    machine = Machine(BASE)
    try:
        machine.boot()
        install(machine, package or packages(name)[0])
    except BaseException:
        machine.close()
        raise
    return machine


def install(machine, package, expected=0):
    subprocess.run(["cp", package, machine.path("/srv/package.deb")], check=True)
    return machine.run("apt-get install -y --allow-downgrades -o Dpkg::Options::=--force-confold /srv/package.deb", expected).output


def configure(machine, sections, settings=""):
    machine.write("/etc/connlog/connlog.ini", f"""[connlog]
{settings}
[source "coderd"]
type = file
path = /var/log/coder/*.log
[sink "local"]
type = file
path = /var/log/connlog/connections.jsonl
{sections}
""")


def log_lines():
    with open(f"{TOP}/examples/coderd.log", encoding="utf-8") as file:
        return file.readlines()


def identifiers():
    done = subprocess.run(["python3", f"{TOP}/Tests/tools/make_example.py", "ids"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split()


def give_log(machine):
    """coderd's log as its own package leaves it: for a group, and for nobody else."""
    machine.write("/var/log/coder/coderd.log", "".join(log_lines()))
    machine.run("chown -R root:adm /var/log/coder && chmod 750 /var/log/coder && chmod 640 /var/log/coder/coderd.log")


def forwarded(machine, path="/var/log/connlog/connections.jsonl"):
    return [line.split('"ID":"')[1][:36] for line in machine.read(path).split("\n") if '"ID":"' in line]


def dead_sink(name="siem"):
    return f'[sink "{name}"]\ntype = syslog\naddress = 127.0.0.1:9\n'


def status_text(machine):
    return machine.property("StatusText")


def is_active(machine):
    return machine.property("ActiveState") == "active"


# The promises.

@test
def installing_starts_a_service_that_does_no_harm_and_says_what_to_do_next():
    for name in FLAVOURS:
        with installed(name) as machine:
            expect(is_active(machine), "it is not active", machine.journal())
            expect(machine.property("Type") == "notify", "it does not notify")
            text = status_text(machine)
            expect(text.startswith("1 source, 1 sink; nothing waits"), f"status: {text}")
            expect("What to do next" in machine.read("/etc/connlog/connlog.ini"), "no next step")
            for path, mode in [("/var/lib/connlog", "750 connlog connlog"), ("/var/log/connlog", "2750 connlog connlog"),
                               ("/etc/connlog/conf.d", "755 root root")]:
                got = machine.run(f"stat -c '%a %U %G' {path}").output.strip()
                expect(got == mode, f"{path}: {got}")
            expect("adm" in machine.run("id connlog").output, "it may not read logs")
            user = machine.run("ps -o user= -p $(systemctl show connlog -P MainPID)").output.strip()
            expect(user == "connlog", f"it runs as {user}")
            version = machine.run("connlog --version").output.split("\n")
            expect(version[1].startswith("commit: ") and "unknown" not in version[1], f"{version}")
            errors = machine.journal("-p err")
            expect(errors in ("", "-- No entries --\n"), f"errors: {errors}")


@test
def the_main_job_is_done_as_the_system_user_in_its_sandbox():
    with installed() as machine:
        # A secret that the user connlog may not read itself.
        machine.write("/etc/connlog/splunk-hec.token", TOKEN)
        machine.run("chmod 600 /etc/connlog/splunk-hec.token")
        machine.write("/etc/systemd/system/connlog.service.d/token.conf",
                      "[Service]\nLoadCredential=splunk-hec:/etc/connlog/splunk-hec.token\n")
        got, messages = machine.folder + "/hec.ids", machine.folder + "/syslog.ids"
        hec, port = machine.receiver(f"{TOP}/examples/receivers.py", "hec", "--token", TOKEN, "--ids", got)
        relay, syslog = machine.receiver(f"{TOP}/examples/receivers.py", "syslog", "--ids", messages)
        has_server = FLAVOURS[0] == "connlog"
        server = "[store]\ntype = sqlite\n[server]\nlisten = 127.0.0.1:8484\nopen = true" if has_server else ""
        configure(machine, f"""[sink "splunk"]
type = splunk_hec
url = http://127.0.0.1:{port}
token = ${{credential:splunk-hec}}
[sink "siem"]
type = syslog
address = 127.0.0.1:{syslog}
[sink "human"]
type = file
format = human
path = /var/log/connlog/human.log
[sink "system"]
type = syslog
transport = unix
address = /dev/log
{server}
""")
        give_log(machine)
        machine.run("systemctl daemon-reload && systemctl restart connlog")
        expected = identifiers()
        until("the file has all", lambda: len(forwarded(machine)) >= len(expected))
        until("the others have all", lambda: status_text(machine) == f"1 source, {6 if has_server else 5} sinks; nothing waits")
        expect(forwarded(machine) == expected, "the file has something else")
        # The check before a reload sees the credential too.
        machine.run("systemctl reload connlog")
        for receiver, path in ((hec, got), (relay, messages)):
            receiver.terminate()
            said = receiver.communicate()[0]
            # They are strict, and say so at their end.
            expect(receiver.returncode == 0, "a receiver complains", said)
            with open(path, encoding="utf-8") as file:
                expect(sorted(file.read().split()) == sorted(expected), f"{path} has something else", said)
        count = machine.run("journalctl -q -t coder -o cat --no-pager | wc -l").output.strip()
        expect(count == str(len(expected)), f"the system's log has {count} of them")
        if has_server:
            until("there is a server", lambda: machine.run("connlog events --limit 1", None).status == 0)
            rows = machine.run("connlog events --json --limit 0").output.strip().split("\n")
            expect(len(rows) > 50, f"{len(rows)} connections", rows[0])
            expect("store   sqlite" in machine.run("connlog status").output, "no status")
            # The sandbox lets the server's process step back: nice 19 and SCHED_BATCH (3), each of its threads.
            server = machine.run("pgrep -f '[c]onnlog serve-questions'").output.split()[0]
            fields = [line.rsplit(")", 1)[1].split() for line in machine.run(f"cat /proc/{server}/task/*/stat").output.strip().split("\n")]
            expect(all((field[16], field[38]) == ("19", "3") for field in fields), f"{[(field[16], field[38]) for field in fields]}")
            mode = machine.run("stat -c %a /var/lib/connlog/connlog.db").output.strip()
            expect(mode == "600", f"the store's file has mode {mode}")
        owner = machine.run("stat -c '%a %U %G' /var/log/connlog/connections.jsonl").output.strip()
        expect(owner == "640 connlog connlog", owner)
        expect("sink siem: connected to 127.0.0.1" in machine.journal("-p 6..6"), "no priorities", machine.journal())
        expect("[info]" not in machine.journal() and "<6>" not in machine.journal(), "levels or times as text")


@test
def the_sandbox_is_tight_and_the_unit_has_no_mistake():
    with installed() as machine:
        unit = "/lib/systemd/system/connlog.service"
        said = machine.run(f"systemd-analyze security --offline=yes --threshold=20 --no-pager {unit} | tail -n 1").output
        print("    " + said.strip().lstrip("→ "))
        machine.run(f"systemd-analyze security --offline=yes --threshold=20 --no-pager {unit}")
        # Manual pages are left out of the smallest Debian.
        said = machine.run(f"systemd-analyze verify --man=no {unit}").output
        expect(said == "", "verify complains", said)
        # With the examples for a coderd that systemd starts too.
        examples = f"/usr/share/doc/{FLAVOURS[0]}/examples"
        for name, file in (("coder", "coder.conf"), ("connlog", "connlog-coder.conf")):
            machine.run(f"install -D -m 644 {examples}/{file} /etc/systemd/system/{name}.service.d/more.conf")
        machine.write("/etc/systemd/system/coder.service", "[Service]\nExecStart=/bin/true\n")
        said = machine.run("systemd-analyze verify --man=no connlog.service coder.service").output
        expect(said == "", "verify complains of the examples", said)


@test
def a_configuration_with_mistakes_changes_nothing_at_a_reload_and_does_not_flap_at_a_restart():
    with installed() as machine:
        pid = machine.property("MainPID")
        good = machine.read("/etc/connlog/connlog.ini")
        machine.write("/etc/connlog/connlog.ini", good + '\n[sink "bad"]\ntype = nonsense\n')
        said = machine.run("systemctl reload connlog", 1).output
        expect(is_active(machine) and machine.property("MainPID") == pid, "it does not run on", said)
        until("the journal has the error, with its place", lambda: "nonsense" in machine.journal("-p err"))
        # One that comes past the check is refused too, and told in the status.
        machine.run("kill -HUP $(systemctl show connlog -P MainPID)")
        until("the status says so", lambda: "refused" in status_text(machine))
        expect(is_active(machine), "it does not run on")
        machine.run("systemctl restart connlog", None)
        until("it has failed", lambda: machine.property("ActiveState") == "failed")
        expect(machine.property("ExecMainStatus") == "2", "status " + machine.property("ExecMainStatus"))
        expect(machine.property("NRestarts") == "0", "it was started again")
        machine.write("/etc/connlog/connlog.ini", good)
        machine.run("systemctl restart connlog && systemctl reload connlog")
        expect(is_active(machine), "it does not start")


@test
def stopping_with_events_queued_is_no_failure_and_the_status_names_who_waits():
    with installed() as machine:
        configure(machine, dead_sink(), "shutdown_timeout = 1s")
        give_log(machine)
        machine.run("systemctl restart connlog")
        count = len(identifiers())
        words = f"siem tries again (connection_refused), {count} events wait"
        until("the status names it", lambda: words in status_text(machine))
        machine.run("systemctl stop connlog")
        expect(machine.property("Result") == "success", machine.property("Result"))
        expect(machine.property("ExecMainStatus") == "3", machine.property("ExecMainStatus"))
        expect(machine.property("ActiveState") == "inactive", machine.property("ActiveState"))
        # More than TimeoutStopSec= allows, if connlog did not ask for it.
        configure(machine, dead_sink(), "shutdown_timeout = 6s")
        machine.write("/etc/systemd/system/connlog.service.d/stop.conf", "[Service]\nTimeoutStopSec=2\n")
        machine.run("systemctl daemon-reload && systemctl start connlog && systemctl stop connlog")
        expect(machine.property("Result") == "success", "a long end: " + machine.property("Result"))


@test
def an_upgrade_keeps_queue_offsets_and_configuration_and_puts_the_new_one_to_work():
    with installed() as machine:
        old = earlier(packages(FLAVOURS[0])[0], machine.folder)
        install(machine, old)
        expect("0.0.1" in machine.run(f"dpkg -l {FLAVOURS[0]}").output, "the version before is not installed")
        configure(machine, dead_sink(), "shutdown_timeout = 1s")
        give_log(machine)
        machine.run("systemctl restart connlog")
        expected = identifiers()
        until("all is forwarded", lambda: len(forwarded(machine)) >= len(expected))
        # What the file sink has is known to the queue with its next commit.
        until("and committed", lambda: inspect(machine)["local"] == 0)
        before, pid = inspect(machine), machine.property("MainPID")
        text = machine.read("/etc/connlog/connlog.ini")
        install(machine, packages(FLAVOURS[0])[0])
        expect(is_active(machine) and machine.property("MainPID") != pid, "the old process goes on")
        expect(machine.read("/etc/connlog/connlog.ini") == text, "the configuration has changed")
        expect(inspect(machine) == before, f"{before} became {inspect(machine)}")
        expect(forwarded(machine) == expected, "the file has something else")
        until("the rest is queued", lambda: f"{len(expected)} events wait" in status_text(machine))


def inspect(machine):
    """How many events wait for each sink, by name."""
    text = machine.run("connlog queue inspect --quick --json 2>/dev/null").output
    return {sink["sink"]: sink["lag"] for sink in json.loads(text)["sinks"]}


@test
def removing_keeps_everything_and_purging_nothing_but_the_user():
    with installed() as machine:
        name = FLAVOURS[0]
        configure(machine, dead_sink(), "shutdown_timeout = 1s")
        give_log(machine)
        machine.run("systemctl restart connlog")
        count = len(identifiers())
        until("all is forwarded", lambda: len(forwarded(machine)) >= count)
        machine.run(f"apt-get remove -y {name}")
        expect(not machine.exists("/usr/bin/connlog"), "the program is still there")
        expect(not machine.run("pgrep -x connlog", None).output, "it still runs")
        expect(machine.exists("/var/lib/connlog/queue") and len(forwarded(machine)) == count, "data is gone")
        install(machine, packages(name)[0])
        until("it is at work again", lambda: is_active(machine))
        until("with what was queued", lambda: f"{count} events wait" in status_text(machine))
        expect(len(forwarded(machine)) == count, "something came twice")
        machine.write("/etc/connlog/conf.d/mine.ini", "")
        machine.run(f"apt-get purge -y {name}")
        for path in ("/var/lib/connlog", "/var/log/connlog", "/etc/connlog/connlog.ini"):
            expect(not machine.exists(path), f"{path} is still there")
        expect(machine.exists("/etc/connlog/conf.d/mine.ini"), "a file that the package did not bring is gone")
        machine.run("id connlog")
        machine.run("rm /etc/connlog/conf.d/mine.ini /var/log/coder/coderd.log")
        install(machine, packages(name)[0])
        expect(is_active(machine) and not forwarded(machine), "it does not begin anew")
        # A disk of its own for the data is emptied, and no reason to fail.
        machine.run("systemctl stop connlog && mount -t tmpfs tmpfs /var/lib/connlog && chown connlog: /var/lib/connlog")
        machine.run("systemctl start connlog")
        said = machine.run(f"apt-get purge -y {name}").output
        expect("/var/lib/connlog could not be removed whole" in said, "nobody is told", said)
        expect(machine.run("ls -A /var/lib/connlog").output == "", "data is left")


@test
def one_flavour_takes_over_the_queue_of_the_other():
    if len(FLAVOURS) < 2:
        return "both packages are needed"
    with installed("connlog-forwarder") as machine:
        configure(machine, dead_sink(), "shutdown_timeout = 1s")
        give_log(machine)
        machine.run("systemctl restart connlog")
        count = len(identifiers())
        until("all is forwarded", lambda: len(forwarded(machine)) >= count)
        text = machine.read("/etc/connlog/connlog.ini")
        for name, other in (("connlog", "connlog-forwarder"), ("connlog-forwarder", "connlog")):
            install(machine, packages(name)[0])
            expect(is_active(machine), "it does not run", machine.journal())
            until("with what was queued", lambda: f"{count} events wait" in status_text(machine))
            # What is left of the other must not take anything with it.
            machine.run(f"apt-get purge -y {other}")
            expect(is_active(machine) and machine.exists("/var/lib/connlog/queue"), "data is gone")
            expect(machine.run("systemctl is-enabled connlog", None).output.strip() == "enabled", "it does not start at the next boot")
            machine.run("id connlog && systemctl restart connlog")
            expect(machine.read("/etc/connlog/connlog.ini") == text, "the configuration is gone")
            expect(len(forwarded(machine)) == count, "something came twice")


@test
def a_queue_of_a_newer_format_is_refused_with_the_next_step_and_left_alone():
    with installed() as machine:
        machine.run("systemctl stop connlog")
        segment = sorted(glob.glob(machine.path("/var/lib/connlog/queue") + "/*.seg"))[-1]
        with open(segment, "r+b") as file:
            header = bytearray(file.read(64))
            header[8:10] = struct.pack("<H", 99)
            header[60:64] = struct.pack("<I", crc32c(header[:60]))
            file.seek(0)
            file.write(header)
        before = open(segment, "rb").read()
        machine.run("systemctl start connlog", None)
        until("it is left alone", lambda: machine.property("ActiveState") == "failed")
        said = machine.journal("-p err")
        expect("newer connlog; start that one, or move the queue away" in said, "no next step", said)
        expect(open(segment, "rb").read() == before, "it was written into")
        expect(int(machine.property("NRestarts")) <= 5, "it flaps")


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


@test
def a_full_disk_is_told_loses_nothing_and_is_over_when_there_is_room():
    with installed() as machine:
        machine.run("systemctl stop connlog && rm -rf /var/lib/connlog/*")
        machine.run("mount -t tmpfs -o size=24m tmpfs /var/lib/connlog && chown connlog: /var/lib/connlog")
        configure(machine, "", "queue_size = 8MiB\nsegment_size = 1MiB\nmin_free = 4MiB")
        give_log(machine)
        machine.run("dd if=/dev/zero of=/var/lib/connlog/hog bs=1M 2>/dev/null", None)
        machine.run("systemctl start connlog", None)
        until("it says what to do", lambda: "make room" in machine.journal("-p err")
              or "No space left" in machine.journal("-p err"))
        print("    " + machine.journal("-p err").strip().split("\n")[0])
        machine.run("rm /var/lib/connlog/hog && systemctl reset-failed connlog; systemctl start connlog")
        count = len(identifiers())
        until("all is forwarded", lambda: len(forwarded(machine)) >= count)
        expect(forwarded(machine) == identifiers(), "the file has something else")


@test
def without_its_libraries_it_is_not_configured_and_the_packages_are_named():
    machine = Machine(BASE)
    with machine:
        machine.boot()
        machine.run("dpkg --force-depends -r $(dpkg-query -W -f='${Package}\\n' 'libisal2' 'libcurl4*')", None)
        subprocess.run(["cp", packages(FLAVOURS[0])[0], machine.path("/srv/package.deb")], check=True)
        said = machine.run("dpkg -i /srv/package.deb", 1).output
        expect("depends on libisal2" in said, "it names no package", said)
        expect(machine.property("ActiveState") == "inactive", "it was started")
        said = machine.run("connlog --version", 127).output
        expect("libisal.so.2" in said or "libcurl.so.4" in said, said)


@test
def what_hangs_is_a_restart_and_what_waits_for_a_receiver_is_not():
    with installed() as machine:
        machine.write("/etc/systemd/system/connlog.service.d/watchdog.conf", "[Service]\nWatchdogSec=5\n")
        # One receiver is down, one takes the connection and never answers a word within its timeout.
        silent, port = machine.receiver("-c", "import socket\ns = socket.create_server(('127.0.0.1', 0))\n"
                                              "print('{\"port\":%d}' % s.getsockname()[1], flush=True)\n"
                                              "held = []\nwhile True: held.append(s.accept())")
        configure(machine, dead_sink() + f'[sink "silent"]\ntype = syslog\ntransport = relp\naddress = 127.0.0.1:{port}\n',
                  "shutdown_timeout = 1s")
        give_log(machine)
        machine.run("systemctl daemon-reload && systemctl restart connlog")
        # Far longer than WatchdogSec= and than it takes until a part counts as stuck.
        time.sleep(75)
        expect(machine.property("NRestarts") == "0" and is_active(machine), "a wait was a restart", machine.journal("-p err"))
        # A pipe whose reader does not read: the write of more than fits never ends.
        machine.run("mkfifo -m 666 /var/log/connlog/pipe")
        hold = subprocess.Popen(machine.enter() + ["sh", "-c", "exec sleep 1000 </var/log/connlog/pipe"])
        machine.children.append(hold)
        configure(machine, '[sink "pipe"]\ntype = file\npath = /var/log/connlog/pipe\n', "shutdown_timeout = 1s")
        with open(machine.path("/var/log/coder/coderd.log"), "a", encoding="utf-8") as file:
            file.write("".join(log_lines()))
        machine.run("systemctl restart connlog")
        until("the hang is a restart", lambda: int(machine.property("NRestarts")) > 0)
        said = machine.journal()
        expect("sink pipe is stuck" in said and "watchdog" in machine.run("journalctl -u connlog --no-pager").output.lower(),
               "nobody is told why", said)
        # The other sink has everything, once.
        hold.kill()
        machine.run("rm /var/log/connlog/pipe")
        until("the rest goes on", lambda: is_active(machine))


def main():
    # Whoever ends the tests wants the machines to be gone too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    word = sys.argv[3] if len(sys.argv) > 3 else ""
    failed = 0
    for function in TESTS:
        name = function.__name__.replace("_", " ")
        if word not in function.__name__:
            continue
        begun = time.monotonic()
        try:
            skipped = function()
            print(f"{'skipped' if skipped else 'ok'}  {name} ({time.monotonic() - begun:.0f} s){': ' + skipped if skipped else ''}",
                  flush=True)
        except Exception as error:
            failed += 1
            print(f"NOT KEPT  {name}: {error}", flush=True)
            if not isinstance(error, Failure):
                traceback.print_exc()
    sys.exit(1 if failed else 0)


main()
