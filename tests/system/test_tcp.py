"""Services that carry TCP: listeners made and removed by the catalog, and sessions carried byte for byte."""
import hashlib
import socket
import struct
import threading

import pytest

from support import addresses
from support.backend import refused_port
from support.catalog import http_check, instance
from support.client import Client
from support.door import endpoints, problems, wait_healthy
from support.tcp_backend import first_line, greeted, part, read_line
from support.wait import wait_until, watch_for

pytestmark = pytest.mark.quick

PORTS = iter(range(23000, 24000))


@pytest.fixture(scope="module")
def house(make_shared_door):
    door = make_shared_door(start=False)
    door.change_config({
        "catalog": {"permit": {"listen": [f"{door.address}:23000-23999"]}},
        "trusted_proxies": ["127.9.1.0/24"],
        "limits": {"connections_per_client": 64},
    })
    # so that what a test takes away is never the last: a folder that empties is not believed
    door.catalog.put("lasting", instance("lasting", ("127.0.0.1", 9), "route=lasting.test"))
    return door.start()


def place(house):
    return (house.address, next(PORTS))


def text(address):
    return "%s:%d" % address


def put(house, name, at, *instances, options="", wait=True):
    """The service `name` at an address; each instance is a backend, or a list of one with its tags and checks."""
    made = []
    for number, one in enumerate(instances):
        backend, *tags = one if isinstance(one, list) else [one]
        checks = [tag for tag in tags if isinstance(tag, dict)]
        words = [tag for tag in tags if isinstance(tag, str)]
        made.append(instance(name, backend, f"tcp={text(at)}{options}", *words, id=f"{name}-{number + 1}",
                             checks=checks or None))
    house.catalog.put(name, *made)
    if wait:
        wait_until(lambda: addresses.listens(at), lambda: f"{text(at)} opens: {problems(house.status())}")
    return at


class Judge:
    """What a check asks, and is told as the test wants it."""

    def __init__(self, backend, healthy=True):
        self.backend, self.healthy = backend, healthy
        backend.handler = lambda exchange: exchange.answer(200 if self.healthy else 503)

    def check(self):
        return http_check(self.backend)


def test_a_session_goes_both_ways_and_is_told(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "both", place(house), one)
    with Client(at, source="127.0.0.9") as client:
        assert read_line(client) == "one"
        client.send(b"hello\n")
        assert read_line(client) == "hello"
        client.half_close()
        assert client.wait_closed() == b"bye\n"
    line = house.logged(event="tcp", service="both")
    assert line["endpoint"] == "door/both-1" and line["attempts"] == 1
    assert (line["bytes_in"], line["bytes_out"]) == (6, 4 + 6 + 4)
    assert line["client_address"] == line["peer_address"] == "127.0.0.9"
    assert (line["termination"], line["status"], line["method"]) == ("tunnel_client_closed", 0, "")
    assert line["connect_ms"] is not None and line["duration_ms"] >= line["connect_ms"]
    assert house.metric("gatehouse_tcp_sessions_total") >= 1
    assert house.metric("gatehouse_service_tcp_sessions_total", service="both") == 1
    assert house.metric("gatehouse_service_received_bytes_total", service="both") == 6
    assert house.metric("gatehouse_endpoint_requests_total", service="both") == 1


def test_an_end_ends_one_direction_alone(house, make_tcp_backend):
    silent = make_tcp_backend("silent", echo=False, farewell=b"")
    at = put(house, "half", place(house), silent)
    with Client(at) as client:
        assert read_line(client) == "silent"
        session = silent.session()
        session.end()
        assert client.wait_closed() == b""
        client.send(b"still here")
        wait_until(lambda: session.received == b"still here", "the other direction goes on")
        client.half_close()
        wait_until(lambda: session.ended, "its end arrives")
    assert house.logged(event="tcp", service="half")["termination"] == "tunnel_backend_closed"


def test_a_reset_is_a_reset_on_the_other_side(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "reset", place(house), one)
    with Client(at) as client:
        read_line(client)
        client.reset()
    wait_until(lambda: one.session().reset, "the backend sees a reset, not an end")
    assert house.logged(service="reset")["termination"] == "client_reset"
    with Client(at) as client:
        read_line(client)
        wait_until(lambda: len(one.sessions) == 2, "the second session")
        one.session().break_off()
        with pytest.raises(ConnectionResetError):
            client.sock.recv(1)
    house.logged(service="reset", termination="backend_reset")


