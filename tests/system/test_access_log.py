"""The access log: a JSON object a line, with everything one needs to tell who ended a request, and why."""
import datetime
import json

import pytest

from support import websocket, wire
from support.backend import refused_port
from support.catalog import instance
from support.client import Client
from support.wait import wait_until

pytestmark = pytest.mark.quick

FIELDS = {
    "time", "event", "node", "client_address", "peer_address", "method", "host", "path", "status", "bytes_in",
    "bytes_out", "duration_ms", "connect_ms", "first_byte_ms", "service", "endpoint", "attempts", "termination",
    "tls_version", "http_version", "request_id", "ban_id",
}
DOOR = {"limits": {"header_time": "1s", "body_idle_time": "1s"}}


def line_of(site, **more):
    return site.door.logged(host=site.host, **more)


def test_a_request_is_one_line_with_every_field(site):
    site.ask("POST", "/path?q=1", body=b"hello", source="127.0.0.3")
    line = line_of(site)
    assert FIELDS <= set(line)
    expected = {
        "event": "request", "node": "door", "client_address": "127.0.0.3", "peer_address": "127.0.0.3",
        "method": "POST", "host": site.host, "path": "/path?q=1", "status": 200, "service": site.name, "attempts": 1,
        "termination": "ok", "tls_version": "",
    }
    assert {key: line[key] for key in expected} == expected
    assert str(site.backend.port) in line["endpoint"] and "1.1" in line["http_version"]
    assert line["bytes_out"] >= len("POST /path?q=1")
    assert 0 <= line["first_byte_ms"] <= line["duration_ms"] < 10000
    assert len(site.door.log_lines()) > 0


def test_the_time_is_rfc_3339_and_now(site):
    site.ask()
    time = datetime.datetime.fromisoformat(line_of(site)["time"].replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - time).total_seconds()) < 60


def test_each_request_of_a_connection_has_its_line(site):
    with site.client() as client:
        for n in range(5):
            client.ask("GET", f"/{n}")

    def paths():
        return [line["path"] for line in site.door.log_lines() if line["host"] == site.host]

    wait_until(lambda: paths() == [f"/{n}" for n in range(5)], "five lines in their order")


@pytest.mark.parametrize("path", ['/"quoted"', "/back\\slash", "/%00", "/\x7f"])
def test_no_bytes_of_a_client_break_a_line(site, path):
    with site.client() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: {site.host}\r\nUser-Agent: a\"b\\c\xe9\r\n\r\n")
        client.response()
    with site.client() as client:
        client.ask("GET", "/behind")
    line_of(site, path="/behind")  # every line before it was read as JSON


def test_a_long_target_is_cut_and_the_line_stays_json(site):
    site.ask("GET", "/" + "a" * 15000)
    def found():
        return next((line for line in site.door.log_lines() if line["path"].startswith("/aaa")), None)

    line = wait_until(found, "its line")
    assert len(json.dumps(line)) < 9000


# -- who ended it, and why ------------------------------------------------------------------------------------------


