"""The catalog is a watched folder: changes take effect within a second, without a failed request; what is broken
changes nothing, and is told."""
import json
import os
import shutil
import threading

import pytest

from support import wire
from support.backend import Gate
from support.catalog import instance
from support.client import Client
from support.door import problems
from support.fleet import Fleet
from support.wait import wait_until, watch_for

pytestmark = pytest.mark.quick

SOON = 1.5  # half a second of quiet, the change itself, and the test's own look at it


@pytest.fixture
def house(make_door, make_backend):
    """A door with one service, "one", at one.test."""
    door = make_door(start=False)
    door.one = make_backend("one")
    door.catalog.put("one", instance("one", door.one, "route=one.test"))
    return door.start()


def served_by(door, host, target="/"):
    answer = door.ask(target, host=host)
    return answer.get("X-Backend") or answer.status


def wait_served(door, host, service, target="/"):
    def told():
        return f"{host} served by {service}; it is {served_by(door, host, target)}"

    wait_until(lambda: served_by(door, host, target) == service, told, within=SOON)


def stays(door, host="one.test", service="one"):
    """The service goes on as it was: nothing else tells that a change was not taken."""
    return not watch_for(lambda: served_by(door, host) != service, SOON, every=0.05)


def told(door, *words):
    """Waits until one of the door's problems has all these words in it."""
    def found():
        return next((text for text in problems(door.status()) if all(word in text for word in words)), None)
    return wait_until(found, lambda: f"a problem with {words}; there are {problems(door.status())}")


# -- changes --------------------------------------------------------------------------------------------------------


def test_a_new_file_is_a_new_service(house, make_backend):
    house.catalog.put("two", instance("two", make_backend("two"), "route=two.test"))
    wait_served(house, "two.test", "two")
    assert served_by(house, "one.test") == "one"


def test_a_changed_route_moves(house):
    house.catalog.put("one", instance("one", house.one, "route=moved.test"))
    wait_served(house, "moved.test", "one")
    assert served_by(house, "one.test") == 404


def test_a_changed_instance_is_asked_instead(house, make_backend):
    house.catalog.put("one", instance("one", make_backend("other"), "route=one.test"))
    wait_served(house, "one.test", "other")


def test_a_file_written_in_place_is_read_when_it_is_whole(house, make_backend):
    text = json.dumps({"services": [instance("one", make_backend("other"), "route=one.test")]})
    path = house.catalog.path("one")
    with open(path, "w") as file:
        file.write(text[:40])
        file.flush()
        assert stays(house)
        file.write(text[40:])
    wait_served(house, "one.test", "other")


def test_a_removed_file_takes_its_service_away_and_no_other(house, make_backend):
    house.catalog.put("two", instance("two", make_backend("two"), "route=two.test"))
    wait_served(house, "two.test", "two")
    house.catalog.remove("two")
    wait_until(lambda: served_by(house, "two.test") in (404, 503), "two is gone", within=SOON)
    assert served_by(house, "one.test") == "one"


def test_no_instances_at_all_is_said_by_an_empty_list(house, make_backend):
    house.catalog.put("two", instance("two", make_backend("two"), "route=two.test"))
    wait_served(house, "two.test", "two")
    house.catalog.put("two")
    wait_until(lambda: served_by(house, "two.test") in (404, 503), "two is gone", within=SOON)


def test_a_folder_swapped_by_a_symlink_is_seen(make_door, make_backend):
    door = make_door(start=False)
    shutil.rmtree(door.catalog.folder)
    for version in ("v1", "v2"):
        os.mkdir(door.path(version))
        definition = {"services": [instance("one", make_backend(version), "route=one.test")]}
        with open(door.path(version, "one.json"), "w") as file:
            json.dump(definition, file)
    os.symlink("v1", door.catalog.folder)
    door.start()
    assert served_by(door, "one.test") == "v1"
    os.symlink("v2", door.path("fresh"))
    os.replace(door.path("fresh"), door.catalog.folder)
    wait_served(door, "one.test", "v2")


