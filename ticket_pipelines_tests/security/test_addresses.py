"""Addresses that lead elsewhere: whatever a vendor says, credentials go to the configured host alone, and encrypted."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dlt_sources.address import StrangeAddressError, below
from dlt_sources.checks import bare_url
from dlt_sources.errors import ConfigurationError, ConnectionFailedError, MalformedError, PermanentError
from dlt_sources.http import Request, Session
from dlt_sources.limits import MemoryBudgets
from dlt_sources.retry import Policy
from ticket_pipelines.control.database import desks
from ticket_pipelines.project import Project
from ticket_pipelines.sync.engine import sync_desk
from ticket_pipelines.sync.result import Status
from ticket_pipelines_tests.dlt_sources.scripted import Reply, Scripted, Still, serving
from ticket_pipelines_tests.dlt_sources.test_http import Plain
from ticket_pipelines_tests.fixtures.project import OAUTH

BASE = "http://127.0.0.1:8000"
ELSEWHERE = [
    "@evil.example/x",
    ":1@evil.example/x",
    ".evil.example/x",
    "evil.example",
    "",
    "http://evil.example/",
    "https://127.0.0.1:8000/",
    "http://127.0.0.1/",
    "http://127.0.0.1:80001/",
    "http://127.0.0.1:8000@evil.example/",
    "http://user:pass@127.0.0.1:8000/",
    "http://127.0.0.1:8000\\@evil.example/",
    "http://127.0.0.1:8000\t@evil.example/",
    "http://127.0.0.1:8000%40evil.example/",
    "http://127.0.0.1:8000／@evil.example/",  # noqa: RUF001 - a slash that is none
    "ht\ntp://evil.example/",
    "http:/evil.example/",
    "http:///evil.example/",
    "http://[",
    "http://\x00",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "\\\\evil.example\\x",
]
REDIRECTS = [
    *(target for target in ELSEWHERE if re.match(r"\w+://\w", target) and target.isprintable() and target.isascii()),
    "//evil.example/",
    "http://[",
    "http://evil.example/\xe9",
]


@pytest.mark.parametrize("given", ELSEWHERE)
def test_an_address_that_does_not_lie_on_the_host_is_none(given: str) -> None:
    with pytest.raises(StrangeAddressError):
        below(BASE, given)


@pytest.mark.parametrize("given", ["/x?next=http://evil.example/", "//evil.example/x", "/\\evil.example", f"{BASE}/x"])
def test_what_starts_with_a_slash_or_our_host_stays_on_it(given: str) -> None:
    assert below(BASE, given).startswith(f"{BASE}/")


@pytest.fixture
def server() -> Iterator[Scripted]:
    with serving() as scripted:
        yield scripted


@pytest.fixture
def other() -> Iterator[Scripted]:
    """The host to which everything below tries to send the token."""
    with serving() as scripted:
        yield scripted


def fetch(url: str, request: Request, policy: Policy | None = None) -> object:
    still = Still()
    session = Session(url, "acme", Plain(), MemoryBudgets(still.clock.now), clock=still.clock, policy=policy)
    try:
        return session.fetch(request, msgspec.json.Decoder(dict).decode)[0]
    finally:
        session.close()


@pytest.mark.parametrize("form", ["@{other}/x", ":1@{other}/x", "http://{ours}@{other}/x", "http://{ours}\\@{other}/x"])
def test_a_next_page_of_another_host_gets_no_token(server: Scripted, other: Scripted, form: str) -> None:
    names = {"ours": server.url.partition("//")[2], "other": other.url.partition("//")[2]}
    with pytest.raises((ConfigurationError, MalformedError)) as raised:
        fetch(server.url, Request(form.format(**names), about="stream things"))
    assert (server.seen, other.seen) == ([], [])
    assert "stream things" in str(raised.value)


@pytest.mark.parametrize("target", REDIRECTS)
def test_a_redirect_that_leads_elsewhere_is_refused_in_words(server: Scripted, target: str) -> None:
    server.on("/things", Reply(status=302, headers={"Location": target}))
    with pytest.raises((ConfigurationError, MalformedError), match="the vendor points to"):
        fetch(server.url, Request("/things"))
    assert len(server.seen) == 1


def test_a_redirect_carries_no_token_to_another_port(server: Scripted, other: Scripted) -> None:
    server.on("/things", Reply(status=307, headers={"Location": f"{other.url}/things"}))
    with pytest.raises(ConfigurationError, match="credentials are never sent"):
        fetch(server.url, Request("/things", body={"secret": "in-the-body"}))
    assert other.seen == []


def test_an_answer_larger_than_memory_is_refused(server: Scripted) -> None:
    server.on("/things", Reply({"things": "x" * 3_000_000}))
    with pytest.raises(MalformedError, match="larger than 2,000,000 bytes"):
        fetch(server.url, Request("/things"), Policy(largest=2_000_000))
    assert len(server.seen) == 1


DEEP = b'{"things":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (DEEP, "nested too deep"),
        (b"[]", "not as documented"),
        (b'"x"', "not as documented"),
        (b"9", "not as documented"),
    ],
    ids=["deep", "list", "text", "number"],
)
def test_a_body_that_no_record_can_be_taken_from_is_refused_at_once(server: Scripted, body: bytes, says: str) -> None:
    server.on("/things", Reply(body))
    with pytest.raises(PermanentError, match=says):
        fetch(server.url, Request("/things"))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "given",
    [
        "https://[",
        "https://a b",
        "https://acme.example@evil.example",
        "https://acme.example\\@evil.example",
        "https://acme.example／@evil.example",  # noqa: RUF001 - a slash that is none
        "https://acme.example/../x",
        "https://acme.example?x",
        "https://acme.example#x",
        "https://acme.example:99999",
        "https://%61cme.example",
        "https://acme..example",
        f"https://{'a' * 64}.example",
        "//acme.example",
        "file:///etc/passwd",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://2130706433",
        "http://0.0.0.0",
        7,
        None,
    ],
)
def test_what_is_no_bare_address_is_refused_when_it_is_configured(given: object) -> None:
    with pytest.raises(ConfigurationError, match="base_url is"):
        bare_url(given, "base_url", "https://acme.example")


def test_plain_http_is_refused_at_run_time_too(project: Project) -> None:
    """The row is written past the registry, as somebody with the control database could."""
    project.desks.add("acme", "zendesk", {"subdomain": "acme"}, OAUTH)
    with project.control.begin() as connection:
        connection.execute(sa.update(desks).values(config={"base_url": "http://helpdesk.example"}))
    result = sync_desk(project, "acme")
    assert (result.status, result.error_code) == (Status.FAILED, "configuration")
    assert "plain http" in (result.error_message or "")


class _Never(BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1

    do_GET = do_POST  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


def self_signed(folder: Path) -> Path:
    """A certificate for this machine that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = made.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A server on loopback with a certificate of its own making."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Never)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_that_nobody_vouches_for_is_refused_on_loopback_too(
    project: Project, tls_port: int, host: str
) -> None:
    project.desks.add("acme", "zendesk", {"base_url": f"https://{host}:{tls_port}"}, OAUTH)
    result = sync_desk(project, "acme")
    assert (result.status, result.error_code) == (Status.FAILED, "configuration")
    assert "TLS certificate" in (result.error_message or "")
    assert _Never.asked == 0


def test_a_handshake_that_breaks_off_is_no_refused_certificate() -> None:
    """A balancer that restarts would otherwise park every desk of a vendor."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1)

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(ConnectionFailedError, match="broke off"):
            fetch(f"https://127.0.0.1:{server.getsockname()[1]}", Request("/x"))
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://:8080"])
def test_a_proxy_that_cannot_be_used_is_not_blamed_on_the_vendor(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConnectionFailedError, match="proxy"):
        fetch("https://a.example", Request("/x"))


def test_a_port_that_the_scheme_means_anyway_is_no_other_host() -> None:
    assert below("https://a.example", "https://a.example:443/x")
    assert below("http://127.0.0.1:80", "http://127.0.0.1/x")
    for base, given in (
        ("https://a.example", "https://a.example:80/x"),
        ("http://a.example", "http://a.example:443/x"),
    ):
        with pytest.raises(StrangeAddressError):
            below(base, given)
