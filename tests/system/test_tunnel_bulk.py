"""Much through one connection of a tunnel, each way after the other: every byte comes, once and in its place."""
import hashlib
import os
import socket
import threading

import pytest

from support import tunnel
from support.tunnel import ENTRY_PORT, EXIT_PORT, new_key, write_keys
from support.wait import patient

PAIRS = [("ours", "ours"), ("ours", "stunnel"), ("stunnel", "ours")]
IDENTITY = "a.db.b"
BLOCK = 1 << 20
SILENCE = 60


def send_blocks(sock, count):
    """Blocks that differ by their number; gives the digest of them all."""
    noise, digest = os.urandom(BLOCK - 8), hashlib.sha256()
    for number in range(count):
        block = number.to_bytes(8, "big") + noise
        digest.update(block)
        sock.sendall(block)
    return digest.digest()


def receive(sock, size):
    digest, room = hashlib.sha256(), memoryview(bytearray(BLOCK))
    while size:
        got = sock.recv_into(room, min(size, BLOCK))
        assert got, f"ended {size} bytes too early"
        digest.update(room[:got])
        size -= got
    return digest.digest()


def receive_exactly(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more
        data += more
    return data


class Mirror:
    """Takes so many blocks, says their digest, sends as many of its own and their digest."""

    def __init__(self, blocks):
        self.blocks, self.listener = blocks, socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            sock, _ = self.listener.accept()
            with sock:
                sock.settimeout(patient(SILENCE))
                sock.sendall(receive(sock, self.blocks * BLOCK))
                sock.sendall(send_blocks(sock, self.blocks))
                sock.recv(1)  # until the other side has all of it
        except OSError:
            pass  # the client tells

    def stop(self):
        self.listener.close()


@pytest.mark.parametrize("entry,exit", PAIRS, ids=[f"{entry}-{exit}" for entry, exit in PAIRS])
@pytest.mark.parametrize("blocks", [
    pytest.param(1 << 10, id="1GiB", marks=[pytest.mark.ci, pytest.mark.timeout(300)]),
    pytest.param(10 << 10, id="10GiB", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
])
def test_every_byte_comes_each_way(make_door, tmp_path, entry, exit, blocks):
    mirror = Mirror(blocks)
    far, near = make_door(start=False, name="far"), make_door(start=False, name="near")
    keys = write_keys(str(tmp_path / "k.psk"), (IDENTITY, new_key()))
    at, here = (far.address, EXIT_PORT), (near.address, ENTRY_PORT)
    stunnel = None
    if exit == "ours":
        allow = [{"identity": IDENTITY, "service": "db"}]
        far.change_config({"tunnel": tunnel.exit_section(far.address, keys, allow,
                                                         {"db": f"{mirror.host}:{mirror.port}"})})
        far.start()
    else:
        stunnel = tunnel.stunnel_server(str(tmp_path), at, (mirror.host, mirror.port), keys)
    if entry == "ours":
        near.change_config({"tunnel": tunnel.entry_section("%s:%d" % here, ("%s:%d" % at, IDENTITY, keys))})
        near.start()
    else:
        stunnel = tunnel.stunnel_client(str(tmp_path), here, at, keys)
    try:
        with socket.create_connection(here, timeout=patient(SILENCE)) as sock:
            assert send_blocks(sock, blocks) == receive_exactly(sock, 32)
            came = receive(sock, blocks * BLOCK)
            assert came == receive_exactly(sock, 32)
    finally:
        mirror.stop()
        if stunnel:
            stunnel.stop()
