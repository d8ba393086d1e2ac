"""The commands an operator types: check, explain, status, history, ready, drain, logs."""
import json
import os
import subprocess

import pytest

from support.backend import refused_port
from support.catalog import http_check, instance
from support.door import BINARY, endpoints
from support.wait import patient, wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def house(make_door, make_backend):
    """A door with a service of two instances."""
    door = make_door(start=False)
    door.backends = {name: make_backend(name) for name in "ab"}
    tags = ("route=one.test", "balance=round_robin")
    door.catalog.put("one", *(instance("one", backend, *tags, id=name) for name, backend in door.backends.items()))
    return door.start()


def used(house, count=20):
    return {house.ask(host="one.test").get("X-Backend") for _ in range(count)}


# -- usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["status", "--frobnicate"], ["explain"], ["drain"], ["catalog"]])
def test_what_is_not_a_command_is_a_usage_error(door_class, arguments):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=patient(10))
    assert done.returncode == 2 and done.stdout + done.stderr


def test_help_names_every_command(door_class):
    text = subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=patient(10)).stdout
    verbs = "run check explain status history reload ready drain undrain logs catalog demo-backend"
    assert all(verb in text for verb in verbs.split())


@pytest.mark.parametrize(
    "verb", [["status"], ["ready"], ["reload"], ["history"], ["drain", "one"], ["explain", "GET", "http://one.test/"]]
)
def test_a_command_without_a_running_door_says_so(make_door, verb):
    door = make_door(start=False)
    done = door.command(*verb)
    assert done.returncode == 1 and "admin.sock" in done.stdout + done.stderr


def test_the_door_is_found_by_its_file_or_its_socket(house):
    bare = {key: value for key, value in house.environment().items() if key != "RUNTIME_DIRECTORY"}
    house.change_config({"admin": {"socket": os.path.join(house.run_folder, "admin.sock")}})
    for where in (["-c", house.file], ["--socket", os.path.join(house.run_folder, "admin.sock")]):
        done = subprocess.run([BINARY, "ready", *where], capture_output=True, env=bare, timeout=patient(10))
        assert done.returncode == 0, done


# -- check ----------------------------------------------------------------------------------------------------------


def test_a_good_file_is_good(house):
    assert house.check().returncode == 0


def test_all_errors_of_a_file_are_shown_at_once_with_their_places(make_door):
    door = make_door(start=False)
    door.write_text(
        "node:\n"
        "  name: one\n"
        "limits:\n"
        "  header_tine: 5s\n"
        "  fields: lots\n"
        "listen:\n"
        '  - { name: a, address: "127.0.0.1:99999" }\n'
        "frobnicate: true\n"
    )
    done = door.check()
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "gatehouse.yaml:4:3: limits.header_tine: unknown key; did you mean header_time?" in said
    assert "gatehouse.yaml:5:" in said and "limits.fields" in said
    assert "gatehouse.yaml:7:" in said and "listen[0].address" in said
    assert "gatehouse.yaml:8:1: frobnicate: unknown key" in said


@pytest.mark.parametrize("section", ["cluster"])
def test_sections_of_later_are_unknown(make_door, section):
    door = make_door(start=False)
    door.write_text(f"{section}: {{}}\n")
    done = door.check()
    assert done.returncode == 1 and "unknown key" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "text", ["listen: [", "a: b: c", "\t- x", "- 1", "&a [*a]", "x: !!binary aGk=", "\x00", "a: " + "[" * 10000]
)
def test_what_is_no_yaml_of_ours_is_refused_with_a_place(make_door, text):
    door = make_door(start=False)
    door.write_text(text)
    done = door.check()
    assert done.returncode == 1 and "gatehouse.yaml" in done.stdout + done.stderr


def test_a_catalog_is_told_tag_by_tag(make_door):
    door = make_door(start=False)
    one = {"id": "one-1", "name": "one", "address": "10.0.0.1", "port": 80, "tags": ["urlprefix-one.test/ strip=/x"]}
    with open(door.catalog.path("one.json"), "w") as file:
        json.dump({"service": one}, file)
    done = door.command("catalog", "lint", "-c", door.file)
    assert done.returncode == 0 and "exact        urlprefix-one.test/ strip=/x" in done.stdout
    assert "gatehouse.route=one.test/ strip=/x" in done.stdout
    assert "tags in fabio's spelling are not read: add it to catalog.spellings" in done.stdout
    one["tags"].append("traefik.http.routers.r.rule=Host(`one.test`) && Query(`a`, `b`, `c`)")
    with open(door.catalog.path("one.json"), "w") as file:
        json.dump({"service": one}, file)
    done = door.command("catalog", "lint", door.path("services"))
    assert done.returncode == 1 and "query with 3 values: left out" in done.stdout
    assert door.command("catalog", "lint", door.path("nowhere")).returncode == 1


