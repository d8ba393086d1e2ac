"""gatehouse guard test: rules tried on a door's own log, on a real nginx's, and on what strangers may have left in one."""
import json
import subprocess

import pytest

from support import addresses
from support.catalog import instance
from support.client import ask
from support.door import BINARY
from support.nginx import Nginx
from support.wait import patient, wait_until
from support.yaml import dump

pytestmark = pytest.mark.quick

PROBES = {"mode": "enforce", "filter": {"path": "~^/wp-", "status": 404}, "maxretry": 3, "bantime": "1h"}
OFFENDER, HONEST = "127.19.0.1", "127.19.0.2"
LINE = '{} - - [28/Jul/2026:12:00:{:02} +0000] "GET {} HTTP/1.1" {} 1 "-" "agent"\n'


@pytest.fixture
def rules(tmp_path):
    """A file of rules; each call another one."""
    numbers = iter(range(100))

    def make(config):
        path = tmp_path / f"rules{next(numbers)}.yaml"
        path.write_text(dump(config))
        return str(path)

    return make


def guard_test(*arguments, text=None):
    return subprocess.run([BINARY, "guard", "test", *map(str, arguments)], input=text, capture_output=True, text=True,
                          timeout=patient(20))


def replayed(*arguments, text=None):
    done = guard_test(*arguments, "--json", text=text)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def banned(bans):
    return [(each["prefix"], each["jail"]) for each in bans]


def jails(**which):
    return {"guard": {"jails": which}}


def log_of(*asked):
    return "".join(LINE.format(who, second, path, status) for second, (who, path, status) in enumerate(asked))


def test_a_door_s_log_bans_whom_the_door_banned(make_door, make_backend, rules):
    door = make_door(start=False, config=jails(probes=PROBES))
    missing = make_backend("missing", handler=lambda exchange: exchange.answer(404, "no such page"))
    door.catalog.put("web", instance("web", missing, "route=web.test"))
    door.start()
    for n in range(3):
        assert ask(door.http, target=f"/wp-{n}?a=b", host="web.test", source=OFFENDER).status == 404
        assert ask(door.http, target=f"/page-{n}", host="web.test", source=HONEST).status == 404
    wait_until(lambda: ask(door.http, host="web.test", source=OFFENDER).status == 403, what="the ban")
    door.stop()
    told = replayed(door.file, door.access_log)
    assert banned(told["bans"]) == [(OFFENDER, "probes")] and told["unread"] == 0
    ban = told["bans"][0]
    assert ban["enforced"] and ban["length_ms"] == 3_600_000
    assert {each["request"] for each in ban["evidence"]} == {f"GET web.test/wp-{n}" for n in range(3)}
    text = guard_test(door.file, door.access_log).stdout
    assert f"{OFFENDER}  by probes" in text and "GET web.test/wp-2" in text


def test_a_log_of_a_real_nginx_bans_as_well(rules):
    at = (addresses.free_address(), addresses.HTTP)
    nginx = Nginx({"n": (*at, False)}, "127.0.0.1", logs=True)
    try:
        for _ in range(3):
            assert ask(at, target="/missing?a=\"b", host="web.test", source=OFFENDER).status == 404
        assert ask(at, target="/found", host="web.test", source=OFFENDER).status == 200
        assert ask(at, target="/missing", host="web.test", source=HONEST).status == 404
        told = replayed(rules(jails(missing={**PROBES, "filter": {"path": "/missing", "status": 404}})), nginx.access_log)
    finally:
        nginx.stop()
    assert (told["lines"], told["requests"]) == (5, 5)
    assert banned(told["bans"]) == [(OFFENDER, "missing")]
    assert (told["bans"][0]["refused"], told["bans"][0]["refused_good"]) == (1, 1)


def test_against_other_rules_it_tells_who_is_gained_and_who_lost(rules):
    log = log_of(*[("192.0.2.1", f"/wp-{n}", 404) for n in range(3)], ("192.0.2.2", "/.env", 404))
    old = rules(jails(probes=PROBES))
    new = rules(jails(files={"preset": "http-sensitive-files", "mode": "enforce", "maxretry": 1}))
    told = replayed(new, "-", "--against", old, text=log)
    assert banned(told["gained"]) == [("192.0.2.2", "files")]
    assert banned(told["lost"]) == [("192.0.2.1", "probes")]
    text = guard_test(new, "-", "--against", old, text=log).stdout
    assert "gained: 1\n192.0.2.2  by files" in text and "lost: 1\n192.0.2.1  by probes" in text


