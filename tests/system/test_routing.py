"""Which service a request goes to, what is rewritten on the way, and what is answered when there is none."""
import re

import pytest

from support import wire
from support.backend import refused_port
from support.catalog import instance
from support.client import Client, ask

pytestmark = pytest.mark.quick

ROUTES = {
    "exact": ["exact.test", "x.wild.test"],
    "wild": ["*.wild.test"],
    "deep": ["**.deep.test"],
    "nearer": ["*.in.deep.test"],
    "root": ["paths.test"],
    "api": ["paths.test/api"],
    "v1": ["paths.test/api/v1"],
    "literal": ["literal.test/a%2Fb"],
    "others_there": ["literal.test"],
    "strip": ["rewrite.test/forum strip=/forum"],
    "prepend": ["prepend.test prepend=/base"],
    "both": ["both.test/old strip=/old prepend=/new"],
    "moved": ["moved.test redirect=301,https://new.test$path", "found.test/x redirect=302,https://new.test/y",
              "thrice.test redirect=301,https://new.test$path$path$path"],
    "posts": ["method.test if.method=POST,PUT"],
    "others": ["method.test"],
    "beta": ["field.test if.header=X-Beta:1"],
    "stable": ["field.test"],
    "inside": ["inside.test allow=127.0.0.2/32,127.0.1.0/24"],
    "banned": ["banned.test deny=127.0.0.6/32"],
    "anyhost": ["/only-path"],
    "parent": ["family.test"],
}
PAGE, NOTHING = "<h1>Back in a minute</h1>", "<h1>Nothing here</h1>"


@pytest.fixture(scope="module")
def house(make_shared_door, make_shared_backend):
    door = make_shared_door(start=False)
    with open(door.path("sorry.html"), "w") as file:
        file.write(PAGE)
    backends = {}
    for name, routes in ROUTES.items():
        backends[name] = make_shared_backend(name)
        door.catalog.put(name, instance(name, backends[name], *(f"route={route}" for route in routes)))
    dead = refused_port()
    check = [{"tcp": "%s:%d" % dead.getsockname(), "interval": "1s", "timeout": "1s"}]
    door.catalog.put("child", instance("child", dead.getsockname(), "route=family.test/child", checks=check))
    door.catalog.put("bare", instance("bare", dead.getsockname(), "route=bare.test", checks=check))
    with open(door.path("nothing.html"), "w") as file:
        file.write(NOTHING)
    door.change_config({"services": {"*": {"pages": ["404:nothing.html"]},
                                     "child": {"pages": ["503:sorry.html retry_after=30s"]}}})
    door.start()
    yield door, backends
    dead.close()


def test_the_page_for_all_services_is_shown_where_no_route_leads(house):
    answer = ask(house[0].http, host="unknown.test")
    assert answer.status == 404 and answer.body.decode() == NOTHING


def went_to(house, host, target="/", method="GET", **more):
    """The service that answered, or the status if none did."""
    answer = ask(house[0].http, method, target, host=host, **more)
    return answer.get("X-Backend") or answer.status


@pytest.mark.parametrize(
    "host, service",
    [
        ("exact.test", "exact"), ("EXACT.Test", "exact"), ("exact.test:8080", "exact"), ("exact.test.", "exact"),
        ("x.wild.test", "exact"), ("y.wild.test", "wild"), ("a.b.wild.test", 404), ("wild.test", 404),
        ("a.deep.test", "deep"), ("a.b.c.deep.test", "deep"), ("deep.test", 404), ("a.in.deep.test", "nearer"),
        ("notexact.test", 404), ("exact.test.evil.test", 404), ("unknown.test", 404), ("127.0.0.1", 404),
    ],
)
def test_the_exact_host_wins_then_the_longest_wildcard(house, host, service):
    assert went_to(house, host) == service


@pytest.mark.parametrize(
    "target, service",
    [
        ("/", "root"), ("/ap", "root"), ("/api", "api"), ("/api/", "api"), ("/api/x", "api"), ("/apis", "root"),
        ("/api-x", "root"), ("/api?x=/v1", "api"), ("/api/v1", "v1"), ("/api/v1/x", "v1"), ("/api/v10", "api"),
        ("/%61pi", "api"), ("//api", "api"), ("/x/../api", "api"), ("/./api/v1", "v1"), ("/api/v1/../x", "api"),
        ("/API", "root"), ("/x%2Fapi", "root"), ("/api/x;v1", "api"),
    ],
)
def test_the_longest_path_wins_at_a_segment_s_end(house, target, service):
    assert went_to(house, "paths.test", target) == service


@pytest.mark.parametrize(
    "target",
    [
        "/api/..%2f..%2fetc", "/%2e%2e%2fapi", "/api/..;/x", "/a%00", "/a%", "/a\\..\\b",
        "/api/..%3b/x", "/api;x", "/api%3bx", "/;/api", "/%2fapi", "/%5capi", "/api%2Fv1", "/api/v1;x/y", "/x;%2fapi",
    ],
)
def test_a_path_that_a_backend_could_read_differently_is_refused(house, target):
    assert went_to(house, "paths.test", target) == 400


