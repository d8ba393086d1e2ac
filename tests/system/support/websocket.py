"""The WebSocket handshake (RFC 6455 4). What follows is bytes to us, as it is to the door."""
import base64
import hashlib

from support import wire

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def accept_of(key):
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest).decode()


def handshake(host, target="/chat"):
    fields = [("Host", host), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    fields += [("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", "13")]
    return wire.message(f"GET {target} HTTP/1.1", fields)


def accepted(request):
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    fields.append(("Sec-WebSocket-Accept", accept_of(request.get("Sec-WebSocket-Key", ""))))
    return wire.message("HTTP/1.1 101 Switching Protocols", fields)


def accept_and_echo(exchange):
    """A backend's handler: accepts, then sends back what comes until the end."""
    exchange.send(accepted(exchange.request))
    while data := exchange.read():
        exchange.send(data)
    exchange.close()
