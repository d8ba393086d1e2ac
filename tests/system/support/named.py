"""A real BIND that is the only authority of some zones, takes signed updates, and knows no others.

It listens at port 53 of a loopback address of its own, where a zone's servers are asked: that takes root.
"""
import os
import shutil
import subprocess
import tempfile

import pytest

from support import addresses
from support.wait import patient, wait_until

ZONE = """$TTL 1
@ IN SOA ns.{zone}. ops.{zone}. 1 60 60 60 1
@ IN NS ns.{zone}.
ns IN A {address}
* IN A {door}
@ IN A {door}
{records}
"""


class Named:
    """zones  names and what else stands in them; `door`: where every name in them leads."""

    def __init__(self, door, **zones):
        program = shutil.which("named") or "/usr/sbin/named"
        if os.geteuid() != 0 or not os.path.exists(program):
            pytest.skip("needs root, for port 53, and bind9")
        self.address = addresses.free_address()
        self.folder = tempfile.mkdtemp(prefix="gh-named-")
        # AppArmor lets the one that Debian installed read nothing here.
        self.program = shutil.copy(program, os.path.join(self.folder, "named"))
        self.key = os.path.join(self.folder, "update.key")
        key = subprocess.run(["tsig-keygen", "-a", "hmac-sha256", "door"], capture_output=True, text=True, check=True).stdout
        self._write("update.key", key)
        os.chmod(self.key, 0o600)
        text = key + f"""
options {{ directory "{self.folder}"; listen-on port 53 {{ {self.address}; }}; listen-on-v6 {{ none; }};
          recursion yes; allow-recursion {{ any; }}; pid-file none; session-keyfile none; dnssec-validation no; allow-transfer {{ none; }};
          querylog yes; }};
controls {{ }};
"""
        for zone, records in zones.items():
            self._write(zone + ".zone", ZONE.format(zone=zone, address=self.address, door=door, records=records))
            text += f'zone "{zone}" {{ type primary; file "{zone}.zone"; update-policy {{ grant door zonesub TXT; }}; }};\n'
        self._write("named.conf", text)
        self.process = None

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    @property
    def at(self):
        return f"{self.address}:53"

    def start(self):
        # It listens only where an interface has the address.
        subprocess.run(["ip", "address", "add", self.address + "/32", "dev", "lo"], check=True)
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [self.program, "-g", "-c", os.path.join(self.folder, "named.conf"), "-n", "1"], stdout=log, stderr=log, cwd=self.folder
        )
        log.close()
        wait_until(lambda: self.process.poll() is not None or "running" in self.said(), lambda: f"named runs: {self.said()}", 20)
        assert self.process.poll() is None, self.said()
        return self

    def said(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as file:
            return file.read()

    def texts(self, name):
        """The TXT records of a name, as they are served."""
        asked = subprocess.run(
            ["dig", f"@{self.address}", "+short", "+norecurse", name, "TXT"], capture_output=True, text=True, timeout=patient(10)
        )
        return sorted(line.strip('"') for line in asked.stdout.splitlines())

    def discard(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(["ip", "address", "del", self.address + "/32", "dev", "lo"], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
