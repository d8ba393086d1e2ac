"""Who may pass: names and passwords, and the word of a server that is asked."""
import base64
import os
import resource
import shutil
import subprocess
import threading

import pytest

from support import wire
from support.backend import Gate
from support.catalog import instance
from support.door import endpoints
from support.wait import wait_until

pytestmark = pytest.mark.ci

# What `htpasswd` and `openssl passwd` write for "secret".
HASHES = {
    "sha1": "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
}


def openssl_hash(kind, password="secret"):
    return subprocess.run(["openssl", "passwd", kind, password], capture_output=True, text=True, check=True).stdout.strip()


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def house(make_door, make_backend):
    backend = make_backend()
    door = make_door(start=False, config={"auth": {"staff": {"file": "staff.htpasswd", "realm": "The Staff"}}})
    lines = [
        "# staff", f"apache:{openssl_hash('-apr1')}", f"five:{openssl_hash('-5')}", f"six:{openssl_hash('-6')}",
        f"sha:{HASHES['sha1']}", "",
    ]
    write(door, lines)
    door.catalog.put("one", instance("one", backend, "route=one.test", "auth=basic:staff"))
    door.backend = backend
    return door


def write(door, lines):
    with open(door.path("staff.htpasswd.new"), "w") as file:
        file.write("\n".join(lines) + "\n")
    os.chmod(door.path("staff.htpasswd.new"), 0o600)
    os.replace(door.path("staff.htpasswd.new"), door.path("staff.htpasswd"))


@pytest.mark.parametrize("name", ["apache", "five", "six", "sha"])
def test_the_right_password_passes_and_no_other(house, name):
    house.start()
    answer = house.ask(host="one.test")
    assert answer.status == 401
    assert answer.get("WWW-Authenticate") == 'Basic realm="The Staff", charset="UTF-8"'
    for fields in (basic(name, "wrong"), basic("nobody", "secret"), {"Authorization": "Bearer x"},
                   {"Authorization": "Basic !!!"}, basic(name, "")):
        assert house.ask(host="one.test", fields=fields).status == 401
    assert house.backend.requests == []
    for _ in range(2):  # hashed, then remembered
        assert house.ask(host="one.test", fields=basic(name, "secret")).status == 200
    assert house.logged(status=200)["user"] == name
    assert house.logged(status=401)["termination"] == "unauthorized"
    assert house.metric("gatehouse_service_auth_refused_total", service="one") == 6


def test_what_was_sent_before_the_answer_is_not_lost(house):
    house.start()
    answer = house.ask("/up", "POST", host="one.test", fields=basic("six", "secret"), body=b"x" * 200000)
    assert answer.status == 200 and house.backend.requests[-1].body == b"x" * 200000
    with house.client(host="one.test") as client:
        for _ in range(3):
            assert client.ask(fields=basic("six", "secret")).status == 200


def test_a_changed_file_counts_at_once_and_a_broken_one_leaves_what_was(house):
    house.start()
    assert house.ask(host="one.test", fields=basic("six", "secret")).status == 200
    write(house, [f"other:{openssl_hash('-6', 'open')}", "broken", "old:rqXexS6ZhobKA"])
    wait_until(lambda: house.ask(host="one.test", fields=basic("other", "open")).status == 200, "the new name")
    assert house.ask(host="one.test", fields=basic("six", "secret")).status == 401
    problems = str(house.status()["problems"])
    assert "write NAME:HASH" in problems and "htpasswd -B" in problems
    os.unlink(house.path("staff.htpasswd"))
    wait_until(lambda: "last names stay in force" in str(house.status()["problems"]), "the file that is gone")
    assert house.ask(host="one.test", fields=basic("other", "open")).status == 200


def test_bcrypt_passes_too(house):
    tool = shutil.which("htpasswd")
    if tool is None:
        pytest.skip("htpasswd is not installed")
    made = subprocess.run([tool, "-nbBC", "6", "wilma", "opensesame"], capture_output=True, text=True, check=True)
    write(house, [made.stdout.strip()])
    house.start()
    assert house.ask(host="one.test", fields=basic("wilma", "opensesame")).status == 200
    assert house.ask(host="one.test", fields=basic("wilma", "openbarley")).status == 401


