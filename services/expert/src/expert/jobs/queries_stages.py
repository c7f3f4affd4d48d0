"""Statements about the stages that follow the results of jobs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from expert.jobs.models import JobStageRun
from expert.jobs.state import StageAfterIngest
from expert.operations.models import Operation
from trapper_kit.db import Session


async def runs_of(
    db: Session, job_ids: Sequence[UUID]
) -> dict[UUID, dict[StageAfterIngest, list[tuple[UUID, Operation]]]]:
    """By job and stage, the operations that ran it, the newest first; jobs without any are left out."""
    statement = (
        select(JobStageRun.job_id, JobStageRun.stage, Operation)
        .join(Operation, Operation.id == JobStageRun.operation_id)
        .where(JobStageRun.job_id.in_(job_ids))
        .order_by(JobStageRun.stage, Operation.id.desc())
        .execution_options(populate_existing=True)
    )
    runs: dict[UUID, dict[StageAfterIngest, list[tuple[UUID, Operation]]]] = {}
    for job_id, stage, operation in await db.execute(statement):
        runs.setdefault(job_id, {}).setdefault(stage, []).append((operation.id, operation))
    return runs
