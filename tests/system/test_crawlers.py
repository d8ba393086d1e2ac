"""Crawlers of search engines are never banned where a real DNS (BIND) confirms who they are."""
import pytest

from support.catalog import instance
from support.client import ask
from support.named import Named
from support.wait import wait_until

pytestmark = [pytest.mark.ci, pytest.mark.root]

GOOGLEBOT = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
JAILS = {
    "probes": {"preset": "http-sensitive-files", "mode": "enforce", "maxretry": 3},
    "fakes": {"preset": "apache-fakegooglebot", "mode": "enforce", "bantime": "1h"},
}
# The first is what it says; the second's name leads elsewhere; the third's is not Google's; the fourth has none.
REAL, FORGED, OTHER, NAMELESS = "127.66.0.1", "127.66.0.2", "127.66.0.3", "127.66.0.4"
REVERSE = """1 IN PTR crawl-1.googlebot.com.
2 IN PTR crawl-2.googlebot.com.
3 IN PTR googlebot.com.evil.test."""
FORWARD = f"crawl-1 IN A {REAL}\ncrawl-2 IN A 192.0.2.1"


@pytest.fixture
def dns():
    named = Named("192.0.2.1", **{"googlebot.com": FORWARD, "0.66.127.in-addr.arpa": REVERSE})
    yield named.start()
    named.discard()


def house(make_door, make_backend, jails, resolver):
    backend = make_backend()
    backend.handler = lambda exchange: exchange.answer(404)
    door = make_door(start=False, config={"guard": {"crawlers": ["googlebot"], "resolver": resolver, "ignoreself": False, "jails": jails}})
    door.catalog.put("a", instance("a", backend, "route=a.test"))
    return door.start()


def probe(door, source, fields=GOOGLEBOT):
    try:
        return ask(door.http, target="/.env", host="a.test", source=source, fields=fields).status
    except OSError:
        return 0


def test_a_crawler_is_spared_once_its_name_leads_back_to_it_and_liars_are_not(make_door, make_backend, dns):
    door = house(make_door, make_backend, {"probes": JAILS["probes"]}, dns.at)
    for _ in range(30):
        assert probe(door, REAL) == 404
    for liar in (FORGED, OTHER, NAMELESS):
        wait_until(lambda: probe(door, liar) == 403, f"{liar} is banned", within=10, every=0.05)
    assert probe(door, "127.66.0.9", {}) == 404
    spared = lambda: door.metric("gatehouse_jail_spared_total", jail="probes")
    wait_until(lambda: probe(door, REAL) == 404 and spared() > 5, lambda: f"spared: {spared()}", within=10)
    assert REAL not in door.do("bans", "list")
    looks = {result: door.metric("gatehouse_crawler_looks_total", result=result) for result in ("proved", "refuted", "unclear")}
    assert looks == {"proved": 1, "refuted": 3, "unclear": 0}


def test_who_only_says_so_can_be_counted_for_it(make_door, make_backend, dns):
    door = house(make_door, make_backend, {"fakes": JAILS["fakes"]}, dns.at)
    assert ask(door.http, host="a.test", source=FORGED, fields=GOOGLEBOT).status == 404
    wait_until(lambda: FORGED in door.do("bans", "list"), "the liar is banned", within=10)
    wait_until(lambda: "crawler" in door.do("bans", "why", FORGED), lambda: door.do("bans", "why", FORGED))
    for _ in range(5):
        assert ask(door.http, host="a.test", source=REAL, fields=GOOGLEBOT).status == 404
    assert REAL not in door.do("bans", "list")


def test_where_the_dns_is_silent_a_claim_helps_nobody_for_long(make_door, make_backend):
    door = house(make_door, make_backend, {"probes": JAILS["probes"]}, "127.66.99.99:53")
    wait_until(lambda: probe(door, NAMELESS) == 403, "banned", within=40, every=0.2)
    assert door.metric("gatehouse_crawler_looks_total", result="unclear") >= 1