def test_a_request_under_way_ends_well_though_its_instance_is_removed(house, make_backend):
    gate = Gate()

    def wait(exchange):
        if exchange.request.target == "/late":
            gate.wait()
        exchange.answer(body="late")

    house.one.handler = wait
    with Client(house.http, host="one.test") as client:
        client.request("GET", "/late")
        gate.wait_reached()
        house.catalog.put("one", instance("one", make_backend("other"), "route=one.test"))
        wait_served(house, "one.test", "other")
        gate.open()
        assert client.response().text == "late"


@pytest.mark.ci
def test_a_hundred_changes_under_load_fail_no_request(make_door):
    door = make_door(start=False)
    fleet = Fleet(door, "fleet", "abcd")
    fleet.put("a", "b")
    door.start()
    failures, answered, end = [], [0], threading.Event()

    def work():
        with Client(door.http, host="fleet.test") as client:
            while not end.is_set():
                try:
                    status = client.ask().status
                except (OSError, wire.Closed) as error:
                    failures.append(repr(error))
                    return
                answered[0] += 1
                if status != 200:
                    failures.append(status)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    rounds = ["ab", "bc", "cd", "da", "abcd"]
    for n in range(100):
        fleet.put(*rounds[n % 5])
        before = answered[0]
        wait_until(lambda: answered[0] > before + 20, "requests between changes")
    fleet.put("d")
    wait_until(lambda: set(fleet.spread(20)) == {"d"}, "the last change", within=5)
    end.set()
    for thread in threads:
        thread.join(5)
    assert failures == []
    fleet.stop()


# -- what is wrong --------------------------------------------------------------------------------------------------

BROKEN = {
    "not JSON": ('{"services": [', "one.json:1"),
    "a number as text": ('{"services": [\n{"id": "one", "name": "one", "port": "8080"}]}', "one.json:2"),
    "an unknown key": ('{"services": [{"id": "one", "name": "one",\n "prot": 80}]}', "prot"),
    "a check without an interval": (
        '{"services": [{"name": "one", "port": 80, "checks": [{"tcp": "127.0.0.1:80"}]}]}', "interval",
    ),
    "a script check": (
        '{"services": [{"name": "one", "port": 80, "checks": [{"args": ["/bin/true"], "interval": "5s"}]}]}', "args",
    ),
    "a weight of zero": (
        '{"services": [{"name": "one", "port": 80, "weights": {"passing": 0, "warning": 1}}]}', "one.json",
    ),
}