def test_who_is_never_banned_by_a_door_is_not_here(rules):
    log = log_of(*[(who, f"/wp-{n}", 404) for who in ("192.0.2.1", "198.51.100.1", "203.0.113.1") for n in range(3)])
    config = {**jails(probes=PROBES), "trusted_proxies": ["198.51.100.0/24"]}
    config["guard"]["ignoreip"] = ["192.0.2.0/24"]
    assert banned(replayed(rules(config), "-", text=log)["bans"]) == [("203.0.113.1", "probes")]


def test_lines_of_no_form_are_counted_and_change_nothing(rules):
    probes = log_of(*[("192.0.2.1", f"/wp-{n}", 404) for n in range(3)]).splitlines(keepends=True)
    log = probes[0] + "nothing\n" + "x" * 200_000 + "\n" + probes[1] + '{"event":"request"}\n' + probes[2]
    told = replayed(rules(jails(probes=PROBES)), "-", text=log)
    assert (told["lines"], told["requests"], told["unread"]) == (6, 3, 3)
    assert banned(told["bans"]) == [("192.0.2.1", "probes")]


def test_a_client_s_text_is_harmless_on_a_terminal(rules):
    log = log_of(*[("192.0.2.1", f"/wp-\\x1b[31m{n}", 404) for n in range(3)])
    text = guard_test(rules(jails(probes=PROBES)), "-", text=log).stdout
    assert "\\x1B[31m" in text.replace("\\x1b", "\\x1B") and "\x1b" not in text


def test_what_a_log_lacks_is_told(rules):
    done = guard_test(rules(jails(probes=PROBES, shock={"preset": "apache-shellshock"})), "-",
                      text=log_of(("192.0.2.1", "/", 200)))
    assert done.returncode == 0
    assert "jail shock looks at headers, which this log doesn't have" in done.stderr


@pytest.mark.parametrize("config,text,words", [
    (jails(probes={**PROBES, "maxrety": 3}), "", "did you mean maxretry?"),
    (jails(probes={"mode": "enforce"}), "", "doesn't say what counts"),
    ({"guard": {"ignoreip": ["192.0.2.1"]}}, "", "guard.jails: there is none"),
    (jails(probes=PROBES), "nothing of the kind\n", "no line is a request"),
])
def test_rules_and_logs_that_make_no_sense_are_told(rules, config, text, words):
    done = guard_test(rules(config), "-", text=text)
    assert done.returncode == 1 and words in done.stderr


def test_a_log_that_is_not_there_is_told(rules, tmp_path):
    done = guard_test(rules(jails(probes=PROBES)), tmp_path / "none.log")
    assert done.returncode == 1 and "none.log: it can't be read" in done.stderr


# -- jail.local ------------------------------------------------------------------------------------------------------

JAIL_LOCAL = """
[DEFAULT]
ignoreip = 127.0.0.1/8 ::1
bantime = 1h
bantime.increment = true
destemail = root@localhost

[sshd]
enabled = true

[nginx-botsearch]
enabled = true
port = http,https
logpath = %(nginx_access_log)s
maxretry = 2
"""


def test_jails_of_fail2ban_are_carried_to_rules_that_ban(tmp_path):
    local, carried = tmp_path / "jail.local", tmp_path / "guard.yaml"
    local.write_text(JAIL_LOCAL)
    done = subprocess.run([BINARY, "guard", "import", str(local)], capture_output=True, text=True, timeout=patient(20))
    assert done.returncode == 1, "sshd is not carried"
    for words in (":8:1: sshd.filter: sshd: there is no preset", ":6:1: warning: DEFAULT.destemail: no mails are sent",
                  ":13:1: warning: nginx-botsearch.port: ", ":14:1: note: nginx-botsearch.logpath: no log is read here",
                  "1 jail carried, 1 not, 0 not enabled"):
        assert words in done.stderr
    carried.write_text(done.stdout)
    told = replayed(carried, "-", text=log_of(*[("192.0.2.1", "/phpmyadmin/", 404)] * 2))
    assert banned(told["bans"]) == [("192.0.2.1", "nginx-botsearch")] and told["bans"][0]["length_ms"] == 3_600_000
