"""Runs the tables of byte cases: raw bytes go in at the door, raw bytes are seen at a capturing backend.

A lane is a listener of the door with a backend of its own, which this module is; cases run side by side, one a lane
at a time. Whatever a case expects, these hold after it:
  I1  every byte that the backend received is strict RFC 9112
  I2  no request that the client hid inside another (its target says SMUGGLED) was completed at the backend
  I3  a fresh request through the same lane gets its own answer: nothing was left in a connection
  I4  the door still accepts
I5, no sanitizer report and no leak, is the door fixture's.
Levels: EXACT is the first listed outcome, ALLOWED another one, SAFE refused and closed by an unlisted status, FAIL.
"""
import asyncio
import json
import os
import re
import ssl
import time
from dataclasses import dataclass, field

from support import wire
from support.wait import PATIENCE, patient

CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cases")
ENDING = re.compile(rb"HTTP/1\.[01] [45]|\r\n[Cc]onnection: close")  # after this the close itself is waited for
WHOLE_S, CLOSE_S, IDLE_S, FIRST_S = 12.0, 3.0, 0.6, 6.5


def load(*names):
    cases = []
    for name in names:
        with open(os.path.join(CASES, name)) as file:
            cases += json.load(file)["cases"]
    assert len({case["id"] for case in cases}) == len(cases), "two cases share an id"
    return cases


class _Bytes:
    """Feeds a Reader from memory; running out of bytes reads as the peer's close."""

    def recv(self, _):
        return b""


def reader_of(data):
    reader = wire.Reader(_Bytes())
    reader.buffer += data
    return reader


class LaneBackend:
    """The server behind one lane: captures strictly, answers as the case says."""

    def __init__(self):
        self.begin(None)

    def begin(self, script):
        self.requests, self.faults, self.script = [], [], script

    async def serve(self, reader, writer):
        buffer = bytearray()
        try:
            while data := await reader.read(65536):
                buffer += data
                while buffer and await self._one(buffer, writer):
                    pass
                if self.faults:
                    break
        except (ConnectionError, OSError):
            pass
        finally:
            writer.close()

    async def _one(self, buffer, writer):
        """Takes one whole request off the buffer and answers it; False when more bytes are needed."""
        parser = reader_of(buffer)
        try:
            request = parser.request()
        except wire.Closed:
            return False
        except wire.NotClean as fault:
            self.faults.append(str(fault))
            writer.close()
            return False
        buffer[:] = parser.buffer
        self.requests.append(request)
        if self.script is None or request.target.startswith("/probe"):
            await self._echo(request, writer)
        else:
            await play(self.script, writer)
        return not writer.is_closing()

    @staticmethod
    async def _echo(request, writer):
        body = b"" if request.method == "HEAD" else request.target.encode("latin-1")
        fields = [("Content-Type", "text/plain"), ("X-Echo", f"{request.method} {request.target}")]
        fields.append(("Content-Length", str(len(request.target))))
        writer.write(wire.message("HTTP/1.1 200 OK", fields, body))
        await writer.drain()


async def play(script, writer):
    """Sends what a case says: {s[, times]}, {sleep_ms}, {half_close}, {close}, {reset}."""
    for step in script:
        if "s" in step:
            writer.write(step["s"].encode("latin-1") * step.get("times", 1))
            await writer.drain()
        if "sleep_ms" in step:
            await asyncio.sleep(step["sleep_ms"] / 1000)  # the case's own pace
        if step.get("half_close") and writer.can_write_eof():
            writer.write_eof()
        if step.get("reset"):
            wire.reset_on_close(writer.get_extra_info("socket"))
            writer.transport.abort()
        if step.get("close"):
            writer.close()


@dataclass
class Outcome:
    """What was seen of one case."""

    raw: bytes = b""  # all that the client received
    closed: bool = False
    seconds: float = 0.0
    requests: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    probe: str = ""  # what went wrong with the request after it; empty: nothing

    @property
    def text(self):
        statuses = ",".join(map(str, self.statuses)) or "-"
        return f"{len(self.requests)} at the backend, {statuses} {'close' if self.closed else 'open'}"


@dataclass
class Verdict:
    level: str
    observed: str
    why: list

    def __str__(self):
        return f"{self.level}: {self.observed}" + "".join(f"\n  {reason}" for reason in self.why)


