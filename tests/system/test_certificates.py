"""Certificates come from a watched folder: a good pair is swapped in without a restart, a bad one changes nothing."""
import os
import shutil
import threading

import pytest

from support.catalog import instance
from support.certs import pem_of_key, new_key, served
from support.client import Client
from support.door import problems
from support.wait import Deadline, wait_until, watch_for

pytestmark = pytest.mark.quick

SETTLES = 1.5  # seconds in which a change would be seen: changes are read after half a second of quiet


@pytest.fixture
def house(make_door, make_backend, authority):
    door = make_door(start=False, tls=True)
    door.pair = authority.issue("a.cert.test")
    door.pair.write(door.certificates, "a")
    door.catalog.put("a", instance("a", make_backend("a"), "route=a.cert.test"))
    return door.start()


def serial(door, authority, host="a.cert.test"):
    with Client(door.https, tls=authority.trust(check_name=False), sni=host) as client:
        return served(client).serial_number


def wait_served(door, authority, pair, host="a.cert.test"):
    wait_until(lambda: serial(door, authority, host) == pair.serial, "the new certificate", within=5)


def stays(door, authority, pair):
    """The good pair is still served after a change had its time to be seen: nothing else tells that it was not."""
    return not watch_for(lambda: serial(door, authority) != pair.serial, SETTLES, every=0.1)


def test_a_new_pair_is_served_without_a_restart(house, authority):
    fresh = authority.issue("a.cert.test")
    fresh.write(house.certificates, "a")
    wait_served(house, authority, fresh)


def test_connections_and_requests_survive_a_change_of_certificates(house, authority):
    failures, end = [], threading.Event()

    def keep_asking():
        while not end.is_set():
            try:
                with Client(house.https, tls=authority.trust(), sni="a.cert.test", host="a.cert.test") as client:
                    assert client.ask().status == 200
            except Exception as error:
                failures.append(repr(error))

    asking = threading.Thread(target=keep_asking, daemon=True)
    asking.start()
    with Client(house.https, tls=authority.trust(), sni="a.cert.test", host="a.cert.test") as held:
        assert held.ask().status == 200
        for _ in range(3):
            fresh = authority.issue("a.cert.test")
            fresh.write(house.certificates, "a")
            wait_served(house, authority, fresh)
        assert held.ask().status == 200
    end.set()
    asking.join(5)
    assert failures == []


def test_a_pair_for_a_new_name_is_served(house, authority):
    other = authority.issue("b.cert.test")
    other.write(house.certificates, "b")
    wait_served(house, authority, other, "b.cert.test")
    assert serial(house, authority) == house.pair.serial


def test_a_folder_swapped_by_a_symlink_is_seen(make_door, make_backend, authority):
    door = make_door(start=False, tls=True)
    first, second = authority.issue("a.cert.test"), authority.issue("a.cert.test")
    first.write(door.path("v1"), "a")
    second.write(door.path("v2"), "a")
    shutil.rmtree(door.certificates)
    os.symlink("v1", door.certificates)
    door.catalog.put("a", instance("a", make_backend("a"), "route=a.cert.test"))
    door.start()
    assert serial(door, authority) == first.serial
    os.symlink("v2", door.path("fresh"))
    os.replace(door.path("fresh"), door.certificates)
    wait_served(door, authority, second)


def overwrite(door, name, data, mode=0o600):
    path = os.path.join(door.certificates, name)
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.chmod(path + ".new", mode)
    os.replace(path + ".new", path)


def mismatched(door, authority):
    overwrite(door, "a.key", pem_of_key(new_key()))


def expired(door, authority):
    authority.issue("a.cert.test", days=-1, from_days=-10).write(door.certificates, "a")


def rubbish(door, authority):
    overwrite(door, "a.crt", b"-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")


def empty(door, authority):
    overwrite(door, "a.crt", b"")


