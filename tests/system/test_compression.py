"""Answers compressed on their way: what is, what never is, and that it comes in time. Decoded by others' programs."""
import os
import subprocess
import threading

import pytest

from support import wire
from support.backend import Gate
from support.catalog import instance
from support.wait import wait_until

pytestmark = pytest.mark.quick

TEXT = "".join(f"line {n} of a page that says much the same\n" for n in range(3000)).encode()
ALL = "compress=zstd br gzip"
site_with = pytest.mark.site
DECODERS = {"gzip": ["gzip", "-dc"], "br": ["brotli", "-dc"], "zstd": ["zstd", "-dcq"]}


def decoded(answer):
    done = subprocess.run(DECODERS[answer.get("Content-Encoding")], input=answer.body, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def page(body=TEXT, type="text/html", **fields):
    pairs = [("Content-Type", type), *((name.replace("_", "-"), value) for name, value in fields.items())]
    return lambda exchange: exchange.answer(body=body, fields=pairs)


def chunked_page(exchange):
    exchange.send(wire.message("HTTP/1.1 200 OK", [("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")]))
    for at in range(0, len(TEXT), 10000):
        exchange.send(wire.chunked(TEXT[at : at + 10000])[: -len(b"0\r\n\r\n")])
    exchange.send("0\r\n\r\n")


def closing_page(exchange):
    exchange.send(wire.message("HTTP/1.1 200 OK", [("Content-Type", "text/html"), ("Connection", "close")]) + TEXT)
    exchange.close()


@site_with(ALL)
@pytest.mark.parametrize("coding", DECODERS)
@pytest.mark.parametrize("handler", [page(), chunked_page, closing_page], ids=["length", "chunked", "close"])
def test_an_answer_is_the_same_once_decoded(site, coding, handler):
    site.answer_with(handler)
    with site.client() as client:
        for _ in range(3):  # the context is used again, and the connection kept
            answer = client.ask("GET", "/", fields={"Accept-Encoding": coding})
            assert answer.get("Content-Encoding") == coding and decoded(answer) == TEXT
            assert (answer.get("Transfer-Encoding"), answer.get("Vary")) == ("chunked", "Accept-Encoding")
            assert len(answer.body) < len(TEXT) // 4


@site_with(ALL)
def test_the_longest_etag_is_weakened_whole(site):
    tag = '"' + "a" * 8000 + '"'
    site.answer_with(page(ETag=tag))
    with site.client() as client:
        answer = client.ask("GET", "/", fields={"Accept-Encoding": "gzip"})
        assert answer.get("ETag") == "W/" + tag and decoded(answer) == TEXT


@site_with(ALL)
def test_curl_reads_it(site):
    site.answer_with(page())
    address, port = site.door.http
    done = subprocess.run(["curl", "-sS", "--compressed", "--resolve", f"{site.host}:{port}:{address}",
                           f"http://{site.host}:{port}/"], capture_output=True, timeout=30)
    assert done.stdout == TEXT, done.stderr
    assert site.door.logged(host=f"{site.host}:{port}")["encoding"] in DECODERS


@site_with(ALL)
@pytest.mark.parametrize("accepted", [None, "identity", "gzip;q=0", "deflate", "*;q=0"])
def test_a_client_that_takes_no_coding_gets_it_as_it_is(site, accepted):
    site.answer_with(page(ETag='"a"'))
    answer = site.ask(fields={"Accept-Encoding": accepted} if accepted else ())
    assert (answer.body, answer.get("Content-Encoding")) == (TEXT, None)
    assert (answer.get("ETag"), answer.get("Vary")) == ('"a"', "Accept-Encoding")


@site_with(ALL)
@pytest.mark.parametrize("handler", [
    page(type="image/png"), page(b"short"), page(Content_Encoding="br"), page(Cache_Control="no-transform"),
    page(Content_MD5="x"), page(type="application/grpc"),
], ids=["image", "short", "encoded", "no-transform", "digest", "grpc"])
def test_what_should_not_be_is_not_compressed(site, handler):
    site.answer_with(handler)
    plain, asked = site.ask(), site.ask(fields={"Accept-Encoding": "gzip, br, zstd"})
    assert asked.body == plain.body and asked.get("Content-Length") == plain.get("Content-Length")
    assert not asked.has("Vary")


@site_with()
def test_nothing_is_compressed_unless_it_is_asked_for(site):
    site.answer_with(page())
    assert not site.ask(fields={"Accept-Encoding": "gzip"}).has("Content-Encoding")


@site_with(ALL)
def test_tags_become_weak_and_what_told_of_the_bytes_goes(site):
    site.answer_with(page(ETag='"a"', Accept_Ranges="bytes", Vary="Origin"))
    answer = site.ask(fields={"Accept-Encoding": "br"})
    assert answer.all("ETag") == ['W/"a"'] and not answer.has("Accept-Ranges") and not answer.has("Content-Length")
    assert answer.all("Vary") == ["Origin", "Accept-Encoding"]


@site_with(ALL)
@pytest.mark.parametrize("status", [204, 304, 206])
def test_answers_without_a_whole_body_stay_what_they_are(site, status):
    def handler(exchange):
        body = b"part" * 1000 if status == 206 else b""
        more = [("Content-Range", "bytes 0-3999/9999")] if status == 206 else []
        exchange.answer(status, body, [("Content-Type", "text/html"), ("ETag", '"a"'), *more])

    site.answer_with(handler)
    with site.client() as client:
        answer = client.ask("GET", "/", fields={"Accept-Encoding": "gzip"})
        assert (answer.status, answer.has("Content-Encoding")) == (status, False)
        assert answer.get("ETag") == ('W/"a"' if status == 304 else '"a"')
        assert client.ask("GET", "/").status == status, "the connection goes on"


@site_with(ALL)
def test_head_promises_what_get_brings(site):
    site.answer_with(lambda exchange: exchange.send(wire.message(
        "HTTP/1.1 200 OK", [("Content-Type", "text/html"), ("Content-Length", "100000")])))
    with site.client() as client:
        answer = client.ask("HEAD", "/", fields={"Accept-Encoding": "gzip"})
        assert (answer.get("Content-Encoding"), answer.has("Content-Length")) == ("gzip", False)
        assert client.ask("HEAD", "/").get("Content-Length") == "100000"


@site_with(ALL)
def test_http_1_0_gets_no_chunks(site):
    site.answer_with(page())
    with site.client() as client:
        client.send(f"GET / HTTP/1.0\r\nHost: {site.host}\r\nAccept-Encoding: gzip\r\n\r\n")
        assert client.response().body == TEXT


@site_with(ALL)
@pytest.mark.parametrize("coding", DECODERS)
def test_each_event_of_a_stream_comes_when_it_is_sent(site, coding):
    told = threading.Event()

    def stream(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK",
                                   [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
        for n in range(5):
            told.clear()
            exchange.send(wire.chunked(b"data: %d\n\n" % n)[: -len(b"0\r\n\r\n")])
            if not told.wait(10):
                return exchange.close()
        exchange.send("0\r\n\r\n")

    site.answer_with(stream)
    with site.client() as client:
        client.request(fields={"Accept-Encoding": coding})
        head = client.reader.response_head()
        assert head.get("Content-Encoding") == coding
        decoder = subprocess.Popen(DECODERS[coding], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        body = b""
        for n in range(5):
            # A chunk at a time, until what came is the event: nothing else will come before we say so.
            before = len(body)
            while len(body) == before:
                size = int(client.reader.line(), 16)
                body += client.reader.take(size)
                assert client.reader.line() == b"\r\n"
            told.set()
        while size := int(client.reader.line(), 16):
            body += client.reader.take(size)
            client.reader.line()
        out, _ = decoder.communicate(body, timeout=30)
        assert out == b"".join(b"data: %d\n\n" % n for n in range(5))


@site_with(ALL)
def test_a_body_that_is_cut_short_never_looks_whole(site):
    def cut(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", [("Content-Type", "text/html"), ("Content-Length", "100000")]))
        exchange.send(TEXT[:50000])
        exchange.close()

    site.answer_with(cut)
    with site.client() as client:
        client.request(fields={"Accept-Encoding": "gzip"})
        with pytest.raises((wire.Closed, OSError)):
            client.response()
    assert site.door.logged(host=site.host, termination="backend_cut")


@site_with(ALL)
def test_a_slow_client_holds_the_backend_back(site):
    gate = Gate()
    sent = []

    def endless(exchange):
        exchange.send(wire.message("HTTP/1.1 200 OK", [("Content-Type", "text/plain"), ("Connection", "close")]))
        exchange.connection.sock.settimeout(1)
        try:
            while len(sent) < 400:
                exchange.send(os.urandom(1 << 16).hex().encode())
                sent.append(1)
        except OSError:
            pass
        gate.open()
        exchange.close()

    site.answer_with(endless)
    with site.client(receive_buffer=4096) as client:
        client.request(fields={"Accept-Encoding": "gzip"})
        client.reader.fill()
        gate.wait()
        assert len(sent) < 400, "the door took all of it although nobody read"


def test_beyond_the_limit_answers_go_as_they_are(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"compressions": 0}})
    backend = make_backend("one", handler=page())
    door.catalog.put("one", instance("one", backend, "route=one.test", ALL))
    door.start()
    answer = door.ask(host="one.test", fields={"Accept-Encoding": "gzip"})
    assert (answer.body, answer.get("Content-Encoding"), answer.get("Vary")) == (TEXT, None, "Accept-Encoding")
    assert door.metric("gatehouse_compressions_left_out_total") == 1


def test_files_are_compressed_where_nothing_lies_beside_them(make_door, authority):
    door = make_door(start=False, tls=True)
    authority.issue("files.test").write(door.certificates, "files")
    os.makedirs(door.path("www"))
    for name in ("page.html", "page.png"):
        with open(door.path("www", name), "wb") as file:
            file.write(TEXT * 20)
    door.change_config({"services": {"files": {
        "route": "files.test", "http": "serve", "files": door.path("www"), "compress": "br gzip zstd level=5"}}})
    door.start()
    for connect in (lambda: door.client(host="files.test"),
                    lambda: door.tls_client(authority, sni="files.test", host="files.test")):
        with connect() as client:
            for coding in DECODERS:
                answer = client.ask("GET", "/page.html", fields={"Accept-Encoding": coding})
                assert answer.get("Content-Encoding") == coding and decoded(answer) == TEXT * 20
                assert answer.get("ETag").startswith('W/"') and not answer.has("Accept-Ranges")
                again = client.ask("GET", "/page.html",
                                   fields={"Accept-Encoding": coding, "If-None-Match": answer.get("ETag")})
                assert again.status == 304
                assert client.ask("GET", "/page.png", fields={"Accept-Encoding": coding}).body == TEXT * 20
            part = client.ask("GET", "/page.html", fields={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
            assert (part.status, part.body) == (206, TEXT[:10])
    assert door.metric("gatehouse_compressions_total", coding="br") == 2
    assert door.metric("gatehouse_compressed_in_bytes_total") == 6 * 20 * len(TEXT)
    wait_until(lambda: door.metric("gatehouse_compressed_out_bytes_total") > 0, "bytes are counted")
    assert "compress br gzip zstd" in door.do("status")
