"""Brings weights onto this machine: from a pre-seeded folder, the Manager or a source; checked before any use."""

import asyncio
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urljoin

from ai_worker.base import DiskFull, writing
from ai_worker.deps import WorkerWork
from ai_worker.manager_client import Piece, may_pass, piece_of, range_from, status_of
from trapper_kit.http_client import HttpClient
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.models import ModelEntry
from trapper_schemas.v1.workers import PinProposal

_CHUNK = 1 << 20
_MAX_BYTES = 8 * 1024**3
_MAX_REDIRECTS = 3
_LOCK_PAUSE_SECONDS = 0.05
_RANGE_NOT_SATISFIABLE = 416


class WeightsUnusable(Exception):  # noqa: N818 - named after what is the case
    """These weights cannot be used on this machine; the message is a plain sentence."""

    reason = "weights"


class WeightsWrong(WeightsUnusable):
    """What came has another hash or length than it must; it was removed unread."""

    reason = "weights-wrong"


class WeightsMissing(WeightsUnusable):
    """Neither a folder, nor the Manager, nor a source has them."""

    reason = "weights-missing"


class WeightsAway(WeightsUnusable):
    """Whoever has them did not answer for too long."""

    reason = "weights-away"


@dataclass
class WeightsStore:
    """A folder of weights by their sha256; several processes may share it. The time of a file is its last use."""

    folder: Path
    checked: set[str] = field(default_factory=set[str])
    """Whose content this process has compared with its hash."""
    proposed: dict[str, PinProposal] = field(default_factory=dict[str, PinProposal])
    """By entry: the hash that its weights turned out to have, while no operator has confirmed one."""
    _used: dict[str, int] = field(default_factory=dict[str, int])
    """By sha256: the descriptor whose shared lock says that this process uses it."""

    def path(self, sha256: str, kind: str) -> Path:
        """Where these weights lie, or will."""
        return self.folder / f"{sha256}.{kind}"

    def on_disk(self) -> tuple[str, ...]:
        """The sha256 of all weights here."""
        return tuple(sorted(path.stem for path in self._files()))

    def evict(self, limit_bytes: int, *, keep: Collection[str]) -> list[str]:
        """Remove the least used weights until the rest fits; those in `keep` stay, and those in use by any process."""
        self._let_go(keep)
        files = sorted(((path.stat(), path) for path in self._files()), key=lambda pair: pair[0].st_mtime)
        total = sum(facts.st_size for facts, _ in files)
        gone: list[str] = []
        for facts, path in files:
            if total <= limit_bytes:
                break
            if path.stem not in keep and self._remove_unused(path):
                total -= facts.st_size
                gone.append(path.stem)
                log("weights.evicted", sha256=path.stem)
        return gone

    def make_room(self, size_bytes: int, *, keep: Collection[str]) -> None:
        """Evict until so much fits onto the disk; DiskFull when nothing is left that could go."""
        lacking = size_bytes - shutil.disk_usage(self.folder).free
        if lacking > 0:
            self.evict(self.size_bytes() - lacking, keep=keep)
        free = shutil.disk_usage(self.folder).free
        if free < size_bytes:
            raise DiskFull(f"no space left to write weights: they have {size_bytes} bytes, and {free} are free")

    def size_bytes(self) -> int:
        """What all weights here take together."""
        return sum(path.stat().st_size for path in self._files())

    @property
    def used(self) -> tuple[str, ...]:
        """What this process keeps from being evicted."""
        return tuple(self._used)

    def use(self, sha256: str) -> None:
        """Keep these weights from being evicted by whoever shares the folder, until an eviction of ours lets go."""
        if sha256 not in self._used:
            descriptor = self._open_mark(sha256)
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits no longer than a removal takes
            self._used[sha256] = descriptor

    def close(self) -> None:
        """Use nothing any more."""
        self._let_go(())

    def _let_go(self, keep: Collection[str]) -> None:
        for sha256 in [one for one in self._used if one not in keep]:
            os.close(self._used.pop(sha256))

    def _remove_unused(self, path: Path) -> bool:
        descriptor = self._open_mark(path.stem)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _open_mark(self, sha256: str) -> int:
        return os.open(self.folder / f".{sha256}.use", os.O_RDWR | os.O_CREAT, 0o644)

    def _files(self) -> list[Path]:
        return [path for kind in ("onnx", "hef") for path in self.folder.glob(f"{'[0-9a-f]' * 64}.{kind}")]

    @asynccontextmanager
    async def locked(self, sha256: str) -> AsyncGenerator[None, None]:
        """One at a time brings a file, among all processes that share the folder."""
        descriptor = os.open(self.folder / f".{sha256}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_LOCK_PAUSE_SECONDS)
            yield
        finally:
            os.close(descriptor)


async def fetch_weights(
    work: WorkerWork, store: WeightsStore, http: HttpClient, entry: ModelEntry, sha256: str
) -> Path:
    """A file whose content has this hash; WeightsWrong, WeightsMissing or WeightsAway when there is none to be had."""
    path = store.path(sha256, entry.format)
    async with store.locked(sha256):
        store.use(sha256)
        if not await usable(store, path, sha256):
            await _bring(work, store, http, entry, sha256)
        store.checked.add(sha256)
    os.utime(path)
    return path


async def usable(store: WeightsStore, path: Path, sha256: str) -> bool:
    """Whether the file is there and has this hash, which is computed once in a process; a damaged one is removed."""
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
    if not await asyncio.to_thread(_copy_seeded, work.settings.weights_dirs, entry, sha256, partial):
        since = work.monotonic()
        while True:
            try:
                await _from_anywhere(work, http, entry, sha256, partial)
                break
            except Problem as problem:
                if work.rhythm.away:  # the link is ours to miss
                    since = work.monotonic()
                waited = work.monotonic() - since
                if not may_pass(problem) or waited > work.settings.intervals.patience:
                    kind = WeightsAway if may_pass(problem) else WeightsMissing
                    raise kind(f"the weights of {entry.name} {entry.version} cannot be had: {problem}") from problem
                await asyncio.sleep(work.rhythm.retry)
    with writing("weights"):
        settle(partial, store.path(sha256, entry.format))
    log("weights.placed", model=entry.name, sha256=sha256)


def sha256_of(path: Path) -> str:
    """The hash of a file's content."""
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
    """Move a file into its place, whole or not at all."""
    descriptor = os.open(partial, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    partial.replace(path)


def _copy_seeded(folders: list[Path], entry: ModelEntry, sha256: str, partial: Path) -> bool:
    """Copy a pre-seeded file that has the hash; one that has another is told and passed over."""
    names = [f"{sha256}.{entry.format}"]
    names += [name for source in entry.sources for name in (source.path, source.file_name) if name]
    for folder in folders:
        for name in names:
            file = (folder / name).resolve()
            if not file.is_relative_to(folder.resolve()) or not file.is_file():
                continue
            if sha256_of(file) == sha256:
                with writing("weights"):
                    shutil.copyfile(file, partial)
                return True
            log("weights.passed_over", level=logging.WARNING, file=str(file), expected=sha256)
    return False


Opener = Callable[[int], AbstractAsyncContextManager[Piece]]
"""Opens a file of somebody's, from this byte on where that is possible."""


def mirrored(mirrors: Sequence[str], entry: ModelEntry, sha256: str | None) -> list[str]:
    """Where mirrors may have the file: below its hash, its path, or its name."""
    names = [] if sha256 is None else [f"{sha256}.{entry.format}"]
    names += [name for source in entry.sources for name in (source.path, source.file_name) if name]
    return [f"{mirror.rstrip('/')}/{quote(name)}" for mirror in mirrors for name in dict.fromkeys(names)]


def _places(work: WorkerWork, http: HttpClient, entry: ModelEntry, sha256: str) -> list[tuple[str, Opener]]:
    """The mirrors of this site, the Manager, then the sources that the catalogue names."""

    def at(url: str) -> tuple[str, Opener]:
        return url, lambda offset: _follow(http, url, offset)

    mirrors = [at(url) for url in mirrored(work.settings.weights_mirrors, entry, sha256)]
    manager = ("the Manager", lambda offset: work.manager.weights(sha256, offset=offset))
    return [*mirrors, manager, *(at(source.url) for source in entry.sources if source.url)]


async def _from_anywhere(work: WorkerWork, http: HttpClient, entry: ModelEntry, sha256: str, partial: Path) -> None:
    """The first place that has the right file; what came from one is continued at the next, since the hash decides."""
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
            failed.append(problem)
    hopeful = next((problem for problem in failed if may_pass(problem)), None)
    if hopeful is None and wrong is not None:
        raise wrong
    raise hopeful or failed[-1]


async def _receive_checked(source: Opener, entry: ModelEntry, sha256: str, partial: Path) -> None:
    """WeightsWrong when this place has another file, and then nothing of it stays."""
    found = ""
    for _ in range(2):  # what was continued may be a mixture of two files: then the whole once more
        continued = _size(partial) > 0
        try:
            await _receive(source, entry, partial)
        except (Problem, WeightsWrong):
            if not (continued and _size(partial) == 0):  # the other side had nothing to add to what we had
                raise
            continue
        found = await asyncio.to_thread(sha256_of, partial)
        if found == sha256:
            return
        _remove(partial)
        if not continued:
            break
    raise WeightsWrong(f"the weights of {entry.name} {entry.version} have the sha256 {found}, not {sha256}")


async def from_sources(http: HttpClient, urls: list[str], entry: ModelEntry, partial: Path) -> None:
    """What the first address that answers has."""
    last: Problem | None = None
    for url in urls:
        try:
            await _receive(lambda offset, url=url: _follow(http, url, offset), entry, partial)
            return
        except Problem as problem:
            last = problem
            _remove(partial)  # the next source may hold another file
    assert last is not None  # there is at least one address  # noqa: S101
    raise last


@asynccontextmanager
async def _follow(http: HttpClient, url: str, offset: int, hops: int = _MAX_REDIRECTS) -> AsyncGenerator[Piece, None]:
    """Public files are often redirected; the hash decides what is taken, so an origin need not be known."""
    async with http.stream(url, headers=range_from(offset)) as response:
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
    """Append to what is there already, or begin again when the other side knows no ranges."""
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
