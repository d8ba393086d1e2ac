"""What the benchmark makes of the tools' words and of its samples: a wrong figure looks like any other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import report
import servers
from loads import Sample, read_tool, read_wrk
from rows import ROWS, AtLeast, AtMost, Row

WRK = """Running 1s test @ http://localhost:21010/1k
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.10ms  300.00us   5.00ms   78.50%
    Req/Sec    58.99k     3.41k   63.07k    60.00%
  Latency Distribution
     50%    1.05ms
     75%    1.20ms
     90%    1.41ms
     99%  920.00us
  58999 requests in 1.00s, 70.00MB read
"""


def row(*goals, cost="cpu_us"):
    return Row("some", "some work", "request", None, goals, cost=cost)


def costs(*values):
    return [Sample(units=100, seconds=1, cpu_us=value) for value in values]


def test_wrk_tells_requests_and_quantiles():
    assert read_wrk(WRK) == {"units": 58999.0, "p50_us": 1050.0, "p99_us": 920.0, "errors": ""}


def test_what_wrk_calls_wrong_is_an_error():
    told = WRK + "  Socket errors: connect 0, read 3, write 0, timeout 0\n  Non-2xx or 3xx responses: 7\n"
    assert read_wrk(told)["errors"] == "connect 0, read 3, write 0, timeout 0; 7"


def test_a_load_that_says_nothing_is_an_error():
    assert read_wrk("unable to connect\n")["errors"]
    assert read_tool("")["errors"]


def test_a_tool_without_errors_has_none():
    assert read_tool("units=12 errors=0 p50_us=1.5 p99_us=2.5\n") == {
        "units": 12.0, "p50_us": 1.5, "p99_us": 2.5, "errors": "",
    }  # fmt: skip
    assert read_tool("units=12 errors=3\n")["errors"] == "3"


def test_half_the_cost_is_twice_as_good_round_by_round():
    assert report.ratios(costs(5, 4), costs(10, 4), "cpu_us") == [2.0, 1.0]


def test_a_round_without_a_figure_gives_no_ratio():
    assert report.ratios(costs(5, 0), costs(10, 4), "cpu_us") == [2.0]


def test_a_goal_holds_by_the_median_and_rounds_against_it_are_told():
    by_server = {"nginx": costs(10, 10, 10), "gatehouse": costs(7, 8, 9)}
    words, verdict = report.judge(row(), AtLeast(1.25), by_server)
    assert words == "1.25 of nginx (is 1.25 [1.11..1.43])"
    assert verdict == "yes (1 of 3 rounds say otherwise)"
    assert report.judge(row(), AtLeast(1.26), by_server)[1] == "no (1 of 3 rounds say otherwise)"


def test_a_limit_holds_up_to_itself():
    held = {"gatehouse": [Sample(units=1, memory=600.0)]}
    assert report.judge(row(cost="memory"), AtMost(600), held)[1] == "yes"
    assert report.judge(row(cost="memory"), AtMost(599), held)[1] == "no"


def test_errors_of_the_door_void_its_goals():
    failed = [Sample(units=100, seconds=1, cpu_us=1, errors="7")]
    by_server = {"nginx": costs(10), "gatehouse": failed}
    assert report.goals_of(row(AtLeast(1.0)), by_server)[1] == "no: errors"


def test_a_goal_without_the_door_is_not_measured():
    assert report.judge(row(), AtLeast(1.0), {"nginx": costs(10)})[1] == "not measured"


def test_rows_name_servers_that_exist():
    known = {server.name for server in servers.SERVERS}
    for each in ROWS:
        assert set(each.besides) <= known
        assert {goal.of for goal in each.goals if isinstance(goal, AtLeast)} <= known


def test_every_key_of_a_template_is_filled_and_no_dollar_is_touched():
    assert servers.fill("listen @PORT@; $host", {"PORT": 80}) == "listen 80; $host"
