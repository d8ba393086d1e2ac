"""A proxy in front of a CA that does what a CA can't be told to do: refuse for load, lose answers, answer late.

It keeps the Host, so that the CA's URLs lead back to it and its signatures stay right.
"""
import http.client
import http.server
import ssl
import threading

from support import addresses
from support.wait import patient

PORT = 14001


class FaultProxy:
    """`fault(method, path, answer)` may give (status, fields, body) instead of the CA's answer, None to lose it, or
    `answer` itself; with answer=None it is asked before the CA: what it gives then is sent without asking the CA."""

    def __init__(self, pebble):
        self.pebble, self.fault, self.seen = pebble, lambda method, path, answer: answer, []
        self.address = addresses.free_address()
        crt, key = pebble.authority.issue(self.address).write(pebble.folder, "proxy")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        self.server = http.server.ThreadingHTTPServer((self.address, PORT), self._handler())
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def directory(self):
        return f"https://{self.address}:{PORT}/dir"

    def _ask_ca(self, handler, body):
        context = self.pebble.authority.trust(alpn=(), check_name=False)
        connection = http.client.HTTPSConnection(self.pebble.address, 14000, context=context, timeout=patient(20))
        try:
            fields = {name: value for name, value in handler.headers.items() if name.lower() != "connection"}
            connection.request(handler.command, handler.path, body=body, headers=fields)
            answer = connection.getresponse()
            kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in ("content-length", "transfer-encoding")]
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _handler(proxy):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.seen.append((self.command, self.path))
                answer = proxy.fault(self.command, self.path, None)
                if answer is None:
                    answer = proxy.fault(self.command, self.path, proxy._ask_ca(self, body))
                if answer is None:
                    self.close_connection = True
                    return
                status, fields, text = answer
                self.send_response_only(status)
                for name, value in fields:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_HEAD = do_POST = serve

        return Handler

    def count(self, path):
        return len([one for one in self.seen if path in one[1]])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
