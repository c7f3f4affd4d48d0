"""Weights that nobody confirmed: fetched once, named by the hash that they have, never a mixture of two files."""

import asyncio
import hashlib
import os

import pytest

from ai_worker.base import DiskFull
from ai_worker.model_store.fetch import WeightsAway, WeightsMissing, WeightsWrong
from ai_worker.model_store.fetch_unpinned import fetch_unpinned
from ai_worker.model_store.weights_store import WeightsStore
from tests.support.make.ai_worker import IMPATIENT, NOWHERE, open_worker
from tests.support.weights_servers import serving_weights
from trapper_schemas.v1.models import Availability, ModelEntry, ModelKind, Source

CONTENT = os.urandom(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def entry(*urls, **changes):
    values = {
        "name": "unseen",
        "version": "a/b",
        "kind": ModelKind.DETECTION,
        "availability": Availability.READY,
        "licence": "MIT",
        "sources": tuple(Source(url=url, file_name="unseen.onnx") for url in urls),
    }
    return ModelEntry(**{**values, **changes})


@pytest.fixture
def server():
    with serving_weights() as served:
        served.files["/unseen.onnx"] = CONTENT
        yield served


async def fetch(work, model):
    return await fetch_unpinned(work, work.store, work.media, model)


async def test_the_first_source_that_has_it_says_the_hash_once(server, tmp_path):
    model = entry(f"{server.url}/gone.onnx", f"{server.url}/unseen.onnx")
    async with open_worker(tmp_path, manager_url="http://127.0.0.1:9") as work:
        path, sha256 = await fetch(work, model)
        assert (sha256, path.read_bytes()) == (SHA256, CONTENT)
        server.files.clear()
        assert await fetch(work, model) == (path, SHA256)
        assert work.store.on_disk() == (SHA256,)


async def test_a_file_that_was_evicted_or_damaged_is_fetched_again(server, tmp_path):
    model = entry(f"{server.url}/unseen.onnx")
    async with open_worker(tmp_path, manager_url="http://127.0.0.1:9") as work:
        path, _ = await fetch(work, model)
        path.unlink()
        assert (await fetch(work, model))[0].read_bytes() == CONTENT
        path.write_bytes(b"damaged")
        work.store.checked.clear()
        assert (await fetch(work, model))[0].read_bytes() == CONTENT


async def test_a_download_that_broke_off_is_never_continued_with_another_file(server, tmp_path):
    async with open_worker(tmp_path, manager_url="http://127.0.0.1:9") as work:
        model = entry(f"{server.url}/unseen.onnx")
        await fetch(work, model)
        (note,) = work.store.folder.glob(".*.unpinned")
        note.unlink()
        note.with_suffix(".part").write_bytes(b"half of something else")
        assert (await fetch(work, model))[1] == SHA256


async def test_a_preseeded_file_is_found_by_its_name(tmp_path):
    (tmp_path / "seeded").mkdir()
    (tmp_path / "seeded" / "unseen.onnx").write_bytes(CONTENT)
    async with open_worker(tmp_path, manager_url="http://127.0.0.1:9", weights_dirs=[tmp_path / "seeded"]) as work:
        assert (await fetch(work, entry("http://127.0.0.1:9/unseen.onnx")))[1] == SHA256


async def test_what_cannot_be_had_or_is_too_long_is_said_so(server, tmp_path):
    async with open_worker(tmp_path, manager_url="http://127.0.0.1:9") as work:
        with pytest.raises(WeightsMissing, match="neither a file nor an address"):
            await fetch(work, entry())
        with pytest.raises(WeightsMissing, match="cannot be had"):
            await fetch(work, entry(f"{server.url}/gone.onnx"))
        with pytest.raises(WeightsWrong, match="longer than 10 bytes"):
            await fetch(work, entry(f"{server.url}/unseen.onnx", size_bytes=10))
        assert work.store.on_disk() == ()


async def test_mirrors_of_the_site_are_asked_before_the_sources_of_the_catalogue(server, tmp_path):
    server.files["/copies/nets/unseen%20v1.onnx"] = CONTENT
    sources = (Source(path="nets/unseen v1.onnx", file_name="unseen.onnx", url=f"{server.url}/public/unseen.onnx"),)
    mirrors = [f"{server.url}/nothing", NOWHERE, f"{server.url}/copies/"]
    async with open_worker(tmp_path, weights_mirrors=mirrors) as work:
        assert (await fetch(work, entry(sources=sources)))[1] == SHA256
    assert [path for _, path in server.asked] == [
        "/nothing/nets/unseen%20v1.onnx",
        "/nothing/unseen.onnx",
        "/copies/nets/unseen%20v1.onnx",
    ]


async def test_a_mirror_that_has_something_longer_is_passed_over(server, tmp_path):
    server.files["/copies/unseen.onnx"] = CONTENT + b"more"
    model = entry(f"{server.url}/unseen.onnx", size_bytes=len(CONTENT))
    async with open_worker(tmp_path, weights_mirrors=[f"{server.url}/copies"]) as work:
        assert (await fetch(work, model))[1] == SHA256


async def test_what_is_in_use_is_evicted_by_nobody_who_shares_the_folder(server, tmp_path):
    told: list[str] = []
    async with open_worker(tmp_path) as work:
        for _ in range(2):  # when it comes, and when it is here already
            model = entry(f"{server.url}/unseen.onnx")
            await fetch_unpinned(work, work.store, work.media, model, known=told.append)
            assert WeightsStore(work.store.folder).evict(0, keep=()) == []
        assert work.store.evict(0, keep=()) == [SHA256]
    assert told == [SHA256] * 2


async def test_while_our_own_link_is_down_it_is_waited_for(server, tmp_path):
    async with open_worker(tmp_path, intervals=IMPATIENT) as work:
        work.rhythm.away = True
        fetching = asyncio.create_task(fetch(work, entry(f"{NOWHERE}/unseen.onnx")))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.shield(fetching)
        work.rhythm.away = False
        with pytest.raises(WeightsAway):
            await fetching


async def test_weights_that_can_never_fit_are_not_begun(server, tmp_path):
    async with open_worker(tmp_path) as work:
        with pytest.raises(DiskFull, match="are free"):
            await fetch(work, entry(f"{server.url}/unseen.onnx", size_bytes=10**18))
    assert server.asked == []
