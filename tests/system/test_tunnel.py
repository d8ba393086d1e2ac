"""The tunnel between two ends of ours, with stunnel at either end, and with openssl: bytes, ends, and who may what."""
import hashlib
import json
import os
import socket
import subprocess
import threading

import pytest

from support import tunnel, wire
from support.tcp_backend import TcpBackend
from support.tunnel import ENTRY_PORT, EXIT_PORT, Recorder, Stunnel, alert_of, half_close_exchange, new_key, write_keys
from support.wait import patient, wait_until

pytestmark = pytest.mark.quick

IDENTITY = "a.db.b"


@pytest.fixture
def things():
    """Whatever has stop(), stopped at the end."""
    made = []

    def keep(thing):
        made.append(thing)
        return thing

    yield keep
    for thing in reversed(made):
        thing.stop()


@pytest.fixture
def backend(things):
    return things(TcpBackend("db"))


class Ends:
    """An entry and an exit, each ours or stunnel's, and the place where programs connect."""

    def __init__(self, make_door, things, tmp_path, backend, entry="ours", exit="ours", key=None, identity=IDENTITY,
                 allow=None, offer=None, exit_more=None, entry_more=None, stunnel="", to=None, key_of_entry=None):
        self.key = key or new_key()
        self.exit_keys = write_keys(str(tmp_path / "exit.psk"), (identity, self.key))
        self.entry_keys = write_keys(str(tmp_path / "entry.psk"), (identity, key_of_entry or self.key))
        self.exit_door = self.entry_door = self.stunnel = None
        self.at = self.start_exit(make_door, things, tmp_path, backend, exit, allow, offer, exit_more or {}, stunnel)
        self.near = self.start_entry(make_door, things, tmp_path, entry, to or self.at, entry_more or {}, stunnel)

    def start_exit(self, make_door, things, tmp_path, backend, which, allow, offer, more, stunnel):
        door = self.exit_door = make_door(start=False, name="far")
        at = (door.address, EXIT_PORT)
        if which == "stunnel":
            self.stunnel = things(tunnel.stunnel_server(str(tmp_path), at, (backend.host, backend.port), self.exit_keys,
                                                        stunnel))
            self.exit_door = None
            return at
        allow = [{"identity": IDENTITY, "service": "db"}] if allow is None else allow
        offer = offer or {"db": f"{backend.host}:{backend.port}"}
        door.change_config({"tunnel": tunnel.exit_section(door.address, self.exit_keys, allow, offer, **more)})
        door.start()
        return at

    def start_entry(self, make_door, things, tmp_path, which, at, more, stunnel):
        door = make_door(start=False, name="near")
        near = (door.address, ENTRY_PORT)
        if which == "stunnel":
            self.stunnel = things(tunnel.stunnel_client(str(tmp_path), near, at, self.entry_keys, stunnel))
            return near
        self.entry_door = door
        door.change_config({"tunnel": tunnel.entry_section("%s:%d" % near, ("%s:%d" % at, IDENTITY, self.entry_keys),
                                                           **more)})
        door.start()
        return near

    def connect(self):
        return socket.create_connection(self.near, timeout=patient(10))


@pytest.fixture
def ends(make_door, things, tmp_path, backend):
    return lambda **more: Ends(make_door, things, tmp_path, backend, **more)


def line(sock):
    data = b""
    while not data.endswith(b"\n"):
        more = sock.recv(1)
        assert more, f"ended after {data!r}"
        data += more
    return data


PAIRS = [("ours", "ours"), ("ours", "stunnel"), ("stunnel", "ours")]


@pytest.mark.parametrize("entry,exit", PAIRS + [("stunnel", "stunnel")], ids="-".join)
@pytest.mark.parametrize("form", list(tunnel.FORMS))
def test_bytes_pass_both_ways_with_each_form_of_key(ends, backend, entry, exit, form):
    pair = ends(entry=entry, exit=exit, key=new_key(form))
    with pair.connect() as sock:
        assert line(sock) == b"db\n"
        sock.sendall(b"hello\n")
        assert line(sock) == b"hello\n"


@pytest.mark.parametrize("entry,exit", PAIRS, ids="-".join)
def test_an_end_is_passed_on_and_the_other_direction_goes_on(ends, backend, entry, exit):
    pair = ends(entry=entry, exit=exit)
    assert half_close_exchange(pair.near) == b"db\nquestionbye\n"
    assert backend.session().ended


@pytest.mark.parametrize("entry,exit", PAIRS, ids="-".join)
def test_a_service_that_ends_first_still_hears_the_rest(ends, backend, entry, exit):
    pair = ends(entry=entry, exit=exit)
    with pair.connect() as sock:
        assert line(sock) == b"db\n"
        backend.echo = False
        backend.session().end()
        assert sock.recv(1) == b""
        sock.sendall(b"the rest")
        wait_until(lambda: bytes(backend.session().received) == b"the rest", "the service hears the rest")


@pytest.mark.parametrize("entry,exit", PAIRS, ids="-".join)
def test_a_reset_of_either_side_is_a_reset_of_the_other(ends, backend, entry, exit):
    pair = ends(entry=entry, exit=exit)
    sock = pair.connect()
    assert line(sock) == b"db\n"
    session = backend.session()
    wire.reset_on_close(sock)
    sock.close()
    wait_until(lambda: session.reset, "the service sees a reset")
    with pair.connect() as other:
        assert line(other) == b"db\n"
        wait_until(lambda: len(backend.sessions) == 2, "a second connection")
        backend.session().break_off()
        assert tunnel.was_reset(other)


