import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from trapper_client.api import Api
from trapper_client.app import run
from trapper_client.download import probe
from trapper_client.errors import Unreachable, WrongUsage

x509 = pytest.importorskip("cryptography.x509", reason="cryptography makes the certificates")


class _Handler(BaseHTTPRequestHandler):
    """Answers as a proxy and as a server: it says which address it was called for."""

    refuses = False

    def do_GET(self) -> None:
        self.send_response(200)
        content = f'"{self.path}"'.encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_CONNECT(self) -> None:
        self.send_error(407, "Proxy Authentication Required")

    def log_message(self, *_: object) -> None:  # type: ignore[override]  # quiet
        """Quiet."""


def _serve(context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def proxy() -> Iterator[int]:
    yield from _serve()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def https(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for port in _serve(context):
        yield f"https://localhost:{port}"


def _get(url: str) -> object:
    api = Api(url, "token")
    try:
        return api.get("/x")
    finally:
        api.close()


def test_a_proxy_is_used_unless_no_proxy_names_the_address(proxy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{proxy}")
    assert _get("http://expert.invalid") == "http://expert.invalid/x"
    monkeypatch.setenv("NO_PROXY", "expert.invalid")
    with pytest.raises(Unreachable, match="its name cannot be looked up") as failed:
        _get("http://expert.invalid")
    assert "secret" not in str(failed.value)


def test_this_machine_is_never_reached_through_a_proxy(proxy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert _get(f"http://127.0.0.1:{proxy}") == "/x"


def test_a_proxy_that_refuses_or_is_not_there_is_named(proxy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{proxy}")
    with pytest.raises(Unreachable, match=f"the proxy 127.0.0.1:{proxy} refused: 407.*HTTPS_PROXY") as failed:
        _get("https://expert.invalid")
    assert "secret" not in str(failed.value)
    with pytest.raises(Unreachable, match=f"the proxy 127.0.0.1:{proxy} refused"):
        probe("https://weights.invalid/a.onnx")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"through the proxy 127.0.0.1:9"):
        _get("https://expert.invalid")


def test_an_unknown_certificate_is_named_and_can_be_trusted(
    https: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unreachable, match=r"its certificate is not trusted: .*SSL_CERT_FILE"):
        _get(https)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert _get(https) == "/x"


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "nonsense://proxy"), ("SSL_CERT_FILE", "/nowhere/ca.pem"), ("SSL_CERT_DIR", "/nowhere")],
)
def test_a_setting_that_cannot_be_used_is_wrong_usage_and_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("TRAPPER_URL", "https://expert.invalid")
    monkeypatch.setenv("TRAPPER_TOKEN", "token")
    with pytest.raises(WrongUsage, match=name):
        _get("https://expert.invalid")
    assert run(["projects", "list"]) == 2
    spoken = capsys.readouterr().err
    assert name in spoken
    assert "Traceback" not in spoken


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_accepts_and_never_answers_ends_with_the_time_limit(
    black_hole: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAPPER_URL", black_hole)
    monkeypatch.setenv("TRAPPER_MANAGER_URL", black_hole)
    monkeypatch.setenv("TRAPPER_TOKEN", "token")
    monkeypatch.setenv("TRAPPER_MANAGER_TOKEN", "token")
    monkeypatch.setenv("TRAPPER_TIMEOUT", "0.2")
    for command in (["projects", "list"], ["workers", "list"]):
        assert run(command) == 1
        assert f"{black_hole} failed: no reply within 0.2 s (TRAPPER_TIMEOUT)." in capsys.readouterr().err
    monkeypatch.setenv("TRAPPER_TIMEOUT", "soon")
    assert run(["projects", "list"]) == 2
    assert "TRAPPER_TIMEOUT is 'soon'." in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://[/", "http://\x00", "http://" + "a" * 70 + ".invalid"])
def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises((WrongUsage, Unreachable)):
        _get(url)
