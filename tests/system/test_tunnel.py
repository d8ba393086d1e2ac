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
from support.wait import SANITIZED, patient, wait_until

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


def named(pairs):
    return [f"{entry}-{exit}" for entry, exit in pairs]


@pytest.mark.parametrize("entry,exit", PAIRS + [("stunnel", "stunnel")], ids=named(PAIRS + [("stunnel", "stunnel")]))
@pytest.mark.parametrize("form", list(tunnel.FORMS))
def test_bytes_pass_both_ways_with_each_form_of_key(ends, backend, entry, exit, form):
    pair = ends(entry=entry, exit=exit, key=new_key(form))
    with pair.connect() as sock:
        assert line(sock) == b"db\n"
        sock.sendall(b"hello\n")
        assert line(sock) == b"hello\n"


@pytest.mark.parametrize("entry,exit", PAIRS, ids=named(PAIRS))
def test_an_end_is_passed_on_and_the_other_direction_goes_on(ends, backend, entry, exit):
    pair = ends(entry=entry, exit=exit)
    assert half_close_exchange(pair.near) == b"db\nquestionbye\n"
    assert backend.session().ended


@pytest.mark.parametrize("entry,exit", PAIRS, ids=named(PAIRS))
def test_a_service_that_ends_first_still_hears_the_rest(ends, backend, entry, exit):
    pair = ends(entry=entry, exit=exit)
    with pair.connect() as sock:
        assert line(sock) == b"db\n"
        backend.echo = False
        backend.session().end()
        assert sock.recv(1) == b""
        sock.sendall(b"the rest")
        wait_until(lambda: bytes(backend.session().received) == b"the rest", "the service hears the rest")


@pytest.mark.parametrize("entry,exit", PAIRS, ids=named(PAIRS))
def test_a_reset_of_either_side_is_a_reset_of_the_other(ends, backend, entry, exit):
    pair = ends(entry=entry, exit=exit)
    ours = entry == exit == "ours"  # stunnel makes an end of what breaks off
    sock = pair.connect()
    assert line(sock) == b"db\n"
    session = backend.session()
    wire.reset_on_close(sock)
    sock.close()
    wait_until(lambda: session.reset or (not ours and session.ended), "the service sees a reset")
    with pair.connect() as other:
        assert line(other) == b"db\n"
        wait_until(lambda: len(backend.sessions) == 2, "a second connection")
        backend.session().break_off()
        assert tunnel.was_reset(other) or not ours


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


@pytest.mark.parametrize("entry,exit", PAIRS, ids=named(PAIRS))
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
        most = 512 << 20 if SANITIZED else 8 << 20  # a sanitizer keeps what was freed, up to 256 MiB, and shadows of it
        assert pair.exit_door.rss() - before < most


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
            for _ in range(320):
                sock.sendall(b"x" * 8190 + b"y\n")
                answer = b""
                while len(answer) < 8192:
                    more = sock.recv(8192)
                    assert more
                    answer += more
                assert answer == b"y" + b"x" * 8190 + b"\n"
        wait_until(lambda: (door.metric("gatehouse_tunnel_rekeys_total", tunnel="db") or 0) >= 2, "keys were renewed")
    finally:
        server.kill()
        server.communicate()


# -- who may come in, and what others are told ------------------------------------------------------------------------

ILLEGAL_PARAMETER, DECRYPT_ERROR, HANDSHAKE_FAILURE, PROTOCOL_VERSION = 47, 51, 40, 70
BINDER_FAILS = (ILLEGAL_PARAMETER, DECRYPT_ERROR)  # OpenSSL before and since 3.2

