"""A worker gives a batch back on purpose, with a reason; `inference_died` splits it."""

from uuid import UUID

from ai_manager.batches import queries
from ai_manager.batches.announce import ring_workers, wake_claims
from ai_manager.batches.errors import BatchNotFound, JobCancelled, LeaseLost
from ai_manager.batches.lose import lose_batch
from ai_manager.batches.state import BatchState, Loss
from ai_manager.deps import Work

LOSSES = {"draining": Loss.DRAINED, "inference_died": Loss.DIED}


async def release_batch(work: Work, batch_id: UUID, *, worker_id: UUID, token: str, reason: str, message: str) -> None:
    """Raises LeaseLost when the token holds it no longer."""
    async with work.db() as db:
        present = await queries.get(db, batch_id)
        if present is None:
            raise BatchNotFound(batch_id=str(batch_id))
        await queries.hold_terms(db, [present.job_id])
        held = await queries.lock_leased(db, [batch_id], token=token)
        if not held or held[0].worker_id != worker_id:
            await db.refresh(present, ["state"])
            if present.state is BatchState.CANCELLED:
                raise JobCancelled(batch_id=str(batch_id))
            raise LeaseLost(batch_id=str(batch_id))
        waiting = await lose_batch(
            db,
            held[0],
            LOSSES.get(reason, Loss.RELEASED),
            error=message or reason,
            losses_allowed=work.settings.losses_allowed,
        )
        runtimes = await wake_claims(db, waiting)
    await ring_workers(work, runtimes)
