"""A client of HTTP/2 that sends exactly the frames it is told, and keeps what comes: RFC 9113, HPACK without tables."""
import select
import socket
import ssl
import struct
import threading

from support.wait import Deadline, patient, wait_until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
PROTOCOL_ERROR, CANCEL, ENHANCE_YOUR_CALM = 1, 8, 11
STATIC_STATUS = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
HUFFMAN_DIGITS = {0: "0", 1: "1", 2: "2"}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _number(n, bits, first):
    most = (1 << bits) - 1
    if n < most:
        return bytes([first | n])
    out, n = bytes([first | most]), n - most
    while n >= 128:
        out, n = out + bytes([n % 128 + 128]), n // 128
    return out + bytes([n])


def _text(text):
    data = text.encode("latin-1")
    return _number(len(data), 7, 0) + data


def hpack(fields):
    """Literals alone, none of them indexed."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)


def request_fields(host="front.test", target="/a", method="GET", scheme="https"):
    return [[":method", method], [":scheme", scheme], [":authority", host], [":path", target]]


def headers(stream, fields, end=True, whole=True, block=b""):
    flags = (END_STREAM if end else 0) | (END_HEADERS if whole else 0)
    return frame(HEADERS, flags, stream, hpack(fields) + block)


def data(stream, payload, end=True):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


def window_update(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", size))


def ping(text=b"abcdefgh"):
    return frame(PING, 0, 0, text)


def status_of(block):
    """:status of an answer's block: from the static table, or a literal (plain or Huffman). 0: from elsewhere."""
    at = 0
    while block[at] & 0xE0 == 0x20:
        at += 1
    first = block[at]
    if first in STATIC_STATUS:
        return STATIC_STATUS[first]
    if first & 0x80:
        return 0
    length = block[at + 1]
    value = block[at + 2:at + 2 + (length & 127)]
    if not length & 128:
        return int(value)
    bits, text = "".join(f"{byte:08b}" for byte in value), ""
    while len(text) < 3:
        if int(bits[:5], 2) < 3:
            text, bits = text + HUFFMAN_DIGITS[int(bits[:5], 2)], bits[5:]
        else:
            text, bits = text + str(int(bits[:6], 2) - 0x19 + 3), bits[6:]
    return int(text)


class Http2Client:
    """One connection. A thread reads all the time; `quiet` says nothing back by itself, not even SETTINGS."""

    def __init__(self, address, tls=None, sni="front.test", settings_sent=(), quiet=False, receive_buffer=None,
                 reads=True, source=None):
        self.statuses, self.resets, self.bodies, self.ended, self.frames = {}, {}, {}, set(), []
        self.goaway, self.closed, self.pongs, self.settings = None, False, 0, {}
        self.quiet = quiet
        sock = socket.socket()
        sock.settimeout(patient(10))
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            sock.bind((source, 0))
        sock.connect(address)
        if tls:
            sock = tls.wrap_socket(sock, server_hostname=sni)
            assert sock.selected_alpn_protocol() == "h2"
        sock.settimeout(0)
        self.sock = sock
        self._lock = threading.Lock()  # of the socket: over TLS a read and a write at once are one too many
        self._sending = threading.Lock()  # frames of one send() stay together
        self.send(PREFACE + settings(*settings_sent))
        self._thread = threading.Thread(target=self._read, daemon=True)
        if reads:
            self.read_on()

    def read_on(self):
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *frames):
        """False: the door has ended the connection."""
        rest, deadline = b"".join(frames), Deadline(10)
        try:
            with self._sending:
                while rest and not deadline.passed():
                    sent = self._attempt(self.sock.send, rest[:65536])
                    rest = rest[sent or 0:]
                    if sent is None:
                        select.select([], [self.sock], [], 0.05)
            return not rest
        except (OSError, ssl.SSLError, ValueError):
            return False

    def _attempt(self, operation, argument):
        """None: it would have to wait."""
        with self._lock:
            try:
                return operation(argument)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None

    def close(self):
        try:
            with self._lock:
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self._thread.is_alive():
            self._thread.join(patient(5))
        self.sock.close()

    def _read(self):
        buffer = b""
        try:
            while True:
                some = self._attempt(self.sock.recv, 65536)
                if some is None:
                    select.select([self.sock], [], [], 0.05)  # for what is there, or for the next look
                    continue
                if not some:
                    break
                buffer += some
                while len(buffer) >= 9 and len(buffer) >= 9 + int.from_bytes(buffer[:3], "big"):
                    size = int.from_bytes(buffer[:3], "big")
                    kind, flags = buffer[3], buffer[4]
                    stream = int.from_bytes(buffer[5:9], "big") & 0x7FFFFFFF
                    self._take(kind, flags, stream, buffer[9:9 + size])
                    buffer = buffer[9 + size:]
        except (OSError, ssl.SSLError, ValueError):
            pass
        self.closed = True

    def _take(self, kind, flags, stream, payload):
        self.frames.append((kind, flags, stream, len(payload)))
        if kind == SETTINGS and not flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", payload))
            if not self.quiet:
                self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and flags & ACK:
            self.pongs += 1
        elif kind == HEADERS:
            self.statuses.setdefault(stream, status_of(payload))
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
            if payload and not self.quiet:
                self.send(window_update(0, len(payload)), window_update(stream, len(payload)))
        elif kind == RST_STREAM:
            self.resets[stream] = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.ended.add(stream)

    # -- what a test waits for ------------------------------------------------------------------------------------

    def over(self):
        """The door has ended the connection, or says that it will, for a fault."""
        return self.closed or self.goaway not in (None, 0)

    def describe(self):
        return f"statuses {self.statuses}, resets {self.resets}, goaway {self.goaway}, closed {self.closed}"

    def wait_over(self, within=10.0):
        wait_until(self.over, lambda: f"the connection's end: {self.describe()}", within)

    def wait_ended(self, stream, within=10.0):
        wait_until(lambda: stream in self.ended, lambda: f"the end of stream {stream}: {self.describe()}", within)
        return self.statuses[stream]

    def sync(self, within=10.0):
        """All frames sent so far were read by the door, or the connection is over."""
        before = self.pongs
        self.send(ping())
        wait_until(lambda: self.pongs > before or self.closed, lambda: f"a pong: {self.describe()}", within)

    def ask(self, stream=1, target="/a", within=10.0, **more):
        self.send(headers(stream, request_fields(target=target, **more)))
        return self.wait_ended(stream, within)
