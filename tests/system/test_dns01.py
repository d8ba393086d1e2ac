"""Wildcards and other names proved in the DNS: a real CA (Pebble) looks into a real BIND, which we have written to."""
import os
import stat

import pytest

from support.acme_house import listed, put_host, wait_state
from support.client import Client
from support.live_dns import TOKEN, AcmeDns, LiveDns
from support.named import Named
from support.wait import wait_until

pytestmark = [pytest.mark.ci, pytest.mark.root]

HOST, WILDCARD, PROOF = "learn.campus.dns.test", "*.campus.dns.test", "_acme-challenge.campus.dns.test"


class House:
    """A door whose hosts below dns.test are covered by wildcards, a BIND that holds the zone, and a CA that asks it."""

    def __init__(self, make_door, make_pebble, make_backend, **zones):
        self.door = make_door(start=False, tls=True)
        self.named = Named(self.door.address, **{"dns.test": "", **zones}).start()
        self.pebble = make_pebble(self.door, resolver=self.named.at)
        self.make_backend, self.extra = make_backend, []

    def start(self, *hosts, dns, **acme):
        acme = {"wildcards": ["*.*.dns.test"], "dns": dns, "resolver": self.named.at, "propagation": "20s", **acme}
        self.door.change_config({"certificates": {"acme": self.pebble.acme("**.dns.test", **acme)}})
        put_host(self.door, self.make_backend, *(hosts or [HOST]))
        return self.door.start()

    def rfc2136(self, zone="dns.test", **more):
        return {"zone": zone, "provider": "rfc2136", "server": self.named.at, "key": self.named.key, **more}

    def assert_served(self, host=HOST):
        with Client(self.door.https, tls=self.pebble.client_trust(), sni=host, host=host) as client:
            assert client.ask().status == 200

    def assert_taken_back(self, name=PROOF):
        wait_until(lambda: self.named.texts(name) == [], lambda: f"no TXT left: {self.named.texts(name)}", within=10)


@pytest.fixture
def house(make_door, make_pebble, make_backend):
    made = []

    def make(**zones):
        made.append(House(make_door, make_pebble, make_backend, **zones))
        return made[0]

    yield make
    for each in made:
        each.named.discard()
        for api in each.extra:
            api.discard()


def test_hosts_of_a_shape_are_covered_by_their_parents_wildcard_which_signed_updates_prove(house):
    site = house()
    door = site.start(HOST, "studio.campus.dns.test", "www.dns.test", dns=[site.rfc2136()])
    wait_state(door, "good", WILDCARD)
    wait_state(door, "good", "www.dns.test")  # has no such shape: by itself
    site.assert_served()
    site.assert_served("studio.campus.dns.test")
    site.assert_taken_back()
    assert {WILDCARD, "www.dns.test"} == {name for name in listed(door) if "dns.test" in name}
    assert stat.S_IMODE(os.stat(door.path("state", "acme", "dns-01.json")).st_mode) == 0o600


def test_a_routed_wildcard_is_had_too_and_others_values_stay(house):
    site = house(**{})
    site.start("*.campus.dns.test", dns=[site.rfc2136()])
    wait_state(site.door, "good", WILDCARD)
    site.assert_served()
    site.assert_taken_back()


HOOK = """#!/bin/sh
echo "$1 $2 $3 $GATEHOUSE_DOMAIN $GATEHOUSE_ZONE" >> {log}
case "$1" in present) verb="add $2. 1" ;; cleanup) verb="delete $2." ;; esac
printf 'server {address} 53\\nzone dns.test.\\nupdate %s TXT "%s"\\nsend\\n' "$verb" "$3" | nsupdate -k {key}
"""


def test_a_program_of_the_operators_writes_them(house):
    site = house()
    hook, log = site.door.path("hook"), site.door.path("hook.log")
    with open(hook, "w") as file:
        file.write(HOOK.format(log=log, address=site.named.address, key=site.named.key))
    os.chmod(hook, 0o755)
    site.start(dns=[{"zone": "dns.test", "provider": "exec", "command": hook}])
    wait_state(site.door, "good", WILDCARD)
    site.assert_served()
    site.assert_taken_back()
    with open(log) as file:
        calls = [line.split() for line in file]
    assert [call[0] for call in calls] == ["present", "cleanup"] and calls[0][1:] == calls[1][1:]
    assert calls[0][1] == PROOF and calls[0][3:] == ["campus.dns.test", "dns.test"]


