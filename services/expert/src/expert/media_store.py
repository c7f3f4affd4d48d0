"""Objects by key: originals, thumbnails and batch blobs, in a folder or an object store; the only import of obstore."""

import errno
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from trapper_kit.problems import Problem, Unavailable
from trapper_schemas.ids import uuid7

CHUNK_BYTES = 1 << 20
_PART_BYTES = 8 << 20
_OS_ERROR = re.compile(r"os error (\d+)")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StorageFull(Problem):
    type = "storage-full"
    title = "There is no room left to store this; nothing was written"
    status = 507


class StorageUnavailable(Unavailable):
    type = "storage-unavailable"
    title = "The store of media does not answer"


class ObjectMissing(Problem):
    type = "object-missing"
    title = "The row is there, but its object is not in the store"
    status = 404


def original_key(research_project_id: UUID, sha256: str, generation: int) -> str:
    """Where an original lies; the same bytes sent twice at once write the same object."""
    return f"originals/{research_project_id}/{sha256[:2]}/{sha256}.{generation}"


def thumbnail_key(research_project_id: UUID, sha256: str, generation: int) -> str:
    """Where the small upright JPEG of a resource lies."""
    return f"thumbnails/{research_project_id}/{sha256[:2]}/{sha256}.{generation}.jpg"


def blob_key(sha256: str) -> str:
    """Where a batch blob lies."""
    return f"blobs/{sha256[:2]}/{sha256}"


@dataclass(frozen=True)
class Stored:
    """An object that can be read: its size, and its bytes as they come."""

    size_bytes: int
    chunks: AsyncIterator[bytes]


class Incoming:
    """An object that is being written and has no name yet."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store = store
        self._key = key
        self._writer = obstore.open_writer_async(store, key, buffer_size=_PART_BYTES)
        self._closed = False

    async def write(self, chunk: bytes) -> None:
        """Append."""
        async with _translated():
            await self._writer.write(chunk)

    async def keep(self, key: str) -> None:
        """Give it its name, whole; an object that already has this name is the same bytes."""
        async with _translated():
            await self._writer.close()
            self._closed = True
            await obstore.rename_async(self._store, self._key, key)

    async def drop(self) -> None:
        """Forget what was written."""
        if not self._closed:
            with suppress(BaseError, OSError):
                await self._writer.close()
        with suppress(BaseError, OSError):
            await obstore.delete_async(self._store, self._key)


class MediaStore:
    """Written whole or not at all; keys are made here from ids and hashes, never from a name that somebody sent."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, folder: Path | None, url: str | None) -> "MediaStore":
        """A folder (made when absent), or an object store by its address."""
        if url is not None:
            return cls(from_url(url))
        if folder is None:
            raise ValueError("a store needs a folder or an address")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(folder.resolve(), mkdir=True))

    async def put(self, key: str, data: bytes) -> None:
        """Write one object at once."""
        async with _translated():
            await obstore.put_async(self._store, key, data, use_multipart=False)

    @asynccontextmanager
    async def incoming(self) -> AsyncGenerator[Incoming, None]:
        """Write an object piece by piece; without `keep` nothing stays."""
        writer = Incoming(self._store, f"incoming/{uuid7()}")
        try:
            yield writer
        except BaseException:
            await writer.drop()
            raise

    async def read(self, key: str) -> bytes:
        """The whole object."""
        async with _translated():
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())

    async def read_start(self, key: str, at_most: int) -> bytes:
        """Its first bytes."""
        async with _translated():
            size = (await obstore.head_async(self._store, key))["size"]
            if not size:
                return b""
            return bytes(await obstore.get_range_async(self._store, key, start=0, end=min(size, at_most)))

    async def stream(self, key: str) -> Stored:
        """The object as it comes; raises ObjectMissing before the first byte."""
        async with _translated():
            found = await obstore.get_async(self._store, key)

            async def chunks() -> AsyncIterator[bytes]:
                async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                    yield bytes(chunk)

            return Stored(found.meta["size"], chunks())

    async def exists(self, key: str) -> bool:
        """Whether it is there."""
        try:
            async with _translated():
                await obstore.head_async(self._store, key)
        except ObjectMissing:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Forget it, if it is there."""
        with suppress(ObjectMissing):
            async with _translated():
                await obstore.delete_async(self._store, key)

    async def drop_abandoned(self, before: datetime) -> None:
        """Forget bodies whose writer was killed before it gave them a name."""
        async with _translated():
            found = await obstore.list(self._store, prefix="incoming").collect_async()
            for one in found:
                if one["last_modified"] < before:
                    await obstore.delete_async(self._store, one["path"])


@asynccontextmanager
async def _translated() -> AsyncGenerator[None, None]:
    try:
        yield
    except FileNotFoundError as problem:
        raise ObjectMissing("the object is not in the store") from problem
    except (BaseError, OSError) as problem:
        told = _OS_ERROR.search(str(problem))
        number = int(told.group(1)) if told else getattr(problem, "errno", None)
        if number in _FULL:
            raise StorageFull("there is no room left in the store of media") from problem
        raise StorageUnavailable("the store of media does not answer", retry_after=5) from problem
