"""Statements about the versions of a job's configuration: 1 is the job's own, each re-parse adds one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from expert.jobs.models import AiClassificationJob
from expert.jobs.state import FIRST_CONFIG, FrozenJobConfig
from expert.results.models import JobConfigVersion, ReceivedBatch
from trapper_kit.db import Session


async def current_config(db: Session, job: AiClassificationJob) -> FrozenJobConfig:
    """The configuration that the job's results are parsed with."""
    if job.job_config_version == FIRST_CONFIG:
        return job.job_config
    return (await db.get_one(JobConfigVersion, (job.id, job.job_config_version))).job_config


async def add_version(
    db: Session, job_id: UUID, version: int, config: FrozenJobConfig, *, by: UUID, now: datetime
) -> None:
    """Store the configuration of a re-parse."""
    db.add(JobConfigVersion(job_id=job_id, version=version, job_config=config, created_by=by, created_at=now))
    await db.flush()


async def versions_of(db: Session, job_id: UUID) -> Sequence[JobConfigVersion]:
    """The configurations of a job's re-parses, oldest first."""
    statement = select(JobConfigVersion).where(JobConfigVersion.job_id == job_id).order_by(JobConfigVersion.version)
    return (await db.scalars(statement)).all()


async def superseded_of(db: Session, job_id: UUID) -> int:
    """How many resources the latest parse left alone, because their current row is of another job."""
    statement = select(func.coalesce(func.sum(ReceivedBatch.superseded), 0)).where(ReceivedBatch.job_id == job_id)
    return (await db.execute(statement)).scalar_one()
