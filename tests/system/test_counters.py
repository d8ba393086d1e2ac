"""What /metrics counts of services and endpoints is what happened: bytes, requests, failures, retries."""
import pytest

from support.catalog import instance
from support.client import Client
from support.wait import wait_until
from support.wire import message

pytestmark = pytest.mark.quick

SERVICE, ENDPOINT = "gatehouse_service_", "gatehouse_endpoint_"


@pytest.fixture
def door(make_door):
    return make_door(start=False, config={"workers": 1})


def counts(door, names, **labels):
    return {name: door.metric(name, **labels) for name in names}


def wait_counts(door, wanted, **labels):
    wait_until(
        lambda: counts(door, wanted, **labels) == wanted,
        lambda: f"{wanted}; it is {counts(door, wanted, **labels)}",
    )


@pytest.mark.parametrize("body", [
    b"Content-Length: 5000\r\n\r\n" + b"x" * 5000,
    b"Content-Length: 600000\r\n\r\n" + b"x" * 600_000,
    b"Transfer-Encoding: chunked\r\n\r\n" + b"5\r\nhello\r\n" * 100 + b"0\r\n\r\n",
], ids=["length", "large", "chunked"])
def test_bytes_are_counted_as_they_pass(door, make_backend, body):
    backend = make_backend("one")
    answer = b"HTTP/1.1 200 OK\r\n" + body
    backend.handler = lambda exchange: exchange.send(answer)
    door.catalog.put("one", instance("one", backend, "route=one.test"))
    door.start()
    request = message("POST / HTTP/1.1", {"Host": "one.test", "Content-Length": "300000"}, b"y" * 300_000)
    with Client(door.http) as client:
        client.send(request)
        assert client.response().status == 200
        sent_to_client = len(client.raw)
    wait_counts(door, {
        SERVICE + "received_bytes_total": len(request),
        SERVICE + "sent_bytes_total": sent_to_client,
        ENDPOINT + "received_bytes_total": len(answer),
        ENDPOINT + "sent_bytes_total": len(backend.connections[0].raw),
    }, service="one")


def test_a_failure_is_counted_once(door, make_backend):
    backend = make_backend("one", handler=lambda exchange: exchange.close())
    door.catalog.put("one", instance("one", backend, "route=one.test", "retry=0"))
    door.start()
    assert door.ask(host="one.test").status == 502
    wait_counts(door, {ENDPOINT + "failures_total": 1, ENDPOINT + "requests_total": 1}, service="one")


def test_a_connection_that_failed_is_no_request_and_its_retry_is_counted(door, make_backend):
    good, gone = make_backend("good"), make_backend("gone")
    gone.stop()
    made = [instance("one", backend, "route=one.test", "balance=round_robin", id=backend.name)
            for backend in (good, gone)]
    door.catalog.put("one", *made)
    door.start()
    assert [door.ask(host="one.test").status for _ in range(2)] == [200, 200]
    wait_counts(door, {ENDPOINT + "requests_total": 2, ENDPOINT + "connect_failures_total": 1,
                       SERVICE + "retries_total": 1}, service="one")
