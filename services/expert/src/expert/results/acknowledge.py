"""Acknowledges an applied batch to its Manager, which may then delete its copy."""

from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.providers.open_connection import open_connection
from expert.results import queries
from expert.results.models import ReceivedBatch
from trapper_kit.db import enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.problems import Problem


async def acknowledge(work: ExpertWork, batch: ReceivedBatch) -> None:
    """Acknowledge a batch; when the Manager does not answer, the sweep tries again."""
    async with work.db() as db:
        job = await jobs.get(db, batch.job_id)
        assert job is not None  # noqa: S101 - a foreign key holds it
        connection = await jobs.connection_of(db, job)
    try:
        await open_connection(work, connection).fetched(batch.batch_id)
    except Problem as problem:
        log("batch.not_acknowledged", batch=batch.batch_id, problem=problem.type, detail=problem.detail)
        return
    async with work.db() as db:
        await queries.mark_acknowledged(db, batch.id, now=work.clock.now())
    async with work.db() as db:  # after the commit: of batches acknowledged at the same moment, the last sees all
        if not await queries.left_of(db, batch.job_id):
            enqueue_after_commit(db, "jobs.follow", job_id=batch.job_id)