def test_a_name_that_is_not_defined_lets_nobody_in(house):
    house.catalog.put("two", instance("two", house.backend, "route=two.test", "auth=basic:staf"))
    house.start()
    assert house.ask(host="two.test", fields=basic("six", "secret")).status == 503
    assert "did you mean staff?" in str(house.status()["problems"])
    assert "auth" in house.do("explain", "GET", "http://two.test/")


def test_guessing_slows_no_other_request(house, make_backend):
    tool = shutil.which("htpasswd")
    if tool is None:
        pytest.skip("htpasswd is not installed")
    made = subprocess.run([tool, "-nbBC", "11", "slow", "secret"], capture_output=True, text=True, check=True)
    write(house, [made.stdout.strip()])
    house.catalog.put("open", instance("open", house.backend, "route=open.test"))
    house.start()
    guesses = []

    def guess(n):
        guesses.append(house.ask(host="one.test", fields=basic("slow", f"guess{n}"), source=f"127.0.0.{n % 3 + 2}").status)

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(30)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        assert house.ask(host="open.test").status == 200
    for thread in threads:
        thread.join()
    assert set(guesses) <= {401, 503} and 401 in guesses


# -- a server that is asked -----------------------------------------------------------------------------------------


@pytest.fixture
def asked(make_door, make_backend):
    """A door, a backend, and a server that decides."""
    backend, server = make_backend("web"), make_backend("auth")
    config = {"auth": {"sso": {"url": f"http://{server.host}:{server.port}/verify?x=1", "fields": ["X-User"], "timeout": "2s"}}}
    door = make_door(start=False, config=config)
    door.catalog.put("one", instance("one", backend, "route=one.test", "auth=forward:sso"))
    door.backend, door.server = backend, server
    return door


def test_a_2xx_lets_it_pass_with_the_server_s_fields_and_no_forged_ones(asked):
    asked.server.handler = lambda exchange: exchange.answer(status=204, fields=[("X-User", "ada"), ("X-Else", "1")])
    asked.start()
    for n in range(3):
        answer = asked.ask("/p?q=1", "POST", host="one.test", fields=[("X-User", "root"), ("Cookie", "a=1")], body=b"abc")
        assert answer.status == 200
    got = asked.backend.requests[-1]
    assert got.all("X-User") == ["ada"] and not got.has("X-Else") and got.body == b"abc"
    question = asked.server.requests[-1]
    assert (question.method, question.target, question.body) == ("GET", "/verify?x=1", b"")
    assert question.get("X-Forwarded-Method") == "POST" and question.get("X-Forwarded-Uri") == "/p?q=1"
    assert question.get("X-Forwarded-Host") == "one.test" and question.get("Cookie") == "a=1"
    assert question.get("Host") == f"{asked.server.host}:{asked.server.port}"


def test_any_other_answer_is_given_instead(asked):
    fields = [("Location", "https://login.example/"), ("Set-Cookie", "s=1")]
    asked.server.handler = lambda exchange: exchange.answer(status=302, body=b"log in", fields=fields)
    asked.start()
    with asked.client(host="one.test") as client:
        for _ in range(2):
            answer = client.ask()
            assert (answer.status, answer.get("Location"), answer.body) == (302, "https://login.example/", b"log in")
            assert answer.get("Set-Cookie") == "s=1"
    assert asked.backend.requests == []
    assert asked.logged(status=302)["termination"] == "unauthorized"


