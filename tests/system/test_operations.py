"""Running it: reload, signals, the end, the metrics address, privileges."""
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from support import websocket, wire
from support.addresses import METRICS
from support.backend import Gate
from support.catalog import instance
from support.client import Client, ask
from support.process import status_line
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def house(make_door, make_backend):
    door = make_door(start=False)
    door.one = make_backend("one")
    door.catalog.put("one", instance("one", door.one, "route=one.test"))
    return door.start()


# -- reload ---------------------------------------------------------------------------------------------------------


def read_text(path):
    with open(path) as file:
        return file.read()


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


def test_sighup_reloads(house):
    deny_all(house)
    house.signal(signal.SIGHUP)
    wait_until(lambda: house.ask(host="one.test").status == 403, "the new file")


BAD = {
    "an unknown key": ({"limits": {"header_tine": "5s"}}, ["header_tine", "header_time"]),
    "a wrong value": ({"limits": {"header_time": "soon"}}, ["limits.header_time", "soon"]),
    "no unit": ({"limits": {"header_time": 5}}, ["limits.header_time", "unit"]),
    "a section of later": ({"guard": {"ignoreip": []}}, ["guard", "unknown", "planned"]),
    "a site that shall be off": ({"services": {"one": {"maintenance": True}}}, ["services.one.maintenance", "not carried"]),
}


@pytest.mark.parametrize("change, words", BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_whole(house, change, words):
    house.change_config({**change, "hosts": {"one.test": {"deny": ["127.0.0.0/8"]}}})
    done = house.command("reload")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "gatehouse.yaml:" in said
    assert all(word in said for word in words), said
    assert house.ask(host="one.test").status == 200, "nothing of it was applied"


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

    def work():
        with Client(house.http, host="one.test") as client:
            while not end.is_set():
                try:
                    if client.ask().status != 200:
                        failures.append("status")
                except (OSError, wire.Closed) as error:
                    failures.append(repr(error))
                    return

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


# -- the end --------------------------------------------------------------------------------------------------------


def test_sigterm_lets_a_request_finish_and_takes_no_more(house):
    gate = Gate()

    def wait(exchange):
        gate.wait()
        exchange.answer(body="finished")

    house.one.handler = wait
    with Client(house.http, host="one.test") as client, Client(house.http, host="one.test") as idle:
        house.one.handler = lambda exchange: exchange.answer()
        idle.ask()
        house.one.handler = wait
        client.request()
        gate.wait_reached()
        house.signal(signal.SIGTERM)
        wait_until(lambda: house.probe("/readyz") != 200, "readiness fails")
        idle.wait_closed()

        def refuses():
            try:
                socket.create_connection(house.http, timeout=1).close()
            except ConnectionRefusedError:
                return True
            return False

        wait_until(refuses, "the listener is closed")
        gate.open()
        answer = client.response()
        assert answer.text == "finished" and answer.get("Connection") == "close"
    assert house.process.wait(10) == 0


def test_sigterm_ends_in_bounded_time_though_a_request_never_does(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"shutdown_time": "1s"}})
    stuck = make_backend("stuck", handler=lambda exchange: exchange.read())
    door.catalog.put("stuck", instance("stuck", stuck, "route=stuck.test"))
    door.start()
    with Client(door.http, host="stuck.test") as client:
        client.request()
        stuck.wait_for_requests(1)
        door.signal(signal.SIGTERM)
        client.wait_closed(within=8)
    assert door.process.wait(10) == 0


def test_listeners_stay_open_for_the_delay_while_readiness_fails(make_door, make_backend):
    door = make_door(start=False, config={"limits": {"shutdown_delay": "1h"}})
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test"))
    door.start()
    door.signal(signal.SIGTERM)
    wait_until(lambda: door.probe("/readyz") == 503, "readiness fails")
    for _ in range(10):
        assert door.ask(host="one.test").status == 200, "who did not notice yet is served"
    done = door.command("reload")
    assert done.returncode == 1 and "stopping" in done.stdout + done.stderr
    door.signal(signal.SIGTERM)
    assert door.process.wait(10) == 0, "a second one ends at once"


