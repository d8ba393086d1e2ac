"""TLS to the client: the right certificate for each name, modern versions alone, sessions resumed."""
import socket
import ssl

import pytest

from support import tls, wire
from support.catalog import instance
from support.client import Client
from support.door import visit
from support.wait import patient, wait_until

pytestmark = pytest.mark.quick

HOSTS = ("a.tls.test", "b.tls.test", "x.wild.tls.test", "plain.tls.test")
INTERMEDIATE = {  # Mozilla's intermediate list without finite-field DHE
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
}


@pytest.fixture(scope="module")
def house(make_shared_door, make_shared_backend, authority):
    door = make_shared_door(start=False, tls=True, config={"limits": {"handshake_time": "1s"}})
    authority.issue("a.tls.test").write(door.certificates, "a")
    authority.issue("b.tls.test").write(door.certificates, "b")
    authority.issue("b.tls.test", kind="rsa").write(door.certificates, "b-rsa")
    authority.issue("*.wild.tls.test").write(door.certificates, "wild")
    for n, host in enumerate(HOSTS):
        backend = make_shared_backend(host)
        door.catalog.put(f"s{n}", instance(f"s{n}", backend, f"route={host}", "hsts=1d"))
    return door.start()


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS[:3])
def test_the_certificate_is_chosen_by_the_name_asked_for(house, authority, host):
    with visit(house, authority, host) as client:  # the client verifies the name
        assert client.ask().get("X-Backend") == host


def test_a_wildcard_covers_one_label_alone(house, authority):
    for name in ("a.x.wild.tls.test", "wild.tls.test"):
        with pytest.raises(ssl.SSLCertVerificationError):
            visit(house, authority, name)


def test_a_host_that_the_certificate_does_not_cover_is_answered_with_421(house, authority):
    with visit(house, authority, "a.tls.test") as client:
        assert client.ask(host="b.tls.test").status == 421
        assert client.ask(host="a.tls.test").get("X-Backend") == "a.tls.test"


def test_an_unknown_host_under_a_fitting_certificate_is_answered_with_404(house, authority):
    with visit(house, authority, "other.wild.tls.test") as client:
        assert client.ask().status == 404


def test_an_unknown_host_that_no_certificate_covers_is_answered_with_421(house, authority):
    with visit(house, authority, "a.tls.test") as client:
        assert client.ask(host="nobody.example").status == 421


def test_a_client_that_names_no_host_gets_a_certificate_and_its_host_is_judged_by_it(house, authority):
    context = authority.trust(check_name=False)
    with Client(house.https, tls=context, host="a.tls.test") as client:  # "a" is the first by name
        assert client.ask().get("X-Backend") == "a.tls.test"
        assert client.ask(host="b.tls.test").status == 421


def test_an_rsa_only_client_gets_the_rsa_certificate(house, authority):
    context = authority.trust()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    assert tls.handshakes(house.https, context, "b.tls.test") == ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
    assert tls.handshakes(house.https, context, "a.tls.test") is None, "a has no RSA certificate"


# -- versions, ciphers, extensions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(house, authority, version):
    assert tls.handshakes(house.https, tls.versions(authority.trust(), version), "a.tls.test")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_older_versions_are_refused(house, authority, version):
    assert tls.handshakes(house.https, tls.versions(authority.trust(), version), "a.tls.test") is None


