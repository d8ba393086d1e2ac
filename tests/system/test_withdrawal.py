"""Endpoints that are left while they are in use: unhealthy ones, backups that have done their part, removed ones."""
import pytest

from support import websocket
from support.backend import Gate
from support.catalog import http_check, instance
from support.client import Client
from support.door import endpoints
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def house(make_door, make_backend):
    """A maker: instances a and b of one service, whose checks a judge answers as `health` says."""
    door = make_door(start=False, config={"workers": 1})
    door.health = {"a": 200, "b": 200}
    judge = make_backend("judge", handler=lambda exchange: exchange.answer(door.health[exchange.request.target[1:]]))
    door.backends = {name: make_backend(name) for name in "ab"}

    def put(names, *tags, own_tags=None):
        door.catalog.put("one", *(
            instance("one", door.backends[name], "route=one.test", *tags, *(own_tags or {}).get(name, ()), id=name,
                     checks=[http_check(judge, path=f"/{name}")])
            for name in names
        ))

    door.put = put
    return door


def wait_health(door, **wanted):
    def shown():
        return {name: endpoint["health"] for name, endpoint in endpoints(door.status(), "one").items()}

    wait_until(lambda: shown().items() >= wanted.items(), lambda: f"{wanted}; it is {shown()}", within=15, every=0.1)


def chat(door):
    """A WebSocket through the door."""
    for backend in door.backends.values():
        backend.handler = websocket.accept_and_echo
    client = Client(door.http, host="one.test")
    client.send(websocket.handshake("one.test"))
    assert client.response().status == 101
    return client


def assert_withdrawn(door, client):
    client.wait_closed(within=15)
    assert door.logged(status=101)["termination"] == "backend_withdrawn"


def test_close_ends_the_websockets_of_an_unhealthy_endpoint(house):
    house.put("a", "on_unhealthy=close")
    house.start()
    wait_health(house, a="up")
    with chat(house) as client:
        house.health["a"] = 500
        assert_withdrawn(house, client)


def test_without_a_word_the_websockets_of_an_unhealthy_endpoint_go_on(house):
    house.put("a")
    house.start()
    wait_health(house, a="up")
    with chat(house) as client:
        house.health["a"] = 500
        wait_health(house, a="down")
        client.send(b"still there")
        assert client.reader.take(11) == b"still there"


@pytest.mark.parametrize("method, status", [("GET", 200), ("POST", 503)])
def test_close_ends_requests_and_repeats_those_that_may_be(house, method, status):
    house.put("ab", "on_unhealthy=close")
    house.start()
    wait_health(house, a="up", b="up")
    gate, asked = Gate(), []

    def first_waits(exchange):
        asked.append(exchange.backend.name)
        if len(asked) == 1:
            gate.wait()
        exchange.answer(body=exchange.backend.name)

    for backend in house.backends.values():
        backend.handler = first_waits
    with Client(house.http, host="one.test") as client:
        client.request(method, "/", body=b"x" if method == "POST" else b"")
        gate.wait_reached()
        house.health[asked[0]] = 500
        answer = client.response()
        gate.open()
    assert answer.status == status
    if status == 503:
        assert house.logged(status=503)["termination"] == "backend_withdrawn"


def test_close_on_return_ends_what_backups_carry(house):
    house.health["a"] = 500
    house.put("ab", "on_return=close", own_tags={"b": ["backup=true"]})
    house.start()
    wait_health(house, a="down", b="up")
    with chat(house) as client:
        house.health["a"] = 200
        assert_withdrawn(house, client)


def test_a_removed_endpoint_is_left_after_drain_time(house):
    house.put("a", "drain_time=1s")
    house.start()
    wait_health(house, a="up")
    with chat(house) as client:
        house.put("b", "drain_time=1s")
        assert_withdrawn(house, client)


def test_a_connection_that_was_in_use_when_its_endpoint_was_removed_is_not_kept(house):
    house.put("a")
    house.start()
    wait_health(house, a="up")
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer()

    house.backends["a"].handler = wait
    with Client(house.http, host="one.test") as client:
        client.request()
        gate.wait_reached()
        house.put("b")
        wait_until(lambda: set(endpoints(house.status(), "one")) == {"b"}, "a is removed", within=10)
        gate.open()
        assert client.response().status == 200
    wait_until(lambda: not house.backends["a"].open_connections(), "its connection is closed", within=10)
