"""TLS passed on undecrypted by the name it asks for, beside TLS that the door terminates, on one port."""
import shutil
import socket
import ssl
import subprocess

import pytest

from support import addresses
from support.catalog import instance
from support.client import Client
from support.door import problems
from support.tls import client_hello, finish, in_records_of, s_client
from support.wait import SANITIZED, patient, wait_until

pytestmark = pytest.mark.quick

PROXIED = "127.9.1.1"


@pytest.fixture(scope="module")
def house(make_shared_door, make_shared_backend, authority, tmp_path_factory):
    """web.test is terminated; mail.test and whatever is below deep.test are passed on; so is own.test on a port of
    its own."""
    door = make_shared_door(start=False, tls=True)
    authority.issue("web.test").write(door.certificates, "web")
    folder = tmp_path_factory.mktemp("passed")
    door.own = (door.address, 23700)
    shared = f"{door.address}:{addresses.HTTPS}"

    def backend(name, *names):
        return make_shared_backend(name, tls=authority.server(folder, *names))

    door.web, door.mail = make_shared_backend("web"), backend("mail", "mail.test")
    door.deep, door.special = backend("deep", "*.deep.test", "a.b.deep.test"), backend("special", "special.deep.test")
    door.alone = backend("alone", "own.test")
    door.catalog.put("web", instance("web", door.web, "route=web.test"))
    door.catalog.put("mail", instance("mail", door.mail, f"tcp={shared} sni=mail.test"))
    door.catalog.put("deep", instance("deep", door.deep, f"tcp={shared} sni=**.deep.test"))
    door.catalog.put("special", instance("special", door.special, f"tcp={shared} sni=special.deep.test"))
    door.catalog.put("alone", instance("alone", door.alone, f"tcp={door.address}:23700 sni=own.test"))
    door.change_config({
        "catalog": {"permit": {"listen": [f"{door.address}:23700"]}},
        "hosts": {"mail.test": {"deny": ["127.0.0.66/32"]}},
    })
    return door.start()


def served_by(address, authority, sni, **more):
    with Client(address, tls=authority.trust(), sni=sni, host=sni, **more) as client:
        return client.ask().get("X-Backend")


@pytest.mark.parametrize(
    "name, backend",
    [("web.test", "web"), ("mail.test", "mail"), ("x.deep.test", "deep"), ("a.b.deep.test", "deep"),
     ("special.deep.test", "special")],
)
def test_each_name_reaches_its_service_on_one_port(house, authority, name, backend):
    assert served_by(house.https, authority, name) == backend


def test_what_is_passed_on_is_not_decrypted(house, authority):
    """The client sees the endpoint's own certificate, and the endpoint no header of ours."""
    house.mail.forget()
    with Client(house.https, tls=authority.trust(), sni="mail.test", host="mail.test") as client:
        certificate = client.sock.getpeercert()
        assert ("DNS", "mail.test") in certificate["subjectAltName"]
        client.ask()
    assert house.mail.requests[0].get("X-Forwarded-For") is None
    line = house.logged(event="tcp", service="mail")
    assert line["host"] == "mail.test" and line["bytes_in"] > 200
    # a client that leaves a ticket unread resets
    assert line["tls_version"] == "" and line["termination"] in ("tunnel_client_closed", "client_reset")


@pytest.mark.parametrize("name", ["web.test", "mail.test"])
def test_a_hello_in_single_bytes_is_understood(house, authority, name):
    connection, incoming, outgoing, hello = client_hello(authority.trust(), name)
    with socket.create_connection(house.https, timeout=patient(10)) as tcp:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in hello:
            tcp.send(bytes([byte]))
        finish(connection, incoming, outgoing, tcp)
        assert ("DNS", name) in connection.getpeercert()["subjectAltName"]


@pytest.mark.parametrize("name", ["web.test", "mail.test"])
@pytest.mark.parametrize("size", [1, 60])
def test_a_hello_in_many_records_is_understood(house, authority, name, size):
    connection, incoming, outgoing, hello = client_hello(authority.trust(), name)
    with socket.create_connection(house.https, timeout=patient(10)) as tcp:
        tcp.sendall(in_records_of(hello, size))
        finish(connection, incoming, outgoing, tcp)
        assert ("DNS", name) in connection.getpeercert()["subjectAltName"]


def test_the_usual_clients_see_both(house, authority):
    trust = authority.write(house.folder)
    for name, backend in (("web.test", "web"), ("mail.test", "mail")):
        url = f"https://{name}:{addresses.HTTPS}/"
        done = subprocess.run(
            ["curl", "-sS", "-i", "--cacert", trust, "--resolve", f"{name}:{addresses.HTTPS}:{house.address}", url],
            capture_output=True, text=True, timeout=patient(20),
        )
        assert done.returncode == 0 and f"x-backend: {backend}" in done.stdout.lower(), done.stdout + done.stderr
        shown = s_client(house.https, "-servername", name, "-CAfile", trust, say="Q\n")
        assert f"CN = {name}" in shown or f"DNS:{name}" in shown or "Verify return code: 0" in shown
        assert "Verify return code: 0" in shown


