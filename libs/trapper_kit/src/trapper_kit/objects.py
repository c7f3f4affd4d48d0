"""Objects by key, in a local folder with fsync or in an object store; the only importer of obstore."""

import asyncio
import errno
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url
from obstore.store import ObjectStore as AnyStore

from trapper_kit.problems import Problem, Unavailable
from trapper_schemas.ids import uuid7

CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 1 << 19
"""Kept of a stream before it is written; with the chunk that comes then, less than 1 MiB."""
PAGE_KEYS = 500
CHECKED_AT_ONCE = 16
INCOMING = "incoming"
_OS_ERROR = re.compile(r"os error (\d+)")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StorageFull(Problem):
    type = "storage-full"
    title = "The object store is full; nothing was written"
    status = 507


class StorageUnavailable(Unavailable):
    type = "storage-unavailable"
    title = "The object store does not answer"


class ObjectMissing(Problem):
    type = "object-missing"
    title = "The object of this row is missing from the object store"
    status = 404


@dataclass(frozen=True)
class Stored:
    """An object that is being read: its whole size in bytes, and the requested bytes in chunks."""

    size_bytes: int
    chunks: AsyncIterator[bytes]


class FileOperations:
    """The system calls that decide what survives a power cut; a test replaces them."""

    open = staticmethod(os.open)
    write = staticmethod(os.write)
    fsync = staticmethod(os.fsync)
    close = staticmethod(os.close)
    replace = staticmethod(os.replace)
    mkdir = staticmethod(os.mkdir)
    unlink = staticmethod(os.unlink)