def test_tls_that_breaks_off_without_its_end_resets_both_sides(ends, backend, things, make_door, tmp_path):
    first = Ends(make_door, things, tmp_path, backend)
    relay = things(Recorder(first.at))
    pair = ends(to=(relay.host, relay.port), key=first.key)
    relay.to = pair.at
    with pair.connect() as sock:
        assert line(sock) == b"db\n"
        relay.fin()
        assert tunnel.was_reset(sock)
        wait_until(lambda: backend.session().reset, "the service sees a reset, not an end")
    pair.exit_door.logged(event="tunnel", side="exit", termination="truncated")
    pair.entry_door.logged(event="tunnel", side="entry", termination="truncated")


def hash_of(chunks):
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


@pytest.mark.parametrize("entry,exit", PAIRS, ids="-".join)
def test_much_comes_back_as_it_went(ends, backend, entry, exit):
    pair = ends(entry=entry, exit=exit)
    data = os.urandom(1 << 20)
    rounds = 16
    with pair.connect() as sock:
        assert line(sock) == b"db\n"

        def send():
            for _ in range(rounds):
                sock.sendall(data)

        sender = threading.Thread(target=send)
        sender.start()
        left, digest = rounds * len(data), hashlib.sha256()
        while left:
            got = sock.recv(min(left, 1 << 16))
            assert got
            digest.update(got)
            left -= len(got)
        sender.join()
    assert digest.hexdigest() == hash_of([data] * rounds)
    backend.sessions.clear()


def test_both_logs_name_the_connection_alike_and_never_a_key(ends):
    pair = ends()
    assert half_close_exchange(pair.near) == b"db\nquestionbye\n"
    far = pair.exit_door.logged(event="tunnel", termination="ok")
    near = pair.entry_door.logged(event="tunnel", termination="ok")
    assert far["connection"] == near["connection"]
    assert (far["identity"], far["service"], far["bytes_in"], far["tls_version"]) == (IDENTITY, "db", 8, "1.3")
    assert (near["bytes_in"], near["bytes_out"]) == (8, len("db\nquestionbye\n"))
    for door in (pair.exit_door, pair.entry_door):
        for root, _, files in os.walk(door.folder):
            for name in files:
                with open(os.path.join(root, name), "rb") as file:
                    assert pair.key.encode() not in file.read(), name


def test_a_stalled_reader_stops_the_sender_and_costs_little(ends, backend):
    pair = ends()
    with pair.connect() as sock:
        assert line(sock) == b"db\n"
        before = pair.exit_door.rss()
        sock.settimeout(1)
        sent = 0
        backend.echo = True  # what is echoed is never read: sooner or later nothing is taken any more
        with pytest.raises(TimeoutError):
            while sent < 1 << 30:
                sent += sock.send(b"x" * (1 << 16))
        assert pair.exit_door.rss() - before < 8 << 20


def s_client(at, key, identity=IDENTITY, *more, line="hello\n", within=20):
    command = ["openssl", "s_client", "-connect", "%s:%d" % at, "-psk", tunnel.as_hex(key), "-psk_identity", identity,
               "-quiet", "-ign_eof", *more]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(line.encode(), timeout=patient(within))
    return out, err.decode(errors="replace")


SUITE = ("-ciphersuites", "TLS_AES_128_GCM_SHA256")


def test_openssl_s_client_comes_in(ends, backend):
    pair = ends()
    backend.farewell = b"bye\n"
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", "%s:%d" % pair.at, "-psk", tunnel.as_hex(pair.key), "-psk_identity",
         IDENTITY, "-quiet", "-servername", "db", *SUITE],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == b"db\n"
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"hello\n"
    process.kill()
    process.communicate()


def test_we_come_in_to_openssl_s_server_and_renew_the_keys(make_door, things, tmp_path):
    door = make_door(start=False, name="near")
    key, at, near = new_key(), (door.address, EXIT_PORT), (door.address, ENTRY_PORT)
    keys = write_keys(str(tmp_path / "entry.psk"), (IDENTITY, key))
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", "%s:%d" % at, "-psk", tunnel.as_hex(key), "-psk_identity", IDENTITY,
         "-nocert", "-rev", *SUITE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        section = tunnel.entry_section("%s:%d" % near, ("%s:%d" % at, IDENTITY, keys))
        door.change_config({"tunnel": {**section, "rekey_bytes": "1MiB"}})
        door.start()
        wait_until(lambda: tunnel.addresses.listens(at), "s_server listens")
        with socket.create_connection(near, timeout=patient(20)) as sock:
            for _ in range(40):
                sock.sendall(b"x" * 65534 + b"y\n")
                answer = b""
                while len(answer) < 65536:
                    more = sock.recv(65536)
                    assert more
                    answer += more
                assert answer == b"y" + b"x" * 65534 + b"\n"
        wait_until(lambda: (door.metric("gatehouse_tunnel_rekeys_total", tunnel="db") or 0) >= 2, "keys were renewed")
    finally:
        server.kill()
        server.communicate()
