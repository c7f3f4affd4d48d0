"""Takes back leases that were not renewed, and leases of revoked workers."""

from datetime import timedelta

from ai_manager.batches import queries
from ai_manager.batches.announce import notify_workers, wake_claims
from ai_manager.batches.record_losses import Lost, record_losses
from ai_manager.batches.state import Loss
from ai_manager.deps import Work

LIMIT = 100


async def expire_leases(work: Work) -> int:
    """Returns how many leases were taken back; expired ones only if the Manager was up for a whole lease."""
    async with work.db() as db:
        of_revoked = await queries.of_revoked(db, LIMIT)
        lease = timedelta(seconds=work.intervals.lease)
        could_speak = work.old_enough_to_expire and await queries.was_open(db, lease, gap=work.longest_gap)
        silent = await queries.expired(db, LIMIT) if could_speak else []
        if not of_revoked and not silent:
            return 0
        await queries.hold_terms(db, [job_id for _, job_id in (*of_revoked, *silent)])
        revoked = await queries.lock_leased(db, [batch_id for batch_id, _ in of_revoked])
        expired = [
            batch
            for batch in await queries.lock_leased(db, [batch_id for batch_id, _ in silent], silent_only=True)
            if batch not in revoked
        ]
        lost = [
            *(Lost(batch, Loss.DRAINED, "the worker was sent away") for batch in revoked),
            *(Lost(batch, Loss.EXPIRED, "the worker fell silent") for batch in expired),
        ]
        waiting = await record_losses(db, lost, losses_allowed=work.settings.losses_allowed)
        runtimes = await wake_claims(db, waiting)
    notify_workers(work, runtimes)
    return len(lost)
