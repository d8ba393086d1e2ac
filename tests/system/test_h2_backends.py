"""HTTP/2 to the backends: requests share connections, answers come as the client's protocol has them, and what was not
processed for certain is sent again."""
import re

import pytest

h2 = pytest.importorskip("h2", reason="python3-h2 is not installed")

from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from support import websocket
from support.backend import Gate
from support.catalog import instance
from support.h2_backend import H2Backend, echo
from support.wait import wait_until, watch_for

pytestmark = pytest.mark.quick

DOOR = {"workers": 1, "limits": {"backend_idle_time": "30s"}}


@pytest.fixture
def make_h2_backend():
    made = []

    def make(*arguments, **options):
        made.append(H2Backend(*arguments, **options))
        return made[-1]

    yield make
    for backend in made:
        backend.stop()


@pytest.fixture(scope="module")
def door(make_shared_door):
    return make_shared_door(config=DOOR)


@pytest.fixture
def site(door, make_h2_backend, request):
    """A host of its own, served by one backend of HTTP/2 without TLS."""
    name = "s" + str(abs(hash(request.node.name)) % 10**9)

    class Site:
        host = f"{name}.test"

        def serve(self, *backends, tags=()):
            tags = [f"route={self.host}", "protocol=h2c", *tags]
            door.catalog.put(name, *[instance(name, backend, *tags) for backend in backends])
            # A service's figures are there once its routes are.
            wait_until(lambda: door.metric("gatehouse_service_retries_total", service=name) is not None, "the route")
            return backends[0]

        def backend(self, *arguments, tags=(), **options):
            return self.serve(make_h2_backend(*arguments, **options), tags=tags)

        def ask(self, target="/", method="GET", **more):
            return door.ask(target, method, host=self.host, **more)

        def client(self, **more):
            return door.client(host=self.host, **more)

    yield Site()
    door.catalog.remove(name)


def test_a_request_and_its_answer(site):
    backend = site.backend()
    answer = site.ask("/a?b", fields={"X-One": "1", "Connection": "close"})
    assert (answer.status, answer.body, answer.get("x-path")) == (200, b"hello", "/a?b")
    seen = backend.requests[0]
    assert seen.fields[:4] == [(":method", "GET"), (":scheme", "http"), (":path", "/a?b"), (":authority", site.host)]
    assert seen.get("x-one") == "1" and seen.get("x-forwarded-proto") == "http"
    names = [name for name, _ in seen.fields]
    assert not {"connection", "host", "keep-alive", "transfer-encoding", "upgrade"} & set(names)


def test_bodies_of_every_framing_pass_both_ways(site):
    site.backend(lambda stream: stream.answer(200, [], stream.body))
    much = bytes(range(256)) * 4096
    assert site.ask("/", "POST", body=much).body == much
    with site.client() as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {site.host}\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(much), 70000):
            piece = much[at:at + 70000]
            client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        client.send("0\r\n\r\n")
        assert client.response("POST").body == much


def test_trailers_pass_both_ways(site):
    backend = site.backend(lambda stream: stream.answer(200, [], b"hi", trailers=[("x-sum", "7")]))
    with site.client() as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {site.host}\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n"
                    "Connection: TE\r\n\r\n3\r\nabc\r\n0\r\nX-Mine: 5\r\n\r\n")
        answer = client.response("POST")
    assert answer.body == b"hi" and b"x-sum: 7\r\n" in client.raw
    assert backend.requests[0].trailers == [("x-mine", "5")]
    assert backend.requests[0].get("te") == "trailers"


def test_interim_answers_pass(site):
    def answer(stream):
        stream.head([(":status", "103"), ("link", "</a>")])
        stream.answer(200, [], b"x")

    site.backend(answer)
    with site.client() as client:
        answer = client.request().response()
        assert [each.status for each in answer.interim] == [103] and answer.body == b"x"


@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body(site, method, status):
    site.backend(lambda stream: stream.answer(status, [("content-length", "5")] if status != 204 else []))
    with site.client() as client:
        assert client.ask(method).status == status
        assert client.ask(method).status == status


def test_many_requests_share_one_connection(site, door):
    gate = Gate()

    def answer(stream):
        gate.wait()
        stream.answer(200, [], b"x")

    backend = site.backend(answer)
    clients = [site.client() for _ in range(50)]
    for client in clients:
        client.request()
    backend.wait_requests(50)
    gate.open()
    assert [client.response().status for client in clients] == [200] * 50
    assert len(backend.connections) == 1
    for client in clients:
        client.close()


