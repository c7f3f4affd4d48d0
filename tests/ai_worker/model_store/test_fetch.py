"""Weights are taken only when their hash is right, come from wherever they are, and leave by least use."""

import asyncio
import hashlib
import os
import shutil
from types import SimpleNamespace

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from ai_worker.base import DiskFull
from ai_worker.model_store.fetch import WeightsAway, WeightsMissing, WeightsWrong, fetch_weights
from ai_worker.model_store.weights_store import WeightsStore
from tests.support.http_servers import serving
from tests.support.make.ai_worker import IMPATIENT, NOWHERE, open_worker
from trapper_schemas.v1.models import Availability, ModelEntry, ModelKind, Source

WEIGHTS = os.urandom(3_000_000)
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


def entry(*urls, **changes):
    sources = tuple(Source(url=url, file_name="tiny.onnx") for url in urls)
    values = {
        "name": "tiny",
        "version": "1",
        "kind": ModelKind.DETECTION,
        "availability": Availability.CONVERT,
        "size_bytes": len(WEIGHTS),
        "licence": "MIT",
        "sources": sources,
    }
    return ModelEntry(**{**values, **changes})


class Mirror:
    """A file server whose first path is the Manager's; it may cut off, lie and redirect."""

    def __init__(self):
        self.app = FastAPI()
        self.asked = []
        self.held = True
        self.content = WEIGHTS
        self.ranges = True
        self.broken = 0
        self.copy = WEIGHTS
        self.cut = None
        self.copies = []
        self.app.add_api_route("/copies/{name:path}", self.mirror)
        self.app.add_api_route("/api/models/{sha256}/weights", self.manager)
        self.app.add_api_route("/public/{hops}", self.public)

    async def manager(self, sha256: str, request: Request) -> Response:
        if not self.held or sha256 != SHA256:
            return Response(status_code=404)
        return self.file(request)

    async def mirror(self, name: str) -> Response:
        self.copies.append(name)
        if name != "some where/tiny v1.onnx":
            return Response(status_code=404)
        if self.cut is None:
            return Response(self.copy)
        return StreamingResponse(self.broken_off(), headers={"content-length": str(len(self.copy))})

    async def broken_off(self):
        yield self.copy[: self.cut]
        raise ConnectionError("the mirror falls over")

    async def public(self, hops: int, request: Request) -> Response:
        return RedirectResponse(f"/public/{hops - 1}", 302) if hops else self.file(request)

    def file(self, request: Request) -> Response:
        begin = request.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-")
        self.asked.append(int(begin))
        if self.broken > 0:
            self.broken -= 1
            return Response(status_code=503)
        if self.ranges and int(begin):
            return Response(self.content[int(begin) :], status_code=206)
        return Response(self.content)


@pytest.fixture
async def mirror():
    one = Mirror()
    async with serving(one.app) as url:
        one.url = url
        yield one


async def fetch(work, model=None):
    return await fetch_weights(work, work.store, work.media, model or entry(), SHA256)


