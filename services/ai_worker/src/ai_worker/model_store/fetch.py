"""Fetches weights from pre-seeded folders, mirrors, the Manager or sources, and checks them before use."""

import asyncio
import hashlib
import logging
import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urljoin

from ai_worker.base import DiskFull, writing
from ai_worker.deps import WorkerWork
from ai_worker.manager_client import Piece, may_pass, piece_of, range_from, status_of
from ai_worker.model_store.weights_store import WeightsStore
from trapper_kit.http_client import HttpClient
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.models import ModelEntry

_CHUNK = 1 << 20
_MAX_BYTES = 8 * 1024**3
_MAX_REDIRECTS = 3
_RANGE_NOT_SATISFIABLE = 416


class WeightsUnusable(Exception):  # noqa: N818 - named after what is the case
    """These weights cannot be used on this machine; the message is a plain sentence."""

    reason = "weights"


class WeightsWrong(WeightsUnusable):
    """The fetched file has another hash or length than expected; it was deleted."""

    reason = "weights-wrong"


class WeightsMissing(WeightsUnusable):
    """Neither a folder, nor the Manager, nor a source has them."""

    reason = "weights-missing"


class WeightsAway(WeightsUnusable):
    """No server that has them answered for too long."""

    reason = "weights-away"


async def fetch_weights(
    work: WorkerWork, store: WeightsStore, http: HttpClient, entry: ModelEntry, sha256: str
) -> Path:
    """Returns a file with this hash; WeightsWrong, WeightsMissing or WeightsAway when there is none."""
    path = store.path(sha256, entry.format)
    async with store.locked(sha256):
        store.use(sha256)
        if not await usable(store, path, sha256):
            await _bring(work, store, http, entry, sha256)
        store.checked.add(sha256)
    os.utime(path)
    return path


async def usable(store: WeightsStore, path: Path, sha256: str) -> bool:
    """Returns whether the file exists with this hash, computed once per process; a damaged one is deleted."""
    if not _size(path):
        return False
    if sha256 in store.checked or await asyncio.to_thread(sha256_of, path) == sha256:
        return True
    log("weights.damaged", level=logging.WARNING, sha256=sha256)
    _remove(path)
    return False


async def _bring(work: WorkerWork, store: WeightsStore, http: HttpClient, entry: ModelEntry, sha256: str) -> None:
    partial = store.folder / f".{sha256}.part"
    if entry.size_bytes is not None:
        needed = entry.size_bytes - _size(partial)
        await asyncio.to_thread(store.make_room, needed, keep={sha256, *store.used})
    if not await asyncio.to_thread(copy_seeded, work.settings.weights_dirs, entry, sha256, partial):
        await patiently(work, entry, lambda: _from_anywhere(work, http, entry, sha256, partial))
    with writing("weights"):
        settle(partial, store.path(sha256, entry.format))
    log("weights.placed", model=entry.name, sha256=sha256)


async def patiently(work: WorkerWork, entry: ModelEntry, bring: Callable[[], Awaitable[None]]) -> None:
    """Retries until the file is here or refused, or its servers have not answered for too long."""
    since = work.monotonic()
    while True:
        try:
            await bring()
            return
        except Problem as problem:
            if work.rhythm.away:  # the link is ours to miss
                since = work.monotonic()
            waited = work.monotonic() - since
            if not may_pass(problem) or waited > work.settings.intervals.patience:
                kind = WeightsAway if may_pass(problem) else WeightsMissing
                raise kind(f"the weights of {entry.name} {entry.version} cannot be had: {problem}") from problem
        await asyncio.sleep(work.rhythm.retry)


def sha256_of(path: Path) -> str:
    """Returns the hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _opened(path: Path, offset: int) -> BinaryIO:
    file = path.open("r+b" if offset else "wb")
    file.seek(offset)
    return file


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def settle(partial: Path, path: Path) -> None:
    """Moves a file into its place atomically."""
    descriptor = os.open(partial, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    partial.replace(path)


def copy_seeded(folders: list[Path], entry: ModelEntry, sha256: str | None, partial: Path) -> bool:
    """Copies the first pre-seeded file with this hash (any file when none is known); logs the others."""
    for folder in folders:
        for name in _names(entry, sha256):
            file = (folder / name).resolve()
            if not file.is_relative_to(folder.resolve()) or not file.is_file():
                continue
            if sha256 is None or sha256_of(file) == sha256:
                with writing("weights"):
                    shutil.copyfile(file, partial)
                return True
            log("weights.passed_over", level=logging.WARNING, file=str(file), expected=sha256)
    return False


Opener = Callable[[int], AbstractAsyncContextManager[Piece]]
"""Opens a file of somebody's, from this byte on where that is possible."""


def mirrored(mirrors: Sequence[str], entry: ModelEntry, sha256: str | None) -> list[str]:
    """Returns the mirror addresses of the file: by its hash, its path, and its name."""
    return [f"{mirror.rstrip('/')}/{quote(name)}" for mirror in mirrors for name in _names(entry, sha256)]


