"""Short of descriptors, memory or patience, the door serves on: attacks are bounded, others are served."""
import resource
import socket
import threading

import pytest

from support import wire
from support.backend import Gate
from support.catalog import instance
from support.client import Client, ask
from support.process import MIB
from support.wait import wait_until

pytestmark = pytest.mark.ci

MANY = {"limits": {"connections_per_client": 100000}}


@pytest.fixture(autouse=True)
def room_for_our_own_sockets():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def one_service(make_door, make_backend, *prefix, config=None, **more):
    door = make_door(start=False, config=config, **more)
    door.one = make_backend("one")
    door.catalog.put("one", instance("one", door.one, "route=one.test", "http=serve"))
    return door.start(*prefix)


def connect(address):
    sock = socket.socket()
    sock.settimeout(5)
    sock.connect(address)
    return sock


def head_of(door, host):
    """What the door says to the beginning of a long body, if it says something at all."""
    with Client(door.http, timeout=0.3) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n")
        try:
            client.reader.fill()
        except (OSError, wire.Closed):
            pass
        return client.raw


def served(door):
    try:
        return ask(door.http, host="one.test", timeout=2).status == 200
    except (OSError, wire.Closed):
        return False


def test_a_door_out_of_descriptors_serves_again_when_there_are_some(make_door, make_backend):
    config = {"limits": {"connections_per_client": 100000, "connections": 10000}}
    door = one_service(make_door, make_backend, "prlimit", "--nofile=100:100", config=config)
    held = [Client(door.http) for _ in range(150)]
    wait_until(lambda: any(client.is_closed() for client in held), "one is turned away")
    door.assert_alive()
    for client in held:
        client.close()
    wait_until(lambda: served(door), "service with descriptors to spare", within=10)
    assert door.metric("gatehouse_accept_pauses_total") > 0
    for _ in range(20):
        assert served(door)


def test_a_door_without_descriptors_left_does_not_spin(make_door, make_backend):
    config = {"limits": {"connections_per_client": 100000, "connections": 10000}}
    door = one_service(make_door, make_backend, "prlimit", "--nofile=100:100", config=config)
    held = [connect(door.http) for _ in range(150)]

    def cpu():
        with open(f"/proc/{door.pid}/stat") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    before = cpu()
    threading.Event().wait(1.0)  # a span of time to measure over
    assert cpu() - before < 0.3
    for sock in held:
        sock.close()


def test_slow_heads_in_crowds_do_not_hold_up_the_others(make_door, make_backend):
    limits = {"connections_per_client": 100000, "header_time": "2s"}
    door = one_service(make_door, make_backend, config={"limits": limits})
    slow = [Client(door.http, source="127.0.0.66") for _ in range(1000)]
    for client in slow:
        client.send(b"GET / HTTP/1.1\r\nHost: one.test\r\nX-A: ")
    with Client(door.http, host="one.test", timeout=2) as good:
        for _ in range(200):
            assert good.ask().status == 200
    wait_until(lambda: all(client.is_closed() for client in slow), "each is ended in its time", within=15, every=0.2)
    for client in slow:
        client.close()


def test_idle_connections_cost_little_memory(make_door, make_backend):
    door = one_service(make_door, make_backend, config=MANY)
    for _ in range(100):
        assert served(door)
    before, count = door.rss(), 2000
    clients = []
    for _ in range(count):
        clients.append(Client(door.http, host="one.test"))
        assert clients[-1].ask().status == 200
    assert (door.rss() - before) / count < 8 * 1024
    for client in clients:
        client.close()


def test_idle_tls_connections_cost_little_memory(make_door, make_backend, authority):
    door = one_service(make_door, make_backend, config=MANY, tls=True)
    authority.issue("one.test").write(door.certificates, "one")
    trust = authority.trust()

    def connect_tls():
        return Client(door.https, tls=trust, sni="one.test", host="one.test")

    # Each worker takes it up when it gets to it: one may be a moment behind.
    wait_until(lambda: all(can(lambda: connect_tls().close()) for _ in range(20)), "the certificate", within=5)
    for _ in range(50):
        with connect_tls() as client:
            assert client.ask().status == 200
    before, count, clients = door.rss(), 300, []
    for _ in range(count):
        clients.append(connect_tls())
        assert clients[-1].ask().status == 200
    assert (door.rss() - before) / count < 40 * 1024
    for client in clients:
        client.close()


def can(action):
    try:
        action()
    except OSError:
        return False
    return True


def test_heads_that_are_never_finished_stay_within_the_memory_limit(make_door, make_backend):
    limits = {"connections_per_client": 100000, "memory": "64MiB", "header_time": "60s"}
    door = one_service(make_door, make_backend, config={"limits": limits})
    before = door.rss()
    held = []
    for _ in range(3000):
        try:
            client = Client(door.http, source="127.0.0.66", timeout=2)
            client.send(b"GET / HTTP/1.1\r\nHost: one.test\r\nX-A: " + b"a" * 30000)
            held.append(client)
        except OSError:
            break  # refusing is what the limit is for
    assert door.rss() - before < 100 * MIB
    door.assert_alive()
    for client in held:
        client.close()
    wait_until(lambda: served(door), "service after the attack", within=15)


