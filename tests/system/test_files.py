"""Answers from files: what is served and what never is, ranges and conditions, over plain TCP and over TLS."""
import base64
import gzip
import os
import re
import subprocess
import threading

import pytest

from support import wire
from support.client import Client
from support.wait import wait_until

pytestmark = pytest.mark.quick

HOST = "files.test"
BIG = 3 << 20


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


class House:
    """A door with a folder of files, and ways to ask it."""

    def __init__(self, door, authority):
        self.door, self.authority, self.folder = door, authority, door.path("www")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def put(self, name, data):
        """A file appears at once and whole, as from a deployment."""
        fresh = write(self.path(name) + ".fresh", data)
        os.replace(fresh, self.path(name))
        return self.path(name)

    def client(self, tls=False, host=HOST, **more):
        if tls:
            return Client(self.door.https, tls=self.authority.trust(), sni=host, host=host, **more)
        return Client(self.door.http, host=host, **more)

    def ask(self, target, method="GET", fields=(), host=HOST, tls=False):
        with self.client(tls=tls, host=host) as client:
            return client.ask(method, target, fields=fields)


@pytest.fixture(scope="module")
def house(make_shared_door, authority):
    door = make_shared_door(start=False, tls=True)
    house = House(door, authority)
    authority.issue(HOST, "app.files.test", "plain.files.test", "gone.files.test").write(door.certificates, "files")
    house.data = os.urandom(BIG)
    for name, data in {
        "index.html": b"<h1>home</h1>", "small.bin": house.data[:1000], "big.bin": house.data,
        "text.txt": b"0123456789" * 1000, "empty.txt": b"", "sub/index.html": b"sub", "no_index/a.txt": b"a",
        "a b/\xc3\xa9.txt".encode("latin-1").decode("latin-1"): b"odd name", "photo.jpg": b"jpg",
        ".secret": b"secret", ".git/config": b"secret", ".well-known/security.txt": b"Contact: us",
        "page.js": b"js" * 900, "page.js.br": b"not really brotli", "page.js.gz": gzip.compress(b"js" * 900, mtime=0),
    }.items():
        write(house.path(name), data)
    write(door.path("outside.txt"), b"outside")
    os.symlink("sub/index.html", house.path("within"))
    os.symlink("../outside.txt", house.path("beyond"))
    os.symlink("/etc/passwd", house.path("absolute"))
    os.symlink("..", house.path("sub/up"))
    os.symlink("loop", house.path("loop"))
    os.symlink(".secret", house.path("to_secret"))
    os.symlink("../.git", house.path("sub/to_git"))
    os.symlink(".secret", house.path("text.txt.br"))
    os.symlink(".well-known/security.txt", house.path("contact.txt"))
    os.mkfifo(house.path("fifo"))
    door.change_config({"services": {
        "files": {
            "route": [HOST, f"{HOST}/stripped strip=/stripped"], "http": "serve",
            "files": f'{house.folder} precompressed=br,gzip cache=*.jpg:30d,/sub/*:no-cache',
        },
        "app": {"route": "app.files.test", "http": "serve", "files": f"{house.folder}/sub try=/index.html"},
        "gone": {"route": "gone.files.test", "http": "serve", "files": door.path("nowhere")},
    }})
    door.start()
    return house


both = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


# -- what is served ------------------------------------------------------------------------------------------------


@both
def test_files_of_all_sizes_come_whole_over_one_connection(house, tls):
    with house.client(tls=tls) as client:
        for _ in range(2):
            for name, data in [("small.bin", house.data[:1000]), ("big.bin", house.data), ("empty.txt", b""),
                               ("text.txt", b"0123456789" * 1000)]:
                answer = client.ask("GET", f"/{name}")
                assert (answer.status, answer.body == data) == (200, True), name
                assert answer.get("Content-Length") == str(len(data))


def test_a_file_is_told_with_its_type_tag_and_time(house):
    answer = house.ask("/index.html")
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    assert answer.get("Accept-Ranges") == "bytes"
    assert re.fullmatch(r'"[0-9a-f]+-[0-9a-f]+"', answer.get("ETag"))
    assert answer.get("Last-Modified").endswith(" GMT") and answer.has("X-Request-Id")


