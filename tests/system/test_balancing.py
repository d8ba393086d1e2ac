"""How requests are shared among a service's instances: policies, weights, stickiness, backups, queues, ejection."""
import threading

import pytest

from support import websocket
from support.backend import Gate
from support.client import Client
from support.door import endpoints
from support.fleet import Fleet
from support.wait import wait_until, watch_for

pytestmark = pytest.mark.quick


@pytest.fixture
def fleet(make_door, request):
    """A maker: a door of one worker (its counters are then the whole truth) with one service."""
    made = []

    def make(names, *tags, weights=None, own_tags=None, config=None, **options):
        door = make_door(start=False, config={"workers": 1, **(config or {})})
        one = Fleet(door, "fleet", names, tags=tags, **options)
        one.weights, one.own_tags = weights or {}, own_tags or {}
        one.put()
        made.append(one)
        door.start()
        return one

    yield make
    for one in made:
        one.stop()


# -- policies and weights -------------------------------------------------------------------------------------------


def test_round_robin_takes_turns(fleet):
    assert fleet("abc", "balance=round_robin").spread(30) == {"a": 10, "b": 10, "c": 10}


def test_round_robin_shares_by_weight_and_smoothly(fleet):
    house = fleet("ab", "balance=round_robin", weights={"a": 1, "b": 3})
    order = []
    with Client(house.door.http, host=house.host) as client:
        order = [client.ask().get("X-Backend") for _ in range(40)]
    assert order.count("a") == 10 and order.count("b") == 30
    assert "aa" not in "".join(order) and "bbbb" not in "".join(order)


def test_random_shares_by_weight(fleet):
    tally = fleet("ab", "balance=random", weights={"a": 1, "b": 3}).spread(2000)
    assert 400 < tally["a"] < 600, "a quarter, within five standard deviations"


@pytest.mark.parametrize("policy", ["least_request", "least_connection"])
def test_weights_count_when_nobody_is_busy(fleet, policy):
    tally = fleet("ab", f"balance={policy}", weights={"a": 1, "b": 9}).spread(500)
    assert set(tally) <= {"a", "b"} and tally["b"] > tally["a"]


def test_without_a_word_the_policy_is_least_request_and_every_instance_works(fleet):
    tally = fleet("abc").spread(600)
    assert set(tally) == {"a", "b", "c"}
    assert min(tally.values()) > 100


def hold(house, name, count):
    """Makes `count` requests wait at an instance; the gate lets them go."""
    gate = Gate()
    arrived = []

    def wait(exchange):
        arrived.append(exchange)
        gate.wait()
        exchange.answer(fields={"X-Backend": name})

    house[name].handler = wait
    clients = []
    while len(arrived) < count:
        client = Client(house.door.http, host=house.host, timeout=60)
        client.request()
        clients.append(client)
        wait_until(lambda: len(arrived) + answered(house, name) >= len(clients), "each request arrives somewhere")
    return gate, clients


def answered(house, but):
    return sum(len(backend.requests) for name, backend in house.backends.items() if name != but)


def test_least_request_avoids_the_busy_instance(fleet):
    house = fleet("ab", "balance=least_request")
    gate, clients = hold(house, "a", 1)
    assert house.spread(50)["b"] == 50, "two choices of two: the busy one always loses"
    gate.open()
    for client in clients:
        client.close()


def test_peak_ewma_avoids_the_slow_instance(fleet):
    house = fleet("ab", "balance=peak_ewma")
    delay(house, "a", 0.1)
    wait_until(lambda: house.spread(1).get("a"), "the slow one has been measured")
    assert house.spread(50)["b"] == 50


def test_peak_ewma_avoids_an_instance_that_fails_quickly(fleet):
    house = fleet("ab", "balance=peak_ewma")
    house["a"].handler = lambda exchange: exchange.answer(503, fields={"X-Backend": "a"})
    wait_until(lambda: house.spread(1).get("a"), "it has failed once")
    assert house.spread(50)["b"] == 50


def test_least_connection_counts_open_websockets(fleet):
    house = fleet("ab", "balance=least_connection")
    for name in "ab":
        house[name].handler = websocket.accept_and_echo
    sockets = []
    for _ in range(10):
        client = Client(house.door.http, host=house.host)
        client.send(websocket.handshake(house.host))
        assert client.response().status == 101
        sockets.append(client)
    assert [len(house[name].requests) for name in "ab"] == [5, 5]
    for client in sockets:
        client.close()


