"""Running it: signals, the end, the logs, the metrics address, privileges."""
import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support import wire
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


def test_uploads_that_are_cut_at_the_end_do_no_harm(make_door, make_backend):
    """Their clients' bytes come faster than the backend takes them: that is where a cut meets most of what is held."""
    door = make_door(start=False, config={"limits": {"shutdown_time": "1s", "body_rate": "off"}})
    gate = Gate()
    slow = make_backend("slow", handler=lambda exchange: gate.wait(60), head_only=True)
    door.catalog.put("slow", instance("slow", slow, "route=slow.test"))
    door.start()
    clients = [Client(door.http, host="slow.test") for _ in range(8)]
    for n, client in enumerate(clients):
        framing = "Transfer-Encoding: chunked" if n % 2 else "Content-Length: 1000000000"
        client.send(f"POST / HTTP/1.1\r\nHost: slow.test\r\n{framing}\r\n\r\n")
        client.sock.setblocking(False)
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n" if n % 2 else b"x" * 65536
        fill(client.sock, chunk)
    slow.wait_for_requests(len(clients))
    door.signal(signal.SIGTERM)
    assert door.process.wait(10) == 0
    gate.open()
    for client in clients:
        client.close()


def fill(sock, chunk):
    """Sends until nobody takes any more; a chunk that was cut is ended later or never."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(chunk)


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


def test_a_start_tells_what_is_wrong_and_what_is_served(house):
    house.stop()
    house.change_config({"logs": {"events": {"to": "off"}}})
    with open(house.catalog.path("broken.json"), "w") as file:
        file.write("{ ")
    with open(os.path.join(house.certificates, "lonely.crt"), "w") as file:
        file.write("nothing")
    house.start()
    said = Path(house.stderr).read_text()
    assert "broken.json:" in said and "lonely.key:" in said, said
    last = said.splitlines()[-1]
    assert f"serves http {house.address}:22080, metrics {house.address}:22901; 1 service, 1 endpoint, " in last, said


def test_a_second_door_on_the_same_state_folder_is_refused(house, make_door):
    second = make_door(start=False, config={"node": {"state": house.path("state")}})
    second.exit_code_expected = 1
    second.spawn()
    assert second.process.wait(10) == 1
    said = second.output()
    assert f"node.state: {house.path('state')}: another gatehouse uses it" in said, said
    house.kill()
    second.exit_code_expected = 0
    second.start()


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


def test_a_stdout_that_nobody_reads_holds_up_no_reload_no_probe_and_no_stop(make_door, make_backend):
    door = make_door(start=False, config={"workers": 1, "logs": {"access": {"to": "stdout"}}})
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test"))
    reader, writer = os.pipe()
    try:
        door.start(stdout=writer)
        with Client(door.http, host="one.test") as client:
            while not door.metric("gatehouse_access_log_lines_dropped_total"):
                assert all(client.ask("GET", "/" + "x" * 3000).status == 200 for _ in range(20))
        for n in range(3):
            door.change_config({"limits": {"header_time": f"{n + 5}s"}})
            door.reload()
        door.signal(signal.SIGHUP)
        assert door.probe("/readyz") == 200
        door.stop()
    finally:
        os.close(reader)
        os.close(writer)


def test_a_reload_by_signal_tells_its_findings_in_the_events_log(make_door):
    door = make_door(start=False)
    events = door.path("events.log")
    door.change_config({"logs": {"events": {"to": events}}})
    door.start()
    door.change_config({"limits": {"header_tine": "5s"}, "loggs": {}})
    door.signal(signal.SIGHUP)
    wait_until(lambda: "header_tine" in Path(events).read_text() and "loggs" in Path(events).read_text(), "both findings are told")


def test_events_are_told_in_a_file_that_sigusr1_opens_anew(make_door, make_backend):
    door = make_door(start=False)
    events = door.path("events.log")
    door.change_config({"logs": {"events": {"to": events}}})
    one = make_backend("one")
    door.catalog.put("one", instance("one", one, "route=one.test"))
    door.start()
    wait_until(lambda: " info started, gatehouse " in Path(events).read_text(), "the start is told")
    door.catalog.put("two", instance("two", one, "route=two.test"))
    wait_until(lambda: "service two" in Path(events).read_text(), "a change of the catalog is told")
    os.rename(events, events + ".1")
    door.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(events), "the new file")
    door.catalog.write("broken.json", "{")
    wait_until(lambda: " warning " in Path(events).read_text() and "broken.json" in Path(events).read_text(), "a problem is told")
    Path(door.catalog.folder, "readme.txt").touch()
    wait_until(lambda: "readme.txt: passed over" in Path(events).read_text(), "a warning, without its level a second time")
    assert "warning:" not in Path(events).read_text()
    door.change_config({"limits": {"header_time": "7s"}})
    door.reload()
    wait_until(lambda: "header_time" in Path(events).read_text() and "by=" in Path(events).read_text(), "the reload is told")
    door.change_config({"logs": {"events": {"level": "error"}}})
    door.reload()
    assert "info -> error" not in Path(events).read_text(), "the level holds from the reload on"


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


def test_strangers_take_no_room_from_those_allowed_there(make_door):
    door = make_door(start=False, config={"metrics": {"allow": ["127.0.0.5/32", "127.0.0.6/32"]}})
    door.prober = "127.0.0.5"
    door.start()
    silent = []
    for source in ["127.0.0.7"] * 70 + ["127.0.0.6"] * 70:
        silent.append(socket.create_connection(door.metrics_address, source_address=(source, 0)))
    assert door.probe("/readyz") == 200
    for one in silent:
        one.close()


def test_nothing_of_it_is_seen_at_the_front(house):
    for target in ("/metrics", "/healthz", "/readyz"):
        assert house.ask(target, host=f"{house.address}:22080").status == 404


# -- privileges -----------------------------------------------------------------------------------------------------


def open_to_all(door):
    """So that another user may read its files."""
    subprocess.run(["chmod", "-R", "a+rX", door.folder], check=True)
    parent = os.path.dirname(door.folder)
    while parent != "/tmp" and parent != "/":
        os.chmod(parent, 0o755)
        parent = os.path.dirname(parent)


@pytest.mark.root
def test_started_as_root_it_binds_and_then_is_its_user(make_door, make_backend):
    door = make_door(start=False, config={"node": {"user": "nobody"}})
    low = {"name": "low", "address": f"{door.address}:80"}
    door.change_config({"listen": [low], "logs": {"access": {"to": "off"}}})
    door.catalog.put("one", instance("one", make_backend("one"), "route=one.test"))
    open_to_all(door)
    for folder in (door.path("state"), door.run_folder):
        subprocess.run(["chown", "nobody", folder], check=True)
    door.start()
    assert ask((door.address, 80), host="one.test").status == 200
    assert status_line(door.pid, "Uid") != 0
    door.reload()
    assert ask((door.address, 80), host="one.test").status == 200


@pytest.mark.root
def test_a_configuration_that_its_user_cannot_read_ends_the_start(make_door):
    door = make_door(start=False, config={"node": {"user": "nobody"}})
    door.change_config({"logs": {"access": {"to": "off"}}})
    open_to_all(door)
    for folder in (door.path("state"), door.run_folder):
        subprocess.run(["chown", "nobody", folder], check=True)
    os.chmod(door.file, 0o600)
    done = door.command("run", "-c", door.file)
    assert done.returncode == 1 and "nobody must be able to read it for a reload" in done.stderr


@pytest.mark.root
def test_folders_that_root_will_make_are_no_error(make_door):
    folders = {"state": os.path.join("made", "state"), "socket": os.path.join("made", "run", "admin.sock")}
    door = make_door(start=False, config={"node": {"user": "nobody", "state": folders["state"]}})
    door.change_config({"admin": {"socket": folders["socket"]}, "logs": {"access": {"to": "off"}}})
    open_to_all(door)
    assert door.check().returncode == 0, door.check().stderr
    door.start()
    assert os.stat(door.path(folders["state"])).st_uid == status_line(door.pid, "Uid")
    os.chown(door.path(folders["state"]), 0, 0)
    assert "node.state" in door.check().stderr, "one that is there must be writable"


def has_user(name):
    return name in (entry.pw_name for entry in pwd.getpwall())


@pytest.mark.root
@pytest.mark.skipif(has_user("gatehouse"), reason="there is a user gatehouse: it would become that one")
def test_root_who_would_serve_is_warned_of(make_door):
    door = make_door(config={"node": {"user": None}})
    assert "node.user: it serves as root" in door.output() and "useradd --system" in door.output()
    assert "node.user: it serves as root" in door.check().stderr
    assert door.check().returncode == 0
    door.change_config({"node": {"user": "root"}})
    assert "serves as root" not in door.check().stderr


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
