"""A real Consul: what its catalog says is served, and what befalls it reaches no client.

What a scripted one can play is in test_consul.py; here its answers are Consul's own.
"""
import json
import subprocess
import sys
import time
import uuid

import pytest

from support.catalog import http_check
from support.client import Client
from support.consul import DOOR_RULES, Agent, Cluster, Refused, ttl_check
from support.deployment import only_one
from support.door import ROOT, problems, status_of, wait_for
from support.figures import spread
from support.load import Load
from support.wait import wait_until
from support.worker_backend import WorkerBackend

pytestmark = pytest.mark.ci


def definition(service, backend, *tags, id=None, host=None, checks=None, **more):
    """An instance with a route of its own name, and a check whose status the test says, or the `checks` given."""
    id = id or f"{service}-{backend.port}"
    return {
        "id": id, "name": service, "address": backend.host, "port": backend.port,
        "tags": [f"gatehouse.route={host or service + '.test'}", *tags], "checks": checks or [ttl_check(f"{id}:ttl")],
        **more,
    }  # fmt: skip


def served_by(door, host="web.test", count=40):
    with Client(door.http, host=host) as client:
        return {client.ask().get("X-Backend") for _ in range(count)}


def wait_served_by(door, *names, host="web.test", within=10.0):
    wait_until(lambda: served_by(door, host) == set(names), lambda: f"{names}; {served_by(door, host)}", within)


@pytest.fixture(scope="module")
def shared_agent():
    agent = Agent().start()
    yield agent
    agent.discard()


@pytest.fixture(scope="module")
def closed_agent():
    agent = Agent(manager=str(uuid.uuid4())).start()
    yield agent
    agent.discard()


@pytest.fixture
def agent(shared_agent):
    """A Consul of one server; after the test nothing is registered there."""
    yield shared_agent
    shared_agent.maintain_node(False)
    for id in shared_agent.get("/v1/agent/services"):
        shared_agent.deregister(id)
    for check in shared_agent.get("/v1/agent/checks"):
        shared_agent.put(f"/v1/agent/check/deregister/{check}")
    wait_until(lambda: not shared_agent.services(), "an empty catalog")


@pytest.fixture
def serve(make_door):
    def make(agent, *, catalog=None, config=None, **server):
        door = make_door(start=False, config=config)
        door.config["catalog"] = {"consul": [{"address": agent.url, **server}], **(catalog or {})}
        door.write_config(door.config)
        return door.start()

    return make


