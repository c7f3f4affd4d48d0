"""Every statement about classifications that people read or write one at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, column, exists, func, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from expert.access.models import User
from expert.access.state import Caller
from expert.classification_projects.models import ClassificationProject, LinkedCollection, LinkedCollectionResource
from expert.classification_projects.queries import is_open, row_visible_to
from expert.classifications.models import FINAL, Classification
from expert.classificators.models import Classificator
from expert.observations import queries as observations
from expert.observations.models import Observation
from expert.observations.state import ClassificationType, RecordFilters
from expert.resources.models import Resource
from expert.sequences.queries import resources_of
from expert.taxa.models import Taxon
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of, split
from trapper_schemas.ids import uuid7

# What the gate tells of the feature above it, by name, so that this one does not depend on it.
_jobs = table("ai_classification_jobs", column("id"), column("stage"))
_job_resources = table("job_resources", column("job_id"), column("resource_id"), column("linked_collection_id"))


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Of the caller's projects, through a link that is open."""
    return row_visible_to(
        caller,
        project_id=Classification.classification_project_id,
        linked_collection_id=Classification.linked_collection_id,
        resource_id=Classification.resource_id,
    )


async def get(
    db: Session, classification_id: UUID, *, visible: ColumnElement[bool] | None = None, lock: bool = False
) -> Classification | None:
    """One row as it is now; locked, nobody approves or edits it meanwhile."""
    statement = select(Classification).where(Classification.id == classification_id)
    if visible is not None:
        statement = statement.where(visible)
    if lock:
        statement = statement.with_for_update(key_share=True)
    return await db.scalar(statement.execution_options(populate_existing=True))


async def final_of(db: Session, row: Classification, *, lock: bool = False) -> Classification:
    """The final row of a row's resource as it is now, a final row's own; locked, nobody decides meanwhile."""
    statement = select(Classification).where(Classification.id == (row.final_classification_id or row.id))
    if lock:
        statement = statement.with_for_update(key_share=True)
    return (await db.scalars(statement.execution_options(populate_existing=True))).one()


async def ensure_final(db: Session, *, project_id: UUID, resource_id: UUID, linked_id: UUID, now: datetime) -> UUID:
    """The one final row of a resource in a project, inserted when nobody has looked at it before."""
    made = insert(Classification).values(
        id=uuid7(),
        type=ClassificationType.FINAL,
        classification_project_id=project_id,
        resource_id=resource_id,
        linked_collection_id=linked_id,
        static_attributes={},
        is_approved=False,
        version=0,
        created_at=now,
        updated_at=now,
    )
    await db.execute(
        made.on_conflict_do_nothing(
            index_elements=["resource_id", "classification_project_id"], index_where=Classification.type == FINAL
        )
    )
    statement = select(Classification.id).where(
        Classification.type == FINAL,
        Classification.classification_project_id == project_id,
        Classification.resource_id == resource_id,
    )
    return (await db.scalars(statement)).one()


async def point_final(
    db: Session, final_id: UUID, *, source_id: UUID | None, by: UUID | None, now: datetime
) -> Classification:
    """Approve (a source) or un-approve (none); the caller holds the final row locked."""
    statement = (
        update(Classification)
        .where(Classification.id == final_id, Classification.type == FINAL)
        .values(
            is_approved=source_id is not None,
            source_classification_id=source_id,
            approved_by_id=by if source_id is not None else None,
            approved_at=now if source_id is not None else None,
            version=Classification.version + 1,
            updated_at=now,
        )
        .returning(Classification)
        .execution_options(populate_existing=True)
    )
    return (await db.scalars(statement)).one()


async def lock_row(db: Session, classification_id: UUID, *, now: datetime) -> None:
    """From its first approval on it never changes; the moment is kept for ever."""
    await db.execute(
        update(Classification)
        .where(Classification.id == classification_id, Classification.locked_at.is_(None))
        .values(locked_at=now)
    )


async def write_edit(
    db: Session, classification_id: UUID, attributes: dict[str, object], *, by: UUID, now: datetime
) -> None:
    """The next version of a person's row, with who wrote it."""
    await db.execute(
        update(Classification)
        .where(Classification.id == classification_id)
        .values(static_attributes=attributes, updated_at=now, edited_by_id=by, version=Classification.version + 1)
    )


