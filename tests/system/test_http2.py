"""HTTP/2 with clients: what it carries, how it begins and ends, and that no client's flood is another's trouble."""
import re
import signal
import subprocess
import time

import pytest

from support import http2, websocket, wire
from support.backend import Gate
from support.client import Client
from support.catalog import instance
from support.http2 import Http2Client
from support.load import Load
from support.process import MIB
from support.wait import PATIENCE, wait_until

pytestmark = pytest.mark.quick

DOOR = {"limits": {"body_idle_time": "2s", "body_rate_after": "2s", "keep_alive_time": "2s", "header_time": "2s", "http2_streams": 20}}


def open_to(site, **more):
    return Http2Client(site.door.http, **more)


def ask(client, site, stream=1, target="/a", **more):
    return client.ask(stream, target, host=site.host, **more)


def fields_for(site, target="/a", method="GET"):
    return http2.request_fields(site.host, target, method)


def curl(*arguments, within=20):
    done = subprocess.run(["curl", "-sS", "--max-time", str(within), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-500:]
    return done.stdout.decode("latin-1")


# -- what is carried --------------------------------------------------------------------------------------------------


def test_requests_on_one_connection_are_served_at_once(site):
    gate = Gate()

    def answer(exchange):
        if exchange.request.target == "/slow":
            gate.wait()
        exchange.answer(200, exchange.request.target.encode())

    site.answer_with(answer)
    with open_to(site) as client:
        client.send(http2.headers(1, fields_for(site, "/slow")))
        gate.wait_reached()
        assert ask(client, site, 3, "/fast") == 200
        assert 1 not in client.ended
        gate.open()
        assert client.wait_ended(1) == 200
    assert client.bodies == {1: b"/slow", 3: b"/fast"}


def test_the_log_says_http_2(site):
    with open_to(site) as client:
        ask(client, site, target="/logged")
    line = site.door.logged(path="/logged", host=site.host)
    assert line["http_version"] == "HTTP/2" and line["termination"] == "ok" and line["status"] == 200


def test_a_large_body_goes_up_and_comes_back(site, tmp_path):
    site.answer_with(lambda exchange: exchange.answer(200, exchange.request.body))
    (tmp_path / "body").write_bytes(bytes(range(256)) * 12_000)
    address = "http://{}:{}/".format(*site.door.http)
    curl("--http2-prior-knowledge", "-H", f"Host: {site.host}", "--data-binary", f"@{tmp_path}/body",
         "-o", str(tmp_path / "answer"), address)
    assert (tmp_path / "answer").read_bytes() == (tmp_path / "body").read_bytes()


def test_trailers_of_the_backend_reach_the_client(site):
    site.answer_with(lambda exchange: exchange.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-end\r\n\r\n3\r\nabc\r\n0\r\nX-End: yes\r\n\r\n"))
    told = curl("--http2-prior-knowledge", "-H", f"Host: {site.host}", "-v", "http://{}:{}/".format(*site.door.http))
    assert "x-end: yes" in told and "abc" in told


def test_trailers_of_the_client_reach_the_backend(site):
    with open_to(site) as client:
        client.send(http2.headers(1, fields_for(site, method="POST"), end=False), http2.data(1, b"abc", end=False),
                    http2.headers(1, [["x_end", "forged"], ["x-end", "yes"], ["x.end", "forged"]]))
        assert client.wait_ended(1) == 200
    assert b"3\r\nabc\r\n0\r\nx-end: yes\r\n\r\n" in site.backend.connections[0].raw


def test_an_interim_answer_comes_before_the_final_one(site):
    site.answer_with(lambda exchange: exchange.send(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    told = curl("--http2-prior-knowledge", "-i", "-H", f"Host: {site.host}", "http://{}:{}/".format(*site.door.http))
    assert re.findall(r"HTTP/2 (\d+)", told) == ["103", "200"] and told.endswith("ok")


def test_an_answer_to_head_has_its_length_and_no_body(site):
    site.answer_with(lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"))
    with open_to(site) as client:
        assert ask(client, site, method="HEAD") == 200
    assert client.bodies == {}


def test_a_body_that_the_backend_breaks_off_is_a_reset_of_its_stream_alone(site):
    def answer(exchange):
        if exchange.request.target == "/broken":
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            return exchange.close()
        exchange.answer(200, b"well")

    site.answer_with(answer)
    with open_to(site) as client:
        client.send(http2.headers(1, fields_for(site, "/broken")))
        wait_until(lambda: 1 in client.resets, "a reset")
        assert ask(client, site, 3) == 200
    assert client.resets == {1: 2} and 1 not in client.ended  # INTERNAL_ERROR
    assert client.statuses[1] == 200, "its head comes before"


def test_an_answer_before_the_body_s_end_stops_the_upload_and_keeps_the_connection(site):
    with open_to(site) as client:
        client.send(http2.headers(1, http2.request_fields("nobody.test", method="POST"), end=False))
        assert client.wait_ended(1) == 404
        wait_until(lambda: client.resets.get(1) == 0, "a reset that is no error")
        client.send(http2.data(1, b"was under way", end=False))
        assert ask(client, site, 3) == 200


def test_a_reset_by_the_client_ends_the_request_at_the_backend(site):
    gate = Gate()
    site.answer_with(lambda exchange: gate.wait())
    with open_to(site) as client:
        client.send(http2.headers(1, fields_for(site, "/left")))
        gate.wait_reached()
        client.send(http2.reset(1))
        assert site.door.logged(path="/left", host=site.host)["termination"] == "client_closed"
        gate.open()
        wait_until(lambda: not site.backend.open_connections(), "the backend's connection closed")


def test_a_websocket_goes_by_extended_connect(site):
    site.answer_with(websocket.accept_and_echo)
    connect = [[":method", "CONNECT"], [":protocol", "websocket"], [":scheme", "https"], [":path", "/chat"],
               [":authority", site.host], ["sec-websocket-version", "13"]]
    with open_to(site) as client:
        wait_until(lambda: client.settings.get(8) == 1, "SETTINGS_ENABLE_CONNECT_PROTOCOL")
        client.send(http2.headers(1, connect, end=False), http2.data(1, b"hello", end=False))
        wait_until(lambda: client.bodies.get(1) == b"hello", client.describe)
        assert client.statuses[1] == 200
        client.send(http2.data(1, b", bye"))
        client.wait_ended(1)
        assert client.bodies[1] == b"hello, bye"
    request = site.backend.requests[0]
    assert request.method == "GET" and request.get("Upgrade") == "websocket" and len(request.get("Sec-WebSocket-Key")) == 24
    assert site.door.logged(path="/chat", host=site.host)["http_version"] == "HTTP/2"


def connect_fields(host, target="/chat"):
    return [[":method", "CONNECT"], [":protocol", "websocket"], [":scheme", "https"], [":path", target],
            [":authority", host], ["sec-websocket-version", "13"]]  # fmt: skip


def no_tunnel(exchange):
    exchange.answer(body="a page")


def unread_key(exchange):
    exchange.send(wire.message("HTTP/1.1 101 Switching Protocols", [
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", websocket.accept_of("another")),
    ]))  # fmt: skip


@pytest.mark.parametrize("answer", [no_tunnel, unread_key])
def test_only_a_101_that_was_meant_opens_a_tunnel(site, answer):
    """RFC 8441 5: any 2xx would; RFC 6455 4.1: nor does a 101 that doesn't prove it read the handshake."""
    site.answer_with(answer)
    with open_to(site) as client:
        client.send(http2.headers(1, connect_fields(site.host), end=False))
        wait_until(lambda: client.statuses.get(1) == 502, client.describe)
    with open_to(site) as client:  # what is no WebSocket is served as ever
        site.answer_with(no_tunnel)
        assert ask(client, site) == 200


def test_a_file_is_no_tunnel(make_door, tmp_path):
    (tmp_path / "page").write_text("a file")
    door = make_door(start=False, config={"services": {"files": {"route": "files.test", "files": str(tmp_path)}}})
    door.start()
    with Http2Client(door.http) as client:
        client.send(http2.headers(1, connect_fields("files.test", "/page"), end=False))
        wait_until(lambda: client.statuses.get(1) == 501, client.describe)


def test_urgent_answers_overtake_others(site):
    """RFC 9218: with the window open again, what is urgent is sent first."""
    body = b"x" * 60_000
    site.answer_with(lambda exchange: exchange.answer(200, body))
    with open_to(site, settings_sent=[(4, 0)], quiet=True) as client:  # no stream may send yet
        for stream, urgency in ((1, "u=7"), (3, "u=5"), (5, "u=0")):
            client.send(http2.headers(stream, fields_for(site) + [["priority", urgency]]))
        wait_until(lambda: len(client.statuses) == 3, client.describe)
        client.sync()
        client.send(http2.window_update(0, 1 << 20), http2.settings((4, 1 << 20)))
        for stream in (1, 3, 5):
            client.wait_ended(stream)
    ends = [stream for kind, flags, stream, _ in client.frames if kind == http2.DATA and flags & http2.END_STREAM]
    assert ends == [5, 3, 1]


# -- how it begins and ends -------------------------------------------------------------------------------------------


def test_over_tls_alpn_chooses(site, make_door, authority, make_backend):
    backend = make_backend()
    door = make_door(start=False, tls=True)
    authority.issue("a.test", "b.test").write(door.certificates, "a")
    door.catalog.put("a", instance("a", backend, "route=a.test", "route=b.test"))
    door.start()
    url, pin = "https://a.test:%d/" % door.https[1], "a.test:%d:%s" % (door.https[1], door.address)
    for wanted, version in (("--http2", "2"), ("--http1.1", "1.1")):
        assert curl(wanted, "-k", "--resolve", pin, "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                    url) == f"{version} 200"
    with Http2Client(door.https, tls=authority.trust(alpn=("h2", "http/1.1")), sni="a.test") as client:
        assert client.ask(1, host="b.test") == 200  # the certificate covers it
        assert client.ask(3, host="c.test") == 421
        assert client.ask(5, host="a.test") == 200
    door.change_config({"listen": [{**one, "http2": False} for one in door.config["listen"]]})
    door.reload()
    assert curl("--http2", "-k", "--resolve", pin, "-o", "/dev/null", "-w", "%{http_version}", url) == "1.1"


def test_a_preface_in_pieces_is_heard_and_another_beginning_is_not_http_2(site):
    with open_to(site) as client:
        assert ask(client, site) == 200
    with Client(site.door.http, host=site.host) as client:
        for byte in http2.PREFACE:
            client.send(bytes([byte]))
        client.send(http2.settings())
        assert client.reader.take(9)[3] == http2.SETTINGS
    with Client(site.door.http, host=site.host) as client:
        client.send("PRI /a HTTP/1.1\r\nHost: " + site.host + "\r\n\r\n")
        assert client.response().status == 200
    with Client(site.door.http, host=site.host) as client:
        client.send("PRI * HTTP/2.0\r\n\r\nXX")
        assert client.response().status == 505


def test_a_silent_connection_is_told_goodbye(site):
    with open_to(site) as client:
        assert ask(client, site) == 200
        wait_until(lambda: client.closed, client.describe, within=10)
        assert client.goaway == 0


def test_half_a_field_section_is_not_waited_for(site):
    with open_to(site) as client:
        client.send(http2.headers(1, fields_for(site), whole=False))
        wait_until(lambda: client.closed, client.describe, within=10)
    assert site.backend.requests == []


def test_more_streams_than_announced_are_refused(site):
    gate = Gate()
    site.answer_with(lambda exchange: gate.wait())
    with open_to(site) as client:
        wait_until(lambda: 3 in client.settings, "SETTINGS")
        assert client.settings[3] == 20
        client.send(*(http2.headers(2 * n + 1, fields_for(site)) for n in range(21)))
        refused = {41: 7}  # REFUSED_STREAM; who has acknowledged our SETTINGS is ended, having known better
        wait_until(lambda: client.resets == refused or client.over(), client.describe)
        assert len(site.backend.requests) <= 20
        gate.open()


def test_after_so_many_requests_the_connection_ends_and_none_is_lost(site, make_door):
    door = make_door(config={"limits": {"keep_alive_requests": 3}})
    with Http2Client(door.http) as client:
        client.send(*(http2.headers(stream, http2.request_fields("nobody.test")) for stream in (1, 3, 5)))
        for stream in (1, 3, 5):
            assert client.wait_ended(stream) == 404
        wait_until(lambda: client.closed and client.goaway == 0, client.describe)


def gated(make_backend):
    """A backend that answers once its gate is open."""
    gate, backend = Gate(), make_backend()
    backend.handler = lambda exchange: (gate.wait(), exchange.answer(200, b"done"))
    return gate, backend


def test_an_upload_that_crosses_our_goaway_costs_nobody_his_answer(make_door, make_backend):
    gate, backend = gated(make_backend)
    door = make_door(start=False, config={"limits": {"keep_alive_requests": 2}})
    door.catalog.put("a", instance("a", backend, "route=a.test"))
    door.start()
    with Http2Client(door.http) as client:
        client.send(http2.headers(1, http2.request_fields("a.test")))
        gate.wait_reached()
        client.send(http2.headers(3, http2.request_fields("nobody.test")))
        assert client.wait_ended(3) == 404
        wait_until(lambda: client.goaway == 0, client.describe)
        client.send(http2.headers(5, http2.request_fields("a.test", method="POST"), end=False), http2.data(5, b"late"))
        client.sync()
        assert client.goaway == 0 and not client.closed, client.describe()
        gate.open()
        assert client.wait_ended(1) == 200
    assert [request.method for request in backend.requests] == ["GET"]


def test_uploads_beyond_the_streams_that_may_be_are_refused_alone(site, make_door, make_backend):
    """All in one breath, before our SETTINGS could be acknowledged: they are no fault of the client's."""
    door = make_door(start=False, config={"limits": {"http2_streams": 4}})
    door.catalog.put("a", instance("a", make_backend(), "route=a.test"))
    door.start()
    with Http2Client(door.http, quiet=True) as client:
        frames = []
        for stream in range(1, 21, 2):
            frames.append(http2.headers(stream, http2.request_fields("a.test", method="POST"), end=False))
        frames += [http2.data(stream, b"x") for stream in range(1, 21, 2)]
        client.send(*frames)
        for stream in range(1, 9, 2):
            assert client.wait_ended(stream) == 200
        wait_until(lambda: set(client.resets) >= set(range(9, 21, 2)), client.describe)
        assert set(client.resets.values()) == {7} and client.goaway is None, client.describe()


def test_a_drain_says_goaway_and_lets_requests_finish(make_door, make_backend):
    gate, backend = gated(make_backend)
    door = make_door(start=False)
    door.catalog.put("a", instance("a", backend, "route=a.test"))
    door.start()
    with Http2Client(door.http) as client:
        client.send(http2.headers(1, http2.request_fields("a.test")))
        gate.wait_reached()
        door.signal(signal.SIGTERM)
        wait_until(lambda: client.goaway == 0, client.describe)
        gate.open()
        assert client.wait_ended(1) == 200
        wait_until(lambda: client.closed, client.describe)


# -- misbehaviour -----------------------------------------------------------------------------------------------------


def test_a_client_that_opens_no_window_is_given_up_and_costs_little(site):
    """Zero-window stalls: the answer's bytes wait in bounded memory, for a bounded time."""
    body = b"x" * (4 << 20)
    site.answer_with(lambda exchange: exchange.answer(200, body))
    before = site.door.rss()
    with open_to(site, settings_sent=[(4, 0)], quiet=True) as client:
        client.send(*(http2.headers(2 * n + 1, fields_for(site, f"/stall{n}")) for n in range(20)))
        wait_until(lambda: len(client.resets) == 20, client.describe, within=20)
        assert site.door.rss() - before < 16 * MIB
    assert site.door.logged(path="/stall7", host=site.host)["termination"] in ("client_not_reading", "client_too_slow")


def test_a_client_that_opens_no_window_holds_back_its_own_upload_too(site):
    """A backend that reads nothing: no more of the body is taken than the stream's window."""
    gate = Gate()

    def read_nothing(exchange):
        gate.wait()
        exchange.close()

    site.backend.head_only = True
    site.answer_with(read_nothing)
    with open_to(site, quiet=True) as client:
        client.send(http2.headers(1, fields_for(site, method="POST"), end=False))
        gate.wait_reached()
        client.send(*(http2.data(1, b"x" * 16000, end=False) for _ in range(4)))
        client.sync()
        client.send(*(http2.data(1, b"x" * 16000, end=False) for _ in range(2000)))  # far beyond any window
        client.wait_over()
        gate.open()


def test_a_bucket_of_odd_events_is_for_each_connection(site):
    with open_to(site) as client, open_to(site) as other:
        client.send(*(http2.ping() for _ in range(1500)))
        client.wait_over()
        assert client.goaway == http2.ENHANCE_YOUR_CALM
        assert ask(other, site) == 200
    wait_until(lambda: site.door.metric("gatehouse_http2_connections_cut_total") >= 1, "the cut counted")


def test_as_many_odd_events_as_may_pass(site):
    with open_to(site) as client:
        client.send(*(http2.ping() for _ in range(900)))
        assert ask(client, site) == 200
        assert client.goaway is None


ATTACKS = {
    "rapid_reset": lambda s, h: http2.headers(s, http2.request_fields(h)) + http2.reset(s),
    "made_you_reset": lambda s, h: http2.headers(s, http2.request_fields(h, method="POST"), end=False)
    + http2.window_update(s, 0),
    "malformed": lambda s, h: http2.headers(s, http2.request_fields(h) + [["connection", "close"]]),
    "settings": lambda s, h: http2.settings((4, s)),
    "crumbs": lambda s, h: http2.headers(s, http2.request_fields(h) + [["cookie", "a=b"]] * 400),
}


@pytest.mark.ci
@pytest.mark.parametrize("attack", ATTACKS)
def test_under_attack_a_neighbour_is_served(site, attack):
    make, before = ATTACKS[attack], site.door.rss()
    with Load(site.door.http, site.host, threads=2, targets=("/",), pause=0.01) as load:
        end = time.monotonic() + 2  # the attack's length, not a wait
        while time.monotonic() < end:
            with open_to(site) as client:
                for n in range(0, 3000, 50):
                    if client.over() or not client.send(*(make(2 * (n + i) + 1, site.host) for i in range(50))):
                        break
        wait_until(lambda: load.answered > 20, lambda: f"{load.answered} answers, {load.failures}", within=20)
    load.assert_none_failed()
    assert site.door.rss() - before < 64 * MIB * PATIENCE


# -- other clients ----------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_h2load_fails_no_request(site):
    site.answer_with(lambda exchange: exchange.answer(200, b"x" * 3000))
    done = subprocess.run(
        ["h2load", "-n500", "-c4", "-m10", "-H", f":authority: {site.host}", "http://{}:{}/".format(*site.door.http)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100,
    )
    assert "500 succeeded, 0 failed" in done.stdout, done.stdout[-800:]
