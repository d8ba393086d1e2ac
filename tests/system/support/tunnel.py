"""Tunnels under test: keys, the section of gatehouse.yaml for either end, stunnel and openssl as the other one."""
import os
import secrets
import socket
import struct
import subprocess
import threading

from support import addresses, wire
from support.wait import patient, wait_until

EXIT_PORT, ENTRY_PORT = 23443, 23432
HEX, ASCII = "hex", "ascii"
FORMS = {
    "hex": lambda: secrets.token_hex(32),
    "ascii": lambda: secrets.token_urlsafe(32) + "~",  # not hexadecimal, whatever comes
    "colon-hex": lambda: secrets.token_bytes(32).hex(":"),
    "16 bytes": lambda: secrets.token_hex(16),
    "512 bytes": lambda: secrets.token_hex(512),
}


def new_key(form="hex"):
    return FORMS[form]()


def write_keys(path, *lines, mode=0o600):
    """A key file in stunnel's format; `lines` are (identity, key)."""
    with open(path, "w") as file:
        file.write("".join(f"{identity}:{key}\n" for identity, key in lines))
    os.chmod(path, mode)
    return path


def exit_section(address, keys, allow, offer, port=EXIT_PORT, **more):
    return {"accept": [{"name": "in", "address": f"{address}:{port}", "secrets": {"file": keys}, "allow": allow, **more}],
            "offer": offer}


def entry_section(listen, *targets, name="db", **more):
    """Targets are (address:port, identity, key file)."""
    to = [{"address": at, "identity": identity, "secret": {"file": key}} for at, identity, key in targets]
    return {"connect": [{"name": name, "listen": listen, "to": to, **more}]}


class Stunnel:
    """Debian's stunnel with one section."""

    def __init__(self, folder, text, listens, name="stunnel"):
        os.makedirs(folder, exist_ok=True)
        self.conf, self.log = os.path.join(folder, f"{name}.conf"), os.path.join(folder, f"{name}.log")
        with open(self.conf, "w") as file:
            file.write(f"foreground = yes\npid =\ndebug = 7\noutput = {self.log}\n{text}\n")
        self.process = subprocess.Popen(["stunnel4", self.conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        stdin=subprocess.DEVNULL)
        wait_until(lambda: self.process.poll() is not None or addresses.listens(listens),
                   lambda: f"stunnel listens: {self.said()[-2000:]}")
        assert self.process.poll() is None, self.said()

    def said(self):
        try:
            with open(self.log, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(patient(10))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def stunnel_server(folder, at, to, keys, more=""):
    return Stunnel(folder, f"[db]\naccept = {at[0]}:{at[1]}\nconnect = {to[0]}:{to[1]}\nciphers = PSK\n"
                           f"PSKsecrets = {keys}\n{more}", at, "server")


def stunnel_client(folder, at, to, keys, more=""):
    return Stunnel(folder, f"[db]\nclient = yes\naccept = {at[0]}:{at[1]}\nconnect = {to[0]}:{to[1]}\nciphers = PSK\n"
                           f"PSKsecrets = {keys}\n{more}", at, "client")


def as_hex(key):
    """A key's bytes in hexadecimal, as openssl wants them."""
    try:
        return bytes.fromhex(key.replace(":", "")).hex()
    except ValueError:
        return key.encode().hex()


class Recorder:
    """A relay on the way that keeps what passes, can cut it, and looks at alerts."""

    def __init__(self, to, address="127.0.0.1"):
        self.to, self.listener = to, socket.create_server((address, 0))
        self.host, self.port = self.listener.getsockname()
        self.pairs, self.up, self.down = [], bytearray(), bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.to, timeout=patient(10))
            except OSError:
                return
            server.settimeout(None)
            self.pairs.append((client, server))
            threading.Thread(target=self._pump, args=(client, server, self.up), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, self.down), daemon=True).start()

    @staticmethod
    def _pump(source, sink, kept):
        try:
            while data := source.recv(1 << 16):
                if len(kept) < 1 << 20:
                    kept += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def fin(self):
        """TCP's own end on both sides, without TLS's."""
        for client, server in self.pairs:
            for side in (client, server):
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        self.listener.close()
        for pair in self.pairs:
            for side in pair:
                side.close()


def records(data):
    """(type, body) of the whole TLS records in it."""
    found = []
    while len(data) >= 5:
        kind, size = data[0], struct.unpack(">H", data[3:5])[0]
        if len(data) < 5 + size:
            break
        found.append((kind, bytes(data[5:5 + size])))
        data = data[5 + size:]
    return found


def alert_of(data):
    """The alert in clear that the bytes end with; None: there is none."""
    alerts = [body[1] for kind, body in records(data) if kind == 21 and len(body) == 2]
    return alerts[-1] if alerts else None


def was_reset(sock):
    """Whether the peer broke the connection off; False: it ended it."""
    try:
        while sock.recv(1 << 16):
            pass
        return False
    except ConnectionError:
        return True


def half_close_exchange(at, question=b"question", within=10):
    """Says something, ends its direction, and reads to the end."""
    with socket.create_connection(at, timeout=patient(within)) as sock:
        sock.sendall(question)
        sock.shutdown(socket.SHUT_WR)
        answer = bytearray()
        while data := sock.recv(1 << 16):
            answer += data
        return bytes(answer)


def reset_on_close(sock):
    wire.reset_on_close(sock)
