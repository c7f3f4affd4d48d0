"""Statements about sequences that people read and mark."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from expert.access.state import Caller
from expert.classification_projects.models import LinkedCollection
from expert.classification_projects.queries import readable_links
from expert.sequences.models import LinkSequences, ResourceSequence, SequenceChange, SequenceMarker, SequenceMember
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of
from trapper_schemas.ids import uuid7


@dataclass(frozen=True)
class SequenceFilter:
    """What a list of sequences is narrowed to; None does not count."""

    id: Sequence[UUID] | None = None
    classification_project_id: Sequence[UUID] | None = None
    linked_collection_id: Sequence[UUID] | None = None
    deployment_id: Sequence[UUID] | None = None
    resource_id: Sequence[UUID] | None = None
    external_id: str | None = None
    is_time_lapse: bool | None = None
    min_resources: int | None = None
    captured_from: datetime | None = None
    captured_until: datetime | None = None


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Those of linked collections that the caller may read."""
    return ResourceSequence.linked_collection_id.in_(readable_links(caller))


async def list_visible(
    db: Session, caller: Caller, page_request: PageRequest, given: SequenceFilter
) -> Sequence[ResourceSequence]:
    """A page of sequences, earliest first."""
    statement = select(ResourceSequence).where(visible_to(caller))
    for column, values in (
        (ResourceSequence.id, given.id),
        (ResourceSequence.classification_project_id, given.classification_project_id),
        (ResourceSequence.linked_collection_id, given.linked_collection_id),
        (ResourceSequence.deployment_id, given.deployment_id),
    ):
        if values:
            statement = statement.where(column.in_(values))
    if given.resource_id:
        members = SequenceMember.resource_id.in_(given.resource_id)
        statement = statement.where(ResourceSequence.id.in_(select(SequenceMember.sequence_id).where(members)))
    if given.external_id is not None:
        statement = statement.where(ResourceSequence.external_id == given.external_id)
    if given.is_time_lapse is not None:
        statement = statement.where(ResourceSequence.is_time_lapse.is_(given.is_time_lapse))
    if given.min_resources is not None:
        statement = statement.where(ResourceSequence.resource_count >= given.min_resources)
    if given.captured_from is not None:
        statement = statement.where(ResourceSequence.last_at >= given.captured_from)
    if given.captured_until is not None:
        statement = statement.where(ResourceSequence.first_at < given.captured_until)
    columns = [ResourceSequence.first_at, ResourceSequence.id]
    return (await db.scalars(page_of(statement, columns, page_request, [datetime.fromisoformat, UUID]))).all()


def resources_of(sequence_ids: Sequence[UUID]) -> Select[UUID]:
    """Ids of the resources in any of these sequences."""
    return select(SequenceMember.resource_id).where(SequenceMember.sequence_id.in_(sequence_ids))


async def list_members(db: Session, sequence_id: UUID, page_request: PageRequest) -> Sequence[SequenceMember]:
    """A page of a sequence's resources, in order."""
    statement = select(SequenceMember).where(SequenceMember.sequence_id == sequence_id)
    columns = [SequenceMember.captured_at, SequenceMember.resource_id]
    return (await db.scalars(page_of(statement, columns, page_request, [datetime.fromisoformat, UUID]))).all()


async def member(db: Session, link_id: UUID, resource_id: UUID) -> SequenceMember | None:
    """A resource in its sequence of a linked collection, as it is now."""
    statement = select(SequenceMember).where(
        SequenceMember.linked_collection_id == link_id, SequenceMember.resource_id == resource_id
    )
    return await db.scalar(statement.execution_options(populate_existing=True))


async def visible_member(db: Session, caller: Caller, link_id: UUID, resource_id: UUID) -> SequenceMember | None:
    """A resource in its sequence, when the caller may read the linked collection."""
    statement = select(SequenceMember).where(
        SequenceMember.linked_collection_id == link_id,
        SequenceMember.resource_id == resource_id,
        SequenceMember.linked_collection_id.in_(readable_links(caller)),
    )
    return await db.scalar(statement)


