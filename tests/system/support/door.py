"""The door under test: the one place that knows how the product is configured, started, asked and stopped."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

from support import addresses, process, wire, yaml
from support.catalog import Catalog
from support.client import Client, ask
from support.wait import patient, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BINARY = os.environ.get("GATEHOUSE_BINARY") or os.path.join(ROOT, "build", "release", "gatehouse")
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|: runtime error: |SUMMARY: \w+Sanitizer"
)


def merged(base, change):
    """`base` with `change` laid over it; None takes a key away."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class Door:
    """A gatehouse process with a folder and an address of its own.

    config    laid over the usual gatehouse.yaml (see usual_config)
    tls       there is a TLS listener; pairs are read from `certificates`
    """

    def __init__(self, folder, config=None, tls=False, env=None, name="door"):
        self.folder, self.name, self.tls = str(folder), name, tls
        os.makedirs(self.folder, exist_ok=True)
        self.run_folder = tempfile.mkdtemp(prefix="gh-")  # short: a Unix socket's path holds 107 bytes
        self.address = addresses.free_address()
        self.http = (self.address, addresses.HTTP)
        self.https = (self.address, addresses.HTTPS)
        self.metrics_address = (self.address, addresses.METRICS)
        self.prober = None  # the address from which the metrics are asked, where not everybody may
        self.catalog = Catalog(self.path("services"))
        self.certificates = self.path("certificates")
        self.file = self.path("gatehouse.yaml")
        self.access_log = self.path("access.log")
        self.env = env or {}
        self.process = None
        self.exit_code_expected = 0
        self._starts = 0
        os.makedirs(self.path("state"), exist_ok=True)
        os.makedirs(self.certificates, exist_ok=True)
        self.config = merged(self.usual_config(), config or {})
        self.write_config()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def usual_config(self):
        listen = [{"name": "http", "address": f"{self.address}:{addresses.HTTP}"}]
        if self.tls:
            listen.append({"name": "https", "address": f"{self.address}:{addresses.HTTPS}", "tls": True})
        return {
            "node": {"name": self.name, "user": "root"} if os.geteuid() == 0 else {"name": self.name},
            "workers": 2,
            "listen": listen,
            "catalog": {"files": "services"},
            "certificates": {"files": "certificates"},
            "metrics": {"address": f"{self.address}:{addresses.METRICS}"},
            # Clients of tests ask as often as they like: what a connection may carry has tests of its own.
            "limits": {"shutdown_time": "5s", "keep_alive_requests": 1_000_000_000},
            "logs": {"access": {"to": self.access_log}, "events": {"to": "stdout", "level": "info"}},
        }

    def write_config(self, config=None):
        if config is not None:
            self.config = config
        return self.write_text(yaml.dump(self.config) + "\n")

    def change_config(self, change):
        """Rewrites gatehouse.yaml with `change` laid over it; nothing is applied before `reload`."""
        return self.write_config(merged(self.config, change))

    def write_text(self, text):
        fresh = self.file + ".new"
        with open(fresh, "w") as file:
            file.write(text)
        os.replace(fresh, self.file)
        return self.file

    # -- the process ------------------------------------------------------------------------------------------------

    def environment(self):
        return {
            **os.environ,
            "STATE_DIRECTORY": self.path("state"),
            "RUNTIME_DIRECTORY": self.run_folder,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=1:exitcode=66"),
            "UBSAN_OPTIONS": os.environ.get("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1"),
            "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "exitcode=66"),
            **self.env,
        }

    def spawn(self, *prefix, stdout=None, options=()):
        """Starts the process without waiting; `prefix` is a command to run it under (prlimit, setpriv …)."""
        self._starts += 1
        self.stdout, self.stderr = self.path(f"stdout.{self._starts}"), self.path(f"stderr.{self._starts}")
        with open(self.stdout, "wb") as out, open(self.stderr, "wb") as err:
            self.process = subprocess.Popen(
                [*prefix, BINARY, "run", "-c", self.file, *options], stdout=stdout or out, stderr=err, stdin=subprocess.DEVNULL,
                env=self.environment(), cwd=self.folder,
            )
        return self

    def start(self, *prefix, stdout=None):
        """Starts and waits until the door says it is ready. `stdout`: a descriptor in place of the file."""
        self.spawn(*prefix, stdout=stdout)
        wait_until(self.ready_or_dead, lambda: f"ready; it says:\n{self.output()[-3000:]}", within=10.0)
        self.assert_alive()
        return self

    def take_over(self):
        """Starts a new process in place of the one that runs, which drains from then on; gives that one."""
        before = self.process
        self.spawn(options=["--takeover"])
        wait_until(self.serves_or_dead, lambda: f"the takeover; it says:\n{self.output()[-3000:]}", within=15.0)
        self.assert_alive()
        return before

    def serves_or_dead(self):
        if self.process.poll() is not None:
            return True
        status = self.status()
        return status["pid"] == self.pid and status["ready"]

    def ready_or_dead(self):
        return self.process.poll() is not None or self.probe("/readyz") == 200

    def assert_alive(self):
        assert self.process.poll() is None, f"the door ended with {self.process.returncode}:\n{self.output()[-4000:]}"

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        """All that the door wrote to stdout and stderr since its start."""
        text = ""
        for path in (self.stdout, self.stderr):
            with open(path, errors="replace") as file:
                text += file.read()
        return text

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, within=15.0):
        """SIGTERM, and the end it must come to: exit code 0, nothing said by a sanitizer."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(patient(within))
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"still running {within:g} s after SIGTERM:\n{self.output()[-4000:]}") from None
        self.assert_quiet()
        code, self.process = self.process.returncode, None
        assert code == self.exit_code_expected, f"exit code {code}:\n{self.output()[-4000:]}"

    def kill(self):
        """SIGKILL: the door dies as in a crash."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def discard(self):
        """Removes what is outside the test's folder, and the process if a failed test left it."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.run_folder, ignore_errors=True)

    def assert_quiet(self):
        """No sanitizer has complained."""
        if self._starts:
            output = self.output()
            found = SANITIZER_REPORT.search(output)
            assert not found, output[found.start() : found.start() + 6000]

    # -- asking it --------------------------------------------------------------------------------------------------

    def ask(self, target="/", method="GET", **more):
        return ask(self.http, method, target, **more)

    def client(self, **more):
        return Client(self.http, **more)

    def tls_client(self, authority, sni="door.test", **more):
        return Client(self.https, tls=authority.trust(), sni=sni, **more)

    def probe(self, path):
        """The status that the metrics address answers; 0: nobody answers there (yet)."""
        try:
            return self.ask_metrics(path, timeout=5).status
        except (OSError, wire.Closed):
            return 0

    def ask_metrics(self, path, **more):
        return ask(self.metrics_address, target=path, host="%s:%d" % self.metrics_address, source=self.prober, **more)

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels; None if there is none."""
        found = None
        for line in self.ask_metrics("/metrics?endpoints=1").text.splitlines():
            match = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)(?: \d+)?", line)
            if match and all(f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()):
                found = (found or 0.0) + float(match[2])
        return found

    def command_line(self, verb, *arguments):
        return [BINARY, verb, *arguments]

    def command(self, verb, *arguments, within=20.0):
        """Runs `gatehouse VERB …` as an operator on the same machine does."""
        return subprocess.run(
            self.command_line(verb, *arguments), capture_output=True, text=True, env=self.environment(),
            cwd=self.folder, timeout=patient(within), stdin=subprocess.DEVNULL,
        )

    def do(self, verb, *arguments, **more):
        """A command that must succeed; what it printed."""
        done = self.command(verb, *arguments, **more)
        assert done.returncode == 0, f"{verb} {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def check(self, *arguments):
        return self.command("check", "-c", self.file, *arguments)

    def status(self):
        return json.loads(self.do("status", "--json"))

    def reload(self):
        return self.do("reload")

    # -- its logs ---------------------------------------------------------------------------------------------------

    def log_lines(self):
        """The access log's whole lines so far."""
        try:
            with open(self.access_log) as file:
                text = file.read()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def logged(self, within=5.0, **wanted):
        """The first line of the access log with these values, waited for."""
        def found():
            return next((line for line in self.log_lines() if all(line.get(k) == v for k, v in wanted.items())), None)
        return wait_until(found, lambda: f"a log line with {wanted}; the last are {self.log_lines()[-3:]}", within)

    # -- what it costs ----------------------------------------------------------------------------------------------

    def rss(self):
        return process.rss(self.pid)

    def peak_rss(self):
        return process.peak_rss(self.pid)

    def fds(self):
        return process.fds(self.pid)