@pytest.mark.parametrize("trouble", ["refused", "silent", "broken", "cut", "500"])
def test_whatever_goes_wrong_nobody_passes(asked, trouble):
    gate = Gate()
    handlers = {
        "silent": lambda exchange: gate.wait(),
        "broken": lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        "cut": lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"), exchange.close()),
        "500": lambda exchange: exchange.answer(status=500),
    }
    if trouble in handlers:
        asked.server.handler = handlers[trouble]
    asked.start()
    if trouble == "refused":
        asked.server.stop_listening()
        asked.server.drop_connections()
    answer = asked.ask(host="one.test")
    gate.open()
    assert answer.status == 503 and asked.backend.requests == []
    assert asked.logged(status=503)["termination"] == "auth_failed"
    assert asked.metric("gatehouse_service_auth_failed_total", service="one") == 1


def test_tags_choose_no_server_of_their_own(asked, make_backend):
    other = make_backend("other")
    tags = ["route=two.test", f"auth=forward:http://{other.host}:{other.port}/"]
    asked.catalog.put("two", instance("two", asked.backend, *tags))
    same = f"auth=forward:http://{asked.server.host}:{asked.server.port}/verify?x=1"
    asked.catalog.put("three", instance("three", asked.backend, "route=three.test", same))
    asked.server.handler = lambda exchange: exchange.answer(status=200)
    asked.start()
    assert asked.ask(host="two.test").status == 503 and other.requests == []
    assert asked.ask(host="three.test").status == 200