# -- what the catalog says ----------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_corpus_of_definitions_is_consul_s(agent):
    script = f"{ROOT}/tests/tools/consul_conformance.py"
    done = subprocess.run([sys.executable, script, "--consul", agent.binary], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_listen_and_consul_alone_make_a_door(make_door, agent, make_backend):
    agent.register(definition("web", make_backend("web")))
    door = make_door(start=False)
    with open(f"{ROOT}/conf/examples/consul.yaml") as file:
        text = file.read()
    door.write_text(text.replace("[::]:80", "%s:%d" % door.http).replace("http://127.0.0.1:8500", agent.url))
    door.metrics_address = ("127.0.0.1", 9901)
    with only_one("usual-metrics"):
        door.start()
        wait_for(door, 200)
        door.stop()


def test_a_registration_is_served_and_its_end_is_told_to_clients(serve, agent, make_backend):
    door = serve(agent)
    assert status_of(door, "web.test") == 404
    one = agent.register(definition("web", make_backend("one")))
    wait_served_by(door, "one")
    two = agent.register(definition("web", make_backend("two")))
    wait_served_by(door, "one", "two")
    agent.deregister(one)
    wait_served_by(door, "two")
    agent.set_check(f"{two}:ttl", "critical")
    agent.deregister(two)
    wait_for(door, 503)


def test_the_last_instance_leaves_its_routes_behind(serve, agent, make_backend):
    door = serve(agent)
    id = agent.register(definition("web", make_backend("web")))
    wait_for(door, 200)
    agent.deregister(id)
    wait_for(door, 503)
    agent.register(definition("web", make_backend("again")))
    wait_served_by(door, "again")


@pytest.mark.parametrize(
    "trouble, mend",
    [
        pytest.param(lambda agent: agent.set_check("web-1:ttl", "critical"),
                     lambda agent: agent.set_check("web-1:ttl", "passing"), id="critical"),
        pytest.param(lambda agent: agent.maintain("web-1", True), lambda agent: agent.maintain("web-1", False), id="maintenance"),
        pytest.param(lambda agent: agent.maintain_node(True), lambda agent: agent.maintain_node(False), id="node-maintenance"),
        pytest.param(lambda agent: agent.put("/v1/agent/check/register", {"Name": "disk", "TTL": "60m", "Status": "critical"}),
                     lambda agent: agent.put("/v1/agent/check/pass/disk"), id="node-critical"),
    ],
)  # fmt: skip
def test_who_may_not_be_used_gets_nothing(serve, agent, make_backend, trouble, mend):
    agent.register(definition("web", make_backend("web"), id="web-1"))
    door = serve(agent)
    wait_for(door, 200)
    trouble(agent)
    wait_for(door, 503)
    mend(agent)
    wait_for(door, 200)


def test_weights_are_those_of_the_status(serve, agent, make_backend):
    door = serve(agent)
    for name, passing in (("strong", 9), ("weak", 1)):
        weights = {"passing": passing, "warning": 0}
        agent.register(definition("web", make_backend(name), "gatehouse.balance=round_robin", id=name, weights=weights))
    wait_served_by(door, "strong", "weak")
    with Client(door.http, host="web.test") as client:
        shares = [client.ask().get("X-Backend") for _ in range(100)]
    assert shares.count("strong") == 90
    agent.set_check("strong:ttl", "warning")
    wait_served_by(door, "weak")


def test_the_address_of_a_network_is_used_where_it_is_wanted(serve, agent, make_backend):
    web = make_backend("web")
    addresses = {"wan": {"address": web.host, "port": web.port}}
    agent.register({**definition("web", web), "port": 1, "tagged_addresses": addresses})
    wait_for(serve(agent, tagged_address="wan"), 200)


def test_tags_may_be_overridden_in_the_catalog(serve, agent, make_backend):
    agent.register(definition("web", make_backend("web"), id="web-1", host="old.test", enable_tag_override=True))
    door = serve(agent)
    wait_for(door, 200, "old.test")
    entry = agent.get("/v1/catalog/service/web")[0]
    service = {
        "ID": "web-1", "Service": "web", "Address": entry["ServiceAddress"], "Port": entry["ServicePort"],
        "Tags": ["gatehouse.route=new.test"], "EnableTagOverride": True,
    }  # fmt: skip
    agent.put("/v1/catalog/register", {"Node": agent.name, "Address": entry["Address"], "SkipNodeUpdate": True, "Service": service})
    wait_for(door, 200, "new.test")
    wait_for(door, 404, "old.test")


def test_proxies_of_the_mesh_are_left_out(serve, agent, make_backend):
    sidecar = make_backend("sidecar")
    proxy = {"destination_service_name": "web", "destination_service_id": "web-1"}
    agent.register(definition("web", make_backend("web"), id="web-1"))
    agent.register({**definition("web", sidecar, id="web-2"), "kind": "connect-proxy", "proxy": proxy})
    agent.register({**definition("web-sidecar", sidecar), "kind": "connect-proxy", "proxy": proxy})
    door = serve(agent)
    wait_served_by(door, "web")
    agent.register(definition("late", make_backend("late")))
    wait_for(door, 200, "late.test")
    assert status_of(door, "web-sidecar.test") == 404
    assert served_by(door) == {"web"} and not sidecar.requests


def test_a_service_of_gatehouse_yaml_needs_no_tag(serve, agent, make_backend):
    agent.register({**definition("plain", make_backend("plain")), "tags": []})
    wait_for(serve(agent, config={"services": {"plain": {"route": "plain.test"}}}), 200, "plain.test")


@pytest.mark.parametrize("spelling, tag", [("fabio", "urlprefix-web.test/"), ("traefik", "traefik.http.routers.web.rule=Host(`web.test`)")])
def test_tags_of_other_spellings_are_found(serve, agent, make_backend, spelling, tag):
    agent.register({**definition("web", make_backend("web")), "tags": [tag]})
    wait_for(serve(agent, catalog={"spellings": ["native", spelling]}), 200)


def test_a_restarted_door_serves_what_is_registered(serve, agent, make_backend):
    for n in range(5):
        agent.register(definition(f"web{n}", make_backend(f"web{n}")))
    door = serve(agent)
    for attempt in (door.stop, door.kill):
        attempt()
        door.start()
        for n in range(5):
            wait_for(door, 200, f"web{n}.test")


# -- catalog lint -------------------------------------------------------------------------------------------------


def lint(make_door, url, *more):
    return make_door(start=False).command("catalog", "lint", "--consul", url, *more)


def test_lint_tells_of_a_live_catalog_what_it_tells_of_a_folder(agent, make_door, make_backend):
    tags = ["gatehouse.route=web.test", "urlprefix-old.test/", "traefik.http.routers.web.rule=Host(`t.test`)", "v1"]
    web = {**definition("web", make_backend("web")), "checks": [], "tags": tags}
    agent.register(web)
    agent.register({**definition("other", make_backend("other")), "tags": ["v1"]})
    live = lint(make_door, agent.url)
    door = make_door(start=False)
    door.catalog.put("web", web)
    folder = door.command("catalog", "lint", door.path("services"))
    assert live.returncode == folder.returncode == 0, live.stderr
    assert live.stdout == folder.stdout and "route=old.test/" in live.stdout
    agent.register({**web, "tags": ["gatehouse.nonsense=1"]})
    assert lint(make_door, agent.url).returncode == 1


def test_lint_says_why_a_catalog_can_t_be_read(agent, make_door, closed_agent, make_backend, tmp_path):
    refused = lint(make_door, f"http://{agent.address}:1")
    assert refused.returncode == 1 and f"http://{agent.address}:1" in refused.stderr
    assert lint(make_door, "ftp://consul").returncode == 2
    closed_agent.register(definition("secret", make_backend("secret")))
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(str(uuid.uuid4()))
    denied = lint(make_door, closed_agent.url, "--token-file", str(file))
    assert denied.returncode == 1 and "403" in denied.stderr
    file.write_text(closed_agent.make_token(closed_agent.make_policy("lint", DOOR_RULES))[1])
    assert "route=secret.test" in lint(make_door, closed_agent.url, "--token-file", str(file)).stdout


# -- how soon -----------------------------------------------------------------------------------------------------

PACE = 0.6  # seconds between two changes: what comes sooner is gathered


def test_how_soon_a_registration_is_served(serve, agent, make_backend, record_property):
    web, door, seconds = make_backend("web"), serve(agent), []
    for n in range(50):
        with Client(door.http) as client:  # one for each: it is closed after so many requests (keep_alive_requests)
            agent.register(definition(f"s{n}", web))
            began = time.monotonic()
            while client.ask(host=f"s{n}.test").status != 200:
                assert time.monotonic() - began < 10
        seconds.append(time.monotonic() - began)
        time.sleep(PACE)  # of the changes themselves
    record_property("registered until served", spread(seconds))


def test_how_soon_a_critical_one_gets_nothing(serve, agent, make_backend, record_property):
    """From Consul's answer to the last request that began at the instance, under load."""
    door, seconds = serve(agent), []
    backends = [make_backend(name) for name in ("stays", "goes")]
    for backend in backends:
        agent.register(definition("web", backend, id=backend.name))
    last = [0.0]

    def answer(exchange):
        last[0] = time.monotonic()
        exchange.answer(body=exchange.request.target)

    backends[1].handler = answer
    wait_served_by(door, "stays", None)
    with Load(door.http, "web.test", targets=("/",)) as load:
        for _ in range(20):
            time.sleep(PACE)  # of the changes themselves
            agent.set_check("goes:ttl", "critical")
            told = time.monotonic()
            wait_until(lambda: time.monotonic() - max(last[0], told) > 0.5, "it gets nothing")
            seconds.append(max(0.0, last[0] - told))
            agent.set_check("goes:ttl", "passing")
            wait_until(lambda: last[0] > told + 0.5, "it gets requests again")
    load.assert_none_failed()
    record_property("critical until its last request", spread(seconds))


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(40, marks=pytest.mark.timeout(200), id="40"),
        pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(1800)], id="1000"),
    ],
)
def test_instances_that_deregister_and_stop_at_once_fail_nothing(serve, agent, make_backend, rounds, record_property):
    door = serve(agent)
    agent.register(definition("web", make_backend("stays"), id="stays"))
    wait_for(door, 200)
    with Load(door.http, "web.test") as load:
        for n in range(rounds):
            backend = WorkerBackend(f"goes-{n}")
            try:
                id = agent.register(definition("web", backend, id=backend.name))
                wait_until(lambda: backend.name in served_by(door, count=4), "it serves")
                agent.deregister(id)
                backend.terminate()
            finally:
                backend.stop()
    load.assert_none_failed()
    record_property("answered over as many ends", f"{load.answered} over {rounds}, none failed")


