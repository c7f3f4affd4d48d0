"""Fetches the media of a batch: from the lease's origins only, limited, checked; a failure concerns one resource."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from ai_worker.base import writing
from ai_worker.deps import WorkerWork
from ai_worker.manager_client import status_of
from ai_worker.media.state import MediaFailed, Origins, refusal
from trapper_kit.addresses import AddressRefused, origin_of
from trapper_kit.http_client import HttpClient
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.resources import ResourceRef
from trapper_schemas.v1.results import Failed, FailureCode

GRANT_HEADER = "Trapper-Media-Grant"
_TEMPORARY_REDIRECT = 307
_OK = 200
_CHUNK = 1 << 20
_SLOW = 64 * 1024
"""Bytes per second of a link that is slow and no reason to give a file up: a video of an hour takes its time."""


@dataclass
class Fetching:
    """The fetches of one batch: folder, grant, origins, files that exist, and since when an origin has not answered."""

    work: WorkerWork
    http: HttpClient
    folder: Path
    grant: str
    origins: Origins
    there: frozenset[Path]
    """Files that a former process left in the folder."""
    silent_since: dict[str, float] = field(default_factory=dict[str, float])


async def fetch_media(
    work: WorkerWork,
    http: HttpClient,
    resources: Sequence[ResourceRef],
    *,
    grant: str,
    origins: Sequence[str],
    folder: Path,
) -> list[Path | Failed]:
    """A file or a failure for every resource, in their order; raises DiskFull."""
    there = _make(folder)
    allowed = Origins.of(map(origin_of, origins), map(origin_of, work.settings.media_origins))
    fetching = Fetching(work, http, folder, grant, allowed, there)
    fetched: dict[int, Path | Failed] = {}
    waiting = enumerate(resources)

    async def lane() -> None:
        for place, resource in waiting:  # shared by all lanes: each takes the next one
            fetched[place] = await _fetch(fetching, resource)

    lanes = [asyncio.create_task(lane()) for _ in range(min(work.settings.media_concurrency, len(resources)))]
    try:
        await asyncio.gather(*lanes)
    finally:
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
    return [fetched[place] for place in range(len(resources))]


def _make(folder: Path) -> frozenset[Path]:
    """Make the folder; returns the files that it has already."""
    with writing("media"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return frozenset(folder.iterdir())


async def _fetch(fetching: Fetching, resource: ResourceRef) -> Path | Failed:
    """Try until the file is here or refused, or its origin has not answered for too long."""
    work, origin = fetching.work, origin_of(resource.url)
    while True:
        try:
            path = await _limited(fetching, resource)
            fetching.silent_since.pop(origin, None)
            return path
        except MediaFailed as failed:
            if work.rhythm.away:  # the link is ours to miss: it says nothing against the origin
                fetching.silent_since.pop(origin, None)
            since = fetching.silent_since.setdefault(origin, work.monotonic()) if failed.again else None
            if since is None or work.monotonic() - since > work.settings.intervals.patience:
                log("media.failed", resource=str(resource.id), code=failed.code, problem=str(failed))
                return Failed(code=failed.code, message=str(failed)[:500])
        await asyncio.sleep(work.rhythm.retry)


async def _limited(fetching: Fetching, resource: ResourceRef) -> Path:
    path = fetching.folder / str(resource.id)
    if path in fetching.there and await asyncio.to_thread(_is_here, path, resource):
        return path
    most = fetching.work.settings.media_max_bytes
    if resource.size_bytes > most:
        raise MediaFailed(
            FailureCode.MEDIA_REFUSED, f"the file has {resource.size_bytes} bytes, at most {most} are fetched"
        )
    try:
        async with asyncio.timeout(fetching.work.settings.intervals.media + resource.size_bytes / _SLOW):
            return await _follow(fetching, resource)
    except TimeoutError:
        raise MediaFailed(FailureCode.MEDIA_UNREACHABLE, "the file did not arrive in time", again=True) from None
    except AddressRefused as problem:
        raise MediaFailed(FailureCode.MEDIA_REFUSED, str(problem)) from problem
    except ValueError as problem:  # of an address that a redirect names
        raise MediaFailed(FailureCode.MEDIA_REFUSED, "the media server redirected to no address") from problem
    except Problem as problem:
        raise refusal(status_of(problem), str(problem)) from problem


def _is_here(path: Path, resource: ResourceRef) -> bool:
    """Whether a former process has fetched the whole file."""
    if not path.is_file() or path.stat().st_size != resource.size_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == resource.sha256


async def _follow(fetching: Fetching, resource: ResourceRef) -> Path:
    """Fetch the file; one redirect is followed, to an origin that the lease names, without the grant."""
    url: str = resource.url
    headers = {GRANT_HEADER: fetching.grant}
    for _ in range(2):
        fetching.origins.check(origin_of(url))
        async with fetching.http.stream(url, headers=headers, unchecked=True) as response:
            if response.status_code == _OK:
                return await _receive(response.aiter_raw(_CHUNK), resource, fetching.folder / str(resource.id))
            if response.status_code != _TEMPORARY_REDIRECT or "location" not in response.headers:
                raise MediaFailed(
                    FailureCode.MEDIA_REFUSED, f"the media server answered {response.status_code} instead of a file"
                )
            try:
                url = urljoin(url, response.headers["location"])
            except ValueError as problem:
                raise MediaFailed(FailureCode.MEDIA_REFUSED, "the media server redirected to no address") from problem
            headers = {}
    raise MediaFailed(FailureCode.MEDIA_REFUSED, "the media server redirected twice; one redirect is followed")


async def _receive(chunks: AsyncIterator[bytes], resource: ResourceRef, path: Path) -> Path:
    """Write the body while it can be the announced file; a partial file is removed."""
    partial = path.with_name(f"{path.name}.part")
    try:
        await _write(chunks, resource, partial)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    return path


async def _write(chunks: AsyncIterator[bytes], resource: ResourceRef, partial: Path) -> None:
    digest, size = hashlib.sha256(), 0
    with writing("media"), partial.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > resource.size_bytes:
                raise MediaFailed(FailureCode.MEDIA_CHANGED, f"the file is longer than {resource.size_bytes} bytes")
            digest.update(chunk)
            file.write(chunk)
    if size != resource.size_bytes:
        raise MediaFailed(FailureCode.MEDIA_CHANGED, f"the file has {size} bytes instead of {resource.size_bytes}")
    if digest.hexdigest() != resource.sha256:
        raise MediaFailed(FailureCode.MEDIA_CHANGED, "the file's sha256 is not the one that was announced")
