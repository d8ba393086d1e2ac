"""TLS to the backends: verified by default, with the right name, and a certificate of our own where asked for."""
import pytest

from support.backend import echo
from support.catalog import instance
from support.certs import Authority
from support.client import Client, ask
from support.door import problems
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def stranger():
    return Authority("somebody else")


@pytest.fixture(scope="module")
def house(make_shared_door, make_shared_backend, authority, stranger, tmp_path_factory):
    """Services that speak https to backends of every kind."""
    pairs = tmp_path_factory.mktemp("backends")
    door = make_shared_door(start=False)
    authority.write(door.folder, "ca.crt")
    authority.issue("door.internal", client=True).write(door.certificates, "door")
    stranger.issue("door.internal", client=True).write(door.certificates, "wrong-door")
    https = {"protocol": "https", "tls_ca": "ca.crt"}
    kinds = {
        "good": (dict(names=["good.test"]), {}),
        "named": (dict(names=["inner.example"]), {"tls_name": "inner.example"}),
        "rehosted": (dict(names=["inner.example"]), {"host": "inner.example"}),
        "reported": (dict(names=["inner.example"]), {"host": "inner.example:8443"}),
        "othername": (dict(names=["elsewhere.example"]), {}),
        "expired": (dict(names=["expired.test"], days=-1, from_days=-10), {}),
        "unknown": (dict(names=["unknown.test"], by=stranger), {}),
        "system": (dict(names=["system.test"]), {"tls_ca": None}),
        "lax": (dict(names=["elsewhere.example"], by=stranger), {"tls_verify": False}),
        "wants": (dict(names=["wants.test"], client_ca=authority), {"tls_certificate": "file:door"}),
        "wantsnone": (dict(names=["wantsnone.test"], client_ca=authority), {}),
        "wantsother": (dict(names=["wantsother.test"], client_ca=authority), {"tls_certificate": "file:wrong-door"}),
    }
    services, door.backends, door.asked = {}, {}, {}
    for name, (pair, keys) in kinds.items():
        signer, names = pair.pop("by", authority), pair.pop("names")
        context = signer.server(pairs / name, *names, **pair)
        asked = door.asked.setdefault(name, [])
        context.sni_callback = lambda _, sni, __, asked=asked: asked.append(sni)
        door.backends[name] = make_shared_backend(name, tls=context)
        services[name] = {key: value for key, value in {**https, **keys}.items() if value is not None}
        door.catalog.put(name, instance(name, door.backends[name], f"route={name}.test"))
    plain = make_shared_backend("plain")
    services["plain"] = https
    door.catalog.put("plain", instance("plain", plain, "route=plain.test"))
    door.change_config({"services": services})
    return door.start()


@pytest.mark.parametrize("name", ["good", "named", "rehosted", "reported", "lax", "wants"])
def test_a_backend_with_a_fitting_certificate_is_spoken_to(house, name):
    answer = house.ask(host=f"{name}.test")
    assert (answer.status, answer.get("X-Backend")) == (200, name)


@pytest.mark.parametrize("name", ["othername", "expired", "unknown", "system", "wantsnone", "wantsother", "plain"])
def test_a_backend_that_cannot_be_verified_never_sees_the_request(house, name):
    assert house.ask("/secret", "POST", host=f"{name}.test", body=b"secret").status in (502, 503)
    if name in house.backends:
        assert house.backends[name].requests == []


@pytest.mark.parametrize(
    "name, why", [("expired", "certificate has expired"), ("othername", "hostname mismatch"), ("plain", "TLS to")]
)
def test_the_event_log_says_why_tls_to_a_backend_failed(house, name, why):
    def told():
        house.ask(host=f"{name}.test")
        return any(f"of {name}: " in line and why in line for line in house.output().splitlines())

    wait_until(told, "the reason in the event log", every=0.5)


@pytest.mark.parametrize(
    "name, sni", [("good", "good.test"), ("named", "inner.example"), ("rehosted", "inner.example")]
)
def test_the_backend_is_asked_for_by_name(house, name, sni):
    house.ask(host=f"{name}.test")
    assert set(house.asked[name]) == {sni}


