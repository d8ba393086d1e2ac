"""Clients that take much and read nothing: they pay for it, and nobody else does."""
import contextlib
import os
import socket
import time

import pytest

from support import websocket
from support.catalog import instance
from support.client import Client, ask
from support.http2 import Http2Client, headers, request_fields
from support.process import MIB
from support.wait import SANITIZED, wait_until

pytestmark = pytest.mark.ci

NO_WINDOW = (4, 0)  # SETTINGS_INITIAL_WINDOW_SIZE
GREEDY = [f"127.18.0.{n}" for n in range(1, 250)]
SMALL_DOOR = {"limits": {"memory": "64MiB"}}


@pytest.fixture
def house(make_door, make_backend, tmp_path):
    """A door of little memory: files, a backend of large answers, and another service."""
    (tmp_path / "big.bin").write_bytes(os.urandom(4 * MIB))
    large = make_backend("large")
    large.handler = lambda exchange: exchange.answer(body=b"x" * (4 * MIB))
    door = make_door(start=False, config={**SMALL_DOOR, "services": {"files": {"route": "files.test", "files": str(tmp_path)}}})
    door.catalog.put("large", instance("large", large, "route=large.test"))
    door.catalog.put("other", instance("other", make_backend("other"), "route=other.test"))
    door.start()
    return door


class Innocent:
    """Asks for another service all the while."""

    def __init__(self, door):
        self.door, self.statuses, self.longest = door, [], 0.0

    def ask(self, times=1):
        for _ in range(times):
            began = time.monotonic()
            self.statuses.append(ask(self.door.http, host="other.test", source="127.19.0.1").status)
            self.longest = max(self.longest, time.monotonic() - began)


def greedy(door, stack, source, host, target, streams=100):
    client = stack.enter_context(Http2Client(door.http, settings_sent=[NO_WINDOW], source=source))
    client.send(*(headers(2 * n + 1, request_fields(host, target, scheme="http")) for n in range(streams)))
    return client


@pytest.mark.parametrize("host, target", [("files.test", "/big.bin"), ("large.test", "/big")])
def test_who_asks_for_much_and_reads_nothing_costs_the_door_its_limit_and_others_nothing(house, host, target):
    innocent, before = Innocent(house), house.rss()
    innocent.ask()
    most = 0
    with contextlib.ExitStack() as stack:
        for n in range(80):
            greedy(house, stack, GREEDY[0], host, target)
            innocent.ask()
            most = max(most, house.metric("gatehouse_memory_used_bytes"))
        for _ in range(30):
            innocent.ask()
            most = max(most, house.metric("gatehouse_memory_used_bytes"))
            time.sleep(0.05)  # the look at memory comes by time
        assert set(innocent.statuses) == {200}
        assert most < 70 * MIB
        if not SANITIZED:  # which keep what was freed, and shadows of it
            assert house.rss() - before < 128 * MIB
    wait_until(lambda: house.metric("gatehouse_http2_streams_open") == 0, "all is over")
    innocent.ask()


def test_who_holds_memory_with_many_slow_uploads_loses_it_before_others_wait(make_door, make_backend):
    limits = {"connections_per_client": 100000, "memory": "64MiB"}
    door = make_door(start=False, config={"limits": limits})
    silent = socket.create_server(("127.0.0.1", 0), backlog=4096)  # connections stand, nobody takes them
    door.catalog.put("silent", instance("silent", silent.getsockname(), "route=silent.test", "http=serve"))
    door.catalog.put("other", instance("other", make_backend("other"), "route=other.test"))
    door.start()
    innocent, held = Innocent(door), []
    for n in range(3000):
        try:
            held.append(Client(door.http, source=GREEDY[2], host="silent.test", timeout=2))
            held[-1].send(b"POST / HTTP/1.1\r\nHost: silent.test\r\nContent-Length: 100000\r\n\r\n" + b"a" * 4000)
        except OSError:
            pass
        if n % 20 == 0:
            innocent.ask()
    wait_until(lambda: door.metric("gatehouse_connections_cut_for_memory_total") > 0, "it pays")
    innocent.ask(10)
    assert set(innocent.statuses) == {200}
    for client in held:
        client.close()


def connect_fields(host):
    return [[":method", "CONNECT"], [":protocol", "websocket"], [":scheme", "http"], [":authority", host], [":path", "/ws"],
            ["sec-websocket-version", "13"]]  # fmt: skip


def open_descriptors(door):
    return len(os.listdir(f"/proc/{door.pid}/fd"))


def test_who_opens_websockets_without_end_leaves_descriptors_to_others(make_door, make_backend):
    """Each holds a connection to the backend; eleven connections of a hundred streams would take all there are."""
    backend, other = make_backend("sockets"), make_backend("other")
    backend.handler = websocket.accept_and_echo
    door = make_door(start=False)
    door.catalog.put("sockets", instance("sockets", backend, "route=files.test"))
    door.catalog.put("other", instance("other", other, "route=other.test"))
    door.start("prlimit", "--nofile=1024:1024")
    innocent = Innocent(door)
    with contextlib.ExitStack() as stack:
        for n in range(30):
            client = stack.enter_context(Http2Client(door.http, source=GREEDY[1]))
            client.send(*(headers(2 * i + 1, connect_fields("files.test"), end=False) for i in range(100)))
            innocent.ask()
        wait_until(lambda: door.metric("gatehouse_http2_streams_refused_total") > 100, "some are refused")
        innocent.ask(5)
        assert open_descriptors(door) < 1000
        with Http2Client(door.http, source="127.19.0.2") as late:
            late.send(headers(1, request_fields("other.test", "/", scheme="http")))
            wait_until(lambda: late.statuses.get(1) == 200, "who comes later is served over HTTP/2, too")
    assert set(innocent.statuses) == {200}
