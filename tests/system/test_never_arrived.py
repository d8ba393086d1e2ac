"""A backend that ends a kept connection while a request is on its way to it: that was never processed, and TCP proves it."""
import pytest

pytest.importorskip("h2", reason="python3-h2 is not installed")

from support.backend import Backend
from support.catalog import instance
from support.client import Client
from support.h2_backend import H2Backend
from support.machines import Machines
from support.wait import wait_until

pytestmark = pytest.mark.ci


@pytest.fixture
def machines():
    made = Machines("far")
    yield made
    made.discard()


@pytest.mark.parametrize("make, protocol, replays", [
    (Backend, "http", "gatehouse_stale_replays_total"),
    (H2Backend, "h2c", "gatehouse_backend_http2_replays_total"),
])  # fmt: skip
def test_a_post_that_never_arrived_goes_again_on_a_new_connection(make_door, machines, make, protocol, replays):
    with machines.entered("far"):
        backend = make(address=machines.address["far"])
    door = make_door(start=False, config={"workers": 1})
    tags = ["route=far.test", f"protocol={protocol}", "connect_timeout=30s", "health=none"]
    door.catalog.put("far", instance("far", backend, *tags))
    door.start()
    try:
        with Client(door.http, host="far.test") as client:
            assert client.ask("POST", "/warm", body=b"1").status == 200
            sent = door.metric("gatehouse_backend_reuses_total")
            machines.deafen("far")
            client.request("POST", "/pay", body=b"100")
            wait_until(lambda: door.metric("gatehouse_backend_reuses_total") > sent, "the request is on its way")
            backend.drop_connections()
            wait_until(lambda: door.metric(replays) == 1, "it is sent again")
            machines.undeafen("far")
            assert client.response().status == 200
        assert len(backend.requests) == 2
    finally:
        backend.stop()
