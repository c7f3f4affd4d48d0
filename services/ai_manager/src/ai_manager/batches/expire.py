"""Give back what nobody renewed, and what workers hold who were sent away."""

from ai_manager.batches import queries
from ai_manager.batches.announce import ring_workers, wake_claims
from ai_manager.batches.lose import lose_batch
from ai_manager.batches.models import Batch
from ai_manager.batches.state import Loss
from ai_manager.deps import Work

LIMIT = 100


async def expire_leases(work: Work) -> int:
    """How many were taken back; none for silence within one lease length of this process's start."""
    async with work.db() as db:
        of_revoked = await queries.of_revoked(db, LIMIT)
        silent = await queries.expired(db, LIMIT) if work.old_enough_to_expire else []
        if not of_revoked and not silent:
            return 0
        await queries.hold_terms(db, [job_id for _, job_id in (*of_revoked, *silent)])
        revoked = await queries.lock_leased(db, [batch_id for batch_id, _ in of_revoked])
        expired = [
            batch
            for batch in await queries.lock_leased(db, [batch_id for batch_id, _ in silent], silent_only=True)
            if batch not in revoked
        ]
        waiting: list[Batch] = []
        allowed = work.settings.losses_allowed
        for batch in revoked:
            waiting += await lose_batch(
                db, batch, Loss.DRAINED, error="the worker was sent away", losses_allowed=allowed
            )
        for batch in expired:
            waiting += await lose_batch(db, batch, Loss.EXPIRED, error="the worker fell silent", losses_allowed=allowed)
        runtimes = await wake_claims(db, waiting)
    await ring_workers(work, runtimes)
    return len(revoked) + len(expired)
