"""HTTP/2 over TLS in front of a plain server, by nghttpx: what an agent's https port speaks, for the scripted Consul."""
import subprocess

from support.addresses import free_address, listens
from support.wait import wait_until

PORT = 8501


class TlsFront:
    """Stands before 127.0.0.1:PORT; with `client_ca` only clients with a certificate of it are let in."""

    def __init__(self, port, folder, pair, client_ca=None):
        self.host = free_address()
        pair.write(folder, "front")
        options = ["--verify-client", f"--verify-client-cacert={client_ca}"] if client_ca else []
        self.log = open(f"{folder}/front.log", "w")
        self.process = subprocess.Popen(
            ["nghttpx", f"--frontend={self.host},{PORT}", f"--backend=127.0.0.1,{port}", "--workers=1",
             "--http2-max-concurrent-streams=250", "--backend-read-timeout=10m",
             "--accesslog-file=/dev/null", *options, f"{folder}/front.key", f"{folder}/front.crt"],
            stdout=self.log, stderr=self.log,
        )  # fmt: skip
        wait_until(lambda: listens((self.host, PORT)), "nghttpx listens")

    @property
    def address(self):
        return f"https://{self.host}:{PORT}"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