def _names(entry: ModelEntry, sha256: str | None) -> list[str]:
    """Returns the names that the file may have: its hash, its path, its name."""
    names = [] if sha256 is None else [f"{sha256}.{entry.format}"]
    names += [name for source in entry.sources for name in (source.path, source.file_name) if name]
    return list(dict.fromkeys(names))


def _places(work: WorkerWork, http: HttpClient, entry: ModelEntry, sha256: str) -> list[tuple[str, Opener]]:
    """Returns the mirrors of this site, the Manager, then the sources in the catalogue."""

    def at(url: str) -> tuple[str, Opener]:
        return url, lambda offset: _follow(http, url, offset)

    mirrors = [at(url) for url in mirrored(work.settings.weights_mirrors, entry, sha256)]
    manager = ("the Manager", lambda offset: work.manager.weights(sha256, offset=offset))
    return [*mirrors, manager, *(at(source.url) for source in entry.sources if source.url)]


async def _from_anywhere(work: WorkerWork, http: HttpClient, entry: ModelEntry, sha256: str, partial: Path) -> None:
    """Fetches from the first place with the right file; a partial download continues at the next."""
    failed: list[Problem] = []
    wrong: WeightsUnusable | None = None
    for place, source in _places(work, http, entry, sha256):
        try:
            await _receive_checked(source, entry, sha256, partial)
            return
        except WeightsUnusable as problem:
            log("weights.passed_over", level=logging.WARNING, place=place, problem=str(problem))
            wrong = problem
        except Problem as problem:
            log("weights.passed_over", level=logging.INFO, place=place, problem=str(problem))
            failed.append(problem)
    hopeful = next((problem for problem in failed if may_pass(problem)), None)
    if hopeful is None and wrong is not None:
        raise wrong
    raise hopeful or failed[-1]


async def _receive_checked(source: Opener, entry: ModelEntry, sha256: str, partial: Path) -> None:
    """Fetches the file; raises WeightsWrong, and keeps nothing, when this place has another file."""
    actual = ""
    for _ in range(2):  # what was continued may be a mixture of two files: then the whole once more
        continued = _size(partial) > 0
        try:
            await _receive(source, entry, partial)
        except (Problem, WeightsWrong):
            if not (continued and _size(partial) == 0):  # the other side had nothing to add to what we had
                raise
            continue
        actual = await asyncio.to_thread(sha256_of, partial)
        if actual == sha256:
            return
        _remove(partial)
        if not continued:
            break
    raise WeightsWrong(f"the weights of {entry.name} {entry.version} have the sha256 {actual}, not {sha256}")


async def from_sources(http: HttpClient, urls: list[str], entry: ModelEntry, partial: Path) -> None:
    """Fetches from the first address that works; after any failure the next one is tried."""
    problems: list[Problem | WeightsUnusable] = []
    for url in urls:
        try:
            await _receive(lambda offset, url=url: _follow(http, url, offset), entry, partial)
            return
        except (Problem, WeightsUnusable) as problem:
            log("weights.passed_over", level=logging.INFO, place=url, problem=str(problem))
            problems.append(problem)
            _remove(partial)  # the next source may hold another file
    raise next((problem for problem in problems if isinstance(problem, Problem) and may_pass(problem)), problems[-1])


@asynccontextmanager
async def _follow(http: HttpClient, url: str, offset: int, hops: int = _MAX_REDIRECTS) -> AsyncGenerator[Piece, None]:
    """Follows redirects to any origin, because the hash decides what is accepted."""
    async with http.stream(url, headers=range_from(offset), unchecked=True) as response:
        if not response.is_redirect:
            yield piece_of(response, offset)
            return
        target = urljoin(url, response.headers["location"])
    if not hops:
        raise WeightsMissing(f"{url} is redirected more than {_MAX_REDIRECTS} times")
    async with _follow(http, target, offset, hops - 1) as piece:
        yield piece


async def _receive(
    source: Callable[[int], AbstractAsyncContextManager[Piece]], entry: ModelEntry, partial: Path
) -> None:
    """Appends to the partial file, or begins again when the server ignores ranges."""
    most = entry.size_bytes or _MAX_BYTES
    there = _size(partial)
    if there >= most:
        _remove(partial)
        there = 0
    try:
        async with source(there) as piece:
            await _write(piece, entry, partial, most)
    except (WeightsWrong, DiskFull):  # others need the room more than this needs its beginning
        _remove(partial)
        raise
    except Problem as problem:
        if status_of(problem) == _RANGE_NOT_SATISFIABLE:
            _remove(partial)
        raise


async def _write(piece: Piece, entry: ModelEntry, partial: Path, most: int) -> None:
    with writing("weights"), _opened(partial, piece.offset) as file:
        async for chunk in piece.chunks:
            file.write(chunk)
            if file.tell() > most:
                raise WeightsWrong(f"the weights of {entry.name} are longer than {most} bytes")
