"""The servers under test: how each is configured, started, watched and stopped. To add one, add an entry to SERVERS."""

import grp
import http.client
import os
import pwd
import re
import shutil
import ssl
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Optional

import machine

HERE = Path(__file__).resolve().parent
USER = "nobody"  # whom every server that can drop its privileges drops them to
FIRST_PORT = 21000
NGINX_BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so")
BACKEND_PORT, SINK_PORT = FIRST_PORT, FIRST_PORT + 1


@dataclass(frozen=True)
class Setup:
    """What a row wants of every server."""

    workers: int = 1
    log: bool = False


@dataclass(frozen=True)
class Server:
    name: str
    title: str
    program: str  # what is looked for, unless another path is given
    command: tuple  # with @KEYS@
    files: dict  # template in peers/ to the name it gets in the server's folder
    keys: Callable[[Setup, Path], dict]  # what the templates want beyond COMMON keys
    version: Callable[[str], str]  # from the path of the program
    variant: bool = False  # another configuration of a peer, shown only in the rows that ask for it


class Failed(Exception):
    """A server that did not start, with its last words."""


def fill(text, keys):
    return re.sub(r"@([A-Z_0-9]+)@", lambda key: str(keys[key[1]]), text)


def output_of(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    return done.stdout


def first(pattern, text):
    found = re.search(pattern, text)
    return found[1] if found else "unknown"


def nginx_keys(setup, folder):
    numbers = re.findall(r"\d+", first(r"nginx/(\S+)", output_of("nginx", "-v")))
    modern = tuple(map(int, numbers)) >= (1, 25, 1)  # where http2 became a directive of its own
    brotli = NGINX_BROTLI.exists()  # else its answer is not compressed, and the row compares nothing
    return {
        "BROTLI_MODULE": f"load_module {NGINX_BROTLI};" if brotli else "",
        "BROTLI": "brotli on; brotli_comp_level 4; brotli_window 256k;" if brotli else "",
        "ACCESS_LOG": f"{folder}/access.log bench buffer=64k flush=1s" if setup.log else "off",
        "LISTEN_HTTP2": "" if modern else " http2",
        "HTTP2": "http2 on;" if modern else "",
        "BUFFER": "16k", "BUFFERS": "32 16k", "BUSY": "128k", "TICKETS": "off",
    }  # fmt: skip


def nginx_64k_keys(setup, folder):
    return {**nginx_keys(setup, folder), "BUFFER": "64k", "BUFFERS": "16 64k", "BUSY": "512k"}


def nginx_tickets_keys(setup, folder):
    return {**nginx_keys(setup, folder), "TICKETS": "on"}


def nginx_version(program):
    told = output_of(program, "-V")
    built, running = (re.search(rf"{word} with OpenSSL (\S+)", told) for word in ("built", "running"))
    library = running or built  # the first is said only where they differ
    return first(r"nginx/(\S+)", told) + ", OpenSSL " + (library[1] if library else "unknown")


HAPROXY_LOG = """  log ring@access len 2048 format raw local0
  capture request header Host len 64
  unique-id-format %[uuid()]
  log-format '{"time":"%tr","client_address":"%ci","method":"%HM","host":"%[capture.req.hdr(0)]","path":"%HU",\
"status":%ST,"bytes_in":%U,"bytes_out":%B,"duration_ms":%Ta,"connect_ms":%Tc,"first_byte_ms":%Tr,"service":"%b",\
"endpoint":"%si:%sp","attempts":"%rc","termination":"%ts","tls_version":"%sslv","http_version":"%HV",\
"request_id":"%ID"}'"""


def haproxy_keys(setup, _folder):
    return {"ACCESS_LOG": HAPROXY_LOG if setup.log else "  no log", "SPLICE": "", "PIPE_SIZE": ""}


def haproxy_splice_keys(setup, folder):
    splice = {"SPLICE": "  option splice-request\n  option splice-response", "PIPE_SIZE": "  tune.pipesize 1048576"}
    return {**haproxy_keys(setup, folder), **splice}


def haproxy_version(program):
    told = output_of(program, "-vv")
    return first(r"version (\S+)", told) + ", OpenSSL " + first(r"Running on OpenSSL version : OpenSSL (\S+)", told)


ENVOY_FIELDS = {
    "time": "START_TIME", "client_address": "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "method": "REQ(:METHOD)",
    "host": "REQ(:AUTHORITY)", "path": "REQ(:PATH)", "status": "RESPONSE_CODE", "bytes_in": "BYTES_RECEIVED",
    "bytes_out": "BYTES_SENT", "duration_ms": "DURATION", "first_byte_ms": "RESPONSE_DURATION",
    "service": "UPSTREAM_CLUSTER", "endpoint": "UPSTREAM_HOST", "attempts": "UPSTREAM_REQUEST_ATTEMPT_COUNT",
    "termination": "RESPONSE_FLAGS", "tls_version": "DOWNSTREAM_TLS_VERSION", "http_version": "PROTOCOL",
    "request_id": "REQ(X-REQUEST-ID)",
}  # fmt: skip


def envoy_keys(setup, folder):
    fields = ", ".join(f'{name}: "%{operator}%"' for name, operator in ENVOY_FIELDS.items())
    kind = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
    logger = (
        f'{{ name: file, typed_config: {{ "@type": {kind}, path: {folder}/access.log, '
        f"log_format: {{ json_format: {{ {fields} }} }} }} }}"
    )
    return {"LOG": str(setup.log).lower(), "ACCESS_LOG": f"[ {logger} ]" if setup.log else "[]"}


def envoy_version(program):
    told = output_of(program, "--version")
    return first(r"/(\d+\.\d+\.\d+)/", told) + ", " + first(r"/([A-Za-z]*SSL)", told)


def gatehouse_keys(setup, folder):
    return {"ACCESS_LOG": f"{{ to: {folder}/access.log, format: json }}" if setup.log else "{ to: off }"}


def gatehouse_version(program):
    return " ".join(output_of(program, "--version").split())


NGINX = Server(
    "nginx", "nginx", "nginx", ("@PROGRAM@", "-e", "@FOLDER@/error.log", "-c", "@FOLDER@/nginx.conf"),
    {"nginx.conf.in": "nginx.conf"}, nginx_keys, nginx_version,
)  # fmt: skip
HAPROXY = Server(
    "haproxy", "HAProxy", "haproxy", ("@PROGRAM@", "-db", "-f", "@FOLDER@/haproxy.cfg"),
    {"haproxy.cfg.in": "haproxy.cfg"}, haproxy_keys, haproxy_version,
)  # fmt: skip
SERVERS = [  # the first that is there is the measure of the others
    NGINX,
    replace(NGINX, name="nginx-64k", title="nginx, 64 KiB buffers", keys=nginx_64k_keys, variant=True),
    replace(NGINX, name="nginx-tickets", title="nginx, tickets", keys=nginx_tickets_keys, variant=True),
    HAPROXY,
    replace(HAPROXY, name="haproxy-splice", title="HAProxy, splice", keys=haproxy_splice_keys, variant=True),
    Server(
        "envoy", "Envoy", "envoy",
        ("@PROGRAM@", "-c", "@FOLDER@/envoy.yaml", "--concurrency", "@WORKERS@", "--log-level", "error",
         "--disable-hot-restart"),
        {"envoy.yaml.in": "envoy.yaml"}, envoy_keys, envoy_version,
    ),
    Server(
        "gatehouse", "gatehouse", "gatehouse", ("@PROGRAM@", "run", "-c", "@FOLDER@/gatehouse.yaml"),
        {"gatehouse.yaml.in": "gatehouse.yaml", "gatehouse_service.json.in": "services/backend.json"},
        gatehouse_keys, gatehouse_version,
    ),
]  # fmt: skip


class Place:
    """Where the servers live while they are measured: one folder, one certificate, their ports."""

    def __init__(self, folder, programs):
        self.folder = Path(folder)
        self.programs = programs  # server name to path
        self.folder.chmod(0o755)
        self.certificates = self.folder / "certificates"
        self._make_certificate()
        self.files = self.folder / "files"  # what file servers serve
        self._make_files()

    def _make_files(self):
        static = self.files / "static"
        static.mkdir(parents=True)
        (static / "1k").write_bytes(bytes(range(256)) * 4)
        (static / "1m").write_bytes(bytes(range(256)) * 4096)
        lines = (f"<p>line {n} of a page, {n * n % 9973} and so on</p>\n" for n in range(2500))
        (static / "page.html").write_text("".join(lines))
        self._give_to_user(self.files)

    def _make_certificate(self):
        self.certificates.mkdir()
        crt, key = self.certificates / "localhost.crt", self.certificates / "localhost.key"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
        command = ["openssl", "req", *kind, *subject, "-keyout", str(key), "-out", str(crt)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        key.chmod(0o600)
        self._give_to_user(self.certificates)
        self.pem = self.folder / "both.pem"  # HAProxy's form, read before it drops its privileges
        self.pem.touch(0o600)
        self.pem.write_text(crt.read_text() + key.read_text())

    @staticmethod
    def _give_to_user(folder):
        user = pwd.getpwnam(USER)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid)

    def settle(self, server, setup):
        """Writes a server's configuration; returns what the templates were filled with."""
        folder = self.folder / server.name
        shutil.rmtree(folder, ignore_errors=True)
        port = FIRST_PORT + 10 + 10 * [each.name for each in SERVERS].index(server.name)
        keys = {
            "PROGRAM": self.programs[server.name], "FOLDER": folder, "CERTIFICATES": self.certificates, "PEM": self.pem,
            "USER": USER, "GROUP": group_of(USER), "WORKERS": setup.workers, "FILES": machine.file_limit(),
            "FILES_ROOT": self.files, "BACKEND": BACKEND_PORT, "SINK": SINK_PORT, "PLAIN": port, "TLS": port + 1, "METRICS": port + 2,
            **server.keys(setup, folder),
        }  # fmt: skip
        for template, name in server.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fill((HERE / "peers" / template).read_text(), keys))
        (folder / "state").mkdir()
        self._give_to_user(folder)
        return keys


