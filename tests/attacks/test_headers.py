"""What browsers and strangers learn from any reply."""

import re

import httpx
import pytest

from expert.access import queries
from expert.app import create_app
from tests.support.make.expert import Backend
from trapper_kit.web.guards import api_routes, capability_of, is_public

WITHOUT_CAPABILITY = {"/api/me/", "/api/sessions/current/"}


async def test_every_reply_has_the_security_headers(backend: Backend) -> None:
    person = await backend.person()
    for path in ("/api/me/", "/api/nowhere/", "/healthz", "/openapi.json", "/nowhere", "/api/resources/?x=1"):
        for client in (person.client, backend.client()):
            reply = await client.get(path)
            assert reply.headers["X-Content-Type-Options"] == "nosniff", path
            assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
            assert "base-uri 'none'" in reply.headers["Content-Security-Policy"]
            assert (reply.headers.get("Cache-Control") == "no-store") is path.startswith("/api/")
            assert "Strict-Transport-Security" not in reply.headers
            assert [name for name in reply.headers if name.startswith("access-control")] == []


async def test_browsers_stay_with_https(backend: Backend) -> None:
    transport = httpx.ASGITransport(app=backend.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://expert.example.org") as client:
        for path in ("/healthz", "/api/me/"):
            reply = await client.get(path)
            assert reply.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


async def test_refusals_and_failures_have_the_security_headers(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("nobody foresaw this")

    person = await backend.person()
    replies = [
        await person.client.put("/api/me/"),
        await person.client.post("/api/sessions/", content=b"{", headers={"Content-Type": "application/json"}),
        await person.client.post("/api/sessions/", content=b" " * 100_000),
        await backend.client().post("/api/sessions/", json={"email": "nobody@example.org", "password": "x"}),
    ]
    monkeypatch.setattr(queries, "list_tokens", fail)
    replies.append(await person.client.get("/api/tokens/"))
    assert [reply.status_code for reply in replies] == [405, 400, 413, 401, 500]
    for reply in replies:
        assert reply.headers["X-Content-Type-Options"] == "nosniff", reply.status_code
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "no-store"
        assert "nobody foresaw" not in reply.text


async def test_no_page_loads_scripts_from_elsewhere(backend: Backend) -> None:
    page = await backend.client().get("/docs")
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert [source for source in re.findall(r'src="([^"]+)"', page.text) if not source.startswith("/docs/")] == []


async def test_metrics_are_not_public(backend: Backend) -> None:
    for address, status in (("127.0.0.1", 200), ("203.0.113.7", 404)):
        transport = httpx.ASGITransport(app=backend.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/metrics")).status_code == status


def test_every_guarded_route_asks_for_one_capability() -> None:
    missing = {
        route.path for route in api_routes(create_app().routes) if not is_public(route) and capability_of(route) is None
    }
    assert missing == WITHOUT_CAPABILITY
