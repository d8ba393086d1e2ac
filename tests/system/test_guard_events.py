"""Jails over what is no request: handshakes, floods of HTTP/2, whom a tunnel didn't let in, what applications say."""
import json
import socket
import ssl
import subprocess

import pytest

from support import http2, tunnel, wire
from support.catalog import instance
from support.client import Client, ask
from support.http2 import Http2Client
from support.tcp_backend import TcpBackend
from support.tunnel import EXIT_PORT, new_key, write_keys
from support.wait import patient, wait_until

pytestmark = pytest.mark.ci

CLIENTS = (f"127.18.0.{n}" for n in range(1, 250))  # each test has its own
JAILS = {
    "handshakes": {"preset": "tls-handshake", "mode": "enforce", "maxretry": 3},
    "floods": {"preset": "http2-flood", "mode": "enforce", "maxretry": 1},
    "strangers": {"preset": "stunnel", "mode": "enforce", "maxretry": 2},
    "logins": {"preset": "application-login", "mode": "enforce", "services": ["believed"], "maxretry": 3},
    "sprayers": {"mode": "enforce", "filter": {"event": "application", "reason": "spray"}, "services": ["believed"],
                 "distinct": "user", "maxretry": 3},
}
IDENTITY = "a.db.b"


@pytest.fixture(scope="module")
def house(make_shared_door, make_shared_backend, authority, tmp_path_factory):
    database = TcpBackend("db")
    door = make_shared_door(start=False, tls=True, config={"guard": {"jails": JAILS}})
    key = new_key()
    keys = write_keys(str(tmp_path_factory.mktemp("keys") / "in.psk"), (IDENTITY, key))
    allow = [{"identity": IDENTITY, "service": "db"}]
    door.change_config({"tunnel": tunnel.exit_section(door.address, keys, allow, {"db": f"127.0.0.1:{database.port}"})})
    authority.issue("door.test").write(door.certificates, "door")
    for name in ("believed", "strange"):
        backend = make_shared_backend(name, handler=say)
        door.catalog.put(name, instance(name, backend, f"route={name}.test", "http=serve"))
    door.start()
    door.exit, door.key = (door.address, EXIT_PORT), key
    yield door
    database.stop()


def say(exchange):
    """Answers with the X-Ban-Event that the request asks for."""
    said = [("X-Ban-Event", value) for value in exchange.request.all("X-Say")]
    if exchange.request.target != "/trailers":
        return exchange.answer(401, "who are you?", said, reason="Unauthorized")
    fields = [("Transfer-Encoding", "chunked"), ("X-Ban-Event", "login_failed")]
    exchange.send(wire.message("HTTP/1.1 200 OK", fields, wire.chunked(b"body", trailers=[("X-Sum", "4"), *said])))


@pytest.fixture
def source():
    return next(CLIENTS)


def status_of(house, source, **more):
    return ask(house.http, host="strange.test", source=source, **more).status


def wait_banned(house, source):
    wait_until(lambda: status_of(house, source) == 403, what="the ban")


def strikes(house, source):
    return json.loads(house.command("bans", "why", source, "--json").stdout)["strikes"]


def tell(house, source, *said, host="believed.test", target="/"):
    return ask(house.http, target=target, host=host, fields=[("X-Say", each) for each in said], source=source)


def send_to(address, data, source):
    """Sends, and reads to the end."""
    with socket.create_connection(address, timeout=patient(10), source_address=(source, 0)) as sock:
        sock.sendall(data)
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass


# -- TLS -------------------------------------------------------------------------------------------------------------


def test_what_is_no_tls_bans(house, source):
    for _ in range(3):
        assert status_of(house, source) == 401
        send_to(house.https, b"GET / HTTP/1.1\r\n\r\n", source)
    wait_banned(house, source)
    wait_until(lambda: len(strikes(house, source)) == 3, what="the evidence")
    assert {(each["event"], each["reason"]) for each in strikes(house, source)} == {("tls", "protocol")}
    assert "tls: protocol" in house.command("bans", "why", source).stdout


def test_a_client_that_says_no_or_leaves_is_no_offender(house, authority, source):
    failed = house.metric("gatehouse_tls_handshakes_failed_total")
    for _ in range(4):
        with socket.create_connection(house.https, timeout=patient(10), source_address=(source, 0)) as sock:
            with pytest.raises(ssl.SSLCertVerificationError):  # an alert: it doesn't know who issued the certificate
                ssl.create_default_context().wrap_socket(sock, server_hostname="door.test")
    for _ in range(4):
        with socket.create_connection(house.https, timeout=patient(10), source_address=(source, 0)) as sock:
            sock.sendall(b"\x16\x03\x01")
    wait_until(lambda: house.metric("gatehouse_tls_handshakes_failed_total") >= failed + 8, what="the failures counted")
    assert status_of(house, source) == 401
    assert strikes(house, source) == []


def test_handshakes_that_succeed_count_nothing(house, authority, source):
    for _ in range(4):
        with Client(house.https, tls=authority.trust(), sni="door.test", host="door.test", source=source) as client:
            assert client.ask().status == 404
    assert status_of(house, source) == 401


# -- HTTP/2 ----------------------------------------------------------------------------------------------------------


def test_a_flood_of_http2_bans(house, source):
    with Http2Client(house.http, source=source) as client:
        client.send(*(http2.ping() for _ in range(1500)))
        client.wait_over()
    wait_banned(house, source)
    wait_until(lambda: strikes(house, source), what="the evidence")
    assert [(each["event"], each["reason"]) for each in strikes(house, source)] == [("http2", "flood")]