@pytest.mark.parametrize("text, word", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_keeps_its_last_good_content_and_is_told(house, text, word):
    house.catalog.write("one", text)
    told(house, "one.json", word)
    assert served_by(house, "one.test") == "one"
    checked = house.check()
    assert checked.returncode == 1 and word in checked.stdout + checked.stderr


def test_an_empty_file_keeps_its_last_good_content_and_is_told(house):
    house.catalog.write("one", "")
    told(house, "one.json", "empty")
    assert served_by(house, "one.test") == "one"


def test_a_service_without_a_name_is_left_out_and_told(house, make_backend):
    nameless = {"id": "two", "port": 80}
    house.catalog.put("two", instance("two", make_backend("two"), "route=two.test"), nameless)
    told(house, "two.json", "name")
    wait_served(house, "two.test", "two")


def test_a_broken_file_does_not_hold_up_the_others(house, make_backend):
    house.catalog.write("one", "{")
    house.catalog.put("two", instance("two", make_backend("two"), "route=two.test"))
    wait_served(house, "two.test", "two")
    assert served_by(house, "one.test") == "one"


def test_a_file_of_another_kind_is_told_and_passed_over(house):
    with open(os.path.join(house.catalog.folder, "old.hcl"), "w") as file:
        file.write('service { name = "x" port = 80 }\n')
    told(house, "old.hcl")
    assert served_by(house, "one.test") == "one"


def test_a_folder_that_vanishes_takes_nothing_away(house):
    shutil.move(house.catalog.folder, house.catalog.folder + ".away")
    assert stays(house)
    shutil.move(house.catalog.folder + ".away", house.catalog.folder)
    assert stays(house)


def test_a_folder_that_empties_takes_nothing_away(house):
    house.catalog.remove("one")
    assert stays(house)


# -- who may say what -----------------------------------------------------------------------------------------------


def test_two_services_for_one_place_the_holder_keeps_it(house, make_backend):
    newcomer = make_backend("newcomer")
    house.catalog.put("a-newcomer", instance("a-newcomer", newcomer, "route=one.test"))
    told(house, "one.test", "a-newcomer")
    assert served_by(house, "one.test") == "one"


def test_the_newcomer_gets_the_place_when_the_holder_leaves_it(house, make_backend):
    house.catalog.put("a-newcomer", instance("a-newcomer", make_backend("newcomer"), "route=one.test"))
    told(house, "a-newcomer")
    house.catalog.put("one", instance("one", house.one, "route=elsewhere.test"))
    wait_served(house, "one.test", "newcomer")


def test_a_host_outside_the_permit_is_refused_and_told(make_door, make_backend):
    door = make_door(start=False, config={"catalog": {"permit": {"hosts": ["**.mine.test"]}}})
    backend = make_backend("greedy")
    door.catalog.put("greedy", instance("greedy", backend, "route=a.mine.test", "route=bank.test"))
    door.start()
    assert served_by(door, "a.mine.test") == "greedy"
    assert served_by(door, "bank.test") in (404, 503)
    told(door, "bank.test")


@pytest.mark.parametrize(
    "tag",
    [
        "pages=5xx:/etc/passwd", "tls_verify=false", "tls_ca=/etc/ssl/cert.pem", "files=/etc", "auth=basic:x",
        "rate_limit=x",
    ],
)
def test_a_tag_that_is_not_the_catalog_s_to_say_never_opens_the_route_without_it(house, make_backend, tag):
    backend = make_backend("tagged")
    house.catalog.put("tagged", instance("tagged", backend, "route=tagged.test", tag))
    told(house, tag.split("=")[0])
    restricting = tag.startswith(("auth", "rate_limit"))
    answer = house.ask(host="tagged.test")
    assert "root:" not in answer.text
    if restricting:
        assert answer.status == 503 and backend.requests == []


def test_an_unknown_tag_of_ours_is_told_with_the_nearest_key(house, make_backend):
    house.catalog.put("typo", instance("typo", make_backend("typo"), "route=typo.test", "gatehouse.balanse=random"))
    told(house, "balanse", "balance")


def test_an_instance_that_is_our_own_listener_is_refused(house):
    loop = instance("loop", house.http, "route=loop.test")
    admin = instance("admin", house.metrics_address, "route=admin.test")
    house.catalog.put("loop", loop)
    house.catalog.put("admin", admin)
    told(house, "loop")
    for host in ("loop.test", "admin.test"):
        assert house.ask("/metrics", host=host).status in (404, 503)


def test_instances_that_disagree_stay_in_the_pool_and_the_difference_is_told(house, make_backend):
    first, second = make_backend("first"), make_backend("second")
    house.catalog.put(
        "mixed",
        instance("mixed", first, "route=mixed.test", "balance=round_robin"),
        instance("mixed", second, "route=mixed.test", "balance=random"),
    )
    told(house, "mixed", "balance")
    wait_until(lambda: {served_by(house, "mixed.test") for _ in range(20)} == {"first", "second"}, "both are used")


def test_an_instance_that_lacks_a_restriction_is_kept_out(house, make_backend):
    first, odd = make_backend("first"), make_backend("odd")
    house.catalog.put(
        "guarded",
        instance("guarded", first, "route=guarded.test", "allow=127.0.0.9/32"),
        instance("guarded", odd, "route=guarded.test"),
    )
    told(house, "guarded", "allow")
    assert house.ask(host="guarded.test", source="127.0.0.8").status == 403
    assert odd.requests == []
