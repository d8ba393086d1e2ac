#!/usr/bin/env python3
"""What a catalog in motion costs: 2,000 services of a real Consul, of which so many a second change their health; the
door follows them over https. docs/benchmarks.md explains."""

import sys

sys.dont_write_bytecode = True

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import tempfile
import time
from pathlib import Path

from processes import DOOR_PORT, ROOT, Consul, Failed, Process, free_port, tool, wait_until


def parse(arguments):
    options = argparse.ArgumentParser(prog="./dev bench flips", description=__doc__)
    options.add_argument("--services", type=int, default=2_000, help="of one instance each (2000)")
    options.add_argument("--rate", type=float, default=50, help="changes a second (50)")
    options.add_argument("--seconds", type=float, default=60, help="for how long (60)")
    options.add_argument("--binary", type=Path, default=ROOT / "build/release/gatehouse", help="the door")
    return options.parse_args(arguments)


def certificate(folder):
    """A pair for localhost, which is its own authority."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", f"{folder}/consul.key", "-out", f"{folder}/consul.crt"], check=True, capture_output=True,
    )  # fmt: skip
    return {"cert_file": f"{folder}/consul.crt", "key_file": f"{folder}/consul.key"}


class Agent:
    """Asks over one kept connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def put(self, path, body=None):
        self.connection.request("PUT", path, body=json.dumps(body) if body is not None else None)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Failed(f"{path}: {answer.status} {text[:200]}")


class Door:
    def __init__(self, binary, folder, https):
        self.metrics_port = free_port()
        config = Path(folder) / "gatehouse.yaml"
        os.makedirs(f"{folder}/state", exist_ok=True)
        config.write_text(
            f"node: {{ name: bench, user: root, state: {folder}/state }}\nworkers: 1\n"
            f"listen: [{{ name: http, address: '127.0.0.1:{DOOR_PORT}' }}]\n"
            f"catalog: {{ consul: [{{ address: 'https://localhost:{https}', tls: {{ ca: {folder}/consul.crt }} }}] }}\n"
            f"certificates: {{ files: none }}\nadmin: {{ socket: {folder}/admin.sock }}\n"
            f"metrics: {{ address: '127.0.0.1:{self.metrics_port}' }}\n"
            "logs: { access: { to: off }, events: { to: stdout } }\n"
        )
        self.process = Process([binary, "run", "-c", config], folder, "gatehouse")

    def metric(self, name):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        except OSError:
            return 0.0
        return sum(float(value) for value in re.findall(rf"^gatehouse_{name}(?:{{[^}}]*}})? (\S+)", text, re.M))

    def cpu_seconds(self):
        """Of all threads, to the nanosecond."""
        return sum(int(file.read_text().split()[0]) for file in
                   Path(f"/proc/{self.process.child.pid}/task").glob("*/schedstat")) / 1e9  # fmt: skip


def flip(agent, options):
    """Changes at an even pace; how many there were."""
    began, done, passing = time.monotonic(), 0, [True] * options.services
    while time.monotonic() - began < options.seconds:
        n = random.randrange(options.services)
        passing[n] = not passing[n]
        agent.put(f"/v1/agent/check/{'pass' if passing[n] else 'fail'}/service:s{n}")
        done += 1
        time.sleep(max(0.0, began + done / options.rate - time.monotonic()))  # the pace
    return done


def measure(options, folder, binary):
    extra = Path(folder) / "tls.json"
    https = free_port()
    # a client of http(s) may hold no more than 200 connections by Consul's default; that is part of what is measured
    extra.write_text(json.dumps({"ports": {"https": https}, **certificate(folder)}))
    consul = Consul(binary, folder, "-config-file", str(extra))
    door = None
    try:
        agent = Agent(consul.http)
        for n in range(options.services):
            agent.put("/v1/agent/service/register", {
                "ID": f"s{n}", "Name": f"s{n}", "Address": "127.0.0.1", "Port": 9,
                "Tags": [f"gatehouse.route=s{n}.test", "gatehouse.health=none"], "Check": {"TTL": "24h", "Status": "passing"},
            })  # fmt: skip
        door = Door(options.binary, folder, https)
        wait_until(lambda: door.metric("consul_services_watched") >= options.services, "all are watched", within=120)
        time.sleep(5)  # until what the start costs is over
        queries, changes, cpu = door.metric("consul_queries_total"), door.metric("consul_changes_total"), door.cpu_seconds()
        began = time.monotonic()
        flips = flip(agent, options)
        time.sleep(1)  # until the last is seen
        took = time.monotonic() - began
        queries = door.metric("consul_queries_total") - queries
        changes = door.metric("consul_changes_total") - changes
        cpu = door.cpu_seconds() - cpu
        print(f"{options.services} services, {flips} changes in {took:.0f} s, {changes:.0f} of them seen one by one")
        print(f"processor     {100 * cpu / took:.1f} % of a core, {1000 * cpu / flips:.2f} ms a change")
        print(f"queries       {queries / flips:.2f} a change")
        print(f"connections   {door.metric('consul_connections'):.0f}")
        print(f"memory        {door.process.rss() / 2**20:.0f} MiB")
    finally:
        if door:
            door.process.end()
        consul.process.end()


def main():
    options = parse(sys.argv[1:])
    binary, why = tool("consul")
    if binary is None:
        print(f"skipped: {why}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            measure(options, folder, binary)
        except Failed as failure:
            for log in Path(folder).glob("*.log"):
                print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
            print(f"failed: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
