"""Determines occurrences anew after the approved row of their resource changed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from expert.occurrences import queries_members
from expert.occurrences.queries_determine import refresh_determinations
from trapper_kit.db import Session


async def follow_approval(db: Session, *, approved: UUID | None, former: UUID | None, now: datetime) -> None:
    """The objects of the approved row join occurrences; those of both rows are determined anew."""
    if approved is not None:
        await queries_members.begin_own(db, approved, now=now)
    rows: Sequence[UUID] = [each for each in (approved, former) if each is not None]
    await refresh_determinations(db, await queries_members.of_classifications(db, rows))