def test_a_client_that_goes_away_is_told_from_a_backend_that_does(site):
    site.answer_with(lambda exchange: exchange.read())
    with site.client() as client:
        client.request("GET", "/left")
        site.backend.wait_for_requests(1)
        client.reset()
    assert line_of(site, path="/left")["termination"] == "client_closed"

    def cut(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        exchange.close()

    site.answer_with(cut)
    with site.client() as client:
        client.request("GET", "/cut")
        client.wait_closed()
    assert line_of(site, path="/cut")["termination"] == "backend_cut"


@pytest.mark.site("timeout=500ms", "idle_timeout=2s")
def test_backends_that_fail_are_told_apart(site):
    site.answer_with(lambda exchange: exchange.read())
    assert site.ask("GET", "/silent").status == 504
    site.answer_with(lambda exchange: exchange.close())
    assert site.ask("GET", "/closed").status == 502
    site.answer_with(lambda exchange: exchange.send("rubbish\r\n\r\n"))
    assert site.ask("GET", "/rubbish").status == 502
    site.answer_with(lambda exchange: (exchange.send("HTTP/1.1 200 OK\r\nCont"), exchange.close()))
    assert site.ask("GET", "/half").status == 502
    site.backend.stop()
    assert site.ask("GET", "/refused").status in (502, 503)
    expected = {
        "/silent": "backend_timeout", "/closed": "backend_closed", "/rubbish": "backend_malformed",
        "/half": "backend_closed", "/refused": "backend_connect_failed",
    }
    assert {path: line_of(site, path=path)["termination"] for path in expected} == expected


@pytest.mark.site("max_body=10", "deny=127.0.0.6/32")
def test_the_door_s_own_refusals_are_told_apart(site):
    site.ask("GET", "/denied", source="127.0.0.6")
    site.ask("POST", "/large", body=b"x" * 11)
    assert line_of(site, path="/denied")["termination"] == "denied"
    assert line_of(site, path="/large")["termination"] == "client_too_large"
    site.door.ask("/unknown", host="nobody.test")
    assert site.door.logged(path="/unknown")["termination"] == "no_route"


@pytest.mark.site("route=moved.test redirect=301,https://new.test$path")
def test_a_redirect_is_told_as_one(site):
    assert site.door.ask(host="moved.test").status == 301
    assert site.door.logged(host="moved.test")["termination"] == "redirect"


def test_a_target_that_grows_too_long_is_told_as_too_large(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"request_line": "61KiB", "fields": "1KiB"}})
    backend = make_backend(handler=lambda exchange: exchange.answer(body="whole"))
    door.catalog.put("grown", instance("grown", backend, "route=grown.test prepend=/" + "p" * 4000))
    door.start()
    assert door.ask("/?" + "q" * 50000, host="grown.test").status == 200
    assert door.ask("/?" + "q" * 62000, host="grown.test").status == 414
    assert door.logged(host="grown.test", status=414)["termination"] == "client_too_large"


def test_a_request_that_the_end_of_the_door_cut_is_told_as_such(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"shutdown_time": "1s"}})
    backend = make_backend(handler=lambda exchange: exchange.read())
    door.catalog.put("slow", instance("slow", backend, "route=slow.test"))
    door.start()
    with door.client(host="slow.test") as client:
        client.request("GET", "/cut")
        backend.wait_for_requests(1)
        door.stop()
    assert door.logged(path="/cut")["termination"] == "shutdown"


def test_what_is_no_request_has_a_line_too(site):
    with site.client(source="127.0.0.44") as client:
        client.send(b"rubbish\r\n\r\n")
        client.wait_closed()
    line = site.door.logged(peer_address="127.0.0.44")
    assert (line["status"], line["termination"]) == (400, "client_malformed")


def test_a_head_and_a_body_that_never_end_are_told(site):
    with site.client(source="127.0.0.45") as head, site.client() as body:
        head.send(b"GET / HTTP/1.1\r\n")
        body.send(wire.message("POST /body HTTP/1.1", [("Host", site.host), ("Content-Length", "10")], b"half"))
        head.wait_closed()
        body.wait_closed()
    assert site.door.logged(peer_address="127.0.0.45")["termination"] == "client_timeout"
    assert line_of(site, path="/body")["termination"] == "client_timeout"


def test_the_end_of_a_tunnel_is_told_with_its_bytes(site):
    site.answer_with(websocket.accept_and_echo)
    with site.client() as client:
        handshake = websocket.handshake(site.host)
        client.send(handshake + b"x" * 100)
        client.response()
        client.send(b"x" * 900)
        client.reader.take(1000)
    line = line_of(site, path="/chat")
    assert (line["status"], line["termination"]) == (101, "tunnel_client_closed")
    assert line["bytes_in"] == len(handshake) + 1000 and line["bytes_out"] >= 1000


def test_a_client_that_leaves_its_tunnel_without_close_notify_has_left_by_itself(make_door, make_backend, authority):
    door = make_door(start=False, tls=True)
    authority.issue("chat.test").write(door.certificates, "chat")
    backend = make_backend("chat", handler=websocket.accept_and_echo)
    door.catalog.put("chat", instance("chat", backend, "route=chat.test"))
    door.start()
    client = Client(door.https, tls=authority.trust(), sni="chat.test", host="chat.test")
    client.send(websocket.handshake("chat.test"))
    assert client.response().status == 101
    client.close()
    assert door.logged(status=101)["termination"] == "tunnel_client_closed"