REFUSALS = {
    "an unknown identity": (dict(identity="nobody"), SUITE, BINDER_FAILS, "unknown_identity"),
    "a wrong key": (dict(key="00112233445566778899aabbccddeeff"), SUITE, BINDER_FAILS, "wrong_key"),
    "an identity of 255 bytes": (dict(identity="x" * 255), SUITE, BINDER_FAILS, "unknown_identity"),
    "SHA-384 alone": ({}, ("-ciphersuites", "TLS_AES_256_GCM_SHA384"), (HANDSHAKE_FAILURE,), "handshake"),
    "a key without (EC)DHE": ({}, (*SUITE, "-tls1_3", "-allow_no_dhe_kex", "-groups", "ffdhe2048"),
                              (HANDSHAKE_FAILURE,), "handshake"),
    "TLS 1.2": ({}, ("-tls1_2", "-cipher", "PSK"), (PROTOCOL_VERSION,), "handshake"),
    "no key at all": (dict(key=None), SUITE, (HANDSHAKE_FAILURE, 109), "handshake"),
}


@pytest.fixture(scope="module")
def far(make_shared_door, tmp_path_factory):
    """An exit with two services and two identities, each for one of them from one place."""
    folder = tmp_path_factory.mktemp("far")
    services = {"db": TcpBackend("db"), "cache": TcpBackend("cache")}
    keys = {"a.db.b": new_key(), "a.both.b": new_key(), "a.cache.b": new_key(), "a.mute.b": new_key()}
    door = make_shared_door(start=False, name="far")
    allow = [
        {"identity": "a.db.b", "service": "db", "from": ["127.0.0.1", "127.9.0.1"], "max_connections": 2},
        {"identity": "a.both.b", "service": ["db", "cache"], "from": ["127.0.0.0/8"]},
        {"identity": "a.cache.b", "service": "cache", "from": "127.9.0.1"},
    ]
    door.change_config({"tunnel": tunnel.exit_section(
        door.address, write_keys(str(folder / "in.psk"), *keys.items()), allow,
        {name: f"127.0.0.1:{backend.port}" for name, backend in services.items()}, handshake_time="500ms")})
    door.start()
    door.keys, door.at, door.services = keys, (door.address, EXIT_PORT), services
    yield door
    for backend in services.values():
        backend.stop()


@pytest.mark.parametrize("what", list(REFUSALS))
def test_strangers_are_refused_with_the_alert_that_is_due(far, things, what):
    say, more, alerts, end = REFUSALS[what]
    relay = things(Recorder(far.at))
    before = len([line for line in far.log_lines() if line.get("termination") == end])
    key = say.get("key", far.keys["a.db.b"])
    identity = say.get("identity", "a.db.b")
    with_key = ["-psk", key, "-psk_identity", identity] if key else []
    done = subprocess.run(["openssl", "s_client", "-connect", f"{relay.host}:{relay.port}", *with_key, *more],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=patient(20))
    assert done.returncode != 0
    wait_until(lambda: alert_of(relay.down) is not None, lambda: f"an alert: {bytes(relay.down)!r}")
    assert alert_of(relay.down) in alerts
    wait_until(lambda: len([line for line in far.log_lines() if line.get("termination") == end]) > before, f"{end} logged")


def talk(far, identity, service=None, source=None, key=None):
    """What an openssl client of this identity hears first; b"" if it is refused."""
    more = ["-servername", service] if service else ["-noservername"]
    more += ["-bind", f"{source}:0"] if source else []
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", "%s:%d" % far.at, "-psk", key or far.keys[identity], "-psk_identity",
         identity, "-quiet", *SUITE, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    heard = process.stdout.readline()
    return process, heard


ACCESS = {
    "its only service needs no name": ("a.db.b", None, None, b"db\n"),
    "a name that is no service of ours, as stunnel sends it": ("a.db.b", "localhost", None, b"db\n"),
    "the service by its name": ("a.both.b", "cache", None, b"cache\n"),
    "several services and no name": ("a.both.b", None, None, b""),
    "the service of another": ("a.db.b", "cache", None, b""),
    "from another place": ("a.cache.b", "cache", None, b""),
    "from its place": ("a.cache.b", "cache", "127.9.0.1", b"cache\n"),
    "a key that may reach nothing": ("a.mute.b", "db", None, b""),
}


@pytest.mark.parametrize("what", list(ACCESS))
def test_an_identity_reaches_what_it_may(far, what):
    identity, service, source, answer = ACCESS[what]
    process, heard = talk(far, identity, service, source)
    process.kill()
    process.communicate()
    assert heard == answer


