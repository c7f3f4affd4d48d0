"""Media come from a real server under a grant; whatever goes wrong is the failure of that one resource."""

import asyncio
import os

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from ai_worker.base import DiskFull
from ai_worker.media.fetch import fetch_media
from tests.support.http_servers import serving
from tests.support.make.ai_worker import IMPATIENT, NOWHERE, open_worker, resource_of
from tests.support.workers import eventually
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1.results import Failed, FailureCode

PHOTO = os.urandom(300_000)
REFUSED, CHANGED, UNREACHABLE = FailureCode.MEDIA_REFUSED, FailureCode.MEDIA_CHANGED, FailureCode.MEDIA_UNREACHABLE


class Media:
    """A media server that misbehaves as its paths say, and remembers what it was asked."""

    def __init__(self):
        self.app = FastAPI()
        self.asked = []
        self.elsewhere = ""
        self.broken = 0
        self.app.add_api_route("/{what:path}", self.answer)

    async def answer(self, what: str, request: Request) -> Response:
        self.asked.append((what, dict(request.headers)))
        redirects = {
            "once": (f"{self.elsewhere}/photo", 307),
            "twice": ("/once", 307),
            "moved": ("/photo", 302),
            "away": ("http://203.0.113.5/photo", 307),
            "nonsense": ("http://[/photo", 307),
        }
        if what in redirects:
            return RedirectResponse(*redirects[what])
        if what == "missing":
            return Response(status_code=404)
        if what == "endless":
            return StreamingResponse(self.endless())
        if what == "shaky" and self.broken > 0:
            self.broken -= 1
            return Response(status_code=503)
        if what == "slow":
            await asyncio.sleep(30)
        return Response(PHOTO)

    async def endless(self):
        while True:
            yield PHOTO
            await asyncio.sleep(0)


@pytest.fixture
async def media():
    one = Media()
    async with serving(one.app) as url:
        one.url = one.elsewhere = url
        yield one


async def fetch(work, media, *paths, origins=None, **changes):
    resources = [
        resource_of(path if path.startswith("http") else f"{media.url}/{path}", PHOTO, **changes) for path in paths
    ]
    folder = work.settings.cache_dir / "batch"
    allowed = [media.url] if origins is None else origins
    return await fetch_media(work, work.media, resources, grant="the-grant", origins=allowed, folder=folder)


def ended(results):
    return [result.code if isinstance(result, Failed) else result.read_bytes() for result in results]


async def test_files_come_in_order_under_the_grant(media, tmp_path):
    async with open_worker(tmp_path) as work:
        results = await fetch(work, media, "photo", "other", "third")
    assert ended(results) == [PHOTO] * 3
    assert all(headers["trapper-media-grant"] == "the-grant" for _, headers in media.asked)
    assert all(headers["trapper-protocol"] == str(PROTOCOL) for _, headers in media.asked)


async def test_each_failure_is_of_its_own_resource_and_the_others_go_on(media, tmp_path):
    paths = ["photo", "missing", "twice", "moved", "nonsense", "http://192.0.2.1/photo", "endless", "photo"]
    async with open_worker(tmp_path) as work:
        results = await fetch(work, media, *paths, origins=[media.url, "http://192.0.2.1"])
    assert ended(results) == [PHOTO, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, CHANGED, PHOTO]
    assert all(result.message for result in results if isinstance(result, Failed))


async def test_a_wrong_hash_and_a_wrong_length_are_told_apart_from_refusals(media, tmp_path):
    async with open_worker(tmp_path) as work:
        (other,) = await fetch(work, media, "photo", sha256="0" * 64)
        (longer,) = await fetch(work, media, "photo", size_bytes=len(PHOTO) - 1)
        (shorter,) = await fetch(work, media, "photo", size_bytes=len(PHOTO) + 1)
    assert ended([other, longer, shorter]) == [CHANGED] * 3
    assert "sha256" in other.message
    assert "longer" in longer.message


async def test_one_redirect_is_followed_without_the_grant(media, tmp_path):
    async with open_worker(tmp_path) as work:
        results = await fetch(work, media, "once")
    assert ended(results) == [PHOTO]
    (_, first), (_, second) = media.asked
    assert first["trapper-media-grant"] == "the-grant"
    assert "trapper-media-grant" not in second