def test_who_names_nobody_or_speaks_no_tls_is_the_listeners_as_ever(house, authority):
    untold = s_client(house.https, "-noservername", say="Q\n")
    assert "BEGIN CERTIFICATE" in untold
    with socket.create_connection(house.https, timeout=patient(10)) as tcp:
        tcp.sendall(b"\x16\x03\x01\x00\x05\x02\x00\x00\x01x")  # a ServerHello
        answer = tcp.recv(100)
    assert answer[:1] == b"\x15" and answer[6:7] == b"\x0a", "TLS says what it makes of it: unexpected_message"


def test_what_gatehouse_yaml_says_of_the_host_holds(house, authority):
    with pytest.raises((ConnectionError, ssl.SSLError)):
        served_by(house.https, authority, "mail.test", source="127.0.0.66")
    assert house.logged(service="mail", client_address="127.0.0.66")["termination"] == "denied"
    assert served_by(house.https, authority, "web.test", source="127.0.0.66") == "web"


def test_a_port_of_its_own_carries_its_names_alone(house, authority):
    assert served_by(house.own, authority, "own.test") == "alone"
    for other in ("web.test", "mail.test"):
        with pytest.raises((ConnectionError, ssl.SSLError)):
            served_by(house.own, authority, other)
    assert house.logged(event="tcp", host="web.test")["termination"] == "no_route"
    with Client(house.own) as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert client.wait_closed() == b""


def test_a_client_that_says_nothing_is_let_go(make_door, authority, make_backend):
    door = make_door(start=False, tls=True, config={"limits": {"handshake_time": "1s"}})
    backend = make_backend("mail")
    door.catalog.put("mail", instance("mail", backend, f"tcp={door.address}:{addresses.HTTPS} sni=mail.test"))
    door.start()
    for said in (b"", b"\x16\x03\x01\x02"):
        with Client(door.https) as client:
            client.send(said)
            assert client.wait_closed() == b""
    assert door.metric("gatehouse_tls_handshakes_failed_total") == 2


def test_a_tag_takes_no_routed_host_away(house, authority, make_backend):
    """Whoever may register a service could else read a site's users into his own."""
    evil = make_backend("evil")
    for sni in ("web.test", "*.test"):
        house.catalog.put("aa-evil", instance("aa-evil", evil, f"tcp={house.address}:{addresses.HTTPS} sni={sni}"))
        wait_until(
            lambda: any("aa-evil" in text and f"sni={sni}" in text and "conflict" in text
                        for text in problems(house.status())),
            lambda: f"it is told; there is {problems(house.status())}",
        )
        assert served_by(house.https, authority, "web.test") == "web"
    assert evil.connections == []
    house.catalog.remove("aa-evil")


def test_behind_a_proxy_the_header_comes_first(make_door, authority, make_backend, tmp_path):
    door = make_door(start=False, tls=True)
    authority.issue("web.test").write(door.certificates, "web")
    for listen in door.config["listen"]:
        listen["proxy_protocol"] = ["127.9.1.0/24"]
    door.write_config(door.config)
    web, mail = make_backend("web"), make_backend("mail", tls=authority.server(tmp_path, "mail.test"))
    door.catalog.put("web", instance("web", web, "route=web.test"))
    door.catalog.put("mail", instance("mail", mail, f"tcp={door.address}:{addresses.HTTPS} sni=mail.test",
                                      "allow=198.51.100.7/32"))
    door.start()
    for name, client, served in (("web.test", "198.51.100.9", True), ("mail.test", "198.51.100.7", True),
                                 ("mail.test", "198.51.100.9", False)):
        connection, incoming, outgoing, hello = client_hello(authority.trust(), name)
        with socket.create_connection(door.https, timeout=patient(10), source_address=(PROXIED, 0)) as tcp:
            tcp.sendall(f"PROXY TCP4 {client} 127.0.0.1 1234 443\r\n".encode() + hello)
            if served:
                finish(connection, incoming, outgoing, tcp)
            else:
                with pytest.raises(ConnectionError):
                    finish(connection, incoming, outgoing, tcp)
    assert door.logged(event="tcp", client_address="198.51.100.9")["termination"] == "denied"


def hellos_read(trace):
    """The receives that saw the beginning of a ClientHello."""
    with open(trace) as file:
        return [line for line in file if "recvfrom(" in line and "\\26\\3\\1" in line]


def test_without_names_nobody_looks_at_the_hello(make_door, authority, make_backend):
    """A handshake costs the same receives as ever: none more for a look."""
    if not shutil.which("strace") or SANITIZED:
        pytest.skip("no strace here, or a sanitizer that can't be traced")
    for passed in (False, True):
        door = make_door(start=False, tls=True, config={"workers": 1})
        authority.issue("web.test").write(door.certificates, "web")
        backend = make_backend("web")
        door.catalog.put("web", instance("web", backend, "route=web.test"))
        if passed:
            tag = f"tcp={door.address}:{addresses.HTTPS} sni=mail.test"
            door.catalog.put("mail", instance("mail", backend, tag))
        trace = door.path("trace")
        door.start("strace", "-D", "-f", "-e", "trace=recvfrom", "-o", trace)
        with Client(door.https, tls=authority.trust(), sni="web.test", host="web.test") as client:
            assert client.ask().status == 200
        door.stop()
        lines = wait_until(lambda: hellos_read(trace), "the handshake is traced")
        assert len(lines) == 1, "the ClientHello is read once, and never peeked at"
        assert "MSG_PEEK" not in lines[0]
