"""Tunnels over links that are slow and cut bytes anywhere, and ends that die or stand still at any moment."""
import hashlib
import os
import random
import signal
import socket
import threading
import time

import pytest

from support import tunnel
from support.tcp_backend import TcpBackend
from support.tunnel import ENTRY_PORT, EXIT_PORT, half_close_exchange, new_key, write_keys
from support.wait import patient, wait_until

pytestmark = [pytest.mark.ci, pytest.mark.timeout(180)]

IDENTITY = "a.db.b"


class SlowLink:
    """A relay that passes bytes in small pieces of any size, each a while after it came; the order stays."""

    def __init__(self, to, delay=0.02, most=1500):
        self.to, self.delay, self.most, self.dice = to, delay, most, random.Random(7)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.to, timeout=patient(10))
            except OSError:
                return
            for source, sink in ((near, far), (far, near)):
                sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            source.settimeout(None)
            while data := source.recv(self.dice.randint(1, self.most)):
                time.sleep(self.delay * self.dice.random())  # the link's own slowness is what is tested
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.close()


@pytest.fixture
def backend():
    made = TcpBackend("db")
    yield made
    made.stop()


@pytest.fixture
def ends(make_door, tmp_path, backend):
    """A far end, and a maker of the near one that leads to these addresses."""
    keys = write_keys(str(tmp_path / "k.psk"), (IDENTITY, new_key()))
    allow = [{"identity": IDENTITY, "service": "db"}]

    class Ends:
        def exit(self, name="far"):
            door = make_door(start=False, name=name)
            door.change_config({"tunnel": tunnel.exit_section(door.address, keys, allow,
                                                              {"db": f"{backend.host}:{backend.port}"})})
            door.at = (door.address, EXIT_PORT)
            return door.start()

        def entry(self, *ats, **more):
            door = make_door(start=False, name="near")
            door.near = (door.address, ENTRY_PORT)
            door.change_config({"tunnel": tunnel.entry_section(
                "%s:%d" % door.near, *(("%s:%d" % at, IDENTITY, keys) for at in ats), **more)})
            return door.start()

    return Ends()


def greeted(at):
    sock = socket.create_connection(at, timeout=patient(20))
    assert sock.recv(3) == b"db\n"
    return sock


def test_a_slow_link_that_cuts_records_anywhere_loses_nothing(ends, backend):
    far = ends.exit()
    link = SlowLink(far.at)
    near = ends.entry((link.host, link.port), connect_timeout="60s")
    said = os.urandom(256 << 10)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(half_close_exchange(near.near, said, within=60)))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [hashlib.sha256(each).digest() for each in answers] == [
        hashlib.sha256(b"db\n" + said + b"bye\n").digest()] * 4
    link.stop()


@pytest.mark.parametrize("dies", ["far", "near"])
def test_an_end_that_is_killed_resets_both_sides_and_comes_back(ends, backend, dies):
    far = ends.exit()
    near = ends.entry(far.at)
    sock = greeted(near.near)
    door = far if dies == "far" else near
    door.kill()
    # what a killed process leaves is an end without TLS's: whoever lives makes a reset of it
    if dies == "far":
        assert tunnel.was_reset(sock)
    else:
        wait_until(lambda: backend.session().reset, "the service sees a reset")
    sock.close()
    door.start()
    wait_until(lambda: half_close_exchange(near.near).endswith(b"bye\n"), "it is led through again", within=20)


def test_an_exit_that_stands_still_is_passed_over(ends, backend):
    still, far = ends.exit("still"), ends.exit()
    near = ends.entry(still.at, far.at, connect_timeout="500ms")
    os.kill(still.pid, signal.SIGSTOP)
    try:
        assert half_close_exchange(near.near) == b"db\nquestionbye\n"
        near.logged(event="tunnel", side="entry", attempts=2, termination="ok")
    finally:
        os.kill(still.pid, signal.SIGCONT)


def test_an_exit_that_stands_still_for_a_while_holds_back_who_sends_and_loses_nothing(ends, backend):
    far = ends.exit()
    near = ends.entry(far.at)
    sock = greeted(near.near)
    far_pid, said = far.pid, os.urandom(32 << 20)  # more than all buffers on the way
    os.kill(far_pid, signal.SIGSTOP)
    sender = threading.Thread(target=sock.sendall, args=(said,))
    sender.start()
    sender.join(0.5)
    assert sender.is_alive(), "it is held back"
    os.kill(far_pid, signal.SIGCONT)
    came = bytearray()
    while len(came) < len(said):
        more = sock.recv(1 << 16)
        assert more
        came += more
    sender.join()
    assert came == said
    sock.close()
