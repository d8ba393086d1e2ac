"""A Consul cluster, its agents, backends and the wires between them break at random, under load.

Nothing may fail while one endpoint lives that Consul has never called bad: node n1 is left in peace, nothing else is.
A failure tells its seed: GATEHOUSE_TEST_SEED draws the same troubles again.
"""
import os
import random
import threading
import time

import pytest

from support.catalog import http_check
from support.client import Client, ask
from support.consul import Cluster
from support.door import problems
from support.load import Load
from support.machines import Machines
from support.wait import wait_until
from support.worker_backend import WorkerBackend

SERVERS, NODES = ("s1", "s2", "s3"), ("n1", "n2", "n3")
TAGS = (
    "gatehouse.route=crowd.test", "gatehouse.connect_timeout=500ms", "gatehouse.timeout=5s",
    "gatehouse.retry=3 on=connect,stale,timeout budget=100%", "gatehouse.health=/health interval=1s timeout=900ms",
)  # fmt: skip


class Site:
    """Three servers, and three nodes with an agent and a backend each, on machines of their own; the door and its
    agent are here."""

    def __init__(self):
        self.machines = Machines(*SERVERS, *NODES)
        self.cluster, self.backends = None, {}
        try:
            names = [*SERVERS, *NODES]
            addresses = [*self.machines.address.values(), self.machines.home]
            prefixes = [*map(self.machines.on, names), ()]
            self.cluster = Cluster(servers=3, clients=4, addresses=addresses, prefixes=prefixes).start()
            self.agents = dict(zip([*names, "home"], self.cluster.agents))
            for node in NODES:
                backend = WorkerBackend(node, self.machines.address[node], self.machines.on(node))
                self.backends[node] = backend
                self.agents[node].register({
                    "id": f"crowd-{node}", "name": "crowd", "address": backend.host, "port": backend.port,
                    "tags": list(TAGS), "checks": [http_check(backend, timeout="10s")],
                })  # fmt: skip
        except BaseException:
            self.discard()
            raise

    def mend(self):
        for name in (*SERVERS, *NODES):
            self.machines.mend(name)
        for agent in self.cluster.agents:
            if not agent.runs():
                agent.start(wait=False)
        for agent in self.cluster.agents:
            agent.wait_ready(within=60)

    def discard(self):
        for backend in self.backends.values():
            backend.stop()
        if self.cluster:
            self.cluster.discard()
        self.machines.discard()


class Trouble(threading.Thread):
    """One thing after the other breaks and is put right again, until stop()."""

    def __init__(self, kinds, dice):
        super().__init__(daemon=True)
        self.kinds, self.dice, self.told = kinds, dice, []
        self._end = threading.Event()

    def run(self):
        try:
            while not self._end.is_set():
                kind = self.dice.choice(self.kinds)
                self.told.append(f"{time.strftime('%H:%M:%S')} {kind(self.pause)}")
                self.pause(0.2, 2)
        except Exception as error:  # the trouble itself went wrong: the test says so
            self.told.append(f"{kind.__name__} ended with {error!r}")
            raise

    def pause(self, least, most):
        self._end.wait(self.dice.uniform(least, most))

    def stop(self):
        self._end.set()
        self.join(60)
        assert not self.is_alive()


def of_consul(site, dice):
    agents = site.agents

    def kill(*names):
        for name in names:
            agents[name].kill()

    def start(*names):
        for name in names:
            agents[name].start(wait=False)

    def kill_one(pause):
        name = dice.choice([*SERVERS, "n2", "n3", "home"])
        kill(name)
        pause(0, 8)
        start(name)
        return f"kill {name}"

    def kill_servers(pause):
        names = dice.sample(SERVERS, dice.choice([2, 3]))
        kill(*names)
        pause(1, 12)
        start(*names)
        return f"kill {names}"

    def leave(pause):
        name = dice.choice(["n2", "n3", "home"])
        agents[name].leave()
        pause(0, 4)
        start(name)
        return f"leave {name}"

    def cut_server(pause):
        name = dice.choice(SERVERS)
        site.machines.cut(name)
        pause(1, 15)
        site.machines.mend(name)
        return f"cut {name}"

    return [kill_one, kill_servers, leave, cut_server]


def of_backends(site, dice):
    def chosen():
        return dice.choice(["n2", "n3"])

    def kill(pause):
        name = chosen()
        site.backends[name].kill()
        pause(0, 5)
        site.backends[name].start()
        return f"kill backend {name}"

    def stall(pause):
        name = chosen()
        site.backends[name].stall()
        pause(0.2, 6)
        site.backends[name].go_on()
        return f"stall backend {name}"

    def cut_node(pause):
        name = chosen()
        site.machines.cut(name)
        pause(0.5, 12)
        site.machines.mend(name)
        return f"cut {name}"

    return [kill, stall, cut_node]


def failure(seed, load, told, door):
    failed = [line for line in door.log_lines() if line.get("status", 0) >= 500]
    return f"seed {seed}: {dict(load.failures)}, {load.last}, after {[t[-5:] for t in told]}; logged: {failed[-3:]}"


def served_by(door):
    with Client(door.http, host="crowd.test") as client:
        return {client.ask().get("X-Backend") for _ in range(30)}


@pytest.mark.root
@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(300, marks=[pytest.mark.ci, pytest.mark.timeout(600)], id="5min"),
        pytest.param(1200, marks=[pytest.mark.long, pytest.mark.timeout(1800)], id="20min"),
    ],
)
def test_no_idempotent_request_fails_whatever_breaks_while_an_endpoint_lives(make_door, seconds, record_property):
    seed = int(os.environ.get("GATEHOUSE_TEST_SEED") or time.time())
    site = Site()
    try:
        door = make_door(start=False)
        door.config["catalog"] = {"consul": [{"address": site.agents["home"].url}]}
        door.write_config(door.config)
        door.start()
        wait_until(lambda: ask(door.http, host="crowd.test").status == 200, "the crowd is up", within=20)
        wait_until(lambda: served_by(door) == set(NODES), "all serve", within=20)
        dice = [random.Random(seed), random.Random(seed + 1)]
        troubles = [Trouble(of_consul(site, dice[0]), dice[0]), Trouble(of_backends(site, dice[1]), dice[1])]
        with Load(door.http, "crowd.test", timeout=60) as load:
            for trouble in troubles:
                trouble.start()
            end = time.monotonic() + seconds
            wait_until(lambda: load.failures or time.monotonic() > end, "the end", within=seconds + 60, every=0.2)
            for trouble in troubles:
                trouble.stop()
            told = [trouble.told for trouble in troubles]
            if load.failures:
                raise AssertionError(failure(seed, load, told, door))
            site.mend()
            wait_until(lambda: served_by(door) == set(NODES), lambda: f"all serve again; seed {seed}, {problems(door.status())}", within=90)
        load.assert_none_failed()
        assert not [line for lines in told for line in lines if "ended with" in line]
        record_property("troubles", f"{sum(map(len, told))}, {load.answered} answered, none failed, seed {seed}")
    finally:
        site.discard()
