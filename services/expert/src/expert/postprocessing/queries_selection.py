"""Statements that choose the observations of a run: one selection for counts, dry runs and runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVarTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, and_, column, exists, func, literal, select, table, true
from sqlalchemy.orm import aliased

from expert.classification_projects.models import LinkedCollection
from expert.classifications.models import AI, Classification
from expert.observations.models import Observation, Prediction
from expert.observations.state import ObservationLevel, ObservationType
from expert.occurrences.models import Identification, Occurrence
from expert.postprocessing.state import RunScope, ScopeKind
from expert.sequences.models import ResourceSequence
from expert.sequences.queries import resources_of
from trapper_kit.db import Session

# What is needed of tables above and beside, by name.
_batches = table("received_batches", column("id", Uuid), column("job_id", Uuid), column("logits_algorithm_id", Uuid))
_jobs = table("ai_classification_jobs", column("id", Uuid), column("classification_project_id", Uuid))
_resources = table("linked_collection_resources", column("linked_collection_id", Uuid), column("resource_id", Uuid))


class Row(NamedTuple):
    """An observation in scope, with the model's own prediction, the one that counts, and what that was applied to."""

    observation_id: UUID
    classification_id: UUID
    occurrence_id: UUID | None
    received_batch_id: UUID
    observation_type: ObservationType
    taxon_id: UUID | None
    label: str | None
    classification_confidence: float | None
    relative_area: float | None
    is_locked: bool
    is_forked: bool
    is_identified: bool
    has_logits: bool
    raw_id: UUID
    raw_label: str
    raw_taxon_id: UUID | None
    raw_score: float
    terminal_id: UUID
    terminal_algorithm_id: UUID
    terminal_label: str
    terminal_taxon_id: UUID | None
    terminal_score: float
    applied_to_id: UUID | None
    applied_to_label: str | None
    applied_to_taxon_id: UUID | None
    applied_to_score: float | None


@dataclass(frozen=True)
class Selection:
    """The observations of a scope about which `raw_algorithm_id` said something (None: any model, all types)."""

    classification_project_id: UUID
    scope: RunScope
    raw_algorithm_id: UUID | None


Columns = TypeVarTuple("Columns")
_raw, _terminal, _applied = (aliased(Prediction, name=name) for name in ("raw", "terminal", "applied"))
_copy = aliased(Observation, name="copy")
IS_FORKED = exists().where(_copy.copied_from_id == Observation.id)
IS_IDENTIFIED = exists().where(
    Identification.occurrence_id == Observation.occurrence_id,
    Identification.withdrawn_at.is_(None),
    Identification.replaced_by_id.is_(None),
)


def _in_scope(scope: RunScope) -> ColumnElement[bool]:
    if scope.kind is ScopeKind.LINKED_COLLECTION:
        return Observation.linked_collection_id == scope.linked_collection_id
    if scope.kind is ScopeKind.SEQUENCES:
        return Observation.resource_id.in_(resources_of(scope.sequence_ids or ()))
    if scope.kind is ScopeKind.OCCURRENCE:
        return Observation.occurrence_id == scope.occurrence_id
    if scope.kind is ScopeKind.RESOURCES:
        chosen = Observation.resource_id == func.any(literal(list(scope.resource_ids or ()), ARRAY(Uuid)))
        return and_(Observation.linked_collection_id == scope.linked_collection_id, chosen)
    if scope.kind is ScopeKind.JOB:
        return _batches.c.job_id == scope.job_id
    return true()


def _chosen(statement: Select[*Columns], selection: Selection) -> Select[*Columns]:
    """Objects of current AI rows in an open link; a raw prediction is one that was applied to no other."""
    is_open = exists().where(
        LinkedCollection.id == Observation.linked_collection_id,
        LinkedCollection.classification_project_id == selection.classification_project_id,
        LinkedCollection.consented_at.is_not(None),
        LinkedCollection.revoked_at.is_(None),
    )
    raw = [_raw.observation_id == Observation.id, _raw.applied_to_id.is_(None)]
    if selection.raw_algorithm_id is None:  # the detector's, which comes first
        earlier = aliased(Prediction, name="earlier")
        first = [earlier.observation_id == Observation.id, earlier.applied_to_id.is_(None), earlier.id < _raw.id]
        raw.append(~exists().where(*first))
    else:
        raw.append(_raw.algorithm_id == selection.raw_algorithm_id)
    return (
        statement.select_from(Classification)
        .join(_batches, _batches.c.id == Classification.received_batch_id)
        .join(Observation, Observation.classification_id == Classification.id)
        .join(_raw, and_(*raw))
        .join(_terminal, and_(_terminal.observation_id == Observation.id, _terminal.terminal))
        .join(_applied, _applied.id == _terminal.applied_to_id, isouter=True)
        .where(
            Classification.type == AI,
            Classification.superseded_by_id.is_(None),
            Classification.classification_project_id == selection.classification_project_id,
            Observation.observation_level == ObservationLevel.OBJECT,
            _in_scope(selection.scope),
            is_open,
        )
    )


async def count_rows(db: Session, selection: Selection) -> int:
    """The number of observations in scope."""
    return (await db.execute(_chosen(select(func.count()), selection))).scalar_one()


