"""A stand-in for a Consul agent's HTTP API, scripted: for what a real one does only now and then, or never twice alike.

It answers /v1/catalog/services, /v1/health/service/NAME and /v1/config/KIND with indexes and blocking queries as Consul 1.12 was seen to
do. `trouble` takes the place of an answer; tests with a real Consul prove that the rest is like it.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Answer:
    """What is answered instead: status, body and fields; or nothing at all (`silent`), or a cut connection (`cut`)."""

    def __init__(self, status=200, body="", fields=None, silent=False, cut=False):
        self.status, self.body, self.fields, self.silent, self.cut = status, body, fields or {}, silent, cut


def check(name, status="passing", node=False, **more):
    return {"CheckID": name, "Name": name, "Status": status, "ServiceID": "" if node else "s", **more}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # of connections; five, which is usual, lose their SYNs


class FakeConsul:
    def __init__(self, datacenter="dc1"):
        self.datacenter = datacenter
        self.others = {}  # datacenter: the FakeConsul that answers for it, when this one is asked
        self.services = {}  # name: {(node, id): entry}
        self.entries = {}  # kind: {name: entry}
        self.index = 10
        self._wiped_at = 10
        self._changed_at = {}  # path: the index of its last change
        self.trouble = None  # callable(path, query) -> Answer or None
        self.waits_for_lost_index = False
        self.before = self.behind = b""  # what goes out around each answer, and is none of it
        self.asked = []  # (path, query, token)
        self.registered = []  # bodies of /v1/agent/service/register
        self._changed = threading.Condition()
        self._blocked = 0
        self._server = None
        self.start()

    # -- what is in the catalog

    def put(self, service, backend, *tags, id=None, node="n1", status="passing", weights=(1, 1), meta=None, address=None):
        host, port = backend if isinstance(backend, tuple) else (backend.host, backend.port)
        id = id or f"{service}-{port}"
        entry = {
            "Node": {"Node": node, "Address": "127.0.0.1", "Datacenter": self.datacenter, "TaggedAddresses": None, "Meta": None},
            "Service": {
                "ID": id, "Service": service, "Tags": list(tags), "Address": host if address is None else address,
                "Port": port, "Meta": meta, "Weights": {"Passing": weights[0], "Warning": weights[1]},
                "TaggedAddresses": None, "Proxy": {}, "Connect": {},
            },
            "Checks": [check("serfHealth", node=True), check(f"service:{id}", status)],
        }  # fmt: skip
        with self._changed:
            self.services.setdefault(service, {})[(node, id)] = entry
            entry["Service"]["ModifyIndex"] = self._note(service)
        return id

    def set_status(self, service, id, status, node="n1", check_id=None, **more):
        with self._changed:
            checks = self.services[service][(node, id)]["Checks"]
            wanted = check_id or f"service:{id}"
            checks[:] = [each for each in checks if each["CheckID"] != wanted]
            if status is not None:
                checks.append(check(wanted, status, **{"node": wanted == "serfHealth", **more}))
            self._note(service, listed=False)

    def remove(self, service, id=None, node="n1"):
        with self._changed:
            if id is None:
                del self.services[service]
            else:
                del self.services[service][(node, id)]
                if not self.services[service]:
                    del self.services[service]
            self._note(service)

    def say(self, kind, name, **body):
        """A config entry; without a body it is deleted."""
        with self._changed:
            self.index += 1
            of_kind = self.entries.setdefault(kind, {})
            of_kind.pop(name, None)
            if body:
                of_kind[name] = {"Kind": kind, "Name": name, **body, "CreateIndex": self.index, "ModifyIndex": self.index}
            self._changed_at[f"/v1/config/{kind}"] = self.index
            self._changed.notify_all()

    def wake(self, index=None):
        """Ends every blocked query; with another index, as a server that was wiped and came back."""
        with self._changed:
            self.index = self.index + 1 if index is None else index
            self._changed_at.clear()
            self._wiped_at = self.index
            self._changed.notify_all()

    def _note(self, service, listed=True):
        self.index += 1
        self._changed_at[f"/v1/health/service/{service}"] = self.index
        if listed:
            self._changed_at["/v1/catalog/services"] = self.index
        self._changed.notify_all()
        return self.index

    # -- how it is reached

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, port=0):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake._answer(self)

            def do_PUT(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fake._answer(self, body)

        self._server = Server(("127.0.0.1", port), Handler)
        self._sockets = []
        accept = self._server.get_request

        def get_request():
            sock, peer = accept()
            self._sockets.append(sock)
            return sock, peer

        self._server.get_request = get_request
        self.port = self._server.server_address[1]
        self._stopping = False
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """As an agent that is killed: every connection breaks, the port refuses."""
        self._stopping = True
        self._server.shutdown()
        self._server.server_close()
        for sock in self._sockets:
            try:
                sock.shutdown(2)
            except OSError:
                pass
        with self._changed:
            self._changed.notify_all()

    def restart(self):
        self.start(self.port)

    def blocked(self):
        """How many queries wait for news."""
        return self._blocked

    def count(self, path):
        return sum(1 for asked, *_ in list(self.asked) if asked.startswith(path))

    # -- answers

    def _answer(self, request, body=None):
        url = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        self.asked.append((url.path, query, request.headers.get("X-Consul-Token")))
        home = self.others.get(query.get("dc"), self) if body is None else self
        trouble = self.trouble(url.path, query) if self.trouble else None
        if trouble is None:
            home._block(url.path, query)
            trouble = self.trouble(url.path, query) if self.trouble else None
        with home._changed:  # an index that is younger than what it comes with would hide a change for good
            answer = trouble or (home._read(url.path) if body is None else self._write(unquote(url.path), body))
            index = home.index
        if answer.silent:
            while not self._stopping:
                time.sleep(0.05)  # saying nothing is the trouble itself
        if answer.silent or answer.cut or self._stopping:
            request.close_connection = True
            return
        body = answer.body if isinstance(answer.body, bytes) else str(answer.body).encode()
        request.wfile.write(self.before)
        request.send_response(answer.status)
        fields = {"Content-Type": "application/json", "X-Consul-Index": index, "X-Consul-KnownLeader": "true"}
        for name, value in {**fields, **answer.fields, "Content-Length": len(body)}.items():
            request.send_header(name, str(value))
        request.end_headers()
        request.wfile.write(body + self.behind)

    def _block(self, path, query):
        """Until what the path shows is another, or the wait is over."""
        if "index" not in query or int(query["index"]) == 0:
            return
        wait = float(query.get("wait", "300000ms").removesuffix("ms")) / 1000
        asked, until = int(query["index"]), time.monotonic() + wait
        path = unquote(path)
        with self._changed:
            self._blocked += 1
            while not self._stopping and time.monotonic() < until:
                if self._changed_at.get(path, self._wiped_at) > asked:
                    break
                # an index that was taken back: an agent answers at once, a server may wait until it is reached
                if self.index < asked and not self.waits_for_lost_index:
                    break
                self._changed.wait(0.5)
            self._blocked -= 1

    def _write(self, path, body):
        """What an agent takes from a service about itself."""
        if path == "/v1/agent/service/register":
            said = json.loads(body)
            self.registered.append(said)
            place = (said.get("Address") or "127.0.0.1", said["Port"])
            self.put(said["Name"], place, *said.get("Tags", ()), id=said["ID"], meta=said["Meta"])
        elif path.startswith("/v1/agent/service/deregister/"):
            id = path.rpartition("/")[2]
            for name in [name for name, all in self.services.items() if ("n1", id) in all]:
                self.remove(name, id)
        elif not path.startswith("/v1/agent/check/update/"):
            return Answer(404, "")
        return Answer()

    def _read(self, path):
        if path == "/v1/catalog/services":
            names = {"consul": []}
            for name, instances in self.services.items():
                tags = [tag for entry in instances.values() for tag in entry["Service"]["Tags"]]
                names[name] = sorted({tag for tag in tags if isinstance(tag, str)})
            return Answer(body=json.dumps(names))
        if path.startswith("/v1/health/service/"):
            name = unquote(path.removeprefix("/v1/health/service/"))
            # as a real one: names are looked up in any case of letters
            alike = [all for each, all in self.services.items() if each.lower() == name.lower()]
            return Answer(body=json.dumps([entry for all in alike for entry in all.values()]))
        if path.startswith("/v1/config/"):
            return Answer(body=json.dumps(list(self.entries.get(path.removeprefix("/v1/config/"), {}).values())))
        return Answer(404, "")