@pytest.mark.parametrize("host", ["a.tls.test", "b.tls.test"])
def test_only_mozilla_s_intermediate_ciphers_are_agreed_to(house, authority, host):
    every = ssl.create_default_context()
    every.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    agreed = set()
    for cipher in every.get_ciphers():
        if cipher["protocol"] == "TLSv1.3":
            continue
        context = tls.versions(authority.trust(), ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(cipher["name"] + ":@SECLEVEL=0")
        if tls.handshakes(house.https, context, host):
            agreed.add(cipher["name"])
    assert agreed and agreed <= INTERMEDIATE


def test_alpn_agrees_on_http_1_1(house, authority):
    for offered in (("http/1.1",), ("h3", "http/1.1")):
        with Client(house.https, tls=authority.trust(alpn=offered), sni="a.tls.test") as client:
            assert client.sock.selected_alpn_protocol() == "http/1.1"


def test_a_client_without_alpn_is_served(house, authority):
    with Client(house.https, tls=authority.trust(alpn=()), sni="a.tls.test", host="a.tls.test") as client:
        assert client.ask().status == 200


def test_a_client_that_offers_only_what_we_do_not_speak_is_refused(house, authority):
    assert tls.handshakes(house.https, authority.trust(alpn=("spdy/3",)), "a.tls.test") is None


def test_renegotiation_is_refused(house):
    said = tls.s_client(house.https, "-servername", "a.tls.test", "-tls1_2", say="R\n")
    assert "RENEGOTIATING" in said
    assert said.count("SSL handshake has read") == 1 and "no renegotiation" in said


# -- sessions -------------------------------------------------------------------------------------------------------


def session_of(house, authority, context, host):
    with Client(house.https, tls=context, sni=host, host=host) as client:
        assert client.ask().status == 200  # TLS 1.3 sends its tickets behind the handshake
        return client.sock.session


def is_resumed(house, context, host, session):
    with Client(house.https, tls=context, sni=host, host=host, session=session) as client:
        status = client.ask().status
        assert status == 200, status
        return client.sock.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_on_whichever_worker_it_comes_to(house, authority, version):
    context = tls.versions(authority.trust(), version)
    assert all(
        is_resumed(house, context, "a.tls.test", session_of(house, authority, context, "a.tls.test"))
        for _ in range(20)  # two workers: chance alone would not pass twenty times
    )


def test_a_session_of_one_name_is_not_resumed_under_another(house, authority):
    context = authority.trust()
    session = session_of(house, authority, context, "a.tls.test")
    assert not is_resumed(house, context, "b.tls.test", session)


# -- odd clients ----------------------------------------------------------------------------------------------------


def test_a_client_hello_in_segments_of_one_byte_is_understood(house, authority):
    connection, incoming, outgoing, hello = tls.client_hello(authority.trust(), "a.tls.test")
    with socket.create_connection(house.https, timeout=patient(10)) as tcp:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in hello:
            tcp.sendall(bytes([byte]))
        assert tls.finish(connection, incoming, outgoing, tcp).version() == "TLSv1.3"


@pytest.mark.parametrize("size", [1, 16, 100])
def test_a_client_hello_cut_into_small_records_is_understood(house, authority, size):
    connection, incoming, outgoing, hello = tls.client_hello(authority.trust(), "a.tls.test")
    with socket.create_connection(house.https, timeout=patient(10)) as tcp:
        tcp.sendall(tls.in_records_of(hello, size))
        assert tls.finish(connection, incoming, outgoing, tcp).version() == "TLSv1.3"


def test_a_handshake_that_never_ends_is_ended(house, authority):
    *_, hello = tls.client_hello(authority.trust(), "a.tls.test")
    with Client(house.https) as client:
        client.send(hello[:50])
        client.wait_closed(within=6)


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\nHost: a.tls.test\r\n\r\n", b"\x00" * 64, b"\x16\x03\x01\xff\xff" + b"A" * 70000],
    ids=["http", "zeros", "a huge record"],
)
def test_what_is_not_tls_is_closed_and_the_door_lives_on(house, authority, data):
    with Client(house.https) as client:
        try:
            client.send(data)
        except ConnectionError:
            pass
        client.wait_closed(within=6)
    with visit(house, authority, "a.tls.test") as client:
        assert client.ask().status == 200


def test_a_body_that_ends_without_close_notify_is_not_whole(house, authority):
    with visit(house, authority, "a.tls.test") as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", "a.tls.test"), ("Content-Length", "10")], b"half"))
        client.half_close()  # the FIN of an attacker in between, not TLS's own end
        client.wait_closed()
    with visit(house, authority, "a.tls.test") as client:
        assert client.ask().status == 200


# -- what HTTP sees of it -------------------------------------------------------------------------------------------


def test_hsts_is_sent_over_tls_and_never_in_the_plain(house, authority):
    with visit(house, authority, "a.tls.test") as client:
        assert client.ask().get("Strict-Transport-Security").startswith("max-age=86400")
    assert not house.ask(host="a.tls.test").has("Strict-Transport-Security")


