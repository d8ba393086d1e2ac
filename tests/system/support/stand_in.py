"""nginx in the door's place, as far as it goes: proves that the harness works and that its tests can fail.

    pytest tests/system/test_proxying.py --stand-in nginx

Knows listeners, hosts, paths, plain backends and certificates; the rest is skipped.
"""
import glob
import json
import os
import signal
import subprocess

import pytest

from support.door import Door
from support.wait import patient

HEAD = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_header_timeout {header}; client_body_timeout {body}; send_timeout {body}; client_max_body_size 0;
  proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; proxy_read_timeout 10s;
  large_client_header_buffers 4 16k; map $http_upgrade $upgrade {{ default upgrade; '' ''; }}
  proxy_set_header Host $http_host; proxy_set_header Connection $upgrade; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Forwarded-For $remote_addr;
"""


class NginxDoor(Door):
    def spawn(self, *prefix, stdout=None):
        limits = self.config["limits"]
        text = HEAD.format(
            folder=self.folder, header=limits.get("header_time", "10s"), body=limits.get("body_idle_time", "60s")
        )
        upstreams, servers = {}, {}
        for path in sorted(glob.glob(self.path("services", "*.json"))):
            with open(path) as file:
                for one in json.load(file)["services"]:
                    upstreams.setdefault(one["name"], []).append(f"{one['address']}:{one['port']}")
                    for tag in one["tags"]:
                        if tag.startswith("gatehouse.route="):
                            self._place(tag.split("=", 1)[1].split()[0], one["name"], servers)
        for name, members in upstreams.items():
            text += f"upstream {name} {{ {' '.join(f'server {m};' for m in members)} keepalive 32; }}\n"
        for listen in self.config["listen"]:
            for (port, host), paths in servers.items():
                if port in ("", listen["address"].rsplit(":", 1)[1]):
                    text += self._server(listen, host, paths)
        file = self.path("nginx.conf")
        with open(file, "w") as out:
            out.write(text + "}\n")
        self._starts += 1
        self.stdout, self.stderr = self.path("stdout"), self.path("stderr")
        with open(self.stdout, "wb") as out, open(self.stderr, "wb") as err:
            self.process = subprocess.Popen(["nginx", "-c", file], stdout=stdout or out, stderr=err)
        return self

    @staticmethod
    def _place(route, service, servers):
        where, _, path = route.partition("/")
        host, _, port = where.partition(":")
        servers.setdefault((port, host), {})["/" + path] = service

    def _server(self, listen, host, paths):
        tls = ""
        if listen.get("tls"):
            pair = sorted(glob.glob(os.path.join(self.certificates, "*.crt")))[0]
            tls = f"ssl_certificate {pair}; ssl_certificate_key {pair[:-4]}.key;"
        places = "".join(f"location {path} {{ proxy_pass http://{name}; }}" for path, name in paths.items())
        ssl = " ssl" if tls else ""
        name = host.replace("**", "*") or "_"
        return f"server {{ listen {listen['address']}{ssl}; {tls} server_name {name}; {places} }}\n"

    def ready_or_dead(self):
        return self.process.poll() is not None or self.listening()

    def listening(self):
        try:
            self.client().close()
            return True
        except OSError:
            return False

    def stop(self, within=15.0):
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        self.process.wait(patient(within))
        self.process = None

    def command(self, verb, *arguments, within=20.0):
        pytest.skip("nginx stands in: no commands")

    def probe(self, path):
        pytest.skip("nginx stands in: no metrics address")

    def log_lines(self):
        pytest.skip("nginx stands in: no JSON log")

