"""A steady load on the door that counts every failure with its cause."""
import threading
import time
from collections import Counter

from support import wire
from support.client import Client


class Load:
    """Threads that ask without a pause, or with one, each on a kept connection; a context manager.

    Only idempotent requests: each of them must be answered with 200 while an endpoint is left.
    """

    def __init__(self, address, host, threads=4, targets=("/", "/slow"), timeout=30.0, tls=None, sni=None, pause=0.0):
        self.address, self.host, self.targets, self.timeout = address, host, targets, timeout
        self.tls, self.sni, self.pause = tls, sni, pause
        self.answered, self.failures, self.last = 0, Counter(), []
        self._end, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(self.timeout)

    def _work(self, n):
        while not self._end.is_set():
            try:
                with Client(self.address, host=self.host, timeout=self.timeout, tls=self.tls, sni=self.sni) as client:
                    kept = True
                    while kept and not self._end.is_set():
                        kept = self._one(client, self.targets[n % len(self.targets)])
                        n += 1
                        self._end.wait(self.pause)
            except (OSError, wire.Closed, wire.NotClean) as error:
                self._count(f"{type(error).__name__}: {error}"[:120])

    def _one(self, client, target):
        """Whether the connection is good for another one: after so many (keep_alive_requests) the door closes it."""
        began = time.monotonic()
        answer = client.ask("GET", target)
        if answer.status != 200:
            self._count(f"status {answer.status}", time.monotonic() - began)
        elif not answer.text.endswith(target):
            self._count("another's answer")
        else:
            with self._lock:
                self.answered += 1
        return answer.get("Connection") != "close"

    def _count(self, cause, seconds=0.0):
        with self._lock:
            self.failures[cause] += 1
            self.last = [*self.last[-9:], (time.strftime("%H:%M:%S"), cause, round(seconds, 2))]

    def assert_none_failed(self):
        assert not self.failures, f"{dict(self.failures)} of {self.answered}; the last: {self.last}"
        assert self.answered > 0
