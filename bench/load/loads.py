"""The loads: each puts one kind of work on a running server and says what it cost. Rows are made of them (rows.py)."""

import math
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent
OFFERS = {"OPENSSL_CONF": str(HERE / "client_openssl.cnf")}  # what wrk and h2load offer under TLS


@dataclass
class Sample:
    """One server, one round."""

    units: float = 0.0  # requests, connections or MiB done
    seconds: float = 0.0
    cpu_us: float = 0.0  # processor time of the proxy for a unit
    busy: float = 0.0  # of one processor
    p50_us: float = 0.0  # 0: this load does not tell
    p99_us: float = 0.0
    memory: float = 0.0  # bytes for a connection
    errors: str = ""  # what went wrong; anything here marks the row

    @property
    def rate(self):
        return self.units / self.seconds if self.seconds else 0.0


@dataclass
class Bench:
    """What a load needs to know besides the server."""

    tools: Path  # the folder of backend, connect_load …
    processors: list  # for the load generator and the backend

    def tool(self, name, *arguments):
        return machine.pinned(self.processors, [self.tools / name, *arguments])


def duration_us(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}[unit]


def read_wrk(told):
    done = re.search(r"(\d+) requests in", told)
    if not done:
        return {"errors": "wrk: " + told.strip()[-200:]}
    found = {"units": float(done[1])}
    for percent, name in (("50%", "p50_us"), ("99%", "p99_us")):
        quantile = re.search(rf"^\s+{percent}\s+([\d.]+(?:us|ms|s|m))$", told, re.MULTILINE)
        found[name] = duration_us(quantile[1]) if quantile else 0.0
    wrong = re.findall(r"(?:Non-2xx or 3xx responses|Socket errors): (.+)", told)
    return {**found, "errors": "; ".join(wrong)}


def read_tool(told):
    found = dict(re.findall(r"(\w+)=([\d.]+)", told))
    errors = found.pop("errors", "no answer")
    return {**{name: float(value) for name, value in found.items()}, "errors": "" if errors == "0" else errors}


def timed(server, command, read, environment=None):
    """Runs a load to its end; the server's processor time before and after makes the cost."""
    cpu, start = machine.cpu_seconds(server.pid), time.monotonic()
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Sample(errors="the load did not end within a minute")
    seconds = time.monotonic() - start
    time.sleep(0.05)  # sleep: closing what the load has just left is part of the cost, and shows no end
    cpu = machine.cpu_seconds(server.pid) - cpu
    server.clear_log()
    sample = Sample(seconds=seconds, busy=cpu / seconds, **read(done.stdout))
    if not sample.units:
        sample.errors = sample.errors or "nothing was answered"
        return sample
    sample.cpu_us = cpu / sample.units * 1e6
    return sample


def wrk(path, tls=False, script=None, connections=64, fields=()):
    def measure(server, bench, seconds):
        url = f"https://localhost:{server.tls_port}{path}" if tls else f"http://localhost:{server.port}{path}"
        command = ["wrk", "-t1", f"-c{connections}", f"-d{math.ceil(seconds)}s", "--latency"]
        command += ["-s", str(HERE / script)] if script else []
        command += [word for field in fields for word in ("-H", field)]
        return timed(server, machine.pinned(bench.processors, [*command, url]), read_wrk, OFFERS)

    return measure


def read_h2load(told):
    done = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", told)
    if not done or not int(done[1]):
        return {"errors": "h2load: " + told.strip()[-200:]}
    mean = re.search(r"time for request:\s+\S+\s+\S+\s+([\d.]+(?:us|ms|s|m))", told)
    wrong = [f"{count} {word}" for count, word in zip(done.groups()[1:], ("failed", "errored", "timed out")) if int(count)]
    return {"units": float(done[1]), "p50_us": duration_us(mean[1]) if mean else 0.0, "errors": "; ".join(wrong)}


def h2load(path, connections=8, streams=32):
    """HTTP/2 over TLS. What is told as the median is h2load's mean."""

    def measure(server, bench, seconds):
        command = ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{math.ceil(seconds)}"]
        url = f"https://localhost:{server.tls_port}{path}"
        return timed(server, machine.pinned(bench.processors, [*command, url]), read_h2load, OFFERS)

    return measure


def connect(group=None):
    def measure(server, bench, seconds):
        arguments = [server.tls_port, seconds, group] if group else [server.port, seconds]
        return timed(server, bench.tool("connect_load", *arguments), read_tool)

    return measure


def stream(tls=False):
    def measure(server, bench, _seconds):
        arguments = [server.tls_port, "tls"] if tls else [server.port]
        return timed(server, bench.tool("stream_load", *arguments), read_tool)

    return measure


def paced(rate, connections):
    def measure(server, bench, seconds):
        arguments = [server.port, 2 * seconds, rate, connections]  # a tail needs more than a mean does
        return timed(server, bench.tool("paced_load", *arguments), read_tool)

    return measure


def idle(count, tls=False):
    """Memory held for each connection that has been served once and now is silent."""

    def measure(server, bench, _seconds):
        port = [server.tls_port] if tls else [server.port]
        extra = ["tls"] if tls else []
        warm_up = bench.tool("idle_load", *port, 64, *extra)  # code and caches that the first few bring in
        subprocess.run(warm_up, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30)
        before, start = machine.settled_memory_bytes(server.pid), time.monotonic()
        load = subprocess.Popen(
            bench.tool("idle_load", *port, count, *extra),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            sample = Sample(seconds=time.monotonic() - start, **read_tool(load.stdout.readline()))
            if sample.units:
                sample.memory = (machine.settled_memory_bytes(server.pid) - before) / sample.units
        finally:
            load.stdin.close()
            load.wait(30)
        return sample

    return measure
