"""What a route says besides passing requests on: fields, rewriting, CORS, methods, maintenance, canary, mirror, trace."""
import json
import re

import pytest

from support.catalog import http_check, instance
from support.wait import wait_until

pytestmark = pytest.mark.quick


# -- headers --------------------------------------------------------------------------------------------------------


@pytest.mark.site("headers=request set X-Env prod", "headers=request remove X-Debug", "headers=request add Accept text/x")
def test_request_fields_are_set_added_and_removed(site):
    site.ask(fields=[("x-env", "forged"), ("X-Debug", "1"), ("Accept", "*/*")])
    assert site.sent.all("X-Env") == ["prod"]
    assert not site.sent.has("X-Debug") and site.sent.all("Accept") == ["*/*", "text/x"]


@pytest.mark.site("headers=set Cache-Control no-store", "headers=remove Server", "headers=default X-Robots-Tag noindex")
def test_answer_fields_are_set_removed_and_given_where_there_are_none(site):
    fields = [("Cache-Control", "max-age=1"), ("Server", "s/1"), ("X-Other", "1")]
    site.answer_with(lambda exchange: exchange.answer(fields=fields))
    answer = site.ask()
    assert answer.all("Cache-Control") == ["no-store"] and not answer.has("Server")
    assert answer.get("X-Robots-Tag") == "noindex" and answer.get("X-Other") == "1"
    site.answer_with(lambda exchange: exchange.answer(fields=[("x-robots-tag", "all")]))
    assert site.ask().all("X-Robots-Tag") == ["all"]


@pytest.mark.site("headers=security", "methods=GET")
def test_the_security_preset_holds_for_the_door_s_own_answers_too(site):
    site.answer_with(lambda exchange: exchange.answer(fields=[("X-Powered-By", "x"), ("X-Frame-Options", "DENY")]))
    answer = site.ask()
    assert answer.get("X-Content-Type-Options") == "nosniff" and answer.all("X-Frame-Options") == ["DENY"]
    assert not answer.has("X-Powered-By")
    refused = site.ask("DELETE")
    assert refused.status == 405 and refused.get("X-Frame-Options") == "SAMEORIGIN"


# -- methods --------------------------------------------------------------------------------------------------------


@pytest.mark.site("methods=GET,HEAD")
def test_other_methods_get_405_with_those_that_are_allowed(site):
    assert site.ask().status == 200
    answer = site.ask("POST")
    assert answer.status == 405 and answer.get("Allow") == "GET, HEAD"
    assert site.door.logged(host=site.host, status=405)["termination"] == "method_not_allowed"
    assert len(site.backend.requests) == 1


# -- rewriting ------------------------------------------------------------------------------------------------------


@pytest.mark.site(r"rewrite=^/old/(.*) /new/\1", "rewrite=^/get/(.*) /get.php?file=$1", "rewrite=^/gone/(.*) /here/$1 301",
                  r"rewrite=^/x(.)y(.) /\1\2")
@pytest.mark.parametrize("asked, got", [
    ("/old/a/b?q=1", "/new/a/b?q=1"),
    ("/other?x", "/other?x"),
    ("/get/a&b=c?d=e", "/get.php?file=a%26b%3Dc&d=e"),
    ("/old/a%2Fb", "/new/a%2Fb"),
])
def test_paths_are_rewritten(site, asked, got):
    site.ask(target=asked)
    assert site.sent.target == got


@pytest.mark.site("rewrite=^/gone/(.*) /$1 301", "rewrite=^/a/(.*) https://www.example/$1 308")
def test_a_rewrite_with_a_code_is_a_redirect_that_no_path_leads_astray(site):
    answer = site.ask(target="/gone/b?c=d")
    assert (answer.status, answer.get("Location")) == (301, "/b?c=d")
    assert site.ask(target="/gone//evil.example/").get("Location") == "/evil.example/"
    answer = site.ask(target="/a/b")
    assert (answer.status, answer.get("Location")) == (308, "https://www.example/b")


@pytest.mark.site("rewrite=^/x(.)y(.)/(.*) /guarded/$1$2/$3")
def test_what_a_rewrite_makes_climbs_out_of_nothing(site):
    assert site.ask(target="/xayb/c").status == 200
    assert site.sent.target == "/guarded/ab/c"
    assert site.ask(target="/x.y./admin").status == 400
    assert len(site.backend.requests) == 1