def endpoints(status, service):
    """The endpoints of a service in `status --json`, by the id in their name ("node/id")."""
    for entry in status["services"]:
        if entry["name"] == service:
            return {endpoint["name"].split("/", 1)[1]: endpoint for endpoint in entry["endpoints"]}
    raise AssertionError(f"no service {service} in {[entry['name'] for entry in status['services']]}")


def problems(status):
    """What the door says is wrong with its inputs."""
    return [problem["text"] for problem in status["problems"]]


def healthy(door, service):
    """Ids of the endpoints that may get requests."""
    return {id for id, endpoint in endpoints(door.status(), service).items() if endpoint["health"] == "up"}


def wait_healthy(door, service, *ids, within=10.0):
    """Waits until exactly these endpoints of the service are healthy."""
    def told():
        return f"of {service} exactly {ids} up; it is {endpoints(door.status(), service)}"

    wait_until(lambda: healthy(door, service) == set(ids), told, within, every=0.1)


def visit(door, authority, host, sni=None, **more):
    """A TLS connection to one of the door's hosts."""
    return Client(door.https, tls=authority.trust(), sni=sni or host, host=host, **more)


def status_of(door, host="web.test", **more):
    return ask(door.http, host=host, **more).status


def wait_for(door, status, host="web.test", within=10.0):
    """Waits until the host is answered with this status."""
    wait_until(lambda: status_of(door, host) == status, lambda: f"{status} of {host}; {problems(door.status())}", within)


def consul_of(door):
    """What the door tells of its first Consul."""
    return door.status()["consul"][0]
