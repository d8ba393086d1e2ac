"""A certificate authority for the tests: pairs of every kind, right and wrong."""
import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def new_key(kind="ec"):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def pem_of_key(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def alternative_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Pair:
    """A certificate and its key, as PEM."""

    def __init__(self, certificate, key, chain=b""):
        self.x509, self.key = certificate, key
        self.crt = certificate.public_bytes(serialization.Encoding.PEM) + chain
        self.key_pem = pem_of_key(key)

    @property
    def fingerprint(self):
        return self.x509.fingerprint(hashes.SHA256()).hex()

    @property
    def serial(self):
        return self.x509.serial_number

    def write(self, folder, name, key_mode=0o600):
        """NAME.crt and NAME.key, each replaced whole, as an operator's tool does."""
        os.makedirs(folder, exist_ok=True)
        for suffix, data, mode in ((".key", self.key_pem, key_mode), (".crt", self.crt, 0o644)):
            path = os.path.join(folder, name + suffix)
            fresh = path + ".new"
            with open(fresh, "wb") as file:
                file.write(data)
            os.chmod(fresh, mode)
            os.replace(fresh, path)
        return os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key")


class Authority:
    """Signs what it is asked; its own certificate is what clients trust."""

    def __init__(self, name="gatehouse tests"):
        self.key = new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        self.x509 = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.crt = self.x509.public_bytes(serialization.Encoding.PEM)

    def issue(self, *names, kind="ec", days=90, from_days=-1, client=False, key=None):
        """A pair for these names (DNS names, wildcards, addresses); days < 0: already expired."""
        key = key or new_key(kind)
        now = datetime.datetime.now(datetime.timezone.utc)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
            .issuer_name(self.x509.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=min(from_days, days - 1)))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([alternative_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        return Pair(certificate, key)

    def write(self, folder, name="ca.crt"):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(self.crt)
        return path

    def trust(self, alpn=("http/1.1",), check_name=True):
        """A client's context that believes this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.crt.decode())
        context.check_hostname = check_name
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def server(self, folder, *names, client_ca=None, **options):
        """A backend's context with a pair for these names; client_ca: clients must show a certificate of it."""
        pair = self.issue(*names, **options)
        crt, key = pair.write(folder, names[0].replace("*", "_"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=client_ca.crt.decode())
        return context


def served(client):
    """The certificate that the door showed on this connection."""
    return x509.load_der_x509_certificate(client.sock.getpeercert(binary_form=True))
