#!/usr/bin/env python3
"""What a tunnel costs, beside stunnel: both ends of the same kind, the same suite and key, one pair at a time.

Rounds alternate (ABAB), each with fresh processes; the ends share one core, the load has the other. The figure is work for a
second of processor time, of both ends together, so that a busy machine changes it little; medians and their spread are told,
and stunnel is 1.00.

    run.py [--gatehouse PROGRAM] [--rounds N] [--mib N] [--connections N] [--idle N]
"""
import argparse
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
EXIT, ENTRY, SERVICE, METRICS = 24443, 24432, 24400, 24900


class Service:
    """Swallows what comes, or echoes messages of 100 bytes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", SERVICE), backlog=4096)
        self.held = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    @staticmethod
    def serve(sock):
        buffer = bytearray(1 << 20)
        with sock:
            try:
                while size := sock.recv_into(buffer):
                    if size <= 100:
                        sock.sendall(buffer[:size])
            except OSError:
                pass


def write(path, text, mode=0o600):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


class Pair:
    """Both ends of one kind, on core 0."""

    def __init__(self, folder, gatehouse):
        self.folder, self.gatehouse, self.processes = folder, gatehouse, []
        self.keys = write(os.path.join(folder, "a.db.b.psk"), f"a.db.b:{secrets.token_hex(32)}\n")

    def start(self):
        for command, env in self.commands():
            self.processes.append(subprocess.Popen(["taskset", "-c", "0", *command], env={**os.environ, **env},
                                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", ENTRY)) as sock:
                    sock.sendall(b"x")
                    if sock.recv(1) == b"x":
                        return self
            except OSError:
                pass
            time.sleep(0.05)  # between two looks
        raise SystemExit(f"{self.name} does not come up")

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def cpu(self):
        total = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat") as file:
                total += sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])
        return total / TICKS

    def private_kib(self):
        total = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
        return total


class Gatehouse(Pair):
    name = "gatehouse"

    def commands(self):
        sections = {
            "exit": f"""accept: [ {{ address: "127.0.0.1:{EXIT}", secrets: {{ file: {self.keys} }},
              handshakes_per_client: 100000, handshakes: 100000, allow: [ {{ identity: a.db.b, service: db }} ] }} ]
  offer: {{ db: "127.0.0.1:{SERVICE}" }}""",
            "entry": f"""connect: [ {{ name: db, listen: "127.0.0.1:{ENTRY}",
              to: [ {{ address: "127.0.0.1:{EXIT}", secret: {{ file: {self.keys} }} }} ] }} ]""",
        }
        for number, (end, section) in enumerate(sections.items()):
            state = os.path.join(self.folder, end)
            os.makedirs(state)
            conf = write(os.path.join(self.folder, f"{end}.yaml"), f"""
node: {{ name: {end}, user: root }}
workers: 1
tunnel:
  {section}
metrics: {{ address: "127.0.0.1:{METRICS + number}" }}
logs: {{ access: {{ to: "off" }}, events: {{ to: "off" }} }}
""")
            yield [self.gatehouse, "run", "-c", conf], {"STATE_DIRECTORY": state, "RUNTIME_DIRECTORY": state}


class Stunnel(Pair):
    name = "stunnel"

    def commands(self):
        common = f"foreground = yes\npid =\ndebug = 3\noutput = /dev/null\n"
        section = (f"[db]\nciphers = PSK\nciphersuites = TLS_AES_128_GCM_SHA256\nPSKsecrets = {self.keys}\n"
                   "socket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\nsessionResume = no\n")
        ends = {"exit": f"accept = 127.0.0.1:{EXIT}\nconnect = 127.0.0.1:{SERVICE}\n",
                "entry": f"client = yes\naccept = 127.0.0.1:{ENTRY}\nconnect = 127.0.0.1:{EXIT}\n"}
        for end, text in ends.items():
            yield ["stunnel4", write(os.path.join(self.folder, f"{end}.conf"), common + section + text)], {}


def bulk(pair, options):
    """MiB for a second of processor time."""
    chunk = os.urandom(1 << 20)
    before = pair.cpu()
    with socket.create_connection(("127.0.0.1", ENTRY)) as sock:
        for _ in range(options.mib):
            sock.sendall(chunk)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1 << 16):
            pass
    return options.mib / (pair.cpu() - before)


def connections(pair, options):
    """New connections for a second of processor time; each is used once."""
    before = pair.cpu()
    for _ in range(options.connections):
        with socket.create_connection(("127.0.0.1", ENTRY)) as sock:
            sock.sendall(b"x" * 100)
            assert len(sock.recv(100)) > 0
    return options.connections / (pair.cpu() - before)


def latency(pair, options):
    """p99 of a message of 100 bytes and its echo, in microseconds."""
    times = []
    with socket.create_connection(("127.0.0.1", ENTRY)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(options.messages):
            start = time.perf_counter()
            sock.sendall(b"x" * 100)
            left = 100
            while left:
                left -= len(sock.recv(left))
            times.append((time.perf_counter() - start) * 1e6)
    return statistics.quantiles(times, n=100)[98]


def idle(pair, options):
    """KiB of private memory for an idle connection and end."""
    before = pair.private_kib()
    held = []
    try:
        for _ in range(options.idle):
            sock = socket.create_connection(("127.0.0.1", ENTRY))
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
            held.append(sock)
        return (pair.private_kib() - before) / options.idle / 2
    finally:
        for sock in held:
            sock.close()


MEASURES = {"MiB per CPU-second": bulk, "connections per CPU-second": connections, "p99 of 100 bytes, us": latency,
            "KiB per idle connection and end": idle}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--gatehouse", default=os.path.join(root, "build", "release", "gatehouse"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--idle", type=int, default=200)
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    Service()
    found = {(kind.name, measure): [] for kind in (Gatehouse, Stunnel) for measure in MEASURES}
    for _ in range(options.rounds):
        for kind in (Gatehouse, Stunnel):
            folder = tempfile.mkdtemp(prefix="gt-bench-")
            pair = kind(folder, options.gatehouse)
            try:
                pair.start()
                for measure, run in MEASURES.items():
                    found[kind.name, measure].append(run(pair, options))
            finally:
                pair.stop()
                shutil.rmtree(folder)
    print(f"{'':34}{'gatehouse':>34}{'stunnel':>34}{'ratio':>8}")
    for measure in MEASURES:
        ours, theirs = (sorted(found[kind.name, measure]) for kind in (Gatehouse, Stunnel))
        cells = [f"{statistics.median(each):,.1f} ({each[0]:,.1f}-{each[-1]:,.1f})" for each in (ours, theirs)]
        print(f"{measure:34}{cells[0]:>34}{cells[1]:>34}{statistics.median(ours) / statistics.median(theirs):8.2f}")


if __name__ == "__main__":
    main()
