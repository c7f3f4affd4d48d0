"""Makes a result durable: first the bytes in the spool, then the row that names them."""

import asyncio
import hashlib
import os
from pathlib import Path
from uuid import UUID

from ai_worker.base import writing
from ai_worker.deps import WorkerWork
from ai_worker.results.models import KeptResult
from trapper_kit.db import Session


def spool_file(work: WorkerWork, run_id: UUID) -> Path:
    """The spool file with the result of a run."""
    return work.settings.spool_dir / f"{run_id}.blob"


async def write_down(work: WorkerWork, run_id: UUID, blob: bytes) -> None:
    """Write the result durably; raises DiskFull when there is no room, and leaves nothing behind then."""
    await asyncio.to_thread(_write, spool_file(work, run_id), blob)


def _write(path: Path, blob: bytes) -> None:
    partial = path.with_suffix(".part")
    try:
        with writing("results"), partial.open("wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def note_kept(db: Session, *, run_id: UUID, batch_id: UUID, attempt: int, token: str, blob: bytes) -> None:
    """Add the row of a result whose bytes are durable."""
    db.add(
        KeptResult(
            run_id=run_id,
            batch_id=batch_id,
            attempt=attempt,
            token=token,
            sha256=hashlib.sha256(blob).hexdigest(),
            size_bytes=len(blob),
        )
    )
