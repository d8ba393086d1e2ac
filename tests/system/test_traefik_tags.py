"""A service whose tags were written for Traefik, with what gatehouse.yaml has to say for it."""
import base64
import subprocess

import pytest

from support.catalog import instance
from support.door import problems

pytestmark = pytest.mark.quick

TAGS = [
    "traefik.enable=true", "traefik.http.routers.shop.rule=Host(`shop.test`)", "traefik.http.routers.shop.middlewares=staff,slow,small",
    "traefik.http.middlewares.staff.basicauth.users=ann:$2y$05$abcdefghijklmnopqrstuv",
    "traefik.http.middlewares.slow.ratelimit.average=1", "traefik.http.middlewares.slow.ratelimit.period=1h",
    "traefik.http.middlewares.small.compress=true",
]  # fmt: skip
ANN = {"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode(), "Accept-Encoding": "gzip"}


@pytest.fixture
def shop(make_door, make_backend):
    backend = make_backend()
    backend.handler = lambda exchange: exchange.answer(200, b"word " * 1000, {"Content-Type": "text/plain"})
    door = make_door(start=False, config={"catalog": {"spellings": ["native", "traefik"]}})
    definition = instance("shop", backend)
    definition["tags"] = TAGS
    door.catalog.put("shop", definition)
    return door


def test_a_login_and_a_limit_that_nobody_defined_refuse_and_say_what_is_missing(shop):
    shop.start()
    assert shop.ask(host="shop.test", fields=ANN).status == 503
    told = str(problems(shop.status()))
    assert "defines no auth.staff" in told or "no limit of this name" in told


def test_a_login_and_a_limit_of_gatehouse_yaml_hold_by_the_middlewares_names(shop):
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True).stdout
    with open(shop.path("staff.htpasswd"), "w") as file:
        file.write("ann:" + hashed)
    shop.config["auth"] = {"staff": {"file": "staff.htpasswd"}}
    shop.config["guard"] = {"rate_limits": {"slow": {"rate": "1/h", "burst": 1}}}
    shop.write_config(shop.config)
    shop.start()
    answers = [shop.ask(host="shop.test", fields=fields) for fields in ({}, ANN, ANN)]
    assert [answer.status for answer in answers] == [401, 200, 429]
    assert answers[1].get("Content-Encoding") == "gzip"
