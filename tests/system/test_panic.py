"""No endpoint passes its checks: then those that the catalog calls passing are tried, rather than nobody."""
import socket
from pathlib import Path

import pytest

from support.catalog import http_check, instance
from support.client import Client
from support.door import endpoints, problems
from support.fake_consul import FakeConsul
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def house(make_door, make_backend):
    """A maker: instances a and b, whose checks a judge answers as `health` says."""
    door = make_door(start=False, config={"workers": 1})
    door.change_config({"logs": {"events": {"to": door.path("events.log")}}})
    judge = make_backend("judge", handler=lambda exchange: exchange.answer(door.health[exchange.request.target[1:]]))
    door.backends = {name: make_backend(name) for name in "ab"}

    def put(*tags, up="ab"):
        door.health = {name: 200 if name in up else 500 for name in "ab"}
        door.catalog.put("one", *(
            instance("one", backend, "route=one.test", *tags, id=name, checks=[http_check(judge, path=f"/{name}")])
            for name, backend in door.backends.items()
        ))
        door.start()
        wait_health(door, **{name: "up" if name in up else "down" for name in "ab"})

    door.put = put
    return door


def wait_health(door, **wanted):
    def shown():
        listed = [service["name"] for service in door.status()["services"]]
        if "one" not in listed:
            return {}
        return {name: endpoint["health"] for name, endpoint in endpoints(door.status(), "one").items()}

    wait_until(lambda: shown().items() >= wanted.items(), lambda: f"{wanted}; it is {shown()}", within=15, every=0.1)


def told(door):
    return Path(door.path("events.log")).read_text()


def test_a_service_whose_checks_all_fail_though_it_answers_keeps_serving(house):
    house.put("balance=round_robin")
    with Client(house.http, host="one.test") as client:
        statuses = set()

        def panics():
            statuses.add(client.ask().status)
            return house.metric("gatehouse_service_panic", service="one") == 1

        assert not panics()
        house.health.update(a=500, b=500)
        wait_until(panics, "panic", within=15)
        assert {client.ask().get("X-Backend") for _ in range(40)} == {"a", "b"}
        assert statuses == {200}
    assert any("panic" in problem for problem in problems(house.status()))
    assert "panic: none is healthy" in house.do("explain", "GET", "http://one.test/")
    wait_until(lambda: "panic" in told(house), "an event")
    house.health["a"] = 200
    wait_until(lambda: "no panic any more" in told(house), "the end of it", within=15)
    assert told(house).count("panic: no endpoint is healthy") == 1
    assert {house.ask(host="one.test").get("X-Backend") for _ in range(20)} == {"a"}
    assert house.metric("gatehouse_service_panic", service="one") == 0


def test_one_that_is_drained_gets_nothing_in_panic_either(house):
    house.put()
    house.health.update(a=500, b=500)
    wait_health(house, a="down", b="down")
    house.do("drain", "one/a")
    assert {house.ask(host="one.test").get("X-Backend") for _ in range(20)} == {"b"}
    house.do("drain", "one")
    assert house.ask(host="one.test").status == 503


def test_a_single_service_has_no_panic(house):
    house.put("single=true", up="a")
    house.health["a"] = 500
    wait_health(house, a="down", b="down")
    assert house.ask(host="one.test").status == 503
    assert house.metric("gatehouse_service_panic", service="one") == 0


def test_where_nobody_answers_503_is_told_without_trying(make_door):
    door = make_door(start=False, config={"workers": 1})
    # a full backlog that nobody accepts from: SYNs are dropped, as at a host that is gone
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    stuffing = [socket.socket() for _ in range(3)]
    for sock in stuffing:
        sock.setblocking(False)
        sock.connect_ex(full.getsockname())
    address, port = full.getsockname()
    checks = [{"tcp": f"{address}:{port}", "interval": "1s", "timeout": "300ms"}]
    tags = ("route=one.test", "connect_timeout=300ms")
    door.catalog.put("one", instance("one", (address, port), *tags, id="a", checks=checks))
    door.start()
    wait_health(door, a="down")
    assert door.ask(host="one.test").status in (503, 504)
    wait_until(lambda: door.ask(host="one.test").status == 503, "nobody is tried")
    assert door.logged(termination="no_endpoint")["attempts"] == 0
    for sock in [full, *stuffing]:
        sock.close()


def test_whom_consul_calls_critical_is_never_tried(make_door, make_backend):
    consul = FakeConsul()
    door = make_door(start=False)
    door.change_config({"catalog": {"consul": [{"address": consul.address}]}})
    passing, critical = make_backend("passing"), make_backend("critical")
    for backend in (passing, critical):
        backend.handler = lambda exchange: exchange.answer(
            500 if exchange.request.target == "/health" else 200, fields={"X-Backend": exchange.backend.name})
    tags = ("gatehouse.route=one.test", "gatehouse.health=/health interval=1s fall=1")
    consul.put("one", passing, *tags, id="a")
    consul.put("one", critical, *tags, id="b", node="n2", status="critical")
    door.start()
    wait_health(door, a="down", b="down")
    assert {door.ask(host="one.test").get("X-Backend") for _ in range(20)} == {"passing"}
    consul.set_status("one", "a", "critical")
    wait_until(lambda: door.ask(host="one.test").status == 503, "nobody is left to be tried")
    consul.stop()
