"""Backend connections are kept, and their end is no client's trouble: what was not acted on is sent once more, what
may have been is not."""
import threading

import pytest

from support import wire
from support.backend import Gate
from support.client import Client
from support.wait import wait_until

pytestmark = pytest.mark.quick

DOOR = {"workers": 1, "limits": {"backend_idle_time": "1s", "backend_idle_connections": 3}}


class Processed:
    """Counts what a backend has acted on, by target."""

    def __init__(self):
        self.targets = []

    def answer(self, exchange, **more):
        self.targets.append(exchange.request.target)
        exchange.answer(body=exchange.request.target, **more)

    def twice(self):
        return {target for target in self.targets if self.targets.count(target) > 1}


def warm(site, method="GET"):
    """Leaves one connection to the backend in the door's pool."""
    site.answer_with(lambda exchange: exchange.answer(body="warm"))
    assert site.ask(method, "/warm").status == 200
    site.backend.forget()
    assert len(site.backend.open_connections()) == 1


def closing_when_reused(exchange):
    """Closes a connection that is used again, and answers on a fresh one."""
    if len(exchange.connection.requests) > 1:
        exchange.close()
    else:
        exchange.answer(body=f"fresh {exchange.request.target}")


def test_a_get_on_a_connection_that_dies_under_it_is_sent_once_more(site):
    warm(site)
    site.answer_with(closing_when_reused)
    assert site.ask("GET", "/again").text == "fresh /again"
    assert [request.target for request in site.backend.requests] == ["/again", "/again"]


def test_a_get_is_sent_once_more_after_a_reset_too(site):
    warm(site)

    def resetting(exchange):
        exchange.reset() if len(exchange.connection.requests) > 1 else exchange.answer(body="fresh")

    site.answer_with(resetting)
    assert site.ask("GET", "/again").text == "fresh"


def test_a_post_that_the_backend_took_is_not_sent_again(site):
    warm(site, "POST")
    site.answer_with(closing_when_reused)
    assert site.ask("POST", "/pay", body=b"100").status == 502
    assert [request.target for request in site.backend.requests] == ["/pay"]


