"""A whole deployment from its own files: many learning sites behind one door, as its operators wrote them.

The files are tests/system/deployments/opencraft; addresses are loopback and fixed, so only one such test runs on a
machine at a time. Ports 80 and 443 need root; elsewhere 8080 and 8443 stand for them.
"""
import fcntl
import json
import os
import shutil
import tempfile

import pytest

from support import bulk, deployment
from support.backend import Backend
from support.client import Client, ask, one_with
from support.door import visit, wait_healthy
from support.load import Load
from support.process import MIB
from support.tcp_backend import TcpBackend, first_line, greeted
from support.wait import wait_until

pytestmark = pytest.mark.ci

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "deployments", "opencraft")
MAINTENANCE = "<h1>We are back in a moment</h1>"
INSTANCES = {
    "campus-lms-1": ("127.11.1.1", 8000), "campus-lms-2": ("127.11.1.2", 8000),
    "campus-studio-1": ("127.11.1.1", 8010), "campus-studio-2": ("127.11.1.2", 8010),
    "campus-preview-1": ("127.11.1.1", 8020), "campus-preview-2": ("127.11.1.2", 8020),
    "bank-lms-1": ("127.11.2.1", 8000), "bank-lms-2": ("127.11.2.2", 8000), "bank-forum-1": ("127.11.2.1", 4567),
}
STAFF, STRANGER = "127.11.100.7", "127.11.101.7"


