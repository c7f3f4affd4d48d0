"""Every statement about observations and predictions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, column, delete, exists, func, select, table, update
from sqlalchemy.orm import aliased

from expert.access.state import Caller
from expert.algorithms.models import Algorithm
from expert.classification_projects.queries import row_visible_to
from expert.observations.models import Observation, Prediction
from expert.observations.state import ClassificationType, ObservationFilters, RecordFilters
from expert.sequences.queries import resources_of
from expert.taxa import queries as taxa
from expert.taxa.models import Taxon
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of, split

# What observations must know of the table above them, by name.
_classifications = table(
    "classifications",
    column("id"),
    column("type"),
    column("provider_id"),
    column("owner_id"),
    column("source_classification_id"),
    column("approved_by_id"),
)


@dataclass(frozen=True)
class Traced:
    """A prediction and its algorithm, and the prediction that it was derived from with its own."""

    prediction: Prediction
    algorithm: Algorithm
    source: Prediction | None
    source_algorithm: Algorithm | None


Named = tuple[Observation, str | None]
"""An observation and the scientific name of its taxon."""


async def of_classifications(db: Session, classification_ids: Sequence[UUID]) -> dict[UUID, list[Named]]:
    """The observations of each classification, in the order they were made."""
    statement = _named().where(Observation.classification_id.in_(classification_ids)).order_by(Observation.id)
    rows: defaultdict[UUID, list[Named]] = defaultdict(list)
    for observation, name in await db.execute(statement):
        rows[observation.classification_id].append((observation, name))
    return rows


async def predictions_of(
    db: Session, observation_ids: Sequence[UUID], *, terminal: bool | None = None
) -> dict[UUID, list[Traced]]:
    """The predictions of each observation with their algorithms, in the order they were made; None means all."""
    source, source_algorithm = aliased(Prediction, name="source"), aliased(Algorithm, name="source_algorithm")
    statement = (
        select(Prediction, Algorithm, source, source_algorithm)
        .join(Algorithm, Algorithm.id == Prediction.algorithm_id)
        .join(source, source.id == Prediction.applied_to_id, isouter=True)
        .join(source_algorithm, source_algorithm.id == source.algorithm_id, isouter=True)
        .where(Prediction.observation_id.in_(observation_ids))
        .order_by(Prediction.id)
    )
    if terminal is not None:
        statement = statement.where(Prediction.terminal.is_(terminal))
    rows: defaultdict[UUID, list[Traced]] = defaultdict(list)
    for row in await db.execute(statement):
        traced = Traced(*row)
        rows[traced.prediction.observation_id].append(traced)
    return rows


async def objects_of(db: Session, classification_ids: Sequence[UUID]) -> dict[UUID, list[Observation]]:
    """The observations with a box, for matching those of a newer AI run."""
    statement = (
        select(Observation)
        .where(Observation.classification_id.in_(classification_ids), Observation.bbox_x.is_not(None))
        .order_by(Observation.id)
    )
    rows: defaultdict[UUID, list[Observation]] = defaultdict(list)
    for observation in await db.scalars(statement):
        rows[observation.classification_id].append(observation)
    return rows


async def set_superseded(db: Session, classification_ids: Sequence[UUID]) -> None:
    """Their classifications are no longer the current ones."""
    await db.execute(
        update(Observation)
        .where(Observation.classification_id.in_(classification_ids), Observation.is_current)
        .values(is_current=False)
    )


async def replace_with(db: Session, *, former: Sequence[UUID], kept: Sequence[UUID]) -> None:
    """Delete a person's observations; the caller writes those in `kept` again under their ids.

    References to those that are not kept become null. A trigger refuses all of it for a locked row.
    """
    removed = set(former) - set(kept)
    if removed:
        for link in (Observation.copied_from_id, Observation.matched_to_id):
            await db.execute(update(Observation).where(link.in_(removed)).values({link: None}))
    await db.execute(delete(Observation).where(Observation.id.in_(former)))


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Of the caller's projects, through a link that is open."""
    return row_visible_to(
        caller,
        project_id=Observation.classification_project_id,
        linked_collection_id=Observation.linked_collection_id,
        resource_id=Observation.resource_id,
    )


