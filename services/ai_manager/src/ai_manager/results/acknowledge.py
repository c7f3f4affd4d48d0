"""Acknowledges results that are durable at the Expert."""

from datetime import datetime
from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.results import queries
from ai_manager.results.errors import ResultsNotFound
from trapper_kit.db import Session


async def acknowledge_results(db: Session, batch_id: UUID, *, caller: str, now: datetime) -> None:
    """Acknowledges the result; doing it twice changes nothing."""
    if await queries.get(db, batch_id, caller) is None:
        raise ResultsNotFound(batch_id=str(batch_id))
    if await queries.acknowledge(db, batch_id, now):
        await batches.note_fetched(db, batch_id)