def test_who_stands_in_the_queue_at_sigterm_is_served(house):
    for _ in range(20):
        house.signal(signal.SIGSTOP)
        with Client(house.http, host="one.test") as client:
            client.request()
            house.signal(signal.SIGTERM)
            house.signal(signal.SIGCONT)
            assert client.response().status == 200
        assert house.process.wait(10) == 0
        house.start()


def test_without_clients_sigterm_ends_at_once(house):
    house.signal(signal.SIGTERM)
    assert house.process.wait(3) == 0


def test_after_a_crash_it_serves_again_at_once(house):
    house.ask(host="one.test")
    house.kill()
    house.start()
    assert house.ask(host="one.test").status == 200
    assert house.status()["ready"]


def test_a_port_in_use_is_told_and_ends_the_start(make_door):
    door = make_door(start=False)
    with socket.create_server(door.http):
        door.spawn()
        assert door.process.wait(10) == 1
        door.exit_code_expected = 1
    assert f"{door.address}:22080" in door.output()


def test_a_second_door_on_the_same_socket_does_not_take_it_over(house, make_door):
    other = make_door(start=False, config={"admin": {"socket": os.path.join(house.run_folder, "admin.sock")}})
    other.spawn()
    assert other.process.wait(10) == 1
    other.exit_code_expected = 1
    assert house.status()["ready"]


def test_bad_files_end_the_start_with_all_their_errors(make_door):
    door = make_door(start=False, config={"limits": {"header_tine": "5s", "fields": "lots"}, "workers": "many"})
    door.spawn()
    assert door.process.wait(10) == 1
    door.exit_code_expected = 1
    assert all(word in door.output() for word in ("header_tine", "lots", "many"))


# -- the logs --------------------------------------------------------------------------------------------------------


def test_sigusr1_reopens_the_log(house):
    house.ask("/before", host="one.test")
    house.logged(path="/before")
    os.rename(house.access_log, house.access_log + ".1")
    house.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(house.access_log), "the new file")
    house.ask("/after", host="one.test")
    house.logged(path="/after")
    with open(house.access_log + ".1") as file:
        assert "/after" not in file.read()


def test_a_full_disk_stops_the_log_and_not_the_service(make_door, make_backend):
    door = make_door(start=False, config={"logs": {"access": {"to": "/dev/full"}}})
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test"))
    door.start()
    with Client(door.http, host="one.test") as client:
        assert all(client.ask().status == 200 for _ in range(200))


def test_a_log_that_nobody_reads_loses_lines_and_delays_nobody(make_door, make_backend, tmp_path):
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        door = make_door(start=False, config={"workers": 1, "logs": {"access": {"to": pipe}}})
        door.catalog.put("one", instance("one", make_backend("one"), "route=one.test"))
        door.start()
        with Client(door.http, host="one.test") as client:
            for _ in range(40):
                assert all(client.ask("GET", "/" + "x" * 3000).status == 200 for _ in range(20))
                if door.metric("gatehouse_access_log_lines_dropped_total"):
                    break
        assert door.metric("gatehouse_access_log_lines_dropped_total") > 0
        door.signal(signal.SIGUSR1)
        assert door.ask(host="one.test").status == 200
        door.stop()
    finally:
        os.close(reader)


def test_events_are_told_in_a_file_that_sigusr1_opens_anew(make_door, make_backend):
    door = make_door(start=False)
    events = door.path("events.log")
    door.change_config({"logs": {"events": {"to": events}}})
    one = make_backend("one")
    door.catalog.put("one", instance("one", one, "route=one.test"))
    door.start()
    assert " info started, gatehouse " in read_text(events)
    door.catalog.put("two", instance("two", one, "route=two.test"))
    wait_until(lambda: "service two" in read_text(events), "a change of the catalog is told")
    os.rename(events, events + ".1")
    door.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(events), "the new file")
    door.catalog.write("broken.json", "{")
    wait_until(lambda: " warning " in read_text(events) and "broken.json" in read_text(events), "a problem is told")
    door.change_config({"limits": {"header_time": "7s"}})
    door.reload()
    assert "header_time" in read_text(events) and "by=" in read_text(events)
    door.change_config({"logs": {"events": {"level": "error"}}})
    door.reload()
    assert "info -> error" not in read_text(events), "the level holds from the reload on"