# -- tunnels ---------------------------------------------------------------------------------------------------------


def come_in(house, source, identity=IDENTITY, key=None):
    """What somebody hears first at the exit; b"" if he is refused."""
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", "%s:%d" % house.exit, "-psk", key or house.key, "-psk_identity", identity,
         "-quiet", "-noservername", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-bind", f"{source}:0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    heard = process.stdout.readline()
    process.kill()
    process.communicate()
    return heard


@pytest.mark.parametrize("what,reason", [({"identity": "nobody"}, "unknown_identity"), ({"key": "00" * 32}, "wrong_key")])
def test_whom_an_exit_does_not_let_in_is_banned_there_too(house, source, what, reason):
    assert come_in(house, source) == b"db\n"
    for _ in range(2):
        assert come_in(house, source, **what) == b""
    wait_banned(house, source)
    assert come_in(house, source) == b"", "the key is right, and the address banned"
    house.logged(event="tunnel", side="exit", termination="banned", client_address=source)
    wait_until(lambda: len(strikes(house, source)) == 2, what="the evidence")
    assert {(each["event"], each["reason"]) for each in strikes(house, source)} == {("tunnel", reason)}


def test_hosts_that_a_tunnel_names_are_never_banned(house, make_door, tmp_path, source):
    key = write_keys(str(tmp_path / "in.psk"), (IDENTITY, new_key()))
    allow = [{"identity": IDENTITY, "service": "db", "from": [source, "10.0.0.0/8"]}]
    door = make_door(start=False, config={"guard": {"jails": JAILS}})
    door.change_config({"tunnel": tunnel.exit_section(door.address, key, allow, {"db": "127.0.0.1:1"})})
    door.start()
    assert "never banned" in door.command("bans", "add", source).stderr
    assert door.command("bans", "add", "10.1.2.3").returncode == 0, "a wide network names nobody"


def test_who_comes_from_nowhere_that_an_exit_knows_is_an_event(make_door, tmp_path, source):
    key = new_key()
    keys = write_keys(str(tmp_path / "in.psk"), (IDENTITY, key))
    knock = {"mode": "enforce", "filter": {"event": "tunnel", "reason": "source"}, "maxretry": 1}
    door = make_door(start=False, config={"guard": {"jails": {"knock": knock}}})
    allow = [{"identity": IDENTITY, "service": "db", "from": ["192.0.2.0/24"]}]
    door.change_config({"tunnel": tunnel.exit_section(door.address, keys, allow, {"db": "127.0.0.1:1"})})
    door.start()
    door.exit, door.key = (door.address, EXIT_PORT), key
    assert come_in(door, source) == b""
    door.logged(event="tunnel", side="exit", termination="source", client_address=source)
    assert come_in(door, source) == b""
    door.logged(event="tunnel", side="exit", termination="banned", client_address=source)


# -- what applications say -------------------------------------------------------------------------------------------


def test_what_an_application_says_bans_and_never_reaches_the_client(house, source):
    for n in range(3):
        answer = tell(house, source, "login_failed; user=ann")
        assert (answer.status, answer.get("X-Ban-Event")) == (401, None)
    wait_banned(house, source)
    wait_until(lambda: len(strikes(house, source)) == 3, what="the evidence")
    first = strikes(house, source)[0]
    assert (first["event"], first["reason"], first["path"], first["status"]) == ("application", "login_failed", "/", 401)


def test_it_may_count_as_several(house, source):
    tell(house, source, "login_failed; w=2")
    assert status_of(house, source) == 401
    tell(house, source, "login_failed; w=1")
    wait_banned(house, source)


def test_only_services_that_a_jail_names_are_believed(house, source):
    for _ in range(4):
        answer = tell(house, source, "login_failed; w=3", host="strange.test")
        assert (answer.status, answer.get("X-Ban-Event")) == (401, None)


def test_names_are_counted_once_with_distinct(house, source):
    for user in ("ann", "ann", "ann", "bob"):
        tell(house, source, f"spray; user={user}")
    assert status_of(house, source) == 401
    tell(house, source, 'spray; user="carl c"')
    wait_banned(house, source)


def test_of_several_the_first_counts_and_none_passes(house, source):
    answer = tell(house, source, "nothing", "login_failed; w=3")
    assert answer.get("X-Ban-Event") is None
    assert status_of(house, source) == 401


def test_what_can_not_be_read_is_counted_and_does_nothing(house, source):
    before = house.metric("gatehouse_application_events_unread_total")
    answer = tell(house, source, "login_failed; w=none")
    assert answer.get("X-Ban-Event") is None
    assert house.metric("gatehouse_application_events_unread_total") == before + 1
    assert status_of(house, source) == 401


def test_it_is_left_out_of_trailers(house, source):
    answer = tell(house, source, "login_failed", target="/trailers")
    assert answer.get("X-Ban-Event") is None
    assert answer.trailers == [("X-Sum", "4")]


def test_over_http2_it_bans_as_well(house, source):
    with Http2Client(house.http, source=source) as client:
        fields = http2.request_fields("believed.test") + [["x-say", "login_failed; w=3"]]
        client.send(http2.headers(1, fields))
        assert client.wait_ended(1) == 401
    wait_banned(house, source)
