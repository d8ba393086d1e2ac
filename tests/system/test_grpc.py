"""gRPC through the door, with the client and the server of grpcio: all four kinds of calls, their ends and their
failures."""
import threading

import pytest

grpc = pytest.importorskip("grpc", reason="python3-grpcio is not installed")

from support.catalog import instance
from support.grpc_server import SERVICE, GrpcClient, GrpcServer
from support.wait import patient, wait_until

pytestmark = pytest.mark.quick
Code = grpc.StatusCode


@pytest.fixture(scope="module")
def server():
    server = GrpcServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def door(make_shared_door, server):
    door = make_shared_door(start=False)
    door.catalog.put("echo", instance("echo", server, "route=grpc.test", "protocol=h2c"))
    door.catalog.put("none", {**instance("none", ("127.0.0.1", 1), "route=none.test", "protocol=h2c")})
    return door.start()


@pytest.fixture
def client(door):
    with GrpcClient(door.http, "grpc.test") as client:
        yield client


def deadline():
    return patient(10)


def test_a_unary_call_with_metadata_both_ways(client, server):
    call = client.method("unary_unary", "unary")
    answer, ended = call.with_call(b"hello", timeout=deadline(), metadata=(("x-mine", "5"), ("x-raw-bin", b"\0\xff")))
    assert answer == b"hello" and ended.code() == Code.OK
    assert dict(ended.trailing_metadata()) == {"x-end": "of it", "x-end-bin": b"\0\xff"}
    method, seen = server.calls.seen[-1]
    assert method == f"/{SERVICE}/unary" and seen["x-mine"] == "5" and seen["x-raw-bin"] == b"\0\xff"
    assert seen["x-forwarded-host"] == "grpc.test"


def test_messages_of_every_size_pass(client):
    for size in (0, 1, 16384, 65535, 65536, 3 << 20):
        assert client.method("unary_unary", "unary")(b"x" * size, timeout=deadline()) == b"x" * size


def test_server_streaming(client):
    assert [int(n) for n in client.method("unary_stream", "down")(b"1000", timeout=deadline())] == list(range(1000))


def test_client_streaming(client):
    assert client.method("stream_unary", "up")((b"x" * 1000 for _ in range(500)), timeout=deadline()) == b"500"


def test_bidirectional_streaming_message_by_message(client):
    """Each answer is read before the next message is sent: nothing may wait for the call's end."""
    answered = threading.Semaphore(0)

    def messages():
        for n in range(100):
            yield b"%d" % n
            assert answered.acquire(timeout=patient(10))

    got = []
    for answer in client.method("stream_stream", "chat")(messages(), timeout=deadline()):
        got.append(int(answer))
        answered.release()
    assert got == list(range(100))


def test_a_failed_call_keeps_its_status_and_message(client):
    with pytest.raises(grpc.RpcError) as failed:
        client.method("unary_unary", "fail")(b"", timeout=deadline())
    assert failed.value.code() == Code.FAILED_PRECONDITION and failed.value.details() == "not so: 100% ä"


def test_an_answer_of_trailers_alone_passes(client):
    with pytest.raises(grpc.RpcError) as failed:
        client.method("unary_unary", "unknown")(b"", timeout=deadline())
    assert failed.value.code() == Code.UNIMPLEMENTED and "not found" in failed.value.details().lower()


def test_a_deadline_ends_the_call_at_both_ends(client, server):
    server.calls.ended.clear()
    with pytest.raises(grpc.RpcError) as failed:
        client.method("unary_unary", "slow")(b"", timeout=0.3)
    assert failed.value.code() == Code.DEADLINE_EXCEEDED
    assert server.calls.ended.wait(patient(5)), "the server never heard of it"
    assert "grpc-timeout" not in server.calls.seen[-1][1]  # grpcio reads it, and so it arrived


def test_a_cancelled_call_is_cancelled_at_the_server(client, server):
    server.calls.ended.clear()
    server.calls.begun.clear()
    call = client.method("unary_unary", "slow").future(b"")
    assert server.calls.begun.wait(patient(10)), "the call at the server"
    call.cancel()
    assert server.calls.ended.wait(patient(5)), "the server never heard of it"


