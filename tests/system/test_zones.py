"""Endpoints of the door's own zone come first, or alone."""
import pytest

from support.backend import Gate
from support.catalog import instance
from support.client import Client
from support.door import endpoints, problems
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def house(make_door, make_backend):
    """A maker: a door of zone a with a1, a2 near and b1, b2 far."""
    door = make_door(start=False, config={"workers": 1, "node": {"zone": "a"}})
    door.backends = {name: make_backend(name) for name in ("a1", "a2", "b1", "b2")}

    def put(*tags, names=None, own_tags=()):
        door.catalog.put("one", *(
            instance("one", door.backends[name], "route=one.test", *tags, *own_tags, id=name, meta={"zone": name[0]})
            for name in names or door.backends
        ))

    door.put = put
    return door


def spread(door, count=40):
    with Client(door.http, host="one.test") as client:
        answers = [client.ask() for _ in range(count)]
    return {answer.get("X-Backend") or answer.status for answer in answers}


def test_without_a_word_zones_don_t_matter(house):
    house.put("balance=round_robin")
    house.start()
    assert spread(house) == {"a1", "a2", "b1", "b2"}


def test_prefer_keeps_to_the_door_s_zone_while_it_can(house):
    house.put("zone=prefer")
    house.start()
    assert spread(house) == {"a1", "a2"}
    house.put("zone=prefer", names=["b1", "b2"])
    wait_until(lambda: spread(house, 20) == {"b1", "b2"}, "the other zone")


def test_prefer_sends_away_what_too_few_near_ones_can_t_carry(house):
    house.put("zone=prefer", "balance=round_robin")
    house.start()
    house.do("drain", "one/a1")
    assert spread(house, 100) == {"a2", "b1", "b2"}, "one of two carries 1.4 halves: three of ten go away"
    house.do("drain", "one/a2")
    assert spread(house) == {"b1", "b2"}


def test_prefer_goes_away_rather_than_wait_in_the_queue(house):
    house.put("zone=prefer", names=["a1", "b1"], own_tags=["max_requests=1"])
    house.start()
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer(fields={"X-Backend": "a1"})

    house.backends["a1"].handler = wait
    with Client(house.http, host="one.test") as client:
        client.request()
        gate.wait_reached()
        assert spread(house, 5) == {"b1"}
        gate.open()
        assert client.response().get("X-Backend") == "a1"


def test_only_never_leaves_the_zone(house):
    house.put("zone=only")
    house.start()
    assert spread(house) == {"a1", "a2"}
    assert endpoints(house.status(), "one")["b1"]["out"] == "in another zone"
    house.do("drain", "one/a1")
    house.do("drain", "one/a2")
    assert spread(house, 5) == {503}


def test_another_zone_of_the_door_holds_from_the_reload_on(house):
    house.put("zone=only")
    house.start()
    house.change_config({"node": {"zone": "b"}})
    house.reload()
    assert spread(house) == {"b1", "b2"}
    house.change_config({"node": {"zone": None}})
    house.reload()
    assert spread(house, 5) == {503}
    assert any("node.zone is not set" in problem for problem in problems(house.status()))