def test_head_tells_what_get_would_bring(house):
    with house.client() as client:
        head, got = client.ask("HEAD", "/big.bin"), client.ask("GET", "/big.bin")
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified"):
        assert head.get(name) == got.get(name)
    assert head.body == b""


def test_a_folder_is_its_index_and_wants_its_slash(house):
    assert house.ask("/").body == b"<h1>home</h1>"
    assert house.ask("/sub/").body == b"sub"
    answer = house.ask("/sub?x=1")
    assert (answer.status, answer.get("Location")) == (301, "/sub/?x=1")
    assert house.ask("/no_index/").status == 404, "there are no listings"
    assert house.ask("/stripped/sub").get("Location") == "/stripped/sub/"
    assert house.ask("/stripped/sub/").body == b"sub"


def test_odd_names_are_found_by_their_escapes(house):
    assert house.ask("/a%20b/%C3%83%C2%A9.txt").body == b"odd name"


def test_cache_control_is_by_name(house):
    assert house.ask("/photo.jpg").get("Cache-Control") == "max-age=2592000"
    assert house.ask("/sub/").get("Cache-Control") == "no-cache"
    assert not house.ask("/text.txt").has("Cache-Control")


def test_a_single_page_app_falls_back_on_its_page(house):
    for path in ("/", "/deep/link?x=1", "/missing.js"):
        answer = house.ask(path, host="app.files.test")
        assert (answer.status, answer.body, answer.get("Content-Type")) == (200, b"sub", "text/html; charset=utf-8")
    assert house.ask("/.git/config", host="app.files.test").status == 404


# -- what is not ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [
    "/missing", "/.secret", "/.git/config", "/%2egit/config", "/sub/../.git/config", "/..%2foutside.txt",
    "/%2e%2e/outside.txt", "/../outside.txt", "/beyond", "/absolute", "/sub/up/up/../../outside.txt", "/loop", "/fifo",
    "/index.html/", "/index.html/x", "//index.html", "/sub//index.html", "/a%00b", "/" + "a" * 300,
    "/" + "a/" * 3000, "/sub%5Cindex.html", "/outside.txt",
])
def test_nothing_else_is_shown(house, path):
    answer = house.ask(path)
    assert answer.status in (400, 404), path
    assert b"secret" not in answer.body and b"outside" not in answer.body and b"root:" not in answer.body


def test_links_that_stay_within_work(house):
    assert house.ask("/within").body == b"sub"
    assert house.ask("/sub/up/text.txt").body == b"0123456789" * 1000
    assert house.ask("/.well-known/security.txt").body == b"Contact: us"
    assert house.ask("/contact.txt").body == b"Contact: us"


def test_rules_on_fields_hold_for_files_too(make_door):
    door = make_door(start=False)
    write(door.path("www", "page.html"), b"<p>" * 2000)
    rules = ["set Content-Type text/plain", "remove ETag", "set Cache-Control no-store", "remove Vary", "set Content-Range x",
             "set Content-Encoding br", "default Last-Modified never", "add X-Door a"]
    door.change_config({"services": {"site": {
        "route": "site.test", "files": door.path("www") + " cache=*:1d", "compress": "gzip", "headers": rules}}})
    door.start()
    for encoding in ("identity", "gzip"):
        answer = door.ask("/page.html", host="site.test", fields={"Accept-Encoding": encoding})
        assert answer.status == 200 and answer.all("Content-Type") == ["text/plain"] and not answer.has("ETag")
        assert answer.all("Cache-Control") == ["no-store"] and answer.all("X-Door") == ["a"]
        assert answer.all("Vary") == ["Accept-Encoding"] and answer.get("Last-Modified") != "never"
        assert not answer.has("Content-Range")
        assert answer.all("Content-Encoding") == ([] if encoding == "identity" else ["gzip"])
    parts = door.ask("/page.html", host="site.test", fields={"Range": "bytes=0-1,5-6"})
    assert parts.status == 206 and parts.get("Content-Type").startswith("multipart/byteranges")
    one = door.ask("/page.html", host="site.test", fields={"Range": "bytes=0-1"})
    assert one.all("Content-Range") == ["bytes 0-1/6000"] and one.body == b"<p"


