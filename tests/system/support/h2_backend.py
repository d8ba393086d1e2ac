"""A backend that speaks HTTP/2 (by python3-h2), over TLS or by prior knowledge, and records what reached it.

Each request has a thread of its own, which runs the handler when the request is whole (or, with `head_only`, when its
head is): the handler answers with the methods of Stream, and may say nothing at all."""
import select
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from support.wait import patient, wait_until


class Stream:
    def __init__(self, connection, number, fields):
        self.connection, self.number, self.fields = connection, number, fields
        self.body, self.trailers, self.ended, self.reset = b"", [], False, None
        self.news = threading.Condition()

    def get(self, name):
        return next((value for key, value in self.fields if key == name), None)

    @property
    def path(self):
        return self.get(":path")

    def wait(self, condition, what):
        with self.news:
            assert self.news.wait_for(condition, patient(10)), what

    def wait_ended(self):
        self.wait(lambda: self.ended or self.reset is not None, "the request's end")

    def wait_reset(self):
        self.wait(lambda: self.reset is not None, "a reset")
        return self.reset

    def wait_body(self, size):
        self.wait(lambda: len(self.body) >= size or self.reset is not None, f"{size} bytes of body")

    def answer(self, status=200, fields=(), body=b"", trailers=None, end=True):
        self.head([(":status", str(status)), *fields], end=end and not body and trailers is None)
        if body:
            self.data(body, end=end and trailers is None)
        if trailers is not None:
            self.head(trailers, end=True)

    def head(self, fields, end=False):
        self.connection.do(lambda h2c: h2c.send_headers(self.number, fields, end_stream=end))

    def data(self, body, end=False):
        """As the windows allow; ends quietly when the stream is gone."""
        while body:
            room = self.connection.window(self.number)
            if room is None or self.reset is not None or self.connection.closed:
                return
            if room == 0:
                with self.news:
                    self.news.wait(0.02)  # windows of the connection have no news of their own
                continue
            piece, body = body[:room], body[room:]
            self.connection.do(lambda h2c: h2c.send_data(self.number, piece, end_stream=end and not body))

    def end(self):
        self.connection.do(lambda h2c: h2c.end_stream(self.number))

    def break_off(self, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        self.connection.do(lambda h2c: h2c.reset_stream(self.number, code))


class Connection:
    def __init__(self, backend, sock):
        self.backend, self.sock = backend, sock
        self.lock = threading.RLock()
        self.streams, self.closed, self.pings = {}, False, 0
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
                                      normalize_outbound_headers=False))

    def do(self, action):
        with self.lock:
            try:
                action(self.h2)
            except h2.exceptions.ProtocolError:
                return  # the stream is gone
            self.flush()

    def flush(self):
        with self.lock:
            data = self.h2.data_to_send()
            try:
                self.sock.sendall(data)
            except (OSError, ValueError):
                self.closed = True

    def send_raw(self, data):
        with self.lock:
            try:
                self.sock.sendall(data)
            except OSError:
                self.closed = True

    def window(self, number):
        """How much may be sent on a stream now; None: it is gone."""
        with self.lock:
            try:
                return min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            except h2.exceptions.ProtocolError:
                return None

    def go_away(self, last, code=h2.errors.ErrorCodes.NO_ERROR):
        self.do(lambda h2c: h2c.close_connection(code, last_stream_id=last))

    def goodbye_only(self, last):
        """GOAWAY alone: what runs goes on."""
        self.send_raw(b"\0\0\x08\x07\0\0\0\0\0" + last.to_bytes(4, "big") + b"\0\0\0\0")

    def close(self):
        self.closed = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def run(self):
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=self.backend.settings)
        with self.lock:
            self.h2.initiate_connection()
            self.flush()
        try:
            while data := self.receive():
                with self.lock:
                    events = self.h2.receive_data(data)
                    for event in events:
                        self.take(event)
                    self.flush()
        except (OSError, h2.exceptions.ProtocolError, ssl.SSLError, ValueError) as error:
            self.error = error
        self.closed = True
        for stream in list(self.streams.values()):
            with stream.news:
                stream.news.notify_all()
        self.sock.close()

    def receive(self):
        while not self.closed:
            # One thread reads, others write: over TLS they must not meet in one call.
            if not (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
                select.select([self.sock], [], [])
            with self.lock:
                self.sock.setblocking(False)
                try:
                    return self.sock.recv(65536)
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue
                finally:
                    self.sock.setblocking(True)
        return b""

    def take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            stream = self.streams[event.stream_id] = Stream(self, event.stream_id, event.headers)
            self.backend.requests.append(stream)
            if self.backend.head_only:
                self.start(stream)
        elif isinstance(event, h2.events.PingReceived):
            self.pings += 1
        if stream is None:
            return
        with stream.news:
            if isinstance(event, h2.events.DataReceived):
                stream.body += event.data
                if self.backend.takes_body and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.TrailersReceived):
                stream.trailers = event.headers
            elif isinstance(event, h2.events.StreamEnded):
                stream.ended = True
                if not self.backend.head_only:
                    self.start(stream)
            elif isinstance(event, h2.events.StreamReset):
                stream.reset = event.error_code
            stream.news.notify_all()

    def start(self, stream):
        threading.Thread(target=self.backend.handler, args=(stream,), daemon=True).start()


def echo(stream):
    body = stream.body or b"hello"
    stream.answer(200, [("content-length", str(len(body))), ("x-path", stream.path)], body)


class H2Backend:
    def __init__(self, handler=echo, tls=None, settings=None, head_only=False, takes_body=True,
                 address="127.0.0.1"):
        self.handler, self.tls, self.settings, self.head_only = handler, tls, settings or {}, head_only
        self.takes_body = takes_body
        self.requests, self.connections = [], []
        self.listener = socket.create_server((address, 0), backlog=256)
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError:
                return
        connection = Connection(self, sock)
        self.connections.append(connection)
        connection.run()

    def open_connections(self):
        return [each for each in self.connections if not each.closed]

    def drop_connections(self):
        for connection in self.open_connections():
            connection.close()

    def wait_requests(self, count):
        wait_until(lambda: len(self.requests) >= count, f"{count} requests")
        return self.requests

    def stop(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()
