"""Running tunnels: fail-over, reload, revocation, rotation, commands, imports, and how little a host needs for them."""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import threading

import pytest

from support import addresses, process, tunnel, wire
from support.tcp_backend import TcpBackend
from support.tunnel import ENTRY_PORT, EXIT_PORT, half_close_exchange, new_key, write_keys
from support.wait import patient, wait_until

pytestmark = pytest.mark.quick

IDENTITY = "a.db.b"


@pytest.fixture
def things():
    made = []

    def keep(thing):
        made.append(thing)
        return thing

    yield keep
    for thing in reversed(made):
        thing.stop()


def text(at):
    return "%s:%d" % at


def exit_door(make_door, folder, keys, backend, name="far", allow=None, **more):
    """An exit with its keys in a folder, a file for each."""
    door = make_door(start=False, name=name)
    ring = str(folder / f"{name}.psk.d")
    os.makedirs(ring, mode=0o700, exist_ok=True)
    for identity, key in keys.items():
        write_keys(os.path.join(ring, f"{identity}.psk"), (identity, key))
    allow = allow or [{"identity": identity, "service": "db"} for identity in keys]
    offer = {"db": backend if isinstance(backend, (str, dict, list)) else f"{backend.host}:{backend.port}"}
    section = tunnel.exit_section(door.address, "", allow, offer, **more)
    section["accept"][0]["secrets"] = {"folder": ring}
    door.change_config({"tunnel": section})
    door.start()
    door.at, door.ring = (door.address, EXIT_PORT), ring
    return door


def entry_door(make_door, folder, *targets, name="near", listen=None, start=True, **more):
    door = make_door(start=False, name=name)
    door.near = (door.address, ENTRY_PORT)
    to = []
    for number, (at, identity, key) in enumerate(targets):
        ring = str(folder / f"{name}-{number}.psk.d")
        os.makedirs(ring, mode=0o700, exist_ok=True)
        write_keys(os.path.join(ring, f"{identity}.psk"), (identity, key))
        to.append({"address": text(at), "identity": identity, "secret": {"folder": ring}})
        door.ring = ring
    door.change_config({"tunnel": {"connect": [{"name": "db", "listen": listen or text(door.near), "to": to, **more}]}})
    return door.start() if start else door


def says(at, within=10):
    """The first line that is heard there; b"" if the connection ends without one."""
    data = b""
    try:
        with socket.create_connection(at, timeout=patient(within)) as sock:
            while not data.endswith(b"\n"):
                more = sock.recv(1)
                if not more:
                    return b""
                data += more
    except ConnectionError:
        return b""
    return data


# -- fail-over ------------------------------------------------------------------------------------------------------

def test_the_next_exit_is_tried_where_one_does_not_reach_its_service(make_door, things, tmp_path):
    """Nobody listens; a wrong key; the service behind is down: each is no more than a moment's delay."""
    backend = things(TcpBackend("db"))
    key = new_key()
    good = exit_door(make_door, tmp_path, {IDENTITY: key}, backend)
    deaf = exit_door(make_door, tmp_path, {IDENTITY: key}, "127.0.0.1:9",
                     name="deaf")
    strange = exit_door(make_door, tmp_path, {IDENTITY: new_key()}, backend, name="strange")
    near = entry_door(make_door, tmp_path, (("127.0.0.1", 9), IDENTITY, key), (strange.at, IDENTITY, key),
                      (deaf.at, IDENTITY, key), (good.at, IDENTITY, key))
    # what is said at once goes to each exit, and to the service once
    assert half_close_exchange(near.near, b"said at once\n") == b"db\nsaid at once\nbye\n"
    assert bytes(backend.session().received) == b"said at once\n"
    assert len(backend.sessions) == 1
    logged = near.logged(event="tunnel", termination="ok")
    assert (logged["attempts"], logged["bytes_in"]) == (4, 13)
    deaf.logged(event="tunnel", termination="unreachable")
    strange.logged(event="tunnel", termination="wrong_key")
    assert half_close_exchange(near.near) == b"db\nquestionbye\n"


