"""The Expert serves the built web app: one page for its addresses, assets for good, and what to run when not built."""

from pathlib import Path

import pytest

from expert.web import open_build
from expert.web.routes import PAGES
from tests.support.make.expert import Backend


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of two files, one of them compressed as well."""
    folder = tmp_path / "build"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Trapper</title>")
    (folder / "assets" / "index-AbCd_123.js").write_text("plain")
    (folder / "assets" / "index-AbCd_123.js.br").write_bytes(b"compressed")
    (folder / "assets" / "theme.js").write_text("theme")
    (folder / "secret.txt").write_text("not an asset")
    monkeypatch.setattr(open_build, "BUILD", folder)
    return folder


async def test_every_address_of_the_app_has_its_page_and_policy(backend: Backend, build: Path) -> None:
    for path in PAGES:
        reply = await backend.client().get(path.replace("{rest:path}", "1/jobs/2?stage=failed"))
        assert (reply.status_code, reply.text) == (200, "<title>Trapper</title>"), path
        assert reply.headers["cache-control"] == "no-cache"
        assert "script-src 'self';" in reply.headers["content-security-policy"]
        assert "unsafe" not in reply.headers["content-security-policy"]


async def test_hashed_asset_is_kept_for_good_and_sent_as_the_browser_takes_it(backend: Backend, build: Path) -> None:
    client = backend.client()
    plain = await client.get("/assets/index-AbCd_123.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, plain.headers["vary"]) == ("plain", "Accept-Encoding")
    assert "immutable" in plain.headers["cache-control"]
    assert plain.headers["content-type"].startswith("text/javascript")
    compressed = open_build.open_asset("index-AbCd_123.js", "gzip, br;q=0.9")
    assert compressed is not None
    assert (compressed.content, compressed.headers["Content-Encoding"]) == (b"compressed", "br")
    assert (await client.get("/assets/theme.js")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["index-AbCd_124.js", "..%2Fsecret.txt", "index-AbCd_123.js.br", "%2e%2e"])
async def test_absent_asset_is_not_the_page(backend: Backend, build: Path, name: str) -> None:
    reply = await backend.client().get(f"/assets/{name}")
    assert reply.status_code == 404
    assert "Trapper" not in reply.text


async def test_page_says_what_to_run_when_the_app_is_not_built(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_build, "BUILD", tmp_path / "absent")
    reply = await backend.client().get("/")
    assert reply.status_code == 503
    assert "make install" in reply.text
