"""Statements about identifications, many at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, select, text, update

from expert.access.models import User
from expert.observations.models import Observation, Prediction
from expert.occurrences.models import Identification, Occurrence
from expert.taxa.models import Taxon
from trapper_kit.db import Session


def standing() -> ColumnElement[bool]:
    """Whether an identification was neither withdrawn nor replaced."""
    return and_(Identification.withdrawn_at.is_(None), Identification.replaced_by_id.is_(None))


async def lock_visible(
    db: Session, occurrence_ids: Collection[UUID], *, visible: ColumnElement[bool]
) -> dict[UUID, UUID]:
    """The projects of the visible ones among these occurrences, which stay as they are until the transaction ends."""
    statement = (
        select(Occurrence.id, Occurrence.classification_project_id)
        .where(Occurrence.id.in_(occurrence_ids), visible)
        .order_by(Occurrence.id)
        .with_for_update(key_share=True)
    )
    return {row[0]: row[1] for row in await db.execute(statement)}


async def predictions(db: Session, prediction_ids: Collection[UUID]) -> dict[UUID, tuple[UUID | None, UUID | None]]:
    """The occurrence and the taxon of each prediction."""
    statement = (
        select(Prediction.id, Observation.occurrence_id, Prediction.taxon_id)
        .join(Observation, Observation.id == Prediction.observation_id)
        .where(Prediction.id.in_(prediction_ids))
    )
    return {row[0]: (row[1], row[2]) for row in await db.execute(statement)}


async def observation_of(db: Session, prediction_id: UUID) -> UUID | None:
    """The observation that a prediction is about; None when there is no such prediction."""
    return await db.scalar(select(Prediction.observation_id).where(Prediction.id == prediction_id))


async def by_ids(db: Session, identification_ids: Collection[UUID]) -> dict[UUID, Identification]:
    """Identifications as they are now."""
    statement = select(Identification).where(Identification.id.in_(identification_ids))
    return {row.id: row for row in await db.scalars(statement.execution_options(populate_existing=True))}


async def own_standing(db: Session, occurrence_ids: Collection[UUID], *, by: UUID) -> dict[UUID, Identification]:
    """The standing identification of a person for each of these occurrences."""
    statement = select(Identification).where(
        Identification.occurrence_id.in_(occurrence_ids), Identification.created_by == by, standing()
    )
    rows = await db.scalars(statement.execution_options(populate_existing=True))
    return {row.occurrence_id: row for row in rows}


async def known_taxa(db: Session, taxon_ids: Collection[UUID]) -> set[UUID]:
    """Those of them that exist."""
    return set(await db.scalars(select(Taxon.id).where(Taxon.id.in_(taxon_ids))))


async def replace(db: Session, successors: Mapping[UUID, UUID], rows: Sequence[dict[str, object]]) -> None:
    """Insert identifications; the former ones of the same persons are replaced by them."""
    if successors:
        await db.execute(
            text("""
            update identifications i set replaced_by_id = v.latter
            from unnest(cast(:former as uuid[]), cast(:latter as uuid[])) as v(former, latter)
            where i.id = v.former"""),
            {"former": list(successors), "latter": list(successors.values())},
        )
    await db.execute(insert(Identification), rows)


async def withdraw(db: Session, identification_ids: Collection[UUID], *, now: datetime) -> None:
    """Withdraw identifications; those that they replaced stand again."""
    await db.execute(update(Identification).where(Identification.id.in_(identification_ids)).values(withdrawn_at=now))
    await db.execute(
        update(Identification).where(Identification.replaced_by_id.in_(identification_ids)).values(replaced_by_id=None)
    )


async def of_occurrences(db: Session, occurrence_ids: Collection[UUID]) -> list[tuple[Identification, str, str | None]]:
    """Every identification of these occurrences with the taxon's and the person's name, oldest first."""
    statement = (
        select(Identification, Taxon.scientific_name, User.name)
        .join(Taxon, Taxon.id == Identification.taxon_id)
        .join(User, User.id == Identification.created_by)
        .where(Identification.occurrence_id.in_(occurrence_ids))
        .order_by(Identification.created_at, Identification.id)
    )
    return [(row[0], row[1], row[2]) for row in await db.execute(statement)]