def test_in_turn_each_exit_gets_its_share(make_door, things, tmp_path):
    backends = [things(TcpBackend(name)) for name in ("one", "two")]
    doors, targets = [], []
    for number, backend in enumerate(backends):
        key = new_key()
        doors.append(exit_door(make_door, tmp_path, {f"a.db.{number}": key}, backend, name=f"far{number}"))
        targets.append((doors[-1].at, f"a.db.{number}", key))
    near = entry_door(make_door, tmp_path, *targets, balance="round_robin")
    heard = {says(near.near) for _ in range(12)}
    assert heard == {b"one\n", b"two\n"}


def test_several_places_of_a_service_are_tried_in_order_and_unix_sockets_serve(make_door, tmp_path):
    folder = make_short_folder()
    served, local = os.path.join(folder, "service.sock"), os.path.join(folder, "entry.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(served)
    listener.listen()

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.sendall(b"unix\n")
            sock.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        key = new_key()
        far = exit_door(make_door, tmp_path, {IDENTITY: key}, ["127.0.0.1:9", f"unix:{served}"])
        near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key), listen=f"unix:{local}")
        assert os.stat(local).st_mode & 0o777 == 0o660
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(patient(10))
            sock.connect(local)
            assert sock.recv(100) == b"unix\n"
        near.logged(event="tunnel", client_address="unix", termination="ok")
        near.kill()  # the file stays behind, and is no hindrance
        assert os.path.exists(local)
        near.start()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(patient(10))
            sock.connect(local)
            assert sock.recv(100) == b"unix\n"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        near.stop()
        shutil.rmtree(folder)


def make_short_folder():
    import tempfile
    return tempfile.mkdtemp(prefix="gt-")  # a Unix socket's path holds 107 bytes


# -- versions, PROXY ------------------------------------------------------------------------------------------------

def test_tls_1_2_is_spoken_where_asked_for_and_nothing_else(make_door, things, tmp_path):
    backend = things(TcpBackend("db"))
    key = new_key()
    far = exit_door(make_door, tmp_path, {IDENTITY: key}, backend, tls="1.2")
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key), tls="1.2")
    assert half_close_exchange(near.near, b"question\n") == b"db\nquestion\nbye\n"
    far.logged(event="tunnel", side="exit", termination="ok", tls_version="1.2")
    keys = write_keys(str(tmp_path / "old.psk"), (IDENTITY, key))
    at = (far.address, 23500)
    things(tunnel.stunnel_client(str(tmp_path), at, far.at, keys, "sslVersion = TLSv1.2\nciphers = ECDHE-PSK-CHACHA20-POLY1305"))
    assert says(at) == b"db\n"
    newer = entry_door(make_door, tmp_path, (far.at, IDENTITY, key), name="newer")
    assert says(newer.near) == b""


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_service_is_told_who_comes(make_door, things, tmp_path, version):
    backend = things(TcpBackend("db", greeting=b"db\n", echo=False))
    key = new_key()
    far = exit_door(make_door, tmp_path, {IDENTITY: key}, {"to": f"127.0.0.1:{backend.port}", "send_proxy": version})
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key))
    with socket.create_connection(near.near, timeout=patient(10)) as sock:
        sock.sendall(b"!")
        wait_until(lambda: bytes(backend.session().received).endswith(b"!"), "the service hears it")
    header = bytes(backend.session().received)[:-1]
    if version == "v1":
        assert re.fullmatch(rb"PROXY TCP4 127\.0\.0\.1 %s \d+ %d\r\n" % (far.address.encode(), EXIT_PORT), header)
        return
    assert header[:13] == b"\r\n\r\n\x00\r\nQUIT\n\x21" and int.from_bytes(header[14:16], "big") == len(header) - 16
    assert header[28:] == b"\x02\x00\x02db" + b"\xe1\x00" + bytes([len(IDENTITY)]) + IDENTITY.encode()