def test_a_changed_weight_takes_effect(fleet):
    house = fleet("ab", "balance=round_robin")
    assert house.spread(20) == {"a": 10, "b": 10}
    house.weights = {"a": 1, "b": 4}
    house.put()
    wait_until(lambda: house.spread(20) == {"a": 4, "b": 16}, "the new weights", within=5, every=0.1)


# -- one place for one client ---------------------------------------------------------------------------------------


def places(house, users):
    with Client(house.door.http, host=house.host) as client:
        return {user: client.ask(fields={"X-User": user}).get("X-Backend") for user in users}


def test_maglev_keeps_a_field_s_value_with_its_instance(fleet):
    house = fleet("abcd", "balance=maglev", "hash_on=header:X-User")
    users = [f"user{n}" for n in range(200)]
    first = places(house, users)
    assert places(house, users) == first
    counts = [list(first.values()).count(name) for name in "abcd"]
    assert min(counts) > 20, f"all instances are used: {counts}"


def test_maglev_moves_few_when_an_instance_goes(fleet):
    house = fleet("abcd", "balance=maglev", "hash_on=header:X-User")
    users = [f"user{n}" for n in range(200)]
    before = places(house, users)
    house.put("a", "b", "c")
    wait_until(lambda: "d" not in places(house, users).values(), "d is gone", within=5, every=0.1)
    after = places(house, users)
    moved = [user for user in users if before[user] != after[user] and before[user] != "d"]
    assert len(moved) <= 20, "those of the others stay, but for a few"


def test_maglev_chooses_alike_in_two_doors(fleet):
    first, second = (fleet("abc", "balance=maglev", "hash_on=path") for _ in range(2))
    second.backends, old = first.backends, second.backends
    second.put()
    targets = [f"/{n}" for n in range(50)]

    def choices(house):
        return [house.door.ask(target, host=house.host).get("X-Backend") for target in targets]

    wait_until(lambda: choices(second) == choices(first), "the same choice", within=5, every=0.2)
    for backend in old.values():
        backend.stop()


def test_maglev_on_the_client_s_address(fleet):
    house = fleet("abcd", "balance=maglev", "hash_on=client")
    sources = [f"127.0.5.{n}" for n in range(1, 60)]
    first = [house.door.ask(host=house.host, source=source).get("X-Backend") for source in sources]
    again = [house.door.ask(host=house.host, source=source).get("X-Backend") for source in sources]
    assert first == again and len(set(first)) == 4


def cookie_of(answer):
    return answer.get("Set-Cookie").split(";")[0]


def test_a_sticky_cookie_keeps_a_client_with_its_instance(fleet):
    house = fleet("abc", "sticky=cookie", "balance=round_robin")
    first = house.door.ask(host=house.host)
    answers = [house.door.ask(host=house.host, fields={"Cookie": cookie_of(first)}) for _ in range(20)]
    assert {answer.get("X-Backend") for answer in answers} == {first.get("X-Backend")}
    assert not any(answer.has("Set-Cookie") for answer in answers), "it is set once"


def test_a_sticky_cookie_is_opaque_and_out_of_scripts_reach(fleet):
    house = fleet("abc", "sticky=cookie:where")
    cookie = house.door.ask(host=house.host).get("Set-Cookie")
    assert cookie.startswith("where=") and "httponly" in cookie.lower()
    for backend in house.backends.values():
        assert str(backend.port) not in cookie and backend.name + ";" not in cookie


@pytest.mark.parametrize("forged", ["x", "", "A" * 24, "a" * 2000, "%00"], ids=["x", "empty", "24", "2000", "nul"])
def test_a_forged_cookie_chooses_nothing(fleet, forged):
    house = fleet("ab", "sticky=cookie:where", "balance=round_robin")
    answers = [house.door.ask(host=house.host, fields={"Cookie": f"where={forged}"}) for _ in range(4)]
    assert {answer.get("X-Backend") for answer in answers} == {"a", "b"}
    assert all(answer.has("Set-Cookie") for answer in answers)


def test_a_tampered_cookie_chooses_nothing(fleet):
    house = fleet("ab", "sticky=cookie:where", "balance=round_robin")
    value = cookie_of(house.door.ask(host=house.host))
    tampered = value[:-1] + ("A" if value[-1] != "A" else "B")
    answers = [house.door.ask(host=house.host, fields={"Cookie": tampered}) for _ in range(4)]
    assert {answer.get("X-Backend") for answer in answers} == {"a", "b"}


def test_a_sticky_client_moves_on_when_its_instance_is_gone(fleet):
    house = fleet("ab", "sticky=cookie", "balance=round_robin")
    first = house.door.ask(host=house.host)
    other = "b" if first.get("X-Backend") == "a" else "a"
    house.put(other)

    def moved():
        answer = house.door.ask(host=house.host, fields={"Cookie": cookie_of(first)})
        return answer if answer.get("X-Backend") == other else None

    answer = wait_until(moved, "the other instance", within=5)
    assert answer.status == 200 and answer.has("Set-Cookie")


