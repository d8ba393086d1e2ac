"""HTTP/1.1 through the door: messages pass whole, in order, on connections that are kept."""
import threading

import pytest

from support import websocket, wire
from support.backend import Gate
from support.catalog import instance
from support.process import unread
from support.wait import wait_until

pytestmark = pytest.mark.quick


def test_a_request_reaches_its_backend_and_the_answer_comes_back(site):
    answer = site.ask("GET", "/where?x=1")
    assert (answer.status, answer.get("X-Backend"), answer.text) == (200, site.backend.name, "GET /where?x=1")
    assert site.backend.requests[0].get("Host") == site.host


def test_a_client_s_connection_is_kept_for_many_requests(site):
    with site.client() as client:
        for n in range(20):
            assert client.ask("GET", f"/{n}").text == f"GET /{n}"


def test_the_backend_s_connection_is_kept_and_used_again(site):
    with site.client() as client:
        for n in range(20):
            client.ask("GET", f"/{n}")
    assert len(site.backend.connections) == 1


def test_a_backend_s_connection_is_shared_by_clients_one_after_the_other(site):
    for n in range(10):
        site.ask("GET", f"/{n}")
    # each worker has its own pool, and two workers serve
    assert len(site.backend.connections) <= 2


def test_http_1_0_is_answered_and_closed(site):
    with site.client() as client:
        client.send(f"GET /old HTTP/1.0\r\nHost: {site.host}\r\n\r\n")
        assert client.response().text == "GET /old"
        assert client.wait_closed() == b""
    assert site.backend.requests[0].version == "1.1"


def test_connection_close_is_honoured_by_closing(site):
    with site.client() as client:
        answer = client.ask("GET", "/", fields={"Connection": "close"})
        assert answer.status == 200 and answer.get("Connection") == "close"
        assert client.wait_closed() == b""
    assert len(site.backend.open_connections()) == 1, "the client's wish is not the backend's: its connection stays"


def test_an_answer_that_says_close_ends_the_backend_s_connection_only(site):
    def closing(exchange):
        exchange.answer(body="bye", fields={"Connection": "close"})
        exchange.close()

    site.answer_with(closing)
    with site.client() as client:
        assert client.ask("GET", "/1").text == "bye"
        assert client.ask("GET", "/2").text == "bye"
    assert len(site.backend.connections) == 2


def test_pipelined_requests_are_answered_in_their_order(site):
    with site.client() as client:
        for n in range(10):
            client.request("GET", f"/{n}")
        assert [client.response().text for _ in range(10)] == [f"GET /{n}" for n in range(10)]


def test_a_pipelined_request_behind_a_body_is_not_part_of_it(site):
    with site.client() as client:
        first = wire.message("POST /a HTTP/1.1", [("Host", site.host), ("Transfer-Encoding", "chunked")])
        client.send(first + wire.chunked(b"hello") + wire.message("GET /b HTTP/1.1", [("Host", site.host)]))
        assert [client.response().text, client.response().text] == ["POST /a", "GET /b"]
    assert [request.body for request in site.backend.requests] == [b"hello", b""]


def test_a_head_in_single_bytes_is_put_together(site):
    with site.client() as client:
        for byte in wire.message("GET /bytes HTTP/1.1", [("Host", site.host)]):
            client.send(bytes([byte]))
        assert client.response().text == "GET /bytes"


# -- bodies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 65536, 1 << 20])
def test_a_body_with_a_length_arrives_unchanged(site, size):
    body = bytes(n % 251 for n in range(size))
    site.answer_with(lambda exchange: exchange.answer(body=exchange.request.body))
    answer = site.ask("POST", "/", body=body)
    assert answer.body == body
    assert site.backend.requests[0].get("Content-Length") == str(size)


@pytest.mark.parametrize("pieces", [[b""], [b"a"], [b"hello", b" ", b"world"], [b"x" * 70000, b"y"]])
def test_a_chunked_request_arrives_unchanged(site, pieces):
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Transfer-Encoding", "chunked")]))
        client.send(wire.chunked(*pieces))
        assert client.response().status == 200
    request = site.backend.requests[0]
    assert request.body == b"".join(pieces) and request.has("Transfer-Encoding")


def test_a_chunked_answer_arrives_unchanged_with_its_trailers(site):
    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]))
        exchange.send(wire.chunked(b"one", b"two", trailers=[("X-Sum", "6")]))

    site.answer_with(answer)
    answer = site.ask(fields={"TE": "trailers"})
    assert answer.body == b"onetwo" and answer.trailers == [("X-Sum", "6")]


def test_a_request_s_trailers_arrive_behind_its_body(site):
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Transfer-Encoding", "chunked")]))
        client.send(wire.chunked(b"body", trailers=[("X-Sum", "4")]))
        assert client.response().status == 200
    request = site.backend.requests[0]
    assert request.trailers == [("X-Sum", "4")] and not request.has("X-Sum")


