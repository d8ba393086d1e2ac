"""Who may register in Consul is not the door's administrator: a hostile registration gains nothing, and costs nobody."""

import pytest

from support.client import ask
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def house(make_door, make_backend, consul):
    """A door with an honest service, which has the host web.test."""
    door = make_door(start=False)
    door.change_config({"catalog": {"consul": [{"address": consul.address}]}})
    consul.put("web", make_backend("honest"), "gatehouse.route=web.test")
    door.start()
    wait_until(lambda: ask(door.http, host="web.test").status == 200, "it serves")
    return door


def taken(house, consul, make_backend):
    """Everything that was registered up to now has been taken in; nobody has lost anything by it."""
    consul.put("after", make_backend("after"), "gatehouse.route=after.test")
    wait_until(lambda: ask(house.http, host="after.test").status == 200, "what came after it is served", within=20)
    assert {ask(house.http, host="web.test").get("X-Backend") for _ in range(10)} == {"honest"}


CLAIMS = {
    "its host": ("gatehouse.route=web.test",),
    "its host in capitals": ("gatehouse.route=WEB.TEST",),
    "its host with a dot": ("gatehouse.route=web.test.",),
    "its root": ("gatehouse.route=web.test/",),
    "its root in other bytes": ("gatehouse.route=web.test/%2e/",),
    "any host": ("gatehouse.route=*/",),
    "all of its domain": ("gatehouse.route=*.test",),
    "its host by fabio": ("urlprefix-web.test/",),
    "its host by Traefik, first": (
        "traefik.enable=true", "traefik.http.routers.r.rule=Host(`web.test`)", "traefik.http.routers.r.priority=2147483647",
    ),
    "all by Traefik": ("traefik.enable=true", "traefik.http.routers.r.rule=PathPrefix(`/`)"),
    "all by a pattern": ("traefik.enable=true", "traefik.http.routers.r.rule=HostRegexp(`.*`)"),
}  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_whoever_claims_it_the_holder_keeps_its_host(house, consul, make_backend, claim):
    thief = make_backend("thief")
    consul.put("a-thief", thief, *CLAIMS[claim])
    taken(house, consul, make_backend)
    assert all(request.get("Host") != "web.test" for request in thief.requests)


LIES = {
    "a line break": ("gatehouse.route=lie.test\r\nX-Evil: 1",),
    "control characters": ("gatehouse.route=\x1b[2J\x00lie.test",),
    "what Consul makes of no text": ("gatehouse.route=\ufffdlie.test",),
    "letters from right to left": ("gatehouse.route=\u202elie.test",),
    "a tag of a megabyte": ("gatehouse.route=lie.test/" + "a" * (1 << 20),),
    "ten thousand routes": tuple(f"gatehouse.route=lie.test/{n}" for n in range(10_000)),
    "ten thousand conditions": ("gatehouse.route=lie.test " + " ".join(f"if.header=X-{n}:1" for n in range(10_000)),),
    "a pattern that explodes": ("traefik.enable=true", "traefik.http.routers.r.rule=HostRegexp(`(a+)+(b+)+(c{1,1000}){1,1000}$`)"),
    "a rule without an end": ("traefik.enable=true", "traefik.http.routers.r.rule=" + "(" * 100_000),
    "a header that splits": ("urlprefix-lie.test/ host=evil\r\nX-Evil:1",),
    "every check at once": ("gatehouse.route=lie.test", "gatehouse.health=/ interval=1ns timeout=1h"),
    "numbers that overflow": ("gatehouse.route=lie.test", "gatehouse.timeout=99999999999999999999s", "gatehouse.queue=-1,1ns"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_registration_that_makes_no_sense_harms_nobody(house, consul, make_backend, lie):
    consul.put("lie", make_backend("liar"), *LIES[lie])
    taken(house, consul, make_backend)
    assert "\x1b" not in house.do("status")
    assert house.ask(host="lie.test").get("X-Evil") is None


PLACES = {
    "no port": {"Port": 0},
    "a port too high": {"Port": 70_000},
    "a negative port": {"Port": -1},
    "a port in words": {"Port": "eighty"},
    "a path for an address": {"Address": "/var/run/docker.sock"},
    "a socket for an address": {"Address": "unix:/var/run/docker.sock"},
    "an address that splits": {"Address": "127.0.0.1\r\nX-Evil: 1"},
    "every address": {"Address": "0.0.0.0"},
    "a list for an address": {"Address": ["127.0.0.1"]},
    "weights beyond measure": {"Weights": {"Passing": 2**63, "Warning": -(2**63)}},
    "tags that are none": {"Tags": {"gatehouse.route": "lie.test"}},
    "tags of tags": {"Tags": [["gatehouse.route=lie.test"], None, 7]},
    "meta that is none": {"Meta": [1, 2, 3]},
    "no name": {"Service": ""},
    "an id that splits": {"ID": "a/b\r\n../../c"},
}


@pytest.mark.parametrize("place", PLACES)
def test_an_instance_that_is_nowhere_harms_nobody(house, consul, make_backend, place):
    backend = make_backend("liar")
    id = consul.put("lie", backend, "gatehouse.route=lie.test")
    consul.services["lie"][("n1", id)]["Service"].update(PLACES[place])
    consul.wake()
    taken(house, consul, make_backend)
    answer = house.ask(host="lie.test")
    assert answer.status in (200, 404, 502, 503) and answer.get("X-Evil") is None


def test_what_a_hostile_registration_says_comes_to_no_terminal_and_no_metric_as_it_is(house, consul, make_backend):
    consul.put('evil"} 1\ngatehouse_up{x="\x1b]0;owned\x07', make_backend("evil"), 'gatehouse.route=evil.test"\n\x1b[31m')
    taken(house, consul, make_backend)
    said = house.do("status") + house.do("history") + house.ask_metrics("/metrics").text
    assert "\x1b" not in said and "\x07" not in said
    assert "\ngatehouse_up{" not in said


@pytest.mark.parametrize("key", ["canary", "mirror"])
def test_no_tag_leads_to_another_service(make_door, make_backend, consul, key):
    admin, thief = make_backend("admin"), make_backend("thief")
    door = make_door(start=False)
    door.change_config({"catalog": {"consul": [{"address": consul.address}]}})
    consul.put("admin", admin, "gatehouse.route=admin.test", "gatehouse.allow=192.0.2.0/24")
    door.start()
    wait_until(lambda: ask(door.http, host="admin.test").status == 403, "admin is guarded")
    consul.put("thief", thief, "gatehouse.route=thief.test", f"gatehouse.{key}=admin 100%")
    wait_until(lambda: ask(door.http, host="thief.test").status != 404, "thief is known")
    assert ask(door.http, host="thief.test").get("X-Backend") != "admin"
    assert admin.requests == []
    told = str(door.status()["problems"])
    assert key in told and "only gatehouse.yaml may say this" in told
