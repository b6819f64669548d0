"""A gridd that speaks TLS, with certificates made by the openssl command."""
import http.client
import re
import socket
import ssl
import subprocess

from gridd import Gridd
from guarded import Guarded


def openssl(*words, check=True, **more):
    return subprocess.run(["openssl", *map(str, words)], check=check, capture_output=True, timeout=60, **more)


class Authority:
    """A root in a directory; issues certificates into it."""

    def __init__(self, directory, name="root", parent=None):
        self.directory, self.name = directory, name
        self.certificate, self.key = directory / f"{name}.crt", directory / f"{name}.key"
        self.chain = [] if parent is None else [self.certificate, *parent.chain]
        self.root = self.certificate if parent is None else parent.root
        self._make(name, ["basicConstraints=critical,CA:TRUE"], self if parent is None else parent)

    def _make(self, name, extensions, issuer, days=2, algorithm=("EC", "ec_paramgen_curve:P-256")):
        key, request = self.directory / f"{name}.key", self.directory / f"{name}.csr"
        openssl("genpkey", "-algorithm", algorithm[0], "-pkeyopt", algorithm[1], "-out", key)
        key.chmod(0o600)
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        by = ["-signkey", key] if issuer.name == name else ["-CA", issuer.certificate, "-CAkey", issuer.key]
        options = self.directory / f"{name}.ext"
        options.write_text("\n".join(extensions) + "\n")
        openssl("x509", "-req", "-in", request, *by, "-set_serial", str(abs(hash(name)) % 10**9 + 1),
                "-days", str(days), "-extfile", options, "-out", self.directory / f"{name}.crt")
        return self.directory / f"{name}.crt", key

    def issue(self, name, uri=None, use=None, days=2, **more):
        """(certificate with its chain, key)"""
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1" + (f",URI:{uri}" if uri else "")
        extensions = ["basicConstraints=critical,CA:FALSE", names] + ([f"extendedKeyUsage={use}"] if use else [])
        certificate, key = self._make(name, extensions, self, days, **more)
        with open(certificate, "ab") as file:
            for link in self.chain:
                file.write(link.read_bytes())
        return certificate, key


class TlsMixin:
    scheme = "https"

    def __init__(self, authority, pair, *flags, **more):
        self.authority, (self.certificate, self.key) = authority, pair
        super().__init__("--tls-certificate", str(self.certificate), "--tls-key", str(self.key), *flags, **more)

    def context(self, pair=None, version=None):
        context = ssl.create_default_context(cafile=self.authority.root)
        if pair:
            context.load_cert_chain(*pair)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def connect(self, port=None, **more):
        return http.client.HTTPSConnection("127.0.0.1", port or self.port, timeout=60, context=self.context(**more))

    def tls(self, port=None, timeout=30, **more):
        """A TLS socket."""
        raw = socket.create_connection(("127.0.0.1", port or self.port), timeout=timeout)
        return self.context(**more).wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)

    def gateway_port(self):
        return int(re.findall(r'certificates","address":"127\.0\.0\.1:(\d+)"', self.log_text())[-1])

    def handshakes(self):
        text = self.request("GET", "/metrics", **self.asked_by()).body.decode()
        return {k: int(v) for k, v in re.findall(r'^gridd_tls_handshakes_total\{result="(\w+)"\} (\d+)', text, re.M)}


    def asked_by(self):
        return {}


class TlsGridd(TlsMixin, Gridd):
    pass


class GuardedTlsGridd(TlsMixin, Guarded):
    operator = None  # an ops token

    def asked_by(self):
        return {"token": self.operator}