def test_a_stunnel_client_takes_a_certificate_for_the_key_unless_it_is_told_otherwise(things, tmp_path):
    """Why the client end is worth replacing: what docs/tunnel.md says of stunnel, seen."""
    pem = str(tmp_path / "server.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db", "-keyout", pem,
                    "-out", pem + ".crt"], check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=nobody", "-keyout",
                    pem + ".ca.key", "-out", pem + ".ca"], check=True, capture_output=True)
    address = addresses.free_address()
    at = (address, EXIT_PORT)
    server = subprocess.Popen(["openssl", "s_server", "-accept", text(at), "-key", pem, "-cert", pem + ".crt", "-quiet"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: addresses.listens(at), "s_server listens")
        keys = write_keys(str(tmp_path / "k.psk"), (IDENTITY, new_key()))
        careless, careful = (address, 23501), (address, 23502)
        things(tunnel.Stunnel(str(tmp_path), f"[db]\nclient = yes\naccept = {text(careless)}\nconnect = {text(at)}\n"
                              f"ciphers = PSK\nPSKsecrets = {keys}\n", careless, "careless"))
        things(tunnel.Stunnel(str(tmp_path), f"[db]\nclient = yes\naccept = {text(careful)}\nconnect = {text(at)}\n"
                              f"ciphers = PSK\nPSKsecrets = {keys}\nverifyChain = yes\nCAfile = {pem}.ca\n", careful,
                              "careful"))
        with socket.create_connection(careful, timeout=patient(10)) as sock:
            sock.sendall(b"careful\n")
            try:
                assert sock.recv(10) == b""
            except ConnectionError:
                pass
        with socket.create_connection(careless, timeout=patient(10)) as sock:
            sock.sendall(b"careless\n")
            assert server.stdout.readline() == b"careless\n"
    finally:
        server.kill()
        server.communicate()


# -- changes --------------------------------------------------------------------------------------------------------

@pytest.mark.ci
@pytest.mark.timeout(180)
def test_a_hundred_reloads_keep_connections_and_lose_none_that_comes(make_door, things, tmp_path):
    backend = things(TcpBackend("db"))
    key = new_key()
    far = exit_door(make_door, tmp_path, {IDENTITY: key}, backend)
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key))
    kept = socket.create_connection(near.near, timeout=patient(10))
    assert kept.recv(3) == b"db\n"
    failures, done, count = [], threading.Event(), [0]

    def connect():
        while not done.is_set():
            count[0] += 1
            if says(near.near) != b"db\n":
                failures.append(count[0])

    worker = threading.Thread(target=connect)
    worker.start()
    for number in range(50):
        for door in (far, near):
            door.change_config({"tunnel": {"rekey_time": f"{number + 1}h"}})
            door.reload()
    done.set()
    worker.join()
    assert not failures and count[0] >= 50
    kept.sendall(b"still here")
    assert kept.recv(100) == b"still here"
    kept.close()


def test_a_key_that_goes_cuts_its_connections_and_no_others(make_door, things, tmp_path):
    backend = things(TcpBackend("db"))
    keys = {"a.db.b": new_key(), "c.db.b": new_key()}
    far = exit_door(make_door, tmp_path, keys, backend)
    near = {who: entry_door(make_door, tmp_path, (far.at, who, key), name=who[0]) for who, key in keys.items()}
    held = {who: socket.create_connection(door.near, timeout=patient(10)) for who, door in near.items()}
    for sock in held.values():
        assert sock.recv(3) == b"db\n"
    told = far.do("tunnel", "revoke", "a.db.b", "-c", far.file)
    assert "its connections are cut" in told and "it holds in the gatehouse that runs" in told
    assert tunnel.was_reset(held["a.db.b"])
    held["c.db.b"].sendall(b"mine")
    assert held["c.db.b"].recv(10) == b"mine"
    assert not os.path.exists(os.path.join(far.ring, "a.db.b.psk"))
    far.logged(event="tunnel", side="exit", identity="a.db.b", termination="revoked")
    assert says(near["a.db.b"].near) == b""
    # and back, by the file alone
    write_keys(os.path.join(far.ring, "a.db.b.psk"), ("a.db.b", keys["a.db.b"]))
    wait_until(lambda: says(near["a.db.b"].near) == b"db\n", "the key is taken by itself", within=10)
    for sock in held.values():
        sock.close()