HEAD = "POST /counted HTTP/1.1\r\nHost: {}\r\n"
REQUESTS = {
    "length": (HEAD + "Content-Length: 5\r\n\r\nhello",),
    "chunked": (HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",),
    "chunked, in two": (HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhe", "llo\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("parts", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("behind", ["", "GET /next HTTP/1.1\r\nHost: {}\r\n\r\n"], ids=["alone", "pipelined"])
def test_each_byte_of_a_request_is_counted_once(site, parts, behind):
    parts = [part.format(site.host) for part in parts]
    with site.client() as client:
        for n, part in enumerate(parts):
            last = n == len(parts) - 1
            client.send(part + behind.format(site.host) * last)
            if not last:
                site.backend.wait_for_connections(1)  # the first is on its way alone
        assert client.response().status == 200
        if behind:
            assert client.response().status == 200
    assert line_of(site, path="/counted")["bytes_in"] == sum(map(len, parts))


def test_a_second_attempt_is_counted(site):
    dead = refused_port()
    tags = (f"route={site.host}", "balance=round_robin")
    site.door.catalog.put(
        site.name, instance(site.name, site.backend, *tags, id="good"),
        instance(site.name, dead.getsockname(), *tags, id="dead"),
    )

    def retried():
        site.ask("GET", "/try")
        return [line for line in site.door.log_lines() if line["host"] == site.host and line["attempts"] == 2]

    line = wait_until(retried, "a request that needed two attempts", within=10)[0]
    assert line["status"] == 200 and "good" in line["endpoint"] or str(site.backend.port) in line["endpoint"]
    dead.close()


def test_a_door_without_a_service_still_logs(make_door):
    door = make_door()
    assert door.ask("/x").status == 404
    line = door.logged(path="/x")
    assert (line["service"], line["endpoint"]) == ("", "")


def test_fields_that_the_operator_hides_are_not_written(make_door, make_backend):
    redact = ["client_address", "peer_address", "query"]
    door = make_door(start=False, config={"logs": {"access": {"redact": redact}}})
    door.catalog.put("one", instance("one", make_backend(), "route=one.test"))
    door.start()
    fields = [("Referer", "http://one.test/before?secret=2"), ("User-Agent", "agent")]
    door.ask("/path?secret=1", host="one.test", source="127.0.0.3", fields=fields)
    line = door.logged(host="one.test")
    assert line["client_address"] == line["peer_address"] == "-"
    with open(door.access_log) as file:
        text = file.read()
    assert "secret" not in text and "127.0.0.3" not in text
    assert (line["path"], line["referer"], line["user_agent"]) == ("/path", "http://one.test/before", "agent")


def test_the_referer_may_be_hidden_whole(make_door, make_backend):
    door = make_door(start=False, config={"logs": {"access": {"redact": ["referer", "user_agent"]}}})
    door.catalog.put("one", instance("one", make_backend(), "route=one.test"))
    door.start()
    door.ask("/", host="one.test", fields=[("Referer", "http://one.test/secret"), ("User-Agent", "secret")])
    line = door.logged(host="one.test")
    assert line["referer"] == line["user_agent"] == "-"


def test_the_log_may_go_to_stdout(make_door, make_backend):
    door = make_door(start=False, config={"logs": {"access": {"to": "stdout"}}})
    door.catalog.put("one", instance("one", make_backend(), "route=one.test"))
    door.start()
    door.ask("/to-stdout", host="one.test")
    wait_until(lambda: "/to-stdout" in door.output(), "the line on stdout")


def test_the_log_may_be_off(make_door, make_backend):
    door = make_door(start=False, config={"logs": {"access": {"to": "off"}}})
    door.catalog.put("one", instance("one", make_backend(), "route=one.test"))
    door.start()
    with Client(door.http, host="one.test") as client:
        assert client.ask().status == 200
