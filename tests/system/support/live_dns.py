"""Stand-ins for APIs that can't be had here: Gandi's LiveDNS and acme-dns, both strict, in front of a real BIND.

What they are told to write they write there by nsupdate, so that a CA really finds it.
"""
import http.server
import json
import os
import ssl
import subprocess
import threading

TOKEN = "a-personal-access-token"


def nsupdate(named, *lines):
    text = "\n".join([f"server {named.address} 53", *lines, "send", ""])
    subprocess.run(["nsupdate", "-k", named.key], input=text, text=True, check=True, timeout=20)


class Api:
    """An HTTPS server; what a request is answered with is its subclasses'."""

    def __init__(self, named, authority, folder):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, told = api.take(self.command, self.path, self.headers, body)
                api.seen.append((self.command, self.path, status))
                text = json.dumps(told).encode() if told is not None else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.named, self.seen = named, []
        crt, key = authority.issue("127.0.0.1").write(folder, "api")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def discard(self):
        self.server.shutdown()
        self.server.server_close()


class LiveDns(Api):
    """Gandi's: sets are replaced whole, values come back in quotes, a TTL below 300 is refused."""

    def __init__(self, zone, *rest):
        super().__init__(*rest)
        self.zone, self.sets, self.refuses = zone, {}, None

    def take(self, method, path, headers, body):
        if self.refuses:
            return self.refuses, {"object": "HTTPError", "cause": "Refused", "code": self.refuses, "message": "not today"}
        if headers.get("Authorization") != "Bearer " + TOKEN:
            return 401, {"object": "HTTPUnauthorized", "cause": "Unauthorized", "code": 401, "message": "no such token"}
        parts = path.split("/")
        if parts[:4] != ["", "domains", self.zone, "records"] or parts[5:] != ["TXT"]:
            return 404, {"object": "HTTPNotFound", "cause": "Not Found", "code": 404, "message": "The resource could not be found."}
        label = parts[4]
        if method == "GET" and label not in self.sets:
            return 404, {"object": "HTTPNotFound", "cause": "Not Found", "code": 404, "message": "The resource could not be found."}
        if method == "GET":
            return 200, {
                "rrset_name": label, "rrset_type": "TXT", "rrset_ttl": 300,
                "rrset_values": [f'"{value}"' for value in self.sets[label]],
            }  # fmt: skip
        if method == "DELETE":
            self.sets.pop(label, None)
            self.write(label)
            return 204, None
        wanted = json.loads(body)
        if method != "PUT" or wanted["rrset_ttl"] < 300 or not wanted["rrset_values"]:
            return 400, {"status": "error", "errors": [{"location": "body", "name": "rrset_ttl", "description": "too low"}]}
        self.sets[label] = [value.strip('"') for value in wanted["rrset_values"]]
        self.write(label)
        return 201, {"message": "DNS Record Created"}

    def write(self, label):
        name = f"{label}.{self.zone}."
        adds = [f'update add {name} 1 TXT "{value}"' for value in self.sets.get(label, [])]
        nsupdate(self.named, f"zone {self.zone}.", f"update delete {name} TXT", *adds)


class AcmeDns(Api):
    """acme-dns: the last two values of one name."""

    def __init__(self, zone, *rest):
        super().__init__(*rest)
        self.zone, self.values = zone, []

    def account(self, path, domain):
        one = {"username": "user", "password": "secret", "subdomain": "abc", "fulldomain": f"abc.{self.zone}"}
        with open(path, "w") as file:
            json.dump({domain: one}, file)
        os.chmod(path, 0o600)

    def take(self, method, path, headers, body):
        asked = json.loads(body)
        if (headers.get("X-Api-User"), headers.get("X-Api-Key")) != ("user", "secret"):
            return 401, {"error": "forbidden"}
        if (method, path, asked["subdomain"]) != ("POST", "/update", "abc") or len(asked["txt"]) != 43:
            return 400, {"error": "bad_txt"}
        self.values = [*self.values[-1:], asked["txt"]]
        adds = [f'update add abc.{self.zone}. 1 TXT "{value}"' for value in self.values]
        nsupdate(self.named, f"zone {self.zone}.", f"update delete abc.{self.zone}. TXT", *adds)
        return 200, {"txt": asked["txt"]}
