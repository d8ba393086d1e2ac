"""The catalog folder: Consul service-definition files, as a deployment tool writes them."""
import json
import os


def instance(service, backend, *tags, id=None, checks=None, weight=None, meta=None, **more):
    """One instance's definition. `backend` has host and port, or is an (address, port)."""
    address, port = backend if isinstance(backend, tuple) else (backend.host, backend.port)
    definition = {
        "id": id or f"{service}-{port}",
        "name": service,
        "address": address,
        "port": port,
        "tags": [tag if "=" not in tag or tag.startswith("gatehouse.") else f"gatehouse.{tag}" for tag in tags],
    }
    if checks is not None:
        definition["checks"] = checks
    if weight is not None:
        definition["weights"] = {"passing": weight, "warning": 1}
    if meta:
        definition["meta"] = meta
    return {**definition, **more}


def http_check(backend, path="/health", interval="1s", timeout="1s", **more):
    return {"http": f"http://{backend.host}:{backend.port}{path}", "interval": interval, "timeout": timeout, **more}


def tcp_check(backend, interval="1s", timeout="1s", **more):
    return {"tcp": f"{backend.host}:{backend.port}", "interval": interval, "timeout": timeout, **more}


class Catalog:
    """A folder of files, each replaced whole by rename unless a test wants otherwise."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name if name.endswith(".json") else name + ".json")

    def write(self, name, text, in_place=False):
        path = self.path(name)
        if in_place:
            with open(path, "w") as file:
                file.write(text)
            return path
        fresh = os.path.join(self.folder, f".{os.path.basename(path)}.new")  # hidden: not *.json until it is whole
        with open(fresh, "w") as file:
            file.write(text)
        os.replace(fresh, path)
        return path

    def put(self, name, *instances, **options):
        """The file `name` holds exactly these instances."""
        return self.write(name, json.dumps({"services": list(instances)}, indent=2) + "\n", **options)

    def remove(self, name):
        os.unlink(self.path(name))
