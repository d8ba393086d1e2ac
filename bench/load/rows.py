"""The rows of the table: what is loaded, what is counted, what the door must reach. To add a row, add an entry."""

from dataclasses import dataclass
from typing import Callable, Tuple

from loads import connect, h2load, idle, paced, stream, wrk
from servers import Setup


@dataclass(frozen=True)
class AtLeast:
    """The door must do this many times as well as another server."""

    ratio: float
    of: str = "nginx"
    figure: str = ""  # "": the row's own cost; "rate": what got through in a second


@dataclass(frozen=True)
class AtMost:
    """The door's own figure must not be above this."""

    limit: float


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    unit: str
    measure: Callable  # from loads.py: (server, bench, seconds) to a Sample
    goals: Tuple = ()
    cost: str = "cpu_us"  # the figure of a Sample that the ratios are of; less is better
    setup: Setup = Setup()
    besides: Tuple = ()  # variants of peers that are shown, too
    only: Tuple = ()  # who does this at all; (): everybody
    everywhere: bool = False  # on all processors, the load as well: throughput then says nothing
    fresh: bool = False  # a new process in each round: what was held before would hide what is held now


KIB_64 = "64 connections"
FILE_SERVERS = ("nginx", "gatehouse")
ROWS = [
    Row("h1-1k", f"HTTP/1.1, 1 KiB, {KIB_64}", "request", wrk("/1k"),
        (AtLeast(1.25), AtLeast(1.35, "haproxy"), AtLeast(4.0, "envoy"))),
    Row("h1-1k-log", "the same, JSON access log", "request", wrk("/1k"), (AtLeast(1.30),), setup=Setup(log=True)),
    Row("h1-100k", f"HTTP/1.1, 100 KiB, {KIB_64}", "request", wrk("/100k"),
        (AtLeast(1.15), AtLeast(1.0, figure="rate")), besides=("nginx-64k", "haproxy-splice")),
    Row("tls-1k", f"TLS 1.3, 1 KiB, {KIB_64}", "request", wrk("/1k", tls=True),
        (AtLeast(1.30), AtLeast(1.0, "haproxy"))),
    Row("tls-100k", f"TLS 1.3, 100 KiB, {KIB_64}", "request", wrk("/100k", tls=True),
        (AtLeast(1.30), AtLeast(1.0, "haproxy")), besides=("nginx-64k",)),
    Row("h2-1k", "HTTP/2 over TLS 1.3, 1 KiB, 8 connections of 32 streams", "request", h2load("/1k"),
        (AtLeast(1.9), AtLeast(1.5, "haproxy"))),
    Row("h2-100k", "HTTP/2 over TLS 1.3, 100 KiB, 8 connections of 32 streams", "request", h2load("/100k"),
        (AtLeast(1.10),), besides=("nginx-64k",)),
    Row("stream-plain", "one stream of 1 GiB, plain", "MiB", stream(),
        (AtLeast(2.2), AtLeast(1.0, "haproxy-splice")), besides=("nginx-64k", "haproxy-splice")),
    Row("stream-tls", "one stream of 1 GiB, TLS 1.3", "MiB", stream(tls=True), (AtLeast(1.10),),
        besides=("nginx-64k",)),
    Row("handshake-p256", "full TLS 1.3 handshakes, P-256", "connection", connect("P-256"), (AtLeast(1.05),),
        besides=("nginx-tickets",)),
    Row("handshake-x25519", "full TLS 1.3 handshakes, X25519", "connection", connect("X25519"), (AtLeast(1.10),),
        besides=("nginx-tickets",)),
    Row("connection-per-request", "a new connection for each request, plain", "connection", connect(),
        (AtLeast(1.05),)),
    Row("static-1k", f"a file of 1 KiB, {KIB_64}", "request", wrk("/static/1k"), (AtLeast(1.1),), only=FILE_SERVERS),
    Row("static-1m", "a file of 1 MiB, 16 connections", "request", wrk("/static/1m", connections=16), (AtLeast(1.1),),
        only=FILE_SERVERS),
    Row("static-tls-1k", f"a file of 1 KiB, TLS 1.3, {KIB_64}", "request", wrk("/static/1k", tls=True),
        (AtLeast(1.1),), only=FILE_SERVERS),
    Row("static-tls-1m", "a file of 1 MiB, TLS 1.3, 16 connections", "request",
        wrk("/static/1m", tls=True, connections=16), (AtLeast(1.1),), only=FILE_SERVERS),
    Row("gzip", "a page of 100 KiB, gzipped on its way at level 4", "request",
        wrk("/coded/page.html", connections=16, fields=("Accept-Encoding: gzip",)), (AtLeast(1.0),),
        only=FILE_SERVERS),
    Row("brotli", "the same with brotli at level 4", "request",
        wrk("/coded/page.html", connections=16, fields=("Accept-Encoding: br",)), (AtLeast(1.0),), only=FILE_SERVERS),
    Row("upload-1m", "uploads of 1 MiB, 16 connections", "MiB", wrk("/", script="upload.lua", connections=16),
        besides=("haproxy-splice",)),
    Row("two-workers", f"HTTP/1.1, 1 KiB, {KIB_64}, two workers", "request", wrk("/1k"), setup=Setup(workers=2),
        everywhere=True),
    Row("latency", "p99 at 2000 requests a second, 1 KiB, plain", "request", paced(2000, 64), (AtLeast(1.0),),
        cost="p99_us"),
    Row("idle-plain", "memory for an idle connection, plain (of 10,000)", "connection", idle(10_000), (AtMost(600),),
        cost="memory", fresh=True),
    Row("idle-tls", "memory for an idle connection, TLS 1.3 (of 3,000)", "connection", idle(3_000, tls=True),
        (AtMost(16 * 1024),), cost="memory", fresh=True),
]  # fmt: skip
