"""Fixtures. Doors live as long as the scope that asked for them; each test ends with a look at every living door."""
import os
import signal

import pytest

from support import door as door_module
from support import figures
from support.backend import Backend
from support.catalog import instance
from support.certs import Authority
from support.client import Client
from support.door import Door
from support.fake_consul import FakeConsul
from support.pebble import Pebble
from support.stand_in import NginxDoor
from support.tcp_backend import TcpBackend
from support.wait import patient

_living = []  # doors that run now, of any scope


def pytest_addoption(parser):
    parser.addoption("--stand-in", choices=["nginx"], help="run against another proxy: proves the harness, not us")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """No test hangs: after its time it fails where it stands. A soak says its own time: @pytest.mark.timeout(s)."""
    marker = item.get_closest_marker("timeout")
    seconds = int(patient(marker.args[0] if marker else 120))

    def out_of_time(*_):
        raise AssertionError(f"the test ran for more than {seconds} s")

    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_terminal_summary(terminalreporter):
    figures.show(terminalreporter)


@pytest.fixture(scope="session")
def door_class(request):
    """What is under test. Without the program there is nothing to test: an error, not a skip."""
    if request.config.getoption("--stand-in"):
        return NginxDoor
    if not os.access(door_module.BINARY, os.X_OK):
        pytest.exit(f"no program at {door_module.BINARY}: build it, or set GATEHOUSE_BINARY", returncode=2)
    return Door


def _factory(door_class, tmp_path_factory, name):
    """Yields a maker of doors, and stops them all at the end: the first failure is told after every door is down."""
    doors = []

    def make(start=True, **options):
        door = door_class(tmp_path_factory.mktemp(name), **options)
        doors.append(door)
        _living.append(door)
        return door.start() if start else door

    yield make
    failures = []
    for door in doors:
        try:
            door.stop()
        except AssertionError as error:
            failures.append(error)
        finally:
            door.discard()
            _living.remove(door)
    if failures:
        raise failures[0]


@pytest.fixture
def make_door(door_class, tmp_path_factory):
    """A maker of doors for one test."""
    yield from _factory(door_class, tmp_path_factory, "door")


@pytest.fixture(scope="module")
def make_shared_door(door_class, tmp_path_factory):
    """A maker of doors for all tests of a module."""
    yield from _factory(door_class, tmp_path_factory, "shared")


def _backends():
    made = []

    def make(name="backend", **options):
        backend = Backend(name, **options)
        made.append(backend)
        return backend

    yield make
    for backend in made:
        backend.stop()


@pytest.fixture
def make_backend():
    yield from _backends()


@pytest.fixture(scope="module")
def make_shared_backend():
    yield from _backends()


@pytest.fixture
def make_tcp_backend():
    made = []

    def make(name="tcp", **options):
        made.append(TcpBackend(name, **options))
        return made[-1]

    yield make
    for backend in made:
        backend.stop()


@pytest.fixture
def consul():
    """A scripted Consul, whose failures are deterministic; the real one is support.consul."""
    fake = FakeConsul()
    yield fake
    fake.stop()


@pytest.fixture
def make_pebble():
    """A maker of real CAs whose validations lead to a door."""
    made = []

    def make(door, start=True, **options):
        pebble = Pebble(door.address, **options)
        made.append(pebble)
        return pebble.start() if start else pebble

    yield make
    for pebble in made:
        pebble.discard()


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture(autouse=True)
def doors_are_well():
    """After each test: every door still runs, and no sanitizer has spoken."""
    yield
    for door in _living:
        door.assert_quiet()
        if door.process is not None:
            door.assert_alive()


class Site:
    """A host of a shared door with backends of its own, so that tests of a module don't meet."""

    def __init__(self, door, name, backends):
        self.door, self.name, self.host, self.backends = door, name, f"{name}.test", backends

    @property
    def backend(self):
        return self.backends[0]

    @property
    def sent(self):
        """The last request that its backend got."""
        return self.backend.requests[-1]

    def client(self, **more):
        return Client(self.door.http, host=self.host, **more)

    def ask(self, method="GET", target="/", **more):
        return self.door.ask(target, method, host=self.host, **more)

    def answer_with(self, handler):
        for backend in self.backends:
            backend.handler = handler

    def put(self, *tags, backends=None, **more):
        """The site's service: one instance for each backend."""
        at = [tag for tag in tags if not tag.startswith("route=")]
        routes = [tag for tag in tags if tag.startswith("route=")] or [f"route={self.host}"]
        chosen = self.backends if backends is None else backends
        self.door.catalog.put(self.name, *(instance(self.name, one, *routes, *at, **more) for one in chosen))


@pytest.fixture(scope="module")
def sites(make_shared_door, make_shared_backend, request):
    """A site for each test of the module, behind one door. The module may say DOOR (its configuration), and a test
    @pytest.mark.site(tags…, backends=N, head_only=True, …): the rest stands in each instance's definition."""
    items = [item for item in request.session.items if item.module is request.module]
    door = make_shared_door(start=False, config=getattr(request.module, "DOOR", None))
    made = {}
    for n, item in enumerate(items):
        marker = item.get_closest_marker("site")
        tags, options = (marker.args, dict(marker.kwargs)) if marker else ((), {})
        count = options.pop("backends", 1)
        kind = {key: options.pop(key) for key in ("head_only", "takes_proxy_line") if key in options}
        backends = [make_shared_backend(f"site{n}-{i}", **kind) for i in range(count)]
        made[item.nodeid] = Site(door, f"site{n}", backends)
        made[item.nodeid].put(*tags, **options)
    door.start()
    return made


@pytest.fixture
def site(sites, request):
    site = sites[request.node.nodeid]
    yield site
    faults = [fault for backend in site.backends for fault in backend.faults()]
    assert faults == [], "the door sent bytes that RFC 9112 does not allow"
