"""What the door remembers of its catalog: over restarts without Consul, frozen, and back to an earlier table."""

import json
import os
import stat
import time

import pytest

from support.client import ask
from support.door import status_of, wait_for
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def door(make_door, consul):
    made = make_door(start=False)
    made.config["catalog"] = {"consul": [{"address": consul.address}]}
    made.write_config(made.config)
    return made.start()


def snapshot(door, generation=""):
    return door.path("state/catalog.json" + generation)


def known(door, generation=""):
    """The services of a snapshot on disk."""
    try:
        with open(snapshot(door, generation)) as file:
            return {each["name"] for each in json.load(file)["services"]}
    except FileNotFoundError:
        return None


def known_ids(door):
    with open(snapshot(door)) as file:
        return {each["id"] for each in json.load(file)["services"]}


def wait_known(door, *services):
    wait_until(lambda: known(door) == set(services), f"{services} on disk; it is {known(door)}")


def served_by(door, host="web.test", count=20):
    return {ask(door.http, host=host).get("X-Backend") for _ in range(count)}


# -- the snapshot ---------------------------------------------------------------------------------------------------


def test_a_restart_without_consul_serves_what_was_known(door, consul, make_backend):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test", meta={"zone": "a"})
    consul.put("shop", make_backend("shop"), "gatehouse.route=shop.test", "gatehouse.health=/ interval=1s")
    wait_for(door, 200)
    wait_known(door, "web", "shop")
    consul.stop()
    door.kill()
    begin = time.monotonic()
    door.spawn()

    def first():
        try:
            return status_of(door) == 200
        except OSError:
            return False

    wait_until(first, "the first answer", every=0.005)
    print(f"first 200 without Consul {(time.monotonic() - begin) * 1000:.0f} ms after the start")
    wait_for(door, 200, "shop.test")  # after its own check
    ready = door.ask_metrics("/readyz")
    assert ready.status == 200 and "degraded" in ready.text
    assert "degraded" in door.do("ready") and "degraded" in door.do("status")
    consul.restart()
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    wait_for(door, 200, "late.test")
    wait_until(lambda: "degraded" not in door.ask_metrics("/readyz").text, "all is well again")
    assert status_of(door) == 200


def test_an_endpoint_that_died_meanwhile_is_found_by_our_own_check(door, consul, make_backend):
    alive, dead = make_backend("alive"), make_backend("dead")
    for node, backend in (("n1", alive), ("n2", dead)):
        consul.put("web", backend, "gatehouse.route=web.test", "gatehouse.health=/ interval=1s", node=node)
    wait_until(lambda: served_by(door) == {"alive", "dead"}, "both")
    wait_known(door, "web")
    consul.stop()
    door.stop()
    dead.stop()
    door.start()
    wait_for(door, 200)
    assert served_by(door) == {"alive"}


def test_what_the_catalog_lost_while_the_door_was_down_is_held_until_it_is_approved(door, consul, make_backend):
    backends = [make_backend(f"web{n}") for n in range(3)]
    ids = [consul.put("web", backend, "gatehouse.route=web.test", node=f"n{n}") for n, backend in enumerate(backends)]
    wait_until(lambda: len(served_by(door)) == 3, "three instances")
    wait_until(lambda: known_ids(door) == set(ids), "three on disk")
    door.stop()
    consul.remove("web", ids[0], node="n0")
    door.start()
    wait_until(lambda: "held: known from before" in json.dumps(door.status()), "status tells why")
    assert served_by(door) == {"web0", "web1", "web2"}
    refused = door.command("catalog", "approve", "webb")
    assert refused.returncode == 1 and "nothing of webb is held" in refused.stderr
    assert "1 no longer held" in door.do("catalog", "approve", f"web/n0/{ids[0]}")
    wait_until(lambda: served_by(door) == {"web1", "web2"}, "two instances")
    assert "catalog approve web/n0" in door.do("history")