def test_both_ends_tell_why_an_identity_may_not(make_door, things, tmp_path):
    """From its network somebody may come, but not with this identity."""
    backend, keys = things(TcpBackend("db")), {IDENTITY: new_key(), "c.db.b": new_key()}
    allow = [{"identity": IDENTITY, "service": "db", "from": ["192.0.2.0/24"]}, {"identity": "c.db.b", "service": "db"}]
    far = exit_door(make_door, tmp_path, keys, backend, allow=allow)
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, keys[IDENTITY]))
    assert says(near.near) == b""
    far.logged(event="tunnel", side="exit", identity=IDENTITY, termination="not_allowed")
    near.logged(event="tunnel", side="entry", termination="refused_by_exit")


def test_a_key_file_that_breaks_changes_nothing_and_is_told(make_door, things, tmp_path):
    backend = things(TcpBackend("db"))
    key = new_key()
    far = exit_door(make_door, tmp_path, {IDENTITY: key}, backend)
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key))
    assert says(near.near) == b"db\n"
    with open(os.path.join(far.ring, f"{IDENTITY}.psk"), "a") as file:
        file.write("other.db.b:" + key + "\n")
    wait_until(lambda: "the same key as" in far.output(), "it is told", within=10)
    assert says(near.near) == b"db\n"
    refused = far.command("reload")
    assert refused.returncode == 1 and "the same key as" in refused.stderr + refused.stdout
    assert key not in refused.stderr + refused.stdout + far.output()
    assert says(near.near) == b"db\n"


def test_a_key_changes_in_three_steps_without_a_lost_connection(make_door, things, tmp_path):
    backend = things(TcpBackend("db"))
    far = exit_door(make_door, tmp_path, {IDENTITY: (key := new_key())}, backend)
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key))
    kept = socket.create_connection(near.near, timeout=patient(10))
    assert kept.recv(3) == b"db\n"
    assert "--stage switch" in far.do("tunnel", "rotate", IDENTITY, "--stage", "add", "-c", far.file)
    fresh = os.path.join(far.ring, f"{IDENTITY}.g2.psk")
    assert os.stat(fresh).st_mode & 0o777 == 0o600
    early = far.command("tunnel", "rotate", IDENTITY, "--stage", "retire", "--idle", "1ms", "-c", far.file)
    assert early.returncode == 1 and "was never used" in early.stderr
    near.do("tunnel", "rotate", IDENTITY, "--stage", "switch", "--key", fresh, "-c", near.file)
    assert half_close_exchange(near.near) == b"db\nquestionbye\n"  # to its end: who leaves earlier is no "ok"
    far.logged(event="tunnel", side="exit", identity=f"{IDENTITY}.g2", termination="ok")
    in_use = far.command("tunnel", "rotate", IDENTITY, "--stage", "retire", "--idle", "1ms", "-c", far.file)
    assert in_use.returncode == 1 and "is in use: 1 connection open" in in_use.stderr
    kept.sendall(b"mine")
    assert kept.recv(10) == b"mine"
    kept.close()
    far.logged(event="tunnel", side="exit", identity=IDENTITY)
    seen = far.command("tunnel", "rotate", IDENTITY, "--stage", "retire", "-c", far.file)
    assert seen.returncode == 1 and "--idle says 1h" in seen.stderr
    assert "is retired" in far.do("tunnel", "rotate", IDENTITY, "--stage", "retire", "--idle", "1ms", "-c", far.file)
    assert sorted(os.listdir(far.ring)) == [f"{IDENTITY}.g2.psk"]
    assert says(near.near) == b"db\n"


# -- commands -------------------------------------------------------------------------------------------------------

