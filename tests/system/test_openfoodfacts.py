"""A food database from its own files: many languages of one site, images from disk, and bots that take most of it.

The applications' nginx are real ones, which read the PROXY header or the fields, as each is set up. The files are
tests/system/deployments/openfoodfacts; its tunnels have their own tests.
"""
import os
import re

import pytest

from support import deployment
from support.apache import Apache
from support.client import Client, ask
from support.door import wait_healthy
from support.nginx import Nginx
from support.wait import wait_until

pytestmark = pytest.mark.ci

SITES = {
    "off": ("127.12.1.1", 80, True), "off-pro": ("127.12.1.2", 80, True),
    "obf": ("127.12.1.3", 80, True), "opf": ("127.12.1.4", 80, False),
}
APACHE, FRONT = ("127.12.1.9", 8080), ("127.12.250.1", 80)
CDN, STRANGER = "127.12.250.7", "127.12.77.7"
SORRY = "<h1>Sorry</h1>"
_visitors = iter(f"127.12.{100 + n // 250}.{1 + n % 250}" for n in range(10_000))

# What the test has in place of: certificates from the world's CA, the tunnels.
ELSEWHERE = re.compile(r"^(certificates|tunnel|admin|logs):.*?(?=^\w|\Z)", re.M | re.S)


@pytest.fixture(scope="module")
def site(make_shared_door, authority):
    if os.geteuid() != 0:
        pytest.skip("the applications stand at port 80")
    with deployment.only_one("openfoodfacts"):
        door = make_shared_door(start=False)
        deployment.prepare(door, "openfoodfacts", "127.12.0.1", "127.12.2.2", "127.12.2.9")
        with open(door.file) as file:
            text = file.read().replace('"[::]:80"', '"127.12.0.1:80"').replace('"[::]:443"', '"127.12.0.1:443"')
        for name in ("images", "static"):
            os.makedirs(door.path(name))
            text = text.replace(f"/srv/off/{name}", door.path(name))
        door.write_text(ELSEWHERE.sub("", text) + f"certificates: {{ files: {door.certificates} }}\n")
        os.makedirs(door.path("pages"))
        put(door, "pages/sorry.html", SORRY)
        put(door, "images/apple.jpg", "a" * 5000)
        put(door, "images/.htpasswd", "secret")
        put(door, "static/app.js", "let a;" * 1000)
        put(door, "static/app.js.br", "in fact compressed")
        authority.issue("*.off.example", "*.obf.example", "*.opf.example").write(door.certificates, "off")
        door.nginx, apache = nginx(), Apache(*APACHE)
        try:
            door.start()
            for name in SITES:
                wait_healthy(door, name, f"{name}-nginx")
            yield door
        finally:
            door.nginx.stop()
            apache.stop()


def nginx():
    application = "%s:%d" % APACHE
    return Nginx(SITES, "127.12.250.0/24", application, front=("%s:%d" % FRONT, "127.12.250.9", "127.12.0.1:80"))


def put(door, name, text):
    with open(door.path(*name.split("/")), "w") as file:
        file.write(text)


@pytest.fixture
def visit(site, authority):
    """One request over TLS; from an address that no other test has, if none is named."""

    def do(host, target="/", source=None, **more):
        with Client(site.https, tls=authority.trust(), sni=host, host=host, source=source or next(_visitors)) as client:
            return client.ask("GET", target, **more)

    return do


def test_its_files_are_good(site):
    done = site.check()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "host, name",
    [
        ("world.off.example", "off"), ("fr.off.example", "off"), ("de-en.off.example", "off"),
        ("pro.off.example", "off-pro"), ("world.obf.example", "obf"), ("fr.opf.example", "opf"),
    ],
)
def test_each_language_reaches_its_application(visit, host, name):
    answer = visit(host, "/product/123?x=1")
    assert (answer.status, answer.get("X-Backend"), answer.text) == (200, name, "/product/123?x=1")


def test_plain_requests_are_sent_to_https(site):
    answer = ask(site.http, target="/a?b", host="world.off.example")
    assert (answer.status, answer.get("Location")) == (301, "https://world.off.example/a?b")


@pytest.mark.parametrize("host", ["world.off.example", "fr.opf.example"])
def test_the_application_sees_who_asks_how_and_for_what(visit, host):
    answer = visit(host, source=STRANGER)
    assert (answer.get("X-Client"), answer.get("X-Scheme"), answer.get("X-Host")) == (STRANGER, "https", host)


@pytest.mark.parametrize("host", ["world.off.example", "fr.opf.example"])
def test_the_cdn_is_believed_and_nobody_else(visit, host):
    said = {"X-Forwarded-For": "203.0.113.9"}
    assert visit(host, source=CDN, fields=said).get("X-Client") == "203.0.113.9"
    assert visit(host, source=STRANGER, fields=said).get("X-Client") == STRANGER


@pytest.mark.parametrize("host", ["world.off.example", "fr.opf.example"])
def test_an_apache_behind_the_application_s_nginx_sees_who_asks(visit, host):
    answer = visit(host, "/app/page.html", source=STRANGER)
    assert (answer.text, answer.get("X-Apache-Client")) == ("from Apache", STRANGER)


def test_behind_another_nginx_the_door_tells_who_asked_that_one(site):
    answer = ask(FRONT, target="/x", host="world.off.example", source=STRANGER)
    assert (answer.get("X-Client"), answer.get("X-Scheme")) == (STRANGER, "https")


