"""Close a job once the Manager has closed it and every batch is applied and acknowledged."""

from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.jobs.end import end_job
from expert.jobs.state import CLOSED_THERE, FOLLOWED, JobStage
from expert.providers.open_connection import open_connection
from expert.results import queries
from trapper_kit.logs import log
from trapper_kit.problems import Problem


async def close_job(work: ExpertWork, job_id: UUID) -> None:
    """Closes the job, as failed when a resource has no result; does nothing while results are missing."""
    async with work.db() as db:
        job = await jobs.get(db, job_id)
        if job is None or job.stage not in FOLLOWED or job.manager_job_id is None or await queries.left_of(db, job_id):
            return
        connection = await jobs.connection_of(db, job)
    if job.manager_settled_at is None:
        try:
            reply = await open_connection(work, connection).read_job(job.manager_job_id)
        except Problem as problem:
            log("job.not_heard", job=job_id, problem=problem.type, detail=problem.detail)
            return
        if reply.state not in CLOSED_THERE or reply.unacknowledged:
            return
    async with work.db() as db:
        if await queries.left_of(db, job_id):
            return
        missing = await jobs.pending(db, job_id)
        stage = JobStage.FAILED if missing else JobStage.FINISHED
        why = f"{missing} resources came back without a result" if missing else None
        await end_job(db, job_id, stage, now=work.clock.now(), error=why, settled=True)