class Lane:
    """One listener of the door, with the backend behind it."""

    def __init__(self, address, tls=None):
        self.address, self.tls, self.backend = address, tls, LaneBackend()

    async def talk(self, script, idle, first, closing=CLOSE_S, sni="front.test"):
        """Sends and listens until nothing more comes; (bytes, closed, seconds). `closing`: how long the close itself is
        waited for once it was announced."""
        name = {"server_hostname": sni} if self.tls else {}
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(*self.address, ssl=self.tls, **name), patient(5)
        )
        data, closed, began = bytearray(), False, time.monotonic()
        sending = asyncio.create_task(self._send(script, writer))
        try:
            while (left := patient(WHOLE_S) - (time.monotonic() - began)) > 0:
                quiet = first
                if data and sending.done():
                    # mostly nothing more comes, and then this is waited in full: so it is stretched a little only
                    quiet = closing if ENDING.search(data) else idle * min(PATIENCE, 2) / PATIENCE
                try:
                    more = await asyncio.wait_for(reader.read(65536), min(left, patient(quiet)))
                except asyncio.TimeoutError:
                    break
                if not more:
                    closed = True
                    break
                data += more
        except (ConnectionError, OSError):
            closed = True
        sending.cancel()
        writer.close()
        return bytes(data), closed, time.monotonic() - began

    @staticmethod
    async def _send(script, writer):
        try:
            await play(script, writer)
        except (ConnectionError, OSError, ssl.SSLError):
            pass  # refused in the middle: the answer tells

    async def run(self, case):
        self.backend.begin(case.get("backend_response"))
        script = case.get("send") or [{"s": case["raw"]}]
        idle, first = case.get("idle_s", IDLE_S), case.get("first_s", FIRST_S)
        must_close = any(one["class"] == "REJECT" or one.get("close") for one in case["expect"]["any_of"])
        outcome = Outcome()
        outcome.raw, outcome.closed, outcome.seconds = await self.talk(
            script, idle, first, CLOSE_S if must_close else idle
        )
        await asyncio.sleep(0.05)  # a request hidden in what was sent last would arrive now
        outcome.requests, outcome.faults = list(self.backend.requests), list(self.backend.faults)
        outcome.statuses = [answer.status for answer in answers(outcome.raw, case.get("methods", []))]
        self.backend.begin(None)
        try:
            await self._probe(case, outcome)
        except (OSError, asyncio.TimeoutError) as error:
            outcome.probe = f"the door accepts no more: {error!r}"
        return judge(case, outcome)

    async def _probe(self, case, outcome):
        target = f"/probe-{case['id']}"
        question = f"GET {target} HTTP/1.1\r\nHost: front.test\r\nConnection: close\r\n\r\n"
        raw, _, _ = await self.talk([{"s": question}], 0.5, 3)
        got = answers(raw, ["GET"])
        if len(got) != 1 or got[0].status != 200 or got[0].get("X-Echo") != f"GET {target}":
            outcome.probe = f"the next request got {raw[:200]!r}"


def answers(raw, methods):
    """The final answers in what the client received; one that is not clean has status 0 and ends the list."""
    reader, found = reader_of(raw), []
    while reader.buffer:
        try:
            head = reader.response_head()
        except (wire.Closed, wire.NotClean):
            found.append(wire.Response(status=0))
            break
        if 100 <= head.status < 200 and head.status != 101:
            continue
        found.append(head)
        method = methods[len(found) - 1] if len(found) <= len(methods) else "GET"
        try:
            reader.body(head, bodiless=method == "HEAD" or head.status in (101, 204, 304), until_close=True)
        except wire.Closed:
            break  # cut short: its status counts, its body is not whole
        except wire.NotClean:
            found.append(wire.Response(status=0))
            break
        if head.status == 101:
            break  # what follows is the tunnel's
    return found