class ObjectStore:
    """Writes objects atomically; every method raises StorageUnavailable when the store does not answer.

    Keys are made by the services from ids and hashes, never from a name that somebody sent. In a folder an object is
    one plain file: written under a temporary name, fsynced, renamed, and its directory fsynced.
    """

    def __init__(
        self, store: AnyStore, folder: Path | None = None, files: FileOperations | type[FileOperations] = FileOperations
    ) -> None:
        self._store = store
        self._folder = folder
        self._files = files
        self._durable_directories: set[Path] = {folder} if folder is not None else set()

    @classmethod
    def open(
        cls, folder: Path | None, url: str | None, files: FileOperations | type[FileOperations] = FileOperations
    ) -> "ObjectStore":
        """Returns the store at an address (`s3://bucket/prefix`), or in a folder, which is made when absent."""
        if url is not None:
            return cls(from_url(url))
        if folder is None:
            raise ValueError("an object store needs a folder or an address")
        folder = folder.absolute()
        (folder / INCOMING).mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(folder), folder, files)

    async def put(self, key: str, data: bytes | bytearray) -> None:
        """Write an object and return once it is durable; raises StorageFull."""
        with _translated():
            if self._folder is None:
                await obstore.put_async(self._store, key, data, use_multipart=False)
            else:
                await asyncio.to_thread(self._write, self._folder, key, data)

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Write an object from chunks and return its size in bytes; nothing is kept when the iterator raises."""
        size = 0

        async def blocks() -> AsyncGenerator[bytearray, None]:
            nonlocal size
            block = bytearray()
            async for chunk in chunks:
                size += len(chunk)
                block += chunk
                if len(block) >= BLOCK_BYTES:
                    yield block
                    block = bytearray()
            yield block

        with _translated():
            if self._folder is None:
                await obstore.put_async(self._store, key, blocks())
            else:
                with self._incoming(self._folder) as (path, descriptor):
                    async for block in blocks():
                        await asyncio.to_thread(self._append, descriptor, block)
                    await asyncio.to_thread(self._publish, self._folder, [(key, path, descriptor)])
        return size

    async def put_all(self, objects: AsyncIterator[tuple[str, bytes | bytearray]]) -> None:
        """Write small objects as they come and return once all are durable; none is kept when the iterator raises."""
        with _translated(), ExitStack() as stack:
            written: list[tuple[str, Path, int]] = []
            async for key, data in objects:
                if self._folder is None:
                    await obstore.put_async(self._store, key, data, use_multipart=False)
                    continue
                path, descriptor = stack.enter_context(self._incoming(self._folder))
                await asyncio.to_thread(self._append, descriptor, data)
                written.append((key, path, descriptor))
            if self._folder is not None:
                await asyncio.to_thread(self._publish, self._folder, written)

    async def read(self, key: str) -> bytes:
        """The whole object; raises ObjectMissing."""
        with _translated():
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    async def read_start(self, key: str, at_most: int) -> bytes:
        """The first `at_most` bytes; raises ObjectMissing."""
        with _translated():
            size = (await obstore.head_async(self._store, key))["size"]
            if not size:
                return b""
            return bytes(await obstore.get_range_async(self._store, key, start=0, end=min(size, at_most)))

    async def stream(self, key: str, first: int = 0, end: int | None = None) -> Stored:
        """Open the whole object, or its bytes from `first` up to `end`; raises ObjectMissing before the first chunk."""
        with _translated():
            result = await obstore.get_async(
                self._store, key, options={"range": (first, end)} if end is not None else None
            )

        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

        return Stored(result.meta["size"], chunks())

    async def size(self, key: str) -> int | None:
        """The size in bytes, or None when there is no such object."""
        try:
            with _translated():
                return (await obstore.head_async(self._store, key))["size"]
        except ObjectMissing:
            return None

    async def delete(self, key: str) -> None:
        """Delete the object if it exists."""
        with suppress(ObjectMissing), _translated():
            await obstore.delete_async(self._store, key)

    async def list_older(self, prefix: str, before: datetime) -> AsyncGenerator[list[str], None]:
        """Yield pages of keys below `prefix` whose objects were written before that moment."""
        with _translated():
            async for page in obstore.list(self._store, prefix=prefix, chunk_size=PAGE_KEYS):
                keys = [entry["path"] for entry in page if entry["last_modified"] < before]
                if keys:
                    yield keys

    async def missing(self, keys: Sequence[str]) -> list[str]:
        """Returns those of the keys that have no object."""
        gate = asyncio.Semaphore(CHECKED_AT_ONCE)

        async def is_missing(key: str) -> bool:
            async with gate:
                return await self.size(key) is None

        absent = await asyncio.gather(*map(is_missing, keys))
        return [key for key, is_absent in zip(keys, absent, strict=True) if is_absent]

    async def delete_orphans(
        self, prefix: str, before: datetime, named: Callable[[Sequence[str]], Awaitable[Collection[str]]]
    ) -> int:
        """Deletes old objects below `prefix` that no row refers to, and returns their number."""
        deleted = 0
        async for keys in self.list_older(prefix, before):
            for key in sorted(set(keys) - set(await named(keys))):
                await self.delete(key)
                deleted += 1
        return deleted

    async def drop_abandoned(self, before: datetime) -> None:
        """Delete unfinished writes that began before that moment; their process died."""
        async for keys in self.list_older(INCOMING, before):
            for key in keys:
                await self.delete(key)

    def _write(self, folder: Path, key: str, data: bytes | bytearray) -> None:
        with self._incoming(folder) as (path, descriptor):
            self._append(descriptor, data)
            self._publish(folder, [(key, path, descriptor)])

    @contextmanager
    def _incoming(self, folder: Path) -> Generator[tuple[Path, int], None, None]:
        path = folder / INCOMING / str(uuid7())
        descriptor = self._files.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            yield path, descriptor
        except BaseException:
            with suppress(OSError):
                self._files.unlink(path)
            raise
        finally:
            self._files.close(descriptor)

    def _append(self, descriptor: int, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[self._files.write(descriptor, view) :]

    def _publish(self, folder: Path, written: Sequence[tuple[str, Path, int]]) -> None:
        """Gives written files their keys; an object with such a key already has the same bytes."""
        for _, _, descriptor in written:
            self._files.fsync(descriptor)
        for key, path, _ in written:
            target = folder / key
            self._make_directory(target.parent)
            self._files.replace(path, target)
        for directory in {(folder / key).parent for key, _, _ in written}:
            self._sync_directory(directory)

    def _make_directory(self, directory: Path) -> None:
        """Makes and syncs a directory, also an existing one, whose maker may have died before its sync."""
        if directory in self._durable_directories:
            return
        self._make_directory(directory.parent)
        with suppress(FileExistsError):
            self._files.mkdir(directory)
        self._sync_directory(directory.parent)
        self._durable_directories.add(directory)

    def _sync_directory(self, directory: Path) -> None:
        descriptor = self._files.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._files.fsync(descriptor)
        finally:
            self._files.close(descriptor)


@contextmanager
def _translated() -> Generator[None, None, None]:
    """Turns storage errors into problems."""
    try:
        yield
    except FileNotFoundError as problem:
        raise ObjectMissing("the object is not in the store") from problem
    except (BaseError, OSError) as problem:
        match = _OS_ERROR.search(str(problem))
        number = int(match.group(1)) if match else getattr(problem, "errno", None)
        if number in _FULL:
            raise StorageFull("the object store is full") from problem
        raise StorageUnavailable("the object store does not answer", retry_after=5) from problem
