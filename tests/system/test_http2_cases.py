"""Every frame case of cases/http2*.json, over clear text and TLS: malformed messages, smuggling towards HTTP/1.1, floods."""
import pytest

from support import http2_cases
from support.catalog import instance
from support.http2 import Http2Client

CASES = http2_cases.load("http2.json", "http2_more.json")
FLOODS = [case for case in CASES if case["expect"]["any_of"][0]["class"] == "FLOOD"]
OTHERS = [case for case in CASES if case not in FLOODS]


def named(cases):
    return [pytest.param(case, id=f"{case['id']}:{case['title']}") for case in cases]


@pytest.fixture(scope="module")
def front(make_shared_door, make_shared_backend, authority):
    backend = make_shared_backend("front")
    door = make_shared_door(start=False, tls=True)
    authority.issue("front.test", "inner.test").write(door.certificates, "front")
    door.catalog.put("front", instance("front", backend, "route=front.test", "route=inner.test", "http=serve"))
    door.start()
    return door, backend


@pytest.fixture(params=["plain", "tls"])
def connect(request, front, authority):
    door, _ = front
    if request.param == "plain":
        return lambda: Http2Client(door.http)
    return lambda: Http2Client(door.https, tls=authority.trust(alpn=("h2",)))


@pytest.mark.quick
@pytest.mark.parametrize("case", named(OTHERS))
def test_frames_end_as_the_rfc_allows(front, connect, case):
    door, backend = front
    http2_cases.run(case, connect, backend, door)
    assert backend.faults() == [], "the door sent bytes that RFC 9112 does not allow"


@pytest.mark.ci
@pytest.mark.parametrize("case", named(FLOODS))
def test_a_flood_is_cut_or_absorbed(front, connect, case):
    door, backend = front
    http2_cases.run(case, connect, backend, door)
