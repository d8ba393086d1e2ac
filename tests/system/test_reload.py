"""Reload: what is asked for, what is refused, and that nobody loses by it."""
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from support import websocket, wire
from support.backend import Gate
from support.catalog import instance
from support.client import Client, ask
from support.door import BINARY
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def house(make_door, make_backend):
    door = make_door(start=False)
    door.one = make_backend("one")
    door.catalog.put("one", instance("one", door.one, "route=one.test"))
    return door.start()


def deny_all(house):
    """A change that every request can see."""
    house.change_config({"hosts": {"one.test": {"deny": ["127.0.0.0/8"]}}})


def test_the_file_is_applied_when_asked_and_not_before(house):
    deny_all(house)
    wait_until(lambda: house.status()["file_differs"], "status tells that the file differs")
    assert house.ask(host="one.test").status == 200
    house.reload()
    assert house.ask(host="one.test").status == 403
    assert not house.status()["file_differs"]


def test_who_is_kept_out_is_told_by_which_line(house):
    house.write_text("hosts:\n  one.test:\n    deny: 203.0.113.0/24\n" + Path(house.file).read_text())
    house.reload()
    said = house.do("explain", "GET", "http://one.test/", "--from", "203.0.113.9")
    assert "403 Forbidden" in said and "gatehouse.yaml:3 hosts.one.test.deny" in said, said


def test_sighup_reloads(house):
    deny_all(house)
    house.signal(signal.SIGHUP)
    wait_until(lambda: house.ask(host="one.test").status == 403, "the new file")


