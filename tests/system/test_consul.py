"""The catalog of a Consul: what is registered is served, and Consul's failures reach no client."""

import json
import time

import pytest

from support import websocket
from support.client import Client, ask
from support.door import consul_of, endpoints, problems, status_of, wait_for
from support.fake_consul import Answer, FakeConsul
from support.load import Load
from support.wait import wait_until, watch_for

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
def door(make_door, consul):
    def make(*, start=True, **server):
        made = make_door(start=False)
        made.config["catalog"] = {"consul": [{"address": consul.address, **server}]}
        made.write_config(made.config)
        if start:
            made.start()
        return made

    return make


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


def test_a_service_whose_nodes_are_all_lost_is_tried_and_one_whose_check_fails_is_not(door, consul, make_backend):
    door, one, two = door(), make_backend("one"), make_backend("two")
    id = consul.put("web", one, "gatehouse.route=web.test")
    other = consul.put("web", two, "gatehouse.route=web.test", node="n2")
    seen = lambda: {ask(door.http, host="web.test").get("X-Backend") for _ in range(20)}  # noqa: E731
    wait_until(lambda: seen() == {"one", "two"}, "both serve")
    consul.set_status("web", id, "critical", check_id="serfHealth")
    wait_until(lambda: seen() == {"two"}, "whose node is lost gets nothing")
    consul.set_status("web", other, "critical", node="n2")
    wait_until(lambda: seen() == {"one"}, "better he than nobody")
    consul.set_status("web", id, "critical")
    wait_for(door, 503)


def test_warning_weighs_what_the_definition_says(door, consul, make_backend):
    door, one, two = door(), make_backend("one"), make_backend("two")
    consul.put("web", one, "gatehouse.route=web.test", weights=(50, 1))
    id = consul.put("web", two, "gatehouse.route=web.test", node="n2", weights=(50, 0))
    seen = lambda: {ask(door.http, host="web.test").get("X-Backend") for _ in range(20)}  # noqa: E731
    wait_until(lambda: seen() == {"one", "two"}, "both serve")
    consul.set_status("web", id, "warning", node="n2")
    wait_until(lambda: seen() == {"one"}, "of weight 0 while it warns")


def chat(door, host="web.test"):
    """A WebSocket through the door."""
    client = Client(door.http, host=host)
    client.send(websocket.handshake(host))
    assert client.response().status == 101
    return client


def test_close_ends_what_is_under_way_at_one_that_consul_calls_critical(door, consul, make_backend):
    door, one = door(), make_backend("one", handler=websocket.accept_and_echo)
    id = consul.put("web", one, "gatehouse.route=web.test", "gatehouse.on_unhealthy=close")
    wait_until(lambda: "web" in json.dumps(door.status()), "the service")
    with chat(door) as client:
        consul.set_status("web", id, "critical")
        client.wait_closed(within=15)
    assert door.logged(status=101)["termination"] == "backend_withdrawn"


def test_without_a_word_what_is_under_way_at_a_critical_one_goes_on(door, consul, make_backend):
    door, one = door(), make_backend("one", handler=websocket.accept_and_echo)
    id = consul.put("web", one, "gatehouse.route=web.test")
    wait_until(lambda: "web" in json.dumps(door.status()), "the service")
    with chat(door) as client:
        consul.set_status("web", id, "critical")
        wait_for(door, 503)
        client.send(b"still there")
        assert client.reader.take(11) == b"still there"


def test_close_on_return_ends_what_a_backup_carries_when_consul_calls_a_primary_passing(door, consul, make_backend):
    door = door()
    tags = ("gatehouse.route=web.test", "gatehouse.on_return=close")
    one, spare = (make_backend(name, handler=websocket.accept_and_echo) for name in ("one", "spare"))
    id = consul.put("web", one, *tags, status="critical")
    consul.put("web", spare, *tags, "gatehouse.backup=true", node="n2")
    wait_until(lambda: all(f":{backend.port}" in json.dumps(door.status()) for backend in (one, spare)), "both are known")
    with chat(door) as client:
        consul.set_status("web", id, "passing")
        client.wait_closed(within=15)
    assert door.logged(status=101)["termination"] == "backend_withdrawn"