# -- access lists -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["wrong", "deleted", "stripped"])
def test_a_token_that_is_lost_takes_no_route_away(serve, closed_agent, make_backend, tmp_path, loss, record_property):
    agent = closed_agent
    policy = agent.make_policy(f"read-{loss}", DOOR_RULES)
    accessor, secret = agent.make_token(policy)
    file = tmp_path / "consul.token"
    file.touch(0o600)
    file.write_text(secret)
    for n in range(6):
        agent.register(definition(f"{loss}{n}", make_backend(f"{loss}{n}")))
    door = serve(agent, token={"file": str(file)})
    for n in range(6):
        wait_for(door, 200, f"{loss}{n}.test")
    with Load(door.http, f"{loss}0.test") as load:
        began = time.monotonic()
        if loss == "wrong":
            file.write_text(str(uuid.uuid4()))
        elif loss == "deleted":
            agent.delete_token(accessor)
        else:
            agent.change_policy(policy, f"read-{loss}", 'key_prefix "nothing" { policy = "read" }')
        agent.register(definition(f"{loss}-late", make_backend("late")))  # wakes what blocks
        wait_until(lambda: any("last good state" in text for text in problems(door.status())), "status tells of it", within=60)
        record_property("lost until told", f"{time.monotonic() - began:.1f} s")
        for n in range(6):
            assert status_of(door, f"{loss}{n}.test") == 200
        if loss == "stripped":
            agent.change_policy(policy, f"read-{loss}", DOOR_RULES)
        else:
            file.write_text(agent.make_token(policy)[1])
        wait_for(door, 200, f"{loss}-late.test", within=60)
        for n in range(6):
            assert status_of(door, f"{loss}{n}.test") == 200
    load.assert_none_failed()


