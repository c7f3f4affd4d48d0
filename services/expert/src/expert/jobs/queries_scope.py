"""Statements about which resources a job takes: those that are due, and those that a person names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, and_, cast, exists, func, literal, or_, select, update
from sqlalchemy.orm import aliased

from expert.classification_projects.models import ClassificationProject, LinkedCollection, LinkedCollectionResource
from expert.classification_projects.queries import is_open
from expert.classification_projects.state import ClassificationProjectStatus
from expert.collections.models import Collection
from expert.jobs.models import AiClassificationJob, JobResource
from expert.jobs.state import CLOSED, ENDED, JOB_FAILED, Outcome
from expert.operations.models import Operation, OperationItem
from expert.operations.state import CLOSED as ENDED_OPERATION
from expert.providers.models import AiProvider, AiProviderConnection
from expert.resources.models import Resource
from expert.resources.state import ResourceKind, ResourceState
from trapper_kit.db import Session, db_clock
from trapper_schemas.v1.results import REPEATABLE

MAKE_JOBS = "jobs.make"
"""The kind of operation that makes several jobs."""

AGAIN = (*sorted(code.value for code in REPEATABLE), JOB_FAILED)
"""Failure codes after which another run may succeed."""


@dataclass(frozen=True)
class DueCollection:
    """A linked collection with resources that are due."""

    linked_collection_id: UUID
    classification_project_id: UUID


def _among(resource_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether a linked resource is one of these, however many they are: one parameter."""
    return LinkedCollectionResource.resource_id == func.any(literal(list(resource_ids), ARRAY(Uuid)))


def _readable() -> ColumnElement[bool]:
    return and_(
        Resource.state == ResourceState.DESCRIBED,
        Resource.kind == ResourceKind.IMAGE,
        Resource.is_active.is_(True),
        Resource.remote_url.is_(None),
    )


def _has_unusable_provider() -> ColumnElement[bool]:
    """Whether a model of the project cannot run or is not pinned: then its jobs are blocked, and none is made."""
    provider = aliased(AiProvider)
    chosen = (
        ClassificationProject.object_detection_ai_model_id,
        ClassificationProject.species_ai_model_id,
        ClassificationProject.embedding_ai_model_id,
    )
    return exists().where(provider.id.in_(chosen), or_(~provider.is_active, provider.is_unpinned))


def _is_being_made() -> ColumnElement[bool]:
    """Whether an operation makes jobs of the linked collection: no other job takes its resources meanwhile."""
    return exists().where(
        Operation.kind == MAKE_JOBS,
        Operation.state.not_in(tuple(ENDED_OPERATION)),
        Operation.parameters["linked_collection_id"].as_string() == cast(LinkedCollection.id, Text),
    )


async def due_collections(
    db: Session, *, quiet: timedelta, at_most: timedelta, enough: int, limit: int
) -> Sequence[DueCollection]:
    """Linked collections with due resources: none new for `quiet`, one older than `at_most`, or `enough` of them.

    Times are those of the database's clock, which also set since when they are due.
    """
    now = db_clock()
    since = func.greatest(Resource.described_at, LinkedCollectionResource.created_at)
    statement = (
        select(LinkedCollection.id, LinkedCollection.classification_project_id)
        .join(ClassificationProject, ClassificationProject.id == LinkedCollection.classification_project_id)
        .join(AiProvider, AiProvider.id == ClassificationProject.object_detection_ai_model_id)
        .join(AiProviderConnection, AiProviderConnection.id == AiProvider.connection_id)
        .join(LinkedCollectionResource, LinkedCollectionResource.linked_collection_id == LinkedCollection.id)
        .join(Resource, Resource.id == LinkedCollectionResource.resource_id)
        .where(
            LinkedCollectionResource.taken_at.is_(None),
            LinkedCollection.is_active,
            is_open(),
            LinkedCollection.collection_id.in_(select(Collection.id).where(Collection.is_active)),
            ClassificationProject.status == ClassificationProjectStatus.ONGOING,
            AiProvider.is_active,
            AiProviderConnection.is_active,
            ~_has_unusable_provider(),
            ~_is_being_made(),
            _readable(),
        )
        .group_by(LinkedCollection.id)
        .having(
            or_(func.max(since) <= now - quiet, func.min(since) <= now - at_most, func.count() >= enough),
        )
        .order_by(func.min(since))
        .limit(limit)
    )
    return [DueCollection(*row) for row in await db.execute(statement)]


