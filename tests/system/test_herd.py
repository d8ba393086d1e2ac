"""Many doors on one agent: what they ask of it is bounded, also when it comes back and all have noticed."""
import os
import time
from collections import Counter

import pytest

from support.wait import wait_until

pytestmark = pytest.mark.ci

DOORS, SERVICES = 50, 5
LIST, KIND, SERVICE = "/v1/catalog/services", "/v1/config/", "/v1/health/service/web"


@pytest.fixture
def herd(make_door, make_backend, consul):
    backend = make_backend("web")
    for n in range(SERVICES):
        consul.put(f"web{n}", backend, f"gatehouse.route=web{n}.test")
    doors = []
    for n in range(DOORS):
        door = make_door(start=False, config={"workers": 1})
        with open(os.open(door.path("token"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(f"door-{n}")
        door.change_config({"catalog": {"consul": [{"address": consul.address, "token": {"file": "./token"}}]},
                            "node": {"name": f"door-{n}"}})  # fmt: skip
        doors.append(door)
    for door in doors:
        door.spawn()
    wait_all(doors, lambda door: door.probe("/readyz") == 200, "ready", within=90)
    wait_all(doors, lambda door: of(door, "gatehouse_consul_trusted") == 1, "trusted", within=60)
    return doors


def of(door, metric):
    return door.metric(metric, datacenter="")


def wait_all(doors, condition, what, within):
    waiting = list(doors)

    def look():
        waiting[:] = [door for door in waiting if not condition(door)]
        return not waiting

    wait_until(look, lambda: f"{what}; {len(waiting)} of {len(doors)} are not", within, every=0.2)


def test_an_agent_that_comes_back_is_asked_once_by_each(herd, consul, record_property):
    began = time.monotonic()
    consul.stop()
    wait_all(herd, lambda door: of(door, "gatehouse_consul_up") == 0, "without the agent", within=90)
    times, before = [], len(consul.asked)
    consul.trouble = lambda path, query: times.append(time.monotonic())
    consul.restart()
    wait_all(herd, lambda door: of(door, "gatehouse_consul_up") == 1, "with it again", within=90)
    wait_all(herd, lambda door: of(door, "gatehouse_consul_trusted") == 1, "trusted again", within=60)
    asked = Counter((token, path) for path, query, token in consul.asked[before:])
    for n in range(DOORS):
        mine = {path: count for (token, path), count in asked.items() if token == f"door-{n}"}
        assert mine.get(LIST, 0) <= 4, mine
        for path, count in mine.items():
            assert not path.startswith((KIND, SERVICE)) or count <= 4, mine
        assert len([path for path in mine if path.startswith(SERVICE)]) == SERVICES, mine
    peak = max(Counter(int(at) for at in times).values())
    record_property("asked within a second at most", f"{peak} by {DOORS} doors, {time.monotonic() - began:.0f} s in all")


def test_a_change_is_asked_for_once_by_each(herd, consul, make_backend):
    before = len(consul.asked)
    changes = [door.metric("gatehouse_consul_changes_total", datacenter="") for door in herd]
    consul.put("web0", make_backend("two"), "gatehouse.route=web0.test", node="n2")
    for door, seen in zip(herd, changes):
        wait_until(lambda: door.metric("gatehouse_consul_changes_total", datacenter="") > seen, "it is seen", within=30)
    asked = Counter((token, path) for path, query, token in consul.asked[before:] if path.startswith((LIST, KIND, SERVICE)))
    assert all(count <= 2 for count in asked.values()), asked.most_common(5)