async def test_a_redirect_to_an_origin_that_the_job_does_not_name_is_refused(media, tmp_path):
    async with serving(Media().app) as elsewhere, open_worker(tmp_path) as work:
        media.elsewhere = elsewhere
        results = await fetch(work, media, "once", "away")
    assert ended(results) == [REFUSED, REFUSED]


async def test_only_origins_of_the_lease_are_called(media, tmp_path):
    async with open_worker(tmp_path) as work:
        results = await fetch(work, media, "photo", origins=["https://expert.example.org"])
        none = await fetch(work, media, "photo", origins=[])
    assert ended(results) == ended(none) == [REFUSED]
    assert media.asked == []


async def test_the_workers_own_list_of_origins_caps_the_lease(media, tmp_path):
    async with open_worker(tmp_path, media_origins=["https://expert.example.org"]) as work:
        results = await fetch(work, media, "photo")
    assert ended(results) == [REFUSED]
    assert media.asked == []


async def test_private_addresses_are_not_called_unless_a_setting_lists_them(media, tmp_path):
    async with open_worker(tmp_path, allowed_addresses=[]) as work:
        results = await fetch(work, media, "photo")
    assert ended(results) == [REFUSED]
    assert media.asked == []


async def test_a_server_in_trouble_is_asked_again_until_patience_ends(media, tmp_path):
    media.broken = 3
    async with open_worker(tmp_path) as work:
        shaky = await fetch(work, media, "shaky")
    media.broken = 1_000_000
    async with open_worker(tmp_path, intervals=IMPATIENT) as work:
        gone = await fetch(work, media, "shaky", f"{NOWHERE}/photo", "photo", origins=[media.url, NOWHERE])
    assert ended(shaky) == [PHOTO]
    assert ended(gone) == [UNREACHABLE, UNREACHABLE, PHOTO]


async def test_a_file_that_does_not_come_in_time_is_unreachable(media, tmp_path):
    async with open_worker(tmp_path, intervals={"media": 2.0, **IMPATIENT}) as work:
        results = await fetch(work, media, "slow", "photo")
    assert ended(results) == [UNREACHABLE, PHOTO]


async def test_a_file_above_the_workers_own_limit_is_not_even_asked_for(media, tmp_path):
    async with open_worker(tmp_path, media_max_bytes=1000) as work:
        results = await fetch(work, media, "photo")
    assert ended(results) == [REFUSED]
    assert media.asked == []


async def test_a_full_disk_is_the_batchs_trouble_and_not_a_resources(media, tmp_path):
    async with open_worker(tmp_path) as work:
        folder = work.settings.cache_dir / "batch"
        folder.mkdir()
        resource = resource_of(f"{media.url}/photo", PHOTO)
        (folder / f"{resource.id}.part").symlink_to("/dev/full")
        with pytest.raises(DiskFull, match="no space left"):
            await fetch_media(work, work.media, [resource], grant="g", origins=[media.url], folder=folder)


async def test_what_a_process_before_us_fetched_is_not_fetched_again(media, tmp_path):
    async with open_worker(tmp_path) as work:
        folder = work.settings.cache_dir / "batch"
        folder.mkdir()
        whole, half, other = [resource_of(f"{media.url}/{name}", PHOTO) for name in ("whole", "half", "other")]
        (folder / str(whole.id)).write_bytes(PHOTO)
        (folder / str(half.id)).write_bytes(PHOTO[:1000])
        (folder / str(other.id)).write_bytes(PHOTO[:-1] + b"x")
        asked = [whole, half, other]
        files = await fetch_media(work, work.media, asked, grant="the-grant", origins=[media.url], folder=folder)
        assert ended(files) == [PHOTO, PHOTO, PHOTO]
    assert sorted(what for what, _ in media.asked) == ["half", "other"]


async def test_nothing_half_is_left_behind(media, tmp_path):
    async with open_worker(tmp_path) as work:
        (failed,) = await fetch(work, media, "endless")
        assert failed.code is CHANGED
        assert list((work.settings.cache_dir / "batch").iterdir()) == []


async def test_while_our_own_link_is_down_no_origin_is_given_up(media, tmp_path):
    media.broken = 10_000
    async with open_worker(tmp_path, intervals={"patience": 0.01}) as work:
        work.rhythm.away = True
        fetching = asyncio.create_task(fetch(work, media, "shaky"))
        await eventually(lambda: len(media.asked) > 5)
        assert not fetching.done()
        media.broken = 0
        assert ended(await fetching) == [PHOTO]