def half(door, authority):
    fresh = authority.issue("a.cert.test")
    overwrite(door, "a.crt", fresh.crt[: len(fresh.crt) // 2])


def key_is_gone(door, authority):
    os.unlink(os.path.join(door.certificates, "a.key"))


def everybody_reads_the_key(door, authority):
    authority.issue("a.cert.test").write(door.certificates, "a", key_mode=0o644)


def folder_is_gone(door, authority):
    shutil.move(door.certificates, door.certificates + ".away")


BAD = [mismatched, expired, rubbish, empty, half, key_is_gone, everybody_reads_the_key, folder_is_gone]


@pytest.mark.parametrize("spoil", BAD, ids=lambda one: one.__name__)
def test_a_bad_pair_changes_nothing(house, authority, spoil):
    spoil(house, authority)
    assert stays(house, authority, house.pair)
    with Client(house.https, tls=authority.trust(), sni="a.cert.test", host="a.cert.test") as client:
        assert client.ask().status == 200


@pytest.mark.parametrize("spoil", [mismatched, expired, everybody_reads_the_key], ids=lambda one: one.__name__)
def test_a_bad_pair_is_told_by_its_file(house, authority, spoil):
    spoil(house, authority)

    def told():
        return any("a.key" in text or "a.crt" in text for text in problems(house.status()))

    wait_until(told, "status names the file")


def test_a_pair_that_is_gone_stays_in_use_and_is_told_until_it_is_back(make_door, make_backend, authority):
    door = make_door(start=False, tls=True, config={"hosts": {"bank.cert.test": {"certificate": "file:bank"}}})
    own = authority.issue("bank.cert.test")
    own.write(door.certificates, "bank")
    authority.issue("x.cert.test").write(door.certificates, "another")
    door.catalog.put("bank", instance("bank", make_backend("bank"), "route=bank.cert.test"))
    door.start()
    for name in ("bank.crt", "bank.key"):
        os.unlink(os.path.join(door.certificates, name))

    def told():
        return any("bank.crt: is gone" in text for text in problems(door.status()))

    wait_until(told, "status tells")
    assert "bank.crt: is gone" in door.do("history")
    with Client(door.https, tls=authority.trust(), sni="bank.cert.test", host="bank.cert.test") as client:
        assert client.ask().status == 200
    own.write(door.certificates, "bank")
    wait_until(lambda: not told(), "it is back")


def test_a_certificate_that_ends_soon_is_told(house, authority):
    assert not any("ends at" in text for text in problems(house.status()))
    authority.issue("a.cert.test", days=13).write(house.certificates, "a")
    wait_until(lambda: any("a.crt: warning: ends at" in text for text in problems(house.status())), "status tells")


def test_a_good_pair_after_a_bad_one_is_served(house, authority):
    mismatched(house, authority)
    assert stays(house, authority, house.pair)
    fresh = authority.issue("a.cert.test")
    fresh.write(house.certificates, "a")
    wait_served(house, authority, fresh)


def test_a_host_may_name_its_certificate_and_one_that_does_not_cover_it_is_refused(make_door, make_backend, authority):
    door = make_door(start=False, tls=True, config={"hosts": {"bank.cert.test": {"certificate": "file:bank"}}})
    own, other = authority.issue("bank.cert.test"), authority.issue("bank.cert.test", "x.cert.test")
    own.write(door.certificates, "bank")
    other.write(door.certificates, "another")
    door.catalog.put("bank", instance("bank", make_backend("bank"), "route=bank.cert.test"))
    door.start()
    assert serial(door, authority, "bank.cert.test") == own.serial
    authority.issue("elsewhere.cert.test").write(door.certificates, "bank")
    # nothing tells that a refused pair was not taken: it is given time
    assert not watch_for(lambda: serial(door, authority, "bank.cert.test") != own.serial, SETTLES, every=0.1)


def test_a_removed_pair_is_dropped_when_another_covers_its_names(house, authority):
    other, more = authority.issue("b.cert.test"), authority.issue("b.cert.test", "c.cert.test")
    other.write(house.certificates, "b")
    wait_served(house, authority, other, "b.cert.test")
    for suffix in (".crt", ".key"):
        os.unlink(os.path.join(house.certificates, "b" + suffix))
    more.write(house.certificates, "c")
    wait_served(house, authority, more, "b.cert.test")
    assert not any("b.crt" in text for text in problems(house.status()))


def test_status_lists_certificates_with_their_end(house):
    certificates = house.status()["certificates"]
    assert any("a.cert.test" in str(one) for one in certificates)


def test_a_thousand_certificates_load_before_the_door_is_ready(make_door, authority):
    door = make_door(start=False, tls=True)
    key = new_key()
    for n in range(1000):
        authority.issue(f"n{n}.many.test", key=key).write(door.certificates, f"n{n}")
    deadline = Deadline(10)
    door.start()
    assert not deadline.passed()
    with Client(door.https, tls=authority.trust(), sni="n999.many.test") as client:
        assert "n999.many.test" in str(client.sock.getpeercert())
