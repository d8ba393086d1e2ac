"""A real Pebble (Let's Encrypt's CA for tests) with its DNS server, on a loopback address of its own.

The program is $PEBBLE, or what tests/tools/pebble builds; where it can't be had, tests that need it are skipped.
Names resolve to the door that `resolve_to` names, so that the CA really asks it.
"""
import functools
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile

import pytest

from support import addresses
from support.certs import Authority
from support.door import ROOT
from support.wait import patient, wait_until

ACME, MANAGEMENT, DNS, DNS_MANAGEMENT = 14000, 15000, 8053, 8055


@functools.cache
def program():
    if os.environ.get("PEBBLE"):
        return os.environ["PEBBLE"]
    made = subprocess.run([os.path.join(ROOT, "tests", "tools", "pebble")], capture_output=True, text=True)
    return made.stdout.strip() if made.returncode == 0 else None


def needed():
    found = program()
    if not found:
        pytest.skip("no Pebble here: tests/tools/pebble says why")
    return found


class Pebble:
    """config  laid over Pebble's own;  resolver  another DNS server than its own;  validity  of its certificates in seconds;  env  of Pebble: its faults."""

    def __init__(self, door_address, validity=86400 * 90, profiles=None, env=None, resolver=None, **config):
        self.binary = needed()
        self.address = addresses.free_address()
        self.folder = tempfile.mkdtemp(prefix="gh-pebble-")
        self.authority = Authority("pebble's own server")
        crt, key = self.authority.issue(self.address, "localhost").write(self.folder, "pebble")
        self.trust = self.authority.write(self.folder)
        self.env = {
            "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0", **(env or {})
        }  # fmt: skip
        self.config = {
            "listenAddress": f"{self.address}:{ACME}", "managementListenAddress": f"{self.address}:{MANAGEMENT}",
            "certificate": crt, "privateKey": key, "httpPort": addresses.HTTP, "tlsPort": addresses.HTTPS,
            "ocspResponderURL": "", "externalAccountBindingRequired": False,
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": profiles or {"default": {"description": "for tests", "validityPeriod": validity}},
            **config,
        }  # fmt: skip
        self.door_address = door_address
        self.resolver = resolver  # whom the CA asks; None: its own DNS server
        self.processes = {}

    @property
    def directory(self):
        return f"https://{self.address}:{ACME}/dir"

    def acme(self, *permit, **more):
        """certificates.acme for a door."""
        return {
            "permit": list(permit), "agree_tos": True, "contact": ["ops@door.test"],
            "directories": [{"url": self.directory, "ca": self.trust}], **more,
        }  # fmt: skip

    # -- the processes

    def _spawn(self, name, command, env):
        log = os.path.join(self.folder, name + ".log")
        with open(log, "ab") as out:
            self.processes[name] = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env={**os.environ, **env}, cwd=self.folder
            )

    def start(self):
        if "dns" not in self.processes:
            self._spawn("dns", [
                self.binary + "-challtestsrv", "-dnsserver", f"{self.address}:{DNS}", "-management",
                f"{self.address}:{DNS_MANAGEMENT}", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "",
                "-defaultIPv6", "", "-defaultIPv4", self.door_address,
            ], {})  # fmt: skip
        self.start_ca()
        return self

    def start_ca(self):
        file = os.path.join(self.folder, "pebble.json")
        with open(file, "w") as out:
            json.dump({"pebble": self.config}, out)
        self._spawn(
            "pebble", [self.binary, "-config", file, "-dnsserver", self.resolver or f"{self.address}:{DNS}", "-strict"], self.env
        )
        wait_until(self._answers, lambda: f"Pebble answers; it says {self.said()}", 20, every=0.05)
        return self

    def _answers(self):
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended: {self.said(name)}"
        try:
            self.dns_server("clear-a", host="nobody.test")
            return self.management("GET", "/roots/0")
        except (OSError, http.client.HTTPException):
            return None

    def said(self, name="pebble"):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as file:
            return file.read()[-4000:]

    def kill_ca(self):
        """As in a crash: it forgets accounts, orders and its own keys."""
        process = self.processes.pop("pebble")
        process.kill()
        process.wait()

    def pause_ca(self):
        os.kill(self.processes["pebble"].pid, signal.SIGSTOP)

    def resume_ca(self):
        os.kill(self.processes["pebble"].pid, signal.SIGCONT)

    def discard(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- asking them

    def management(self, method, path, body=None):
        context = self.authority.trust(alpn=(), check_name=False)
        connection = http.client.HTTPSConnection(self.address, MANAGEMENT, context=context, timeout=patient(10))
        try:
            connection.request(method, path, body=body, headers={"User-Agent": "tests"})
            answer = connection.getresponse()
            return answer.read() if answer.status == 200 else None
        finally:
            connection.close()

    def dns_server(self, verb, **body):
        connection = http.client.HTTPConnection(self.address, DNS_MANAGEMENT, timeout=patient(10))
        try:
            connection.request("POST", "/" + verb, body=json.dumps(body))
            return connection.getresponse().read()
        finally:
            connection.close()

    def resolve_to(self, host, address):
        self.dns_server("add-a", host=host, addresses=[address])

    def cannot_resolve(self, host):
        self.dns_server("set-servfail", host=host)

    def can_resolve(self, host):
        self.dns_server("clear-servfail", host=host)

    def set_window(self, certificate_pem, answer):
        body = json.dumps({"Certificate": certificate_pem, "ARIResponse": answer})
        assert self.management("POST", "/set-renewal-info/", body) is not None

    def client_trust(self):
        """A client's context that believes what this Pebble issues."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.management("GET", "/roots/0").decode())
        context.load_verify_locations(cadata=self.management("GET", "/intermediates/0").decode())
        context.set_alpn_protocols(["http/1.1"])
        return context
