"""Machines on one wire: network namespaces behind a bridge, each of which can be cut off. Needs root."""
import contextlib
import ctypes
import os
import subprocess

import pytest


def ip(*arguments):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True)


def must(*arguments):
    done = ip(*arguments)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


class Machines:
    """`names` get 198.18.N.2 and so on; this machine itself is 198.18.N.1. Skips the test where there are none to be had."""

    def __init__(self, *names):
        self.key = os.getpid() % 250
        self.bridge, self.names = f"ghb{self.key}", list(names)
        self.home = f"198.18.{self.key}.1"
        self.address = {name: f"198.18.{self.key}.{n + 2}" for n, name in enumerate(names)}
        done = ip("link", "add", self.bridge, "type", "bridge")
        if done.returncode != 0:
            pytest.skip(f"no network namespaces here: {done.stderr.strip()}")
        try:
            must("addr", "add", f"{self.home}/24", "dev", self.bridge)
            must("link", "set", self.bridge, "up")
            for name in names:
                self._add(name)
        except BaseException:
            self.discard()
            raise

    def _add(self, name):
        space, port = self._space(name), self._port(name)
        must("netns", "add", space)
        must("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        must("link", "set", port, "master", self.bridge, "up")
        must("-n", space, "link", "set", "lo", "up")
        must("-n", space, "addr", "add", f"{self.address[name]}/24", "dev", "eth0")
        must("-n", space, "link", "set", "eth0", "up")

    def _space(self, name):
        return f"gh{self.key}-{name}"

    def _port(self, name):
        return f"gh{self.key}v{self.names.index(name)}"

    def on(self, name):
        """The command under which a process runs there."""
        return ("ip", "netns", "exec", self._space(name))

    @contextlib.contextmanager
    def entered(self, name):
        """What this thread opens, it opens there."""
        enter = ctypes.CDLL(None, use_errno=True).setns
        with open("/proc/thread-self/ns/net") as home, open(f"/var/run/netns/{self._space(name)}") as there:
            assert enter(there.fileno(), 0) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                enter(home.fileno(), 0)

    def deafen(self, name):
        """What is sent there from here gets lost; what it sends comes."""
        must("neigh", "replace", self.address[name], "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", self.bridge)

    def undeafen(self, name):
        must("neigh", "del", self.address[name], "dev", self.bridge)

    def cut(self, name):
        """Nothing comes from there or gets there, and nobody is told."""
        must("link", "set", self._port(name), "down")

    def mend(self, name):
        must("link", "set", self._port(name), "up")

    def discard(self):
        for name in self.names:
            ip("netns", "del", self._space(name))
        ip("link", "del", self.bridge)