# -- CORS -----------------------------------------------------------------------------------------------------------


CORS = "cors=https://app.example,https://*.b.example methods=GET,PUT fields=X-A expose=X-B credentials=true max_age=1h"


@pytest.mark.site(CORS, "methods=GET,PUT")
def test_a_preflight_is_answered_by_the_door(site):
    asked = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT")]
    answer = site.ask("OPTIONS", fields=asked)
    assert answer.status == 204 and answer.body == b""
    assert answer.get("Access-Control-Allow-Origin") == "https://app.example"
    assert answer.get("Access-Control-Allow-Credentials") == "true"
    assert answer.get("Access-Control-Allow-Methods") == "GET, PUT"
    assert answer.get("Access-Control-Allow-Headers") == "X-A" and answer.get("Access-Control-Max-Age") == "3600"
    assert answer.get("Vary") == "Origin"
    assert site.backend.requests == []


@pytest.mark.site(CORS)
@pytest.mark.parametrize("origin", ["https://evil.example", "http://app.example", "null", "https://b.example",
                                    "https://app.example.evil.test", "https://x:1.b.example"])
def test_other_origins_get_nothing(site, origin):
    answer = site.ask("OPTIONS", fields=[("Origin", origin), ("Access-Control-Request-Method", "GET")])
    assert answer.status == 403 and not answer.has("Access-Control-Allow-Origin")
    site.answer_with(lambda exchange: exchange.answer(fields=[("Access-Control-Allow-Origin", "*")]))
    answer = site.ask(fields=[("Origin", origin)])
    assert answer.status == 200 and not answer.has("Access-Control-Allow-Origin") and answer.get("Vary") == "Origin"


@pytest.mark.site(CORS)
def test_an_admitted_origin_may_read_the_answer(site):
    answer = site.ask(fields=[("Origin", "https://x.b.example")])
    assert answer.get("Access-Control-Allow-Origin") == "https://x.b.example"
    assert answer.get("Access-Control-Expose-Headers") == "X-B"


@pytest.mark.site("cors=* fields=*")
def test_any_origin_is_a_star_without_credentials(site):
    fields = [("Origin", "https://any.example"), ("Access-Control-Request-Method", "GET"),
              ("Access-Control-Request-Headers", "x-one, x-two")]
    answer = site.ask("OPTIONS", fields=fields)
    assert answer.get("Access-Control-Allow-Origin") == "*" and not answer.has("Access-Control-Allow-Credentials")
    assert answer.get("Access-Control-Allow-Headers") == "x-one, x-two"
    assert not answer.has("Vary") or answer.get("Vary") != "Origin"


@pytest.mark.site("cors=* credentials=true")
def test_a_star_with_credentials_refuses_nothing_but_is_told_and_left_out(site):
    assert "credentials" in json.dumps(site.door.status()["problems"])
    assert not site.ask(fields=[("Origin", "https://any.example")]).has("Access-Control-Allow-Origin")


# -- the trace ------------------------------------------------------------------------------------------------------


PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_passes_as_it_came_and_is_logged(site):
    site.ask(fields=[("traceparent", PARENT), ("tracestate", "a=b")])
    assert site.sent.get("traceparent") == PARENT and site.sent.get("tracestate") == "a=b"
    assert site.door.logged(host=site.host)["trace_id"] == PARENT[3:35]


def test_none_is_made_unasked(site):
    site.ask()
    assert not site.sent.has("traceparent")