def test_what_is_held_is_approved_all_at_once(door, consul, make_backend):
    for n in range(4):
        consul.put("web", make_backend(f"web{n}"), "gatehouse.route=web.test", node=f"n{n}")
    wait_until(lambda: len(served_by(door)) == 4, "four instances")
    consul.remove("web")
    wait_until(lambda: "held:" in json.dumps(door.status()), "they are held")
    assert "4 no longer held" in door.do("catalog", "approve")
    wait_for(door, 503)
    door.do("catalog", "approve", "web")  # nobody is left: the route goes, too
    wait_for(door, 404)
    assert door.command("catalog", "approve").returncode == 1


def test_the_snapshot_is_kept_in_three_generations_that_only_the_door_can_read(door, consul, make_backend):
    for n in range(4):
        consul.put(f"web{n}", make_backend(f"web{n}"), f"gatehouse.route=web{n}.test")
        wait_known(door, *(f"web{m}" for m in range(n + 1)))
    assert known(door, ".1") <= known(door) and known(door, ".2") <= known(door, ".1")
    assert not os.path.exists(snapshot(door, ".3"))
    for generation in ("", ".1", ".2"):
        assert stat.S_IMODE(os.stat(snapshot(door, generation)).st_mode) == 0o600


@pytest.mark.parametrize("harm", ["torn", "empty", "changed", "garbage"])
def test_a_snapshot_that_is_not_as_it_was_written_falls_back_to_the_one_before(door, consul, make_backend, harm):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_known(door, "web")
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    wait_known(door, "web", "late")
    consul.stop()
    door.stop()
    with open(snapshot(door)) as file:
        text = file.read()
    harmed = {"torn": text[: len(text) // 2], "empty": "", "garbage": "\0" * 4096,
              "changed": text.replace("late.test", "evil.test")}  # fmt: skip
    with open(snapshot(door), "w") as file:
        file.write(harmed[harm])
    door.start()
    assert (status_of(door), status_of(door, "late.test"), status_of(door, "evil.test")) == (200, 404, 404)
    assert "catalog.json.1 is taken instead" in door.do("history")


def test_without_any_snapshot_that_can_be_read_the_door_starts_and_says_so(door, consul, make_backend):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_known(door, "web")
    door.stop()
    for generation in ("", ".1", ".2"):  # there are as many as there were changes
        with open(snapshot(door, generation), "w") as file:
            file.write("{")
    door.start()
    wait_for(door, 200)  # Consul is there
    assert "there is no older one" in door.do("history")


def test_what_only_files_say_is_not_in_the_snapshot(door, consul, make_backend):
    door.config["catalog"]["files"] = door.path("services")
    os.makedirs(door.path("services"), exist_ok=True)
    backend = make_backend("file")
    with open(door.path("services/file.json"), "w") as file:
        json.dump({"service": {"name": "file", "address": backend.host, "port": backend.port,
                               "tags": ["gatehouse.route=file.test"]}}, file)  # fmt: skip
    door.write_config(door.config)
    door.reload()
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    wait_for(door, 200, "file.test")
    wait_known(door, "web")


@pytest.mark.parametrize("consul_is_there", [True, False])
def test_a_restart_takes_no_route_from_its_holder(door, consul, make_backend, consul_is_there):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    consul.put("a-thief", make_backend("thief"), "gatehouse.route=web.test", "gatehouse.route=thief.test")
    wait_for(door, 200, "thief.test")
    wait_known(door, "web", "a-thief")
    if not consul_is_there:
        consul.stop()
    door.stop()
    door.start()
    wait_for(door, 200, "thief.test")
    assert served_by(door) == {"web"}
    assert "conflict" in json.dumps(door.status())


def test_a_source_that_is_asked_differently_keeps_what_it_knows(door, consul, make_backend):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    consul.stop()
    door.config["catalog"]["consul"][0]["tagged_address"] = "lan"
    door.write_config(door.config)
    door.reload()
    assert status_of(door) == 200


# -- freeze, rollback, history --------------------------------------------------------------------------------------


def test_a_frozen_catalog_is_watched_and_not_applied(door, consul, make_backend):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    door.do("catalog", "freeze")
    assert "frozen" in door.command("catalog", "freeze").stderr
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    waiting = lambda: door.status()["routing"]["frozen"]["waiting"]  # noqa: E731
    wait_until(lambda: any("service late" in each and "added" in each for each in waiting()), "status tells of it")
    assert status_of(door, "late.test") == 404
    said = door.do("status")
    assert "catalog frozen since" in said and f"uid {os.geteuid()}" in said
    door.do("catalog", "unfreeze")
    wait_for(door, 200, "late.test")
    assert "frozen" not in door.status()["routing"]
    assert door.command("catalog", "freeze", "--off").returncode == 1
    assert "catalog freeze" in door.do("history") and "catalog unfreeze" in door.do("history")


def test_drains_and_checks_go_on_while_the_catalog_is_frozen(door, consul, make_backend):
    one, two = make_backend("one"), make_backend("two")
    for node, backend in (("n1", one), ("n2", two)):
        consul.put("web", backend, "gatehouse.route=web.test", "gatehouse.health=/ interval=1s", node=node, id=backend.name)
    wait_until(lambda: served_by(door) == {"one", "two"}, "both")
    door.do("catalog", "freeze")
    door.do("drain", "web/one")
    assert served_by(door) == {"two"}
    door.do("undrain", "web/one")
    assert served_by(door) == {"one", "two"}
    two.stop()
    wait_until(lambda: served_by(door) == {"one"}, "who doesn't answer goes", within=15)


def test_a_freeze_survives_a_restart(door, consul, make_backend):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    door.do("catalog", "freeze")
    consul.put("late", make_backend("late"), "gatehouse.route=late.test")
    wait_known(door, "web", "late")
    door.stop()
    door.start()
    wait_until(lambda: door.status()["routing"]["frozen"]["waiting"], "the catalog is heard")
    assert (status_of(door), status_of(door, "late.test")) == (200, 404)
    door.do("catalog", "freeze", "--off")
    wait_for(door, 200, "late.test")
    door.stop()
    door.start()
    assert "frozen" not in door.status()["routing"]


def test_an_applied_table_is_one_numbered_entry_and_one_can_go_back_to_it(door, consul, make_backend):
    consul.put("web", make_backend("good"), "gatehouse.route=web.test", id="web", node="n1")
    wait_until(lambda: served_by(door) == {"good"}, "the first")
    good = door.status()["routing"]["table"]
    consul.put("web", make_backend("bad"), "gatehouse.route=web.test", id="web", node="n1")
    wait_until(lambda: served_by(door) == {"bad"}, "another in its place")
    bad = door.status()["routing"]["table"]
    assert bad > good

    lines = [json.loads(line) for line in door.do("history", "--json").splitlines()]
    tables = {line["table"]["number"]: line["table"] for line in lines if "table" in line}
    assert "consul: web" in tables[bad]["cause"]
    assert tables[bad]["indexes"]["consul"] == consul.index
    assert any("service web" in line for line in tables[bad]["lines"])
    assert f"table {bad}: consul: web (consul at index {consul.index})" in door.do("history")

    assert f"as at table {good}" in door.do("catalog", "rollback")
    assert served_by(door) == {"good"}
    frozen = door.status()["routing"]["frozen"]
    assert frozen["at_table"] == good and "web" in frozen["waiting"][0]
    assert f"rollback to table {good} by uid {os.geteuid()}" in door.do("history")
    door.do("catalog", "rollback", str(bad))
    assert served_by(door) == {"bad"}
    refused = door.command("catalog", "rollback", "999")
    assert refused.returncode == 1 and "table 999 is not kept; there are" in refused.stderr
    door.do("catalog", "unfreeze")
    assert served_by(door) == {"bad"}


def test_tables_are_numbered_on_after_a_restart(door, consul, make_backend):
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    wait_for(door, 200)
    before = door.status()["routing"]["table"]
    door.stop()
    door.start()
    assert door.status()["routing"]["table"] == before + 1
