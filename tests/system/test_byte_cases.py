"""Every byte case of cases/*.json, over plain TCP and over TLS: none may fail, and nearly all end as the table lists.

The whole table runs once per transport, side by side over lanes; each test then reads its case's verdict.
"""
import pytest

from support import byte_cases
from support.byte_runner import Runner

pytestmark = pytest.mark.quick

CASES = byte_cases.load("http1.json", "http1_more.json")


@pytest.fixture(scope="module")
def runner(make_shared_door, authority, request):
    chosen = set()
    for item in request.session.items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        chosen.add(parameters.get("id"))
    return Runner(make_shared_door, authority, [case for case in CASES if case["id"] in chosen] or CASES)


@pytest.mark.parametrize("id", [pytest.param(case["id"], id=f"{case['id']}:{case['title']}") for case in CASES])
@pytest.mark.parametrize("transport", ["plain", "tls"])
def test_bytes_end_as_the_rfc_allows(runner, transport, id):
    verdict = runner.run(transport)[id]
    assert verdict.level != "FAIL", str(verdict)


@pytest.mark.parametrize("transport", ["plain", "tls"])
def test_all_but_a_few_cases_end_by_a_listed_outcome(runner, transport):
    unlisted = [id for id, verdict in runner.run(transport).items() if verdict.level in ("SAFE", "FAIL")]
    assert len(unlisted) <= len(runner.cases) * 4 / 144, f"refused by an unlisted status: {unlisted}"
