"""A backend in a process of its own, so that it can be killed, stalled and restarted like the real thing.

    python3 worker_backend.py NAME ADDRESS PORT

Answers "/health" with 200, "/chat" by an upgrade and an echo, "/slow" a little later, the rest with its name.
SIGTERM ends it in order: nothing new is taken, what was begun is answered, idle connections close at once.
"""
import asyncio
import os
import signal
import subprocess
import sys


class Answering(asyncio.Protocol):
    name, open, ends, gone = "", set(), False, asyncio.Event()

    def connection_made(self, transport):
        self.transport, self.buffer, self.tunnel, self.begun = transport, b"", False, 0
        self.open.add(self)

    def connection_lost(self, _):
        self.open.discard(self)
        end_if_alone()

    def data_received(self, data):
        if self.tunnel:
            self.transport.write(data)
            return
        self.buffer += data
        while b"\r\n\r\n" in self.buffer and not self.tunnel:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            target = head.split(b" ", 2)[1]
            if target == b"/chat":
                self.tunnel = True
                self.transport.write(b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                continue
            self.begun += 1
            if target == b"/slow":
                asyncio.get_running_loop().call_later(0.05, self.answer, target)
            else:
                self.answer(target)

    def answer(self, target):
        body = self.name.encode() + b" " + target
        fields = b"X-Backend: %s\r\nContent-Length: %d\r\n" % (self.name.encode(), len(body))
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body)
        self.begun -= 1
        if self.ends:
            self.close_if_idle()

    def close_if_idle(self):
        if self.begun == 0:
            self.transport.close()


def end(server):
    Answering.ends = True
    server.close()
    for connection in list(Answering.open):
        connection.close_if_idle()
    end_if_alone()


def end_if_alone():
    if Answering.ends and not Answering.open:
        Answering.gone.set()


async def serve(name, address, port):
    Answering.name = name
    server = await asyncio.get_running_loop().create_server(Answering, address, port, backlog=4096)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end, server)
    print(server.sockets[0].getsockname()[1], flush=True)
    await Answering.gone.wait()


class WorkerBackend:
    """The process, as a test holds it. Keeps its port over restarts. `prefix` is a command to run it under."""

    def __init__(self, name, address="127.0.0.1", prefix=()):
        self.name, self.host, self.port, self.process = name, address, 0, None
        self.prefix = list(prefix)
        self.start()

    def start(self):
        command = [*self.prefix, sys.executable, os.path.abspath(__file__), self.name, self.host, str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """SIGTERM, as of a supervisor that replaces it."""
        self.process.terminate()
        self.process.wait()

    def stall(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.go_on()
        self.kill()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