@pytest.fixture(scope="module")
def only_one():
    with open(os.path.join(tempfile.gettempdir(), "gatehouse-opencraft.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module", params=deployment.SOURCES)
def opencraft(only_one, make_shared_door, authority, request):
    door = make_shared_door(start=False)
    http, https = (80, 443) if os.geteuid() == 0 else (8080, 8443)
    with open(os.path.join(FILES, "gatehouse.yaml")) as file:
        text = file.read()
    text = text.replace('"127.11.0.1:80"', f'"127.11.0.1:{http}"').replace('"127.11.0.1:443"', f'"127.11.0.1:{https}"')
    text = text.replace("/etc/gatehouse/certificates", door.certificates)
    lines = [line for line in text.splitlines() if not line.startswith("admin:")]  # its group is the operators' own
    door.write_text("\n".join(lines) + "\n")
    shutil.copytree(os.path.join(FILES, "services"), door.path("services"), dirs_exist_ok=True)
    os.makedirs(door.path("pages"))
    for name, body in (("maintenance.html", MAINTENANCE), ("error.html", "<h1>Sorry</h1>")):
        with open(door.path("pages", name), "w") as file:
            file.write(body)
    authority.issue("*.campus.opencraft.example").write(door.certificates, "campus")
    authority.issue("campus.acme-university.example").write(door.certificates, "acme-university")
    authority.issue("learn.bank.example").write(door.certificates, "bank")
    door.http, door.https = ("127.11.0.1", http), ("127.11.0.1", https)
    door.metrics_address, door.prober = ("127.11.0.11", 9901), "127.11.8.1"
    door.backends = {
        name: Backend(name, address=address, port=port) for name, (address, port) in INSTANCES.items()
    }
    with deployment.running(door, request.param):
        for service in ("campus-lms", "campus-studio", "campus-preview", "bank-lms", "bank-forum"):
            wait_healthy(door, service, *(name for name in INSTANCES if name.startswith(service)))
        yield door
        for backend in door.backends.values():
            backend.stop()


def service_of(answer):
    return answer.get("X-Backend").rsplit("-", 1)[0]


def test_its_files_are_good(opencraft):
    done = opencraft.check()
    assert done.returncode == 0, done.stdout + done.stderr


def test_mysql_moves_to_the_backup_and_back_with_its_sessions(opencraft):
    """on_unhealthy=close and on_return=close: nobody writes to a server that is not the one."""
    at = ("127.11.0.1", 3306)
    first, backup = (TcpBackend(f"mysql-{n}", address=f"127.11.9.{n}", port=3306) for n in (1, 2))
    try:
        wait_healthy(opencraft, "mysql", "mysql-1", "mysql-2", within=15)
        assert greeted(at, source="127.11.101.7") == "mysql-1"
        assert greeted(at, source="127.12.0.1") is None, "the network that may"
        with Client(at, source=STAFF) as client:
            assert first_line(client) == "mysql-1"
            first.stop_listening()
            wait_healthy(opencraft, "mysql", "mysql-2", within=15)
            assert first_line(client) is None
        with Client(at, source=STAFF) as client:
            assert first_line(client) == "mysql-2"
            first.stop()
            first = TcpBackend("mysql-1", address="127.11.9.1", port=3306)
            wait_healthy(opencraft, "mysql", "mysql-1", "mysql-2", within=15)
            assert first_line(client) is None
        assert greeted(at, source=STAFF) == "mysql-1"
    finally:
        first.stop()
        backup.stop()


@pytest.mark.parametrize(
    "host, service",
    [
        ("learn.campus.opencraft.example", "campus-lms"), ("studio.campus.opencraft.example", "campus-studio"),
        ("preview.campus.opencraft.example", "campus-preview"), ("campus.acme-university.example", "campus-lms"),
        ("learn.bank.example", "bank-lms"),
    ],
)
def test_each_name_reaches_its_service_under_its_certificate(opencraft, authority, host, service):
    with visit(opencraft, authority, host, source=STAFF) as client:
        assert service_of(client.ask()) == service


def test_plain_requests_are_sent_to_https(opencraft):
    answer = ask(opencraft.http, target="/courses?page=2", host="learn.campus.opencraft.example")
    assert answer.status in (301, 307, 308)
    assert answer.get("Location").startswith("https://learn.campus.opencraft.example")
    assert answer.get("Location").endswith("/courses?page=2")


@pytest.mark.parametrize("target", ["/", "/forum/x"])
def test_the_bank_is_for_its_own_addresses_whatever_service_answers(opencraft, authority, target):
    with visit(opencraft, authority, "learn.bank.example", source=STAFF) as client:
        assert client.ask("GET", target).status == 200
    with visit(opencraft, authority, "learn.bank.example", source=STRANGER) as client:
        assert client.ask("GET", target).status == 403
        assert client.ask("GET", target, fields={"X-Forwarded-For": STAFF}).status == 403


def test_the_bank_s_browsers_are_told_to_insist_on_https(opencraft, authority):
    with visit(opencraft, authority, "learn.bank.example", source=STAFF) as client:
        assert client.ask().get("Strict-Transport-Security").startswith(f"max-age={180 * 86400}")


def test_the_bank_s_forum_sees_its_own_paths(opencraft, authority):
    forum = opencraft.backends["bank-forum-1"]
    forum.forget()
    with visit(opencraft, authority, "learn.bank.example", source=STAFF) as client:
        assert client.ask("GET", "/forum/threads?x=1").get("X-Backend") == "bank-forum-1"
    assert forum.requests[-1].target == "/threads?x=1"


def test_the_bank_s_stronger_server_gets_more(opencraft, authority):
    with visit(opencraft, authority, "learn.bank.example", source=STAFF) as client:
        answers = [client.ask().get("X-Backend") for _ in range(400)]
    assert answers.count("bank-lms-2") > answers.count("bank-lms-1")


def test_a_learner_stays_with_one_server(opencraft, authority):
    with visit(opencraft, authority, "learn.campus.opencraft.example") as client:
        first = client.ask()
        cookie = first.get("Set-Cookie").split(";")[0]
        servers = {client.ask(fields={"Cookie": cookie}).get("X-Backend") for _ in range(20)}
    assert servers == {first.get("X-Backend")}


def test_a_name_that_is_nobody_s_is_not_served(opencraft, authority):
    with visit(opencraft, authority, "nobody.campus.opencraft.example") as client:
        assert client.ask().status == 404
        assert client.ask(host="learn.bank.example").status == 421


def test_a_large_upload_streams_through_and_a_larger_one_than_allowed_is_refused(opencraft, authority):
    uploads = []
    host = "studio.campus.opencraft.example"
    studios = [opencraft.backends[f"campus-studio-{n}"] for n in (1, 2)]

    def take(exchange):
        if exchange.request.method == "GET":
            exchange.answer()
            return
        uploads.append(bulk.take_all(exchange.connection.reader, int(exchange.request.get("Content-Length"))))
        exchange.answer(body="taken")

    for studio in studios:
        studio.handler, studio.head_only = take, True
    before = opencraft.rss()
    answer = bulk.upload(opencraft.https, host, 200 * MIB, authority.trust(), host)
    assert answer.text == "taken" and uploads[0].hex() == bulk.digest_of(200 * MIB)
    assert opencraft.rss() - before < 32 * MIB
    with visit(opencraft, authority, host) as client:
        client.send(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {2048 * MIB + 1}\r\n\r\n")
        assert client.response().status == 413


def test_with_all_its_servers_down_a_site_shows_the_operator_s_page(opencraft, authority):
    previews = [opencraft.backends[f"campus-preview-{n}"] for n in (1, 2)]
    for preview in previews:
        preview.stop()
    with visit(opencraft, authority, "preview.campus.opencraft.example") as client:
        answer = wait_until(lambda: one_with(client, 503), "503", within=10)
    assert answer.text == MAINTENANCE and answer.get("Retry-After") == "30"
    for preview in previews:
        preview.listen()
    wait_healthy(opencraft, "campus-preview", "campus-preview-1", "campus-preview-2", within=15)


def test_a_server_is_replaced_by_a_new_version_without_a_failed_request(opencraft, authority):
    host = "learn.campus.opencraft.example"
    with open(opencraft.path("services", "campus.json")) as file:
        before = json.load(file)["services"]
    fresh = Backend("campus-lms-3", address="127.11.1.3", port=8000)
    lms = next(one for one in before if one["id"] == "campus-lms-1")
    check = {"http": "http://127.11.1.3:8000/heartbeat", "interval": "2s", "timeout": "1s"}
    new = {**lms, "id": "campus-lms-3", "address": "127.11.1.3", "checks": [check]}
    try:
        with Load(opencraft.https, host, tls=authority.trust(), sni=host) as load:
            opencraft.catalog.put("campus", *before, new)
            wait_until(lambda: fresh.requests and seen(fresh), "the new version takes traffic", within=15)
            opencraft.catalog.put("campus", *(one for one in before if one["id"] != "campus-lms-1"), new)
            old = opencraft.backends["campus-lms-1"]
            wait_healthy(opencraft, "campus-lms", "campus-lms-2", "campus-lms-3", within=10)
            wait_until(lambda: not old.open_connections(), "the old one is drained", within=40)
            old.stop()
        load.assert_none_failed()
    finally:
        opencraft.backends["campus-lms-3"] = fresh


def seen(backend):
    return any(request.target != "/heartbeat" for request in list(backend.requests))


def test_the_log_is_json_on_stdout(opencraft, authority):
    with visit(opencraft, authority, "learn.campus.opencraft.example") as client:
        client.ask("GET", "/for-the-log")

    def line():
        return next((one for one in opencraft.output().splitlines() if "/for-the-log" in one), None)

    logged = json.loads(wait_until(line, "its line"))
    assert logged["service"] == "campus-lms" and logged["node"] == "fd1"


def test_prometheus_may_read_the_metrics_and_others_may_not(opencraft):
    assert 'service="campus-lms"' in opencraft.ask_metrics("/metrics").text
    opencraft.prober, before = "127.11.9.9", opencraft.prober
    try:
        assert opencraft.probe("/metrics") in (0, 403)
    finally:
        opencraft.prober = before
