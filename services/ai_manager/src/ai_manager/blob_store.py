"""Puts and opens bytes by their sha256: result blobs and weights, in a folder or in object storage."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import obstore
from obstore.store import LocalStore, S3Store

from ai_manager.together import Together

Kind = Literal["results", "weights"]
_LISTED_AT_ONCE = 500
WRITTEN_AT_ONCE = 6
"""Threads that wait for the disk at the same moment: what they make durable, it writes in one go."""


class HashDiffers(ValueError):  # noqa: N818 - named after what is the case
    """The bytes that came are not the ones that were announced; nothing of them was kept."""


class BlobStore:
    """Content-addressed: a name is the hash of what is under it, so writing twice changes nothing."""

    def __init__(self, store: Any, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._write = Together(_write_all, at_once=WRITTEN_AT_ONCE)

    @classmethod
    def open(cls, folder: Path | None, url: str | None) -> "BlobStore":
        """A folder (made when it is absent), or `s3://bucket/prefix` with credentials from the environment."""
        if url is not None:
            return cls(S3Store.from_url(url))
        if folder is None:
            raise ValueError("a blob store needs a folder or an address")
        folder = folder.absolute()
        return cls(LocalStore(folder, mkdir=True), folder)

    async def put(self, kind: Kind, content: bytes) -> str:
        """Keep these bytes, so that not even a power cut takes them away; the answer is their hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        if self._folder is None:
            await obstore.put_async(self._store, _path(kind, sha256), content)
        else:
            await self._write((self._folder / _path(kind, sha256), content))
        return sha256

    async def put_stream(self, kind: Kind, sha256: str, chunks: AsyncIterator[bytes]) -> int:
        """Keep what streams in, if and only if it has this hash; the answer is its size."""
        size = 0

        async def checked() -> AsyncIterator[bytes]:
            nonlocal size
            digest = hashlib.sha256()
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk
            if digest.hexdigest() != sha256:
                raise HashDiffers(f"{size} bytes came with sha256 {digest.hexdigest()}")

        # A store keeps nothing of an upload whose source raises: the object appears when it is complete.
        await obstore.put_async(self._store, _path(kind, sha256), checked())
        if self._folder is not None:
            await asyncio.to_thread(_make_durable, self._folder / _path(kind, sha256))
        return size

    async def size(self, kind: Kind, sha256: str) -> int | None:
        """How large it is, or None when it is not here."""
        try:
            return (await obstore.head_async(self._store, _path(kind, sha256)))["size"]
        except FileNotFoundError:
            return None

    async def open_range(self, kind: Kind, sha256: str, first: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `first` up to `end`, as they are read."""
        result = await obstore.get_async(self._store, _path(kind, sha256), options={"range": (first, end)})
        async for chunk in result.stream():
            yield bytes(chunk)

    async def delete(self, kind: Kind, sha256: str) -> None:
        """Let go of it; what is not here is gone already."""
        with suppress(FileNotFoundError):
            await obstore.delete_async(self._store, _path(kind, sha256))

    async def older(self, kind: Kind, before: datetime) -> AsyncIterator[list[str]]:
        """The hashes of what was written before that moment, some at a time."""
        async for page in obstore.list(self._store, prefix=f"{kind}/", chunk_size=_LISTED_AT_ONCE):
            found = [one["path"].rsplit("/", 1)[1] for one in page if one["last_modified"] < before]
            if found:
                yield found

    async def read(self, kind: Kind, sha256: str) -> bytes | None:
        """All of it, for what is small, or None when it is not here."""
        try:
            result = await obstore.get_async(self._store, _path(kind, sha256))
        except FileNotFoundError:
            return None
        return bytes(await result.bytes_async())


async def _write_all(files: Sequence[tuple[Path, bytes]]) -> Sequence[None]:
    """One way to a thread for all that came meanwhile."""

    def write() -> list[None]:
        return [_write(path, content) for path, content in files]

    return await asyncio.to_thread(write)


def _write(path: Path, content: bytes) -> None:
    """All of it under its name, or nothing: written beside it, made durable, then given the name, durably."""
    beside = path.with_name(f"{path.name}#{secrets.randbelow(10**12)}")  # a name that obstore takes for unfinished
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        _make_folder(path.parent)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _make_durable(path: Path) -> None:
    for one in (path, path.parent, path.parent.parent):
        _sync(one)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _path(kind: Kind, sha256: str) -> str:
    return f"{kind}/{sha256[:2]}/{sha256}"
