"""Statements about jobs and their resources; where-clauses hold which stage may follow which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, insert, literal, select, update
from sqlalchemy.orm import defer

from expert.access.state import Caller
from expert.algorithms.models import Algorithm, CategoryMap
from expert.classification_projects.models import ClassificationProject, LinkedCollection
from expert.classification_projects.queries import is_open, row_visible_to
from expert.jobs.models import AiClassificationJob, JobResource
from expert.jobs.state import FOLLOWED, JobStage, Outcome
from expert.providers.models import AiProvider, AiProviderConnection
from expert.resources.models import Resource
from trapper_kit.db import Session, db_clock
from trapper_kit.paging import PageRequest, page_of, split
from trapper_schemas.v1.models import ModelKind


@dataclass(frozen=True)
class Chosen:
    """A provider whose connection is active, what it is chosen for, and the size of its label map."""

    kind: ModelKind
    provider: AiProvider
    category_map_id: UUID | None
    labels: int


async def providers(db: Session, ids: Sequence[UUID]) -> dict[UUID, Chosen]:
    """The active providers with these ids."""
    statement = (
        select(AiProvider, Algorithm.category_map_id, CategoryMap.size)
        .join(AiProviderConnection, AiProviderConnection.id == AiProvider.connection_id)
        .join(Algorithm, Algorithm.id == AiProvider.algorithm_id)
        .join(CategoryMap, CategoryMap.id == Algorithm.category_map_id, isouter=True)
        .where(AiProvider.id.in_(ids), AiProvider.is_active, AiProviderConnection.is_active)
    )
    return {row[0].id: Chosen(row[0].provider_type, row[0], row[1], row[2] or 0) for row in await db.execute(statement)}


async def get(db: Session, job_id: UUID, *, lock: bool = False) -> AiClassificationJob | None:
    """One job as it is in the database now."""
    statement = select(AiClassificationJob).where(AiClassificationJob.id == job_id)
    if lock:
        statement = statement.with_for_update()
    return await db.scalar(statement.execution_options(populate_existing=True))


async def by_manager_id(db: Session, manager_job_id: UUID) -> UUID | None:
    """The id of a job by its id at the Manager."""
    statement = select(AiClassificationJob.id).where(AiClassificationJob.manager_job_id == manager_job_id)
    return await db.scalar(statement)


async def connection_of(db: Session, job: AiClassificationJob) -> AiProviderConnection:
    """The Manager that the job goes to."""
    return (await db.scalars(select(AiProviderConnection).where(AiProviderConnection.id == job.connection_id))).one()


async def take_submission(db: Session, job_id: UUID, *, pause: timedelta) -> AiClassificationJob | None:
    """Claim the next attempt to submit; None when another process has it, or when it is submitted."""
    statement = (
        update(AiClassificationJob)
        .where(
            AiClassificationJob.id == job_id,
            AiClassificationJob.stage == JobStage.CREATED,
            AiClassificationJob.next_look_at <= db_clock(),
        )
        .values(attempts=AiClassificationJob.attempts + 1, looked_at=db_clock(), next_look_at=db_clock() + pause)
        .returning(AiClassificationJob)
        .execution_options(populate_existing=True)
    )
    return await db.scalar(statement)


async def put_off(db: Session, job_id: UUID, *, pause: timedelta, why: str) -> None:
    """Delay the next attempt to submit a job, and store why the last one failed."""
    await db.execute(
        update(AiClassificationJob)
        .where(AiClassificationJob.id == job_id, AiClassificationJob.stage == JobStage.CREATED)
        .values(next_look_at=db_clock() + pause, error=why)
    )


async def move(
    db: Session, job_id: UUID, *, was: JobStage, to: JobStage, now: datetime, **values: Any
) -> AiClassificationJob | None:
    """From one stage to another, if it is still in the first; the step is added to its history."""
    statement = (
        update(AiClassificationJob)
        .where(AiClassificationJob.id == job_id, AiClassificationJob.stage == was)
        .values(
            stage=to,
            stages=AiClassificationJob.stages.op("||")(literal([entered(to, now)], AiClassificationJob.stages.type)),
            **values,
        )
        .returning(AiClassificationJob)
        .execution_options(populate_existing=True)
    )
    return await db.scalar(statement)


def entered(stage: JobStage, at: datetime) -> dict[str, str]:
    """One entry of a job's stage list."""
    return {"stage": stage.value, "at": at.isoformat()}


