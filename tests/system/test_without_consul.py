"""An hour without any Consul, or a minute of it: the door goes on by itself, and its own checks judge."""

import json
import time

import pytest

from support.client import ask
from support.door import endpoints
from support.load import Load
from support.wait import wait_until
from support.worker_backend import WorkerBackend


@pytest.fixture
def backends():
    made = [WorkerBackend(name) for name in ("one", "two", "three")]
    yield made
    for backend in made:
        backend.stop()


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(45, marks=[pytest.mark.ci, pytest.mark.timeout(180)], id="45s"),
        pytest.param(3600, marks=[pytest.mark.long, pytest.mark.timeout(4000)], id="1h"),
    ],
)
def test_the_time_without_any_consul_costs_no_request_and_no_route(make_door, consul, backends, seconds, record_property):
    door = make_door(start=False)
    tags = ("gatehouse.route=web.test", "gatehouse.health=/health interval=1s timeout=1s")
    door.change_config({"catalog": {"consul": [{"address": consul.address}]}})
    for n, backend in enumerate(backends):
        consul.put("web", backend, *tags, node=f"n{n}")
    for n in range(10):
        consul.put(f"quiet{n}", backends[n % 3], f"gatehouse.route=quiet{n}.test", node=f"n{n % 3}")
    door.start()

    def up():
        return {one["address"] for one in endpoints(door.status(), "web").values() if one["health"] == "up"}

    def all_up():
        listed = [service["name"] for service in door.status()["services"]]
        return "web" in listed and len(up()) == len(backends)

    wait_until(all_up, "all are up", within=20)
    consul.stop()
    end, rounds = time.monotonic() + seconds, 0
    with Load(door.http, "web.test", threads=2, pause=0.02) as load:
        while time.monotonic() < end:
            gone = backends[rounds % len(backends)]
            gone.kill()
            wait_until(lambda: len(up()) == len(backends) - 1, "who is gone is out", within=20)
            gone.start()
            wait_until(all_up, "who is back is in", within=20)
            rounds += 1
        answered, failures = load.answered, load.failures
        assert not failures, (failures, load.last)
    assert {ask(door.http, host=f"quiet{n}.test").status for n in range(10)} == {200}
    assert "last good state" in json.dumps(door.status())
    consul.restart()
    consul.put("late", backends[0], "gatehouse.route=late.test")
    wait_until(lambda: ask(door.http, host="late.test").status == 200, "the late one is served", within=20)
    record_property("without Consul", f"{seconds} s: {answered} answered, none failed; {rounds} times a backend died and came back")
