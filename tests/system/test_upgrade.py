"""Upgraded connections (WebSocket): a tunnel that passes every byte, and nothing before the 101."""
import pytest

from support import websocket, wire
from support.backend import Gate
from support.wait import wait_until, watch_for

pytestmark = pytest.mark.quick


def open_socket(site, early=b""):
    """A client whose connection is upgraded."""
    client = site.client()
    client.send(websocket.handshake(site.host) + early)
    answer = client.response()
    assert answer.status == 101, answer
    return client


def test_bytes_pass_both_ways_after_the_101(site):
    site.answer_with(websocket.accept_and_echo)
    with open_socket(site) as client:
        client.send(b"hello")
        assert client.reader.take(5) == b"hello"


def test_the_handshake_s_fields_pass(site):
    site.answer_with(websocket.accept_and_echo)
    with site.client() as client:
        client.send(websocket.handshake(site.host))
        answer = client.response()
    assert answer.get("Sec-WebSocket-Accept") == websocket.accept_of(websocket.KEY)
    assert answer.get("Upgrade").lower() == "websocket" and answer.get("Connection").lower() == "upgrade"
    request = site.backend.requests[0]
    assert request.get("Sec-WebSocket-Key") == websocket.KEY
    assert request.get("Upgrade").lower() == "websocket" and "upgrade" in request.get("Connection").lower()


def test_bytes_right_behind_the_101_reach_the_client(site):
    site.answer_with(lambda exchange: exchange.send(websocket.accepted(exchange.request) + b"first frame"))
    with open_socket(site) as client:
        assert client.reader.take(11) == b"first frame"


def test_bytes_sent_too_early_wait_for_the_101(site):
    gate, got = Gate(), []

    def answer(exchange):
        gate.wait()
        exchange.send(websocket.accepted(exchange.request))
        got.append(exchange.read())

    site.backend.head_only = True
    site.answer_with(answer)
    with site.client() as client:
        client.send(websocket.handshake(site.host) + b"EARLY")
        gate.wait_reached()
        connection = site.backend.connections[0]
        # what must not happen has no event of its own: the door is given time to do it
        assert not watch_for(lambda: b"EARLY" in connection.raw, 0.3)
        gate.open()
        assert client.response().status == 101
        wait_until(lambda: got, "the early bytes at the backend")
    assert got == [b"EARLY"]


def test_requests_inside_the_tunnel_are_bytes_like_any_other(site):
    site.answer_with(websocket.accept_and_echo)
    inner = wire.message("GET /SMUGGLED HTTP/1.1", {"Host": site.host})
    with open_socket(site) as client:
        client.send(inner)
        assert client.reader.take(len(inner)) == inner
    assert [request.target for request in site.backend.requests] == ["/chat"]


def test_a_megabyte_each_way_arrives_in_order(site):
    site.answer_with(websocket.accept_and_echo)
    data = bytes(n * 7 % 256 for n in range(1 << 20))
    with open_socket(site) as client:
        for at in range(0, len(data), 65536):
            client.send(data[at : at + 65536])
            assert client.reader.take(65536) == data[at : at + 65536]


def test_the_backend_s_end_reaches_the_client(site):
    def answer(exchange):
        exchange.send(websocket.accepted(exchange.request) + b"bye")
        exchange.close()

    site.answer_with(answer)
    with open_socket(site) as client:
        assert client.wait_closed(within=2).endswith(b"bye")


def test_the_client_s_end_reaches_the_backend(site):
    site.answer_with(websocket.accept_and_echo)
    client = open_socket(site)
    client.close()
    wait_until(lambda: not site.backend.open_connections(), "the backend's end closes", within=2)


def test_a_client_that_closed_its_half_still_gets_the_rest(site):
    def answer(exchange):
        exchange.send(websocket.accepted(exchange.request))
        while exchange.read():
            pass
        exchange.send(b"the rest")
        exchange.close()

    site.answer_with(answer)
    with open_socket(site) as client:
        client.half_close()
        assert client.wait_closed(within=5) == b"the rest"


def test_a_refused_upgrade_is_an_ordinary_answer(site):
    site.answer_with(lambda exchange: exchange.answer(403, body="no"))
    with site.client() as client:
        client.send(websocket.handshake(site.host))
        assert client.response().status == 403
        site.answer_with(lambda exchange: exchange.answer(body="still here"))
        assert client.ask("GET", "/next").text == "still here"


def test_an_upgraded_connection_does_not_go_back_to_the_pool(site):
    site.answer_with(websocket.accept_and_echo)
    with open_socket(site) as client:
        client.send(b"x")
        client.reader.take(1)
    site.answer_with(lambda exchange: exchange.answer(body="fresh"))
    assert site.ask().text == "fresh"
    assert len(site.backend.connections) == 2


@pytest.mark.site("idle_timeout=1s")
def test_a_tunnel_may_be_silent_longer_than_a_request(site):
    site.answer_with(websocket.accept_and_echo)
    with open_socket(site) as client:
        # silence is what is tested: WebSockets have a time of their own (1 h), not the request's second
        assert not watch_for(client.is_closed, 1.8, every=0.2)
        client.send(b"awake")
        client.set_timeout(5)
        assert client.reader.take(5) == b"awake"


@pytest.mark.site("websocket=true idle_timeout=1s")
def test_a_silent_tunnel_ends_after_its_own_time(site):
    site.answer_with(websocket.accept_and_echo)
    with open_socket(site) as client:
        client.wait_closed(within=6)
    wait_until(lambda: not site.backend.open_connections(), "the backend's end closes too")


@pytest.mark.site("websocket=true idle_timeout=off")
def test_a_silent_tunnel_stays_where_its_time_is_off(site):
    site.answer_with(websocket.accept_and_echo)
    with open_socket(site) as client:
        assert not watch_for(client.is_closed, 0.3)  # silence is what is tested
        client.send(b"awake")
        client.set_timeout(5)
        assert client.reader.take(5) == b"awake"


@pytest.mark.site("websocket=false")
def test_a_route_without_websocket_passes_no_upgrade(site):
    site.answer_with(lambda exchange: exchange.answer(body="plain"))
    with site.client() as client:
        client.send(websocket.handshake(site.host))
        answer = client.response()
    assert answer.status in (200, 400, 403, 426, 501)
    assert not any(request.has("Upgrade") for request in site.backend.requests)


def test_a_connect_request_opens_no_tunnel(site):
    with site.client() as client:
        client.send(f"CONNECT {site.host}:80 HTTP/1.1\r\nHost: {site.host}:80\r\n\r\n")
        assert client.response().status in (400, 403, 404, 405, 501)
    assert site.backend.requests == []
