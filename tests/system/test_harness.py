"""The harness itself: it must be able to fail. Judged against made-up outcomes and against nginx, whose faults are
known."""
import shutil

import pytest

from support import byte_cases, wire
from support.byte_cases import Outcome, judge
from support.byte_runner import Runner
from support.stand_in import NginxDoor

pytestmark = pytest.mark.quick

REFUSED = {"id": "x", "expect": {"any_of": [{"class": "REJECT", "status": [400], "close": True}]}}
PASSED = {"id": "x", "expect": {"any_of": [{"class": "FORWARD", "requests": [{"method": "GET", "target": "/a"}]}]}}


def got(*targets):
    return [wire.Request(method="GET", target=target) for target in targets]


@pytest.mark.parametrize(
    "case, seen, level",
    [
        (REFUSED, Outcome(statuses=[400], closed=True), "EXACT"),
        (REFUSED, Outcome(statuses=[422], closed=True), "SAFE"),
        (REFUSED, Outcome(statuses=[400], closed=False), "FAIL"),
        (REFUSED, Outcome(statuses=[], closed=False), "FAIL"),
        (REFUSED, Outcome(statuses=[400, 200], closed=True, requests=got("/b")), "FAIL"),
        (PASSED, Outcome(statuses=[200], requests=got("/a")), "EXACT"),
        (PASSED, Outcome(statuses=[200], requests=got("/b")), "FAIL"),
        (PASSED, Outcome(statuses=[502], requests=got("/a")), "FAIL"),
        (PASSED, Outcome(statuses=[200], requests=got("/a", "/SMUGGLED")), "FAIL"),
        (PASSED, Outcome(statuses=[200], requests=got("/a"), faults=["field line"]), "FAIL"),
        (PASSED, Outcome(statuses=[200], requests=got("/a"), probe="another's answer"), "FAIL"),
    ],
)
def test_an_outcome_is_judged_by_the_table_and_the_invariants(case, seen, level):
    assert judge(case, seen).level == level


@pytest.mark.parametrize(
    "data",
    [
        b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n",
        b"GET /a HTTP/1.1\nHost: a\n\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nX: b\x00\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_the_capturing_backend_takes_nothing_that_is_not_clean(data):
    with pytest.raises(wire.NotClean):
        byte_cases.reader_of(data).request()


def test_surplus_bytes_behind_an_answer_are_seen_as_a_second_answer():
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\nrest"
    assert [answer.status for answer in byte_cases.answers(raw, [])] == [200, 404, 0]


@pytest.mark.ci
@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_the_runner_finds_what_nginx_is_known_to_pass_and_to_fail(tmp_path, authority):
    doors = []

    def make_door(start, **options):
        doors.append(NginxDoor(tmp_path, **options))
        return doors[0]

    known = {"A01": False, "B01": False, "C01": False, "E02": False, "P01": False, "S07": True}
    cases = [case for case in byte_cases.load("http1.json") if case["id"] in known]
    try:
        verdicts = Runner(make_door, authority, cases).run("plain")
    finally:
        doors[0].stop()
        doors[0].discard()
    assert {id: verdict.level == "FAIL" for id, verdict in verdicts.items()} == known
