"""PostgreSQL, Redis and memcached from Debian, in folders and on ports of their own; never as root, whoever runs the tests."""
import glob
import http.server
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from support.wait import patient, wait_until


def free_port(address="127.0.0.1"):
    with socket.socket() as sock:
        sock.bind((address, 0))
        return sock.getsockname()[1]


def program(name):
    """A PostgreSQL or Redis program; Debian keeps PostgreSQL's in a folder of its version."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    path = found[-1] if found else shutil.which(name)
    assert path, f"{name} is missing: see dev.d/packages.txt"
    return path


def as_nobody(*command):
    """The command, by an unprivileged user if we are root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]


class Server:
    """A process in a folder of its own, which its user may enter: those of the tests are closed to others."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="gh-db-")
        if os.geteuid() == 0:
            os.chown(self.folder, 65534, 65534)
        self.host, self.port, self.process = "127.0.0.1", free_port(), None

    def run(self, *command):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                as_nobody(*command), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder
            )

    def kill(self):
        """At once, as a machine that loses its power."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(patient(10))
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    """A PostgreSQL, or a standby that streams from one. `judge` answers /primary as Patroni does."""

    def __init__(self, standby_of=None):
        super().__init__()
        data = os.path.join(self.folder, "data")
        self.data = data
        if standby_of is None:
            self._do("initdb", "-D", data, "-U", "app", "-A", "trust", "--no-sync")
            with open(os.path.join(data, "postgresql.conf"), "a") as file:
                file.write("fsync = off\nwal_level = replica\nmax_wal_senders = 4\n")
        else:
            self._do("pg_basebackup", "-h", standby_of.host, "-p", str(standby_of.port), "-U", "app", "-D", data, "-R",
                     "-c", "fast", "--no-sync")
        self.start()
        self.judge = Judge(self)

    def _do(self, name, *arguments):
        done = subprocess.run(as_nobody(program(name), *arguments), capture_output=True, text=True, cwd=self.folder,
                              timeout=patient(120))
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"

    def start(self):
        self.run(program("postgres"), "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", f"unix_socket_directories={self.folder}")
        wait_until(lambda: self.ask("select 1") == "1", "PostgreSQL answers", within=30)

    def ask(self, sql):
        return ask_postgres((self.host, self.port), sql)

    def promote(self):
        self._do("pg_ctl", "promote", "-D", self.data)

    def is_primary(self):
        return self.ask("select pg_is_in_recovery()") == "f"

    def stop(self):
        self.judge.stop()
        super().stop()


def ask_postgres(address, sql):
    """The answer of a new session; None: there was none."""
    done = subprocess.run(
        ["psql", "-h", address[0], "-p", str(address[1]), "-U", "app", "-d", "postgres", "-Atqc", sql],
        capture_output=True, text=True, timeout=patient(20), env={**os.environ, "PGCONNECT_TIMEOUT": "5"},
    )
    return done.stdout.strip() if done.returncode == 0 else None


class Judge:
    """GET /primary: 200 if its PostgreSQL is one, else 503."""

    def __init__(self, postgres):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/primary" and postgres.is_primary() else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Redis(Server):
    def __init__(self, *options, replica_of=None):
        super().__init__()
        follow = ["--replicaof", f"{replica_of.host} {replica_of.port}"] if replica_of else []
        self.run(program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder,
                 "--save", "", "--repl-diskless-sync-delay", "0", *follow, *options)
        wait_until(lambda: self.ask("PING"), "Redis answers", within=20)

    def ask(self, *words):
        return ask_redis((self.host, self.port), *words)


class Memcached(Server):
    def __init__(self):
        super().__init__()
        self.run(program("memcached"), "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-I", "8m", "-m", "64")
        wait_until(lambda: ask_memcached((self.host, self.port), b"version\r\n", b"\r\n"), "memcached answers", within=20)


def ask_memcached(address, command, end):
    """What is said up to `end`, on a new connection; None: nobody answers."""
    try:
        with socket.create_connection(address, timeout=patient(20)) as sock:
            sock.sendall(command)
            said = b""
            while not said.endswith(end):
                more = sock.recv(1 << 16)
                if not more:
                    return None
                said += more
            return said
    except ConnectionError:
        return None


def ask_redis(address, *words):
    """The first line of the answer on a new connection; None: there was none."""
    request = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    try:
        with socket.create_connection(address, timeout=patient(5)) as sock:
            sock.sendall(request.encode())
            with sock.makefile("rb") as lines:
                line = lines.readline().strip().decode()
                return lines.readline().strip().decode() if line.startswith("$") else line
    except OSError:
        return None
