"""Decides where the bytes of a result lie: small ones in their row, committed with it, others in the blob store."""

from ai_manager.blob_store import results_key
from ai_manager.deps import Work


async def keep(work: Work, sha256: str, blob: bytes) -> bytes | None:
    """What goes into the row that names this blob; None when it is durable in the store, before there is a row."""
    if len(blob) <= work.settings.results_in_rows_bytes:
        return blob
    await work.blobs.put(results_key(sha256), blob)
    return None
