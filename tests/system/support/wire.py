"""HTTP/1.1 messages as bytes, read strictly by RFC 9112: what is not clean is an error, never repaired.

Both ends of the tests read with it: the capturing backends (what did the door send?) and the raw clients (what did
the door answer?).
"""
import re
import socket
from dataclasses import dataclass, field

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/(1\.[01])\r\n")
STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([0-9]{3}) ([\t\x20-\x7e\x80-\xff]*)\r\n")
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\r\n")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})((?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?)\r\n")


class NotClean(Exception):
    """Bytes that RFC 9112 does not allow."""


class Closed(Exception):
    """The peer ended the connection before the message was whole; `partial` is what had come."""

    def __init__(self, partial=b""):
        super().__init__(f"closed after {len(partial)} bytes of an unfinished message: {bytes(partial[-120:])!r}")
        self.partial = bytes(partial)


@dataclass
class Message:
    fields: list = field(default_factory=list)  # (name, value) as they came
    body: bytes = b""
    trailers: list = field(default_factory=list)
    chunks: int = 0  # how many chunks the body came in; 0: not chunked

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        """The one value of a field; more than one is a test's mistake or the door's."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else default

    def has(self, name):
        return bool(self.all(name))


@dataclass
class Request(Message):
    method: str = ""
    target: str = ""
    version: str = "1.1"

    @property
    def path(self):
        return self.target.split("?", 1)[0]


@dataclass
class Response(Message):
    status: int = 0
    reason: str = ""
    version: str = "1.1"
    interim: list = field(default_factory=list)  # the 1xx answers before it
    until_close: bool = False  # the body had no length: it ended with the connection

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


class Reader:
    """Takes whole messages off a socket and remembers every byte that came."""

    def __init__(self, sock):
        self.sock = sock
        self.raw = bytearray()  # everything ever received
        self.buffer = bytearray()

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed(self.buffer)
        self.raw += data
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.fill()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def line(self):
        searched = 0
        while True:
            end = self.buffer.find(b"\n", searched)
            if end >= 0:
                return self.take(end + 1)
            searched = len(self.buffer)
            self.fill()

    def fields(self):
        found = []
        while True:
            line = self.line()
            if line == b"\r\n":
                return found
            match = FIELD_LINE.fullmatch(line)
            if not match:
                raise NotClean(f"field line {line[:120]!r}")
            found.append((match[1].decode("latin-1"), match[2].decode("latin-1")))

    def rest(self):
        """Everything until the peer closes."""
        while True:
            try:
                self.fill()
            except Closed:
                data = bytes(self.buffer)
                self.buffer.clear()
                return data

    def request_head(self):
        line = self.line()
        match = REQUEST_LINE.fullmatch(line)
        if not match:
            raise NotClean(f"request line {line[:120]!r}")
        request = Request(method=match[1].decode(), target=match[2].decode("latin-1"), version=match[3].decode())
        request.fields = self.fields()
        if request.version == "1.1" and len(request.all("host")) != 1:
            raise NotClean(f"{len(request.all('host'))} Host fields")
        return request

    def response_head(self):
        line = self.line()
        match = STATUS_LINE.fullmatch(line)
        if not match:
            raise NotClean(f"status line {line[:120]!r}")
        response = Response(status=int(match[2]), reason=match[3].decode("latin-1"), version=match[1].decode())
        response.fields = self.fields()
        return response

    def body(self, message, bodiless=False, until_close=False):
        """Reads the message's body into it, by RFC 9112 section 6.3."""
        lengths, codings = message.all("content-length"), message.all("transfer-encoding")
        if lengths and codings:
            raise NotClean("both Content-Length and Transfer-Encoding")
        if len(lengths) > 1 or (lengths and not re.fullmatch("[0-9]+", lengths[0])):
            raise NotClean(f"Content-Length {lengths}")
        if codings and (len(codings) > 1 or codings[0].lower() != "chunked"):
            raise NotClean(f"Transfer-Encoding {codings}")
        if bodiless:
            return message
        if codings:
            self._chunked(message)
        elif lengths:
            message.body = self.take(int(lengths[0]))
        elif until_close:
            message.body = self.rest()
            message.until_close = True
        return message

    def _chunked(self, message):
        data = bytearray()
        while True:
            line = self.line()
            match = CHUNK_LINE.fullmatch(line)
            if not match:
                raise NotClean(f"chunk line {line[:120]!r}")
            size = int(match[1], 16)
            if size == 0:
                message.trailers = self.fields()
                message.body = bytes(data)
                return
            data += self.take(size)
            message.chunks += 1
            end = self.take(2)
            if end != b"\r\n":
                raise NotClean(f"chunk ends with {end!r}")

    def request(self):
        return self.body(self.request_head())

    def response(self, method="GET"):
        """The final answer; the interim ones before it are kept in `interim`."""
        interim = []
        while True:
            head = self.response_head()
            if 100 <= head.status < 200 and head.status != 101:
                interim.append(head)
                continue
            head.interim = interim
            bodiless = method == "HEAD" or head.status in (101, 204, 304)
            return self.body(head, bodiless=bodiless, until_close=True)


def shut(sock, how):
    """Shuts the TCP connection down, also under TLS, without TLS's own goodbye."""
    socket.socket.shutdown(sock, how)


def reset_on_close(sock):
    """The next close sends RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def message(first_line, fields=(), body=b""):
    """A message's bytes, exactly as said: nothing is added."""
    pairs = fields.items() if isinstance(fields, dict) else fields
    head = first_line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
    return head.encode("latin-1") + body


def chunked(*pieces, trailers=()):
    """A chunked body of these pieces."""
    data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return data + b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode("latin-1") + b"\r\n"