async def store_manager_reply(db: Session, job_id: UUID, **values: object) -> None:
    """Store values that the Manager replied."""
    await db.execute(update(AiClassificationJob).where(AiClassificationJob.id == job_id).values(**values))


async def claim_next_poll(db: Session, job_id: UUID, *, pause: timedelta) -> None:
    """Claim the next poll of a job: no other process polls it before the pause is over, by the database's clock."""
    await store_manager_reply(db, job_id, looked_at=db_clock(), next_look_at=db_clock() + pause)


async def waiting(db: Session, *, limit: int) -> Sequence[UUID]:
    """Jobs that are not submitted and may be tried now."""
    return await _due_ids(db, (JobStage.CREATED,), limit)


async def open_ids(db: Session, *, limit: int) -> Sequence[UUID]:
    """Submitted jobs whose next poll is due."""
    return await _due_ids(db, FOLLOWED, limit)


async def _due_ids(db: Session, stages: Sequence[JobStage], limit: int) -> Sequence[UUID]:
    statement = (
        select(AiClassificationJob.id)
        .where(AiClassificationJob.stage.in_(stages), AiClassificationJob.next_look_at <= db_clock())
        .order_by(AiClassificationJob.looked_at)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def ended_without_manager(db: Session, *, limit: int) -> Sequence[UUID]:
    """Failed and cancelled jobs that the Manager may still be working on."""
    statement = (
        select(AiClassificationJob.id)
        .where(
            AiClassificationJob.manager_settled_at.is_(None),
            AiClassificationJob.stage.in_((JobStage.FAILED, JobStage.CANCELLED)),
            AiClassificationJob.next_look_at <= db_clock(),
        )
        .order_by(AiClassificationJob.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def page_of_resources(db: Session, job_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Resource]:
    """A job's resources in the order in which they are submitted, always the same."""
    statement = (
        select(Resource)
        .join(JobResource, JobResource.resource_id == Resource.id)
        .where(JobResource.job_id == job_id)
        .order_by(JobResource.resource_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(JobResource.resource_id > after)
    return (await db.scalars(statement)).all()


async def add(db: Session, job: AiClassificationJob, resource_ids: Sequence[UUID], *, auto: bool) -> None:
    """The rows of a job's resources, all pending."""
    columns = ["job_id", "resource_id", "linked_collection_id", "auto", "outcome", "has_animals"]
    rows = select(
        literal(job.id),
        func.unnest(literal(list(resource_ids), ARRAY(Uuid))),
        literal(job.linked_collection_id),
        literal(auto),
        literal(Outcome.PENDING.value),
        literal(False),
    )
    await db.execute(insert(JobResource).from_select(columns, rows))


async def counts(db: Session, job_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """The number of resources of each job by outcome, counted from the resources."""
    statement = (
        select(
            JobResource.job_id,
            *(
                func.count().filter(JobResource.outcome == outcome).label(outcome.value)
                for outcome in (Outcome.DONE, Outcome.BLANK, Outcome.FAILED, Outcome.CANCELLED)
            ),
            func.count().filter(JobResource.has_animals).label("with_animals"),
        )
        .where(JobResource.job_id.in_(job_ids))
        .group_by(JobResource.job_id)
    )
    return {row["job_id"]: dict(row) for row in (await db.execute(statement)).mappings()}


async def detection_providers(db: Session, jobs: Sequence[AiClassificationJob]) -> dict[UUID, AiProvider]:
    """The detection provider of each job, by its id."""
    ids = {job.detection_provider_id for job in jobs}
    return {row.id: row for row in await db.scalars(select(AiProvider).where(AiProvider.id.in_(ids)))}


async def end_pending(
    db: Session, job_id: UUID, *, outcome: Outcome, code: str | None, message: str | None
) -> Sequence[UUID]:
    """Give every pending resource of a job this outcome; the ids of those resources."""
    statement = (
        update(JobResource)
        .where(JobResource.job_id == job_id, JobResource.outcome == Outcome.PENDING)
        .values(outcome=outcome, code=code, message=message)
        .returning(JobResource.resource_id)
    )
    return (await db.scalars(statement)).all()


async def pending(db: Session, job_id: UUID) -> int:
    """How many resources of the job have no outcome."""
    statement = select(func.count()).where(JobResource.job_id == job_id, JobResource.outcome == Outcome.PENDING)
    return (await db.execute(statement)).scalar_one()


async def listed(
    db: Session,
    page_request: PageRequest,
    *,
    visible_projects: Select[UUID],
    project_ids: Sequence[UUID],
    linked_collection_ids: Sequence[UUID],
    ids: Sequence[UUID],
    provider_ids: Sequence[UUID],
    stages: Sequence[JobStage],
) -> tuple[list[AiClassificationJob], str | None]:
    """One page of jobs, newest first."""
    statement = select(AiClassificationJob).where(AiClassificationJob.classification_project_id.in_(visible_projects))
    if project_ids:
        statement = statement.where(AiClassificationJob.classification_project_id.in_(project_ids))
    if linked_collection_ids:
        statement = statement.where(AiClassificationJob.linked_collection_id.in_(linked_collection_ids))
    if ids:
        statement = statement.where(AiClassificationJob.id.in_(ids))
    if provider_ids:
        statement = statement.where(AiClassificationJob.detection_provider_id.in_(provider_ids))
    if stages:
        statement = statement.where(AiClassificationJob.stage.in_(stages))
    rows = (
        await db.scalars(page_of(statement, [AiClassificationJob.id], page_request, [UUID], newest_first=True))
    ).all()
    return split(rows, page_request, lambda row: [row.id])


async def outcomes(
    db: Session, job: AiClassificationJob, page_request: PageRequest, *, caller: Caller, outcome_in: Sequence[Outcome]
) -> tuple[list[JobResource], str | None]:
    """One page of a job's resources that the caller may see, with how they ended."""
    visible = row_visible_to(
        caller,
        project_id=job.classification_project_id,
        linked_collection_id=JobResource.linked_collection_id,
        resource_id=JobResource.resource_id,
    )
    statement = select(JobResource).where(JobResource.job_id == job.id, visible)
    if outcome_in:
        statement = statement.where(JobResource.outcome.in_(outcome_in))
    rows = (await db.scalars(page_of(statement, [JobResource.resource_id], page_request, [UUID]))).all()
    return split(rows, page_request, lambda row: [row.resource_id])


_HELD = (
    select(AiClassificationJob.connection_id, AiClassificationJob.stage, Resource)
    .join(
        JobResource,
        (JobResource.job_id == AiClassificationJob.id) & (JobResource.resource_id == bindparam("resource_id")),
        isouter=True,
    )
    .join(Resource, Resource.id == JobResource.resource_id, isouter=True)
    .join(LinkedCollection, LinkedCollection.id == AiClassificationJob.linked_collection_id)
    .where(AiClassificationJob.id == bindparam("job_id"), is_open())
    .options(defer(Resource.exif))
)
"""Built once: a worker runs it for every medium, and building it costs as much as running it."""


async def holds(db: Session, job_id: UUID, resource_id: UUID) -> tuple[UUID, JobStage, Resource | None] | None:
    """The connection and stage of a job, and the resource when it is one of the job's; None for no such job."""
    row = (await db.execute(_HELD, {"job_id": job_id, "resource_id": resource_id})).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def project(db: Session, project_id: UUID) -> ClassificationProject | None:
    """The project whose settings a job takes."""
    return await db.get(ClassificationProject, project_id)
