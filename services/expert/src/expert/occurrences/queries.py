"""Statements about occurrences that people read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, column, exists, func, or_, select, table

from expert.access.state import Caller
from expert.observations.models import Observation, Prediction
from expert.observations.queries import visible_to as observation_visible_to
from expert.observations.state import ClassificationType, ObservationLevel, ObservationType
from expert.occurrences.models import Identification, Occurrence
from expert.occurrences.queries_identify import standing
from expert.sequences.models import SequenceMember
from expert.taxa import queries as taxa
from expert.taxa.models import Taxon
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of

# What occurrences must know of the table above them, by name.
_classifications = table("classifications", column("type"), column("source_classification_id"))


@dataclass(frozen=True)
class OccurrenceFilter:
    """What a list of occurrences is narrowed to; None does not count."""

    id: Sequence[UUID] | None = None
    classification_project_id: Sequence[UUID] | None = None
    linked_collection_id: Sequence[UUID] | None = None
    deployment_id: Sequence[UUID] | None = None
    sequence_id: Sequence[UUID] | None = None
    resource_id: Sequence[UUID] | None = None
    observation_type: Sequence[ObservationType] | None = None
    taxon_id: Sequence[UUID] | None = None
    algorithm_id: Sequence[UUID] | None = None
    source: Sequence[str] | None = None
    identified: bool | None = None
    unmatched: bool | None = None
    min_score: float | None = None
    max_score: float | None = None
    captured_from: datetime | None = None
    captured_until: datetime | None = None


@dataclass(frozen=True)
class Appearance:
    """What the observations of an occurrence tell: where and when it was seen, how often, and best."""

    linked_collection_id: UUID | None
    deployment_id: UUID | None
    sequence_id: UUID | None
    observation_type: ObservationType
    first_at: datetime | None
    last_at: datetime | None
    resources: int
    observations: int
    best_observation_id: UUID
    best_resource_id: UUID


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Those of the caller's projects with an observation that counts and that the caller may see."""
    return exists().where(*_is_seen(caller))


def _is_seen(caller: Caller) -> tuple[ColumnElement[bool], ...]:
    """The conditions on an observation that tells a caller where the occurrence was seen."""
    counts = or_(_speaks(), ~Occurrence.is_current)
    return Observation.occurrence_id == Occurrence.id, counts, observation_visible_to(caller)


def _speaks() -> ColumnElement[bool]:
    """Whether an observation speaks for its occurrence: of the current AI row, or of an approved one."""
    approved = exists().where(
        _classifications.c.type == ClassificationType.FINAL.value,
        _classifications.c.source_classification_id == Observation.classification_id,
    )
    return or_(and_(Observation.classification_type == ClassificationType.AI.value, Observation.is_current), approved)


def _select() -> Select[Occurrence, str, bool]:
    """Occurrences with the name of their taxon and whether an identification stands."""
    return select(Occurrence, Taxon.scientific_name, _is_identified()).join(
        Taxon, Taxon.id == Occurrence.determination_taxon_id, isouter=True
    )


def _is_identified() -> ColumnElement[bool]:
    return exists().where(Identification.occurrence_id == Occurrence.id, standing())


async def read(db: Session, occurrence_id: UUID) -> tuple[Occurrence, str | None, bool]:
    """One occurrence with the name of its taxon, and whether a person identified it."""
    row = (await db.execute(_select().where(Occurrence.id == occurrence_id))).one()
    return row[0], row[1], row[2]


async def list_visible(
    db: Session, caller: Caller, page_request: PageRequest, given: OccurrenceFilter
) -> list[tuple[Occurrence, str | None, bool]]:
    """A page of occurrences, oldest first, each with the name of its taxon and whether a person identified it."""
    seen = exists().where(*_is_seen(caller), *_of_members(given))
    statement: Any = _select().where(seen, or_(Occurrence.is_current, Occurrence.is_unmatched))
    identified = _is_identified()
    if given.classification_project_id:
        statement = statement.where(Occurrence.classification_project_id.in_(given.classification_project_id))
    if given.taxon_id:
        below = taxa.with_descendants(given.taxon_id)
        statement = statement.where(Occurrence.determination_taxon_id.in_(below))
    if given.source:
        statement = statement.where(Occurrence.determination_source.in_(given.source))
    if given.identified is not None:
        statement = statement.where(identified if given.identified else ~identified)
    if given.unmatched is not None:
        statement = statement.where(Occurrence.is_unmatched.is_(given.unmatched))
    if given.min_score is not None:
        statement = statement.where(Occurrence.determination_score >= given.min_score)
    if given.max_score is not None:
        statement = statement.where(Occurrence.determination_score <= given.max_score)
    rows = await db.execute(page_of(statement, [Occurrence.id], page_request, [UUID], ids=given.id))
    return [tuple(row) for row in rows]


