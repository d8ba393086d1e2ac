"""A new process takes the place of the one that runs: upgrades, and changes that a reload can't make."""
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading

import pytest

from support import websocket
from support.backend import Gate
from support.catalog import http_check, instance
from support.client import Client
from support.door import BINARY
from support.load import Load
from support.wait import wait_until
from support.worker_backend import WorkerBackend

pytestmark = pytest.mark.ci


@pytest.fixture
def crowd(make_door):
    backend = WorkerBackend("one")
    door = make_door(start=False)
    door.catalog.put("crowd", instance("crowd", backend, "route=crowd.test"))
    door.start()
    yield door
    backend.stop()


def link_of(door):
    return os.path.join(door.run_folder, next(name for name in os.listdir(door.run_folder) if name.endswith(".takeover")))


def ended(process):
    wait_until(lambda: process.poll() is not None, "the old one's end", within=20)
    return process.returncode


@pytest.mark.parametrize("times", [pytest.param(10, id="10"), pytest.param(100, id="100", marks=pytest.mark.long)])
def test_no_request_fails_over_takeovers_and_open_websockets_go_on(crowd, times, record_property):
    olds = []
    with Load(crowd.http, "crowd.test", threads=12, pause=0.02) as load:
        for _ in range(times):
            enough = load.answered + 60
            wait_until(lambda: load.answered > enough, "the load is on", every=0.01)
            talk = websocket_of(crowd)
            olds.append(crowd.take_over())
            talk.sendall(b"still here")
            assert talk.recv(100) == b"still here"
            talk.close()
    load.assert_none_failed()
    assert [ended(old) for old in olds] == [0] * times
    record_property("takeovers", f"{times}, {load.answered} answered, none failed")


