"""Instances are watched: who fails his checks gets nothing, who refuses connections costs nobody a request."""
import resource
import socket
import threading

import pytest

from support import wire
from support.backend import Gate
from support.catalog import http_check, instance, tcp_check
from support.client import Client
from support.door import endpoints, healthy
from support.fleet import Fleet
from support.wait import wait_until, watch_for

pytestmark = pytest.mark.quick


class Checked:
    """Answers checks as told, and everything else as usual; keeps the checks it saw."""

    def __init__(self, backend, status=200, body=b"ok"):
        self.backend, self.status, self.body, self.seen, self.hangs = backend, status, body, [], False
        backend.handler = self

    def __call__(self, exchange):
        if exchange.request.target.startswith("/health"):
            self.seen.append(exchange.request)
            if self.hangs:
                exchange.read()  # until the checker gives up
            exchange.answer(self.status, body=self.body)
        else:
            exchange.answer(body="served", fields={"X-Backend": self.backend.name})


@pytest.fixture
def fleet(make_door):
    made = []

    def make(names, *tags, start=True, **options):
        door = make_door(start=False, config={"workers": 1})
        one = Fleet(door, "fleet", names, tags=["balance=round_robin", *tags], **options)
        made.append(one)
        one.health = {name: Checked(one[name]) for name in names}
        one.put()
        if start:
            door.start()
        return one

    yield make
    for one in made:
        one.stop()


def settled(house, over):
    """Waits until requests are spread over exactly these instances."""
    def told():
        return f"all of {over} and only they; now {house.spread(10)}"

    wait_until(lambda: set(house.spread(10)) == set(over), told, within=12, every=0.1)


def wait_up(house, *names, within=15):
    """Waits until exactly these instances are shown as healthy, while requests come: a service that nobody uses may be
    looked at more rarely."""
    wait_until(
        lambda: house.spread(3) and healthy(house.door, "fleet") == set(names),
        lambda: f"exactly {names} up; it is {endpoints(house.door.status(), 'fleet')}", within, every=0.1,
    )


def wait_checked(house, name, times, within=10):
    """Waits until the instance has been checked so often, while requests come."""
    seen = house.health[name].seen
    wait_until(lambda: house.spread(1) and len(seen) >= times, lambda: f"{times} checks; {len(seen)} came", within)


# -- checks ---------------------------------------------------------------------------------------------------------


def test_an_instance_that_fails_its_check_gets_nothing_until_it_passes_again(fleet):
    house = fleet("ab", checks=http_check)
    settled(house, over="ab")
    house.health["a"].status = 500
    settled(house, over="b")
    house.health["a"].status = 200
    settled(house, over="ab")


def test_one_failed_check_is_not_enough(fleet):
    house = fleet("a", "health=/health interval=1s rise=2 fall=3")
    wait_up(house, "a")
    seen = len(house.health["a"].seen)
    house.health["a"].status = 500
    wait_checked(house, "a", seen + 1)
    house.health["a"].status = 200
    wait_checked(house, "a", seen + 4)
    assert house.spread(10) == {"a": 10}


def test_a_new_instance_with_a_check_gets_nothing_before_its_first_success(fleet):
    house = fleet("ab", checks=http_check, start=False)
    house.health["b"].status = 500
    house.put("a")
    house.door.start()
    settled(house, over="a")
    house.put("a", "b")
    wait_until(lambda: house.health["b"].seen, "b is checked", within=5)
    assert house.spread(20) == {"a": 20}
    house.health["b"].status = 200
    settled(house, over="ab")


def test_an_instance_without_a_check_is_served_at_once(fleet):
    assert set(fleet("ab").spread(10)) == {"a", "b"}


def test_a_tcp_check_sees_a_closed_port(fleet):
    house = fleet("ab", checks=tcp_check)
    settled(house, over="ab")
    house["a"].stop()
    wait_up(house, "b")
    house["a"].listen()
    wait_up(house, "a", "b")
    settled(house, over="ab")


def test_a_check_that_hangs_is_a_failed_check(fleet):
    house = fleet("ab", "health=/health interval=1s timeout=500ms fall=2")
    settled(house, over="ab")
    house.health["a"].hangs = True
    wait_up(house, "b")


def test_the_check_is_asked_as_the_definition_says(fleet):
    def check(backend):
        header = {"Host": ["probe.test"], "X-Key": ["1"]}
        return http_check(backend, path="/health/deep?x=1", method="PUT", header=header, body="ping")

    house = fleet("a", checks=check)
    seen = wait_until(lambda: house.health["a"].seen, "a check")[0]
    assert (seen.method, seen.target, seen.body) == ("PUT", "/health/deep?x=1", b"ping")
    assert seen.get("Host") == "probe.test" and seen.get("X-Key") == "1"


@pytest.mark.parametrize("status, healthy", [(200, True), (204, True), (301, False), (404, False), (503, False)])
def test_what_counts_as_healthy_is_2xx(fleet, status, healthy):
    house = fleet("a", checks=http_check, start=False)
    house.health["a"].status = status
    house.door.start()
    wait_checked(house, "a", 2)
    wait_until(lambda: (house.spread(1) == {"a": 1}) == healthy, f"healthy: {healthy}")


