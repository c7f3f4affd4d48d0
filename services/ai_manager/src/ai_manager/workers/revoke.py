"""Revokes a worker: its credential ends now, and `batches.expire` takes its leases back."""

from datetime import datetime
from uuid import UUID

from ai_manager.access import queries as tokens
from ai_manager.workers import queries
from ai_manager.workers.errors import WorkerNotFound
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log


async def revoke_worker(db: Session, worker_id: UUID, *, now: datetime) -> None:
    """Revokes the worker, from the next call on."""
    if not await queries.revoke(db, worker_id, now):
        raise WorkerNotFound(f"no worker {worker_id} that is not revoked already")
    await tokens.revoke_by_worker(db, worker_id, now)
    enqueue_after_commit(db, "batches.expire")
    log("worker.revoked", worker_id=worker_id)