def request_faults(want, got):
    """Why this request at the backend is not the wanted one; empty: it is."""
    for key in ("method", "target", "body", "version"):
        if key in want:
            value = getattr(got, key)
            value = value.decode("latin-1") if isinstance(value, bytes) else value
            if value != want[key] and not (isinstance(want[key], list) and value in want[key]):
                return f"{key} is {value[:80]!r}, not {want[key]!r}"
    for name, value in want.get("headers", {}).items():
        if got.all(name) != ([value] if isinstance(value, str) else value):
            return f"field {name} is {got.all(name)}, not {value!r}"
    for name, pattern in want.get("headers_re", {}).items():
        if len(got.all(name)) != 1 or not re.fullmatch(pattern, got.all(name)[0]):
            return f"field {name} is {got.all(name)}, not /{pattern}/"
    for name, value in want.get("never", {}).items():
        if value in got.all(name):
            return f"field {name}: {value} reached the backend"
    for name in want.get("absent", []):
        if got.has(name):
            return f"field {name} reached the backend: {got.all(name)}"
    for name in want.get("present", []):
        if not got.has(name):
            return f"field {name} is gone"
    return ""


def reject_fault(alternative, seen):
    if seen.requests:
        return f"{len(seen.requests)} complete request(s) reached the backend"
    if not seen.statuses:
        if alternative.get("silent_close") and seen.closed:
            return ""
        return "no answer, " + ("closed" if seen.closed else f"open after {seen.seconds:.1f} s")
    if len(seen.statuses) > 1:
        return f"{len(seen.statuses)} answers: {seen.statuses}"
    if seen.statuses[0] not in alternative.get("status", [400]):
        return f"status {seen.statuses[0]}, not in {alternative.get('status', [400])}"
    if alternative.get("close", True) and not seen.closed:
        return "the connection stays open after the refusal"
    return ""


def forward_fault(alternative, seen):
    wanted = alternative["requests"]
    if len(seen.requests) != len(wanted):
        return f"{len(seen.requests)} requests at the backend, not {len(wanted)} (statuses {seen.statuses})"
    for want, got in zip(wanted, seen.requests):
        fault = request_faults(want, got)
        if fault:
            return fault
    statuses = alternative.get("statuses", [200] * len(wanted))
    if seen.statuses != statuses:
        return f"statuses {seen.statuses}, not {statuses}"
    never = alternative.get("client_never")
    if never and never.lower().encode("latin-1") in seen.raw.lower():
        return f"the client received {never!r}"
    if (alternative.get("close") or not statuses) and not seen.closed:
        return "the connection must be closed after the answer"
    return ""


def judge(case, seen):
    alternatives = case["expect"]["any_of"]
    named = {want.get("target") for one in alternatives for want in one.get("requests", []) if "target" in want
             and isinstance(want["target"], str)}
    broken = [f"I1 not RFC-clean at the backend: {fault}" for fault in seen.faults]
    broken += [
        f"I2 smuggled: {request.method} {request.target}"
        for request in seen.requests
        if "SMUGGLED" in request.target and request.target not in named
    ]
    if seen.probe:
        broken.append(f"I3/I4 {seen.probe}")
    if broken:
        return Verdict("FAIL", seen.text, broken)
    why = []
    for number, alternative in enumerate(alternatives):
        kind = alternative["class"]
        fault = (reject_fault if kind == "REJECT" else forward_fault)(alternative, seen)
        if not fault:
            return Verdict("ALLOWED" if number else "EXACT", seen.text, [])
        why.append(f"{kind}: {fault}")
    refused = seen.closed and not seen.requests and all(400 <= status <= 599 for status in seen.statuses)
    if refused and any(alternative["class"] == "REJECT" for alternative in alternatives):
        return Verdict("SAFE", seen.text, why)
    return Verdict("FAIL", seen.text, why)


async def _run(cases, lanes, sockets):
    servers = [await asyncio.start_server(lane.backend.serve, sock=sock) for lane, sock in zip(lanes, sockets)]
    waiting, verdicts = list(reversed(cases)), {}

    async def work(lane):
        while waiting:
            case = waiting.pop()
            try:
                verdicts[case["id"]] = await lane.run(case)
            except (OSError, asyncio.TimeoutError) as error:
                verdicts[case["id"]] = Verdict("FAIL", "nothing", [f"I4 the door accepts no connection: {error!r}"])

    await asyncio.gather(*(work(lane) for lane in lanes))
    for server in servers:
        server.close()
    return verdicts


def run(cases, addresses, sockets, tls=None):
    """Runs the cases over the lanes at these addresses of the door; the sockets are bound, one for each backend."""
    return asyncio.run(_run(cases, [Lane(address, tls) for address in addresses], sockets))
