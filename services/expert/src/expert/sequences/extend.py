"""Extends the sequences of a linked collection by the resources that have changed since."""

from datetime import timedelta
from uuid import UUID

from expert.deps import ExpertWork
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.state import BatchOutcome
from expert.sequences import queries_chain as queries
from expert.sequences.apply import apply_changes
from trapper_kit.cron import note_progress
from trapper_kit.db import Session

EXTEND = "sequences.extend"
"""The kind of operation that extends the sequences of a linked collection at the end of a job."""
_LINKS_AT_ONCE = 100
_CHANGES_AT_ONCE = 10_000


async def extend_changed(work: ExpertWork) -> None:
    """Extends the sequences of linked collections into which nothing came for a while, or where some wait long."""
    intervals = work.settings.intervals
    quiet, at_most = timedelta(seconds=intervals.gather_quiet), timedelta(seconds=intervals.gather_at_most)
    async with work.db() as db:
        link_ids = await queries.changed_links(db, quiet=quiet, at_most=at_most, limit=_LINKS_AT_ONCE)
    for link_id in link_ids:
        while await extend_link(work, link_id):
            note_progress()


async def extend_link(work: ExpertWork, link_id: UUID) -> bool:
    """Applies a batch of changes; whether there may be more."""
    async with work.db() as db:
        return await _extend(db, link_id) == _CHANGES_AT_ONCE


@operation_kind(EXTEND)
async def extend_after_job(_work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Applies a batch of changes to the linked collection of a job, without waiting for more of them."""
    applied = await _extend(db, UUID(str(operation.parameters["linked_collection_id"])))
    is_last = applied < _CHANGES_AT_ONCE
    done = operation.total - operation.done if is_last else 0
    return BatchOutcome(operation.position, done=done, is_last=is_last, counters={"changes": applied})


async def _extend(db: Session, link_id: UUID) -> int:
    """How many changes were applied; none where no sequences were built yet, which building makes up for."""
    link = await queries.lock_link(db, link_id)
    if link is None:
        return 0
    resource_ids = await queries.take_changes(db, link_id, limit=_CHANGES_AT_ONCE)
    await apply_changes(db, link, await queries.rows_of(db, link_id, resource_ids))
    return len(resource_ids)
