"""Hours in minutes: backends die, stall, come back and go for good under load; the catalog changes ten thousand
times under a thousand WebSockets."""
import random
import time

import pytest

from support import process, websocket
from support.backend import Backend
from support.catalog import http_check, instance
from support.client import Client
from support.door import healthy
from support.load import Load
from support.wait import wait_until
from support.worker_backend import WorkerBackend


class Crowd:
    """Five backend processes of one service; a random trouble at a time, never to the one that must stay."""

    def __init__(self, door, dice):
        self.door, self.dice = door, dice
        self.backends = {f"b{n}": WorkerBackend(f"b{n}") for n in range(5)}
        self.listed = set(self.backends)

    def put(self):
        tags = ("route=crowd.test", "timeout=10s")
        self.door.catalog.put("crowd", *(
            instance("crowd", self.backends[name], *tags, id=name, checks=[http_check(self.backends[name])])
            for name in sorted(self.listed)
        ))

    def trouble(self):
        """One thing goes wrong and is put right again; its name."""
        name = self.dice.choice(sorted(set(self.backends) - {"b0"}))
        backend = self.backends[name]
        kind = self.dice.choice(["kill", "stall", "restart", "remove"])
        if kind == "kill":
            backend.kill()
            self.pause(0.5, 5)
            backend.start()
        elif kind == "stall":
            backend.stall()
            self.pause(0.2, 4)
            backend.go_on()
        elif kind == "restart":
            backend.kill()
            backend.start()
        else:
            self.listed.discard(name)
            self.put()
            self.pause(0.5, 3)
            self.listed.add(name)
            self.put()
        self.pause(0.1, 1)
        return f"{kind} {name}"

    def pause(self, least, most):
        time.sleep(self.dice.uniform(least, most))  # the trouble's own length, drawn by the dice

    def stop(self):
        for backend in self.backends.values():
            backend.stop()


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(30, marks=[pytest.mark.ci, pytest.mark.timeout(120)], id="30s"),
        pytest.param(600, marks=[pytest.mark.long, pytest.mark.timeout(900)], id="10min"),
    ],
)
def test_no_idempotent_request_fails_while_one_endpoint_is_left(make_door, seconds):
    seed = int(time.time())
    door = make_door(start=False)
    crowd = Crowd(door, random.Random(seed))
    try:
        crowd.put()
        door.start()
        wait_until(lambda: door.ask(host="crowd.test").status == 200, "the crowd is up", within=10)
        troubles = []
        with Load(door.http, "crowd.test") as load:
            end = time.monotonic() + seconds
            while time.monotonic() < end and not load.failures:
                troubles.append(crowd.trouble())
        assert not load.failures, f"seed {seed}, after {troubles[-3:]}: {dict(load.failures)}, {load.last}"
        assert load.answered > seconds * 50
    finally:
        crowd.stop()


@pytest.mark.parametrize(
    "edits, sockets",
    [
        pytest.param(20, 100, marks=[pytest.mark.ci, pytest.mark.timeout(300)], id="1000-changes"),
        pytest.param(200, 1000, marks=[pytest.mark.long, pytest.mark.timeout(1200)], id="10000-changes"),
    ],
)
def test_catalog_changes_under_open_websockets_leave_memory_flat(make_door, edits, sockets):
    door = make_door(start=False, config={"limits": {"connections_per_client": 100000}})
    stays, comes_and_goes = WorkerBackend("stays"), Backend("goes")
    try:
        door.catalog.put("chat", instance("chat", stays, "route=chat.test"))
        door.catalog.put("moves", *moved(comes_and_goes, 0))
        door.start()
        clients = [open_socket(door) for _ in range(sockets)]
        applied = 0

        def edit(count):
            nonlocal applied
            for _ in range(count):
                applied += 1
                door.catalog.put("moves", *moved(comes_and_goes, applied))
                wait_until(lambda: is_live(door, applied), "the change is live", every=0.01)

        edit(edits // 4)  # buffers and tables grow to their size
        before, fds = door.rss(), door.fds()
        edit(edits - edits // 4)
        assert door.rss() - before < 8 * process.MIB
        assert door.fds() <= fds + 10
        wait_until(lambda: door.status()["worlds_live"] <= 3, "old worlds are gone")
        for client in clients:
            client.send(b"still")
        assert all(client.reader.take(5) == b"still" for client in clients)
        for client in clients:
            client.close()
    finally:
        stays.stop()
        comes_and_goes.stop()


def moved(backend, n):
    """Fifty services; each edit of the file gives every one of them another instance and another route."""
    return [instance(f"m{i}", backend, f"route=m{i}.test/v{n}", id=f"m{i}-{n}") for i in range(50)]


def is_live(door, n):
    return door.ask(f"/v{n}", host=f"m{n % 50}.test").status == 200


def open_socket(door):
    client = Client(door.http, host="chat.test", timeout=60)
    client.send(websocket.handshake("chat.test"))
    assert client.response().status == 101
    return client


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_million_frames_of_one_byte_pass_in_flat_memory(make_door):
    door = make_door(start=False)
    backend = WorkerBackend("echo")
    try:
        door.catalog.put("chat", instance("chat", backend, "route=chat.test"))
        door.start()
        client = open_socket(door)
        before = door.rss()
        for _ in range(1000):
            for _ in range(1000):
                client.send(b"x")
            assert client.reader.take(1000) == b"x" * 1000
        assert door.rss() - before < 8 * process.MIB
        client.close()
    finally:
        backend.stop()


@pytest.mark.long
@pytest.mark.timeout(180)
def test_an_endpoint_that_rested_is_looked_at_with_the_first_request(make_door, make_backend):
    """One that nobody uses is asked once a minute. Its first request brings the next check forward."""
    door = make_door(start=False)
    status = {"/health": 200}
    backend = make_backend("one", handler=lambda exchange: exchange.answer(status.get(exchange.request.target, 200)))
    checks = [http_check(backend, failures_before_critical=2)]
    door.catalog.put("one", instance("one", backend, "route=one.test", checks=checks))
    door.start()
    wait_until(lambda: healthy(door, "one"), "it is up")
    time.sleep(66)  # there is nothing to see: it is the being left alone that counts
    status["/health"] = 500
    assert door.ask(host="one.test").status == 200
    wait_until(lambda: not healthy(door, "one"), "it is down", within=15)