async def take_answered(
    db: Session, linked_collection_id: UUID, project_id: UUID, models_key: str, *, now: datetime
) -> None:
    """Take due resources that these models have answered in another collection of the project; they need no job."""
    await db.execute(
        update(LinkedCollectionResource)
        .where(
            LinkedCollectionResource.linked_collection_id == linked_collection_id,
            LinkedCollectionResource.taken_at.is_(None),
            _in_job(project_id, models_key, _has_answer()),
        )
        .values(taken_at=now, ai_ended_at=now)
    )


async def take_due(
    db: Session, linked_collection_id: UUID, project_id: UUID, models_key: str, *, now: datetime, limit: int
) -> Sequence[UUID]:
    """Take up to `limit` due resources that no job with these models has; two sweeps never take the same one."""
    due = (
        select(LinkedCollectionResource.resource_id)
        .join(Resource, Resource.id == LinkedCollectionResource.resource_id)
        .where(
            LinkedCollectionResource.linked_collection_id == linked_collection_id,
            LinkedCollectionResource.taken_at.is_(None),
            _readable(),
            ~_answered(project_id, models_key),
        )
        .order_by(LinkedCollectionResource.resource_id)
        .limit(limit)
        .with_for_update(of=LinkedCollectionResource, skip_locked=True)
        .cte("due")
    )
    statement = (
        update(LinkedCollectionResource)
        .where(
            LinkedCollectionResource.linked_collection_id == linked_collection_id,
            LinkedCollectionResource.resource_id == due.c.resource_id,
        )
        .values(taken_at=now)
        .returning(LinkedCollectionResource.resource_id)
    )
    return (await db.scalars(statement)).all()


async def linked(db: Session, linked_collection_id: UUID) -> LinkedCollection | None:
    """One linked collection that the owners of the collection have not closed."""
    return await db.scalar(select(LinkedCollection).where(LinkedCollection.id == linked_collection_id, is_open()))


async def linked_resources(
    db: Session, project_id: UUID, resource_ids: Sequence[UUID], *, link_id: UUID | None
) -> set[UUID]:
    """Those of the resources that are in the project's open linked collections, or in one of them."""
    if not resource_ids:
        return set()
    statement = (
        select(LinkedCollectionResource.resource_id)
        .join(LinkedCollection, LinkedCollection.id == LinkedCollectionResource.linked_collection_id)
        .where(
            LinkedCollection.classification_project_id == project_id,
            is_open(),
            _among(resource_ids),
        )
    )
    if link_id is not None:
        statement = statement.where(LinkedCollection.id == link_id)
    return set((await db.scalars(statement)).all())


async def linked_holding_all(db: Session, project_id: UUID, resource_ids: Sequence[UUID]) -> UUID | None:
    """A linked collection of the project that holds all of these resources."""
    statement = (
        select(LinkedCollectionResource.linked_collection_id)
        .join(LinkedCollection, LinkedCollection.id == LinkedCollectionResource.linked_collection_id)
        .where(
            LinkedCollection.classification_project_id == project_id,
            is_open(),
            _among(resource_ids),
        )
        .group_by(LinkedCollectionResource.linked_collection_id)
        .having(func.count() == len(set(resource_ids)))
        .order_by(LinkedCollectionResource.linked_collection_id)
        .limit(1)
    )
    return await db.scalar(statement)


async def hold_scope(db: Session, linked_collection_id: UUID, resource_ids: Sequence[UUID] | None) -> None:
    """Lock the resources of a scope, so that no other job takes them until the transaction ends."""
    statement = (
        select(LinkedCollectionResource.resource_id)
        .where(LinkedCollectionResource.linked_collection_id == linked_collection_id)
        .order_by(LinkedCollectionResource.resource_id)
        .with_for_update()
    )
    if resource_ids is not None:
        statement = statement.where(_among(resource_ids))
    await db.execute(statement)


