"""Several backends of one service, and how the door shares requests among them."""
from collections import Counter

from support.backend import Backend
from support.catalog import instance
from support.client import Client


class Fleet:
    """A service with named instances: fleet["a"] is a backend. Written to the catalog by put()."""

    def __init__(self, door, service, names, host=None, tags=(), **instance_options):
        self.door, self.service, self.host = door, service, host or f"{service}.test"
        self.backends = {name: Backend(name) for name in names}
        self.tags, self.options = list(tags), instance_options
        self.weights, self.own_tags = {}, {}

    def __getitem__(self, name):
        return self.backends[name]

    def instance(self, name):
        backend, options = self.backends[name], dict(self.options)
        checks = options.pop("checks", None)
        if callable(checks):
            options["checks"] = [checks(backend)]
        tags = [f"route={self.host}", *self.tags, *self.own_tags.get(name, ())]
        return instance(self.service, backend, *tags, id=name, weight=self.weights.get(name), **options)

    def put(self, *names):
        """The catalog holds these instances; all of them when none is named."""
        chosen = names or self.backends
        self.door.catalog.put(self.service, *(self.instance(name) for name in chosen))
        return self

    def add(self, name):
        self.backends[name] = Backend(name)
        return self.put()

    def stop(self):
        for backend in self.backends.values():
            backend.stop()

    def spread(self, count, client=None, **more):
        """How many of `count` requests went to each instance; another status than 200 is counted as itself."""
        tally = Counter()
        with client or Client(self.door.http, host=self.host) as one:
            for _ in range(count):
                answer = one.ask(**more)
                tally[answer.get("X-Backend") or answer.status] += 1
        return tally
