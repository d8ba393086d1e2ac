"""Real databases behind the door: clients follow the primary, whichever it is."""
import subprocess

import pytest

from support import addresses
from support.catalog import instance
from support.databases import Postgres, Redis, ask_postgres, ask_redis
from support.door import endpoints, problems, wait_healthy
from support.wait import patient, wait_until

MOVED_WITHIN = 3.0  # seconds from the promotion to the first session: a check a second, and psql itself

pytestmark = [pytest.mark.ci, pytest.mark.timeout(180)]


@pytest.fixture
def servers():
    made = []

    def make(kind, *arguments, **options):
        made.append(kind(*arguments, **options))
        return made[-1]

    yield make
    for server in reversed(made):
        server.stop()


@pytest.fixture
def house(make_door):
    door = make_door(start=False)
    door.change_config({"catalog": {"permit": {"listen": [f"{door.address}:23800-23899"]}}})
    return door.start()


def register(house, name, port, *servers, tags=(), check=lambda _: {}):
    """The service at a port of the door; `check`: what stands in each server's definition to tell the primary."""
    at = (house.address, port)
    house.catalog.put(name, *(
        instance(name, server, f"tcp={at[0]}:{port}", "single=true", *tags, id=f"{name}-{n}", **check(server))
        for n, server in enumerate(servers, 1)
    ))
    wait_until(lambda: addresses.listens(at), lambda: f"{at} opens: {problems(house.status())}")
    return at


def asks_patroni(server):
    """By http on another port."""
    url = f"http://{server.host}:{server.judge.port}/primary"
    return {"checks": [{"http": url, "interval": "1s", "timeout": "1s"}]}


def test_a_postgres_primary_moves_and_the_sessions_with_it(house, servers):
    first = servers(Postgres)
    first.ask("create table moved (at text)")
    second = servers(Postgres, standby_of=first)
    at = register(house, "postgres", 23800, first, second, check=asks_patroni)
    wait_healthy(house, "postgres", "postgres-1")
    assert ask_postgres(at, "select inet_server_port()") == str(first.port)
    session = subprocess.Popen(
        ["psql", "-h", at[0], "-p", str(at[1]), "-U", "app", "-d", "postgres", "-Atq"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    session.stdin.write("select 'open';\n")
    session.stdin.flush()
    assert session.stdout.readline() == "open\n"
    first.kill()
    second.promote()
    served = lambda: ask_postgres(at, "select not pg_is_in_recovery()") == "t"
    wait_until(served, "sessions are served by the new primary", within=MOVED_WITHIN)
    told, _ = session.communicate("select 'more';\n", timeout=patient(20))
    assert "more" not in told.splitlines(), "a session of the old primary is cut"
    assert ask_postgres(at, "select inet_server_port()") == str(second.port)


def test_two_postgres_primaries_get_nothing_new(house, servers):
    first = servers(Postgres)
    second = servers(Postgres, standby_of=first)
    at = register(house, "postgres", 23801, first, second, check=asks_patroni)
    wait_healthy(house, "postgres", "postgres-1")
    second.promote()
    wait_until(lambda: any("more than one is healthy" in text for text in problems(house.status())), "the alarm",
               within=15)
    assert ask_postgres(at, "select 1") is None
    house.logged(service="postgres", termination="two_primaries")


def test_a_large_answer_of_postgres_comes_whole(house, servers):
    one = servers(Postgres)
    at = register(house, "postgres", 23802, one, tags=["health=tcp"])
    wait_healthy(house, "postgres", "postgres-1")
    asked = "select repeat(md5(n::text), 100) from generate_series(1, 2000) n"
    assert ask_postgres(at, asked) == one.ask(asked)


def test_redis_is_checked_by_its_own_word(house, servers):
    master = servers(Redis)
    replica = servers(Redis, replica_of=master)
    at = register(house, "redis", 23803, master, replica,
                  tags=["health=redis role=master interval=1s timeout=1s fall=1 rise=1"])
    wait_healthy(house, "redis", "redis-1")
    reason = lambda: endpoints(house.status(), "redis")["redis-2"]["reason"]  # noqa: E731
    wait_until(lambda: "is a slave" in reason(), "the replica has said what it is")
    assert ask_redis(at, "SET", "key", "value") == "+OK"
    assert ask_redis(at, "GET", "key") == "value"
    wait_until(lambda: replica.ask("GET", "key") == "value", "it is replicated", within=30)  # it begins with a copy
    master.kill()
    replica.ask("REPLICAOF", "NO", "ONE")
    wait_until(lambda: ask_redis(at, "SET", "key", "new") == "+OK", "the replica has taken over", within=15)
    assert replica.ask("GET", "key") == "new"


def test_a_redis_with_a_password_lives(house, servers):
    one = servers(Redis, "--requirepass", "secret")
    at = register(house, "redis", 23804, one, tags=["health=redis interval=1s"])
    wait_healthy(house, "redis", "redis-1")
    assert ask_redis(at, "PING").startswith("-NOAUTH")
