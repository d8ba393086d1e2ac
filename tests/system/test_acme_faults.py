"""What a CA does to its clients on a bad day, by a proxy in front of a real one; and what else can stand in the way."""
import base64
import json
import os
import socket
import ssl
import threading

import pytest

from support.acme_house import HOST, house, listed, put_host, serial, state_of, wait_state
from support.catalog import instance
from support.certs import served
from support.client import Client, ask
from support.door import problems
from support.fault_proxy import FaultProxy
from support.wait import wait_until

pytestmark = pytest.mark.ci


@pytest.fixture
def proxied(make_door, make_pebble, make_backend):
    """A door that asks its CA through a fault proxy, not started; and that proxy."""
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    proxy = FaultProxy(pebble)
    directories = [{"url": proxy.directory, "ca": pebble.trust}]
    door.change_config({"certificates": {"acme": {"directories": directories}}})
    yield door, proxy
    proxy.stop()


def problem(status, type, detail, *fields):
    body = json.dumps({"type": "urn:ietf:params:acme:error:" + type, "detail": detail, "status": status}).encode()
    return status, [("Content-Type", "application/problem+json"), *fields], body


def once(path, instead, after=False):
    """Answers the first request for `path` with `instead`; after: when the CA has already done what was asked."""
    done = []

    def fault(method, asked, answer):
        if method != "POST" or path not in asked or done or (answer is None) == after:
            return answer
        done.append(True)
        return instead

    return fault


def test_a_rate_limit_is_heeded_to_the_second(proxied):
    door, proxy = proxied
    limited = problem(429, "rateLimited", "too many certificates", ("Retry-After", "7200"))
    proxy.fault = lambda method, path, answer: limited if answer is None and "order-plz" in path else answer
    door.start()
    wait_state(door, "failed")
    assert proxy.count("order-plz") == 1
    why = door.do("certs", "why", HOST)
    assert "too many certificates (rateLimited)" in why and "in 1 h 59 min" in why


def test_a_finalize_that_was_accepted_and_then_failed_is_not_ordered_again(proxied):
    door, proxy = proxied
    proxy.fault = once("finalize", problem(500, "serverInternal", "oops"), after=True)
    door.start()
    wait_state(door, "good")
    assert proxy.count("order-plz") == 1 and proxy.count("finalize") == 1


def test_an_answer_that_is_lost_is_asked_for_again(proxied):
    door, proxy = proxied
    proxy.fault = once("finalize", None, after=True)
    door.start()
    wait_state(door, "good")
    assert proxy.count("order-plz") == 1  # what was sent twice was refused the second time, by its nonce


def test_a_certificate_that_is_not_there_at_once_is_waited_for(proxied):
    door, proxy = proxied
    proxy.fault = once("certZ", problem(404, "malformed", "not yet"))
    door.start()
    wait_state(door, "good")
    assert proxy.count("order-plz") == 1


