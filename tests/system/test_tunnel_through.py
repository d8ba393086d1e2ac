"""Services whose endpoints are reached through a tunnel, without a listener between: HTTP, TCP, checks, and who comes."""
import socket

import pytest

from support import tunnel
from support.backend import refused_port
from support.catalog import instance
from support.door import wait_healthy
from support.tunnel import EXIT_PORT, new_key, write_keys
from support.wait import patient, wait_until

pytestmark = pytest.mark.quick

IDENTITY = "near.web.far"
NOWHERE = ("192.0.2.1", 9)  # TEST-NET-1: what is dialled straight does not arrive


class Ways:
    """A door in front, an exit behind it, and the tunnel between; stunnel as the exit where wanted."""

    def __init__(self, make_door, tmp_path, backend, exit="ours", offer=None, allow=None, targets=None, service=None,
                 permit=None):
        self.key = new_key()
        self.far = make_door(start=False, name="far")
        self.at = (self.far.address, EXIT_PORT)
        self.exit_keys = write_keys(str(tmp_path / "exit.psk"), (IDENTITY, self.key))
        self.entry_keys = write_keys(str(tmp_path / "entry.psk"), (IDENTITY, self.key))
        self.stunnel = None
        if exit == "ours":
            allow = [{"identity": IDENTITY, "service": "web"}] if allow is None else allow
            offer = offer(self) if offer else {"web": f"{backend.host}:{backend.port}"}
            self.far.change_config({"tunnel": tunnel.exit_section(self.far.address, self.exit_keys, allow, offer)})
            self.far.start()
        else:
            self.stunnel = tunnel.stunnel_server(str(tmp_path), self.at, (backend.host, backend.port), self.exit_keys)
        self.near = make_door(start=False, name="near")
        to = targets(self) if targets else [self.target()]
        config = {"tunnel": {"connect": [{"name": "web", "to": to}]},
                  "services": {"web": {"through": "web", **(service or {})}}}
        if permit:
            config["catalog"] = {"permit": {"listen": [f"{self.near.address}:1-65535"]}}
        self.near.change_config(config)

    def target(self, address=None, **more):
        return {"address": address or "%s:%d" % self.at, "identity": IDENTITY, "secret": {"file": self.entry_keys},
                **more}

    def serve(self, *tags, **more):
        self.near.catalog.put("web", instance("web", NOWHERE, *tags, **more))
        return self.near.start()

    def stop(self):
        if self.stunnel:
            self.stunnel.stop()


@pytest.fixture
def ways(make_door, tmp_path):
    made = []

    def make(backend, **more):
        made.append(Ways(make_door, tmp_path, backend, **more))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def stream(make_tcp_backend):
    return make_tcp_backend("db")


@pytest.mark.parametrize("exit", ["ours", "stunnel"])
def test_requests_reach_the_backend_over_connections_that_are_kept(ways, make_backend, exit):
    backend = make_backend("web")
    way = ways(backend, exit=exit)
    near = way.serve("route=web.test")
    with near.client() as client:
        for _ in range(3):
            assert client.ask("GET", "/", host="web.test").status == 200
    assert len(backend.requests) == 3 and len(backend.connections) == 1


def test_http2_goes_through_one_connection(ways, make_backend):
    backend = make_backend("web")
    way = ways(backend, offer=lambda way: {"web": "%s:%d" % way.far.http})
    way.far.catalog.put("behind", instance("behind", backend, "route=web.test"))
    wait_until(lambda: way.far.ask("/", host="web.test").status == 200, "the far end serves")
    near = way.serve("route=web.test", "protocol=h2c")
    with near.client() as client:
        for _ in range(3):
            assert client.ask("GET", "/", host="web.test").status == 200
    assert near.metric("gatehouse_tunnel_connections_total", side="entry") == 1
    assert way.far.logged(event="request", host="web.test", http_version="HTTP/2")


@pytest.mark.parametrize("exit", ["ours", "stunnel"])
def test_a_tcp_session_ends_each_direction_by_itself(ways, stream, exit):
    way = ways(stream, exit=exit, permit=True)
    at = (way.near.address, 23555)
    way.serve("tcp=%s:%d" % at)
    assert tunnel.half_close_exchange(at) == b"db\nquestionbye\n"
    assert stream.session().ended and not stream.session().reset


def test_checks_go_the_same_way_and_say_which_hop_fails(ways, stream):
    way = ways(stream, permit=True)
    at = (way.near.address, 23556)
    near = way.serve("tcp=%s:%d" % at, checks=[{"tcp": "%s:%d" % NOWHERE, "interval": "1s", "timeout": "1s"}])
    wait_healthy(near, "web", "web-9")
    stream.stop_listening()
    wait_until(lambda: "the exit can't connect to the service" in str(near.status()), lambda: near.status())
    way.far.stop()
    wait_until(lambda: "Connection refused" in str(near.status()), lambda: near.status())


def test_the_proxy_header_tells_the_service_who_the_client_is(ways, make_tcp_backend):
    backend = make_tcp_backend("db", greeting=b"", echo=False)
    way = ways(backend, permit=True, service={"send_proxy": "v2"})
    at = (way.near.address, 23557)
    way.serve("tcp=%s:%d" % at)
    with socket.create_connection(at, timeout=patient(10), source_address=("127.77.0.1", 0)) as sock:
        sock.sendall(b"hello")
        wait_until(lambda: backend.sessions and b"hello" in backend.session().received, "the bytes arrive")
    header = bytes(backend.session().received)
    assert header.startswith(b"\r\n\r\n\0\r\nQUIT\n\x21\x11") and header[16:20] == socket.inet_aton("127.77.0.1")


def test_the_next_exit_is_tried_and_those_of_other_nodes_are_not(ways, make_backend):
    backend = make_backend("web")
    holder = refused_port()
    dead = "%s:%d" % holder.getsockname()
    way = ways(backend, targets=lambda way: [way.target(dead, node="elsewhere"), way.target(dead), way.target()])
    near = way.serve("route=web.test")
    assert near.ask("/", host="web.test").status == 200
    assert near.metric("gatehouse_tunnel_ends_total", termination="unreachable") >= 1
    holder.close()


def test_what_the_exit_refuses_is_told_and_nothing_goes_straight(ways, make_backend):
    backend = make_backend("web")
    way = ways(backend, allow=[{"identity": "another", "service": "web"}])
    near = way.serve("route=web.test")
    assert near.ask("/", host="web.test").status == 503
    assert not backend.requests
    assert near.logged(host="web.test")["termination"] == "backend_connect_failed"


def test_a_reload_keeps_connections_and_a_key_that_changes_is_used(ways, make_backend):
    backend = make_backend("web")
    way = ways(backend)
    near = way.serve("route=web.test")
    with near.client() as client:
        assert client.ask("GET", "/", host="web.test").status == 200
        near.reload()
        assert client.ask("GET", "/", host="web.test").status == 200
    assert len(backend.connections) == 1
    other = new_key()
    write_keys(way.exit_keys, (IDENTITY, other))
    write_keys(way.entry_keys, (IDENTITY, other))
    backend.drop_connections()
    wait_until(lambda: near.ask("/", host="web.test").status == 200, "the new key is used at both ends")