def test_a_link_shows_nothing_that_has_no_name_of_its_own(house):
    for path in ("/to_secret", "/sub/to_git/config", "/sub/to_git"):
        assert house.ask(path).status == 404, path
    answer = house.ask("/text.txt", fields={"Accept-Encoding": "br"})
    assert answer.body == b"0123456789" * 1000 and not answer.has("Content-Encoding")


def test_other_methods_are_told_what_may_be_asked(house):
    for method in ("POST", "PUT", "DELETE"):
        answer = house.ask("/index.html", method)
        assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD, OPTIONS")
    answer = house.ask("/index.html", "OPTIONS")
    assert (answer.status, answer.get("Allow"), answer.body) == (204, "GET, HEAD, OPTIONS", b"")


def test_a_body_is_not_mistaken_for_the_next_request(house):
    with house.client() as client:
        client.request("GET", "/index.html", body=b"GET /.secret HTTP/1.1\r\nHost: files.test\r\n\r\n")
        answer = client.response()
        assert (answer.status, answer.get("Connection")) == (200, "close")
        assert client.wait_closed() == b""


def test_a_file_that_may_not_be_read_is_forbidden(house):
    if os.geteuid() == 0:
        pytest.skip("root may read all")
    path = house.put("locked.txt", b"x")
    os.chmod(path, 0)
    assert house.ask("/locked.txt").status == 403


def test_a_folder_that_is_not_there_is_told_in_status_and_answered_with_500(house):
    assert house.ask("/", host="gone.files.test").status == 500
    problems = [each["text"] for each in house.door.status()["problems"]]
    assert any("nowhere: No such file or directory" in text for text in problems), problems


# -- ranges and conditions -----------------------------------------------------------------------------------------


@both
def test_a_range_is_a_part(house, tls):
    for wanted, first, last in [("0-0", 0, 1), ("100-199", 100, 200), ("-500", BIG - 500, BIG),
                                (f"{BIG - 100000}-", BIG - 100000, BIG), (f"10-{BIG * 2}", 10, BIG)]:
        answer = house.ask("/big.bin", fields={"Range": f"bytes={wanted}"}, tls=tls)
        assert answer.status == 206, wanted
        assert answer.body == house.data[first:last], wanted
        assert answer.get("Content-Range") == f"bytes {first}-{last - 1}/{BIG}"


@both
def test_several_ranges_come_as_parts(house, tls):
    spans = [(0, 10), (1000, 200000), (BIG - 5, BIG)]
    wanted = ",".join(f"{first}-{last - 1}" for first, last in spans)
    answer = house.ask("/big.bin", fields={"Range": f"bytes={wanted}"}, tls=tls)
    assert answer.status == 206
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", answer.get("Content-Type"))[1].encode()
    parts = answer.body.split(b"--" + boundary)
    assert parts[0] == b"" and parts[-1] == b"--\r\n" and len(parts) == 5
    for part, (first, last) in zip(parts[1:-1], spans):
        head, _, body = part.partition(b"\r\n\r\n")
        assert f"Content-Range: bytes {first}-{last - 1}/{BIG}".encode() in head
        assert body == house.data[first:last] + b"\r\n"


def test_a_range_beyond_the_end_is_not_satisfiable(house):
    with house.client() as client:
        answer = client.ask("GET", "/text.txt", fields={"Range": "bytes=10000-"})
        assert (answer.status, answer.get("Content-Range")) == (416, "bytes */10000")
        assert client.ask("GET", "/text.txt").status == 200, "the connection goes on"


def test_silly_ranges_get_the_whole(house):
    for value in ("bytes=0-,0-,0-,0-", "bytes=" + ",".join(f"{n}-{n}" for n in range(17)), "lines=1-2", "bytes=x"):
        assert house.ask("/text.txt", fields={"Range": value}).status == 200, value


