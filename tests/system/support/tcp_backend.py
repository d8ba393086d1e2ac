"""A backend that speaks no HTTP: greets, echoes, and keeps what came, so that each byte and each end can be told."""
import select
import socket
import threading

from support import wire
from support.client import Client
from support.wait import patient, wait_until


class Session:
    """One connection of the backend."""

    def __init__(self, backend, sock, peer):
        self.backend, self.sock, self.peer = backend, sock, peer
        self.received, self.ended, self.reset, self.broken = bytearray(), False, False, False

    def serve(self):
        try:
            self.sock.sendall(self.backend.greeting)
            while data := self.sock.recv(1 << 16):
                self.received += data
                if self.backend.echo:
                    self.sock.sendall(data)
            if self.broken:
                return
            self.ended = True
            if self.backend.farewell is None:
                return self.wait_for_reset()
            self.sock.sendall(self.backend.farewell)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.reset = isinstance(error, ConnectionError)
        finally:
            if self.reset or (self.ended and self.backend.farewell is not None):
                self.sock.close()

    def wait_for_reset(self):
        """The client has ended its direction; ours stays open, and says nothing."""
        poll = select.poll()
        poll.register(self.sock, 0)  # POLLHUP and POLLERR are always told
        self.reset = bool(poll.poll(patient(60) * 1000))

    def end(self):
        """The backend ends its direction; it goes on to listen."""
        self.sock.shutdown(socket.SHUT_WR)

    def break_off(self):
        self.broken = True
        wire.reset_on_close(self.sock)
        self.sock.shutdown(socket.SHUT_RD)  # wakes the thread that reads
        self.sock.close()


class TcpBackend:
    def __init__(self, name="tcp", address="127.0.0.1", port=0, greeting=None, farewell=b"bye\n", echo=True):
        self.name = name
        self.greeting = f"{name}\n".encode() if greeting is None else greeting
        self.farewell, self.echo = farewell, echo
        self.sessions = []
        self.listener = socket.create_server((address, port))
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            sock.settimeout(patient(60))
            session = Session(self, sock, peer)
            self.sessions.append(session)
            threading.Thread(target=session.serve, daemon=True).start()

    def session(self, index=-1):
        """A connection that came, waited for."""
        wait_until(lambda: self.sessions, f"{self.name} gets a connection")
        return self.sessions[index]

    def stop_listening(self):
        """New connections are refused; the open ones live on."""
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
            self.listener.close()

    def stop(self):
        self.stop_listening()
        for session in self.sessions:
            session.sock.close()


def read_line(client):
    while b"\n" not in client.reader.buffer:
        client.reader.fill()
    line, _, rest = bytes(client.reader.buffer).partition(b"\n")
    client.reader.buffer[:] = rest
    return line.decode()


def first_line(client):
    """What comes, or None if the connection ends before."""
    try:
        return read_line(client)
    except (ConnectionError, wire.Closed):
        return None


def part(client):
    """Ends our direction and waits for the backend's end."""
    client.half_close()
    client.wait_closed()


def greeted(address, **more):
    """Who greets there: the name of the backend, or None. The session comes to an orderly end."""
    with Client(address, **more) as client:
        name = first_line(client)
        if name is not None:
            part(client)
        return name
