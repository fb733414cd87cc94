"""ingestr doing the same tickets, as a peer to compare with.

It takes no address of a server, only a subdomain. So a name below zendesk.com is pointed at this machine in
`/etc/hosts`, and a TLS server with a certificate of our own authority answers on 127.0.0.1:443: that needs root, and
is undone at the end. 1.1.22 is the last release whose wheel carries its program; later ones download it when they run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

INGESTR = "1.1.22"
SUBDOMAIN = "benchdesk"
HOST = f"{SUBDOMAIN}.zendesk.com"
HOSTS = Path("/etc/hosts")
TLS_PORT = 443


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a certificate for `HOST`, signed by an authority of our own."""

    authority: Path
    cert: Path
    key: Path


def reason_to_skip() -> str | None:
    """Why the peer cannot run here; None if it can."""
    if os.geteuid() != 0:
        return f"ingestr was left out: it needs root, to point {HOST} at this machine and to listen on port {TLS_PORT}"
    if not os.access(HOSTS, os.W_OK):
        return f"ingestr was left out: {HOSTS} cannot be written"
    return None


def install(folder: Path) -> Path:
    """Puts ingestr into a venv of its own where it is not there yet; returns the program."""
    venv = folder / f"ingestr-{INGESTR}"
    program = venv / "bin" / "ingestr"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", f"ingestr=={INGESTR}"], check=True)
    return program


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    subject: str, public: ec.EllipticCurvePublicKey, issuer: str, key: ec.EllipticCurvePrivateKey, *, authority: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def make_certificate(folder: Path) -> Certificate:
    """Writes an authority and a certificate that it signed."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _signed("bench authority", authority_key.public_key(), "bench authority", authority_key, authority=True)
    cert = _signed(HOST, key.public_key(), "bench authority", authority_key, authority=False)
    files = Certificate(folder / "authority.pem", folder / "cert.pem", folder / "key.pem")
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@contextmanager
def pointed_here() -> Iterator[None]:
    """Points `HOST` at this machine for as long as the block runs."""
    before = HOSTS.read_text()
    # written in place: in a container the file is a mount, which cannot be replaced
    HOSTS.write_text(f"{before.rstrip()}\n127.0.0.1 {HOST}\n")
    try:
        yield
    finally:
        HOSTS.write_text(before)


def command(program: Path, warehouse: str) -> list[str | Path]:
    """The command line that loads all tickets into Postgres."""
    source = f"zendesk://:bench-token@{SUBDOMAIN}"
    return [
        program, "ingest", "--yes", "--progress", "log", "--interval-start", "2020-01-01",
        "--source-uri", source, "--source-table", "tickets",
        "--dest-uri", f"{warehouse}?sslmode=disable", "--dest-table", "bench.tickets",
    ]  # fmt: skip


def environment(certificate: Certificate) -> dict[str, str]:
    """What makes ingestr trust our authority and tell nobody about the run."""
    return {
        "SSL_CERT_FILE": str(certificate.authority),
        "DISABLE_TELEMETRY": "true",
        "INGESTR_DISABLE_TELEMETRY": "true",
        "TELEMETRY_OPTOUT": "true",
    }
