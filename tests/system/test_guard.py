"""The guard: rates are held, offenders are banned at once, and the ban is told."""
import json
import re
import time

import pytest

from support import addresses
from support.catalog import instance
from support.client import Client, ask
from support.http2 import DATA, END_STREAM, HEADERS, Http2Client, headers, request_fields
from support.tcp_backend import read_line
from support.wait import wait_until

pytestmark = pytest.mark.ci

# The machine itself is never banned; its other loopback addresses are nobody's.
CLIENTS = [f"127.16.0.{n}" for n in range(1, 250)]
FRONT = "127.17.0.1"

DOOR = {
    "trusted_proxies": [FRONT],
    "guard": {
        "rate_limits": {
            "three": {"rate": "3/h", "burst": 2},
            "look": {"rate": "1/h", "mode": "observe"},
            "key": {"rate": "1/h", "key": ["header:X-Key", "client"]},
            "slow": {"rate": "2/s", "burst": 2, "delay": True},
            "page": {"rate": "1/h", "key": ["client", "path"]},
            "all": {"rate": "10/h", "burst": 9, "key": "header:X-Counted"},
        },
        "rate_limit": "all",
        "jails": {
            "probes": {"mode": "enforce", "filter": {"path": "~^/wp-", "host": "banned.test"}, "maxretry": 3},
            "shut": {"mode": "enforce", "filter": {"path": "/shut"}, "maxretry": 1, "action": "close"},
            "gone": {"mode": "enforce", "filter": {"path": "/gone"}, "maxretry": 1, "action": "drop"},
            "later": {"mode": "enforce", "filter": {"path": "/later"}, "maxretry": 1, "action": "429", "bantime": "1h"},
            "brief": {
                "mode": "enforce", "filter": {"path": "/brief"}, "maxretry": 1, "bantime": "1s",
                "bantime.increment": True, "bantime.maxtime": "1h",
            },
            "watch": {"filter": {"path": "/watch"}, "maxretry": 1},
            "crawl": {"mode": "enforce", "filter": {"path": "~^/crawl"}, "distinct": "path", "maxretry": 3},
            "shock": {"mode": "enforce", "preset": "apache-shellshock"},
            "again": {"mode": "enforce", "preset": "recidive", "maxretry": 2, "bantime": "10d"},
        },
    },
}


@pytest.fixture(scope="module")
def house(make_shared_door, make_shared_backend):
    door = make_shared_door(start=False, config=DOOR)
    backend = make_shared_backend("guarded")
    for name, tag in {
        "three": "rate_limit=three", "look": "rate_limit=look", "key": "rate_limit=key", "slow": "rate_limit=slow",
        "page": "rate_limit=page", "plain": None, "banned": None,
    }.items():
        tags = [f"route={name}.test", *([tag] if tag else [])]
        door.catalog.put(name, instance(name, backend, *tags))
    door.start()
    door.backend = backend
    return door


_addresses = iter(CLIENTS)


@pytest.fixture
def client(house):
    """Asks from an address that no other test has."""
    source = next(_addresses)

    def do(host="plain.test", target="/", fields=(), **more):
        return ask(house.http, target=target, host=host, fields=fields, source=more.pop("source", source), **more)

    do.address = source
    return do


def bans(door, *words):
    return door.command("bans", *words)


def is_refused(door, source):
    """No answer: closed, or not even taken."""
    try:
        with Client(door.http, source=source, host="plain.test") as one:
            one.request()
            return one.is_closed() or one.sock.recv(1) == b""
    except OSError:
        return True


# -- limits ----------------------------------------------------------------------------------------------------------