def group_of(user):
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


class Running:
    """One server, answering. Ends with stop()."""

    def __init__(self, server: Server, setup: Setup, place: Place, processors, environment: Optional[dict] = None):
        self.server, self.setup = server, setup
        keys = place.settle(server, setup)
        self.port, self.tls_port, self.folder = keys["PLAIN"], keys["TLS"], keys["FOLDER"]
        self.output = self.folder / "output.txt"
        command = machine.pinned(processors, [fill(word, keys) for word in server.command])
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            for pid in machine.process_tree(self.pid):
                os.kill(pid, 9)
            self.process.wait()

    def clear_log(self):
        """An access log must not fill the disk: what a run wrote is dropped after it."""
        log = self.folder / "access.log"
        if log.exists():
            os.truncate(log, 0)

    def _wait_until_it_answers(self):
        end = time.monotonic() + 15
        while True:
            try:
                return self._ask(False), self._ask(True)
            except (OSError, http.client.HTTPException) as why:
                if self.process.poll() is None and time.monotonic() < end:
                    time.sleep(0.05)  # sleep: between two tries
                    continue
                last_words = self.output.read_text(errors="replace").strip()[-600:]
                raise Failed(f"{self.server.title} does not answer ({why})\n{last_words}") from None

    def _ask(self, tls):
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        if tls:
            connection = http.client.HTTPSConnection("localhost", self.tls_port, timeout=2, context=trust)
        else:
            connection = http.client.HTTPConnection("localhost", self.port, timeout=2)
        connection.request("GET", "/1k")
        response = connection.getresponse()
        if response.status != 200 or len(response.read()) != 1024:
            raise http.client.HTTPException(f"it answered {response.status}")
        connection.close()
