"""What is measured with: a Consul, backends, and the doors that follow its catalog, each by the way its users take."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOOR_PORT = 22800
SLOTS = 10  # servers that HAProxy keeps room for


class Failed(Exception):
    """Something did not start, or did not come to be in time."""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until(condition, what, within=30.0, every=0.01):
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not within {within:g} s: {what}")
        time.sleep(every)  # between two looks


def tool(name):
    """The path of a program that tests/tools builds; None, and why, where it can't be had."""
    done = subprocess.run([ROOT / "tests" / "tools" / name], capture_output=True, text=True)
    return (done.stdout.strip(), None) if done.returncode == 0 else (None, done.stderr.strip())


class Process:
    """A child of its own group; ended with all its children."""

    def __init__(self, command, folder, name):
        self.log = Path(folder) / f"{name}.log"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [str(word) for word in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def end(self, number=signal.SIGKILL):
        if self.child.poll() is None:
            os.killpg(self.child.pid, number)
        self.child.wait()

    def rss(self):
        """Proportional set of the whole group, in bytes."""
        total = 0
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.getpgid(int(entry)) == self.child.pid:
                    with open(f"/proc/{entry}/smaps_rollup") as file:
                        total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            except (OSError, ProcessLookupError):
                continue
        return total * 1024


class Consul:
    """A single agent in its development mode, with DNS."""

    def __init__(self, binary, folder, *more):
        self.http, self.dns = free_port(), free_port()
        ports = [f"-server-port={free_port()}", f"-serf-lan-port={free_port()}", f"-serf-wan-port={free_port()}"]
        self.process = Process(
            [binary, "agent", "-dev", "-bind=127.0.0.1", "-log-level=warn", f"-http-port={self.http}",
             f"-dns-port={self.dns}", "-grpc-port=-1", *ports, *more], folder, "consul",
        )  # fmt: skip
        wait_until(self.has_leader, "Consul has a leader")

    def has_leader(self):
        try:
            return len(self.ask("GET", "/v1/status/leader")) > 4
        except OSError:
            return False

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=10)
        connection.request(method, path, body=json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise Failed(f"{method} {path}: {answer.status} {text[:200]}")
        return text

    def register(self, id, port):
        """No check of Consul's, so that what is measured is the catalog's way and not the pace of checks."""
        tags = ["gatehouse.route=web.test"]
        self.ask("PUT", "/v1/agent/service/register",
                 {"ID": id, "Name": "web", "Address": "127.0.0.1", "Port": port, "Tags": tags})  # fmt: skip

    def deregister(self, id):
        self.ask("PUT", f"/v1/agent/service/deregister/{id}")


class Backend:
    """Answers every request with its name, from a process of its own."""

    def __init__(self, binary, folder, name, address="127.0.0.1"):
        self.name, self.port = name, free_port()
        command = [binary, "demo-backend", "--listen", f"{address}:{self.port}", "--name", name]
        self.process = Process(command, folder, name)
        wait_until(self.listens, f"backend {name}")

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Door:
    """One of the programs compared. `start` gives its process; it listens on DOOR_PORT."""

    name = title = ""

    def missing(self):
        """Why it can't be measured here; None: it can."""


class Gatehouse(Door):
    name, title = "gatehouse", "gatehouse, blocking queries"

    def __init__(self, binary):
        self.binary = binary

    def start(self, folder, consul):
        config = Path(folder) / "gatehouse.yaml"
        config.write_text(
            f"node: {{ name: bench, user: root, state: {folder}/state }}\n"
            f"listen: [{{ name: http, address: '127.0.0.1:{DOOR_PORT}' }}]\n"
            f"catalog: {{ consul: [{{ address: 'http://127.0.0.1:{consul.http}' }}] }}\n"
            f"certificates: {{ files: none }}\nadmin: {{ socket: {folder}/admin.sock }}\n"
            f"metrics: {{ address: '127.0.0.1:{free_port()}' }}\n"
            "limits: { connections_per_client: 10000 }\nlogs: { access: { to: off }, events: { to: stdout } }\n"
        )
        os.makedirs(f"{folder}/state", exist_ok=True)
        return [Process([self.binary, "run", "-c", config], folder, self.name)]


class HAProxy(Door):
    name, title = "haproxy", "HAProxy, Consul's DNS (SRV, each second)"

    def missing(self):
        return None if shutil.which("haproxy") else "haproxy is not installed"

    def start(self, folder, consul):
        config = Path(folder) / "haproxy.cfg"
        config.write_text(f"""
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option redispatch
  retries 3
resolvers consul
  nameserver agent 127.0.0.1:{consul.dns}
  accepted_payload_size 8192
  timeout resolve 1s
  timeout retry 1s
  hold valid 1s
frontend http
  bind 127.0.0.1:{DOOR_PORT}
  default_backend web
backend web
  balance roundrobin
  server-template web {SLOTS} _web._tcp.service.consul resolvers consul resolve-prefer ipv4 init-addr none check
""")
        return [Process(["haproxy", "-f", config], folder, self.name)]


class Nginx(Door):
    name, title = "nginx", "nginx, reloaded by consul-template"

    def __init__(self):
        self.template, self.why = tool("consul-template")

    def missing(self):
        return None if shutil.which("nginx") and self.template else self.why or "nginx is not installed"

    def start(self, folder, consul):
        upstream, config = Path(folder) / "upstream.conf", Path(folder) / "nginx.conf"
        template = Path(folder) / "upstream.ctmpl"
        template.write_text(
            'upstream web { {{ range service "web" }}server {{ .Address }}:{{ .Port }};\n{{ else }}server 127.0.0.1:9;'
            "{{ end }} keepalive 32; }\n"
        )
        upstream.write_text("upstream web { server 127.0.0.1:9; }\n")
        config.write_text(f"""
daemon off; worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {upstream};
  server {{
    listen 127.0.0.1:{DOOR_PORT};
    location / {{
      proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_next_upstream error timeout; proxy_connect_timeout 2s;
    }}
  }}
}}
""")
        nginx = Process(["nginx", "-c", config], folder, self.name)
        reload = f"{template}:{upstream}:kill -HUP {nginx.child.pid}"
        follower = [self.template, "-consul-addr", f"127.0.0.1:{consul.http}", "-template", reload]
        return [nginx, Process(follower, folder, "consul-template")]
