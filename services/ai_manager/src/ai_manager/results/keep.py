"""Decides where the bytes of a result are stored: small ones in their row, others in the blob store."""

from ai_manager.blob_store import results_key
from ai_manager.deps import Work


async def keep(work: Work, sha256: str, blob: bytes) -> bytes | None:
    """Returns the bytes for the row; None when they are durable in the store already."""
    if len(blob) <= work.settings.results_in_rows_bytes:
        return blob
    await work.blobs.put(results_key(sha256), blob)
    return None
