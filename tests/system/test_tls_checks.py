"""Checks over TLS: the name that is verified, and by which authorities, where no client says a host."""
import pytest

from support import certs
from support.backend import Backend
from support.catalog import instance
from support.door import endpoints, wait_healthy
from support.wait import wait_until

pytestmark = pytest.mark.quick


@pytest.fixture
def secure(make_backend, authority, tmp_path):
    """A maker of backends whose certificate names these."""

    def make(name, *names, **options):
        return make_backend(name, tls=authority.server(tmp_path / name, *names, **options))

    return make


def wait_refused(door, service, id):
    """Waits until the check has said why this instance is not healthy; the check's words."""
    def told():
        return next((check["output"] for check in endpoints(door.status(), service)[id]["checks"]
                     if check["output"] != "not run yet"), None)

    return wait_until(told, "the check's first result", within=10)


def test_a_check_s_url_names_what_the_certificate_must_name(make_door, secure, authority):
    door = make_door(start=False)
    door.env["SSL_CERT_FILE"] = authority.write(door.folder, "system.crt")
    fits, other = secure("fits", "127.0.0.1"), secure("other", "127.0.0.2")
    for name, backend in {"fits": fits, "other": other}.items():
        checks = [{"http": f"https://127.0.0.1:{backend.port}/up", "interval": "1s"}]
        door.catalog.put(name, instance(name, backend, f"route={name}.test", id=name, checks=checks))
    door.start()
    wait_healthy(door, "fits", "fits")
    assert fits.requests[0].get("Host") == f"127.0.0.1:{fits.port}"
    assert "TLS" in wait_refused(door, "other", "other")


def test_a_reload_looks_at_the_machine_s_authorities_anew(make_door, secure, authority):
    door = make_door(start=False)
    door.env["SSL_CERT_FILE"] = certs.Authority("Another").write(door.folder, "system.crt")
    one = secure("one", "127.0.0.1", "one.test")
    checks = [{"http": f"https://127.0.0.1:{one.port}/up", "interval": "1s"}]
    door.catalog.put("one", instance("one", one, "route=one.test", "protocol=https", id="one", checks=checks))
    door.start()
    assert "TLS" in wait_refused(door, "one", "one")
    authority.write(door.folder, "system.crt")
    door.reload()
    wait_healthy(door, "one", "one")
    assert door.ask(host="one.test").status == 200


def test_a_check_of_an_ipv6_address_sends_it_in_brackets(make_door):
    door = make_door(start=False)
    six = Backend("six", address="::1")
    checks = [{"http": f"http://[::1]:{six.port}/up", "interval": "1s"}]
    door.catalog.put("six", instance("six", six, "route=six.test", id="six", checks=checks))
    door.start()
    wait_healthy(door, "six", "six")
    assert six.requests[0].get("Host") == f"[::1]:{six.port}"
    six.stop()


def test_the_key_health_over_tls_speaks_as_the_service_does(make_door, secure, authority):
    door = make_door(start=False)
    authority.write(door.folder, "ca.crt")
    authority.issue("door.internal", client=True).write(door.certificates, "door")
    https = {"protocol": "https", "tls_ca": "ca.crt", "tls_certificate": "file:door"}
    names = {"plain": ("plain.test", "127.0.0.1"), "hosted": ("inner.test",), "wrong": ("wrong.test",)}
    for name, named in names.items():
        backend = secure(name, *named, client_ca=authority)
        tags = (f"route={name}.test", "health=/up interval=1s", *(["host=inner.test:8443"] if name == "hosted" else []))
        door.catalog.put(name, instance(name, backend, *tags, id=name))
    door.change_config({"services": dict.fromkeys(names, https)})
    door.start()
    wait_healthy(door, "plain", "plain")
    wait_healthy(door, "hosted", "hosted")
    assert door.ask(host="plain.test").status == 200
    assert "TLS" in wait_refused(door, "wrong", "wrong")
