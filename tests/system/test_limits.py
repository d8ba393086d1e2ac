"""Limits: what is too large or too slow is answered and ended in bounded time; what is just within passes."""
import os
import signal
import time

import pytest

from support import bulk, wire
from support.backend import Gate
from support.catalog import instance
from support.client import Client, ask, trickle
from support.process import MIB
from support.wait import wait_until, watch_for

pytestmark = pytest.mark.ci

DOOR = {
    "limits": {
        "request_line": "2KiB", "fields": "4KiB", "field_count": 10, "header_time": "1s", "keep_alive_time": "1s",
        "body_idle_time": "1s", "body_rate": "1KiB/s", "body_rate_after": "1s", "keep_alive_requests": 5,
    }
}
HEAD = "GET / HTTP/1.1\r\n"


def answer_to(site, data):
    with site.client() as client:
        client.send(data)
        return client.response()


# -- sizes ----------------------------------------------------------------------------------------------------------


def request_line_of(size, host):
    line = "GET /"
    return line + "a" * (size - len(line) - len(" HTTP/1.1")) + f" HTTP/1.1\r\nHost: {host}\r\n\r\n"


def test_a_request_line_at_its_limit_passes(site):
    assert answer_to(site, request_line_of(2048, site.host)).status == 200


def test_a_request_line_one_byte_over_its_limit_is_answered_with_414(site):
    with site.client() as client:
        client.send(request_line_of(2049, site.host))
        assert client.response().status == 414
        client.wait_closed()
    assert site.backend.requests == []


def fields_of(size, host):
    fields = f"Host: {host}\r\nX-A: "
    return HEAD + fields + "b" * (size - len(fields) - 2) + "\r\n\r\n"


def test_fields_at_their_limit_pass(site):
    assert answer_to(site, fields_of(4096, site.host)).status == 200


def test_fields_one_byte_over_their_limit_are_answered_with_431(site):
    with site.client() as client:
        client.send(fields_of(4097, site.host))
        assert client.response().status == 431
        client.wait_closed()
    assert site.backend.requests == []


@pytest.mark.parametrize("count, status", [(10, 200), (11, 431)])
def test_as_many_fields_as_the_limit_pass_and_one_more_does_not(site, count, status):
    fields = f"Host: {site.host}\r\n" + "".join(f"X-{n}: 1\r\n" for n in range(count - 1))
    assert answer_to(site, HEAD + fields + "\r\n").status == status


@pytest.mark.site("max_body=1KiB")
def test_a_body_at_its_limit_passes(site):
    assert site.ask("POST", "/", body=b"x" * 1024).status == 200


@pytest.mark.site("max_body=1KiB")
def test_a_body_one_byte_over_its_limit_is_answered_with_413_before_the_backend_is_asked(site):
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Content-Length", "1025")]))
        assert client.response().status == 413
    assert site.backend.requests == [] and site.backend.connections == []


@pytest.mark.site("max_body=1KiB")
def test_a_chunked_body_over_its_limit_never_becomes_whole_at_the_backend(site):
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Transfer-Encoding", "chunked")]))
        client.send(wire.chunked(b"x" * 1000, b"y" * 1000))
        assert client.response().status == 413
        client.wait_closed()
    assert site.backend.requests == []


@pytest.mark.site("max_body=1KiB")
def test_a_refused_upload_can_read_its_413_though_it_is_still_sending(site):
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Content-Length", str(4 * MIB))]))
        try:
            for block in bulk.pattern(4 * MIB):
                client.send(block)
        except ConnectionError:
            pass  # the door may stop reading at some time; what it answered must have come through
        assert client.response().status == 413


def test_a_connection_ends_after_its_requests(site):
    with site.client() as client:
        answers = [client.ask("GET", f"/{n}") for n in range(5)]
        assert [answer.status for answer in answers] == [200] * 5
        assert [answer.get("Connection") for answer in answers][-1] == "close"
        client.wait_closed()


# -- times ----------------------------------------------------------------------------------------------------------


def test_a_head_that_stops_is_answered_with_408(site):
    with site.client() as client:
        client.send(HEAD + "Host: ")
        assert client.response().status == 408
        client.wait_closed()