def test_a_full_connection_gets_a_second(site):
    gate = Gate()

    def answer(stream):
        gate.wait()
        stream.answer(200, [], b"x")

    backend = site.backend(answer, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 2})
    clients = [site.client().request() for _ in range(5)]
    backend.wait_requests(5)
    assert all(len(each.streams) <= 2 for each in backend.connections)
    gate.open()
    assert [client.response().status for client in clients] == [200] * 5
    for client in clients:
        client.close()


def test_max_connections_bounds_connections_and_not_requests(site):
    gate = Gate()

    def answer(stream):
        gate.wait()
        stream.answer(200, [], b"x")

    backend = site.backend(answer, tags=["max_connections=1"])
    clients = [site.client().request() for _ in range(10)]
    backend.wait_requests(10)
    assert len(backend.connections) == 1
    gate.open()
    assert [client.response().status for client in clients] == [200] * 10
    for client in clients:
        client.close()


def test_a_client_that_goes_resets_its_stream_alone(site):
    backend = site.backend(lambda stream: None)
    leaver, stayer = site.client().request(target="/leaves"), site.client().request(target="/stays")
    backend.wait_requests(2)
    leaver.reset()
    by_path = {stream.path: stream for stream in backend.requests}
    assert by_path["/leaves"].wait_reset() == ErrorCodes.CANCEL
    by_path["/stays"].answer(200, [], b"x")
    assert stayer.response().body == b"x"
    stayer.close()


def test_what_was_not_processed_is_sent_again(site, door):
    """REFUSED_STREAM and GOAWAY prove it: even a POST goes once more."""
    refused = []

    def answer(stream):
        if not refused:
            refused.append(stream)
            return stream.break_off(ErrorCodes.REFUSED_STREAM)
        return echo(stream)

    backend = site.backend(answer)
    assert site.ask("/", "POST", body=b"once").body == b"once"
    assert len(backend.requests) == 2
    wait_until(lambda: door.metric("gatehouse_backend_http2_replays_total") >= 1, "the figure")


def test_what_a_goaway_leaves_out_is_sent_again(site):
    seen = []

    def answer(stream):
        seen.append(stream)
        if len(seen) == 1:
            return stream.connection.goodbye_only(0)
        return echo(stream)

    backend = site.backend(answer)
    assert site.ask("/", "POST", body=b"once").body == b"once"
    assert len(backend.connections) == 2


def test_a_goaway_lets_what_runs_end(site):
    gate = Gate()

    def answer(stream):
        if stream.path == "/long":
            stream.connection.goodbye_only(stream.number)
            gate.wait()
        stream.answer(200, [], b"x")

    backend = site.backend(answer)
    client = site.client().request(target="/long")
    backend.wait_requests(1)
    gate.wait_reached()
    assert site.ask("/next").body == b"x"
    gate.open()
    assert client.response().body == b"x"
    client.close()
    assert len(backend.connections) == 2


@pytest.mark.parametrize("method, sent", [("POST", 1), ("GET", 2)])
def test_a_reset_without_proof_is_repeated_only_where_that_does_no_harm(site, make_h2_backend, method, sent):
    count = []

    def answer(stream):
        count.append(stream)
        stream.break_off(ErrorCodes.INTERNAL_ERROR)

    site.serve(make_h2_backend(answer), make_h2_backend(answer))
    answer = site.ask("/", method, body=b"x" if method == "POST" else None)
    assert (answer.status, len(count)) == (502, sent)


def test_a_reset_in_the_middle_of_an_answer_cuts_the_client_off(site):
    def answer(stream):
        stream.answer(200, [("content-length", "100")], b"some", end=False)
        stream.break_off()

    site.backend(answer)
    with site.client() as client:
        client.request()
        assert client.wait_closed().endswith(b"some")  # and not the 100 bytes that were told


def test_a_connection_that_dies_fails_its_requests_alone(site):
    backend = site.backend(lambda stream: stream.path == "/dies" and stream.connection.close() or echo(stream))
    assert site.ask("/").status == 200
    assert site.ask("/dies", "POST", body=b"x").status == 502
    assert site.ask("/").status == 200
    assert len(backend.connections) == 2


@pytest.mark.parametrize("fields, body", [
    ([(":status", "200"), ("Upper", "x")], b""),
    ([(":status", "200"), ("connection", "close")], b""),
    ([(":status", "200"), ("a", "b\r\nset-cookie: c")], b""),
    ([("a", "b")], b""),
])
def test_malformed_answers_are_502(site, fields, body):
    def answer(stream):
        stream.head(fields, end=not body)
        stream.data(body, end=True)

    site.backend(answer)
    assert site.ask("/").status == 502


def test_a_backend_that_speaks_no_http2_is_told(site, door, make_backend):
    site.serve(make_backend("plain"))

    def told():
        assert site.ask("/").status == 502
        return re.search("speaks no HTTP/2|before it spoke HTTP/2", door.output())

    wait_until(told, "the reason in the event log", every=0.5)