def test_a_client_that_is_gone_behind_its_end_is_noticed(house, make_tcp_backend):
    patient_one = make_tcp_backend("patient", farewell=None)
    at = put(house, "gone", place(house), patient_one)
    with Client(at) as client:
        read_line(client)
        client.half_close()
        wait_until(lambda: patient_one.session().ended, "its end arrives")
        client.reset()
    wait_until(lambda: patient_one.session().reset, "and then its reset")
    assert house.logged(service="gone")["termination"] == "client_reset"


def test_who_is_not_allowed_is_turned_away_before_anything_is_read(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "closed", place(house), [one, "allow=127.0.0.9/32,127.0.0.8/32", "deny=127.0.0.8/32"])
    assert greeted(at, source="127.0.0.9") == "one"
    for stranger in ("127.0.0.7", "127.0.0.8"):
        assert greeted(at, source=stranger) is None
        line = house.logged(service="closed", client_address=stranger)
        assert (line["termination"], line["bytes_in"], line["attempts"]) == ("denied", 0, 0)
    assert len(one.sessions) == 1


PROXIED = "127.9.1.1"


def test_without_allow_only_private_clients_are_served(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "private", place(house), one, options=" proxy_protocol=127.9.1.0/24")
    for who, served in (("10.1.2.3", "one"), ("192.0.2.7", None)):
        with Client(at, source=PROXIED) as client:
            client.send(f"PROXY TCP4 {who} 127.0.0.1 1234 80\r\n")
            assert first_line(client) == served
            if served:
                part(client)
        line = house.logged(service="private", client_address=who)
        assert line["termination"] == ("denied" if served is None else "tunnel_client_closed")
    with Client(at, source=PROXIED) as client:
        client.send(b"no header\r\n")
        assert client.wait_closed() == b"", "from a proxy it is required"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_endpoint_is_told_of_the_client_before_the_client_speaks(house, make_tcp_backend, version):
    one = make_tcp_backend("one", greeting=b"", echo=False)
    at = put(house, f"told-{version}", place(house), [one, f"send_proxy={version}"])
    with Client(at, source="127.0.0.9") as client:
        own = client.sock.getsockname()
        if version == "v1":
            header = f"PROXY TCP4 127.0.0.9 {at[0]} {own[1]} {at[1]}\r\n".encode()
        else:
            header = (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + socket.inet_aton("127.0.0.9")
                      + socket.inet_aton(at[0]) + struct.pack("!HH", own[1], at[1]))
        wait_until(lambda: one.sessions and one.session().received == header, "the header alone")
        client.send(b"hello")
        wait_until(lambda: one.session().received == header + b"hello", "and what the client says behind it")


def test_an_endpoint_that_refuses_is_passed_over(house, make_tcp_backend):
    one = make_tcp_backend("one")
    dead = refused_port()
    at = put(house, "spare", place(house), dead.getsockname(), one)
    assert [greeted(at) for _ in range(10)] == ["one"] * 10
    line = house.logged(service="spare", attempts=2)
    assert line["endpoint"] == "door/spare-2" and line["termination"] == "tunnel_client_closed"


def test_where_nobody_listens_the_connection_is_closed(house):
    dead = refused_port()
    at = put(house, "nobody", place(house), dead.getsockname())
    assert greeted(at) is None
    assert house.logged(service="nobody")["termination"] == "backend_connect_failed"
    assert house.metric("gatehouse_service_tcp_sessions_failed_total", service="nobody") == 1


def test_listeners_come_and_go_with_the_catalog_and_touch_no_other(house, make_tcp_backend):
    one, two = make_tcp_backend("one"), make_tcp_backend("two")
    first = put(house, "first", place(house), [one, "drain_time=1s"])
    with Client(first) as client:
        assert read_line(client) == "one"
        second = put(house, "second", place(house), two)
        assert greeted(second) == "two"
        house.catalog.remove("second")
        wait_until(lambda: not addresses.listens(second), "it closes")
        client.send(b"still\n")
        assert read_line(client) == "still"
        house.catalog.remove("first")
        wait_until(lambda: not addresses.listens(first), "it closes too")
        client.send(b"and still\n")
        assert read_line(client) == "and still"
        with pytest.raises(ConnectionResetError):  # once its drain_time is over
            while client.sock.recv(100):
                pass
    assert house.logged(service="first")["termination"] == "backend_withdrawn"


def test_of_two_services_the_holder_keeps_the_address(house, make_tcp_backend):
    old, new = make_tcp_backend("old"), make_tcp_backend("new")
    at = put(house, "zz-old", place(house), old)
    put(house, "aa-new", at, new)
    wait_until(lambda: any("aa-new" in text and "conflict" in text for text in problems(house.status())), "it is told")
    assert greeted(at) == "old"
    house.catalog.remove("zz-old")
    wait_until(lambda: greeted(at) == "new", "the other one has it now")
    house.catalog.remove("aa-new")


