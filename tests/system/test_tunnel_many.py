"""Nine thousand connections at once through two ends, by limits of open files that these raise themselves."""
import resource
import socket
import threading

import pytest

from support import tunnel
from support.tunnel import ENTRY_PORT, EXIT_PORT, new_key, write_keys
from support.wait import SANITIZED, patient, wait_until

pytestmark = [pytest.mark.ci, pytest.mark.timeout(300)]

IDENTITY = "a.db.b"
COUNT, AT_ONCE = 9000, 100  # handshakes of one address are bounded
FILES = 20000               # two for each connection, and some more


class Greeter:
    """Greets whoever comes, and keeps him."""

    def __init__(self):
        self.kept, self.listener = [], socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                sock, _ = self.listener.accept()
                sock.sendall(b"db\n")
                self.kept.append(sock)
        except OSError:
            pass

    def stop(self):
        self.listener.close()
        for sock in self.kept:
            sock.close()


@pytest.fixture
def files():
    """Both sides of all connections but the doors' are ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"the hard limit of open files is {hard}: raise it to {FILES} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def greeted(sock):
    data = b""
    while len(data) < 3:
        more = sock.recv(3)
        assert more, "ended unheard"
        data += more
    return data


def test_nine_thousand_are_open_at_once(make_door, tmp_path, files):
    greeter = Greeter()
    far, near = make_door(start=False, name="far"), make_door(start=False, name="near")
    keys = write_keys(str(tmp_path / "k.psk"), (IDENTITY, new_key()))
    at, here = (far.address, EXIT_PORT), (near.address, ENTRY_PORT)
    allow = [{"identity": IDENTITY, "service": "db"}]
    far.change_config({"tunnel": tunnel.exit_section(far.address, keys, allow, {"db": f"{greeter.host}:{greeter.port}"})})
    near.change_config({"tunnel": tunnel.entry_section("%s:%d" % here, ("%s:%d" % at, IDENTITY, keys))})
    few = ("prlimit", f"--nofile=1024:{FILES}")
    for door in (far, near):
        door.change_config({"limits": {"connections": COUNT + 200}})  # by itself it keeps an eighth of the files back
        door.start(*few)
    before = [door.rss() for door in (far, near)]
    held = []
    try:
        while len(held) < COUNT:
            fresh = [socket.create_connection(here, timeout=patient(30)) for _ in range(AT_ONCE)]
            held += fresh
            for sock in fresh:
                assert greeted(sock) == b"db\n"
        wait_until(lambda: near.metric("gatehouse_tunnel_connections_open", side="entry") == COUNT,
                   lambda: near.metric("gatehouse_tunnel_connections_open", side="entry"), within=30)
        for number in range(0, COUNT, 100):  # and they live: each end says something to the other
            held[number].sendall(b"x")
        wait_until(lambda: sum(has_bytes(sock) for sock in greeter.kept) == COUNT // 100, "what was said arrives")
        for door, rss in zip((far, near), before):
            each = (door.rss() - rss) / COUNT
            print(f"{door.name}: {each / 1024:.1f} KiB a connection")
            assert SANITIZED or each < 24 * 1024
    finally:
        for sock in held:
            sock.close()
        greeter.stop()


def has_bytes(sock):
    try:
        return bool(sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False
