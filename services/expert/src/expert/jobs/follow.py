"""Poll the Manager for the state of a job; a notification only makes the poll come earlier."""

from datetime import timedelta
from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries
from expert.jobs.end import end_job
from expert.jobs.errors import JobNotFound
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import FOLLOWED, JobStage, stage_after_poll
from expert.providers.open_connection import open_connection
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.jobs import JobReply


async def follow_job(work: ExpertWork, job_id: UUID) -> JobReply | None:
    """The Manager's reply after it was stored; None when it did not answer or the job has ended."""
    async with work.db() as db:
        job = await queries.get(db, job_id)
        if job is None or job.stage not in FOLLOWED or job.manager_job_id is None:
            return None
        connection = await queries.connection_of(db, job)
        await queries.claim_next_poll(db, job_id, pause=timedelta(seconds=work.settings.intervals.follow))
    try:
        reply = await open_connection(work, connection).read_job(job.manager_job_id)
    except Problem as problem:
        if problem.type == JobNotFound.type:
            async with work.db() as db:
                why = "the Manager does not know this job any more"
                await end_job(db, job_id, JobStage.FAILED, now=work.clock.now(), error=why, settled=True)
        else:
            log("job.not_heard", job=job_id, problem=problem.type, detail=problem.detail)
        return None
    async with work.db() as db:
        await _note(work, db, job, reply)
    return reply


async def _note(work: ExpertWork, db: Session, job: AiClassificationJob, reply: JobReply) -> None:
    values = {
        "manager_state": reply.state.value,
        "progress": reply.progress,
        "eta_seconds": reply.eta_seconds,
        "images_per_second": reply.images_per_second,
        "unacknowledged": reply.unacknowledged,
        "blocked": reply.blocked and reply.blocked.model_dump(mode="json"),
    }
    changed = {name: value for name, value in values.items() if getattr(job, name) != value}
    if changed:
        await queries.store_manager_reply(db, job.id, **changed)
    stage = stage_after_poll(job.stage, reply.state, unacknowledged=reply.unacknowledged)
    now = work.clock.now()
    if stage is JobStage.CANCELLED:
        await end_job(db, job.id, stage, now=now, error="the Manager cancelled this job")
        return
    if stage is not job.stage:
        await queries.move(db, job.id, was=job.stage, to=stage, now=now)
    if reply.unacknowledged:
        enqueue_after_commit(db, "results.fetch", job_id=job.id)
    elif stage is JobStage.INGESTING:
        enqueue_after_commit(db, "results.close", job_id=job.id)
