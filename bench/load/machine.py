"""The machine under a benchmark: namespaces of its own, pinned processors and congestion control, processes counted.

Everything runs in a fresh network and process namespace. The kernel ends every process and removes both namespaces
when the first process in them (this program) ends, however it ends.
"""

import os
import platform
import resource
import subprocess
import time
from pathlib import Path

FILES = 65536  # open files wanted; 10,000 idle connections need two for each


def enter_namespaces(argv):
    """Replaces this process by the same command inside the namespaces."""
    roots = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    # In a chroot on a plain folder "/" is no mount, and unshare cannot make it private.
    propagation = [] if "/" in roots else ["--propagation", "unchanged"]
    os.execvp("unshare", ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", *propagation, *argv])


def prepare():
    """Inside the namespaces: loopback up, ports for many connections, the congestion control of the day.

    Cubic comes by the routes, because a namespace may not choose a control that the host has not allowed. The control
    matters: under BBR a stream over loopback costs several times the processor it costs under cubic.
    """
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for destination in ("127.0.0.0/8", "127.0.0.1"):
        route = ["local", destination, "dev", "lo", "proto", "kernel", "scope", "host", "src", "127.0.0.1"]
        subprocess.run(["ip", "route", "replace", *route, "table", "local", "congctl", "cubic"], check=True)
    for name, value in {
        "ipv4/ip_local_port_range": "22000 65000",  # the servers' own ports are below
        "ipv4/tcp_tw_reuse": "1",
        "ipv4/tcp_max_syn_backlog": "8192",
        "core/somaxconn": "8192",
    }.items():
        Path("/proc/sys/net", name).write_text(value)
    raise_file_limit()


def raise_file_limit():
    """To FILES, or as far as this process may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(FILES, hard), max(FILES, hard)))
    except ValueError:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def file_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def pinned(processors, command):
    return ["taskset", "-c", ",".join(map(str, processors)), *map(str, command)]


def process_tree(pid):
    """A process and its descendants, those that are alive."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += process_tree(int(child))
    except FileNotFoundError:
        pass
    return found


def cpu_seconds(pid):
    """Processor time a tree has used, to the nanosecond, threads that have ended included."""
    total = 0.0
    for each in process_tree(pid):
        try:
            total += time.clock_gettime((~each << 3) | 2)  # CPUCLOCK_SCHED of another process
        except OSError:
            pass  # gone since
    return total


def memory_bytes(pid):
    """Memory a tree holds, what it shares divided among the sharers (Pss)."""
    total = 0
    for each in process_tree(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def settled_memory_bytes(pid):
    """The same, once it has stopped moving (or after three seconds)."""
    last = memory_bytes(pid)
    for _ in range(15):
        time.sleep(0.2)  # sleep: between two looks at what is waited for
        now = memory_bytes(pid)
        if abs(now - last) < 16384:
            return now
        last = now
    return last


class Stolen:
    """The share of processor time that the hypervisor kept for others since this was made."""

    def __init__(self):
        self.start = self._read()

    def share(self):
        passed = [now - then for now, then in zip(self._read(), self.start)]
        return passed[7] / sum(passed[:8]) if sum(passed[:8]) else 0.0

    @staticmethod
    def _read():
        return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]


def describe():
    """One line on the processor, the kernel and the system."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = "unknown system"
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, {system}"
