"""A service of two datacenters: its own serves, the other one when that can't or when somebody says so."""

import json
import threading

import pytest

from support.client import Client, ask
from support.fake_consul import FakeConsul
from support.wait import wait_until

pytestmark = pytest.mark.quick

ROUTE = "gatehouse.route=web.test"


@pytest.fixture
def site(make_door, make_backend):
    """A door with a Consul in each of two datacenters, and a backend of web in each."""

    class Site:
        def __init__(self):
            self.near, self.far = FakeConsul("dc1"), FakeConsul("dc2")
            self.here, self.there = make_backend("here"), make_backend("there")

        def start(self, *tags):
            self.id = self.near.put("web", self.here, ROUTE, *tags)
            self.far_id = self.far.put("web", self.there, ROUTE, *tags, node="far")
            self.door = make_door(start=False)
            self.door.config["catalog"] = {
                "consul": [
                    {"datacenter": each.datacenter, "address": each.address} for each in (self.near, self.far)
                ]
            }
            self.door.write_config(self.door.config)
            self.door.start()
            wait_until(lambda: "dc2" in self.told(), "both are known")
            return self.door

        def told(self):
            status = self.door.status()
            return json.dumps([status["services"], status["problems"]])

        def served_by(self):
            answer = ask(self.door.http, host="web.test")
            return answer.get("X-Backend") if answer.status == 200 else answer.status

        def wait_for(self, name, why, **more):
            def told():
                return f"{why}; it is {self.served_by()}; {self.told()}; {self.door.do('history')}"

            wait_until(lambda: self.served_by() == name, told, **more)

    made = Site()
    yield made
    made.near.stop()
    made.far.stop()


def service_of(door, name="web"):
    return next(each for each in door.status()["services"] if each["name"] == name)


def health_of_there(door):
    """Of dc2's instance; nothing while it isn't known yet."""
    return next(iter(each["health"] for each in service_of(door)["endpoints"][1:]), None)


def test_without_a_word_the_other_datacenter_gets_nothing(site):
    site.start()
    site.wait_for("here", "its own serves")
    assert {site.served_by() for _ in range(20)} == {"here"}
    site.near.set_status("web", site.id, "critical")
    site.wait_for(503, "nobody is left")


def test_a_redirect_to_another_datacenter_needs_no_tag_there(site, make_door):
    site.near.put("web", site.here, ROUTE)
    site.far.put("web", site.there, node="far")
    site.near.say("service-resolver", "web", Redirect={"Datacenter": "dc2"})
    site.door = make_door(start=False)
    site.door.config["catalog"] = {
        "consul": [{"datacenter": each.datacenter, "address": each.address} for each in (site.near, site.far)]
    }
    site.door.write_config(site.door.config)
    site.door.start()
    site.wait_for("there", "the other one serves")


def test_it_goes_when_none_is_left_and_comes_back(site):
    site.start("gatehouse.failover=dc2 after=0 back_after=0")
    site.wait_for("here", "its own serves")
    site.near.set_status("web", site.id, "critical")
    site.wait_for("there", "the other serves")
    assert service_of(site.door)["failover"] == {"datacenter": "dc2", "by_hand": False}
    assert site.door.metric("gatehouse_service_failover", service="web", datacenter="dc2") == 1
    assert "web: served by dc2: nothing usable here" in site.door.do("history")
    site.near.set_status("web", site.id, "passing")
    site.wait_for("here", "its own again")
    assert site.door.metric("gatehouse_service_failover", service="web", datacenter="dc2") == 0


def test_our_own_check_counts_as_the_catalogs_word_does(site):
    site.start("gatehouse.failover=dc2 after=0", "gatehouse.health=/ interval=1s fall=1 rise=1")
    site.wait_for("here", "its own serves")
    site.here.stop()
    site.wait_for("there", "the other serves", within=15)


def test_one_that_is_gone_for_good_is_served_by_the_other(site):
    site.start("gatehouse.failover=dc2 after=0")
    site.wait_for("here", "its own serves")
    site.near.remove("web")
    site.wait_for("there", "the other serves")


def test_after_a_restart_nobody_goes_before_every_consul_was_heard(site):
    door = site.start("gatehouse.failover=dc2 after=0 back_after=0")
    site.wait_for("here", "its own serves")
    site.far.set_status("web", site.far_id, "critical", node="far")
    wait_until(lambda: health_of_there(door) == "down", "dc2's is critical")
    site.near.set_status("web", site.id, "critical")
    site.wait_for(503, "nobody is left")
    wait_until(lambda: open(door.path("state/catalog.json")).read().count('"gatehouse_health":"critical"') == 2, "on disk")
    door.stop()
    site.near.set_status("web", site.id, "passing")
    site.far.set_status("web", site.far_id, "passing", node="far")
    released = threading.Event()
    site.near.trouble = lambda path, query: released.wait(30) and None
    door.start()
    wait_until(lambda: health_of_there(door) == "up", "dc2 was heard")
    assert site.served_by() == 503, "what is known of dc1 is old"
    released.set()
    site.wait_for("here", "its own again")
    assert "served by dc2" not in door.do("history")


def test_by_hand_it_goes_and_stays_over_a_restart_until_it_is_taken_back(site):
    door = site.start()
    site.wait_for("here", "its own serves")
    assert "names no datacenter" in door.command("failover", "web").stderr
    assert "no instance of web in dc7" in door.command("failover", "web", "dc7").stderr
    assert "is served by dc2" in door.do("failover", "web", "dc2")
    assert {site.served_by() for _ in range(20)} == {"there"}
    assert service_of(door)["failover"] == {"datacenter": "dc2", "by_hand": True}
    door.stop()
    door.start()
    site.wait_for("there", "as it was told")
    door.do("failover", "web", "--back")
    assert {site.served_by() for _ in range(20)} == {"here"}
    assert "has not failed over" in door.command("failover", "web", "--back").stderr


def test_a_request_that_is_under_way_goes_on(site):
    door = site.start()
    site.wait_for("here", "its own serves")
    arrived, go = threading.Event(), threading.Event()
    usual = site.here.handler

    def handler(exchange):
        arrived.set()
        go.wait(10)
        usual(exchange)

    site.here.handler = handler
    with Client(door.http, host="web.test") as client:
        client.request()
        assert arrived.wait(5)
        door.do("failover", "web", "dc2")
        assert site.served_by() == "there"
        go.set()
        answer = client.response()
    assert answer.status == 200 and answer.get("X-Backend") == "here"
