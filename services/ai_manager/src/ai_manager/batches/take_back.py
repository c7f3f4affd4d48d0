"""Takes back leases that a worker does not know of, because the reply to its claim or its database was lost."""

from collections.abc import Collection
from uuid import UUID

from ai_manager.batches import queries
from ai_manager.batches.announce import wake_claims
from ai_manager.batches.record_losses import Lost, record_losses
from ai_manager.batches.state import Loss
from ai_manager.workers.queries import advance_heartbeat
from trapper_kit.db import Session


async def take_back_unlisted(
    db: Session, worker_id: UUID, held: Collection[tuple[UUID, str]], *, number: int, losses_allowed: int
) -> list[str]:
    """Lets batches wait again, without a loss, that are leased to the worker and not among `held`.

    Returns the runtimes to notify. `number` is that of the heartbeat: one that was repeated, or overtaken by a newer
    one, takes nothing back, since it does not name the leases that were claimed after it.
    """
    unlisted = await queries.leased_beside(db, worker_id, held)
    if not unlisted or not await advance_heartbeat(db, worker_id, number):
        return []
    await queries.hold_terms(db, [job_id for _, job_id in unlisted])
    batches = [
        batch
        for batch in await queries.lock_leased(db, [batch_id for batch_id, _ in unlisted])
        if batch.worker_id == worker_id and (batch.id, batch.lease_token) not in held
    ]
    lost = [Lost(batch, Loss.DRAINED, "its worker does not know of it") for batch in batches]
    return await wake_claims(db, await record_losses(db, lost, losses_allowed=losses_allowed))
