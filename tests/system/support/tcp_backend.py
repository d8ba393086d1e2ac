"""A backend that speaks no HTTP: greets, echoes, and keeps what came, so that each byte and each end can be told."""
import socket
import threading

from support import wire
from support.wait import patient, wait_until


class Session:
    """One connection of the backend."""

    def __init__(self, backend, sock, peer):
        self.backend, self.sock, self.peer = backend, sock, peer
        self.received, self.ended, self.reset = bytearray(), False, False

    def serve(self):
        try:
            self.sock.sendall(self.backend.greeting)
            while data := self.sock.recv(1 << 16):
                self.received += data
                if self.backend.echo:
                    self.sock.sendall(data)
            self.ended = True
            self.sock.sendall(self.backend.farewell)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.reset = isinstance(error, ConnectionError)
        finally:
            if self.ended or self.reset:
                self.sock.close()

    def end(self):
        """The backend ends its direction; it goes on to listen."""
        self.sock.shutdown(socket.SHUT_WR)

    def break_off(self):
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

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for session in self.sessions:
            session.sock.close()
