"""Take back what a worker was given and does not know of: the reply to its claim was lost, or it lost its memory."""

from collections.abc import Collection
from uuid import UUID

from ai_manager.batches import queries
from ai_manager.batches.announce import wake_claims
from ai_manager.batches.lose import Lost, lose_batches
from ai_manager.batches.state import Loss
from trapper_kit.db import Session


async def give_back_others(
    db: Session, worker_id: UUID, held: Collection[tuple[UUID, str]], *, losses_allowed: int
) -> list[str]:
    """Every batch leased to the worker that is not among `held` waits again, at no loss; the runtimes to ring.

    Only on the word of a worker that no claim of its own is under way: one that is answered after this heartbeat was
    sent would be taken back at once. Even then nothing is lost but a claim, since the token no longer holds.
    """
    others = await queries.leased_beside(db, worker_id, held)
    if not others:
        return []
    await queries.hold_terms(db, [job_id for _, job_id in others])
    batches = [
        batch
        for batch in await queries.lock_leased(db, [batch_id for batch_id, _ in others])
        if batch.worker_id == worker_id and (batch.id, batch.lease_token) not in held
    ]
    lost = [Lost(batch, Loss.DRAINED, "its worker does not know of it") for batch in batches]
    return await wake_claims(db, await lose_batches(db, lost, losses_allowed=losses_allowed))