def test_a_request_whose_answer_has_begun_is_not_sent_again(site):
    warm(site)

    def half(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Le")
        exchange.close()

    site.answer_with(half)
    assert site.ask("GET", "/half").status == 502
    assert len(site.backend.requests) == 1


def test_a_backend_that_always_dies_is_tried_once_more_and_then_given_up(site):
    warm(site)
    site.answer_with(lambda exchange: exchange.close())
    assert site.ask("GET", "/dying").status == 502
    assert len(site.backend.requests) == 2


@pytest.mark.site("balance=round_robin", backends=2)
def test_a_get_whose_backend_dies_on_a_fresh_connection_is_answered_by_another(site):
    dying, good = site.backends
    dying.handler = lambda exchange: exchange.close()
    answers = [site.ask("GET", f"/{n}") for n in range(20)]  # each at the dying one, until that is left out
    assert [answer.status for answer in answers] == [200] * 20
    assert {answer.get("X-Backend") for answer in answers} == {good.name}


@pytest.mark.site("balance=round_robin", backends=2)
def test_a_post_whose_backend_dies_is_sent_to_no_other(site):
    dying, good = site.backends
    dying.handler = lambda exchange: exchange.close()
    targets = [f"/{n}" for n in range(6)]
    assert {site.ask("POST", target, body=b"x").status for target in targets} == {200, 502}
    assert sorted(request.target for backend in site.backends for request in backend.requests) == targets


def refusing(exchange):
    exchange.answer(503, body=f"not now, says {exchange.backend.name}")


@pytest.mark.site("balance=round_robin", "retry=1 on=503", backends=2)
def test_an_answer_with_a_status_to_retry_is_replaced_by_another_endpoint_s(site):
    site.backends[0].handler = refusing
    assert {site.ask("GET", f"/{n}").status for n in range(3)} == {200}


@pytest.mark.site("retry=1 on=503")
def test_an_answer_with_a_status_to_retry_is_passed_on_where_nobody_else_can_be_asked(site):
    site.answer_with(refusing)
    answer = site.ask("GET", "/only")
    assert (answer.status, answer.text) == (503, f"not now, says {site.backend.name}")
    assert len(site.backend.requests) == 1


@pytest.mark.site("retry=0")
def test_nothing_is_sent_again_where_retry_says_so(site):
    warm(site)
    site.answer_with(closing_when_reused)
    assert site.ask("GET", "/once").status == 502
    assert len(site.backend.requests) == 1


def test_a_connection_that_the_backend_closed_while_idle_is_not_used(site):
    warm(site)
    site.backend.drop_connections()
    answer = site.ask("POST", "/pay", body=b"100")
    assert answer.status == 200, "the end was there to be seen before the POST was sent"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_backend_that_closes_behind_every_answer_loses_no_get_and_doubles_no_post(site, method):
    processed = Processed()

    def closing_soon(exchange):
        processed.answer(exchange)
        # the race itself: the end comes at some moment around the next request
        threading.Timer(len(processed.targets) % 7 / 2000, exchange.close).start()

    site.answer_with(closing_soon)
    failed = 0
    with site.client() as client:
        for n in range(300):
            answer = client.ask(method, f"/{n}", body=b"x" if method == "POST" else None)
            failed += answer.status != 200
            assert answer.status in (200, 502)
            if answer.status == 200:
                assert answer.text == f"/{n}", "its own answer, never another's"
    if method == "GET":
        assert failed == 0
    else:
        assert processed.twice() == set()
        assert failed < 300, "most ends are seen in time; how many is the scheduler's affair"


def test_a_body_that_was_passed_on_is_not_sent_again(site):
    warm(site)
    site.backend.head_only = True

    def take_and_die(exchange):
        exchange.read()
        exchange.close()

    site.answer_with(take_and_die)
    with site.client() as client:
        client.send(wire.message("PUT /big HTTP/1.1", [("Host", site.host), ("Content-Length", "1000000")]))
        try:
            client.send(b"x" * 1000000)
        except OSError:
            pass
        assert client.response().status == 502
    assert len(site.backend.requests) <= 1


# -- the pool -------------------------------------------------------------------------------------------------------


def test_idle_connections_are_kept_up_to_their_number(site):
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer()

    site.answer_with(wait)
    clients = [site.client() for _ in range(10)]
    for client in clients:
        client.request()
    site.backend.wait_for_requests(10)
    gate.open()
    assert [client.response().status for client in clients] == [200] * 10
    wait_until(lambda: len(site.backend.open_connections()) <= 3, "the pool's size")
    for client in clients:
        client.close()


def test_idle_connections_end_after_their_time(site):
    warm(site)
    wait_until(lambda: not site.backend.open_connections(), "the idle connection is closed", within=5)


def test_a_backend_s_keep_alive_hint_is_obeyed(site):
    # one second, less the second that we stay ahead of the backend: it is not kept at all
    site.answer_with(lambda exchange: exchange.answer(fields={"Keep-Alive": "timeout=1"}))
    assert [site.ask().status for _ in range(3)] == [200] * 3
    assert len(site.backend.connections) == 3


def test_many_clients_share_few_connections(site):
    site.answer_with(lambda exchange: exchange.answer())
    for _ in range(50):
        with site.client() as client:
            client.ask()
    assert len(site.backend.connections) == 1


def test_a_slow_request_holds_up_nobody_else(site):
    gate = Gate()

    def answer(exchange):
        if exchange.request.target == "/slow":
            gate.wait()
        exchange.answer(body=exchange.request.target)

    site.answer_with(answer)
    with Client(site.door.http, host=site.host) as slow:
        slow.request("GET", "/slow")
        gate.wait_reached()
        assert site.ask("GET", "/quick").text == "/quick"
        gate.open()
        assert slow.response().text == "/slow"


@pytest.mark.parametrize("size", [10, 5000, 100 * 1024, 1024 * 1024])
def test_bytes_behind_the_end_of_an_answer_are_nobody_s_answer(site, size):
    """However the body's end falls on a read, a second answer that nobody asked for goes no further."""

    def twice(exchange):
        body = b"x" * size
        forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s" % (size, body, forged))

    site.answer_with(twice)
    for target in "/1", "/2", "/3":
        assert site.ask("GET", target).body == b"x" * size
    assert len(site.backend.connections) == 3


@pytest.mark.parametrize("size", [10, 5000, 100 * 1024, 1024 * 1024])
def test_a_connection_is_kept_whatever_its_answer_s_size(site, size):
    site.answer_with(lambda exchange: exchange.answer(body=b"x" * size))
    for _ in range(20):
        assert len(site.ask("GET", "/").body) == size
    assert len(site.backend.connections) == 1
