"""Receives the weights of an entry as a stream and keeps them only with the hash of the address."""

from collections.abc import AsyncIterator

from ai_manager.blob_store import HashDiffers, checked, weights_key
from ai_manager.catalog import queries
from ai_manager.catalog.errors import ModelNotFound, WeightsDiffer
from ai_manager.deps import Work
from trapper_kit.logs import log


async def receive_weights(work: Work, sha256: str, chunks: AsyncIterator[bytes]) -> int:
    """Returns the size of the stored weights; the entry must be published before."""
    async with work.db() as db:
        model = await queries.by_sha256(db, sha256)
        if model is None:
            raise ModelNotFound("publish the entry first, then send its weights", sha256=sha256)
        announced: int | None = model.entry.get("size_bytes")
    try:
        size = await work.blobs.put_stream(weights_key(sha256), checked(_of_size(chunks, announced), sha256))
    except HashDiffers as problem:
        raise WeightsDiffer(str(problem), sha256=sha256) from problem
    async with work.db() as db:
        if not await queries.note_held(db, sha256, size):
            raise ModelNotFound("the entry was removed in the meantime", sha256=sha256)
    log("weights.kept", sha256=sha256, size_bytes=size)
    return size


async def _of_size(chunks: AsyncIterator[bytes], announced: int | None) -> AsyncIterator[bytes]:
    """Yields the same bytes; refuses more or fewer than the entry says."""
    so_far = 0
    async for chunk in chunks:
        so_far += len(chunk)
        if announced is not None and so_far > announced:
            break
        yield chunk
    if announced is not None and so_far != announced:
        received = "more" if so_far > announced else f"{so_far}"
        raise HashDiffers(f"the entry announces {announced} bytes; {received} came")
