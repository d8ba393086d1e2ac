"""Runs the tables of frame cases (cases/http2*.json): what the door makes of each, and what its backend sees of it.

A case's frames: t is the kind (headers, data, rst, settings, ping, wu, cont, prio, raw, loop); the usual request is
GET https://front.test/a, which `set`, `drop` and `add` change and `h` replaces. Outcomes:
  REFUSE   RST_STREAM, GOAWAY with an error, an answer of 400 and above, or a close; nothing at the backend
  FORWARD  exactly these requests at the backend, strict RFC 9112
  FLOOD    memory and requests at the backend stay bounded; must_cut: the connection is ended
Whatever a case expects: no request that it hid (SMUGGLED) reaches the backend, and a new connection is served.
"""
import json
import struct

from support import http2
from support.byte_cases import CASES
from support.wait import wait_until


def load(*names):
    cases = []
    for name in names:
        with open(f"{CASES}/{name}") as file:
            cases += json.load(file)["cases"]
    return cases


def build(step):
    kind, stream = step["t"], step.get("sid", 1)
    if kind == "headers":
        usual = [[n, step.get("set", {}).get(n, v)] for n, v in http2.request_fields() if n not in step.get("drop", [])]
        fields = step.get("h") or usual + step.get("add", []) * step.get("add_times", 1)
        block = bytes.fromhex(step.get("rep_hex", "")) * step.get("rep", 0)
        return http2.headers(stream, fields, not step.get("open"), not step.get("no_end"), block)
    if kind == "data":
        payload = step.get("d", "").encode("latin-1") * step.get("times", 1)
        return http2.data(stream, payload, not step.get("open"))
    if kind == "rst":
        return http2.reset(stream, step.get("code", http2.CANCEL))
    if kind == "settings":
        return http2.settings(*step.get("s", []))
    if kind == "ping":
        return http2.ping()
    if kind == "wu":
        return http2.window_update(stream, step.get("n", 0))
    if kind == "cont":
        block = http2.hpack([[step.get("n", "x-c"), "c" * step.get("len", 1000)]])
        return http2.frame(http2.CONTINUATION, http2.END_HEADERS if step.get("end") else 0, stream, block)
    if kind == "prio":
        return http2.frame(http2.PRIORITY, 0, stream, struct.pack(">IB", step.get("dep", 0), 15))
    assert kind == "raw", kind
    return bytes.fromhex(step["hex"])


def play(client, steps):
    for step in steps:
        if step["t"] != "loop":
            client.send(build(step))
            continue
        stream, chunk = step.get("sid", 1), b""
        for n in range(step["times"]):
            chunk += b"".join(build({"sid": stream, **each}) for each in step["do"])
            stream += step.get("step", 0)
            if len(chunk) > 16384 or n == step["times"] - 1:
                if client.over() or not client.send(chunk):
                    return
                chunk = b""


def refusal(client):
    return client.resets or client.over() or [status for status in client.statuses.values() if status >= 400]


def differs(wanted, got):
    for key in ("method", "target", "body"):
        value = getattr(got, key)
        value = value.decode("latin-1") if isinstance(value, bytes) else value
        if key in wanted and wanted[key] != value:
            return f"{key} {value!r}, not {wanted[key]!r}"
    for name, value in wanted.get("fields", {}).items():
        if got.all(name) != ([value] if value is not None else []):
            return f"{name}: {got.all(name)}, not {value!r}"
    return None


def judge(case, client, backend, grown_mib):
    """None, or why not one of the outcomes came."""
    why = []
    for one in case["expect"]["any_of"]:
        if one["class"] == "REFUSE":
            if backend.requests:
                why.append(f"{len(backend.requests)} request(s) at the backend")
            elif not refusal(client):
                why.append("no refusal")
            else:
                return None
        elif one["class"] == "FORWARD":
            wrong = None if len(backend.requests) == len(one["requests"]) else f"{len(backend.requests)} requests"
            for wanted, got in zip(one["requests"], backend.requests):
                wrong = wrong or differs(wanted, got)
            if wrong is None:
                return None
            why.append(wrong)
        else:
            if one.get("must_cut") and not client.over():
                why.append("not ended")
            elif len(backend.requests) > one.get("max_backend", 10**9):
                why.append(f"{len(backend.requests)} requests at the backend")
            elif grown_mib > one.get("max_mib", 64):
                why.append(f"memory grew by {grown_mib} MiB")
            else:
                return None
    return "; ".join(why)


def run(case, connect, backend, door):
    """Plays a case on a new connection; fails if none of its outcomes comes."""
    backend.forget()
    before = door.rss()
    with connect() as client:
        play(client, case["frames"])
        client.sync()
        grown = (door.rss() - before) >> 20
        wait_until(lambda: judge(case, client, backend, grown) is None,
                   lambda: f"{case['expect']}: {judge(case, client, backend, grown)}; {client.describe()}", 5.0)
        client.sync()
        assert judge(case, client, backend, grown) is None
    assert not [request for request in backend.requests if "SMUGGLED" in request.target]
    with connect() as client:
        assert client.ask(target=f"/probe-{case['id']}") == 200
