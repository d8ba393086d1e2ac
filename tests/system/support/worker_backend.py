"""A backend in a process of its own, so that it can be killed, stalled and restarted like the real thing.

    python3 worker_backend.py NAME PORT

Answers "/health" with 200, "/chat" by an upgrade and an echo, "/slow" a little later, the rest with its name.
"""
import asyncio
import os
import signal
import subprocess
import sys


class Answering(asyncio.Protocol):
    name = ""

    def connection_made(self, transport):
        self.transport, self.buffer, self.tunnel = transport, b"", False

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
            elif target == b"/slow":
                asyncio.get_running_loop().call_later(0.05, self.answer, target)
            else:
                self.answer(target)

    def answer(self, target):
        body = self.name.encode() + b" " + target
        fields = b"X-Backend: %s\r\nContent-Length: %d\r\n" % (self.name.encode(), len(body))
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body)


async def serve(name, port):
    Answering.name = name
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class WorkerBackend:
    """The process, as a test holds it. Keeps its port over restarts."""

    def __init__(self, name):
        self.name, self.host, self.port, self.process = name, "127.0.0.1", 0, None
        self.start()

    def start(self):
        command = [sys.executable, os.path.abspath(__file__), self.name, str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stall(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.go_on()
        self.kill()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