def test_images_come_from_disk_in_parts_and_are_kept_for_long(visit):
    whole = visit("images.off.example", "/apple.jpg")
    assert (whole.status, len(whole.body)) == (200, 5000)
    assert whole.get("Content-Type") == "image/jpeg" and f"max-age={30 * 86400}" in whole.get("Cache-Control")
    part = visit("images.off.example", "/apple.jpg", fields={"Range": "bytes=0-99"})
    assert (part.status, len(part.body)) == (206, 100)
    again = visit("images.off.example", "/apple.jpg", fields={"If-None-Match": whole.get("ETag")})
    assert again.status == 304
    since = visit("images.off.example", "/apple.jpg", fields={"If-Modified-Since": whole.get("Last-Modified")})
    assert since.status == 304


def test_what_lies_compressed_beside_a_file_is_sent(visit):
    plain = visit("static.off.example", "/app.js")
    packed = visit("static.off.example", "/app.js", fields={"Accept-Encoding": "br, gzip"})
    assert plain.get("Content-Encoding") is None and plain.body == b"let a;" * 1000
    assert (packed.get("Content-Encoding"), packed.text) == ("br", "in fact compressed")
    assert packed.get("ETag") != plain.get("ETag") and "Accept-Encoding" in packed.get("Vary")


@pytest.mark.parametrize("target", ["/.htpasswd", "/../gatehouse.yaml", "/%2e%2e/gatehouse.yaml", "/x/..%2f..%2fgatehouse.yaml"])
def test_nothing_else_of_the_disk_is_to_be_had(visit, target):
    assert visit("images.off.example", target).status in (400, 403, 404)


def test_a_scanner_is_banned_with_its_third_probe_and_told_from_the_evidence(site, visit):
    bot = next(_visitors)
    for probe in ("/wp-login.php", "/.env", "/.git/config"):
        assert visit("world.off.example", probe, source=bot).status == 200, "the application's own answer"
    refused = visit("world.off.example", source=bot)
    assert refused.status == 403 and refused.get("X-Ban-Id")
    assert visit("images.off.example", "/apple.jpg", source=bot).status == 403, "it is banned everywhere"
    evidence = ("scanners", "/wp-login.php", "/.env", "/.git/config")
    wait_until(lambda: all(each in site.command("bans", "why", bot).stdout for each in evidence), "each probe is told")
    assert visit("world.off.example").status == 200, "nobody else is"
    assert site.command("bans", "remove", bot).returncode == 0
    assert visit("world.off.example", source=bot).status == 200


def test_whoever_hammers_search_is_held_up_first_and_banned_if_it_goes_on(site, visit, authority):
    bot = next(_visitors)
    seen = []
    with Client(site.https, tls=authority.trust(), sni="world.off.example", host="world.off.example", source=bot) as client:
        while (not seen or seen[-1] in (200, 429)) and len(seen) < 500:
            seen.append(client.ask("GET", f"/cgi/search.pl?search_terms={len(seen)}").status)
    assert seen[:21] == [200] * 21 and seen.count(429) == 20 and seen[-1] == 403, seen
    assert "search" in site.command("bans", "why", bot).stdout
    site.command("bans", "remove", bot)


def test_whoever_walks_the_facets_is_banned_and_who_reads_one_often_is_not(site, authority):
    def walk(source, target):
        """What is answered to 320 requests."""
        with Client(site.https, tls=authority.trust(), sni="fr.obf.example", host="fr.obf.example", source=source) as client:
            seen = []
            while (not seen or seen[-1] == 200) and len(seen) < 320:
                seen.append(client.ask("GET", target(len(seen))).status)
            return seen

    assert walk(next(_visitors), lambda n: "/category/apples") == [200] * 320
    bot = next(_visitors)
    seen = walk(bot, lambda n: f"/category/{n}")
    assert len(seen) == 301 and seen[-1] == 403
    site.command("bans", "remove", bot)


def test_the_cdn_in_front_is_never_banned_only_whom_it_names(visit):
    for _ in range(3):
        visit("world.off.example", "/wp-login.php", source=CDN, fields={"X-Forwarded-For": "203.0.113.66"})
    assert visit("world.off.example", source=CDN, fields={"X-Forwarded-For": "203.0.113.66"}).status == 403
    assert visit("world.off.example", source=CDN, fields={"X-Forwarded-For": "203.0.113.67"}).status == 200


def test_a_deploy_of_a_broken_file_changes_nothing(site, visit):
    with open(site.file) as file:
        good = file.read()
    try:
        site.write_text(good.replace("interval=5s", "intervall=5s"))
        done = site.command("reload")
        assert done.returncode != 0 and "interval" in done.stdout + done.stderr and "gatehouse.yaml:" in done.stdout + done.stderr
        assert visit("world.off.example").get("X-Backend") == "off"
    finally:
        site.write_text(good)
        assert site.command("reload").returncode == 0


def test_an_application_that_is_away_is_excused_with_a_page(site, visit):
    site.nginx.stop()
    try:
        wait_until(lambda: visit("world.off.example").status in (502, 503), "it is away")
        answer = visit("world.off.example")
        assert (answer.text.strip(), answer.get("Retry-After")) == (SORRY, "60")
        assert visit("images.off.example", "/apple.jpg").status == 200
    finally:
        site.nginx = nginx()
        wait_until(lambda: visit("world.off.example").status == 200, "it is back", within=15)
