"""Statements behind the list of machine detections: which batches hold a project's current results."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, literal, select, union
from sqlalchemy.dialects.postgresql import distinct_on

from expert.access.state import Caller
from expert.classification_projects.models import LinkedCollectionResource
from expert.classification_projects.queries import row_visible_to
from expert.classifications.models import AI, Classification
from expert.jobs.models import AiClassificationJob, JobResource
from expert.jobs.state import FrozenJobConfig, Outcome
from expert.results.models import ReceivedBatch
from expert.results.state import ReceivedState
from trapper_kit.db import Session


@dataclass(frozen=True)
class MachineBatch:
    """A batch with listed resources, by their indices in its blob."""

    received_batch_id: UUID
    batch_id: UUID
    sha256: str
    job_config: FrozenJobConfig
    rows: dict[int, UUID]


def _current(project_id: UUID, provider_id: UUID):  # noqa: ANN202 - a statement, whose type says nothing
    return select(
        Classification.received_batch_id,
        Classification.batch_row,
        Classification.resource_id,
        Classification.linked_collection_id,
    ).where(
        Classification.classification_project_id == project_id,
        Classification.type == AI,
        Classification.superseded_by_id.is_(None),
        Classification.provider_id == provider_id,
    )


def _failed(project_id: UUID, provider_id: UUID):  # noqa: ANN202 - as above
    """The newest failure of each resource that this provider never saw."""
    seen = (
        select(Classification.id)
        .where(
            Classification.resource_id == JobResource.resource_id,
            Classification.classification_project_id == project_id,
            Classification.provider_id == provider_id,
            Classification.type == AI,
        )
        .exists()
    )
    newest = (
        select(
            JobResource.received_batch_id,
            JobResource.batch_row,
            JobResource.resource_id,
            JobResource.linked_collection_id,
        )
        .join(AiClassificationJob, AiClassificationJob.id == JobResource.job_id)
        .where(
            AiClassificationJob.classification_project_id == project_id,
            AiClassificationJob.detection_provider_id == provider_id,
            JobResource.outcome == Outcome.FAILED,
            JobResource.received_batch_id.is_not(None),
            ~seen,
        )
        .ext(distinct_on(JobResource.resource_id))
        .order_by(JobResource.resource_id, JobResource.job_id.desc())
    )
    return newest.subquery()


async def machine_batches(
    db: Session,
    project_id: UUID,
    provider_id: UUID,
    *,
    caller: Caller,
    linked_collection_id: UUID | None,
    after: UUID | None,
    at_least: int,
) -> tuple[list[MachineBatch], bool]:
    """Whole batches, in order, until they have `at_least` resources that the caller may see; whether there are more."""
    failed = _failed(project_id, provider_id)
    everything = union(_current(project_id, provider_id), select(failed)).subquery("everything")
    visible = row_visible_to(
        caller,
        project_id=project_id,
        linked_collection_id=everything.c.linked_collection_id,
        resource_id=everything.c.resource_id,
    )
    inside = select(everything).where(visible)
    if linked_collection_id is not None:  # by membership: a resource may have been looked at for another collection
        members = select(LinkedCollectionResource.resource_id).where(
            LinkedCollectionResource.linked_collection_id == linked_collection_id
        )
        inside = inside.where(everything.c.resource_id.in_(members))
    listed = inside.subquery("listed")
    per_batch = (
        select(listed.c.received_batch_id, func.count().label("rows"))
        .where(listed.c.received_batch_id > after if after is not None else literal(True))
        .group_by(listed.c.received_batch_id)
        .order_by(listed.c.received_batch_id)
        .limit(at_least + 1)
    )
    chosen: list[UUID] = []
    so_far, more = 0, False
    for received_batch_id, rows in await db.execute(per_batch):
        if so_far >= at_least:
            more = True
            break
        chosen.append(received_batch_id)
        so_far += rows
    statement = (
        select(listed, ReceivedBatch.batch_id, ReceivedBatch.sha256, AiClassificationJob.job_config)
        .join(ReceivedBatch, ReceivedBatch.id == listed.c.received_batch_id)
        .join(AiClassificationJob, AiClassificationJob.id == ReceivedBatch.job_id)
        .where(listed.c.received_batch_id.in_(chosen), ReceivedBatch.state != ReceivedState.REFUSED)
        .order_by(listed.c.received_batch_id, listed.c.batch_row)
    )
    batches: dict[UUID, MachineBatch] = {}
    for received_batch_id, row, resource_id, _, batch_id, sha256, config in await db.execute(statement):
        batch = batches.setdefault(received_batch_id, MachineBatch(received_batch_id, batch_id, sha256, config, {}))
        batch.rows[row] = resource_id
    return list(batches.values()), more


async def detection_provider(db: Session, project_id: UUID) -> Sequence[UUID]:
    """The project's detection provider, or, when it has none any more, that of its newest job."""
    statement = (
        select(AiClassificationJob.detection_provider_id)
        .where(AiClassificationJob.classification_project_id == project_id)
        .order_by(AiClassificationJob.id.desc())
        .limit(1)
    )
    return (await db.scalars(statement)).all()