def test_a_missing_file_is_told(make_door):
    done = make_door(start=False).command("check", "-c", "nowhere.yaml")
    assert done.returncode == 1 and "nowhere.yaml" in done.stdout + done.stderr


def test_what_is_printed_is_a_file_that_means_the_same(house):
    for option in ("--print", "--defaults"):
        printed = house.check(option)
        assert printed.returncode == 0
        house.write_text(printed.stdout)
        assert house.check().returncode == 0
        assert "->" not in house.check("--diff").stdout


def test_the_difference_to_what_runs_is_shown_key_by_key(house):
    house.change_config({"limits": {"header_time": "3s"}})
    told = house.check("--diff").stdout
    assert "limits.header_time: 10s -> 3s" in told and "refused" not in told
    house.change_config({"workers": 7})
    assert house.check("--diff").stdout.endswith("a reload would be refused: takes a restart\n")
    assert "takes a restart" in house.command("reload").stderr


def test_without_a_door_to_compare_with_the_file_is_judged_all_the_same(make_door):
    door = make_door(start=False)
    good = door.check("--diff")
    assert good.returncode == 1 and ": good" in good.stderr and good.stdout == ""
    door.change_config({"workers": 0})
    assert "workers: 0: write auto, or 1 to 1024" in door.check("--diff").stderr


# -- explain --------------------------------------------------------------------------------------------------------


def test_a_route_is_explained_with_its_service_and_endpoints(house):
    said = house.do("explain", "GET", "http://one.test/path")
    assert "one" in said and all(str(backend.port) in said for backend in house.backends.values())


def test_losing_routes_are_named_with_the_reason(house):
    house.catalog.put("api", instance("api", house.backends["a"], "route=one.test/api"))
    wait_until(lambda: "one.test/api" in house.do("explain", "GET", "http://one.test/"), "the new route")
    said = house.do("explain", "GET", "http://one.test/other")
    assert "one.test/api" in said and "not under /api" in said


def test_a_request_that_goes_nowhere_is_explained_too(house):
    assert "404" in house.command("explain", "GET", "http://nobody.test/").stdout
    dead = refused_port()
    checks = [{"tcp": "%s:%d" % dead.getsockname(), "interval": "1s"}]
    house.catalog.put("down", instance("down", dead.getsockname(), "route=down.test", checks=checks))
    said = lambda: house.command("explain", "GET", "http://down.test/").stdout  # noqa: E731
    wait_until(lambda: "none is healthy" in said(), lambda: f"panic is foretold; it says {said()}")
    assert "Connection refused" in said()


def test_explain_believes_the_fields_it_is_given(house):
    house.catalog.put("beta", instance("beta", house.backends["a"], "route=one.test if.header=X-Beta:1"))
    wait_until(lambda: "beta" in house.do("explain", "GET", "http://one.test/", "-H", "X-Beta: 1"), "the new route")


def test_explain_sends_nothing(house):
    house.do("explain", "POST", "http://one.test/")
    assert all(backend.requests == [] for backend in house.backends.values())


# -- status, ready, history -----------------------------------------------------------------------------------------


def test_status_shows_services_and_endpoints_for_people(house):
    said = house.do("status")
    assert "one" in said and all(str(backend.port) in said for backend in house.backends.values())


def test_status_as_json_counts_what_happened(house):
    for _ in range(10):
        house.ask(host="one.test")
    shown = endpoints(house.status(), "one")
    assert sum(endpoint["requests"] for endpoint in shown.values()) == 10
    assert {endpoint["health"] for endpoint in shown.values()} == {"up"}


def test_bytes_of_strangers_do_no_harm_to_the_terminal(make_door, make_backend):
    door = make_door(start=False)
    backend = make_backend("evil", handler=lambda exchange: exchange.answer(500, body="\x1b[2J\x1b]0;owned\x07"))
    door.catalog.put("evil", instance("evil", backend, "route=evil.test", checks=[http_check(backend)]))
    door.start()
    backend.wait_for_requests(2)
    door.ask("/", host="evil.test", fields={"User-Agent": "\x9b2J"})
    for verb in ("status", "history", "logs"):
        assert "\x1b[2J" not in door.do(verb) and "\x07" not in door.do(verb)


def test_ready_says_whether_the_door_serves(house):
    assert house.command("ready").returncode == 0


