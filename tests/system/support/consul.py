"""Real Consul agents on loopback addresses of their own, all at Consul's usual ports.

The program is $CONSUL, or what tests/tools/consul builds; where it can't be had, tests that need it are skipped.
"""
import functools
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse
import uuid

import pytest

from support.door import ROOT
from support.wait import patient, wait_until

HTTP, SERF, RPC = 8500, 8301, 8300
_counter = itertools.count(1)


@functools.cache
def program():
    """Path of a Consul; the test is skipped where there is none."""
    if os.environ.get("CONSUL"):
        return os.environ["CONSUL"]
    made = subprocess.run([os.path.join(ROOT, "tests", "tools", "consul")], capture_output=True, text=True)
    return made.stdout.strip() if made.returncode == 0 else None


def needed():
    found = program()
    if not found:
        pytest.skip("no Consul here: tests/tools/consul says why")
    return found


def free_address():
    """A 127.x.y.z without a Consul, apart from those of doors and deployments."""
    for n in _counter:
        address = f"127.{20 + os.getpid() % 40}.{(os.getpid() // 40 + n // 250) % 256}.{1 + n % 250}"
        try:
            for port in (HTTP, SERF, RPC):
                with socket.socket() as sock:
                    sock.bind((address, port))
            return address
        except OSError:
            continue
    raise AssertionError("unreachable")


class Refused(AssertionError):
    """Consul's answer was another than 200."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]}")
        self.status = status


class Agent:
    """An agent: a server, or a client of `join`. Its data outlive a restart; start() may be called again.

    expect       how many servers there are
    manager      the token that may do everything; with one, nobody else may do anything
    multiplier   raft's: 1 elects in a second or two, Consul's own 5 in some fifteen
    prefix       a command to run it under (ip netns exec …)
    """

    def __init__(
        self, name=None, address=None, server=True, expect=1, join=(), datacenter="dc1", manager=None, multiplier=1,
        prefix=(), **more,
    ):
        self.binary = needed()
        self.address = address or free_address()
        self.name = name or "c" + self.address.replace(".", "-")
        self.server, self.prefix, self.manager = server, list(prefix), manager
        self.folder = tempfile.mkdtemp(prefix="gh-consul-")
        self.process = None
        self.config = {
            "node_name": self.name, "datacenter": datacenter, "data_dir": os.path.join(self.folder, "data"),
            "bind_addr": self.address, "client_addr": self.address, "server": server, "retry_join": list(join),
            "retry_interval": "1s", "ports": {"dns": -1, "grpc": -1, "serf_wan": -1}, "log_level": "warn",
            "disable_update_check": True, "rejoin_after_leave": True,
            "performance": {"raft_multiplier": multiplier}, **more,
        }  # fmt: skip
        if server:
            self.config["bootstrap_expect"] = expect
        if manager:
            self.config["acl"] = {
                "enabled": True, "default_policy": "deny", "down_policy": "extend-cache",
                "tokens": {"initial_management": manager, "agent": manager},
            }

    # -- the process

    def start(self, wait=True):
        file = os.path.join(self.folder, "agent.json")
        with open(file, "w") as out:
            json.dump(self.config, out)
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, self.binary, "agent", f"-config-file={file}"], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )
        return self.wait_ready() if wait else self

    def wait_ready(self, within=40.0):
        wait_until(self._knows_a_leader, lambda: f"{self.name} knows a leader; it says {self.said()}", within, every=0.1)
        return self

    def _knows_a_leader(self):
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}: {self.said()}"
        try:
            return self.get("/v1/status/leader") and self.get(f"/v1/health/node/{self.name}", token=self.manager)
        except (OSError, http.client.HTTPException, Refused):
            return False

    def said(self):
        with open(self.log, errors="replace") as file:
            return file.read()[-2000:]

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL, as in a crash."""
        self._end(signal.SIGKILL)

    def leave(self):
        """SIGTERM, as of `systemctl stop`: a client takes its node and services out of the catalog."""
        self._end(signal.SIGTERM)

    def _end(self, number):
        if self.runs():
            os.kill(self.process.pid, number)
            self.process.wait(patient(20))

    def wipe(self):
        """All that it knew is gone, as of a disk that was replaced."""
        shutil.rmtree(self.config["data_dir"], ignore_errors=True)

    def discard(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- its API

    @property
    def url(self):
        return f"http://{self.address}:{HTTP}"

    def ask(self, method, path, body=None, token=None, timeout=20.0, **query):
        """What it answers; with a Content-Type of JSON, read."""
        connection = http.client.HTTPConnection(self.address, HTTP, timeout=patient(timeout))
        fields = {"X-Consul-Token": token or self.manager} if token or self.manager else {}
        if query:
            path += "?" + urllib.parse.urlencode(query)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), fields)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(answer.status, text)
        return json.loads(text) if answer.getheader("Content-Type", "").startswith("application/json") else text

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def put(self, path, body=None, **more):
        return self.ask("PUT", path, body, **more)

    def register(self, definition, **more):
        """A definition as in the agent's files; a status by hand goes through its check of type ttl."""
        self.put("/v1/agent/service/register", definition, **more)
        return definition["id"]

    def deregister(self, id):
        self.put(f"/v1/agent/service/deregister/{urllib.parse.quote(id)}")

    def set_check(self, check_id, status):
        self.put(f"/v1/agent/check/update/{urllib.parse.quote(check_id)}", {"Status": status})

    def maintain(self, id, on):
        self.put(f"/v1/agent/service/maintenance/{urllib.parse.quote(id)}", enable=str(on).lower(), reason="test")

    def maintain_node(self, on):
        self.put("/v1/agent/maintenance", enable=str(on).lower(), reason="test")

    def services(self):
        """Names in the catalog, apart from Consul's own and the door's."""
        return set(self.get("/v1/catalog/services")) - {"consul", "gatehouse"}

    def leader(self):
        """The address of the leader, as this agent knows it."""
        return self.get("/v1/status/leader").split(":")[0]

    # -- its access lists

    def make_policy(self, name, rules):
        return self.put("/v1/acl/policy", {"Name": name, "Rules": rules})["ID"]

    def change_policy(self, id, name, rules):
        self.put(f"/v1/acl/policy/{id}", {"ID": id, "Name": name, "Rules": rules})

    def make_token(self, *policies):
        """Its id (for deleting it), and the secret."""
        made = self.put("/v1/acl/token", {"Policies": [{"ID": id} for id in policies]})
        return made["AccessorID"], made["SecretID"]

    def delete_token(self, accessor):
        self.ask("DELETE", f"/v1/acl/token/{accessor}")


