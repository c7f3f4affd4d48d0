"""Cancel a job: here at once, at the Manager by a task that is repeated; late results change nothing."""

from datetime import datetime, timedelta
from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries
from expert.jobs.end import end_job
from expert.jobs.errors import JobClosed, JobNotFound
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import CLOSED, passes
from expert.jobs.state import JobStage as Stage
from expert.jobs.submit import send_job
from expert.providers.open_connection import open_connection
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.problems import Problem

_ENDED_THERE = frozenset({"finished", "partial", "failed", "cancelled"})


async def cancel_job(db: Session, job_id: UUID, *, now: datetime) -> AiClassificationJob:
    """The cancelled job; raises JobClosed for a job that ended otherwise."""
    ended = await end_job(db, job_id, Stage.CANCELLED, now=now)
    if ended is None:
        job = await queries.get(db, job_id)
        if job is None:
            raise JobNotFound
        if job.stage is Stage.CANCELLED:
            return job
        raise JobClosed(f"the job is {job.stage.value} already")
    enqueue_after_commit(db, "jobs.withdraw", job_id=job_id)
    return ended


async def withdraw_job(work: ExpertWork, job_id: UUID) -> None:
    """Cancel a closed job at its Manager, and acknowledge its results there without reading them."""
    async with work.db() as db:
        job = await queries.get(db, job_id)
        if job is None or job.stage not in CLOSED or job.manager_settled_at is not None:
            return
        connection = await queries.connection_of(db, job)
        if job.manager_job_id is None and job.attempts == 0:
            await queries.store_manager_reply(db, job_id, manager_settled_at=work.clock.now())
            return
        await queries.claim_next_poll(db, job_id, pause=timedelta(seconds=work.settings.intervals.follow))
    try:
        manager = open_connection(work, connection)
        # Never heard of it there? Then this very submission tells its id, whether an earlier attempt arrived or not.
        sent_id = job.manager_job_id or await send_job(work, manager, job)
        await manager.cancel(sent_id)
        for closed in (await manager.closed_results(sent_id)).items:
            await manager.fetched(closed.batch_id)
        reply = await manager.read_job(sent_id)
        settled = reply.state.value in _ENDED_THERE and reply.unacknowledged == 0
    except Problem as problem:
        refused_before = job.manager_job_id is None and not passes(problem.status)
        settled = problem.type == JobNotFound.type or refused_before  # it never got there
        if not settled:
            log("job.not_withdrawn", job=job_id, problem=problem.type, detail=problem.detail)
    if settled:
        async with work.db() as db:
            await queries.store_manager_reply(db, job_id, manager_settled_at=work.clock.now(), unacknowledged=0)
