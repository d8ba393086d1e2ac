#!/usr/bin/env python3
"""How soon a change of Consul's catalog is served, and what a departure costs: gatehouse beside HAProxy with Consul's
DNS and nginx that consul-template reloads. docs/benchmarks.md explains."""

import sys

sys.dont_write_bytecode = True

import argparse
import http.client
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from processes import DOOR_PORT, ROOT, Backend, Consul, Failed, Gatehouse, HAProxy, Nginx, tool, wait_until


def parse(arguments):
    options = argparse.ArgumentParser(prog="./dev bench catalog", description=__doc__)
    options.add_argument("--arrivals", type=int, default=50, help="instances registered, one after another (50)")
    options.add_argument("--departures", type=int, default=20, help="instances deregistered and killed at once (20)")
    options.add_argument("--clients", type=int, default=4, help="that ask without a pause meanwhile (4)")
    options.add_argument("--binary", type=Path, default=ROOT / "build/release/gatehouse", help="the door")
    options.add_argument("--only", help="doors, by commas: gatehouse,haproxy,nginx")
    return options.parse_args(arguments)


class Asker:
    """A client with a kept connection: who answered, or why nobody did."""

    def __init__(self):
        self.connection = None

    def ask(self):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", DOOR_PORT, timeout=10)
            self.connection.request("GET", "/", headers={"Host": "web.test"})
            answer = self.connection.getresponse()
            text = answer.read().decode()
            if answer.will_close:
                self.close()
            return answer.status, text
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return 0, type(error).__name__

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Load:
    """Clients that ask without a pause, in threads; counts what is no 200, with its cause."""

    def __init__(self, clients):
        self.answered, self.failed, self.over = 0, {}, threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def work(self):
        asker = Asker()
        while not self.over.is_set():
            status, text = asker.ask()
            with self.lock:
                self.answered += 1
                if status != 200:
                    cause = str(status or text)
                    self.failed[cause] = self.failed.get(cause, 0) + 1
        asker.close()

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def answers_of(asker, name, count=40):
    return any(name in asker.ask()[1] for _ in range(count))


def arrivals(consul, binary, folder, count):
    """Milliseconds from Consul's answer to a registration to the first response of the new instance."""
    asker, times = Asker(), []
    for n in range(count):
        newcomer = Backend(binary, folder, f"newcomer{n}")
        consul.register(f"web-new-{n}", newcomer.port)
        began = time.monotonic()
        wait_until(lambda: newcomer.name in asker.ask()[1], "the new instance answers", within=60, every=0)
        times.append((time.monotonic() - began) * 1000)
        consul.deregister(f"web-new-{n}")
        newcomer.process.end()
        wait_until(lambda: not answers_of(asker, newcomer.name), "it is gone", within=60)
        time.sleep(1)  # so that no door is still busy with the last change, or waits for more of them
    asker.close()
    return times


def departures(consul, binary, folder, options):
    """What fails while instances are deregistered and killed in the same moment."""
    asker, load = Asker(), Load(options.clients)
    for n in range(options.departures):
        leaver = Backend(binary, folder, f"leaver{n}")
        consul.register(f"web-leaver-{n}", leaver.port)
        wait_until(lambda: answers_of(asker, leaver.name), "the leaver answers", within=60)
        consul.deregister(f"web-leaver-{n}")
        leaver.process.end()
        wait_until(lambda: not answers_of(asker, leaver.name), "it is gone", within=60)
        time.sleep(0.5)  # what fails late is counted, too
    load.end()
    asker.close()
    return load


def measure(door, consul, options, folder):
    stays = Backend(options.binary, folder, "stays")
    consul.register("web-stays", stays.port)
    processes = door.start(folder, consul)
    try:
        asker = Asker()
        wait_until(lambda: asker.ask()[0] == 200, f"{door.name} serves", within=60, every=0.05)
        asker.close()
        return arrivals(consul, options.binary, folder, options.arrivals), departures(consul, options.binary, folder, options)
    finally:
        for process in (*processes, stays.process):
            process.end()
        consul.deregister("web-stays")


def report(results):
    ours = results.get("gatehouse")
    lines = ["| door | new instance answers: p50 | p99 | against ours | requests failed as instances left |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for name, (title, times, load) in results.items():
        p50, p99 = statistics.median(times), sorted(times)[max(0, int(len(times) * 0.99) - 1)]
        ratio = f"{p50 / statistics.median(ours[1]):.1f} times" if ours and name != "gatehouse" else ""
        failed = sum(load.failed.values())
        causes = ", ".join(f"{cause}: {count}" for cause, count in sorted(load.failed.items()))
        lines.append(f"| {title} | {p50:.1f} ms | {p99:.1f} ms | {ratio} | {failed} of {load.answered}"
                     f"{' (' + causes + ')' if causes else ''} |")  # fmt: skip
    return "\n".join(lines)


def main():
    options = parse(sys.argv[1:])
    binary, why = tool("consul")
    if not binary:
        raise SystemExit(f"bench: {why}")
    results = {}
    for door in (Gatehouse(options.binary), HAProxy(), Nginx()):
        if options.only and door.name not in options.only.split(","):
            continue
        if missing := door.missing():
            print(f"{door.name} is left out: {missing}", file=sys.stderr)
            continue
        print(f"{door.title} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
            os.chmod(folder, 0o755)
            consul = Consul(binary, folder)
            try:
                results[door.name] = (door.title, *measure(door, consul, options, folder))
            finally:
                consul.process.end()
    print(report(results))


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        raise SystemExit(f"bench: {failed}")
