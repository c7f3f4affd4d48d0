"""Proxies and certificates of the environment are used, and each failure names what failed."""
# pyright: basic

import asyncio
import os
import socket

import pytest
from fastapi import FastAPI

from tests.support.http_servers import serving
from tests.support.proxies import make_certificate, proxying, terminating_tls
from trapper_kit import http_transport
from trapper_kit.addresses import AddressRefused, networks
from trapper_kit.http_client import HttpClient
from trapper_kit.http_replies import Unreachable
from trapper_kit.http_transport import ProxyRefused

NAME = "media.example.org"
app = FastAPI()
app.add_api_route("/", lambda: {"here": True})


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in {"SSL_CERT_FILE", "SSL_CERT_DIR"}:
            monkeypatch.delenv(name)
    http_transport._tls.cache_clear()
    yield
    http_transport._tls.cache_clear()


@pytest.fixture
def certificate(tmp_path):
    return make_certificate(tmp_path, NAME)


@pytest.fixture
async def server(certificate):
    """The port of a server with TLS, which the proxy alone knows by name."""
    async with serving(app) as url, terminating_tls(int(url.rpartition(":")[2]), certificate) as port:
        yield port


async def get(url=f"https://{NAME}", **more):
    client = HttpClient(url, timeout_seconds=2.0, **more)
    try:
        return (await client.request("GET", "/", idempotent=False)).json()
    finally:
        await client.close()


async def test_a_name_that_only_the_proxy_knows_is_reached_through_it(server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    async with proxying({NAME: server}, credentials="ada:secret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//ada:secret@"))
        assert await get() == {"here": True}
        assert proxy.requests == [f"CONNECT {NAME}:443"]


async def test_certificates_of_a_folder_are_used(server, certificate, monkeypatch, tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    hashed = await asyncio.create_subprocess_exec(
        "openssl", "x509", "-hash", "-noout", "-in", certificate.authority, stdout=asyncio.subprocess.PIPE
    )
    name = (await hashed.communicate())[0].decode().strip()
    (folder / f"{name}.0").write_bytes(certificate.authority.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    async with proxying({NAME: server}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert await get() == {"here": True}


@pytest.mark.parametrize(("days", "reason"), [(30, "unable to get local issuer|self-signed"), (-1, "expired|issuer")])
async def test_a_certificate_that_is_not_trusted_is_named(server, tmp_path, monkeypatch, days, reason):
    other = make_certificate(tmp_path, NAME, days=days)
    async with (
        serving(app) as url,
        terminating_tls(int(url.rpartition(":")[2]), other) as port,
        proxying({NAME: port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        if days < 0:
            monkeypatch.setenv("SSL_CERT_FILE", str(other.authority))
        with pytest.raises(Unreachable, match=f"not trusted through the proxy .*({reason}).*SSL_CERT_FILE"):
            await get()


async def test_a_certificate_for_another_name_is_named(certificate, server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    async with proxying({"other.example.org": server}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(Unreachable, match=r"not trusted.*Hostname mismatch"):
            await get("https://other.example.org")


async def test_a_proxy_that_wants_other_credentials_is_named_without_a_password(server, monkeypatch):
    async with proxying({NAME: server}, credentials="ada:secret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//ada:guess@"))
        with pytest.raises(Unreachable, match=r"the proxy http://127\.0\.0\.1:\d+ refused: 407") as raised:
            await get()
        assert "guess" not in str(raised.value)


async def test_a_proxy_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"the proxy http://127\.0\.0\.1:9 cannot be reached"):
        await get()


async def test_the_time_limit_is_named():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, and nobody answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match="no answer within the time limit"):
            await get(url, allowed=networks(["127.0.0.0/8"]))


async def test_names_of_no_proxy_and_this_machine_are_called_directly(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    with pytest.raises(Unreachable, match="has no address"):
        await get("https://nowhere.example.org")
    async with serving(app) as url:
        assert await get(url, allowed=networks(["127.0.0.0/8"])) == {"here": True}


async def test_what_is_not_public_is_refused_through_a_proxy_too(monkeypatch):
    async with proxying({"10.0.0.1": 9}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(AddressRefused):
            await get("http://10.0.0.1")
        assert proxy.requests == []


@pytest.mark.parametrize("proxy", ["socks5://proxy.example.org:1080", "http://", "http://proxy.example.org:999999"])
async def test_what_is_no_http_proxy_is_refused_by_its_setting(monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ProxyRefused, match="HTTPS_PROXY"):
        await get()