def test_a_refusal_is_whole_or_the_door_s_own(asked):
    asked.server.handler = lambda exchange: exchange.send(
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n")
    asked.start()
    assert asked.ask(host="one.test").body == b"nope"
    most = 64 << 10
    asked.server.handler = lambda exchange: exchange.answer(status=403, body=b"z" * most)
    assert asked.ask(host="one.test").body == b"z" * most
    fields = [("WWW-Authenticate", "Negotiate"), ("Content-Type", "image/png"), ("Content-Encoding", "gzip"), ("ETag", '"z"')]
    asked.server.handler = lambda exchange: exchange.answer(status=401, body=b"z" * (most + 1), fields=fields)
    with asked.client(host="one.test") as client:
        for _ in range(2):
            answer = client.ask()
            assert answer.status == 401 and b"Unauthorized" in answer.body and b"z" not in answer.body[:1]
            assert answer.get("Content-Type") == "text/html; charset=utf-8" and answer.get("WWW-Authenticate") == "Negotiate"
            assert not answer.has("Content-Encoding") and not answer.has("ETag")
    assert asked.metric("gatehouse_service_auth_pages_replaced_total", service="one") == 2
    assert asked.backend.requests == []


def test_the_server_is_not_blamed_for_what_the_door_lacks(asked):
    asked.server.handler = lambda exchange: exchange.answer(status=200)
    asked.start()
    with asked.client(host="one.test") as client:
        assert client.ask(host="other.test").status == 404
        _, hard = most = resource.prlimit(asked.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(asked.pid, resource.RLIMIT_NOFILE, (3, hard))  # no descriptor is left for a connection
        try:
            assert client.ask().status == 503
        finally:
            resource.prlimit(asked.pid, resource.RLIMIT_NOFILE, most)
        assert asked.logged(status=503)["termination"] == "auth_failed"
        (server,) = endpoints(asked.status(), "auth/sso").values()
        assert server["failures"] == server["connect_failures"] == 0
        assert client.ask().status == 200


def test_what_only_the_server_may_say_is_left_out_of_trailers(asked):
    asked.server.handler = lambda exchange: exchange.answer(status=200, fields=[("X-User", "ada")])
    asked.start()
    trailers = [("X-Sum", "4"), ("X-User", "root"), ("X_User", "root"), ("x.user", "root")]
    with asked.client(host="one.test") as client:
        for _ in range(2):
            client.send(wire.message("POST / HTTP/1.1", [("Host", "one.test"), ("Transfer-Encoding", "chunked")]))
            client.send(wire.chunked(b"body", trailers=trailers))
            assert client.response().status == 200
    request = asked.backend.requests[-1]
    assert request.trailers == [("X-Sum", "4")] and request.all("X-User") == ["ada"]


def test_nginx_decides(make_door, make_backend, tmp_path):
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    from support import addresses
    address = addresses.free_address()
    (tmp_path / "nginx.conf").write_text(f"""
daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
events {{}}
http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
  uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
  server {{ listen {address}:8099; location / {{ if ($http_x_token != "good") {{ return 401 "who are you"; }}
    add_header X-User ada; return 200 "yes"; }} }} }}
""")
    backend = make_backend()
    door = make_door(start=False, config={
        "auth": {"sso": {"url": f"http://{address}:8099/", "fields": ["X-User"]}},
        "services": {"one": {"auth": "forward:sso"}}})
    door.catalog.put("one", instance("one", backend, "route=one.test"))
    nginx = subprocess.Popen(["nginx", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)])
    try:
        door.start()
        wait_until(lambda: door.ask(host="one.test").status == 401, "nginx's word")
        assert door.ask(host="one.test").body == b"who are you"
        assert door.ask(host="one.test", fields={"X-Token": "good"}).status == 200
        assert backend.requests[-1].get("X-User") == "ada"
    finally:
        nginx.terminate()
        nginx.wait()


# -- where no backend is, and over HTTP/2 ---------------------------------------------------------------------------


def test_files_want_a_password_too(make_door):
    door = make_door(start=False, config={
        "auth": {"staff": {"file": "staff.htpasswd"}},
        "services": {"site": {"route": "site.test", "files": "site", "auth": "basic:staff", "headers": ["set X-Robots-Tag none"]}}})
    os.makedirs(door.path("site"))
    for n in range(20):
        with open(door.path("site", f"{n}.txt"), "w") as file:
            file.write(f"number {n}")
    write(door, [f"six:{openssl_hash('-6')}", f"five:{openssl_hash('-5')}"])
    door.start()
    assert door.ask("/1.txt", host="site.test").status == 401
    wrong = []

    def fetch(n):  # each waits for its verdict while others are admitted, and gets its own file all the same
        name = "six" if n % 2 else "five"
        answer = door.ask(f"/{n}.txt", host="site.test", fields=basic(name, "secret"), source=f"127.0.0.{n + 2}")
        if (answer.status, answer.body, answer.get("X-Robots-Tag")) != (200, b"number %d" % n, "none"):
            wrong.append((n, answer.status, answer.body))

    threads = [threading.Thread(target=fetch, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_over_http2_too(make_door, make_backend, authority):
    backend, server = make_backend("web"), make_backend("auth")
    door = make_door(start=False, tls=True, config={
        "auth": {"staff": {"file": "staff.htpasswd"}, "sso": {"url": f"http://{server.host}:{server.port}/", "fields": ["X-User"]}}})
    write(door, [f"six:{openssl_hash('-6')}"])
    authority.issue("one.test", "two.test").write(door.certificates, "both")
    door.catalog.put("one", instance("one", backend, "route=one.test", "auth=basic:staff"))
    door.catalog.put("two", instance("two", backend, "route=two.test", "auth=forward:sso"))
    door.start()

    def curl(host, *arguments):
        done = subprocess.run(
            ["curl", "-sk", "--http2", "--max-time", "20", "--connect-to", f"{host}:443:{door.address}:{door.https[1]}",
             "-w", "\n%{http_version} %{http_code}", *arguments, f"https://{host}/up"], capture_output=True, text=True)
        return done.stdout.splitlines()[-1], done.stdout

    assert curl("one.test")[0] == "2 401"
    assert curl("one.test", "-u", "six:secret", "--data-binary", "x" * 50000)[0] == "2 200"
    assert backend.requests[-1].body == b"x" * 50000
    server.handler = lambda exchange: exchange.answer(status=302, fields=[("Location", "https://login.example/")], body=b"go")
    said, text = curl("two.test")
    assert said == "2 302" and "go" in text
    server.handler = lambda exchange: exchange.answer(status=200, fields=[("X-User", "ada")])
    assert curl("two.test", "-H", "X-User: root")[0] == "2 200"
    assert backend.requests[-1].all("X-User") == ["ada"]