@dataclass(frozen=True)
class Selection:
    """Resources of a linked collection: all, those with these ids, or the items of an operation.

    With `missing_under` (project, models key) only those that these models have not answered.
    """

    linked_collection_id: UUID
    resource_ids: Sequence[UUID] | None = None
    operation_id: UUID | None = None
    missing_under: tuple[UUID, str] | None = None


def _selected(selection: Selection) -> Select[UUID]:
    resource_id = LinkedCollectionResource.resource_id
    statement = (
        select(resource_id)
        .join(Resource, Resource.id == resource_id)
        .where(LinkedCollectionResource.linked_collection_id == selection.linked_collection_id, _readable())
    )
    if selection.resource_ids is not None:
        statement = statement.where(_among(selection.resource_ids))
    if selection.operation_id is not None:
        items = select(OperationItem.item_id).where(OperationItem.operation_id == selection.operation_id)
        statement = statement.where(resource_id.in_(items))
    if selection.missing_under is not None:
        statement = statement.where(~_answered(*selection.missing_under))
    return statement


async def count_scope(db: Session, selection: Selection) -> int:
    """The number of readable resources of a selection."""
    return (await db.execute(select(func.count()).select_from(_selected(selection).subquery()))).scalar_one()


async def in_scope(
    db: Session, selection: Selection, *, limit: int, after: UUID | None = None, lock: bool = False
) -> Sequence[UUID]:
    """The first readable resources of a selection after an id, in the order of ids; with `lock` no other job's."""
    resource_id = LinkedCollectionResource.resource_id
    statement = _selected(selection).order_by(resource_id).limit(limit)
    if after is not None:
        statement = statement.where(resource_id > after)
    if lock:
        statement = statement.with_for_update(of=LinkedCollectionResource)
    return (await db.scalars(statement)).all()


def _answered(project_id: UUID, models_key: str) -> ColumnElement[bool]:
    """Whether a job with these models has the resource pending, ended it, or failed for a reason in the file."""
    pending = and_(JobResource.outcome == Outcome.PENDING, AiClassificationJob.stage.not_in(tuple(CLOSED)))
    return _in_job(project_id, models_key, or_(pending, _has_answer()))


def _has_answer() -> ColumnElement[bool]:
    """Whether a job's resource was looked at, or failed for a reason in the file."""
    return or_(
        JobResource.outcome.in_(ENDED), and_(JobResource.outcome == Outcome.FAILED, JobResource.code.not_in(AGAIN))
    )


def _in_job(project_id: UUID, models_key: str, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(JobResource.job_id)
        .join(AiClassificationJob, AiClassificationJob.id == JobResource.job_id)
        .where(
            JobResource.resource_id == LinkedCollectionResource.resource_id,
            AiClassificationJob.classification_project_id == project_id,
            AiClassificationJob.models_key == models_key,
            condition,
        )
        .exists()
    )


async def mark_taken(db: Session, linked_collection_id: UUID, resource_ids: Sequence[UUID], *, now: datetime) -> None:
    """Note that a job has taken resources, so that they are no longer due."""
    await db.execute(
        update(LinkedCollectionResource)
        .where(
            LinkedCollectionResource.linked_collection_id == linked_collection_id,
            _among(resource_ids),
            LinkedCollectionResource.taken_at.is_(None),
        )
        .values(taken_at=now)
    )


async def mark_ended(db: Session, linked_collection_id: UUID, resource_ids: Sequence[UUID], *, now: datetime) -> None:
    """Note that the AI has ended for resources, whatever the outcome; people may then classify them."""
    await db.execute(
        update(LinkedCollectionResource)
        .where(
            LinkedCollectionResource.linked_collection_id == linked_collection_id,
            _among(resource_ids),
            LinkedCollectionResource.ai_ended_at.is_(None),
        )
        .values(ai_ended_at=now)
    )


async def resource_ids_of(db: Session, job_id: UUID, *, failed_only: bool) -> Sequence[UUID]:
    """The resources of a job, or those that failed."""
    statement = select(JobResource.resource_id).where(JobResource.job_id == job_id)
    if failed_only:
        statement = statement.where(JobResource.outcome == Outcome.FAILED)
    return (await db.scalars(statement)).all()
