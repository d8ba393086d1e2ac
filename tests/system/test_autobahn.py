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


def test_every_case_ends_as_without_the_door(make_door, echo, tmp_path):
    door = make_door(start=False)
    door.catalog.put("echo", instance("echo", echo.address, "route=/", f"host={echo.authority}"))
    door.start()
    servers = {"direct": f"ws://{echo.authority}", "door": f"ws://{door.http[0]}:{door.http[1]}"}
    told = play(tmp_path, servers, EXCLUDED)
    direct, through = told["direct"], told["door"]
    assert len(direct) == CASES and through.keys() == direct.keys()
    assert {verdict for case in (*direct.values(), *through.values()) for verdict in case} <= PASSES
    others = {case: (direct[case], got) for case, got in through.items() if got != direct[case]}
    assert others.keys() <= BY_SEGMENTS, others