def test_history_tells_what_changed_and_who_did_it(house):
    house.change_config({"limits": {"header_time": "3s"}})
    house.reload()
    house.do("drain", "one/a")
    house.catalog.put("two", instance("two", house.backends["a"], "route=two.test"))
    wait_until(lambda: "two" in house.do("history"), "the change of the catalog")
    said = house.do("history")
    assert "header_time" in said and "10s -> 3s" in said
    assert "drain one/a" in said and f"uid {os.geteuid()}" in said


def test_history_survives_a_restart_and_is_cut_by_since(house):
    house.do("drain", "one/a")
    house.stop()
    house.start()
    assert "drain one/a" in house.do("history")
    lines = [json.loads(line) for line in house.do("history", "--since", "1h", "--json").splitlines()]
    assert any("drain one/a" in line["text"] for line in lines)


# -- drain ----------------------------------------------------------------------------------------------------------


def test_a_service_that_is_not_there_is_told_with_the_nearest(house):
    done = house.command("drain", "onee")
    assert done.returncode == 1 and "there is no service onee; did you mean one?" in done.stdout + done.stderr


def test_a_drained_endpoint_gets_no_new_requests_until_it_is_undrained(house):
    house.do("drain", "one/a")
    assert used(house) == {"b"}
    assert endpoints(house.status(), "one")["a"]["draining"]
    house.do("undrain", "one/a")
    assert used(house) == {"a", "b"}


def test_an_endpoint_of_a_drained_service_is_told_how_to_come_back(house):
    house.do("drain", "one")
    done = house.command("undrain", "one/a")
    assert done.returncode == 1 and "one is drained as a whole; `gatehouse undrain one`" in done.stderr
    house.do("undrain", "one")
    assert "one/a is not drained" in house.command("undrain", "one/a").stderr


def test_a_drain_survives_a_restart(house):
    house.do("drain", "one/a")
    house.stop()
    house.start()
    assert used(house) == {"b"}
    house.do("undrain", "one/a")
    assert used(house) == {"a", "b"}


def test_a_drain_survives_a_change_of_the_catalog(house, make_backend):
    house.do("drain", "one/a")
    third = make_backend("c")
    tags = ("route=one.test", "balance=round_robin")
    backends = {**house.backends, "c": third}
    house.catalog.put("one", *(instance("one", backend, *tags, id=name) for name, backend in backends.items()))
    wait_until(lambda: "c" in used(house), "the new instance")
    assert used(house) == {"b", "c"}


def test_a_drained_service_is_answered_with_503(house):
    house.do("drain", "one")
    assert house.ask(host="one.test").status == 503
    house.do("undrain", "one")
    assert used(house) == {"a", "b"}


def test_a_drained_service_shows_its_maintenance_page(house):
    with open(house.path("maintenance.html"), "w") as file:
        file.write("back at noon")
    house.change_config({"services": {"one": {"pages": "503:maintenance.html retry_after=10m"}}})
    house.reload()
    house.do("drain", "one")
    answer = house.ask(host="one.test")
    assert (answer.status, answer.text, answer.get("Retry-After")) == (503, "back at noon", "600")


@pytest.mark.parametrize(
    "target, told", [("nobody", "nobody"), ("one/nobody", "nobody"), ("one/", "write SERVICE, or SERVICE/ENDPOINT")]
)
def test_what_is_not_there_cannot_be_drained(house, target, told):
    done = house.command("drain", target)
    assert done.returncode == 1 and told in done.stdout + done.stderr


# -- logs -----------------------------------------------------------------------------------------------------------


def test_logs_shows_the_access_log_and_what_of_it_was_asked_for(house):
    house.ask("/first", host="one.test")
    house.ask("/nowhere", host="nobody.test")
    house.logged(path="/nowhere")
    everything = house.do("logs")
    assert "/first" in everything and "/nowhere" in everything
    errors = house.do("logs", "--status", "4xx")
    assert "/nowhere" in errors and "/first" not in errors
    of_one = house.do("logs", "--service", "one")
    assert "/first" in of_one and "/nowhere" not in of_one
    id = house.logged(path="/first")["request_id"]
    assert "/first" in house.do("logs", "--id", id) and "/nowhere" not in house.do("logs", "--id", id)


def test_logs_follows(house):
    house.ask("/before", host="one.test")
    house.logged(path="/before")
    seen = house.path("followed")
    with open(seen, "w") as out:
        following = subprocess.Popen(house.command_line("logs", "-f"), stdout=out, env=house.environment())
    try:
        def found():
            house.ask("/after", host="one.test")
            with open(seen) as file:
                return "/after" in file.read()

        wait_until(found, "a line that came later", within=10, every=0.2)
    finally:
        following.terminate()
        following.wait(5)
