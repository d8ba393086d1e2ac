"""What the data path spends on a request: its system calls, its allocations (h1-1k), where its processor time goes."""

import re
import signal
import struct
import subprocess

import machine
from loads import wrk
from report import table


def traced(server, bench, seconds, row):
    """(requests, {system call: times}) while every thread of the server ran under strace."""
    found = server.folder / "strace.txt"
    processes = machine.process_tree(server.pid)
    attach = [word for pid in processes for word in ("-p", str(pid))]
    strace = subprocess.Popen(
        ["strace", "-c", "-f", "-o", str(found), *attach], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in processes:
        strace.stderr.readline()  # "attached", once for each: from here on everything is counted
    sample = row.measure(server, bench, seconds)
    strace.send_signal(signal.SIGINT)
    strace.communicate(timeout=20)
    calls = {}
    for line in found.read_text().splitlines():
        # % time, seconds, usecs/call, calls, errors (may be blank), name
        row = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z]\w+)$", line)
        if row and row[2] != "total":
            calls[row[2]] = int(row[1])
    return sample, calls


def syscalls(server, bench, seconds, row):
    sample, calls = traced(server, bench, seconds, row)
    if sample.errors or not sample.units:
        return f"{server.server.title}: no measure under strace: {sample.errors}"
    lines = [
        [f"`{name}`", str(times), f"{times / sample.units:.3f}"]
        for name, times in sorted(calls.items(), key=lambda call: -call[1])
        if times / sample.units >= 0.0005
    ]
    total = sum(calls.values()) / sample.units
    heading = f"{row.name}, {server.server.title}: {total:.2f} system calls for a {row.unit} ({sample.units:.0f} in all)"
    return heading + "\n\n" + table(["call", "times", f"for a {row.unit}"], lines)


def profile(server, bench, seconds, row):
    """Where the processor time goes, by function; the kernel's own are named where the machine lets perf see them."""
    found = server.folder / "perf.data"
    pids = ",".join(map(str, machine.process_tree(server.pid)))
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "4999", "-g", "-o", str(found), "-p", pids],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    sample = row.measure(server, bench, seconds)
    perf.send_signal(signal.SIGINT)
    perf.wait(timeout=20)
    report = ["perf", "report", "-i", str(found), "--stdio", "-q", "-g", "none", "--percent-limit", "0.1"]
    by_self = subprocess.run([*report, "--no-children"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    by_library = subprocess.run([*report, "--no-children", "-s", "dso"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with_called = subprocess.run([*report, "--children"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    heading = f"{row.name}, {server.server.title}: {sample.cpu_us:.2f} us for a {row.unit} under perf"
    tables = ("by library", by_library.stdout), ("itself", by_self.stdout), ("with what it calls", with_called.stdout)
    return "\n\n".join([heading, *(f"{title}\n{text.rstrip()}" for title, text in tables)])


def read_count(count_file):
    return struct.unpack("=Q", count_file.read_bytes())[0]


def counted(server, bench, seconds, count_file):
    before = read_count(count_file)
    sample = wrk("/1k")(server, bench, seconds)
    return sample, read_count(count_file) - before


def allocations(server, bench, seconds, count_file):
    """Two runs, one longer: what both spend on their 64 connections drops out of the difference."""
    if read_count(count_file) < 1000:  # no program of this kind starts with so few
        return f"{server.server.title}: brings an allocator of its own; its allocations can't be counted"
    counted(server, bench, 1, count_file)  # pools fill, tables grow
    short, short_count = counted(server, bench, seconds, count_file)
    long, long_count = counted(server, bench, 3 * seconds, count_file)
    errors = short.errors or long.errors
    if errors or long.units <= short.units:
        return f"{server.server.title}: no measure of allocations: {errors or 'the runs were too short'}"
    each = (long_count - short_count) / (long.units - short.units)
    return (
        f"{server.server.title}: {each:.4f} allocations for a request in steady state "
        f"({long_count} in {long.units:.0f} requests, {short_count} in {short.units:.0f})"
    )