def test_one_that_consul_calls_passing_again_starts_slowly_where_asked(door, consul, make_backend):
    door = door()
    one, two = make_backend("one"), make_backend("two")
    tags = ("gatehouse.route=web.test", "gatehouse.balance=round_robin", "gatehouse.slow_start=6s")
    consul.put("web", one, *tags)
    wait_for(door, 200)
    # the first must be past its own slow start, of which nothing tells: its time has to pass
    watch_for(lambda: False, 6.0)
    id = consul.put("web", two, *tags, node="n2")

    def share(count=100):
        with Client(door.http, host="web.test") as client:
            return sum(client.ask().get("X-Backend") == "two" for _ in range(count))

    wait_until(lambda: 0 < share() < 40, "a new one starts slowly")
    wait_until(lambda: share() == 50, "both are warm", within=30)
    consul.set_status("web", id, "critical", node="n2")
    wait_until(lambda: share(20) == 0, "it gets nothing")
    consul.set_status("web", id, "passing", node="n2")
    wait_until(lambda: share(20) > 0, "it is back")
    assert 0 < share() < 40, "far from its half"


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


def test_wiped_servers_that_wait_for_an_index_of_earlier_hide_no_change(door, consul, make_backend):
    consul.waits_for_lost_index = True
    door = door()
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    seen_by_itself(door)
    consul.wake(index=3)
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    wait_until(lambda: status_of(door, "late.test") == 200, "the late one is served", within=30)


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


def test_datacenter_partition_and_namespace_are_asked_for(door, consul):
    seen_by_itself(door(datacenter="dc1", partition="edge", namespace="team-a"))
    said = [query for path, query, _ in consul.asked if path == "/v1/catalog/services"]
    assert said and all((each["dc"], each["partition"], each["ns"]) == ("dc1", "edge", "team-a") for each in said)


def test_a_datacenter_that_is_asked_through_another_one_s_agent_is_believed_without_our_registration(door, consul, make_backend):
    there = FakeConsul("dc2")
    try:
        consul.others["dc2"] = there
        there.put("web", make_backend("web"), "gatehouse.route=web.test")
        id = there.put("web", make_backend("more"), node="n2")
        made = door(datacenter="dc2")
        wait_for(made, 200)
        wait_until(lambda: consul_of(made)["trusted"], "it is trusted", within=15)
        there.remove("web", id, node="n2")
        wait_until(lambda: len(endpoints(made.status(), "web")) == 1, "who is deregistered leaves")
    finally:
        there.stop()


def test_a_service_of_the_same_name_in_other_letters_has_no_part_in_it(door, consul, make_backend):
    made, honest = door(), make_backend("honest")
    consul.put("db", honest, "gatehouse.route=db.test", "gatehouse.single=true")
    wait_for(made, 200, "db.test")
    consul.put("DB", make_backend("twin"), "gatehouse.route=other.test", node="n2")
    wait_for(made, 200, "other.test")
    consul.wake()
    consul.put("after", make_backend("after"), "gatehouse.route=after.test")
    wait_for(made, 200, "after.test")
    assert list(endpoints(made.status(), "db")) == [f"db-{honest.port}"]
    assert served_by(made, "db.test") == {"honest"}


