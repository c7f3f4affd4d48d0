"""Puts and opens bytes by their sha256: result blobs and weights, in a folder or in object storage."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import obstore
from obstore.store import LocalStore, S3Store

Kind = Literal["results", "weights"]


class HashDiffers(ValueError):  # noqa: N818 - named after what is the case
    """The bytes that came are not the ones that were announced; nothing of them was kept."""


class BlobStore:
    """Content-addressed: a name is the hash of what is under it, so writing twice changes nothing."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @classmethod
    def open(cls, folder: Path | None, url: str | None) -> "BlobStore":
        """A folder (made when it is absent), or `s3://bucket/prefix` with credentials from the environment."""
        if url is not None:
            return cls(S3Store.from_url(url))
        if folder is None:
            raise ValueError("a blob store needs a folder or an address")
        return cls(LocalStore(folder.absolute(), mkdir=True))

    async def put(self, kind: Kind, content: bytes) -> str:
        """Keep these bytes; the answer is their hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        await obstore.put_async(self._store, _path(kind, sha256), content)
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

    async def read(self, kind: Kind, sha256: str) -> bytes | None:
        """All of it, for what is small, or None when it is not here."""
        try:
            result = await obstore.get_async(self._store, _path(kind, sha256))
        except FileNotFoundError:
            return None
        return bytes(await result.bytes_async())


def _path(kind: Kind, sha256: str) -> str:
    return f"{kind}/{sha256[:2]}/{sha256}"
