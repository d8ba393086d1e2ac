"""The catalog of a Consul: what is registered is served, and Consul's failures reach no client."""

import json

import pytest

from support.client import Client, ask
from support.fake_consul import Answer, FakeConsul
from support.wait import wait_until

pytestmark = pytest.mark.quick

DOWN = {  # what a Consul in trouble answers: none of it may take a route away
    "no leader": Answer(500, "No cluster leader"),
    "denied": Answer(403, "ACL not found"),
    "throttled": Answer(429, "Your IP is issuing too many concurrent connections"),
    "filtered": Answer(200, "[]", {"X-Consul-Results-Filtered-By-ACLs": "true"}),
    "garbage": Answer(200, "<html>captive portal</html>"),
    "cut json": Answer(200, '[{"Node": {"Node": "n1"'),
    "cut": Answer(cut=True),
    "not found": Answer(404, "404 page not found"),
}


@pytest.fixture
def consul():
    fake = FakeConsul()
    yield fake
    fake.stop()


@pytest.fixture
def door(make_door, consul):
    def make(*, start=True, **server):
        made = make_door(start=False)
        made.config["catalog"] = {"consul": [{"address": consul.address, **server}]}
        made.write_config(made.config)
        if start:
            made.start()
        return made

    return make


def status_of(door, host, **more):
    return ask(door.http, host=host, **more).status


def wait_for(door, status, host="web.test"):
    wait_until(lambda: status_of(door, host) == status, f"{status} of {host}")


def test_what_is_registered_is_served_and_what_is_changed_follows(door, consul, make_backend):
    door, one, two = door(), make_backend("one"), make_backend("two")
    assert status_of(door, "web.test") == 404
    consul.put("web", one, "gatehouse.route=web.test")
    wait_for(door, 200)
    consul.put("web", two, "gatehouse.route=web.test", node="n2")
    names = lambda: {ask(door.http, host="web.test").get("X-Backend") for _ in range(20)}  # noqa: E731
    wait_until(lambda: names() == {"one", "two"}, "both serve")


def test_services_without_a_tag_of_ours_are_not_even_asked_for(door, consul, make_backend):
    consul.put("other", make_backend("other"), "v1")
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door(), 200)
    assert consul.count("/v1/health/service/other") == 0


def test_a_service_of_gatehouse_yaml_needs_no_tag(door, consul, make_backend):
    consul.put("plain", make_backend("plain"))
    made = door(start=False)
    made.config["services"] = {"plain": {"route": "plain.test"}}
    made.write_config(made.config)
    made.start()
    wait_for(made, 200, "plain.test")


def test_critical_gets_nothing_and_passing_gets_it_again(door, consul, make_backend):
    door, one, two = door(), make_backend("one"), make_backend("two")
    consul.put("web", one, "gatehouse.route=web.test")
    id = consul.put("web", two, "gatehouse.route=web.test", node="n2")
    seen = lambda: {ask(door.http, host="web.test").get("X-Backend") for _ in range(20)}  # noqa: E731
    wait_until(lambda: seen() == {"one", "two"}, "both serve")
    consul.set_status("web", id, "critical", node="n2")
    wait_until(lambda: seen() == {"one"}, "the critical one gets nothing")
    consul.set_status("web", id, "passing", node="n2")
    wait_until(lambda: seen() == {"one", "two"}, "both again")
    consul.set_status("web", id, "critical", node="n2", check_id="_node_maintenance")
    wait_until(lambda: seen() == {"one"}, "the one in maintenance gets nothing")


def test_warning_weighs_what_the_definition_says(door, consul, make_backend):
    door, one, two = door(), make_backend("one"), make_backend("two")
    consul.put("web", one, "gatehouse.route=web.test", weights=(50, 1))
    id = consul.put("web", two, "gatehouse.route=web.test", node="n2", weights=(50, 0))
    seen = lambda: {ask(door.http, host="web.test").get("X-Backend") for _ in range(20)}  # noqa: E731
    wait_until(lambda: seen() == {"one", "two"}, "both serve")
    consul.set_status("web", id, "warning", node="n2")
    wait_until(lambda: seen() == {"one"}, "of weight 0 while it warns")


@pytest.mark.parametrize("trouble", DOWN)
def test_no_trouble_of_consul_takes_a_route_away(door, consul, make_backend, trouble):
    door = door()
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    consul.trouble = lambda path, query: DOWN[trouble]
    asked = len(consul.asked)
    consul.wake()
    wait_until(lambda: len(consul.asked) >= asked + 2, "it was asked again", within=20)
    wait_until(lambda: "last good state" in json.dumps(door.status()), "status tells of it")
    assert status_of(door, "web.test") == 200
    consul.trouble = None
    late = make_backend("late")
    consul.put("late", late, "gatehouse.route=late.test")
    wait_for(door, 200, "late.test")


def test_an_agent_that_is_killed_and_comes_back_is_watched_again(door, consul, make_backend):
    door = door()
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    consul.stop()
    with Client(door.http, host="web.test") as client:
        assert all(client.ask().status == 200 for _ in range(50))
    consul.restart()
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    wait_for(door, 200, "late.test")


def test_a_wiped_server_that_counts_from_the_start_hides_no_change(door, consul, make_backend):
    door = door()
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    consul.wake(index=3)
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    wait_for(door, 200, "late.test")


def test_the_token_is_sent_and_read_again_when_its_file_changes(door, consul, make_backend, tmp_path):
    file = tmp_path / "consul.token"
    file.write_text("one\n")
    file.chmod(0o600)
    made = door(token={"file": str(file)})
    wait_until(lambda: any(token == "one" for *_, token in consul.asked), "the token")
    file.write_text("two\n")
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_until(lambda: any(token == "two" for *_, token in consul.asked), "the new token")
    wait_for(made, 200)
