"""Consul's service-resolver, service-splitter and service-router entries are kept at the door."""

import json
from collections import Counter

import pytest

from support.client import Client, ask
from support.fake_consul import Answer
from support.wait import wait_until

pytestmark = pytest.mark.quick

ROUTE, TURNS = "gatehouse.route=web.test", "gatehouse.balance=round_robin"


@pytest.fixture
def door(make_door, consul):
    made = make_door(start=False)
    made.config["catalog"] = {"consul": [{"address": consul.address}]}
    made.write_config(made.config)
    made.start()
    return made


def served_by(door, path="/", count=40, **more):
    with Client(door.http, host="web.test") as client:
        answers = [client.ask(target=path, **more) for _ in range(count)]
    return Counter(answer.get("X-Backend") if answer.status == 200 else answer.status for answer in answers)


@pytest.fixture
def web(door, consul, make_backend):
    """web of versions 1 and 2, and canary and admin, which no route of their own leads to."""
    consul.put("web", make_backend("one"), ROUTE, TURNS, node="n1", meta={"version": "1"})
    consul.put("web", make_backend("two"), ROUTE, TURNS, node="n2", meta={"version": "2"})
    consul.put("canary", make_backend("canary"), node="n3")
    consul.put("admin", make_backend("admin"), node="n4")
    wait_until(lambda: set(served_by(door)) == {"one", "two"}, "both serve")
    return consul


SUBSETS = {"v1": {"Filter": "Service.Meta.version == 1"}, "v2": {"Filter": 'Service.Meta.version == "2"'}}


def test_a_default_subset_is_all_that_serves_until_the_entry_goes(door, web):
    web.say("service-resolver", "web", DefaultSubset="v2", Subsets=SUBSETS)
    wait_until(lambda: set(served_by(door)) == {"two"}, "version 2 alone")
    web.say("service-resolver", "web")
    wait_until(lambda: set(served_by(door)) == {"one", "two"}, "both again")


def test_a_splitter_gives_a_canary_its_share(door, web):
    splits = [{"Weight": 90, "ServiceSubset": "v1"}, {"Weight": 10, "Service": "canary"}]
    web.say("service-resolver", "web", Subsets=SUBSETS)
    web.say("service-splitter", "web", Splits=splits)
    wait_until(lambda: set(served_by(door)) == {"one", "canary"}, "version 1 and the canary")
    assert 20 <= served_by(door, count=400)["canary"] <= 60  # 40 by round robin of each worker
    web.say("service-splitter", "web", Splits=[{**splits[0], "Weight": 0}, {**splits[1], "Weight": 100}])
    wait_until(lambda: set(served_by(door)) == {"canary"}, "the canary alone")


def test_a_canary_that_dies_leaves_its_share_to_the_others(door, web, make_backend):
    web.say("service-splitter", "web", Splits=[{"Weight": 50}, {"Weight": 50, "Service": "canary"}])
    wait_until(lambda: "canary" in served_by(door), "the canary serves")
    web.set_status("canary", next(iter(web.services["canary"]))[1], "critical", node="n3")
    wait_until(lambda: set(served_by(door)) == {"one", "two"}, "the others alone")


def test_a_router_leads_to_another_service_and_rewrites(door, web):
    web.say("service-router", "web", Routes=[
        {"Match": {"HTTP": {"Header": [{"Name": "x-debug", "Exact": "1"}]}}, "Destination": {"Service": "canary"}},
        {"Match": {"HTTP": {"PathPrefix": "/admin"}}, "Destination": {"Service": "admin", "PrefixRewrite": "/"}},
    ])  # fmt: skip
    wait_until(lambda: set(served_by(door, "/admin/x")) == {"admin"}, "admin serves")
    assert set(served_by(door, "/")) == {"one", "two"}
    assert set(served_by(door, "/admin/x", fields=[("X-Debug", "1")])) == {"canary"}, "the first that matches counts"
    assert ask(door.http, target="/admin/x?y=1", host="web.test").get("X-Echo") == "/x?y=1"