@pytest.mark.site("trace=make")
@pytest.mark.parametrize("came", [None, "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "garbage"])
def test_where_none_that_is_valid_came_one_is_made(site, came):
    site.ask(fields=[("traceparent", came), ("tracestate", "a=b")] if came else [])
    made = site.sent.all("traceparent")
    assert len(made) == 1 and re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", made[0]) and made[0] != came
    assert not site.sent.has("tracestate")
    assert site.door.logged(host=site.host, trace_id=made[0][3:35])


# -- maintenance ----------------------------------------------------------------------------------------------------


@pytest.mark.site("maintenance=true allow=127.0.0.9 retry_after=2m")
def test_maintenance_answers_503_but_to_those_who_may_look(site):
    answer = site.ask()
    assert answer.status == 503 and answer.get("Retry-After") == "120"
    assert site.ask(source="127.0.0.9").status == 200
    assert site.door.logged(host=site.host, status=503)["termination"] == "maintenance"


def test_maintenance_by_command_outlives_a_restart(make_door, make_backend):
    backend = make_backend()
    door = make_door(start=False)
    door.catalog.put("one", instance("one", backend, "route=one.test", "maintenance=false allow=127.0.0.9"))
    door.start()
    assert door.ask(host="one.test").status == 200
    assert "under maintenance for 30m" in door.do("maintenance", "one", "on", "--for", "30m")
    answer = door.ask(host="one.test")
    assert answer.status == 503 and 1700 <= int(answer.get("Retry-After")) <= 1800
    assert door.ask(host="one.test", source="127.0.0.9").status == 200
    assert "maintenance" in door.do("explain", "GET", "http://one.test/")
    door.stop()
    door.start()
    assert door.ask(host="one.test").status == 503
    assert door.metric("gatehouse_service_maintenance", service="one") == 1
    door.do("maintenance", "one", "off")
    assert door.ask(host="one.test").status == 200
    assert door.command("maintenance", "oen", "on").returncode == 1
    assert door.command("maintenance", "one", "on", "--for", "soon").returncode == 1


# -- canary and mirror ----------------------------------------------------------------------------------------------


def two_services(door, backends, settings, **more):
    """`settings`: what gatehouse.yaml says of web; tags may not lead to another service."""
    door.change_config({"services": {"web": settings}})
    door.catalog.put("web", instance("web", backends[0], "route=web.test"))
    door.catalog.put("next", instance("next", backends[1], "route=next.test", **more))


def test_a_canary_gets_its_share_while_it_is_healthy(make_door, make_backend):
    web, canary = make_backend("web"), make_backend("canary")
    door = make_door(start=False)
    two_services(door, [web, canary], {"canary": "next 50%"}, checks=[http_check(canary, path="/")])
    door.start()
    wait_until(lambda: [door.ask(host="web.test").status for _ in range(4)] and
               any(request.get("Host") == "web.test" for request in canary.requests), "a request at the canary")
    for _ in range(60):
        assert door.ask(host="web.test").status == 200
    assert door.metric("gatehouse_service_canary_requests_total", service="next") >= 5
    assert len(web.requests) >= 5
    canary.stop_listening()
    canary.drop_connections()
    wait_until(lambda: door.metric("gatehouse_service_endpoints_healthy", service="next") == 0, "the canary's fall")
    assert {door.ask(host="web.test").status for _ in range(20)} == {200}


def test_a_sticky_canary_keeps_its_clients(make_door, make_backend):
    web, canary = make_backend("web"), make_backend("canary")
    door = make_door(start=False)
    two_services(door, [web, canary], {"canary": "next 50% sticky"})
    door.start()
    for last in range(2, 20):
        before = len(canary.requests)
        for _ in range(4):
            door.ask(host="web.test", source=f"127.0.1.{last}")
        assert len(canary.requests) - before in (0, 4)
    assert web.requests and canary.requests


def test_a_mirror_gets_copies_and_its_answers_go_nowhere(make_door, make_backend):
    web, mirror = make_backend("web"), make_backend("mirror", )
    mirror.handler = lambda exchange: exchange.answer(status=500, body=b"x" * 100000)
    door = make_door(start=False)
    two_services(door, [web, mirror], {"mirror": "next 100%"})
    door.start()
    for n in range(5):
        answer = door.ask("/path", "POST", host="web.test", body=b"body%d" % n)
        assert answer.status == 200
    mirror.wait_for_requests(5)
    assert sorted(request.body for request in mirror.requests) == [b"body%d" % n for n in range(5)]
    assert all(request.target == "/path" and request.method == "POST" for request in mirror.requests)
    assert door.ask("/", "POST", host="web.test", body=b"y" * 300000).status == 200
    wait_until(lambda: door.metric("gatehouse_mirror_dropped_total") == 1, "the copy that is too large")
    mirror.stop_listening()
    mirror.drop_connections()
    assert door.ask(host="web.test").status == 200
    assert door.metric("gatehouse_mirrored_total") >= 5
