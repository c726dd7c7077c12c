"""Starting, watching and ending what is measured."""
import json
import mmap
import os
import signal
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, ".build", "benchmarks")
RECEIVER = os.path.join(WORK, "receiver")


def busy_seconds():
    """CPU seconds that all cores of the machine have been busy."""
    with open("/proc/stat") as file:
        numbers = [int(word) for word in file.readline().split()[1:9]]
    return (sum(numbers) - numbers[3] - numbers[4]) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process so far; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, key):
    """A line of /proc/PID/status in bytes; 0 when the process is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Receiver:
    """The receiver program; see receiver.c."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([RECEIVER, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
        self.reached = None
        self.result = {}
        self.done = threading.Event()
        if self.process.stdout.readline() != "listening\n":
            raise SystemExit("the receiver did not start: is its port taken?")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith("reached"):
                self.reached = int(line.split()[1])
                self.done.set()
            else:
                self.result = json.loads(line)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.reader.join(10)
        return self.result


class Forwarder:
    """A process that is measured: its wall time, CPU time and peak memory."""

    def __init__(self, command, log):
        self.log = open(log, "wb")
        self.started = time.monotonic_ns()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.gone = threading.Event()
        self.usage = None
        threading.Thread(target=self.reap, daemon=True).start()

    def reap(self):
        _, status, self.usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.gone.set()

    def end(self, by=signal.SIGTERM):
        """CPU seconds and peak resident bytes of its whole life.

        What wait4 tells of a child's memory begins with this process's own, so that counts only for one that has ended
        by itself."""
        peak = 0
        if not self.gone.is_set():
            peak = memory(self.process.pid, "VmHWM")
            self.process.send_signal(by)
            if not self.gone.wait(60):
                self.process.kill()
                self.gone.wait(60)
        self.log.close()
        return self.usage.ru_utime + self.usage.ru_stime, peak or self.usage.ru_maxrss * 1024


def wait_for_quiet(seconds=20):
    """Waits, at most that long, for a second in which the machine does next to nothing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = busy_seconds()
        time.sleep(1)
        if busy_seconds() - before < 0.15 * os.cpu_count():
            return


def touch_memory(size=2 << 30):
    """Makes a virtual machine own this much free memory, as a machine does that has worked for a while.

    A host may take back what a guest has freed, and give it anew page by page; writing a file costs twice as much then.
    """
    with mmap.mmap(-1, size) as memory:
        for place in range(0, size, mmap.PAGESIZE):
            memory[place] = 1


def sum_of(path):
    """How many connection events a file has, and the sum of their IDs' hashes."""
    return json.loads(subprocess.run([RECEIVER, "sum", path], stdout=subprocess.PIPE, check=True).stdout)


def warm(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
