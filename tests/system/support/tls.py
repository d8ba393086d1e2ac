"""TLS from both ends, as far as the tests need to bend it."""
import socket
import ssl
import subprocess

from support.wait import patient


def versions(context, lowest, highest=None):
    """The context, bound to these versions, with old ones allowed by the library's own policy."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = lowest
    context.maximum_version = highest or lowest
    return context


def handshakes(address, context, sni):
    """The negotiated (version, cipher), or None when the door refuses."""
    with socket.create_connection(address, timeout=patient(5)) as tcp:
        try:
            with context.wrap_socket(tcp, server_hostname=sni) as secure:
                return secure.version(), secure.cipher()[0]
        except (ssl.SSLError, ConnectionError):
            return None


def client_hello(context, sni):
    """The first flight of a handshake, and the objects to go on with it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=sni)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return connection, incoming, outgoing, outgoing.read()


def in_records_of(hello, size):
    """The same handshake bytes, cut into records of `size` bytes (RFC 8446 5.1)."""
    version, payload = hello[1:3], hello[5:]
    pieces = (payload[at : at + size] for at in range(0, len(payload), size))
    return b"".join(b"\x16" + version + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def finish(connection, incoming, outgoing, tcp):
    """Ends a handshake begun by client_hello over this socket."""
    while True:
        try:
            connection.do_handshake()
            tcp.sendall(outgoing.read())
            return connection
        except ssl.SSLWantReadError:
            tcp.sendall(outgoing.read())
            data = tcp.recv(65536)
            if not data:
                raise ConnectionError("closed in the handshake") from None
            incoming.write(data)


def s_client(address, *options, say="", within=10):
    """What `openssl s_client` prints."""
    command = ["openssl", "s_client", "-connect", "%s:%d" % address, *options]
    done = subprocess.run(command, input=say, capture_output=True, text=True, timeout=patient(within))
    return done.stdout + done.stderr