def test_tls_connections_are_kept_too(house):
    house.backends["good"].forget()
    for _ in range(10):
        house.ask(host="good.test")
    assert len(house.backends["good"].connections) <= 2, "one for each worker"


def test_a_large_body_passes_both_ways(house):
    house.backends["good"].handler = lambda exchange: exchange.answer(body=exchange.request.body)
    body = bytes(n % 253 for n in range(3 << 20))
    assert ask(house.http, "POST", "/", host="good.test", body=body).body == body


@pytest.mark.parametrize("key", ["tls_verify=false", "tls_ca=/etc/ssl/x.pem", "tls_certificate=file:door"])
def test_tags_may_not_weaken_verification(make_door, make_backend, authority, tmp_path, key):
    context = authority.server(tmp_path, "tagged.test")
    backend = make_backend("tagged", tls=context)
    door = make_door(start=False)
    door.catalog.put("tagged", instance("tagged", backend, "route=tagged.test", "protocol=https", key))
    door.start()
    assert door.ask(host="tagged.test").status != 200
    assert backend.requests == []


def test_a_renewed_authority_is_used_without_a_restart(make_door, make_backend, authority, stranger, tmp_path):
    backend = make_backend("moved", tls=stranger.server(tmp_path, "moved.test"))
    door = make_door(start=False, config={"services": {"moved": {"protocol": "https", "tls_ca": "ca.crt"}}})
    authority.write(door.folder, "ca.crt")
    door.catalog.put("moved", instance("moved", backend, "route=moved.test"))
    door.start()
    assert door.ask(host="moved.test").status != 200
    stranger.write(door.folder, "ca.crt")
    wait_until(lambda: door.ask(host="moved.test").status == 200, "the new authority is believed", within=10)
    with open(door.path("ca.crt"), "w") as file:
        file.write("broken")
    wait_until(lambda: any("services.moved" in text and "ca.crt" in text for text in problems(door.status())),
               "status tells of the broken file")
    assert door.ask(host="moved.test").status == 200, "what was read last stays in force"


def test_a_client_s_host_is_verified_without_port_and_brackets(make_door, make_backend, authority, tmp_path):
    door = make_door(start=False)
    authority.write(door.folder, "ca.crt")
    any_host = make_backend("any", tls=authority.server(tmp_path, "good.test", "2001:db8::1"))
    door.catalog.put("any", instance("any", any_host, "route=/"))
    door.change_config({"services": {"any": {"protocol": "https", "tls_ca": "ca.crt"}}})
    door.start()
    for host in ("good.test:8443", "[2001:db8::1]", "[2001:db8::1]:8443"):
        assert door.ask(host=host).status == 200, host


def test_a_client_cannot_have_an_endpoint_left_out_by_the_host_it_says(make_door, make_backend, authority, tmp_path):
    door = make_door(start=False, config={"workers": 1})
    authority.write(door.folder, "ca.crt")
    context = authority.server(tmp_path, "good.test")
    made = [instance("any", make_backend(name, tls=context), "route=/", "balance=round_robin", "retry=0", id=name)
            for name in "ab"]
    door.catalog.put("any", *made)
    door.change_config({"services": {"any": {"protocol": "https", "tls_ca": "ca.crt"}}})
    door.start()
    assert [door.ask(host=host).status for host in ("evil.test", "a_b$", "192.0.2.1")] == [502] * 3
    assert door.metric("gatehouse_endpoint_connect_failures_total", service="any") == 0
    assert {door.ask(host="good.test").get("X-Backend") for _ in range(2)} == {"a", "b"}


def test_an_answer_that_ends_with_close_notify_alone_is_whole(house):
    """The backend keeps its connection open until it hears ours."""

    def until_close(exchange):
        exchange.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
        exchange.connection.sock.unwrap()

    house.backends["good"].handler = until_close
    try:
        with Client(house.http, host="good.test") as client:  # of 1.0: the end of the connection is the end
            client.send("GET / HTTP/1.0\r\nHost: good.test\r\n\r\n")
            assert client.response().text == "all of it"
        assert house.logged(host="good.test", path="/", http_version="HTTP/1.0")["termination"] == "ok"
    finally:
        house.backends["good"].handler = echo
