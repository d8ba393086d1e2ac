"""Waiting for conditions. Tests never sleep: they say what must become true, and by when.

GATEHOUSE_TEST_PATIENCE multiplies every deadline: sanitizer builds and busy machines are slower, not wrong. Builds in
a folder called asan or tsan get three times the time by themselves.
"""
import os
import re
import time

SANITIZED = re.search(r"/(asan|tsan)/", os.environ.get("GATEHOUSE_BINARY", ""))
PATIENCE = float(os.environ.get("GATEHOUSE_TEST_PATIENCE") or (3 if SANITIZED else 1))


def patient(seconds):
    """A deadline, stretched for slow builds."""
    return seconds * PATIENCE


class Deadline:
    """Time that runs out once, shared by several waits."""

    def __init__(self, seconds):
        self._end = time.monotonic() + patient(seconds)

    def left(self):
        return max(0.0, self._end - time.monotonic())

    def passed(self):
        return self.left() == 0.0


def wait_until(condition, what, within=5.0, every=0.02):
    """The first true value of condition(); fails with `what` (text, or a callable that makes it) when time is up."""
    deadline = Deadline(within)
    while True:
        value = condition()
        if value:
            return value
        if deadline.passed():
            told = what() if callable(what) else what
            raise AssertionError(f"not within {within:g} s: {told}")
        time.sleep(every)  # between two looks


def watch_for(condition, seconds, every=0.02):
    """True as soon as condition() holds, False if it did not for `seconds`.

    For the rare test that something does NOT happen; the caller says why there is no event to wait for instead.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(every)  # between two looks
    return False