def test_events_that_cannot_be_written_refuse_the_reload(house):
    house.change_config({"logs": {"events": {"to": "/dev/null/events"}}, "hosts": {"one.test": {"deny": ["0.0.0.0/0"]}}})
    done = house.command("reload")
    assert done.returncode == 1 and "logs.events.to" in done.stdout + done.stderr
    assert house.ask(host="one.test").status == 200


# -- the metrics address --------------------------------------------------------------------------------------------


def metrics_ask(house, target, method="GET", host=None, **more):
    return ask(house.metrics_address, method, target, host=host or f"{house.address}:{METRICS}", **more)


def test_health_readiness_and_metrics_are_read_there(house):
    house.ask(host="one.test")
    assert metrics_ask(house, "/healthz").status == 200
    assert metrics_ask(house, "/readyz").status == 200
    page = metrics_ask(house, "/metrics")
    assert page.status == 200 and page.get("Content-Type").startswith("text/plain")
    assert 'service="one"' in page.text


def test_metrics_are_well_formed(house):
    house.ask(host="one.test")
    for line in metrics_ask(house, "/metrics").text.splitlines():
        sample = re.fullmatch(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z_]+="(\\.|[^"\\])*",?)*\})? [-+0-9.eEInfNa]+', line)
        assert line.startswith("#") or not line or sample, line


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed_there(house, method):
    for target in ("/reload", "/drain", "/metrics"):
        assert metrics_ask(house, target, method, body=b"").status in (400, 403, 404, 405)


def test_a_foreign_host_is_refused_there(house):
    assert metrics_ask(house, "/metrics", host="evil.test").status in (400, 403, 421)


def test_only_those_allowed_may_read_there(make_door):
    door = make_door(start=False, config={"metrics": {"allow": ["127.0.0.5/32"]}})
    door.spawn()

    def status_from(source):
        try:
            return metrics_ask(door, "/healthz", source=source, timeout=2).status
        except (OSError, wire.Closed):
            return 0

    wait_until(lambda: status_from("127.0.0.5") == 200, "the allowed one is answered")
    assert status_from("127.0.0.6") in (0, 403)


def test_nothing_of_it_is_seen_at_the_front(house):
    for target in ("/metrics", "/healthz", "/readyz"):
        assert house.ask(target, host=f"{house.address}:22080").status == 404


# -- privileges -----------------------------------------------------------------------------------------------------


@pytest.mark.root
def test_started_as_root_it_binds_and_then_is_its_user(make_door, make_backend):
    door = make_door(start=False, config={"node": {"user": "nobody"}})
    low = {"name": "low", "address": f"{door.address}:80"}
    door.change_config({"listen": [low], "logs": {"access": {"to": "off"}}})
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test"))
    subprocess.run(["chmod", "-R", "a+rX", door.folder], check=True)
    for folder in (door.path("state"), door.run_folder):
        subprocess.run(["chown", "nobody", folder], check=True)
    parent = os.path.dirname(door.folder)
    while parent != "/tmp" and parent != "/":
        os.chmod(parent, 0o755)
        parent = os.path.dirname(parent)
    door.start()
    assert ask((door.address, 80), host="one.test").status == 200
    assert status_line(door.pid, "Uid") != 0
    door.reload()
    assert ask((door.address, 80), host="one.test").status == 200


@pytest.mark.root
def test_a_command_of_a_stranger_is_refused(house):
    os.chmod(house.run_folder, 0o755)
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
         *house.command_line("drain", "one")],
        capture_output=True, text=True, env=house.environment(), timeout=20,
    )
    assert done.returncode == 1
    assert house.ask(host="one.test").status == 200