def test_who_comes_from_nowhere_allowed_is_closed_before_a_byte(far):
    with socket.create_connection(far.at, source_address=("127.0.0.1", 0)) as sock:
        sock.settimeout(patient(5))  # 127.0.0.0/8 is allowed to one: it is let in
        sock.sendall(b"\x16")
    door = far
    allow = door.config["tunnel"]["accept"][0]["allow"]
    narrow = [dict(each, **{"from": ["127.9.0.1"]}) for each in allow]
    try:
        door.change_config({"tunnel": {"accept": [dict(door.config["tunnel"]["accept"][0], allow=narrow)]}})
        door.reload()
        with socket.create_connection(far.at) as sock:
            sock.settimeout(patient(5))
            assert sock.recv(1) == b""
        door.logged(event="tunnel", termination="source")
    finally:
        door.change_config({"tunnel": {"accept": [dict(door.config["tunnel"]["accept"][0], allow=allow)]}})
        door.reload()


def test_an_identity_has_no_more_connections_than_it_may(far):
    held = [talk(far, "a.db.b") for _ in range(3)]
    try:
        assert sorted(heard for _, heard in held) == [b"", b"db\n", b"db\n"]
        far.logged(event="tunnel", termination="too_many", identity="a.db.b")
    finally:
        for process, _ in held:
            process.kill()
            process.communicate()


def test_silence_and_garbage_cost_their_time_and_no_more(far):
    before = far.metric("gatehouse_tunnel_ends_total", termination="timeout") or 0
    silent = [socket.create_connection(far.at) for _ in range(50)]
    for bytes_sent in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 400, os.urandom(600)):
        with socket.create_connection(far.at) as sock:
            sock.settimeout(patient(5))
            sock.sendall(bytes_sent)
            try:
                while sock.recv(4096):
                    pass
            except ConnectionError:
                pass
    for sock in silent:
        sock.settimeout(patient(5))
        try:
            assert sock.recv(1) == b""
        except ConnectionError:
            pass
        sock.close()
    wait_until(lambda: (far.metric("gatehouse_tunnel_ends_total", termination="timeout") or 0) >= before + 50,
               "all silent ones are counted")
    process, heard = talk(far, "a.db.b")
    process.kill()
    process.communicate()
    assert heard == b"db\n"


def test_an_identity_with_bytes_that_harm_a_terminal_is_escaped(far):
    subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % far.at, "-psk", new_key(), "-psk_identity",
                    'x"}\\y', *SUITE], stdin=subprocess.DEVNULL, capture_output=True, timeout=patient(20))
    far.logged(event="tunnel", termination="unknown_identity", identity='x"}\\y')


def test_a_server_with_a_certificate_in_place_of_the_key_gets_nothing(make_door, tmp_path):
    door = make_door(start=False, name="near")
    at, near = (door.address, EXIT_PORT), (door.address, ENTRY_PORT)
    keys = write_keys(str(tmp_path / "entry.psk"), (IDENTITY, new_key()))
    pem = str(tmp_path / "server.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db", "-keyout", pem,
                    "-out", pem + ".crt"], check=True, capture_output=True)
    server = subprocess.Popen(["openssl", "s_server", "-accept", "%s:%d" % at, "-key", pem, "-cert", pem + ".crt"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        door.change_config({"tunnel": tunnel.entry_section("%s:%d" % near, ("%s:%d" % at, IDENTITY, keys))})
        door.start()
        wait_until(lambda: tunnel.addresses.listens(at), "s_server listens")
        with socket.create_connection(near) as sock:
            try:
                sock.sendall(b"the password")
                reset = tunnel.was_reset(sock)
            except ConnectionError:  # before a word could be said
                reset = True
            assert reset
        logged = door.logged(event="tunnel", side="entry", termination="handshake")
        assert "certificate" in logged["detail"]
    finally:
        server.kill()
        told = server.communicate()[0]
    assert b"the password" not in told
