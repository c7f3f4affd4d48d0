"""Weights on their way in: too long, too short, something else or broken off is refused, and nothing is kept."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import (
    DETECTOR_SHA256,
    WEIGHTS,
    Manager,
    in_pieces,
    manager_settings,
    model_entry,
    opened_manager,
)
from tests.support.managers import running_manager

PATH = f"/api/models/{DETECTOR_SHA256}/weights"


def kept(folder: Path | None) -> list[Path]:
    assert folder is not None
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
async def operator(manager: Manager) -> dict[str, str]:
    """Headers of who may publish; the entry `sized` says how long the weights are."""
    await manager.execute("update models set state = 'retired'")
    await manager.publish(model_entry(name="sized", size_bytes=len(WEIGHTS)))
    return await manager.token(Scope.PUBLISH, name="operator")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WEIGHTS[:-1], f"announces {len(WEIGHTS)} bytes; {len(WEIGHTS) - 1} came"),
        (WEIGHTS + b"!", "more came"),
        (WEIGHTS[:-1] + b"!", "sha256"),
        (b"", "0 came"),
    ],
)
async def test_other_bytes_than_announced_are_refused_and_nothing_is_kept(
    manager: Manager, operator: dict[str, str], content: bytes, said: str
) -> None:
    refused = await manager.http.put(PATH, content=in_pieces(content, 7), headers=operator)
    assert (refused.status_code, refused.json()["type"]) == (422, "weights-differ")
    assert said in refused.json()["detail"]
    assert kept(manager.work.settings.blobs_dir) == []
    sent = await manager.http.put(PATH, content=in_pieces(WEIGHTS, 7), headers=operator)
    assert (sent.status_code, sent.json()["held"]) == (200, True)


async def test_an_endless_body_is_cut_off_at_the_announced_length(manager: Manager, operator: dict[str, str]) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000:
            sent += 1
            yield b"x" * 1000

    refused = await manager.http.put(PATH, content=endless(), headers=operator)
    assert refused.json()["type"] == "weights-differ"
    assert kept(manager.work.settings.blobs_dir) == []


async def test_more_than_the_limit_is_too_large_and_nothing_is_kept(
    ai_manager_database_url: str, tmp_path: Path
) -> None:
    settings = manager_settings(ai_manager_database_url, tmp_path, weights_limit_bytes=1000)
    async with opened_manager(settings) as manager:
        await manager.publish()
        headers = await manager.token(Scope.PUBLISH, name="operator")
        refused = await manager.http.put(PATH, content=in_pieces(b"x" * 1001, 500), headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (413, "too-large")
        assert kept(settings.blobs_dir) == []


async def test_an_upload_that_breaks_off_leaves_nothing_and_can_be_repeated(
    ai_manager_database_url: str, tmp_path: Path
) -> None:
    async with running_manager(ai_manager_database_url, tmp_path) as manager:
        (await manager.client.post("/api/models/", json={"entry": model_entry()})).raise_for_status()
        address = urlsplit(manager.url)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        token = manager.client.headers["Authorization"]
        head = f"PUT {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: {len(WEIGHTS)}\r\n\r\n"
        writer.write(head.encode() + WEIGHTS[:5])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        sent = await manager.client.put(PATH, content=WEIGHTS)
        assert (sent.status_code, sent.json()["held"]) == (200, True)
        assert (await manager.client.get(PATH)).content == WEIGHTS
    assert [path.name for path in kept(tmp_path / "manager-blobs")] == [DETECTOR_SHA256]
