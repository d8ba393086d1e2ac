"""Which fields pass, and what the backend is told of the client."""
import re

import pytest

from support import websocket, wire
from support.catalog import instance
from support.client import ask
from support.wait import wait_until

pytestmark = pytest.mark.quick

TRUSTED = "127.9.0.1"  # a proxy in front of the door
DOOR = {"trusted_proxies": ["127.9.0.0/16"]}


# -- fields of one hop (RFC 9110 7.6) -------------------------------------------------------------------------------


def test_fields_of_the_client_s_hop_stay_at_the_door(site):
    fields = [
        ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"), ("TE", "gzip"), ("X-End", "2"),
    ]
    site.ask(fields=fields)
    assert site.sent.get("X-End") == "2"
    for name in ("X-Hop", "Keep-Alive", "Proxy-Connection"):
        assert not site.sent.has(name), name
    assert "gzip" not in (site.sent.get("TE") or "")


def test_fields_of_the_backend_s_hop_stay_at_the_door(site):
    fields = [("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"), ("X-End", "2")]
    site.answer_with(lambda exchange: exchange.answer(fields=fields))
    answer = site.ask()
    assert answer.get("X-End") == "2" and not answer.has("X-Hop") and not answer.has("Keep-Alive")


def test_end_to_end_fields_pass_in_order_and_unchanged(site):
    fields = [("Accept", "*/*"), ("Cookie", "a=1; b=2"), ("X-Twice", "1"), ("X-Twice", "2"), ("x-case", "kePt")]
    site.ask(fields=fields)
    got = [(name, value) for name, value in site.sent.fields if (name, value) in fields]
    assert got == fields


def test_several_set_cookie_fields_stay_several(site):
    cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")]
    site.answer_with(lambda exchange: exchange.answer(fields=cookies))
    assert site.ask().all("Set-Cookie") == ["a=1", "b=2; Path=/"]


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_User", "X.User"])
def test_names_that_a_backend_could_read_as_others_are_dropped(site, name):
    site.ask(fields={name: "forged", "X-Kept": "1"})
    assert site.sent.get("X-Kept") == "1"
    assert not site.sent.has(name)


def test_the_host_passes_unchanged_with_its_port(site):
    ask(site.door.http, host=f"{site.host}:8080")
    assert site.sent.get("Host") == f"{site.host}:8080"


@pytest.mark.site("host=inner.example")
def test_the_host_is_what_the_key_host_says(site):
    site.ask()
    assert site.sent.get("Host") == "inner.example"
    assert site.sent.get("X-Forwarded-Host") == site.host


# -- the client, as told to the backend -----------------------------------------------------------------------------


def test_the_backend_is_told_who_asks_and_how(site):
    site.ask(source="127.0.0.3")
    request = site.sent
    assert request.get("X-Forwarded-For") == "127.0.0.3"
    assert request.get("X-Forwarded-Proto") == "http"
    assert request.get("X-Forwarded-Host") == site.host


@pytest.mark.parametrize(
    "name, forged",
    [
        ("X-Forwarded-For", "6.6.6.6"), ("x-forwarded-for", "6.6.6.6"), ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Port", "666"), ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Server", "evil.test"), ("X-Real-IP", "6.6.6.6"), ("Forwarded", "for=6.6.6.6"),
        ("True-Client-IP", "6.6.6.6"), ("X-Client-IP", "6.6.6.6"), ("X-Original-URL", "/evil"), ("X-Rewrite-URL", "/evil"),
    ],
)
def test_a_stranger_s_claim_does_not_reach_the_backend(site, name, forged):
    site.ask(fields={name: forged})
    assert all(forged not in value for value in site.sent.all(name))


