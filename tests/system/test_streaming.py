"""Large bodies stream through in flat memory, and a slow end slows the other down instead of filling the door."""
import threading

import pytest

from support import bulk, wire
from support.catalog import instance
from support.process import MIB, forget_peak
from support.wait import wait_until

SMALL, LARGE = 200 * MIB, 2048 * MIB
ROOM = 16 * MIB  # what any number of bytes may add to the door's memory

sizes = pytest.mark.parametrize(
    "size",
    [
        pytest.param(SMALL, id="200MiB", marks=pytest.mark.ci),
        pytest.param(LARGE, id="2GiB", marks=[pytest.mark.long]),
    ],
)
transports = pytest.mark.parametrize("transport", ["plain", "tls"])


@pytest.fixture(scope="module")
def house(make_shared_door, authority):
    """A door on both transports with one host per size."""
    door = make_shared_door(start=False, tls=True)
    authority.issue("big200.test", "big2048.test").write(door.certificates, "big")
    backends, uploads = [], []
    for size in (SMALL, LARGE):
        backend = bulk.big_backend(size, uploads)
        backends.append(backend)
        name = f"big{size // MIB}"
        door.catalog.put(name, instance(name, backend, f"route={name}.test", "http=serve"))
    door.start()
    # first uses of buffers and pools are not growth
    bulk.upload(door.http, f"big{SMALL // MIB}.test", 4 * MIB)
    bulk.upload(door.https, f"big{SMALL // MIB}.test", 4 * MIB, authority.trust(), f"big{SMALL // MIB}.test")
    yield door, authority, uploads
    for backend in backends:
        backend.stop()


def way(house, transport, size):
    door, authority, _ = house
    host = f"big{size // MIB}.test"
    if transport == "tls":
        return {"address": door.https, "host": host, "tls": authority.trust(), "sni": host}
    return {"address": door.http, "host": host}


@sizes
@transports
def test_a_download_streams_in_flat_memory(house, transport, size):
    door = house[0]
    before = door.rss()
    forget_peak(door.pid)
    got = bulk.download(**way(house, transport, size))
    assert (got.size, got.hex()) == (size, bulk.digest_of(size))
    assert door.peak_rss() - before < ROOM


@sizes
@transports
def test_an_upload_streams_in_flat_memory(house, transport, size):
    door, _, uploads = house
    uploads.clear()
    before = door.rss()
    forget_peak(door.pid)
    answer = bulk.upload(size=size, **way(house, transport, size))
    assert answer.text == "taken"
    assert (uploads[0].size, uploads[0].hex()) == (size, bulk.digest_of(size))
    assert door.peak_rss() - before < ROOM


@pytest.mark.ci
def test_a_client_that_does_not_read_stops_the_backend_not_the_door_s_memory(site):
    sent = []

    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", {"Content-Length": str(SMALL)}))
        for block in bulk.pattern(SMALL):
            exchange.send(block)
            sent.append(len(block))

    site.answer_with(answer)
    before = site.door.rss()
    with site.client(receive_buffer=4096, timeout=60) as client:
        client.request()
        head = client.reader.response_head()
        # the backend is stopped when it has sent nothing more for a while
        seen = [-1]

        def stalled():
            was, seen[0] = seen[0], sum(sent)
            return was == seen[0] > 0

        wait_until(stalled, "the backend stalls", within=20, every=0.5)
        assert sum(sent) < SMALL / 2, "nobody reads, so most of it is still with the backend"
        assert site.door.rss() - before < ROOM
        got = bulk.take_all(client.reader, int(head.get("Content-Length")))
    assert got.hex() == bulk.digest_of(SMALL)


@pytest.mark.ci
@pytest.mark.site(head_only=True)
def test_a_backend_that_does_not_read_stops_the_client_not_the_door_s_memory(site):
    begin = threading.Event()
    uploads = []

    def answer(exchange):
        begin.wait(60)
        uploads.append(bulk.take_all(exchange.connection.reader, SMALL))
        exchange.answer(body="taken")

    site.answer_with(answer)
    before, sent = site.door.rss(), []

    def send(client):
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Content-Length", str(SMALL))]))
        for block in bulk.pattern(SMALL):
            client.send(block)
            sent.append(len(block))

    with site.client(timeout=60) as client:
        sender = threading.Thread(target=send, args=(client,), daemon=True)
        sender.start()
        seen = [-1]

        def stalled():
            was, seen[0] = seen[0], sum(sent)
            return was == seen[0] > 0

        wait_until(stalled, "the client stalls", within=20, every=0.5)
        assert sum(sent) < SMALL / 2
        assert site.door.rss() - before < ROOM
        begin.set()
        assert client.response().text == "taken"
        sender.join(10)
    assert uploads[0].hex() == bulk.digest_of(SMALL)


@pytest.mark.ci
def test_one_stalled_client_does_not_slow_the_others(site):
    def answer(exchange):
        if exchange.request.target == "/big":
            exchange.send(wire.message("HTTP/1.1 200 OK", {"Content-Length": str(SMALL)}))
            for block in bulk.pattern(SMALL):
                exchange.send(block)
        else:
            exchange.answer(body="small")

    site.answer_with(answer)
    stalled = [site.client(receive_buffer=4096) for _ in range(8)]
    for client in stalled:
        client.request("GET", "/big")
        client.reader.response_head()
    with site.client(timeout=2) as client:
        for _ in range(200):
            assert client.ask("GET", "/small").text == "small"
    for client in stalled:
        client.reset()


@pytest.mark.ci
def test_a_chunked_stream_of_small_pieces_arrives_whole(site):
    pieces = 20000

    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", {"Transfer-Encoding": "chunked"}))
        for n in range(pieces):
            exchange.send(b"5\r\n%05d\r\n" % n)
        exchange.send(b"0\r\n\r\n")

    site.answer_with(answer)
    assert site.ask(timeout=60).body == b"".join(b"%05d" % n for n in range(pieces))


@pytest.mark.ci
@pytest.mark.site(head_only=True)
def test_bodies_pass_both_ways_at_once(site):
    def answer(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", {"Transfer-Encoding": "chunked"}))
        left = 8 * MIB
        while left:
            data = exchange.read()
            left -= len(data)
            exchange.send(b"%x\r\n%s\r\n" % (len(data), data))
        exchange.send(b"0\r\n\r\n")

    site.answer_with(answer)
    body = bulk.BLOCK * 32
    with site.client(timeout=30) as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", site.host), ("Content-Length", str(len(body)))]))
        sender = threading.Thread(target=client.send, args=(body,), daemon=True)
        sender.start()
        assert client.response("POST").body == body
        sender.join(10)