# -- a cluster ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_cluster():
    # An agent that is killed and comes back is not given up meanwhile, however slow the machine is.
    cluster = Cluster(servers=3, clients=2, gossip_lan={"suspicion_mult": 60}).start()
    yield cluster
    cluster.discard()


class Farm:
    """A door at one client agent, ten services of one instance and one of five at the other."""

    def __init__(self, cluster, door, make_backend):
        self.cluster, self.door, self.make_backend = cluster, door, make_backend
        self.door_agent, self.node_agent = cluster.clients
        self.hosts = [f"one{n}.test" for n in range(10)] + ["web.test"]
        for n in range(5):
            self.register("web", f"web{n}")
        for n in range(10):
            self.register(f"one{n}", f"one{n}")
        self.wait_whole()

    def register(self, service, name):
        """With a check that Consul runs, and that only a backend which is gone fails."""
        backend = self.make_backend(name)
        return self.node_agent.register(definition(service, backend, id=name, checks=[http_check(backend, timeout="10s")]))

    def wait_whole(self, within=60.0):
        """All is served, as it was registered and not because it is held."""
        for host in self.hosts:
            wait_for(self.door, 200, host, within)
        wait_until(lambda: "held:" not in json.dumps(self.door.status()), "nobody is held", within)
        wait_served_by(self.door, *(f"web{n}" for n in range(5)), within=within)

    def assert_all_served(self):
        assert {host: status_of(self.door, host) for host in self.hosts} == dict.fromkeys(self.hosts, 200)

    def wait_follows(self, within=60.0):
        """A new registration is served; how long Consul and the door took for it together."""
        began = time.monotonic()
        name = f"late{len(self.hosts)}"

        def registered():
            try:
                return self.register(name, name)
            except (OSError, AssertionError):
                return None  # no leader yet

        wait_until(registered, "it can be registered", within)
        def spread():
            try:
                return name in self.door_agent.services()
            except Refused:
                return False  # the agent asks a server that is gone

        wait_until(spread, "Consul has it", max(within, 200))  # agents try again at their own pace
        known = time.monotonic()
        wait_for(self.door, 200, f"{name}.test", within=30)  # where servers were wiped the door has to see it first
        self.hosts.append(f"{name}.test")
        self.behind_consul = f"{time.monotonic() - known:.2f} s"
        return time.monotonic() - began