def test_half_a_chain_is_refused_and_what_was_served_stays(proxied):
    door, proxy = proxied

    def halve(method, path, answer):
        return (answer[0], answer[1], answer[2][: len(answer[2]) // 8]) if answer and "certZ" in path else answer

    proxy.fault = halve
    door.start()
    wait_state(door, "failed")
    assert "can't be used" in door.do("certs", "why", HOST)


def test_a_directory_of_megabytes_or_of_nonsense_is_a_problem_in_words(proxied):
    door, proxy = proxied
    huge = (200, [("Content-Type", "application/json")], b"{" + b" " * (2 << 20) + b"}")
    proxy.fault = lambda method, path, answer: huge if path == "/dir" and answer is None else answer
    door.start()
    wait_state(door, "failed")
    proxy.fault = lambda method, path, answer: (200, [], b"<html>") if path == "/dir" and answer is None else answer
    door.do("certs", "renew", HOST)
    wait_until(lambda: "no ACME directory" in door.do("certs", "why", HOST), "a word of why", 10)
    proxy.fault = lambda method, path, answer: answer
    door.do("certs", "renew", HOST)
    wait_state(door, "good")


class Hold:
    """A fault: what is asked of these paths waits until it is let go, and goes on to the CA then."""

    def __init__(self, *paths):
        self.paths, self.waiting, self._go = paths, 0, threading.Event()
        self.tokens = []

    def __call__(self, method, path, answer):
        if answer is None and not self._go.is_set() and any(each in path for each in self.paths):
            self.waiting += 1
            self._go.wait(60)
        elif answer is not None and "authZ" in path:
            challenges = json.loads(answer[2]).get("challenges", ())
            self.tokens += [each["token"] for each in challenges if each["type"] == "http-01"]
        return answer

    def let_go(self):
        self._go.set()


def test_a_challenge_of_a_ca_that_is_asked_no_more_is_taken_down(proxied):
    door, proxy = proxied
    proxy.fault = hold = Hold("chalZ")
    door.start()
    wait_until(lambda: hold.waiting > 0 and hold.tokens, "a challenge stands", 20)

    def shown():
        target = "/.well-known/acme-challenge/" + hold.tokens[0]
        return ask(door.http, host=HOST, target=target).text.startswith(hold.tokens[0])

    try:
        assert shown()
        door.change_config({"certificates": {"acme": {"directories": [{"url": "https://127.0.0.1:1/dir"}]}}})
        door.do("reload")
        wait_until(lambda: not shown(), "it is taken down", 10)
    finally:
        hold.let_go()


def test_windows_are_asked_for_again_of_a_ca_that_was_replaced_meanwhile(proxied, make_backend):
    """As many questions as there may be at once are on their way when the CA's configuration changes."""
    door, proxy = proxied
    hosts = [HOST, *(f"n{i}.acme.test" for i in range(4))]
    put_host(door, make_backend, *hosts[1:])
    proxy.fault = hold = Hold("enewal")
    door.start()
    try:
        for host in hosts:
            wait_state(door, "good", host)
        wait_until(lambda: hold.waiting >= 1, "a window is asked for", 20)
        before = proxy.count("enewal")
        door.change_config({"certificates": {"acme": {"contact": ["other@acme.test"]}}})
        door.do("reload")
        hold.let_go()
        wait_until(lambda: proxy.count("enewal") >= before + len(hosts), "those of all are asked for", 20)
    finally:
        hold.let_go()


def test_a_clock_that_is_far_off_is_told(proxied):
    door, proxy = proxied

    def past(method, path, answer):
        if not answer or path != "/dir":
            return answer
        fields = [(name, value) for name, value in answer[1] if name.lower() != "date"]
        return answer[0], [*fields, ("Date", "Tue, 01 Jan 2019 00:00:00 GMT")], answer[2]

    proxy.fault = past
    door.start()
    wait_state(door, "failed")
    assert "clock" in door.do("certs", "why", HOST)


def test_a_ca_that_nobody_vouches_for_is_not_asked(make_door, make_pebble, make_backend, authority):
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    other = authority.write(door.folder, "other.pem")
    door.change_config({"certificates": {"acme": {"directories": [{"url": pebble.directory, "ca": other}]}}})
    door.start()
    wait_state(door, "failed")
    assert "certificate verify failed" in door.do("certs", "why", HOST)


def test_the_next_ca_is_asked_when_it_is_late(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, validity=40)
    wait_state(door, "good")
    first = serial(door)
    other = make_pebble(door)
    pebble.kill_ca()
    directories = [{"url": pebble.directory, "ca": pebble.trust}, {"url": other.directory, "ca": other.trust}]
    door.change_config({"certificates": {"acme": {"directories": directories}}})
    door.reload()
    wait_until(lambda: serial(door) != first, lambda: door.do("certs", "why", HOST), 60, every=0.5)
    assert listed(door)[HOST]["ca"] == other.directory


def test_an_external_account_is_bound_and_its_lack_is_told(make_door, make_pebble, make_backend):
    secret = base64.urlsafe_b64encode(b"x" * 48).decode()
    bound = {"externalAccountBindingRequired": True, "externalAccountMACKeys": {"kid-1": secret}}
    door, pebble = house(make_door, make_pebble, make_backend, start=False, **bound)
    door.start()
    wait_state(door, "failed")
    assert "certificates.acme.directories[].eab" in door.do("certs", "why", HOST)
    with open(door.path("hmac"), "w") as file:
        file.write(secret + "\n")
    os.chmod(door.path("hmac"), 0o600)
    eab = {"kid": "kid-1", "hmac": {"file": door.path("hmac")}}
    directories = [{"url": pebble.directory, "ca": pebble.trust, "eab": eab}]
    door.change_config({"certificates": {"acme": {"directories": directories}}})
    door.reload()
    door.do("certs", "renew", HOST)
    wait_state(door, "good")


def test_a_profile_is_asked_for_and_one_that_is_not_offered_is_told(make_door, make_pebble, make_backend):
    profiles = {name: {"description": name, "validityPeriod": days * 86400} for name, days in (("long", 90), ("six", 6))}
    door, pebble = house(make_door, make_pebble, make_backend, start=False, profiles=profiles)

    def ask_for(profile):
        directories = [{"url": pebble.directory, "ca": pebble.trust, "profile": profile}]
        door.change_config({"certificates": {"acme": {"directories": directories}}})

    ask_for("none-such")
    door.start()
    wait_state(door, "failed")
    assert "the CA has no profile none-such (invalidProfile)" in door.do("certs", "why", HOST)
    ask_for("six")
    door.reload()
    door.do("certs", "renew", HOST)
    wait_state(door, "good")
    assert 4 * 86400 < listed(door)[HOST]["left_ms"] / 1000 <= 6 * 86400
    ask_for("long")
    door.reload()
    wait_until(lambda: listed(door)[HOST]["left_ms"] > 80 * 86400_000, "one of the other profile", 20, every=0.1)


def test_a_door_with_tls_alone_shows_names_by_tls_alpn(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    door.change_config({"listen": [one for one in door.config["listen"] if one.get("tls")]})
    door.start()
    wait_state(door, "good")
    with Client(door.https, tls=pebble.client_trust(), sni=HOST, host=HOST) as client:
        assert client.ask().status == 200
    # No challenge is open any more: the protocol is refused, and the real certificate is not shown.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    with socket.create_connection(door.https) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname=HOST)


def test_when_one_way_is_closed_the_other_is_tried(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, start=False, httpPort=1)
    door.start()
    wait_state(door, "failed")
    door.do("certs", "renew", HOST)
    wait_state(door, "good")


def test_a_pair_that_is_taken_away_makes_room(make_door, make_pebble, make_backend, authority):
    door, _ = house(make_door, make_pebble, make_backend, start=False)
    pair = authority.issue(HOST)
    files = pair.write(door.certificates, "learn")
    door.start()
    assert set(listed(door)) == {"learn"}
    for file in files:
        os.remove(file)
    wait_state(door, "good")


def test_certs_add_checks_a_pair_and_has_it_served(make_door, make_pebble, make_backend, authority):
    door, _ = house(make_door, make_pebble, make_backend, "bank.elsewhere.test", start=False)
    door.start()
    crt, key = authority.issue("bank.elsewhere.test").write(door.path("brought"), "b")
    _, other = authority.issue("bank.elsewhere.test").write(door.path("brought"), "other")
    refused = door.command("certs", "add", "-c", door.file, "bank", crt, other)
    assert refused.returncode == 1 and "nothing was added" in refused.stderr
    for name in ("../bank", ".bank", "a/b"):
        assert door.command("certs", "add", "-c", door.file, name, crt, key).returncode == 1, name
    assert "bank.elsewhere.test" in door.do("certs", "add", "-c", door.file, "bank", crt, key)
    wait_until(lambda: "bank" in listed(door), "the pair is served", 5)
    with Client(door.https, tls=authority.trust(), sni="bank.elsewhere.test", host="bank.elsewhere.test") as client:
        assert client.ask().status == 200 and served(client)


def test_a_host_may_say_that_it_has_one_obtained_or_none(make_door, make_pebble, make_backend, authority):
    door, _ = house(make_door, make_pebble, make_backend, "a.acme.test", "b.acme.test", start=False)
    authority.issue("*.acme.test").write(door.certificates, "all")
    door.change_config({"hosts": {"a.acme.test": {"certificate": "acme"}, "b.acme.test": {"certificate": "none"}}})
    door.start()
    wait_state(door, "good", "a.acme.test")
    assert set(listed(door)) == {"all", "a.acme.test"}


def test_a_host_with_a_star_is_told_why_it_gets_none(make_door, make_pebble, make_backend):
    door, _ = house(make_door, make_pebble, make_backend, "*.acme.test")
    assert state_of(door, "*.acme.test") == "not to be had"
    assert any("*.acme.test" in one and "dns-01" in one for one in problems(door.status()))


def test_many_names_are_obtained_a_few_at_a_time(make_door, make_pebble, make_backend):
    door, pebble = house(make_door, make_pebble, make_backend, start=False)
    backend = make_backend("many")
    names = [f"n{i}.acme.test" for i in range(60)]
    for name in names:
        door.catalog.put(name.replace(".", "-"), instance(name.replace(".", "-"), backend, f"route={name}"))
    door.start()
    wait_until(
        lambda: all(one["state"] == "good" for one in listed(door).values()), lambda: door.do("certs", "list"), 90, every=0.5
    )
    assert door.metric("gatehouse_acme_certificates", state="good") == len(names) + 1
    put_host(door, make_backend, "late.acme.test")
    wait_state(door, "good", "late.acme.test")
