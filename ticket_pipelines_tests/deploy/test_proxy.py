"""The proxy, run by a real nginx: nobody gets to Dagster without a password, nor another site with somebody's."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ticket_pipelines_tests.deploy.compose import DEPLOY
from ticket_pipelines_tests.fixtures.postgres import free_port

START_SECONDS = 30.0
ADMIN, VIEWER = "anna:of-the-admins", "victor:of-the-viewers"


class Upstream(BaseHTTPRequestHandler):
    """Stands where a webserver stands: answers with its name and the headers that it got."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.server.server_port}{self.path}\n{self.headers}".encode())  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls_key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "tls_certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Proxy:
    """nginx on the deployment's configuration."""

    def __init__(self, folder: Path, webserver: int, viewer: int) -> None:
        self.port, self.names = free_port(), {"webserver": str(webserver), "viewer": str(viewer)}
        write_certificate(folder)
        for name, line in (("admins", ADMIN), ("viewers", VIEWER)):
            user, _, password = line.partition(":")
            (folder / name).write_text(f"{user}:{{PLAIN}}{password}\n")
        server = (DEPLOY / "proxy.conf").read_text().replace("/run/secrets", str(folder))
        server = server.replace("listen 443", f"listen 127.0.0.1:{self.port}")
        for name, port in self.names.items():
            assert f"http://{name}:3000;" in server
            server = server.replace(f"http://{name}:3000;", f"http://127.0.0.1:{port};")
        paths = " ".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"daemon off; {user} pid {folder}/pid; error_log {folder}/errors;"
            f" events {{}} http {{ access_log off; {paths} {server} }}"
        )
        self._process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "errors").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def get(self, path: str, user: str = "", **headers: str) -> tuple[int, str]:
        """Status, and what the upstream says."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        if user:
            headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is missing (Debian's package nginx-light)")
    with upstream() as webserver, upstream() as viewer:
        server = Proxy(tmp_path, webserver, viewer)
        yield server
        server.close()


def test_who_gets_where(proxy: Proxy) -> None:
    for path in ("/", "/graphql", "/report_asset_materialization/x", "/logs/x", "/viewer/", "/viewer/graphql"):
        assert proxy.get(path)[0] == 401, path
        assert proxy.get(path, "anna:wrong")[0] == 401, path
    assert proxy.get("/", VIEWER)[0] == 401
    status, said = proxy.get("/runs", ADMIN)
    assert (status, said.splitlines()[0]) == (200, f"{proxy.names['webserver']}/runs")
    status, said = proxy.get("/viewer/runs", VIEWER)
    assert (status, said.splitlines()[0]) == (200, f"{proxy.names['viewer']}/viewer/runs")


def test_passwords_end_at_the_proxy_and_websockets_pass(proxy: Proxy) -> None:
    _, said = proxy.get("/graphql", ADMIN, Upgrade="websocket", Connection="Upgrade")
    assert "Authorization" not in said
    assert "Upgrade: websocket" in said
    assert "Connection: upgrade" in said


@pytest.mark.parametrize(
    ("path", "user"), [("/graphql", ADMIN), ("/report_asset_check/x", ADMIN), ("/viewer/graphql", VIEWER)]
)
def test_another_site_cannot_use_a_remembered_password(proxy: Proxy, path: str, user: str) -> None:
    for site in ("cross-site", "same-site"):
        assert proxy.get(path, user, Sec_Fetch_Site=site)[0] == 403
    for site in ("same-origin", "none"):
        assert proxy.get(path, user, Sec_Fetch_Site=site)[0] == 200
    assert proxy.get(path, user)[0] == 200, "a program sends no such header"
    assert proxy.get("/runs", ADMIN, Sec_Fetch_Site="cross-site")[0] == 200, "a link is followed"