def test_commands_say_who_uses_it_why_it_fails_and_which_hop(make_door, things, tmp_path):
    backend = things(TcpBackend("db"))
    key = new_key()
    far = exit_door(make_door, tmp_path, {IDENTITY: key}, backend)
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key))
    assert says(near.near) == b"db\n"
    assert IDENTITY in far.do("tunnel", "list") and "1 connection, last" in far.do("tunnel", "list")
    listed = json.loads(near.do("tunnel", "list", "--json"))
    assert listed["entries"][0]["targets"][0]["identity"] == IDENTITY
    assert "the service is reached" in near.do("tunnel", "test", "db", "-c", near.file)
    backend.stop_listening()
    failed = near.command("tunnel", "test", "db", "-c", near.file)
    assert failed.returncode == 1 and "the exit can't connect to the service" in failed.stdout
    assert says(near.near) == b""
    assert "unreachable: nobody could be connected to" in far.do("tunnel", "why", IDENTITY)
    assert "refused_by_exit" in near.do("tunnel", "why", "db")
    assert far.command("tunnel", "why", "nothing").returncode == 1
    far.stop()
    failed = near.command("tunnel", "test", "db", "-c", near.file)
    assert failed.returncode == 1 and "Connection refused" in failed.stdout
    assert near.metric("gatehouse_tunnel_connections_total", tunnel="db", identity=IDENTITY) == 1
    assert near.metric("gatehouse_tunnel_ends_total", tunnel="db", termination="refused_by_exit") >= 1


def test_keygen_makes_both_ends_and_audit_finds_what_is_shared(make_door, tmp_path):
    door = make_door(start=False)
    out = tmp_path / "keys"
    told = door.do("tunnel", "keygen", "--client", "app1", "--server", "db1", "--service", "postgres", "--out", str(out))
    files = sorted(glob.glob(f"{out}/*/*"))
    assert [os.path.relpath(file, out) for file in files] == ["app1/app1.postgres.db1.psk", "db1/app1.postgres.db1.psk"]
    contents = {open(file).read() for file in files}
    assert len(contents) == 1 and all(os.stat(file).st_mode & 0o777 == 0o600 for file in files)
    key = contents.pop().strip().split(":")[1]
    assert re.fullmatch("[0-9a-f]{64}", key) and key not in told
    again = door.command("tunnel", "keygen", "--client", "app1", "--server", "db1", "--service", "postgres", "--out", str(out))
    assert again.returncode == 1 and "File exists" in again.stderr
    line = door.do("tunnel", "keygen", "--client", "a", "--server", "b", "--service", "c", "--compat")
    assert re.fullmatch(r"a\.c\.b:-[A-Za-z0-9_-]{42}\n", line)
    hosts = [str(out / "app1"), str(out / "db1")]
    assert "0 faults" in door.do("tunnel", "audit", *hosts)
    write_keys(str(out / "app1" / "stolen.psk"), ("other.postgres.db1", key))
    write_keys(str(out / "db1" / "open-psk.txt"), ("open.db.b", new_key()), mode=0o644)
    write_keys(str(out / "db1" / "two.psk"), ("open.db.b", new_key()))
    audit = door.command("tunnel", "audit", *hosts)
    assert audit.returncode == 1
    for fault in ("one key for 2 identities", "chmod 0600", "open.db.b: 2 different keys", "3 faults"):
        assert fault in audit.stdout, audit.stdout
    assert key not in audit.stdout + audit.stderr


@pytest.mark.parametrize("mode,told", [(0o644, "chmod 0600"), (0o660, "chmod 0600"), (0o640, None)])
def test_check_refuses_keys_that_are_badly_kept(make_door, tmp_path, mode, told):
    door = make_door(start=False)
    keys = write_keys(str(tmp_path / "k.psk"), (IDENTITY, new_key()), mode=mode)
    door.change_config({"tunnel": tunnel.exit_section(door.address, keys, [{"identity": IDENTITY, "service": "db"}],
                                                      {"db": "127.0.0.1:5432"})})
    checked = door.check()
    assert (checked.returncode == 1) == (told is not None), checked.stderr
    if told:
        assert told in checked.stderr and "tunnel.accept[0].secrets" in checked.stderr
        door.exit_code_expected = 1
        door.spawn()
        wait_until(lambda: door.process.poll() is not None, "it doesn't start", within=10)


# -- what a host needs ----------------------------------------------------------------------------------------------