def test_what_may_not_be_opened_is_told_and_harms_nothing(house, make_tcp_backend):
    one = make_tcp_backend("one")
    forbidden = (house.address, 24000)
    put(house, "greedy", forbidden, one, wait=False)
    put(house, "circle", (house.address, addresses.HTTP), one, wait=False)
    good = put(house, "modest", place(house), one)

    def told(*words):
        return any(all(word in problem for word in words) for problem in problems(house.status()))

    wait_until(lambda: told("greedy", "catalog.permit.listen"), "the permit is told")
    wait_until(lambda: told("circle", "is the listener http"), "the listener is told")
    assert not addresses.listens(forbidden) and greeted(good) == "one"
    house.catalog.remove("greedy")
    house.catalog.remove("circle")


def test_an_endpoint_that_is_the_door_itself_is_not_used(house, make_tcp_backend):
    at = place(house)
    put(house, "loop", at, at)
    wait_until(lambda: any("the TCP listener" in text for text in problems(house.status())), "it is told")
    assert endpoints(house.status(), "loop") == {}
    assert greeted(at) is None
    assert house.logged(service="loop")["termination"] == "no_endpoint"
    house.catalog.remove("loop")


def test_an_address_that_is_taken_is_told_and_opened_once_it_is_free(make_door, make_tcp_backend):
    door = make_door()
    other = socket.create_server((door.address, 23500))
    one = make_tcp_backend("one")
    door.change_config({"catalog": {"permit": {"listen": [f"{door.address}:1-65535"]}}})
    door.reload()
    door.catalog.put("db", instance("db", one, f"tcp={door.address}:23500"))
    wait_until(lambda: any("Address already in use" in text for text in problems(door.status())), "it is told")
    assert door.probe("/readyz") == 200
    other.close()
    wait_until(lambda: addresses.listens((door.address, 23500)), "it is tried again", within=15)
    assert greeted((door.address, 23500)) == "one"
    assert not any("Address already in use" in text for text in problems(door.status()))


@pytest.mark.root
def test_a_low_port_wants_the_capability_and_nothing_else_breaks(make_door, make_tcp_backend):
    """As root but without CAP_NET_BIND_SERVICE, so that the test's folders stay readable."""
    one = make_tcp_backend("one")
    door = make_door(start=False)
    door.change_config({"catalog": {"permit": {"listen": [f"{door.address}:1-65535"]}}})
    door.catalog.put("low", instance("low", one, f"tcp={door.address}:432"))
    door.catalog.put("high", instance("high", one, f"tcp={door.address}:23501"))
    capabilities = "-net_bind_service"
    door.start("setpriv", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}")
    found = [text for text in problems(door.status()) if f"{door.address}:432" in text]
    assert len(found) == 1 and "Permission denied" in found[0] and "CAP_NET_BIND_SERVICE" in found[0]
    assert greeted((door.address, 23501)) == "one"


def test_silence_ends_a_session_and_talk_does_not(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "quiet", place(house), [one, "idle_timeout=1s"])
    with Client(at) as client:
        read_line(client)
        with pytest.raises(ConnectionResetError):
            client.sock.recv(1)
    line = house.logged(service="quiet")
    assert line["termination"] == "tunnel_idle" and line["duration_ms"] >= 1000


def test_sessions_end_with_an_endpoint_that_turns_unhealthy_if_asked(house, make_tcp_backend, make_backend):
    one = make_tcp_backend("one")
    judge = Judge(make_backend("judge"))
    at = put(house, "judged", place(house), [one, "on_unhealthy=close", judge.check()])
    wait_healthy(house, "judged", "judged-1")
    with Client(at) as client:
        read_line(client)
        judge.healthy = False
        with pytest.raises(ConnectionResetError):
            client.sock.recv(1)
    assert house.logged(service="judged")["termination"] == "backend_withdrawn"
    assert greeted(at) is None


def test_a_single_primary_is_never_one_of_two(house, make_tcp_backend, make_backend):
    a, b = make_tcp_backend("a"), make_tcp_backend("b")
    of_a, of_b = Judge(make_backend("of-a")), Judge(make_backend("of-b"), healthy=False)
    at = put(house, "primary", place(house), [a, "single=true", of_a.check()], [b, "single=true", of_b.check()])
    wait_healthy(house, "primary", "primary-1")
    with Client(at) as client:
        assert read_line(client) == "a"
        of_b.healthy = True
        wait_until(lambda: house.metric("gatehouse_service_primaries", service="primary") == 2, "two are healthy")
        assert greeted(at) is None
        assert house.logged(service="primary")["termination"] == "two_primaries"
        assert any("more than one is healthy" in text for text in problems(house.status()))
        assert "more than one is healthy" in house.output(), "the event"
        client.send(b"kept\n")
        assert read_line(client) == "kept", "who is there stays there"
        house.do("drain", "primary/primary-1")
        assert greeted(at) == "b", "the operator has decided"
        house.do("undrain", "primary/primary-1")
        assert greeted(at) is None
        of_a.healthy = False
        with pytest.raises(ConnectionResetError):
            client.sock.recv(1)
    wait_until(lambda: greeted(at) == "b", "the one that is left has it")
    assert not any("more than one" in text for text in problems(house.status()))


