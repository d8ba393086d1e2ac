#!/usr/bin/env python3
"""What many services cost: memory, the time until a change is served, and a request's processor time with 10 and with
10,000 services of three endpoints, beside nginx and HAProxy with the same routes. docs/benchmarks.md explains."""

import sys

sys.dont_write_bytecode = True

import argparse
import json
import os
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path

from processes import DOOR_PORT, ROOT, Backend, Failed, Process, free_port, wait_until

FEW, REQUESTS = 10, 20_000


def parse(arguments):
    options = argparse.ArgumentParser(prog="./dev bench size", description=__doc__)
    options.add_argument("--services", type=int, default=10_000, help="of three endpoints each (10000)")
    options.add_argument("--binary", type=Path, default=ROOT / "build/release/gatehouse", help="the door")
    options.add_argument("--only", help="servers, by commas: gatehouse,haproxy,nginx")
    return options.parse_args(arguments)


class Gatehouse:
    name, program = "gatehouse", None

    def __init__(self, binary):
        self.binary = binary

    def write(self, folder, count, port):
        os.makedirs(f"{folder}/state", exist_ok=True)
        os.makedirs(f"{folder}/services", exist_ok=True)
        services = [
            {"id": f"s{n}-{i}", "name": f"s{n}", "address": f"127.0.1.{i + 1}", "port": port,
             "tags": [f"gatehouse.route=s{n}.test"]} for n in range(count) for i in range(3)
        ]  # fmt: skip
        fresh = Path(folder) / "services.new"
        fresh.write_text(json.dumps({"services": services}))
        fresh.rename(f"{folder}/services/all.json")
        Path(folder, "gatehouse.yaml").write_text(
            f"node: {{ name: bench, user: root, state: {folder}/state }}\nworkers: 1\n"
            f"listen: [{{ name: http, address: '127.0.0.1:{DOOR_PORT}' }}]\ncatalog: {{ files: {folder}/services }}\n"
            f"certificates: {{ files: none }}\nadmin: {{ socket: {folder}/admin.sock }}\n"
            f"metrics: {{ address: '127.0.0.1:{free_port()}' }}\n"
            "limits: { keep_alive_requests: 1000000 }\nlogs: { access: { to: off }, events: { to: off } }\n"
        )

    def command(self, folder):
        return [self.binary, "run", "-c", f"{folder}/gatehouse.yaml"]

    def reload(self, process, folder):
        """The folder is watched: there is nothing to do."""


class HAProxy:
    name = program = "haproxy"

    def write(self, folder, count, port):
        text = ["global", f"  pidfile {folder}/pid", "  nbthread 1", "defaults", "  mode http",
                "  timeout connect 2s", "  timeout client 60s", "  timeout server 60s",
                "frontend http", f"  bind 127.0.0.1:{DOOR_PORT}", f"  use_backend %[req.hdr(host),map({folder}/hosts)]"]  # fmt: skip
        for n in range(count):
            text.append(f"backend s{n}")
            text += [f"  server e{i} 127.0.1.{i + 1}:{port}" for i in range(3)]
        Path(folder, "hosts").write_text("".join(f"s{n}.test s{n}\n" for n in range(count)))
        Path(folder, "haproxy.cfg").write_text("\n".join(text) + "\n")

    def command(self, folder):
        return ["haproxy", "-W", "-f", f"{folder}/haproxy.cfg"]

    def reload(self, process, folder):
        os.kill(process.child.pid, signal.SIGUSR2)


class Nginx:
    name = program = "nginx"

    def write(self, folder, count, port):
        text = [f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log warn;",
                "events { worker_connections 4096; }", "http {", "access_log off; keepalive_requests 1000000;",
                "server_names_hash_max_size 65536; server_names_hash_bucket_size 128;"]  # fmt: skip
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            text.append(f"{kind}_temp_path {folder}/{kind};")
        for n in range(count):
            servers = " ".join(f"server 127.0.1.{i + 1}:{port};" for i in range(3))
            text.append(f"upstream s{n} {{ {servers} keepalive 8; }}")
            text.append(
                f"server {{ listen 127.0.0.1:{DOOR_PORT}; server_name s{n}.test; location / {{ proxy_pass http://s{n};"
                ' proxy_http_version 1.1; proxy_set_header Connection ""; } }'
            )
        Path(folder, "nginx.conf").write_text("\n".join(text) + "\n}\n")

    def command(self, folder):
        return ["nginx", "-c", f"{folder}/nginx.conf"]

    def reload(self, process, folder):
        os.kill(process.child.pid, signal.SIGHUP)


def ask(sock, host):
    sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        got = sock.recv(65536)
        if not got:
            raise OSError("closed")
        answer += got
    head, body = answer.split(b"\r\n\r\n", 1)
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += sock.recv(65536)
    return head[9:12] == b"200"


def serves(host):
    try:
        with socket.create_connection(("127.0.0.1", DOOR_PORT), timeout=5) as sock:
            return ask(sock, host)
    except (OSError, StopIteration):
        return False


def processor_time(process):
    """Of the group, in seconds."""
    ticks = 0
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.getpgid(int(entry)) == process.child.pid:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except (OSError, ProcessLookupError):
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def cost(process, count):
    """Processor microseconds for a request, over ten hosts spread over all, so that connections to endpoints are as warm
    with many services as with few, on kept connections."""
    began, sock = processor_time(process), None
    for n in range(REQUESTS):
        if n % 1000 == 0:  # servers end a connection after so many
            if sock:
                sock.close()
            sock = socket.create_connection(("127.0.0.1", DOOR_PORT), timeout=10)
        ask(sock, f"s{n % FEW * count // FEW}.test")
    sock.close()
    return (processor_time(process) - began) / REQUESTS * 1e6


def measure(server, count, backend):
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        os.chmod(folder, 0o755)
        server.write(folder, count, backend.port)
        began = time.monotonic()
        process = Process(server.command(folder), folder, server.name)
        try:
            wait_until(lambda: serves(f"s{count - 1}.test"), f"{server.name} serves", within=120)
            started = time.monotonic() - began
            first = cost(process, count)
            memory = process.rss()
            server.write(folder, count + 1, backend.port)
            began = time.monotonic()
            server.reload(process, folder)
            wait_until(lambda: serves(f"s{count}.test"), f"{server.name} serves the new one", within=120)
            return {"start": started, "memory": memory, "cost": first, "change": time.monotonic() - began}
        finally:
            process.end()


def main():
    options = parse(sys.argv[1:])
    print("| server | services | memory | start | a change is served after | processor time for a request |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        backend = Backend(options.binary, folder, "backend", address="0.0.0.0")
        try:
            for server in (Gatehouse(options.binary), HAProxy(), Nginx()):
                left_out = options.only and server.name not in options.only.split(",")
                if left_out or (server.program and not shutil.which(server.program)):
                    continue
                few = None
                for count in (FEW, options.services):
                    got = measure(server, count, backend)
                    ratio = f" ({got['cost'] / few['cost']:.2f} of that with {FEW})" if few else ""
                    few = few or got
                    print(f"| {server.name} | {count} | {got['memory'] / 2**20:.1f} MiB | {got['start']:.2f} s | "
                          f"{got['change']:.2f} s | {got['cost']:.1f} us{ratio} |", flush=True)  # fmt: skip
        finally:
            backend.process.end()


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        raise SystemExit(f"bench: {failed}")