def test_our_hsts_replaces_the_backend_s_and_is_on_the_door_s_own_answers(make_door, make_backend, authority):
    def answer(exchange):
        exchange.answer(fields={"Strict-Transport-Security": "max-age=1"})

    door = make_door(start=False, tls=True)
    authority.issue("strict.test").write(door.certificates, "strict")
    backend = make_backend(handler=answer)
    door.catalog.put("strict", instance("strict", backend, "route=strict.test", "hsts=1d"))
    closed = instance("closed", backend, "route=strict.test/closed", "hsts=1d", "deny=127.0.0.0/8")
    door.catalog.put("closed", closed)
    door.start()
    with door.tls_client(authority, "strict.test", host="strict.test") as client:
        told = [(answer.status, answer.get("Strict-Transport-Security"))
                for answer in (client.ask(), client.ask(target="/closed"))]
    assert told == [(200, "max-age=86400"), (403, "max-age=86400")]


def test_the_backend_is_told_https(house, authority, make_backend):
    told = make_backend("told")
    house.catalog.put("s3", instance("s3", told, "route=a.tls.test/told"))
    with visit(house, authority, "a.tls.test") as client:
        wait_until(lambda: client.ask("GET", "/told").get("X-Backend") == "told", "the changed route")
    assert told.requests[-1].get("X-Forwarded-Proto") == "https"


def test_the_log_knows_the_version(house, authority):
    with visit(house, authority, "b.tls.test") as client:
        client.ask("GET", "/logged")
    assert house.logged(path="/logged")["tls_version"] in ("TLSv1.3", "1.3")


def test_without_any_certificate_nobody_is_sent_to_https(make_door, make_backend):
    door = make_door(start=False, tls=True)
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test", "hsts=1d"))
    door.start()
    assert door.ask(host="one.test").get("X-Backend") == "one", "a placeholder never redirects"


# -- records --------------------------------------------------------------------------------------------------------


class CutRecords:
    """A client that sends the bytes of its TLS records as it likes."""

    def __init__(self, house, authority, host):
        self.host, self.tcp = host, socket.create_connection(house.https, timeout=patient(10))
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.secure, self.incoming, self.outgoing, hello = tls.client_hello(authority.trust(), host)
        self.tcp.sendall(hello)
        tls.finish(self.secure, self.incoming, self.outgoing, self.tcp)

    def record(self, target="/"):
        """One request as one record, not sent."""
        self.secure.write(wire.message(f"GET {target} HTTP/1.1", [("Host", self.host)]))
        return self.outgoing.read()

    def answer(self):
        return wire.Reader(self).response()

    def recv(self, size):
        while True:
            try:
                return self.secure.read(size)
            except ssl.SSLWantReadError:
                self.incoming.write(self.tcp.recv(65536))


@pytest.fixture
def one_worker(make_door, make_backend, authority):
    door = make_door(start=False, tls=True, config={"workers": 1})
    authority.issue("cut.test").write(door.certificates, "cut")
    door.catalog.put("cut", instance("cut", make_backend("cut"), "route=cut.test"))
    return door.start()


def visit_cut(door, authority):
    return Client(door.https, tls=authority.trust(), sni="cut.test", host="cut.test")


def test_a_request_whose_record_comes_in_two_parts_is_answered(one_worker, authority):
    client = CutRecords(one_worker, authority, "cut.test")
    with visit_cut(one_worker, authority) as other:
        for cut in range(1, 200):
            record = client.record(f"/{cut:03}")
            client.tcp.sendall(record[:cut])
            assert other.ask().status == 200  # one worker serves both: it has read the first part by now
            client.tcp.sendall(record[cut:])
            assert client.answer().get("X-Echo") == f"/{cut:03}"
            if cut >= len(record):
                return
    raise AssertionError("the record is longer than was cut")


@pytest.mark.parametrize("size", (1, 4, 5, 30))
def test_a_client_that_stops_in_a_record_holds_nobody_up(one_worker, authority, size):
    silent = CutRecords(one_worker, authority, "cut.test")
    silent.tcp.sendall(silent.record()[:size])
    with visit_cut(one_worker, authority) as other:
        assert other.ask().status == 200
