"""Addresses that a hostile job would have a worker call, and answers that are not the file: each fails alone."""

import asyncio
import gzip
import os
import socket

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import RedirectResponse

from ai_worker.media.fetch import fetch_media
from tests.support.http_servers import serving
from tests.support.make.ai_worker import open_worker, resource_of
from trapper_schemas.v1.results import Failed, FailureCode

PHOTO = os.urandom(50_000)
DISGUISES = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/machine",
    "http://localhost:{port}/photo",
    "http://0x7f000001:{port}/photo",
    "http://0.0.0.0:{port}/photo",
    "http://[::1]:{port}/photo",
    "http://[::ffff:127.0.0.1]:{port}/photo",
    "http://[::ffff:7f00:1]:{port}/photo",
]


class Server:
    """It counts who reaches it, and answers as the path says."""

    def __init__(self):
        self.app = FastAPI()
        self.reached = []
        self.app.add_api_route("/{what:path}", self.answer)

    async def answer(self, what: str) -> Response:
        self.reached.append(what)
        return ANSWERS.get(what, lambda: Response(PHOTO))()


ANSWERS = {
    "zipped": lambda: Response(gzip.compress(PHOTO), headers={"content-encoding": "gzip"}),
    "part": lambda: Response(PHOTO, status_code=206, headers={"content-range": f"bytes 0-49999/{len(PHOTO)}"}),
    "nothing": lambda: Response(status_code=204),
    "to-a-file": lambda: RedirectResponse("file:///etc/passwd", 307),
    "to-metadata": lambda: RedirectResponse("http://169.254.169.254/latest/meta-data/", 307),
    "nowhere": lambda: Response(status_code=307),
}


@pytest.fixture
async def server():
    one = Server()
    async with serving(one.app) as url:
        one.url, one.port = url, url.rpartition(":")[2]
        yield one


async def fetch(work, urls, origins):
    resources = [resource_of(url, PHOTO) for url in urls]
    folder = work.settings.cache_dir / "batch"
    return await fetch_media(work, work.media, resources, grant="g", origins=origins, folder=folder)


@pytest.mark.parametrize("address", DISGUISES)
async def test_a_lease_that_names_this_machine_or_a_metadata_service_reaches_neither(server, tmp_path, address):
    url = address.format(port=server.port)
    async with open_worker(tmp_path, allowed_addresses=[]) as work:
        (failed,) = await fetch(work, [url], [url])
    assert isinstance(failed, Failed)
    assert failed.code is FailureCode.MEDIA_REFUSED
    assert server.reached == []


@pytest.mark.parametrize("host", ["127.1", "2130706433"])
def test_an_odd_spelling_of_an_address_is_refused_where_it_is_given(host: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        resource_of(f"http://{host}:8000/photo", PHOTO)


async def test_a_name_that_answers_differently_each_time_is_held_to_the_answer_that_was_checked(
    server, tmp_path, monkeypatch
):
    """First where the job may call, then this machine's own network: the second is looked at as well as the first."""
    answers = iter(["127.0.0.1", "10.0.0.1", "169.254.169.254"])

    async def resolve(_loop, _host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    url = f"http://photos.example:{server.port}/photo"
    ended = []
    for attempt in range(3):
        async with open_worker(tmp_path / str(attempt)) as work:
            (result,) = await fetch(work, [url], [url])
            ended.append(result.code if isinstance(result, Failed) else result.read_bytes())
    assert ended == [PHOTO, FailureCode.MEDIA_REFUSED, FailureCode.MEDIA_REFUSED]
    assert server.reached == ["photo"]


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("zipped", FailureCode.MEDIA_CHANGED),
        ("part", FailureCode.MEDIA_REFUSED),
        ("nothing", FailureCode.MEDIA_REFUSED),
        ("to-a-file", FailureCode.MEDIA_REFUSED),
        ("to-metadata", FailureCode.MEDIA_REFUSED),
        ("nowhere", FailureCode.MEDIA_REFUSED),
    ],
)
async def test_an_answer_that_is_not_the_file_is_the_failure_of_its_resource(server, tmp_path, what, code):
    async with open_worker(tmp_path) as work:
        failed, photo = await fetch(
            work, [f"{server.url}/{what}", f"{server.url}/photo"], [server.url, "http://169.254.169.254"]
        )
    assert (failed.code, photo.read_bytes()) == (code, PHOTO)