def test_a_backend_s_own_cookies_stay_beside_the_sticky_one(fleet):
    house = fleet("a", "sticky=cookie")
    house["a"].handler = lambda exchange: exchange.answer(fields={"Set-Cookie": "own=1"})
    cookies = house.door.ask(host=house.host).all("Set-Cookie")
    assert "own=1" in cookies and len(cookies) == 2


# -- backups, limits, ejection --------------------------------------------------------------------------------------


def test_a_backup_works_when_no_other_is_left(fleet):
    house = fleet("ab", own_tags={"b": ["backup=true"]})
    assert house.spread(20) == {"a": 20}
    house["a"].stop()
    assert house.spread(20) == {"b": 20}


def test_requests_over_an_instance_s_limit_wait_their_turn(fleet):
    house = fleet("a", "queue=10,20s", own_tags={"a": ["max_requests=1"]})
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer(body=exchange.request.target)

    house["a"].handler = wait
    clients = [Client(house.door.http, host=house.host, timeout=30) for _ in range(5)]
    for n, client in enumerate(clients):
        client.request("GET", f"/{n}")
    gate.wait_reached()
    assert len(house["a"].requests) == 1
    gate.open()
    assert [client.response().text for client in clients] == [f"/{n}" for n in range(5)]
    for client in clients:
        client.close()


def test_who_waits_is_served_before_who_comes_later(fleet):
    house = fleet("a", "queue=10,20s", own_tags={"a": ["max_requests=1"]})
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer(body=exchange.request.target)

    house["a"].handler = wait
    with Client(house.door.http, host=house.host) as quick, Client(house.door.http, host=house.host) as patient_one:
        quick.send("".join(f"GET /quick{n} HTTP/1.1\r\nHost: {house.host}\r\n\r\n" for n in range(2)))
        gate.wait_reached()
        patient_one.request("GET", "/patient")
        wait_until(lambda: house.door.metric("gatehouse_service_queued") == 1, "one waits")
        gate.open()
        assert [quick.response().text, patient_one.response().text] == ["/quick0", "/patient"]
        assert quick.response().text == "/quick1"
    assert [request.target for request in house["a"].requests] == ["/quick0", "/patient", "/quick1"]


def test_who_leaves_the_queue_was_refused_nothing(fleet):
    house = fleet("a", "queue=10,20s", own_tags={"a": ["max_requests=1"]})
    gate = Gate()
    house["a"].handler = lambda exchange: (gate.wait(), exchange.answer())
    with Client(house.door.http, host=house.host) as inside:
        inside.request()
        gate.wait_reached()
        waiting = Client(house.door.http, host=house.host)
        waiting.request("GET", "/left")
        wait_until(lambda: house.door.metric("gatehouse_service_queued") == 1, "one waits")
        waiting.reset()
        line = house.door.logged(path="/left")
        assert (line["status"], line["termination"]) == (0, "client_closed")
        assert house.door.metric("gatehouse_service_queue_timeouts_total") == 0
        gate.open()
        assert inside.response().status == 200


def test_connections_to_an_instance_are_bounded_over_all_workers(fleet):
    house = fleet("a", own_tags={"a": ["max_connections=2"]}, config={"workers": 4})
    clients = [Client(house.door.http, host=house.host) for _ in range(24)]
    for client in clients:  # whichever worker has it: idle connections of the others make room
        assert client.ask().status == 200
        assert house.door.metric("gatehouse_endpoint_connections", service="fleet") <= 2
    for client in clients:
        client.request()
    assert [client.response().status for client in clients] == [200] * 24, "all at once they wait their turn"
    assert house.door.metric("gatehouse_endpoint_connections", service="fleet") <= 2
    for client in clients:
        client.close()


def test_a_full_queue_is_answered_with_503_and_retry_after_at_once(fleet):
    house = fleet("a", "queue=1,20s", own_tags={"a": ["max_requests=1"]})
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer()

    house["a"].handler = wait
    with Client(house.door.http, host=house.host) as served, Client(house.door.http, host=house.host) as queued:
        served.request()
        gate.wait_reached()
        queued.request()
        refused = wait_until(lambda: full(house), "a refusal")
        assert int(refused.get("Retry-After")) > 0
        gate.open()
        assert [served.response().status, queued.response().status] == [200, 200]