def test_a_router_asks_that_a_field_is_not_so_in_whatever_case(door, web):
    def led(field, to):
        return {"Match": {"HTTP": {"Header": [field]}}, "Destination": {"Service": to}}

    web.say("service-router", "web", Routes=[
        led({"Name": "x-kind", "Exact": "Admin", "IgnoreCase": True}, "admin"),
        led({"Name": "x-kind", "Prefix": "Can", "IgnoreCase": True, "Invert": True}, "admin"),
        led({"Name": "x-user", "Present": True, "Invert": True}, "canary"),
    ])  # fmt: skip
    wait_until(lambda: set(served_by(door)) == {"canary"}, "who has no user")
    assert set(served_by(door, fields=[("X-User", "a")])) == {"one", "two"}, "a field that is missing is not inverted"
    assert set(served_by(door, fields=[("X-Kind", "aDMIN")])) == {"admin"}
    assert set(served_by(door, fields=[("X-Kind", "other"), ("X-User", "a")])) == {"admin"}
    assert set(served_by(door, fields=[("X-Kind", "CANNED"), ("X-User", "a")])) == {"one", "two"}


def test_a_router_asks_parameters_and_expressions_and_keeps_its_order(door, web):
    to = {"Destination": {"Service": "canary"}}
    web.say("service-router", "web", Routes=[
        *({"Match": {"HTTP": {"Header": [{"Name": f"x-{n}", "Present": True}]}}, **to} for n in range(100)),
        {"Match": {"HTTP": {"QueryParam": [{"Name": "beta", "Exact": "1"}]}}, **to},
        {"Match": {"HTTP": {"PathRegex": "/v[0-9]+/.*"}}, **to},
        {"Match": {"HTTP": {"Header": [{"Name": "user-agent", "Suffix": "bot"}]}}, **to},
        {"Match": {"HTTP": {"PathPrefix": "/admin"}}, "Destination": {"Service": "admin"}},
    ])  # fmt: skip
    wait_until(lambda: set(served_by(door, "/admin")) == {"admin"}, "admin serves")
    assert set(served_by(door, "/")) == set(served_by(door, "/v1")) == set(served_by(door, "/?beta=2")) == {"one", "two"}
    assert set(served_by(door, "/v12/x")) == set(served_by(door, "/?a=b&beta=1")) == {"canary"}
    assert set(served_by(door, "/admin", fields=[("User-Agent", "a bot")])) == {"canary"}, "the first that matches counts"
    assert set(served_by(door, "/admin", fields=[("X-99", ""), ("X-7", "")])) == {"canary"}
    assert "regular" not in json.dumps(door.status()["problems"])


def test_what_cannot_be_carried_is_told_and_never_served_by_another(door, web):
    web.say("service-resolver", "web", Subsets={"odd": {"Filter": 'Service.Meta.version matches "2"'}})
    web.say("service-router", "web", Routes=[
        {"Match": {"HTTP": {"PathPrefix": "/odd"}}, "Destination": {"ServiceSubset": "odd"}},
        {"Match": {"HTTP": {"PathPrefix": "/inverted", "Header": [{"Name": "x", "Present": True, "Invert": True}]}},
         "Destination": {"Service": "admin"}},
        {"Match": {"HTTP": {"PathPrefix": "/any_case", "CaseInsensitive": True}}, "Destination": {"Service": "admin"}},
    ])  # fmt: skip
    wait_until(lambda: set(served_by(door, "/odd")) == {503}, "refused")
    assert set(served_by(door, "/any_case")) == {"one", "two"}, "a condition we can't ask is left out"
    assert not {"one", "two"} & set(served_by(door, "/inverted")), "no field x, as it is asked"

    def told():
        return json.dumps(door.status()["problems"])

    wait_until(lambda: "Subsets.odd.Filter" in told() and "CaseInsensitive" in told(), lambda: f"both are told; {told()}")