def test_a_chunk_reaches_the_client_before_the_next_one_is_made(site):
    gate = Gate()

    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + b"5\r\nfirst\r\n")
        gate.wait()
        exchange.send(b"6\r\nsecond\r\n0\r\n\r\n")

    site.answer_with(answer)
    with site.client() as client:
        client.request()
        client.reader.response_head()
        while b"first" not in client.raw:
            client.reader.fill()
        assert b"second" not in client.raw
        gate.open()
        while b"\r\n0\r\n\r\n" not in client.raw:
            client.reader.fill()


@pytest.mark.site(head_only=True)
def test_a_chunk_of_the_request_reaches_the_backend_before_the_next_one_is_sent(site):
    got = []

    def answer(exchange):
        while b"first" not in b"".join(got):
            got.append(exchange.read())
        exchange.answer(body="early")
        while exchange.read():  # until the client leaves: a loop without an end would keep the next tests waiting
            pass

    site.answer_with(answer)
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Transfer-Encoding", "chunked")]))
        client.send(b"5\r\nfirst\r\n")
        assert client.response().text == "early"


def test_a_body_that_ends_with_the_backend_s_connection_is_passed_on(site):
    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        exchange.close()

    site.answer_with(answer)
    with site.client() as client:
        answer = client.ask()
        assert answer.body == b"until the end"


def test_a_head_answer_has_a_length_and_no_body(site):
    site.answer_with(lambda exchange: exchange.answer(body="x" * 1000))
    with site.client() as client:
        answer = client.ask("HEAD", "/")
        assert (answer.status, answer.get("Content-Length"), answer.body) == (200, "1000", b"")
        site.answer_with(lambda exchange: exchange.answer(body="next"))
        assert client.ask("GET", "/").text == "next"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_does_not_hold_up_the_next(site, status):
    site.answer_with(lambda exchange: exchange.answer(status, fields={"ETag": '"1"'}))
    with site.client() as client:
        first = client.ask()
        assert (first.status, first.get("ETag"), first.body) == (status, '"1"', b"")
        assert client.ask().status == status
    assert len(site.backend.connections) == 1