def full(house):
    try:
        answer = house.door.ask(host=house.host, timeout=0.5)
    except TimeoutError:
        return None
    return answer if answer.status == 503 else None


def test_waiting_in_the_queue_ends_after_its_time(fleet):
    house = fleet("a", "queue=10,300ms", own_tags={"a": ["max_requests=1"]})
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer()

    house["a"].handler = wait
    with Client(house.door.http, host=house.host) as served:
        served.request()
        gate.wait_reached()
        assert house.door.ask(host=house.host).status == 503
        gate.open()
        assert served.response().status == 200


def test_an_instance_that_answers_with_errors_is_left_out_for_a_while(fleet):
    house = fleet("ab", "balance=round_robin", "eject=errors=3 interval=10s time=30s")
    house["a"].handler = lambda exchange: exchange.answer(503, fields={"X-Backend": "a"})
    house.spread(10)
    house["a"].forget()
    assert house.spread(20)["b"] == 20
    assert house["a"].requests == []


def test_an_instance_that_gives_up_on_a_silent_client_is_not_left_out(fleet):
    house = fleet("ab", "balance=round_robin", "eject=errors=2 interval=10s time=30s max=100%", "retry=off")

    def give_up(exchange):
        if exchange.request.method == "POST":
            threading.Event().wait(0.5)  # a backend's own patience with a body
            exchange.close()
        else:
            exchange.answer(fields={"X-Backend": exchange.backend.name})

    for name in "ab":
        house[name].head_only = True
        house[name].handler = give_up
    silent = [Client(house.door.http, host=house.host) for _ in range(12)]
    for client in silent:
        client.send(f"POST / HTTP/1.1\r\nHost: {house.host}\r\nContent-Length: 100000\r\n\r\nabc")
    for client in silent:
        assert client.response("POST").status == 502
        client.close()
    assert house.spread(20) == {"a": 10, "b": 10}


def delay(house, name, seconds):
    def late(exchange):
        threading.Event().wait(seconds)  # how slow it is
        exchange.answer(fields={"X-Backend": name})

    house[name].handler = late


def test_an_instance_that_is_much_slower_than_the_others_is_left_out_where_asked(fleet):
    house = fleet("abc", "balance=round_robin", "eject=slow=3 interval=10s time=30s")
    delay(house, "c", 0.1)

    def rests():
        house.spread(12)
        return "slow answers" in endpoints(house.door.status(), "fleet")["c"].get("out", "")

    wait_until(rests, "the slow one rests", within=60)
    assert set(house.spread(20)) == {"a", "b"}


def test_a_slow_instance_stays_where_nothing_is_said(fleet):
    house = fleet("abc", "balance=round_robin", "eject=errors=3")
    delay(house, "c", 0.03)
    assert house.spread(180) == {"a": 60, "b": 60, "c": 60}


def test_the_last_instance_is_never_left_out(fleet):
    house = fleet("a", "eject=errors=2 interval=10s time=30s")
    house["a"].handler = lambda exchange: exchange.answer(503, fields={"X-Backend": "a"})
    assert house.spread(20) == {"a": 20}, "its own answers pass; ours would hide what is wrong"


def test_a_new_instance_starts_slowly_where_asked(fleet):
    house = fleet("a", "balance=round_robin", "slow_start=3s")
    # the old instance must be past its own slow start, of which nothing tells: its time has to pass
    watch_for(lambda: False, 3.0)
    house.add("b")
    wait_until(lambda: house.spread(20).get("b", 0) > 0, "b is there", within=10)
    assert 0 < house.spread(100)["b"] < 40, "far from its half"
    wait_until(lambda: house.spread(100)["b"] == 50, "its half in the end", within=10)


def test_many_clients_at_once_leave_no_count_behind(fleet):
    house = fleet("ab", "balance=least_request")
    failures = []

    def work():
        with Client(house.door.http, host=house.host) as client:
            for _ in range(100):
                if client.ask().status != 200:
                    failures.append("status")

    threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    tally = house.spread(200)
    assert min(tally["a"], tally["b"]) > 40, "idle instances share alike: nothing is still counted as in flight"


def test_the_methods_named_in_retry_are_tried_elsewhere_and_only_they(fleet):
    house = fleet("ab", "balance=round_robin", "retry=1 on=503 methods=POST")
    house["a"].handler = lambda exchange: exchange.answer(503, fields={"X-Backend": "a"})
    assert house.spread(3, method="POST", body=b"x") == {"b": 3}
    assert house["a"].requests, "some were sent there first"
    assert house.spread(2, method="PUT", body=b"x") == {"a": 1, "b": 1}
    assert house.spread(2) == {"a": 1, "b": 1}
