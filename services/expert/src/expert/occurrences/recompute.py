"""Compute the determinations of chosen occurrences again, each refused by itself."""

from collections.abc import Sequence
from uuid import UUID

from expert.access.state import Caller
from expert.occurrences.identify import refusals
from expert.occurrences.queries_determine import refresh_determinations
from trapper_kit.db import Session
from trapper_kit.problems import Problem


async def recompute(db: Session, caller: Caller, occurrence_ids: Sequence[UUID]) -> list[bool | Problem]:
    """For each occurrence whether its determination was another one, or why it was not computed."""
    refused = await refusals(db, caller, set(occurrence_ids))
    changed = await refresh_determinations(db, set(occurrence_ids) - refused.keys())
    return [refused.get(each) or each in changed for each in occurrence_ids]
