"""Takes back a batch that a worker gives up on purpose; the reason `inference_died` splits it."""

from uuid import UUID

from ai_manager.batches import queries
from ai_manager.batches.announce import notify_workers, wake_claims
from ai_manager.batches.errors import BatchNotFound, JobCancelled, LeaseLost
from ai_manager.batches.record_losses import Lost, record_losses
from ai_manager.batches.state import BatchState, Loss
from ai_manager.deps import Work
from trapper_kit.db import Session
from trapper_kit.problems import Problem
from trapper_kit.text import clean

LOSSES = {"draining": Loss.DRAINED, "inference_died": Loss.DIED}


async def release_batch(work: Work, batch_id: UUID, *, worker_id: UUID, token: str, reason: str, message: str) -> None:
    """Releases the batch; raises LeaseLost when the token holds it no longer."""
    async with work.db() as db:
        job_id = await queries.job_of(db, batch_id)
        if job_id is not None:
            await queries.hold_terms(db, [job_id])
        held = await queries.lock_leased(db, [batch_id], token=token)
        if not held or held[0].worker_id != worker_id:
            raise await _why_not(db, batch_id)
        lost = Lost(held[0], LOSSES.get(reason, Loss.RELEASED), clean(message) or reason)
        waiting = await record_losses(db, [lost], losses_allowed=work.settings.losses_allowed)
        runtimes = await wake_claims(db, waiting)
    notify_workers(work, runtimes)


async def _why_not(db: Session, batch_id: UUID) -> Problem:
    present = await queries.find(db, batch_id)
    if present is None:
        return BatchNotFound(batch_id=str(batch_id))
    if present.state is BatchState.CANCELLED:
        return JobCancelled(batch_id=str(batch_id))
    return LeaseLost(batch_id=str(batch_id))