def _named() -> Select[Observation, str]:
    return select(Observation, Taxon.scientific_name).join(Taxon, Taxon.id == Observation.taxon_id, isouter=True)


async def read_named(db: Session, caller: Caller, observation_id: UUID) -> Named | None:
    """The observation when the caller may see it."""
    statement = _named().where(Observation.id == observation_id, visible_to(caller))
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def list_observations(
    db: Session, page_request: PageRequest, filters: ObservationFilters, *, caller: Caller
) -> tuple[list[Named], str | None]:
    """One page, oldest first, and the cursor of the next."""
    statement: Any = _named().where(visible_to(caller), *says(filters))
    columns: list[tuple[Any, Sequence[Any]]] = [
        (Observation.id, filters.id),
        (Observation.classification_id, filters.classification_id),
        (Observation.classification_project_id, filters.classification_project_id),
        (Observation.linked_collection_id, filters.linked_collection_id),
        (Observation.resource_id, filters.resource_id),
        (Observation.deployment_id, filters.deployment_id),
        (Observation.classification_type, filters.type),
    ]
    for column_, values in columns:
        if values:
            statement = statement.where(column_.in_(values))
    if filters.current is not None:
        statement = statement.where(Observation.is_current.is_(filters.current))
    if filters.captured_from is not None:
        statement = statement.where(Observation.captured_at >= filters.captured_from)
    if filters.captured_until is not None:
        statement = statement.where(Observation.captured_at < filters.captured_until)
    if filters.sequence_id:
        statement = statement.where(Observation.resource_id.in_(resources_of(filters.sequence_id)))
    statement = statement.where(*_in_classification(filters))
    rows: Any = await db.execute(page_of(statement, [Observation.id], page_request, [UUID]))
    return split([(observation, name) for observation, name in rows], page_request, lambda row: [row[0].id])


def says(filters: RecordFilters) -> list[ColumnElement[bool]]:
    """The conditions of filters that are about one observation itself."""
    conditions: list[ColumnElement[bool]] = []
    confidence = func.coalesce(Observation.classification_confidence, Observation.detection_confidence)
    if filters.observation_type:
        conditions.append(Observation.observation_type.in_(filters.observation_type))
    if filters.algorithm_id:
        ran = Prediction.algorithm_id.in_(filters.algorithm_id)
        conditions.append(exists().where(Prediction.observation_id == Observation.id, ran))
    if filters.taxon_id:
        conditions.append(Observation.taxon_id.in_(taxa.with_descendants(filters.taxon_id)))
    if filters.min_confidence is not None:
        conditions.append(confidence >= filters.min_confidence)
    if filters.max_confidence is not None:
        conditions.append(confidence <= filters.max_confidence)
    return conditions


def _in_classification(filters: ObservationFilters) -> list[ColumnElement[bool]]:
    """The conditions of filters that are about an observation's classification."""
    row, final = _classifications.alias("own"), _classifications.alias("final")
    conditions: list[ColumnElement[bool]] = []
    for column_, values in ((row.c.provider_id, filters.provider_id), (row.c.owner_id, filters.owner_id)):
        if values:
            conditions.append(exists().where(row.c.id == Observation.classification_id, column_.in_(values)))
    points_here = [
        final.c.type == ClassificationType.FINAL.value,
        final.c.source_classification_id == Observation.classification_id,
    ]
    if filters.approved is not None:
        approved = exists().where(*points_here)
        conditions.append(approved if filters.approved else ~approved)
    if filters.approved_by_id:
        conditions.append(exists().where(*points_here, final.c.approved_by_id.in_(filters.approved_by_id)))
    return conditions
