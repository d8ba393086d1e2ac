"""A Consul agent that is asked over https: HTTP/2, its authority, and our certificate where it asks for one."""

import pytest

from support.door import consul_of, wait_for
from support.tls_front import TlsFront
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def door(make_door, consul):
    def make(ready=True, **server):
        """`ready`: waits until it is, which a door that has never heard a Consul is not."""
        made = make_door(start=False)
        made.config["catalog"] = {"consul": [{"address": consul.address, **server}]}
        made.write_config(made.config)
        if ready:
            return made.start()
        made.spawn()
        wait_until(lambda: made.command("status").returncode == 0, "it can be asked", within=10)
        return made

    return make


@pytest.fixture
def tls_front(consul, authority, tmp_path):
    made = []

    def make(*names, **options):
        made.append(TlsFront(consul.port, str(tmp_path / "front"), authority.issue(*names), **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def ca(authority, tmp_path):
    return authority.write(str(tmp_path), "consul-ca.pem")


def test_hundreds_of_services_are_watched_over_a_few_connections_of_https(door, consul, make_backend, tls_front, ca):
    backend = make_backend("web")
    for n in range(300):
        consul.put(f"web{n}", backend, f"gatehouse.route=web{n}.test")
    front = tls_front("server.dc1.consul")
    made = door(address=front.address, tls={"ca": ca, "name": "server.dc1.consul"})
    wait_until(lambda: consul_of(made)["watched"] == 300 and consul.blocked() > 300, "all are watched", within=30)
    assert consul_of(made)["connections"] <= 4
    for n in (0, 150, 299):
        wait_for(made, 200, f"web{n}.test")
    consul.set_status("web299", f"web299-{backend.port}", "critical")
    wait_for(made, 503, "web299.test")


def test_an_agent_that_asks_for_a_certificate_gets_ours(door, consul, make_backend, tls_front, authority, ca, tmp_path):
    authority.issue("door", client=True).write(str(tmp_path), "door")
    ours = {"certificate": str(tmp_path / "door.crt"), "key": str(tmp_path / "door.key")}
    consul.put("web", make_backend("web"), "gatehouse.route=web.test")
    front = tls_front("server.dc1.consul", client_ca=ca)
    trusted = {"ca": ca, "name": "server.dc1.consul"}
    wait_for(door(address=front.address, tls={**trusted, **ours}), 200)
    stranger = door(ready=False, address=front.address, tls=trusted)
    wait_until(lambda: consul_of(stranger).get("fault") == "unreachable", "not without it")


def test_an_agent_that_proves_to_be_another_is_not_asked(door, consul, tls_front, ca):
    front = tls_front("server.dc2.consul")
    made = door(ready=False, address=front.address, tls={"ca": ca, "name": "server.dc1.consul"})
    wait_until(lambda: "hostname mismatch" in consul_of(made).get("trouble", "").lower(), "the name is wrong")
    assert consul.asked == []


def test_an_https_that_speaks_no_http2_is_told(door, make_backend, authority, ca, tmp_path):
    backend = make_backend("plain", tls=authority.server(tmp_path, "127.0.0.1"))
    made = door(ready=False, address=f"https://127.0.0.1:{backend.port}", tls={"ca": ca})
    wait_until(lambda: "no HTTP/2" in consul_of(made).get("trouble", ""), "status tells")
