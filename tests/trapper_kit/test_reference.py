# pyright: basic
"""GET /docs shows the reference with files of the service itself."""

import re

import httpx
import pytest

from ai_manager.app import create_app as manager_app
from ai_worker.app import contract_app as worker_app
from expert.app import contract_app as expert_app


@pytest.mark.parametrize("make_app", [expert_app, manager_app, worker_app])
async def test_reference_loads_only_from_its_own_service(make_app) -> None:
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        page = await client.get("/docs")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert all(source.startswith(("/docs/", "data:")) for source in sources)
        for source in sources:
            if source.startswith("/"):
                loaded = await client.get(source)
                assert loaded.status_code == 200, source
                assert len(loaded.content) > 100, source
        assert (await client.get("/docs/settings.py")).status_code == 404
        document = (await client.get("/openapi.json")).json()
        assert not [path for path in document["paths"] if path.startswith("/docs")]