def websocket_of(door):
    sock = socket.create_connection(door.http, timeout=10)
    sock.sendall(websocket.handshake("crowd.test"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    return sock


def test_what_was_begun_is_finished_by_the_old_one_and_its_idle_connections_are_told(make_door, make_backend):
    gate, backend = Gate(), make_backend()

    def answer(exchange):
        if exchange.request.target == "/slow":
            gate.wait()
        exchange.answer(200, b"done")

    backend.handler = answer
    door = make_door(start=False)
    door.catalog.put("a", instance("a", backend, "route=a.test"))
    door.start()
    with door.client(host="a.test") as busy, door.client(host="a.test") as idle:
        assert idle.ask().status == 200
        busy.request("GET", "/slow")
        wait_until(lambda: len(backend.requests) == 2, "the request is on its way")
        old = door.take_over()
        answer = idle.ask("POST", "/more", body=b"x")  # to the old one: it waited for this one's next
        assert answer.status == 200 and answer.get("Connection") == "close"
        gate.open()
        assert busy.response().status == 200
    assert ended(old) == 0
    with door.client(host="a.test") as client:
        assert client.ask().status == 200 and client.ask().status == 200


def test_the_command_replaces_the_program_and_a_signal_does_too(crowd):
    first = crowd.process
    said = crowd.do("upgrade")
    assert "upgraded: pid" in said
    second = crowd.status()["pid"]
    assert second != first.pid and ended(first) == 0
    try:
        os.kill(second, signal.SIGUSR2)
        wait_until(lambda: crowd.status()["pid"] != second, "the third", within=15)
        assert crowd.ask(host="crowd.test").status == 200
    finally:
        os.kill(crowd.status()["pid"], signal.SIGKILL)


def test_a_new_one_that_cannot_start_changes_nothing(crowd):
    crowd.change_config({"listen": [{"name": "http", "address": "192.0.2.1:80"}]})
    refused = crowd.command("upgrade")
    assert refused.returncode == 1 and "refused" in refused.stderr
    assert "the upgrade failed: the new gatehouse ended with exit code 1" in crowd.do("history")
    crowd.write_text("listen: nonsense\n")
    assert subprocess.run([BINARY, "run", "-c", crowd.file, "--takeover"], env=crowd.environment(), capture_output=True).returncode == 1
    assert crowd.ask(host="crowd.test").status == 200
    assert crowd.status()["pid"] == crowd.pid


def test_who_is_stopped_while_another_is_about_to_take_over_leaves_nobody_behind(make_door, make_backend):
    gate, backend = Gate(), make_backend()
    backend.handler = lambda exchange: gate.wait()  # the new one waits for its check
    door = make_door(start=False)
    door.catalog.put("a", instance("a", backend, "route=a.test", checks=[http_check(backend, timeout="30s")]))
    door.start()
    door.signal(signal.SIGUSR2)
    begun = re.compile(r"upgrade: pid (\d+) starts")
    heir = int(wait_until(lambda: begun.search(door.do("history")), "it starts")[1])
    door.stop()
    gate.open()

    def gone():
        try:
            os.kill(heir, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{heir}/stat") as file:
            return file.read().split()[2] == "Z"  # nobody's child is reaped by whoever runs this

    wait_until(gone, "the new one's end", within=15)


def test_an_heir_that_dies_before_it_serves_leaves_the_old_one_as_it_was(crowd):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as heir:
        heir.connect(link_of(crowd))
        heir.send(b"gatehouse takeover 1")
        words = []
        while not words or words[-1] != b"end":
            text, fds, _, _ = socket.recv_fds(heir, 2000, 200)
            words.append(text)
            for fd in fds:
                os.close(fd)
        assert words[0] == b"lock" and words[1] == b"sockets" and words[2].startswith(b"tickets")
        assert crowd.ask(host="crowd.test").status == 200
    wait_until(lambda: "who was about to take over did not" in crowd.do("history"), "it is told")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as liar:
        liar.connect(link_of(crowd))
        liar.send(b"serving")
        assert liar.recv(100) == b""
    old = crowd.take_over()
    assert ended(old) == 0 and crowd.ask(host="crowd.test").status == 200


@pytest.mark.root
def test_another_user_gets_nothing(crowd):
    os.chmod(link_of(crowd), 0o666)
    os.chmod(crowd.run_folder, 0o755)
    code = (
        "import os,socket,sys; os.chdir(sys.argv[1]); os.setuid(65534);"
        "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); s.connect(sys.argv[2]);"
        "s.send(b'gatehouse takeover 1'); print(s.recv(100))"
    )
    done = subprocess.run(["/usr/bin/python3", "-c", code, *os.path.split(link_of(crowd))], capture_output=True, text=True, timeout=20)
    assert done.stdout == "b''\n" or "BrokenPipe" in done.stderr or "ConnectionReset" in done.stderr, done
    assert crowd.ask(host="crowd.test").status == 200


def test_sessions_are_resumed_by_the_new_one(make_door, make_backend, authority):
    door = make_door(start=False, tls=True)
    authority.issue("one.test").write(door.certificates, "one")
    door.catalog.put("one", instance("one", make_backend(), "route=one.test"))
    door.start()
    trust = authority.trust()

    def session_of(session=None):
        with Client(door.https, tls=trust, sni="one.test", host="one.test", session=session) as client:
            assert client.ask().status == 200
            return client.sock.session_reused, client.sock.session

    def session_or_none():
        try:
            return session_of()
        except ssl.SSLError:
            return None

    _, session = wait_until(session_or_none, "the certificate is served")
    old = door.take_over()
    assert ended(old) == 0
    assert session_of(session)[0]


def test_bans_and_drains_are_the_new_one_s_and_a_dead_endpoint_gets_nothing_of_it(make_door, make_backend):
    alive, dead = make_backend("alive"), make_backend("dead")
    dead.handler = lambda exchange: exchange.answer(503)
    alive.handler = lambda exchange: exchange.answer(200, fields={"X-Backend": "alive"})
    door = make_door(start=False, config={"guard": {"jails": {"probes": {"preset": "http-sensitive-files", "mode": "enforce"}}}})
    for name, each in (("alive", alive), ("dead", dead)):
        door.catalog.put(name, instance("a", each, "route=a.test", checks=[http_check(each)], id=name))
    door.start()
    wait_until(lambda: {door.ask(host="a.test").get("X-Backend") for _ in range(10)} == {"alive"}, "one is found dead", within=10)
    door.do("bans", "add", "198.51.100.7")
    before = len(dead.requests)
    ended(door.take_over())
    assert "198.51.100.7" in door.do("bans", "list")
    for _ in range(40):
        assert door.ask(host="a.test").status == 200
    assert [r for r in dead.requests[before:] if r.target != "/health"] == []


def test_where_nobody_runs_it_just_starts_and_a_second_without_takeover_is_told_how(make_door):
    door = make_door(start=False)
    door.spawn(options=["--takeover"])
    wait_until(door.ready_or_dead, "ready", within=10)
    second = subprocess.run([BINARY, "run", "-c", door.file], env=door.environment(), cwd=door.folder, capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert door.probe("/readyz") == 200


# Listens at an address, as systemd does for a unit, and becomes the program: if that binds for itself, it fails.
ACTIVATE = """
import os, socket, sys
listening = socket.create_server((sys.argv[1], int(sys.argv[2])))
os.dup2(listening.fileno(), 3)
os.environ["LISTEN_PID"], os.environ["LISTEN_FDS"] = str(os.getpid()), "1"
os.execv(sys.argv[3], sys.argv[3:])
"""


def test_a_socket_that_systemd_opened_is_used(make_door, make_backend):
    door = make_door(start=False)
    door.catalog.put("a", instance("a", make_backend(), "route=a.test"))
    door.start(sys.executable, "-c", ACTIVATE, door.http[0], str(door.http[1]))
    assert door.ask(host="a.test").status == 200


def test_systemd_is_told_who_serves(make_door, tmp_path):
    told = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        door = make_door(start=False, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        reader = threading.Thread(target=lambda: [told.append(manager.recv(200).decode()) for _ in range(4)], daemon=True)
        reader.start()
        door.start()
        assert ended(door.take_over()) == 0
        second = door.pid
        door.stop()
        reader.join(10)
    assert told[0] == "READY=1" and told[3] == "STOPPING=1"
    assert sorted(told[1:3]) == sorted([f"MAINPID={second}", "READY=1"])
