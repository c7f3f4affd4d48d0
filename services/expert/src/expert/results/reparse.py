"""Apply a job's kept blobs again, without inference, perhaps under other thresholds."""

from datetime import datetime

from expert.jobs import queries as jobs
from expert.jobs.errors import JobStillOpen
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import JobStage, ParseOverrides
from expert.results import queries
from trapper_kit.db import Session, enqueue_after_commit


async def reparse_results(
    db: Session, job: AiClassificationJob, overrides: ParseOverrides, *, now: datetime
) -> AiClassificationJob:
    """Back to fetching; an answer that says the same as the current row writes nothing."""
    reopened = await jobs.move(
        db,
        job.id,
        was=JobStage.FINISHED,
        to=JobStage.FETCH_RESULTS,
        now=now,
        closed_at=None,
        parse_overrides=overrides.model_dump(mode="json", exclude_none=True),
    )
    if reopened is None:
        raise JobStillOpen(f"the job is {job.stage.value}; only a finished one is parsed again")
    for received_batch_id in await queries.keep_again(db, job.id):
        enqueue_after_commit(db, "results.apply", received_batch_id=received_batch_id)
    return reopened
