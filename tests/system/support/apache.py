"""A real Apache, as an application stands in one behind its nginx: says in its answer whom it takes for the client."""
import os
import shutil
import subprocess
import tempfile

import pytest

from support.addresses import listens
from support.wait import wait_until

MODULES = "/usr/lib/apache2/modules"
CONFIG = """
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
Mutex file:{folder}
ServerName apache.test
Listen {address}:{port}
{modules}
DocumentRoot {folder}/pages
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
Header always set X-Apache-Client "expr=%{{REMOTE_ADDR}}"
<Directory {folder}/pages>
  Require all granted
</Directory>
"""


class Apache:
    def __init__(self, address, port):
        program = shutil.which("apache2") or "/usr/sbin/apache2"
        if not os.path.exists(program):
            pytest.skip("no apache2 here")
        self.folder = tempfile.mkdtemp(prefix="gh-apache-")
        os.makedirs(f"{self.folder}/pages/app")
        with open(f"{self.folder}/pages/app/page.html", "w") as page:
            page.write("from Apache")
        os.chmod(self.folder, 0o755)  # its children are nobody's
        modules = "\n".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so"
            for name in ("mpm_event", "authz_core", "remoteip", "headers")
        )
        file = f"{self.folder}/apache.conf"
        with open(file, "w") as out:
            out.write(CONFIG.format(folder=self.folder, address=address, port=port, modules=modules))
        self.process = subprocess.Popen([program, "-f", file, "-DFOREGROUND"], stderr=subprocess.DEVNULL)
        wait_until(lambda: listens((address, port)), f"Apache listens on {address}:{port}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