def test_a_head_that_drips_is_ended_at_the_same_time(site):
    began = time.monotonic()
    with site.client() as client:
        trickle(client, (HEAD + "X-A: " + "b" * 1000).encode(), 0.1, lambda one: one.is_closed())
        assert time.monotonic() - began < 6
        assert b"HTTP/1.1 408" in client.raw


def test_a_connection_without_a_byte_is_closed(site):
    with site.client() as client:
        client.wait_closed(within=6)


def test_an_idle_connection_is_closed_without_a_word(site):
    with site.client() as client:
        client.ask()
        assert client.wait_closed(within=6) == b""


def begin_upload(client, site, size=100000):
    client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Content-Length", str(size))], b"begun"))


def test_a_body_that_stops_is_answered_with_408(site):
    with site.client() as client:
        begin_upload(client, site)
        assert client.response().status == 408
        client.wait_closed()
    wait_until(lambda: not site.backend.open_connections(), "the backend's connection ends with the request")
    assert site.backend.requests == []


def test_a_body_that_drips_below_the_least_rate_is_ended(site):
    began = time.monotonic()
    with site.client() as client:
        begin_upload(client, site)
        trickle(client, b"x" * 200, 0.1, lambda one: one.is_closed())  # 10 bytes a second
        assert time.monotonic() - began < 10
        assert b"HTTP/1.1 408" in client.raw
    assert site.backend.requests == []


def test_a_chunked_body_that_drips_below_the_least_rate_is_ended(site):
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Transfer-Encoding", "chunked")]))
        trickle(client, b"1\r\nx\r\n" * 40, 0.05, lambda one: one.is_closed())
        client.wait_closed()
        assert b"HTTP/1.1 408" in client.raw
    assert site.backend.requests == []


def test_a_slow_body_above_the_least_rate_passes(site):
    body = b"x" * 1000
    with site.client() as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Content-Length", "8000")]))
        for _ in range(8):
            client.send(body)
            time.sleep(0.25)  # 4,000 bytes a second for two seconds: the pace is what is tested
        assert client.response().status == 200
    assert site.backend.requests[0].body == body * 8


@pytest.mark.site("timeout=1s")
def test_a_backend_that_does_not_answer_is_given_up_with_504(site):
    site.answer_with(lambda exchange: exchange.read())
    assert site.ask().status == 504
    wait_until(lambda: not site.backend.open_connections(), "the silent backend's connection is dropped")


@pytest.mark.site("timeout=1s", "idle_timeout=1s")
def test_a_backend_that_stops_in_its_body_ends_the_client_s_connection(site):
    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
        exchange.read()

    site.answer_with(answer)
    with site.client() as client:
        client.request()
        assert client.wait_closed(within=6).endswith(b"begun")


@pytest.mark.site("timeout=off", "idle_timeout=off")
def test_a_time_that_is_off_never_ends_a_request(site):
    gate = Gate()

    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")
        gate.wait()
        exchange.send(b"lf")

    site.answer_with(lambda exchange: (gate.wait(), exchange.answer(body="late")))
    for body in (b"late", b"half"):
        with site.client() as client:
            client.request()
            gate.wait_reached()
            assert not watch_for(client.is_closed, 0.3)  # silence is what is tested
            gate.open()
            client.set_timeout(5)
            assert client.response().body == body
        gate = Gate()
        site.answer_with(answer)


@pytest.mark.site("total_timeout=1s")
def test_an_exchange_ends_after_its_total_time_though_bytes_still_come(site):
    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while exchange.connection.open:
            exchange.send(b"x")
            time.sleep(0.05)  # a backend that drips

    site.answer_with(answer)
    with site.client() as client:
        client.request()
        client.wait_closed(within=6)


@pytest.mark.site("total_timeout=1s")
def test_an_exchange_ends_after_its_total_time_though_the_door_always_has_bytes_to_move(site):
    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", {"Transfer-Encoding": "chunked"}))
        while True:
            exchange.send(b"1\r\nx\r\n" * 10000)  # the door has more to do with it than the two ends

    site.answer_with(answer)
    with site.client() as client:
        client.request()
        client.reader.response_head()
        bulk.discard_all(client.sock, within=10)


