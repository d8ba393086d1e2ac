"""Large bodies, made and checked without keeping them: memory is what the tests look at."""
import hashlib
import socket
import threading

from support import wire
from support.backend import Backend
from support.client import Client
from support.wait import Deadline

BLOCK = bytes(n * 31 % 251 for n in range(1 << 18))


def pattern(size):
    """The body of this size, in blocks."""
    left = size
    while left > 0:
        yield BLOCK[: min(left, len(BLOCK))]
        left -= len(BLOCK)


def digest_of(size):
    digest = hashlib.sha256()
    for block in pattern(size):
        digest.update(block)
    return digest.hexdigest()


class Digest:
    """Counts and digests bytes as they come."""

    def __init__(self):
        self._digest, self.size = hashlib.sha256(), 0

    def add(self, data):
        self._digest.update(data)
        self.size += len(data)

    def hex(self):
        return self._digest.hexdigest()


def take_all(reader, size):
    """Reads a body of this size off the reader."""
    got = Digest()
    got.add(reader.take(min(size, len(reader.buffer))))
    while got.size < size:
        data = reader.sock.recv(min(1 << 18, size - got.size))
        if not data:
            raise wire.Closed()
        got.add(data)
    return got


def big_backend(size, uploads, tls=None):
    """A backend that sends `size` bytes to a GET, and appends the Digest of what a POST brings to `uploads`."""

    def answer(exchange):
        request = exchange.request
        if request.method == "GET":
            exchange.send(wire.message("HTTP/1.1 200 OK", {"Content-Length": str(size)}))
            for block in pattern(size):
                exchange.send(block)
        else:
            uploads.append(take_all(exchange.connection.reader, int(request.get("Content-Length"))))
            exchange.answer(body="taken")

    return Backend("big", answer, head_only=True, tls=tls)


def download(address, host, tls=None, sni=None):
    """GETs the big body; its Digest."""
    with Client(address, tls=tls, sni=sni, host=host, timeout=120) as client:
        client.request()
        head = client.reader.response_head()
        assert head.status == 200, head
        return take_all(client.reader, int(head.get("Content-Length")))


def upload(address, host, size, tls=None, sni=None):
    """POSTs a big body; the answer."""
    with Client(address, tls=tls, sni=sni, host=host, timeout=120) as client:
        client.send(wire.message("POST / HTTP/1.1", [("Host", host), ("Content-Length", str(size))]))
        for block in pattern(size):
            client.send(block)
        return client.response()


def discard_all(sock, within):
    """Takes what comes until the other side ends, as fast as the kernel can throw it away."""
    room, deadline = bytearray(1 << 22), Deadline(within)
    try:
        while sock.recv_into(room, len(room), socket.MSG_TRUNC):
            assert not deadline.passed(), f"bytes still come after {within:g} s"
    except ConnectionError:
        pass


class Watcher:
    """Keeps the highest value of something while the block runs."""

    def __init__(self, look, every=0.05):
        self.look, self.every, self.highest = look, every, 0
        self._end = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def _run(self):
        while not self._end.wait(self.every):
            self.highest = max(self.highest, self.look())

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
