"""Puts the observations of new AI rows into occurrences: those of a former row's objects, or their own."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from expert.observations.write_many import NewObservation
from expert.occurrences.queries_determine import refresh_determinations
from expert.occurrences.queries_members import copy_occurrences
from expert.occurrences.state import Determination, TerminalPrediction, determine
from trapper_kit.db import Session


async def begin_occurrences(
    db: Session,
    project_id: UUID,
    fresh: Sequence[tuple[UUID, NewObservation]],
    *,
    changed: Collection[UUID],
    now: datetime,
) -> None:
    """Write the occurrences of fresh observations, and determine those anew that a newer row changed."""
    if fresh:
        determinations = [(observation_id, _determine(observation)) for observation_id, observation in fresh]
        await copy_occurrences(db, project_id, determinations, now=now)
    await refresh_determinations(db, changed)


def _determine(observation: NewObservation) -> Determination | None:
    terminal = [
        TerminalPrediction(prediction.algorithm_id, prediction.taxon_id, prediction.score)
        for prediction in observation.predictions
        if prediction.terminal
    ]
    return determine([], [], terminal)
