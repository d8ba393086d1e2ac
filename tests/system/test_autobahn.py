"""WebSocket by Autobahn's suite: through the door every case ends as it does without it."""
import pytest

from support.autobahn import EchoServer, play
from support.catalog import instance

pytestmark = [pytest.mark.ci, pytest.mark.timeout(400)]

EXCLUDED = ["9.*", "12.*", "13.*"]  # throughput; and compression, which the echo server doesn't know
CASES = 247
PASSES = {"OK", "NON-STRICT", "INFORMATIONAL"}
# A good frame and a bad one, octet by octet: whether the server answers the good one first (OK), or sees both at once
# and ends (NON-STRICT), is up to TCP's segments.
BY_SEGMENTS = {"3.4", "4.1.5", "4.2.5"}


@pytest.fixture
def echo():
    with EchoServer() as server:
        yield server


@pytest.fixture
def judge(echo, tmp_path):
    """Plays every case with the door, and without."""

    def judge(door):
        servers = {"direct": f"ws://{echo.authority}", "door": f"ws://{door.http[0]}:{door.http[1]}"}
        told = play(tmp_path, servers, EXCLUDED)
        direct, through = told["direct"], told["door"]
        assert len(direct) == CASES and through.keys() == direct.keys()
        assert {verdict for case in (*direct.values(), *through.values()) for verdict in case} <= PASSES
        others = {case: (direct[case], got) for case, got in through.items() if got != direct[case]}
        assert others.keys() <= BY_SEGMENTS, others

    return judge


@pytest.fixture
def door(make_door, echo):
    door = make_door(start=False)
    door.catalog.put("echo", instance("echo", echo.address, "route=/", f"host={echo.authority}"))
    door.start()
    return door


def test_every_case_ends_as_without_the_door(door, judge):
    judge(door)


def test_every_case_ends_so_over_http2_between_two_doors(make_door, door, judge):
    """RFC 8441: the first door opens each WebSocket by extended CONNECT, and the second one takes it so."""
    first = make_door(start=False)
    first.catalog.put("second", instance("second", door.http, "route=/", "protocol=h2c"))
    first.start()
    judge(first)
    assert first.metric("gatehouse_backend_http2_streams_total") >= CASES
    assert door.metric("gatehouse_http2_streams_total") >= CASES
