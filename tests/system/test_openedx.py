"""One learning site on three machines, whose catalog carries Traefik's tags as they were written for Traefik.

The files are tests/system/deployments/openedx.
"""
import os

import pytest

from support import deployment
from support.backend import echo
from support.client import Client, ask, one_with
from support.door import problems, visit, wait_healthy
from support.wait import wait_until

pytestmark = pytest.mark.ci

MAINTENANCE = "<h1>Back soon</h1>"
SERVICES = ("lms", "studio", "couchdb")
PROXY = "127.13.250.1"


@pytest.fixture(scope="module", params=deployment.SOURCES)
def openedx(make_shared_door, authority, request):
    with deployment.only_one("openedx"):
        door = make_shared_door(start=False)
        deployment.prepare(door, "openedx", "127.13.0.1", "127.13.0.11", "127.13.8.1")
        os.makedirs(door.path("pages"))
        with open(door.path("pages", "maintenance.html"), "w") as file:
            file.write(MAINTENANCE)
        authority.issue("edx.example", "*.edx.example").write(door.certificates, "edx")
        door.backends = deployment.backends("openedx", *SERVICES)
        with deployment.running(door, request.param):
            for service in SERVICES:
                wait_healthy(door, service, *(f"{service}-vm{n}" for n in (1, 2, 3)))
            yield door
            for backend in door.backends.values():
                backend.stop()


def servers(client, count=60, target="/"):
    return {client.ask("GET", target).get("X-Backend") for _ in range(count)}


def all_of(service):
    return {f"{service}-vm{n}" for n in (1, 2, 3)}


def test_the_tags_are_read_as_they_are(openedx):
    done = openedx.check()
    assert done.returncode == 0, done.stdout + done.stderr
    assert not [text for text in problems(openedx.status()) if "traefik" in text]


def test_every_tag_has_its_meaning(openedx):
    done = openedx.command("catalog", "lint", "-c", openedx.file)
    assert done.returncode == 0, done.stdout
    assert "route=studio.edx.example/ allow=127.0.0.0/8" in done.stdout
    assert " 0 not mapped" in done.stdout


@pytest.mark.parametrize("host, service", [("edx.example", "lms"), ("www.edx.example", "lms"), ("studio.edx.example", "studio")])
def test_each_name_reaches_all_servers_of_its_service(openedx, authority, host, service):
    with visit(openedx, authority, host) as client:
        assert servers(client) == all_of(service)


def test_a_name_without_a_rule_is_nobody_s(openedx, authority):
    with visit(openedx, authority, "preview.edx.example") as client:
        assert client.ask().status == 404


def test_the_allow_list_of_a_middleware_holds(openedx, authority):
    with visit(openedx, authority, "studio.edx.example", source=PROXY) as client:
        assert client.ask(fields={"X-Forwarded-For": "127.13.77.7"}).status == 200
        assert client.ask(fields={"X-Forwarded-For": "192.0.2.1"}).status == 403
    with visit(openedx, authority, "edx.example", source=PROXY) as client:
        assert client.ask(fields={"X-Forwarded-For": "192.0.2.1"}).status == 200


def test_the_health_check_of_the_tags_takes_a_server_out_and_back(openedx, authority):
    lms = openedx.backends["lms-vm1"]
    lms.handler = lambda exchange: exchange.answer(503)
    with visit(openedx, authority, "edx.example") as client:
        wait_until(lambda: servers(client) == {"lms-vm2", "lms-vm3"}, "the sick server gets nothing", within=15)
        lms.handler = echo
        wait_healthy(openedx, "lms", *all_of("lms"), within=15)
        assert servers(client) == all_of("lms")


def test_a_service_without_tags_has_a_listener_of_its_own(openedx, authority):
    with Client(("127.13.0.1", 5984), host="couch.internal") as client:
        assert servers(client, target="/db") == all_of("couchdb")
    assert ask(("127.13.0.1", 5984), host="edx.example").status == 404, "no other service answers there"


def test_with_all_its_servers_gone_the_site_shows_the_maintenance_page(openedx, authority):
    for name in all_of("lms"):
        openedx.backends[name].stop()
    with visit(openedx, authority, "edx.example") as client:
        answer = wait_until(lambda: one_with(client, 503), "503", within=15)
    assert answer.text == MAINTENANCE and answer.get("Retry-After") == "60"
    for name in all_of("lms"):
        openedx.backends[name].listen()
    wait_healthy(openedx, "lms", *all_of("lms"), within=15)