def _of_members(given: OccurrenceFilter) -> list[ColumnElement[bool]]:
    """The conditions of filters that one observation of the occurrence meets."""
    conditions: list[ColumnElement[bool]] = []
    if given.linked_collection_id:
        conditions.append(Observation.linked_collection_id.in_(given.linked_collection_id))
    if given.deployment_id:
        conditions.append(Observation.deployment_id.in_(given.deployment_id))
    if given.resource_id:
        conditions.append(Observation.resource_id.in_(given.resource_id))
    if given.observation_type:
        conditions.append(Observation.observation_type.in_(given.observation_type))
    if given.sequence_id:
        members = select(SequenceMember.resource_id).where(SequenceMember.sequence_id.in_(given.sequence_id))
        conditions.append(Observation.resource_id.in_(members))
    if given.algorithm_id:
        ran = exists().where(
            Prediction.observation_id == Observation.id, Prediction.algorithm_id.in_(given.algorithm_id)
        )
        conditions.append(ran)
    if given.captured_from is not None:
        conditions.append(Observation.captured_at >= given.captured_from)
    if given.captured_until is not None:
        conditions.append(Observation.captured_at < given.captured_until)
    return conditions


async def appearances(db: Session, caller: Caller, occurrence_ids: Collection[UUID]) -> dict[UUID, Appearance]:
    """Where, when and how often each was seen, as far as the caller may see it; one of the past by all observations.

    Best is the observation that its model was most sure of, of equal ones the one with the smallest id.
    """
    speaks = _speaks()
    score = func.coalesce(Observation.classification_confidence, Observation.detection_confidence, 0.0)
    best_first = (speaks.desc(), score.desc(), Observation.id)
    sequence = (
        select(SequenceMember.sequence_id)
        .where(
            SequenceMember.linked_collection_id == Observation.linked_collection_id,
            SequenceMember.resource_id == Observation.resource_id,
        )
        .scalar_subquery()
    )
    same = Observation.occurrence_id
    ranked = (
        select(
            Observation.occurrence_id,
            Observation.linked_collection_id,
            Observation.deployment_id,
            sequence.label("sequence_id"),
            Observation.observation_type,
            func.min(Observation.captured_at).over(partition_by=same).label("first_at"),
            func.max(Observation.captured_at).over(partition_by=same).label("last_at"),
            func.count().over(partition_by=same).label("observations"),
            Observation.id,
            Observation.resource_id,
            func.row_number().over(partition_by=same, order_by=best_first).label("place"),
            func.dense_rank().over(partition_by=same, order_by=Observation.resource_id).label("resource"),
        )
        .join(Occurrence, Occurrence.id == Observation.occurrence_id)
        .where(
            Observation.occurrence_id.in_(occurrence_ids),
            *_is_seen(caller)[1:],
            Observation.observation_level == ObservationLevel.OBJECT,
        )
        .subquery()
    )
    resources = func.max(ranked.c.resource).over(partition_by=ranked.c.occurrence_id).label("resources")
    numbered = select(ranked, resources).subquery()
    columns = numbered.c
    statement = select(
        columns.occurrence_id,
        columns.linked_collection_id,
        columns.deployment_id,
        columns.sequence_id,
        columns.observation_type,
        columns.first_at,
        columns.last_at,
        columns.resources,
        columns.observations,
        columns.id,
        columns.resource_id,
    ).where(columns.place == 1)
    return {row[0]: Appearance(*row[1:]) for row in await db.execute(statement)}


async def members(
    db: Session, caller: Caller, occurrence_id: UUID, *, limit: int
) -> list[tuple[Observation, str | None]]:
    """The visible observations of an occurrence with the names of their taxa, superseded ones too, in order of time."""
    statement = (
        select(Observation, Taxon.scientific_name)
        .join(Taxon, Taxon.id == Observation.taxon_id, isouter=True)
        .where(Observation.occurrence_id == occurrence_id, observation_visible_to(caller))
        .order_by(Observation.captured_at, Observation.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await db.execute(statement)]