@pytest.mark.parametrize(
    "around",
    [
        {"before": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"},
        {"behind": b"HTTP/1.1 200 OK\r\nX-Consul-Index: 9999\r\nContent-Length: 2\r\n\r\n[]"},
    ],
    ids=["interim answers", "a surplus answer"],
)
def test_what_comes_around_an_answer_is_taken_for_none(door, consul, make_backend, around):
    for name, said in around.items():
        setattr(consul, name, said)
    made = seen_by_itself(door())
    for name in ("one", "two", "three"):
        consul.put(name, make_backend(name), f"gatehouse.route={name}.test")
        wait_for(made, 200, f"{name}.test")
        assert served_by(made, f"{name}.test") == {name}
    assert problems(made.status()) == []


def test_a_service_that_is_gone_and_approved_is_watched_no_more(door, consul, make_backend):
    made = door()
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    consul.put("job", make_backend("job"), "gatehouse.route=job.test")
    wait_for(made, 200, "job.test")
    consul.remove("job")
    wait_for(made, 503, "job.test")
    made.do("catalog", "approve", "job")
    wait_for(made, 404, "job.test")
    consul.wake()
    wait_until(lambda: consul_of(made)["watched"] == 1, lambda: f"one is watched; {consul_of(made)}")


def test_spellings_that_a_reload_adds_are_read_at_once(door, consul, make_backend):
    made = door()
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    consul.put("fab", make_backend("fab"), "urlprefix-fab.test/")
    wait_for(made, 200)
    assert status_of(made, "fab.test") == 404
    made.change_config({"catalog": {"spellings": ["native", "fabio"]}})
    made.reload()
    wait_for(made, 200, "fab.test")


# -- what the catalog no longer has ---------------------------------------------------------------------------------


def served_by(door, host="web.test", count=30):
    return {ask(door.http, host=host).get("X-Backend") for _ in range(count)}


@pytest.fixture
def farm(door, consul, make_backend):
    """Ten services of one instance, and one of ten."""
    made = door()
    backends = [make_backend(f"web{n}") for n in range(10)]
    for n, backend in enumerate(backends):
        consul.put("web", backend, "gatehouse.route=web.test", "gatehouse.balance=round_robin", node=f"n{n}")
        consul.put(f"one{n}", make_backend(f"one{n}"), f"gatehouse.route=one{n}.test", node=f"n{n}")
    wait_until(lambda: len(served_by(made)) == 10, "ten instances")
    for n in range(10):
        wait_for(made, 200, f"one{n}.test")
    made.backends = backends
    return made


def test_one_that_is_deregistered_leaves_at_once(farm, consul):
    consul.remove("web", f"web-{farm.backends[0].port}", node="n0")
    wait_until(lambda: served_by(farm) == {f"web{n}" for n in range(1, 10)}, "nine instances")


def test_many_that_vanish_at_once_are_held_as_long_as_they_answer(farm, consul):
    for n in range(9):
        del consul.services["web"][(f"n{n}", f"web-{farm.backends[n].port}")]
    consul.remove("web", f"web-{farm.backends[9].port}", node="n9")
    wait_until(lambda: "held: the catalog lost" in json.dumps(farm.status()), "status tells why")
    assert served_by(farm) == {f"web{n}" for n in range(10)}
    farm.backends[3].stop()
    wait_until(lambda: served_by(farm) == {f"web{n}" for n in range(10) if n != 3}, "who doesn't answer goes", within=15)


def test_many_that_were_critical_first_leave_at_once(farm, consul):
    for n in range(9):
        consul.set_status("web", f"web-{farm.backends[n].port}", "critical", node=f"n{n}")
    wait_until(lambda: served_by(farm) == {"web9"}, "one is left")
    for n in range(9):
        consul.remove("web", f"web-{farm.backends[n].port}", node=f"n{n}")
    wait_until(lambda: "held:" not in json.dumps(farm.status()), "nobody is held")
    assert served_by(farm) == {"web9"}


def test_a_node_that_leaves_with_all_its_services_takes_none_away(farm, consul):
    for n in range(5):
        consul.remove(f"one{n}")
    held = lambda: [text for text in problems(farm.status()) if "held: the catalog lost" in text]  # noqa: E731
    wait_until(lambda: len(held()) == 5, lambda: f"five are held; it says {held()}")
    assert {status_of(farm, f"one{n}.test") for n in range(5)} == {200}


def test_an_agent_that_is_restarted_and_has_not_checked_yet_takes_none_away(farm, consul):
    id = f"web-{farm.backends[0].port}"
    unrun = {"Type": "http", "Output": ""}
    for n in range(10):
        consul.set_status("web", f"web-{farm.backends[n].port}", "critical", node=f"n{n}", **unrun)
    consul.set_status("web", id, "critical", node="n0", Type="http", Output="refused")
    wait_until(lambda: served_by(farm) == {f"web{n}" for n in range(1, 10)}, "the one that was checked goes alone")


def test_a_hundred_that_are_scaled_down_to_five_are_let_go_as_they_end(door, consul, make_backend, record_property):
    door, backends = door(), [make_backend(f"web{n}") for n in range(100)]
    tags = ("gatehouse.route=web.test", "gatehouse.retry=3")  # they end in the middle of answers, many at once
    ids = [consul.put("web", backend, *tags, node=f"n{n}") for n, backend in enumerate(backends)]

    def left():
        return len(endpoints(door.status(), "web"))

    wait_for(door, 200)
    wait_until(lambda: left() == 100, lambda: f"a hundred; they are {left()}")
    with Load(door.http, "web.test", threads=2, targets=("/",)) as load:
        for n in range(95):
            consul.remove("web", ids[n], node=f"n{n}")
        began = time.monotonic()
        for backend in backends[:95]:
            backend.stop()
        wait_until(lambda: left() == 5, lambda: f"five are left; they are {left()}", within=20)
        record_property("95 of 100 gone", f"{time.monotonic() - began:.1f} s after they ended")
    assert not load.failures, (load.failures, load.last)
    for n in range(95, 100):
        consul.set_status("web", ids[n], "critical", node=f"n{n}", check_id=f"_service_maintenance:{ids[n]}")
    wait_for(door, 503)
    for n in range(95, 100):
        consul.remove("web", ids[n], node=f"n{n}")
    wait_until(lambda: "held:" not in json.dumps(door.status()), "nobody is held")
    assert status_of(door, "web.test") == 503


def test_a_service_that_lost_its_last_instance_answers_503_and_not_404(farm, consul):
    consul.remove("one0")
    wait_until(lambda: status_of(farm, "one0.test") == 503, "no endpoint is left")


def test_a_wiped_catalog_takes_nothing_away(farm, consul):
    kept = dict(consul.services)
    consul.services.clear()
    consul.wake(index=3)
    wait_until(lambda: "could not be trusted" in json.dumps(farm.status()), "status tells why", within=15)
    assert served_by(farm) == {f"web{n}" for n in range(10)}
    assert {status_of(farm, f"one{n}.test") for n in range(10)} == {200}
    consul.services.update(kept)
    consul.wake()
    wait_until(lambda: "held:" not in json.dumps(farm.status()), "all is as it was", within=15)


# -- is it to be believed? ------------------------------------------------------------------------------------------


def seen_by_itself(door):
    wait_until(lambda: consul_of(door)["trusted"], "the door sees its own registration")
    return door


def test_the_door_is_in_the_catalog_while_it_runs(door, consul):
    made = seen_by_itself(door())
    said = consul.registered[0]
    assert said["Name"] == "gatehouse" and said["ID"] == "gatehouse-" + made.status()["node"]
    assert said["Check"]["Status"] == "passing" and said["Port"] == made.http[1]
    wait_until(lambda: consul.count("/v1/agent/check/update/") > 0, "its check is kept passing")
    made.stop()
    assert "gatehouse" not in consul.services


def test_a_registration_that_the_agent_forgot_is_made_anew(door, consul):
    seen_by_itself(door())
    consul.services.clear()
    consul.wake()
    wait_until(lambda: len(consul.registered) > 1 and "gatehouse" in consul.services, "registered again", within=20)


def test_the_registration_of_an_earlier_run_proves_nothing(door, consul):
    made = seen_by_itself(door())
    (entry,) = consul.services["gatehouse"].values()
    entry["Service"]["Meta"] = {"gatehouse_epoch": "another"}
    consul.trouble = lambda path, query: Answer(500, "busy") if path.endswith("/register") else None
    wait_until(lambda: not consul_of(made)["trusted"], "not trusted", within=20)


def hidden(consul, path):
    """What a token that lost its rights sees through Consul's streaming: good answers with nothing in them."""
    if path.startswith("/v1/health/service/"):
        return Answer(200, "[]", {"X-Consul-Index": consul.index})
    return None


@pytest.mark.parametrize("all_at_once", [True, False], ids=["all", "one"])
def test_what_the_catalog_hides_is_held(farm, consul, all_at_once):
    seen_by_itself(farm)
    which = ("/web", "/gatehouse") if not all_at_once else ""
    consul.trouble = lambda path, query: hidden(consul, path) if path.endswith(which) else None
    consul.wake()
    wait_until(lambda: "could not be trusted" in json.dumps(farm.status()), "status tells why", within=15)
    assert served_by(farm) == {f"web{n}" for n in range(10)}
    assert {status_of(farm, f"one{n}.test") for n in range(10)} == {200}
    consul.trouble = None
    consul.wake()
    wait_until(lambda: "held:" not in json.dumps(farm.status()), "all is as it was", within=15)


def test_what_old_servers_lost_is_held(farm, consul):
    seen_by_itself(farm)
    old = {"X-Consul-KnownLeader": "false", "X-Consul-LastContact": 60_000}

    def without_leader(path, query):
        return Answer(200, json.dumps(list(consul.services["gatehouse"].values())), old) if path.endswith("/gatehouse") else None

    consul.trouble = without_leader
    consul.remove("one0")
    wait_until(lambda: "could not be trusted" in json.dumps(farm.status()), "status tells why", within=15)
    assert status_of(farm, "one0.test") == 200
    wait_until(lambda: "no leader" in json.dumps(farm.status()["problems"]), "status tells of the leader", within=15)
    assert not consul_of(farm)["leader"]


def test_after_an_election_a_change_is_served_with_the_next_look(door, consul, make_backend):
    """A look each second, whatever the growing intervals at which queries are tried again have come to."""
    consul.put("web", make_backend("one"), "gatehouse.route=web.test")
    door = door()
    seen_by_itself(door)
    consul.trouble = lambda path, query: Answer(500, "No cluster leader")
    consul.wake()
    wait_until(lambda: consul_of(door).get("fault") == "no_leader", "it has noticed", within=15)
    wait_until(lambda: consul.count("/v1/health/service/gatehouse") > 8, "it has looked for some time", within=30)
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    looks = consul.count("/v1/health/service/gatehouse")
    consul.trouble = None
    wait_for(door, 200, "late.test")
    assert consul.count("/v1/health/service/gatehouse") - looks <= 3


def test_a_door_that_may_not_register_says_so_and_serves(door, consul, make_backend):
    def refusal(path, query):
        return Answer(403, "Permission denied") if path.startswith("/v1/agent/") else None

    consul.trouble = refusal
    made = seen_by_itself(door())
    wait_until(lambda: "may not register as gatehouse" in json.dumps(made.status()["problems"]), "status tells")
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(made, 200)
    consul.remove("web")
    wait_for(made, 503)


def test_a_door_that_shall_not_register_does_not(door, consul, make_backend):
    made = seen_by_itself(door(register="none"))
    assert made.status()["problems"] == []
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(made, 200)
    consul.remove("web")
    wait_for(made, 503)
    assert consul.registered == []


def test_a_primary_is_held_until_the_catalog_names_another(door, consul, make_backend):
    made, old, new = seen_by_itself(door()), make_backend("old"), make_backend("new")
    consul.put("db", old, "gatehouse.route=db.test", "gatehouse.single=true", node="n1")
    wait_for(made, 200, "db.test")
    consul.trouble = lambda path, query: hidden(consul, path) if path.endswith("/gatehouse") else None
    wait_until(lambda: not consul_of(made)["trusted"], "not trusted", within=15)
    consul.remove("db", node="n1")
    wait_until(lambda: "held:" in json.dumps(made.status()), "it is held")
    assert served_by(made, "db.test") == {"old"}
    consul.put("db", new, "gatehouse.route=db.test", "gatehouse.single=true", node="n2")
    wait_until(lambda: served_by(made, "db.test") == {"new"}, "the new one alone")


def test_more_services_than_connections_take_turns_and_the_door_still_sees_itself(door, consul, make_backend):
    backend = make_backend("web")
    for n in range(200):
        consul.put(f"web{n}", backend, f"gatehouse.route=web{n}.test")
    made = seen_by_itself(door())
    wait_until(lambda: {status_of(made, f"web{n}.test") for n in (0, 100, 199)} == {200}, "all are served", within=20)
    assert consul_of(made)["connections"] <= 155, "Consul allows a client 200"
    consul.set_status("web199", f"web199-{backend.port}", "critical")
    wait_until(lambda: status_of(made, "web199.test") == 503, "its turn comes", within=30)
    consul.remove("web0")
    wait_until(lambda: status_of(made, "web0.test") == 503, "what it lost is believed", within=30)
