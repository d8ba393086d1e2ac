"""Real databases through tunnels, with stunnel at either end: what their own tools do works, and nothing is lost."""
import os
import socket
import subprocess

import pytest

from support import tunnel
from support.databases import Memcached, Postgres, Redis, ask_memcached, ask_postgres, program
from support.tunnel import ENTRY_PORT, EXIT_PORT, new_key, write_keys
from support.wait import patient, wait_until

pytestmark = [pytest.mark.ci, pytest.mark.timeout(180)]

IDENTITY = "a.db.b"
PAIRS = [("ours", "ours"), ("ours", "stunnel"), ("stunnel", "ours")]


@pytest.fixture(scope="module")
def servers():
    made = [Postgres(), Redis(), Memcached()]
    yield made
    for server in made:
        server.stop()


@pytest.fixture(params=PAIRS, ids=[f"{entry}-{exit}" for entry, exit in PAIRS])
def lead(request, make_door, tmp_path):
    """Leads to a server through the pair; gives where to connect."""
    entry, exit = request.param
    stunnels = []

    def make(server):
        key = new_key()
        far, near = make_door(start=False, name="far"), make_door(start=False, name="near")
        keys = write_keys(str(tmp_path / "k.psk"), (IDENTITY, key))
        at, here = (far.address, EXIT_PORT), (near.address, ENTRY_PORT)
        if exit == "ours":
            far.change_config({"tunnel": tunnel.exit_section(
                far.address, keys, [{"identity": IDENTITY, "service": "db"}], {"db": f"{server.host}:{server.port}"})})
            far.start()
        else:
            stunnels.append(tunnel.stunnel_server(str(tmp_path), at, (server.host, server.port), keys))
        if entry == "ours":
            near.change_config({"tunnel": tunnel.entry_section("%s:%d" % here, ("%s:%d" % at, IDENTITY, keys))})
            near.start()
        else:
            stunnels.append(tunnel.stunnel_client(str(tmp_path), here, at, keys))
        return here

    yield make
    for each in stunnels:
        each.stop()


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=patient(120), **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_postgres_connects_dumps_restores_and_cancels(servers, lead):
    at = lead(servers[0])
    where = ["-h", at[0], "-p", str(at[1]), "-U", "app"]
    run(program("pgbench"), *where, "-i", "-q", "-s", "1", "postgres")
    told = run(program("pgbench"), *where, "-n", "-C", "-S", "-c", "4", "-t", "10", "postgres")
    assert "number of transactions actually processed: 40/40" in told
    dump = run(program("pg_dump"), *where, "-t", "pgbench_accounts", "postgres")
    assert ask_postgres(at, "drop database if exists copy") is not None
    assert ask_postgres(at, "create database copy") is not None
    run("psql", *where, "-q", "-d", "copy", "-f", "-", input=dump)
    assert run("psql", *where, "-d", "copy", "-Atqc", "select count(*) from pgbench_accounts") == "100000\n"
    sleeping = subprocess.Popen(["psql", *where, "-d", "postgres", "-c", "select pg_sleep(100)"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)
    wait_until(lambda: ask_postgres(at, "select count(*) from pg_stat_activity where query like 'select pg_sleep%'") == "1",
               "it sleeps", within=10)
    sleeping.send_signal(2)  # psql cancels by a second connection
    assert "canceling statement due to user request" in sleeping.communicate(timeout=patient(20))[1]


def test_redis_is_benchmarked_piped_to_and_subscribed_to(servers, lead):
    at = lead(servers[1])
    where = ["-h", at[0], "-p", str(at[1])]
    told = run(program("redis-benchmark"), *where, "-q", "-n", "2000", "-c", "20", "-t", "set,get", "--csv")
    assert '"SET"' in told and '"GET"' in told
    commands = "".join(f"SET k{n} {'v' * 100}\r\n" for n in range(20000))
    piped = run(program("redis-cli"), *where, "--pipe", input=commands)
    assert "errors: 0, replies: 20000" in piped
    with socket.create_connection(at, timeout=patient(20)) as sock:
        sock.sendall(b"SUBSCRIBE news\r\n")
        heard = sock.recv(100)
        assert b"subscribe" in heard
        assert run(program("redis-cli"), *where, "PUBLISH", "news", "hello") == "1\n"
        while b"hello" not in heard:
            more = sock.recv(100)
            assert more
            heard += more


def test_memcached_keeps_large_values_and_many_small_ones(servers, lead):
    at = lead(servers[2])
    value = os.urandom(4 << 20)
    stored = ask_memcached(at, b"set large 0 0 %d\r\n" % len(value) + value + b"\r\n", b"\r\n")
    assert stored == b"STORED\r\n"
    got = ask_memcached(at, b"get large\r\n", b"\r\nEND\r\n")
    assert got == b"VALUE large 0 %d\r\n" % len(value) + value + b"\r\nEND\r\n"
    many = b"".join(b"set k%d 0 0 2 noreply\r\nok\r\n" % n for n in range(5000))
    keys = b" ".join(b"k%d" % n for n in range(0, 5000, 100))
    found = ask_memcached(at, many + b"get " + keys + b"\r\n", b"END\r\n")
    assert found.count(b"\r\nok\r\n") == 50
