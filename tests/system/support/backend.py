"""Backends that keep every byte they get and answer as they are told. One thread per connection."""
import socket
import ssl
import threading

from support import wire
from support.wait import patient, wait_until


class Exchange:
    """One request at the backend, and the means to answer it in any way, right or wrong."""

    def __init__(self, connection, request):
        self.connection, self.request = connection, request

    @property
    def backend(self):
        return self.connection.backend

    def send(self, data):
        self.connection.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def answer(self, status=200, body=b"", fields=(), reason="OK"):
        """A well-formed answer with a Content-Length."""
        body = body.encode() if isinstance(body, str) else body
        pairs = [*(fields.items() if isinstance(fields, dict) else fields)]
        if not 100 <= status < 200 and status not in (204, 304):
            pairs.append(("Content-Length", str(len(body))))
        self.send(wire.message(f"HTTP/1.1 {status} {reason}", pairs, b"" if self.request.method == "HEAD" else body))

    def read_body(self):
        """The request's body, for handlers that answered before they read."""
        return self.connection.reader.body(self.request)

    def read(self, count=65536):
        """Raw bytes behind the head, at most `count`; empty when the door closed."""
        reader = self.connection.reader
        if not reader.buffer:
            try:
                reader.fill()
            except wire.Closed:
                return b""
        return reader.take(min(count, len(reader.buffer)))

    def close(self):
        self.connection.close()

    def reset(self):
        wire.reset_on_close(self.connection.sock)
        self.connection.close()


class Connection:
    """One connection of the door to the backend."""

    def __init__(self, backend, sock):
        self.backend, self.sock = backend, sock
        self.reader = wire.Reader(sock)
        self.requests = []
        self.proxy_line = None  # what came before the first request, of a backend that expects it
        self.fault = None  # what was not clean in the door's bytes
        self.left_over = b""  # bytes of a request that never became whole
        self.open = True

    @property
    def raw(self):
        return bytes(self.reader.raw)

    def serve(self):
        try:
            if self.backend.tls:
                self.sock = self.backend.tls.wrap_socket(self.sock, server_side=True)
                self.reader = wire.Reader(self.sock)
            if self.backend.takes_proxy_line:
                self.proxy_line = self.reader.line().decode()
            while self.open:
                head = self.reader.request_head()
                self.requests.append(head)
                if not self.backend.head_only:
                    if head.get("Expect") == "100-continue":
                        self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    self.reader.body(head)
                self.backend.note(head)
                self.backend.handler(Exchange(self, head))
        except wire.NotClean as error:
            self.fault = str(error)
        except wire.Closed as error:
            self.left_over = error.partial
        except (OSError, ssl.SSLError, ValueError):
            pass  # the door or the test ended it
        finally:
            self.close()

    def close(self):
        self.open = False
        try:
            wire.shut(self.sock, socket.SHUT_RDWR)  # wakes the thread that reads
        except OSError:
            pass
        self.sock.close()


def echo(exchange):
    """The usual answer: who got what."""
    request = exchange.request
    exchange.answer(
        200,
        body=f"{request.method} {request.target}".encode("latin-1"),
        fields=[("Content-Type", "text/plain"), ("X-Backend", exchange.backend.name), ("X-Echo", request.target)],
    )


class Backend:
    """A server on a free port. `handler` may be changed at any time: it is asked for each request.

    head_only: the handler is called at the head, and reads the body itself.
    takes_proxy_line: each connection begins with a PROXY header of version 1 (inside TLS, if there is any).
    """

    def __init__(
        self, name="backend", handler=echo, address="127.0.0.1", port=0, tls=None, head_only=False,
        takes_proxy_line=False,
    ):
        self.name, self.handler, self.tls, self.head_only = name, handler, tls, head_only
        self.takes_proxy_line = takes_proxy_line
        self.connections, self.requests = [], []
        self._lock = threading.Lock()
        self._listener = None
        self.listen((address, port))

    def listen(self, address=None):
        """Opens the port (again)."""
        listener = socket.socket(socket.AF_INET6 if address and ":" in address[0] else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address or self.endpoint)
        listener.listen(1024)
        self.endpoint = listener.getsockname()[:2]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    @property
    def host(self):
        return self.endpoint[0]

    @property
    def port(self):
        return self.endpoint[1]

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if listener is not self._listener:
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            with self._lock:
                self.connections.append(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    def note(self, request):
        with self._lock:
            self.requests.append(request)

    def stop_listening(self):
        """New connections are refused; the open ones live on."""
        listener, self._listener = self._listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
            except OSError:
                pass
            listener.close()

    def drop_connections(self):
        for connection in list(self.connections):
            connection.close()

    def stop(self):
        self.stop_listening()
        self.drop_connections()

    def open_connections(self):
        return [connection for connection in list(self.connections) if connection.open]

    def faults(self):
        """What the door sent that RFC 9112 does not allow."""
        return [connection.fault for connection in list(self.connections) if connection.fault]

    def wait_for_requests(self, count, within=5.0):
        wait_until(lambda: len(self.requests) >= count, lambda: f"{count} requests; got {len(self.requests)}", within)
        return self.requests

    def wait_for_connections(self, count, within=5.0):
        found = lambda: len(self.connections) >= count
        wait_until(found, lambda: f"{count} connections; got {len(self.connections)}", within)
        return self.connections

    def forget(self):
        """A clean page for the next test; open connections stay in the door's pool."""
        with self._lock:
            self.requests.clear()
            self.connections[:] = [connection for connection in self.connections if connection.open]


class Gate:
    """A place where a handler waits until the test lets it go."""

    def __init__(self):
        self._event = threading.Event()
        self.reached = threading.Event()

    def open(self):
        self._event.set()

    def wait(self, within=30.0):
        self.reached.set()
        self._event.wait(patient(within))

    def wait_reached(self, within=5.0):
        assert self.reached.wait(patient(within)), "no handler came to the gate"


def refused_port(address="127.0.0.1"):
    """A port that refuses connections for as long as the returned socket lives."""
    sock = socket.socket()
    sock.bind((address, 0))
    return sock
