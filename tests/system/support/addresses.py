"""Loopback addresses of our own: each door gets one, so that the ports in its file can be the same everywhere and
test runs beside each other never meet."""
import itertools
import os
import socket
import struct

HTTP, HTTPS, METRICS = 22080, 22443, 22901

_counter = itertools.count(1)


def free_address():
    """A 127.x.y.z on which nobody listens at our ports."""
    for n in _counter:
        address = f"127.{64 + os.getpid() % 128}.{(os.getpid() // 128 + n // 250) % 256}.{1 + n % 250}"
        try:
            for port in (HTTP, HTTPS, METRICS):
                with socket.socket() as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    sock.bind((address, port))
            return address
        except OSError:
            continue
    raise AssertionError("unreachable")


def listens(address):
    """Whether somebody listens there, told without a connection to him."""
    wanted = "%08X:%04X" % (struct.unpack("=I", socket.inet_aton(address[0]))[0], address[1])
    with open("/proc/net/tcp") as file:
        return any(line.split()[1] == wanted and line.split()[3] == "0A" for line in file.readlines()[1:])
