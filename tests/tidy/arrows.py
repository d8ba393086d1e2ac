"""Who may include whom: the arrows of docs/architecture.md, and where the outside world may be touched."""

import re
from collections import defaultdict

from source import Finding

# A room (a folder with those below it, unless they have a row of their own) and the rooms it may include besides itself.
ARROWS = {
    "net": (),
    "conf": ("net",),
    "conf/catalog": ("conf", "net"),
    "ratelimit": ("conf", "net"),
    "proxy": ("proxy/pool", "ratelimit", "conf", "net"),
    "proxy/pool": ("conf", "net"),
    "acme": ("conf", "net"),
    "tunnel": ("proxy/pool", "ratelimit", "conf", "net"),
    "cli": ("proxy", "proxy/pool", "tunnel", "acme", "conf/catalog", "ratelimit", "conf", "net"),
}

# The control plane's I/O is seen through these headers alone: they are dear to compile. The longest prefix counts.
GATES = {"boost/asio/ssl": "net/asio_tls.h", "boost/asio": "net/asio.h", "boost/beast": "net/beast.h"}

WORLD_HEADERS = re.compile(
    r"(sys/(socket|epoll|eventfd|timerfd|signalfd|inotify|un|stat|mman|sendfile|file|wait)|netinet/\w+|arpa/inet"
    r"|netdb|poll|fcntl|unistd|dirent|signal|pwd|grp|ares|fstream|openssl/ssl)(\.h)?"
)
WORLD_CALLS = re.compile(
    r"\b(\w*[cC]lock)::now\s*\(|\bstd::(ifstream|ofstream|fstream|random_device|this_thread)\b"
    r"|\b(gettimeofday|clock_gettime|getaddrinfo|fopen|getenv|secure_getenv|gethostname)\s*\(|\bstd::time\s*\("
    r"|(?<![\w>.:])::(open|openat|socket|connect|bind|accept4?|listen|recv|send|read|write|poll|epoll_\w+|time)\s*\("
    r"|\bfilesystem::(exists|is_\w+|\w*directory_iterator|read_symlink|(weakly_)?canonical|create_\w+|remove\w*"
    r"|rename|status|last_write_time|file_size|copy\w*|resize_file|current_path|absolute|temp_directory_path)\b"
)


def room(path):
    """The row of ARROWS that a file or folder belongs to; None for tests, benchmarks and what isn't C++."""
    rooms = [name for name in ARROWS if path.startswith(name + "/")]
    return max(rooms, key=len, default=None)


def touches_world(path):
    """net/ and cli/ are the shell; elsewhere a file's name says that it is: client_io.cc."""
    return room(path) in ("net", "cli") or path.rsplit(".", 1)[0].endswith("_io")


def check(source):
    here = room(source.path)
    if not source.is_cpp or here is None:
        return
    for offset, mark, name in source.includes:
        if mark == '"':
            yield from _arrow(source, offset, here, name)
        else:
            yield from _system(source, offset, name)
    if not touches_world(source.path):
        for match in WORLD_CALLS.finditer(source.code):
            yield source.find(
                match.start(), f"{match[0].rstrip('( ')}: sockets, files, clocks and dice only in *_io files, net/ and cli/"
            )


def _arrow(source, offset, here, name):
    there = room(name)
    if there is None:
        yield source.find(offset, f'"{name}": includes are written from the root and stay within the house')
    elif there != here and there not in ARROWS[here]:
        yield source.find(offset, f'"{name}": no arrow from {here} to {there}')
    if name in GATES.values() and not touches_world(source.path):
        yield source.find(offset, f'"{name}": only *_io files, net/ and cli/ do I/O')


def _system(source, offset, name):
    gate = next((gate for library, gate in GATES.items() if name.startswith(library)), source.path)
    if source.path != gate:
        yield source.find(offset, f"<{name}>: include {gate} instead")
    if WORLD_HEADERS.fullmatch(name) and not touches_world(source.path):
        yield source.find(offset, f"<{name}>: sockets, files, clocks, dice and TLS only in *_io files, net/ and cli/")


def cycles(sources):
    """Folders that include each other, directly or round a corner."""
    arrows = defaultdict(dict)  # folder to folder: the first include that makes the arrow
    for source in sources:
        if source.is_cpp and room(source.path):
            for offset, mark, name in source.includes:
                there = name.rsplit("/", 1)[0]
                if mark == '"' and there != source.folder:
                    arrows[source.folder].setdefault(there, (source.path, source.line_of(offset)))
    done, reported = set(), set()

    def walk(folder, way):
        for there in sorted(arrows.get(folder, ())):
            if there in way:
                ring = way[way.index(there) :]
                if frozenset(ring) not in reported:
                    reported.add(frozenset(ring))
                    yield Finding(*arrows[folder][there], f"folders include each other: {' -> '.join([*ring, there])}")
            elif there not in done:
                yield from walk(there, [*way, there])
        done.add(folder)

    for folder in sorted(arrows):
        if folder not in done:
            yield from walk(folder, [folder])
