"""A gRPC server and client by python3-grpcio, with bytes for messages: no code has to be generated."""
from concurrent import futures
import threading

import grpc

SERVICE = "door.test.Echo"


class Calls(grpc.GenericRpcHandler):
    """unary: gives back what it got; down: as many messages as asked for; up: how many came; chat: each one back;
    fail: aborts with what it was told; slow: waits for the test, or for the call's end; bare: fails without a word
    before (an answer of trailers alone); meta: gives back the metadata it saw."""

    def __init__(self):
        self.gate, self.begun, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.seen = []

    def service(self, details):
        name = details.method.rpartition("/")[2]
        self.seen.append((details.method, dict(details.invocation_metadata)))
        handlers = {
            "unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "slow": grpc.unary_unary_rpc_method_handler(self.slow),
            "down": grpc.unary_stream_rpc_method_handler(self.down),
            "up": grpc.stream_unary_rpc_method_handler(self.up),
            "chat": grpc.stream_stream_rpc_method_handler(self.chat),
        }
        return handlers.get(name)

    def unary(self, request, context):
        context.set_trailing_metadata((("x-end", "of it"), ("x-end-bin", b"\x00\xff")))
        return request

    def fail(self, request, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not so: 100% ä")

    def slow(self, request, context):
        context.add_callback(self.ended.set)
        self.begun.set()
        self.gate.wait(60)
        return request

    def down(self, request, context):
        for n in range(int(request)):
            yield b"%d" % n

    def up(self, requests, context):
        return b"%d" % sum(1 for _ in requests)

    def chat(self, requests, context):
        for request in requests:
            yield request


class GrpcServer:
    def __init__(self, credentials=None, options=()):
        self.calls = Calls()
        self.server = grpc.server(futures.ThreadPoolExecutor(16), handlers=(self.calls,), options=list(options))
        self.host = "127.0.0.1"
        if credentials:
            self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        else:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def add(self, handler):
        self.server.add_generic_rpc_handlers((handler,))

    def stop(self):
        self.calls.gate.set()
        self.server.stop(0)


class GrpcClient:
    """Calls through the door, under a host's name."""

    def __init__(self, address, host, ca=None, options=()):
        target = f"{address[0]}:{address[1]}"
        options = [("grpc.default_authority", host), ("grpc.use_local_subchannel_pool", 1), *options]
        if ca:
            options.append(("grpc.ssl_target_name_override", host))
            self.channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(ca), options)
        else:
            self.channel = grpc.insecure_channel(target, options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def method(self, kind, name, service=SERVICE):
        return getattr(self.channel, kind)(f"/{service}/{name}")
