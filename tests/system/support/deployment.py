"""A whole deployment from its own files, tests/system/deployments/NAME, on its own fixed loopback addresses.

Only one test of a deployment runs on a machine at a time. Ports 80 and 443 need root; elsewhere 8080 and 8443 stand
for them.
"""
import contextlib
import fcntl
import json
import os
import shutil
import tempfile

from support.backend import Backend
from support.consul import Agent, Registered
from support.wait import wait_until

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "deployments")


@contextlib.contextmanager
def only_one(name):
    with open(os.path.join(tempfile.gettempdir(), f"gatehouse-{name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(door, name, address, metrics, prober):
    """Lays the deployment's files where the door reads them."""
    http, https = (80, 443) if os.geteuid() == 0 else (8080, 8443)
    with open(os.path.join(FOLDER, name, "gatehouse.yaml")) as file:
        text = file.read()
    text = text.replace(f'"{address}:80"', f'"{address}:{http}"').replace(f'"{address}:443"', f'"{address}:{https}"')
    text = text.replace("/etc/gatehouse/certificates", door.certificates)
    door.write_text(text)
    shutil.copytree(os.path.join(FOLDER, name, "services"), door.path("services"), dirs_exist_ok=True)
    door.http, door.https = (address, http), (address, https)
    door.metrics_address, door.prober = (metrics, 9901), prober


SOURCES = ("files", "consul")


def _definitions(door):
    for file in sorted(os.listdir(door.path("services"))):
        with open(door.path("services", file)) as text:
            yield from json.load(text)["services"]


def _served(door):
    return {service["name"] for service in door.status()["services"]}


@contextlib.contextmanager
def running(door, source):
    """The door runs, with its definitions from its folder, or from a Consul where the same are registered."""
    with contextlib.nullcontext() if source == "files" else _moved_to_consul(door):
        door.start()
        try:
            wait_until(lambda: _served(door) >= {one["name"] for one in _definitions(door)}, "its catalog", within=10)
            yield
        finally:
            door.stop()


@contextlib.contextmanager
def _moved_to_consul(door):
    agent = Agent()
    try:
        agent.start()
        door.catalog = Registered(agent)
        for file in sorted(os.listdir(door.path("services"))):
            with open(door.path("services", file)) as text:
                door.catalog.put(file.removesuffix(".json"), *json.load(text)["services"])
        with open(door.file) as file:
            text = file.read()
        assert text.count("files: services") == 1
        door.write_text(text.replace("files: services", f"consul: [{{ address: {agent.url} }}]"))
        yield
    finally:
        agent.discard()


def instances(name):
    """The definitions of its services, by id."""
    found = {}
    for file in sorted(os.listdir(os.path.join(FOLDER, name, "services"))):
        with open(os.path.join(FOLDER, name, "services", file)) as text:
            found.update({one["id"]: one for one in json.load(text)["services"]})
    return found


def backends(name, *services):
    """A backend for each instance of these services, by id."""
    return {
        id: Backend(id, address=one["address"], port=one["port"])
        for id, one in instances(name).items() if one["name"] in services
    }