def test_conditions_are_judged_in_their_order(house):
    first = house.ask("/text.txt")
    tag, time = first.get("ETag"), first.get("Last-Modified")
    asked = lambda **fields: house.ask("/text.txt", fields={k.replace("_", "-"): v for k, v in fields.items()})
    same = asked(If_None_Match=tag)
    assert (same.status, same.body, same.get("ETag"), same.has("Content-Length")) == (304, b"", tag, False)
    assert asked(If_None_Match=f'"x", W/{tag}').status == 304
    assert asked(If_Modified_Since=time).status == 304
    assert asked(If_None_Match='"x"', If_Modified_Since=time).status == 200
    assert asked(If_Match='"x"').status == 412
    assert asked(If_Match=tag, Range="bytes=0-4").body == b"01234"
    assert asked(If_Range=tag, Range="bytes=0-4").status == 206
    assert asked(If_Range='"x"', Range="bytes=0-4").status == 200


def test_curl_resumes_a_download(house, tmp_path):
    part = write(str(tmp_path / "part"), house.data[: BIG // 3])
    done = subprocess.run(
        ["curl", "-sS", "-f", "-C", "-", "-o", part, "--resolve", f"{HOST}:{house.door.http[1]}:{house.door.http[0]}",
         f"http://{HOST}:{house.door.http[1]}/big.bin"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    with open(part, "rb") as file:
        assert file.read() == house.data


def test_over_http_2_files_are_the_same(house, tmp_path):
    ca, out = house.authority.write(str(tmp_path)), str(tmp_path / "out")
    address, port = house.door.https
    for path, fields, wanted in [("/big.bin", [], house.data), ("/small.bin", [], house.data[:1000]),
                                 ("/big.bin", ["-r", f"5-{BIG - 9}"], house.data[5 : BIG - 8]),
                                 ("/page.js", ["-H", "Accept-Encoding: gzip"], gzip.compress(b"js" * 900, mtime=0))]:
        done = subprocess.run(
            ["curl", "-sS", "--http2", "--cacert", ca, "-o", out, "-w", "%{http_version} %{http_code}", *fields,
             "--resolve", f"{HOST}:{port}:{address}", f"https://{HOST}:{port}{path}"],
            capture_output=True, text=True, timeout=60)
        assert done.stdout in ("2 200", "2 206"), (path, done)
        with open(out, "rb") as file:
            assert file.read() == wanted, path


# -- precompressed -------------------------------------------------------------------------------------------------


def test_what_lies_compressed_beside_a_file_is_sent_to_who_takes_it(house):
    plain = house.ask("/page.js")
    assert (plain.body, plain.get("Content-Encoding"), plain.get("Vary")) == (b"js" * 900, None, "Accept-Encoding")
    coded = house.ask("/page.js", fields={"Accept-Encoding": "gzip, br;q=0.5"})
    assert (gzip.decompress(coded.body), coded.get("Content-Encoding")) == (b"js" * 900, "gzip")
    assert coded.get("Content-Type") == "text/javascript; charset=utf-8"
    assert house.ask("/page.js", fields={"Accept-Encoding": "gzip, br"}).get("Content-Encoding") == "br"
    assert len({plain.get("ETag"), coded.get("ETag")}) == 2
    again = house.ask("/page.js", fields={"Accept-Encoding": "gzip", "If-None-Match": coded.get("ETag")})
    assert again.status == 304
    assert house.door.logged(path="/page.js", encoding="gzip")


# -- what happens meanwhile ----------------------------------------------------------------------------------------


def test_a_file_that_is_replaced_while_it_is_sent_comes_as_it_was(house):
    old, new = os.urandom(8 << 20), b"new"
    house.put("swapped.bin", old)
    with house.client(receive_buffer=4096) as client:
        client.request("GET", "/swapped.bin")
        client.reader.fill()
        house.put("swapped.bin", new)
        assert client.response().body == old
        assert client.ask("GET", "/swapped.bin").body == new


@both
def test_a_file_that_becomes_shorter_breaks_off_so_that_it_shows(house, tls):
    path = house.put("cut.bin", bytes(64 << 20))
    with house.client(tls=tls, receive_buffer=4096) as client:
        client.request("GET", "/cut.bin")
        client.reader.fill()
        os.truncate(path, 1 << 20)
        with pytest.raises((wire.Closed, OSError)):
            client.response()
    assert house.door.logged(path="/cut.bin", termination="file_failed")
    os.unlink(path)


def test_a_release_is_switched_by_its_link(house):
    for name in ("one", "two"):
        write(house.door.path("releases", name, "v.txt"), name.encode())
    os.symlink("releases/one", house.door.path("current"))
    house.door.change_config({"services": {"linked": {
        "route": "link.test", "http": "serve", "files": house.door.path("current")}}})
    house.door.reload()
    assert house.ask("/v.txt", host="link.test").body == b"one"
    os.symlink("releases/two", house.door.path("next"))
    os.replace(house.door.path("next"), house.door.path("current"))
    wait_until(lambda: house.ask("/v.txt", host="link.test").body == b"two", "the next release")


def test_a_link_that_is_swapped_under_load_never_shows_what_is_outside(make_door):
    door = make_door(start=False)
    inside, outside = write(door.path("www", "in.txt"), b"inside"), write(door.path("secret.txt"), b"outside")
    folder = os.path.dirname(inside)
    os.symlink("in.txt", os.path.join(folder, "link"))
    os.mkdir(os.path.join(folder, "dir"))
    write(os.path.join(folder, "dir", "secret.txt"), b"inside")
    door.change_config({"services": {"files": {"route": "files.test", "files": folder}}})
    door.start()
    over = threading.Event()

    def swap():
        n = 0
        while not over.is_set():
            n += 1
            os.symlink("../secret.txt" if n % 2 else "in.txt", os.path.join(folder, "fresh"))
            os.replace(os.path.join(folder, "fresh"), os.path.join(folder, "link"))
            os.rename(os.path.join(folder, "dir"), os.path.join(folder, "away"))
            os.symlink("..", os.path.join(folder, "dir"))
            os.unlink(os.path.join(folder, "dir"))
            os.rename(os.path.join(folder, "away"), os.path.join(folder, "dir"))

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    seen = set()
    try:
        with door.client(host="files.test") as client:
            for n in range(1500):
                answer = client.ask("GET", "/link" if n % 2 else "/dir/secret.txt")
                seen.add((answer.status, answer.body if answer.status == 200 else b""))
    finally:
        over.set()
        thread.join()
    assert (200, b"inside") in seen
    assert {body for status, body in seen if status == 200} == {b"inside"}
    assert {status for status, _ in seen} <= {200, 404}


def test_what_is_not_in_memory_is_read_by_the_file_threads(house):
    path = house.put("cold.bin", house.data)
    before = house.door.metric("gatehouse_file_waits_total")

    def forgotten():
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
        assert house.ask("/cold.bin").body == house.data
        return house.door.metric("gatehouse_file_waits_total") > before

    if subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True).stdout.strip() == "tmpfs":
        assert house.ask("/cold.bin").body == house.data  # a file system without a disk forgets nothing
    else:
        wait_until(forgotten, "a file that had to be read from the disk")


@both
def test_a_slow_reader_holds_little_and_gets_all(house, tls):
    with house.client(tls=tls, receive_buffer=4096) as client:
        client.request("GET", "/big.bin")
        client.reader.fill()
        # Others are served while it dawdles.
        assert house.ask("/small.bin", tls=tls).body == house.data[:1000]
        assert client.response().body == house.data


def test_a_reader_that_stops_is_let_go(make_door):
    door = make_door(start=False)
    write(door.path("www", "big.bin"), bytes(32 << 20))
    door.change_config({
        "services": {"files": {"route": "files.test", "files": door.path("www"), "idle_timeout": "1s"}},
        "limits": {"body_rate": "off"}})
    door.start()
    with door.client(host="files.test", receive_buffer=4096) as client:
        client.request("GET", "/big.bin")
        client.reader.fill()
        assert door.logged(termination="client_not_reading", path="/big.bin", within=10.0)


def test_without_a_descriptor_a_file_is_answered_with_503(make_door):
    door = make_door(start=False, config={"workers": 1})
    write(door.path("www", "a.txt"), b"a")
    door.change_config({"services": {"files": {"route": "files.test", "files": door.path("www")}},
                        "limits": {"connections": 1000}})
    door.start()
    with door.client(host="files.test") as client:
        assert client.ask("GET", "/a.txt").status == 200
        subprocess.run(["prlimit", "--pid", str(door.pid), "--nofile=3:"], check=True)
        answers = {client.ask("GET", "/a.txt").status for _ in range(3)}
        assert answers <= {200, 503} and 503 in answers, answers
        subprocess.run(["prlimit", "--pid", str(door.pid), "--nofile=1024:"], check=True)
        wait_until(lambda: client.ask("GET", "/a.txt").status == 200, "served again")


def test_behind_a_password_each_gets_the_file_that_it_asked_for(make_door):
    door = make_door(start=False, config={"workers": 1, "auth": {"staff": {"file": "staff.htpasswd"}}})
    users = [f"user{n}" for n in range(8)]
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True)
    write(door.path("staff.htpasswd"), "".join(f"{user}:{hashed.stdout.strip()}\n" for user in users).encode())
    os.chmod(door.path("staff.htpasswd"), 0o600)
    for user in users:
        write(door.path("www", f"{user}.txt"), user.encode())
    door.change_config({"services": {"files": {
        "route": "files.test", "files": door.path("www"), "auth": "basic:staff", "headers": "set X-Frame-Options DENY"}}})
    door.start()
    assert door.ask("/user0.txt", host="files.test").status == 401
    got = {}

    def fetch(user):
        token = base64.b64encode(f"{user}:secret".encode()).decode()
        got[user] = door.ask(f"/{user}.txt", host="files.test", fields={"Authorization": f"Basic {token}"}, timeout=60)

    threads = [threading.Thread(target=fetch, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {user: answer.body for user, answer in got.items()} == {user: user.encode() for user in users}
    assert {answer.get("X-Frame-Options") for answer in got.values()} == {"DENY"}


def test_explain_status_and_metrics_tell_of_files(house):
    told = house.door.do("explain", "GET", f"http://{HOST}:{house.door.http[1]}/sub/")
    assert f"files       {house.folder}" in told and "file        sub/index.html" in told, told
    told = house.door.do("explain", "GET", f"http://{HOST}:{house.door.http[1]}/page.js", "-H", "Accept-Encoding: br")
    assert "file        page.js, from its .br" in told, told
    assert "404 Not Found, no_file" in house.door.do("explain", "GET", f"http://{HOST}:{house.door.http[1]}/.git/x")
    status = house.door.do("status")
    assert f"files in {house.folder}" in status and "no endpoints" not in status, status
    assert house.door.metric("gatehouse_file_answers_total") > 0
    house.ask("/missing-and-logged")
    line = house.door.logged(path="/missing-and-logged")
    assert (line["termination"], line["service"], line["endpoint"], line["attempts"]) == ("no_file", "files", "", 0)


@pytest.mark.ci
def test_a_folder_of_200_000_files_is_as_quick_as_any(make_door):
    door = make_door(start=False, config={"workers": 1})
    folder = door.path("many")
    os.makedirs(folder)
    for n in range(200_000):
        os.close(os.open(f"{folder}/{n}.txt", os.O_CREAT | os.O_WRONLY))
    write(f"{folder}/100000.txt", b"found")
    door.change_config({"services": {"files": {"route": "files.test", "files": folder}}})
    door.start()
    before = door.rss()
    with door.client(host="files.test") as client:
        assert client.ask("GET", "/100000.txt").body == b"found"
        for n in range(0, 200_000, 199):
            assert client.ask("GET", f"/{n}.txt").status == 200
    assert door.rss() - before < 16 << 20, "what was served is not kept"
