"""Make a job of resources that were taken for it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from expert.jobs import queries
from expert.jobs.freeze import Frozen
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import JobKind, JobStage
from trapper_kit.db import Session, db_clock, enqueue_after_commit


def new_job(
    frozen: Frozen,
    *,
    classification_project_id: UUID,
    linked_collection_id: UUID,
    total: int,
    interactive: bool,
    now: datetime,
) -> AiClassificationJob:
    """A job that is not in the database yet."""
    return AiClassificationJob(
        classification_project_id=classification_project_id,
        linked_collection_id=linked_collection_id,
        connection_id=frozen.connection_id,
        detection_provider_id=frozen.config.detection.provider_id,
        kind=JobKind.DETECT,
        stage=JobStage.CREATED,
        stages=[queries.entered(JobStage.CREATED, now)],
        job_config=frozen.config,
        models_key=frozen.config.models_key,
        interactive=interactive,
        total=total,
        created_at=now,
        looked_at=db_clock(),
        next_look_at=db_clock(),
    )


async def fill_job(db: Session, job: AiClassificationJob, resource_ids: Sequence[UUID], *, auto: bool) -> None:
    """Insert the job's resources, and enqueue its submission."""
    await queries.add(db, job, resource_ids, auto=auto)
    enqueue_after_commit(db, "jobs.submit", job_id=job.id)
