"""A real nginx, as the applications have one in front: reads the PROXY header, and says in its answer what it saw."""
import shutil
import subprocess
import tempfile

import pytest

from support.addresses import listens
from support.wait import wait_until

CONFIG = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/nginx.pid; worker_rlimit_nofile 512;
events {{ worker_connections 256; }}
http {{
  access_log {log};
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {servers}
}}
"""
SERVER = """
  server {{
    listen {address}:{port}{protocol}; server_name _;
    set_real_ip_from 127.0.0.1; set_real_ip_from {trusted}; real_ip_header {real_ip}; real_ip_recursive on;
    add_header X-Backend {name} always; add_header X-Client $remote_addr always;
    add_header X-Scheme $http_x_forwarded_proto always; add_header X-Host $http_host always;
    location = /status {{ return 200 ok; }}
    location /missing {{ return 404 missing; }}
    location /app/ {{ proxy_pass http://{application}; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }}
    location / {{ return 200 $request_uri; }}
  }}
"""
FRONT = """
  server {{
    listen {at};
    location / {{
      proxy_pass http://{to}; proxy_bind {source}; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
    }}
  }}
"""


class Nginx:
    """servers      {name: (address, port, reads the PROXY header)}
    trusted      whose X-Forwarded-For counts beside the door's
    application  what stands behind, for /app/
    front        (at, source, to): a server that leads to a door, from that address
    logs         it writes an access log, in its usual form
    """

    def __init__(self, servers, trusted, application="127.0.0.1:1", front=None, logs=False):
        if not shutil.which("nginx"):
            pytest.skip("no nginx here")
        self.folder = tempfile.mkdtemp(prefix="gh-nginx-")
        text = "".join(
            SERVER.format(
                name=name, address=address, port=port, trusted=trusted, application=application, protocol=" proxy_protocol" if proxy else "",
                real_ip="proxy_protocol" if proxy else "X-Forwarded-For",
            )
            for name, (address, port, proxy) in servers.items()
        )
        if front:
            at, source, to = front
            text += FRONT.format(at=at, source=source, to=to)
        file = f"{self.folder}/nginx.conf"
        with open(file, "w") as out:
            self.access_log = f"{self.folder}/access.log"
            out.write(CONFIG.format(folder=self.folder, servers=text, log=self.access_log if logs else "off"))
        self.process = subprocess.Popen(["nginx", "-c", file], stderr=subprocess.DEVNULL)
        for address, port, _ in servers.values():
            wait_until(lambda: listens((address, port)), f"nginx listens on {address}:{port}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
