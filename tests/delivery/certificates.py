"""Certificates for servers on loopback, made by openssl when a test asks for them."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate with its key: for programs that trust it, its own authority."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the context of a server that has this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificate(folder: Path, name: str = "IP:127.0.0.1", days: int = 2) -> Certificate:
    """A certificate for a name, as ``DNS:smtp.example.org`` or ``IP:127.0.0.1``; ``days`` -1: it has expired."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    made = Certificate(folder / "server.pem", folder / "server.key")
    request = folder / "server.csr"
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", made.key)
    _openssl("req", "-new", *new_key, "-out", request, "-subj", "/CN=test", "-addext", f"subjectAltName={name}")
    # In two steps: only x509 makes one that has expired.
    for_days = ("-days", str(days), "-copy_extensions", "copyall")
    _openssl("x509", "-req", "-in", request, "-signkey", made.key, *for_days, "-out", made.certificate)
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
