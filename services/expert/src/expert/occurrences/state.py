"""The determination of an occurrence, as a pure rule; `queries_determine` has the same rule in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DeterminationSource(StrEnum):
    """What the determination of an occurrence comes from: the first of these that there is."""

    IDENTIFICATION = "identification"
    APPROVAL = "approval"
    PREDICTION = "prediction"


@dataclass(frozen=True)
class StandingIdentification:
    """What a person identified an occurrence as, and neither withdrew nor replaced."""

    id: UUID
    taxon_id: UUID
    created_at: datetime


@dataclass(frozen=True)
class ApprovedObservation:
    """An observation of the row that is approved for its resource; `score` is its confidence, if it has one."""

    id: UUID
    taxon_id: UUID | None
    score: float | None
    approved_at: datetime


@dataclass(frozen=True)
class TerminalPrediction:
    """The prediction that counts for a current AI observation; it has no taxon for, say, a human."""

    id: UUID
    taxon_id: UUID | None
    score: float


@dataclass(frozen=True)
class Determination:
    """The taxon of an occurrence; a person's has no score, an approved one no taxon when the row names none."""

    taxon_id: UUID | None
    score: float | None
    source: DeterminationSource


def determine(
    identifications: Sequence[StandingIdentification],
    approved: Sequence[ApprovedObservation],
    predictions: Sequence[TerminalPrediction],
) -> Determination | None:
    """The latest identification, else the latest approval (one with a taxon first), else the best prediction.

    Of equal times the greatest id counts, of equal scores the smallest. None when nothing supports a determination.
    """
    if identifications:
        latest = max(identifications, key=lambda each: (each.created_at, each.id))
        return Determination(latest.taxon_id, None, DeterminationSource.IDENTIFICATION)
    if approved:
        accepted = max(approved, key=lambda each: (each.taxon_id is not None, each.approved_at, each.id))
        return Determination(accepted.taxon_id, accepted.score, DeterminationSource.APPROVAL)
    named = [prediction for prediction in predictions if prediction.taxon_id is not None]
    if named:
        best = min(named, key=lambda each: (-each.score, each.id))
        return Determination(best.taxon_id, best.score, DeterminationSource.PREDICTION)
    return None