def test_a_claim_in_several_fields_does_not_reach_the_backend(site):
    site.ask(fields=[("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "6.6.6.7")], source="127.0.0.3")
    assert site.sent.all("X-Forwarded-For") == ["127.0.0.3"]


def test_naming_our_fields_in_connection_does_not_take_them_away(site):
    with site.client(source="127.0.0.3") as client:
        answer = client.ask(fields={"Connection": "keep-alive, X-Forwarded-For, X-Forwarded-Host"})
    if answer.status == 400:
        return  # refusing is as safe
    assert site.sent.get("X-Forwarded-For") == "127.0.0.3"
    assert site.sent.get("X-Forwarded-Host") == site.host


def test_a_trusted_proxy_is_believed(site):
    claim = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "front.example"}
    site.ask(source=TRUSTED, fields=claim)
    request = site.sent
    assert re.split(r"\s*,\s*", request.get("X-Forwarded-For")) == ["192.0.2.7", TRUSTED]
    assert request.get("X-Forwarded-Proto") == "https"
    assert request.get("X-Forwarded-Host") == "front.example"
    assert site.door.logged(host=site.host)["client_address"] == "192.0.2.7"
    assert site.door.logged(host=site.host)["peer_address"].startswith(TRUSTED)


def test_a_chain_is_read_from_the_right_up_to_the_first_stranger(site):
    site.ask(source=TRUSTED, fields={"X-Forwarded-For": "6.6.6.6, 192.0.2.7, 127.9.0.5"})
    assert site.door.logged(host=site.host)["client_address"] == "192.0.2.7"


def test_a_chain_in_several_fields_is_one_chain(site):
    fields = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.7, 127.9.0.5")]
    site.ask(source=TRUSTED, fields=fields)
    assert site.door.logged(host=site.host)["client_address"] == "192.0.2.7"


@pytest.mark.parametrize("rubbish", ["", "unknown", "192.0.2.300", "' or 1=1", "_hidden, 127.9.0.5", ",,,"])
def test_a_chain_that_is_no_addresses_leaves_the_peer_as_the_client(site, rubbish):
    answer = site.ask(source=TRUSTED, fields={"X-Forwarded-For": rubbish})
    assert answer.status == 200
    assert site.door.logged(host=site.host)["client_address"].startswith("127.9.0.")


@pytest.mark.site("forwarded=rfc7239")
def test_forwarded_by_rfc_7239_is_sent_where_it_is_asked_for(site):
    site.ask(source="127.0.0.3", fields={"Forwarded": "for=6.6.6.6"})
    request = site.sent
    pairs = dict(part.strip().split("=", 1) for part in request.get("Forwarded").split(";"))
    assert {key.lower(): value.strip('"') for key, value in pairs.items()}["for"] == "127.0.0.3"
    assert pairs["proto"] == "http" and pairs["host"].strip('"') == site.host
    assert not request.has("X-Forwarded-For")


@pytest.mark.site("forwarded=both")
def test_both_kinds_are_sent_where_both_are_asked_for(site):
    site.ask()
    assert site.sent.has("Forwarded") and site.sent.has("X-Forwarded-For")


@pytest.mark.site("forwarded=none")
def test_nothing_is_told_where_nothing_is_asked_for(site):
    site.ask(fields={"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6"})
    assert not site.sent.has("Forwarded") and not site.sent.has("X-Forwarded-For")


# -- request ids ----------------------------------------------------------------------------------------------------


def test_each_request_has_an_id_of_its_own_that_the_log_knows(site):
    with site.client() as client:
        for n in range(5):
            client.ask("GET", f"/{n}")
    ids = [request.get("X-Request-Id") for request in site.backend.requests]
    assert len(set(ids)) == 5 and all(len(one) >= 16 for one in ids)
    assert site.door.logged(host=site.host, path="/3")["request_id"] == ids[3]


def test_the_client_is_told_the_id_of_its_request(site):
    site.answer_with(lambda exchange: exchange.answer(fields={"X-Request-Id": "the backend's own"}))
    told = site.ask("GET", "/told").get("X-Request-Id")
    assert told == site.sent.get("X-Request-Id")
    assert site.door.logged(host=site.host, path="/told")["request_id"] == told


@pytest.mark.parametrize("bytes_sent", (b"GET /refused HTTP/1.1\r\nHost: nobody.test\r\n\r\n", b"rubbish\r\n\r\n"))
def test_the_door_s_own_answers_tell_the_id_of_their_request(site, bytes_sent):
    with site.client() as client:
        told = client.send(bytes_sent).response().get("X-Request-Id")
    assert site.door.logged(request_id=told)["status"] in (400, 404)


def test_a_stranger_s_request_id_is_not_believed(site):
    site.ask(fields={"X-Request-Id": "forged"})
    assert site.sent.get("X-Request-Id") != "forged"


def test_a_trusted_proxy_s_request_id_is_kept(site):
    site.ask(source=TRUSTED, fields={"X-Request-Id": "0123456789abcdef0123"})
    assert site.sent.get("X-Request-Id") == "0123456789abcdef0123"


def test_the_request_id_of_a_tunnel_is_logged_though_its_head_is_long_gone(make_door, make_backend):
    door = make_door(start=False, config={"workers": 1, "trusted_proxies": DOOR["trusted_proxies"]})
    backend = make_backend(handler=websocket.accept_and_echo)
    door.catalog.put("tunnel", instance("tunnel", backend, "route=tunnel.test"))
    door.start()
    handshake = websocket.handshake("tunnel.test", "/tunnel")
    with door.client(source=TRUSTED) as client:
        client.send(handshake.replace(b"\r\n\r\n", b"\r\nX-Request-Id: 0123456789abcdef0123\r\n\r\n"))
        assert client.response().status == 101
        others = [door.client() for _ in range(8)]
        for other in others:  # in the slab that the tunnel's head stood in, too
            other.send(b"x" * 2000)
        door.ask(host="nobody.test")
    for other in others:
        other.close()
    assert door.logged(path="/tunnel")["request_id"] == "0123456789abcdef0123"


def test_a_trusted_request_id_cannot_forge_log_lines(site):
    site.ask(source=TRUSTED, fields={"X-Request-Id": 'a","status":200,"x":"'})
    assert site.door.logged(host=site.host)["status"] == 200
    assert isinstance(site.door.logged(host=site.host)["request_id"], str)


# -- the sender's PROXY header --------------------------------------------------------------------------------------


@pytest.mark.site("send_proxy=v1", "health=/up interval=1s", takes_proxy_line=True)
def test_the_proxy_header_goes_first_where_the_endpoint_wants_it(site):
    with site.client(source="127.0.0.3") as client:
        assert client.ask(target="/for-me", host=site.host).status == 200
    wait_until(lambda: any(head.target == "/up" for head in site.backend.requests), "the check, which is the door's own")
    told = {head.target: each.proxy_line for each in site.backend.connections for head in each.requests}
    assert re.fullmatch(r"PROXY TCP4 127\.0\.0\.3 127\.\d+\.\d+\.\d+ \d+ \d+\r\n", told["/for-me"])
    assert told["/up"] == "PROXY UNKNOWN\r\n"


def test_what_the_client_sends_as_a_proxy_header_is_no_request(site):
    with site.client() as client:
        client.send(b"PROXY TCP4 6.6.6.6 6.6.6.7 1 2\r\n" + wire.message("GET / HTTP/1.1", {"Host": site.host}))
        assert client.response().status == 400
    assert site.backend.requests == []
