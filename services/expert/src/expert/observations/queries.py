"""Every statement about observations and predictions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, select, update

from expert.observations.models import Observation, Prediction
from expert.observations.state import ObservationType
from expert.taxa.models import Taxon
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of, split

Named = tuple[Observation, str | None]
"""An observation and the scientific name of its taxon."""


async def of_classifications(db: Session, classification_ids: Sequence[UUID]) -> dict[UUID, list[Named]]:
    """The observations of each classification, in the order they were made."""
    statement = (
        select(Observation, Taxon.scientific_name)
        .join(Taxon, Taxon.id == Observation.taxon_id, isouter=True)
        .where(Observation.classification_id.in_(classification_ids))
        .order_by(Observation.id)
    )
    found: defaultdict[UUID, list[Named]] = defaultdict(list)
    for observation, name in await db.execute(statement):
        found[observation.classification_id].append((observation, name))
    return found


async def predictions_of(db: Session, observation_ids: Sequence[UUID]) -> dict[UUID, list[Prediction]]:
    """What stands behind each observation."""
    statement = select(Prediction).where(Prediction.observation_id.in_(observation_ids)).order_by(Prediction.id)
    found: defaultdict[UUID, list[Prediction]] = defaultdict(list)
    for prediction in await db.scalars(statement):
        found[prediction.observation_id].append(prediction)
    return found


async def objects_of(db: Session, classification_ids: Sequence[UUID]) -> dict[UUID, list[Observation]]:
    """The observations with a box, for matching what a new look found."""
    statement = (
        select(Observation)
        .where(Observation.classification_id.in_(classification_ids), Observation.bbox_x.is_not(None))
        .order_by(Observation.id)
    )
    found: defaultdict[UUID, list[Observation]] = defaultdict(list)
    for observation in await db.scalars(statement):
        found[observation.classification_id].append(observation)
    return found


async def set_superseded(db: Session, classification_ids: Sequence[UUID]) -> None:
    """Their classifications are no longer the current ones."""
    await db.execute(
        update(Observation)
        .where(Observation.classification_id.in_(classification_ids), Observation.is_current)
        .values(is_current=False)
    )


async def replace_with(db: Session, *, former: Sequence[UUID], kept: Sequence[UUID]) -> None:
    """Remove what a person's row said; those that are kept are written again under their ids right after this.

    Links to what is gone are cut. The trigger refuses all of it for a locked row.
    """
    gone = set(former) - set(kept)
    if gone:
        for link in (Observation.copied_from_id, Observation.matched_to_id):
            await db.execute(update(Observation).where(link.in_(gone)).values({link: None}))
    await db.execute(delete(Observation).where(Observation.id.in_(former)))


async def listed(
    db: Session,
    page_request: PageRequest,
    *,
    visible_projects: Select[UUID],
    project_ids: Sequence[UUID],
    linked_collection_ids: Sequence[UUID],
    resource_ids: Sequence[UUID],
    types: Sequence[str],
    observation_types: Sequence[ObservationType],
    current: bool | None,
) -> tuple[list[Named], str | None]:
    """One page, oldest first."""
    statement: Any = (
        select(Observation, Taxon.scientific_name)
        .join(Taxon, Taxon.id == Observation.taxon_id, isouter=True)
        .where(Observation.classification_project_id.in_(visible_projects))
    )
    if project_ids:
        statement = statement.where(Observation.classification_project_id.in_(project_ids))
    if linked_collection_ids:
        statement = statement.where(Observation.linked_collection_id.in_(linked_collection_ids))
    if resource_ids:
        statement = statement.where(Observation.resource_id.in_(resource_ids))
    if types:
        statement = statement.where(Observation.classification_type.in_(types))
    if observation_types:
        statement = statement.where(Observation.observation_type.in_(observation_types))
    if current is not None:
        statement = statement.where(Observation.is_current.is_(current))
    found = await db.execute(page_of(statement, [Observation.id], page_request, [UUID]))
    return split([_pair(row) for row in found], page_request, lambda row: [row[0].id])


def _pair(row: Any) -> Named:
    return row[0], row[1]