async def linked_of(
    db: Session, project_id: UUID, resource_id: UUID
) -> tuple[LinkedCollectionResource, Resource, bool] | None:
    """Where a project has this resource, and whether it wants the AI first; an ended link is preferred."""
    statement = (
        select(LinkedCollectionResource, Resource, ClassificationProject.required_ai_classification)
        .join(LinkedCollection, LinkedCollection.id == LinkedCollectionResource.linked_collection_id)
        .join(ClassificationProject, ClassificationProject.id == LinkedCollection.classification_project_id)
        .join(Resource, Resource.id == LinkedCollectionResource.resource_id)
        .where(
            LinkedCollection.classification_project_id == project_id,
            is_open(),
            LinkedCollectionResource.resource_id == resource_id,
        )
        .order_by(LinkedCollectionResource.ai_ended_at.nulls_last(), LinkedCollectionResource.linked_collection_id)
        .limit(1)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def job_stage_of(db: Session, linked_collection_id: UUID, resource_id: UUID) -> str | None:
    """How far the newest job is that took this resource."""
    statement = (
        select(_jobs.c.stage)
        .join(_job_resources, _job_resources.c.job_id == _jobs.c.id)
        .where(
            _job_resources.c.linked_collection_id == linked_collection_id, _job_resources.c.resource_id == resource_id
        )
        .order_by(_jobs.c.id.desc())
        .limit(1)
    )
    return await db.scalar(statement)


async def classificator_of(db: Session, project_id: UUID) -> Classificator:
    """Which attributes people fill in."""
    statement = (
        select(Classificator)
        .join(ClassificationProject, ClassificationProject.classificator_id == Classificator.id)
        .where(ClassificationProject.id == project_id)
    )
    return (await db.scalars(statement)).one()


async def known_taxa(db: Session, taxon_ids: Sequence[UUID]) -> set[UUID]:
    """Those of them that exist."""
    return set((await db.scalars(select(Taxon.id).where(Taxon.id.in_(taxon_ids)))).all())


async def name_of(db: Session, user_id: UUID | None) -> str | None:
    """What a person is called in a refusal that names them."""
    statement = select(func.coalesce(func.nullif(User.name, ""), User.email)).where(User.id == user_id)
    return await db.scalar(statement)


async def list_classifications(
    db: Session, page_request: PageRequest, filters: RecordFilters, *, visible: ColumnElement[bool]
) -> tuple[list[tuple[Classification, Classification]], str | None]:
    """One page of rows with their final rows, oldest first, and the cursor of the next."""
    final = aliased(Classification, name="final")
    statement: Any = (
        select(Classification, final)
        .join(final, final.id == func.coalesce(Classification.final_classification_id, Classification.id))
        .where(visible)
    )
    columns: list[tuple[Any, Sequence[Any]]] = [
        (Classification.id, filters.id),
        (Classification.classification_project_id, filters.classification_project_id),
        (Classification.linked_collection_id, filters.linked_collection_id),
        (Classification.resource_id, filters.resource_id),
        (Classification.type, filters.type),
        (Classification.provider_id, filters.provider_id),
        (Classification.owner_id, filters.owner_id),
    ]
    for column_, values in columns:
        if values:
            statement = statement.where(column_.in_(values))
    if filters.sequence_id:
        statement = statement.where(Classification.resource_id.in_(resources_of(filters.sequence_id)))
    if filters.current is not None:
        superseded = Classification.superseded_by_id.is_not(None)
        statement = statement.where(~superseded if filters.current else superseded)
    is_approved = func.coalesce(final.source_classification_id == Classification.id, False) | func.coalesce(
        Classification.is_approved, False
    )
    if filters.approved is not None:
        statement = statement.where(is_approved if filters.approved else ~is_approved)
    if filters.approved_by_id:
        statement = statement.where(is_approved, final.approved_by_id.in_(filters.approved_by_id))
    if conditions := observations.says(filters):
        source_id = case(
            (Classification.type == FINAL, Classification.source_classification_id), else_=Classification.id
        )
        statement = statement.where(exists().where(Observation.classification_id == source_id, *conditions))
    if conditions := _taken(filters):
        statement = statement.where(exists().where(Resource.id == Classification.resource_id, *conditions))
    rows: Any = await db.execute(page_of(statement, [Classification.id], page_request, [UUID]))
    return split([(row, final_row) for row, final_row in rows], page_request, lambda row: [row[0].id])


def _taken(filters: RecordFilters) -> list[ColumnElement[bool]]:
    """The conditions of filters that are about where and when a resource was taken."""
    conditions: list[ColumnElement[bool]] = []
    if filters.deployment_id:
        conditions.append(Resource.deployment_id.in_(filters.deployment_id))
    if filters.captured_from is not None:
        conditions.append(Resource.captured_at >= filters.captured_from)
    if filters.captured_until is not None:
        conditions.append(Resource.captured_at < filters.captured_until)
    return conditions


async def history(
    db: Session, project_id: UUID, resource_id: UUID, *, visible: ColumnElement[bool]
) -> Sequence[Classification]:
    """Every visible row of a resource in a project, oldest first."""
    statement = (
        select(Classification)
        .where(
            Classification.classification_project_id == project_id, Classification.resource_id == resource_id, visible
        )
        .order_by(Classification.id)
    )
    return (await db.scalars(statement)).all()