def endless(exchange):
    exchange.send(wire.message("HTTP/1.1 200 OK", {"Content-Length": str(1 << 40)}))
    while True:
        exchange.send(bulk.BLOCK)


@pytest.mark.site("idle_timeout=1s")
def test_a_reader_that_stops_is_ended(site):
    site.answer_with(endless)
    client = site.client(receive_buffer=4096)
    client.request()
    client.reader.response_head()
    wait_until(lambda: not site.backend.open_connections(), "the door gives up the reader", within=10)
    client.reset()


@pytest.mark.site("idle_timeout=1s")
def test_a_reader_that_drips_is_ended(site):
    site.answer_with(endless)
    client = site.client(receive_buffer=4096)
    client.request()
    client.reader.response_head()

    def ended():
        client.sock.settimeout(0.2)
        try:
            client.sock.recv(50)  # 1,000 bytes a second at most
        except OSError:
            pass
        return not site.backend.open_connections()

    wait_until(ended, "the door gives up a reader of some bytes a second", within=20, every=0.05)
    client.reset()


# -- connections ----------------------------------------------------------------------------------------------------


def is_served(address, source):
    try:
        return ask(address, source=source, host="one.test", timeout=2).status == 200
    except (OSError, wire.Closed):
        return False


def test_one_client_gets_its_connections_and_no_more_and_others_are_served(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"connections_per_client": 5}})
    door.catalog.put("one", instance("one", make_backend(), "route=one.test"))
    door.start()
    held = [Client(door.http, source="127.0.0.7", host="one.test") for _ in range(5)]
    assert [client.ask().status for client in held] == [200] * 5
    assert not is_served(door.http, "127.0.0.7"), "the sixth"
    assert is_served(door.http, "127.0.0.8"), "another client"
    assert held[0].ask().status == 200, "those that are open go on"
    held.pop().close()
    wait_until(lambda: is_served(door.http, "127.0.0.7"), "a place that is free again")
    for client in held:
        client.close()


def test_all_clients_together_get_the_door_s_connections_and_no_more(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"connections": 16, "connections_per_client": 1000}})
    door.catalog.put("one", instance("one", make_backend(), "route=one.test"))
    door.start()
    held = [Client(door.http, host="one.test") for _ in range(16)]
    assert [client.ask().status for client in held] == [200] * 16
    assert not is_served(door.http, "127.0.0.9")
    assert door.probe("/healthz") == 200, "the metrics address is not the clients'"
    for client in held:
        client.close()
    wait_until(lambda: is_served(door.http, "127.0.0.9"), "service when there is room again")


# -- turns ----------------------------------------------------------------------------------------------------------


def test_a_client_that_sends_many_requests_at_once_takes_turns_with_others(make_door):
    door = make_door(config={"workers": 1})
    requests = {name: b"".join(f"GET /{name}/{n} HTTP/1.1\r\nHost: none.test\r\n\r\n".encode() for n in range(200))
                for name in "ab"}
    with door.client(host="none.test") as a, door.client(host="none.test") as b:
        a.ask(target="/a/begin")
        b.ask(target="/b/begin")
        door.signal(signal.SIGSTOP)  # all of them are there when the worker looks
        os.waitpid(door.pid, os.WUNTRACED)  # it stands still
        a.send(requests["a"])
        b.send(requests["b"])
        door.signal(signal.SIGCONT)
        for client in (a, b):
            assert [client.response().status for _ in range(200)] == [404] * 200
    door.logged(path="/a/199")
    door.logged(path="/b/199")
    paths = [line["path"] for line in door.log_lines()]
    first_done = min(paths.index("/a/199"), paths.index("/b/199"))
    assert first_done > 300, "when one has its answers, the other has nearly all of its own"


def test_a_connection_that_only_lingers_holds_no_buffer(make_door):
    door = make_door(config={"workers": 1})
    clients = [door.client().send(b"rubbish\r\n\r\n") for _ in range(50)]
    for client in clients:
        assert client.response().status == 400

    def lean():  # a KiB is counted for each that is open; a slab has 16
        return 1024 <= door.metric("gatehouse_memory_used_bytes") / len(clients) < 4096

    wait_until(lean, "all still linger, and without a slab each", within=3)
    for client in clients:
        client.close()
