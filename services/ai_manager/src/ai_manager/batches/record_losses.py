"""Decides what follows when a batch was not finished: it waits again, is split, or is given up."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from ai_manager.batches import queries
from ai_manager.batches.models import Batch
from ai_manager.batches.pack import pack, unpack
from ai_manager.batches.state import BatchState, Loss, Past, add_loss, after_loss
from ai_manager.workers import queries as workers
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_schemas.ids import uuid7


@dataclass(frozen=True)
class Lost:
    """A batch that was not finished, the kind of loss, and the error text."""

    batch: Batch
    loss: Loss
    error: str


async def record_losses(db: Session, lost: Iterable[Lost], *, losses_allowed: int) -> list[Batch]:
    """Returns the batches that wait now; the caller holds the row locks, and locks no more rows after it."""
    waiting: list[Batch] = []
    counted: Counter[tuple[UUID, str]] = Counter()
    for entry in lost:
        if entry.batch.worker_id is not None:
            counted[entry.batch.worker_id, entry.loss.value] += 1
        waiting += await _record_loss(db, entry.batch, entry.loss, error=entry.error, losses_allowed=losses_allowed)
    await workers.count_losses(db, counted)
    return waiting


async def _record_loss(db: Session, batch: Batch, loss: Loss, *, error: str, losses_allowed: int) -> Sequence[Batch]:
    past = add_loss(Past(batch.size, batch.losses, batch.crashes, batch.expiries), loss)
    state = after_loss(past, losses_allowed=losses_allowed)
    await queries.put_back(db, batch, state=state, past=past, error=error)
    await db.refresh(batch, ["state"])
    log(
        "batch.lost",
        batch_id=batch.id,
        job_id=batch.job_id,
        worker_id=batch.worker_id,
        attempt=batch.attempt,
        loss=loss.value,
        became=state.value,
        reason=error,
    )
    if state is BatchState.EXHAUSTED:
        enqueue_after_commit(db, "results.close_exhausted")
        return []
    if state is not BatchState.SPLIT:
        return [batch]
    halves = _halves(batch)
    db.add_all(halves)
    await db.flush()
    return halves


def _halves(batch: Batch) -> list[Batch]:
    """Returns two child batches without losses, so that a bad file ends up alone."""
    resources = unpack(batch.resources)
    middle = len(resources) // 2
    return [
        Batch(
            id=uuid7(),
            job_id=batch.job_id,
            parent_id=batch.id,
            first=batch.first + offset,
            size=len(part),
            resources=pack(part),
            runtimes=batch.runtimes,
            model_set=batch.model_set,
            project=batch.project,
            priority=batch.priority,
            turn=batch.turn,
            state=BatchState.WAITING,
        )
        for offset, part in ((0, resources[:middle]), (middle, resources[middle:]))
    ]