def test_a_route_that_names_an_escaped_slash_takes_it_as_it_stands(house):
    assert went_to(house, "literal.test", "/a%2fb") == "literal"
    assert went_to(house, "literal.test", "/a%2Fb/c") == "literal"
    assert went_to(house, "literal.test", "/a%2Fc") == "others_there"


def forwarded_target(house, service, host, target):
    backend = house[1][service]
    backend.forget()
    assert went_to(house, host, target) == service
    return backend.requests[0].target


@pytest.mark.parametrize(
    "target, forwarded", [("/a/b?q=1", "/a/b?q=1"), ("/a%20b", "/a%20b"), ("/a%2Fb", "/a%2Fb"), ("/x/../y", "/y")]
)
def test_the_path_is_forwarded_as_it_was_matched(house, target, forwarded):
    assert forwarded_target(house, "exact", "exact.test", target) == forwarded


@pytest.mark.parametrize(
    "target, forwarded",
    [("/forum", "/"), ("/forum/", "/"), ("/forum/a?q", "/a?q"), ("/forum/forum", "/forum"), ("/forum?q", "/?q")],
)
def test_strip_takes_the_prefix_away(house, target, forwarded):
    assert forwarded_target(house, "strip", "rewrite.test", target) == forwarded


def test_strip_does_not_match_half_a_segment(house):
    assert went_to(house, "rewrite.test", "/forumx") == 404


@pytest.mark.parametrize("target, forwarded", [("/", "/base/"), ("/a?q=1", "/base/a?q=1")])
def test_prepend_puts_a_prefix_there(house, target, forwarded):
    assert forwarded_target(house, "prepend", "prepend.test", target) == forwarded


def test_strip_comes_before_prepend(house):
    assert forwarded_target(house, "both", "both.test", "/old/a") == "/new/a"


def test_a_redirect_is_answered_by_the_door(house):
    answer = ask(house[0].http, host="moved.test", target="/a/b?q=1")
    assert (answer.status, answer.get("Location")) == (301, "https://new.test/a/b?q=1")
    assert ask(house[0].http, host="found.test", target="/x").get("Location") == "https://new.test/y"
    assert house[1]["moved"].requests == []


def test_a_redirect_whose_address_would_be_too_long_is_refused(house):
    answer = ask(house[0].http, host="thrice.test", target="/" + "a" * 12000)
    assert (answer.status, answer.has("Location")) == (414, False)
    assert len(ask(house[0].http, host="thrice.test", target="/" + "a" * 10000).get("Location")) > 30000


def test_a_redirect_cannot_be_split_into_fields(house):
    answer = ask(house[0].http, host="moved.test", target="/a%0d%0aSet-Cookie:%20x=1")
    assert not answer.has("Set-Cookie")
    assert "\r" not in (answer.get("Location") or "") and "\n" not in (answer.get("Location") or "")


@pytest.mark.parametrize("method, service", [("POST", "posts"), ("PUT", "posts"), ("GET", "others")])
def test_a_route_may_ask_for_a_method(house, method, service):
    assert went_to(house, "method.test", method=method, body=b"") == service


@pytest.mark.parametrize(
    "fields, service",
    [({"X-Beta": "1"}, "beta"), ({"x-beta": "1"}, "beta"), ({"X-Beta": "2"}, "stable"), ({}, "stable")],
)
def test_a_route_may_ask_for_a_field(house, fields, service):
    assert went_to(house, "field.test", fields=fields) == service


def test_a_route_without_a_host_serves_every_host(house):
    assert went_to(house, "whatever.test", "/only-path/x") == "anyhost"
    assert went_to(house, "whatever.test", "/other") == 404


@pytest.mark.parametrize(
    "host, source, service",
    [
        ("inside.test", "127.0.0.2", "inside"), ("inside.test", "127.0.1.77", "inside"),
        ("inside.test", "127.0.0.3", 403), ("banned.test", "127.0.0.6", 403), ("banned.test", "127.0.0.7", "banned"),
    ],
)
def test_allow_and_deny_judge_the_client(house, host, source, service):
    assert went_to(house, host, source=source) == service


def test_a_claimed_address_opens_no_door(house):
    assert went_to(house, "inside.test", source="127.0.0.3", fields={"X-Forwarded-For": "127.0.0.2"}) == 403


# -- nobody there ---------------------------------------------------------------------------------------------------


def test_an_unknown_host_is_answered_with_404_on_a_kept_connection(house):
    with Client(house[0].http) as client:
        assert client.ask(host="nobody.test").status == 404
        assert client.ask(host="exact.test").get("X-Backend") == "exact"


def test_a_known_host_without_a_healthy_endpoint_is_answered_with_503_and_retry_after(house):
    answer = ask(house[0].http, host="bare.test")
    assert answer.status == 503
    assert int(answer.get("Retry-After")) > 0


