"""A shop in two zones, whose catalog carries fabio's tags as they were written for fabio.

The files are tests/system/deployments/orocloud; its databases are not reached here.
"""
import pytest

from support import deployment
from support.door import problems, visit, wait_healthy

pytestmark = pytest.mark.ci

ENDPOINTS = {"web": ("web-a1", "web-b1"), "media": ("media-1", "media-2"), "admin": ("admin-1", "admin-2"), "ws": ("ws-1", "ws-2")}
PROXY, STRANGER = "127.14.250.1", "127.14.77.7"


@pytest.fixture(scope="module", params=deployment.SOURCES)
def orocloud(make_shared_door, authority, request):
    with deployment.only_one("orocloud"):
        door = make_shared_door(start=False)
        deployment.prepare(door, "orocloud", "127.14.0.1", "127.14.0.11", "127.14.8.1")
        authority.issue("shop.example", "*.shop.example").write(door.certificates, "shop")
        door.backends = deployment.backends("orocloud", *ENDPOINTS)
        with deployment.running(door, request.param):
            for service, endpoints in ENDPOINTS.items():
                wait_healthy(door, service, *endpoints)
            yield door
            for backend in door.backends.values():
                backend.stop()


def test_the_tags_are_read_as_they_are(orocloud):
    assert not [text for text in problems(orocloud.status()) if "urlprefix" in text]
    lint = orocloud.command("catalog", "lint", "-c", orocloud.file).stdout
    assert "exact        urlprefix-shop.example/" in lint
    assert "approximate  urlprefix-shop.example/media strip=/media" in lint
    assert not [line for line in lint.splitlines() if "not mapped" in line and "urlprefix" in line]


@pytest.mark.parametrize(
    "host, target, service, seen",
    [
        ("shop.example", "/", "web", "/"), ("shop.example", "/cart?id=7", "web", "/cart?id=7"),
        ("shop.example", "/media/a.jpg", "media", "/a.jpg"), ("shop.example", "/media", "media", "/"),
        ("cdn.shop.example", "/media/a.jpg", "media", "/media/a.jpg"), ("shop.example", "/ws/live", "ws", "/ws/live"),
    ],
)
def test_each_request_reaches_its_service_with_its_path(orocloud, authority, host, target, service, seen):
    with visit(orocloud, authority, host) as client:
        answer = client.ask("GET", target)
    assert answer.get("X-Backend") in ENDPOINTS[service]
    assert orocloud.backends[answer.get("X-Backend")].requests[-1].target == seen


def test_the_old_name_is_redirected_with_its_path(orocloud, authority):
    with visit(orocloud, authority, "www.shop.example") as client:
        answer = client.ask("GET", "/cart?id=7")
    assert (answer.status, answer.get("Location")) == (301, "https://shop.example/cart?id=7")


@pytest.mark.parametrize("source, status", [("127.14.200.9", 200), ("127.14.201.7", 200), ("127.14.201.8", 403), (STRANGER, 403)])
def test_the_back_office_is_for_the_allow_list(orocloud, authority, source, status):
    with visit(orocloud, authority, "admin.shop.example", source=source) as client:
        assert client.ask().status == status


def test_a_forged_address_opens_nothing(orocloud, authority):
    forged = {"X-Forwarded-For": "127.14.200.9", "X-Real-Ip": "127.14.200.9", "Forwarded": "for=127.14.200.9"}
    with visit(orocloud, authority, "admin.shop.example", source=STRANGER) as client:
        assert client.ask(fields=forged).status == 403
    with visit(orocloud, authority, "shop.example", source=STRANGER) as client:
        seen = orocloud.backends[client.ask(fields=forged).get("X-Backend")].requests[-1]
    assert seen.get("X-Forwarded-For") == STRANGER, "a client's own word is not passed on"


def test_a_trusted_proxy_s_word_counts(orocloud, authority):
    with visit(orocloud, authority, "admin.shop.example", source=PROXY) as client:
        assert client.ask(fields={"X-Forwarded-For": "127.14.200.9"}).status == 200
        assert client.ask(fields={"X-Forwarded-For": STRANGER}).status == 403


def test_both_zones_serve(orocloud, authority):
    with visit(orocloud, authority, "shop.example") as client:
        assert {client.ask().get("X-Backend") for _ in range(60)} == set(ENDPOINTS["web"])
