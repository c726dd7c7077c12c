"""A Debian with systemd as its process 1, made for one test and gone after it. See boot.sh and make-root.sh."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# How long is waited for what must come. It ends a test that hangs, and promises nothing.
PATIENCE = 600


class Failure(Exception):
    pass


def until(what, is_so):
    """Waits until something is so, and gives back what was found."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    raise Failure(f"still not so after {PATIENCE} s: {what}")


class Result:
    def __init__(self, done):
        self.status, self.output = done.returncode, done.stdout


class Machine:
    """The root folder is a layer over BASE, so that every test begins with the same one and writes into its own."""

    def __init__(self, base, environment=None):
        self.folder = tempfile.mkdtemp(prefix=f"connlog-machine-{os.environ.get('CONNLOG_CI_RUN', 'x')}-")
        self.root = os.path.join(self.folder, "root")
        for name in ("root", "upper", "work"):
            os.mkdir(os.path.join(self.folder, name))
        # A disk of its own in memory, so that no layer lies upon another and nothing of it is left.
        upper = os.path.join(self.folder, "upper")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=1500m", "tmpfs", upper], check=True)
        for name in ("files", "work"):
            os.mkdir(os.path.join(upper, name))
        options = f"lowerdir={os.path.realpath(base)}/tree,upperdir={upper}/files,workdir={upper}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)
        self.pid = None
        self.children = []

    def boot(self):
        done = subprocess.run([os.path.join(HERE, "boot.sh"), self.root, self.folder + "/boot.log"],
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failure("systemd did not start")
        self.pid, self.group = done.stdout.split()

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
        if self.pid:
            os.kill(int(self.pid), signal.SIGKILL)
            until("its processes are gone", lambda: not os.path.exists(f"/proc/{self.pid}"))
            until("its group is empty", self.remove_group)
        for name in ("root", "upper"):
            until(f"{name} is free", lambda: subprocess.run(["umount", f"{self.folder}/{name}"]).returncode == 0)
        shutil.rmtree(self.folder)

    def remove_group(self):
        try:
            for path, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(path)
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Files, as they are seen from outside.

    def path(self, path):
        # Through process 1, since mounts that it made itself, such as /run, are not in our folder.
        return f"/proc/{self.pid}/root{path}" if self.pid else self.root + path

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path):
        try:
            with open(self.path(path), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def exists(self, path):
        return os.path.lexists(self.path(path))

    # Programs.

    def enter(self):
        return ["nsenter", "-t", self.pid, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]

    def run(self, command, expect=0):
        """A command for the machine's shell; its output, both kinds, and its status."""
        done = subprocess.run(
            self.enter() + ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                            "SYSTEMD_PAGER=", "sh", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if expect is not None and done.returncode != expect:
            raise Failure(f"'{command}' ended with {done.returncode}, not {expect}:\n{done.stdout}")
        return Result(done)

    def receiver(self, *arguments):
        """A program of this repository that listens on the machine's loopback, and has our files."""
        child = subprocess.Popen(["nsenter", "-t", self.pid, "-n", "python3", *arguments], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        line = child.stdout.readline()
        return child, int(line.split('"port":')[1].split("}")[0].split(",")[0])

    def property(self, name):
        return self.run(f"systemctl show connlog -P {name}").output.strip()

    def journal(self, options=""):
        return self.run(f"journalctl -u connlog -o cat --no-pager {options}").output