async def test_weights_come_from_the_manager_once(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        path = await fetch(work)
        assert path.read_bytes() == WEIGHTS
        assert await fetch(work) == path
        assert work.store.on_disk() == (SHA256,)
    assert mirror.asked == [0]


async def test_several_batches_that_need_the_same_weights_fetch_them_once(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        paths = await asyncio.gather(*(fetch(work) for _ in range(5)))
    assert len(set(paths)) == 1
    assert mirror.asked == [0]


async def test_a_download_that_was_cut_off_goes_on_where_it_stopped(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        (work.store.folder / f".{SHA256}.part").write_bytes(WEIGHTS[:1_000_000])
        path = await fetch(work)
        assert path.read_bytes() == WEIGHTS
    assert mirror.asked == [1_000_000]


async def test_a_server_without_ranges_sends_the_whole_again(mirror, tmp_path):
    mirror.ranges = False
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        (work.store.folder / f".{SHA256}.part").write_bytes(b"x" * 1000)
        assert (await fetch(work)).read_bytes() == WEIGHTS


async def test_weights_with_another_hash_are_never_placed(mirror, tmp_path):
    mirror.content = os.urandom(len(WEIGHTS))
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        with pytest.raises(WeightsWrong, match=SHA256):
            await fetch(work)
        assert list(work.store.folder.glob("*.onnx")) == []
        assert list(work.store.folder.glob(".*.part")) == []
        mirror.content = WEIGHTS
        assert (await fetch(work)).read_bytes() == WEIGHTS


async def test_weights_that_are_too_long_are_not_read_to_their_end(mirror, tmp_path):
    mirror.content = WEIGHTS + b"more"
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        with pytest.raises(WeightsWrong, match="longer"):
            await fetch(work)


async def test_a_file_that_rotted_on_the_disk_is_fetched_again(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        work.store.path(SHA256, "onnx").write_bytes(b"rotten")
        assert (await fetch(work)).read_bytes() == WEIGHTS


async def test_a_seeded_folder_needs_no_network(tmp_path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "tiny.onnx").write_bytes(WEIGHTS)
    (seeds / f"{SHA256}.onnx").write_bytes(b"not what its name says")
    (tmp_path / "outside.onnx").write_bytes(WEIGHTS)
    (seeds / "escape.onnx").symlink_to(tmp_path / "outside.onnx")
    async with open_worker(tmp_path / "state", weights_dirs=[seeds]) as work:
        model = entry(sources=(Source(path="escape.onnx", file_name="tiny.onnx"),))
        assert (await fetch(work, model)).read_bytes() == WEIGHTS


async def test_sources_are_followed_when_the_manager_does_not_hold_the_file(mirror, tmp_path):
    mirror.held = False
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        model = entry(f"{mirror.url}/nothing", f"{mirror.url}/public/3")
        assert (await fetch(work, model)).read_bytes() == WEIGHTS


async def test_weights_that_nobody_has_are_missing(mirror, tmp_path):
    mirror.held = False
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        with pytest.raises(WeightsMissing):
            await fetch(work)
        with pytest.raises(WeightsMissing):
            await fetch(work, entry(f"{mirror.url}/public/9"))


async def test_a_manager_that_is_away_is_waited_for_with_patience(mirror, tmp_path):
    mirror.broken = 3
    async with open_worker(tmp_path / "first", manager_url=mirror.url) as work:
        assert (await fetch(work)).read_bytes() == WEIGHTS
    async with open_worker(tmp_path / "second", intervals=IMPATIENT) as work:
        with pytest.raises(WeightsAway):
            await fetch(work)


async def test_a_full_disk_is_told_as_such(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        (work.store.folder / f".{SHA256}.part").symlink_to("/dev/full")
        with pytest.raises(DiskFull):
            await fetch(work)


async def test_mirrors_are_asked_in_order_before_the_manager(mirror, tmp_path):
    mirrors = [f"{mirror.url}/nothing", NOWHERE, f"{mirror.url}/copies/"]
    async with open_worker(tmp_path, manager_url=mirror.url, weights_mirrors=mirrors) as work:
        model = entry(sources=(Source(path="some where/tiny v1.onnx", file_name="tiny.onnx"),))
        assert (await fetch(work, model)).read_bytes() == WEIGHTS
    assert mirror.copies == [f"{SHA256}.onnx", "some where/tiny v1.onnx"]
    assert mirror.asked == []


async def test_a_mirror_with_another_file_is_passed_over(mirror, tmp_path):
    mirror.copy = os.urandom(len(WEIGHTS))
    async with open_worker(tmp_path, manager_url=mirror.url, weights_mirrors=[f"{mirror.url}/copies"]) as work:
        model = entry(sources=(Source(path="some where/tiny v1.onnx", file_name="tiny.onnx"),))
        assert (await fetch(work, model)).read_bytes() == WEIGHTS
        assert list(work.store.folder.glob(".*.part")) == []
    assert mirror.asked == [0]


async def test_what_one_place_sent_in_part_is_continued_at_the_next(mirror, tmp_path):
    mirror.cut = 2_000_000
    async with open_worker(tmp_path, manager_url=mirror.url, weights_mirrors=[f"{mirror.url}/copies"]) as work:
        model = entry(sources=(Source(path="some where/tiny v1.onnx", file_name="tiny.onnx"),))
        assert (await fetch(work, model)).read_bytes() == WEIGHTS
    (begun_at,) = mirror.asked
    assert 0 < begun_at <= 2_000_000


async def test_the_rest_of_another_file_makes_nobody_believe_in_a_mixture(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        (work.store.folder / f".{SHA256}.part").write_bytes(b"x" * 1000)
        assert (await fetch(work)).read_bytes() == WEIGHTS
    assert mirror.asked == [1000, 0]


async def test_what_this_process_uses_stays_until_no_batch_needs_it(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        await fetch(work)
        sharing = WeightsStore(work.store.folder)
        assert sharing.evict(0, keep=()) == []
        assert work.store.evict(0, keep={SHA256}) == []
        assert work.store.evict(0, keep=()) == [SHA256]


async def test_the_least_used_weights_make_room_on_a_full_disk(mirror, tmp_path, monkeypatch):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        for number in range(3):
            path = work.store.path(str(number) * 64, "onnx")
            path.write_bytes(b"x" * 2_000_000)
            os.utime(path, (1000 + number, 1000 + number))
        disk = SmallDisk(work.store, total=7_000_000)
        monkeypatch.setattr(shutil, "disk_usage", disk.usage)
        assert (await fetch(work)).read_bytes() == WEIGHTS
        assert work.store.on_disk() == tuple(sorted(["1" * 64, "2" * 64, SHA256]))


async def test_weights_that_can_never_fit_are_not_begun(mirror, tmp_path):
    async with open_worker(tmp_path, manager_url=mirror.url) as work:
        path = work.store.path("0" * 64, "onnx")
        path.write_bytes(b"x")
        with pytest.raises(DiskFull, match="are free"):
            await fetch(work, entry(size_bytes=10**18))
    assert mirror.asked == []


async def test_two_workers_that_share_a_folder_fetch_once_and_evict_nothing_of_each_other(mirror, tmp_path):
    shared = tmp_path / "shared"
    async with (
        open_worker(tmp_path / "one", manager_url=mirror.url, weights_dir=shared) as one,
        open_worker(tmp_path / "two", manager_url=mirror.url, weights_dir=shared) as two,
    ):
        first, second = await asyncio.gather(fetch(one), fetch(two))
        assert first == second == shared / f"{SHA256}.onnx"
        assert mirror.asked == [0]
        assert one.store.evict(0, keep=()) == [], "the other one uses it"
        assert two.store.evict(0, keep=()) == [SHA256]
        assert (await fetch(one)).read_bytes() == WEIGHTS, "who knew it fetches it again"
    assert mirror.asked == [0, 0]


async def test_a_worker_that_is_killed_while_it_fetches_leaves_the_rest_to_the_next(mirror, tmp_path):
    mirror.cut = 2_000_000
    shared = tmp_path / "shared"
    mirrors = [f"{mirror.url}/copies"]
    async with open_worker(tmp_path / "one", weights_dir=shared, weights_mirrors=mirrors, intervals=IMPATIENT) as one:
        model = entry(sources=(Source(path="some where/tiny v1.onnx", file_name="tiny.onnx"),))
        with pytest.raises(WeightsAway):
            await fetch(one, model)
        assert one.store.on_disk() == (), "what is not whole has no place"
        assert 0 < (shared / f".{SHA256}.part").stat().st_size <= 2_000_000
    async with open_worker(tmp_path / "two", manager_url=mirror.url, weights_dir=shared) as two:
        assert (await fetch(two)).read_bytes() == WEIGHTS
    assert 0 < mirror.asked[0] <= 2_000_000


async def test_a_seed_that_is_no_longer_there_in_the_middle_is_passed_over(mirror, tmp_path):
    seeds = tmp_path / "seeds"
    (seeds / "tiny.onnx").mkdir(parents=True)
    async with open_worker(tmp_path / "state", manager_url=mirror.url, weights_dirs=[tmp_path / "gone", seeds]) as work:
        assert (await fetch(work, entry(sources=(Source(file_name="tiny.onnx"),)))).read_bytes() == WEIGHTS


class SmallDisk:
    """A disk that holds nothing but weights, since no test can make a real one full by this much."""

    def __init__(self, store, *, total):
        self.store, self.total = store, total

    def usage(self, _folder):
        used = self.store.size_bytes()
        return SimpleNamespace(total=self.total, used=used, free=self.total - used)
