"""Autobahn's WebSocket suite: its echo server, and its client that plays every case against servers.

The program is what tests/tools/autobahn fetches; where it can't be had, tests that need it are skipped.
"""
import functools
import json
import os
import socket
import subprocess

import pytest

from support.door import ROOT
from support.wait import patient, wait_until


@functools.cache
def program():
    made = subprocess.run([os.path.join(ROOT, "tests", "tools", "autobahn")], capture_output=True, text=True)
    return made.stdout.strip() if made.returncode == 0 else None


def needed():
    found = program()
    if not found:
        pytest.skip("no Autobahn here: tests/tools/autobahn says why")
    return found


class EchoServer:
    """A context manager. It listens on every address, and refuses another Host than the one it was told."""

    def __init__(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.address = sock.getsockname()
        self._process = None

    @property
    def authority(self):
        return f"{self.address[0]}:{self.address[1]}"

    def __enter__(self):
        self._process = subprocess.Popen(
            [needed(), "-m", "echoserver", "-w", f"ws://{self.authority}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(self._listens, "the echo server listens", within=20)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _listens(self):
        with socket.socket() as sock:
            return sock.connect_ex(self.address) == 0

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)


def play(folder, servers, exclude):
    """How each server (name: URL) did in each case: {name: {case: (behavior, behavior when closing)}}."""
    spec, report = os.path.join(folder, "spec.json"), os.path.join(folder, "report")
    with open(spec, "w") as file:
        json.dump(
            {
                "outdir": report,
                "servers": [{"agent": name, "url": url} for name, url in servers.items()],
                "cases": ["*"],
                "exclude-cases": exclude,
                "exclude-agent-cases": {},
            },
            file,
        )
    subprocess.run([needed(), "-m", "fuzzingclient", "-s", spec], check=True, stdout=subprocess.DEVNULL, timeout=patient(300))
    with open(os.path.join(report, "index.json")) as file:
        told = json.load(file)
    return {name: {case: (each["behavior"], each["behaviorClose"]) for case, each in told[name].items()} for name in servers}