def test_no_right_to_read_entries_is_told_and_no_more(door, web):
    denied = lambda path, query: Answer(403, "Permission denied") if path.startswith("/v1/config/") else None  # noqa: E731
    web.say("service-resolver", "web", DefaultSubset="v2", Subsets=SUBSETS)
    wait_until(lambda: set(served_by(door)) == {"two"}, "version 2 alone")
    web.trouble = denied
    web.wake()
    wait_until(lambda: "config entries are as they were" in json.dumps(door.status()), "status tells")
    assert set(served_by(door)) == {"two"}


def test_entries_that_may_not_be_read_keep_no_service_from_being_served(consul, make_door, make_backend):
    consul.trouble = lambda path, query: Answer(403, "Permission denied") if path.startswith("/v1/config/") else None
    consul.put("web", make_backend("one"), ROUTE)
    door = make_door(start=False)
    door.config["catalog"] = {"consul": [{"address": consul.address}]}
    door.write_config(door.config)
    door.start()
    wait_until(lambda: set(served_by(door)) == {"one"}, "it serves")


def kept(door):
    """The kinds and names of the entries on disk."""
    try:
        with open(door.path("state/entries.json")) as file:
            entries = json.load(file).get("config_entries", {}).get("bootstrap", [])
    except FileNotFoundError:
        return set()
    return {(each["Kind"], each["Name"]) for each in entries}


def test_entries_outlive_a_restart_without_consul(door, web):
    web.say("service-resolver", "web", DefaultSubset="v2", Subsets=SUBSETS)
    web.say("service-splitter", "web", Splits=[{"Weight": 50}, {"Weight": 50, "Service": "canary"}])
    wait_until(lambda: set(served_by(door)) == {"two", "canary"}, "version 2 and the canary")
    wait_until(lambda: len(kept(door)) == 2, "both on disk")
    web.stop()
    door.kill()
    door.spawn()

    def first():
        try:
            return served_by(door)
        except OSError:
            return None

    assert set(wait_until(first, "the first answers")) == {"two", "canary"}
    web.restart()
    web.say("service-splitter", "web")
    wait_until(lambda: set(served_by(door)) == {"two"}, "what was deleted is gone")
    wait_until(lambda: kept(door) == {("service-resolver", "web")}, "on disk, too")


def test_entries_are_in_force_before_consul_has_told_them_again(door, web):
    web.say("service-resolver", "web", DefaultSubset="v2", Subsets=SUBSETS)
    wait_until(lambda: set(served_by(door)) == {"two"}, "version 2 alone")
    wait_until(lambda: kept(door), "on disk")
    door.stop()
    web.trouble = lambda path, query: Answer(500, "rpc error") if path.startswith("/v1/config/") else None
    health = web.count("/v1/health/service/web")
    door.start()
    wait_until(lambda: web.count("/v1/health/service/web") > health + 1, "the services were heard")
    assert set(served_by(door)) == {"two"}


def test_a_frozen_catalog_keeps_its_entries(door, web):
    web.say("service-resolver", "web", DefaultSubset="v2", Subsets=SUBSETS)
    wait_until(lambda: set(served_by(door)) == {"two"}, "version 2 alone")
    door.do("catalog", "freeze")
    web.say("service-resolver", "web", DefaultSubset="v1", Subsets=SUBSETS)
    told = "consul: config entries would be changed (service-resolver)"
    wait_until(lambda: told in door.status()["routing"]["frozen"]["waiting"], "told")
    assert set(served_by(door)) == {"two"}
    door.do("catalog", "unfreeze")
    wait_until(lambda: set(served_by(door)) == {"one"}, "version 1 alone")
    door.do("catalog", "rollback")
    wait_until(lambda: set(served_by(door)) == {"two"}, "back")


def test_a_wiped_server_takes_no_entry_away(door, web):
    web.say("service-resolver", "web", DefaultSubset="v2", Subsets=SUBSETS)
    wait_until(lambda: set(served_by(door)) == {"two"}, "version 2 alone")
    web.entries.clear()
    asked = web.count("/v1/config/service-resolver")
    web.wake(index=3)
    wait_until(lambda: web.count("/v1/config/service-resolver") >= asked + 2, "it was asked again")
    assert set(served_by(door)) == {"two"}
