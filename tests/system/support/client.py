"""A client that sends exactly the bytes it is told and sees exactly the bytes that come."""
import socket
import ssl
import time

from support import wire
from support.wait import Deadline, patient, wait_until


class Client:
    """One connection to the door. Every read has a deadline: a hang is a failure, not a stuck test."""

    def __init__(self, address, tls=None, sni=None, source=None, receive_buffer=None, timeout=10.0, session=None,
                 host="door.test", segment=None):
        self.address, self.host = address, host
        sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(patient(timeout))
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment:  # small ones keep the door's send buffer small, too
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if source:
                sock.bind((source, 0))
            sock.connect(address)
            self.sock = tls.wrap_socket(sock, server_hostname=sni, session=session) if tls else sock
        except BaseException:
            sock.close()
            raise
        self.reader = wire.Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def raw(self):
        """Every byte received so far."""
        return bytes(self.reader.raw)

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def request(self, method="GET", target="/", host=None, fields=(), body=None):
        """Sends a well-formed request; a body gets its Content-Length."""
        pairs = [("Host", host or self.host), *(fields.items() if isinstance(fields, dict) else fields)]
        if body is not None:
            pairs.append(("Content-Length", str(len(body))))
        return self.send(wire.message(f"{method} {target} HTTP/1.1", pairs, body or b""))

    def response(self, method="GET"):
        return self.reader.response(method)

    def ask(self, method="GET", target="/", **more):
        """One exchange."""
        return self.request(method, target, **more).response(method)

    def half_close(self):
        """No more bytes from us; we still listen."""
        wire.shut(self.sock, socket.SHUT_WR)
        return self

    def reset(self):
        wire.reset_on_close(self.sock)
        self.close()

    def close(self):
        self.sock.close()

    def set_timeout(self, seconds):
        self.sock.settimeout(patient(seconds))

    def wait_closed(self, within=5.0):
        """Waits until the door closes; what it said before that. A reset counts as closed."""
        deadline = Deadline(within)
        try:
            while not deadline.passed():
                self.sock.settimeout(deadline.left() + 0.001)
                self.reader.fill()
        except TimeoutError:
            pass
        except (wire.Closed, ConnectionError, ssl.SSLError):
            data = bytes(self.reader.buffer)
            self.reader.buffer.clear()
            return data
        raise AssertionError(f"the connection is still open after {within:g} s")

    def is_closed(self):
        """Whether the door has closed, without waiting; bytes that came are kept."""
        self.sock.settimeout(0.001)
        try:
            while True:
                self.reader.fill()
        except (TimeoutError, ssl.SSLWantReadError, BlockingIOError):
            return False
        except (wire.Closed, ConnectionError, ssl.SSLError):
            return True


def ask(address, method="GET", target="/", tls=None, sni=None, source=None, timeout=10.0, **more):
    """One request on a connection of its own."""
    with Client(address, tls=tls, sni=sni, source=source, timeout=timeout) as client:
        return client.ask(method, target, **more)


def one_with(client, status):
    """An answer on this connection, if it has this status."""
    answer = client.ask()
    return answer if answer.status == status else None


def wait_for_status(address, status, within=5.0, **more):
    """Asks until the door answers with this status; the answer."""
    seen = []

    def answered():
        try:
            answer = ask(address, **more)
        except (OSError, wire.Closed) as error:
            seen.append(repr(error))
            return None
        seen.append(answer.status)
        return answer if answer.status == status else None

    return wait_until(answered, lambda: f"status {status}; got {seen[-3:]}", within)


def trickle(client, data, every, stop):
    """Sends a byte each `every` seconds until `stop(client)` or an error; how many were sent."""
    for sent, byte in enumerate(data):
        if stop(client):
            return sent
        try:
            client.sock.settimeout(patient(5))
            client.sock.sendall(bytes([byte]))
        except (OSError, ssl.SSLError):
            return sent
        time.sleep(every)  # the pace of the attack itself, not a wait
    return len(data)