def test_a_backend_that_floods_loses_its_connection(site, door):
    ping = b"\0\0\x08\x06\0\0\0\0\0" + b"12345678"

    def answer(stream):
        stream.connection.send_raw(ping * 2000)

    site.backend(answer)
    assert site.ask("/").status == 502
    assert door.metric("gatehouse_backend_http2_connections_broken_total") >= 1


def test_a_client_that_does_not_read_costs_one_window(site, door):
    """The backend may send no more than that, and others are served over the same connection."""
    sent = []

    def answer(stream):
        if stream.path != "/much":
            return echo(stream)
        stream.head([(":status", "200")])
        piece = b"x" * 16384
        while stream.reset is None and not stream.connection.closed:
            stream.data(piece)
            sent.append(len(piece))

    backend = site.backend(answer)
    slow = [site.client(receive_buffer=4096, segment=536).request(target="/much") for _ in range(8)]
    backend.wait_requests(8)
    total = lambda: sum(sent)
    before = -1
    while before != total():
        before = total()
        watch_for(lambda: total() != before, 0.5)
    assert total() < 8 * (1 << 20) * 5  # socket buffers of this machine, and a window each
    assert site.ask("/").status == 200
    assert len(backend.connections) == 1
    for client in slow:
        client.reset()
    for stream in list(backend.requests)[:8]:
        stream.wait_reset()


def test_a_backend_that_does_not_read_holds_back_the_client(site, door):
    backend = site.backend(lambda stream: None, head_only=True, takes_body=False)
    before = door.rss()
    with site.client() as client:
        client.request("POST", body=None, fields={"Content-Length": str(64 << 20)})
        client.sock.setblocking(False)
        sent = 0
        for _ in range(100):
            try:
                sent += client.sock.send(b"x" * 65536)
            except BlockingIOError:
                if not watch_for(lambda: False, 0.02):
                    continue
        assert sent < 32 << 20
        assert len(backend.requests[0].body) <= 65535
        client.reset()
    assert door.rss() - before < 16 << 20
    backend.requests[0].wait_reset()


def test_idle_connections_go(make_door, make_h2_backend):
    door = make_door(config={"workers": 1, "limits": {"backend_idle_time": "300ms"}})
    backend = make_h2_backend()
    door.catalog.put("web", instance("web", backend, "route=/", "protocol=h2c"))
    wait_until(lambda: door.ask("/").status == 200, "served")
    wait_until(lambda: not backend.open_connections(), "the end of the idle connection")
    assert door.metric("gatehouse_backend_http2_connections_open") == 0


def test_websockets_go_as_extended_connect(site):
    def answer(stream):
        stream.answer(200, end=False)
        stream.wait_body(5)
        stream.data(b"pong!")

    backend = site.backend(answer, head_only=True, settings={SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
    with site.client() as client:
        client.send(websocket.handshake(site.host))
        answer = client.response()
        assert answer.status == 101 and answer.get("Sec-WebSocket-Accept") == websocket.accept_of(websocket.KEY)
        client.send(b"ping!")
        assert client.reader.take(5) == b"pong!"
        seen = backend.requests[0]
        assert (seen.get(":method"), seen.get(":protocol")) == ("CONNECT", "websocket")
        assert seen.get("sec-websocket-version") == "13" and seen.get("sec-websocket-key") is None
    backend.requests[0].wait(lambda: backend.requests[0].ended or backend.requests[0].reset is not None, "the end")


def test_a_backend_without_websockets_is_told(site):
    backend = site.backend()
    with site.client() as client:
        client.send(websocket.handshake(site.host))
        answer = client.response()
    assert answer.status == 502 and b"RFC 8441" in answer.body
    assert backend.requests == []


def test_tls_is_verified_and_h2_asked_for(make_door, make_h2_backend, authority, tmp_path):
    door = make_door(start=False, config={"services": {"*": {"protocol": "h2", "tls_ca": "ca.crt"}}})
    authority.write(door.folder, "ca.crt")
    kinds = {"good": ("good.test", ["h2"]), "other": ("elsewhere.test", ["h2"]), "old": ("old.test", ["http/1.1"])}
    for name, (certified, protocols) in kinds.items():
        context = authority.server(tmp_path / name, certified)
        context.set_alpn_protocols(protocols)
        backend = make_h2_backend(tls=context)
        door.catalog.put(name, instance(name, backend, f"route={name}.test"))
    door.start()
    assert door.ask("/", host="good.test").body == b"hello"
    assert door.ask("/", host="other.test").status == 502

    def told():
        assert door.ask("/", host="old.test").status == 502
        return "does not speak h2" in door.output()

    wait_until(told, "the reason in the event log", every=0.5)