def test_while_memory_is_used_up_newcomers_wait_and_those_inside_are_served(make_door, make_backend):
    limits = {"connections_per_client": 100000, "memory": "64MiB"}
    door = one_service(make_door, make_backend, config={"limits": limits, "workers": 1})
    silent = socket.create_server(("127.0.0.1", 0), backlog=4096)  # connections stand, nobody takes them
    door.catalog.put("two", instance("two", silent.getsockname(), "route=two.test", "http=serve"))
    wait_until(lambda: b" 404 " not in head_of(door, "two.test"), "the second service is known")
    gate = Gate()
    door.one.handler = lambda exchange: (gate.wait(), exchange.answer(body="ok"))
    inside = Client(door.http, host="one.test")
    inside.request()
    gate.wait_reached()
    held = []
    for n in range(4000):
        try:  # from many, none of whom holds much: it is nobody's fault
            held.append(Client(door.http, source=f"127.7.{n // 2400}.{1 + n // 12 % 200}", timeout=2))
            held[-1].send(b"POST / HTTP/1.1\r\nHost: two.test\r\nContent-Length: 100000\r\n\r\n" + b"a" * 4000)
        except OSError:
            break  # refusing is what the limit is for
    wait_until(lambda: door.metric("gatehouse_accept_pauses_total") > 0, "memory is used up", within=20)
    # what one turn of the loop may still take: 512 events, each with a few slabs
    assert door.metric("gatehouse_memory_used_bytes") < 64 * MIB + 512 * 24 * 1024
    pauses = door.metric("gatehouse_accept_pauses_total")
    assert not served(door)
    assert door.metric("gatehouse_accept_pauses_total") == pauses  # one is counted once, however long it is
    gate.open()
    assert inside.response().status == 200
    for client in held:
        client.reset()
    wait_until(lambda: served(door), "service afterwards", within=15)


def test_half_heads_do_not_shut_the_door_for_others(make_door, make_backend):
    """Who holds memory with half of a head loses it before others are kept out."""
    limits = {"connections_per_client": 100000, "memory": "64MiB", "header_time": "60s"}
    door = one_service(make_door, make_backend, config={"limits": limits, "workers": 1})
    held = []
    for n in range(6000):
        try:
            client = Client(door.http, source=f"127.7.{n // 2400}.{1 + n // 12 % 200}", timeout=2)  # nobody holds much
            client.send(b"GET / HTTP/1.1\r\nHost: one.test\r\nX-A: " + b"a" * 15000)
            held.append(client)
        except OSError:
            break
    wait_until(lambda: served(door), "service under the attack", within=10)
    assert door.metric("gatehouse_connections_refused_total") > 0
    for client in held:
        client.close()


def test_answers_that_nobody_reads_stay_within_the_memory_limit(make_door, make_backend):
    limits = {"connections_per_client": 100000, "memory": "64MiB"}
    door = one_service(make_door, make_backend, config={"limits": limits})
    door.one.handler = lambda exchange: exchange.answer(body=b"x" * (8 * MIB))
    before = door.rss()
    held = []
    for _ in range(300):
        client = Client(door.http, source="127.0.0.66", receive_buffer=4096, timeout=5)
        client.request(host="one.test")
        held.append(client)
    wait_until(lambda: len(door.one.requests) > 100, "answers under way", within=20)
    assert door.rss() - before < 100 * MIB
    for client in held:
        client.reset()
    door.one.handler = lambda exchange: exchange.answer(body="ok")
    wait_until(lambda: served(door), "service after the attack", within=15)


def test_nothing_is_left_behind_by_connections_of_every_kind(make_door, make_backend):
    door = one_service(make_door, make_backend, config=MANY)

    def all_kinds():
        for _ in range(50):
            with Client(door.http, host="one.test") as client:
                client.ask()
            with Client(door.http) as client:
                client.send(b"rubbish\r\n\r\n")
            with Client(door.http) as client:
                client.send(b"GET / HT")
                client.reset()
            with Client(door.http, host="one.test") as client:
                client.send(wire.message("POST / HTTP/1.1", [("Host", "one.test"), ("Content-Length", "99")], b"x"))
                client.reset()

    all_kinds()
    wait_until(lambda: door.status()["connections"]["open"] == 0, "all are gone")
    fds, rss = door.fds(), door.rss()
    for _ in range(10):
        all_kinds()
    wait_until(lambda: door.status()["connections"]["open"] == 0, "all are gone")
    wait_until(lambda: door.fds() <= fds + 3, lambda: f"{door.fds()} descriptors, {fds} before")
    assert door.rss() - rss < 4 * MIB
