"""Parses a job's kept blobs again, without inference, perhaps under other thresholds."""

from datetime import datetime
from uuid import UUID

from expert.jobs import queries as jobs
from expert.jobs.errors import JobStillOpen
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import JobStage, ParseOverrides
from expert.results import queries, queries_configs
from trapper_kit.db import Session, enqueue_after_commit


async def reparse_results(
    db: Session, job: AiClassificationJob, overrides: ParseOverrides, *, by: UUID, now: datetime
) -> AiClassificationJob:
    """Move a finished job back to fetching, under a new version of its configuration.

    Rows are written only where the current row is of this job and says something else.
    """
    version = job.job_config_version + 1
    reopened = await jobs.move(
        db,
        job.id,
        was=JobStage.FINISHED,
        to=JobStage.FETCH_RESULTS,
        now=now,
        closed_at=None,
        job_config_version=version,
    )
    if reopened is None:
        raise JobStillOpen(f"the job is {job.stage.value}; only a finished one is parsed again")
    config = job.job_config.model_copy(update=overrides.model_dump(exclude_none=True))
    await queries_configs.add_version(db, job.id, version, config, by=by, now=now)
    for received_batch_id in await queries.keep_again(db, job.id):
        enqueue_after_commit(db, "results.apply", received_batch_id=received_batch_id)
    return reopened
