"""Certificates obtained from a real CA (Pebble), by http-01 through the door itself."""
import glob
import json
import os
import stat

import pytest

from support import addresses
from support.acme_house import HOST, house, listed, put_host, serial, state_of, wait_state
from support.catalog import instance
from support.certs import served
from support.client import Client, ask
from support.door import problems
from support.wait import wait_until

pytestmark = pytest.mark.ci


def test_a_routed_host_gets_its_certificate_by_itself_and_is_served_without_a_reload(
    make_door, make_pebble, make_backend
):
    door, pebble = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    with Client(door.https, tls=pebble.client_trust(), sni=HOST, host=HOST) as client:
        assert client.ask().status == 200
    other = "shop.acme.test"
    put_host(door, make_backend, other)
    wait_state(door, "good", other)
    with Client(door.https, tls=pebble.client_trust(), sni=other, host=other) as client:
        assert client.ask().status == 200
    assert door.metric("gatehouse_acme_obtained_total") == 2
    assert door.metric("gatehouse_acme_certificates", state="good") == 2
    assert "obtained from" in door.do("history")


def test_keys_are_for_us_alone_and_stand_in_no_log(make_door, make_pebble, make_backend):
    door, _ = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    found = [path for path in glob.glob(door.path("state", "acme", "**"), recursive=True) if os.path.isfile(path)]
    assert {os.path.basename(path) for path in found} == {"0001.pem", "record.json", "account.key", "account.json"}
    for path in found:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    for path in (door.path("state", "acme"), door.path("state", "acme", "certificates", HOST)):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700, path
    secrets = []
    for path in found:
        with open(path) as file:
            lines = file.read().splitlines()
        inside = [i for i, line in enumerate(lines) if "PRIVATE" in line]
        secrets += lines[inside[0] + 1 : inside[1]] if inside else []
    assert len(secrets) >= 4
    told = door.output() + door.do("history") + door.do("status", "--json") + door.do("certs", "why", HOST)
    assert not [secret for secret in secrets if secret in told]