async def neighbours(db: Session, at: SequenceMember, *, limit: int, before: bool) -> list[SequenceMember]:
    """The resources before or after one in its series, in order of time."""
    key = tuple_(SequenceMember.captured_at, SequenceMember.resource_id)
    here = tuple_(at.captured_at, at.resource_id)
    order = [SequenceMember.captured_at, SequenceMember.resource_id]
    statement = (
        select(SequenceMember)
        .where(
            SequenceMember.linked_collection_id == at.linked_collection_id,
            SequenceMember.deployment_id == at.deployment_id,
            SequenceMember.is_time_lapse.is_(at.is_time_lapse),
            key < here if before else key > here,
        )
        .order_by(*([column.desc() for column in order] if before else order))
        .limit(limit)
    )
    rows = list((await db.scalars(statement)).all())
    return rows[::-1] if before else rows


async def count_link(db: Session, link_id: UUID) -> tuple[int, int, int, bool]:
    """Sequences and their resources, changes that wait, and whether the sequences are built."""
    of_link = ResourceSequence.linked_collection_id == link_id
    counted = select(func.count(), func.coalesce(func.sum(ResourceSequence.resource_count), 0)).where(of_link)
    sequences, resources = (await db.execute(counted)).one()
    waiting = select(func.count()).where(SequenceChange.linked_collection_id == link_id)
    built = exists().where(LinkSequences.linked_collection_id == link_id, LinkSequences.built_at.is_not(None))
    pending, is_built = (await db.execute(select(waiting.scalar_subquery(), built))).one()
    return sequences, resources, pending, is_built


async def project_of_link(db: Session, link_id: UUID) -> UUID | None:
    """The classification project of a linked collection."""
    statement = select(LinkedCollection.classification_project_id).where(LinkedCollection.id == link_id)
    return await db.scalar(statement)


async def set_interval(db: Session, link_id: UUID, seconds: int) -> None:
    """Change the interval of a linked collection."""
    await db.execute(
        update(LinkedCollection)
        .where(LinkedCollection.id == link_id, LinkedCollection.sequence_interval_seconds.is_distinct_from(seconds))
        .values(sequence_interval_seconds=seconds, version=LinkedCollection.version + 1)
    )


async def by_ids(db: Session, caller: Caller, ids: Sequence[UUID]) -> dict[UUID, ResourceSequence]:
    """The visible sequences with these ids, as they are now."""
    statement = select(ResourceSequence).where(ResourceSequence.id.in_(ids), visible_to(caller))
    return {row.id: row for row in await db.scalars(statement.execution_options(populate_existing=True))}


async def first_member(db: Session, sequence_id: UUID) -> SequenceMember:
    """The earliest resource of a sequence."""
    statement = (
        select(SequenceMember)
        .where(SequenceMember.sequence_id == sequence_id)
        .order_by(SequenceMember.captured_at, SequenceMember.resource_id)
        .limit(1)
    )
    return (await db.scalars(statement)).one()


async def insert_marker(
    db: Session, link_id: UUID, resource_id: UUID, joined_resource_id: UUID | None, *, by: UUID
) -> None:
    """Store what a person marked; the same mark again changes nothing."""
    made = insert(SequenceMarker).values(
        id=uuid7(),
        linked_collection_id=link_id,
        resource_id=resource_id,
        joined_resource_id=joined_resource_id,
        created_by=by,
    )
    await db.execute(made.on_conflict_do_nothing())


async def delete_splits(db: Session, first: SequenceMember, last: SequenceMember) -> None:
    """Delete the splits after one resource of a series up to another one."""
    between = select(SequenceMember.resource_id).where(
        SequenceMember.linked_collection_id == first.linked_collection_id,
        SequenceMember.deployment_id == first.deployment_id,
        SequenceMember.is_time_lapse.is_(first.is_time_lapse),
        tuple_(SequenceMember.captured_at, SequenceMember.resource_id) > (first.captured_at, first.resource_id),
        tuple_(SequenceMember.captured_at, SequenceMember.resource_id) <= (last.captured_at, last.resource_id),
    )
    await db.execute(
        delete(SequenceMarker).where(
            SequenceMarker.linked_collection_id == first.linked_collection_id,
            SequenceMarker.joined_resource_id.is_(None),
            SequenceMarker.resource_id.in_(between),
        )
    )