def test_the_operator_s_page_is_shown_with_its_retry_after(house):
    answer = ask(house[0].http, host="family.test", target="/child/x")
    assert (answer.status, answer.text, answer.get("Retry-After")) == (503, PAGE, "30")
    assert answer.get("Content-Type").startswith("text/html")


def test_a_service_that_is_down_never_falls_to_a_shorter_route(house):
    house[1]["parent"].forget()
    assert went_to(house, "family.test", "/child") == 503
    assert went_to(house, "family.test", "/") == "parent"
    assert [request.target for request in house[1]["parent"].requests] == ["/"]


def test_a_local_answer_to_head_has_no_body(house):
    with Client(house[0].http) as client:
        assert client.ask("HEAD", "/child", host="family.test").status == 503
        assert client.ask("GET", "/", host="family.test").get("X-Backend") == "parent"


def test_a_request_s_body_is_read_past_a_local_answer(house):
    with Client(house[0].http) as client:
        assert client.ask("POST", "/", host="nobody.test", body=b"GET /SMUGGLED HTTP/1.1\r\n\r\n").status == 404
        client.request("GET", "/", host="exact.test")
        try:
            assert client.response().get("X-Backend") == "exact"
        except (OSError, wire.Closed):
            pass  # closing instead is as good
    assert all("SMUGGLED" not in request.target for backend in house[1].values() for request in backend.requests)


# -- listeners ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_listeners(make_shared_door, make_shared_backend, authority):
    """A plain and a TLS listener, and one that carries a single service."""
    door = make_shared_door(start=False, tls=True)
    names = ("secure.test", "open.test", "closed.test", "couch.test")
    authority.issue(*names).write(door.certificates, "all")
    couch = {"name": "couch", "address": f"{door.address}:22084", "only": ["couch"]}
    door.change_config({"listen": door.config["listen"] + [couch]})
    tags = {"secure": [], "open": ["http=serve"], "closed": ["http=refuse"], "couch": ["http=serve"]}
    for name, more in tags.items():
        door.catalog.put(name, instance(name, make_shared_backend(name), f"route={name}.test", *more))
    port_route = instance("port", make_shared_backend("port"), "route=:22080/by-port http=serve")
    door.catalog.put("port", port_route)
    return door.start()


def test_plain_http_is_redirected_to_https_where_there_is_a_tls_listener(two_listeners):
    answer = two_listeners.ask("/a?q=1", host="secure.test")
    assert answer.status in (301, 307, 308)
    assert re.fullmatch(r"https://secure\.test(:22443)?/a\?q=1", answer.get("Location"))
    assert two_listeners.ask("/", "POST", host="secure.test", body=b"x").status in (307, 308), "a POST stays a POST"


def test_a_long_request_is_redirected_whole_and_the_connection_goes_on(two_listeners):
    path = "/" + "a" * 15800
    with two_listeners.client(host="secure.test") as client:
        answer = client.ask(target=path)
        assert answer.status == 301
        assert answer.get("Location") == f"https://secure.test:22443{path}"
        assert client.ask(target="/next").get("Location").endswith("/next")


def test_plain_http_is_served_or_refused_where_the_route_says_so(two_listeners):
    assert two_listeners.ask(host="open.test").get("X-Backend") == "open"
    assert two_listeners.ask(host="closed.test").status == 403


def test_over_tls_nothing_is_redirected(two_listeners, authority):
    with two_listeners.tls_client(authority, "secure.test", host="secure.test") as client:
        assert client.ask().get("X-Backend") == "secure"


def test_a_listener_may_carry_one_service_alone(two_listeners):
    couch = (two_listeners.address, 22084)
    assert ask(couch, host="couch.test").get("X-Backend") == "couch"
    assert ask(couch, host="open.test").status == 404


def test_a_route_with_a_port_holds_at_that_listener_alone(two_listeners):
    assert two_listeners.ask("/by-port", host="any.test").get("X-Backend") == "port"
    assert ask((two_listeners.address, 22084), target="/by-port", host="any.test").status == 404


def test_a_host_s_word_holds_for_every_route_of_it(make_door, make_backend):
    door = make_door(start=False, config={"hosts": {"bank.test": {"allow": ["127.0.0.2/32"]}}})
    door.catalog.put("bank", instance("bank", make_backend("bank"), "route=bank.test allow=127.0.0.0/8"))
    door.catalog.put("forum", instance("forum", make_backend("forum"), "route=bank.test/forum"))
    door.start()
    for target in ("/", "/forum"):
        assert door.ask(target, host="bank.test", source="127.0.0.2").status == 200
        assert door.ask(target, host="bank.test", source="127.0.0.3").status == 403


def test_a_service_in_the_door_s_own_file_needs_no_tags(make_door, make_backend):
    door = make_door(start=False, config={"services": {"plain": {"route": ["plain.test", "plain.test/x strip=/x"]}}})
    backend = make_backend("plain")
    door.catalog.put("plain", instance("plain", backend))
    door.start()
    assert door.ask(host="plain.test").get("X-Backend") == "plain"
    door.ask("/x/y", host="plain.test")
    assert backend.requests[-1].target == "/y"