def test_live_dns_has_one_value_more_and_then_again_what_it_had(house, authority):
    """Gandi itself can't be had here: a strict stand-in takes its API's words and feeds the real BIND."""
    site = house()
    api = LiveDns("dns.test", site.named, authority, site.door.folder)
    site.extra.append(api)
    api.sets["_acme-challenge.campus"] = ["another-node's"]
    token = site.door.path("gandi.token")
    with open(token, "w") as file:
        file.write(TOKEN + "\n")
    os.chmod(token, 0o600)
    zone = {"zone": "dns.test", "provider": "gandi", "token": {"file": token}, "url": api.url, "ca": authority.write(site.door.folder)}
    site.start(dns=[zone])
    wait_state(site.door, "good", WILDCARD)
    site.assert_served()
    wait_until(lambda: api.sets == {"_acme-challenge.campus": ["another-node's"]}, lambda: f"only what was there: {api.sets}")
    assert TOKEN not in site.door.output() + site.door.do("certs", "why", WILDCARD) + site.door.do("history")
    api.refuses = 403
    site.door.do("certs", "renew", WILDCARD)
    wait_until(lambda: "has no right to this zone" in site.door.do("certs", "why", WILDCARD), "it is told", within=20)
    site.assert_served()


def test_acme_dns_holds_the_proof_of_an_alias(house, authority):
    """A stand-in of sixty lines for acme-dns, in front of the real BIND."""
    alias = "_acme-challenge.campus IN CNAME abc.auth.test."
    site = house(**{"dns.test": alias, "auth.test": ""})
    api = AcmeDns("auth.test", site.named, authority, site.door.folder)
    site.extra.append(api)
    account = site.door.path("accounts.json")
    api.account(account, "campus.dns.test")
    ca = authority.write(site.door.folder)
    site.start(dns=[{"zone": "auth.test", "provider": "acme-dns", "url": api.url, "ca": ca, "account": account}])
    wait_state(site.door, "good", WILDCARD)
    site.assert_served()


def test_an_alias_leads_into_the_zone_that_may_be_written(house):
    site = house(**{"dns.test": "_acme-challenge.campus IN CNAME campus.proofs.test.", "proofs.test": ""})
    site.start(dns=[site.rfc2136("proofs.test")])
    wait_state(site.door, "good", WILDCARD)
    site.assert_served()
    site.assert_taken_back("campus.proofs.test")


def test_what_stands_in_the_way_is_told_and_others_are_served(house):
    site = house(**{"dns.test": "_acme-challenge.lost IN CNAME nowhere.else.test.", "else.test": ""})
    with open(site.named.key) as file:
        wrong = file.read().replace('secret "', 'secret "AAAA')
    key = site.door.path("wrong.key")
    with open(key, "w") as file:
        file.write(wrong)
    os.chmod(key, 0o600)
    door = site.start(HOST, "a.lost.dns.test", dns=[site.rfc2136(key=key)])
    for name, words in ((WILDCARD, "nsupdate ended with exit code"), ("*.lost.dns.test", "is an alias of nowhere.else.test")):
        wait_until(lambda: words in door.do("certs", "why", name), lambda: door.do("certs", "why", name), within=30)
    door.change_config({"certificates": {"acme": {"dns": [site.rfc2136()]}}})
    door.reload()
    door.do("certs", "renew", WILDCARD)
    wait_state(door, "good", WILDCARD)
    site.assert_taken_back()


def test_a_server_that_does_not_show_it_is_named_and_a_crash_leaves_nothing_behind(house):
    site = house(**{"dns.test": "@ IN NS other.dns.test.\nother IN A 127.99.99.99"})
    door = site.start(dns=[site.rfc2136()], propagation="60s")
    wait_until(lambda: site.named.texts(PROOF) != [], "it is written", within=15)
    door.kill()
    assert site.named.texts(PROOF) != []
    door.change_config({"certificates": {"acme": {"propagation": "1s"}}})
    door.start()
    wait_until(
        lambda: "is not shown by other.dns.test (127.99.99.99)" in door.do("certs", "why", WILDCARD),
        lambda: door.do("certs", "why", WILDCARD), within=40,
    )  # fmt: skip
    site.assert_taken_back()


def test_a_zone_without_what_its_provider_needs_is_refused(make_door):
    door = make_door(start=False, tls=True)
    acme = {"permit": ["**.dns.test"], "agree_tos": True, "wildcards": ["*.*.dns.test"]}
    for dns, words in (
        ([], "wildcards are had by dns-01 alone"),
        ([{"zone": "dns.test", "provider": "gandi"}], "write token: a personal access token of Gandi"),
        ([{"zone": "dns.test", "provider": "rfc2136", "server": "127.0.0.1:53"}], "write key: a file with the TSIG key"),
        ([{"zone": "dns.test", "provider": "acme-dns", "url": "https://a.test"}], "write account: the file of its accounts"),
        ([{"zone": "dns.test", "provider": "exec"}], "write command: the program to be run"),
        ([{"zone": "dns.test", "provider": "exec", "server": "127.0.0.1:53"}], "server: this provider has no use for it"),
        ([{"zone": "dns.test", "provider": "route53"}], "write one of gandi, rfc2136, acme-dns"),
    ):
        door.change_config({"certificates": {"acme": {**acme, "dns": dns}}})
        checked = door.check()
        assert checked.returncode == 1 and words in checked.stderr, checked.stderr