EARLY = """
import os, signal, sys
early = {signal.SIGHUP, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, early)
for number in early:
    os.kill(os.getpid(), number)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_signals_that_come_before_it_serves_are_heard_when_it_does(make_door):
    door = make_door(start=False)
    door.start(sys.executable, "-c", EARLY)
    wait_until(lambda: "by=SIGHUP" in door.output(), "the reload")
    door.reload()


BAD = {
    "an unknown key": ({"limits": {"header_tine": "5s"}}, ["header_tine", "header_time"]),
    "a wrong value": ({"limits": {"header_time": "soon"}}, ["limits.header_time", "soon"]),
    "no unit": ({"limits": {"header_time": 5}}, ["limits.header_time", "unit"]),
    "a section of later": ({"cluster": {"name": "fd"}}, ["cluster", "unknown", "planned"]),
}


@pytest.mark.parametrize("change, words", BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_whole(house, change, words):
    house.change_config({**change, "hosts": {"one.test": {"deny": ["127.0.0.0/8"]}}})
    done = house.command("reload")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "gatehouse.yaml:" in said
    assert all(word in said for word in words), said
    assert house.ask(host="one.test").status == 200, "nothing of it was applied"


@pytest.mark.parametrize(
    "broken", ["limits: { header_tine: 5s }\n", "hosts: {\n", "listen: [\n"], ids=["key", "syntax", "syntax again"]
)
@pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
def test_a_broken_file_still_tells_the_way_to_the_door(house, broken, above):
    bare = {key: value for key, value in house.environment().items() if key != "RUNTIME_DIRECTORY"}
    admin = f"admin:\n  # where we ask\n\n  socket: {os.path.join(house.run_folder, 'admin.sock')}\n"
    house.write_text(broken + admin if above else admin + broken)

    def ask_by_file(*verb):
        return subprocess.run([BINARY, *verb, "-c", house.file], capture_output=True, text=True, env=bare)

    for verb in (["status"], ["ready"], ["history"], ["explain", "GET", "http://one.test/"], ["drain", "one"]):
        done = ask_by_file(*verb)
        assert done.returncode == 0, done
    done = ask_by_file("reload")
    assert done.returncode == 1 and "gatehouse.yaml:" in done.stderr, done
    assert "refused: what runs stays as it was" in done.stderr


def test_a_reload_tells_what_it_makes_of_the_catalog_errors_first_and_as_check_does(house):
    house.change_config({
        "catalog": {"permit": {"hosts": ["other.test"]}},
        "services": {"*": {"pages": "503:missing.html"}, "two": {"timeout": "5s"}},
    })
    check = house.check()
    assert check.returncode == 1
    done = house.command("reload")
    assert done.returncode == 0 and "reloaded" in done.stdout
    said = done.stderr.splitlines()
    assert any("catalog.permit.hosts" in line for line in said), said
    assert any("gatehouse.yaml:" in line and "missing.html" in line and "left out" in line for line in said), said
    assert set(said) <= set(check.stderr.splitlines()), "the words of check"
    weak = [": warning: " in line or ": note: " in line for line in said]
    assert any(weak) and weak == sorted(weak), said
    assert "missing.html" not in house.command("reload").stderr, "what is known is not told again"


def test_what_keeps_it_from_starting_is_told_by_its_key(make_door):
    door = make_door(start=False)
    with socket.create_server((door.address, 22097)):
        door.change_config({"metrics": {"address": f"{door.address}:22097"}})
        done = door.command("run", "-c", door.path("gatehouse.yaml"))
    assert done.returncode == 1
    assert re.search(r"gatehouse.yaml:\d+:\d+: metrics.address: .*22097", done.stderr), done.stderr


def test_of_a_bad_file_no_changes_are_told(house):
    house.write_text("limits: { header_time: soon }\n")
    done = house.command("reload")
    assert done.returncode == 1
    assert "->" not in done.stdout + done.stderr


def test_a_refused_reload_is_remembered_with_its_first_error(house):
    house.write_text("trusted_proxies: ['0.0.0.0/0']\nlimits: { header_time: soon, fields: lots }\n")
    assert house.command("reload").returncode == 1
    said = house.do("history")
    assert "reload refused: " in said and "limits.header_time: soon" in said and "and 1 more error" in said, said


def test_a_node_that_is_renamed_renames_its_endpoints(house):
    house.change_config({"node": {"name": "renamed", "datacenter": "dc7"}})
    house.reload()
    names = [endpoint["name"] for service in house.status()["services"] for endpoint in service["endpoints"]]
    assert names and all(name.startswith("renamed/") for name in names), names
    assert house.ask(host="one.test").status == 200


def test_a_bad_file_by_sighup_changes_nothing(house):
    house.write_text("listen: [\n")
    house.signal(signal.SIGHUP)
    wait_until(lambda: "refused" in house.output(), "it is told")
    assert house.ask(host="one.test").status == 200


def test_a_listener_that_cannot_be_bound_refuses_the_reload(house):
    with socket.create_server((house.address, 22099)):
        taken = {"name": "taken", "address": f"{house.address}:22099"}
        house.change_config({"listen": house.config["listen"] + [taken]})
        done = house.command("reload")
        assert done.returncode == 1 and "22099" in done.stdout + done.stderr
    assert house.ask(host="one.test").status == 200


def test_listeners_come_and_go_by_reload(house):
    more = {"name": "more", "address": f"{house.address}:22098"}
    first = house.config["listen"]
    house.change_config({"listen": first + [more]})
    house.reload()
    wait_until(lambda: ask((house.address, 22098), host="one.test").status == 200, "the new listener")
    house.change_config({"listen": first})
    house.reload()

    def gone():
        try:
            socket.create_connection((house.address, 22098), timeout=1).close()
        except ConnectionRefusedError:
            return True
        return False

    wait_until(gone, "the old listener is closed")
    assert house.ask(host="one.test").status == 200


def test_no_connection_is_dropped_by_reload(house):
    gate = Gate()

    def answer(exchange):
        if exchange.request.target == "/chat":
            websocket.accept_and_echo(exchange)
        elif exchange.request.target == "/long":
            exchange.send(wire.message("HTTP/1.1 200 OK", {"Content-Length": "10"}) + b"begun")
            gate.wait()
            exchange.send(b" done")
        else:
            exchange.answer(body="idle")

    house.one.handler = answer
    idle, long, chat = (Client(house.http, host="one.test") for _ in range(3))
    assert idle.ask().text == "idle"
    long.request("GET", "/long")
    gate.wait_reached()
    chat.send(websocket.handshake("one.test"))
    assert chat.response().status == 101
    for n in range(5):
        house.change_config({"limits": {"header_time": f"{n + 5}s"}})
        house.reload()
    assert idle.ask().text == "idle"
    chat.send(b"still")
    assert chat.reader.take(5) == b"still"
    gate.open()
    assert long.response().body == b"begun done"
    for client in (idle, long, chat):
        client.close()


def test_reloads_under_load_fail_no_request(house):
    failures, end = [], threading.Event()

    def ask_until_it_closes():
        with Client(house.http, host="one.test") as client:
            closes = False  # told, after so many requests (keep_alive_requests)
            while not end.is_set() and not closes:
                answer = client.ask()
                closes = answer.get("Connection") == "close"
                if answer.status != 200:
                    failures.append(answer.status)

    def work():
        while not end.is_set() and not failures:
            try:
                ask_until_it_closes()
            except (OSError, wire.Closed) as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(20):
        house.change_config({"limits": {"header_time": f"{n + 5}s"}})
        house.reload()
    end.set()
    for thread in threads:
        thread.join(5)
    assert failures == []