@pytest.fixture
def farm(shared_cluster, serve, make_backend):
    cluster = shared_cluster
    made = Farm(cluster, serve(cluster.clients[0]), make_backend)
    yield made
    for agent in cluster.agents:
        if not agent.runs():
            agent.start(wait=False)
    for agent in cluster.agents:
        agent.wait_ready()
    for id in made.node_agent.get("/v1/agent/services"):
        made.node_agent.deregister(id)
    wait_until(lambda: not made.door_agent.services(), "an empty catalog", within=30)


@pytest.fixture
def load(farm):
    with Load(farm.door.http, "web.test", threads=2) as load:
        yield load
    load.assert_none_failed()


def test_an_agent_that_is_killed_and_comes_back_costs_nothing(farm, load, record_property):
    farm.door_agent.kill()
    farm.assert_all_served()
    farm.door_agent.start()
    record_property("agent back until a change is served", f"{farm.wait_follows():.1f} s")
    farm.node_agent.kill()
    farm.node_agent.start()
    farm.wait_follows()
    farm.wait_whole()


def test_an_agent_that_is_restarted_in_an_orderly_way_takes_nothing_away(farm, load):
    """It leaves, and with it goes all that it registered, while every backend runs on."""
    farm.node_agent.leave()
    wait_until(lambda: not farm.door_agent.services(), "the catalog has lost them", within=20)
    wait_until(lambda: "held:" in json.dumps(farm.door.status()), "they are held", within=20)
    farm.assert_all_served()
    farm.node_agent.start()
    wait_until(lambda: len(farm.door_agent.services()) == 11, "the catalog has them again", within=60)
    farm.wait_whole()


def test_a_leader_that_is_killed_costs_nothing(farm, load, record_property):
    killed = farm.cluster.leader()
    killed.kill()
    farm.assert_all_served()
    record_property("leader killed until a change is served", f"{farm.wait_follows():.1f} s")
    record_property("of that after Consul had it, by its new leader", farm.behind_consul)
    killed.start()
    farm.wait_whole()


def test_without_any_consul_the_door_goes_on_and_judges_for_itself(farm, load):
    gone = [*farm.cluster.servers, farm.door_agent]
    for agent in gone:
        agent.kill()
    wait_until(lambda: any("last good state" in text for text in problems(farm.door.status())), "status tells of it", within=30)
    farm.assert_all_served()
    for agent in gone:
        agent.start(wait=False)
    for agent in gone:
        agent.wait_ready()
    farm.wait_follows()
    farm.wait_whole()


@pytest.mark.timeout(420)
def test_servers_that_were_wiped_take_nothing_away(farm, load):
    for agent in farm.cluster.servers:
        agent.kill()
    for agent in farm.cluster.servers:
        agent.wipe()
        agent.start(wait=False)
    for agent in farm.cluster.agents:
        agent.wait_ready(within=120)
    farm.assert_all_served()
    farm.wait_follows(within=90)
    wait_until(lambda: len(farm.door_agent.services()) == 12, "the catalog has them again", within=200)
    farm.assert_all_served()