DOOR_RULES = """
service_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
service "gatehouse" { policy = "write" }
"""


def ttl_check(id, status="passing"):
    """A check whose status the test says: agent.set_check(id, status)."""
    return {"checkid": id, "name": id, "ttl": "60m", "status": status}


class Registered:
    """The catalog of a door that follows an agent, written as its folder is (support/catalog.py)."""

    def __init__(self, agent):
        self.agent, self.files = agent, {}

    def put(self, name, *definitions):
        """The file `name` holds exactly these instances."""
        before, self.files[name] = self.files.get(name, set()), {self.agent.register(one) for one in definitions}
        for id in before - self.files[name]:
            self.agent.deregister(id)


class Cluster:
    """Servers and clients of theirs, started together."""

    def __init__(self, servers=3, clients=1, multiplier=1, manager=False, prefixes=None, addresses=None, **more):
        self.manager = str(uuid.uuid4()) if manager else None
        count = servers + clients
        addresses = addresses or [free_address() for _ in range(count)]
        prefixes = prefixes or [()] * count
        names = [f"s{n + 1}" for n in range(servers)] + [f"n{n + 1}" for n in range(clients)]
        self.agents = [
            Agent(
                names[n], addresses[n], server=n < servers, expect=servers, join=addresses[:servers],
                multiplier=multiplier, manager=self.manager, prefix=prefixes[n], **more,
            )
            for n in range(count)
        ]  # fmt: skip
        self.servers, self.clients = self.agents[:servers], self.agents[servers:]

    def start(self):
        for agent in self.agents:
            agent.start(wait=False)
        for agent in self.agents:
            agent.wait_ready()
        return self

    def leader(self, seen_by=None):
        """The server that leads."""
        address = (seen_by or self.clients[0]).leader()
        return next(one for one in self.servers if one.address == address)

    def discard(self):
        for agent in self.agents:
            agent.discard()