def test_a_host_with_a_tunnel_alone_needs_no_root_and_little_memory(make_door, things, tmp_path):
    backend = things(TcpBackend("db"))
    key = new_key()
    far = exit_door(make_door, tmp_path, {IDENTITY: key}, backend)
    near = entry_door(make_door, tmp_path, (far.at, IDENTITY, key), start=False)
    section = near.config["tunnel"]
    near.write_config({"tunnel": section, "metrics": near.config["metrics"], "logs": near.config["logs"]})
    prefix = []
    if os.geteuid() == 0:
        for folder in (near.folder, near.run_folder):
            subprocess.run(["chown", "-R", "nobody:nogroup", folder], check=True)
        subprocess.run(["chown", "-R", "nobody", near.ring], check=True)
        for parent in (tmp_path, *tmp_path.parents):
            if str(parent) != "/" and "pytest" in str(parent):
                os.chmod(parent, 0o755)
        for parent in os.path.dirname(near.folder), os.path.dirname(os.path.dirname(near.folder)):
            os.chmod(parent, 0o755)
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    near.start(*prefix)
    assert says(near.near) == b"db\n"
    assert not addresses.listens((near.address, 8080))
    if "/asan/" not in os.environ.get("GATEHOUSE_BINARY", "") and "/tsan/" not in os.environ.get("GATEHOUSE_BINARY", ""):
        with open(f"/proc/{near.pid}/smaps_rollup") as file:
            private = sum(int(line.split()[1]) for line in file if line.startswith(("Private_Clean", "Private_Dirty")))
        assert private < 10 * 1024, f"{private} KiB of private memory"


# -- the operators' own files ---------------------------------------------------------------------------------------

FOLDER = os.path.join(os.path.dirname(__file__), "deployments", "openfoodfacts", "stunnel")


def test_the_operators_stunnel_files_import_and_come_up_beside_stunnel(make_door, things, tmp_path):
    """off1 and ovh1 as they were written: off1 replaced by us first, ovh1 still on stunnel; then ovh1, too."""
    folder = str(tmp_path / "stunnel")
    shutil.copytree(FOLDER, folder)
    os.makedirs(os.path.join(folder, "psk"), mode=0o700)
    mongodb, ours = new_key(), {name: new_key() for name in ("off1.postgres.off2", "ovh1.postgres.off2", "off2.redis.ovh1")}
    lines = {"mongodb-psk.txt": ("ovh1.mongodb.off1", mongodb), "ovh1.mongodb.off1-psk.txt": ("ovh1.mongodb.off1", mongodb),
             "off1.postgres.off2-psk.txt": ("off1.postgres.off2", ours["off1.postgres.off2"]),
             "ovh1.postgres.off2-psk.txt": ("ovh1.postgres.off2", ours["ovh1.postgres.off2"]),
             "redis-psk.txt": ("off2.redis.ovh1", ours["off2.redis.ovh1"])}
    for name, line in lines.items():
        write_keys(os.path.join(folder, "psk", name), line)
    things(TcpBackend("mongodb", address="127.12.2.1", port=27017))
    off1 = imported(make_door, folder, "off1")
    client = things(tunnel.Stunnel(str(tmp_path), f"[mongodb]\nclient = yes\naccept = 127.0.0.1:27117\n"
                                   f"connect = 127.12.2.1:16017\nciphers = PSK\nPSKsecrets = {folder}/psk/ovh1.mongodb.off1-psk.txt\n",
                                   ("127.0.0.1", 27117)))
    assert says(("127.0.0.1", 27117)) == b"mongodb\n"
    client.stop()
    wait_until(lambda: not addresses.listens(("127.0.0.1", 27117)), "stunnel is gone")
    imported(make_door, folder, "ovh1")
    assert says(("127.0.0.1", 27117)) == b"mongodb\n"
    off1.logged(event="tunnel", side="exit", identity="ovh1.mongodb.off1", service="mongodb", termination="ok")


def imported(make_door, folder, name):
    door = make_door(start=False, name=name)
    done = door.command("tunnel", "import", os.path.join(folder, f"{name}.conf"))
    assert done.returncode == 0, done.stderr
    assert "ciphers = PSK: " in done.stderr and " 0 not" in done.stderr
    usual = open(door.file).read()
    door.write_text(usual + done.stdout)
    checked = door.check()
    assert checked.returncode == 0, checked.stderr
    return door.start()
