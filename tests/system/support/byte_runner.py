"""Puts one door in front of the byte cases: a listener and a backend for each lane and transport."""
import socket

from support import byte_cases
from support.addresses import HTTP, HTTPS
from support.catalog import instance

LANES = 24  # a case mostly waits for nothing to happen: many may wait beside each other
NAMES = ("front.test", "inner.test", "evil.test", "*.test")


class Runner:
    """The cases over each transport; the whole table runs when the transport's first verdict is asked for."""

    def __init__(self, make_door, authority, cases):
        self.authority, self.cases, self.verdicts = authority, cases, {}
        limits = {"header_time": "3s", "body_idle_time": "3s"}
        # one worker: a connection that a case has poisoned is the one that the probe behind it would use
        self.door = make_door(start=False, tls=True, config={"workers": 1, "limits": limits})
        authority.issue(*NAMES).write(self.door.certificates, "front")
        listen, self.sockets = [], {}
        for transport, first in (("plain", HTTP), ("tls", HTTPS)):
            self.sockets[transport] = [socket.create_server(("127.0.0.1", 0)) for _ in range(LANES)]
            for lane, sock in enumerate(self.sockets[transport]):
                name, port = f"{transport}{lane}", first + lane
                secure = {"tls": True} if transport == "tls" else {}
                listen.append({"name": name, "address": f"{self.door.address}:{port}", **secure})
                tags = (f"route=:{port}/", "http=serve", "timeout=4s", "connect_timeout=1s")
                self.door.catalog.put(name, instance(name, sock.getsockname(), *tags))
        self.door.change_config({"listen": listen})
        self.door.start()

    def run(self, transport):
        """Every case's verdict, by id."""
        if transport not in self.verdicts:
            first, tls = (HTTP, None) if transport == "plain" else (HTTPS, self.authority.trust())
            addresses = [(self.door.address, first + lane) for lane in range(LANES)]
            self.verdicts[transport] = byte_cases.run(self.cases, addresses, self.sockets[transport], tls)
        return self.verdicts[transport]