async def select_rows(db: Session, selection: Selection, *, after: UUID | None, limit: int) -> tuple[list[Row], bool]:
    """Whole batches of results after this one, about `limit` observations, and whether more may follow.

    A batch of results is never divided, so that its blob is read once.
    """
    position = [] if after is None else [Classification.received_batch_id > after]
    rows = await _rows(db, selection, position, limit=limit + 1)
    if len(rows) <= limit:
        return rows, False
    last = rows[-1].received_batch_id
    whole = [row for row in rows if row.received_batch_id != last]
    return whole or await _rows(db, selection, [Classification.received_batch_id == last]), True


async def _rows(
    db: Session, selection: Selection, position: Sequence[ColumnElement[bool]], *, limit: int | None = None
) -> list[Row]:
    chosen = select(
        Observation.id,
        Classification.id,
        Observation.occurrence_id,
        Classification.received_batch_id,
        Observation.observation_type,
        Observation.taxon_id,
        Observation.label,
        Observation.classification_confidence,
        Observation.bbox_width * Observation.bbox_height,
        Classification.locked_at.is_not(None),
        IS_FORKED,
        IS_IDENTIFIED,
        and_(_raw.output_row.is_not(None), func.coalesce(_batches.c.logits_algorithm_id == _raw.algorithm_id, False)),
        _raw.id,
        _raw.label,
        _raw.taxon_id,
        _raw.score,
        _terminal.id,
        _terminal.algorithm_id,
        _terminal.label,
        _terminal.taxon_id,
        _terminal.score,
        _applied.id,
        _applied.label,
        _applied.taxon_id,
        _applied.score,
    )
    statement = _chosen(chosen, selection).where(*position)
    statement = statement.order_by(Classification.received_batch_id, Observation.id).limit(limit)
    return [Row(*row) for row in await db.execute(statement)]


async def project_of(db: Session, scope: RunScope) -> UUID | None:
    """The project that a scope belongs to; None when it is unknown or spans several."""
    if scope.kind is ScopeKind.PROJECT:
        return scope.classification_project_id
    statement: Select[UUID]
    if scope.kind is ScopeKind.OCCURRENCE:
        statement = select(Occurrence.classification_project_id).where(Occurrence.id == scope.occurrence_id)
    elif scope.kind is ScopeKind.SEQUENCES:
        given = ResourceSequence.id.in_(scope.sequence_ids or ())
        statement = select(ResourceSequence.classification_project_id).where(given).distinct()
    elif scope.kind is ScopeKind.JOB:
        statement = select(_jobs.c.classification_project_id).where(_jobs.c.id == scope.job_id)
    else:
        given = LinkedCollection.id == scope.linked_collection_id
        statement = select(LinkedCollection.classification_project_id).where(given)
    found = (await db.execute(statement)).scalars().all()
    return found[0] if len(found) == 1 else None


async def unknown_ids(db: Session, project_id: UUID, scope: RunScope) -> list[UUID]:
    """The ids of a scope that name nothing in the project."""
    given: Collection[UUID]
    if scope.kind is ScopeKind.SEQUENCES:
        given = scope.sequence_ids or ()
        of_project = ResourceSequence.classification_project_id == project_id
        known = select(ResourceSequence.id).where(ResourceSequence.id.in_(given), of_project)
    elif scope.kind is ScopeKind.RESOURCES:
        given = scope.resource_ids or ()
        in_link = _resources.c.linked_collection_id == scope.linked_collection_id
        known = select(_resources.c.resource_id).where(in_link, _resources.c.resource_id.in_(given))
    else:
        return []
    found = set((await db.execute(known)).scalars())
    return [each for each in dict.fromkeys(given) if each not in found]


async def algorithms_of(db: Session, selection: Selection) -> set[UUID]:
    """The algorithms with predictions about the observations of a small scope."""
    chosen = _chosen(select(Observation.id), selection).subquery()
    statement = select(Prediction.algorithm_id).where(Prediction.observation_id.in_(select(chosen.c.id))).distinct()
    return set((await db.scalars(statement)).all())


async def algorithms_with_logits(db: Session, project_id: UUID) -> set[UUID]:
    """The algorithms whose logits batches of the project hold."""
    statement = (
        select(_batches.c.logits_algorithm_id)
        .join(_jobs, _jobs.c.id == _batches.c.job_id)
        .where(_jobs.c.classification_project_id == project_id, _batches.c.logits_algorithm_id.is_not(None))
        .distinct()
    )
    return set((await db.execute(statement)).scalars())


async def has_logits_of_job(db: Session, job_id: UUID, algorithm_id: UUID) -> bool:
    """Whether a batch of the job holds logits of this algorithm."""
    given = [_batches.c.job_id == job_id, _batches.c.logits_algorithm_id == algorithm_id]
    return await db.scalar(select(exists().where(*given))) is True


async def is_job_of(db: Session, job_id: UUID, project_id: UUID) -> bool:
    """Whether the project has this job."""
    given = [_jobs.c.id == job_id, _jobs.c.classification_project_id == project_id]
    return await db.scalar(select(exists().where(*given))) is True