@pytest.mark.parametrize("host, code", [("none.test", Code.UNAVAILABLE), ("nobody.test", Code.UNIMPLEMENTED)])
def test_refusals_of_the_door_are_statuses_of_grpc(door, host, code):
    with GrpcClient(door.http, host) as client:
        with pytest.raises(grpc.RpcError) as failed:
            client.method("unary_unary", "unary")(b"", timeout=deadline())
    assert failed.value.code() == code and failed.value.details().startswith(("503 ", "404 "))


def test_refusals_over_http1_are_told_so_too(door):
    answer = door.ask("/a/b", "POST", host="none.test", fields={"Content-Type": "application/grpc+proto"}, body=b"")
    assert (answer.status, answer.get("grpc-status"), answer.body) == (200, "14", b"")
    assert door.ask("/", "POST", host="none.test", body=b"").status == 503


def test_many_calls_share_few_connections(door, client, server):
    call = client.method("unary_unary", "unary")
    futures = [call.future(b"%d" % n, timeout=deadline()) for n in range(300)]
    assert [int(each.result()) for each in futures] == list(range(300))
    assert door.metric("gatehouse_backend_http2_connections_open") <= 8  # two workers, and 100 at once on each


def test_over_tls_on_both_sides(make_door, authority, tmp_path):
    pair = authority.issue("grpc.test")
    crt, key = pair.write(tmp_path, "server")
    credentials = grpc.ssl_server_credentials([(open(key, "rb").read(), open(crt, "rb").read())])
    server = GrpcServer(credentials)
    try:
        door = make_door(start=False, tls=True, config={"services": {"echo": {"protocol": "h2", "tls_ca": "ca.crt"}}})
        authority.write(door.folder, "ca.crt")
        authority.issue("grpc.test").write(door.certificates, "grpc")
        door.catalog.put("echo", instance("echo", server, "route=grpc.test", "protocol=h2"))
        door.start()
        with GrpcClient(door.https, "grpc.test", ca=authority.crt) as client:
            assert client.method("unary_unary", "unary")(b"hello", timeout=deadline()) == b"hello"
            assert len(list(client.method("unary_stream", "down")(b"50", timeout=deadline()))) == 50
    finally:
        server.stop()


class Health(grpc.GenericRpcHandler):
    """grpc.health.v1, as far as a check asks it: what it is asked is kept, what it says may change."""

    def __init__(self):
        self.serving, self.asked = True, []

    def service(self, details):
        if details.method != "/grpc.health.v1.Health/Check":
            return None

        def check(request, context):
            self.asked.append(request)
            return b"\x08\x01" if self.serving else b"\x08\x02"

        return grpc.unary_unary_rpc_method_handler(check)


def test_the_health_protocol_decides(make_door):
    """Of two servers the one that says it isn't serving gets no calls."""
    servers, healths = [GrpcServer(), GrpcServer()], [Health(), Health()]
    for server, health in zip(servers, healths):
        server.add(health)
    try:
        door = make_door(start=False)
        check = "health=grpc:echo interval=200ms fall=1 rise=1"
        door.catalog.put("echo", *[instance("echo", server, "route=grpc.test", "protocol=h2c", check)
                                   for server in servers])
        door.start()
        with GrpcClient(door.http, "grpc.test") as client:
            call = client.method("unary_unary", "unary")

            def who_answers():
                before = [len(server.calls.seen) for server in servers]
                for _ in range(20):
                    call(b"", timeout=deadline())
                calls = [sum("unary" in method for method, _ in server.calls.seen[count:])
                         for server, count in zip(servers, before)]
                return [count > 0 for count in calls]

            wait_until(lambda: who_answers() == [True, True], "both")
            healths[0].serving = False
            wait_until(lambda: who_answers() == [False, True], "the healthy one alone")
            healths[0].serving = True
            wait_until(lambda: who_answers() == [True, True], "both again")
        assert healths[0].asked[0] == b"\x0a\x04echo"
    finally:
        for server in servers:
            server.stop()
