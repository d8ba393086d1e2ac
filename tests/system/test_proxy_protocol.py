"""The PROXY protocol from a balancer in front: required from those the listener names, an error from others."""
import socket
import struct

import pytest

from support.catalog import instance
from support.client import Client
from support.wait import wait_until
from support.wire import Closed, message

pytestmark = pytest.mark.quick

BALANCER = "127.9.1.1"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


@pytest.fixture(scope="module")
def house(make_shared_door, make_shared_backend, authority):
    door = make_shared_door(start=False, tls=True)
    authority.issue("one.test").write(door.certificates, "one")
    for listen in door.config["listen"]:
        listen["proxy_protocol"] = ["127.9.1.0/24"]
    door.write_config(door.config)
    door.one = make_shared_backend("one")
    door.catalog.put("one", instance("one", door.one, "route=one.test", "http=serve"))
    return door.start()


def version_2(source, command=1, extra=b""):
    addresses = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 1234, 443) + extra
    return SIGNATURE + bytes([0x20 | command, 0x11]) + struct.pack("!H", len(addresses)) + addresses


REQUEST = message("GET / HTTP/1.1", {"Host": "one.test"})


def ask_with(house, header, source=BALANCER):
    house.one.forget()
    with Client(house.http, source=source) as client:
        client.send(header + REQUEST)
        return client.response()


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 198.51.100.7 192.0.2.1 1234 443\r\n",
        version_2("198.51.100.7"),
        version_2("198.51.100.7", extra=b"\x04\x00\x05hello"),
    ],
    ids=["v1", "v2", "v2 with a TLV"],
)
def test_the_client_is_whom_the_header_names(house, header):
    assert ask_with(house, header).status == 200
    assert house.one.requests[0].get("X-Forwarded-For").split(",")[-1].strip() == "198.51.100.7"


def test_all_at_once_and_the_end_behind_it_is_answered(house):
    house.one.forget()
    with Client(house.http, source=BALANCER) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        client.send(b"PROXY TCP4 198.51.100.7 192.0.2.1 1234 443\r\n" + REQUEST)
        client.half_close()
        assert client.response().status == 200


def test_a_header_in_single_bytes_is_understood(house):
    with Client(house.http, source=BALANCER) as client:
        for byte in b"PROXY TCP4 198.51.100.8 192.0.2.1 1234 443\r\n" + REQUEST:
            client.send(bytes([byte]))
        assert client.response().status == 200


@pytest.mark.parametrize(
    "header", [b"PROXY UNKNOWN\r\n", version_2("198.51.100.7", command=0)], ids=["unknown", "local"]
)
def test_a_balancer_s_own_connection_is_its_own(house, header):
    assert ask_with(house, header).status == 200
    assert house.one.requests[0].get("X-Forwarded-For") == BALANCER


@pytest.mark.parametrize(
    "header",
    [
        b"", b"PROXY TCP4 198.51.100.7 192.0.2.1 1234\r\n", b"PROXY TCP4 300.1.1.1 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 200 + b"\r\n", b"PROXY TCP4 198.51.100.7 192.0.2.1 1234 443\n",
        SIGNATURE + b"\x31\x11\x00\x0c" + b"\x00" * 12, SIGNATURE + b"\x21\x11\x00\x02\x00\x00",
    ],
)
def test_a_balancer_without_a_good_header_gets_nothing(house, header):
    house.one.forget()
    with Client(house.http, source=BALANCER) as client:
        client.send(header + REQUEST)
        client.wait_closed()
        assert b" 200 " not in client.raw
    assert house.one.requests == []


def test_a_stranger_with_a_header_is_refused(house):
    house.one.forget()
    with Client(house.http, source="127.0.0.9") as client:
        client.send(b"PROXY TCP4 198.51.100.7 192.0.2.1 1234 443\r\n" + REQUEST)
        client.wait_closed()
        assert b" 200 " not in client.raw
    assert house.one.requests == []


def test_a_stranger_without_a_header_is_served(house):
    assert ask_with(house, b"", source="127.0.0.9").status == 200


def test_the_header_stands_before_tls(house, authority):
    with socket.create_connection(house.https, source_address=(BALANCER, 0), timeout=10) as tcp:
        tcp.sendall(version_2("198.51.100.7"))
        with authority.trust().wrap_socket(tcp, server_hostname="one.test") as secure:
            house.one.forget()
            secure.sendall(REQUEST)
            assert secure.recv(100).startswith(b"HTTP/1.1 200")
    assert house.one.requests[0].get("X-Forwarded-For") == "198.51.100.7"


def test_connections_are_counted_by_whom_the_header_names(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"connections_per_client": 2}})
    door.config["listen"][0]["proxy_protocol"] = ["127.9.1.0/24"]
    door.write_config(door.config)
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test"))
    door.start()

    def enter(source):
        client = Client(door.http, source=BALANCER, host="one.test")
        client.send(f"PROXY TCP4 {source} 192.0.2.1 1234 80\r\n")
        return client

    def served(client):
        try:
            return client.ask().status == 200
        except (OSError, Closed):
            return False

    clients = [enter("198.51.100.1") for _ in range(2)]
    assert all(served(client) for client in clients)
    assert not served(enter("198.51.100.1")), "a third of the same client"
    others = [enter(f"198.51.100.{n}") for n in range(2, 12)]
    assert all(served(client) for client in others), "the balancer itself may have any number"
    for client in clients:
        client.close()
    wait_until(lambda: served(enter("198.51.100.1")), "its places are free again")


def test_a_backend_is_told_the_destination_that_the_header_named(make_door, make_backend):
    door = make_door(start=False)
    door.config["listen"][0]["proxy_protocol"] = ["127.9.1.0/24"]
    door.write_config(door.config)
    backend = make_backend("told", takes_proxy_line=True)
    door.catalog.put("told", instance("told", backend, "route=one.test", "send_proxy=v1"))
    door.start()
    with Client(door.http, source=BALANCER) as client:
        client.send(b"PROXY TCP4 198.51.100.7 192.0.2.1 1234 443\r\n" + REQUEST)
        assert client.response().status == 200
    assert backend.connections[0].proxy_line == "PROXY TCP4 198.51.100.7 192.0.2.1 1234 443\r\n"


def test_a_backend_is_told_the_address_that_a_wildcard_listener_was_reached_at(make_door, make_backend):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    door = make_door(start=False)
    door.config["listen"].append({"name": "all", "address": f"[::]:{port}"})
    door.write_config(door.config)
    backend = make_backend("told", takes_proxy_line=True)
    door.catalog.put("told", instance("told", backend, "route=one.test", "send_proxy=v1"))
    door.start()
    with Client(("127.0.0.7", port), source="127.0.0.3") as client:
        client.send(REQUEST)
        assert client.response().status == 200
    words = backend.connections[0].proxy_line.split()
    assert words[:4] == ["PROXY", "TCP4", "127.0.0.3", "127.0.0.7"] and words[5] == str(port)