def test_a_304_may_name_the_length_it_does_not_send(site):
    site.answer_with(lambda exchange: exchange.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"))
    with site.client() as client:
        assert client.ask().status == 304
        assert client.ask().status == 304


# -- interim answers ----------------------------------------------------------------------------------------------


def test_expect_100_continue_is_answered_before_the_body_is_sent(site):
    with site.client() as client:
        client.send(
            wire.message(
                "POST / HTTP/1.1", [("Host", site.host), ("Expect", "100-continue"), ("Content-Length", "5")]
            )
        )
        assert client.reader.response_head().status == 100
        client.send(b"hello")
        assert client.response().status == 200
    assert site.backend.requests[0].body == b"hello"


@pytest.mark.site(head_only=True)
def test_a_final_answer_instead_of_100_continue_is_passed_on_and_the_body_never_becomes_a_request(site):

    def refuse(exchange):
        exchange.answer(413, body="too much", fields={"Connection": "close"})
        exchange.close()

    site.answer_with(refuse)
    with site.client() as client:
        fields = [("Host", site.host), ("Expect", "100-continue"), ("Content-Length", "28")]
        client.send(wire.message("POST / HTTP/1.1", fields))
        answer = client.response()
        while answer.status == 100:
            answer = client.response()
        assert answer.status == 413
        try:
            client.send(b"GET /SMUGGLED HTTP/1.1\r\n\r\n\r\n\r\n")
        except OSError:
            pass
        client.wait_closed(within=10)
    assert [request.target for request in site.backend.requests] == ["/"]


def test_early_hints_are_passed_on_before_the_answer(site):
    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 103 Early Hints", {"Link": "</style.css>; rel=preload"}))
        exchange.answer(body="done")

    site.answer_with(answer)
    answer = site.ask()
    assert answer.text == "done"
    assert [(hint.status, hint.get("Link")) for hint in answer.interim] == [(103, "</style.css>; rel=preload")]


@pytest.mark.parametrize("end", ("rubbish", "answer", "upgrade"))
def test_interim_answers_that_a_client_is_slow_to_read_are_never_cut_in_two(make_door, make_backend, end):
    sent = threading.Event()

    def handler(exchange):
        for n in range(40):
            exchange.send(wire.message("HTTP/1.1 103 Early Hints", {"Link": f"</{n}>", "X-Long": "x" * 5000}))
        if end == "rubbish":
            exchange.send("rubbish\r\n\r\n")
        elif end == "answer":
            exchange.answer(body="whole")
        else:
            exchange.send(websocket.accepted(exchange.request) + b"hello")
        sent.set()
        exchange.read()

    door = make_door(start=False, config={"workers": 1})
    door.catalog.put("slow", instance("slow", make_backend(handler=handler), "route=slow.test"))
    door.start()
    with door.client(host="slow.test", receive_buffer=4096, segment=536) as client:
        client.send(websocket.handshake("slow.test"))
        sent.wait(2)  # all of it, or as much as the sockets between them hold: the rest follows as we read
        door.ask(host="nobody.test")  # one worker: it has seen by now what the backend sent
        answer = client.response()
        assert answer.interim, "the client was told something on the way"
        assert answer.status == {"rubbish": 502, "answer": 200, "upgrade": 101}[end]
        if end == "upgrade":
            assert client.reader.take(5) == b"hello"


def test_an_interim_answer_is_not_sent_to_http_1_0(site):
    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 103 Early Hints", {"Link": "</x>"}))
        exchange.answer(body="done")

    site.answer_with(answer)
    with site.client() as client:
        client.send(f"GET / HTTP/1.0\r\nHost: {site.host}\r\n\r\n")
        assert client.response().interim == []


# -- ends ---------------------------------------------------------------------------------------------------------


def test_a_client_that_closed_its_half_after_the_request_still_gets_its_answer(site):
    gate = Gate()

    def answer(exchange):
        gate.wait()
        exchange.answer(body="late")

    site.answer_with(answer)
    with site.client() as client:
        client.request("GET", "/").half_close()
        gate.wait_reached()
        gate.open()
        assert client.response().text == "late"
        assert client.wait_closed() == b""


def test_a_client_that_goes_away_in_its_body_leaves_no_whole_request(site):
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Content-Length", "100")], b"half"))
        site.backend.wait_for_connections(1)
        client.reset()
    connection = site.backend.connections[0]
    wait_until(lambda: not connection.open, "the backend's connection ends with the request")
    assert site.backend.requests == []


def test_a_client_that_goes_away_while_waiting_ends_the_exchange_at_the_backend(site):
    site.answer_with(lambda exchange: exchange.read())  # answers nothing, waits for the end
    with site.client() as client:
        client.request()
        site.backend.wait_for_requests(1)
        client.reset()
    wait_until(lambda: not site.backend.open_connections(), "the door ends the exchange nobody waits for")


def test_an_answer_cut_short_is_cut_short_for_the_client_too(site):
    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        exchange.close()

    site.answer_with(answer)
    with site.client() as client:
        client.request()
        client.wait_closed()
        assert not client.raw.endswith(b"short") or b"Content-Length: 100" in client.raw, "the cut shows"
        assert client.raw.startswith((b"HTTP/1.1 200", b"HTTP/1.1 502"))


def test_a_chunked_answer_cut_short_never_ends_as_if_it_were_whole(site):
    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n")
        exchange.close()

    site.answer_with(answer)
    with site.client() as client:
        client.request()
        client.wait_closed()
        assert b"\r\n0\r\n\r\n" not in client.raw


@pytest.mark.site(head_only=True)
def test_an_early_answer_ends_the_upload_without_poisoning_the_next_request(site):

    def refuse(exchange):
        exchange.answer(413, body="too much")
        exchange.close()

    site.answer_with(refuse)
    with site.client() as client:
        fields = [("Host", site.host), ("Content-Length", "1000000")]
        client.send(wire.message("POST /big HTTP/1.1", fields, b"x" * 1000))
        assert client.response().status == 413
    site.answer_with(lambda exchange: exchange.answer(body="fresh"))
    assert site.ask("GET", "/next").text == "fresh"


def fill(client, piece):
    """Sends pieces until the door takes no more of them, since its backend takes none."""
    seen = []

    def stalled():
        seen.append(unread(client.sock))
        if seen[-1] == 0:
            client.send(piece)
        return len(seen) > 4 and all(seen[-4:])

    wait_until(stalled, "the door stops reading", within=20, every=0.02)


@pytest.mark.site(head_only=True)
def test_a_client_that_leaves_while_its_backend_takes_nothing_is_noticed(site):
    gate = Gate()
    site.answer_with(lambda exchange: gate.wait())
    with site.client() as client:
        fields = [("Host", site.host), ("Content-Length", str(1 << 30))]
        client.send(wire.message("POST /left HTTP/1.1", fields))
        fill(client, b"x" * 65536)
        client.half_close()
        assert client.response().status == 400
    assert site.door.logged(host=site.host, path="/left")["termination"] == "client_closed"
    gate.open()


@pytest.mark.site(head_only=True)
def test_a_client_that_only_ends_its_sending_is_served_however_slow_its_backend_is(site):
    gate = Gate()

    def answer(exchange):
        gate.wait()
        exchange.connection.reader.body(exchange.request)
        exchange.answer(body="all of it")

    site.answer_with(answer)
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Transfer-Encoding", "chunked")]))
        fill(client, b"10000\r\n" + b"x" * 65536 + b"\r\n")
        client.send("0\r\n\r\n").half_close()
        gate.open()
        assert client.response().text == "all of it"