def test_what_is_beyond_the_burst_is_answered_with_429_and_when_to_come_back(client):
    answers = [client("three.test") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    refusal = answers[-1]
    assert 1100 <= int(refusal.get("Retry-After")) <= 1200
    assert re.fullmatch(r'"three";r=0;t=\d+', refusal.get("RateLimit"))
    assert refusal.get("RateLimit-Policy") == '"three";q=3;w=3600'
    assert refusal.get("Cache-Control") == "no-store"


def test_another_client_is_not_held_up(client, house):
    while client("three.test").status == 200:
        pass
    assert client("three.test", source=next(_addresses)).status == 200


def test_what_is_refused_never_reaches_the_backend(client, house):
    for _ in range(3):
        client("three.test")
    before = len(house.backend.requests)
    assert client("three.test").status == 429
    assert len(house.backend.requests) == before


def test_a_connection_goes_on_after_a_429(house, client):
    with Client(house.http, source=client.address, host="three.test") as one:
        assert [one.ask().status for _ in range(5)] == [200, 200, 200, 429, 429]


def test_over_http2_each_stream_counts_and_the_connection_goes_on(house, client):
    with Http2Client(house.http, source=client.address) as one:
        asked = [one.ask(stream, host="three.test") for stream in (1, 3, 5, 7)]
        assert asked == [200, 200, 200, 429]
        assert one.ask(9, host="plain.test") == 200
        assert one.goaway is None
    house.logged(host="three.test", status=429, termination="rate_limited", http_version="HTTP/2", client_address=client.address)


def test_over_http2_a_delayed_stream_holds_up_no_other(house, client):
    with Http2Client(house.http, source=client.address) as one:
        asked = [(1, "slow.test"), (3, "slow.test"), (5, "slow.test"), (7, "plain.test")]
        one.send(*(headers(stream, request_fields(host)) for stream, host in asked))
        assert [one.wait_ended(stream) for stream, _ in asked] == [200] * 4
        ends = [stream for kind, flags, stream, _ in one.frames if kind in (DATA, HEADERS) and flags & END_STREAM]
        assert ends.index(7) < ends.index(5)


def test_observing_refuses_nobody_and_counts(client, house):
    def counted():
        return house.metric("gatehouse_rate_limited_total", limit="look", outcome="observed")

    before = counted()
    assert [client("look.test").status for _ in range(3)] == [200] * 3
    assert counted() == before + 2


def test_parts_of_a_key_are_counted_together(client):
    assert client("key.test", fields={"X-Key": "a"}).status == 200
    assert client("key.test", fields={"X-Key": "a"}).status == 429
    assert client("key.test", fields={"X-Key": "b"}).status == 200
    assert client("key.test").status == 200


def test_paths_are_counted_apart(client):
    assert client("page.test", "/a").status == 200
    assert client("page.test", "/a").status == 429
    assert client("page.test", "/b").status == 200


def test_what_is_delayed_comes_at_the_rate(client):
    begun = time.monotonic()
    assert client("slow.test").status == 200
    assert client("slow.test").status == 200
    assert client("slow.test").status == 200
    assert time.monotonic() - begun >= 0.9  # two waits of half a second: it can't be sooner


def test_a_client_that_goes_while_it_waits_is_not_carried(house, client):
    client("slow.test")
    with Client(house.http, source=client.address, host="slow.test") as first:
        first.request(target="/left")
        first.reset()
    house.logged(path="/left", termination="client_closed")
    assert not any(request.target == "/left" for request in house.backend.requests)


def test_a_limit_for_all_holds_whatever_the_route_is(client):
    answers = [client("nowhere.test", fields={"X-Counted": client.address}).status for _ in range(11)]
    assert answers == [404] * 10 + [429]


def test_clients_behind_a_trusted_proxy_are_counted_apart(client):
    def through(name):
        return client("three.test", fields={"X-Forwarded-For": name}, source=FRONT).status

    assert [through("198.51.100.1") for _ in range(4)] == [200, 200, 200, 429]
    assert through("198.51.100.2") == 200


def test_a_proxy_that_names_nobody_is_not_limited_as_one_client(client):
    assert [client("three.test", source=FRONT).status for _ in range(6)] == [200] * 6


def test_households_of_ipv6_are_one_client(client):
    def through(name):
        return client("three.test", fields={"X-Forwarded-For": name}, source=FRONT).status

    assert [through(f"2001:db8:1:1::{n}") for n in range(1, 5)] == [200, 200, 200, 429]
    assert through("2001:db8:1:2::1") == 200


def test_a_limit_that_is_not_defined_refuses_the_route(house, client):
    house.catalog.put("lost", instance("lost", house.backend, "route=lost.test", "rate_limit=nobody"))
    wait_until(lambda: client("lost.test").status == 503, what="the refused route")


def test_explain_tells_the_limits_of_a_route(house, client):
    text = house.do("explain", "GET", f"http://three.test:{house.http[1]}/")
    assert "three  3/h by client, burst 2" in text


# -- bans ------------------------------------------------------------------------------------------------------------


def test_the_request_after_the_deciding_one_is_refused(client, house):
    assert [client("banned.test", f"/wp-{n}").status for n in range(3)] == [200] * 3
    wait_until(lambda: client("banned.test", "/").status == 403, what="the ban")
    answer = client("banned.test", "/")
    assert answer.get("X-Ban-Id") in answer.text
    assert len(answer.get("X-Ban-Id")) == 10
    assert client("plain.test").status == 403, "a ban holds for every host"


def test_a_ban_holds_on_the_same_connection_and_ends_it(house, client):
    with Client(house.http, source=client.address, host="banned.test") as one:
        for n in range(3):
            assert one.ask(target=f"/wp-{n}").status == 200
        assert one.ask().status == 403
        one.wait_closed()


def test_other_connections_of_the_offender_are_closed(house, client):
    with Client(house.http, source=client.address, host="plain.test") as idle:
        assert idle.ask().status == 200
        client(target="/later")
        idle.wait_closed()


def test_others_are_not_touched_by_it(house, client):
    with Client(house.http, source=next(_addresses), host="plain.test") as other:
        assert other.ask().status == 200
        client(target="/later")
        wait_until(lambda: client().status == 429, what="the ban, by the other worker too")
        assert other.ask().status == 200


def test_the_access_log_has_the_ban_s_id(house, client):
    client(target="/later")
    wait_until(lambda: client().status == 429, what="the ban")
    answer = client(target="/while-banned")
    assert 3500 <= int(answer.get("Retry-After")) <= 3600
    house.logged(path="/while-banned", termination="banned", ban_id=answer.get("X-Ban-Id"), client_address=client.address)


def test_close_ends_the_connection_without_a_word(house, client):
    client(target="/shut")
    wait_until(lambda: is_refused(house, client.address), what="the ban")


def test_drop_takes_no_connection(house, client):
    client(target="/gone")
    before = house.metric("gatehouse_connections_banned_total")
    wait_until(
        lambda: is_refused(house, client.address) and house.metric("gatehouse_connections_banned_total") > before,
        what="a connection that is dropped",
    )


def test_over_http2_who_is_banned_is_told_once_and_the_connection_ends(house, client):
    client(target="/later")
    with Http2Client(house.http, source=client.address) as one:
        assert one.ask(1, host="plain.test") == 429
        wait_until(lambda: one.closed, one.describe)
        assert one.goaway == 0
    house.logged(host="plain.test", termination="banned", http_version="HTTP/2", client_address=client.address)


def test_over_http2_a_ban_ends_the_connection_that_earned_it(house, client):
    with Http2Client(house.http, source=client.address) as one:
        assert one.ask(1, "/later", host="plain.test") == 200
        wait_until(lambda: one.closed, one.describe)


def test_over_http2_a_ban_without_a_word_cuts_the_connection(house, client):
    client(target="/shut")
    with Http2Client(house.http, source=client.address) as one:
        one.send(headers(1, request_fields("plain.test")))
        wait_until(lambda: one.closed, one.describe)
        assert (one.statuses, one.resets, one.goaway) == ({}, {}, None)


def test_over_http2_a_proxy_s_connection_goes_on_for_its_other_clients(house, client):
    """A proxy's streams are of many clients: whose ban has no answer loses his stream alone."""
    def fields(of, target="/"):
        return request_fields("plain.test", target) + [["x-forwarded-for", of]]

    with Http2Client(house.http, source=FRONT) as proxy:
        proxy.send(headers(1, fields(client.address, "/shut")))
        assert proxy.wait_ended(1) == 200
        proxy.send(headers(3, fields(client.address)))
        wait_until(lambda: 3 in proxy.resets, proxy.describe)
        proxy.send(headers(5, fields(next(_addresses))))
        assert proxy.wait_ended(5) == 200
        assert proxy.goaway is None and 3 not in proxy.statuses


def test_a_ban_ends_and_the_next_one_is_longer(house, client):
    client(target="/brief")
    wait_until(lambda: "ban" in json.loads(bans(house, "why", client.address, "--json").stdout), what="the first ban")
    wait_until(lambda: client().status == 200, within=10, what="the end of the ban")
    client(target="/brief")
    wait_until(lambda: client().status == 403, what="the next ban")
    found = json.loads(bans(house, "why", client.address, "--json").stdout)
    assert found["ban"]["offences"] == 2


def test_observing_jails_ban_nobody_and_tell(house, client):
    client(target="/watch")
    assert client().status == 200
    wait_until(
        lambda: f"{client.address} would be banned by watch" in house.do("history", "--since", "1h"),
        what="what the jail would have done",
    )


def test_distinct_counts_each_path_once(client):
    for _ in range(6):
        assert client(target="/crawl/a").status == 200
    client(target="/crawl/b")
    client(target="/crawl/c")
    wait_until(lambda: client().status == 403, what="the ban")


def test_a_field_s_value_that_looks_like_a_shell_function_bans(client):
    client(fields={"X-Odd": "() { :; }; echo"})
    wait_until(lambda: client().status == 403, what="the ban")


def test_who_is_banned_again_and_again_is_banned_for_long(house, client):
    for _ in range(2):
        wait_until(lambda: client().status == 200, within=10, what="the end of the ban")
        client(target="/brief")
        wait_until(lambda: client().status == 403, what="the ban")
    found = json.loads(bans(house, "why", client.address, "--json").stdout)
    assert found["ban"]["jail"] == "again" and found["ban"]["left_s"] > 9 * 86400


def test_a_client_behind_a_proxy_is_banned_and_the_proxy_is_not(house, client):
    with Client(house.http, source=FRONT, host="plain.test") as proxy:
        assert proxy.ask(target="/later", fields={"X-Forwarded-For": "203.0.113.7"}).status == 200
        assert proxy.ask(fields={"X-Forwarded-For": "203.0.113.8"}).status == 200
        assert proxy.ask(fields={"X-Forwarded-For": "203.0.113.7"}).status == 429


def test_this_machine_is_never_banned(house):
    for _ in range(3):
        assert ask(house.http, target="/later", host="plain.test", source="127.0.0.1").status == 200


def test_why_tells_what_counted(house, client):
    for n in range(3):
        client("banned.test", f"/wp-{n}")
    ban_id = wait_until(lambda: client().get("X-Ban-Id"), what="the ban")
    wait_until(lambda: "/wp-2" in bans(house, "why", ban_id).stdout, what="the evidence")
    told = bans(house, "why", client.address)
    assert told.returncode == 0
    for n in range(3):
        assert f"GET banned.test/wp-{n}" in told.stdout
    assert "probes" in told.stdout and ban_id in told.stdout


def test_bans_are_added_and_lifted_by_hand(house, client):
    assert client().status == 200
    assert bans(house, "add", client.address, "--for", "1h").returncode == 0
    assert client().status == 403
    assert client.address in bans(house, "list").stdout
    assert bans(house, "remove", client.address).returncode == 0
    assert client().status == 200
    assert bans(house, "remove", client.address).returncode == 1


def test_status_shows_how_many_are_banned_and_the_newest(make_door):
    door = make_door()
    assert door.status()["bans"] == {"count": 0, "newest": []} and "ban" not in door.do("status").split("problems")[0]
    for n in range(11):
        bans(door, "add", f"127.18.0.{n + 1}", "--for", "1h")
    told = door.status()["bans"]
    assert told["count"] == 11 and len(told["newest"]) == 10
    assert told["newest"][0]["prefix"] == "127.18.0.11" and told["newest"][0]["jail"] == "admin"
    shown = door.do("status")
    assert "11 bans" in shown and re.search(r"127\.18\.0\.11 +admin +403 +.* left", shown) and "and 1 more" in shown
    page = json.loads(door.ask_metrics("/status.json").body)
    assert page["bans"] == {"count": 11}, "whom is for operators"


def test_a_banned_client_s_tcp_session_is_cut_and_told(make_door, client, make_tcp_backend):
    backend = make_tcp_backend("shell")
    door = make_door(start=False)
    at = (door.address, 23001)
    door.change_config({"catalog": {"permit": {"listen": [f"{door.address}:23001"]}}})
    door.catalog.put("shell", instance("shell", backend, f"tcp={at[0]}:{at[1]}"))
    door.start()
    wait_until(lambda: addresses.listens(at), "the service's port")
    with Client(at, source=client.address) as one, Client(at, source=next(_addresses)) as other:
        assert read_line(one) == read_line(other) == "shell"
        bans(door, "add", client.address, "--for", "1h")
        one.wait_closed()
        other.send(b"still here\n")
        assert read_line(other) == "still here"
    line = door.logged(event="tcp", client_address=client.address)
    assert (line["termination"], line["service"]) == ("banned", "shell")


def test_a_lifted_ban_is_forgotten(house, client):
    client(target="/brief")
    wait_until(lambda: client().status == 403, what="the ban")
    bans(house, "remove", client.address)
    client(target="/brief")
    wait_until(lambda: client().status == 403, what="the next ban")
    assert json.loads(bans(house, "why", client.address, "--json").stdout)["ban"]["offences"] == 1


@pytest.mark.parametrize("target", ["127.0.0.1", FRONT, "0.0.0.0/0", "10.0.0.0/4", "nobody", "127.0.0.0/8"])
def test_what_would_cut_off_the_house_is_not_banned_by_hand(house, target):
    told = bans(house, "add", target)
    assert told.returncode == 1 and told.stderr


def test_explain_tells_of_a_ban(house, client):
    client(target="/later")
    wait_until(lambda: client().status == 429, what="the ban")
    text = house.do("explain", "GET", f"http://plain.test:{house.http[1]}/", "--from", client.address)
    assert "by later" in text and "429" in text


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_bans_outlive_the_process(make_door, make_backend, ending):
    door = make_door(start=False, config={"guard": DOOR["guard"]})
    door.catalog.put("plain", instance("plain", make_backend("kept"), "route=plain.test"))
    door.start()
    source = next(_addresses)
    ask(door.http, target="/later", host="plain.test", source=source)
    wait_until(lambda: ask(door.http, host="plain.test", source=source).status == 429, what="the ban")
    before = ask(door.http, host="plain.test", source=source)
    wait_until(lambda: _saved(door), what="the file of bans")
    if ending == "kill":
        door.kill()
    else:
        door.stop()
    door.start()
    after = ask(door.http, host="plain.test", source=source)
    assert (after.status, after.get("X-Ban-Id")) == (429, before.get("X-Ban-Id"))
    assert 3400 <= int(after.get("Retry-After")) <= 3600


def _saved(door):
    try:
        with open(door.path("state", "bans"), "rb") as file:
            return len(file.read()) > 17 + 5 * 8
    except FileNotFoundError:
        return False


def test_a_broken_file_of_bans_is_told_and_bans_nobody(make_door, make_backend):
    door = make_door(start=False)
    with open(door.path("state", "bans"), "wb") as file:
        file.write(b"gatehouse bans 1\nnothing of the kind")
    door.catalog.put("plain", instance("plain", make_backend("fresh"), "route=plain.test"))
    door.start()
    assert ask(door.http, host="plain.test").status == 200
    assert "was cut or altered" in door.do("history", "--since", "1h")


def test_a_reload_changes_limits_and_keeps_bans(make_door, make_backend):
    door = make_door(start=False, config={"guard": DOOR["guard"]})
    door.catalog.put("plain", instance("plain", make_backend("again"), "route=plain.test", "rate_limit=three"))
    door.start()
    banned, limited = next(_addresses), next(_addresses)
    ask(door.http, target="/later", host="plain.test", source=banned)
    while ask(door.http, host="plain.test", source=limited).status == 200:
        pass
    door.change_config({"guard": {"rate_limits": {"three": {"rate": "100/s", "burst": 100}}}})
    door.reload()
    wait_until(lambda: ask(door.http, host="plain.test", source=banned).status == 429, what="the ban")
    wait_until(lambda: ask(door.http, host="plain.test", source=limited).status == 200, what="the new limit")
