"""Chains chosen, certificates revoked and keys of accounts changed, at a real CA (Pebble); the CA's answers may be lost on the way."""
import glob
import json
import threading

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from support.acme_house import HOST, house, serial, wait_state
from support.fault_proxy import FaultProxy
from support.wait import wait_until

pytestmark = pytest.mark.ci
CHANGE = "rollover-account-key"


@pytest.fixture
def proxied(make_door, make_pebble, make_backend):
    """A door that asks its CA through a fault proxy, not started; and that proxy."""
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    proxy = FaultProxy(pebble)
    door.change_config({"certificates": {"acme": {"directories": [{"url": proxy.directory, "ca": pebble.trust}]}}})
    yield door, proxy
    proxy.stop()


def kept(door, name):
    """What the account's folder has by this name; None: nothing."""
    found = glob.glob(door.path("state", "acme", "accounts", "*", name))
    if not found:
        return None
    with open(found[0]) as file:
        return file.read()


def assert_renews(door):
    before = serial(door)
    door.do("certs", "renew", HOST)
    wait_until(lambda: serial(door) != before, lambda: f"another: {door.do('certs', 'why', HOST)}", 30)


def test_what_is_revoked_is_replaced_at_once_with_another_key(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    before = serial(door)
    assert "the CA is asked" in door.do("certs", "revoke", HOST, "--reason", "keyCompromise")
    wait_until(lambda: serial(door) != before, lambda: f"another: {door.do('certs', 'why', HOST)}", 30)
    status = json.loads(pebble.management("GET", f"/cert-status-by-serial/{before:x}"))
    assert status["Status"] == "Revoked" and status.get("Reason") == 1
    assert json.loads(pebble.management("GET", f"/cert-status-by-serial/{serial(door):x}"))["Status"] == "Valid"
    assert "revoked by" in door.do("history") and "revoked" in door.do("certs", "why", HOST)
    assert door.metric("gatehouse_acme_revoked_total") == 1


def test_what_can_not_be_revoked_is_told(make_door, make_pebble, make_backend):
    door, _ = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    for words, asked in (
        ("no certificate of nobody.test was obtained here", ["nobody.test"]),
        ("write one of unspecified, keyCompromise", [HOST, "--reason", "boredom"]),
    ):
        done = door.command("certs", "revoke", *asked)
        assert done.returncode == 1 and words in done.stderr, done.stderr
    assert door.metric("gatehouse_acme_revoked_total") == 0


def test_an_account_gets_another_key_and_stays_the_same_account(make_door, make_pebble, make_backend):
    door, _ = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    key, account = kept(door, "account.key"), kept(door, "account.json")
    assert door.do("certs", "rollover").startswith("1 begun")
    wait_until(lambda: door.metric("gatehouse_acme_keys_changed_total") == 1, lambda: door.do("history"), 20)
    assert kept(door, "account.key") != key and kept(door, "account.json") == account
    assert kept(door, "next.key") is None
    assert_renews(door)
    door.stop()
    door.start()
    assert_renews(door)


@pytest.mark.parametrize("heard", [True, False], ids=["the_ca_did_it", "the_ca_did_not"])
def test_a_change_whose_answer_is_lost_is_asked_about(proxied, heard):
    door, proxy = proxied
    broken = 500, [("Content-Type", "text/plain")], b"a bad day"
    proxy.fault = lambda method, path, answer: broken if CHANGE in path and (answer is not None) == heard else answer
    door.start()
    wait_state(door, "good")
    key = kept(door, "account.key")
    door.do("certs", "rollover")
    words = "the key of the account with " + proxy.directory + (" changed" if heard else " not changed")
    wait_until(lambda: words in door.do("history"), lambda: door.do("history"), 20)
    assert (kept(door, "account.key") != key) == heard and kept(door, "next.key") is None
    assert_renews(door)


@pytest.mark.parametrize("heard", [True, False], ids=["the_ca_did_it", "the_ca_did_not"])
def test_after_a_crash_within_a_change_the_ca_says_which_key_holds(proxied, heard):
    door, proxy = proxied
    waits, go = threading.Event(), threading.Event()

    def hold(method, path, answer):
        if CHANGE in path and (answer is not None) == heard:
            waits.set()
            go.wait(60)
            return answer or (500, [], b"")
        return answer

    proxy.fault = hold
    door.start()
    wait_state(door, "good")
    key = kept(door, "account.key")
    try:
        door.do("certs", "rollover")
        wait_until(waits.is_set, "the CA is asked", 20)
        assert "being changed already" in door.command("certs", "rollover").stderr
        door.kill()
        assert kept(door, "next.key") and kept(door, "account.key") == key
    finally:
        go.set()
    proxy.fault = lambda method, path, answer: answer
    door.start()
    assert_renews(door)
    assert (kept(door, "account.key") != key) == heard and kept(door, "next.key") is None


def test_no_key_is_changed_while_an_order_is_under_way(proxied):
    door, proxy = proxied
    waits, go = threading.Event(), threading.Event()

    def hold(method, path, answer):
        if "order-plz" in path and answer is None:
            waits.set()
            go.wait(60)
        return answer

    proxy.fault = hold
    door.start()
    try:
        wait_until(waits.is_set, "an order is under way", 20)
        done = door.command("certs", "rollover")
        assert done.returncode == 1 and "1 orders are under way" in done.stderr
    finally:
        go.set()
    wait_state(door, "good")


def common_name(pebble, root):
    found = x509.load_pem_x509_certificate(pebble.management("GET", f"/roots/{root}"))
    return found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def test_of_several_chains_the_one_to_the_root_that_is_named_is_taken(make_door, make_pebble, make_backend):
    several = {"PEBBLE_ALTERNATE_ROOTS": "2"}
    door, pebble = house(make_door, make_pebble, make_backend, start=False, env=several)

    def ask_for(chain):
        directories = [{"url": pebble.directory, "ca": pebble.trust, "chain": chain}]
        door.change_config({"certificates": {"acme": {"directories": directories}}})

    def last_issuer(version):
        with open(door.path("state", "acme", "certificates", HOST, version)) as file:
            pem = file.read()
        last = x509.load_pem_x509_certificate(pem[pem.rindex("-----BEGIN CERT") :].encode())
        return last.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value

    ask_for(common_name(pebble, 2))
    door.start()
    wait_state(door, "good")
    assert last_issuer("0001.pem") == common_name(pebble, 2)
    before = serial(door)
    ask_for("ISRG Root X9")
    door.reload()
    wait_until(lambda: serial(door) != before, "another is obtained", 30)
    assert last_issuer("0002.pem") == common_name(pebble, 0)
    assert "the CA offers no chain to ISRG Root X9" in door.do("history")
