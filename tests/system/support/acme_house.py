"""A door that obtains certificates from a Pebble: what the tests of it share."""
import json
import ssl

from support.catalog import instance
from support.certs import served
from support.client import Client
from support.wait import wait_until

HOST = "learn.acme.test"


def put_host(door, make_backend, *hosts):
    for host in hosts:
        name = host.replace(".", "-")
        door.catalog.put(name, instance(name, make_backend(name), f"route={host}"))


def house(make_door, make_pebble, make_backend, *hosts, acme=None, start=True, **pebble_options):
    """A door that obtains certificates from a Pebble, and that Pebble."""
    door = make_door(start=False, tls=True)
    pebble = make_pebble(door, **pebble_options)
    door.change_config({"certificates": {"acme": pebble.acme("**.acme.test", **(acme or {}))}})
    put_host(door, make_backend, *(hosts or [HOST]))
    return (door.start() if start else door), pebble


def listed(door):
    return {each["name"]: each for each in json.loads(door.do("certs", "list", "--json"))}


def state_of(door, host=HOST):
    return listed(door).get(host, {}).get("state")


def wait_state(door, state, host=HOST, within=30):
    wait_until(
        lambda: state_of(door, host) == state, lambda: f"{host} {state}:\n{door.command('certs', 'why', host).stdout}",
        within, every=0.1,
    )  # fmt: skip


def serial(door, host=HOST):
    """Of what is served, believed or not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Client(door.https, tls=context, sni=host) as client:
        return served(client).serial_number