def test_the_key_health_may_ask_for_a_status_and_a_text(fleet):
    house = fleet("ab", "health=/health status=203 body=ready interval=1s fall=1", start=False)
    for name in "ab":
        house.health[name].status, house.health[name].body = 203, b"all ready here"
    house.health["b"].body = b"warming up"
    house.door.start()
    settled(house, over="a")
    house.health["b"].body = b"ready"
    settled(house, over="ab")


@pytest.mark.parametrize("answer, verdict", [
    (b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nrea\n\r\n0\r\n\r\n", "does not contain"),
    (b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nall re\r\n3\r\nady\r\n0\r\n\r\n", "HTTP 200"),
    (b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\nready", "malformed answer"),
    (b"200 OK\r\nContent-Length: 5\r\n\r\nready", "HTTP 200"),
    (b"204 No Content\r\n\r\n", "does not contain"),
])
def test_a_text_is_looked_for_in_the_body_alone_which_ends_where_it_says(make_door, make_backend, answer, verdict):
    """The backend keeps its connection open, whatever it was asked."""
    door, one = make_door(start=False), make_backend("one")

    def hold(exchange):
        exchange.send(b"HTTP/1.1 " + answer)
        exchange.read()  # until the checker has read enough, or has lost its patience

    one.handler = hold
    health = "health=/up body=ready timeout=5m interval=1h"
    door.catalog.put("one", instance("one", one, "route=one.test", health, id="one"))
    door.start()
    assert verdict in wait_until(lambda: output_of(door, "one", "one"), "a result", within=20)


def test_health_none_leaves_the_catalog_s_checks_out(fleet):
    house = fleet("a", "health=none", checks=http_check, start=False)
    house.health["a"].status = 500
    house.door.start()
    assert house.spread(10) == {"a": 10}
    # nothing tells that no check comes: a second and a half is more than its interval
    assert not watch_for(lambda: house.health["a"].seen, 1.5)


@pytest.mark.parametrize("status, served", [("passing", True), ("critical", False)])
def test_a_ttl_check_counts_as_its_definition_says(make_door, make_backend, status, served):
    door = make_door(start=False)
    checks = [{"ttl": "30s", "status": status}]
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test", checks=checks))
    door.start()
    assert (door.ask(host="one.test").status == 200) == served


def test_an_unhealthy_instance_is_shown_with_its_reason(fleet):
    house = fleet("ab", checks=http_check)
    house.health["a"].status = 500

    def shown():
        return house.spread(3) and endpoints(house.door.status(), "fleet")["a"]

    wait_until(lambda: shown()["health"] == "down", "a is down", within=15, every=0.1)
    assert "500" in str(shown())


# -- connections that fail ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_instance_that_refuses_connections_costs_nobody_a_request(fleet, method):
    house = fleet("abc")
    house["a"].stop()
    tally = house.spread(100, method=method, body=b"x")
    assert set(tally) == {"b", "c"}, "nothing was sent, so any method may try another instance"


def test_requests_refused_by_the_only_instance_seen_up_wait_for_those_not_yet_asked(fleet):
    house = fleet("ab", "queue=100,30s", checks=lambda backend: http_check(backend, timeout="30s"), start=False)
    first_check = Gate()

    def slow_to_start(exchange):
        if exchange.request.target.startswith("/health"):
            first_check.wait()
        exchange.answer(fields={"X-Backend": "b"})

    house["b"].handler = slow_to_start
    house.door.start()
    settled(house, over="a")
    house["a"].stop()
    clients = [Client(house.door.http, host=house.host, timeout=30) for _ in range(12)]
    for client in clients:
        client.request()
    wait_until(lambda: house.door.metric("gatehouse_service_queued") == 12, "all wait")
    first_check.open()
    assert [client.response().status for client in clients] == [200] * 12
    for client in clients:
        client.close()


def test_an_instance_that_comes_back_is_used_again(fleet):
    house = fleet("ab")
    house["a"].stop()
    assert set(house.spread(20)) == {"b"}
    house["a"].listen()
    settled(house, over="ab")


def test_all_instances_down_is_answered_with_503_and_back_again_is_served(fleet):
    house = fleet("ab", checks=http_check)
    settled(house, over="ab")
    for name in "ab":
        house[name].stop()
    wait_until(lambda: set(house.spread(2)) == {503}, "503", within=15, every=0.1)
    for name in "ab":
        house[name].listen()
    settled(house, over="ab")


def test_an_address_where_nobody_answers_is_given_up_after_the_connect_timeout(make_door, make_backend):
    door = make_door(start=False)
    # a full backlog that nobody accepts from: SYNs are dropped, as at a host that is gone
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    stuffing = [socket.socket() for _ in range(3)]
    for sock in stuffing:
        sock.setblocking(False)
        sock.connect_ex(full.getsockname())
    good = make_backend("good")
    tags = ("route=gone.test", "connect_timeout=300ms", "balance=round_robin")
    gone = instance("gone", full.getsockname(), *tags, id="gone")
    door.catalog.put("gone", gone, instance("gone", good, *tags, id="good"))
    door.start()
    assert [door.ask(host="gone.test").get("X-Backend") for _ in range(6)] == ["good"] * 6
    for sock in [full, *stuffing]:
        sock.close()


def test_killing_one_of_three_under_load_fails_no_request(fleet):
    house = fleet("abc", checks=http_check)
    settled(house, over="abc")
    failures, end = [], threading.Event()

    def work():
        with Client(house.door.http, host=house.host) as client:
            while not end.is_set():
                try:
                    status = client.ask().status
                except (OSError, wire.Closed) as error:
                    failures.append(repr(error))
                    return
                if status != 200:
                    failures.append(status)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        house["a"].stop()
        wait_up(house, "b", "c")
        house["a"].listen()
        wait_up(house, "a", "b", "c")
    end.set()
    for thread in threads:
        thread.join(5)
    assert failures == []


def test_a_connection_that_fails_makes_every_check_look_at_once(make_door, make_backend):
    door = make_door(start=False)
    watcher, gone = make_backend("watcher"), make_backend("gone")
    gone.stop()
    checks = [http_check(watcher, path=f"/{name}", interval="1h") for name in ("one", "two")]
    door.catalog.put("gone", instance("gone", gone, "route=gone.test", "retry=0", checks=checks))
    door.start()
    watcher.wait_for_requests(2)
    wait_until(lambda: healthy(door, "gone"), "the checks pass")
    assert door.ask(host="gone.test").status == 503
    watcher.wait_for_requests(4)
    assert sorted(request.target for request in watcher.requests) == ["/one", "/one", "/two", "/two"]


def test_our_own_shortage_is_no_endpoint_s_fault(make_door, make_backend):
    door = make_door(start=False, config={"workers": 1})
    idle, wanted = make_backend("idle"), make_backend("wanted")
    door.catalog.put("idle", instance("idle", idle, "route=idle.test"))
    door.catalog.put("wanted", instance("wanted", wanted, "route=wanted.test", "retry=0"))
    door.start()
    with door.client() as client:
        assert client.ask(host="idle.test").status == 200
        usual = resource.prlimit(door.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(door.pid, resource.RLIMIT_NOFILE, (3, usual[1]))  # no further descriptor
        try:
            assert client.ask(host="wanted.test").status == 503
        finally:
            resource.prlimit(door.pid, resource.RLIMIT_NOFILE, usual)
        wait_until(lambda: not idle.open_connections(), "idle connections make room")
        assert client.ask(host="wanted.test").status == 200
    assert door.logged(host="wanted.test", status=503)["termination"] == "overload"
    assert door.metric("gatehouse_endpoint_connect_failures_total", service="wanted") == 0


def led_to(door, watcher, *targets, **more):
    """A service whose instance is checked at `watcher`, which redirects from each target to the next."""
    steps = dict(zip(targets, targets[1:]))

    def answer(exchange):
        there = steps.get(exchange.request.target)
        exchange.answer(302 if there else 200, fields={"Location": there} if there else {})

    watcher.handler = answer
    checks = [http_check(watcher, path=targets[0], **more)]
    door.catalog.put("led", instance("led", watcher, "route=led.test", id="led", checks=checks))


def output_of(door, service, id):
    """What the instance's check has said; None before its first result."""
    said = endpoints(door.status(), service)[id]["checks"][0]["output"]
    return None if said == "not run yet" else said


def test_a_check_follows_redirects_within_its_host(make_door, make_backend):
    door, watcher = make_door(start=False), make_backend("watcher")
    led_to(door, watcher, "/a", f"http://{watcher.host}:{watcher.port}/b", method="POST", body="ping")
    door.start()
    wait_until(lambda: healthy(door, "led"), "the check passes", within=10)
    assert [(r.method, r.target, r.body) for r in watcher.requests[:2]] == [("POST", "/a", b"ping"), ("GET", "/b", b"")]


@pytest.mark.parametrize("there, more, said", [
    ("http://127.0.0.254:1/", {}, "another place"),
    ("/a", {}, "too many redirects"),
    ("/b", {"disable_redirects": True}, "302"),
])
def test_a_redirect_that_is_not_followed_fails_the_check(make_door, make_backend, there, more, said):
    door, watcher = make_door(start=False), make_backend("watcher")
    led_to(door, watcher, "/a", there, **more)
    door.start()
    assert said in wait_until(lambda: output_of(door, "led", "led"), "a result", within=10)
    assert not healthy(door, "led")


def test_a_check_of_localhost_asks_this_machine(make_door, make_backend):
    door, watcher = make_door(start=False), make_backend("watcher")
    checks = [{"http": f"http://localhost:{watcher.port}/up", "interval": "1s"}]
    door.catalog.put("far", instance("far", ("127.0.0.200", 9), "route=far.test", id="far", checks=checks))
    door.start()
    wait_until(lambda: healthy(door, "far"), "the check passes", within=10)
    assert watcher.requests[0].get("Host") == f"localhost:{watcher.port}"