def test_until_then_a_placeholder_is_served_and_nobody_is_redirected_to_it(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    pebble.pause_ca()
    door.start()
    assert ask(door.http, target="/", host=HOST).status == 200
    before = serial(door)
    assert "placeholder" in door.do("certs", "why", HOST)
    pebble.resume_ca()
    wait_state(door, "good", within=60)
    assert serial(door) != before
    assert ask(door.http, target="/", host=HOST).status == 301


def test_a_challenge_is_answered_before_the_routes_and_other_tokens_go_where_they_lead(
    make_door, make_pebble, make_backend
):
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    closed = "closed.acme.test"
    door.catalog.put(
        "closed", instance("closed", make_backend("closed"), f"route={closed} allow=192.0.2.1/32", "http=redirect")
    )
    door.start()
    wait_state(door, "good", closed)
    wait_state(door, "good")
    line = door.logged(termination="challenge", host=f"{closed}:{addresses.HTTP}")
    assert line["status"] == 200 and line["path"].startswith("/.well-known/acme-challenge/")
    # It is not open any more: the backend has it.
    with Client(door.https, tls=pebble.client_trust(), sni=HOST, host=HOST) as client:
        assert client.ask(target="/.well-known/acme-challenge/somebody-elses").status == 200
    assert door.logged(path="/.well-known/acme-challenge/somebody-elses")["service"] == HOST.replace(".", "-")


def test_a_host_outside_permit_or_with_a_pair_of_its_own_is_left_alone(make_door, make_pebble, make_backend, authority):
    door, _ = house(make_door, make_pebble, make_backend, HOST, "www.elsewhere.test", "bank.acme.test", start=False)
    authority.issue("bank.acme.test").write(door.certificates, "bank")
    door.start()
    wait_state(door, "good")
    assert set(listed(door)) == {HOST, "bank"}
    assert listed(door)["bank"]["state"] == "brought"
    done = door.command("certs", "why", "www.elsewhere.test")
    assert done.returncode == 1 and "permit" in done.stderr


def test_a_problem_is_told_in_the_cas_words_and_tried_again_when_asked(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    pebble.cannot_resolve(HOST)
    door.start()
    wait_state(door, "failed")
    why = door.do("certs", "why", HOST)
    assert "could not resolve" in why, why
    assert "next try" in why
    assert any(HOST in problem and "not obtained" in problem for problem in problems(door.status()))
    assert door.metric("gatehouse_acme_failures_total") >= 1
    assert door.metric("gatehouse_acme_certificates", state="missing") == 1
    pebble.can_resolve(HOST)
    door.do("certs", "renew", HOST)
    wait_state(door, "good")
    assert not [problem for problem in problems(door.status()) if HOST in problem]


def test_certificates_are_renewed_again_and_again_and_no_handshake_fails(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, validity=60)  # an order may take its ten seconds
    wait_state(door, "good")
    seen, trust = set(), pebble.client_trust()

    def several():
        with Client(door.https, tls=trust, sni=HOST, host=HOST) as client:
            assert client.ask().status == 200
            seen.add(served(client).serial_number)
        return len(seen) >= 3

    wait_until(several, lambda: f"three certificates; {door.do('certs', 'why', HOST)}", 180, every=0.2)
    versions = sorted(os.listdir(door.path("state", "acme", "certificates", HOST)))
    assert [name for name in versions if name.endswith(".pem")][-1] >= "0003.pem"


def test_nonces_that_are_refused_are_only_a_delay(make_door, make_pebble, make_backend):
    door, _ = house(make_door, make_pebble, make_backend, env={"PEBBLE_WFE_NONCEREJECT": "50"})
    wait_state(door, "good", within=60)


def test_a_restart_serves_what_was_obtained_and_asks_for_nothing(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    before = serial(door)
    door.stop()
    pebble.kill_ca()
    door.start()
    assert serial(door) == before
    assert state_of(door) == "good"
    assert door.metric("gatehouse_acme_orders_total") == 0


def test_an_order_that_was_under_way_is_taken_up_after_a_crash(make_door, make_pebble, make_backend):
    slow = {"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "4"}
    door, pebble = house(make_door, make_pebble, make_backend, start=False, env=slow)
    door.start()
    record = door.path("state", "acme", "certificates", HOST, "record.json")

    def order():
        if not os.path.exists(record):
            return None
        with open(record) as file:
            return json.load(file)["order_url"]

    url = wait_until(order, "an order", 20)
    door.kill()
    door.start()
    wait_state(door, "good", within=60)
    orders = [line for line in pebble.said().splitlines() if "There are now" in line and "order" in line]
    assert url and len(orders) <= 1, orders


def test_an_account_that_the_ca_forgot_is_told_and_none_is_made_in_silence(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    pebble.kill_ca()
    pebble.start_ca()
    door.do("certs", "renew", HOST)
    wait_state(door, "renewal failed")
    assert "accountDoesNotExist" in door.do("certs", "why", HOST)
    with open(glob.glob(door.path("state", "acme", "accounts", "*", "account.json"))[0]) as file:
        assert json.load(file)["url"]


def test_a_window_of_the_ca_that_is_past_means_now(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend)
    wait_state(door, "good")
    before = serial(door)
    folder = door.path("state", "acme", "certificates", HOST)
    with open(os.path.join(folder, "0001.pem")) as file:
        pem = file.read()
    window = {"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}
    end = "-----END CERTIFICATE-----\n"
    pebble.set_window(pem[pem.index("-----BEGIN CERT") : pem.index(end)] + end, json.dumps(window))
    door.stop()
    with open(os.path.join(folder, "record.json")) as file:
        record = json.load(file)
    assert record["window"] and record["ask_window_at"] > 0
    with open(os.path.join(folder, "record.json"), "w") as file:
        json.dump({**record, "ask_window_at": 0}, file)
    door.start()
    wait_until(lambda: serial(door) != before, lambda: door.do("certs", "why", HOST), 30, every=0.2)


def test_terms_have_to_be_agreed_to(make_door, make_pebble, make_backend):
    door, _ = house(make_door, make_pebble, make_backend, acme={"agree_tos": False}, start=False)
    done = door.check()
    assert done.returncode == 1 and "agree_tos: true" in done.stderr + done.stdout


def test_acme_can_be_turned_on_and_off_by_a_reload(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    wanted = door.config["certificates"]["acme"]
    door.change_config({"certificates": {"acme": None}})
    door.start()
    assert listed(door) == {}
    door.change_config({"certificates": {"acme": wanted}})
    door.reload()
    wait_state(door, "good")
    door.change_config({"certificates": {"acme": None}})
    door.reload()
    assert state_of(door) == "not wanted any more"