def test_the_next_session_waits_for_a_place(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "narrow", place(house), [one, "max_connections=1", "queue=10,20s"])
    with Client(at) as first:
        assert read_line(first) == "one"
        with Client(at) as second:
            second.send(b"waits\n")
            wait_until(lambda: house.metric("gatehouse_service_queued", service="narrow") == 1, "it is queued")
            first.close()
            assert read_line(second) == "one"
            assert read_line(second) == "waits"


def test_what_is_large_arrives_as_it_was_sent(house, make_tcp_backend):
    size = 48 << 20
    data = hashlib.shake_256(b"seed").digest(1 << 20) * (size >> 20)
    big = make_tcp_backend("big", greeting=data, echo=False, farewell=b"")
    at = put(house, "large", place(house), big)
    with Client(at, timeout=60) as client:
        sender = threading.Thread(target=lambda: (client.sock.sendall(data), client.half_close()))
        sender.start()
        digest, count = hashlib.sha256(), 0
        while chunk := client.sock.recv(1 << 20):
            digest.update(chunk)
            count += len(chunk)
        sender.join()
    assert count == size and digest.digest() == hashlib.sha256(data).digest()
    session = big.session()
    wait_until(lambda: session.ended, "all of it is there", within=20)
    assert session.received == data
    line = house.logged(service="large")
    assert (line["bytes_in"], line["bytes_out"]) == (size, size)


def test_a_client_has_no_more_sessions_than_connections(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "many", place(house), one)
    clients = [Client(at, source="127.0.0.33") for _ in range(64)]
    try:
        for client in clients:
            read_line(client)
        assert greeted(at, source="127.0.0.33") is None
        assert greeted(at, source="127.0.0.34") == "one"
    finally:
        for client in clients:
            client.close()


def test_a_reload_cuts_nobody_and_a_stop_drains(make_door, make_tcp_backend):
    one = make_tcp_backend("one")
    door = make_door(start=False, config={"limits": {"shutdown_time": "2s"}})
    door.change_config({"catalog": {"permit": {"listen": [f"{door.address}:23502"]}}})
    door.catalog.put("db", instance("db", one, f"tcp={door.address}:23502"))
    door.start()
    at = (door.address, 23502)
    with Client(at) as short, Client(at) as long:
        assert (read_line(short), read_line(long)) == ("one", "one")
        door.change_config({"limits": {"header_time": "5s"}})
        door.reload()
        for client in (short, long):
            client.send(b"here\n")
            assert read_line(client) == "here"
        door.signal(15)
        wait_until(lambda: not addresses.listens(at), "it listens no more")
        short.send(b"last words\n")
        assert read_line(short) == "last words", "a session may end by itself"
        short.half_close()
        assert short.wait_closed() == b"bye\n"
        with pytest.raises(ConnectionResetError):
            long.sock.recv(1)
    door.stop()
    assert {line["termination"] for line in door.log_lines()} == {"tunnel_client_closed", "shutdown"}


def test_status_and_history_tell_of_it(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "told", place(house), one)
    (service,) = [each for each in house.status()["services"] if each["name"] == "told"]
    assert service["tcp"][0]["address"] == text(at) and service["routes"] == []
    assert f"tcp {text(at)}" in house.do("status")
    assert f"service told: tcp {text(at)} added" in house.do("history")
    house.catalog.remove("told")
    wait_until(lambda: "service told: removed" in house.do("history"), "its removal")


def test_no_session_holds_a_slab_while_it_is_silent(house, make_tcp_backend):
    one = make_tcp_backend("one")
    at = put(house, "silent", place(house), one)
    before = house.metric("gatehouse_memory_used_bytes")
    clients = [Client(at, source=f"127.0.0.{40 + n // 50}") for n in range(200)]
    try:
        for client in clients:
            read_line(client)
        assert house.metric("gatehouse_tcp_sessions_open") >= 200
        assert not watch_for(
            lambda: house.metric("gatehouse_memory_used_bytes") - before > 200 * 8192, 0.5
        ), "no event says that memory is not used"
    finally:
        for client in clients:
            client.close()
